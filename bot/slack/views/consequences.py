"""What an action touches, short enough to read on a phone."""

from bot.operations.actions.delete import Delete
from bot.operations.impact import Impact
from bot.operations.model import Request
from bot.operations.outcomes import RecentAction
from bot.slack.text import bar, code, count, date, literal, mention, sentence_case, strong
from bot.slack.views import signs
from bot.slack.views.message import Part, paragraph
from bot.slack.views.repositories import repository_line
from bot.veeam import JobState, Result

_FOLLOWERS_LIMIT = 5


def consequences(touched: Impact, request: Request) -> Part:
    """The job as it stands, what comes before and after it, where it writes to, and who else is at it."""
    state = touched.job.state
    is_deletion = isinstance(request, Delete)
    return paragraph(
        f"{signs.job_result(state)} · {signs.job_name(state.name, touched.job.server)}",
        _runs(state),
        _last_success(touched),
        _next_run_lost(state) if is_deletion else _next_run(state),
        _chain(touched, is_deletion=is_deletion),
        f"Repository: {repository_line(touched.repository)}" if touched.repository else "",
        lately(touched.recent),
    )


def lately(deeds: tuple[RecentAction, ...]) -> str:
    """What others asked for on the same a moment ago, a line for each."""
    return "\n".join(map(_deed, deeds))


def _deed(deed: RecentAction) -> str:
    label = deed.operation.label
    asked = f"{label} ({literal(deed.detail)})" if deed.detail else label
    return f"{signs.WARNING} {mention(deed.by)} pressed {asked} {date(deed.at)}: {signs.deed(deed.outcome)}"


def _runs(state: JobState) -> str:
    objects = "" if state.objects_count is None else count(state.objects_count, "object")
    progress = state.session_progress
    took = signs.lasted(state, progress.duration_seconds if progress else None)
    if state.last_run is None:
        run = ""
    elif state.is_active:
        run = f"runs since {date(state.last_run)}{took}"
    else:
        run = f"last run {date(state.last_run)}{took}"
    done = bar(state.progress_percent) if state.is_active and state.progress_percent is not None else ""
    return sentence_case(" · ".join(filter(None, (objects, run, done))))


def _last_success(touched: Impact) -> str:
    state = touched.job.state
    if state.result is Result.SUCCESS or state.last_run is None:
        return ""
    if touched.last_success_at is None:
        return "Last success: none that VBR still lists"
    return f"Last success: {date(touched.last_success_at)}"


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


def _chain(touched: Impact, *, is_deletion: bool) -> str:
    before = f"It runs after {strong(touched.runs_before)}." if touched.runs_before else ""
    after = _in_a_row(touched.run_after)
    if after and is_deletion:
        after = f"{signs.WARNING} These run after it, and will not be started any more: {after}."
        return "\n".join(filter(None, (before, after)))
    return " ".join(filter(None, (before, f"After it: {after}." if after else "")))


def _in_a_row(names: tuple[str, ...]) -> str:
    shown = [strong(name) for name in names[:_FOLLOWERS_LIMIT]]
    more = len(names) - len(shown)
    return ", ".join([*shown, *([f"{more:,} more"] if more else [])])
