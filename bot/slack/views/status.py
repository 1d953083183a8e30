"""How things are, server by server."""

from bot.operations.queries.status import ServerStatus, ShowStatus, StatusAnswer
from bot.settings import PersonId
from bot.slack.text import code, count, date, strong
from bot.slack.views import signs
from bot.slack.views.buttons import controls, share_control
from bot.slack.views.jobs import job_row
from bot.slack.views.message import NOTHING, Message, Part, as_of, compose, divided, heading, note, paragraph
from bot.slack.views.repositories import is_worth_telling, repository_line

_FAILED_LIMIT = 3
_RUNNING_LIMIT = 3
_REPOSITORIES_LIMIT = 5


def status(answer: StatusAnswer, *, command: str, shared_by: PersonId | None = None) -> Message:
    """Each server's counts, its first failed jobs with their buttons, what runs, what is running full."""
    head = [heading("Status"), paragraph(_in_a_word(answer)), paragraph(*signs.silences(answer.silent))]
    rows = [part for server in answer.servers for part in _server(server, command)]
    tail = [
        note(_waiting(answer.outbox_waiting)),
        as_of(answer.as_of, shared_by),
        controls([share_control(ShowStatus(_only_server(answer)))]) if shared_by is None else NOTHING,
    ]
    return compose(head, rows, tail, noun="part", plural="parts")


def _waiting(announcements: int | None) -> str:
    if announcements is None:
        return f"{signs.WARNING} The bot's own database does not answer: nothing can be told until it does."
    return f"{count(announcements, 'announcement')} waiting to be sent to Slack." if announcements else ""


def _only_server(answer: StatusAnswer) -> str | None:
    named = [*(one.server for one in answer.servers), *(one.server for one in answer.silent)]
    return named[0] if len(named) == 1 else None


def _in_a_word(answer: StatusAnswer) -> str:
    failed = sum(server.failed_total for server in answer.servers)
    silent = len(answer.silent)
    if not failed and not silent:
        return f"{signs.SUCCESS} No job's last run failed."
    said = (count(failed, "failed job") if failed else "", count(silent, "silent server") if silent else "")
    return f"{signs.FAILED if failed else signs.WARNING} {', '.join(filter(None, said))}"


def _server(status: ServerStatus, command: str) -> list[Part]:
    polled = f"Last read {date(status.last_poll_at)}" if status.last_poll_at else ""
    worth_telling = [repository for repository in status.repositories if is_worth_telling(repository)]
    filling = [f"{signs.WARNING} {repository_line(one)}" for one in worth_telling[:_REPOSITORIES_LIMIT]]
    failed, running = status.failed[:_FAILED_LIMIT], status.running[:_RUNNING_LIMIT]
    return [
        *divided([paragraph(f"{strong(status.server)}: {_counts(status)}", polled)]),
        *map(job_row, failed),
        note(_more(status.failed_total, len(failed), "failed job", f"{command} jobs failed")),
        paragraph(*map(signs.job_line, running)),
        note(_more(status.running_total, len(running), "running job", f"{command} jobs running")),
        paragraph(*filling, _more(len(worth_telling), len(filling), "repository", "", "repositories")),
    ]


def _counts(status: ServerStatus) -> str:
    numbers = (
        (status.failed_total, "failed"),
        (status.warning_total, "with a warning"),
        (status.running_total, "running"),
        (status.disabled_total, "disabled"),
    )
    told = [f"{number:,} {word}" for number, word in numbers if number]
    return " · ".join((count(status.jobs_total, "job"), *told))


def _more(total: int, shown: int, noun: str, command: str, plural: str | None = None) -> str:
    left_out = total - shown
    if left_out <= 0:
        return ""
    where = f": see {code(command)}" if command else ""
    return f"… and {count(left_out, f'more {noun}', f'more {plural or noun + chr(115)}')}{where}."
