"""Runs as facts: a job's sessions, retries folded into the run they belong to, as announcements carry them.

They are stored as JSON, in those announcements and by themselves: a new field has a default. All times are
aware, in UTC; sizes are bytes.
"""

from datetime import datetime

import msgspec

from bot.veeam import (
    JobId,
    Result,
    ServerName,
    Session,
    SessionGroup,
    SessionId,
    known,
    says_why,
    session_group,
)

_WELL = frozenset({Result.SUCCESS, Result.WARNING})
_NO_PERSON = frozenset({"", "system"})


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
    def object_names(self) -> tuple[str, ...]:
        """The objects that failed or warned, as far as they are listed."""
        return () if self.details is None else tuple(each.name for each in self.details.problems)

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
