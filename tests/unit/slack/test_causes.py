"""Failures by cause: what says the same stands together, and nothing is lost or said in another's name."""

import re
import time
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.job_filters import JobsColumn, JobsFilter
from bot.operations.outcomes import JobView
from bot.operations.queries.jobs import ListJobs
from bot.slack.views.causes import by_cause
from bot.slack.views.jobs import jobs
from bot.veeam import cause_of, gist
from tests.unit.slack import samples

_FULL = "There is not enough space on the disk. Failed to write data to the file [D:\\Backup\\{}D2025.vbk]."
_HOST = (
    "Cannot connect to the host's administrative share. Host: [{}.example.com]. Account: [EXAMPLE\\backup]."
)
_FREEZE = "Failed to freeze guest, wait timeout"


def view(name: str, reason: str | None, result: str = "Failed") -> JobView:
    return samples.job_view(samples.job_state(name, result=result), reason=reason)


def test_ten_failures_with_three_causes() -> None:
    """They are three groups, each where its first job stands, in the order of the list."""
    reasons = [_FULL.format("ora01"), _FREEZE, _HOST.format("web01"), None, _FULL.format("sql02")]
    reasons += [_FREEZE, _HOST.format("web02"), _FREEZE + ".", None, _FULL.format("fs03")]
    causes = by_cause([view(f"Job {place}", reason) for place, reason in enumerate(reasons)])
    assert [[shown.state.name for shown in cause.views] for cause in causes] == [
        ["Job 0", "Job 4", "Job 9"],
        ["Job 1", "Job 5", "Job 7"],
        ["Job 2", "Job 6"],
        ["Job 3"],
        ["Job 8"],
    ]
    assert [cause.reason for cause in causes] == [
        _FULL.format("ora01"),
        _FREEZE,
        _HOST.format("web01"),
        None,
        None,
    ]


def test_a_warning_is_not_a_failure() -> None:
    """What warned for a reason does not stand among what failed for it."""
    assert len(by_cause([view("a", _FREEZE), view("b", _FREEZE, "Warning")])) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vm01 is unavailable and will be skipped", "vm02 is unavailable and will be skipped"),
        ("Failed to open disk 'a b'.", "Failed to open disk 'c'"),
        ("Timeout  900 sec", "timeout 30 SEC"),
    ],
)
def test_names_and_numbers_make_no_other_cause(one: str, other: str) -> None:
    """Two reasons that differ in the objects they name are one cause."""
    assert gist(one) == gist(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Failed to freeze guest", "Failed to unfreeze guest"),
        ("0x800401fd", "0x80070005"),
        ("vm01", "vm02"),
        ("Access is denied", "Access is denied. Check the password"),
    ],
)
def test_other_words_are_another_cause(one: str, other: str) -> None:
    """What says something else, or nothing but names, stays apart."""
    assert gist(one) != gist(other)


@pytest.mark.parametrize("long", ["x", "{", "'", "[a"])
def test_a_reason_without_an_end_holds_nothing_up(long: str) -> None:
    """Where VBR puts a hundred thousand characters into one word, they are compared all the same."""
    began = time.process_time()
    assert gist(long * 100_000) == gist(long * 200_000)
    assert time.process_time() - began < 1


def test_one_cause_in_other_words_and_one_repository() -> None:
    """What names one cause stands together under it; the same on another repository stands apart."""
    words = ["No space left on device", "There is not enough space on the disk.", "disk quota exceeded"]
    full = [replace(view(f"Job {place}", said), finding=cause_of([said])) for place, said in enumerate(words)]
    elsewhere = msgspec.structs.replace(full[2].state, repository_name="Repo-2")
    causes = by_cause([*full[:2], replace(full[2], state=elsewhere)])
    assert [(len(cause.views), cause.title) for cause in causes] == [
        (2, "Repository full"),
        (1, "Repository full"),
    ]
    text = jobs(samples.jobs_answer(*full[:2])).text
    assert "2 jobs failed for the same reason*: Repository full" in text
    assert text.count("No space left on device") == 1


def test_a_list_that_was_asked_for_in_an_order_keeps_it() -> None:
    """Sorted, jobs of one cause are not put together; each says its own reason."""
    views = [view("Job 0", _FREEZE), view("Job 1", "Access is denied"), view("Job 2", _FREEZE)]
    for request, shared in ((ListJobs(JobsFilter.FAILED), 1), (ListJobs(sort=JobsColumn.NAME), 0)):
        text = jobs(samples.jobs_answer(*views, request=request, total=3)).text
        assert text.count("for the same reason") == shared
        order = re.findall(r"Job \d", text)
        assert (order == sorted(order)) is not shared
        assert text.count(_FREEZE) == 2 - shared


def test_a_count_on_one_page_of_several_says_so() -> None:
    """How many jobs of other pages have the cause as well isn't known."""
    answer = samples.jobs_answer(view("a", _FREEZE), view("b", _FREEZE), total=2)
    assert "*2 jobs failed for the same reason*" in jobs(answer).text
    assert "*2 jobs on this page failed for the same reason*" in jobs(replace(answer, total=14)).text


def test_each_job_of_one_cause_names_its_object() -> None:
    """The reason stands above them once; what it is about is another object of each."""
    full = cause_of([_FULL])
    shown = [
        replace(view(f"Job {name}", _FULL), finding=full, object_name=name) for name in ("vm01", "<!here>")
    ]
    lines = jobs(samples.jobs_answer(*shown)).text.splitlines()
    assert [line.split(" \u00b7 ")[0] for line in lines if "Started" in line] == ["*vm01*", "*&lt;!here&gt;*"]


@given(st.lists(st.none() | st.text(max_size=30), max_size=12))
def test_nothing_is_lost(reasons: list[str | None]) -> None:
    """Every job is in one group, and those of one group keep their order."""
    views = [view(f"{place:03}", reason) for place, reason in enumerate(reasons)]
    causes = by_cause(views)
    assert sorted(shown.state.name for cause in causes for shown in cause.views) == [
        shown.state.name for shown in views
    ]
    for cause in causes:
        assert list(cause.views) == sorted(cause.views, key=lambda shown: shown.state.name)
