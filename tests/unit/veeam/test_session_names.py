"""What a session's name says of its run, its job and its machine, whatever people call these."""

from collections.abc import Mapping

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.veeam.session_names import (
    job_of_machine,
    may_have_parts,
    names_before_machine,
    part_name,
    run_name,
)

RUNS = ("", " (Full)", " (Incremental)", " (Active Full)", " (Retry 2)")
# Names made of what session names are read by, so that they are often ambiguous.
PIECES = st.sampled_from(["SQL", "lap01", " - ", "-", "\\", " (Full)", "(Retry 1)", " ", "ß"])
NAMES = st.one_of(st.text(min_size=1, max_size=8), st.lists(PIECES, min_size=1, max_size=5).map("".join))
TYPES = st.sampled_from(["WindowsAgentBackup", "LinuxAgentPolicy", "VSphereBackup", "BackupCopy"])


def is_plain(name: str) -> bool:
    """Whether VBR's own suffix cannot be mistaken for a part of the name."""
    return run_name(name) == name


@given(NAMES.filter(is_plain), st.sampled_from(RUNS))
def test_the_run_is_taken_off_a_name(name: str, run: str) -> None:
    """Once, at its end; a name without it stays as it is, and nothing but it is taken."""
    assert run_name(name + run) == name


@given(NAMES, NAMES.filter(is_plain), st.sampled_from([" - ", "\\"]), st.sampled_from(RUNS))
def test_a_part_is_called_by_what_stands_behind_its_job(job: str, part: str, between: str, run: str) -> None:
    """Whatever its job is called; of a job in another spelling nothing is cut off that is not its name."""
    name = f"{job}{between}{part}"
    assume(is_plain(name))
    assert part_name(name + run, job) == part
    assert part_name(name + run, job.upper()) in {part, name, name.rpartition("\\")[2]}


@given(NAMES)
def test_the_jobs_that_a_machines_part_may_be_of(name: str) -> None:
    """Each is the beginning of the name, up to one of its hyphens, the longest first; none is blank."""
    names = names_before_machine(name)
    assert list(names) == sorted(names, key=len, reverse=True)
    assert all(run_name(name).startswith(f"{each} - ") and each.strip() for each in names)


@given(NAMES, st.dictionaries(NAMES, TYPES, max_size=6))
def test_a_machines_part_is_of_the_only_job_that_explains_its_name(
    name: str, jobs: Mapping[str, str]
) -> None:
    """Of one with machines; where two explain it, or one is called so itself, nobody is named."""
    found = job_of_machine(name, lambda each: [each] if each in jobs else [], jobs.__getitem__)
    explaining = [each for each in jobs if run_name(name).startswith(f"{each} - ") and each.strip()]
    if run_name(name) in jobs or len(explaining) != 1 or not may_have_parts(jobs[explaining[0]]):
        assert found is None
    elif jobs[explaining[0]] != "BackupCopy":
        assert found == explaining[0]
