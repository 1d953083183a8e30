"""Nothing is forgotten: whatever a new verb has to say or be registered in, it says and is."""

import importlib
import inspect
import pkgutil

import pytest
from msgspec.structs import fields

import bot.operations
from bot.operations.actions import Action, FollowUpAction, JobAction, ServerAction
from bot.operations.catalog import JOB_ACTIONS, TYPED, VERBS
from bot.operations.codec import TRANSIENT_FIELDS
from bot.operations.commands import Verb
from bot.operations.model import Request
from bot.operations.queries import Query

for module in pkgutil.walk_packages(bot.operations.__path__, "bot.operations."):
    importlib.import_module(module.name)


def defined(base: type[Request]) -> set[type[Request]]:
    """The verbs below a class: those that say what operation they are."""
    below = {each for child in base.__subclasses__() for each in ({child} | defined(child))}
    return {each for each in below if "operation" in vars(each)}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.operation.name)
def test_a_verb_is_tagged_with_its_operation(verb: type[Request]) -> None:
    """What a button carries begins with the name under which the catalog knows the verb."""
    assert verb.__struct_config__.tag == verb.operation.name


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.operation.name)
def test_what_lasts_for_one_gesture_stands_last(verb: type[Request]) -> None:
    """Requests are written as arrays: a field that is left out may have none behind it that is not."""
    are_transient = [field.name in TRANSIENT_FIELDS for field in fields(verb)]

    assert are_transient == sorted(are_transient)


def test_every_verb_is_in_the_catalog() -> None:
    """Whatever is defined as a verb can be asked for, once."""
    assert defined(Request) == set(VERBS)
    of_servers = defined(ServerAction)  # what has a button alone, or `mute` and `unmute` become
    assert defined(Verb) == set(TYPED) | of_servers | {verb for verb in VERBS if issubclass(verb, Query)}
    assert len(VERBS) == len(set(VERBS)) == len({verb.operation.name for verb in VERBS})


@pytest.mark.parametrize(
    "verb",
    [verb for verb in VERBS if issubclass(verb, Action | Query)],
    ids=lambda verb: verb.operation.name,
)
def test_a_verb_leaves_nothing_abstract(verb: type[Request]) -> None:
    """Structs can be made with abstract methods in them: what is missing would only show when it is used."""
    members = inspect.getmembers_static(verb)

    assert [name for name, member in members if getattr(member, "__isabstractmethod__", False)] == []


def test_every_action_on_a_job_is_offered_on_jobs() -> None:
    """An action on a job that is missing here would have no button; the rest are offered on runs."""
    assert set(JOB_ACTIONS) == defined(JobAction) - defined(FollowUpAction)
    assert len(JOB_ACTIONS) == len(set(JOB_ACTIONS))
