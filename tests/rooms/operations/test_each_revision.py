"""What can be done follows the revision of each server: nothing that it lacks is offered, or sent."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.operations.actions.clone import Clone
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.job_filters import COLUMNS, JobsColumn, JobsFilter
from bot.operations.model import NamedJob
from bot.operations.outcomes import ActionAnswer, Blocked, Done, NotPossible, Ran, Unsupported
from bot.operations.queries.help import HelpAnswer, ShowHelp
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.servers import ListServers, ServersAnswer
from bot.operations.queries.status import ShowStatus, StatusAnswer
from bot.sandbox.vbr import Behaviour, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.life import Start as SandboxStart
from bot.settings import GrantSettings, GroupReference, Role
from bot.store import Database
from bot.veeam import REVISIONS, Capability, Fleet, Workload, order_key
from tests.rooms.operations.office import DR, HQ, Office
from tests.rooms.veeam.clients import SWAGGER, client_of
from tests.support.clock import FakeClock
from tests.support.conversations import violations
from tests.support.databases import new_database

OLD = "1.2-rev1"
NEW = "1.3-rev2"
ADMINS = (GrantSettings(group=GroupReference("S0OPS"), role=Role.BACKUP_ADMINISTRATOR),)


@pytest.fixture(params=list(REVISIONS))
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def office(world: World, clock: FakeClock, tmp_path: Path, revision: str) -> AsyncIterator[Office]:
    """`hq` is as old as the revision, `dr` is of 1.3-rev2; the operators are administrators."""
    address = await new_database(tmp_path)
    other = World(clock.now, name="vbr02", seed=2)
    other.add_job("Other")
    other.finish_run("Other", result="Failed")
    database = Database(address)
    old, new = (Behaviour(supported_revisions=accepted_by(name)) for name in (revision, NEW))
    async with VbrSandbox(world, behaviour=old) as hq, VbrSandbox(other, behaviour=new) as dr:
        fleet = Fleet(
            [
                client_of(hq, clock, name=HQ, api_version=revision),
                client_of(dr, clock, name=DR, api_version=NEW),
            ]
        )
        yield Office(hq, dr, fleet, database, clock, grants=ADMINS)
        await fleet.close()
        refused = [(one.template, one.query, one.status) for one in hq.requests if one.status in {400, 404}]
        # `servers` asks for newer revisions than the one that the settings name.
        assert [each for each in refused if each[0] != SWAGGER[1]] == []
        assert violations(hq) == []
    await database.close()


def named(job: str) -> NamedJob:
    return NamedJob(job, server="hq", exact=True)


async def test_retry(office: Office, revision: str) -> None:
    """Retried where the revision has it; on VBR 12.3 said to be lacking, and nothing is sent."""
    outcome = await office.ask(Retry(named("SQL Prod")))
    if revision == OLD:
        assert isinstance(outcome, NotPossible)
        assert (outcome.blocked, outcome.unsupported) == (
            Blocked.UNSUPPORTED,
            Unsupported(Capability.RETRY, "VBR 12.3"),
        )
        assert "retry" not in {operation.name for operation in outcome.job.operations}
        assert office.posts() == []
        return
    assert isinstance(outcome, Done)
    assert [verb for verb, _ in office.posts()] == ["retry"]


async def test_what_else_12_3_lacks(office: Office, revision: str) -> None:
    """A clone, and a stop that takes the chained jobs along; a plain stop is done."""
    office.world.life.begin(office.world.job("Files"), SandboxStart(), office.world.now())
    clone = await office.ask(Clone(named("SQL Prod")))
    chained = await office.ask(Stop(named("Files"), chained=True))
    if revision != OLD:
        assert isinstance(clone, Done)
        assert isinstance(chained, Done)
        return
    assert isinstance(clone, NotPossible)
    assert isinstance(chained, NotPossible)
    assert (clone.unsupported, chained.unsupported) == (
        Unsupported(Capability.CLONE, "VBR 12.3"),
        Unsupported(Capability.CHAINED_STOP, "VBR 12.3"),
    )
    assert isinstance(await office.ask(Stop(named("Files"))), Done)
    assert [verb for verb, _ in office.posts()] == ["stop"]


async def test_buttons_are_those_that_the_server_has(office: Office, revision: str) -> None:
    """Of two failed jobs in one list, each has what its own server can do."""
    answer = await office.answer(ListJobs(JobsFilter.FAILED), JobsAnswer)
    offered = {row.state.name: {one.name for one in row.operations} for row in answer.rows}
    assert {"retry", "clone", "start"} <= offered["Other"]
    assert ("retry" in offered["SQL Prod"], "clone" in offered["SQL Prod"]) == (revision != OLD,) * 2
    assert {"start", "disable"} <= offered["SQL Prod"]


async def test_a_job_is_started(office: Office) -> None:
    """A start is a start on every revision, and its session is known."""
    outcome = await office.answer(Start(named("Files")), ActionAnswer)
    assert isinstance(outcome.effect, Ran)
    assert outcome.effect.session is not None


async def test_a_start_with_nothing_to_process(office: Office, revision: str) -> None:
    """1.3-rev2 accepts it without a session: done, with none to follow."""
    office.world.add_job("Empty", objects=())
    outcome = await office.answer(Start(named("Empty")), ActionAnswer)
    assert isinstance(outcome.effect, Ran)
    assert (outcome.effect.session is None) == (revision == NEW)


async def test_running_and_disabled_jobs_are_found(office: Office) -> None:
    """Whatever words the revision has for a status."""
    office.world.life.begin(office.world.job("Files"), SandboxStart(), office.world.now())
    await office.clock.advance(timedelta(minutes=1).total_seconds())
    running = await office.answer(ListJobs(JobsFilter.RUNNING, server="hq"), JobsAnswer)
    disabled = await office.answer(ListJobs(JobsFilter.DISABLED, server="hq"), JobsAnswer)
    status = await office.answer(ShowStatus(server="hq"), StatusAnswer)
    assert [row.state.name for row in running.rows] == ["Files"]
    assert [row.state.name for row in disabled.rows] == ["Archive"]
    assert (status.servers[0].running_total, status.servers[0].disabled_total) == (1, 1)


async def test_the_job_before_is_not_known_to_every_revision(office: Office, revision: str) -> None:
    """VBR 12.3 does not say after which job another runs: the answer names it, and is no guess."""
    office.world.add_job("Chained", runs_after="Files")
    answer = await office.answer(ListJobs(after="Files", server="hq"), JobsAnswer)
    assert [row.state.name for row in answer.rows] == ([] if revision == OLD else ["Chained"])
    assert answer.without_predecessors == ((HQ,) if revision == OLD else ())


@pytest.mark.parametrize("column", JobsColumn)
async def test_every_column_sorts(office: Office, column: JobsColumn) -> None:
    """A column that the revision cannot order by is ordered by the bot; no job is lost."""
    up = await office.answer(ListJobs(sort=column, server="hq"), JobsAnswer)
    down = await office.answer(ListJobs(sort=column, is_descending=True, server="hq"), JobsAnswer)
    assert {row.state.id for row in up.rows} == {row.state.id for row in down.rows}
    keys = [order_key(row.state, COLUMNS[column]) for row in up.rows]
    assert keys == sorted(keys)


async def test_workloads_are_spelled_as_the_revision_does(office: Office) -> None:
    """`vm` or `Vm`: VBR refuses any other spelling."""
    answer = await office.answer(ListJobs(workload=Workload.VM, server="hq"), JobsAnswer)
    assert "SQL Prod" in {row.state.name for row in answer.rows}


async def test_holders_are_found_on_every_revision(office: Office) -> None:
    """Lists of objects and restore points are read as each revision gives them."""
    answer = await office.answer(ListJobs(holding="vm01", server="hq"), JobsAnswer)
    assert "SQL Prod" in {row.state.name for row in answer.rows}


async def test_a_type_is_found_by_either_name(office: Office) -> None:
    """VBR 12.3 calls a vSphere backup `Backup`; whoever types the newer name means the same."""
    answer = await office.answer(ListJobs(job_type="vspherebackup", server="hq"), JobsAnswer)
    assert "SQL Prod" in {row.state.name for row in answer.rows}


async def test_help_and_servers_say_what_a_server_lacks(office: Office, revision: str) -> None:
    """With the VBR whose API it is; a server that has everything is not mentioned."""
    helped = await office.answer(ShowHelp(), HelpAnswer)
    listed = await office.answer(ListServers(), ServersAnswer)
    lacking = {view.server: frozenset().union(*view.lacks.values()) for view in listed.servers}
    assert lacking == {HQ: REVISIONS[revision].lacks, DR: frozenset()}
    newer = ("apply", "clearcache")
    expected = {OLD: ("retry", "clone", *newer), "1.3-rev0": newer}.get(revision, ())
    told = [
        (one.server, one.product, tuple(each.name for each in one.unsupported))
        for one in helped.limited_servers
    ]
    assert told == ([(HQ, REVISIONS[revision].product, expected)] if expected else [])
