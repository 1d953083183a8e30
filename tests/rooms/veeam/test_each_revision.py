"""The client against a server of each revision: it asks what the revision has, and reads what it says."""

from collections.abc import AsyncIterator
from itertools import chain

import pytest

from bot.sandbox.vbr import Behaviour, Role, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.credentials import add_credentials
from bot.sandbox.vbr.life import Start
from bot.sandbox.vbr.machines import add_protection_group, virtual_machine
from bot.veeam import (
    REVISIONS,
    CredentialsQuery,
    InventoryQuery,
    JobId,
    JobStatesQuery,
    JobStatus,
    LogStatus,
    Rejected,
    RestorePoints,
    Result,
    RevisionUnsupported,
    SessionId,
    SessionsQuery,
    VeeamServer,
    check_server,
)
from tests.rooms.veeam.checking import login
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock
from tests.support.conversations import violations

OLD = "1.2-rev1"
SINCE_1_3 = ["1.3-rev0", "1.3-rev1", "1.3-rev2"]
JOB = "SQL nightly"


@pytest.fixture(params=list(REVISIONS))
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def vbr(world: World, revision: str) -> AsyncIterator[VbrSandbox]:
    """A server whose newest revision is the one spoken."""
    behaviour = Behaviour(supported_revisions=accepted_by(revision))
    async with VbrSandbox(world, behaviour=behaviour) as server:
        yield server


@pytest.fixture
async def client(vbr: VbrSandbox, clock: FakeClock, revision: str) -> AsyncIterator[VeeamServer]:
    async with client_of(vbr, clock, api_version=revision) as found:
        yield found
    refused = [(one.method, one.path, one.status) for one in vbr.requests if one.status in {400, 404}]
    assert refused == []
    assert violations(vbr) == []


async def test_jobs_are_listed_and_filtered(client: VeeamServer, world: World, clock: FakeClock) -> None:
    """Status and type find a job in the spelling of the revision; what comes back reads the same."""
    world.life.begin(world.add_job("Busy"), Start(), world.now())
    world.add_job("Off", is_disabled=True)
    await clock.advance(60)
    running = await client.job_states(JobStatesQuery(status=JobStatus.RUNNING))
    disabled = await client.job_states(JobStatesQuery(status=JobStatus.DISABLED))
    of_type = await client.job_states(
        JobStatesQuery(type=client.revision.job_types[0], order_by="Name", ascending=True)
    )
    assert [(state.name, state.is_active) for state in running.rows] == [("Busy", True)]
    assert [(state.name, state.is_disabled) for state in disabled.rows] == [("Off", True)]
    assert [state.name for state in of_type.rows] == ["Busy", "Off", JOB]


async def test_every_filter_that_we_may_send_is_taken(client: VeeamServer, revision: str) -> None:
    """Each status, type and group of session types that the facts name, asked for one by one."""
    facts = client.revision
    for status in facts.job_statuses:
        await client.job_states(JobStatesQuery(status=status))
    for job_type in facts.job_types:
        await client.job_states(JobStatesQuery(type=job_type))
    session_types = tuple(chain.from_iterable(facts.session_types.values()))
    for session_type in session_types:
        await client.sessions(SessionsQuery(types=(session_type,)))
    await client.sessions(SessionsQuery(types=session_types))
    await client.sessions(SessionsQuery(results=(Result.FAILED, Result.WARNING), order_by="InitiatedBy"))
    await client.job_states(JobStatesQuery(order_by="RepositoryName"))
    assert (await client.server_time()).server_time is not None
    assert client.revision.name == revision


async def test_a_run_is_started_followed_and_stopped(
    client: VeeamServer, world: World, clock: FakeClock
) -> None:
    """The session that a start names is read by id until it is stopped."""
    job_id = JobId(world.job(JOB).id)
    begun = (await client.start_job(job_id, full=True)).session
    assert begun is not None
    await clock.advance(60)
    assert not (await client.session(begun.id)).is_stopped
    stopping = (await client.stop_job(job_id, graceful=False)).session
    await clock.advance(60)
    ended = await client.session(begun.id)
    assert stopping is not None
    assert (stopping.id, ended.is_stopped, ended.outcome) == (begun.id, True, Result.FAILED)


async def test_a_job_is_switched_off_and_on(client: VeeamServer, world: World) -> None:
    """Whether the server says 200 or 204."""
    job = world.job(JOB)
    await client.disable_job(JobId(job.id))
    assert job.is_disabled
    await client.enable_job(JobId(job.id))
    assert not job.is_disabled


async def test_a_start_that_finds_nothing_to_process(
    client: VeeamServer, world: World, revision: str
) -> None:
    """Accepted all the same: 1.3-rev2 answers 204, and there is no session."""
    job = world.add_job("Empty", objects=())
    accepted = await client.start_job(JobId(job.id))
    assert (accepted.session is None) == (revision == "1.3-rev2")


async def test_retry_and_clone(client: VeeamServer, vbr: VbrSandbox, world: World, revision: str) -> None:
    """Done where the revision has them; else rejected before anything is sent."""
    world.finish_run(JOB, result="Failed", objects=["vm01"])
    job_id = JobId(world.job(JOB).id)
    if revision in SINCE_1_3:
        assert (await client.retry_job(job_id)).session is not None
        assert (await client.clone_job(job_id)).name == f"{JOB}_clone1"
        return
    for attempt in (
        client.retry_job(job_id),
        client.clone_job(job_id),
        client.stop_job(job_id, chained=True),
        client.start_job(job_id, restore_points=RestorePoints.ALL),
    ):
        with pytest.raises(Rejected, match=r" needs VBR 13\.0 or newer"):
            await attempt
    assert list(vbr.requests) == []


async def test_the_story_of_a_failure(client: VeeamServer, world: World) -> None:
    """All objects, however they are paged, and the failed records, whoever filters them."""
    objects = tuple(f"vm{number:03d}" for number in range(501))
    job = world.add_job("Wide", objects=objects)
    session = world.finish_run(job, result="Failed", objects=["vm007"])
    tasks = await client.task_sessions(SessionId(session.id))
    records = await client.session_logs(SessionId(session.id), LogStatus.FAILED)
    assert len({task.id for task in tasks}) == len(tasks) == 501
    assert [task.name for task in tasks if task.outcome is Result.FAILED] == ["vm007"]
    assert {record.status for record in records} == {"Failed"}


async def test_a_retry_names_the_run_it_belongs_to(client: VeeamServer, world: World, revision: str) -> None:
    """1.3-rev2 says which session a retry retries; before, nothing does."""
    first = world.finish_run(JOB, result="Failed")
    second = world.finish_run(JOB, result="Success", retry_of=first)
    begun, retried = await client.session(SessionId(first.id)), await client.session(SessionId(second.id))
    says = revision == "1.3-rev2"
    assert (begun.retries, begun.begins_run) == (None, says)
    assert (retried.retries, retried.begins_run) == (SessionId(first.id) if says else None, False)
    assert retried.initiated_by == (None if revision == OLD else ".\\SYSTEM")


async def test_a_server_that_is_older_than_the_settings_say(world: World, clock: FakeClock) -> None:
    """It says so itself, each in its generation's words, and no password is sent."""
    for newest, asked in ((OLD, "1.3-rev0"), ("1.3-rev0", "1.3-rev1"), ("1.3-rev1", "1.3-rev2")):
        behaviour = Behaviour(supported_revisions=accepted_by(newest))
        async with (
            VbrSandbox(world, behaviour=behaviour) as vbr,
            client_of(vbr, clock, api_version=asked) as found,
        ):
            with pytest.raises(RevisionUnsupported):
                await found.server_time()


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (Role.ADMINISTRATOR, "It logs in and is an administrator's account."),
        (Role.BACKUP_OPERATOR, "It logs in and has an operator's role"),
        (Role.VIEWER, "It logs in and may look, no more"),
    ],
)
async def test_what_an_account_may_is_found_out(
    vbr: VbrSandbox, clock: FakeClock, revision: str, role: Role, said: str
) -> None:
    """By harmless questions; those of VBR 12.3 do not tell an operator from a viewer, and blame none."""
    account = vbr.accounts.by_role(role)
    found = await check_server([login(vbr, account, api_version=revision)], clock)
    untold = revision == OLD and role is not Role.ADMINISTRATOR
    assert found[-1].detail.startswith("It logs in, may look, and is no administrator's" if untold else said)


async def test_the_inventory_is_searched(client: VeeamServer, world: World) -> None:
    """Groups within groups, in the spelling of the revision, platform included."""
    virtual_machine(world.book, world.host_name, "web01")
    query = InventoryQuery(types=("VirtualMachine", "Tag"), name_contains="e", platform="VSphere")
    found = await client.browse_inventory(query, host_name=world.host_name)
    assert [row.name for row in found.rows] == ["Silver", "web01"]
    ids = tuple(row.object_id or "" for row in found.rows)
    again = await client.browse_inventory(InventoryQuery(object_ids=ids), host_name=world.host_name)
    assert again.rows == found.rows


async def test_physical_machines_and_credentials(
    client: VeeamServer, vbr: VbrSandbox, world: World, revision: str
) -> None:
    """Credentials in all revisions; the physical inventory came with 1.3."""
    add_protection_group(world.book, "Servers", ("phys01",))
    add_credentials(world.book, "EXAMPLE\\svc-vss", world.now())
    query = CredentialsQuery(name="*svc*", order_by="Username")
    assert [row.username for row in (await client.credentials(query)).rows] == ["EXAMPLE\\svc-vss"]
    if revision == OLD:
        with pytest.raises(Rejected, match=r"list of physical machines needs VBR 13\.0"):
            await client.physical_inventory()
        assert vbr.requests.of("POST", "/api/v1/inventory/physical") == []
        return
    query_by_type = InventoryQuery(types=("ProtectionGroup", "WindowsComputer"), platform="Agent")
    (group,) = (await client.physical_inventory(query_by_type)).rows
    found = await client.physical_inventory(query_by_type, protection_group_id=group.id)
    assert [row.name for row in found.rows] == ["Servers", "phys01"]
