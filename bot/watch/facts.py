"""Announcements as facts: what happened, stored in the outbox as JSON and drawn only when it is sent.

A release that adds a field gives it a default, so that rows already in the outbox can still be read. The tags
are the outbox's kinds and a metric's label values: they stay. All times are aware, in UTC; sizes are bytes.
"""

from datetime import datetime

import msgspec

from bot.store import Approval
from bot.veeam import (
    JobId,
    Report,
    Result,
    ServerName,
    Session,
    SessionGroup,
    SessionId,
    known,
    says_why,
    session_group,
)

GROUP = "group:"
"""So begins the subject that many unmet expectations are together."""
_WELL = frozenset({Result.SUCCESS, Result.WARNING})
_NO_PERSON = frozenset({"", "system"})


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of every announcement: immutable, JSON both ways."""


class ObjectFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object of a session that failed or warned, with its own message."""

    name: str
    result: str
    message: str | None = None


class SessionDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a session's task sessions and log say. `problems` and `records` are cut; the totals are not.

    `is_incomplete`: VBR did not answer everything in time.
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

    `started_by` and `stopped_by` are the people who did so through the bot, `started_in` is the channel they
    did it in. `retries` is the first session of the run that this one retries, and `begins_run` says that it
    retries none, where VBR says so. `unsupported` lists what the server's revision of the API can't do.
    A part of a run (a copy's source, a machine of a policy) is `part`, by name, of the session `part_of`.
    `is_canceled`: VBR says that it was stopped; `seems_stopped`: its words do.
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
    details: SessionDetails | None = None
    retries: SessionId | None = None
    begins_run: bool = False
    unsupported: tuple[str, ...] = ()
    part: str | None = None
    part_of: SessionId | None = None
    is_canceled: bool = False
    seems_stopped: bool = False

    @classmethod
    def of(cls, session: Session, ended_at: datetime) -> "SessionFacts":
        """Return what makes a session an attempt of a run, by VBR's answer alone."""
        return cls(
            session_id=session.id,
            session_type=session.session_type,
            result=session.result_word,
            created_at=session.creation_time or ended_at,
            ended_at=ended_at,
            initiated_by=session.initiated_by,
            retries=session.retries,
            begins_run=session.begins_run,
        )

    @property
    def log_type(self) -> str | None:
        """Which database's logs it backs up, by its type; None for any other session.

        Such sessions go on beside the job's runs: neither makes up for the other.
        """
        is_one = session_group(self.session_type) is SessionGroup.LOG_BACKUP
        return self.session_type.casefold() if is_one else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons that VBR gives: the objects', the session's own, those of the log."""
        details = self.details or SessionDetails()
        own = says_why(self.message)
        objects = (each.message for each in details.problems)
        return tuple(filter(None, (*objects, own, *details.records)))

    @property
    def is_failed(self) -> bool:
        """Whether VBR says that the session Failed: also of one that a person stopped."""
        return known(Result, self.result) is Result.FAILED

    @property
    def is_stopped(self) -> bool:
        """Whether a person stopped the session, as far as VBR lets one tell."""
        return self.stopped_by is not None or self.is_canceled or self.seems_stopped

    @property
    def went_well(self) -> bool:
        """Whether it has a result as good as a recovery needs."""
        return known(Result, self.result) in _WELL and not self.is_stopped

    @property
    def is_by_person(self) -> bool:
        """Whether a person started the session, through the bot or otherwise, rather than its schedule."""
        if self.started_by is not None:
            return True
        # `SYSTEM`, `.\SYSTEM`, `NT AUTHORITY\SYSTEM`: the machine's own account, whatever the machine's name.
        account = (self.initiated_by or "").rpartition("\\")[2]
        return account.strip().casefold() not in _NO_PERSON


class Recovery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The later run of the job that went well where this one had failed."""

    session_id: SessionId
    result: str
    ended_at: datetime


class JobOutlook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What VBR said of a job when a run of it failed.

    `failed_in_a_row` counts its runs, this one included; VBR has more of them where it `is_longer`.
    `is_nightly`: they began a night apart. `last_good_at` is when the latest run ended that made a backup;
    None where VBR lists none, or where it is not `is_last_good_known`.
    """

    failed_in_a_row: int | None = None
    is_longer: bool = False
    is_nightly: bool = False
    last_good_at: datetime | None = None
    is_last_good_known: bool = False
    next_run: datetime | None = None


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The person who owns a failed run, and since when; `turn` counts how often it was acknowledged."""

    by: str
    at: datetime
    turn: int = 1
    comment: str | None = None


class MuteFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds a run's messages back: until when, by whom. `until_success`: it ends with a good run.

    `is_of_server`: planned maintenance of the whole server, or of jobs by a pattern.
    """

    id: int
    by: str
    until: datetime
    until_success: bool = False
    comment: str | None = None
    is_of_server: bool = False


class RunFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a job: its first session and the retries that belong to it, oldest first.

    `attempts_total` is one more than the job's automatic retries; None when unknown, or when the run isn't
    retried automatically. `is_final`: no further automatic attempt is expected. `is_late`: it is announced
    long after it ended. `is_job`: VBR lists the job by that ID, so that people can act on it. The parts of a
    run are attempts too. `recovery`: the job's next run went well. `outlook`: the job's, by its latest failed
    attempt. `acknowledged` and `muted` while somebody owns it, and while its job is muted.
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
    is_job: bool = True
    recovery: Recovery | None = None
    outlook: JobOutlook | None = None
    acknowledged: Acknowledgement | None = None
    muted: MuteFacts | None = None

    @property
    def key(self) -> str:
        """The run's key: its server and its first session."""
        return f"{self.server}/{self.first.session_id}"

    @property
    def first(self) -> SessionFacts:
        """The session the run began with."""
        return self.attempts[0]

    @property
    def last(self) -> SessionFacts:
        """The session whose result is the run's: the latest, unless a part that failed still stands."""
        failed = [each for each in self._standing().values() if each.is_failed]
        return failed[-1] if failed else self.latest

    @property
    def latest(self) -> SessionFacts:
        """The session that was added last."""
        return self.attempts[-1]

    @property
    def failed_parts(self) -> tuple[str, ...]:
        """The parts of the run that failed and have not gone well since."""
        return tuple(part for part, each in self._standing().items() if part is not None and each.is_failed)

    @property
    def result(self) -> str:
        """The run's result in VBR's word: the next run's where that made up for it."""
        return self.last.result if self.recovery is None else self.recovery.result

    @property
    def is_recovered(self) -> bool:
        """Whether a later attempt, or the job's next run, went well where the first one had Failed."""
        return self.recovery is not None or (self.first.is_failed and self.last.went_well)

    @property
    def stands_failed(self) -> bool:
        """Whether the run failed, nobody stopped it, and nothing has made up for it yet."""
        return self.last.is_failed and not self.last.is_stopped and not self.is_recovered

    @property
    def may_mention(self) -> bool:
        """Whether people may be mentioned: the run failed for good, nobody stopped it, and it isn't muted."""
        return self.is_final and self.stands_failed and self.muted is None

    def _standing(self) -> dict[str | None, SessionFacts]:
        """The latest session of each part, and of the whole: another run of the whole makes up for all."""
        standing: dict[str | None, SessionFacts] = {}
        for each in self.attempts:
            if each.part is None and each.session_id not in {one.part_of for one in standing.values()}:
                standing.clear()
            standing.pop(each.part, None)
            standing[each.part] = each
        return standing


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
    `recovered` of them went well since, `retrying` have another attempt ahead, people stopped `stopped`.
    `causes` are the most frequent ones, of `causes_total`. `jobs` are the first few that stand failed, by ID
    and name; `owners` the people who acknowledged some of these, with how many.
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
    causes: tuple[StormCause, ...] = ()
    causes_total: int = 0
    jobs: tuple[str, ...] = ()
    owners: tuple[tuple[str, int], ...] = ()

    @property
    def failed(self) -> int:
        """How many still stand failed, whether or not another attempt is ahead."""
        return self.count - self.recovered - self.stopped


class StormFailure(Facts, frozen=True, kw_only=True):
    """One failure of a storm, for its list. `state`: `failed`, `retrying`, `recovered` or `stopped`.

    `owner` acknowledged it.
    """

    server: ServerName
    job_name: str
    cause: str | None
    state: str
    ended_at: datetime
    owner: str | None = None


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


class ExpectationsChanged(Facts, frozen=True, kw_only=True, tag="expectations_changed"):
    """That message needs redrawing: there are more, or some are over."""

    group: UnmetGroup


class ListedExpectation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of many, for their list. `outcome` is how it ended; None while it stands."""

    name: str
    since: datetime
    outcome: str | None = None


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
    """In the digest's thread: the last days of the jobs that failed or warned. `key` as of `DigestJobs`."""

    key: str
    report: Report


Announcement = (
    RunEnded
    | RunChanged
    | DetailsReply
    | AttemptEnded
    | NoFurtherAttempt
    | RunAcknowledged
    | MutedRunEnded
    | MuteBegan
    | MuteEnded
    | Unacknowledged
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
    | ExpectationOver
    | ExpectationsUnmet
    | ExpectationsChanged
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


def encode(announcement: Announcement) -> str:
    """Return the announcement as the JSON that the outbox keeps."""
    return msgspec.json.encode(announcement).decode()


def decode(body: str) -> Announcement:
    """Return the announcement that `encode` stored; raises `msgspec.ValidationError` for anything else."""
    announcement: Announcement = _decoder.decode(body)
    return announcement
