"""Whatever dies, and whenever: each session is told exactly once, and nobody is told what was held back.

Two processes watch one server and send from one outbox, while sessions and parts of one end, time passes,
the server goes dark, their clock is set, Slack says 429 or loses its replies, people mute, acknowledge and
subscribe, an older database is restored, and either process is killed around any of its transactions or
around any message it posts.
"""

import os
import secrets

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.rooms.store.databases import KINDS, Template, template_of
from tests.rooms.watch.simulation.machine import Watching

ROUNDS = int(os.environ.get("ROUNDS", "1"))
"""How many rounds of a few schedules each: `make simulate` tries thousands of schedules."""
FIRST_SEED = int(os.environ.get("SEED") or secrets.randbits(32))
"""Of the first round. `SEED`, as a round that failed says it, tries the same schedules again."""


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize(
    ("at_least", "is_restored"),
    [(0, False), (3, False), (3, True)],
    ids=["one by one", "storms", "older databases"],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(600)
def test_each_session_is_told_exactly_once(
    kind: str, at_least: int, database_templates: dict[str, Template], number: int, *, is_restored: bool
) -> None:
    """However polls, deaths, restarts and sends interleave, no session is lost and none is told twice.

    And nobody is mentioned twice for one failure, nor told aloud of what is muted before that is over. A
    schedule that fails is printed, with the seed that it can be run again by.
    """
    found, by = template_of(kind, database_templates), FIRST_SEED + number

    class OnThisDatabase(Watching):
        template = found
        storm_from = at_least
        restores = is_restored

    try:
        run_state_machine_as_test(
            seed(by)(OnThisDatabase),
            settings=settings(
                max_examples=4 if kind == "sqlite" else 2,
                stateful_step_count=30,
                deadline=None,
                # What failed in another round is not tried first: the seed alone says what is.
                database=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException as error:
        error.add_note(f"Again: SEED={by} {os.environ['PYTEST_CURRENT_TEST'].partition(' (')[0]}")
        raise
