"""Who subscribed a channel, and to what they may by now: a subscription shows nothing beyond that."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.observability import Clock
from bot.operations.commands import CommandLine, Word
from bot.operations.model import AuditSubject, Operation, People, Person, Refusal, Visibility, covers
from bot.operations.permissions import Permission, Permissions, Scope
from bot.operations.places import Places
from bot.settings import PersonId, Role, RouteResult, globs_overlap
from bot.store import NewSubscription, Subscription

SUBSCRIBERS = frozenset({Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR})
"""Who subscribes channels, and ends what others subscribed them to."""
DEFAULT_RESULTS = (RouteResult.FAILED, RouteResult.WARNING)
_WORDS = {
    "failed": RouteResult.FAILED,
    "failure": RouteResult.FAILED,
    "failures": RouteResult.FAILED,
    "warning": RouteResult.WARNING,
    "warnings": RouteResult.WARNING,
    "success": RouteResult.SUCCESS,
    "successes": RouteResult.SUCCESS,
}
_BETWEEN = frozenset({"or", "and", "", "+", "&"})
_SECONDS = 5.0
"""So long what Slack says counts, also that it says nothing."""
_MOST_KEPT = 1_000
_UNSURE = frozenset({Refusal.PERSON_UNREADABLE, Refusal.GROUPS_UNREADABLE, Refusal.CHANNEL_UNREADABLE})


@dataclass(frozen=True, slots=True)
class Reach:
    """What a subscription may show: the jobs to which its maker may subscribe channels.

    With a `refusal` it shows nothing, and that is why.
    """

    visibility: Visibility
    refusal: Refusal | None = None

    def refusal_of(self, subscription: NewSubscription, job_name: str | None) -> Refusal | None:
        """Return why a subscription shows nothing, if so; `job_name` is what its job is called by now."""
        if self.refusal is not None:
            return self.refusal
        server, pattern = subscription.server, subscription.pattern
        if server is not None and subscription.job_id is not None:
            return None if self.visibility.sees(server, job_name or "") else Refusal.SCOPE
        shows = any(
            pattern is None or any(globs_overlap(glob, pattern) for glob in grant.jobs)
            for grant in self.visibility.grants
            if server is None or covers(grant, server)
        )
        return None if shows else Refusal.SCOPE

    def covers(self, other: Visibility, servers: Collection[str]) -> bool:
        """Whether it shows all that another person's may show, as far as grants tell at a glance."""
        if self.refusal is not None:
            return False
        sees_all = all(self.visibility.sees_all(server) for server in servers)
        return sees_all or set(other.grants) <= set(self.visibility.grants)

    @property
    def is_unsure(self) -> bool:
        """Whether nobody can say at the moment."""
        return self.refusal in _UNSURE


class Subscribers:
    """Says what subscriptions may show, by people's grants and by who reads their channels.

    What counts is where the person who made one may do so (`operation`), of the `servers` there are.
    """

    def __init__(
        self,
        people: People,
        permissions: Permissions,
        places: Places,
        clock: Clock,
        *,
        operation: Operation,
        servers: Collection[str],
    ) -> None:
        self._people = people
        self._permissions = permissions
        self._places = places
        self._clock = clock
        self._operation = operation
        self._servers = servers
        self._known: dict[tuple[str, str], tuple[Reach, float]] = {}

    async def may_get(self, subscription: Subscription, server: str, job_name: str) -> bool | None:
        """Whether it may show a job by now; None where nobody can say. Never raises."""
        reach = await self.reach(subscription)
        if reach.refusal is not None:
            return None if reach.is_unsure else False
        return reach.visibility.sees(server, job_name)

    async def may_end(self, person: Person, subscription: Subscription, job_name: str | None) -> Permission:
        """Return whether a person who may subscribe may end it. Never raises.

        Their own, what shows nothing, and what shows nothing to which they couldn't subscribe.
        """
        server, reach = subscription.server, await self.reach(subscription)
        is_idle = reach.refusal_of(subscription, job_name) is not None and not reach.is_unsure
        is_gone = server is not None and server not in self._servers
        if person.has_id(subscription.person_id) or is_idle or is_gone:
            return Permission(None)
        if server is not None and subscription.job_id is not None:
            return self._permissions.may(person, self._operation, Scope(server, job_name))
        own = Reach(self._permissions.reach(person, self._operation))
        if not reach.is_unsure and own.covers(reach.visibility, self._servers):
            return Permission(None)
        servers = self._servers if server is None else (server,)
        shown = (each for each in servers if reach.is_unsure or reach.visibility.sees_server(each))
        answers = (
            self._permissions.may_on_all(person, self._operation, each, subscription.pattern)
            for each in shown
        )
        return next((may for may in answers if not may.is_allowed), Permission(None))

    async def reach(self, subscription: Subscription) -> Reach:
        """Return what it may show by now. Never raises."""
        key = (subscription.person_id, subscription.channel)
        reach, read_at = self._known.get(key, (None, 0.0))
        if reach is not None and self._clock.monotonic() - read_at < _SECONDS:
            return reach
        try:
            async with asyncio.timeout(_SECONDS):
                reach = await self._read(subscription)
        except TimeoutError:
            reach = Reach(Visibility(()), Refusal.PERSON_UNREADABLE)
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[key] = (reach, self._clock.monotonic())
        return reach

    async def _read(self, subscription: Subscription) -> Reach:
        person = await self._people.read(PersonId(subscription.person_id))
        if (refusal := self._permissions.may(person, self._operation).refusal) is not None:
            return Reach(Visibility(()), refusal)
        visibility = self._permissions.reach(person, self._operation)
        if subscription.is_direct:
            return Reach(visibility)
        return Reach(visibility, await self._places.refusal_for_everybody(subscription.channel))


def results_in(words: Sequence[str]) -> tuple[RouteResult, ...] | None:
    """Return the results that the words name, each once; None where they say anything else."""
    bare = [part for word in words for part in word.strip(",;").split(",")]
    if bare and (bare[0] not in _WORDS or bare[-1] not in _WORDS):
        return None
    if any(word not in _WORDS and word not in _BETWEEN for word in bare):
        return None
    return tuple(dict.fromkeys(_WORDS[word] for word in bare if word in _WORDS))


def leading_results(
    line: CommandLine,
) -> tuple[tuple[RouteResult, ...], tuple[Word, ...], CommandLine]:
    """Return the results that a line begins with, the words that name them, and the rest of the line."""
    for count in range(len(line.words), 0, -1):
        before = line.words[:count]
        found = None if any(word.is_quoted for word in before) else results_in([one.bare for one in before])
        if found is not None:
            return found, before, replace(line, words=line.words[count:])
    return (), (), line


def in_plain_words(subscription: NewSubscription) -> str:
    """Return what a channel is subscribed to, for the record."""
    results = ", ".join(subscription.results)
    if subscription.job_id is not None:
        return f"{results} of {subscription.pattern}"
    jobs = "all jobs" if subscription.pattern is None else f"jobs like {subscription.pattern}"
    return f"{results} of {jobs}"


def subject_of(subscription: NewSubscription) -> AuditSubject | None:
    """Return what the record says that it is about; None for all servers."""
    if subscription.server is None:
        return None
    name = subscription.pattern if subscription.job_id is not None else None
    return AuditSubject(subscription.server, subscription.job_id, name)
