"""Forms: what is drawn, and what comes of what was entered."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.catalog import CATALOG
from bot.operations.requests import is_bare
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.slack.codec import Carried, decode_form
from bot.slack.views import forms
from bot.slack.views.forms import TYPED_NAME, View, filled
from tests.unit.slack import samples
from tests.unit.slack.form_cases import views

VIEWS = views()
CARRIED = Carried(samples.delete_form().request, "SQL Prod", "C0PROD")


@pytest.mark.parametrize("name", VIEWS)
def test_view_is_as_it_was_last_looked_at(name: str, golden: Any) -> None:
    """A form draws exactly the view that its golden file keeps."""
    assert VIEWS[name] == golden(name, VIEWS[name])


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_view_keeps_slacks_limits(view: View) -> None:
    """Slack opens every golden view."""
    assert view_problems(view, "modal") == []


@given(st.text(), st.lists(st.text(), max_size=40).map(tuple))
def test_no_form_can_be_broken_by_what_vbr_says(name: str, followers: tuple[str, ...]) -> None:
    """Whatever a job is called, Slack takes the form, or it is not offered."""
    view = forms.form(samples.delete_form(name, followers), channel_id="C0PROD", thread_ts="1.2")
    assert view is None or view_problems(view, "modal") == []


def test_a_form_carries_what_it_is_about() -> None:
    """What to run, and where it is told, comes back with the submission."""
    carried = decode_form(VIEWS["form-delete"]["private_metadata"])
    assert carried == CARRIED


@pytest.mark.parametrize("typed", ["SQL Prod", " SQL Prod "])
def test_the_name_typed_out_fills_the_form(typed: str) -> None:
    """Typed as it is, blanks around it aside."""
    request = filled(CARRIED, {TYPED_NAME: typed})
    assert request == replace(samples.delete_form().request, typed_name="SQL Prod")
    assert not is_bare(request)


@pytest.mark.parametrize("typed", ["", "sql prod", "SQL", "SQL Prod2", "SQL  Prod"])
def test_another_name_is_told_at_its_field(typed: str) -> None:
    """Anything else is a mistake, at the input's own block."""
    problems = filled(CARRIED, {TYPED_NAME: typed} if typed else {})
    assert problems == {TYPED_NAME: "This is not its name. Its name is SQL Prod"}


def test_every_form_has_no_dialog_beside_it() -> None:
    """What asks in a form does not ask in a dialog too."""
    assert [one for one in CATALOG if one.has_form and one.confirmation] == []
