"""The first line of a report: how the jobs stand, in words."""

import pytest

from bot.slack.views.report import digest_root
from bot.veeam import Findings
from tests.unit.slack.report_samples import report


@pytest.mark.parametrize(
    ("failing", "new", "muted", "expected"),
    [
        (1, 1, 0, ":x: *1 job is newly failing*"),
        (1, 0, 3, ":x: *1 job is failing*"),
        (2, 2, 0, ":x: *2 jobs are failing, both new*"),
        (3, 3, 0, ":x: *3 jobs are failing, all new*"),
        (3, 1, 0, ":x: *3 jobs are failing, 1 new*"),
        (3, 0, 0, ":x: *3 jobs are failing, none new*"),
        (0, 0, 9, ":warning: *9 failing jobs, all muted*"),
        (0, 0, 1, ":warning: *1 failing job, muted*"),
    ],
)
def test_how_the_jobs_stand(failing: int, new: int, muted: int, expected: str) -> None:
    """What is muted and fails is no good news; how many are new is said in plain words."""
    findings = Findings(jobs_total=120, failing_total=failing, new_total=new, muted_failing=muted)
    assert digest_root(report(findings)).text.startswith(f"{expected} ·")
