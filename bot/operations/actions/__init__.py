"""What changes VBR. Each action is one file: its request, what blocks it, what it sends, what shows it.

`perform` (perform.py) is the one path that every action takes.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from msgspec.structs import replace

from bot import veeam
from bot.operations import impact, outcomes
from bot.operations.audit_trail import Subject
from bot.operations.backend import Backend, FollowUp
from bot.operations.commands import CommandLine, Verb
from bot.operations.jobs import (
    FoundJob,
    JobNow,
    run_since,
    snapshot_of,
    with_latest_session,
    with_session,
)
from bot.operations.machines import FoundMachine
from bot.operations.model import JobRef, KnownJob, NamedJob, Request, RequestContext, Snapshot, Step
from bot.operations.permissions import Permission, Permissions, Scope
from bot.settings import ServerName
from bot.store import OwnAction

J = TypeVar("J", bound="JobAction")


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is asked for on, as it stands: a job, a machine, or a server where a job is to be.

    `account` is the one to act under, `listed` the job's state as VBR lists it (`job` names its latest
    session, which a state need not).
    """

    server: ServerName
    account: veeam.VeeamServer
    job: FoundJob | None = None
    listed: veeam.JobState | None = None
    machine: FoundMachine | None = None

    @property
    def subject(self) -> FoundJob | ServerName:
        """What the audit record says it is about."""
        return self.job or self.server

    @property
    def job_found(self) -> FoundJob:
        """The job that it is."""
        if self.job is None:
            raise TypeError("the target is no job")
        return self.job

    @property
    def state(self) -> veeam.JobState:
        """The state of the job that it is."""
        return self.job_found.state

    @property
    def machine_found(self) -> FoundMachine:
        """The machine that it is."""
        if self.machine is None:
            raise TypeError("the target is no machine")
        return self.machine


class AffectedJob(NamedTuple):
    """The job that an action turned out to be about."""

    id: veeam.JobId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedAction:
    """Something allowed and sensible, not sent yet.

    `action` names the job or machine by identity, and no state that its button was drawn in. `name` is that
    of the job, also of one that is not there yet, or of the machine; `detail` goes on record. `payload` is
    what else goes to VBR, where the action alone does not say it: an approval is bound to that too. `wanted`
    are the settings that a job has then, `changes` in words what is different or what is made, the worst
    first. For the approver `in_full` is the same without anything cut, `warnings` what the person was
    warned of, `new_repository` the ID of the one that the job will write to from now on.
    `takes_protection` where the settings leave the job with fewer backups, `removes_full_backups` where GFS
    does. `follow_up` is what does it, of an
    action that VBR has no part in.
    """

    action: "Action"
    context: RequestContext
    target: Target
    name: str
    detail: str | None = None
    payload: Mapping[str, Any] | None = None
    wanted: veeam.JobSettings | None = None
    changes: tuple[str, ...] = ()
    in_full: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    new_repository: str | None = None
    takes_protection: bool = False
    removes_full_backups: bool = False
    follow_up: FollowUp | None = None

    @property
    def reduces_protection(self) -> bool:
        """Whether there are fewer backups afterwards than there would be."""
        return self.action.operation.reduces_protection or self.takes_protection

    @property
    def body(self) -> Mapping[str, Any]:
        """The payload, of an action that has one."""
        if self.payload is None:
            raise TypeError("the action has no payload")
        return self.payload

    @property
    def kept_by(self) -> FollowUp:
        """What does an action that VBR has no part in."""
        if self.follow_up is None:
            raise TypeError("the action is sent to VBR")
        return self.follow_up

    def own_action(self, job_id: veeam.JobId, session_id: veeam.SessionId, at: datetime) -> OwnAction:
        """Return the note that a session was started or stopped from here."""
        return OwnAction(
            server=self.target.server,
            job_id=job_id,
            session_id=session_id,
            operation=self.action.operation.name,
            person_id=self.context.person.id,
            channel_id=self.context.gesture.channel_id,
            reference=self.context.gesture.reference,
            at=at,
        )


class Action(Verb, frozen=True):
    """A request that changes VBR: what the one path needs to know of it."""

    @property
    def reason(self) -> str | None:
        """Why it is asked for, in the person's own words, if they gave any."""
        return None

    def without_reason(self) -> "Action":
        """Return what is asked for, and nothing else."""
        return self

    @classmethod
    def scope(cls, server: str, name: str) -> Scope:
        """Return what the right to do it is asked on; `name` is the job's or the machine's."""
        return Scope(server, name)

    @property
    def target_name(self) -> str:
        """What it is about in words, where that is neither a job nor a machine."""
        return ""

    @property
    def is_review(self) -> bool:
        """Whether what was entered in a form is to be looked through first; nothing is done yet."""
        return False

    @property
    def capabilities(self) -> frozenset[veeam.Capability]:
        """What the server's revision of the API must have."""
        needs = self.operation.needs
        return frozenset() if needs is None else frozenset({needs})

    def unsupported(self, revision: veeam.Revision) -> outcomes.Unsupported | None:
        """Return what it takes and the server's revision does not have; None when it has all."""
        missing = next((each for each in self.capabilities if not revision.has(each)), None)
        return None if missing is None else outcomes.Unsupported(missing, revision.product)

    async def resume(self, backend: Backend, context: RequestContext) -> "Action":
        """Return the request with what is read once for each gesture: its draft, with what was entered.

        Raises `StoreError` and `VeeamError`.
        """
        del backend, context
        return self

    @abstractmethod
    async def find(self, backend: Backend, context: RequestContext) -> Target | outcomes.Outcome:
        """Return what it is asked for on, or why there is no such thing. Raises `VeeamError`."""

    @abstractmethod
    def permission(self, permissions: Permissions, context: RequestContext, target: Target) -> Permission:
        """Return whether the person may do it there."""

    def as_read(self, target: Target) -> "Action":
        """Return the request as its words are to be read, now that what it is about was found."""
        del target
        return self

    def for_target(self, target: Target) -> "Action":
        """Return the same request by the identity of what it is about, as a button carries it."""
        del target
        return self

    async def pick(self, backend: Backend, context: RequestContext) -> outcomes.Outcome:
        """Return the form that asks which job or machine is meant, where the person named none."""
        return await impact.pick_form(self, backend, context)

    @abstractmethod
    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """Return the form that asks for what is missing. Raises `VeeamError` and `StoreError`."""

    @abstractmethod
    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | outcomes.Outcome:
        """Return it ready to be sent, or why not. Raises `VeeamError` and `StoreError`."""

    async def plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """Note what others must know before VBR answers: a session may end, and a bot be killed, first."""

    async def drop_plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """Take back what was noted of an action that was not done."""

    async def drop_plan_if_unclear(self, backend: Backend, prepared: PreparedAction) -> None:
        """Take it back where no answer came and VBR shows no effect."""

    @abstractmethod
    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it, once. Raises `VeeamError`."""

    @abstractmethod
    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> outcomes.Effect | None:
        """Return what is there that speaks for its having happened; `since` is the job's state by now.

        Raises `VeeamError`.
        """

    @abstractmethod
    async def affected_job(
        self, backend: Backend, prepared: PreparedAction, effect: outcomes.Effect
    ) -> AffectedJob | None:
        """Return the job that it was done on; None where VBR does not say."""

    async def explain_failure(
        self, failed: outcomes.Failed, backend: Backend, context: RequestContext, target: Target | None = None
    ) -> outcomes.Failed:
        """Return the failure with the form as it was filled in, so that nothing entered is lost.

        Without a target VBR does not even say how the job stands, and is not asked.
        """
        del backend, context, target
        return failed


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedChange:
    """A change of what the bot keeps, allowed and not made yet; `detail` goes on record.

    `action` is what the button carries that does it later; `ends` the subscription that is ended by it.
    """

    action: "BotAction"
    subject: Subject | None
    detail: str | None
    ends: outcomes.SubscribedTo | None = None
    make: Callable[[], Awaitable[outcomes.Done | outcomes.NotSubscribed]]


class BotAction(Verb, frozen=True):
    """A request that changes what the bot keeps, and nothing in VBR (`perform.Performer.change`)."""

    @abstractmethod
    async def prepare(self, backend: Backend, context: RequestContext) -> PreparedChange | outcomes.Outcome:
        """Return it ready to be made, or why not. Raises `VeeamError` and `StoreError`."""


class JobAction(Action, frozen=True):
    """An action on one job that is there. `snapshot` is the state in which its button was drawn."""

    is_command: ClassVar[bool] = False
    """Then its session is none of the job's runs: there is nothing to stop, or to retry."""
    begins_or_ends_run: ClassVar[bool] = False
    """Then it is the likeliest, and offered before Details."""
    switches_schedule: ClassVar[bool] = False
    depends_on_state: ClassVar[bool] = True
    """Then VBR is asked how the job stands before anything is done (`blocked_by`)."""

    job: JobRef
    snapshot: Snapshot | None = None
    step: Step = Step.SEND

    @classmethod
    def parse(cls, line: CommandLine) -> Request | outcomes.SyntaxProblem:
        """Read the job's name and the options at the end of the line; without a name a form asks."""
        job, options = line.job_and_options(cls)
        return line.as_button(job, cls.operation, **options) or cls(line.or_topic(job), **options)

    @classmethod
    def makes_sense_on(cls, state: veeam.JobState) -> bool:
        """Whether to offer it on a job in this state."""
        del state
        return True

    @classmethod
    def suits_type(cls, job_type: str, revision: veeam.Revision) -> bool:
        """Whether VBR of this revision does it to jobs of this type."""
        del job_type, revision
        return True

    @classmethod
    def on_button(cls, job: KnownJob, snapshot: Snapshot | None) -> Self:
        """Return the request that the action's button on a job carries."""
        return cls(job, snapshot)

    @property
    def subject(self) -> JobRef:
        """The job."""
        return self.job

    @property
    def needs_form(self) -> bool:
        """Whether the request lacks what only a form asks for."""
        return self.step in {Step.CHOOSE, Step.FILL} or not self.names_subject

    def blocked_by(self, job: JobNow) -> outcomes.Blocked | None:
        """Return why it makes no sense on the job as it is; None when it does."""
        del job
        return None

    @property
    def detail(self) -> str | None:
        """What else is asked for, in words, for the answer and the record."""
        return None

    def for_form(self, job: KnownJob, snapshot: Snapshot | None = None) -> Self:
        """Return the same request for this job, to be asked about in a form first."""
        return replace(self, job=job, snapshot=snapshot, step=Step.FILL)

    def again(self, job: KnownJob, snapshot: Snapshot) -> Self:
        """Return the same request for the job as it is now; what a form asked for is asked again."""
        return replace(self, job=job, snapshot=snapshot)

    def as_read(self, target: Target) -> "JobAction":
        """Return the request with the options that are no part of the job's name."""
        options = target.job_found.options
        return self if options is None else self.read_with(options)

    def for_target(self, target: Target) -> "JobAction":
        """Return the request for the job as it stands."""
        return self.again(target.job_found.known, snapshot_of(target.state))

    async def find(self, backend: Backend, context: RequestContext) -> Target | outcomes.Outcome:
        """Return the job as it stands, where its whole name was typed; what is meant is asked otherwise."""
        found = await backend.finder.job(
            self.job, request=self, visibility=context.visibility, is_action=True
        )
        match found:
            case FoundJob():
                return Target(found.server, backend.fleet.server(found.server), found, listed=found.state)
            case outcomes.Ambiguous(is_part=True, choices=(outcomes.JobChoice() as only,)) if (
                not found.silent
            ):
                return await self._only_part_of(only, found, backend, context)
            case _:
                return found

    async def resume(self, backend: Backend, context: RequestContext) -> Self:
        """Return the request; where all its words were read as options, for the one job that they name."""
        found = await self._named_by_options(backend, context)
        if not isinstance(found, FoundJob):
            return self  # `pick` asks which one is meant
        read = self if found.options is None else self.read_with(found.options)
        return replace(read, job=found.known)

    async def pick(self, backend: Backend, context: RequestContext) -> outcomes.Outcome:
        """Return the form that asks for the job, unless the words that were read as options name several."""
        found = await self._named_by_options(backend, context)
        if isinstance(found, outcomes.Ambiguous | outcomes.SyntaxProblem):
            return found
        return await super().pick(backend, context)

    async def _named_by_options(
        self, backend: Backend, context: RequestContext
    ) -> FoundJob | outcomes.Ambiguous | outcomes.SyntaxProblem | None:
        """What the words name that were read as options alone."""
        job = self.job
        if self.names_subject or not isinstance(job, NamedJob) or not job.readings:
            return None
        return await backend.finder.named_by_options(job, request=self, visibility=context.visibility)

    async def _only_part_of(
        self,
        choice: outcomes.JobChoice,
        found: outcomes.Ambiguous,
        backend: Backend,
        context: RequestContext,
    ) -> outcomes.Outcome:
        """Show the one job of whose name a part was typed, with the button that does it."""
        known = KnownJob(choice.server, choice.job_id)
        job = await backend.finder.job(known, request=self, visibility=context.visibility)
        if not isinstance(job, FoundJob):
            return job
        if job.state.name != choice.name:  # renamed since: not what was typed
            return outcomes.NotFound("job", found.word)
        job = await with_session(backend.fleet.server(job.server), job)
        request = self if choice.request is None else choice.request
        if not isinstance(request, JobAction):
            raise TypeError(request)
        return outcomes.PartOfName(
            self.operation,
            found.word,
            backend.views.of(context, job.server, job.state),
            request.again(known, snapshot_of(job.state)),
        )

    def permission(self, permissions: Permissions, context: RequestContext, target: Target) -> Permission:
        """Return whether the person may do it on that very job."""
        return permissions.may(context.person, self.operation, Scope(target.server, target.state.name))

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | outcomes.Outcome:
        """Return it ready to be sent."""
        known = KnownJob(target.server, target.state.id)
        return PreparedAction(
            action=replace(self, job=known, snapshot=None),
            context=context,
            target=target,
            name=target.state.name,
            detail=self.detail,
            follow_up=backend.follow_up,
        )

    async def affected_job(
        self, backend: Backend, prepared: PreparedAction, effect: outcomes.Effect
    ) -> AffectedJob | None:
        """Return the job that was named."""
        del backend, effect
        return AffectedJob(prepared.target.state.id, prepared.target.state.name)


class ServerAction(Action, frozen=True):
    """What is done about a server, or what is the server's own, and kept here: VBR has no part in it.

    It takes the right to do so on every job of the server.
    """

    server: str

    @property
    def server_named(self) -> str | None:
        """The server."""
        return self.server

    async def find(self, backend: Backend, context: RequestContext) -> Target | outcomes.Outcome:
        """Return the server of that whole name: nothing is done on a part of one."""
        found = backend.finder.server(self.server, context.visibility)
        if isinstance(found, outcomes.NotFound):
            return found
        return Target(found, backend.fleet.server(found))

    def permission(self, permissions: Permissions, context: RequestContext, target: Target) -> Permission:
        """Return whether the person may do it on all of the server."""
        return permissions.may_throughout(context.person, self.operation, target.server)

    def for_target(self, target: Target) -> Self:
        """Return the request for the server."""
        return replace(self, server=target.server)

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """Nothing is asked: it is typed whole, or its button says all."""
        del backend, target, context
        raise TypeError(self)

    def prepared(
        self, backend: Backend, target: Target, context: RequestContext, detail: str | None
    ) -> PreparedAction:
        """Return it ready to be done."""
        return PreparedAction(
            action=self,
            context=context,
            target=target,
            name=self.target_name,
            detail=detail,
            follow_up=backend.follow_up,
        )

    async def affected_job(
        self, backend: Backend, prepared: PreparedAction, effect: outcomes.Effect
    ) -> AffectedJob | None:
        """Return what it is about, in words: no job is changed."""
        del backend, prepared, effect
        return AffectedJob(veeam.JobId(""), self.target_name)


class FollowUpAction(JobAction, frozen=True):
    """What is done about a job's failures and kept here: VBR has no part in it, nor does the job's state.

    It is offered on messages about runs.
    """

    depends_on_state = False

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """Show the job; what takes a form has its own."""
        request = replace(self, job=KnownJob(target.server, target.state.id), snapshot=None)
        touched = await impact.impact_on(backend, context, target.job_found)
        return outcomes.NeedsForm(self.operation, impact.ConfirmForm(request, touched))


class ConfirmedJobAction(JobAction, frozen=True):
    """An action on a job whose form says what it touches, and takes the options that can be typed."""

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """Say what it touches."""
        request = self.for_form(KnownJob(target.server, target.state.id), snapshot_of(target.state))
        touched = await impact.impact_on(backend, context, target.job_found)
        return outcomes.NeedsForm(self.operation, impact.ConfirmForm(request, touched))


class PolicyAction(ConfirmedJobAction, frozen=True):
    """A command to the agents of a policy: VBR answers with a session that backs nothing up."""

    is_command = True

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | outcomes.Outcome:
        """Return it ready to be sent, with the policy's newest session: its state need not name a command's.

        By that one `find_effect` tells a new session from one that was there before.
        """
        server = backend.fleet.server(target.server)
        asked = with_latest_session(server, target.job_found)
        job = await veeam.detail(veeam.Detail.SESSIONS, target.server, asked, target.job_found)
        return await super().prepare(backend, dataclasses.replace(target, job=job), context)

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> outcomes.Effect | None:
        """A new session of the policy."""
        del since
        session = await run_since(vbr, prepared.target.state)
        return outcomes.Ran(session) if session is not None else None
