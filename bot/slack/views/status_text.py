"""Results, statuses and states in text: a sign and a word, the same few signs, and never a sign alone."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot import veeam
from bot.operations.model import Operation
from bot.operations.outcomes import JobView, SilentServer
from bot.operations.type_names import known_type
from bot.slack.text import (
    QUOTE_LIMIT,
    bar,
    code,
    count,
    date,
    dotted,
    duration,
    literal,
    mention,
    one_line,
    ordinal,
    sentence_case,
    size,
    strong,
)
from bot.slack.views.server_errors import did_respond, in_brief

SUCCESS = ":white_check_mark:"
WARNING = ":warning:"
FAILED = ":x:"
BUSY = ":hourglass_flowing_sand:"
NEUTRAL = ":heavy_minus_sign:"
INFORMATION = ":information_source:"
STOPPED = f"{NEUTRAL} Stopped"
"""Said of a run that a person stopped, whatever VBR calls its result."""

_RESULTS = {
    veeam.Result.SUCCESS: f"{SUCCESS} Success",
    veeam.Result.WARNING: f"{WARNING} Warning",
    veeam.Result.FAILED: f"{FAILED} Failed",
    veeam.Result.NONE: f"{NEUTRAL} No result",
}
_STATES = {
    veeam.SessionState.WORKING: "Running",
    veeam.SessionState.WAITING_TAPE: "Waiting for a tape",
    veeam.SessionState.WAITING_REPOSITORY: "Waiting for the repository",
    veeam.SessionState.WAITING_SLOT: "Waiting for a free slot",
    veeam.SessionState.POSTPROCESSING: "Finishing",
}
_ACTION_OUTCOMES = {
    "done": f"{SUCCESS} Done",
    "failed": f"{FAILED} Not done",
    "unclear": f"{WARNING} Unclear",
    "broken": f"{WARNING} Not done, the bot's database failed",
    "refused": ":no_entry: Refused",
    "asked": ":raised_hand: Waiting for approval",
    "asked_before": f"{NEUTRAL} Already waiting for approval",
    "settled": f"{NEUTRAL} Already decided",
    "cut_off": f"{WARNING} Cut off or replaced",
}
_DETAILS = {
    veeam.Detail.JOB_STATES: "Job states",
    veeam.Detail.JOB_SETTINGS: "The job's settings",
    veeam.Detail.OTHER_JOBS: "The names of other jobs",
    veeam.Detail.CHAINED_JOBS: "The jobs that run after this one",
    veeam.Detail.JOB_OF_SESSION: "The session's job",
    veeam.Detail.SESSIONS: "The latest sessions",
    veeam.Detail.RUNNING_SESSIONS: "The running sessions",
    veeam.Detail.LAST_SUCCESS: "The last success",
    veeam.Detail.FAILURE_REASON: "The reason of a failure",
    veeam.Detail.OBJECTS: "The session's objects",
    veeam.Detail.INVENTORY: "Parts of the inventory",
    veeam.Detail.VSPHERE_MACHINES: "Machines of vSphere",
    veeam.Detail.OTHER_MACHINES: "Machines of Hyper-V and Cloud Director",
    veeam.Detail.COMPUTERS: "Computers with an agent",
    veeam.Detail.LOG: "The session's log",
    veeam.Detail.RESTORE_POINTS: "The newest restore point",
    veeam.Detail.REPOSITORIES: "Repositories",
    veeam.Detail.SCALE_OUT_REPOSITORIES: "Scale-out repositories",
    veeam.Detail.CREDENTIALS: "Credentials",
    veeam.Detail.TENANTS: "Tenants",
    veeam.Detail.DATA_SERVERS: "File servers and object storage",
    veeam.Detail.SERVER_TIME: "The server's clock",
    veeam.Detail.SERVER_INFO: "The server's name and build",
}
_BOTTLENECKS = {
    "throttling": "Throttling",
    "source": "Source",
    "proxy": "Proxy",
    "network": "Network",
    "target": "Target",
    "sourceproxy": "Source proxy",
    "sourcenetwork": "Source network",
    "sourcewan": "Source WAN accelerator",
    "targetproxy": "Target proxy",
    "targetnetwork": "Target network",
    "targetwan": "Target WAN accelerator",
    "targetdisk": "Target disk",
}
_MACHINES = {
    "vsphere": "vSphere machine",
    "hyperv": "Hyper-V machine",
    "clouddirector": "Cloud Director machine",
    "agent": "computer with an agent",
}
_WITHOUT = {
    veeam.Detail.JOB_STATES: (
        " They are put together from jobs and their newest sessions; jobs of some types may be missing."
    ),
    veeam.Detail.SERVER_TIME: " Times may be off by its time zone.",
    veeam.Detail.OTHER_JOBS: " It may have a job of that name too.",
}
"""What it means that a detail is missing, where that is not plain."""
_WHOLE_UNITS = (
    (timedelta(minutes=1), "minute", 59),
    (timedelta(hours=1), "hour", 48),
    (timedelta(days=1), "day", 100_000),
)
"""In which a time span is told, as far as so many of them say it."""
_STREAK = 2
_SAYS_NOTHING = frozenset({"", "success", "warning", "failed", "none"})


def type_name(name: str | None) -> str:
    """A type of jobs or sessions in words; one that we don't know is shown as it came."""
    return "" if not name else known_type(name) or literal(name)


def session_type(session_type: str, job_type: str | None) -> str:
    """What ran, in words: a run of a job by the job's type, anything else by its own."""
    is_run = veeam.session_group(session_type) is veeam.SessionGroup.JOB_RUN
    return type_name(job_type if job_type and is_run else session_type)


def log_backup(session_type: str) -> str:
    """The type of a session that backs up a database's logs; nothing for any other."""
    is_one = veeam.session_group(session_type) is veeam.SessionGroup.LOG_BACKUP
    return type_name(session_type) if is_one else ""


def result(word: str) -> str:
    """A result in VBR's word; one that we don't know is shown as it came."""
    found = veeam.known(veeam.Result, word or veeam.Result.NONE)
    return f"{NEUTRAL} {literal(word)}" if found is None else _RESULTS[found]


def session_result(session: veeam.Session) -> str:
    """How a session went, or what it is doing while it isn't over."""
    if not session.is_stopped:
        return f"{BUSY} {session_state(session)}"
    return result(session.result.result if session.result else "")


def action_outcome(outcome: str | None) -> str:
    """An action's outcome in words, the same everywhere; None where none is on record."""
    if outcome is None:
        return f"{WARNING} No outcome on record"
    return _ACTION_OUTCOMES.get(outcome, f"{NEUTRAL} {literal(outcome)}")


def own_words(message: str | None, limit: int = QUOTE_LIMIT) -> str:
    """What VBR says of a result, where it says more than the result itself."""
    return "" if message is None or message.strip().casefold() in _SAYS_NOTHING else code(message, limit)


def cause(object_name: str | None, reason: str, limit: int = QUOTE_LIMIT) -> str:
    """Why it failed or warned in VBR's words, with the object that they are about, if they are of one."""
    said = why(reason, limit)
    return f"{strong(object_name)}: {said}" if object_name else said


def why(reason: str, limit: int) -> str:
    """A reason in VBR's words, as much of it as there is room for, with those that name its cause."""
    line = one_line(reason)
    around = veeam.cut_to_cause(line, limit - 2)
    is_in_middle = around == veeam.cut_in_middle(line, limit - 2)
    return code(line if is_in_middle else around, limit)


def session_state(session: veeam.Session) -> str:
    """What a session is doing, in a word; one that we don't know is shown as it came."""
    state = veeam.known(veeam.SessionState, session.state)
    if state is None:
        return literal(session.state) if session.state else "Running"
    return _STATES.get(state, state.value)


def disabled_or_enabled(*, is_disabled: bool, until: datetime | None = None) -> str:
    """What it means that a job is disabled, or enabled; `until` is when the bot will enable it."""
    if is_disabled and until is not None:
        return f"No scheduled backups until the bot enables it again {date(until)}."
    if is_disabled:
        return "No scheduled backups until it is enabled again."
    return "It follows its schedule again."


def job_result(state: veeam.JobState) -> str:
    """A job's sign and word: what it is doing while it is active, else how its latest run went."""
    if state.is_active:
        return f"{BUSY} {'Running' if state.has_running_session else literal(state.status.capitalize())}"
    if state.was_stopped:
        return STOPPED
    if state.failed_part:
        return _RESULTS[veeam.Result.FAILED]
    if never_ran(state):
        return f"{NEUTRAL} Never ran"
    return result(state.last_result)


def never_ran(state: veeam.JobState) -> bool:
    """Whether the job never ran: of some that did VBR names no last run, and no result of others."""
    return state.last_run is None and state.result is veeam.Result.NONE


def unplanned(state: veeam.JobState) -> str:
    """Why VBR names no next run of a job, in its own words where it has some: "<Not scheduled>" it says."""
    if state.next_run_policy:
        words = re.fullmatch(r"<(\w)([^<>]*)>", state.next_run_policy.strip())
        return code(state.next_run_policy) if words is None else literal(words[1].lower() + words[2])
    return "unknown" if state.is_put_together else "not planned"


def job_name(name: str, server: str) -> str:
    """A job and where it is: "*SQL Prod* on hq"."""
    return f"{strong(name)} on {literal(server)}"


def job_line(view: JobView) -> str:
    """A job in one line: sign, word, name, server, and what else marks it."""
    state = view.state
    marks = [f"{job_result(state)} · {job_name(state.name, view.server)}"]
    if state.is_active and state.progress_percent is not None:
        marks.append(bar(state.progress_percent))
    if view.streak is not None and (failed := streak(view.streak.failed, is_longer=view.streak.is_longer)):
        marks.append(f"after the {failed}" if state.is_active and not view.streak.is_longer else failed)
    if state.is_active and state.failed_part:
        marks.append("a part failed")
    if state.is_disabled:
        marks.append("disabled")
    if view.owner is not None:
        marks.append(f"acknowledged by {mention(view.owner)}")
    return " · ".join(marks)


def streak(failed: int, what: str = "failure", *, is_longer: bool = False) -> str:
    """How many runs, or nights of them, failed in a row; nothing where it is the first.

    `is_longer`: VBR has more of them than were looked at.
    """
    if failed < _STREAK:
        return ""
    return f"more than {count(failed, what)} in a row" if is_longer else f"{ordinal(failed)} {what} in a row"


def span(start: datetime | None, end: datetime | None) -> str:
    """When something began and how long it took, as far as it is known."""
    if start is None:
        return f"ended {date(end)}" if end else ""
    length = took(start, end)
    return f"{date(start)}, {length}" if length else date(start)


def took(start: datetime | None, end: datetime | None) -> str:
    """How long it took; nothing where that is unknown, as by clocks that put the end before the beginning."""
    return f"took {duration(end - start)}" if start and end and end > start else ""


def run_length(state: veeam.JobState) -> str:
    """How long a job's latest run took, or takes so far; to follow a date."""
    seconds = state.session_progress.duration_seconds if state.session_progress else None
    if not seconds:
        return ""
    return f", {duration(seconds)} so far" if state.is_active else f", took {duration(seconds)}"


def with_age(at: datetime, now: datetime) -> str:
    """When it was, and how old that makes it."""
    return f"{date(at)} ({duration(now - at)} old)"


def span_asked_for(length: timedelta) -> str:
    """A time span as it was asked for: "26 hours", not "1 d 02 h"."""
    for unit, noun, at_most in _WHOLE_UNITS:
        number, rest = divmod(length, unit)
        if 0 < number <= at_most and not rest:
            return count(number, noun)
    return duration(length)


def in_the_last(length: timedelta) -> str:
    """How far back something reaches: "in the last 24 hours", "in the last hour"."""
    said = span_asked_for(length)
    is_one = any(length == unit for unit, _, _ in _WHOLE_UNITS)
    return f"in the last {said.removeprefix('1 ') if is_one else said}"


def volume(progress: veeam.SessionProgress | None) -> str:
    """How much a run covered, read and sent."""
    if progress is None:
        return ""
    return sizes(progress.processed_size, progress.read_size, progress.transferred_size)


def sizes(processed: int | None, read: int | None, transferred: int | None) -> str:
    """How much was processed, read and transferred; what VBR didn't say is left out."""
    amounts = ((processed, "processed"), (read, "read"), (transferred, "transferred"))
    return ", ".join(f"{size(amount)} {word}" for amount, word in amounts if amount)


def bottleneck(word: str | None) -> str:
    """The busiest stage, where VBR names one."""
    if not word or word.casefold() in {"notdefined", "none"}:
        return ""
    return f"Bottleneck: {_BOTTLENECKS.get(word.casefold()) or literal(word)}"


def silent_servers(silent: Iterable[SilentServer]) -> list[str]:
    """The servers that gave no answer, each with the reason: some responded, but not with what was asked."""
    return [f"{WARNING} {strong(one.server)} {_silence(one.error)}: {in_brief(one.error)}." for one in silent]


def _silence(error: veeam.VeeamError) -> str:
    return "can't be read" if did_respond(error) else "isn't responding"


def missing_details(missing: Iterable[veeam.MissingDetail], *, lacks_database: bool = False) -> list[str]:
    """What a server, or the bot's own database, did not say of an answer's details, and why."""
    own = f"{WARNING} The bot's own database isn't responding: what it keeps is missing here."
    return [own] * lacks_database + [
        f"{WARNING} {strong(one.server)}: {_DETAILS[one.what]} could not be read: {in_brief(one.error)}."
        f"{_WITHOUT.get(one.what, '')}"
        for one in missing
    ]


def machine_kind(platform: str) -> str:
    """What a machine of a platform is called."""
    return _MACHINES.get(platform.casefold(), f"{literal(platform)} machine")


def missing_operations(product: str, operations: Iterable[Operation]) -> str:
    """The operations that a server's API revision lacks, and what has them; nothing where it has them all."""
    by_product: dict[str, list[str]] = {}
    for operation in operations:
        needed = veeam.product_with(operation.needs) if operation.needs is not None else ""
        by_product.setdefault(needed, []).append(operation.name)
    missing = ", ".join(
        f"no {' and no '.join(names)}{f' (needs {needed})' if needed else ''}"
        for needed, names in by_product.items()
    )
    return f"The bot speaks {product}'s API with it, which has {missing}." if missing else ""


def nothing_found(only_server: str | None, *, has_answers: bool) -> str:
    """What an empty list means while a server does not answer: not that all is well."""
    if has_answers:
        return "Nothing was found on the servers that responded."
    return f"So nothing is known about {'it' if only_server else 'them'} at the moment."


def as_read(sentence: str, *, is_whole: bool) -> str:
    """A sentence that denies something, as it holds: where not all could be read, of what could be."""
    if is_whole:
        return sentence
    words = sentence.removeprefix(f"{SUCCESS} ").removeprefix("All is well: ").rstrip(".")
    return sentence_case(f"{words}, as far as could be read.")


def place_in_list(
    first: int, shown: int, total: int | None, noun: str, plural: str | None = None, *, is_exact: bool = True
) -> str:
    """Which rows of a list are shown, from `first` on, and of how many: "11\u201320 of 134 jobs".

    `total` is None where nobody knows; a lower bound unless it `is_exact`.
    """
    said = "" if total is None else f"{'' if is_exact else 'at least '}{count(total, noun, plural)}"
    if not shown or shown == total:
        return said
    rows = f"{first:,}\u2013{first + shown - 1:,}" if shown > 1 else f"{first:,}"
    return f"{rows} of {said}" if said else rows


def unreadable(number: int) -> str:
    """How many rows of VBR's answer could not be read."""
    if not number:
        return ""
    are = "is" if number == 1 else "are"
    return f"{WARNING} {count(number, 'row')} of VBR's answer could not be read and {are} missing here."


def needs_attention(repository: veeam.RepositoryState) -> bool:
    """Whether it is offline or running full."""
    return veeam.is_filling(repository)


def repository_line(repository: veeam.RepositoryState) -> str:
    """A repository by name, with a bar of what is used and how much is free."""
    parts = [literal(repository.name)]
    if repository.is_scale_out:
        parts.append("scale-out")
    if repository.is_online is False:
        parts.append(":x: offline")
    if repository.used_fraction is not None:
        parts.append(f"{bar(repository.used_fraction * 100)} used")
    return dotted(*parts, repository.space)
