"""Announcements as facts: what is to be told, stored in the outbox and drawn only when it is sent.

Everything here survives as JSON: a release that adds a field gives it a default, so that what already
waits is read. All times are aware, in UTC; sizes are bytes.
"""

from datetime import datetime

import msgspec

from bot.veeam import JobId, Result, ServerName, SessionId, known


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of every announcement: immutable, JSON both ways."""


class ObjectFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object of a session that failed or warned, with its own message."""

    name: str
    result: str
    message: str | None = None


class StoryFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a session's task sessions and log tell. `problems` and `records` are cut; the totals are not.

    `is_incomplete` when VBR did not give all of it at the time.
    """

    problems: tuple[ObjectFacts, ...] = ()
    failed_total: int = 0
    warned_total: int = 0
    succeeded_total: int = 0
    objects_total: int = 0
    records: tuple[str, ...] = ()
    bottleneck: str | None = None
    processed_bytes: int | None = None
    read_bytes: int | None = None
    transferred_bytes: int | None = None
    is_incomplete: bool = False


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session that ended. `result` is VBR's word.

    `started_by` and `stopped_by` are the people who did so through the bot, `…_in` the channels they did
    it in. `retries` is the first session of the run that this one retries and `begins_run` that it retries
    none, where VBR says so. `lacks` is what the server's revision of the API has not.
    """

    session_id: SessionId
    session_type: str
    result: str
    created_at: datetime
    ended_at: datetime
    message: str | None = None
    initiated_by: str | None = None
    started_by: str | None = None
    started_operation: str | None = None
    started_in: str | None = None
    stopped_by: str | None = None
    stopped_in: str | None = None
    story: StoryFacts | None = None
    retries: SessionId | None = None
    begins_run: bool = False
    lacks: tuple[str, ...] = ()


class RunFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a job: its first session and the retries that belong to it, oldest first.

    `attempts_total` is one more than the job's automatic retries; None when unknown, or when the run isn't
    retried automatically. `is_final` when no further automatic attempt is to be expected. `is_late` when
    it is told long after it ended.
    """

    server: ServerName
    job_id: JobId
    job_name: str
    attempts: tuple[SessionFacts, ...]
    job_type: str | None = None
    attempts_total: int | None = None
    next_attempt_expected_at: datetime | None = None
    is_final: bool = True
    is_late: bool = False

    @property
    def first(self) -> SessionFacts:
        """The session the run began with."""
        return self.attempts[0]

    @property
    def last(self) -> SessionFacts:
        """The latest session of the run: its result is the run's."""
        return self.attempts[-1]

    @property
    def is_recovered(self) -> bool:
        """Whether a later attempt went well where the first one had Failed."""
        first, last = known(Result, self.first.result), known(Result, self.last.result)
        return first is Result.FAILED and last in {Result.SUCCESS, Result.WARNING}


class RunEnded(Facts, frozen=True, kw_only=True, tag="run_ended"):
    """The root: a run's first session ended. Drawn from `run`, which later attempts replace."""

    run: RunFacts
    mention: str | None = None


class RunChanged(Facts, frozen=True, kw_only=True, tag="run_changed"):
    """The root is to be redrawn: a further attempt ended, or none came."""

    run: RunFacts


class SessionStory(Facts, frozen=True, kw_only=True, tag="session_story"):
    """In the thread: what failed in the run's first session, with the messages."""

    run: RunFacts
    session: SessionFacts


class AttemptEnded(Facts, frozen=True, kw_only=True, tag="attempt_ended"):
    """In the thread: a further attempt and its outcome. `mention` when it was the last and failed."""

    run: RunFacts
    session: SessionFacts
    mention: str | None = None


class NoFurtherAttempt(Facts, frozen=True, kw_only=True, tag="no_further_attempt"):
    """In the thread: the automatic attempt that was expected did not come, so the failure stands."""

    run: RunFacts
    mention: str | None = None


class CaughtUp(Facts, frozen=True, kw_only=True, tag="caught_up"):
    """A first start, in one line: since when sessions were read, how they went, how many jobs stand wrong."""

    server: ServerName
    since: datetime
    results: dict[str, int]
    problems_total: int = 0


class CaughtUpProblems(Facts, frozen=True, kw_only=True, tag="caught_up_problems"):
    """In the thread of `CaughtUp`: the jobs whose latest run failed or warned, the latest first."""

    problems: tuple[RunFacts, ...]
    problems_total: int


class ServerSilent(Facts, frozen=True, kw_only=True, tag="server_silent"):
    """A server did not answer for several polls. `problem` is the error's class, `detail` its short line."""

    server: ServerName
    since: datetime
    problem: str
    detail: str


class ServerBack(Facts, frozen=True, kw_only=True, tag="server_back"):
    """A silent server answers again; `late_total` sessions that ended meanwhile are being told."""

    server: ServerName
    silent_since: datetime
    back_at: datetime
    late_total: int


class ChannelClosed(Facts, frozen=True, kw_only=True, tag="channel_closed"):
    """A channel cannot be posted to; told once, in another channel. `problem` is Slack's error word."""

    channel: str
    problem: str
    waiting: int


class DisableEnds(Facts, frozen=True, kw_only=True, tag="disable_ends"):
    """A reminder: a job that `person` disabled for a time is enabled again soon."""

    server: ServerName
    job_id: JobId
    job_name: str
    person: str
    until: datetime


class DisableEnded(Facts, frozen=True, kw_only=True, tag="disable_ended"):
    """The time is over for which `person` disabled a job, or somebody ended it before.

    `outcome`: "enabled" by the bot; "enabled_before" by somebody else; "gone": no such job any more;
    "refused" by VBR, and "unclear", both with VBR's words as `problem`.
    """

    server: ServerName
    job_id: JobId
    job_name: str
    person: str
    disabled_at: datetime
    until: datetime
    outcome: str
    problem: str | None = None


class ActionRecorded(Facts, frozen=True, kw_only=True, tag="action_recorded"):
    """An action that is on record with its outcome, or that was refused; for the audit channel.

    `operation` is its name on record ("job.retry"), `asked` what else was asked for ("active full"), `said`
    why it failed or was refused, `reason` why the asker wants it. Server and job are None where none was
    reached, the approver where it took none.
    """

    operation: str
    outcome: str
    person_id: str
    person_name: str
    reference: str
    origin: str
    at: datetime
    channel_id: str | None = None
    server: str | None = None
    job_name: str | None = None
    asked: str | None = None
    session_id: str | None = None
    said: str | None = None
    approver_id: str | None = None
    approver_name: str | None = None
    reason: str | None = None


class ApprovalFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that takes a second person, what it touches, and what became of it.

    `operation` is its name in the catalog; `name` that of a job, or of a machine; `asked` what else was asked
    for. `status` to `repository` are the job's as it stood when it was asked. `state` is "pending",
    "approved" or "ended"; `outcome` is "declined", "withdrawn", "expired", "overtaken", "refused",
    "not_sent", or the kind of what came of it once it was sent.
    """

    id: str
    operation: str
    person: str
    server: ServerName
    name: str
    job_id: JobId | None
    asked_at: datetime
    expires_at: datetime
    asked: str | None = None
    reason: str | None = None
    status: str | None = None
    is_disabled: bool = False
    objects: int | None = None
    last_result: str | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None
    repository: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    state: str = "pending"
    decider: str | None = None
    decided_at: datetime | None = None
    outcome: str | None = None
    problem: str | None = None
    ended_at: datetime | None = None


class ApprovalAsked(Facts, frozen=True, kw_only=True, tag="approval_asked"):
    """Somebody asks for what takes a second person: the message with Approve and Decline."""

    approval: ApprovalFacts


class ApprovalChanged(Facts, frozen=True, kw_only=True, tag="approval_changed"):
    """That message is to be redrawn: the request was approved, or it ended."""

    approval: ApprovalFacts


class ApprovalEnded(Facts, frozen=True, kw_only=True, tag="approval_ended"):
    """In its thread, for whoever asked: the request ended, and not by what they asked for being done."""

    approval: ApprovalFacts


class ApprovalHeldBack(Facts, frozen=True, kw_only=True, tag="approval_held_back"):
    """For whoever asked: the channel cannot be posted to, so nobody sees the request yet."""

    approval: ApprovalFacts
    channel: str
    problem: str


Announcement = (
    RunEnded
    | RunChanged
    | SessionStory
    | AttemptEnded
    | NoFurtherAttempt
    | CaughtUp
    | CaughtUpProblems
    | ServerSilent
    | ServerBack
    | ChannelClosed
    | DisableEnds
    | DisableEnded
    | ActionRecorded
    | ApprovalAsked
    | ApprovalChanged
    | ApprovalEnded
    | ApprovalHeldBack
)

_decoder = msgspec.json.Decoder(Announcement)


def encode(announcement: Announcement) -> str:
    """Return the announcement as the JSON that the outbox keeps."""
    return msgspec.json.encode(announcement).decode()


def decode(body: str) -> Announcement:
    """Return the announcement that `encode` stored; raises `msgspec.ValidationError` for anything else."""
    announcement: Announcement = _decoder.decode(body)
    return announcement
