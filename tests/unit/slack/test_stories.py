"""What is told in a run's thread where VBR tells little."""

import pytest

from bot.slack.views.runs import story
from bot.watch.facts import RunFacts, SessionFacts, SessionStory, StoryFacts
from tests.unit.watch.builders import facts, run

NOTHING = "VBR names no object that failed, and its log does not say why."


def told(session: SessionFacts) -> str:
    of: RunFacts = run(session)
    return story(SessionStory(run=of, session=session)).text


@pytest.mark.parametrize(
    ("given", "is_nothing"),
    [
        (StoryFacts(), True),
        (StoryFacts(records=("Boom",)), False),
        (StoryFacts(bottleneck="Source"), False),
        (StoryFacts(is_incomplete=True), False),
        (StoryFacts(objects_total=1, failed_total=1), False),
    ],
)
def test_an_empty_story_says_so(given: StoryFacts, *, is_nothing: bool) -> None:
    """A thread never holds a bare title."""
    assert (NOTHING in told(facts("Failed", story=given))) is is_nothing
