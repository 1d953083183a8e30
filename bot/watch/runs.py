"""Runs: which sessions are attempts of one run, and what that makes of it. Pure.

VBR shows each attempt as a session of its own. Since 1.3-rev2 it names the first one with each retry; before,
nothing ties them together, so that they are tied by job, time and who started them. Automatic retries follow
scheduled runs that Failed, a set time apart.
"""

from datetime import datetime, timedelta

import msgspec

from bot.settings import Threads
from bot.veeam import Result, RetryPolicy, known
from bot.watch.facts import RunFacts, SessionFacts

MARGIN = timedelta(minutes=5)
"""How much later than VBR's own waiting time an attempt may begin."""
RETRY = "retry"
"""The operation that runs a job's failed objects again."""

_NOBODY = frozenset({"", "system"})
_UNSAID = RetryPolicy(enabled=True)
"""What is assumed of a job that VBR does not describe, as those of plug-ins: the document's own defaults."""


class ToldIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A channel in which a run has a root, and how it is told there. `mentioned`: somebody was named."""

    channel: str
    threads: Threads = Threads.THREAD
    mention: str | None = None
    mentioned: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run as it is kept: its facts, where it is told, and how long VBR waits between its attempts."""

    facts: RunFacts
    told_in: tuple[ToldIn, ...] = ()
    retry_wait_minutes: int | None = None

    @property
    def expected_by(self) -> datetime | None:
        """Until when the next automatic attempt must have begun; None when none is expected."""
        expected = self.facts.next_attempt_expected_at
        return None if expected is None else expected + MARGIN

    def encode(self) -> str:
        """Return the run as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, body: str) -> "Run | None":
        """Return the run that `encode` wrote; None for anything else, so that it holds up nothing."""
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.DecodeError:
            return None


def is_failed(session: SessionFacts) -> bool:
    """Whether a session Failed."""
    return known(Result, session.result) is Result.FAILED


def is_by_person(session: SessionFacts) -> bool:
    """Whether somebody started the session, through the bot or otherwise, rather than its schedule."""
    if session.started_by is not None:
        return True
    # `SYSTEM`, `.\SYSTEM`, `NT AUTHORITY\SYSTEM`: the machine's own account under any name of the machine.
    account = (session.initiated_by or "").rpartition("\\")[2]
    return account.strip().casefold() not in _NOBODY


def begun(facts: RunFacts, retry: RetryPolicy | None) -> Run:
    """Return the run that a session begins: retried where it was scheduled and its job is known to be.

    Where VBR does not say how a job is retried, an attempt that comes in due time still belongs to the run,
    but none is promised.
    """
    if is_by_person(facts.first) or (retry is not None and not retry.enabled):
        return Run(facts=_settled(facts, attempts_total=None, wait_minutes=None))
    if retry is None:
        wait_minutes = None if facts.job_type is None else _UNSAID.wait_minutes
        settled = _settled(facts, attempts_total=None, wait_minutes=None)
        return Run(facts=settled, retry_wait_minutes=wait_minutes)
    settled = _settled(facts, attempts_total=retry.count + 1, wait_minutes=retry.wait_minutes)
    return Run(facts=settled, retry_wait_minutes=retry.wait_minutes)


def belongs(run: Run, session: SessionFacts) -> bool:
    """Whether a session is a further attempt of a run: by VBR's own word, through the bot, or in due time."""
    if session.retries is not None:
        return session.retries in {run.facts.first.retries, *(each.session_id for each in run.facts.attempts)}
    last = run.facts.last
    if not is_failed(last) or session.created_at < last.ended_at:
        return False
    if session.started_operation == RETRY:
        return True
    if session.begins_run or is_by_person(session) or run.retry_wait_minutes is None:
        return False
    latest = last.ended_at + timedelta(minutes=run.retry_wait_minutes) + MARGIN
    attempts_at_most = run.facts.attempts_total or _UNSAID.count + 1
    return session.created_at <= latest and len(run.facts.attempts) < attempts_at_most


def continued(run: Run, session: SessionFacts, *, is_late: bool) -> Run:
    """Return the run with one more attempt."""
    facts = msgspec.structs.replace(run.facts, attempts=(*run.facts.attempts, session), is_late=is_late)
    settled = _settled(facts, attempts_total=facts.attempts_total, wait_minutes=run.retry_wait_minutes)
    return msgspec.structs.replace(run, facts=settled)


def given_up(run: Run) -> Run:
    """Return the run with no further attempt to expect."""
    facts = msgspec.structs.replace(run.facts, is_final=True, next_attempt_expected_at=None)
    return msgspec.structs.replace(run, facts=facts)


def may_mention(facts: RunFacts) -> bool:
    """Whether somebody is to be named: the run has failed for good, and nobody stopped it through the bot."""
    return facts.is_final and is_failed(facts.last) and facts.last.stopped_by is None


def _settled(facts: RunFacts, *, attempts_total: int | None, wait_minutes: int | None) -> RunFacts:
    expected = None
    if attempts_total is not None and wait_minutes is not None and _is_retried(facts, attempts_total):
        expected = facts.last.ended_at + timedelta(minutes=wait_minutes)
    return msgspec.structs.replace(
        facts, attempts_total=attempts_total, next_attempt_expected_at=expected, is_final=expected is None
    )


def _is_retried(facts: RunFacts, attempts_total: int) -> bool:
    last = facts.last
    if not is_failed(last) or last.stopped_by is not None or is_by_person(last):
        return False
    return len(facts.attempts) < attempts_total
