"""Whatever dies, and whenever: each session is told exactly once, and nobody is told what was held back.

Two processes watch one server and send from one outbox, while sessions and parts of one end, time passes,
the server goes dark, their clock is set, Slack says 429 or loses its replies, people mute, acknowledge and
subscribe, an older database is restored, and either process is killed around any of its transactions or
around any message it posts.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.rooms.store.databases import KINDS, Template, template_of
from tests.rooms.watch.simulation.machine import Watching

SCHEDULES = int(os.environ.get("SCHEDULES", "1"))
"""How many times as many schedules to try: `make simulate` tries hundreds."""


@pytest.mark.parametrize(
    ("at_least", "is_restored"),
    [(0, False), (3, False), (3, True)],
    ids=["one by one", "storms", "older databases"],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(600 * SCHEDULES)
def test_each_session_is_told_exactly_once(
    kind: str, at_least: int, database_templates: dict[str, Template], *, is_restored: bool
) -> None:
    """However polls, deaths, restarts and sends interleave, no session is lost and none is told twice.

    And nobody is mentioned twice for one failure, nor told aloud of what is muted before that is over. A
    schedule that fails is printed, and can be run again.
    """
    found = template_of(kind, database_templates)

    class OnThisDatabase(Watching):
        template = found
        storm_from = at_least
        restores = is_restored

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=SCHEDULES * (4 if kind == "sqlite" else 2),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
