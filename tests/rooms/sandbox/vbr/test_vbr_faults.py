"""Faults to order, and the handle's other levers: dead server, TLS, skewed clock, records of requests."""

import asyncio
import hashlib
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.vbr import Fault, Moment, VbrSandbox, World, faults
from bot.sandbox.vbr.server import Behaviour
from bot.sandbox.vbr.tls import make_tls
from tests.rooms.sandbox.vbr.talking import VERSION, Client, StillClock

STATES = ("GET", "/api/v1/jobs/states")
START = ("POST", "/api/v1/jobs/{id}/start")


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (faults.html(), 502, "<h1>502 Bad Gateway</h1>"),
        (faults.empty(500), 500, ""),
        (faults.empty(401), 401, ""),
        (faults.refusing(503, retry_after_seconds=7), 503, "Ordered by the test."),
    ],
)
async def test_a_fault_strikes_as_often_as_ordered(
    client: Client, fault: Fault, status: int, body: str
) -> None:
    """Once, or as said, after going well for as long as said; then all is well again."""
    client.vbr.faults.add(*STATES, fault, times=2, after=1)
    answers = [await client.http.get("/api/v1/jobs/states") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, status, status, 200]
    assert body in answers[1].text
    assert answers[1].headers.get("Retry-After") == ("7" if status == 503 else None)


async def test_a_fault_strikes_the_operation_it_was_ordered_for(client: Client) -> None:
    """Matched by method and template, or by anything."""
    client.vbr.faults.add(*START, faults.empty(500))
    assert await client.status_of_get("/jobs/states") == 200
    client.vbr.faults.add(faults.ANY, faults.ANY, faults.empty(500))
    assert await client.status_of_get("/jobs/states") == 500
    client.vbr.faults.clear()
    assert (await client.post(f"/jobs/{client.vbr.world.vbr_id}/start")).status_code == 404


@pytest.mark.parametrize(("moment", "runs"), [(Moment.BEFORE, 0), (Moment.AFTER, 1)])
@pytest.mark.parametrize("make", [faults.dropped, faults.hanging])
async def test_no_answer_before_or_after_the_effect(
    client: Client, make: Any, moment: Moment, runs: int
) -> None:
    """The connection is cut or stays silent; the job was started, or was not."""
    world = client.vbr.world
    job = world.add_job("Web tier")
    client.vbr.faults.add(*START, make(moment))
    with pytest.raises(httpx.TransportError):
        await client.http.post(f"/api/v1/jobs/{job.id}/start", timeout=0.2)
    assert len(world.sessions_of(job)) == runs
    assert client.vbr.requests.of(*START)[0].status is None


async def test_a_server_error_may_come_although_the_job_was_started(client: Client) -> None:
    """500, and a run all the same."""
    job = client.vbr.world.add_job("Web tier")
    client.vbr.faults.add(*START, faults.refusing(500, takes_effect=True))
    assert (await client.post(f"/jobs/{job.id}/start")).status_code == 500
    assert len(client.vbr.world.sessions_of(job)) == 1


async def test_a_slow_answer_is_the_right_one(client: Client) -> None:
    """Delayed, else unchanged."""
    client.vbr.faults.add(*STATES, faults.slow(0.05))
    begun = asyncio.get_running_loop().time()
    assert (await client.get("/jobs/states"))["data"] == []
    assert asyncio.get_running_loop().time() - begun >= 0.05


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.rows(faults.setting("status", "hibernating")), ["hibernating", "hibernating"]),
        (faults.rows(faults.setting("status", "hibernating"), only=[1]), ["inactive", "hibernating"]),
        (faults.rows(faults.setting("status", None)), [None, None]),
        (faults.rows(faults.setting("status", 7)), [7, 7]),
        (faults.rows(faults.recasing("status", str.upper)), ["INACTIVE", "INACTIVE"]),
        (faults.rows(faults.without("status"), only=[0]), ["missing", "inactive"]),
    ],
)
async def test_rows_can_be_changed(client: Client, fault: Fault, expected: list[object]) -> None:
    """Unknown values, other letter case, missing, null and mistyped fields; the next answer is right."""
    client.vbr.world.add_job("a")
    client.vbr.world.add_job("b")
    client.vbr.faults.add(*STATES, fault)
    rows = (await client.get("/jobs/states"))["data"]
    assert [row.get("status", "missing") for row in rows] == expected
    assert {row["status"] for row in (await client.get("/jobs/states"))["data"]} == {"inactive"}


async def test_json_can_break_off(client: Client) -> None:
    """Status 200 and half of the body."""
    client.vbr.faults.add(*STATES, faults.malformed())
    answer = await client.http.get("/api/v1/jobs/states")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


async def test_a_dead_server_refuses_connections_and_may_come_back(client: Client) -> None:
    """Open connections are cut; the port and the tokens are the same afterwards."""
    assert await client.status_of_get("/jobs/states") == 200
    await client.vbr.go_dark()
    with pytest.raises(httpx.TransportError):
        await client.http.get("/api/v1/jobs/states")
    with pytest.raises(httpx.ConnectError):
        await client.http.get("/api/v1/jobs/states")
    await client.vbr.come_back()
    assert await client.status_of_get("/jobs/states") == 200


async def test_the_servers_clock_can_be_skewed(client: Client, world: World, clock: StillClock) -> None:
    """Its times differ from ours, its tokens live as long as ever."""
    world.clock_skew = clock.now.replace(year=2027) - clock.now
    assert (await client.get("/serverTime"))["serverTime"].startswith("2027-")
    assert await client.status_of_get("/jobs/states") == 200


async def test_requests_are_recorded_with_their_answers(client: Client, world: World) -> None:
    """Template and path, query with repeats, body, account, status, JSON; passwords are not printed."""
    job = world.add_job("Web tier")
    await client.get("/sessions", typeFilter=["BackupJob", "ReplicaJob"])
    await client.post(f"/jobs/{job.id}/start", {"performActiveFull": False})
    listed, started = list(client.vbr.requests)[-2:]
    assert listed.query.getall("typeFilter") == ["BackupJob", "ReplicaJob"]
    assert (started.method, started.template) == START
    assert (started.path, started.username) == (f"/api/v1/jobs/{job.id}/start", "svc-slack")
    assert (started.body, started.status) == ({"performActiveFull": False}, 201)
    assert started.answer["name"] == "Web tier"
    assert "sandbox" not in repr(list(client.vbr.requests)).replace("bot.sandbox", "")


async def test_only_the_latest_requests_are_kept(world: World) -> None:
    """The record does not grow without end."""
    async with VbrSandbox(world, behaviour=Behaviour(keep_requests=10)) as vbr, Client(vbr) as client:
        for _ in range(25):
            await client.get("/serverTime")
        assert 10 <= len(vbr.requests) <= 20


async def test_tls_is_verified_by_the_ca_and_pinned_by_the_leaf(world: World, tmp_path: Path) -> None:
    """The CA's file verifies name and chain, the fingerprint is the leaf's SHA-256."""
    tls = make_tls("localhost", tmp_path)
    behaviour = Behaviour(public_name="localhost")
    async with VbrSandbox(world, ssl_context=tls.ssl_context, behaviour=behaviour) as vbr:
        trusting = ssl.create_default_context(cafile=str(tls.ca_file))
        async with httpx.AsyncClient(verify=trusting, headers=VERSION, trust_env=False) as http:
            assert (await http.get(f"{vbr.url}/api/v1/serverTime")).status_code == 200
        port = int(vbr.url.rsplit(":", 1)[1])
        _, writer = await asyncio.open_connection("localhost", port, ssl=trusting)
        leaf = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
    assert hashlib.sha256(leaf).hexdigest() == tls.fingerprint
