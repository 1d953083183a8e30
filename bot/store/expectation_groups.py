"""Many expectations that are unmet at once, of one server and kind: what one message tells of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, not_, or_, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import expectation_groups, grouped_expectations

_AT_ONCE = 500
_STANDS_AT_MOST = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationGroup:
    """What one message tells of. `since` is when the first of it was due, on the server's clock.

    `allowed` is the settings' limit. So many came `earlier` and have messages of their own. It was `drawn` so
    many times, and acknowledged so many (`owned`), by its `owner` at last.
    """

    id: str
    server: str
    kind: str
    channel: str
    since: datetime
    opened_at: datetime
    allowed: float
    mention: str | None = None
    earlier: int = 0
    drawn: int = 0
    owner: str | None = None
    owned: int = 0
    reminded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedExpectation:
    """One of a group, at its `place` from 0. `outcome` is how it ended; None while it stands.

    `owner` acknowledged it by itself.
    """

    group_id: str
    subject: str
    name: str
    since: datetime
    place: int
    outcome: str | None = None
    owner: str | None = None


class ExpectationGroups:
    """The groups of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self, transaction: Transaction, server: str, kind: str, channel: str, *, opened_since: datetime
    ) -> ExpectationGroup | None:
        """Return the group that takes more: one that was opened since then, and of which some stand."""
        columns = expectation_groups.c
        query = (
            select(expectation_groups)
            .where(
                columns.server == server,
                columns.kind == kind,
                columns.channel == channel,
                columns.opened_at >= opened_since,
                _some_stand(),
            )
            .order_by(columns.opened_at.desc())
            .limit(1)
        )
        found = await transaction.values(query)
        return ExpectationGroup(**found[0]) if found else None

    async def unanswered(
        self, server: str, *, opened_before: datetime, reminded_before: datetime, limit: int
    ) -> tuple[ExpectationGroup, ...]:
        """Return what stands and nobody owns since a moment, or since people were reminded of it."""
        columns = expectation_groups.c
        query = (
            select(expectation_groups)
            .where(
                columns.server == server,
                columns.owner.is_(None),
                columns.opened_at <= opened_before,
                or_(columns.reminded_at.is_(None), columns.reminded_at <= reminded_before),
                _some_stand(),
            )
            .order_by(columns.opened_at, columns.id)
            .limit(limit)
        )
        async with self._database.reading() as reading:
            return tuple(ExpectationGroup(**values) for values in await reading.values(query))

    async def of(self, transaction: Transaction, group_id: str) -> ExpectationGroup | None:
        """Return a group by its ID."""
        query = select(expectation_groups).where(expectation_groups.c.id == group_id)
        found = await transaction.values(query)
        return ExpectationGroup(**found[0]) if found else None

    async def put(self, transaction: Transaction, group: ExpectationGroup) -> None:
        """Keep a group, new or changed."""
        values = asdict(group)
        await transaction.execute(
            transaction.insert(expectation_groups)
            .values(values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )

    async def add(self, transaction: Transaction, added: Sequence[GroupedExpectation]) -> None:
        """Add to a group; what was in it and is unmet again keeps its place."""
        insert = transaction.insert(grouped_expectations)
        again = {name: insert.excluded[name] for name in ("name", "since", "outcome", "owner")}
        statement = insert.on_conflict_do_update(index_elements=["group_id", "subject"], set_=again)
        for start in range(0, len(added), _AT_ONCE):
            await transaction.execute(statement, [asdict(each) for each in added[start : start + _AT_ONCE]])

    async def end(
        self, transaction: Transaction, group_id: str, subjects: Sequence[str], outcome: str
    ) -> None:
        """Note how these of a group ended."""
        columns = grouped_expectations.c
        for start in range(0, len(subjects), _AT_ONCE):
            some = subjects[start : start + _AT_ONCE]
            await transaction.execute(
                update(grouped_expectations)
                .where(columns.group_id == group_id, columns.subject.in_(some))
                .values(outcome=outcome)
            )

    async def own(self, transaction: Transaction, group_id: str, subject: str, owner: str) -> None:
        """Note who owns one of a group."""
        columns = grouped_expectations.c
        await transaction.execute(
            update(grouped_expectations)
            .where(columns.group_id == group_id, columns.subject == subject)
            .values(owner=owner)
        )

    async def outcomes(self, transaction: Transaction, group_id: str) -> dict[str | None, int]:
        """Return how many of a group ended how; None: they stand."""
        columns = grouped_expectations.c
        query = (
            select(columns.outcome, func.count().label("number"))
            .where(columns.group_id == group_id)
            .group_by(columns.outcome)
        )
        return {row.outcome: row.number for row in await transaction.all(query)}

    async def places(
        self, transaction: Transaction, group_id: str, subjects: Sequence[str]
    ) -> dict[str, int]:
        """Return the place of each of these that is in a group."""
        columns = grouped_expectations.c
        found: dict[str, int] = {}
        for start in range(0, len(subjects), _AT_ONCE):
            some = columns.subject.in_(subjects[start : start + _AT_ONCE])
            query = select(columns.subject, columns.place).where(columns.group_id == group_id, some)
            found.update((row.subject, row.place) for row in await transaction.all(query))
        return found

    async def listed(
        self,
        transaction: Transaction,
        group_id: str,
        *,
        limit: int,
        first: int = 0,
        only_standing: bool = False,
    ) -> tuple[GroupedExpectation, ...]:
        """Return so many of a group from a place on, in their order."""
        columns = grouped_expectations.c
        where = [columns.group_id == group_id, columns.place >= first]
        if only_standing:
            where.append(columns.outcome.is_(None))
        query = select(grouped_expectations).where(*where).order_by(columns.place).limit(limit)
        return tuple(GroupedExpectation(**values) for values in await transaction.values(query))

    async def unowned(self, transaction: Transaction, group_id: str) -> tuple[tuple[str, str], ...]:
        """Return subject and name of all of a group that stand and nobody owns, in their order."""
        columns = grouped_expectations.c
        query = (
            select(columns.subject, columns.name)
            .where(columns.group_id == group_id, columns.outcome.is_(None), columns.owner.is_(None))
            .order_by(columns.place)
        )
        return tuple((row.subject, row.name) for row in await transaction.all(query))

    async def purge(self, before: datetime) -> None:
        """Forget the groups that were opened before a moment and are over."""
        columns = expectation_groups.c
        old = select(columns.id).where(
            columns.opened_at < before, or_(not_(_some_stand()), columns.opened_at < before - _STANDS_AT_MOST)
        )
        async with self._database.transaction() as transaction:
            gone = [row.id for row in await transaction.all(old.limit(_AT_ONCE))]
            await transaction.execute(
                delete(grouped_expectations).where(grouped_expectations.c.group_id.in_(gone))
            )
            await transaction.execute(delete(expectation_groups).where(columns.id.in_(gone)))


def _some_stand() -> Any:
    columns = grouped_expectations.c
    return exists().where(columns.group_id == expectation_groups.c.id, columns.outcome.is_(None))
