"""One failing read takes no answer away: every operation, every read that it makes, every way to fail.

The reads are those that the simulated VBR heard: one that the table does not name fails the test, and so does
an operation without a row.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.operations.actions.approvals import Approve, Decline, ShowApproval
from bot.operations.actions.many import ActedOnMany
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.backend import ApprovalRules
from bot.operations.catalog import VERBS
from bot.operations.menus import MenuField, MenuOptions, MenuSearch
from bot.operations.model import Gesture, NamedMachine, Origin, Request
from bot.operations.outcomes import Ambiguous, Detailed, Done, NeedsForm, NotFound, Offered, Outcome
from bot.operations.queries import Query
from bot.sandbox.vbr import Behaviour, Fault, Moment, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.faults import hanging, malformed, refusing
from bot.store import Database
from bot.veeam import Fleet
from tests.rooms.operations.every_operation import (
    CASES,
    ESSENTIAL,
    INFO,
    STATES,
    Case,
    changes,
    failed_servers,
    reads_heard,
    running,
)
from tests.rooms.operations.form_room import ANN, Writer, name_of, with_administrators, with_every_kind
from tests.rooms.operations.office import HQ, Office
from tests.rooms.operations.unread import denied, said
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock, LeapingLoop
from tests.support.databases import new_database

NEVER = "never answers"
MENU_SECONDS = 3.0
"""Slack waits no longer for what a menu offers."""
FAULTS: Mapping[str, Fault] = {
    "may not": refusing(403),
    "fails": refusing(500),
    NEVER: hanging(Moment.BEFORE),
}
GARBAGE: Mapping[str, Fault] = {
    "cut off": malformed(),
    "a page in its place": Fault(status=200, body=b"<html>Welcome</html>", content_type="text/html"),
    "another shape": Fault(status=200, body=b'{"data": 5, "pagination": "no"}'),
}
"""Which of these it is matters to the one decoder of a read: its operations share them out."""
ONLY_FOR_ADMINISTRATORS = (INFO, "may not")
"""No account but an administrator's may know the build: that it is not shown needs no words."""


def test_every_operation_has_a_row() -> None:
    """A new operation needs one: which reads can its answer do without?"""
    assert {case.verb for case in CASES.values()} == set(VERBS)


@pytest.mark.parametrize("name", CASES)
def test_an_answer_does_without_its_details(
    world: World, clock: FakeClock, tmp_path: Path, name: str
) -> None:
    """Without an essential read a message says which server failed at what; a detail is named as missing.

    An action that is answered was done once; one that is not was not done.
    """
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(_fails_one_by_one(CASES[name], world, clock, tmp_path))


async def _fails_one_by_one(case: Case, world: World, clock: FakeClock, folder: Path) -> None:
    async with office_for(case, world, clock, folder) as office:
        request = await case.make(office)
        assert isinstance(request, case.verb)
        whole = await asked(office, case, request)
        assert isinstance(whole, Done | NeedsForm | Offered), whole
        assert whole.missing == ()
        assert len(changes(office)) == case.sends
        assert reads_heard(office) == set(case.reads)
        is_done = not issubclass(case.verb, Query) and isinstance(whole, Done)
        for read in case.reads:
            method, template = read.split(" ")
            for label, fault in faults_of(case, read).items():
                if is_done:
                    await restart(office, case)
                    request = await case.make(office)
                outcome = await asked(office, case, request, (method, template, fault))
                words = said(outcome)
                is_done = isinstance(outcome, Done) and not issubclass(case.verb, Query)
                if case.reads[read] is ESSENTIAL:
                    _is_missed(office, outcome, read, label, words)
                else:
                    _is_done_without(office, outcome, case, read, label, words)


def faults_of(case: Case, read: str) -> Mapping[str, Fault]:
    """What goes wrong with a read of this operation; all of it goes wrong with the read of one or another."""
    readers = [each for each in CASES.values() if read in each.reads]
    place = readers.index(case)
    own = {place % len(GARBAGE), *range(place, len(GARBAGE), len(readers))}
    return {**FAULTS, **{label: GARBAGE[label] for number, label in enumerate(GARBAGE) if number in own}}


def _is_missed(office: Office, outcome: Outcome, read: str, label: str, words: str) -> None:
    where = (read, label, words)
    assert changes(office) == [], where
    assert "hq" in words, where
    if label == NEVER:
        is_named = isinstance(outcome, NotFound) and {one.server for one in outcome.missing} == {HQ}
        assert is_named or failed_servers(outcome) == {HQ}, where
        assert "too long" in words, where
    else:
        assert failed_servers(outcome) == {HQ}, where
        assert path_of(read) in words or "whole state" in words, where


def _is_done_without(office: Office, outcome: Outcome, case: Case, read: str, label: str, words: str) -> None:
    where = (read, label, words)
    wanted = frozenset() if (read, label) == ONLY_FOR_ADMINISTRATORS else case.reads[read]
    behind = case.behind.get(read, frozenset()) if label == NEVER else frozenset()
    assert wanted is not None
    assert isinstance(outcome, Detailed), where
    assert wanted <= {one.what for one in outcome.missing} <= wanted | behind, where
    assert all(one.server == HQ for one in outcome.missing), where
    assert words.count("could not be read") == len(outcome.missing), where
    assert denied(outcome, words) == [], where
    if isinstance(outcome, Ambiguous):
        assert (case, read, changes(office)) == (CASES["start NAME"], STATES, []), where
        return
    assert isinstance(outcome, Done | NeedsForm | Offered), where
    assert failed_servers(outcome) == set(), where
    assert len(changes(office)) == case.sends, where
    if isinstance(outcome, Done) and isinstance(outcome.answer, ActedOnMany):
        assert [type(job.outcome) for job in outcome.answer.jobs] == [Done], where


MENUS: Mapping[str, tuple[MenuField, ...]] = {
    "VSphereBackup": (
        MenuField.JOB,
        MenuField.LIKE,
        MenuField.OBJECTS,
        MenuField.EXCLUDES,
        MenuField.REPOSITORY,
        MenuField.CREDENTIALS,
        MenuField.AFTER_JOB,
    ),
    "VSphereReplica": (MenuField.HOST, MenuField.RESOURCE_POOL, MenuField.FOLDER, MenuField.DATASTORE),
    "WindowsAgentBackup": (MenuField.OBJECTS,),
    "BackupCopy": (MenuField.OBJECTS,),
    "FileBackupCopy": (MenuField.PRIMARY_JOB,),
    "EntraIDTenantBackup": (MenuField.TENANT,),
    "": (MenuField.MACHINE,),
}
"""Every search menu, by the type of a job whose form has it; that for a machine is in another form."""


def test_every_menu_has_a_row() -> None:
    """A new search menu needs one, too."""
    assert {field for fields in MENUS.values() for field in fields} == set(MenuField)


@pytest.mark.parametrize("kind", MENUS)
def test_a_menu_says_what_it_lacks(world: World, clock: FakeClock, tmp_path: Path, kind: str) -> None:
    """In time, whatever fails: all that fits, or as much as can be read and which server said no more."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(_menus_fail_one_by_one(kind, world, clock, tmp_path))


async def _menus_fail_one_by_one(kind: str, world: World, clock: FakeClock, folder: Path) -> None:
    case = CASES["edit form" if kind else "quickbackup form"]
    async with office_for(case, world, clock, folder) as office:
        with_every_kind(world)
        request = (
            (await Writer(office).edits(name_of(kind))).request
            if kind
            else QuickBackup(NamedMachine("", "hq"))
        )
        for field in MENUS[kind]:
            search = MenuSearch(field, "web" if field is MenuField.MACHINE else "", request)
            whole = await found(office, case, search)
            assert whole.options
            assert whole.incomplete == ()
            for method, template in [read.split(" ") for read in reads_heard(office)]:
                for label, fault in {**FAULTS, **GARBAGE}.items():
                    began = asyncio.get_running_loop().time()
                    partly = await found(office, case, search, (method, template, fault))
                    where = (field, template, label, asyncio.get_running_loop().time() - began)
                    assert partly == whole or partly.incomplete == (HQ,), where
                    assert where[-1] < MENU_SECONDS, where


async def found(
    office: Office, case: Case, search: MenuSearch, *faults: tuple[str, str, Fault]
) -> MenuOptions:
    gesture = Gesture("r-1", ANN, "T0", "C0PROD", Origin.FORM, "search")
    async with cold(office, case, *faults):
        return await office.service.search(gesture, search)


@asynccontextmanager
async def office_for(case: Case, world: World, clock: FakeClock, folder: Path) -> AsyncIterator[Office]:
    """A server where things went every way, and administrators; deleting takes two where that is asked."""
    database = Database(await new_database(folder))
    behaviour = Behaviour(supported_revisions=accepted_by(case.revision))
    async with VbrSandbox(world, behaviour=behaviour) as hq:
        office = Office(hq, hq, Fleet([]), database, clock)
        with_administrators(office)
        if issubclass(case.verb, Approve | Decline | ShowApproval):
            office.approvals = ApprovalRules(operations=("delete",))
        world.add_job("Web", objects=("web01",))
        world.finish_run("Web", result="Success")
        running(office)
        await restart(office, case)
        yield office
        await office.fleet.close()
    await database.close()


async def restart(office: Office, case: Case) -> None:
    """Nothing is in the memory of the bot."""
    await office.fleet.close()
    office.fleet = Fleet([client_of(office.hq, office.clock, name=HQ, api_version=case.revision)])
    office.restart()
    office.hq.requests.clear()


async def asked(office: Office, case: Case, request: Request, *faults: tuple[str, str, Fault]) -> Outcome:
    async with cold(office, case, *faults):
        return await office.ask(request, ANN, origin=case.origin)


@asynccontextmanager
async def cold(office: Office, case: Case, *faults: tuple[str, str, Fault]) -> AsyncIterator[None]:
    """A bot that remembers nothing; what never answers is waited for as long as the bot waits."""
    await restart(office, case)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    for method, template, fault in faults:
        office.hq.faults.add(method, template, fault, times=1000)
    loop.may_leap = lambda: office.hq.hanging
    try:
        yield
    finally:
        loop.may_leap = lambda: False
        office.hq.faults.clear()


def path_of(read: str) -> str:
    """As much of a path as is the same whatever it is asked for."""
    return read.split(" ")[1].split("{", maxsplit=1)[0]
