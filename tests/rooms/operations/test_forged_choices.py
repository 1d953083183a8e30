"""What a job takes: every value is checked against what the person may see, whatever their form carried."""

from dataclasses import replace

import pytest

from bot.operations.actions.create import Create, CreateChoice
from bot.operations.actions.delete import Delete
from bot.operations.actions.edit import Edit
from bot.operations.actions.retry import Retry
from bot.operations.menus import MenuField
from bot.operations.model import KnownJob, NamedJob, Refusal, Request, Step
from bot.operations.outcomes import Done, DraftExpired, NeedsForm, NotFound
from bot.operations.queries.job import ShowJob
from bot.operations.queries.session import ShowSession
from bot.sandbox.vbr.credentials import add_credentials
from bot.settings import PersonId, ServerName
from bot.veeam import JobId, JobObject, SessionId, SettingsField
from tests.rooms.operations.form_room import (
    ANN,
    CREATING,
    EDITING,
    SERVICE,
    SQL_ADMIN,
    Writer,
    form_in,
    said,
    sent,
    with_administrators,
)
from tests.rooms.operations.office import DR, Office

NO_SUCH_JOB = "No such job."
GONE = "Some of what you chose is no longer in the inventory."
NOBODYS = "5c2c1f6e-0000-4000-8000-00000000dead"


@pytest.fixture(autouse=True)
def copies(office: Office) -> None:
    """A copy of an SQL job, which an administrator of SQL jobs may change, and credentials."""
    with_administrators(office)
    add_credentials(office.world.book, SERVICE, office.world.now())
    office.world.add_job("SQL Copy", "BackupCopy", source="SQL Prod", mode="Periodic")


@pytest.fixture
def sql(office: Office) -> Writer:
    return Writer(office, SQL_ADMIN)


def key_of(office: Office, name: str) -> str:
    job = office.world.job(name)
    return JobObject.of_job(job.id, job.name, job.type).key


async def refusals(office: Office) -> list[tuple[object, object]]:
    """What was refused, each with the job that it was tried on."""
    rows = [row for row in await office.audited() if row["event"] == "refused"]
    return [(row.get("job_name"), row["detail"]) for row in rows]


@pytest.mark.parametrize("is_offered_to_others", [False, True])
async def test_another_jobs_backups_cannot_be_copied(
    office: Office, sql: Writer, *, is_offered_to_others: bool
) -> None:
    """A forged choice is refused at the field and on record, also of a job that a menu offered to others."""
    if is_offered_to_others:
        ann = Writer(office, ANN)
        assert await ann.finds(await ann.edits("SQL Copy"), MenuField.OBJECTS, "Files")
    forged = key_of(office, "Files")
    again = form_in(
        await sql.fills(await sql.edits("SQL Copy"), objects=(key_of(office, "SQL Prod"), forged))
    )
    assert said(again) == [(SettingsField.OBJECTS, GONE)]
    assert "Files" not in str(again.draft.wanted.objects)
    assert await refusals(office) == [("SQL Copy", f"Objects: {forged}; {Refusal.CHOICE}")]
    assert sent(office, EDITING) == []


async def test_a_job_of_a_type_that_the_menu_does_not_offer_is_refused(office: Office) -> None:
    """A copy of backups takes no replica, whatever its form carried: said at the field, and on record."""
    office.world.add_job("SQL Replica", "VSphereReplica", objects=("vm01",))
    ann, forged = Writer(office, ANN), key_of(office, "SQL Replica")
    form = await ann.edits("SQL Copy")
    assert "SQL Replica" not in {one.name for one in await ann.finds(form, MenuField.OBJECTS, "SQL")}
    again = form_in(await ann.fills(form, objects=(key_of(office, "SQL Prod"), forged)))
    assert said(again) == [(SettingsField.OBJECTS, "A job of this type can't take these: SQL Replica.")]
    assert await refusals(office) == [("SQL Copy", f"Objects: {forged}; {Refusal.CHOICE}")]
    assert sent(office, EDITING) == []


async def test_a_copied_job_out_of_sight_by_the_time_it_is_sent_is_refused(
    office: Office, sql: Writer
) -> None:
    """It was renamed since the summary: what it is called when it is sent counts."""
    form = await sql.edits("SQL Copy")
    chosen = (key_of(office, "SQL Prod"), key_of(office, "SQL Test"))
    summary = await sql.sees(form, objects=chosen)
    office.world.book.rename_job(office.world.job("SQL Test"), "Payroll")
    again = form_in(await sql.sends(summary))
    assert said(again) == [(SettingsField.OBJECTS, NO_SUCH_JOB)]
    assert await refusals(office) == [("SQL Copy", f"Objects: {chosen[1]}; {Refusal.CHOICE}")]
    assert sent(office, EDITING) == []


async def test_what_a_copy_held_before_may_stay(office: Office, sql: Writer) -> None:
    """Another administrator put it there: it is neither named nor taken out."""
    ann = Writer(office, ANN)
    both = (key_of(office, "SQL Prod"), key_of(office, "Files"))
    assert isinstance(await ann.sends(await ann.sees(await ann.edits("SQL Copy"), objects=both)), Done)
    form = await sql.edits("SQL Copy")
    assert "Files" not in str(form.draft.wanted.objects)
    assert isinstance(await sql.sends(await sql.sees(form, description="Both")), Done)
    assert await refusals(office) == []


async def test_a_new_copy_takes_no_hidden_job_from_its_template(office: Office, sql: Writer) -> None:
    """Nothing stood in a job that is made: all that it takes is what this person gives it."""
    ann = Writer(office, ANN)
    both = (key_of(office, "SQL Prod"), key_of(office, "Files"))
    assert isinstance(await ann.sends(await ann.sees(await ann.edits("SQL Copy"), objects=both)), Done)
    form = await sql.creates(like=office.world.job("SQL Copy"))
    again = form_in(await sql.fills(form, name="SQL Copy 2"))
    assert said(again) == [(SettingsField.OBJECTS, NO_SUCH_JOB)]
    assert await refusals(office) == [("SQL Copy 2", f"Objects: {both[1]}; {Refusal.CHOICE}")]
    assert sent(office, CREATING) == []


@pytest.mark.parametrize(
    ("fields", "part", "detail"),
    [
        ({"repository": NOBODYS}, SettingsField.REPOSITORY, f"Repository: {NOBODYS}"),
        (
            {"guest": "aware", "credentials": f'{{"id":"{NOBODYS}","type":"Standard"}}'},
            SettingsField.GUEST,
            f"Guest processing: {NOBODYS}",
        ),
        ({"rhythm": "after_job", "after_job": "Oracle"}, SettingsField.SCHEDULE, "Schedule: Oracle"),
        ({"rhythm": "after_job", "after_job": "SQL None"}, SettingsField.SCHEDULE, "Schedule: SQL None"),
    ],
)
async def test_a_value_that_no_menu_offers_is_refused(
    office: Office, sql: Writer, fields: dict[str, str], part: SettingsField, detail: str
) -> None:
    """At its field, on record with what was sent, and VBR gets nothing."""
    again = form_in(await sql.fills(await sql.edits("SQL Prod"), **fields))
    assert [where for where, _ in said(again)] == [part]
    assert await refusals(office) == [("SQL Prod", f"{detail}; {Refusal.CHOICE}")]
    assert sent(office, EDITING) == []


async def test_credentials_keep_their_type(sql: Writer) -> None:
    """The ID that a menu offers, with a type that it does not."""
    form = await sql.edits("SQL Prod")
    offered = await sql.option(form, MenuField.CREDENTIALS, SERVICE)
    forged = offered.replace("Standard", "Linux")
    assert forged != offered
    again = form_in(await sql.fills(form, guest="aware", credentials=forged))
    assert [where for where, _ in said(again)] == [SettingsField.GUEST]
    assert (await sql.sees(again, guest="aware", credentials=offered)).changes


async def test_a_forged_template_is_refused_on_record(office: Office, sql: Writer) -> None:
    """Whether on a server in sight or not."""
    choice = await office.ask(Create(), SQL_ADMIN)
    assert isinstance(choice, NeedsForm)
    assert isinstance(choice.form, CreateChoice)
    outcome = await sql.submits(choice.form, like=office.known("Files"))
    assert isinstance(outcome, NeedsForm)
    abroad = KnownJob(DR, JobId(office.dr.world.job("Files").id))
    outcome = await office.ask(Create("dr", abroad, step=Step.FILL), SQL_ADMIN)
    assert isinstance(outcome, NotFound)
    assert outcome.hidden is None
    assert await refusals(office) == [
        ("Files", f"as a template; {Refusal.CHOICE}"),
        (None, Refusal.SCOPE),
    ]


async def test_a_template_out_of_sight_by_the_time_it_is_sent_is_refused(office: Office, sql: Writer) -> None:
    """The settings of a job that one may not see any more go into no other."""
    form = await sql.creates(like=office.world.job("SQL Test"))
    summary = await sql.sees(form, name="SQL Second", rhythm="by_hand")
    office.world.book.rename_job(office.world.job("SQL Test"), "Payroll")
    again = form_in(await sql.sends(summary))
    assert [part for part, _ in said(again)] == [None]
    assert (await refusals(office))[-1] == ("Payroll", f"as a template; {Refusal.CHOICE}")
    assert sent(office, CREATING) == []


async def test_a_draft_is_of_its_own_job(office: Office, sql: Writer) -> None:
    """A form that names another job than it was opened for is none."""
    summary = await sql.sees(await sql.edits("SQL Prod"), retention="30")
    assert isinstance(summary.request, Edit)
    for step in (Step.FILL, Step.SEND):
        forged = Edit(office.known("SQL Test"), step=step, draft=summary.request.draft)
        assert isinstance(await office.ask(forged, SQL_ADMIN), DraftExpired)
    assert sent(office, EDITING) == []


def hidden_requests(office: Office) -> list[Request]:
    session = office.world.sessions_of(office.world.job("Files"))[-1]
    return [
        Retry(office.known("Files")),
        Retry(office.known("Files"), step=Step.FILL),
        Edit(office.known("Files"), step=Step.FILL),
        ShowJob(office.known("Files")),
        ShowSession(SessionId(session.id)),
    ]


@pytest.mark.parametrize("number", range(5))
async def test_a_button_on_a_hidden_job_is_refused_on_record(office: Office, number: int) -> None:
    """Whoever forges its value reads what is said of a job that is not there; the record names the job."""
    outcome = await office.ask(hidden_requests(office)[number], SQL_ADMIN)
    assert isinstance(outcome, NotFound)
    assert (outcome.hidden, outcome.nearest) == (None, ())
    assert await refusals(office) == [("Files", Refusal.SCOPE)]
    assert office.posts() == []


async def test_a_made_up_job_is_no_attempt(office: Office) -> None:
    """There is no such job on any server, and nothing to put on record."""
    for known in (KnownJob(ServerName("hq"), JobId(NOBODYS)), KnownJob(ServerName("nowhere"), JobId("x"))):
        assert isinstance(await office.ask(Retry(known), SQL_ADMIN), NotFound)
    assert await refusals(office) == []


@pytest.mark.parametrize("person", [SQL_ADMIN, PersonId("U0VIEWER")])
async def test_a_refused_attempt_names_the_job_as_typed(office: Office, person: PersonId) -> None:
    """However it is refused, `audit JOB` finds it."""
    office.team.people[person] = replace(office.team.people[person], groups=frozenset({"S0VIEW"}))
    await office.ask(Delete(NamedJob("sql prod", server="HQ")), person)
    await office.ask(Delete(NamedJob("no such job")), person)
    rows = await office.audited()
    assert [(row.get("server"), row["job_name"]) for row in rows] == [
        ("hq", "sql prod"),
        (None, "no such job"),
    ]
