"""What CONTRIBUTING promises whoever adds an operation: what was forgotten is named."""

import pytest

from bot.operations.actions import Action
from bot.operations.catalog import VERBS
from bot.operations.model import Request
from bot.operations.outcomes import Answer
from bot.slack.views.outcomes import _ANSWERS


def abstract(verb: type[Request]) -> list[str]:
    """The methods that a verb inherits and has to define itself."""
    return [name for name in dir(verb) if getattr(getattr(verb, name, None), "__isabstractmethod__", False)]


def test_what_an_action_must_have_is_known() -> None:
    """The check below looks at the methods that every action differs in."""
    assert {"find", "form", "prepare", "send", "find_effect"} <= set(abstract(Action))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.operation.name)
def test_every_verb_is_whole(verb: type[Request]) -> None:
    """A verb without one of its methods is named here: neither mypy nor msgspec names it."""
    assert abstract(verb) == []


def test_every_answer_has_a_view() -> None:
    """What a verb answers with has its row in the table of views."""
    # By name: a dataclass with slots stands twice among the subclasses.
    assert {answer.__name__ for answer in _ANSWERS} == {each.__name__ for each in Answer.__subclasses__()}
