"""Announcements as facts: what happened, stored in the outbox as JSON and drawn only when it is sent.

A release that adds a field gives it a default, so that rows already in the outbox can still be read. The tags
are the outbox's kinds and a metric's label values: they stay. All times are aware, in UTC; sizes are bytes.
"""

from datetime import datetime

import msgspec

from bot.store import Approval
from bot.veeam import JobId, Report, ServerName, SessionId
from bot.watch.run_facts import Acknowledgement, MuteFacts, RunFacts, SessionFacts

GROUP = "group:"
"""So begins the subject that many unmet expectations are together."""


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of every announcement: immutable, JSON both ways."""


class RunEnded(Facts, frozen=True, kw_only=True, tag="run_ended"):
    """The root: a run's first session ended. Drawn from `run`, which later attempts replace."""

    run: RunFacts
    mention: str | None = None


class RunChanged(Facts, frozen=True, kw_only=True, tag="run_changed"):
    """The root needs redrawing: a further attempt ended, or none came."""

    run: RunFacts


class DetailsReply(Facts, frozen=True, kw_only=True, tag="session_story"):
    """In the thread: what the root does not say of the run's first session.

    `mention` where the root could mention nobody, because it stood there before.
    """

    run: RunFacts
    session: SessionFacts
    mention: str | None = None


class AttemptEnded(Facts, frozen=True, kw_only=True, tag="attempt_ended"):
    """In the thread: a further attempt and its outcome. `mention` when it was the last and failed."""

    run: RunFacts
    session: SessionFacts
    mention: str | None = None


class NoFurtherAttempt(Facts, frozen=True, kw_only=True, tag="no_further_attempt"):
    """In the thread: the automatic attempt that was expected did not come, so the run stays failed."""

    run: RunFacts
    mention: str | None = None


class RunAcknowledged(Facts, frozen=True, kw_only=True, tag="run_acknowledged"):
    """In the thread: a person owns the failed run now, perhaps `instead_of` another."""

    run: RunFacts
    by: str
    instead_of: str | None = None


class MutedRunEnded(Facts, frozen=True, kw_only=True, tag="muted_run"):
    """In the thread of the job's last root: a further run ended while the job was muted."""

    run: RunFacts
    session: SessionFacts


class MuteBegan(Facts, frozen=True, kw_only=True, tag="mute_began"):
    """In the thread: the job is muted from now on, as `run` says."""

    run: RunFacts


class MuteEnded(Facts, frozen=True, kw_only=True, tag="mute_ended"):
    """In the thread: a mute is over, `because` of "time", "unmuted", "changed" or "recovered".

    `run` is the job's latest; `held` counts the runs that were held back; `ended_by` unmuted it.
    """

    run: RunFacts
    mute: MuteFacts
    because: str
    ended_by: str | None = None
    held: int = 0
    mention: str | None = None


class Unacknowledged(Facts, frozen=True, kw_only=True, tag="unacknowledged"):
    """In the thread: the run still fails, and nobody has acknowledged it `since` it failed."""

    run: RunFacts
    since: datetime


class ManyUnacknowledged(Facts, frozen=True, kw_only=True, tag="many_unacknowledged"):
    """In the thread of a storm, or of a first start's list: so many of it still fail, and nobody owns them.

    `jobs` are the first few of them by name; the first of their failures was at `since`.
    """

    server: ServerName
    jobs: tuple[str, ...]
    count: int
    since: datetime


FollowedUp = RunAcknowledged | MutedRunEnded | MuteBegan | MuteEnded | Unacknowledged
"""What is said in a run's thread of what people did about it, or did not."""


class StormCause(Facts, frozen=True, kw_only=True):
    """A cause of a storm: its name where known, VBR's words for one failure, how many have it, and where.

    `repository` is the one that all of these jobs write to, with what was free there.
    """

    name: str | None = None
    text: str | None = None
    count: int
    servers: tuple[ServerName, ...] = ()
    repository: str | None = None
    free_gb: float | None = None


class StormFacts(Facts, frozen=True, kw_only=True):
    """Many failures of one channel that are announced together, as they stand.

    So many came `earlier`, within the same window, and were announced one by one. `turn` counts how often
    something was done about all of them.
    `recovered` of them went well since, `retrying` have another attempt ahead, people stopped `stopped`. So
    many that stand failed are backups of `logs`, which no retry repeats.
    `causes` are the most frequent ones, of `causes_total`. `jobs` are the first few that stand failed, by
    name, and `retryable` those that can be retried; `owners` the people who acknowledged some of these, with
    how many. So many of these are `muted`.
    """

    storm_id: str
    channel: str
    count: int
    servers: tuple[ServerName, ...]
    first_ended_at: datetime
    last_ended_at: datetime
    earlier: int = 0
    turn: int = 0
    recovered: int = 0
    retrying: int = 0
    stopped: int = 0
    logs: int = 0
    causes: tuple[StormCause, ...] = ()
    causes_total: int = 0
    jobs: tuple[str, ...] = ()
    retryable: tuple[str, ...] = ()
    owners: tuple[tuple[str, int], ...] = ()
    muted: int = 0

    @property
    def failed(self) -> int:
        """How many still stand failed, whether or not another attempt is ahead."""
        return self.count - self.recovered - self.stopped


class StormFailure(Facts, frozen=True, kw_only=True):
    """One failure of a storm, for its list.

    `state`: `failed`, `retrying`, `logs_failed`, `recovered` or `stopped`. `owner` acknowledged it. While its
    job is muted, `muted_until` and `muted_by` say so: no longer than it fails where
    `muted_until_success`, with its server where `is_server_muted`. So many later runs were `held` back. The
    session is the latest that failed.
    """

    server: ServerName
    job_name: str
    session_id: SessionId | None = None
    cause: str | None
    state: str
    ended_at: datetime
    owner: str | None = None
    muted_until: datetime | None = None
    muted_by: str | None = None
    muted_until_success: bool = False
    is_server_muted: bool = False
    held: int = 0


class StormBegan(Facts, frozen=True, kw_only=True, tag="storm"):
    """The root of a storm, in place of those of its runs."""

    storm: StormFacts
    mention: str | None = None


class StormChanged(Facts, frozen=True, kw_only=True, tag="storm_changed"):
    """The root of a storm needs redrawing: it grew, or its runs went on."""

    storm: StormFacts


class StormFinal(Facts, frozen=True, kw_only=True, tag="storm_final"):
    """In the thread of a storm: a failure of it has no attempt left, which the root could not say by then."""

    storm: StormFacts
    mention: str


class StormList(Facts, frozen=True, kw_only=True, tag="storm_list"):
    """In the thread of a storm: a page of its failures; `left_out` more are not listed."""

    failures: tuple[StormFailure, ...]
    left_out: int = 0


class BackfillSummary(Facts, frozen=True, kw_only=True, tag="caught_up"):
    """A first start, in one line: since when sessions were read, their results, jobs with problems."""

    server: ServerName
    since: datetime
    results: dict[str, int]
    problems_total: int = 0


class BackfillProblems(Facts, frozen=True, kw_only=True, tag="caught_up_problems"):
    """In the thread of `BackfillSummary`: the jobs whose latest run failed or warned, newest first."""

    problems: tuple[RunFacts, ...]
    problems_total: int


class OutageBegan(Facts, frozen=True, kw_only=True, tag="server_silent"):
    """A server didn't answer several polls. `problem` is the error's class, `detail` its short line."""

    server: ServerName
    since: datetime
    problem: str
    detail: str


class OutageEnded(Facts, frozen=True, kw_only=True, tag="server_back"):
    """A server answers again; `late_total` sessions that ended during the outage are announced late."""

    server: ServerName
    since: datetime
    ended_at: datetime
    late_total: int


class RevisionChanged(Facts, frozen=True, kw_only=True, tag="server_revision"):
    """A server speaks another revision of its API, which came with `product`.

    `job_types` and `capabilities` are what it has and the one before lacks; where it is an older one, the
    other way round.
    """

    server: ServerName
    was: str
    revision: str
    product: str
    is_newer: bool
    job_types: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


class ChannelClosed(Facts, frozen=True, kw_only=True, tag="channel_closed"):
    """The bot can't post to a channel; said once, in another one. `problem` is Slack's error word."""

    channel: str
    problem: str
    waiting: int


class ChannelMoved(Facts, frozen=True, kw_only=True, tag="channel_moved"):
    """Slack gave a channel another ID, as it may when the channel becomes shared or private."""

    old_id: str
    new_id: str


class MessageRefused(Facts, frozen=True, kw_only=True, tag="message_refused"):
    """Slack refused a message for a channel that takes others; said once a day for each error word.

    `outcome`: "set_aside", or "no_mentions" where it was posted once nobody was mentioned in it. `kind` is
    the message's; `problem` is Slack's error word.
    """

    channel: str
    kind: str
    problem: str
    outcome: str


class DisableReminder(Facts, frozen=True, kw_only=True, tag="disable_ends"):
    """A job that `person` disabled for a time will be enabled again soon."""

    server: ServerName
    job_id: JobId
    job_name: str
    person: str
    until: datetime


class DisableEnded(Facts, frozen=True, kw_only=True, tag="disable_ended"):
    """A timed disable by `person` is over: its time has come, or someone enabled the job before.

    `outcome`: "enabled" by the bot; "enabled_before" by someone else; "gone": the job no longer exists;
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


class Expectation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What should have happened. `kind` and `subject` as in the message's metadata; `limit` is the setting's.

    `subject` is a job's ID, `repository:ID`, `licence` or `config_backup`; `job_id` is set where it is a job.
    `at`: its last good run, the last configuration backup, or the licence's end. `found` and `usual` are
    seconds, bytes or percent. `full_at`: when a repository is full, as it has been filling up.
    `acknowledged`: by whom it is owned.
    """

    server: ServerName
    kind: str
    subject: str
    name: str
    since: datetime
    limit: float
    job_id: JobId | None = None
    at: datetime | None = None
    found: float | None = None
    usual: float | None = None
    next_run: datetime | None = None
    full_at: datetime | None = None
    acknowledged: Acknowledgement | None = None
    told_at: datetime | None = None

    @property
    def key(self) -> str:
        """What it is known by in the outbox: one that was over and is unmet again is another one."""
        told_at = "" if self.told_at is None else self.told_at.isoformat()
        return f"expectation/{self.server}/{self.kind}/{self.subject}/{self.since.isoformat()}/{told_at}"


class ExpectationUnmet(Facts, frozen=True, kw_only=True, tag="expectation_unmet"):
    """The root: something did not happen."""

    expectation: Expectation
    mention: str | None = None


class ExpectationAcknowledged(Facts, frozen=True, kw_only=True, tag="expectation_acknowledged"):
    """That message needs redrawing: a person owns it."""

    expectation: Expectation


class ExpectationUnacknowledged(Facts, frozen=True, kw_only=True, tag="expectation_unacknowledged"):
    """In its thread: it is still unmet, and nobody has acknowledged it."""

    expectation: Expectation


class ExpectationOver(Facts, frozen=True, kw_only=True, tag="expectation_over"):
    """That message needs redrawing: it is over.

    `outcome`: "met"; "disabled": the job is, and no run is expected; "gone": the job or repository no longer
    exists; "dropped": the settings don't expect it any more.
    """

    expectation: Expectation
    ended_at: datetime
    outcome: str = "met"


class UnmetGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Many expectations of one kind, on one server, that were unmet at once, as they stand.

    `allowed` is the setting's limit, `since` when the first of them was due. So many came `earlier` and have
    messages of their own. `outcomes` counts how others ended, `names` are the first few that stand. Its
    `owner` acknowledged it; that was done `owned` times.
    """

    id: str
    server: ServerName
    kind: str
    since: datetime
    allowed: float
    standing: int
    outcomes: dict[str, int] = {}
    earlier: int = 0
    names: tuple[str, ...] = ()
    owner: str | None = None
    owned: int = 0

    @property
    def subject(self) -> str:
        """What it is called among the subjects of expectations."""
        return f"{GROUP}{self.id}"

    @property
    def count(self) -> int:
        """How many there are, over or not."""
        return self.standing + sum(self.outcomes.values())


class ExpectationsUnmet(Facts, frozen=True, kw_only=True, tag="expectations_unmet"):
    """The root: many expectations are unmet at once."""

    group: UnmetGroup
    mention: str | None = None


class ExpectationsOwned(Facts, frozen=True, kw_only=True, tag="expectations_owned"):
    """In the thread: the comment of the person who owns all of it now."""

    by: str
    comment: str


class ExpectationsChanged(Facts, frozen=True, kw_only=True, tag="expectations_changed"):
    """That message needs redrawing: there are more, or some are over."""

    group: UnmetGroup


class ListedExpectation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of many, for their list. `outcome`: how it ended, None while it stands; `owner` acknowledged it."""

    name: str
    since: datetime
    outcome: str | None = None
    owner: str | None = None


class ExpectationsUnacknowledged(Facts, frozen=True, kw_only=True, tag="expectations_unacknowledged"):
    """In the thread: so many are still unmet, and nobody has acknowledged them since people were told."""

    server: ServerName
    kind: str
    names: tuple[str, ...]
    count: int
    told_at: datetime


class ExpectationsList(Facts, frozen=True, kw_only=True, tag="expectations_list"):
    """In the thread: the expectations one by one, so many are `left_out`."""

    group_id: str
    server: ServerName
    kind: str
    listed: tuple[ListedExpectation, ...]
    left_out: int = 0


class ActionRecorded(Facts, frozen=True, kw_only=True, tag="action_recorded"):
    """An action that is on record with its outcome, or that was refused; for the audit channel.

    `operation` is its name on record ("job.retry"), `asked` its options ("active full"), `said` why it failed
    or was refused, `reason` the requester's own words. Server and job are None where none was reached, the
    approver where none was needed. `row` and `hash` are those of the row that bears the outcome; None in what
    an earlier release queued.
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
    row: int | None = None
    hash: str | None = None


class ApprovalOpened(Facts, frozen=True, kw_only=True, tag="approval_asked"):
    """A request needs a second person: the message with Approve and Decline. `mentions` are notified."""

    approval: Approval
    mentions: tuple[str, ...] = ()


class ApprovalChanged(Facts, frozen=True, kw_only=True, tag="approval_changed"):
    """That message needs redrawing: the request was approved, or it ended."""

    approval: Approval


class ApprovalEnded(Facts, frozen=True, kw_only=True, tag="approval_ended"):
    """For the requester, in its thread or by a direct message: how the request ended."""

    approval: Approval


class ApprovalUndelivered(Facts, frozen=True, kw_only=True, tag="approval_held_back"):
    """For the requester: the bot can't post to the channel, so nobody sees the request yet."""

    approval: Approval
    channel: str
    problem: str


class DigestMade(Facts, frozen=True, kw_only=True, tag="digest"):
    """A digest: how the jobs stand, on one screen; drawn again where runs end that were still going on."""

    report: Report


class DigestJobs(Facts, frozen=True, kw_only=True, tag="digest_jobs"):
    """In the digest's thread: the jobs behind its lines. `key` is that of the row it was posted by."""

    key: str
    report: Report


class DigestDays(Facts, frozen=True, kw_only=True, tag="digest_days"):
    """In the digest's thread: the last days of the jobs that failed or warned. `key` as of `DigestJobs`.

    As a picture, where one is wanted. When it is sent, its file is known, or why there is none.
    """

    key: str
    report: Report
    has_picture: bool = False
    file_id: str | None = None
    no_picture: str | None = None


Announcement = (
    RunEnded
    | RunChanged
    | DetailsReply
    | AttemptEnded
    | NoFurtherAttempt
    | RunAcknowledged
    | ExpectationsOwned
    | MutedRunEnded
    | MuteBegan
    | MuteEnded
    | Unacknowledged
    | ManyUnacknowledged
    | StormBegan
    | StormChanged
    | StormFinal
    | StormList
    | BackfillSummary
    | BackfillProblems
    | OutageBegan
    | OutageEnded
    | RevisionChanged
    | ChannelClosed
    | ChannelMoved
    | MessageRefused
    | DisableReminder
    | DisableEnded
    | ExpectationUnmet
    | ExpectationAcknowledged
    | ExpectationUnacknowledged
    | ExpectationOver
    | ExpectationsUnmet
    | ExpectationsChanged
    | ExpectationsUnacknowledged
    | ExpectationsList
    | ActionRecorded
    | ApprovalOpened
    | ApprovalChanged
    | ApprovalEnded
    | ApprovalUndelivered
    | DigestMade
    | DigestJobs
    | DigestDays
)

_decoder = msgspec.json.Decoder(Announcement)


def kind_of(announcement: Announcement) -> str:
    """Return the announcement's kind, as its JSON is tagged."""
    return str(announcement.__struct_config__.tag)


def as_of(announcement: Announcement, now: datetime) -> Announcement:
    """Return the announcement without a next run or attempt that was due before now.

    It may be drawn long after VBR planned it: late, or once more when somebody acknowledges it.
    """
    run, expectation = getattr(announcement, "run", None), getattr(announcement, "expectation", None)
    if isinstance(run, RunFacts):
        return msgspec.structs.replace(announcement, run=_without_past(run, now))
    if isinstance(expectation, Expectation):
        ahead = msgspec.structs.replace(expectation, next_run=_ahead(expectation.next_run, now))
        return msgspec.structs.replace(announcement, expectation=ahead)
    return announcement


def _without_past(run: RunFacts, now: datetime) -> RunFacts:
    outlook = run.outlook
    if outlook is not None:
        outlook = msgspec.structs.replace(outlook, next_run=_ahead(outlook.next_run, now))
    attempt = _ahead(run.next_attempt_expected_at, now)
    return msgspec.structs.replace(run, outlook=outlook, next_attempt_expected_at=attempt)


def _ahead(planned: datetime | None, now: datetime) -> datetime | None:
    return planned if planned is not None and planned > now else None


def encode(announcement: Announcement) -> str:
    """Return the announcement as the JSON that the outbox keeps."""
    return msgspec.json.encode(announcement).decode()


def decode(body: str) -> Announcement:
    """Return the announcement that `encode` stored; raises `msgspec.ValidationError` for anything else."""
    announcement: Announcement = _decoder.decode(body)
    return announcement
