"""App Home: one person's own page."""

from slack_sdk.models.blocks import ButtonElement, DividerBlock, PlainTextObject, SectionBlock

from bot.operations.actions.approvals import PendingApprovals
from bot.operations.outcomes import RecentAction
from bot.operations.queries.home import HomeAnswer, ShowHome
from bot.operations.queries.status import ServerStatus, StatusAnswer
from bot.slack import codec
from bot.slack.text import code, count, date, literal, mention
from bot.slack.views import signs
from bot.slack.views.approvals import own_request, to_decide
from bot.slack.views.jobs import job_row
from bot.slack.views.message import (
    NOTHING,
    Block,
    Message,
    Part,
    compose,
    divided,
    drawn,
    heading,
    mrkdwn,
    note,
    paragraph,
)
from bot.slack.views.repositories import is_worth_telling, repository_line
from bot.slack.views.surface import Room, fitting
from bot.slack.views.whoami import grant

_FAILED_ROOM = Room(blocks=36, size_bytes=110_000)
_WAITING_ROOM = Room(blocks=15, size_bytes=40_000)
_RUNNING_ROOM = Room(blocks=20, size_bytes=60_000)
_REPOSITORIES_LIMIT = 5
_GROUPS_LIMIT = 10
_DISABLED_LIMIT = 8


def home(answer: HomeAnswer, *, command: str, told: Message | None = None) -> tuple[Block, ...]:
    """The page's blocks. `told` is what came of a press on it just now."""
    return sum(_parts(answer, command, told), NOTHING).blocks


def home_message(answer: HomeAnswer, *, command: str) -> Message:
    """The same as a message, where there is no Home tab to show it in."""
    return compose([], _parts(answer, command, None), noun="part", plural="parts")


def home_problem(problem: Message) -> tuple[Block, ...]:
    """The page of somebody who gets none, and why."""
    return (*_head("This page cannot be shown.").blocks, *problem.blocks)


def _parts(answer: HomeAnswer, command: str, told: Message | None) -> list[Part]:
    parts = [_told(told) if told is not None else NOTHING, _head(f"As of {date(answer.as_of)}.")]
    if answer.status is None:
        return [*parts, _without_role(answer, command)]
    return [
        *parts,
        *_waiting(answer.waiting),
        *_wrong(answer.status, command),
        *_running(answer.status, command),
        *_disabled(answer),
        heading("What you did lately"),
        _lately(answer),
        heading("Your roles"),
        paragraph(*map(grant, answer.whoami.held)),
        note(_may(answer, command)),
    ]


def _told(message: Message) -> Part:
    return (
        paragraph(message.text) + note("It stands in the Messages tab too.") + Part("", drawn(DividerBlock()))
    )


def _head(words: str) -> Part:
    button = ButtonElement(
        text=PlainTextObject(text=ShowHome.operation.label, emoji=False),
        action_id=codec.action_id(ShowHome.operation),
        value=codec.encode_run(ShowHome()),
        accessibility_label="Refresh this page",
    )
    return Part(words, drawn(SectionBlock(text=mrkdwn(words), accessory=button)))


def _without_role(answer: HomeAnswer, command: str) -> Part:
    named = ", ".join(literal(group) for group in answer.groups[:_GROUPS_LIMIT])
    return (
        heading("Welcome")
        + paragraph(
            "You have none of Veeam's roles here yet, so there is nothing to show.",
            f"Roles come with Slack's user groups: ask to be taken into one of {named}."
            if named
            else "Whoever runs the bot can grant you one.",
        )
        + note(f"{code(f'{command} whoami')} and {code(f'{command} help')} work for everyone.")
    )


def _waiting(waiting: PendingApprovals) -> list[Part]:
    requests = [*map(to_decide, waiting.to_decide), *map(own_request, waiting.own)]
    if not requests:
        return []
    shown = fitting(requests, _WAITING_ROOM)
    return [
        heading("Waiting for a second person"),
        *shown,
        note(_more(len(requests) - len(shown), "request", "")),
    ]


def _wrong(status: StatusAnswer, command: str) -> list[Part]:
    failed = [view for server in status.servers for view in server.failed]
    shown = fitting(divided(map(job_row, failed)), _FAILED_ROOM)
    left_out = sum(server.failed_total for server in status.servers) - len(shown)
    repositories = [one for server in status.servers for one in server.repositories if is_worth_telling(one)]
    filling = [f"{signs.WARNING} {repository_line(one)}" for one in repositories[:_REPOSITORIES_LIMIT]]
    return [
        heading("What is wrong now"),
        paragraph(_in_a_word(status), *signs.silences(status.silent), *filling),
        *shown,
        note(
            _more(left_out, "failed job", f"{command} jobs failed"),
            _more(len(repositories) - len(filling), "repository", "", "repositories"),
            _warned(status.servers, command),
        ),
    ]


def _in_a_word(status: StatusAnswer) -> str:
    failed = sum(server.failed_total for server in status.servers)
    silent = len(status.silent)
    if failed:
        return f"{signs.FAILED} {count(failed, 'failed job')}"
    if silent:
        return "" if not status.servers else "On the servers that answer no job's last run failed."
    return f"{signs.SUCCESS} No job's last run failed."


def _warned(servers: tuple[ServerStatus, ...], command: str) -> str:
    warned = sum(server.warning_total for server in servers)
    if not warned:
        return ""
    return f"{count(warned, 'job')} ended with a warning: see {code(f'{command} jobs warning')}."


def _running(status: StatusAnswer, command: str) -> list[Part]:
    running = [view for server in status.servers for view in server.running]
    shown = fitting(list(map(job_row, running)), _RUNNING_ROOM)
    total = sum(server.running_total for server in status.servers)
    return [
        heading("Running now"),
        *shown,
        paragraph("" if total else "Nothing is running at the moment."),
        note(_more(total - len(shown), "running job", f"{command} jobs running")),
    ]


def _more(left_out: int, noun: str, command: str, plural: str | None = None) -> str:
    if left_out <= 0:
        return ""
    where = f": see {code(command)}" if command else ""
    return f"… and {count(left_out, f'more {noun}', f'more {plural or noun + chr(115)}')}{where}."


def _disabled(answer: HomeAnswer) -> list[Part]:
    if not answer.disabled:
        return []
    shown = answer.disabled[:_DISABLED_LIMIT]
    lines = [
        f"{signs.job_name(one.job_name, one.server)} · until {date(one.until)} · by {mention(one.by)}"
        for one in shown
    ]
    more = _more(len(answer.disabled) - len(shown), "such job", "")
    return [heading("Disabled for a time"), paragraph(*lines, more)]


def _lately(answer: HomeAnswer) -> Part:
    if answer.recent is None:
        return paragraph(f"{signs.WARNING} The bot's own database does not answer just now.")
    return paragraph(*map(_deed, answer.recent)) if answer.recent else paragraph("Nothing yet.")


def _deed(deed: RecentAction) -> str:
    label = deed.operation.label
    outcome = signs.deed(deed.outcome)
    return f"{label} · {signs.job_name(deed.job_name or '', deed.server)} · {outcome} · {date(deed.at)}"


def _may(answer: HomeAnswer, command: str) -> str:
    may = ", ".join(code(f"{command} {operation.name}") for operation in answer.whoami.operations)
    return f"May use {may}."
