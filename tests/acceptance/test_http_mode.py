"""Slack's requests over HTTP: signed and recent, or refused and on record; whatever stands in them."""

import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox.slack.http_mode import signature
from bot.sandbox.vbr import World
from tests.acceptance.rig import PROD, START, Rig, Setting, now

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


async def post(rig: Rig, body: bytes, content_type: str = FORM, **headers: str) -> int:
    """Send a request to the bot; it is signed as Slack would, but for the headers given."""
    stamp = str(int(time.time()))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    signed = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(rig.slack.signing_secret, stamp, body),
    } | named
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(f"http://127.0.0.1:{rig.port}/slack/events", data=body, headers=signed) as response,
    ):
        return response.status


def command(rig: Rig, text: str) -> bytes:
    ann = rig.slack.person("ann")
    channel = rig.slack.workspace.conversations.channel(PROD)
    payload = ann.payloads.slash_command(ann.person, channel, "/veeam", text, typed=f"/veeam {text}")
    return urlencode(payload).encode()


def old_signature(rig: Rig, body: bytes, age_seconds: int) -> dict[str, str]:
    stamp = str(int(time.time()) - age_seconds)
    return {
        "X_Slack_Request_Timestamp": stamp,
        "X_Slack_Signature": signature(rig.slack.signing_secret, stamp, body),
    }


@pytest.mark.parametrize("case", ["unsigned", "wrong", "old", "ahead", "no number", "not ascii", "garbage"])
async def test_a_request_without_a_good_signature_is_refused_and_on_record(rig: Rig, case: str) -> None:
    """401, nothing is done, and the audit record has it."""
    body = b"\xff\xfe{" if case == "garbage" else command(rig, "start payload-db")
    headers = {
        "unsigned": {"X_Slack_Signature": "", "X_Slack_Request_Timestamp": ""},
        "wrong": {"X_Slack_Signature": "v0=" + "0" * 64},
        "old": old_signature(rig, body, 301),
        "ahead": old_signature(rig, body, -330),
        "no number": {"X_Slack_Request_Timestamp": "yesterday"},
        "not ascii": {"X_Slack_Signature": "v0=\u00e9"},
        "garbage": {"X_Slack_Signature": "v0=00"},
    }[case]
    refusals = "SELECT * FROM audit WHERE event = 'refused' ORDER BY id"
    before, starts = len(rig.rows(refusals)), rig.sent("POST", START)
    assert await post(rig, body, **headers) == 401
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
    ],
    ids=repr,
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
    assert "You asked for this Start already" in rig.whispers("ann")[-1]
    assert rig.sent("POST", START) == 1


async def test_slacks_own_probes_are_answered(rig: Rig) -> None:
    """`url_verification` is echoed and `ssl_check` gets 200, signed or not."""
    assert await rig.slack.http_mode.verify_url()
    assert await rig.slack.http_mode.ssl_check()
    assert await post(rig, b"ssl_check=1&token=x", X_Slack_Signature="") == 200
    assert await post(rig, b"ssl_check=1&" + command(rig, "stop payload-db"), X_Slack_Signature="") == 200
    assert rig.sent("POST", "/api/v1/jobs/{id}/stop") == 0


async def test_a_command_with_the_word_payload(rig: Rig) -> None:
    """Bolt loses such a form; the bot doesn't."""
    assert "payload-db" in await rig.asks("ann", "job payload-db")


async def test_an_event_without_a_listener_is_acknowledged(rig: Rig) -> None:
    """Otherwise Slack would send it three times more."""
    event = {"type": "event_callback", "team_id": "T0ACME", "event_id": "Ev1", "event": {"type": "new_thing"}}
    assert await post(rig, json.dumps(event).encode(), "application/json") == 200
