"""`ack`: own a job's failed run, for everybody to see. VBR has no part in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from msgspec.structs import replace

from bot.operations.actions import FollowUpAction, PreparedAction, ServerAction, Target
from bot.operations.backend import ANY_KIND, Backend, FollowUp
from bot.operations.commands import CommandLine, Unreadable, before_comment, comment_in
from bot.operations.model import (
    OPERATORS,
    Alias,
    Kind,
    NamedJob,
    Operation,
    Request,
    RequestContext,
)
from bot.operations.outcomes import (
    Acknowledged,
    AlreadyOver,
    Blocked,
    Effect,
    NeedsForm,
    NotPossible,
    Outcome,
    SyntaxProblem,
)
from bot.settings import PersonId, ServerName
from bot.store import FailedRun
from bot.veeam import JobId, JobState, SessionId, VeeamError, VeeamServer


class Acknowledge(FollowUpAction, frozen=True, tag="ack"):
    """Own a failed run: the one that began with `run`, else the job's latest; or an expectation, `unmet`.

    Where no run stands failed, it is what is not as expected of the job.

    `turn` is how often it was acknowledged when its button was drawn: a press on what another person took
    over meanwhile is another press.
    """

    operation = Operation(
        name="ack",
        usage="ack JOB",
        help="own a job's failed run, for every channel that shows it to see",
        kind=Kind.ACTION,
        audit_name="job.ack",
        roles=OPERATORS,
        examples=("ack SQL Prod", "ack SQL Prod because the host is back at noon"),
        aliases=(Alias("acknowledge", "ack"),),
        button="Acknowledge",
    )

    takes_comment = True

    run: SessionId | None = None
    turn: int = 0
    comment: str | None = None
    unmet: str | None = None
    """The kind of expectation, as its message's metadata name it, or `ANY_KIND`."""

    @classmethod
    def parse(cls, line: CommandLine) -> Request:
        """Read the job's name, and the comment."""
        job, _ = line.job_and_options(cls)
        pressed = line.as_button(job, cls.operation, comment=line.comment)
        if pressed is not None:
            return pressed
        named, topic = line.or_topic(job), line.topic
        if isinstance(named, NamedJob) and not named.readings:
            raise Unreadable(line.which_job())
        unmet = topic.unmet if topic is not None and named == topic.job else None
        return cls(named, comment=line.comment, unmet=unmet)

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """There are none but the comment."""
        return super().options_in(before_comment(words))

    def read_with(self, options: Sequence[str]) -> Self:
        """Return the same request with these words, and no others, as its options and its comment."""
        return replace(super().read_with(options), comment=comment_in(options))

    async def pick(self, backend: Backend, context: RequestContext) -> Outcome:
        """Return the job whose name is all that was read as the comment; else ask which one is meant."""
        found = await super().pick(backend, context)
        if not isinstance(found, NeedsForm) or not isinstance(self.job, NamedJob) or not self.job.readings:
            return found
        operation = self.operation
        typed = " ".join((operation.name, *self.job.after))
        return SyntaxProblem(typed, f"Which job? Usage: {operation.usage}", operation.examples[0])

    @property
    def reason(self) -> str | None:
        """The comment."""
        return self.comment

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it for the run that it is about, if that stands failed and isn't the person's already."""
        server, job_id = target.server, target.state.id
        request, blocked = self, None
        failed = await _standing(self, backend.follow_up, server, job_id)
        if failed is None and self.unmet is None and self.run is None:
            unmet = replace(self, unmet=ANY_KIND)
            failed = await _standing(unmet, backend.follow_up, server, job_id)
            request = self if failed is None else unmet
        if failed is None:
            blocked = Blocked.NOT_FAILED if self.unmet is None else Blocked.OVER
        elif failed.owner is not None and context.person.has_id(failed.owner):
            blocked = Blocked.OWN_ALREADY
        if failed is None or blocked is not None:
            view = backend.views.of(context, server, target.state)
            return NotPossible(self.operation, view, blocked or Blocked.NOT_FAILED)
        request = replace(request, run=SessionId(failed.session_id))
        return await super(Acknowledge, request).prepare(backend, target, context)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Keep who owns it."""
        del now
        server, person = prepared.target.server, prepared.context.person.id
        keeper, job_id = prepared.kept_by, prepared.target.state.id
        if self.unmet is not None:
            before = await keeper.acknowledge_unmet(server, job_id, self.unmet, person, self.comment)
        else:
            run = self.run or SessionId("")
            before = await keeper.acknowledge(server, job_id, run, person, self.comment)
        if before is None:
            over = "the run has been made up for meanwhile" if self.unmet is None else "this is over by now"
            raise VeeamError(server, over)
        return _taken_over(before, person, is_unmet=self.unmet is not None)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """The person owns the run."""
        del since
        run = await _standing(self, prepared.kept_by, vbr.name, prepared.target.state.id)
        return _owned_already(run, prepared, is_unmet=self.unmet is not None)


class AcknowledgeExpectation(ServerAction, frozen=True, tag="ackexpectation"):
    """Own what is not as expected of a server: `about` a subject that is no job of it. Nobody types it.

    `name` is the subject in words; `turn` as of `Acknowledge`.
    """

    operation = Operation(
        name="ackexpectation",
        usage="",
        help="own what is not as expected of a server, for everybody to see",
        kind=Kind.ACTION,
        audit_name="expectation.ack",
        roles=OPERATORS,
        button="Acknowledge",
    )

    about: str
    name: str
    unmet: str
    """The kind of expectation, as its message's metadata name it."""
    turn: int = 0
    comment: str | None = None

    @property
    def target_name(self) -> str:
        """What it is about."""
        return self.name

    @property
    def reason(self) -> str | None:
        """The comment."""
        return self.comment

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it, if it stands and isn't the person's already."""
        found = await backend.follow_up.unmet(target.server, self.about, self.unmet)
        if found is None:
            return AlreadyOver(self.operation, target.server, self.name, Blocked.OVER)
        if found.owner is not None and context.person.has_id(found.owner):
            return AlreadyOver(self.operation, target.server, self.name, Blocked.OWN_ALREADY)
        return self.prepared(backend, target, context, self.name)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Keep who owns it."""
        del now
        server, person = prepared.target.server, prepared.context.person.id
        before = await prepared.kept_by.acknowledge_unmet(
            server, self.about, self.unmet, person, self.comment
        )
        if before is None:
            raise VeeamError(server, "this is over by now")
        return _taken_over(before, person, is_unmet=True)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """The person owns it."""
        del since
        found = await prepared.kept_by.unmet(vbr.name, self.about, self.unmet)
        return _owned_already(found, prepared, is_unmet=True)


async def _standing(
    asked: Acknowledge, keeper: FollowUp, server: ServerName, job_id: JobId
) -> FailedRun | None:
    """What would be owned, where it stands."""
    if asked.unmet is not None:
        return await keeper.unmet(server, job_id, asked.unmet)
    return await keeper.failed_run(server, job_id, asked.run)


def _taken_over(before: FailedRun, person: PersonId, *, is_unmet: bool) -> Effect:
    """That the person owns it now, and instead of whom."""
    instead_of = None if before.owner in {None, person} else PersonId(before.owner or "")
    return Acknowledged(instead_of, before.channels, is_unmet=is_unmet)


def _owned_already(found: FailedRun | None, prepared: PreparedAction, *, is_unmet: bool) -> Effect | None:
    """That the person owns it, if they do."""
    if found is None or found.owner is None or not prepared.context.person.has_id(found.owner):
        return None
    return Acknowledged(shown_in=found.channels, is_unmet=is_unmet)
