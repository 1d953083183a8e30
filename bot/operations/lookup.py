"""From what somebody typed or clicked to one job on one server, among those that this person may know of.

VBR's `nameFilter` matches any field of a row and knows `*` at its ends only, so it narrows what is fetched
and never decides; names are compared here.
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.observability import Clock
from bot.operations import matching
from bot.operations.outcomes import Ambiguous, Choice, NotFound
from bot.operations.requests import ActionRequest, JobRef, KnownJob, NamedJob, Request
from bot.operations.roles import Sight
from bot.settings import ServerName
from bot.veeam import (
    Fleet,
    FleetAnswer,
    JobId,
    JobState,
    JobStatesQuery,
    NotAllowed,
    Rejected,
    VeeamServer,
)
from bot.veeam import NotFoundOnServer as NotOnServer

T = TypeVar("T")

CHOICES_AT_MOST = 25
NAMES_AT_MOST = 20_000
NAMES_AT_ONCE = 200
NAMES_LAST_SECONDS = 60.0
OFFERED_FOR_SECONDS = 600.0
"""How old the names may be that a menu offers: what is chosen is looked up anew by its ID."""
MANY_NAMES = 2_000
"""From here on comparing them all takes long enough to be done beside the event loop."""

_TYPOGRAPHY = matching.DOUBLE_QUOTES + matching.SINGLE_QUOTES + matching.DASHES + matching.INVISIBLE
_UNSURE = re.compile(rf"[*?\-\u2026{_TYPOGRAPHY}]|[^\S ]+| {{2,}}")
"""What VBR reads as a wildcard, and what may be written otherwise in the name that is meant."""


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job and the server it is on, as it stood when it was looked up."""

    server: ServerName
    state: JobState


@dataclass(frozen=True, slots=True)
class _Named:
    server: ServerName
    job_id: JobId
    name: str


class Lookup:
    """Resolves servers and jobs. Raises `VeeamError` where the only server asked gives no answer."""

    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._names = JobNames(clock)

    def servers(self, word: str | None, sight: Sight) -> tuple[ServerName, ...] | NotFound:
        """Return the servers that the word means (None: all) of those the person may know of."""
        visible = tuple(name for name in self._fleet.names if sight.sees_server(name))
        if word is None:
            return visible
        found = matching.pick(word, visible, str)
        return found or NotFound("server", word, matching.nearest(word, visible) or visible)

    async def job(self, ref: JobRef, *, request: Request, sight: Sight) -> FoundJob | NotFound | Ambiguous:
        """Return the one job that is meant; several are `Ambiguous`, with the request to run on the choice.

        An action on a name, while a silent server may have a job of that name too, is asked back.
        """
        if isinstance(ref, KnownJob):
            return await self._known(ref, sight)
        servers = self.servers(ref.server, sight)
        if isinstance(servers, NotFound):
            return servers
        answer = await self._fleet.ask(lambda server: _candidates(server, ref.text), servers)
        if len(servers) == 1 and answer.failures:
            raise next(iter(answer.failures.values()))
        found = await _picked(ref, _visible(answer.answers, sight), lambda job: job.state.name)
        if not found:
            return await self._by_all_names(ref, request, answer, sight)
        if len(found) == 1 and _is_sure(request, answer):
            return found[0]
        named = tuple(_Named(job.server, job.state.id, job.state.name) for job in found)
        return _ambiguous(ref, request, named, tuple(answer.failures))

    async def names(self, server: VeeamServer) -> Mapping[JobId, str]:
        """Return the names of the server's jobs by ID, at most a minute old."""
        return await self._names.of(server)

    async def names_to_offer(self, server: VeeamServer) -> Mapping[JobId, str]:
        """Return the same for a menu, which is asked for with every pause in typing: some minutes old."""
        return await self._names.of(server, at_most_seconds=OFFERED_FOR_SECONDS)

    async def names_with(self, server: VeeamServer, word: str) -> Mapping[JobId, str]:
        """Return names as they are now: one page of jobs that have the word in their name or elsewhere."""
        query = JobStatesQuery(name=name_filter(word), order_by="Name", ascending=True, limit=NAMES_AT_ONCE)
        return {state.id: state.name for state in (await server.job_states(query)).rows}

    async def nearest(self, word: str, servers: Sequence[ServerName], sight: Sight) -> tuple[str, ...]:
        """Return names of jobs that the person may know of and that are like the word."""
        return await _nearest(word, await self._all_names(servers, sight))

    async def _known(self, ref: KnownJob, sight: Sight) -> FoundJob | NotFound:
        missing = NotFound("job", ref.job_id)
        if ref.server not in self._fleet.names or not sight.sees_server(ref.server):
            return missing
        state = await self._fleet.server(ref.server).job_state(ref.job_id)
        if state is None or not sight.sees(ref.server, state.name):
            return missing
        return FoundJob(ref.server, state)

    async def _by_all_names(
        self, ref: NamedJob, request: Request, answer: FleetAnswer[Any], sight: Sight
    ) -> FoundJob | NotFound | Ambiguous:
        servers, silent = tuple(answer.answers), tuple(answer.failures)
        named = await self._all_names(servers, sight)
        found = await _picked(ref, named, lambda job: job.name)
        if len(found) > 1 or (found and not _is_sure(request, answer)):
            return _ambiguous(ref, request, found, silent)
        if found:
            job = await self._known(KnownJob(found[0].server, found[0].job_id), sight)
            # The names may be a minute old: what was renamed since is not what was typed.
            if isinstance(job, FoundJob) and job.state.name == found[0].name:
                return job
        return NotFound("job", ref.text, nearest=await _nearest(ref.text, named), silent=silent)

    async def _all_names(self, servers: Sequence[ServerName], sight: Sight) -> tuple[_Named, ...]:
        answer = await self._fleet.ask(self._names.of, servers)
        named: list[_Named] = []
        for server, names in answer.answers.items():
            sees_all = sight.sees_all(server)
            named += (
                _Named(server, job_id, name)
                for job_id, name in names.items()
                if sees_all or sight.sees(server, name)
            )
        return tuple(named)


class JobNames:
    """The names of every server's jobs, kept briefly: for what is alike, and for whose session it was."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[ServerName, tuple[float, Mapping[JobId, str]]] = {}

    async def of(
        self, server: VeeamServer, *, at_most_seconds: float = NAMES_LAST_SECONDS
    ) -> Mapping[JobId, str]:
        """Return the names by ID, the first 20,000 of them, at most so old. Raises `VeeamError`."""
        read_at, names = self._kept.get(server.name, (-math.inf, {}))
        if self._clock.monotonic() - read_at < at_most_seconds:
            return names
        fresh: dict[JobId, str] = {}
        async for state in server.every_job_state(JobStatesQuery(order_by="Name", ascending=True)):
            fresh[state.id] = state.name
            if len(fresh) >= NAMES_AT_MOST:
                break
        self._kept[server.name] = (self._clock.monotonic(), fresh)
        return fresh


async def where_there(answer: Awaitable[T]) -> T | None:
    """Return the answer; None where the server has nothing of the kind, or does not tell this account."""
    try:
        return await answer
    except (Rejected, NotOnServer, NotAllowed):
        return None


def name_filter(word: str) -> str | None:
    """Return a `nameFilter` that leaves out no job whose name holds the word; None where it can't narrow.

    VBR takes `*` at the ends only, and typed punctuation may differ from the name's: the longest piece is
    sent.
    """
    piece = max(_UNSURE.split(word), key=lambda text: len(text.strip())).strip()
    return f"*{piece}*" if piece else None


def told_name_filter(name: str) -> str | None:
    """Return the like for a name as VBR itself tells it, which is sent whole: few rows have all of it."""
    return name_filter(name) if matching.is_glob(name) else f"*{name}*"


async def _candidates(server: VeeamServer, word: str) -> tuple[JobState, ...]:
    query = JobStatesQuery(name=name_filter(word), order_by="Name", ascending=True)
    return tuple([state async for state in server.every_job_state(query)])


def _visible(answers: Mapping[ServerName, Sequence[JobState]], sight: Sight) -> tuple[FoundJob, ...]:
    visible: list[FoundJob] = []
    for server, states in answers.items():
        sees_all = sight.sees_all(server)
        visible += (FoundJob(server, state) for state in states if sees_all or sight.sees(server, state.name))
    return tuple(visible)


async def _nearest(word: str, named: Sequence[_Named]) -> tuple[str, ...]:
    return await beside_the_loop(len(named), lambda: matching.nearest(word, [job.name for job in named]))


def _is_sure(request: Request, answer: FleetAnswer[Any]) -> bool:
    """A silent server may have a better match, or a job of the very name: an action is then asked back."""
    return not answer.failures or not isinstance(request, ActionRequest)


def _ambiguous(
    ref: NamedJob, request: Request, found: Sequence[_Named], silent: tuple[ServerName, ...]
) -> Ambiguous:
    ordered = sorted(found, key=lambda job: (matching.fold(job.name), job.server))
    choices = tuple(Choice(job.server, job.job_id, job.name) for job in ordered[:CHOICES_AT_MOST])
    return Ambiguous(ref.text, request, choices, total=len(found), silent=silent)


async def _picked(ref: NamedJob, among: Sequence[T], name_of: Callable[[T], str]) -> tuple[T, ...]:
    return await beside_the_loop(len(among), lambda: matching.pick(ref.text, among, name_of, exact=ref.exact))


async def beside_the_loop(count: int, compare: Callable[[], T]) -> T:
    """Compare so many names, in a thread where they are many."""
    return await asyncio.to_thread(compare) if count >= MANY_NAMES else compare()
