"""Slack's requests over HTTP: signed and recent, or refused and on record; whatever stands in them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox.slack.http_mode import signature
from bot.sandbox.vbr import World
from tests.acceptance.rig import PROD, START, STOP, Replica, Rig, Setting, now

FORM = "application/x-www-form-urlencoded"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    world = World(now, name="hq")
    world.add_job("payload-db", run_seconds=3600)
    setting = Setting(toml="", polling_seconds=3600)
    async with Rig(tmp_path_factory.mktemp("http"), setting, world=world, http_mode=True) as made:
        await made.start()
        yield made


async def post(
    rig: Rig,
    body: bytes,
    content_type: str = FORM,
    *,
    replica: Replica | None = None,
    headers: Mapping[str, str] | None = None,
) -> int:
    """Send a request to the bot; it is signed as Slack would, but for the headers given."""
    stamp = str(int(time.time()))
    signed = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(rig.slack.signing_secret, stamp, body),
    } | dict(headers or {})
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(
            f"http://127.0.0.1:{replica.port if replica else rig.port}/slack/events",
            data=BytesIO(body),
            headers=signed,
        ) as response,
    ):
        return response.status


@asynccontextmanager
async def standing_by() -> AsyncIterator[tuple[str, list[bytes]]]:
    """An address that is not Slack's, and what it was sent."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1024))
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/commands/T0/1/x", heard


def command(rig: Rig, text: str) -> bytes:
    ann = rig.slack.person("ann")
    channel = rig.slack.workspace.conversations.channel(PROD)
    payload = ann.payloads.slash_command(ann.person, channel, "/veeam", text, typed=f"/veeam {text}")
    return urlencode(payload).encode()


def has_heard(rig: Rig, answers: int) -> bool:
    """Whether ann got so many answers."""
    return len(rig.whispers("ann")) >= answers


def old_signature(rig: Rig, body: bytes, age_seconds: int) -> dict[str, str]:
    stamp = str(int(time.time()) - age_seconds)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(rig.slack.signing_secret, stamp, body),
    }


@pytest.mark.parametrize("case", ["unsigned", "wrong", "old", "ahead", "no number", "not ascii", "garbage"])
async def test_a_request_without_a_good_signature_is_refused_and_on_record(rig: Rig, case: str) -> None:
    """401, nothing is done, and the audit record has it."""
    body = b"\xff\xfe{" if case == "garbage" else command(rig, "start payload-db")
    headers = {
        "unsigned": {"X-Slack-Signature": "", "X-Slack-Request-Timestamp": ""},
        "wrong": {"X-Slack-Signature": "v0=" + "0" * 64},
        "old": old_signature(rig, body, 301),
        "ahead": old_signature(rig, body, -330),
        "no number": {"X-Slack-Request-Timestamp": "yesterday"},
        "not ascii": {"X-Slack-Signature": "v0=\u00e9"},
        "garbage": {"X-Slack-Signature": "v0=00"},
    }[case]
    refusals = "SELECT * FROM audit WHERE event = 'refused' ORDER BY id"
    before, starts = len(rig.rows(refusals)), rig.sent("POST", START)
    assert await post(rig, body, headers=headers) == 401
    (row,) = rig.rows(refusals)[before:]
    assert (row["event"], row["operation"], row["detail"]) == ("refused", "request", "unsigned")
    assert rig.sent("POST", START) == starts


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xfe\x00", FORM),
        (b"{", "application/json"),
        (b"payload={", FORM),
        (b"[1, 2]", "application/json"),
        (b"", FORM),
        (b"null", "application/json"),
        (b"payload=%5B%5D", FORM),
        (b'{"type":"event_callback","event":"x"}', "application/json"),
        (b'{"type":"event_callback","event":{"type":"message","channel":5}}', "application/json"),
        (b'{"type":"block_actions","user":"U1","actions":[]}', "application/json"),
        (b'{"type":"block_actions","user":{"id":"U1"},"actions":[1]}', "application/json"),
        (b'{"type":"view_submission","user":{"id":"U1"},"view":[]}', "application/json"),
        (b'{"type":' * 100_000, "application/json"),
        (b'{"type":"x","y":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "application/json"),
        (b"payload=" + b"%5B" * 100_000, FORM),
        (b"a=1&" * 100_000, FORM),
        (b'{"type":"' + b"x" * 2_000_000 + b'"}', "application/json"),
        (b'{"type":"event_callback","n":' + b"1" * 10_000 + b"}", "application/json"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_signed_body_that_is_none_of_slacks_breaks_nothing(
    rig: Rig, body: bytes, content_type: str
) -> None:
    """An answer in the four hundreds, no traceback, and the next command is answered."""
    status = await post(rig, body, content_type)
    assert 400 <= status < 500
    assert "Traceback" not in rig.log
    assert "payload-db" in await rig.asks("ann", "jobs")


async def test_a_request_sent_again_acts_once(rig: Rig) -> None:
    """A recorded request with its good signature, played again within five minutes, starts nothing more."""
    body = command(rig, "start payload-db")
    assert await post(rig, body) == 200
    await rig.until(lambda: rig.sent("POST", START) == 1)
    before = len(rig.whispers("ann"))
    assert await post(rig, body) == 200
    await rig.until(lambda: len(rig.whispers("ann")) > before)
    assert "You already pressed Start" in rig.whispers("ann")[-1]
    assert rig.sent("POST", START) == 1


async def test_a_request_that_came_to_nothing_is_spent_all_the_same(tmp_path: Path) -> None:
    """Played again when it would do something: by the same process, another one, and after a restart."""
    world = World(now, name="hq")
    job = world.add_job("SQL Prod", run_seconds=3600)
    setting = Setting(toml="", polling_seconds=3600)
    async with Rig(tmp_path, setting, world=world, http_mode=True) as rig:
        await rig.start()
        second = await rig.second_bot()
        body = command(rig, "stop SQL Prod")
        assert await post(rig, body) == 200
        await rig.until(lambda: len(rig.whispers("ann")) == 1)
        assert "is not running" in rig.whispers("ann")[0]
        world.begin_run(job)
        for answers, replica in ((2, None), (3, second), (4, None)):
            assert await post(rig, body, replica=replica) == 200
            await rig.until(partial(has_heard, rig, answers))
            assert "You already pressed Stop" in rig.whispers("ann")[-1]
            if replica is second:
                assert await rig.ends() == 0
                await rig.start()
        assert rig.sent("POST", STOP) == 0
        refusals = rig.rows("SELECT operation, detail FROM audit WHERE event = 'refused'")
        assert [(row["operation"], row["detail"]) for row in refusals] == [("job.stop", "repeated")] * 3


async def test_an_answer_goes_to_slack_alone(rig: Rig) -> None:
    """Whoever has the signing secret can't have any address called: the answer goes another way."""
    async with standing_by() as (url, heard):
        form = dict(parse_qsl(command(rig, "jobs").decode()))
        before = len(rig.whispers("ann"))
        body = urlencode(form | {"response_url": url.replace("127.0.0.1", "localhost")}).encode()
        assert await post(rig, body) == 200
        await rig.until(lambda: len(rig.whispers("ann")) > before)
    assert heard == []
    assert [line["host"] for line in rig.events("slack.response_url_refused")] == ["localhost"]


async def test_slacks_own_probes_are_answered(rig: Rig) -> None:
    """`url_verification` is echoed and `ssl_check` gets 200, signed or not."""
    assert await rig.slack.http_mode.verify_url()
    assert await rig.slack.http_mode.ssl_check()
    assert await post(rig, b"ssl_check=1&token=x", headers={"X-Slack-Signature": ""}) == 200
    assert (
        await post(rig, b"ssl_check=1&" + command(rig, "stop payload-db"), headers={"X-Slack-Signature": ""})
        == 200
    )
    assert rig.sent("POST", "/api/v1/jobs/{id}/stop") == 0


async def test_a_command_with_the_word_payload(rig: Rig) -> None:
    """Bolt loses such a form; the bot doesn't."""
    assert "payload-db" in await rig.asks("ann", "job payload-db")


async def test_an_event_without_a_listener_is_acknowledged(rig: Rig) -> None:
    """Otherwise Slack would send it three times more."""
    event = {"type": "event_callback", "team_id": "T0ACME", "event_id": "Ev1", "event": {"type": "new_thing"}}
    assert await post(rig, json.dumps(event).encode(), "application/json") == 200


async def test_connections_without_a_request_take_nothing_from_the_others(rig: Rig) -> None:
    """More of them than it keeps open: it answers everybody else, and says so in a line a minute."""
    before = len(rig.log.splitlines())
    opened = [await asyncio.open_connection("127.0.0.1", rig.port) for _ in range(600)]
    try:
        assert (await rig.get("healthz"))[0] == 200
        assert "payload-db" in await rig.asks("ann", "jobs")
        reader, _ = opened[-1]
        async with asyncio.timeout(10):
            assert await reader.read() == b""
    finally:
        for _, writer in opened:
            writer.close()
    new = [json.loads(line) for line in rig.log.splitlines()[before:] if line.startswith("{")]
    assert len([line for line in new if line["level"] != "debug"]) < 20
    assert "Traceback" not in rig.log


async def test_unsigned_requests_fill_no_log(tmp_path: Path) -> None:
    """As many as anybody likes to send: a few lines and rows a minute."""
    setting = Setting(toml="", polling_seconds=3600)
    async with Rig(tmp_path, setting, http_mode=True) as rig:
        await rig.start()
        for _ in range(60):
            assert await post(rig, b"x", headers={"X-Slack-Signature": ""}) == 401
        assert 0 < len(rig.events("slack.request_refused")) < 30
        assert len(rig.rows("SELECT * FROM audit")) == len(rig.events("slack.request_refused"))
        assert len(rig.events("slack.requests_not_listed")) == 1


@pytest.mark.parametrize("ahead", [-900, 900])
async def test_a_machine_with_a_wrong_clock(tmp_path: Path, ahead: int) -> None:
    """A request is recent by Slack's clock, a quarter of an hour off here: one that is not is refused."""
    async with Rig(tmp_path, Setting(slack_ahead_seconds=ahead), http_mode=True) as rig:
        await rig.start()
        assert await rig.asks("ann", "jobs")
        body = command(rig, "jobs")
        assert await post(rig, body) == 401
        assert await post(rig, body, headers=old_signature(rig, body, -ahead)) == 200
