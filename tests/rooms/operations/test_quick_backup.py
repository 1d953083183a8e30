"""`quickbackup`: one machine by its whole name, through whichever job VBR takes."""

import pytest

from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.model import NamedMachine, Refusal
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    AmbiguousMachine,
    Done,
    Failed,
    NotFound,
    Outcome,
    Ran,
    Refused,
    Unclear,
)
from bot.sandbox.vbr import Fault, Moment
from bot.sandbox.vbr import Role as VbrRole
from bot.sandbox.vbr.faults import dropped, refusing
from bot.sandbox.vbr.machines import add_host, virtual_machine
from bot.settings import Role
from bot.veeam import Detail, Rejected
from tests.rooms.operations.office import HQ, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import client_of, die

BACKING_UP = ("POST", "/api/v1/jobs/quickBackup/vSphere")
WEB = QuickBackup(NamedMachine("web01"))


@pytest.fixture(autouse=True)
def covered(office: Office) -> None:
    """`Web` covers web01 and has a full backup of it."""
    office.world.add_job("Web", objects=("web01",))
    office.world.finish_run("Web", result="Success")


def done(outcome: Outcome) -> ActionAnswer:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    return outcome.answer


def sent(office: Office) -> int:
    return len(office.hq.requests.of(*BACKING_UP))


async def test_a_machine_is_backed_up_through_its_job(office: Office) -> None:
    """One POST; the answer names the job and its session, whose it is is remembered, and it is on record."""
    answer = done(await office.ask(WEB))
    assert (answer.job_name, answer.detail, answer.server) == ("Web", "machine web01", HQ)
    assert isinstance(answer.effect, Ran)
    assert answer.session is not None
    assert sent(office) == 1
    (own,) = await office.own_actions.of(HQ, [answer.session.id])
    assert (own.operation, own.person_id) == ("quickbackup", OPERATOR)
    opened, closed = await office.audited()
    assert (opened["operation"], opened["server"], opened["detail"]) == (
        "machine.quickbackup",
        HQ,
        "machine web01",
    )
    assert (closed["outcome"], closed["session_id"]) == ("done", answer.session.id)


async def test_only_what_an_operator_may_use_is_asked(office: Office) -> None:
    """The inventory is read by GETs, so that an operator's account will do."""
    account = office.hq.accounts.by_role(VbrRole.BACKUP_OPERATOR)
    async with client_of(office.hq, office.clock, account, name=HQ) as acting:
        office.acting = {(HQ, Role.BACKUP_OPERATOR): acting}
        done(await office.ask(WEB))
    (backup,) = office.hq.requests.of(*BACKING_UP)
    assert backup.username == account.username
    asked = [one.method for one in office.hq.requests if "/inventory" in one.template]
    assert set(asked) == {"GET"}


@pytest.mark.parametrize(("typed", "nearest"), [("wbe01", "web01"), ("*", None), ("all", None)])
async def test_a_name_of_no_machine_is_not_guessed(office: Office, typed: str, nearest: str | None) -> None:
    """Nothing is sent for a name that no machine bears; those that are like it are named."""
    outcome = await office.ask(QuickBackup(NamedMachine(typed)))
    assert isinstance(outcome, NotFound)
    assert (outcome.what, sent(office)) == ("machine", 0)
    assert nearest is None or nearest in outcome.nearest


@pytest.mark.parametrize("typed", ["web0", "eb01", "WEB*"])
async def test_a_part_of_a_name_shows_the_machine(office: Office, typed: str) -> None:
    """Nothing is sent for a part; the one machine that has it is offered, and is backed up once chosen."""
    outcome = await office.ask(QuickBackup(NamedMachine(typed)))
    assert isinstance(outcome, AmbiguousMachine)
    assert (outcome.is_part, outcome.total, sent(office)) == (True, 1, 0)
    (choice,) = outcome.choices
    assert choice.name == "web01"
    done(await office.ask(QuickBackup(choice.machine)))


async def test_a_part_of_several_names_gives_a_menu(office: Office) -> None:
    """Each of them can be chosen, and a machine of just this name is meant alone."""
    virtual_machine(office.world.book, office.world.host_name, "web010")
    outcome = await office.ask(QuickBackup(NamedMachine("web0")))
    assert isinstance(outcome, AmbiguousMachine)
    assert [choice.name for choice in outcome.choices] == ["web01", "web010"]
    assert sent(office) == 0
    done(await office.ask(WEB))


async def test_machines_of_one_name_give_a_menu(office: Office) -> None:
    """Below two vCenters there may be two of one name: what is chosen is backed up."""
    virtual_machine(office.world.book, "vcenter99.example.com", "web01")
    outcome = await office.ask(WEB)
    assert isinstance(outcome, AmbiguousMachine)
    assert (outcome.total, sent(office)) == (2, 0)
    first = next(one for one in outcome.choices if one.machine.host_name != "vcenter99.example.com")
    done(await office.ask(QuickBackup(first.machine)))


async def test_a_silent_server_may_have_another_of_that_name(office: Office) -> None:
    """While a server does not answer, the person says which machine is meant."""
    await die(office.dr)
    outcome = await office.ask(WEB)
    assert isinstance(outcome, AmbiguousMachine)
    assert (len(outcome.choices), outcome.silent) == (1, ("dr",))
    done(await office.ask(QuickBackup(NamedMachine("web01", "hq"))))


async def test_a_silent_host_may_have_another_of_that_name(office: Office) -> None:
    """One vCenter that is down stops nobody: what the others have is asked back, and the list is named."""
    add_host(office.world.book, "VSphere", "vcenter99.example.com")
    below = ("GET", "/api/v1/inventory/vmware/hosts/{name}")
    office.hq.faults.add(*below, Fault(status=404), after=1)
    request = QuickBackup(NamedMachine("web01", server="hq"))
    outcome = await office.ask(request)
    assert isinstance(outcome, AmbiguousMachine)
    assert (len(outcome.choices), outcome.silent, sent(office)) == (1, (), 0)
    assert [(each.server, each.what) for each in outcome.missing] == [(HQ, Detail.VSPHERE_MACHINES)]
    chosen = QuickBackup(outcome.choices[0].machine)
    assert done(await office.ask(chosen)).job_name == "Web"


async def test_a_second_press_does_nothing(office: Office) -> None:
    """One delivery, one quick backup."""
    done(await office.ask(WEB, press="p"))
    assert isinstance(await office.ask(WEB, press="p"), AlreadyPressed)
    assert sent(office) == 1


async def test_a_machine_without_a_job_is_refused_by_vbr(office: Office) -> None:
    """VBR's no is told, on record, and the press is free again."""
    virtual_machine(office.world.book, office.world.host_name, "lonely")
    request = QuickBackup(NamedMachine("lonely"))
    outcome = await office.ask(request, press="p")
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Rejected)
    assert isinstance(await office.ask(request, press="p"), Failed)
    assert [row.get("outcome") for row in await office.audited()][:2] == [None, "failed"]


@pytest.mark.parametrize(
    "fault",
    [refusing(500), dropped(Moment.AFTER), Fault(change=lambda _: "?")],
    ids=["500", "lost", "unread"],
)
async def test_what_is_not_known_is_said_and_not_repeated(office: Office, fault: Fault) -> None:
    """A 500, a lost answer and one that names no session are unclear."""
    office.hq.faults.add(*BACKING_UP, fault)
    assert isinstance(await office.ask(WEB, press="p"), Unclear)
    assert isinstance(await office.ask(WEB, press="p"), AlreadyPressed)
    assert sent(office) == 1


async def test_it_takes_a_role_on_every_job(office: Office) -> None:
    """VBR chooses the job, so an operator of SQL jobs alone, and a viewer, are refused; VBR hears nothing."""
    for person, refusal in ((SQL_ONLY, Refusal.SCOPE), (VIEWER, Refusal.ROLE)):
        outcome = await office.ask(WEB, person)
        assert isinstance(outcome, Refused)
        assert outcome.refusal is refusal
    assert len(office.hq.requests) == 0
    assert [row["detail"] for row in await office.audited()] == ["scope", "role"]
