"""Dialogs before an action: what they say of the job, and that nothing in them is cut short."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.actions.start import Start
from bot.operations.catalog import OPERATIONS
from bot.operations.model import KnownJob, Step
from bot.slack.text import date
from bot.slack.views.buttons import confirm, menu_confirm, touches_of
from bot.veeam import JobState, RunAfterJob
from tests.unit.slack import samples
from tests.unit.slack.samples import HQ, JOB_ID, NOW

LIMIT = 300
REQUEST = Start(KnownJob(HQ, JOB_ID))
STATE = samples.job_state()
NEXT = f"next run {date(NOW.replace(hour=19))}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ("12 objects", NEXT, "to Backup Repository 1")),
        (
            {"run_after_job": RunAfterJob("Oracle")},
            ("12 objects", "runs after *Oracle*", "to Backup Repository 1"),
        ),
        ({"status": "disabled"}, ("12 objects", "disabled", "to Backup Repository 1")),
        ({"next_run": None, "repository_name": None, "objects_count": 1}, ("1 object",)),
        ({"next_run": None, "repository_name": "<!here>", "objects_count": None}, ("to &lt;!here&gt;",)),
    ],
)
def test_a_dialog_says_what_the_list_knew(changes: dict[str, object], said: tuple[str, ...]) -> None:
    """What the job covers, its next run, and where it writes to."""
    assert touches_of(msgspec.structs.replace(STATE, **changes)) == said


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_a_dialog_leaves_out_what_does_not_fit(name: str, before: str, repository: str) -> None:
    """It keeps Slack's limit, and a part that is too long is not there at all."""
    state = JobState(
        id=JOB_ID, name=name, repository_name=repository, objects_count=3, run_after_job=RunAfterJob(before)
    )
    touches = touches_of(state)
    drawn = confirm(Start.operation, REQUEST, "x" * 100, touches)
    assert drawn is not None
    text = drawn.to_dict()["text"]["text"]
    assert len(text) <= LIMIT
    line = text.partition("\n")[2]
    said = line[:1].lower() + line[1:]
    assert said == " · ".join(one for one in touches if one in said)


def test_a_menu_says_what_its_entries_do() -> None:
    """Each entry whole, and the job after them."""
    asking = [
        (one.button, one.confirmation.consequence) for one in OPERATIONS if one.button and one.confirmation
    ]
    text = menu_confirm("*SQL Prod* on hq", asking, ("12 objects",)).to_dict()["text"]["text"]
    assert len(text) <= LIMIT
    first, *entries = text.splitlines()
    assert first == "*SQL Prod* on hq: the action you chose runs now."
    assert set(entries) <= {f"*{label}*: {said}" for label, said in asking} | {"12 objects"}


def test_what_asks_in_a_form_has_no_dialog() -> None:
    """One question is enough."""
    assert confirm(Start.operation, Start(KnownJob(HQ, JOB_ID), step=Step.FILL)) is None
