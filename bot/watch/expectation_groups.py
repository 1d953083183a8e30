"""Many unmet expectations of one kind are one message: it counts them, and its thread lists them.

A group begins when enough expectations of one server are unmet at the same time. Those posted before that
keep their own messages; the group takes more for half a day, while some are unmet. Its message is edited as
they end.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.settings import ServerName
from bot.store import (
    Database,
    ExpectationGroup,
    ExpectationGroups,
    GroupedExpectation,
    NewOutboxRow,
    Outbox,
    Placement,
    Transaction,
    UnmetExpectation,
)
from bot.watch import facts
from bot.watch.expectations import Unmet
from bot.watch.messages import REPLY, ROOT, message
from bot.watch.thread_lists import ON_A_PAGE, DrawnRoot, left_out, page_of

TAKES_MORE = timedelta(hours=12)
_NAMED = 20


class Gathering:
    """What one transaction does to the groups of a server: begins and ends them, and queues the messages."""

    def __init__(
        self, database: Database, transaction: Transaction, server: ServerName, now: datetime
    ) -> None:
        self._kept = ExpectationGroups(database)
        self._outbox = Outbox(database)
        self._transaction = transaction
        self._server = server
        self._now = now
        self._touched: dict[str, set[str]] = defaultdict(set)

    async def group_for(
        self,
        kind: str,
        channel: str,
        *,
        since: datetime,
        allowed: float,
        mention: str | None,
        earlier: int | None,
    ) -> ExpectationGroup | None:
        """The group that takes what is unmet now, opened if need be; None: `earlier`, too few stand."""
        found = await self._kept.open(
            self._transaction, self._server, kind, channel, opened_since=self._now - TAKES_MORE
        )
        if found is not None or earlier is None:
            return found
        named = f"{self._server}/{kind}/{channel}/{since.isoformat()}/{self._now.isoformat()}"
        return ExpectationGroup(
            id=hashlib.sha256(named.encode()).hexdigest()[:16],
            server=self._server,
            kind=kind,
            channel=channel,
            since=since,
            opened_at=self._now,
            allowed=allowed,
            mention=mention,
            earlier=earlier,
        )

    async def take(self, group: ExpectationGroup, begun: Mapping[str, Unmet]) -> None:
        """Take these in, by their subjects."""
        await self._kept.put(self._transaction, group)
        size = sum((await self._kept.outcomes(self._transaction, group.id)).values())
        places = await self._kept.places(self._transaction, group.id, sorted(begun))
        new = (subject for subject in begun if subject not in places)
        places |= {subject: size + number for number, subject in enumerate(new)}
        added = [
            GroupedExpectation(
                group_id=group.id, subject=subject, name=each.name, since=each.since, place=places[subject]
            )
            for subject, each in begun.items()
        ]
        await self._kept.add(self._transaction, added)
        self._touched[group.id].update(each.subject for each in added)

    async def standing(self, subject: str) -> ExpectationGroup | None:
        """Return the group that is this subject; None where it is none, or over."""
        group = await self._kept.of(self._transaction, subject.removeprefix(facts.GROUP))
        if group is None or not await self._kept.listed(
            self._transaction, group.id, limit=1, only_standing=True
        ):
            return None
        return group

    async def own(self, group: ExpectationGroup, person: str, comment: str | None) -> None:
        """Have a person own all of it; the thread has the comment."""
        owned = replace(group, owner=person, owned=group.owned + 1)
        await self._kept.put(self._transaction, owned)
        self._touched[group.id] = set()
        if comment is not None:
            key = group_key(group.id)
            said = message(
                # With the person: once an older database is restored, another person may have that count.
                f"{key}/acknowledged/{owned.owned}/{person}",
                group.channel,
                facts.ExpectationsOwned(by=person, comment=comment),
                self._now,
                placement=Placement.REPLY,
                priority=REPLY,
                root_key=key,
            )
            await self._outbox.add(self._transaction, [said])

    async def own_one(self, unmet: UnmetExpectation, person: str) -> None:
        """Have a person own one of a group; the list in its thread says so."""
        if unmet.group_id is not None:
            await self._kept.own(self._transaction, unmet.group_id, unmet.subject, person)
            self._touched[unmet.group_id].add(unmet.subject)

    async def owner_of(self, unmet: UnmetExpectation) -> str | None:
        """Return who owns all of the group that tells of one."""
        group = None
        if unmet.group_id is not None:
            group = await self._kept.of(self._transaction, unmet.group_id)
        return None if group is None else group.owner

    async def end(self, over: Iterable[tuple[UnmetExpectation, str]]) -> None:
        """Note what of the groups is over, and how each ended."""
        by_outcome: dict[tuple[str, str], list[str]] = defaultdict(list)
        for unmet, outcome in over:
            if unmet.group_id is not None:
                by_outcome[unmet.group_id, outcome].append(unmet.subject)
        for (group_id, outcome), subjects in by_outcome.items():
            await self._kept.end(self._transaction, group_id, subjects, outcome)
            self._touched[group_id].update(subjects)

    async def queue(self) -> None:
        """Queue what the groups that changed say now."""
        for group_id, subjects in self._touched.items():
            group = await self._kept.of(self._transaction, group_id)
            if group is None:
                continue
            places = await self._kept.places(self._transaction, group_id, sorted(subjects))
            pages = sorted({page_of(place) for place in places.values()})
            await self._queue(replace(group, drawn=group.drawn + 1), pages)

    async def _queue(self, group: ExpectationGroup, pages: Sequence[int]) -> None:
        outcomes = await self._kept.outcomes(self._transaction, group.id)
        standing = await self._kept.listed(self._transaction, group.id, limit=_NAMED, only_standing=True)
        shown = facts.UnmetGroup(
            id=group.id,
            server=self._server,
            kind=group.kind,
            since=group.since,
            allowed=group.allowed,
            standing=outcomes.pop(None, 0),
            outcomes={how: number for how, number in outcomes.items() if how is not None},
            earlier=group.earlier,
            names=tuple(each.name for each in standing),
            owner=group.owner,
            owned=group.owned,
        )
        key = group_key(group.id)
        unmet = facts.ExpectationsUnmet(group=shown, mention=group.mention)
        root = DrawnRoot(
            self._outbox, self._transaction, key=key, channel=group.channel, drawn=group.drawn, now=self._now
        )
        rows: list[NewOutboxRow] = []
        if group.drawn == 1:
            rows.append(message(key, group.channel, unmet, self._now, priority=ROOT))
        elif not await self._outbox.revise(self._transaction, key, facts.encode(unmet)):
            rows.append(root.edit(facts.ExpectationsChanged(group=shown)))
        for page in pages:
            rows += await self._page(group, root, page, shown.count)
        await self._outbox.add(self._transaction, rows)
        await self._kept.put(self._transaction, group)

    async def _page(
        self, group: ExpectationGroup, root: DrawnRoot, page: int, count: int
    ) -> list[NewOutboxRow]:
        first = page * ON_A_PAGE
        found = await self._kept.listed(self._transaction, group.id, first=first, limit=ON_A_PAGE)
        listed = facts.ExpectationsList(
            group_id=group.id,
            server=self._server,
            kind=group.kind,
            listed=tuple(
                facts.ListedExpectation(
                    name=each.name, since=each.since, outcome=each.outcome, owner=each.owner
                )
                for each in found
            ),
            left_out=left_out(page, count),
        )
        return await root.page(page, listed)


def group_key(group_id: str) -> str:
    """Return the key of the row that a group's root is."""
    return f"expectations/{group_id}"
