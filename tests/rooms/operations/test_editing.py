"""`edit`: what others do meanwhile, what goes wrong, and who may; nothing that was entered is lost."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.operations.actions.edit import Edit, JobForm
from bot.operations.backend import ApprovalRules
from bot.operations.job_editor import HIDDEN_JOB
from bot.operations.job_editor.fields import change_in_words
from bot.operations.menus import MenuField
from bot.operations.model import NamedJob, Refusal, Standing
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    Blocked,
    Done,
    DraftExpired,
    Edited,
    Failed,
    NeedsForm,
    NotFound,
    NotPossible,
    Refused,
    Unclear,
)
from bot.sandbox.vbr import Fault, Moment
from bot.sandbox.vbr.faults import dropped
from bot.settings import PersonId
from bot.store import Drafts
from bot.veeam import Job, SettingsField
from tests.rooms.operations.form_room import (
    ANN,
    BEN,
    EDITING,
    MODEL,
    SQL_ADMIN,
    STATES,
    Writer,
    form_in,
    said,
    sent,
    summary_in,
    with_administrators,
    with_every_kind,
)
from tests.rooms.operations.office import HQ, NOBODY, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import die, saying

Model = dict[str, Any]
Fields = dict[str, Any]


@pytest.fixture(autouse=True)
def administrators(office: Office) -> None:
    """Ann and Ben may everything, another administrator SQL jobs alone."""
    with_administrators(office)
    with_every_kind(office.world)


@pytest.fixture
def ann(office: Office) -> Writer:
    return Writer(office)


async def elsewhere(office: Office, name: str, change: Callable[[Model], object]) -> None:
    """Somebody changes the job in VBR's console."""
    server = office.fleet.server(HQ)
    model = copy.deepcopy(dict((await server.job(office.known(name).job_id)).raw))
    change(model)
    await server.edit_job(Job(model))
    office.hq.requests.clear()


def described(text: str) -> Callable[[Model], object]:
    return lambda model: model.update(description=text)


def kept_for(days: int) -> Callable[[Model], object]:
    return lambda model: model["storage"].update(retentionPolicy={"type": "Days", "quantity": days})


def model_of(office: Office, name: str) -> Model:
    return office.world.job(name).model


def days_of(office: Office, name: str) -> int:
    return int(model_of(office, name)["storage"]["retentionPolicy"]["quantity"])


# --- typed

RETRIED = {"isEnabled": True, "retryCount": 5, "awaitMinutes": 10}


async def test_a_typed_change_shows_its_review_at_once(office: Office, ann: Writer) -> None:
    """Nothing is sent before it is reviewed; a name that is taken, and no change, are said in the form."""
    longer = summary_in(await office.ask(Edit(NamedJob("Files", "hq", exact=True), retention=30), ANN))
    assert [(change.part, change.after.quantity) for change in longer.changes] == [
        (SettingsField.RETENTION, 30)
    ]
    assert sent(office, EDITING) == []
    assert isinstance(await ann.sends(longer), Done)
    assert days_of(office, "Files") == 30
    renamed = summary_in(
        await office.ask(Edit(NamedJob("Files", "hq", exact=True), new_name="File servers"), ANN)
    )
    assert isinstance(await ann.sends(renamed), Done)
    unquoted = NamedJob("File servers", "hq", after=("retention", "21"))
    assert summary_in(await office.ask(Edit(unquoted, retention=21), ANN)).draft.wanted.name == "File servers"
    taken = await office.ask(Edit(NamedJob("File servers", "hq", exact=True), new_name="sql prod"), ANN)
    assert said(form_in(taken)) == [(SettingsField.NAME, "Another job already has this name.")]
    retried = summary_in(await office.ask(Edit(NamedJob("File servers", "hq", exact=True), retries=5), ANN))
    assert change_in_words(retried.changes[0], {}) == "Retries: none → 5, 10 minutes apart"
    assert isinstance(await ann.sends(retried), Done)
    assert office.world.job("File servers").model["schedule"]["retry"] == RETRIED
    copy = form_in(await office.ask(Edit(NamedJob("Copy now", "hq", exact=True), retries=5), ANN))
    assert said(copy) == [(SettingsField.RETRY, "A job of this type or schedule has no retries.")]
    same = await office.ask(Edit(NamedJob("File servers", "hq", exact=True), retention=30), ANN)
    assert said(form_in(same)) == [(None, "Nothing is changed yet.")]


# --- what others do meanwhile


async def test_what_others_changed_before_next_is_shown_and_kept(office: Office, ann: Writer) -> None:
    """Between the form and its summary somebody changed the job: both are shown, both are in what is sent."""
    form = await ann.edits("Files")
    await elsewhere(office, "Files", described("Ben was here"))
    summary = await ann.sees(form, retention="30")
    assert [change.part for change in summary.changes_by_others] == [SettingsField.DESCRIPTION]
    assert [change.part for change in summary.changes] == [SettingsField.RETENTION]
    assert isinstance(await ann.sends(summary), Done)
    assert (days_of(office, "Files"), model_of(office, "Files")["description"]) == (30, "Ben was here")


async def test_what_others_changed_after_the_summary_is_asked_about(office: Office, ann: Writer) -> None:
    """Nothing is sent; the summary shows both, and sent once more it does both."""
    summary = await ann.sees(await ann.edits("Files"), retention="30")
    assert summary.changes_by_others == ()
    await elsewhere(office, "Files", described("Ben was here"))
    again = summary_in(await ann.sends(summary))
    assert [change.part for change in again.changes_by_others] == [SettingsField.DESCRIPTION]
    assert sent(office, EDITING) == []
    assert isinstance(await ann.sends(again), Done)
    assert (days_of(office, "Files"), model_of(office, "Files")["description"]) == (30, "Ben was here")


async def test_one_field_changed_by_both_is_shown_from_what_stands_now(office: Office, ann: Writer) -> None:
    """Who goes on sees from what to what it is now changed."""
    form = await ann.edits("Files")
    await elsewhere(office, "Files", kept_for(60))
    summary = await ann.sees(form, retention="30")
    (theirs,), (own,) = summary.changes_by_others, summary.changes
    assert (theirs.after.quantity, own.before.quantity, own.after.quantity) == (60, 60, 30)


async def test_the_same_change_by_both_leaves_nothing_to_send(office: Office, ann: Writer) -> None:
    """It is said in the form, before the summary and after it."""
    form = await ann.edits("Files")
    summary = await ann.sees(form, name="Archives")
    await elsewhere(office, "Files", lambda model: model.update(name="Archives"))
    for outcome in (await ann.sends(summary), await ann.fills(form, name="Archives")):
        ((part, words),) = said(form_in(outcome))
        assert part is None
        assert "nothing" in words.casefold()
    assert sent(office, EDITING) == []


async def test_objects_of_both_are_merged(office: Office, ann: Writer) -> None:
    """What one adds and another takes out are both so in the end."""
    form = await ann.edits("Files")
    own = [each.key for each in form.draft.wanted.objects or ()]
    new = await ann.option(form, MenuField.OBJECTS, "app01")

    def without_first(model: Model) -> None:
        del model["virtualMachines"]["includes"][0]

    await elsewhere(office, "Files", without_first)
    summary = await ann.sees(form, objects=(*own, new))
    assert isinstance(await ann.sends(summary), Done)
    names = [item["name"] for item in model_of(office, "Files")["virtualMachines"]["includes"]]
    assert names == ["vm02", "app01"]


async def test_what_the_form_does_not_show_is_said_to_have_changed(office: Office, ann: Writer) -> None:
    """Settings beyond the form count as well, and stay."""
    form = await ann.edits("Files")
    proxies = {"autoSelectEnabled": False, "proxyIds": []}
    await elsewhere(office, "Files", lambda model: model["storage"].update(backupProxies=proxies))
    summary = await ann.sees(form, retention="30")
    assert (summary.changes_by_others, summary.is_changed_otherwise) == ((), True)
    assert isinstance(await ann.sends(summary), Done)
    assert model_of(office, "Files")["storage"]["backupProxies"] == proxies


async def test_two_people_at_once_both_get_their_way(office: Office, ann: Writer) -> None:
    """Whoever sends second is shown what the first did."""
    ben = Writer(office, BEN)
    of_ann = await ann.sees(await ann.edits("Files"), retention="30")
    of_ben = await ben.sees(await ben.edits("Files"), description="Ben's")
    assert isinstance(await ann.sends(of_ann), Done)
    again = summary_in(await ben.sends(of_ben))
    assert [change.part for change in again.changes_by_others] == [SettingsField.RETENTION]
    assert isinstance(await ben.sends(again), Done)
    assert (days_of(office, "Files"), model_of(office, "Files")["description"]) == (30, "Ben's")


async def test_a_job_deleted_meanwhile_is_told_by_its_name(office: Office, ann: Writer) -> None:
    """At Next and at Edit."""
    form = await ann.edits("Files")
    summary = await ann.sees(form, retention="30")
    office.world.book.remove_job(office.world.job("Files"))
    for outcome in (await ann.fills(form, retention="30"), await ann.sends(summary)):
        assert isinstance(outcome, NotFound)
        assert outcome.word == "Files"


async def test_a_job_renamed_meanwhile_keeps_its_new_name(office: Office, ann: Writer) -> None:
    """It is the same job; the new name is shown as somebody else's change."""
    form = await ann.edits("Files")
    await elsewhere(office, "Files", lambda model: model.update(name="File servers"))
    summary = await ann.sees(form, retention="30")
    assert [change.part for change in summary.changes_by_others] == [SettingsField.NAME]
    assert isinstance(await ann.sends(summary), Done)
    assert days_of(office, "File servers") == 30


async def test_one_submission_delivered_twice_acts_once(office: Office, ann: Writer) -> None:
    """One PUT, also when both arrive at once."""
    summary = await ann.sees(await ann.edits("Files"), retention="30")
    outcomes = await asyncio.gather(*(ann.sends(summary, press="view-1-hash-1") for _ in range(2)))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyPressed", "Done"]
    assert isinstance(await ann.sends(summary, press="view-1-hash-1"), AlreadyPressed)
    assert len(sent(office, EDITING)) == 1


# --- drafts


async def test_previous_shows_what_was_entered(office: Office, ann: Writer) -> None:
    """From the summary and after an error, each field as it was filled in."""
    form = await ann.edits("Files")
    summary = await ann.sees(form, name="File servers", retention="30", rhythm="weekdays", at="04:45")
    back = form_in(await office.ask(summary.back, ANN))
    wanted = back.draft.wanted
    assert wanted.retention is not None
    assert wanted.schedule is not None
    assert (wanted.name, wanted.retention.quantity, wanted.schedule.rhythm) == (
        "File servers", 30, "weekdays",
    )  # fmt: skip
    assert form_in(await ann.fills(back, name="Oracle")).draft.wanted.retention == wanted.retention


async def test_a_forgotten_draft_is_said_kindly(office: Office, ann: Writer) -> None:
    """Nothing is done, at any step."""
    form = await ann.edits("Files")
    summary = await ann.sees(form, retention="30")
    await Drafts(office.database).purge(office.clock.now() + timedelta(seconds=1))
    for outcome in (
        await ann.fills(form, retention="31"),
        await ann.sends(summary),
        await office.ask(summary.back, ANN),
    ):
        assert isinstance(outcome, DraftExpired)
    assert sent(office, EDITING) == []


async def test_a_draft_is_nobody_elses(office: Office, ann: Writer) -> None:
    """Another administrator with the same form finds nothing in it, and sends nothing."""
    form = await ann.edits("Files")
    summary = await ann.sees(form, retention="30")
    ben = Writer(office, BEN)
    assert isinstance(await ben.fills(form, retention="31"), DraftExpired)
    assert isinstance(await ben.sends(summary), DraftExpired)
    assert await ben.finds(form, MenuField.OBJECTS, "app") == ()
    assert isinstance(await ann.sends(summary), Done)


async def test_a_restart_between_form_and_summary_loses_nothing(office: Office, ann: Writer) -> None:
    """Another process, with nothing in its memory, goes on where the first one was killed."""
    form = await ann.edits("Files")
    own = [each.key for each in form.draft.wanted.objects or ()]
    new = await ann.option(form, MenuField.OBJECTS, "app01")
    office.restart()
    summary = await ann.sees(form, objects=(*own, new), retention="30")
    office.restart()
    assert isinstance(await ann.sends(summary), Done)
    assert days_of(office, "Files") == 30
    assert len(model_of(office, "Files")["virtualMachines"]["includes"]) == len(own) + 1


# --- what goes wrong


async def test_vbrs_no_is_shown_at_the_field(office: Office, ann: Writer) -> None:
    """What VBR refuses stands in the form again, with what was entered; corrected, it is sent."""
    summary = await ann.sees(await ann.edits("Files"), retention="30")
    office.hq.faults.add(*EDITING, saying(400, "The retentionPolicy cannot be applied."))
    outcome = await ann.sends(summary)
    assert isinstance(outcome, Failed)
    form = form_in(outcome)
    assert [part for part, _ in said(form)] == [SettingsField.RETENTION]
    assert form.draft.wanted.retention is not None
    assert form.draft.wanted.retention.quantity == 30
    assert isinstance(await ann.sends(await ann.sees(form)), Done)


async def test_a_name_that_is_taken_is_told_before_it_is_sent(ann: Writer) -> None:
    """Whatever the letter case; the job's own name is no name that is taken."""
    form = await ann.edits("Files")
    assert said(form_in(await ann.fills(form, name="ORACLE"))) == [
        (SettingsField.NAME, "Another job already has this name.")
    ]
    assert isinstance(await ann.sends(await ann.sees(form, name="FILES")), Done)


async def test_a_repository_that_went_is_told_at_its_field(office: Office, ann: Writer) -> None:
    """VBR's own words, and the choice can be made again."""
    form = await ann.edits("Exchange")
    repository = await ann.option(form, MenuField.REPOSITORY, "Default Backup Repository")
    summary = await ann.sees(form, repository=repository)
    del office.world.book.repositories[repository]
    outcome = await ann.sends(summary)
    assert [part for part, _ in said(form_in(outcome))] == [SettingsField.REPOSITORY]


@pytest.mark.parametrize("step", ["next", "edit", "previous"])
async def test_a_server_that_went_down_loses_nothing(office: Office, ann: Writer, step: str) -> None:
    """The form stays with all that was entered, objects too, and says why; nothing is sent."""
    form = await ann.edits("Files")
    own = [each.key for each in form.draft.wanted.objects or ()]
    new = await ann.option(form, MenuField.OBJECTS, "app01")
    fields: Fields = {"name": "File servers", "retention": "30", "objects": (*own, new)}
    summary = None if step == "next" else await ann.sees(form, **fields)
    await die(office.hq)
    match step:
        case "next":
            outcome = await ann.fills(form, **fields)
        case "edit":
            assert summary is not None
            outcome = await ann.sends(summary)
        case _:
            assert summary is not None
            outcome = await office.ask(summary.back, ANN)
    assert isinstance(outcome, Failed)
    again = form_in(outcome)
    wanted = again.draft.wanted
    assert wanted.retention is not None
    assert (wanted.name, wanted.retention.quantity, len(wanted.objects or ())) == (
        "File servers", 30, len(own) + 1,
    )  # fmt: skip
    assert again.names != {}
    assert [problem.error is not None for problem in again.problems] == [True]
    assert sent(office, EDITING) == []


async def test_objects_chosen_before_a_restart_are_kept_while_vbr_is_silent(
    office: Office, ann: Writer
) -> None:
    """They stand in the form by what is known of them, and are looked up when VBR is back."""
    form = await ann.edits("Files")
    own = [each.key for each in form.draft.wanted.objects or ()]
    new = await ann.option(form, MenuField.OBJECTS, "app01")
    office.restart()
    for read in (STATES, MODEL):
        office.hq.faults.add(*read, Fault(status=500))
    outcome = await ann.fills(form, objects=(*own, new))
    assert isinstance(outcome, Failed)
    again = form_in(outcome)
    assert again.draft.keys_to_find == {SettingsField.OBJECTS: (new,)}
    assert isinstance(await ann.sends(await ann.sees(again)), Done)
    names = [item["name"] for item in model_of(office, "Files")["virtualMachines"]["includes"]]
    assert "app01" in names


@pytest.mark.parametrize("moment", Moment)
async def test_an_unclear_edit_is_looked_up_and_not_repeated(
    office: Office, ann: Writer, moment: Moment
) -> None:
    """One PUT; whether the job has the new settings is said."""
    summary = await ann.sees(await ann.edits("Files"), retention="30")
    office.hq.faults.add(*EDITING, dropped(moment))
    outcome = await ann.sends(summary)
    assert isinstance(outcome, Unclear)
    assert isinstance(outcome.found, Edited) == (moment is Moment.AFTER)
    assert len(sent(office, EDITING)) == 1


async def test_an_account_that_may_not_is_told_in_the_form(office: Office, ann: Writer) -> None:
    """403 of VBR: nothing is lost, and it is on record."""
    summary = await ann.sees(await ann.edits("Files"), retention="30")
    office.hq.faults.add(*EDITING, saying(403, "The user does not have the required permissions."))
    outcome = await ann.sends(summary)
    assert isinstance(outcome, Failed)
    assert [problem.error for problem in form_in(outcome).problems] == [outcome.error]
    assert [row.get("outcome") for row in await office.audited()][-1] == "failed"


async def test_a_type_that_vbr_cannot_describe_says_so(office: Office) -> None:
    """No form for it."""
    office.world.add_job("Proxmox", "Unknown")
    outcome = await office.ask(Edit(NamedJob("Proxmox", "hq")), ANN)
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is Blocked.UNDESCRIBED


async def test_what_vbr_took_as_it_is_stands_in_nobodys_way(office: Office, ann: Writer) -> None:
    """Of a replica with more restore points than are allowed today, a new name is for VBR to judge."""
    model_of(office, "The VSphereReplica")["jobSettings"]["restorePointsToKeep"] = 40
    summary = await ann.sees(await ann.edits("The VSphereReplica"), name="Old replica")
    assert [change.part for change in summary.changes] == [SettingsField.NAME]


# --- rights


@pytest.mark.parametrize("person", [OPERATOR, VIEWER, SQL_ONLY, NOBODY])
@pytest.mark.parametrize("step", ["form", "next", "edit", "previous", "search"])
async def test_nobody_without_the_role_gets_anywhere(
    office: Office, ann: Writer, person: PersonId, step: str
) -> None:
    """Whatever they submit is refused on record, and VBR gets nothing."""
    form = await ann.edits("SQL Prod")
    summary = await ann.sees(form, retention="30")
    other = Writer(office, person)
    if step == "search":
        assert await other.finds(form, MenuField.OBJECTS, "app") == ()
        return
    match step:
        case "form":
            outcome = await office.ask(Edit(NamedJob("SQL Prod", "hq")), person)
        case "next":
            outcome = await other.fills(form, retention="31")
        case "edit":
            outcome = await other.sends(summary)
        case _:
            outcome = await office.ask(summary.back, person)
    assert isinstance(outcome, Refused)
    assert (await office.audited())[-1]["outcome"] == "refused"
    assert sent(office, EDITING) == []


@pytest.mark.parametrize("standing", [Standing.GUEST, Standing.FOREIGN, Standing.DEACTIVATED])
async def test_who_is_no_member_any_more_sends_nothing(
    office: Office, ann: Writer, standing: Standing
) -> None:
    """The right is asked for again at each step."""
    form = await ann.edits("Files")
    summary = await ann.sees(form, retention="30")
    office.team.people[ANN] = replace(office.team.people[ANN], standing=standing)
    for outcome in (await ann.fills(form, retention="31"), await ann.sends(summary)):
        assert isinstance(outcome, Refused)
    assert sent(office, EDITING) == []


async def test_a_rename_out_of_ones_reach_is_refused_at_the_field(office: Office) -> None:
    """On record, with the names that one's role covers; one within them is taken."""
    sql = Writer(office, SQL_ADMIN)
    form = await sql.edits("SQL Prod")
    again = form_in(await sql.fills(form, name="Payroll"))
    assert said(again) == [(SettingsField.NAME, "Your role covers jobs named SQL* only.")]
    assert (await office.audited())[-1]["detail"] == Refusal.SCOPE
    assert isinstance(await sql.sends(await sql.sees(again, name="SQL Main")), Done)


async def test_a_grant_lost_after_the_summary_counts(office: Office) -> None:
    """A new name that one's role no longer covers is not sent."""
    sql = Writer(office, SQL_ADMIN)
    summary = await sql.sees(await sql.edits("SQL Prod"), name="SQL Main")
    office.grants = tuple(
        grant.model_copy(update={"jobs": ("SQL Prod*",)}) if grant.jobs == ("SQL*",) else grant
        for grant in office.grants
    )
    office.restart()
    again = form_in(await sql.sends(summary))
    assert [part for part, _ in said(again)] == [SettingsField.NAME]
    assert sent(office, EDITING) == []


async def test_menus_name_no_job_out_of_sight(office: Office) -> None:
    """Of jobs to run after, and to be like, those alone that one may know of."""
    sql = Writer(office, SQL_ADMIN)
    form = await sql.edits("SQL Prod")
    assert {one.name for one in await sql.finds(form, MenuField.AFTER_JOB)} == {"SQL Prod", "SQL Test"}


async def test_a_form_names_no_job_out_of_sight(office: Office) -> None:
    """The job that it runs after stays, unnamed in form, summary and answer."""
    sql = Writer(office, SQL_ADMIN)
    form = await sql.edits("SQL Test")
    assert form.draft.wanted.schedule is not None
    assert form.draft.wanted.schedule.after_job == HIDDEN_JOB
    summary = await sql.sees(form, retention="30")
    assert [change.part for change in summary.changes] == [SettingsField.RETENTION]
    assert isinstance(await sql.sends(summary), Done)
    assert office.world.job("SQL Test").predecessor == "Oracle"
    summary = await sql.sees(await sql.edits("SQL Test"), rhythm="by_hand")
    assert "Oracle" not in str(summary.changes)
    done = await sql.sends(summary)
    assert isinstance(done, Done)
    assert isinstance(done.answer, ActionAnswer)
    assert "Oracle" not in str(done.answer)


async def test_a_job_out_of_sight_cannot_be_chained_to(office: Office) -> None:
    """Whoever guesses its name is told no more than that there is none they may see."""
    sql = Writer(office, SQL_ADMIN)
    again = form_in(await sql.fills(await sql.edits("SQL Prod"), rhythm="after_job", after_job="Oracle"))
    assert said(again) == [(SettingsField.SCHEDULE, "No such job.")]


async def test_the_form_reads_the_model_anew(office: Office, ann: Writer) -> None:
    """A form opened later shows what stands then."""
    await ann.edits("Files")
    await elsewhere(office, "Files", kept_for(60))
    form: JobForm = await ann.edits("Files")
    assert form.draft.wanted.retention is not None
    assert form.draft.wanted.retention.quantity == 60
    assert len(office.hq.requests.of(*MODEL)) == 1


async def test_the_summary_says_whether_it_waits_for_a_second_person(office: Office, ann: Writer) -> None:
    """By what would be changed: fewer backups wait where that class does, more of them do not."""
    office.approvals = ApprovalRules({"reduces_protection"}, timedelta(minutes=30), ("C0AUDIT",))
    for retention, waits in (("3", True), ("30", False)):
        outcome = await ann.fills(await ann.edits("Files"), retention=retention)
        assert isinstance(outcome, NeedsForm)
        assert outcome.needs_approval is waits
