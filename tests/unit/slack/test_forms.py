"""Forms: what is drawn, and what comes of what was entered."""

from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_request

from bot.operations.actions import JobAction
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete, DeleteForm
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup, QuickBackupForm
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.catalog import CATALOG
from bot.operations.impact import ActionForm, Impact, PickForm
from bot.operations.job_editor.objects import MenuOption, job_value, machine_value
from bot.operations.menus import MenuOptions
from bot.operations.model import KnownMachine, NamedJob, NamedMachine, Request, Step
from bot.operations.outcomes import Form
from bot.sandbox.slack.mentions import notified
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.settings import ServerName
from bot.slack.codec import FormMetadata, FormState, decode_form
from bot.slack.views import forms, inputs
from bot.slack.views.forms import TYPED_NAME, filled
from bot.slack.views.surface import View
from bot.veeam import RestorePoints
from tests.unit.slack import form_samples as facts
from tests.unit.slack import samples
from tests.unit.slack.form_cases import views

VIEWS = views()
CARRIED = FormMetadata(facts.delete_form().request, "SQL Prod", "C0PROD")


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
    view = forms.form(facts.delete_form(name, followers), channel_id="C0PROD", thread_ts="1.2")
    assert view is None or view_problems(view, "modal") == []


def test_a_form_carries_what_it_is_about() -> None:
    """What to run, and where it is told, comes back with the submission."""
    carried = decode_form(VIEWS["form-delete"]["private_metadata"])
    assert carried == CARRIED


@pytest.mark.parametrize(
    ("form", "alone", "with_another"),
    [
        (facts.act_form(Retry(facts.JOB)), "Retry", "Ask for approval"),
        (facts.delete_form(), "Delete", "Ask for approval"),
        (facts.quick_backup_form(), "Start", "Ask for approval"),
        (PickForm(Delete(NamedJob(""))), "Next", "Next"),
    ],
)
def test_the_submit_button_says_what_it_does(form: Form, alone: str, with_another: str) -> None:
    """What waits for a second person is asked for, not done; Slack takes 24 characters."""
    views = [
        forms.form(form, channel_id=None, thread_ts=None, needs_approval=needs_approval)
        for needs_approval in (False, True)
    ]

    assert [view and view["submit"]["text"] for view in views] == [alone, with_another]


def test_the_time_that_was_typed_is_chosen_already() -> None:
    """Also one that is not among those that the form offers."""
    form = facts.act_form(Disable(facts.JOB, span=timedelta(hours=5)))
    view = forms.form(form, channel_id=None, thread_ts=None)

    assert view is not None
    select = next(each["element"] for each in view["blocks"] if each.get("block_id") == forms.SPAN)
    assert select["initial_option"]["value"] == "18000"
    assert select["initial_option"] in select["options"]


@pytest.mark.parametrize("typed", ["SQL Prod", " SQL Prod "])
def test_the_name_typed_out_fills_the_form(typed: str) -> None:
    """Typed as it is, blanks around it aside."""
    request = filled(CARRIED, {TYPED_NAME: typed})
    assert request == replace_request(facts.delete_form().request, typed_name="SQL Prod")
    assert not request.needs_form


@pytest.mark.parametrize("typed", ["", "sql prod", "SQL", "SQL Prod2", "SQL  Prod"])
def test_another_name_is_told_at_its_field(typed: str) -> None:
    """Anything else is a mistake, at the input's own block."""
    problems = filled(CARRIED, {TYPED_NAME: typed} if typed else {})
    assert problems == {TYPED_NAME: "This is not its name. Its name is SQL Prod"}


def test_one_end_is_chosen() -> None:
    """A length of time and a time of day contradict each other, which is said at the second."""
    carried = decode_form(VIEWS["form-disable"]["private_metadata"])
    assert isinstance(carried, FormMetadata)
    problems = filled(carried, {forms.SPAN: "14400", forms.AT: "08:00"})
    assert problems == {forms.AT: "Choose for how long or until when, not both."}


def test_every_form_has_no_dialog_beside_it() -> None:
    """What asks in a form does not ask in a dialog too."""
    assert [one for one in CATALOG if one.has_form and one.confirmation] == []


def entering(**fields: str | tuple[str, ...] | None) -> dict[str, str | tuple[str, ...] | None]:
    return fields


FILLED = [
    (facts.start_form(), entering(full="normal", chained=()), {}),
    (facts.start_form(), entering(full="full", chained=()), {"full": True}),
    (facts.start_form(), entering(full="full", chained=("yes",)), {"full": True, "chained": True}),
    (facts.start_form(asked={"full": True}), entering(full="normal", chained=()), {"full": False}),
    (facts.start_form(asked={"full": True}, why_no_full="copy"), entering(), {"full": False}),
    (facts.start_form(), entering(restore_points="All"), {"restore_points": RestorePoints.ALL}),
    (facts.start_form(), entering(restore_points="Latest"), {"restore_points": RestorePoints.LATEST}),
    (facts.start_form(), entering(restore_points="Some"), {}),
    (facts.stop_form(), entering(now="graceful"), {}),
    (facts.stop_form(), entering(now="now", chained=None), {"now": True}),
    (facts.stop_form(), entering(now="graceful", chained=("yes",)), {"chained": True}),
    (facts.stop_form(asked={"now": True, "chained": True}), entering(now="graceful", chained=()), {
        "now": False, "chained": False
    }),
    (facts.act_form(Retry(facts.JOB, chained=True)), entering(), {"chained": True}),
    (facts.act_form(Retry(facts.JOB)), entering(chained=("yes",)), {"chained": True}),
    (facts.act_form(Retry(facts.JOB, chained=True)), entering(chained=()), {"chained": False}),
    (facts.act_form(Disable(facts.JOB)), entering(span="14400"), {"span": timedelta(hours=4)}),
    (facts.act_form(Disable(facts.JOB, span=timedelta(hours=4))), entering(span="for_good"), {"span": None}),
    (facts.act_form(Disable(facts.JOB)), entering(span="for_good", at="08:00"), {"at": time(8)}),
    (facts.act_form(Disable(facts.JOB, at=time(8))), entering(span="for_good", at=None), {"at": None}),
    (facts.act_form(Disable(facts.JOB, at=time(8))), entering(span="14400", at=None), {
        "span": timedelta(hours=4), "at": None
    }),
    (facts.act_form(Enable(facts.JOB)), entering(), {}),
    (facts.act_form(Disable(facts.JOB, span=timedelta(hours=4))), entering(), {}),
    (facts.act_form(Clone(facts.JOB)), entering(), {}),
    (facts.quick_backup_form(), entering(), {}),
]  # fmt: skip


@pytest.mark.parametrize(("form", "entered", "asked"), FILLED)
def test_what_is_entered_becomes_the_request(
    form: ActionForm | QuickBackupForm, entered: FormState, asked: dict[str, Any]
) -> None:
    """Each field fills what bears its name; what the form did not ask is as plain as it can be."""
    assert not isinstance(form, DeleteForm)
    request = filled(FormMetadata(form.request, "SQL Prod"), entered)
    assert request == replace_request(form.request, step=Step.SEND, **asked)
    assert not isinstance(request, Mapping)
    assert not request.needs_form


PICKED = [
    Start(NamedJob(""), full=True, chained=True),
    Stop(NamedJob("", "hq"), now=True),
    Retry(NamedJob(""), chained=True),
    Enable(NamedJob("")),
    Disable(NamedJob(""), span=timedelta(hours=4)),
    Clone(NamedJob("")),
    Delete(NamedJob("")),
]


@pytest.mark.parametrize("asked", PICKED, ids=lambda one: type(one).__name__)
def test_a_chosen_job_is_asked_about_in_the_next_form(asked: JobAction) -> None:
    """The choice fills the job and keeps what was typed; it is another form, and no action yet."""
    request = filled(FormMetadata(asked, ""), entering(job=job_value(facts.JOB)))
    assert request == asked.for_form(facts.JOB)
    assert not isinstance(request, Mapping)
    assert request.needs_form


def test_a_chosen_machine_is_asked_about_in_the_next_form() -> None:
    """The same for a machine."""
    machine = facts.quick_backup_form().request.machine
    assert isinstance(machine, KnownMachine)
    carried = FormMetadata(QuickBackup(NamedMachine("")), "")
    assert filled(carried, entering(machine=machine_value(machine))) == facts.quick_backup_form().request


@pytest.mark.parametrize("chosen", [None, "", "x", "[1,2]", '["hq"]', '["hq","a","b","c"]'])
@pytest.mark.parametrize("asked", [Stop(NamedJob("")), QuickBackup(NamedMachine(""))])
def test_no_choice_is_told_at_the_menu(asked: Request, chosen: str | None) -> None:
    """What no menu of ours offered is a mistake, at the menu's own block."""
    field = "machine" if isinstance(asked, QuickBackup) else "job"
    problems = filled(FormMetadata(asked, ""), entering(**{field: chosen}))
    assert problems == {field: f"Choose a {field} from the list."}


FORMS = st.sampled_from(
    [
        facts.start_form,
        facts.stop_form,
        lambda touched: facts.act_form(Disable(facts.JOB), touched),
        lambda touched: DeleteForm(facts.delete_form().request, touched),
    ]
)


@given(FORMS, st.text(), st.text(), st.lists(st.text(), max_size=40).map(tuple))
def test_no_form_notifies_or_breaks(
    form: Callable[[Impact], ActionForm], name: str, before: str, after: tuple[str, ...]
) -> None:
    """Whatever jobs are called, Slack takes the form, and nobody but who pressed something is named."""
    touched = facts.touched(samples.job_state(name), runs_before=before, run_after=after)
    view = forms.form(form(touched), channel_id="C0PROD", thread_ts=None)
    assert view is None or view_problems(view, "modal") == []
    named = notified("", view["blocks"] if view else ())
    assert named.users <= {"U0BEN"}
    assert not named.broadcasts


def test_a_search_menu_says_whose_names_are_missing() -> None:
    """Above what is offered; where nothing is, Slack takes no group."""
    found = (MenuOption("1", "SQL Prod", "hq"),)
    (group,) = inputs.offered(MenuOptions(found, (ServerName("dr"),)))["option_groups"]
    assert group["label"]["text"] == "Incomplete: no full answer from dr"
    assert [option["text"]["text"] for option in group["options"]] == ["SQL Prod"]
    many = tuple(ServerName(f"server-{number}") for number in range(50))
    (group,) = inputs.offered(MenuOptions(found, many))["option_groups"]
    assert len(group["label"]["text"]) <= 75
    assert inputs.offered(MenuOptions((), many)) == {"options": []}


def test_a_search_menu_tells_long_names_apart() -> None:
    """Names that differ only far behind, or by a letter that nobody sees, differ in what is offered."""
    long = "SQL backup of all the databases of the department for warehousing and shipping in"
    names = (f"{long} Berlin", f"{long} Lisbon", "SQL Prod", "SQL\u200d Prod")
    found = tuple(MenuOption(str(number), name, "on hq") for number, name in enumerate(names))
    offered = inputs.offered(MenuOptions(found))
    labels = [option["text"]["text"] for option in offered["options"]]
    assert len(set(labels)) == len(names)
    assert max(map(len, labels)) <= 75
