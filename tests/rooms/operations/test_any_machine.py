"""`quickbackup` on servers of each revision: a machine is found on whatever platform it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.operations.actions.quick_backup import QuickBackup, QuickBackupForm
from bot.operations.job_editor.objects import machine_chosen
from bot.operations.menus import MenuField, MenuSearch
from bot.operations.model import Gesture, KnownMachine, NamedMachine, Origin, Step
from bot.operations.outcomes import (
    ActionAnswer,
    AmbiguousMachine,
    Done,
    Failed,
    NeedsForm,
    NotFound,
    Outcome,
    Ran,
    Unsupported,
    UnsupportedMachine,
)
from bot.sandbox.vbr import Behaviour, Fault, VbrSandbox, World, accepted_by
from bot.sandbox.vbr import Role as VbrRole
from bot.sandbox.vbr.faults import changed, refusing
from bot.sandbox.vbr.machines import machine, virtual_machine
from bot.settings import GrantSettings, GroupReference, Role
from bot.store import Database
from bot.veeam import REVISIONS, Capability, Detail, Fleet, Rejected
from tests.rooms.operations.office import HQ, OPERATOR, Office
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock
from tests.support.databases import new_database

HYPERV = ("POST", "/api/v1/jobs/quickBackup/hyperV")
AGENT = ("POST", "/api/v1/jobs/quickBackup/agent")
VSPHERE = ("POST", "/api/v1/jobs/quickBackup/vSphere")
INVENTORY = ("POST", "/api/v1/inventory")
PHYSICAL = ("POST", "/api/v1/inventory/physical")
SESSIONS = ("GET", "/api/v1/sessions")
LACKS = {"HyperV": Capability.QUICK_BACKUP_HYPERV, "Agent": Capability.QUICK_BACKUP_AGENT}
OPERATORS = (GrantSettings(group=GroupReference("S0OPS"), role=Role.BACKUP_OPERATOR),)


@pytest.fixture
def world(clock: FakeClock) -> World:
    """A machine of each platform, each with a full backup; `lap01` is a policy's alone."""
    made = World(clock.now, name="vbr01")
    made.add_job("Web", objects=("web01",))
    made.add_job("Office", "HyperVBackup", objects=("file01",))
    made.add_job("Shops", "CloudDirectorBackup", objects=("shop01",))
    made.add_job("Physical", "WindowsAgentBackup", objects=("erp01",))
    made.add_job("Laptops", "WindowsAgentBackupWorkstationPolicy", objects=("lap01",))
    for job in ("Web", "Office", "Shops", "Physical", "Laptops"):
        made.finish_run(job, result="Success")
    return made


@asynccontextmanager
async def office_of(
    revision: str,
    world: World,
    clock: FakeClock,
    folder: Path,
    account: VbrRole = VbrRole.ADMINISTRATOR,
) -> AsyncIterator[Office]:
    """An office with one server, which speaks this revision; the bot reads with an account of that role."""
    database = Database(await new_database(folder))
    behaviour = Behaviour(supported_revisions=accepted_by(revision))
    async with VbrSandbox(world, behaviour=behaviour) as hq:
        own = hq.accounts.by_role(account)
        fleet = Fleet([client_of(hq, clock, own, name=HQ, api_version=revision)])
        yield Office(hq, hq, fleet, database, clock, grants=OPERATORS)
        await fleet.close()
    await database.close()


@pytest.fixture
async def office(world: World, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Office]:
    async with office_of("1.3-rev2", world, clock, tmp_path) as made:
        yield made


def named(text: str) -> QuickBackup:
    return QuickBackup(NamedMachine(text))


def done(outcome: Outcome) -> ActionAnswer:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    return outcome.answer


@pytest.mark.parametrize(
    ("name", "job", "operation"),
    [("web01", "Web", VSPHERE), ("file01", "Office", HYPERV), ("erp01", "Physical", AGENT)],
)
async def test_a_machine_of_each_platform(
    office: Office, name: str, job: str, operation: tuple[str, str]
) -> None:
    """One POST of its platform; the answer names VBR's job and the session, which is followed."""
    answer = done(await office.ask(named(name)))
    assert (answer.job_name, answer.detail) == (job, f"machine {name}")
    assert answer.session is not None
    assert answer.session.id == office.world.sessions_of(job)[-1].id
    (sent,) = office.hq.requests.of(*operation)
    assert sent.body["name"] == name
    assert [verb for verb, _ in office.posts()] == [operation[1].rsplit("/", 1)[1]]
    (own,) = await office.own_actions.of(HQ, [answer.session.id])
    assert own.operation == "quickbackup"


@pytest.mark.parametrize("revision", [name for name in REVISIONS if name != "1.3-rev2"])
@pytest.mark.parametrize(
    ("name", "platform"),
    [("file01", "HyperV"), ("erp01", "Agent")],
)
async def test_what_the_revision_cannot_do_is_said(
    world: World, clock: FakeClock, tmp_path: Path, revision: str, name: str, platform: str
) -> None:
    """What the machine is, and which VBR it takes; where the revision lists none of them, it isn't found."""
    async with office_of(revision, world, clock, tmp_path) as office:
        outcome = await office.ask(named(name))
        if revision == "1.2-rev1":  # its inventory has no word for either
            assert isinstance(outcome, NotFound)
        else:
            assert isinstance(outcome, UnsupportedMachine)
            assert (outcome.name, outcome.platform, outcome.unsupported) == (
                name,
                platform,
                Unsupported(LACKS[platform], REVISIONS[revision].product),
            )
            assert outcome.unsupported.needed == "VBR 13.1"
        assert office.posts() == []


@pytest.mark.parametrize("revision", list(REVISIONS))
async def test_vbr_says_no_to_cloud_director(
    world: World, clock: FakeClock, tmp_path: Path, revision: str
) -> None:
    """Such a machine is asked for like one of vSphere, and VBR's own words say why it is not done."""
    async with office_of(revision, world, clock, tmp_path) as office:
        outcome = await office.ask(named("shop01"))
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, Rejected)
        assert len(office.hq.requests.of(*VSPHERE)) == 1


async def test_a_policys_computer_is_refused_by_vbr(office: Office) -> None:
    """Only a job that the backup server manages is one to back a computer up through."""
    outcome = await office.ask(named("lap01"))
    assert isinstance(outcome, Failed)
    assert "no job with a full backup" in (outcome.error.message or "")


async def test_one_name_on_two_platforms_gives_a_menu(office: Office) -> None:
    """The menu says which is which, and what is chosen is backed up, found by its place."""
    book = office.world.book
    machine(book, "HyperV", "scvmm01.vbr01.example.com", "web01")
    outcome = await office.ask(named("WEB01"))
    assert isinstance(outcome, AmbiguousMachine)
    places = {one.machine.platform: one.place for one in outcome.choices}
    assert places == {"VSphere": office.world.host_name, "HyperV": "scvmm01.vbr01.example.com"}
    chosen = next(one.machine for one in outcome.choices if one.machine.platform == "HyperV")
    assert isinstance(await office.ask(QuickBackup(chosen)), Failed)  # no job covers it
    assert [verb for verb, _ in office.posts()] == ["hyperV"]


@pytest.mark.parametrize("name", ["file", "erp0", "ile01"])
async def test_a_part_of_a_name_is_not_enough(office: Office, name: str) -> None:
    """On no platform; the machines that have it in their names are shown."""
    outcome = await office.ask(named(name))
    assert isinstance(outcome, AmbiguousMachine)
    assert outcome.is_part
    assert office.posts() == []


async def test_a_platform_that_is_refused_is_a_detail(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """An operator's account may not list computers: that is named, and the others are found."""
    async with office_of("1.3-rev2", world, clock, tmp_path, VbrRole.BACKUP_OPERATOR) as office:
        outcome = await office.ask(named("file01"))
        assert done(outcome).job_name == "Office"
        assert isinstance(outcome, Done)
        assert [(one.server, one.what) for one in outcome.missing] == [(HQ, Detail.COMPUTERS)]
        missing = await office.ask(named("erp01"))
        assert isinstance(missing, NotFound)
        assert Detail.COMPUTERS in {one.what for one in missing.missing}


@pytest.mark.parametrize("status", [400, 404])
async def test_any_refusal_of_a_platform_is_a_detail(office: Office, status: int) -> None:
    """A VBR without Hyper-V may say so in its own way: machines of vSphere are backed up all the same."""
    office.hq.faults.add(*INVENTORY, Fault(status=status), times=9)
    outcome = await office.ask(named("web01"))
    assert done(outcome).job_name == "Web"
    assert isinstance(outcome, Done)
    assert [one.what for one in outcome.missing] == [Detail.OTHER_MACHINES]


async def test_a_platform_that_fails_may_have_another_of_that_name(office: Office) -> None:
    """That is no refusal: the person says which machine is meant."""
    office.hq.faults.add(*INVENTORY, refusing(500), times=9)
    outcome = await office.ask(named("web01"))
    assert isinstance(outcome, AmbiguousMachine)
    assert (len(outcome.choices), outcome.silent, office.posts()) == (1, (), [])
    assert [each.what for each in outcome.missing] == [Detail.OTHER_MACHINES]
    assert [one.what for one in outcome.missing] == [Detail.OTHER_MACHINES]


async def test_an_operators_account_will_do_on_13_0(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """What cannot be backed up there is not looked for while vSphere has the machine: nothing is missing."""
    async with office_of("1.3-rev0", world, clock, tmp_path, VbrRole.BACKUP_OPERATOR) as office:
        outcome = await office.ask(named("web01"))
        assert done(outcome).job_name == "Web"
        assert isinstance(outcome, Done)
        assert outcome.missing == ()
        assert office.hq.requests.of(*INVENTORY) == []


async def test_a_queued_backup_without_its_session(office: Office) -> None:
    """VBR named the job alone; where its session can't be read, it is done and that is all that is known."""
    office.hq.faults.add(*SESSIONS, refusing(500), times=9)
    answer = done(await office.ask(named("erp01")))
    assert (answer.job_name, answer.session) == ("Physical", None)
    assert isinstance(answer.effect, Ran)
    assert len(office.hq.requests.of(*AGENT)) == 1


async def test_an_answer_that_names_no_job_is_unclear(office: Office) -> None:
    """It was accepted; through which job, VBR does not say."""
    office.hq.faults.add(*AGENT, changed(lambda _: {"id": 1}))
    outcome = await office.ask(named("erp01"))
    assert not isinstance(outcome, Done | Failed)
    assert len(office.hq.requests.of(*AGENT)) == 1


@pytest.mark.parametrize("name", ["web01", "file01", "shop01", "erp01"])
async def test_a_search_menu_offers_every_platform(office: Office, name: str) -> None:
    """What is chosen carries the machine's place, and its form says what it is."""
    gesture = Gesture("r-1", OPERATOR, "T0", "C0PROD", Origin.FORM, "press-x")
    search = MenuSearch(MenuField.MACHINE, name[:-1], QuickBackup(NamedMachine("")))
    (option,) = (await office.service.search(gesture, search)).options
    assert option.name == name
    chosen = machine_chosen(option.value)
    assert isinstance(chosen, KnownMachine)
    outcome = await office.ask(QuickBackup(chosen, Step.FILL))
    assert isinstance(outcome, NeedsForm)
    assert isinstance(outcome.form, QuickBackupForm)
    assert (outcome.form.machine_name, outcome.form.platform) == (name, chosen.platform)
    assert outcome.form.place


async def test_a_computer_in_a_group_of_13_0(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """Each protection group is asked by itself before 13.1; a place that is no longer there is not found."""
    async with office_of("1.3-rev1", world, clock, tmp_path) as office:
        virtual_machine(office.world.book, office.world.host_name, "db01")
        gone = QuickBackup(KnownMachine(HQ, "", "0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11", "Agent"))
        assert isinstance(await office.ask(gone), NotFound)
        assert len(office.hq.requests.of(*PHYSICAL)) == 1
