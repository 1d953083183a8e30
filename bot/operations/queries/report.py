"""`report`: how the jobs fared in the last day or days, grouped by cause; what a digest says each morning."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

import structlog

from bot import veeam
from bot.operations import outcomes
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine, Unreadable, span_in
from bot.operations.model import ALL_ROLES, Kind, Operation, RequestContext
from bot.operations.queries import Query
from bot.operations.stored import stored
from bot.settings import ServerName
from bot.store import StoreError

DEFAULT_SPAN = timedelta(days=1)
LONGEST_SPAN = timedelta(days=veeam.GRID_DAYS)
_SECONDS_FOR_A_SERVER = 60.0
_ASKED_AT_ONCE = 4

log = structlog.get_logger()


class ShowReport(Query, frozen=True, tag="report"):
    """How the jobs fared `within` so long; None: the last day."""

    operation = Operation(
        name="report",
        usage="report [7d]",
        help="what began to fail, what was fixed, what still fails and since when, by cause",
        kind=Kind.QUERY,
        audit_name="report",
        roles=ALL_ROLES,
        examples=("report", "report 7d", "report 24h server:hq"),
    )

    within: timedelta | None = None
    server: str | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ShowReport":
        """Read how far back."""
        line.known_options_only()
        if not line.words:
            return cls(server=line.server)
        within = span_in([word.bare for word in line.words])
        if within is None:
            problem = f"{line.text} isn't a length of time (24h, 7d, up to 14d)."
            raise Unreadable(line.problem(problem, "report 7d"))
        if within > LONGEST_SPAN:
            raise Unreadable(line.problem("A report reaches back 14 days at most.", "report 14d"))
        return cls(within, line.server)

    async def answer(self, backend: Backend, context: RequestContext) -> outcomes.Done | outcomes.NotFound:
        """Return the report over what this person may see, of every server asked that answers."""
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        now = backend.clock.now()
        span = min(self.within or DEFAULT_SPAN, LONGEST_SPAN)
        zone = context.person.zone or UTC
        period = veeam.ReportPeriod(since=now - span, until=now, zone=zone)

        muted = await stored(backend.mutes.every(now), ())

        async def read(server: veeam.VeeamServer) -> veeam.ServerReport:
            noted = await backend.states.known_of(server)
            active = [mute for mute in muted if mute.server == server.name]
            sees_all = context.visibility.sees_all(server.name)
            return await veeam.read_server_report(
                server,
                period,
                known=veeam.KnownOfJobs(
                    noted.stopped,
                    noted.failed_parts,
                    is_muted=lambda job_id, name: any(mute.covers(job_id, name) for mute in active),
                ),
                why=lambda asked, sessions: _why(backend, asked.name, sessions),
                clock=backend.clock,
                rules=backend.causes,
                sees=None if sees_all else lambda name: context.visibility.sees(server.name, name),
                is_one_of_many=veeam.is_one_of_many(len(servers)),
            )

        answer = await backend.fleet.ask(read, servers, limit_seconds=_SECONDS_FOR_A_SERVER)
        report = veeam.report_over(
            tuple(answer.answers.values()),
            tuple(veeam.SilentAt(server=name, problem=error.kind) for name, error in answer.failures.items()),
            period,
            at=f"{now.astimezone(zone):%H:%M}",
            as_of=now,
        )
        return outcomes.Done(ReportAnswer(request=self, report=await _with_groups(backend, report)))


@dataclass(frozen=True, slots=True)
class ReportAnswer(outcomes.Answer):
    """The report over what the person may see."""

    request: ShowReport
    report: veeam.Report


async def _with_groups(backend: Backend, whole: veeam.Report) -> veeam.Report:
    """The report with what its buttons act on kept; while the database does not take it, without these."""
    report, groups = veeam.with_groups(whole)
    try:
        await backend.groups.keep(groups, backend.clock.now())
    except StoreError as error:
        log.warning("operations.groups_not_kept", error=str(error))
        return veeam.without_groups(report)
    return report


async def _why(backend: Backend, server: ServerName, sessions: Sequence[veeam.Session]) -> Mapping[str, str]:
    turns = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def ask(session: veeam.Session) -> str | None:
        async with turns:
            return (await backend.failures.of_session(server, session)).reason

    async with asyncio.TaskGroup() as group:
        asked = {session.id: group.create_task(ask(session)) for session in sessions}
    said = {session_id: task.result() for session_id, task in asked.items()}
    return {session_id: reason for session_id, reason in said.items() if reason is not None}
