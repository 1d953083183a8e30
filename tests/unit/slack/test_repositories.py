"""How a repository is told in one line."""

from dataclasses import dataclass

import pytest

from bot.slack.views.status_text import repository_line
from bot.veeam import RepositoryState, ScaleOutMembership, ScaleOutRepository, scale_out_state


@dataclass(frozen=True)
class _Case:
    repository: RepositoryState
    line: str


_POOL = ScaleOutRepository(id="s1", name="Pool")
_EXTENT = RepositoryState(
    id="e1",
    capacity_gb=1000.0,
    free_gb=250.0,
    is_online=False,
    extent_of=ScaleOutMembership("Pool", "s1", "Performance"),
)
CASES = {
    "name alone": _Case(RepositoryState(id="r1", name="Plain"), "Plain"),
    "scale-out without extents": _Case(scale_out_state(_POOL, ()), "Pool · scale-out"),
    "scale-out that is offline": _Case(
        scale_out_state(_POOL, (_EXTENT,)),
        "Pool · scale-out · :x: offline · ▰▰▰▰▰▰▰▰▱▱ 75 % used · 250 GB free of 1000 GB",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_repository_is_told_as_far_as_it_is_known(case: str) -> None:
    """Its name at least; of a scale-out repository, that it is one."""
    assert repository_line(CASES[case].repository) == CASES[case].line
