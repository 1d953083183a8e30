"""The last days of the jobs that failed or warned in them: as squares, or as a picture."""

from collections.abc import Mapping
from datetime import date as calendar_day

from bot import veeam
from bot.slack.text import code, count, literal, ordinal, plain, strong
from bot.slack.views.message import Message, MessagePart, compose, note, paragraph
from bot.veeam import DayLetter

NAME_LIMIT = 40
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
ALT_TEXT_LIMIT = 2_000
_SQUARES: Mapping[str, str] = {
    DayLetter.GOOD: ":large_green_square:",
    DayLetter.WARNED: ":large_yellow_square:",
    DayLetter.FAILED: ":large_red_square:",
    DayLetter.NO_RUN: ":white_large_square:",
    DayLetter.NOT_READ: ":black_large_square:",
}
_LEGEND = (
    "S success · W warning, or failed and made up for · F failed · - no run · ? not read. "
    "Each letter is a day, as each square is."
)
_NO_PICTURE: Mapping[str, str] = {
    "not_installed": "`veeam-bot[pictures]` is not installed",
    "missing_scope": "the app lacks the scope `files:write`",
    "file_uploads_disabled": "the workspace allows no uploads",
    "storage_limit_reached": "the workspace's storage is full",
}


def digest_days(found: veeam.Report, *, file_id: str | None = None, no_picture: str | None = None) -> Message:
    """In the thread of a digest: the last fourteen days of the jobs that did worst in them.

    As the picture of that file, else as squares. `no_picture` is why there is none where one was wanted.
    """
    grid = found.findings.grid
    tail = [note(left_out(grid, len(grid.jobs)), _why_no_picture(no_picture))]
    rows = [row(job) for job in grid.jobs]
    if file_id is None:
        return compose([head(found)], rows, tail, noun="job")
    picture = MessagePart(
        "", ({"type": "image", "slack_file": {"id": file_id}, "alt_text": alt_text(found)},)
    )
    in_text = [MessagePart(each.text, ()) for each in rows]
    legend = MessagePart(_LEGEND, ())
    return compose([_title(found), legend, picture], in_text, tail, noun="job")


def head(found: veeam.Report) -> MessagePart:
    """What the rows are about, and what their letters mean."""
    return _title(found) + note(_LEGEND)


def row(job: veeam.ReportedJob) -> MessagePart:
    """The days of a job as squares, and as letters, for a colour alone says nothing."""
    squares = "".join(_SQUARES.get(letter, "") for letter in job.days)
    letters = f"`{job.days}`"
    return MessagePart(f"{letters} {name(job)}", paragraph(f"{squares} {letters} {name(job)}").blocks)


def left_out(grid: veeam.JobGroup, shown: int) -> str:
    """How many more jobs there are than are shown; empty where there are none."""
    more = grid.total - shown
    return f"… and {count(more, 'more job')} that failed or warned in these days." if more > 0 else ""


def alt_text(found: veeam.Report) -> str:
    """The picture in words, for people who don't see it: the counts, then the jobs as far as they fit."""
    findings, grid = found.findings, found.findings.grid
    total = f"{findings.jobs_total:,} on {count(len(found.servers), 'server')}"
    said = [
        f"The last {len(found.grid_days)} days, {_span(found)}.",
        f"Jobs that failed or warned in them: {grid.total:,} of {total}.",
        f"Jobs failing now: {findings.failing_total:,}.",
    ]
    if any(findings.failed_by_day):
        said.append(f"Jobs that failed on each day: {', '.join(map(str, findings.failed_by_day))}.")
    for job in grid.jobs:
        sentence = _in_words(job)
        if len(" ".join((*said, sentence))) > ALT_TEXT_LIMIT:
            break
        said.append(sentence)
    return " ".join(said)


def _in_words(job: veeam.ReportedJob) -> str:
    failed, warned = job.days.count(DayLetter.FAILED), job.days.count(DayLetter.WARNED)
    now = ", failing now" if job.since is not None else ""
    named = f"{plain(job.name, NAME_LIMIT)} on {plain(job.server, NAME_LIMIT)}"
    return f"{named}: failed on {count(failed, 'day')}, warned on {warned}{now}."


def nth_day(job: veeam.ReportedJob) -> str:
    """For how many days a job has been failing; empty where it isn't."""
    if job.since is None:
        return ""
    if job.is_new and job.day <= 1:
        return "new"
    if job.is_new:
        return f"new, {ordinal(job.day)} day"
    return f"{'at least the ' if job.is_at_least else ''}{ordinal(job.day)} day"


def name(job: veeam.ReportedJob) -> str:
    """A job's name and its server's."""
    return f"{strong(job.name, NAME_LIMIT)} on {literal(job.server, NAME_LIMIT)}"


def _title(found: veeam.Report) -> MessagePart:
    return paragraph(f"*The last {len(found.grid_days)} days*, {_span(found)}, failing jobs first")


def _span(found: veeam.Report) -> str:
    first, last = (_short_day(day) for day in (found.grid_days[0], found.grid_days[-1]))
    return f"{first} to {last}"


def _short_day(iso: str) -> str:
    day = calendar_day.fromisoformat(iso)
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def _why_no_picture(problem: str | None) -> str:
    if problem is None:
        return ""
    return f"Squares instead of the picture: {_NO_PICTURE.get(problem, f'{code(problem)}')}."
