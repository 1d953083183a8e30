"""`mute` and `unmute`: hold back the messages about a job, or about a server's jobs. VBR has no part in it.

A mute always ends: at a time, or when the job succeeds, and then after two weeks at the latest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Self, TypeVar

from humanize import precisedelta
from msgspec import Meta
from msgspec.structs import replace

from bot.operations.actions import FollowUpAction, PreparedAction, ServerAction, Target
from bot.operations.backend import Backend
from bot.operations.clock_times import clock_time_in, next_time, with_zone
from bot.operations.commands import (
    OR_IN_QUOTES,
    CommandLine,
    Unreadable,
    before_comment,
    comment_in,
    doubt_about_span,
    span_in,
)
from bot.operations.matching import fold
from bot.operations.model import (
    OPERATORS,
    Kind,
    KnownJob,
    NamedJob,
    Operation,
    Request,
    RequestContext,
    Snapshot,
    Step,
)
from bot.operations.outcomes import (
    Blocked,
    EarlierMute,
    Effect,
    Form,
    Muted,
    NeedsForm,
    NotFound,
    NotPossible,
    Offered,
    Outcome,
    ServerMuted,
    SyntaxProblem,
    Unmuted,
)
from bot.operations.permissions import Permission, Permissions, Scope
from bot.settings import PersonId, ServerName, is_glob
from bot.store import Mute as KeptMute
from bot.store import NewMute
from bot.veeam import JobId, JobState, VeeamError, VeeamServer

M = TypeVar("M", "Mute", "MuteServer", "MuteExpectation")

LONGEST = timedelta(days=14)
"""As long as a run's messages are looked after."""
_UNTIL_SUCCESS = (["success"], ["it", "succeeds"], ["it", "success"], ["succeeds"])


class MuteLength:
    """For how long somebody mutes: a span, a time of day in their time zone, or until the job succeeds."""

    @staticmethod
    def options_in(words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read `for 4h`, `4h`, `until 08:00` or `until success`."""
        fields: dict[str, Any] = {"span": None, "at": None, "until_success": False}
        if not words:
            return fields
        if words[0] == "until":
            if list(words[1:]) in _UNTIL_SUCCESS:
                return fields | {"until_success": True}
            at = clock_time_in(words[1:])
            return None if at is None else fields | {"at": at}
        span = span_in(words[words[0] == "for" :])
        return None if span is None or span > LONGEST else fields | {"span": span}

    @staticmethod
    def doubt_about(words: Sequence[str]) -> str | None:
        """A span or a time of day that is none, a number without its unit, a span that is too long."""
        if len(words) > 1 and words[-2] == "until":
            return f"{words[-1]} isn't a time of day (08:00, 17:30, 8am) or `success`. {OR_IN_QUOTES}"
        if not words:
            return None
        span = span_in(words[-1:])
        if span is not None and span > LONGEST:
            return f"{words[-1]} is too long: a mute lasts at most {LONGEST.days} days. {OR_IN_QUOTES}"
        if len(words) > 1 and words[-2] == "for" and words[-1].isdecimal():
            number = words[-1]
            return f"For {number} what? Write {number}m, {number}h or {number}d. {OR_IN_QUOTES}"
        return doubt_about_span(words[-1])


def _in_words(span: timedelta | None, at: time | None, until: datetime | None, *, is_success: bool) -> str:
    if is_success:
        return "until it succeeds"
    if until is not None:
        return f"until {with_zone(until)}"
    if at is not None:
        return f"until {at:%H:%M}"
    return "" if span is None else f"for {precisedelta(span, minimum_unit='minutes')}"


class Mute(FollowUpAction, frozen=True, tag="mute"):
    """Hold back the messages about a job after `span`, until the next time `at`, or until it succeeds.

    `until` is that time of day as a moment, once it is known who asks.
    """

    operation = Operation(
        name="mute",
        usage="mute JOB [2h, until 08:00 or until success] [because COMMENT]",
        help="hold back messages about a job's failures for a while; `mute server:NAME [PATTERN] 4h` is "
        "planned maintenance of a server",
        kind=Kind.ACTION,
        audit_name="job.mute",
        roles=OPERATORS,
        examples=("mute SQL Prod", "mute SQL Prod until success because disk ordered", "mute SQL Prod 4h"),
        button="Mute",
        finds_by_form=True,
    )
    takes_comment = True

    span: timedelta | None = None
    at: Annotated[time, Meta(tz=False)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    until_success: bool = False
    comment: str | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> Request | SyntaxProblem:
        """Read the job or the server, for how long, and the comment; what is missing a form asks."""
        job, options = line.job_and_options(cls)
        said = {name: options[name] for name in ("span", "at")} | {"comment": line.comment}
        pressed = line.as_button(job, cls.operation, **said)
        if isinstance(pressed, MuteExpectation):
            if options["until_success"]:
                raise Unreadable(line.problem("Only a job succeeds: say for how long.", "mute 4h"))
            return replace(pressed, step=Step.SEND if pressed.span or pressed.at else Step.FILL)
        if pressed is not None:
            return pressed
        if line.server is not None and (not job.text or (is_glob(job.text) and not job.exact)):
            span, at = options["span"], options["at"]
            if span is None and at is None:
                return line.problem(
                    "For how long? Planned maintenance of a server ends at a time.", "mute server:hq 4h"
                )
            return MuteServer(line.server, job.text or None, span, at, comment=line.comment)
        return cls(line.or_topic(job), **options, comment=line.comment)

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read for how long, before the comment."""
        return MuteLength.options_in(before_comment(words))

    @classmethod
    def doubt_about(cls, words: Sequence[str]) -> str | None:
        """What is nearly a length of time."""
        return MuteLength.doubt_about(words)

    def read_with(self, options: Sequence[str]) -> Self:
        """Return the same request with these words, and no others, as its options and its comment."""
        return replace(super().read_with(options), comment=comment_in(options))

    @classmethod
    def on_button(cls, job: KnownJob, snapshot: Snapshot | None) -> Self:
        """Return the request for the form: a mute is of a job, however it stands."""
        del snapshot
        return cls(job, step=Step.FILL)

    @property
    def needs_form(self) -> bool:
        """Whether it isn't said for how long, or which job."""
        is_open = self.span is None and self.at is None and self.until is None and not self.until_success
        return is_open or super().needs_form

    @property
    def detail(self) -> str | None:
        """For how long."""
        return _in_words(self.span, self.at, self.until, is_success=self.until_success) or None

    @property
    def reason(self) -> str | None:
        """The comment."""
        return self.comment

    def again(self, job: KnownJob, snapshot: Snapshot) -> Self:
        """Return the same request for the job, however it stands."""
        del snapshot
        return replace(self, job=job, snapshot=None)

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> Outcome:
        """Ask for how long, and for a comment."""
        del backend, context
        request = replace(self, job=KnownJob(target.server, target.state.id), snapshot=None, step=Step.FILL)
        return NeedsForm(self.operation, MuteForm(request, target.server, target.state.name))

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it with the moment that a time of day is, by UTC if the time zone is unknown."""
        request = _until_a_moment(self, backend, context)
        return await super(Mute, request).prepare(backend, target, context)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Keep it."""
        return await _muted(prepared, self, now)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """The job is muted by this very gesture."""
        del since
        kept = await prepared.kept_by.find_mute(vbr.name, job_id=prepared.target.state.id)
        return _effect_of(kept, prepared)


@dataclass(frozen=True, slots=True)
class MuteForm(Form):
    """For how long, and why? `request` has what was typed of that."""

    request: "Mute | MuteExpectation"
    server: ServerName
    name: str


class _OnServer(ServerAction, frozen=True):
    """What is done about the jobs of a server that fit a pattern, or about all of them: named in full."""

    pattern: str | None = None

    @property
    def target_name(self) -> str:
        """Which jobs."""
        return jobs_in_words(self.pattern)

    def permission(self, permissions: Permissions, context: RequestContext, target: Target) -> Permission:
        """Return whether the person may do it on every job that fits."""
        return permissions.may_on_all(context.person, self.operation, target.server, self.pattern)

    def for_jobs(
        self, backend: Backend, target: Target, context: RequestContext, detail: str | None = None
    ) -> PreparedAction:
        """Return it ready to be done; the jobs go on record."""
        jobs = None if self.pattern is None else f"jobs {self.pattern}"
        return self.prepared(backend, target, context, ", ".join(filter(None, (jobs, detail))) or None)


class MuteServer(_OnServer, frozen=True, tag="muteserver"):
    """Planned maintenance: hold back the messages about a server's jobs, those that fit a pattern or all.

    Without a pattern, what is new of the server itself is held back as well.
    """

    operation = Operation(
        name="muteserver",
        usage="",
        help="hold back messages about a server's jobs during planned maintenance",
        kind=Kind.ACTION,
        audit_name="server.mute",
        roles=OPERATORS,
        button="Mute",
    )

    span: timedelta | None = None
    at: Annotated[time, Meta(tz=False)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    comment: str | None = None

    @property
    def detail(self) -> str | None:
        """For how long."""
        return _in_words(self.span, self.at, self.until, is_success=False) or None

    @property
    def reason(self) -> str | None:
        """The comment."""
        return self.comment

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it with the moment that a time of day is, by UTC if the time zone is unknown."""
        request = _until_a_moment(self, backend, context)
        return request.for_jobs(backend, target, context, request.detail)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Keep it."""
        return await _muted(prepared, self, now)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """The server is muted by this very gesture."""
        del since
        return _effect_of(await prepared.kept_by.find_mute(vbr.name, pattern=self.pattern), prepared)


class _OnExpectation(ServerAction, frozen=True):
    """What is done about what is expected of a server and of no job of it: `about` it, in words `name`."""

    about: str
    name: str

    @property
    def target_name(self) -> str:
        """What it is about."""
        return self.name


class MuteExpectation(_OnExpectation, frozen=True, tag="muteexpectation"):
    """Hold back what is new of a repository, the licence or the configuration backup. Nobody types it."""

    operation = Operation(
        name="muteexpectation",
        usage="",
        help="hold back messages about a repository, the licence or the configuration backup",
        kind=Kind.ACTION,
        audit_name="expectation.mute",
        roles=OPERATORS,
        button="Mute",
    )

    step: Step = Step.FILL
    span: timedelta | None = None
    at: Annotated[time, Meta(tz=False)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    comment: str | None = None

    def on_same(self, label: str) -> Request | None:
        """Return what is asked for about the same subject."""
        if label == UnmuteExpectation.operation.label:
            return UnmuteExpectation(self.server, self.about, self.name)
        return super().on_same(label)

    @property
    def needs_form(self) -> bool:
        """Whether it isn't said for how long."""
        return self.step is Step.FILL

    @property
    def detail(self) -> str:
        """What, and for how long."""
        length = _in_words(self.span, self.at, self.until, is_success=False)
        return " ".join(filter(None, (self.name, length)))

    @property
    def reason(self) -> str | None:
        """The comment."""
        return self.comment

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> Outcome:
        """Ask for how long, and for a comment."""
        del backend, context
        request = replace(self, server=target.server, step=Step.FILL)
        return NeedsForm(self.operation, MuteForm(request, target.server, self.name))

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it with the moment that a time of day is, by UTC if the time zone is unknown."""
        request = _until_a_moment(self, backend, context)
        return request.prepared(backend, target, context, request.detail)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Keep it."""
        return await _muted(prepared, self, now)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """It is muted by this very gesture."""
        del since
        return _effect_of(await prepared.kept_by.find_mute(vbr.name, subject=self.about), prepared)


class UnmuteExpectation(_OnExpectation, frozen=True, tag="unmuteexpectation"):
    """Post what is new of it again. `mute` is the one that its button was drawn with."""

    operation = Operation(
        name="unmuteexpectation",
        usage="",
        help="post messages about a repository, the licence or the configuration backup again",
        kind=Kind.ACTION,
        audit_name="expectation.unmute",
        roles=OPERATORS,
        button="Unmute",
    )

    mute: int = 0

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it for what mutes it now."""
        kept = await backend.follow_up.find_mute(target.server, subject=self.about)
        if kept is None or self.mute not in {0, kept.id}:
            return NotFound("mute", f"{self.name} on {target.server}")
        return self.prepared(backend, target, context, self.name)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """End it."""
        del now
        kept = await prepared.kept_by.find_mute(prepared.target.server, subject=self.about)
        return await _unmuted(kept, prepared)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """Nothing mutes it."""
        del since
        kept = await prepared.kept_by.find_mute(vbr.name, subject=self.about)
        return Unmuted() if kept is None else None


class Unmute(FollowUpAction, frozen=True, tag="unmute"):
    """Post the messages about a job again as usual. `mute` is the one that its button was drawn with."""

    operation = Operation(
        name="unmute",
        usage="unmute JOB",
        help="post messages about a job again; `unmute server:NAME [PATTERN]` ends planned maintenance",
        kind=Kind.ACTION,
        audit_name="job.unmute",
        roles=OPERATORS,
        examples=("unmute SQL Prod",),
        button="Unmute",
    )

    mute: int = 0

    @classmethod
    def parse(cls, line: CommandLine) -> Request | SyntaxProblem:
        """Read the job or the server."""
        job, _ = line.job_and_options(cls)
        if line.server is not None and (not job.text or (is_glob(job.text) and not job.exact)):
            return UnmuteServer(line.server, job.text or None)
        named = line.or_topic(job)
        pressed = line.as_button(job, cls.operation)
        if pressed is None and isinstance(named, NamedJob) and not named.text:
            raise Unreadable(line.which_job())
        return pressed or cls(named)

    async def find(self, backend: Backend, context: RequestContext) -> Target | Outcome:
        """Return the job; where none has that name, the button for what else is muted by it."""
        found = await super().find(backend, context)
        if not isinstance(found, NotFound) or not isinstance(self.job, NamedJob):
            return found
        for kept in await backend.mutes.every(backend.clock.now()):
            is_meant = kept.subject is not None and fold(kept.job_name or "") == fold(self.job.text)
            if is_meant and may_unmute(backend.permissions, context, kept):
                request = unmute_request(kept)
                return Offered(request.operation, request, kept.job_name or "", ServerName(kept.server))
        return found

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it for what mutes the job now."""
        kept = await backend.follow_up.mute_of(target.server, target.state.id, target.state.name)
        if kept is not None and kept.is_of_server:
            view = backend.views.of(context, target.server, target.state)
            muted = ServerMuted(kept.until, _ending(kept) if may_know(kept, backend, context) else None)
            return NotPossible(self.operation, view, Blocked.MUTED_WITH_SERVER, muted=muted)
        if kept is None or self.mute not in {0, kept.id}:
            view = backend.views.of(context, target.server, target.state)
            return NotPossible(self.operation, view, Blocked.NOT_MUTED)
        return await super(Unmute, replace(self, mute=kept.id)).prepare(backend, target, context)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """End it."""
        del now
        kept = await prepared.kept_by.find_mute(prepared.target.server, job_id=prepared.target.state.id)
        return await _unmuted(kept, prepared)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """Nothing mutes the job."""
        del since
        kept = await prepared.kept_by.find_mute(vbr.name, job_id=prepared.target.state.id)
        return Unmuted() if kept is None else None


class UnmuteServer(_OnServer, frozen=True, tag="unmuteserver"):
    """End the planned maintenance of a server, or of its jobs by this very pattern."""

    operation = Operation(
        name="unmuteserver",
        usage="",
        help="end planned maintenance of a server",
        kind=Kind.ACTION,
        audit_name="server.unmute",
        roles=OPERATORS,
        button="Unmute",
    )

    mute: int = 0

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it for what mutes the server now."""
        kept = await backend.follow_up.find_mute(target.server, pattern=self.pattern)
        if kept is None or self.mute not in {0, kept.id}:
            every = await backend.mutes.every(backend.clock.now(), target.server)
            others = [each for each in every if may_know(each, backend, context)]
            if not others and self.pattern is None:
                return NotFound("mutes", target.server)
            of_server = (_ending(each) for each in others if each.is_of_server)
            suggestion = next(of_server, None)
            return NotFound("mute", f"{self.target_name} on {target.server}", suggestion=suggestion)
        return replace(self, mute=kept.id).for_jobs(backend, target, context)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """End it."""
        del now
        kept = await prepared.kept_by.find_mute(prepared.target.server, pattern=self.pattern)
        return await _unmuted(kept, prepared)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """Nothing mutes the server by this pattern."""
        del since
        kept = await prepared.kept_by.find_mute(vbr.name, pattern=self.pattern)
        return Unmuted() if kept is None else None


def jobs_in_words(pattern: str | None) -> str:
    """Return which of a server's jobs are muted, in words."""
    return "All jobs" if pattern is None else f"Jobs {pattern}"


def may_unmute(permissions: Permissions, context: RequestContext, kept: KeptMute) -> bool:
    """Whether the person may end a mute."""
    server = ServerName(kept.server)
    if kept.subject is not None:
        may = permissions.may_throughout(context.person, UnmuteExpectation.operation, server)
    elif kept.is_of_server:
        may = permissions.may_on_all(context.person, UnmuteServer.operation, server, kept.pattern)
    else:
        may = permissions.may(context.person, Unmute.operation, Scope(server, kept.job_name or ""))
    return may.is_allowed


def may_know(kept: KeptMute, backend: Backend, context: RequestContext) -> bool:
    """Whether the person may know of a mute: of its job, or of all that its pattern may mean.

    Whoever made it or may end it knows of it.
    """
    visibility = context.visibility
    if kept.subject is not None:
        return visibility.sees_server(kept.server)
    if kept.job_name is not None:
        return visibility.sees(kept.server, kept.job_name)
    if not visibility.sees_server(kept.server):
        return False
    jobs = () if kept.pattern is None else (kept.pattern,)
    return (
        visibility.sees_globs((kept.server,), jobs, backend.fleet.names)
        or context.person.has_id(kept.person_id)
        or may_unmute(backend.permissions, context, kept)
    )


def unmute_request(kept: KeptMute) -> Unmute | UnmuteServer | UnmuteExpectation:
    """Return what ends a mute, as its button carries it."""
    server = ServerName(kept.server)
    if kept.subject is not None:
        return UnmuteExpectation(server, kept.subject, kept.job_name or "", kept.id)
    if kept.job_id is None:
        return UnmuteServer(server, kept.pattern, kept.id)
    return Unmute(KnownJob(server, JobId(kept.job_id)), mute=kept.id)


def _ending(kept: KeptMute) -> str:
    """What to type to end the mute of a server."""
    return " ".join(filter(None, (f"unmute server:{kept.server}", kept.pattern)))


def _until_a_moment(asked: M, backend: Backend, context: RequestContext) -> M:
    """What is asked for, with the moment that its time of day is."""
    if asked.at is None:
        return asked
    until = next_time(asked.at, after=backend.clock.now(), zone=context.person.zone or UTC)
    return replace(asked, at=None, until=until)


async def _muted(
    prepared: PreparedAction, asked: Mute | MuteServer | MuteExpectation, now: datetime
) -> Effect:
    """Keep the mute: it never lasts longer than the longest there is."""
    latest = now + LONGEST
    until = asked.until.astimezone(UTC) if asked.until is not None else now + (asked.span or LONGEST)
    job = prepared.target.job
    new = NewMute(
        server=prepared.target.server,
        job_id=None if job is None else job.state.id,
        job_name=None if isinstance(asked, MuteServer) else prepared.name,
        pattern=asked.pattern if isinstance(asked, MuteServer) else None,
        person_id=prepared.context.person.id,
        channel_id=prepared.context.gesture.channel_id,
        reference=prepared.context.gesture.reference,
        comment=asked.comment,
        muted_at=now,
        until=min(until, latest),
        until_success=isinstance(asked, Mute) and asked.until_success,
        subject=asked.about if isinstance(asked, MuteExpectation) else None,
    )
    kept = await prepared.kept_by.find_mute(
        prepared.target.server,
        job_id=None if job is None else job.state.id,
        pattern=new.pattern,
        subject=new.subject,
    )
    shown_in = await prepared.kept_by.mute(new)
    if kept is None:
        return Muted(new.until, new.until_success, shown_in)
    is_longer = kept.is_longer_than(new)
    before = EarlierMute(PersonId(kept.person_id), kept.until, kept.until_success, is_longer)
    return Muted(kept.until if is_longer else new.until, new.until_success, shown_in, before)


def _effect_of(kept: KeptMute | None, prepared: PreparedAction) -> Effect | None:
    if kept is None or kept.reference != prepared.context.gesture.reference:
        return None
    return Muted(kept.until, kept.until_success)


async def _unmuted(kept: KeptMute | None, prepared: PreparedAction) -> Effect:
    server, keeper = prepared.target.server, prepared.kept_by
    shown_in = None
    if kept is not None:
        shown_in = await keeper.unmute(kept, prepared.context.person.id)
    if kept is None or shown_in is None:
        raise VeeamError(server, "it is muted no more")
    wider, narrower = await keeper.muted_besides(kept)
    return Unmuted(shown_in, None if wider is None else wider.until, narrower)
