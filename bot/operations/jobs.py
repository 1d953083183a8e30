"""From what somebody typed or clicked to one job on one server, and that job as this person may see it.

Whatever a person may not know of is not found, not named and not counted.
"""

import asyncio
import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from bot import veeam
from bot.observability import Clock
from bot.operations import matching, outcomes
from bot.operations.failures import Failure
from bot.operations.job_states import JobStates
from bot.operations.model import (
    AuditSubject,
    JobRef,
    KnownJob,
    NamedJob,
    Operation,
    Reading,
    Request,
    RequestContext,
    Snapshot,
    Visibility,
)
from bot.operations.permissions import Permissions, Scope
from bot.operations.running import SESSIONS_LOOKED_AT, is_running
from bot.operations.session_jobs import first_session
from bot.operations.vbr_lists import name_filter
from bot.settings import ServerName

T = TypeVar("T")

CHOICES_AT_MOST = 25
NAMES_AT_MOST = 20_000
NAMES_LAST_SECONDS = 60.0
OFFERED_FOR_SECONDS = 600.0
"""How old the names may be that a menu offers: what is chosen is looked up again by its ID."""
TYPES_KEPT = 20_000
MANY_NAMES = 2_000
"""From here on comparing them all takes long enough to be done beside the event loop."""


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job and the server it is on, as it stood when it was looked up.

    `options` are the words that turned out to be options, where that is not how the request was read.
    """

    server: ServerName
    state: veeam.JobState
    options: tuple[str, ...] | None = None

    @property
    def known(self) -> KnownJob:
        """The job by its identity."""
        return KnownJob(self.server, self.state.id)


@dataclass(frozen=True, slots=True)
class JobNow:
    """A job as it stands right before an action; `is_disabled` is None where that is unknown."""

    state: veeam.JobState
    is_active: bool
    is_disabled: bool | None
    revision: veeam.Revision

    @property
    def never_stops(self) -> bool:
        """Whether VBR cannot stop the job: immediate backup copies can only be disabled."""
        return never_stops(self.state)


_Silent = Mapping[ServerName, veeam.VeeamError]
"""The servers that did not say which jobs they have, and why."""


@dataclass(frozen=True, slots=True)
class _Named:
    server: ServerName
    job_id: veeam.JobId
    name: str


class JobFinder:
    """Finds servers and jobs. Raises `VeeamError` where the only server asked gives no answer."""

    def __init__(self, fleet: veeam.Fleet, clock: Clock, states: JobStates) -> None:
        self._fleet = fleet
        self._clock = clock
        self._states = states
        self._names: dict[ServerName, tuple[float, Mapping[veeam.JobId, str]]] = {}
        self._types: dict[KnownJob, str] = {}
        """The types of jobs, which stay what they are; the one that was read first goes first."""

    def servers(self, word: str | None, visibility: Visibility) -> tuple[ServerName, ...] | outcomes.NotFound:
        """Return the servers that the word means (None: all) of those the person may know of."""
        visible = tuple(name for name in self._fleet.names if visibility.sees_server(name))
        if word is None:
            return visible
        found = matching.pick(word, visible, str)
        return found or outcomes.NotFound("server", word, matching.nearest(word, visible) or visible)

    def server(self, word: str, visibility: Visibility) -> ServerName | outcomes.NotFound:
        """Return the server of that whole name: an action is never done on a part of one."""
        found = self.servers(word, visibility)
        if isinstance(found, outcomes.NotFound):
            return found
        exact = matching.named(word, found, str)
        return exact[0] if len(exact) == 1 else outcomes.NotFound("server", word, nearest=found)

    async def job(
        self, ref: JobRef, *, request: Request, visibility: Visibility, is_action: bool = False
    ) -> FoundJob | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        """Return the one job that is meant, as its sessions say it stands (see `_job`)."""
        found = await self._job(ref, request=request, visibility=visibility, is_action=is_action)
        if not isinstance(found, FoundJob):
            return found
        self._keep_type(found.known, found.state.type)
        known = await self._states.known(found.server)
        (state,) = await self._states.corrected(self._fleet.server(found.server), (found.state,), known)
        return replace(found, state=without_past(state, self._clock.now()))

    async def _job(
        self, ref: JobRef, *, request: Request, visibility: Visibility, is_action: bool
    ) -> FoundJob | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        """Return the one job that is meant; several are `Ambiguous`, with the request to run on the choice.

        A whole name counts before a part of one, in every way to read the line. An action (`is_action`) is
        never done on a part of a name, and a name is asked back while a silent server may have a job of that
        name too. A query also finds a job by its ID.
        """
        if isinstance(ref, KnownJob):
            return await self._known(ref, visibility)
        servers = self.servers(ref.server, visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        if not is_action and veeam.is_id(ref.text):
            by_id = await self._with_id(veeam.JobId(ref.text), servers, visibility)
            if by_id is not None:
                return by_id
        typed = _Typed.of(ref, request, is_action=is_action)
        query = veeam.JobStatesQuery(name=name_filter(ref.text), order_by="Name", ascending=True)
        answer = await self._fleet.ask(lambda server: server.all_job_states(query), servers)
        if len(servers) == 1 and answer.failures:
            raise next(iter(answer.failures.values()))
        # Where only a part of the jobs is listed, another may bear the name as well.
        is_sure = all(page.is_whole for page in answer.answers.values())
        silent = answer.failures
        visible = [
            FoundJob(server, state)
            for server, page in answer.answers.items()
            for state in page.rows
            if visibility.sees(server, state.name)
        ]
        found = await _picked(typed, visible, lambda job: job.state.name)
        if not found or (found.is_part and is_action):
            named, nameless, is_whole = await self._all_names(tuple(answer.answers), visibility)
            silent = {**silent, **nameless}
            meant = await self._by_all_names(
                typed, named, visibility, silent=silent, is_sure=is_sure and is_whole
            )
            if isinstance(meant, outcomes.NotFound):
                return replace(meant, has_answers=len(silent) < len(servers))
            return meant
        if is_action:
            # VBR's filter does not find a name with an invisible letter in it, which looks the same.
            named, nameless, is_whole = await self._all_names(tuple(answer.answers), visibility)
            silent, is_sure = {**silent, **nameless}, is_sure and is_whole
            alike = await _picked(typed, named, lambda job: job.name)
            if len(alike.pairs) > len(found.pairs) and not alike.is_part:
                return _ambiguous(typed, alike, silent)
        if (only := found.only) is not None and not (is_action and (silent or not is_sure)):
            _note_silent(silent)
            job, options = only
            return replace(job, options=options)
        return _ambiguous(
            typed, found.named(lambda job: _Named(job.server, job.state.id, job.state.name)), silent
        )

    async def named_by_options(
        self, ref: NamedJob, *, request: Request, visibility: Visibility
    ) -> FoundJob | outcomes.Ambiguous | outcomes.SyntaxProblem | None:
        """Return the job whose whole name is in what was read as options alone; None: no such job.

        Where a server does not answer, or several may be meant, they are `Ambiguous`. Options that mean
        everything are explained.
        """
        servers = self.servers(ref.server, visibility)
        if isinstance(servers, outcomes.NotFound):
            return None
        typed = _Typed.of(ref, request, is_action=True)
        named, silent, is_whole = await self._all_names(servers, visibility)
        found = await _picked(typed, named, lambda job: job.name)
        if found and not found.is_part:
            is_sure = is_whole and not silent
            one = await self._only(found, visibility) if is_sure else None
            return one or _ambiguous(typed, found, silent)
        means_all = any(matching.means_everything(reading.name) for reading in typed.readings)
        return _not_all(typed) if means_all else None

    async def names(
        self, server: veeam.VeeamServer, *, at_most_seconds: float = NAMES_LAST_SECONDS
    ) -> Mapping[veeam.JobId, str]:
        """Return the names of the server's jobs by ID, the first 20,000 of them, at most so old.

        Raises `VeeamError`.
        """
        names, _ = await self._names_of(server, at_most_seconds)
        return names

    def name_at_hand(self, server: ServerName, job_id: veeam.JobId) -> str | None:
        """Return what the job was called when the server's names were read last, if they were."""
        _, names = self._names.get(server, (-math.inf, {}))
        return names.get(job_id)

    async def types(self, jobs: Collection[KnownJob]) -> Mapping[KnownJob, str]:
        """Return the types of these jobs; a detail, asked once for each job."""
        unknown = [job for job in jobs if job not in self._types]
        async with veeam.at_once() as group:
            for job in unknown:
                group.create_task(self._read_type(job))
        return {job: self._types[job] for job in jobs if job in self._types}

    async def _read_type(self, job: KnownJob) -> None:
        asked = self._fleet.server(job.server).job_state(job.job_id)
        state = await veeam.detail(veeam.Detail.JOB_OF_SESSION, job.server, asked, None)
        if state is not None:
            self._keep_type(job, state.type)

    def _keep_type(self, job: KnownJob, kind: str) -> None:
        self._types[job] = kind
        if len(self._types) > TYPES_KEPT:
            del self._types[next(iter(self._types))]

    async def names_to_offer(self, server: veeam.VeeamServer) -> Mapping[veeam.JobId, str]:
        """Return the same for a menu, which is asked for with every pause in typing: some minutes old."""
        return await self.names(server, at_most_seconds=OFFERED_FOR_SECONDS)

    async def nearest(
        self, word: str, servers: Sequence[ServerName], visibility: Visibility
    ) -> tuple[str, ...]:
        """Return names of jobs that the person may know of and that are like the word."""
        named, silent, _ = await self._all_names(servers, visibility)
        _note_silent(silent)
        return await _nearest(word, named)

    async def _known(self, ref: KnownJob, visibility: Visibility) -> FoundJob | outcomes.NotFound:
        missing = outcomes.NotFound("job", ref.job_id)
        if ref.server not in self._fleet.names:
            return missing
        if not visibility.sees_server(ref.server):
            # VBR is not asked: how long that takes would tell whether there is such a job.
            hidden = AuditSubject(ref.server, ref.job_id, self.name_at_hand(ref.server, ref.job_id))
            return replace(missing, hidden=hidden)
        state = await self._fleet.server(ref.server).job_state(ref.job_id)
        if state is None:
            return missing
        if not visibility.sees(ref.server, state.name):
            return replace(missing, hidden=AuditSubject(ref.server, state.id, state.name))
        return FoundJob(ref.server, state)

    async def _with_id(
        self, job_id: veeam.JobId, servers: Sequence[ServerName], visibility: Visibility
    ) -> FoundJob | None:
        """Return the job of this ID, on the first server that has it; None where none that answers does."""
        answer = await self._fleet.ask(
            lambda server: self._known(KnownJob(server.name, job_id), visibility), servers
        )
        return next((found for found in answer.answers.values() if isinstance(found, FoundJob)), None)

    async def _by_all_names(
        self,
        typed: "_Typed",
        named: Sequence[_Named],
        visibility: Visibility,
        *,
        silent: _Silent,
        is_sure: bool,
    ) -> FoundJob | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        found = await _picked(typed, named, lambda job: job.name)
        is_sure = is_sure and not silent and not found.is_part
        if found.only is not None and (is_sure or not typed.is_action):
            one = await self._only(found, visibility)
            if one is not None:
                _note_silent(silent)
                return one
            found = _Picked()
        if found and not found.is_part:
            return _ambiguous(typed, found, silent)
        if typed.is_action and matching.means_everything(typed.ref.text):
            return _not_all(typed)
        if typed.ref.doubt is not None:
            return _misread(typed, typed.ref.doubt)
        if found:
            return _ambiguous(typed, found, silent)
        nearest = await _nearest(typed.ref.text, named)
        return outcomes.NotFound("job", typed.ref.text, nearest=nearest, silent=tuple(silent))

    async def _only(self, found: "_Picked[_Named]", visibility: Visibility) -> FoundJob | None:
        """The one job that is meant, as it stands; None where there are several, or it was renamed since.

        The names may be a minute old: what was renamed since is not what was typed.
        """
        if found.only is None:
            return None
        one, options = found.only
        job = await self._known(KnownJob(one.server, one.job_id), visibility)
        is_it = isinstance(job, FoundJob) and job.state.name == one.name
        return replace(job, options=options) if isinstance(job, FoundJob) and is_it else None

    async def _names_of(
        self, server: veeam.VeeamServer, at_most_seconds: float = NAMES_LAST_SECONDS
    ) -> tuple[Mapping[veeam.JobId, str], bool]:
        """The names, and whether jobs of every type are among them: only then are they kept."""
        read_at, names = self._names.get(server.name, (-math.inf, {}))
        if self._clock.monotonic() - read_at < at_most_seconds:
            return names, True
        query = veeam.JobStatesQuery(order_by="Name", ascending=True)
        page = await server.all_job_states(query, at_most=NAMES_AT_MOST)
        fresh = {state.id: state.name for state in page.rows}
        if page.is_whole:
            self._names[server.name] = (self._clock.monotonic(), fresh)
        return fresh, page.is_whole

    async def _all_names(
        self, servers: Sequence[ServerName], visibility: Visibility
    ) -> tuple[tuple[_Named, ...], _Silent, bool]:
        """All jobs that the person may know of, by name, and the servers that did not list theirs.

        And whether those that did listed jobs of every type.
        """
        answer = await self._fleet.ask(self._names_of, servers)
        named: list[_Named] = []
        for server, (names, _) in answer.answers.items():
            sees_all = visibility.sees_all(server)
            named += (
                _Named(server, job_id, name)
                for job_id, name in names.items()
                if sees_all or visibility.sees(server, name)
            )
        is_whole = all(is_whole for _, is_whole in answer.answers.values())
        return tuple(named), answer.failures, is_whole


class JobViews:
    """Job states as they are shown to the person who asks.

    `available` says what makes sense on a job and its server has, the likeliest first. Drawing a button
    gives no right: the person who clicks is checked when the action runs.
    """

    def __init__(
        self,
        permissions: Permissions,
        fleet: veeam.Fleet,
        available: Callable[[veeam.JobState, veeam.Revision], tuple[Operation, ...]],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._permissions = permissions
        self._fleet = fleet
        self._available = available

    def of(
        self,
        context: RequestContext,
        server: ServerName,
        state: veeam.JobState,
        failure: Failure | None = None,
    ) -> outcomes.JobView:
        """Return the job as shown, with the operations that make sense on it and are allowed."""
        failure = failure or Failure()
        if failure.is_stopped:
            state = msgspec.structs.replace(state, was_stopped=True)
        scope = Scope(server, state.name)
        return outcomes.JobView(
            server=server,
            state=without_past(visible_state(context.visibility, server, state), self._clock.now()),
            streak=failure.streak,
            reason=failure.reason,
            object_name=failure.object_name,
            finding=failure.finding,
            operations=tuple(
                operation
                for operation in self._available(state, self._fleet.server(server).revision)
                if self._permissions.may(context.person, operation, scope).is_allowed
            ),
        )


def is_supported(operation: Operation, revision: veeam.Revision) -> bool:
    """Whether a server of this revision has the operation, whatever its jobs."""
    return operation.needs is None or revision.has(operation.needs)


def visible_state(visibility: Visibility, server: ServerName, state: veeam.JobState) -> veeam.JobState:
    """Return the state without a predecessor that the person may not know of.

    `nextRunPolicy` names it too ("After [X]").
    """
    before = state.run_after_job
    if visibility.sees_all(server) or (before is not None and visibility.sees(server, before.job_name or "")):
        return state
    policy = state.next_run_policy if state.next_run is not None else None
    return msgspec.structs.replace(state, run_after_job=None, next_run_policy=policy)


def without_past(state: veeam.JobState, now: datetime) -> veeam.JobState:
    """Return the state without a next run that was due before now; VBR may go on naming it.

    `nextRunPolicy` names the time too, unless it says something else: `<As new restore points appear>`.
    """
    if state.next_run is None or state.next_run >= now:
        return state
    policy = state.next_run_policy or ""
    says_time = any(map(str.isdigit, policy))
    return msgspec.structs.replace(state, next_run=None, next_run_policy=None if says_time else policy)


async def latest_run(server: veeam.VeeamServer, job_id: veeam.JobId) -> veeam.Session | None:
    """Return a job's newest run, going on or over; None where VBR lists none. Raises `VeeamError`."""
    query = veeam.SessionsQuery(
        job_id=job_id, order_by="CreationTime", ascending=False, limit=SESSIONS_LOOKED_AT
    )
    return await first_session(server, query, lambda session: is_run_of(session, job_id))


def is_run_of(session: veeam.Session, job_id: veeam.JobId) -> bool:
    """Whether a session is a run of the job, by its type and, where nobody knows the type, by its job."""
    group = veeam.session_group(session.session_type, job_id=session.job_id, job_ids={job_id})
    return group is veeam.SessionGroup.JOB_RUN


async def run_since(server: veeam.VeeamServer, before: veeam.JobState) -> veeam.Session | None:
    """Return the job's newest run where it is a new one since; None otherwise. Raises `VeeamError`."""
    newest = await latest_run(server, before.id)
    return newest if newest is not None and newest.id != before.session_id else None


def never_stops(state: veeam.JobState) -> bool:
    """Whether VBR cannot stop the job: immediate backup copies can only be disabled."""
    return state.is_immediate_copy


async def job_now(server: veeam.VeeamServer, state: veeam.JobState, *, for_switch: bool = False) -> JobNow:
    """Return whether the job runs or, `for_switch`, whether it is disabled: its status may not say.

    One started while disabled may stay `disabled` during the run: then its newest session says. While a job
    runs, its status may not say that it is disabled: then its settings do, where the revision can describe
    it. Raises `VeeamError`.
    """
    is_active, is_disabled = state.is_active, state.is_disabled
    if for_switch:
        if is_disabled or not is_active:
            return JobNow(state, is_active, is_disabled, server.revision)
        try:
            return JobNow(state, is_active, (await server.job(state.id)).is_disabled, server.revision)
        except (veeam.NotFoundOnServer, veeam.Rejected):
            return JobNow(state, is_active, None, server.revision)
    if not is_active and is_disabled:
        is_active = await is_running(server, state)
    return JobNow(state, is_active, is_disabled, server.revision)


async def with_session(server: veeam.VeeamServer, job: FoundJob) -> FoundJob:
    """Return the job with its latest session named, if VBR names it at all: a state need not.

    Raises `VeeamError`.
    """
    return job if job.state.session_id is not None else await with_latest_session(server, job)


async def with_latest_session(server: veeam.VeeamServer, job: FoundJob) -> FoundJob:
    """Return the job with the newest session that VBR lists of it, whichever its state names.

    Raises `VeeamError`.
    """
    latest = await latest_run(server, job.state.id)
    if latest is None:
        return job
    return replace(job, state=msgspec.structs.replace(job.state, session_id=latest.id))


def has_moved_on(drawn: Snapshot, listed: veeam.JobState, now: veeam.JobState) -> bool:
    """Whether a job is not as it was when a button was drawn.

    `listed` is its state as VBR lists it, `now` the same with its session named. A button that was drawn from
    a state without a session knows of none.
    """
    if drawn.session_id is None and listed.session_id is None:
        return drawn.is_active != now.is_active
    return (drawn.session_id, drawn.is_active) != (now.session_id, now.is_active)


def snapshot_of(state: veeam.JobState) -> Snapshot:
    """Return what a button drawn now carries of the job's state."""
    return Snapshot(state.session_id, state.is_active)


async def beside_the_loop(count: int, compare: Callable[[], T]) -> T:
    """Compare so many names, in a thread where they are many."""
    return await asyncio.to_thread(compare) if count >= MANY_NAMES else compare()


def _note_silent(silent: _Silent) -> None:
    """Say in the answer that these servers may have a job of that name too."""
    for error in silent.values():
        veeam.note_missing(veeam.Detail.OTHER_JOBS, error)


async def _nearest(word: str, named: Sequence[_Named]) -> tuple[str, ...]:
    return await beside_the_loop(len(named), lambda: matching.nearest(word, [job.name for job in named]))


@dataclass(frozen=True, slots=True)
class _Typed:
    """What somebody typed, and every way to read it for the request; the request's own way comes first."""

    ref: NamedJob
    request: Request
    readings: tuple[Reading, ...]
    is_action: bool

    @classmethod
    def of(cls, ref: NamedJob, request: Request, *, is_action: bool) -> "_Typed":
        readings = ref.readings or (Reading(ref.text),)
        bares = ([matching.bare(word) for word in reading.options] for reading in readings)
        can_be = (request.options_in(words) is not None for words in bares)
        return cls(ref, request, tuple(itertools.compress(readings, can_be)), is_action)

    @property
    def whole(self) -> str:
        """All that was typed, as far as it may be a name."""
        return max((reading.name for reading in self.readings), key=len, default=self.ref.text)

    def request_with(self, options: tuple[str, ...] | None) -> Request:
        """The request in the reading with these options; None: as it is."""
        return self.request if options is None else self.request.read_with(options)

    def name_with(self, options: tuple[str, ...] | None) -> str:
        """The name in the reading with these options; None: as the request has it."""
        names = (reading.name for reading in self.readings if self.options_of(reading) == options)
        return next(names, self.whole)

    def options_of(self, reading: Reading) -> tuple[str, ...] | None:
        """The options of a reading; None where the request has them already."""
        return None if reading.name == self.ref.text else reading.options


@dataclass(frozen=True, slots=True)
class _Picked(Generic[T]):
    """What the words may mean, each with its options; `is_part` where only a part of a name was typed."""

    pairs: tuple[tuple[T, tuple[str, ...] | None], ...] = ()
    is_part: bool = False

    def __bool__(self) -> bool:
        return bool(self.pairs)

    @property
    def only(self) -> tuple[T, tuple[str, ...] | None] | None:
        """The one that is meant, in its one reading."""
        return self.pairs[0] if len(self.pairs) == 1 else None

    def named(self, name: Callable[[T], _Named]) -> "_Picked[_Named]":
        """The same by their names."""
        return _Picked(tuple((name(one), options) for one, options in self.pairs), self.is_part)


def _pick(typed: _Typed, among: Sequence[T], name_of: Callable[[T], str]) -> _Picked[T]:
    """Return what the words mean: jobs of that whole name, in any reading, or else those with such a part.

    Of names that differ in letter case alone a query takes the very one that was typed.
    """
    ref = typed.ref
    pairs = [
        (one, typed.options_of(reading))
        for reading in typed.readings
        for one in matching.named(reading.name, among, name_of, is_strict=not typed.is_action)
    ]
    if pairs or ref.exact:
        return _Picked(tuple(pairs))
    if ref.doubt is not None:
        return _Picked()
    parts = [
        (one, typed.options_of(reading))
        for reading in typed.readings
        for one in matching.pick(reading.name, among, name_of)
    ]
    return _Picked(tuple(parts), is_part=True)


async def _picked(typed: _Typed, among: Sequence[T], name_of: Callable[[T], str]) -> _Picked[T]:
    return await beside_the_loop(len(among), lambda: _pick(typed, among, name_of))


def _ambiguous(typed: _Typed, found: _Picked[_Named], silent: _Silent) -> outcomes.Ambiguous:
    ordered = sorted(found.pairs, key=lambda pair: (matching.fold(pair[0].name), pair[0].server))
    readings = {options for _, options in found.pairs}
    choices = tuple(
        outcomes.JobChoice(
            job.server,
            job.job_id,
            job.name,
            None if readings == {None} else typed.request_with(options),
        )
        for job, options in ordered[:CHOICES_AT_MOST]
    )
    if found.is_part and typed.ref.text:
        word = typed.ref.text  # What is a part of a name is so without the options and the comment, too.
    else:
        word = typed.name_with(*readings) if len(readings) == 1 else typed.whole
    return outcomes.Ambiguous(
        word,
        typed.request,
        choices,
        total=len(found.pairs),
        silent=tuple(silent),
        is_part=found.is_part,
    )


def _not_all(typed: _Typed) -> outcomes.SyntaxProblem:
    name = typed.request.operation.name
    return _misread(typed, f"{name} works on one job at a time, so it takes one job's name.")


def _misread(typed: _Typed, problem: str) -> outcomes.SyntaxProblem:
    operation = typed.request.operation
    return outcomes.SyntaxProblem(f"{operation.name} {typed.whole}", problem, operation.examples[-1])
