"""`apply` and `clearcache`: commands to the agents of a policy, on servers of each revision."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.start import Start
from bot.operations.backend import ApprovalRules
from bot.operations.model import NamedJob
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    ApprovalRequested,
    Blocked,
    Done,
    Failed,
    NotPossible,
    Outcome,
    PartOfName,
    Ran,
    Refused,
    Unclear,
    Unsupported,
)
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.sandbox.vbr import Behaviour, Moment, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.faults import dropped
from bot.settings import GrantSettings, GroupReference, Role
from bot.store import Database
from bot.veeam import REVISIONS, Capability, Fleet, Session
from tests.rooms.operations.office import HQ, OPERATOR, Office
from tests.rooms.operations.test_left_open import killed
from tests.rooms.veeam.clients import client_of, saying
from tests.support.clock import FakeClock
from tests.support.databases import new_database

APPLYING = ("POST", "/api/v1/jobs/{id}/applyConfiguration")
CLEARING = ("POST", "/api/v1/jobs/{id}/clearCache")
HAVE_COMMANDS = {"1.3-rev1", "1.3-rev2"}
LAPTOPS, LINUX = "Laptops", "Linux servers"
APPLY, CLEAR = Apply(NamedJob(LAPTOPS, exact=True)), ClearCache(NamedJob(LAPTOPS, exact=True))


@pytest.fixture
def world(clock: FakeClock) -> World:
    made = World(clock.now, name="vbr01")
    made.add_job("Files")
    made.add_job(LAPTOPS, "WindowsAgentBackupWorkstationPolicy", objects=("nb01", "nb02"))
    made.finish_run(LAPTOPS, result="Success")
    made.add_job(LINUX, "LinuxAgentBackupServerPolicy", objects=("db01",))
    made.add_job("Managed", "WindowsAgentBackup", objects=("file01",))
    return made


async def office_of(
    revision: str, world: World, clock: FakeClock, folder: Path, role: Role
) -> AsyncIterator[Office]:
    """An office with one server, which speaks this revision and no newer one; operators have this role."""
    database = Database(await new_database(folder))
    behaviour = Behaviour(supported_revisions=accepted_by(revision))
    async with VbrSandbox(world, behaviour=behaviour) as hq:
        fleet = Fleet([client_of(hq, clock, name=HQ, api_version=revision)])
        grants = (GrantSettings(group=GroupReference("S0OPS"), role=role),)
        yield Office(hq, hq, fleet, database, clock, grants=grants)
        await fleet.close()
    await database.close()


@pytest.fixture(params=list(REVISIONS))
async def any_office(
    request: pytest.FixtureRequest, world: World, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Office]:
    async for office in office_of(request.param, world, clock, tmp_path, Role.BACKUP_OPERATOR):
        yield office


@pytest.fixture
async def office(world: World, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Office]:
    async for office in office_of("1.3-rev2", world, clock, tmp_path, Role.BACKUP_OPERATOR):
        yield office


@pytest.fixture(params=list(REVISIONS))
async def tape_office(
    request: pytest.FixtureRequest, world: World, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Office]:
    async for office in office_of(request.param, world, clock, tmp_path, Role.TAPE_OPERATOR):
        yield office


def spoken(office: Office) -> str:
    return office.fleet.server(HQ).revision.name


def done(outcome: Outcome) -> ActionAnswer:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    return outcome.answer


def sent(office: Office) -> list[str]:
    return [verb for verb, _ in office.posts()]


@pytest.mark.parametrize(
    ("request_", "verb", "audit_name", "lacks"),
    [
        (APPLY, "applyConfiguration", "job.apply", Capability.APPLY_CONFIGURATION),
        (CLEAR, "clearCache", "job.clear_cache", Capability.CLEAR_CACHE),
    ],
    ids=["apply", "clearcache"],
)
async def test_a_command_on_each_revision(
    any_office: Office, request_: Apply | ClearCache, verb: str, audit_name: str, lacks: Capability
) -> None:
    """Sent once without a body and on record where the revision has it; elsewhere said, and nothing sent."""
    office, revision = any_office, spoken(any_office)
    if revision == "1.2-rev1":  # whose VBR lists no agent's jobs at all
        request_ = type(request_)(NamedJob("Files", exact=True))
    outcome = await office.ask(request_)
    if revision not in HAVE_COMMANDS:
        assert isinstance(outcome, NotPossible) or revision == "1.3-rev0", outcome
        if isinstance(outcome, NotPossible):
            assert (outcome.blocked, outcome.unsupported) == (
                Blocked.UNSUPPORTED,
                Unsupported(lacks, REVISIONS[revision].product),
            )
        assert sent(office) == []
        return
    answer = done(outcome)
    assert isinstance(answer.effect, Ran)
    assert isinstance(answer.session, Session)
    assert (answer.job_name, answer.session.session_type, answer.never_stops) == (
        LAPTOPS,
        "AgentPolicy",
        True,
    )
    assert office.posts() == [(verb, None)]
    (own,) = await office.own_actions.of(HQ, [answer.session.id])
    assert own.operation == request_.operation.name
    opened, closed = await office.audited()
    assert (opened["operation"], opened["job_name"]) == (audit_name, LAPTOPS)
    assert (closed["outcome"], closed["session_id"]) == ("done", answer.session.id)


async def test_buttons_stand_on_policies_alone(any_office: Office) -> None:
    """Apply configuration on each policy, Clear cache on one of Windows, where the server has them."""
    answer = await any_office.answer(ListJobs(), JobsAnswer)
    offered = {row.state.name: {one.label for one in row.operations} for row in answer.rows}
    both = {"Apply configuration", "Clear cache"}
    has = spoken(any_office) in HAVE_COMMANDS
    assert not both & offered["Files"]
    assert not both & offered.get("Managed", set())
    if has:
        assert both <= offered[LAPTOPS]
        assert both & offered[LINUX] == {"Apply configuration"}
        shown = await any_office.answer(ShowJob(any_office.known(LAPTOPS)), JobAnswer)
        assert both <= {one.label for one in shown.view.operations}


@pytest.mark.parametrize(
    ("request_", "blocked"),
    [
        (Apply(NamedJob("Files", exact=True)), Blocked.NO_POLICY),
        (Apply(NamedJob("Managed", exact=True)), Blocked.NO_POLICY),
        (ClearCache(NamedJob("Files", exact=True)), Blocked.NO_POLICY),
        (ClearCache(NamedJob(LINUX, exact=True)), Blocked.NO_CACHE),
    ],
)
async def test_what_is_no_policy_is_named(
    office: Office, request_: Apply | ClearCache, blocked: Blocked
) -> None:
    """Nothing is sent for a job that is none, nor for a cache that is not there."""
    outcome = await office.ask(request_)
    assert isinstance(outcome, NotPossible)
    assert (outcome.blocked, sent(office)) == (blocked, [])


async def test_a_part_of_a_name_is_asked_back(office: Office) -> None:
    """The one policy is shown with the button that does it."""
    outcome = await office.ask(Apply(NamedJob("Lapt")))
    assert isinstance(outcome, PartOfName)
    assert (outcome.job.state.name, sent(office)) == (LAPTOPS, [])
    assert isinstance(outcome.request, Apply)
    done(await office.ask(outcome.request))


async def test_a_second_press_does_nothing(office: Office) -> None:
    """One delivery, one command."""
    done(await office.ask(CLEAR, press="p"))
    assert isinstance(await office.ask(CLEAR, press="p"), AlreadyPressed)
    assert sent(office) == ["clearCache"]


@pytest.mark.parametrize(("request_", "operation"), [(APPLY, APPLYING), (CLEAR, CLEARING)])
async def test_an_answer_that_was_lost_is_looked_up(
    office: Office, request_: Apply | ClearCache, operation: tuple[str, str]
) -> None:
    """The session that is there since is named; one that was there before is not taken for it."""
    world = office.world
    world.begin_run(LAPTOPS)
    await office.clock.advance(600)
    world.tick()
    earlier = world.sessions_of(LAPTOPS)[-1]
    office.hq.faults.add(*operation, dropped(Moment.AFTER))
    outcome = await office.ask(request_)
    assert isinstance(outcome, Unclear)
    assert outcome.session_id == world.sessions_of(LAPTOPS)[-1].id != earlier.id
    await office.clock.advance(600)
    world.tick()
    office.hq.faults.add(*operation, dropped(Moment.BEFORE))
    never_arrived = await office.ask(request_)
    assert isinstance(never_arrived, Unclear)
    assert never_arrived.session_id is None
    assert len(office.hq.requests.of(*operation)) == 2


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize(("request_", "operation"), [(APPLY, APPLYING), (CLEAR, CLEARING)])
async def test_a_command_that_the_bot_was_killed_in_is_looked_up(
    office: Office, request_: Apply | ClearCache, operation: tuple[str, str], moment: Moment
) -> None:
    """The next process finds the session that VBR began, and never sends it again."""
    await killed(office, office.ask(request_), operation, moment)
    (told,) = [each async for each in office.service.left_open()]
    assert isinstance(told.outcome, Unclear)
    last = office.world.sessions_of(LAPTOPS)[-1]
    assert told.outcome.session_id == (last.id if moment is Moment.AFTER else None)
    assert len(office.hq.requests.of(*operation)) == 1


async def test_vbrs_no_is_shown(office: Office) -> None:
    """What VBR refuses is told in its words, and the press is free again."""
    office.hq.faults.add(*APPLYING, saying(400, "Backup policy has no computers."))
    outcome = await office.ask(APPLY, press="p")
    assert isinstance(outcome, Failed)
    assert outcome.error.message == "Backup policy has no computers."
    done(await office.ask(APPLY, press="p"))


async def test_a_command_can_take_two(office: Office) -> None:
    """Listed under `[approvals]` it waits for a second person, like any other action."""
    office.approvals = ApprovalRules(operations=("clearcache",))
    assert isinstance(await office.ask(CLEAR), ApprovalRequested)
    assert sent(office) == []
    done(await office.ask(APPLY))


async def test_a_tape_operator_may_what_the_document_says(tape_office: Office) -> None:
    """In 1.3-rev1 like an operator; 1.3-rev2 knows the role no more, and the refusal says so."""
    revision = spoken(tape_office)
    if revision not in HAVE_COMMANDS:
        return
    outcome = await tape_office.ask(APPLY, OPERATOR)
    if revision == "1.3-rev1":
        assert done(outcome).job_name == LAPTOPS
        return
    assert isinstance(outcome, Refused)
    assert outcome.closed is not None
    assert (outcome.closed.role, outcome.closed.server, outcome.closed.product) == (
        Role.TAPE_OPERATOR,
        HQ,
        "VBR 13.1",
    )
    assert outcome.roles_needed == (Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR)
    assert [row["detail"] for row in await tape_office.audited()] == ["revision"]
    assert len(tape_office.hq.requests) == 0


async def test_an_immediate_copy_is_started_without_a_stop(office: Office) -> None:
    """VBR cannot stop what it began, so its own message offers no Stop either."""
    office.world.add_job("Copy now", "BackupCopy", source="Files", mode="Immediate")
    copy = done(await office.ask(Start(NamedJob("Copy now", exact=True))))
    plain = done(await office.ask(Start(NamedJob("Files", exact=True))))
    assert (copy.never_stops, plain.never_stops) == (True, False)
