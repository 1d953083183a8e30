"""A change is sent once. What came of it is known, or said to be unclear."""

from collections.abc import Awaitable, Callable

import pytest

from bot.sandbox.vbr import Behaviour, Fault, Moment, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.faults import changed, dropped, empty, hanging, html, malformed, refusing, setting
from bot.veeam import (
    AgentObject,
    AnswerLost,
    ConnectFailed,
    InventoryObject,
    Job,
    JobId,
    ReadRetries,
    Rejected,
    RestorePoints,
    Timeouts,
    TooBusy,
    VeeamError,
    VeeamServer,
)
from tests.rooms.veeam.clients import START, client_of, die
from tests.support.clock import FakeClock

HASTY = Timeouts(connect=2, read=0.05, write=2, pool=2, total=5)
LOST = [
    dropped(Moment.BEFORE),
    dropped(Moment.AFTER),
    hanging(Moment.AFTER),
    refusing(500),
    html(502),
    refusing(503, retry_after_seconds=5),
]
ID = "0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11"
Change = Callable[[VeeamServer], Awaitable[object]]
CHANGES: dict[tuple[str, str], Change] = {
    START: lambda server: server.start_job(JobId(ID)),
    ("POST", "/api/v1/jobs/{id}/stop"): lambda server: server.stop_job(JobId(ID)),
    ("POST", "/api/v1/jobs/{id}/retry"): lambda server: server.retry_job(JobId(ID)),
    ("POST", "/api/v1/jobs/{id}/enable"): lambda server: server.enable_job(JobId(ID)),
    ("POST", "/api/v1/jobs/{id}/disable"): lambda server: server.disable_job(JobId(ID)),
    ("POST", "/api/v1/jobs/{id}/clone"): lambda server: server.clone_job(JobId(ID)),
    ("DELETE", "/api/v1/jobs/{id}"): lambda server: server.delete_job(JobId(ID)),
    ("PUT", "/api/v1/jobs/{id}"): lambda server: server.edit_job(Job({"id": ID})),
    ("POST", "/api/v1/jobs"): lambda server: server.create_job({"name": "New"}),
    ("POST", "/api/v1/jobs/quickBackup/vSphere"): lambda server: server.quick_backup(
        InventoryObject(name="x")
    ),
    ("POST", "/api/v1/jobs/quickBackup/hyperV"): lambda server: server.quick_backup(
        InventoryObject(name="x", platform="HyperV")
    ),
    ("POST", "/api/v1/jobs/quickBackup/agent"): lambda server: server.quick_backup(AgentObject(id=ID)),
    ("POST", "/api/v1/jobs/{id}/applyConfiguration"): lambda server: server.apply_configuration(JobId(ID)),
    ("POST", "/api/v1/jobs/{id}/clearCache"): lambda server: server.clear_cache(JobId(ID)),
}


@pytest.fixture
def job_id(world: World) -> JobId:
    return JobId(world.job("SQL nightly").id)


@pytest.mark.parametrize("operation", CHANGES, ids=" ".join)
async def test_no_change_is_sent_twice(world: World, clock: FakeClock, operation: tuple[str, str]) -> None:
    """However patient the client is with questions."""
    patient, behaviour = ReadRetries(attempts=5), Behaviour(supported_revisions=accepted_by("1.3-rev2"))
    async with (
        VbrSandbox(world, behaviour=behaviour) as vbr,
        client_of(vbr, clock, read_retries=patient, api_version="1.3-rev2") as client,
    ):
        vbr.faults.add(*operation, dropped(Moment.AFTER), times=5)
        with pytest.raises(AnswerLost):
            await CHANGES[operation](client)
        assert len(vbr.requests.of(*operation)) == 1


@pytest.mark.parametrize("trouble", LOST)
async def test_a_lost_answer_is_unclear(
    vbr: VbrSandbox, clock: FakeClock, job_id: JobId, trouble: Fault
) -> None:
    """Nobody knows whether the run was started, so nobody claims it."""
    async with client_of(vbr, clock, timeouts=HASTY) as client:
        await client.job_states()
        vbr.faults.add(*START, trouble)
        with pytest.raises(AnswerLost):
            await client.start_job(job_id)
    assert len(vbr.requests.of(*START)) == 1


async def test_what_was_never_sent_was_not_done(vbr: VbrSandbox, client: VeeamServer, job_id: JobId) -> None:
    """A server that is gone leaves nothing unclear, before a login and after one."""
    await die(vbr)
    with pytest.raises(ConnectFailed):
        await client.start_job(job_id)
    await vbr.come_back()
    await client.job_states()
    await die(vbr)
    with pytest.raises(ConnectFailed):
        await client.start_job(job_id)


@pytest.mark.parametrize(
    ("trouble", "kind"), [(refusing(400), Rejected), (refusing(409), Rejected), (refusing(429), TooBusy)]
)
async def test_a_refusal_is_clear(
    vbr: VbrSandbox, client: VeeamServer, job_id: JobId, trouble: Fault, kind: type[VeeamError]
) -> None:
    """4xx means that nothing was done."""
    vbr.faults.add(*START, trouble)
    with pytest.raises(kind):
        await client.start_job(job_id)


@pytest.mark.parametrize(
    "answer", [empty(200), empty(204), malformed(), html(200), changed(setting("id", None))]
)
async def test_accepted_is_accepted_whatever_the_body(
    vbr: VbrSandbox, client: VeeamServer, job_id: JobId, answer: Fault
) -> None:
    """A 2xx without a readable session is no failure; the session is looked up by who needs it."""
    vbr.faults.add(*START, answer)
    assert (await client.start_job(job_id)).session is None


async def test_a_copy_whose_answer_is_unreadable_is_unclear(
    vbr: VbrSandbox, client: VeeamServer, job_id: JobId
) -> None:
    """There is a new job, and nobody knows its id."""
    vbr.faults.add("POST", "/api/v1/jobs/{id}/clone", malformed())
    with pytest.raises(AnswerLost):
        await client.clone_job(job_id)


async def test_stopping_an_idle_job_is_rejected_in_vbrs_words(client: VeeamServer, job_id: JobId) -> None:
    """The message is VBR's."""
    with pytest.raises(Rejected, match="is not currently running"):
        await client.stop_job(job_id)


async def test_bodies_are_complete(vbr: VbrSandbox, client: VeeamServer, job_id: JobId) -> None:
    """What a missing body would mean is not documented, so the choice is always sent."""
    await client.start_job(job_id, full=True, chained=True)
    await client.stop_job(job_id, graceful=False, chained=True)
    stop = ("POST", "/api/v1/jobs/{id}/stop")
    assert vbr.requests.of(*START)[0].body == {"performActiveFull": True, "startChainedJobs": True}
    assert vbr.requests.of(*stop)[0].body == {"gracefulStop": False, "cancelChainedJobs": True}


async def test_sync_now_names_the_restore_points(vbr: VbrSandbox, client: VeeamServer, world: World) -> None:
    """The console's "Sync now" of an immediate backup copy job."""
    copy = world.add_job("Copy", "BackupCopy", source="SQL nightly", mode="Immediate")
    await client.start_job(JobId(copy.id), restore_points=RestorePoints.LATEST)
    assert vbr.requests.of(*START)[0].body["syncRestorePoints"] == "Latest"
