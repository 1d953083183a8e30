"""How a job stands when a run of it failed: since when, what the last good backup is, when it runs next.

One look at the job's latest sessions and one at its state. What VBR doesn't answer in time is left out of the
announcement, which goes out all the same.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

import msgspec
import structlog

from bot.veeam import (
    JobId,
    Result,
    RetryPolicy,
    ServerName,
    Session,
    SessionGroup,
    SessionsQuery,
    VeeamError,
    VeeamServer,
    session_group,
)
from bot.watch.run_facts import JobOutlook, RunFacts, SessionFacts
from bot.watch.runs import Run

_SESSIONS_LOOKED_AT = 50
_SUCCESSES_LOOKED_AT = 5
_SECONDS = 15.0
_A_DAY_APART = timedelta(hours=18), timedelta(hours=30)
_NIGHT_BEGINS, _NIGHT_ENDS = 18, 7
_GOOD = (Result.SUCCESS, Result.WARNING)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class JobPast:
    """A job's latest sessions, newest first; not `is_whole` where VBR has older ones."""

    sessions: Sequence[Session]
    is_whole: bool = True


async def fetch_past(server: VeeamServer, job_id: JobId, failed: Session) -> JobPast | None:
    """Return the latest sessions of a failed one's job; None where VBR doesn't say.

    Never raises VeeamError.
    """
    newest_first = SessionsQuery(
        job_id=job_id, order_by="CreationTime", ascending=False, limit=_SESSIONS_LOOKED_AT
    )
    try:
        async with asyncio.timeout(_SECONDS):
            page = await server.sessions(newest_first)
            rows = list(page.rows)
            if failed.id not in {row.id for row in rows}:
                rows.insert(0, failed)
            is_whole = page.received < _SESSIONS_LOOKED_AT
            if not is_whole and not any(row.outcome in _GOOD for row in rows):
                query = SessionsQuery(
                    job_id=job_id,
                    results=_GOOD,
                    order_by="CreationTime",
                    ascending=False,
                    limit=_SUCCESSES_LOOKED_AT,
                )
                rows += (await server.sessions(query)).rows
    except (VeeamError, TimeoutError) as error:
        _note(server, failed, error)
        return None
    return JobPast(rows, is_whole=is_whole)


async def fetch_next_run(server: VeeamServer, job_id: JobId, failed: Session) -> datetime | None:
    """Return when the job runs next; None where that isn't planned, or VBR doesn't say.

    Never raises VeeamError.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            state = await server.job_state(job_id)
    except (VeeamError, TimeoutError) as error:
        _note(server, failed, error)
        return None
    return state.next_run if state is not None and not state.is_disabled else None


def outlook_from(
    past: JobPast | None,
    *,
    failed: SessionFacts,
    next_run: datetime | None,
    retry: RetryPolicy | None,
    stopped: Collection[str] = (),
    operations: Mapping[str, str] | None = None,
    zone: tzinfo | None = None,
) -> JobOutlook:
    """Return how the job stands. Pure.

    `stopped` are sessions that people stopped: they neither failed nor ran. `operations` are those that
    sessions were started by through the bot.
    """
    upcoming = next_run if next_run is not None and next_run > failed.ended_at else None
    if past is None:
        return JobOutlook(next_run=upcoming)
    ended = [
        (each, each.creation_time, each.end_time or each.creation_time)
        for each in past.sessions
        if each.is_stopped and each.creation_time is not None and _counts(each, stopped)
    ]
    before = [one for one in ended if one[1] <= failed.created_at]
    good = [end for each, _, end in before if each.outcome in _GOOD]
    runs = _runs([(each, end) for each, _, end in reversed(before)], retry, operations or {})
    in_a_row: list[Run] = []
    for run in reversed(runs):
        if not run.facts.last.is_failed:
            break
        in_a_row.append(run)
    begun = [run.facts.first.created_at for run in in_a_row]
    return JobOutlook(
        failed_in_a_row=len(in_a_row),
        is_longer=len(in_a_row) == len(runs) and not past.is_whole,
        is_nightly=zone is not None and _are_nights(begun, zone),
        last_good_at=max(good) if good else None,
        is_last_good_known=True,
        next_run=upcoming,
    )


def went_well_since(past: JobPast | None, failed: SessionFacts) -> SessionFacts | None:
    """Return the first run of the job that began after the failed session and made a backup, if any. Pure."""
    since = [
        SessionFacts.of(each, each.end_time)
        for each in (past.sessions if past is not None else ())
        if each.is_stopped and each.outcome in _GOOD and each.end_time is not None and _counts(each, ())
        if each.creation_time is not None and each.creation_time > failed.created_at
    ]
    return min(since, key=lambda each: each.ended_at, default=None)


def _counts(session: Session, stopped: Collection[str]) -> bool:
    group = session_group(session.session_type, job_id=session.job_id, job_ids={session.job_id or JobId("")})
    is_stopped = session.is_canceled or session.id in stopped
    return group is SessionGroup.JOB_RUN and session.part_of is None and not is_stopped


def _runs(
    sessions: Sequence[tuple[Session, datetime]], retry: RetryPolicy | None, operations: Mapping[str, str]
) -> list[Run]:
    """Sessions of one job, oldest first, as the runs that they are attempts of."""
    runs: list[Run] = []
    for session, ended_at in sessions:
        facts = SessionFacts.of(session, ended_at)
        facts = msgspec.structs.replace(facts, started_operation=operations.get(session.id))
        if runs and runs[-1].includes(facts):
            runs[-1] = runs[-1].with_attempt(facts, is_late=False)
        else:
            of = RunFacts(
                server=ServerName(""),
                job_id=session.job_id or JobId(""),
                job_name="",
                attempts=(facts,),
                job_type="",
            )
            runs.append(Run.begin(of, retry))
    return runs


def _are_nights(begun: Sequence[datetime], zone: tzinfo) -> bool:
    """Whether runs, the latest first, began a night apart each, on the server's clock."""
    shortest, longest = _A_DAY_APART
    hours = (moment.astimezone(zone).hour for moment in begun)
    return all(shortest <= later - earlier <= longest for later, earlier in pairwise(begun)) and all(
        hour >= _NIGHT_BEGINS or hour < _NIGHT_ENDS for hour in hours
    )


def _note(server: VeeamServer, failed: Session, error: Exception) -> None:
    log.warning(
        "watch.outlook_incomplete", server=server.name, session_id=failed.id, problem=type(error).__name__
    )
