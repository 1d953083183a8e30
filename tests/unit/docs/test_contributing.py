"""What CONTRIBUTING promises people who add an operation: what was forgotten is named."""

from bot.operations.outcomes import Answer
from bot.slack.views.outcomes import _ANSWERS


def test_every_answer_has_a_view() -> None:
    """What a verb answers with has its row in the table of views."""
    # By name: a dataclass with slots stands twice among the subclasses.
    assert {answer.__name__ for answer in _ANSWERS} == {each.__name__ for each in Answer.__subclasses__()}
