"""Runs: which sessions are attempts of one run, and what that makes of it. Pure.

VBR shows each attempt as a session of its own. Since 1.3-rev2 each retry names the first session; before,
nothing ties them together, so they are matched by job, time and who started them. Automatic retries follow
scheduled runs that Failed, a set time apart.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from bot.settings import Threads
from bot.veeam import RetryPolicy, Session
from bot.watch.run_facts import JobOutlook, MuteFacts, Recovery, RunFacts, SessionFacts

MARGIN = timedelta(minutes=5)
"""How much later than VBR's own waiting time an attempt may begin."""
PARTS_APART = timedelta(hours=12)
"""How much later than the last a part may begin, of a session that may never end, and be of the same run."""
UNLISTED_APART = timedelta(hours=1)
"""The same where nothing but their job and their time says that parts are of one run."""
_ATTEMPTS_KEPT = 100
RETRY = "retry"
"""The operation that runs a job's failed objects again."""


def storm_key(storm_id: str) -> str:
    """Return the key of the row that a storm's root is."""
    return f"storm/{storm_id}"


_DEFAULT_POLICY = RetryPolicy(enabled=True)
"""Assumed of a job that VBR doesn't describe, as those of plug-ins: the defaults of Veeam's document."""


class RunChannel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A channel in which a run was announced, and how. `mentioned`: people were mentioned there.

    Of a run that ended while its job was muted, `muted_in` is the key of the earlier root in whose thread it
    was said; empty where there was none, so that it was only counted. Such a run has no root of its own.
    `storm` is the storm that tells of the run in place of a root of its own. `listed_in` is the key of the
    summary of a first start, in whose thread it was named and no more: its next attempt gets a root.
    """

    channel: str
    threads: Threads = Threads.THREAD
    mention: str | None = None
    mentioned: bool = False
    muted_in: str | None = None
    storm: str | None = None
    listed_in: str | None = None

    @property
    def thread_key(self) -> str | None:
        """The row of the message whose thread follows the run; None: it is the run's own root."""
        return self.muted_in or self.listed_in

    @property
    def shared_thread(self) -> str | None:
        """The row of the message that tells of the run among others: a storm, or a first start's summary."""
        return self.listed_in if self.storm is None else storm_key(self.storm)

    @property
    def has_root(self) -> bool:
        """Whether the run has a root of its own there."""
        return self.muted_in is None and self.storm is None

    @property
    def is_counted(self) -> bool:
        """Whether nothing in the channel tells of the run: it was only counted while its job was muted."""
        return self.muted_in == ""


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run as it is stored: its facts, where it was announced, and how long VBR waits between attempts."""

    facts: RunFacts
    channels: tuple[RunChannel, ...] = ()
    retry_wait_minutes: int | None = None

    @classmethod
    def begin(cls, facts: RunFacts, retry: RetryPolicy | None) -> "Run":
        """Return the run that a session begins: retried if it was scheduled and its job is known to be.

        If VBR doesn't say how a job is retried, an attempt that comes in due time still belongs to the run,
        but none is promised.
        """
        if facts.first.is_by_person or (retry is not None and not retry.enabled):
            return cls(facts=_with_retry(facts, attempts_total=None, wait_minutes=None))
        if retry is None:
            wait_minutes = None if facts.job_type is None else _DEFAULT_POLICY.wait_minutes
            final = _with_retry(facts, attempts_total=None, wait_minutes=None)
            return cls(facts=final, retry_wait_minutes=wait_minutes)
        retried = _with_retry(facts, attempts_total=retry.count + 1, wait_minutes=retry.wait_minutes)
        return cls(facts=retried, retry_wait_minutes=retry.wait_minutes)

    @property
    def channels_with_root(self) -> tuple[RunChannel, ...]:
        """The channels that have a root of the run's own; elsewhere a storm or an older root tells of it."""
        return tuple(each for each in self.channels if each.has_root)

    @property
    def channels_with_thread(self) -> tuple[RunChannel, ...]:
        """The channels with a thread that tells of the run: its own, or that of another message."""
        return tuple(each for each in self.channels if each.has_root or each.thread_key)

    @property
    def expected_by(self) -> datetime | None:
        """Until when the next automatic attempt must have begun; None when none is expected."""
        expected = self.facts.next_attempt_expected_at
        return None if expected is None else expected + MARGIN

    @property
    def unanswered_since(self) -> datetime | None:
        """Since when it waits for somebody to acknowledge it; None when it doesn't."""
        is_answered = self.facts.acknowledged is not None or self.facts.muted is not None
        is_told = any(each.has_root or each.shared_thread for each in self.channels)
        is_waiting = self.facts.stands_failed and is_told and not is_answered
        return self.facts.last.ended_at if is_waiting else None

    def with_mute(self, mute: MuteFacts | None) -> "Run":
        """Return the run as muted, or as not muted."""
        if self.facts.muted == mute:
            return self
        return msgspec.structs.replace(self, facts=msgspec.structs.replace(self.facts, muted=mute))

    def without_counted(self, channels: Collection[str]) -> "Run":
        """Return the run without those of these channels where it was only counted: they are new to it."""
        kept = tuple(each for each in self.channels if not (each.is_counted and each.channel in channels))
        return self if kept == self.channels else msgspec.structs.replace(self, channels=kept)

    def includes(self, session: SessionFacts) -> bool:
        """Whether a session is a further attempt: VBR says so, the bot retried, or it came in due time.

        The parts of one session, and that session, are one run. So are the backups of a database's logs that
        fail one after the other, and the one that makes up for them.
        """
        if session.log_type != self.facts.first.log_type:
            return False
        if session.log_type is not None:
            return self.facts.stands_failed and session.ended_at >= self.facts.latest.ended_at
        if self._has_part_in_common(session):
            return True
        is_later = session.ended_at >= self.facts.latest.ended_at
        if session.part in self.facts.failed_parts and session.went_well and is_later:
            return True
        if session.retries is not None:
            attempts = {each.session_id for each in self.facts.attempts}
            return session.retries in {self.facts.first.retries, *attempts}
        last = self.facts.latest
        if not self.facts.last.is_failed or self.facts.recovery or session.created_at < last.ended_at:
            return False
        if session.started_operation == RETRY:
            return True
        if session.begins_run or session.is_by_person or self.retry_wait_minutes is None:
            return False
        latest = last.ended_at + timedelta(minutes=self.retry_wait_minutes) + MARGIN
        attempts_at_most = self.facts.attempts_total or _DEFAULT_POLICY.count + 1
        return session.created_at <= latest and len(self.facts.attempts) < attempts_at_most

    def with_attempt(
        self, session: SessionFacts, *, is_late: bool, outlook: JobOutlook | None = None
    ) -> "Run":
        """Return the run with one more attempt; `outlook` is the job's after it, if it failed."""
        first, *others = (*self.facts.attempts, session)
        attempts = (first, *others[-_ATTEMPTS_KEPT:])
        facts = msgspec.structs.replace(self.facts, attempts=attempts, is_late=is_late)
        if outlook is not None:
            facts = msgspec.structs.replace(facts, outlook=outlook)
        retried = _with_retry(
            facts, attempts_total=facts.attempts_total, wait_minutes=self.retry_wait_minutes
        )
        return msgspec.structs.replace(self, facts=retried)

    def recovered_by(self, session: SessionFacts) -> "Run | None":
        """Return the run as made up for by a later run of its job; None where it was not, or needs it not."""
        last = self.facts.last
        if (
            not self.facts.stands_failed
            or not session.went_well
            or session.part is not None
            or session.created_at < last.created_at
            or session.ended_at <= last.ended_at
        ):
            return None
        recovery = Recovery(session_id=session.session_id, result=session.result, ended_at=session.ended_at)
        facts = msgspec.structs.replace(self.without_retry().facts, recovery=recovery)
        return msgspec.structs.replace(self, facts=facts)

    def without_retry(self) -> "Run":
        """Return the run with no further attempt to expect."""
        facts = msgspec.structs.replace(self.facts, is_final=True, next_attempt_expected_at=None)
        return msgspec.structs.replace(self, facts=facts)

    def _has_part_in_common(self, session: SessionFacts) -> bool:
        whole = session.part_of or session.session_id
        latest = self.facts.latest
        apart = (session.created_at if session.part else session.ended_at) - latest.ended_at
        if not any(each.part for each in (*self.facts.attempts, session)) or apart > PARTS_APART:
            return False
        if whole in {each.part_of or each.session_id for each in self.facts.attempts}:
            return True
        return self._is_of_unlisted(session, apart)

    def _is_of_unlisted(self, session: SessionFacts, apart: timedelta) -> bool:
        """Whether a session is of the same whole, of which VBR told nothing when the run began.

        That holds for the whole run if it was going on by then, and for a machine's part that began soon
        after the last one if another machine has more parts in this run already.
        """
        first = self.facts.first
        if first.part is None or first.part_of is not None:
            return False
        if session.part is None:
            return session.created_at <= first.created_at <= session.ended_at
        seen = Counter(each.part for each in self.facts.attempts)
        is_due = seen[session.part] < max(seen.values())
        return session.part_of is None and is_due and apart <= UNLISTED_APART

    def encode(self) -> str:
        """Return the run as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, body: str) -> "Run | None":
        """Return the run that `encode` wrote; None for anything else, so that it blocks nothing."""
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.DecodeError:
            return None


def earlier_attempts(
    session: Session, failed: Sequence[Session], retry: RetryPolicy | None, *, is_retry: bool
) -> Iterator[Session]:
    """Yield those of a job's failed sessions, oldest first, that a session may be a further attempt of.

    `is_retry`: the session was started through the bot to retry the last of them.
    """
    for earlier in reversed(failed):
        began, ended = session.creation_time or session.end_time, earlier.end_time
        if began is None or ended is None or ended > began:
            continue
        if not is_retry and not _may_retry(session, earlier, began - ended, retry):
            return
        yield earlier
        session, is_retry = earlier, False


def _may_retry(session: Session, earlier: Session, apart: timedelta, retry: RetryPolicy | None) -> bool:
    """Whether VBR says so or, where it doesn't say, the session came in due time."""
    if session.retries is not None:
        return session.retries in {earlier.id, earlier.retries}
    retry = retry or _DEFAULT_POLICY
    is_due = apart <= timedelta(minutes=retry.wait_minutes) + MARGIN
    return is_due and retry.enabled and not session.begins_run


def _with_retry(facts: RunFacts, *, attempts_total: int | None, wait_minutes: int | None) -> RunFacts:
    """The facts with the next automatic attempt, if one is to be expected."""
    last, expected = facts.last, None
    if (
        attempts_total is not None
        and wait_minutes is not None
        and last.is_failed
        and not last.is_stopped
        and not last.is_by_person
        and len(facts.attempts) < attempts_total
    ):
        expected = last.ended_at + timedelta(minutes=wait_minutes)
    return msgspec.structs.replace(
        facts, attempts_total=attempts_total, next_attempt_expected_at=expected, is_final=expected is None
    )
