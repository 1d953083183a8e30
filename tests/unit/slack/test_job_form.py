"""The form of a job: what stands in its fields comes back as it is, and what is entered is read as meant."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_request

from bot.operations.actions.create import Create
from bot.operations.actions.edit import Edit, JobForm
from bot.operations.job_editor import HIDDEN_JOB, SHOWN_AT_MOST, JobDraft, JobEntries
from bot.operations.job_editor.fields import FormProblem
from bot.operations.job_editor.objects import job_value
from bot.operations.model import Step
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.slack.codec import FormMetadata, FormState, decode_form
from bot.slack.views import forms, inputs
from bot.slack.views.job_form import chosen, drawn_again, entries_of, filled, job_form
from bot.slack.views.message import Message
from bot.veeam import (
    REFERENCES,
    BackupWindow,
    ConnectFailed,
    Encryption,
    Gfs,
    GuestProcessing,
    JobObject,
    JobSettings,
    KeySource,
    Rejected,
    Retention,
    RetryPolicy,
    Rhythm,
    Schedule,
    ServerName,
    SettingsField,
    TaskDays,
    Weekday,
    differences,
    known,
    settings_of,
)
from tests.support.filled_forms import as_it_stands, options_of, with_changes
from tests.support.job_models import CASES, Model, received_models
from tests.support.wanted_settings import wanted_settings
from tests.unit.slack import job_form_samples as samples

HQ = ServerName("hq")
PLAIN = samples.settings()
AWKWARD = "<!channel> *bold* `code` _it_ & <https://evil.example.com|here> :x: \\ \" '"


def form_of(wanted: JobSettings, kind: str = "VSphereBackup", model: Model | None = None) -> JobForm:
    draft = JobDraft(id="draft-1", server=HQ, kind=kind, wanted=wanted, model=model)
    request = Edit(samples.JOB, draft="draft-1", step=Step.REVIEW)
    return JobForm(request, draft, None, {}, None)


def came_back(form: JobForm, **changes: Any) -> JobSettings:
    """What the draft holds once the form was sent off, as it stands but for these fields."""
    entries = entries_of(with_changes(job_form(form).blocks, **changes))
    assert isinstance(entries, JobEntries), entries
    wanted = form.draft.wanted
    things = (*(wanted.objects or ()), *(wanted.excludes or ()), *wanted.references.values())
    known = {each.key: each for each in things}
    found = {part: tuple(known[key] for key in keys) for part, keys in entries.chosen.items()}
    return entries.over(wanted, found)


def unchanged(wanted: JobSettings, kind: str = "VSphereBackup", model: Model | None = None) -> bool:
    return differences(wanted, came_back(form_of(wanted, kind, model))) == ()


@pytest.mark.parametrize(("kind", "revision"), CASES)
@given(data=st.data())
@settings(max_examples=4, deadline=None)  # for each of 55 cases, and it draws two forms
def test_a_form_that_nobody_touched_asks_for_nothing(kind: str, revision: str, data: st.DataObject) -> None:
    """Whatever a job's settings are, as read or as entered so far; and Slack takes the view."""
    model = data.draw(received_models(kind, revision))
    for wanted in (settings_of(model), data.draw(wanted_settings(model, revision))):
        form = form_of(wanted, model["type"], model)
        assert view_problems(forms.form(form, channel_id="C0PROD", thread_ts=None), "modal") == []
        assert unchanged(wanted, model["type"], model)


@pytest.mark.parametrize(
    "text",
    [
        AWKWARD,
        "x" * (SHOWN_AT_MOST + 500),
        "half \ud83d a pair",
        "\N{FAMILY} \N{ZERO WIDTH JOINER}\N{GIRL}",
        "  blanks around  ",
        "evil \N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
        "bell \x07 and null \x00",
    ],
    ids=["markup", "long", "surrogate", "emoji", "blanks", "override", "control"],
)
def test_awkward_texts_stay_as_they_are(text: str) -> None:
    """Name, description, objects and predecessor: what a field cannot show is no change of it."""
    wanted = replace(
        PLAIN,
        name=text,
        description=text,
        objects=(JobObject({**samples.machine("web01").raw, "name": text}),),
        schedule=Schedule(Rhythm.AFTER_JOB, after_job=text),
    )
    form = form_of(wanted)
    assert view_problems(forms.form(form, channel_id="C0PROD", thread_ts=None), "modal") == []
    assert unchanged(wanted)


@pytest.mark.parametrize("sent_back", ["a\nb", "a\r\nb", "a\r\nb\r\n", "a  \nb"])
def test_line_ends_are_no_change(sent_back: str) -> None:
    """A field gives back its own; VBR's stay."""
    wanted = replace(PLAIN, description="a\r\nb")
    assert came_back(form_of(wanted), description=sent_back).description == "a\r\nb"
    assert came_back(form_of(wanted), description="a\nc").description == "a\nc"


def test_more_objects_than_a_menu_holds_are_left_alone() -> None:
    """It is said, no field is shown, and they stay."""
    objects = tuple(samples.machine(f"vm{number}", number) for number in range(inputs.OPTIONS_LIMIT + 1))
    form = form_of(replace(PLAIN, objects=objects))
    assert "objects" not in as_it_stands(job_form(form).blocks)
    assert "101 objects don't fit" in str(job_form(form).blocks)
    assert came_back(form, name="Other").objects == objects


def test_objects_with_long_identities_stay() -> None:
    """A choice carries a hash of them."""
    wanted = replace(PLAIN, objects=(samples.machine("web01"), JobObject({"name": "x" * 500, "type": "Tag"})))
    assert unchanged(wanted)


def test_choices_that_are_not_looked_up_yet_stand_in_the_menu() -> None:
    """By the last that their key says; sent off again they are asked for again."""
    form = form_of(PLAIN)
    key = samples.machine("web09", 1099).key
    form = replace(form, draft=replace(form.draft, keys_to_find={SettingsField.OBJECTS: (key,)}))
    entries = entries_of(as_it_stands(job_form(form).blocks))
    assert isinstance(entries, JobEntries)
    assert entries.chosen[SettingsField.OBJECTS][-1] == key
    assert "vm-1099" in str(job_form(form).blocks)


def test_an_unknown_unit_is_offered_as_it_is() -> None:
    """What a later VBR counts in stays, or becomes one of the known."""
    wanted = replace(PLAIN, retention=Retention("Fortnights", 3))
    form = form_of(wanted)
    assert unchanged(wanted)
    assert "Fortnights" in options_of(job_form(form).blocks, "retention_unit")
    assert came_back(form, retention_unit="Days").retention == Retention("Days", 3)


@pytest.mark.parametrize("quantity", [0, 100_000, 5_000_000])
def test_numbers_beyond_the_usual_stay(quantity: int) -> None:
    """A limit of ours never keeps a job from being shown."""
    form = form_of(replace(PLAIN, retention=Retention("Days", quantity)))
    assert view_problems(forms.form(form, channel_id="C0PROD", thread_ts=None), "modal") == []


def test_seconds_and_other_schedules_stay() -> None:
    """A time picker knows no seconds; what only the console can show is kept by its own entry."""
    assert unchanged(replace(PLAIN, schedule=Schedule(Rhythm.EVERY_DAY, at=time(22, 0, 30))))
    monthly = {
        "type": "VSphereBackup",
        "schedule": {"runAutomatically": True, "monthly": {"isEnabled": True, "localTime": "22:00"}},
    }
    other = replace(PLAIN, schedule=Schedule(Rhythm.OTHER))
    assert unchanged(other, model=monthly)
    assert "As set in VBR" in options_of(job_form(form_of(other, model=monthly)).blocks, "rhythm")


def test_a_predecessor_out_of_sight_stays_and_is_not_named() -> None:
    """Its choice carries no name; the job that stood there is meant."""
    true = replace(PLAIN, schedule=Schedule(Rhythm.AFTER_JOB, after_job="Payroll"))
    seen = replace(PLAIN, schedule=Schedule(Rhythm.AFTER_JOB, after_job=HIDDEN_JOB))
    entries = entries_of(as_it_stands(job_form(form_of(seen)).blocks))
    assert isinstance(entries, JobEntries)
    assert entries.over(true, {}).schedule == true.schedule


def test_audit_logs_are_kept_for_years_too() -> None:
    """Each unit of each type has a word."""
    wanted = JobSettings("Audit", description="", retention=Retention("Years", 3))
    form = form_of(wanted, "EntraIDAuditLogBackup", {"type": "EntraIDAuditLogBackup"})
    assert set(options_of(job_form(form).blocks, "retention_unit")) == {"days", "months", "years"}
    assert unchanged(wanted, "EntraIDAuditLogBackup", {"type": "EntraIDAuditLogBackup"})


VALID: list[tuple[Mapping[str, Any], str, Any]] = [
    ({"name": "  Shop  "}, "name", "Shop"),
    ({"description": None}, "description", ""),
    ({"description": "New\nlines"}, "description", "New\nlines"),
    ({"priority": ("high",)}, "is_high_priority", True),
    ({"objects": ()}, "objects", ()),
    ({"repository": "r-2"}, "repository_id", "r-2"),
    ({"retention": "1"}, "retention", Retention("Days", 1)),
    (
        {"retention": "99999", "retention_unit": "RestorePoints"},
        "retention",
        Retention("RestorePoints", 99_999),
    ),
    ({"rhythm": "by_hand"}, "schedule", Schedule(Rhythm.BY_HAND)),
    ({"rhythm": "every_day", "at": "00:00"}, "schedule", Schedule(Rhythm.EVERY_DAY, at=time(0, 0))),
    ({"rhythm": "weekdays", "at": "23:59"}, "schedule", Schedule(Rhythm.WEEKDAYS, at=time(23, 59))),
    (
        {"rhythm": "chosen_days", "at": "06:30", "days": ("sunday", "monday")},
        "schedule",
        Schedule(Rhythm.CHOSEN_DAYS, at=time(6, 30), days=(Weekday.MONDAY, Weekday.SUNDAY)),
    ),
    (
        {"rhythm": "after_job", "after_job": "SQL Prod"},
        "schedule",
        Schedule(Rhythm.AFTER_JOB, after_job="SQL Prod"),
    ),
    (
        {"guest": "off"},
        "guest",
        GuestProcessing(is_application_aware=False, credentials_id=samples.CREDENTIALS_ID),
    ),
    (
        {"guest": "aware", "credentials": '{"id":"c-2","type":"Linux"}'},
        "guest",
        GuestProcessing(is_application_aware=True, credentials_id="c-2"),
    ),
    ({"guest": "aware", "credentials": None}, "guest", GuestProcessing(is_application_aware=True)),
]


@pytest.mark.parametrize(("fields", "part", "expected"), VALID)
def test_what_is_entered_is_what_is_wanted(fields: Mapping[str, Any], part: str, expected: Any) -> None:
    """Each field, and nothing but its part."""
    wanted = came_back(form_of(PLAIN), **fields)
    assert getattr(wanted, part) == expected
    assert replace(wanted, **{part: getattr(PLAIN, part)}) == PLAIN


INVALID: list[tuple[Mapping[str, Any], set[str]]] = [
    ({"name": None}, {"name"}),
    ({"name": "   "}, {"name"}),
    ({"retention": None}, {"retention"}),
    ({"retention": "0"}, {"retention"}),
    ({"retention": "-3"}, {"retention"}),
    ({"retention": "1.5"}, {"retention"}),
    ({"retention": "many"}, {"retention"}),
    ({"rhythm": None}, {"rhythm"}),
    ({"rhythm": "fortnightly"}, {"rhythm"}),
    ({"rhythm": "every_day", "at": None}, {"at"}),
    ({"rhythm": "weekdays", "at": "25:99"}, {"at"}),
    ({"rhythm": "chosen_days", "days": ()}, {"days"}),
    ({"rhythm": "after_job", "after_job": None}, {"after_job"}),
    ({"name": " ", "retention": "0", "rhythm": "after_job"}, {"name", "retention", "after_job"}),
]


@pytest.mark.parametrize(("fields", "blocks"), INVALID)
def test_what_cannot_be_meant_is_told_at_its_field(fields: Mapping[str, Any], blocks: set[str]) -> None:
    """All at once, without asking VBR; each is a block of the form."""
    form = form_of(PLAIN)
    found = entries_of(with_changes(job_form(form).blocks, **fields))
    assert not isinstance(found, JobEntries)
    assert set(found) == blocks
    rhythm = known(Rhythm, fields.get("rhythm")) or Rhythm.CHOSEN_DAYS
    drawn = form_of(replace(PLAIN, schedule=Schedule(rhythm)))
    assert blocks <= {block.get("block_id") for block in job_form(drawn).blocks}


@pytest.mark.parametrize("part", SettingsField)
def test_each_problem_stands_below_its_field(part: SettingsField) -> None:
    """In words, after the field that it is about; one without a field of its own stands on top."""
    wanted, kind = samples.stored(), "VSphereBackup"
    if part in REFERENCES:
        kind = "EntraIDTenantBackup" if part is SettingsField.TENANT else "VSphereReplica"
        kind = "FileBackupCopy" if part is SettingsField.PRIMARY_JOB else kind
    form = form_of(replace(wanted, gfs=Gfs(), excludes=()), kind)
    form = replace(form, request=Create(HQ, draft="draft-1", step=Step.REVIEW))
    form = replace(form, problems=(FormProblem(part, "Look here."),))
    blocks = job_form(form).blocks
    (place,) = (number for number, block in enumerate(blocks) if "Look here." in str(block))
    assert blocks[place - 1]["type"] == "input"
    loose = job_form(replace(form, problems=(FormProblem(None, "Look here."),))).blocks
    assert "Look here." in str(loose[:3])


def test_what_a_server_answers_is_explained() -> None:
    """What happened, that nothing was changed, and what to do; never a class name."""
    for error, words in (
        (
            Rejected(HQ, "No such thing."),
            ("hq refused the request", "`No such thing.`", "Nothing was changed"),
        ),
        (ConnectFailed(HQ, ""), ("hq can't be reached", "Nothing was changed", "try again")),
    ):
        drawn = str(job_form(replace(form_of(PLAIN), problems=(FormProblem(None, error=error),))).blocks)
        assert [word for word in words if word not in drawn] == []
        assert type(error).__name__ not in drawn


def test_a_failure_without_a_form_leads_back_to_what_was_entered() -> None:
    """Previous, in a view that carries what it takes; without a draft there is nothing to lead back to."""
    request = Edit(samples.JOB, draft="draft-1", step=Step.SEND)
    back = forms.back_to(request, FormMetadata(request, "", "C0PROD", "1.2"))
    assert back is not None
    view = forms.finished(Edit.operation, Message("It took too long."), back)
    assert view["blocks"][-1]["elements"][0]["text"]["text"] == "Previous"
    assert decode_form(view["private_metadata"]) == back
    assert back.request == Edit(samples.JOB, draft="draft-1", step=Step.FILL)
    assert view_problems(view, "modal") == []
    assert forms.back_to(Edit(samples.JOB), FormMetadata(request, "")) is None


CHOOSING = Create(step=Step.FILL)
AT_BRANCH = replace_request(samples.JOB, server=ServerName("branch"))


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        ({"server": "branch", "like": None}, Create("branch", step=Step.FILL)),
        ({"like": None}, CHOOSING),
        ({"like": job_value(AT_BRANCH)}, Create("branch", AT_BRANCH, step=Step.FILL)),
        ({"server": None, "like": job_value(AT_BRANCH)}, Create("branch", AT_BRANCH, step=Step.FILL)),
        ({"server": None, "like": None}, {"server": "Choose a server, or an existing job."}),
        (
            {"server": "hq", "like": job_value(AT_BRANCH)},
            {"like": "This job is on branch. Choose that server, or another job."},
        ),
        ({"like": "no job"}, {"like": "Choose a job from the list."}),
    ],
)
def test_what_is_to_be_made_is_chosen(entered: FormState, expected: object) -> None:
    """A job to be like says the server as well; without one a server is chosen, where there are several."""
    assert chosen(CHOOSING, entered) == expected


@pytest.mark.parametrize(
    ("rhythm", "fields"),
    [
        (Rhythm.EVERY_DAY, ["at"]),
        (Rhythm.WEEKDAYS, ["at"]),
        (Rhythm.CHOSEN_DAYS, ["at", "days"]),
        (Rhythm.AFTER_JOB, ["after_job"]),
        (Rhythm.BY_HAND, []),
    ],
)
def test_only_the_fields_of_the_rhythm_are_asked(rhythm: Rhythm, fields: list[str]) -> None:
    """Each of them is required, and the choice of another rhythm is heard of at once."""
    blocks = [
        block
        for block in job_form(form_of(replace(PLAIN, schedule=Schedule(rhythm)))).blocks
        if block.get("block_id") in {"rhythm", "at", "days", "after_job"}
    ]

    assert [block["block_id"] for block in blocks] == ["rhythm", *fields]
    assert [block.get("dispatch_action") for block in blocks] == [True, *[None] * len(fields)]
    assert not any(block.get("optional") for block in blocks)


def test_what_was_entered_for_another_rhythm_comes_back_with_it() -> None:
    """The draft keeps it while it is not shown; what is reviewed has only what its rhythm uses."""
    request = Edit(samples.JOB, step=Step.REVIEW, draft="draft-1")
    entered = {
        **as_it_stands(job_form(form_of(PLAIN)).blocks),
        "name": "",
        "at": "04:30",
        "rhythm": "by_hand",
    }
    hidden = drawn_again(request, entered)
    assert (hidden.step, hidden.draft) == (Step.FILL, "draft-1")
    assert hidden.entered is not None
    wanted = hidden.entered.over(PLAIN, {})
    shown_again = drawn_again(
        request, {**as_it_stands(job_form(form_of(wanted)).blocks), "rhythm": "chosen_days"}
    )
    assert shown_again.entered is not None
    schedule = Schedule(Rhythm.CHOSEN_DAYS, at=time(4, 30), days=(Weekday.MONDAY, Weekday.FRIDAY))
    assert shown_again.entered.over(wanted, {}).schedule == schedule


STORED = samples.stored()


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        ({"retries": "0"}, {"retry": RetryPolicy(enabled=False, count=0, wait_minutes=10)}),
        ({"window_from": "8", "window_to": "18"}, {"window": BackupWindow.daily(8, 18)}),
        ({"encryption": "off"}, {"encryption": Encryption(is_on=False)}),
        ({"health_check": ("monday",)}, {"health_check": TaskDays((Weekday.MONDAY,))}),
    ],
)
def test_what_is_entered_about_the_storage(entered: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each field alone, and each has a way to say off."""
    came = came_back(form_of(STORED), **entered)
    assert came == replace(STORED, **expected)
    assert came.encryption is not None
    assert came.encryption.key is KeySource.PASSWORD


@pytest.mark.parametrize(
    ("entered", "field"),
    [
        ({"retries": "many"}, "retries"),
        ({"retry_wait": "1000000"}, "retry_wait"),
        ({"window_from": "8", "window_to": "8"}, "window_to"),
    ],
)
def test_what_is_wrong_about_the_storage(entered: dict[str, Any], field: str) -> None:
    """Said at the field, before VBR is asked."""
    problems = entries_of(with_changes(job_form(form_of(STORED)).blocks, **entered))
    assert not isinstance(problems, JobEntries)
    assert list(problems) == [field]


def test_a_form_sent_off_before_its_fields_were_drawn_draws_them() -> None:
    """Slack would show no mistake at a field that is not there."""
    request = Edit(samples.JOB, step=Step.REVIEW, draft="draft-1")
    sent = filled(request, {**as_it_stands(job_form(form_of(PLAIN)).blocks), "rhythm": "after_job"})

    assert isinstance(sent, Edit)
    assert sent.step is Step.FILL
    assert sent.needs_form
