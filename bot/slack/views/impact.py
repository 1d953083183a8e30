"""What an action touches, short enough to read on a phone."""

from bot.operations.forms import Consequences, OthersDeed
from bot.operations.requests import ActionRequest, DeleteRequest
from bot.slack.text import bar, code, count, date, dotted, literal, mention, sentence_case, strong
from bot.slack.views import status_text
from bot.slack.views.message import MessagePart, paragraph
from bot.veeam import JobState, Result

_FOLLOWERS_LIMIT = 5


def consequences(touched: Consequences, request: ActionRequest) -> MessagePart:
    """The job as it stands, what comes before and after it, where it writes to, and who else is at it."""
    state = touched.job.state
    is_deletion = isinstance(request, DeleteRequest)
    last_success = ""
    if state.result is not Result.SUCCESS and state.last_run is not None:
        at = touched.last_success_at
        last_success = f"Last success: {'none that VBR still lists' if at is None else date(at)}"
    repository = status_text.repository_line(touched.repository) if touched.repository else ""
    return paragraph(
        f"{status_text.job_result(state)} · {status_text.job_name(state.name, touched.job.server)}",
        _latest_run(state),
        last_success,
        _next_run_lost(state) if is_deletion else _next_run(state),
        _chain(touched, is_deletion=is_deletion),
        f"Repository: {repository}" if repository else "",
        lately(touched.lately),
    )


def lately(deeds: tuple[OthersDeed, ...]) -> str:
    """What others asked for on the same a moment ago, a line for each."""
    lines = []
    for deed in deeds:
        label, outcome = deed.operation.label, status_text.action_outcome(deed.outcome)
        asked = f"{label} ({literal(deed.detail)})" if deed.detail else label
        lines.append(f"{status_text.WARNING} {mention(deed.by)} pressed {asked} {date(deed.at)}: {outcome}")
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


def _next_run(state: JobState) -> str:
    if state.is_disabled:
        return "Next run: none, it is disabled"
    if state.run_after_job is not None and state.run_after_job.job_name:
        return ""
    if state.next_run is None:
        return f"Next run: {code(state.next_run_policy) if state.next_run_policy else 'not planned'}"
    return f"Next run: {date(state.next_run)}"


def _next_run_lost(state: JobState) -> str:
    if state.is_disabled:
        return "It is disabled, so no run is planned."
    return f"Its next run, {date(state.next_run)}, will not take place." if state.next_run else ""


def _chain(touched: Consequences, *, is_deletion: bool) -> str:
    before = f"It runs after {strong(touched.runs_before)}." if touched.runs_before else ""
    followers = [strong(name) for name in touched.run_after[:_FOLLOWERS_LIMIT]]
    left_out = len(touched.run_after) - len(followers)
    after = ", ".join([*followers, *([f"{left_out:,} more"] if left_out else [])])
    if after and is_deletion:
        after = f"{status_text.WARNING} These run after it, and will not be started any more: {after}."
        return "\n".join(filter(None, (before, after)))
    return " ".join(filter(None, (before, f"After it: {after}." if after else "")))
