"""What is told in a run's thread where VBR tells little."""

import pytest

from bot.slack.views.runs import details
from bot.watch.facts import DetailsReply
from bot.watch.run_facts import RunFacts, SessionDetails, SessionFacts
from tests.unit.watch.builders import facts, run

NOTHING = "VBR doesn't name an object that failed, and its log doesn't say why."


def told(session: SessionFacts) -> str:
    of: RunFacts = run(session)
    return details(DetailsReply(run=of, session=session)).text


@pytest.mark.parametrize(
    ("given", "is_nothing"),
    [
        (SessionDetails(), True),
        (SessionDetails(records=("Boom",)), False),
        (SessionDetails(bottleneck="Source"), True),
        (SessionDetails(is_incomplete=True), False),
        (SessionDetails(objects_total=1, failed_total=1), True),
    ],
)
def test_an_empty_story_says_so(given: SessionDetails, *, is_nothing: bool) -> None:
    """Where VBR gives no reason, the thread says that it was looked for."""
    assert (NOTHING in told(facts("Failed", details=given))) is is_nothing
