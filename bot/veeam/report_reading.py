"""Reads what a report says of one server: its clock, its jobs, its sessions, its repositories.

The list of sessions is read newest first and has a limit; where it ends early, the report says since when
everything is in it. What fails beside the jobs is left out, and named.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.observability import MOST_SKEW, Clock
from bot.veeam.causes import DEFAULT_RULES, CauseRules
from bot.veeam.details import Detail, detail, note_missing
from bot.veeam.errors import VeeamError
from bot.veeam.job_histories import JobHistory, KnownOfJobs, PastRuns, ReportPeriod, histories, is_of_job
from bot.veeam.jobs import JobState
from bot.veeam.limits import in_time
from bot.veeam.queries import JobStatesQuery, RepositoryStatesQuery, SessionsQuery
from bot.veeam.reports import Findings, ServerReport, findings_of
from bot.veeam.repositories import RepositoryState
from bot.veeam.revisions import Capability
from bot.veeam.server import VeeamServer
from bot.veeam.sessions import Session

JOBS_AT_MOST = 20_000
SESSIONS_ENOUGH, SESSIONS_AT_MOST = 20_000, 60_000
"""Of the days before the period so many sessions are read, with those of the period; never more in all."""
REASONS_ASKED = 40
"""So many failures of a server are looked into for why."""
_PAGE_ROWS = 500
_PAGE_SECONDS = 60.0
_REPOSITORIES_AT_MOST = 500
_MARGIN = timedelta(days=1)

AskWhy = Callable[[VeeamServer, Sequence[Session]], Awaitable[Mapping[str, str]]]
"""Returns why sessions failed, by their IDs, as far as it is known. Never raises `VeeamError`."""

log = structlog.get_logger()


async def read_server_report(
    server: VeeamServer,
    period: ReportPeriod,
    *,
    known: KnownOfJobs,
    why: AskWhy,
    clock: Clock,
    rules: CauseRules = DEFAULT_RULES,
    sees: Callable[[str], bool] | None = None,
    is_one_of_many: bool = False,
) -> ServerReport:
    """Return what is to be said of a server; with `sees`, of the jobs of these names alone.

    The period is by our clock, and the server's times are by its own. Raises `VeeamError` where the server
    does not list its jobs.
    """
    listed = await server.all_job_states(
        JobStatesQuery(order_by="Name", ascending=True), at_most=JOBS_AT_MOST
    )
    states = [state for state in listed.rows if sees is None or sees(state.name)]
    is_whole = listed.is_whole and len(listed.rows) < JOBS_AT_MOST
    lacks: tuple[str, ...] = () if is_whole else ("job_states",)
    ahead = await _ahead(server, clock)
    period = period.on_clock_ahead(ahead)
    past = PastRuns(period.until)
    read_since, is_read = await _read_sessions(server, past, period)
    if not is_read:
        lacks = (*lacks, "sessions")
    repositories = await _repositories(server)
    if repositories is None:
        repositories, lacks = (), (*lacks, "repositories")
    if sees is not None:
        used = {state.repository_id for state in states}
        repositories = tuple(each for each in repositories if each.id in used)
    # Beside the event loop: ten thousand jobs take a while.
    jobs = await asyncio.to_thread(_histories, states, past, period, read_since, known)
    failed = [each.failed_session for each in jobs if each.is_failing and not each.is_muted]
    asked = [session for session in failed if session is not None][:REASONS_ASKED]
    findings: Findings = await asyncio.to_thread(
        findings_of,
        server.name,
        jobs,
        period,
        reasons=await why(server, asked) if asked else {},
        rules=rules,
        repositories=repositories,
        can_retry=server.revision.has(Capability.RETRY),
        is_one_of_many=is_one_of_many,
    )
    return ServerReport(server=server.name, findings=findings, read_since=read_since - ahead, lacks=lacks)


def _histories(
    states: Sequence[JobState],
    past: PastRuns,
    period: ReportPeriod,
    read_since: datetime,
    known: KnownOfJobs,
) -> list[JobHistory]:
    return list(histories(states, past, period, read_since=read_since, known_of=known))


async def _read_sessions(server: VeeamServer, past: PastRuns, period: ReportPeriod) -> tuple[datetime, bool]:
    """Take the sessions in, the newest first; return since when all are there, and that no read failed."""
    query = SessionsQuery(
        types=server.revision.job_run_types,
        created_after=period.reach,
        order_by="CreationTime",
        ascending=False,
    )
    skip, oldest = 0, period.until
    while True:
        try:
            asked = server.sessions(query.page(skip=skip, limit=_PAGE_ROWS))
            page = await in_time(server.name, asked, _PAGE_SECONDS)
        except VeeamError as error:
            note_missing(Detail.SESSIONS, error)
            return oldest, False
        past.add(row for row in page.rows if is_of_job(row))
        skip += page.received
        oldest = min([oldest, *(row.creation_time for row in page.rows if row.creation_time is not None)])
        if not page.received or (page.total is not None and skip >= page.total):
            return period.reach, True
        is_enough = skip >= SESSIONS_ENOUGH and oldest < period.since - _MARGIN
        if is_enough or skip >= SESSIONS_AT_MOST:
            log.info("veeam.report_cut", server=server.name, sessions=skip)
            return oldest, True


async def _ahead(server: VeeamServer, clock: Clock) -> timedelta:
    """How far the server's clock is ahead of ours; nothing where they agree, or it doesn't say."""
    found = await detail(Detail.SERVER_TIME, server.name, server.server_time(), None)
    ahead = timedelta() if found is None else found.server_time - clock.now()
    return ahead if abs(ahead) > MOST_SKEW else timedelta()


async def _repositories(server: VeeamServer) -> tuple[RepositoryState, ...] | None:
    query = RepositoryStatesQuery(order_by="Name", ascending=True, limit=_REPOSITORIES_AT_MOST)
    page = await detail(Detail.REPOSITORIES, server.name, server.repository_states(query), None)
    return None if page is None else page.rows
