"""`create`: a vSphere backup from nothing, any other job like one of its kind; sent once, as it was shown."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.operations.actions.create import Create, CreateChoice
from bot.operations.actions.edit import JobForm
from bot.operations.menus import MenuField, MenuSearch
from bot.operations.model import Gesture, Origin, Refusal, Step
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    Created,
    Done,
    DraftExpired,
    Failed,
    NeedsForm,
    NotFound,
    Refused,
    Unclear,
)
from bot.sandbox.vbr import Moment, World
from bot.sandbox.vbr.faults import dropped
from bot.sandbox.vbr.machines import add_protection_group
from bot.settings import PersonId
from bot.slack.views.job_form import job_form, job_summary
from bot.veeam import Detail, JobObject, SettingsField, has_model, settings_of
from tests.rooms.operations.form_room import (
    ANN,
    BEN,
    CASES,
    CREATING,
    NONE_LISTED,
    SERVICE,
    SQL_ADMIN,
    Writer,
    administrators_office,
    form_in,
    name_of,
    said,
    sent,
    summary_in,
    with_every_kind,
)
from tests.rooms.operations.office import DR, HQ, NOBODY, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import die, saying
from tests.support.clock import FakeClock
from tests.support.filled_forms import as_it_stands
from tests.support.openapi import OpenApi, document_of, document_path

Fields = dict[str, Any]

DOCUMENTED = "1.3-rev0"
OTHERS = {
    "win": ("LinuxComputer", "mixed-lnx"),
    "lnx": ("WindowsComputer", "mixed-win"),
    "cl": ("WindowsComputer", "mixed-win"),
}
"""For each system a computer of another one."""
FIELDS: dict[tuple[str, ...], str] = {
    **{(name,): name for name in ("name", "description")},
    **{(name,): "objects" for name in ("objects", "computers", "sources", "linkedJobs")},
    ("isHighPriority",): "priority",
    ("virtualMachines", "includes"): "objects",
    ("sourceObjects", "includes"): "objects",
    **{("destination", name): name.lower() for name in ("host", "folder", "datastore")},
    ("destination", "resourcePool"): "resource_pool",
    ("primaryJobId",): "primary_job",
    ("backupRepositoryId",): "repository",
    ("gfsPolicy",): "gfs_weeks",
    ("jobSettings", "metadataRepositoryId"): "repository",
    ("jobSettings", "restorePointsToKeep"): "retention",
    ("storage", "destination", "backupRepositoryId"): "repository",
    **{(place, "tenantId"): "tenant" for place in ("storage", "tenant")},
    **{
        (place, name): field
        for place in ("storage", "target", "backupRepository")
        for name, field in (
            ("backupRepositoryId", "repository"),
            ("retentionPolicy", "retention"),
            ("gfsPolicy", "gfs_weeks"),
        )
    },
    ("schedule", "runAutomatically"): "rhythm",
    ("schedule", "daily"): "rhythm",
    ("guestProcessing", "appAwareProcessing"): "guest",
}
"""The fields of the form that ask for what stands in a new job's body."""
REVIEWED: dict[tuple[str, ...], str] = {
    ("type",): "a new ",
    ("agentType",): "Computers are: ",
    ("backupMode",): "Backup mode: entire computer",
    ("mode",): "Copy mode: immediate",
    ("useCustomRetention",): "Retention: that of the job it copies",
    ("schedule", "type"): "Runs: as new restore points appear",
    ("schedule", "scheduleMode"): "Copies at: any time",
    ("schedule", "retry"): "Retries: 3, 10 minutes apart",
    ("storage", "backupProxies"): "Proxies: ",
    ("dataTransfer", "sourceProxies"): "Source proxies: chosen by VBR",
    ("dataTransfer", "targetProxies"): "Target proxies: chosen by VBR",
    ("virtualMachines", "sourceRepositories"): "Data comes from: production storage",
    ("jobSettings", "replicaNameSuffix"): "Names of replicas end in: _replica",
    ("storage", "destination", "destinationType"): "Destination: a repository of VBR",
    ("storage", "destination", "backupServerName"): "Agents connect to: vbr01.example.com",
    ("guestProcessing", "guestFSIndexing"): "Guest file indexing: off",
    ("verificationOptions", "malwareScanEnabled"): "Malware scan: on",
    ("verificationOptions", "yaraScanEnabled"): "YARA scan: off",
}
"""The words of the review for what no field asks for."""
_STORED = "compression, encryption"
LEFT_TO_VBR = {
    "VSphereBackup": (f"backup window, {_STORED}, active full backups, synthetic full backups, health check"),
    "VSphereReplica": "backup window, compression",
    "FileBackup": f"backup window, {_STORED}, health check",
    "BackupCopy": f"{_STORED}, health check",
    "SureBackupContentScan": None,
}
"""What a new job's form does not ask for, nor its spec says."""
SCHEDULES: dict[str, tuple[Fields, dict[str, Any]]] = {
    "every day": (
        {"rhythm": "every_day", "at": "21:15"},
        {"daily": {"isEnabled": True, "localTime": "21:15", "dailyKind": "Everyday"}},
    ),
    "weekdays": (
        {"rhythm": "weekdays", "at": "00:00"},
        {"daily": {"isEnabled": True, "localTime": "00:00", "dailyKind": "WeekDays"}},
    ),
    "chosen days": (
        {"rhythm": "chosen_days", "at": "04:30", "days": ("sunday", "monday")},
        {
            "daily": {
                "isEnabled": True,
                "localTime": "04:30",
                "dailyKind": "SelectedDays",
                "days": ["monday", "sunday"],
            }
        },
    ),
    "after a job": (
        {"rhythm": "after_job", "after_job": "Oracle"},
        {"afterThisJob": {"isEnabled": True, "jobName": "Oracle"}},
    ),
    "by hand": ({"rhythm": "by_hand"}, {}),
}


@pytest.fixture
def revision() -> str:
    return DOCUMENTED


@pytest.fixture
async def office(world: World, clock: FakeClock, tmp_path: Path, revision: str) -> AsyncIterator[Office]:
    """`hq` speaks the revision and has a job of each type."""
    with_every_kind(world)
    other = World(clock.now, name="vbr02", seed=2)
    other.add_job("SQL Prod DR")
    async with administrators_office(world, other, clock, tmp_path, revision) as made:
        yield made


@pytest.fixture
def ann(office: Office) -> Writer:
    return Writer(office)


@pytest.fixture(scope="module")
def document() -> OpenApi | None:
    path = document_path()
    return None if path is None else OpenApi.load(path)


async def filled(writer: Writer, form: JobForm, **more: Any) -> Fields:
    """What a new vSphere backup needs."""
    return {
        "name": "Web tier",
        "objects": (await writer.option(form, MenuField.OBJECTS, "app01"),),
        "repository": await writer.option(form, MenuField.REPOSITORY, "Second Repository"),
        **more,
    }


def model_of(office: Office, name: str) -> dict[str, Any]:
    return office.world.job(name).model


def said_nowhere(
    body: dict[str, Any], fields: set[str], review: str, way: tuple[str, ...] = ()
) -> dict[tuple[str, ...], Any]:
    """What a body says that neither a field of the form asked for nor the review names."""
    left: dict[tuple[str, ...], Any] = {}
    for key, value in body.items():
        path = (*way, key)
        if FIELDS.get(path) in fields or (path in REVIEWED and REVIEWED[path] in review):
            continue
        left |= said_nowhere(value, fields, review, path) if isinstance(value, dict) else {path: value}
    return left


def within(expected: Any, actual: Any) -> bool:
    """Whether all that is expected stands there."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            within(each, actual.get(key)) for key, each in expected.items()
        )
    return bool(expected == actual)


@pytest.mark.parametrize("revision", ["1.2-rev1", "1.3-rev0", "1.3-rev1", "1.3-rev2"])
async def test_a_new_backup_is_as_it_was_shown(
    office: Office, ann: Writer, revision: str, document: OpenApi | None
) -> None:
    """With its credentials and priority: one POST, a complete body, a job with what the summary said."""
    form = await ann.creates()
    account = await ann.option(form, MenuField.CREDENTIALS, SERVICE)
    fields = await filled(
        ann,
        form,
        description="The shop",
        retention="30",
        guest="aware",
        credentials=account,
        priority=("high",),
    )
    summary = await ann.sees(form, **fields)
    assert sent(office, CREATING) == []
    done = await ann.sends(summary)
    assert isinstance(done, Done)
    assert isinstance(done.answer, ActionAnswer)
    assert isinstance(done.answer.effect, Created)
    (body,) = sent(office, CREATING)
    made = settings_of((await office.fleet.server(HQ).job(done.answer.effect.job_id)).raw)
    wanted = summary.draft.wanted
    assert (made.name, made.description, made.is_high_priority) == ("Web tier", "The shop", True)
    assert (made.objects, made.retention, made.schedule, made.guest, made.repository_id) == (
        wanted.objects, wanted.retention, wanted.schedule, wanted.guest, wanted.repository_id,
    )  # fmt: skip
    assert summary.repository is not None
    assert summary.repository.name == "Second Repository"
    if revision == DOCUMENTED and document is not None:
        assert document.check_request("POST", "/api/v1/jobs", [], body) == []


@pytest.mark.parametrize("case", SCHEDULES)
async def test_each_schedule_is_made_as_chosen(office: Office, ann: Writer, case: str) -> None:
    """One block alone is enabled, in the server's own time."""
    chosen, expected = SCHEDULES[case]
    form = await ann.creates()
    assert form.time_zone
    assert isinstance(await ann.sends(await ann.sees(form, **await filled(ann, form, **chosen))), Done)
    schedule = model_of(office, "Web tier")["schedule"]
    assert schedule["runAutomatically"] == bool(expected)
    assert within(expected, schedule)
    enabled = [key for key, block in schedule.items() if isinstance(block, dict) and block.get("isEnabled")]
    assert set(enabled) - {"retry"} == set(expected)


@pytest.mark.parametrize(("kind", "revision"), CASES)
async def test_a_job_of_each_type_is_made_like_another(
    office: Office, ann: Writer, kind: str, revision: str, document: OpenApi | None
) -> None:
    """Its own name, all else as the template has it; what the template is bound to stays with it."""
    template = office.world.job(name_of(kind))
    form = await ann.creates(like=template)
    assert form.draft.wanted.name == ""
    fields: Fields = {"name": f"Another {kind}"}
    standing = as_it_stands(job_form(form).blocks)
    if "repository" in standing:
        fields["repository"] = await ann.option(form, MenuField.REPOSITORY, "Second Repository")
    summary = await ann.sees(form, **fields)
    assert isinstance(await ann.sends(summary), Done)
    (body,) = sent(office, CREATING)
    made = office.world.job(f"Another {kind}")
    assert made.type == template.type
    before, after = settings_of(template.model), settings_of(made.model)
    assert (after.objects, after.retention, after.schedule) == (
        before.objects, before.retention, before.schedule,
    )  # fmt: skip
    assert {"id", "isDisabled"}.isdisjoint(body)
    if revision == DOCUMENTED and document is not None:
        assert document.check_request("POST", "/api/v1/jobs", [], body) == []


@pytest.mark.parametrize("revision", ["1.2-rev1"])
async def test_no_file_backup_to_copy_where_none_is_listed(office: Office, ann: Writer) -> None:
    """1.2-rev1 has no word for file backups, so its servers list none: a copy is made like another one."""
    form = form_in(await office.ask(Create("hq", step=Step.FILL, job_type="FileBackupCopy"), ANN))
    assert await ann.finds(form, MenuField.PRIMARY_JOB) == ()


@pytest.mark.parametrize(("kind", "revision"), [case for case in CASES if case not in NONE_LISTED])
async def test_a_job_of_each_type_is_made_from_nothing(
    office: Office, ann: Writer, kind: str, revision: str
) -> None:
    """What its type needs is asked for and searched in VBR; every request fits the revision's document."""
    form = form_in(await office.ask(Create("hq", step=Step.FILL, job_type=kind), ANN))
    drawn = as_it_stands(job_form(form).blocks)
    summary = await ann.creates_from_nothing(kind, f"New {kind}")
    assert summary is not None
    assert isinstance(await ann.sends(summary), Done)
    (body,) = sent(office, CREATING)
    made = office.world.job(f"New {kind}")
    assert (made.type, summary.draft.kind) == (kind, body["type"])
    assert said_nowhere(body, set(drawn), str(job_summary(summary).blocks)) == {}
    left = next((line for line in summary.defaults if line.startswith("Left to VBR: ")), None)
    if kind in LEFT_TO_VBR:
        assert left == (LEFT_TO_VBR[kind] and f"Left to VBR: {LEFT_TO_VBR[kind]}")
    if (document := document_of(revision)) is not None:
        problems = [
            problem
            for request in office.hq.requests
            if request.template.startswith("/api/v1/")
            for problem in document.check_request(
                request.method, request.path, list(request.query.items()), request.body
            )
        ]
        assert problems == []


AGENT_JOBS = [case for case in CASES if "Agent" in case[0]]


@pytest.mark.parametrize(("kind", "revision"), AGENT_JOBS)
async def test_a_job_of_agents_is_offered_computers_of_its_own_system(
    office: Office, ann: Writer, kind: str
) -> None:
    """Windows, Linux or failover clusters, also in a mixed group; other choices are refused."""
    for name, computer in (("mixed-win", "WindowsComputer"), ("mixed-lnx", "LinuxComputer")):
        add_protection_group(office.world.book, "Mixed", (name,), computer)
    add_protection_group(office.world.book, "Clusters", ("mixed-cl",), "WindowsCluster")
    form = form_in(await office.ask(Create("hq", step=Step.FILL, job_type=kind), ANN))
    offered = {one.name: one for one in await ann.finds(form, MenuField.OBJECTS, "mixed-")}
    system = "cl" if "Cluster" in kind else "win" if kind.startswith("Windows") else "lnx"
    assert set(offered) == {f"mixed-{system}"}
    assert "Mixed" in {one.name for one in await ann.finds(form, MenuField.OBJECTS, "mixed")}
    other = office.world.book.inventory["", *OTHERS[system]].model["id"]
    key = JobObject({"platform": "Agent", "id": other}).key
    again = form_in(await ann.fills(form, name="New", objects=(offered[f"mixed-{system}"].value, key)))
    assert SettingsField.OBJECTS in dict(said(again))


@pytest.mark.parametrize("revision", ["1.3-rev1"])
async def test_a_policy_is_made_though_the_server_does_not_say_its_name(office: Office, ann: Writer) -> None:
    """Its agents are then told the host that the bot knows the server by; the review says so."""
    office.hq.faults.add("GET", "/api/v1/serverInfo", saying(500, "Four horsemen."))
    kind = "LinuxAgentBackupServerPolicy"
    opened = await office.ask(Create("hq", step=Step.FILL, job_type=kind), ANN)
    assert isinstance(opened, NeedsForm)
    assert {each.what for each in opened.missing} == {Detail.SERVER_INFO}
    form = form_in(opened)
    objects = ((await ann.finds(form, MenuField.OBJECTS))[0].value,)
    repository = await ann.option(form, MenuField.REPOSITORY, "Second Repository")
    summary = await ann.sees(form, name="New", objects=objects, repository=repository)
    assert "Agents connect to: 127.0.0.1" in summary.defaults
    assert isinstance(await ann.sends(summary), Done)
    (body,) = sent(office, CREATING)
    assert body["storage"]["destination"]["backupServerName"] == "127.0.0.1"


async def test_a_job_is_made_like_another_as_typed(office: Office, ann: Writer) -> None:
    """Its review is shown at once; what is wrong is said in the form, and nothing is made."""
    typed = Create(job_type="VSphereBackup", name="Web tier", like_name="sql prod")
    summary = summary_in(await office.ask(typed, ANN))
    assert (summary.draft.wanted.name, summary.draft.like) == ("Web tier", "SQL Prod")
    assert isinstance(await ann.sends(summary), Done)
    assert office.world.job("Web tier").objects == office.world.job("SQL Prod").objects
    taken = form_in(await office.ask(typed, ANN))
    assert said(taken) == [(SettingsField.NAME, "Another job already has this name.")]
    other = await office.ask(Create(job_type="HyperVBackup", name="X", like_name="SQL Prod"), ANN)
    assert isinstance(other, NeedsForm)
    assert isinstance(other.form, CreateChoice)
    assert "another type" in other.form.problems[0].said
    assert isinstance(await office.ask(Create(name="X", like_name="Nothing"), ANN), NotFound)
    assert len(sent(office, CREATING)) == 1


async def test_nobody_makes_a_job_like_one_they_may_not_see(office: Office) -> None:
    """Its name is one that does not exist, to them."""
    outcome = await office.ask(Create(name="SQL copy", like_name="Files"), SQL_ADMIN)
    assert isinstance(outcome, NotFound)


async def test_a_typed_template_is_chosen_where_one_may_create(office: Office) -> None:
    """Two servers have a job of that name: the form that asks names none where nothing may be made."""
    groups = frozenset({"S0SQLADMIN", "S0VIEW"})
    office.team.people[SQL_ADMIN] = replace(office.team.people[SQL_ADMIN], groups=groups)
    office.dr.world.add_job("SQL Prod")
    outcome = await office.ask(Create(name="SQL copy", like_name="SQL Prod"), SQL_ADMIN)
    assert isinstance(outcome, NeedsForm)
    assert isinstance(outcome.form, CreateChoice)
    assert outcome.form.problems[0].said == "Which job is SQL Prod? Choose it from the list."
    assert outcome.form.servers == (HQ,)


async def test_templates_are_jobs_that_can_be_described(office: Office, ann: Writer) -> None:
    """No other kind stands in the menu, and one that is chosen all the same is told apart."""
    proxmox = office.world.add_job("Proxmox", "Unknown")
    choice = await office.ask(Create("hq"), ANN)
    assert isinstance(choice, NeedsForm)
    assert isinstance(choice.form, CreateChoice)
    offered = await _templates(office, ANN)
    assert "Proxmox" not in offered
    assert {name_of("BackupCopy"), "SQL Prod"} <= offered
    assert all(has_model(job.type) for job in office.world.jobs if job.name in offered)
    outcome = await ann.submits(choice.form, like=office.known(proxmox.name))
    assert isinstance(outcome, NeedsForm)
    assert isinstance(outcome.form, CreateChoice)
    assert "Use VBR's console" in outcome.form.problems[0].said


async def _templates(office: Office, person: PersonId) -> set[str]:
    request = Create("hq", step=Step.FILL)
    gesture = Gesture("r-1", person, "T0", "C0PROD", Origin.FORM, "search")
    found = await office.service.search(gesture, MenuSearch(MenuField.LIKE, "", request))
    return {one.name for one in found.options}


@pytest.mark.parametrize(
    ("missing", "part"),
    [("objects", SettingsField.OBJECTS), ("repository", SettingsField.REPOSITORY)],
)
async def test_what_is_missing_is_told_at_its_field(
    office: Office, ann: Writer, missing: str, part: SettingsField
) -> None:
    """Nothing is sent, and what was entered stands there."""
    form = await ann.creates()
    fields = {**await filled(ann, form, retention="30"), missing: () if missing == "objects" else None}
    again = form_in(await ann.fills(form, **fields))
    assert [each for each, _ in said(again)] == [part]
    assert again.draft.wanted.name == "Web tier"
    assert sent(office, CREATING) == []


REFUSED = [
    ("A job with the name 'Retention of Exchange' already exists.", SettingsField.NAME),
    ("Backup repository with ID '1' was not found.", SettingsField.REPOSITORY),
    ("Object 'Repository VM' with ID 'vm-1' was not found on 'vcenter01'.", SettingsField.OBJECTS),
    ("Credentials with ID '1' were not found.", SettingsField.GUEST),
    ("Job 'Credentials' was not found.", SettingsField.SCHEDULE),
    ("Four horsemen.", None),
]


@pytest.mark.parametrize(("words", "part"), REFUSED)
async def test_vbrs_no_is_shown_at_the_field(
    office: Office, ann: Writer, words: str, part: SettingsField | None
) -> None:
    """With all that was entered; corrected, it is sent and made once."""
    form = await ann.creates()
    summary = await ann.sees(form, **await filled(ann, form))
    office.hq.faults.add(*CREATING, saying(400, words))
    outcome = await ann.sends(summary, press="view-1-hash-1")
    assert isinstance(outcome, Failed)
    again = form_in(outcome)
    assert [each for each, _ in said(again)] == [part]
    assert again.draft.wanted == summary.draft.wanted
    assert isinstance(await ann.sends(await ann.sees(again)), Done)


@pytest.mark.parametrize("moment", Moment)
async def test_an_unclear_creation_is_looked_up_and_not_repeated(
    office: Office, ann: Writer, moment: Moment
) -> None:
    """A job of the very name that is there since speaks for its having been made."""
    form = await ann.creates()
    summary = await ann.sees(form, **await filled(ann, form))
    office.hq.faults.add(*CREATING, dropped(moment))
    outcome = await ann.sends(summary, press="view-1-hash-1")
    assert isinstance(outcome, Unclear)
    assert (outcome.found is not None) == (moment is Moment.AFTER)
    assert isinstance(await ann.sends(summary, press="view-1-hash-1"), AlreadyPressed)
    assert len(sent(office, CREATING)) == 1
    if moment is Moment.AFTER:
        again = form_in(await ann.sends(summary))
        assert [part for part, _ in said(again)] == [SettingsField.NAME]


async def test_one_submission_delivered_twice_creates_once(office: Office, ann: Writer) -> None:
    """The second delivery is told that it was pressed before."""
    form = await ann.creates()
    summary = await ann.sees(form, **await filled(ann, form))
    assert isinstance(await ann.sends(summary, press="view-1-hash-1"), Done)
    assert isinstance(await ann.sends(summary, press="view-1-hash-1"), AlreadyPressed)
    assert len(sent(office, CREATING)) == 1


@pytest.mark.parametrize("step", ["next", "create"])
async def test_a_server_that_went_down_loses_nothing(office: Office, ann: Writer, step: str) -> None:
    """The form stays with all that was entered, and can be sent once the server is back."""
    form = await ann.creates()
    fields = await filled(ann, form, retention="30")
    summary = None if step == "next" else await ann.sees(form, **fields)
    await die(office.hq)
    outcome = await ann.fills(form, **fields) if summary is None else await ann.sends(summary)
    assert isinstance(outcome, Failed)
    wanted = form_in(outcome).draft.wanted
    assert wanted.retention is not None
    assert (wanted.name, wanted.retention.quantity, len(wanted.objects or ())) == ("Web tier", 30, 1)
    assert [problem.error is not None for problem in form_in(outcome).problems] == [True]


async def test_a_restart_between_form_and_summary_loses_nothing(office: Office, ann: Writer) -> None:
    """Objects chosen before it are looked up again."""
    form = await ann.creates()
    fields = await filled(ann, form)
    office.restart()
    summary = await ann.sees(form, **fields)
    office.restart()
    assert isinstance(await ann.sends(summary), Done)
    assert len(model_of(office, "Web tier")["virtualMachines"]["includes"]) == 1


# --- rights


@pytest.mark.parametrize("person", [OPERATOR, VIEWER, SQL_ONLY, NOBODY])
@pytest.mark.parametrize("step", ["choice", "form", "next", "create", "search"])
async def test_nobody_without_the_role_gets_anywhere(
    office: Office, ann: Writer, person: PersonId, step: str
) -> None:
    """Whatever they submit is refused on record, and VBR gets nothing."""
    form = await ann.creates()
    fields = await filled(ann, form)
    summary = await ann.sees(form, **fields)
    other = Writer(office, person)
    if step == "search":
        assert await other.finds(form, MenuField.REPOSITORY) == ()
        assert await _templates(office, person) == set()
        return
    match step:
        case "choice":
            outcome = await office.ask(Create(), person)
        case "form":
            outcome = await office.ask(Create("hq", step=Step.FILL), person)
        case "next":
            outcome = await other.fills(form, **fields)
        case _:
            outcome = await other.sends(summary)
    assert isinstance(outcome, Refused)
    assert (await office.audited())[-1]["outcome"] == "refused"
    assert sent(office, CREATING) == []


async def test_a_draft_is_nobody_elses(office: Office, ann: Writer) -> None:
    """Another administrator cannot send it."""
    form = await ann.creates()
    summary = await ann.sees(form, **await filled(ann, form))
    assert isinstance(await Writer(office, BEN).sends(summary), DraftExpired)
    assert sent(office, CREATING) == []


async def test_a_name_out_of_ones_reach_is_refused_at_the_field(office: Office) -> None:
    """On record; and no name of a job out of sight is offered as a template."""
    sql = Writer(office, SQL_ADMIN)
    form = await sql.creates()
    fields = await filled(sql, form)
    again = form_in(await sql.fills(form, **fields))
    assert said(again) == [(SettingsField.NAME, "Your role covers jobs named SQL* only.")]
    assert (await office.audited())[-1]["detail"] == Refusal.SCOPE
    assert isinstance(await sql.sends(await sql.sees(again, name="SQL Web")), Done)
    assert await _templates(office, SQL_ADMIN) == {"SQL Prod", "SQL Test", "SQL Web"}


async def test_a_template_out_of_sight_is_none(office: Office) -> None:
    """Who chooses it all the same is told what is told of a job that is not there."""
    sql = Writer(office, SQL_ADMIN)
    choice = await office.ask(Create(), SQL_ADMIN)
    assert isinstance(choice, NeedsForm)
    assert isinstance(choice.form, CreateChoice)
    assert choice.form.servers == (HQ,)
    outcome = await sql.submits(choice.form, like=office.known("Files"))
    assert isinstance(outcome, NeedsForm)
    assert isinstance(outcome.form, CreateChoice)


async def test_the_server_is_asked_where_there_are_several(office: Office, ann: Writer) -> None:
    """One named needs no question; a draft of one server is not sent to another."""
    choice = await office.ask(Create(), ANN)
    assert isinstance(choice, NeedsForm)
    assert isinstance(choice.form, CreateChoice)
    assert choice.form.servers == (HQ, DR)
    form = await ann.creates()
    summary = summary_in(await ann.fills(form, **await filled(ann, form)))
    elsewhere = Create("dr", None, summary.draft.id, Step.SEND)
    assert isinstance(await office.ask(elsewhere, ANN), DraftExpired)
    assert sent(office, CREATING) == []
