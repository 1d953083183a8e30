"""Questions are asked again where that helps, within a budget of tries and seconds, and fail by name."""

import asyncio

import pytest

from bot.sandbox.vbr import Fault, Moment, VbrSandbox, World
from bot.sandbox.vbr.faults import dropped, empty, hanging, html, malformed, refusing, rows, without
from bot.veeam import (
    ConnectFailed,
    ConnectionLost,
    InventoryQuery,
    JobId,
    NotFoundOnServer,
    ReadRetries,
    Rejected,
    ServerFailed,
    SessionId,
    TimedOut,
    Timeouts,
    TooBusy,
    UnexpectedAnswer,
    Unreachable,
    VeeamError,
    VeeamServer,
)
from tests.rooms.veeam.clients import SESSIONS, STATES, client_of, wait_until
from tests.support.clock import FakeClock

NOBODY = "00000000-0000-0000-0000-00000000dead"
MODEL = ("GET", "/api/v1/jobs/{id}")
INVENTORY = ("POST", "/api/v1/inventory")
HASTY = Timeouts(connect=2, read=0.05, write=2, pool=2, total=5)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (dropped(Moment.BEFORE), ConnectionLost),
        (dropped(Moment.AFTER), ConnectionLost),
        (refusing(500), ServerFailed),
        (html(502), ServerFailed),
        (refusing(503, retry_after_seconds=1), TooBusy),
        (refusing(429), TooBusy),
    ],
)
async def test_what_may_pass_is_asked_again(
    vbr: VbrSandbox, clock: FakeClock, trouble: Fault, kind: type[VeeamError]
) -> None:
    """Two failures are not noticed; a third in a row is told by its name."""
    vbr.world.finish_run(vbr.world.job("SQL nightly"))
    async with (
        client_of(vbr, clock, read_retries=ReadRetries(attempts=3)) as client,
        asyncio.TaskGroup() as group,
    ):
        vbr.faults.add(*SESSIONS, trouble, times=2)
        lucky = group.create_task(client.sessions())
        await pass_time_until_done(clock, lucky)
        assert len(lucky.result().rows) == 1

        vbr.faults.add(*SESSIONS, trouble, times=3)
        failed = group.create_task(raised_by(client))
        await pass_time_until_done(clock, failed)
        assert type(failed.result()) is kind
    assert len(vbr.requests.of(*SESSIONS)) == 6


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (refusing(400), Rejected),
        (refusing(404), NotFoundOnServer),
        (html(200), UnexpectedAnswer),
        (malformed(), UnexpectedAnswer),
        (empty(200), UnexpectedAnswer),
        (empty(204), UnexpectedAnswer),
        (Fault(status=302, headers={"Location": "https://elsewhere.example.com"}), UnexpectedAnswer),
        (Fault(status=200, body=b"not gzip", headers={"Content-Encoding": "gzip"}), UnexpectedAnswer),
    ],
)
async def test_what_will_not_pass_is_asked_once(
    vbr: VbrSandbox, clock: FakeClock, trouble: Fault, kind: type[VeeamError]
) -> None:
    """Asking again would bring the same answer."""
    async with client_of(vbr, clock, read_retries=ReadRetries(attempts=3)) as client:
        vbr.faults.add(*SESSIONS, trouble, times=3)
        with pytest.raises(kind):
            await client.sessions()
    assert len(vbr.requests.of(*SESSIONS)) == 1


async def test_retry_after_is_waited_for(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Not a second earlier than the server named."""
    async with (
        client_of(vbr, clock, read_retries=ReadRetries(attempts=2)) as client,
        asyncio.TaskGroup() as group,
    ):
        vbr.faults.add(*SESSIONS, refusing(429, retry_after_seconds=20))
        asked = group.create_task(client.sessions())
        await wait_until(lambda: clock.sleeping)
        await clock.advance(19.9)
        assert len(vbr.requests.of(*SESSIONS)) == 1
        await clock.advance(0.1)
        await asked
    assert len(vbr.requests.of(*SESSIONS)) == 2


async def test_a_wait_beyond_the_budget_is_not_begun(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Who asks learns at once when to come back."""
    async with client_of(vbr, clock, read_retries=ReadRetries(attempts=5, total_seconds=45)) as client:
        vbr.faults.add(*SESSIONS, refusing(429, retry_after_seconds=60))
        with pytest.raises(TooBusy) as caught:
            await client.sessions()
    assert caught.value.retry_after_seconds == 60
    assert len(vbr.requests.of(*SESSIONS)) == 1


async def test_searches_are_questions_too(vbr: VbrSandbox, clock: FakeClock) -> None:
    """The inventory's POSTs only read, so they are asked again."""
    async with (
        client_of(vbr, clock, read_retries=ReadRetries(attempts=2)) as client,
        asyncio.TaskGroup() as group,
    ):
        vbr.faults.add(*INVENTORY, refusing(500))
        asked = group.create_task(client.browse_inventory(InventoryQuery(limit=5)))
        await pass_time_until_done(clock, asked)
    assert len(vbr.requests.of(*INVENTORY)) == 2


async def test_a_server_that_is_gone_is_unreachable(vbr: VbrSandbox, client: VeeamServer) -> None:
    """Nothing listens: the connection failed, and the class says that no answer came."""
    await vbr.go_dark()
    with pytest.raises(ConnectFailed) as caught:
        await client.server_time()
    assert isinstance(caught.value, Unreachable)
    assert not caught.value.reached_server


@pytest.mark.parametrize(
    "timeouts", [HASTY, Timeouts(connect=2, read=5, write=2, pool=2, total=0.05)], ids=["read", "total"]
)
async def test_a_server_that_does_not_answer_times_out(
    vbr: VbrSandbox, clock: FakeClock, timeouts: Timeouts
) -> None:
    """Silence ends, by the limit of each read or by that of the whole."""
    async with client_of(vbr, clock, timeouts=timeouts) as client:
        vbr.faults.add(*SESSIONS, hanging(Moment.BEFORE))
        with pytest.raises(TimedOut):
            await client.sessions()


async def test_what_does_not_exist_is_not_found(client: VeeamServer) -> None:
    """An id that nobody bears: 404 by id, None where a list was searched."""
    with pytest.raises(NotFoundOnServer):
        await client.session(SessionId(NOBODY))
    with pytest.raises(NotFoundOnServer):
        await client.job(JobId(NOBODY))
    assert await client.job_state(JobId(NOBODY)) is None


@pytest.mark.parametrize("text", ["", "SQL nightly", "../sessions", f"{NOBODY}/start", f"{NOBODY}?x=1"])
async def test_what_is_no_id_is_never_sent(vbr: VbrSandbox, client: VeeamServer, text: str) -> None:
    """No path is built from a name or from anything else that isn't a UUID."""
    for question in (client.job(JobId(text)), client.start_job(JobId(text)), client.session(SessionId(text))):
        with pytest.raises(Rejected, match="not an id"):
            await question
    assert len(vbr.requests) == 0


@pytest.mark.parametrize("host", ["", ".", ".."])
async def test_what_is_no_host_is_never_sent(vbr: VbrSandbox, client: VeeamServer, host: str) -> None:
    """A name that would climb out of its place in the path."""
    with pytest.raises(Rejected, match="not a host"):
        await client.vmware_objects(host)
    assert len(vbr.requests) == 0


async def test_a_closed_client_says_so(vbr: VbrSandbox, clock: FakeClock) -> None:
    """A gesture that comes during the shutdown gets an error of ours."""
    client = client_of(vbr, clock)
    await client.close()
    with pytest.raises(ConnectFailed, match="closed"):
        await client.job_states()


async def test_a_plugin_job_cannot_be_fetched(client: VeeamServer, world: World) -> None:
    """A type that the revision cannot model is in the states, but is rejected by id."""
    job = world.add_job("Proxmox", "Unknown")
    assert await client.job_state(JobId(job.id)) is not None
    with pytest.raises(Rejected, match="supported platform"):
        await client.job(JobId(job.id))


@pytest.mark.parametrize("fault", [refusing(500), refusing(403), refusing(404), html(502)])
async def test_a_job_without_state_and_model_may_be_there(
    vbr: VbrSandbox, client: VeeamServer, world: World, fault: Fault
) -> None:
    """While VBR fails to list states, 404 for a job's model does not say that the job is gone."""
    job_id = JobId(world.add_job("Proxmox", "Unknown").id)
    vbr.faults.add(*STATES, fault, times=99)
    vbr.faults.add(*MODEL, refusing(404), times=99)
    for _ in range(2):
        with pytest.raises(ServerFailed, match="no job states"):
            await client.job_state(job_id)
    vbr.faults.clear()
    assert await client.job_state(job_id) is not None
    world.book.remove_job(next(job for job in world.jobs if job.id == job_id))
    assert await client.job_state(job_id) is None


async def test_a_row_that_is_unreadable_speaks_for_its_job_alone(
    vbr: VbrSandbox, client: VeeamServer, world: World
) -> None:
    """Its state is put together, or unknown; it is not gone, and every list goes on coming from VBR."""
    job_id = JobId(world.add_job("Files").id)
    vbr.faults.add(*STATES, rows(without("id")), times=2)
    state = await client.job_state(job_id)
    assert state is not None
    assert (state.name, state.is_put_together) == ("Files", True)
    vbr.faults.add(*MODEL, refusing(404))
    with pytest.raises(UnexpectedAnswer, match="the job's row is unreadable"):
        await client.job_state(job_id)
    assert (await client.all_job_states()).is_whole


async def test_a_list_says_itself_whether_it_is_whole(vbr: VbrSandbox, client: VeeamServer) -> None:
    """A page that was put together leaves the list incomplete, whatever is read of the server since."""
    vbr.faults.add(*STATES, refusing(500))
    part = await client.all_job_states()
    (first, *_) = part.rows
    state = await client.job_state(first.id)
    assert state is not None
    assert (part.is_whole, first.is_put_together, state.is_put_together) == (False, True, False)
    assert (await client.all_job_states()).is_whole
    assert len((await client.all_job_states(at_most=1)).rows) == 1


async def raised_by(client: VeeamServer) -> VeeamError:
    with pytest.raises(VeeamError) as caught:
        await client.sessions()
    return caught.value


async def pass_time_until_done(clock: FakeClock, task: "asyncio.Task[object]") -> None:
    while not task.done():
        await wait_until(lambda: clock.sleeping or task.done())
        await clock.advance(8)
