r"""What VBR writes into the names of sessions: the run, and of a part its job, and machine or source. Pure.

`SQL (Incremental)` is a run of `SQL`. An immediate copy's parts are called `COPY\SOURCE (Incremental)`, an
agent job's `JOB - MACHINE (Full)`.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

_RUN = re.compile(
    r" \((?:incremental|increment|full|active full|synthetic full|retry \d+)\)\Z", re.IGNORECASE
)
_OF_MACHINE = " - "
_OF_SOURCE = "\\"
_WITH_MACHINES = ("agent", "policy")
_WITH_SOURCES = ("copy",)
"""In the names of the job types whose sessions have such parts."""


GENERATIONS = 4
"""So far up is looked for the run that a part belongs to, and for its job."""
J = TypeVar("J")


def run_name(name: str) -> str:
    """Return a session's name without what VBR appends of the run."""
    return _RUN.sub("", name)


def may_have_parts(job_type: str) -> bool:
    """Whether runs of such a job have parts with sessions of their own."""
    return any(word in job_type.casefold() for word in (*_WITH_MACHINES, *_WITH_SOURCES))


def names_before_machine(name: str) -> tuple[str, ...]:
    """Return what the job may be called of which a session is one machine's part, the longest first."""
    pieces = run_name(name).split(_OF_MACHINE)
    names = (_OF_MACHINE.join(pieces[:count]) for count in range(len(pieces) - 1, 0, -1))
    return tuple(each for each in names if each.strip())


def job_of_machine(
    name: str, jobs_named: Callable[[str], Sequence[J]], type_of: Callable[[J], str]
) -> J | None:
    """Return the job of which a session, by its name alone, is certainly one machine's part; else None.

    `jobs_named` returns the jobs of a name. Certain is what no other job's name explains as well.
    """
    if jobs_named(run_name(name)):
        return None
    found = [job for before in names_before_machine(name) for job in jobs_named(before)]
    is_one = len(found) == 1 and any(word in type_of(found[0]).casefold() for word in _WITH_MACHINES)
    return found[0] if is_one else None


def part_name(name: str, job_name: str) -> str:
    """Return what a part of a run is called beside its job: the source of a copy, or the machine."""
    whole = run_name(name)
    for between in (_OF_SOURCE, _OF_MACHINE):
        before = f"{job_name}{between}"
        # As many letters, whatever they are in another case: `ß` is two there.
        if whole[: len(before)].casefold() == before.casefold():
            return whole[len(before) :] or whole
    return whole.rpartition(_OF_SOURCE)[2] or whole
