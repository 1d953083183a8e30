"""App Home: one person's own page."""

import json
from collections.abc import Collection, Iterable, Sequence

from slack_sdk.models.blocks import ButtonElement, DividerBlock, PlainTextObject, SectionBlock

from bot.operations.actions.create import Create
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.job_filters import JobsFilter
from bot.operations.model import NamedMachine
from bot.operations.outcomes import RecentAction
from bot.operations.queries.home import FAILURES_SHOWN, HomeAnswer, ShowHome
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.status import StatusAnswer, newest_first
from bot.slack import codec
from bot.slack.text import code, count, date, dotted, literal, mention, strong
from bot.slack.views import buttons, status_text
from bot.slack.views.approvals import own_request, to_decide
from bot.slack.views.help import grant
from bot.slack.views.jobs import job_row
from bot.slack.views.message import (
    NOTHING,
    Block,
    Message,
    MessagePart,
    compose,
    divided,
    drawn,
    heading,
    mrkdwn,
    note,
    paragraph,
)
from bot.slack.views.mutes import muted_line
from bot.slack.views.servers import more
from bot.veeam import Detail, MissingDetail

# How much of the page a list may take: Slack takes 100 blocks and 250 kB of it.
_FAILED_BLOCKS, _FAILED_BYTES = 36, 110_000
_WAITING_BLOCKS, _WAITING_BYTES = 15, 40_000
_RUNNING_BLOCKS, _RUNNING_BYTES = 20, 60_000
_ROWS_LIMIT = 10
_RUNNING_LIMIT = 5
_REPOSITORIES_LIMIT = 5
_GROUPS_LIMIT = 10
_ALL_FAILED = ListJobs(which=JobsFilter.FAILED)
_BEGUN_HERE = (Create(), QuickBackup(NamedMachine("", None)))


def home(
    answer: HomeAnswer,
    *,
    command: str,
    result: Message | None = None,
    missing: Iterable[MissingDetail] = (),
    lacks_database: bool = False,
) -> tuple[Block, ...]:
    """The page's blocks. `result` is the outcome of a press on it just now."""
    missing = tuple(missing)
    head, *rest = _parts(answer, command, result, {one.what for one in missing})
    gaps = status_text.missing_details(missing, lacks_database=lacks_database)
    return sum([head, note(*gaps), *rest], NOTHING).blocks


def home_message(answer: HomeAnswer, *, command: str, lacks: Collection[Detail] = ()) -> Message:
    """The same as a message, where there is no Home tab to show it in."""
    return compose([], _parts(answer, command, None, lacks), noun="part")


def home_problem(problem: Message) -> tuple[Block, ...]:
    """The page of somebody who gets none, and why."""
    return (*_head("This page can't be shown.").blocks, *problem.blocks)


def _parts(
    answer: HomeAnswer, command: str, result: Message | None, lacks: Collection[Detail]
) -> list[MessagePart]:
    parts = [_head(f"As of {date(answer.as_of)}.")]
    if result is not None:
        shown = paragraph(result.text) + note("Also in the Messages tab.")
        parts = [shown + MessagePart("", drawn(DividerBlock())), *parts]
    if answer.status is None:
        return [*parts, _without_role(answer, command)]
    return [
        *parts,
        *_failed(answer.status, command, lacks),
        *_waiting("Waiting for your approval", [*map(to_decide, answer.waiting.to_decide)]),
        *_waiting("Your requests for approval", [*map(own_request, answer.waiting.own)]),
        *_will_end(answer, command),
        heading("Your recent actions"),
        _recent_actions(answer.recent),
        _begin(answer),
        *_running(answer.status, command, lacks),
        heading("Your roles"),
        *_roles(answer, command),
    ]


def _head(words: str) -> MessagePart:
    button = ButtonElement(
        text=PlainTextObject(text=ShowHome.operation.label, emoji=False),
        action_id=codec.action_id(ShowHome.operation),
        value=codec.encode_run(ShowHome()),
        accessibility_label="Refresh this page",
    )
    return MessagePart(words, drawn(SectionBlock(text=mrkdwn(words), accessory=button)))


def _begin(answer: HomeAnswer) -> MessagePart:
    """What can be begun without a job, for those who may."""
    offered = [request for request in _BEGUN_HERE if request.operation in answer.whoami.operations]
    return buttons.controls([buttons.request_control(each, name="", server="") for each in offered])


def _without_role(answer: HomeAnswer, command: str) -> MessagePart:
    named = ", ".join(literal(group) for group in answer.groups[:_GROUPS_LIMIT])
    if answer.whoami.held:
        roles = sum(_roles(answer, command), heading("Your roles"))
        return roles + note("Jobs are not shown with this role.")
    return (
        heading("Welcome")
        + paragraph(
            "You have none of Veeam's roles here yet, so there is nothing to show.",
            f"Roles come from Slack's user groups: ask to join one of {named}."
            if named
            else "The bot's administrator can grant you one.",
        )
        + note(f"{code(f'{command} whoami')} and {code(f'{command} help')} work for everyone.")
    )


def _roles(answer: HomeAnswer, command: str) -> list[MessagePart]:
    held = answer.whoami.held
    return [
        paragraph(*map(grant, held[:_ROWS_LIMIT])),
        note(
            more(len(held) - _ROWS_LIMIT, "role", f"{command} whoami"),
            f"{code(f'{command} help')} says what you can do.",
        ),
    ]


def _waiting(title: str, requests: Sequence[MessagePart]) -> list[MessagePart]:
    if not requests:
        return []
    shown = _fitting(requests[:_ROWS_LIMIT], _WAITING_BLOCKS, _WAITING_BYTES)
    return [heading(title), *shown, note(more(len(requests) - len(shown), "request"))]


def _failed(status: StatusAnswer, command: str, lacks: Collection[Detail]) -> list[MessagePart]:
    failed = newest_first(view for server in status.servers for view in server.failed)[:FAILURES_SHOWN]
    failed_total = sum(server.failed_total for server in status.servers)
    warned = sum(server.warning_total for server in status.servers)
    shown = _fitting(divided(map(job_row, failed)), _FAILED_BLOCKS, _FAILED_BYTES)
    repositories = [
        one for server in status.servers for one in server.repositories if status_text.needs_attention(one)
    ]
    filling = [
        f"{status_text.WARNING} {status_text.repository_line(one)}"
        for one in repositories[:_REPOSITORIES_LIMIT]
    ]
    if failed_total:
        summary = f"{status_text.FAILED} {count(failed_total, 'failed job')}"
    elif status.silent:
        summary = "" if not status.servers else "No failures on the servers that responded."
    elif any(server.jobs_total for server in status.servers):
        summary = f"{status_text.SUCCESS} No job's last run failed."
    else:
        summary = "No jobs to show."
    if not failed_total:
        summary = status_text.as_read(summary, is_whole=Detail.JOB_STATES not in lacks)
    silent = status_text.silent_servers(status.silent[:_ROWS_LIMIT])
    warnings = f"{count(warned, 'job')} ended with a warning: {code(f'{command} jobs warning')}"
    return [
        heading("Problems"),
        paragraph(summary, *silent),
        *shown,
        _more_failed(failed_total - len(shown)),
        note(
            more(len(status.silent) - len(silent), "silent server", f"{command} servers"),
            warnings if warned else "",
        ),
        paragraph(*filling, more(len(repositories) - len(filling), "repository", plural="repositories")),
    ]


def _more_failed(left_out: int) -> MessagePart:
    """How many failed jobs are not shown, and the button that lists all of them."""
    if left_out <= 0:
        return NOTHING
    return buttons.with_button(more(left_out, "failed job"), _ALL_FAILED, label="All failed jobs")


def _running(status: StatusAnswer, command: str, lacks: Collection[Detail]) -> list[MessagePart]:
    running = [view for server in status.servers for view in server.running][:_RUNNING_LIMIT]
    shown = _fitting(list(map(job_row, running)), _RUNNING_BLOCKS, _RUNNING_BYTES)
    total = sum(server.running_total for server in status.servers)
    is_whole = not {Detail.JOB_STATES, Detail.RUNNING_SESSIONS} & {*lacks}
    nothing = status_text.as_read("Nothing is running at the moment.", is_whole=is_whole)
    if status.silent:
        nothing = "Nothing is running on the servers that responded."
    if status.silent and not status.servers:
        nothing = "Unknown: no server responded."
    return [
        heading("Running now"),
        *shown,
        paragraph("" if total else nothing),
        note(more(total - len(shown), "running job", f"{command} jobs running")),
    ]


def _will_end(answer: HomeAnswer, command: str) -> list[MessagePart]:
    """What the bot brings to an end by itself, the soonest first."""
    if not (answer.disabled or answer.muted):
        return []
    muted = [muted_line(one) for one in answer.muted[:_ROWS_LIMIT]]
    lines = [
        dotted(
            status_text.job_name(one.job_name, one.server),
            f"disabled until {date(one.until)}",
            f"by {mention(one.by)}",
        )
        for one in answer.disabled[:_ROWS_LIMIT]
    ]
    left_out = more(len(answer.disabled) - len(lines), "job", f"{command} jobs disabled")
    left_out_mutes = more(len(answer.muted) - len(muted), "mute", f"{command} status")
    return [heading("Temporary changes"), paragraph(*lines), note(left_out), *muted, note(left_out_mutes)]


def _recent_actions(actions: Sequence[RecentAction] | None) -> MessagePart:
    if actions is None:
        return paragraph(f"{status_text.WARNING} The bot's own database isn't responding.")
    lines = [
        dotted(
            action.operation.label,
            _acted_on(action),
            status_text.action_outcome(action.outcome),
            date(action.at),
        )
        for action in actions
    ]
    return paragraph(*lines) if lines else paragraph("Nothing yet.")


def _acted_on(action: RecentAction) -> str:
    """The job or, where no job is named, the server and what of it."""
    if action.job_name is not None:
        return status_text.job_name(action.job_name, action.server)
    return f"{strong(action.server)}{f' ({literal(action.detail)})' if action.detail else ''}"


def _fitting(rows: Sequence[MessagePart], most_blocks: int, most_bytes: int) -> Sequence[MessagePart]:
    """As many of the rows as fit."""
    blocks = size = 0
    for taken, row in enumerate(rows):
        blocks += len(row.blocks)
        size += len(json.dumps(row.blocks))
        if blocks > most_blocks or size > most_bytes:
            return rows[:taken]
    return rows
