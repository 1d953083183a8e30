"""The servers: how their jobs are (`status`), and whether they answer (`servers`)."""

from collections.abc import Collection, Sequence

from bot.operations.queries.servers import ListServers, ServersAnswer, ServerView
from bot.operations.queries.status import FAILURES_SHOWN, ServerStatus, ShowStatus, StatusAnswer
from bot.settings import PersonId
from bot.slack.text import code, count, date, dotted, literal, strong
from bot.slack.views import status_text
from bot.slack.views.buttons import controls, share_control
from bot.slack.views.jobs import job_row
from bot.slack.views.message import (
    NO_CELL,
    NOTHING,
    Message,
    MessagePart,
    as_of,
    compose,
    divided,
    heading,
    note,
    paragraph,
    table,
)
from bot.slack.views.mutes import muted_line
from bot.slack.views.server_errors import did_respond, explain
from bot.veeam import Detail

_TABLE_FROM = 3
"""So many servers are easier to compare in a table."""
_TABLE_ROWS = 40
_RUNNING_LIMIT = 3
_REPOSITORIES_LIMIT = 5
_MUTES_LIMIT = 5


def status(
    answer: StatusAnswer,
    *,
    command: str,
    shared_by: PersonId | None = None,
    lacks: Collection[Detail] = (),
) -> Message:
    """Each server's counts, its first failed jobs with their buttons, what runs, what is running full."""
    failed, unread = sum(server.failed_total for server in answer.servers), len(answer.silent)
    silent = sum(not did_respond(one.error) for one in answer.silent)
    has_jobs = any(server.jobs_total for server in answer.servers)
    summary = f"{status_text.SUCCESS} No job's last run failed." if has_jobs else "No jobs to show."
    summary = status_text.as_read(summary, is_whole=Detail.JOB_STATES not in lacks)
    if failed or unread:
        sign = status_text.FAILED if failed else status_text.WARNING
        wrong = (
            count(failed, "failed job") if failed else "",
            f"{count(silent, 'server')} not responding" if silent else "",
            f"{count(unread - silent, 'server')} that can't be read" if unread > silent else "",
        )
        summary = f"{sign} {', '.join(filter(None, wrong))}"
    servers = [*(one.server for one in answer.servers), *(one.server for one in answer.silent)]
    share = share_control(ShowStatus(servers[0] if len(servers) == 1 else None))
    waiting = answer.outbox_waiting
    outbox = f"{count(waiting, 'announcement')} waiting to be sent to Slack." if waiting else ""
    if waiting is None or answer.database_problem is not None:
        outbox = _database(answer.database_problem)
    head = [heading("Status"), paragraph(summary), paragraph(*status_text.silent_servers(answer.silent))]
    muted = [muted_line(view) for view in answer.muted[:_MUTES_LIMIT]]
    tail = [
        *muted,
        note(more(len(answer.muted) - len(muted), "mute")),
        note(outbox),
        as_of(answer.as_of, shared_by),
        controls([share]) if shared_by is None else NOTHING,
    ]
    is_table = len(answer.servers) >= _TABLE_FROM
    if is_table:
        head.append(_table(answer.servers))
    rows = [part for server in answer.servers for part in _status(server, command, is_table=is_table)]
    return compose(head, rows, tail, noun="part")


def servers(answer: ServersAnswer, *, shared_by: PersonId | None = None) -> Message:
    """Each server with its build, its clock and its last good poll, or why it doesn't answer."""
    rows = [_server(view) for view in answer.servers]
    only = answer.servers[0].server if len(answer.servers) == 1 else None
    tail = [
        paragraph("No servers to show.") if not rows else NOTHING,
        as_of(answer.as_of, shared_by),
        controls([share_control(ListServers(only))]) if shared_by is None else NOTHING,
    ]
    return compose([heading("Servers")], rows, tail, noun="server")


def more(left_out: int, noun: str, command: str = "", plural: str | None = None) -> str:
    """How many entries are not shown, and the command that lists them."""
    if left_out <= 0:
        return ""
    where = f": see {code(command)}" if command else ""
    return f"… and {count(left_out, f'more {noun}', f'more {plural or noun + chr(115)}')}{where}."


def _database(problem: str | None) -> str:
    happened = "does not answer" if problem is None else f"does not work: {code(problem)}"
    return (
        f"{status_text.WARNING} The bot's own database {happened}. "
        "Nothing is announced and nothing can be changed until it works again."
    )


def _table(servers: Sequence[ServerStatus]) -> MessagePart:
    """The counts of many servers side by side, those with most failures first."""
    shown = sorted(servers, key=lambda one: (-one.failed_total, -one.warning_total))[:_TABLE_ROWS]
    header = ("Server", "Failed", "Warning", "Running", "Disabled", "Jobs")
    rows = [
        (
            one.server,
            *(f"{number:,}" if number else NO_CELL for number, _ in _numbers(one)),
            f"{one.jobs_total:,}",
        )
        for one in shown
    ]
    return table(header, rows) + note(more(len(servers) - len(shown), "server"))


def _numbers(status: ServerStatus) -> tuple[tuple[int, str], ...]:
    """How many jobs are how, the worst first."""
    return (
        (status.failed_total, "failed"),
        (status.warning_total, "with a warning"),
        (status.running_total, "running"),
        (status.disabled_total, "disabled"),
    )


def _status(status: ServerStatus, command: str, *, is_table: bool) -> list[MessagePart]:
    """One server; below a table only what is wrong or running on it."""
    counts = dotted(
        count(status.jobs_total, "job") if status.jobs_total else "no jobs to show",
        *(f"{number:,} {word}" for number, word in _numbers(status) if number),
    )
    polled = f"Last read {date(status.last_poll_at)}" if status.last_poll_at else ""
    repositories = [one for one in status.repositories if status_text.needs_attention(one)]
    filling = [
        f"{status_text.WARNING} {status_text.repository_line(one)}"
        for one in repositories[:_REPOSITORIES_LIMIT]
    ]
    failed, running = status.failed[:FAILURES_SHOWN], status.running[:_RUNNING_LIMIT]
    if is_table and not (failed or running or filling):
        return []
    return [
        *divided(
            [paragraph(strong(status.server) if is_table else f"{strong(status.server)}: {counts}", polled)]
        ),
        *map(job_row, failed),
        note(more(status.failed_total - len(failed), "failed job", f"{command} jobs failed")),
        paragraph(*map(status_text.job_line, running)),
        note(more(status.running_total - len(running), "running job", f"{command} jobs running")),
        paragraph(*filling, more(len(repositories) - len(filling), "repository", plural="repositories")),
    ]


def _revision(view: ServerView) -> str:
    """The revision of the API that is spoken, and who says so."""
    if not view.revision:
        return ""
    spoken = (
        f"API {view.revision} ({view.product}), {'as the settings say' if view.is_pinned else 'detected'}"
    )
    if view.newest is None:
        return spoken
    return f'{spoken}. It speaks {view.newest} too: set `api_version = "auto"`.'


def _server(view: ServerView) -> MessagePart:
    polled = f"Last read {date(view.last_poll_at)}" if view.last_poll_at else "Not read since the bot started"
    if view.error is not None:
        explained = explain(view.error)
        asked = "" if view.port is None else f"Port {view.port}"
        spoken = _revision(view) or "API revision not known yet"
        return paragraph(
            f"{status_text.FAILED} {explained.happened}", explained.advice, polled, dotted(asked, spoken)
        )
    took = "" if view.answered_in_ms is None else f" in {view.answered_in_ms:,} ms"
    port = "" if view.port is None else f" on port {view.port}"
    clock = ""
    if view.time is not None:
        zone = literal(view.time.time_zone) if view.time.time_zone else ""
        clock = dotted(f"Its clock: {date(view.time.server_time)}", zone)
    name = literal(view.info.name) if view.info and view.info.name else ""
    build = f"VBR {literal(view.info.build_version)}" if view.info and view.info.build_version else ""
    return paragraph(
        f"{status_text.SUCCESS} {strong(view.server)} answers{port}{took}",
        ", ".join(filter(None, (name, build))),
        clock,
        polled,
        _revision(view),
        *(
            f"It has {', '.join(f'no {each}' for each in lacks)}: {product} and newer do."
            for product, lacks in view.lacks.items()
        ),
    )
