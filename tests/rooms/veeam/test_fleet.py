"""Many servers at once: each gives an answer or a named silence."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.sandbox.vbr import Moment, Role, VbrSandbox, World
from bot.sandbox.vbr.faults import hanging
from bot.settings import ServerName
from bot.veeam import ConnectFailed, Fleet, NotAllowed, TimedOut, VeeamServer
from tests.rooms.veeam.clients import LOGOUT, STATES, client_of, die
from tests.support.clock import FakeClock

HQ, BRANCH = ServerName("hq"), ServerName("branch")


@pytest.fixture
async def branch(clock: FakeClock) -> AsyncIterator[VbrSandbox]:
    world = World(clock.now, name="vbr02")
    world.add_job("Branch files")
    async with VbrSandbox(world) as server:
        yield server


@pytest.fixture
async def fleet(vbr: VbrSandbox, branch: VbrSandbox, clock: FakeClock) -> AsyncIterator[Fleet]:
    found = Fleet([client_of(vbr, clock), client_of(branch, clock, name=BRANCH)], limit_seconds=5)
    yield found
    await found.close()


async def names_of_jobs(server: VeeamServer) -> list[str]:
    return [state.name for state in (await server.job_states()).rows]


async def test_all_are_asked(fleet: Fleet) -> None:
    """In the order of the settings."""
    found = await fleet.ask(names_of_jobs)
    assert dict(found.answers) == {HQ: ["SQL nightly"], BRANCH: ["Branch files"]}
    assert not found.failures
    assert fleet.names == (HQ, BRANCH)


async def test_some_are_asked(fleet: Fleet, vbr: VbrSandbox) -> None:
    """`server:branch` costs the others nothing."""
    found = await fleet.ask(names_of_jobs, [BRANCH])
    assert dict(found.answers) == {BRANCH: ["Branch files"]}
    assert len(vbr.requests) == 0


async def test_a_dead_server_is_a_named_silence(fleet: Fleet, vbr: VbrSandbox) -> None:
    """The others' answers show."""
    await die(vbr)
    found = await fleet.ask(names_of_jobs)
    assert dict(found.answers) == {BRANCH: ["Branch files"]}
    assert type(found.failures[HQ]) is ConnectFailed
    assert found.failures[HQ].server == HQ


async def test_a_refusal_is_a_named_silence(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Whatever the client raises, it is that server's own."""
    fleet = Fleet([client_of(vbr, clock, vbr.accounts.by_role(Role.VIEWER))])
    found = await fleet.ask(lambda server: server.server_info())
    assert type(found.failures[HQ]) is NotAllowed
    await fleet.close()


async def test_a_slow_server_is_given_up(vbr: VbrSandbox, branch: VbrSandbox, clock: FakeClock) -> None:
    """Each has its own limit, so the fleet takes as long as one."""
    fleet = Fleet([client_of(vbr, clock), client_of(branch, clock, name=BRANCH)], limit_seconds=0.2)
    vbr.faults.add(*STATES, hanging(Moment.BEFORE))
    found = await fleet.ask(names_of_jobs)
    assert dict(found.answers) == {BRANCH: ["Branch files"]}
    assert isinstance(found.failures[HQ], TimedOut)
    await fleet.close()


async def test_servers_are_asked_in_parallel(fleet: Fleet) -> None:
    """Both questions are under way at the same time."""
    both_there = asyncio.Barrier(2)

    async def meet(_: VeeamServer) -> str:
        await both_there.wait()
        return "met"

    assert dict((await fleet.ask(meet)).answers) == {HQ: "met", BRANCH: "met"}


async def test_a_bug_is_not_a_silence(fleet: Fleet) -> None:
    """What is not a VeeamError is nobody's answer; a time-out of the question's own is not the fleet's."""

    async def broken(_: VeeamServer) -> None:
        raise TimeoutError("not ours")

    with pytest.RaisesGroup(TimeoutError, TimeoutError):
        await fleet.ask(broken)


async def test_names_are_known_or_an_error(fleet: Fleet, vbr: VbrSandbox, clock: FakeClock) -> None:
    """A name that isn't there, and one that is there twice."""
    assert fleet.server(BRANCH).name == BRANCH
    with pytest.raises(KeyError):
        fleet.server(ServerName("moon"))
    with pytest.raises(KeyError):
        await fleet.ask(names_of_jobs, [ServerName("moon")])
    with pytest.raises(ValueError, match="one name"):
        Fleet([client_of(vbr, clock), client_of(vbr, clock)])


async def test_closing_logs_out_everywhere(vbr: VbrSandbox, branch: VbrSandbox, clock: FakeClock) -> None:
    """A server that is gone by then holds up nobody."""
    fleet = Fleet([client_of(vbr, clock), client_of(branch, clock, name=BRANCH)])
    await fleet.ask(names_of_jobs)
    await die(vbr)
    await fleet.close()
    assert len(branch.requests.of(*LOGOUT)) == 1
