"""What must hold for any input: refusals are refusals, never accidents."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.vbr import REVISIONS, World
from bot.sandbox.vbr.bodies import START, STOP, checked, job_body
from bot.sandbox.vbr.query import Query, name_matcher
from bot.sandbox.vbr.refusals import Refusal
from tests.rooms.sandbox.vbr.talking import StillClock

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
RESULTS = REVISIONS["1.3-rev0"].values("ESessionResult")
MODEL = World(StillClock()).add_job("Web tier").model


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, child in children for found in _paths(child, (*path, key)))]


def _refused(check: Callable[..., object], *arguments: Any) -> int | None:
    try:
        check(*arguments)
    except Refusal as refusal:
        return refusal.status
    return None


@given(JSON)
def test_any_json_as_a_body_is_accepted_or_refused(body: Any) -> None:
    """A rule raises nothing but a 400."""
    for rule in (START, STOP):
        assert _refused(rule, body, "") in {None, 400}
    for revision in REVISIONS.values():
        for schema in ("JobSpec", "JobModel"):
            assert _refused(job_body, revision, schema, body) in {None, 400}
        assert _refused(checked, revision, "InventoryBrowserFilters", body) in {None, 400}


@given(st.sampled_from(_paths(MODEL)[1:]), JSON)
def test_a_job_model_with_any_part_replaced_is_accepted_or_refused(path: tuple[Any, ...], value: Any) -> None:
    """However deep the wrong value sits."""
    model = json.loads(json.dumps(MODEL))
    node = model
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    assert _refused(job_body, REVISIONS["1.3-rev0"], "JobModel", model) in {None, 400}


@given(st.text(max_size=40))
def test_any_text_as_a_parameter_is_read_or_refused(text: str) -> None:
    """A reader raises nothing but a 400."""
    query = Query([("it", text), ("skip", text), ("limit", text)])
    readers = (
        query.integer, query.number, query.boolean, query.uuid, query.moment,
        lambda name: query.word(name, RESULTS), lambda name: query.words(name, RESULTS),
        lambda _: query.page(),
    )  # fmt: skip
    for read in readers:
        assert _refused(read, "it") in {None, 400}


@given(st.text(max_size=20), st.text(max_size=5), st.text(max_size=5))
def test_asterisks_at_the_ends_stand_for_anything(core: str, before: str, after: str) -> None:
    """``*core*`` is found in anything around it, whatever is in the core itself."""
    assert name_matcher(f"*{core}*")([f"{before}{core}{after}-"])
