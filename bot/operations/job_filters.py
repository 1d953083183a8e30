"""What `jobs` can be narrowed and sorted by: the words, and what each means of a job's state. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from bot import veeam
from bot.operations.commands import LONGEST_SPAN, CommandLine, Unreadable, span_of

E = TypeVar("E", bound=StrEnum)

OBJECTS_AT_MOST = 1_000_000
_RAN = {"<": "within", ">": "before"}


class JobsFilter(StrEnum):
    """Which jobs a list shows; the words are those of the slash command."""

    PROBLEMS = "problems"
    FAILED = "failed"
    WARNING = "warning"
    RUNNING = "running"
    STOPPED = "stopped"
    SUCCESS = "success"
    NONE = "none"
    DISABLED = "disabled"
    ENABLED = "enabled"
    INACTIVE = "inactive"


class JobPriority(StrEnum):
    """What `priority:` takes."""

    HIGH = "high"
    NORMAL = "normal"


class JobsColumn(StrEnum):
    """What `sort:` takes."""

    NAME = "name"
    TYPE = "type"
    STATUS = "status"
    LAST_RUN = "lastrun"
    RESULT = "result"
    NEXT_RUN = "nextrun"
    DESCRIPTION = "description"
    REPOSITORY = "repo"
    OBJECTS = "objects"
    AFTER = "after"


COLUMNS: Mapping[JobsColumn, str] = {
    JobsColumn.NAME: "Name",
    JobsColumn.TYPE: "Type",
    JobsColumn.STATUS: "Status",
    JobsColumn.LAST_RUN: "LastRun",
    JobsColumn.RESULT: "LastResult",
    JobsColumn.NEXT_RUN: "NextRun",
    JobsColumn.DESCRIPTION: "Description",
    JobsColumn.REPOSITORY: "RepositoryName",
    JobsColumn.OBJECTS: "ObjectsCount",
    JobsColumn.AFTER: "AfterJobName",
}
"""The columns as VBR names them."""

FITS: Mapping[JobsFilter, Callable[[veeam.JobState], bool]] = {
    JobsFilter.FAILED: lambda state: state.result is veeam.Result.FAILED,
    JobsFilter.WARNING: lambda state: state.result is veeam.Result.WARNING,
    JobsFilter.RUNNING: lambda state: state.is_active,
    JobsFilter.STOPPED: lambda state: state.was_stopped,
    JobsFilter.SUCCESS: lambda state: state.result is veeam.Result.SUCCESS,
    JobsFilter.NONE: lambda state: state.result is veeam.Result.NONE and not state.is_active,
    JobsFilter.DISABLED: lambda state: state.is_disabled,
    JobsFilter.ENABLED: lambda state: not state.is_disabled,
    JobsFilter.INACTIVE: lambda state: not state.is_active and not state.is_disabled,
}
"""Whether a job is as a word says. A job at rest neither runs nor is disabled."""

_WORST_FIRST = (veeam.Result.FAILED, veeam.Result.WARNING)


def meant(*states: JobsFilter | None) -> frozenset[JobsFilter]:
    """Return the states that are asked for, `problems` as what it stands for."""
    problems = {JobsFilter.FAILED, JobsFilter.WARNING} if JobsFilter.PROBLEMS in states else set()
    return frozenset({*filter(None, states), *problems} - {JobsFilter.PROBLEMS})


def severity(state: veeam.JobState) -> int:
    """Return a number that is smaller the worse the job's latest run went: failed comes first, always."""
    return _WORST_FIRST.index(state.result) if state.result in _WORST_FIRST else len(_WORST_FIRST)


def choice(line: CommandLine, option: str, words: type[E]) -> E | None:
    """Return the word that an option has; None without the option. Raises `Unreadable`, naming the words."""
    value = line.options.get(option)
    if value is None:
        return None
    known: dict[str, E] = {word.value.casefold(): word for word in words}
    found = known.get(value.casefold())
    if found is None:
        raise _not_one_of(line, option, value, [word.value for word in words])
    return found


def sorting(line: CommandLine) -> tuple[JobsColumn | None, bool]:
    """Return the column to sort by, and whether downwards (`sort:-lastrun`). Raises `Unreadable`."""
    value = line.options.get("sort")
    if value is None:
        return None, False
    name = value.removeprefix("-").removeprefix("+").casefold()
    column = next((column for column in JobsColumn if column.value == name), None)
    if column is None:
        raise _not_one_of(line, "sort", value, [column.value for column in JobsColumn])
    return column, value.startswith("-")


def number_of_objects(line: CommandLine) -> int | None:
    """Return how many objects jobs have. Raises `Unreadable`."""
    value = line.options.get("objects")
    if value is None:
        return None
    if value.isascii() and value.isdecimal() and len(value) <= len(str(OBJECTS_AT_MOST)):
        number = int(value)
        if number <= OBJECTS_AT_MOST:
            return number
    problem = f"objects:{value} isn't a number of objects; write objects:3 (up to {OBJECTS_AT_MOST:,})."
    raise Unreadable(line.problem(problem, f"{line.operation.name} objects:3"))


def ran(line: CommandLine) -> tuple[timedelta | None, timedelta | None]:
    """Return within which time jobs ran last, or how long ago at least. Raises `Unreadable`."""
    value = line.options.get("ran")
    if value is None:
        return None, None
    span = span_of(value[1:].strip()) if value[:1] in _RAN else None
    if span is None:
        problem = (
            f"ran:{value} is no time; write ran:<24h (ran within 24 hours) or ran:>7d (not for 7 days), "
            f"up to {LONGEST_SPAN.days}d."
        )
        raise Unreadable(line.problem(problem, f"{line.operation.name} ran:<24h"))
    return (span, None) if _RAN[value[0]] == "within" else (None, span)


def stale(line: CommandLine) -> timedelta | None:
    """Return for how long jobs have had no good run. Raises `Unreadable`."""
    value = line.options.get("stale")
    if value is None:
        return None
    span = span_of(value.strip())
    if span is None:
        problem = f"stale:{value} is no time span; write stale:26h or stale:7d, up to {LONGEST_SPAN.days}d."
        raise Unreadable(line.problem(problem, f"{line.operation.name} stale:26h"))
    return span


def _not_one_of(line: CommandLine, option: str, value: str, words: list[str]) -> Unreadable:
    problem = f"{option}: takes {', '.join(words[:-1])} or {words[-1]}, not {value}."
    return Unreadable(line.problem(problem, f"{line.operation.name} {option}:{words[0]}"))
