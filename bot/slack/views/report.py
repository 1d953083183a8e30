"""Digests and reports: how the jobs of all servers stand, on one screen, with the jobs behind it."""

from collections.abc import Mapping, Sequence
from datetime import date as calendar_day
from datetime import datetime
from typing import Any

from bot import veeam
from bot.operations.actions.group import AcknowledgeGroup, MuteGroup, RetryGroup
from bot.operations.actions.retry import Retry
from bot.operations.job_filters import JobsFilter
from bot.operations.model import Snapshot
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.report import DEFAULT_SPAN, ReportAnswer
from bot.settings import PersonId
from bot.slack.text import (
    QUOTE_LIMIT,
    code,
    count,
    date,
    dotted,
    duration,
    literal,
    mention,
    strong,
)
from bot.slack.views import buttons, day_grid, status_text
from bot.slack.views.message import (
    NOTHING,
    Message,
    MessagePart,
    compose,
    divided,
    heading,
    note,
    paragraph,
)
from bot.slack.views.server_errors import in_brief_by_name

LINES_AT_MOST = 12
"""What is seen without scrolling."""
REPORT_EVENT = "veeam_digest"
_CAUSES_SHOWN = 3
_NAMES_SHOWN = 3
_REASON_LIMIT, _REASON_BESIDE_TITLE = 110, 60
_RESOURCE_LIMIT = 40
_SERVERS_NAMED = 3
_REPOSITORIES_NAMED = 2
_EVERY: Mapping[int, str] = {2: "both"}
_GRID_ROWS_IN_REPORT = 12
_CAUSES_IN_THREAD = 10
_NAMED_IN_THREAD, _LEAST_NAMED = 80, 4
"""So many jobs are named in the thread in all, and at least so many of each group."""
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SESSIONS = "sessions"
_LACKING = {
    "job_states": "not all of its jobs could be listed",
    "repositories": "its repositories could not be read",
}


def report(answer: ReportAnswer, *, shared_by: PersonId | None = None) -> Message:
    """A report that somebody asked for: the summary, then the days of the worst jobs."""
    span = status_text.in_the_last(answer.request.within or DEFAULT_SPAN)
    title = f"Backup report, {span.removeprefix('in the ')}"
    shared = f"Shared by {mention(shared_by)}." if shared_by is not None else ""
    share = buttons.share_control(answer.request) if shared_by is None else None
    grid = answer.report.findings.grid
    rows = [day_grid.row(job) for job in grid.jobs[:_GRID_ROWS_IN_REPORT]]
    head = _first_screen(answer.report, title, is_named=True)
    return compose(
        [*head, *([day_grid.head(answer.report)] if rows else [])],
        rows,
        [note(day_grid.left_out(grid, len(rows)) if rows else "", shared), buttons.controls([share])],
        noun="job",
        metadata=metadata(answer.report, kind="report"),
    )


def digest_root(found: veeam.Report) -> Message:
    """A digest: what anybody has to know of it, on one screen; the rest is in its thread."""
    return compose(_first_screen(found, f"Backup digest, {_day(found.day)}"))


def digest_jobs(found: veeam.Report) -> Message:
    """In the thread of a digest: the jobs behind each of its lines."""
    findings = found.findings
    causes = findings.causes[:_CAUSES_IN_THREAD]
    groups = (
        (f"{status_text.SUCCESS} Fixed", findings.fixed, _plainly),
        (f"{status_text.WARNING} Last run with a warning", findings.warned, _plainly),
        (f"{status_text.BUSY} Still running", findings.running, _plainly),
        (":turtle: Slower than usual", findings.slower, _slowness),
        (f"{status_text.NEUTRAL} Never ran", findings.never_ran, _plainly),
        (f"{status_text.NEUTRAL} Disabled", findings.disabled, _plainly),
        (f"{status_text.NEUTRAL} Muted", findings.muted, _standing),
    )
    present = [each for each in groups if each[1].total]
    named = max(_LEAST_NAMED, _NAMED_IN_THREAD // max(1, len(causes) + len(present)))
    rows = [_cause_in_full(cause, named) for cause in causes]
    others = findings.failing_total - sum(cause.total for cause in causes)
    if others > 0:
        unnamed = count(findings.causes_total - len(causes), "other cause")
        rows.append(paragraph(f"{status_text.FAILED} … and {count(others, 'more job')} of {unnamed}."))
    for title, group, line in present:
        lines = [line(job) for job in group.jobs[:named]]
        rows.append(paragraph(f"*{title}: {count(group.total, 'job')}*", *lines, _more(group.total, lines)))
    if findings.repositories:
        full = [f"• {_repository(each)}" for each in findings.repositories]
        unlisted = findings.repositories_total - len(full)
        more = f"… and {unlisted:,} more." if unlisted else ""
        rows.append(paragraph("*Repositories filling up*", *full, more))
    return compose([paragraph("The jobs behind this digest")], divided(rows), noun="group")


def metadata(found: veeam.Report, *, kind: str) -> Mapping[str, Any]:
    """By which a digest or a report is found again."""
    return {
        "event_type": REPORT_EVENT,
        "event_payload": {"kind": kind, "day": found.day, "at": found.at},
    }


def _first_screen(found: veeam.Report, title: str, *, is_named: bool = False) -> list[MessagePart]:
    """At most `LINES_AT_MOST` lines, whatever there is to say; each with what can be pressed about it.

    `is_named`: what servers did not say is named above, as in every answer.
    """
    findings = found.findings
    return [
        *_headline(found, title),
        *(_cause_line(cause) for cause in findings.causes[:_CAUSES_SHOWN]),
        paragraph(_other_causes(findings)),
        paragraph(_fixed(findings)),
        _others(findings, _only(found)),
        paragraph(_slower(findings), _repositories(findings)),
        paragraph(_missing(found, is_named=is_named)),
    ]


def _only(found: veeam.Report) -> str | None:
    """The server of a report over one."""
    return found.servers[0] if len(found.servers) == 1 and not found.silent else None


def _headline(found: veeam.Report, title: str) -> list[MessagePart]:
    """The title, how things stand and what was looked at; a phone's notification begins with the second."""
    verdict, looked_at = _verdict(found), _looked_at(found)
    is_well = not (found.silent or found.incomplete) and found.findings.is_well and found.findings.jobs_total
    lines = (f"{verdict}: {looked_at}",) if is_well else (verdict, looked_at)
    spoken = (f"{lines[0]} · {title}", *lines[1:])
    part = paragraph(*lines)
    if found.findings.failing_total:
        part = buttons.with_button("\n".join(lines), _failing(_only(found)), label=buttons.DETAILS_LABEL)
    return [MessagePart("\n".join(spoken), heading(title).blocks + part.blocks)]


def _verdict(found: veeam.Report) -> str:
    findings = found.findings
    if findings.failing_total:
        are = "job is" if findings.failing_total == 1 else "jobs are"
        return f"{status_text.FAILED} *{findings.failing_total:,} {are} {_failing_and_new(found)}*"
    if not found.servers:
        return f"{status_text.WARNING} *No server answered*: nothing is known of the jobs."
    is_partly_read = bool(found.silent or found.incomplete)
    if not findings.jobs_total:
        return status_text.as_read("No jobs to show.", is_whole=not is_partly_read)
    as_read = ", as far as could be read" if is_partly_read else ""
    if findings.muted_failing:
        muted = "muted" if findings.muted_failing == 1 else "all muted"
        return f"{status_text.WARNING} *{count(findings.muted_failing, 'failing job')}, {muted}{as_read}*"
    if is_partly_read:
        return f"{status_text.WARNING} *No job is failing{as_read}*"
    if findings.is_well:
        return f"{status_text.SUCCESS} *All is well*"
    return f"{status_text.SUCCESS} *No job is failing*"


def _failing_and_new(found: veeam.Report) -> str:
    """That the jobs are failing, and how many of them newly, as far as that is known."""
    failing, new = found.findings.failing_total, found.findings.new_total
    if failing == 1:
        return "newly failing" if new else "failing"
    if new == failing:
        return f"failing, {_EVERY.get(failing, 'all')} new"
    if not new and any(each.read_since for each in found.incomplete):
        return "failing"
    return f"failing, {f'{new:,}' if new else 'none'} new"


def _looked_at(found: veeam.Report) -> str:
    """What was looked at: a digest that finds nothing says so of something."""
    findings = found.findings
    if not found.servers:
        return f"Since {date(found.since)}."
    servers = count(len(found.servers), "server")
    if len(found.servers) == 1:
        servers = literal(found.servers[0])
    runs = f"{count(findings.runs_total, 'run')} since"
    if any(each.read_since for each in found.incomplete):
        runs = f"at least {runs}" if findings.runs_total else "since"
    late = " · sent late" if found.is_late else ""
    return (
        f"{count(findings.jobs_total, 'job')} on {servers}, {runs} {date(found.since)} · "
        f"as of {date(found.as_of)}{late}"
    )


def _cause_line(cause: veeam.FailureCause) -> MessagePart:
    """One cause in a line, with the button for its one job, or for all of them."""
    why = _why(cause, _REASON_BESIDE_TITLE if cause.title else _REASON_LIMIT)
    job = cause.jobs[0] if cause.jobs else None
    if cause.total == 1 and job is not None:
        words = f"• {day_grid.name(job)}{_how_long(job)}: {why}"
        return buttons.with_control(words, _control(job))
    new = f" ({cause.new_total:,} newly)" if 0 < cause.new_total < cause.total else ""
    named = _names(cause.jobs, cause.total)
    words = f"• *{cause.total:,} jobs*{new}: {why} {named}"
    return buttons.with_control(words, next(iter(_on_group(cause)), None))


def _on_group(cause: veeam.FailureCause) -> list[buttons.Control | None]:
    """What can be pressed about all jobs of a cause, the likeliest first."""
    if cause.group is None:
        return []
    names = [job.name for job in cause.jobs if job.can_retry]
    about = ", ".join(filter(None, (cause.title, *names[:_NAMES_SHOWN])))
    return [
        buttons.on_many(request, names, cause.group_total, about=about)
        for request in (RetryGroup(cause.group), AcknowledgeGroup(cause.group), MuteGroup(cause.group))
    ]


def _why(cause: veeam.FailureCause, limit: int) -> str:
    """What the cause is called and with what it is, where that is known, and VBR's own words.

    A resource is one server's: that is said where no single job says it.
    """
    named = strong(cause.title) if cause.title else ""
    about = literal(cause.resource, _RESOURCE_LIMIT) if cause.resource else ""
    if about and cause.total > 1 and cause.jobs:
        about = f"{about} on {literal(cause.jobs[0].server)}"
    said = code(cause.reason, limit) if cause.reason else "reason unknown"
    return " ".join(filter(None, (named, f"({about})" if about else "", said)))


def _control(job: veeam.ReportedJob) -> buttons.Control | None:
    state = Snapshot(job.session_id, is_active=False)
    target = buttons.ButtonTarget(job.server, job.job_id, job.name, state)
    return buttons.job_control(target, Retry.operation if job.can_retry else ShowJob.operation)


def _other_causes(findings: veeam.Findings) -> str:
    shown = findings.causes[:_CAUSES_SHOWN]
    jobs = findings.failing_total - sum(cause.total for cause in shown)
    if jobs <= 0:
        return ""
    causes = findings.causes_total - len(shown)
    return f"• … and {count(jobs, 'more job')} of {count(causes, 'other cause')}"


def _failing(only: str | None) -> ListJobs:
    return ListJobs(JobsFilter.FAILED, server=only)


def _fixed(findings: veeam.Findings) -> str:
    fixed = findings.fixed
    if not fixed.total:
        return ""
    return f"{status_text.SUCCESS} Fixed: {count(fixed.total, 'job')} {_names(fixed.jobs, fixed.total)}"


def _others(findings: veeam.Findings, only: str | None) -> MessagePart:
    """What is neither failing nor fixed, counted in one line."""
    failing = f" ({findings.muted_failing:,} of them failing)" if findings.muted_failing else ""
    counts = (
        (findings.warned.total, "with a warning"),
        (findings.running.total, "still running"),
        (findings.never_ran.total, "never ran"),
        (findings.disabled.total, "disabled"),
        (findings.muted.total, f"muted{failing}"),
    )
    words = dotted(*(f"{number:,} {what}" for number, what in counts if number))
    if not words:
        return NOTHING
    words = f"{status_text.NEUTRAL} Jobs: {words}"
    if not findings.warned.total:
        return paragraph(words)
    request = ListJobs(JobsFilter.WARNING, server=only)
    return buttons.with_button(words, request, label=buttons.DETAILS_LABEL)


def _slower(findings: veeam.Findings) -> str:
    slower = findings.slower
    if not slower.total:
        return ""
    return f":turtle: Slower than usual: {count(slower.total, 'job')} {_names(slower.jobs, slower.total)}"


def _repositories(findings: veeam.Findings) -> str:
    if not findings.repositories_total:
        return ""
    named = [_repository(each) for each in findings.repositories[:_REPOSITORIES_NAMED]]
    more = findings.repositories_total - len(named)
    also = f" and {more:,} more" if more > 0 else ""
    return f"{status_text.WARNING} Repositories filling up: {'; '.join(named)}{also}"


def _missing(found: veeam.Report, *, is_named: bool) -> str:
    """In one line, which servers did not answer, and of which not everything was read."""
    silent = [f"{strong(each.server)} ({in_brief_by_name(each.problem)})" for each in found.silent]
    shown = silent[:_SERVERS_NAMED]
    if len(silent) > len(shown):
        shown.append(f"{len(silent) - len(shown):,} more")
    parts = [f"No answer from {', '.join(shown)}: nothing of it is in here"] if shown else []
    lacking = [(each.server, _lacking(each, found.until, is_named=is_named)) for each in found.incomplete]
    lacking = [(server, what) for server, what in lacking if what]
    parts += [f"{strong(server)}: {what}" for server, what in lacking[:_SERVERS_NAMED]]
    if len(lacking) > _SERVERS_NAMED:
        parts.append(f"{len(lacking) - _SERVERS_NAMED:,} more servers were not read whole")
    return f"{status_text.WARNING} {'; '.join(parts)}." if parts else ""


def _lacking(cut: veeam.CutOff, until: datetime, *, is_named: bool) -> str:
    """What was not read of a server; of what is named above, no more than where it ends."""
    lacks = [] if is_named else [_LACKING.get(what, literal(what)) for what in cut.lacks if what != _SESSIONS]
    if _SESSIONS in cut.lacks:
        if cut.read_since is not None and cut.read_since < until:
            lacks.append(f"its sessions before {date(cut.read_since)} could not be read")
        elif not is_named:
            lacks.append(f"its {'older ' if cut.read_since is None else ''}sessions could not be read")
    elif cut.read_since is not None:
        lacks.append(f"too many sessions to read those before {date(cut.read_since)}")
    return ", ".join(lacks)


def _cause_in_full(cause: veeam.FailureCause, named: int) -> MessagePart:
    why = _why(cause, QUOTE_LIMIT)
    lines = [_standing(job) for job in cause.jobs[:named]]
    head = f"{status_text.FAILED} *{count(cause.total, 'job')}*: {why}"
    return paragraph(head, *lines, _more(cause.total, lines)) + buttons.controls(_on_group(cause))


def _standing(job: veeam.ReportedJob) -> str:
    since = f"since {date(job.since)}" if job.since is not None else ""
    return f"• {dotted(day_grid.name(job), day_grid.nth_day(job), since)}"


def _plainly(job: veeam.ReportedJob) -> str:
    return f"• {day_grid.name(job)}"


def _slowness(job: veeam.ReportedJob) -> str:
    took, usual = duration(job.took_seconds or 0), duration(job.usually_took_seconds or 0)
    return f"• {day_grid.name(job)} took {took}, usually {usual}"


def _how_long(job: veeam.ReportedJob) -> str:
    said = day_grid.nth_day(job)
    return f" ({said})" if said else ""


def _more(total: int, named: Sequence[str]) -> str:
    rest = total - len(named)
    return f"… and {count(rest, 'more job')}." if rest > 0 else ""


def _names(jobs: Sequence[veeam.ReportedJob], total: int) -> str:
    shown = [literal(job.name, day_grid.NAME_LIMIT) for job in jobs[:_NAMES_SHOWN]]
    more = total - len(shown)
    if more > 0:
        shown.append(f"{more:,} more")
    return f"({', '.join(shown)})" if shown else ""


def _repository(repository: veeam.FullRepository) -> str:
    where = literal(repository.server, day_grid.NAME_LIMIT)
    name = f"{literal(repository.name, day_grid.NAME_LIMIT)} on {where}"
    if repository.is_offline:
        return f"{name} is offline"
    used = f"{100 * repository.used_fraction:.0f} % full" if repository.used_fraction is not None else ""
    space = literal(repository.space) if repository.space else ""
    return f"{name} {', '.join(filter(None, (used, space)))}"


def _day(iso: str) -> str:
    day = calendar_day.fromisoformat(iso)
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {day_grid.MONTHS[day.month - 1]}"
