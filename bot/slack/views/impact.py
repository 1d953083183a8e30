"""What an action touches, short enough to read on a phone."""

from datetime import datetime

from bot.operations.actions.delete import Delete
from bot.operations.impact import Impact
from bot.operations.model import Request
from bot.operations.outcomes import RecentAction
from bot.slack.text import bar, count, date, dotted, literal, mention, sentence_case, strong
from bot.slack.views import status_text
from bot.slack.views.message import MessagePart, paragraph
from bot.veeam import JobState, Result

_FOLLOWERS_LIMIT = 5
BACKUPS_STAY = (
    "*Its backups stay* in the repository, as orphaned backups no job manages.",
    "VBR can't undo this.",
)
"""What deleting a job means, in lines."""


def impact_lines(affected: Impact, request: Request) -> MessagePart:
    """The job as it stands, what comes before and after it, where it writes to, and who else is at it."""
    state = affected.job.state
    is_deletion = isinstance(request, Delete)
    last_success = ""
    if state.result is not Result.SUCCESS and state.last_run is not None:
        last_success = last_success_line(affected.last_success_at, is_known=affected.is_last_success_known)
    repository = status_text.repository_line(affected.repository) if affected.repository else ""
    return paragraph(
        f"{status_text.job_result(state)} · {status_text.job_name(state.name, affected.job.server)}",
        _latest_run(state),
        last_success,
        _next_run(state, is_deletion=is_deletion),
        _chain(affected, is_deletion=is_deletion),
        f"Repository: {repository}" if repository else "",
        recent_actions(affected.recent),
    )


def last_success_line(at: datetime | None, *, is_known: bool) -> str:
    """When it last succeeded; not to be read is not the same as never."""
    if not is_known:
        return "Last success: unknown (VBR didn't say)"
    return f"Last success: {date(at)}" if at is not None else "Last success: none in VBR's history"


def recent_actions(actions: tuple[RecentAction, ...]) -> str:
    """What others did to it in the last minutes, a line for each."""
    lines = []
    for action in actions:
        label, outcome = action.operation.label, status_text.action_outcome(action.outcome)
        asked = f"{label} ({literal(action.detail)})" if action.detail else label
        lines.append(
            f"{status_text.WARNING} {mention(action.by)} pressed {asked} {date(action.at)}: {outcome}"
        )
    return "\n".join(lines)


def _latest_run(state: JobState) -> str:
    run = ""
    if state.last_run is not None:
        word = "runs since" if state.is_active else "last run"
        run = f"{word} {date(state.last_run)}{status_text.run_length(state)}"
    is_in_progress = state.is_active and state.progress_percent is not None
    return sentence_case(
        dotted(
            "" if state.objects_count is None else count(state.objects_count, "object"),
            run,
            bar(state.progress_percent or 0) if is_in_progress else "",
        )
    )


def _next_run(state: JobState, *, is_deletion: bool) -> str:
    if is_deletion:
        if state.is_disabled:
            return "It is disabled, so no run is planned."
        return f"Its next run, {date(state.next_run)}, won't happen." if state.next_run else ""
    if state.is_disabled:
        return "Next run: none, it is disabled"
    if state.run_after_job is not None and state.run_after_job.job_name:
        return ""
    if state.next_run is None:
        return f"Next run: {status_text.unplanned(state)}"
    return f"Next run: {date(state.next_run)}"


def _chain(affected: Impact, *, is_deletion: bool) -> str:
    before = f"It runs after {strong(affected.runs_before)}." if affected.runs_before else ""
    followers = [strong(name) for name in affected.run_after[:_FOLLOWERS_LIMIT]]
    left_out = len(affected.run_after) - len(followers)
    after = ", ".join([*followers, *([f"{left_out:,} more"] if left_out else [])])
    if after and is_deletion:
        after = f"{status_text.WARNING} These jobs run after it and will no longer start: {after}."
        return "\n".join(filter(None, (before, after)))
    return " ".join(filter(None, (before, f"After it: {after}." if after else "")))
