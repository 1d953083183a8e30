import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox import page as page_package
from bot.sandbox.page.parts import NEWEST_MESSAGES, Parts
from tests.rooms.sandbox.page.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
PAGE_FILES = Path(page_package.__file__).parent


@pytest_asyncio.fixture(loop_scope="module")
async def browserless(room: Room) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(room.page.url) as session:
        yield session


async def next_parts(stream: aiohttp.StreamReader) -> Json:
    """The next state that the page sends; keep-alives are passed over."""
    async with asyncio.timeout(5):
        while True:
            line = await stream.readline()
            if line.startswith(b"data: "):
                parts: Json = json.loads(line.removeprefix(b"data: "))
                return parts


async def test_shell_names_workspace_and_server_before_any_script_runs(
    browserless: aiohttp.ClientSession,
) -> None:
    """The shell is rendered on the server and lets nothing but its own files run."""
    async with browserless.get("/") as response:
        text = await response.text()
    assert response.status == 200
    assert "Acme" in text
    assert "pass-for-hq" in text
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


async def test_boot_data_cannot_close_its_script_element(
    room: Room, browserless: aiohttp.ClientSession
) -> None:
    """A workspace named like mark-up stays data."""
    room.workspace.name = "</title></script><script>alert(1)</script>"
    async with browserless.get("/") as response:
        assert "<script>alert(1)" not in await response.text()


@pytest.mark.parametrize("file", ["app.js", "page.css", "blocks.css", "icon.svg"])
async def test_static_files_are_served_and_never_from_a_stale_cache(
    browserless: aiohttp.ClientSession, file: str
) -> None:
    """A demo after an update shows the new page."""
    async with browserless.get(f"/static/{file}") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-cache"


async def test_the_page_needs_nothing_from_the_internet() -> None:
    """No file of the page names another host; SVG's namespace is an identifier, not an address."""
    files = [*PAGE_FILES.glob("static/*"), *PAGE_FILES.glob("templates/*")]
    assert files
    named = {
        (file.name, address)
        for file in files
        for address in re.findall(r"https?://[\w.]+", file.read_text(encoding="utf-8"))
    }
    assert named <= {("dom.js", "http://www.w3.org"), ("icon.svg", "http://www.w3.org")}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "attacker.example"}, 403),  # a name that was re-bound to 127.0.0.1
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),  # another port of this machine
        ({"Content-Type": "text/plain"}, 403),  # what a form can send without asking
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_only_the_page_itself_may_act(
    browserless: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    """Another page that is open in the same browser can do nothing here."""
    asked = json.dumps({"person": "U0ANN", "gesture": "opens_home", "tab": "home"})
    sent = {"Content-Type": "application/json", **headers}
    async with browserless.post("/gestures", data=asked, headers=sent) as response:
        assert response.status == status


@pytest.mark.parametrize(
    "asked",
    [
        {"person": "U0ANN", "gesture": "explodes"},
        {"person": "U0NOBODY", "gesture": "opens_home"},
        {"person": "U0ANN"},
        {"person": "U0ANN", "gesture": "types", "channel": "C0PROD"},
        {"person": "U0ANN", "gesture": "activates", "surface": None},
    ],
)
async def test_what_is_no_gesture_is_refused(browserless: aiohttp.ClientSession, asked: Json) -> None:
    """A request that cannot be read gets 400 and a reason, and nothing is done."""
    async with browserless.post("/gestures", json=asked) as response:
        assert response.status == 400
        assert (await response.json())["error"]


@pytest.mark.parametrize("person", ["U0DEE", "U0INA", "U0STU", "U0VEEAMBOT"])
async def test_nobody_signs_in_with_a_dead_account(
    room: Room, browserless: aiohttp.ClientSession, person: str
) -> None:
    """Deactivated, invited and strange accounts and bots can neither look nor act."""
    async with browserless.post("/gestures", json={"person": person, "gesture": "opens_home"}) as response:
        assert (await response.json())["shown"] == "client_refused"
    async with browserless.get("/live", params={"person": person}) as response:
        assert response.status == 404
    assert room.people.made == []


async def test_a_gone_message_refuses_the_gesture_in_words(browserless: aiohttp.ClientSession) -> None:
    """A button of a message that is gone answers as a client does, not with an error of the page."""
    surface = {"channel": "C0PROD", "ts": "1.000000"}
    asked: Json = {"person": "U0ANN", "gesture": "activates", "surface": surface}
    asked |= {"block_id": "b", "action_id": "a", "value": None}
    async with browserless.post("/gestures", json=asked) as response:
        answer = await response.json()
    assert response.status == 200
    assert answer["shown"] == "client_refused"
    assert "1.000000" in answer["text"]


async def test_the_stream_tells_all_at_first_and_then_what_changed(
    room: Room, browserless: aiohttp.ClientSession
) -> None:
    """The first event is complete; a message sends its channel alone."""
    async with browserless.get("/live", params={"person": "U0ANN"}) as response:
        first = await next_parts(response.content)
        assert {"team", "me", "people", "groups", "channels", "modal", "app", "faults"} <= first.keys()
        assert first["me"]["id"] == "U0ANN"
        room.posts("hello", channel="backups")
        second = await next_parts(response.content)
    assert second.keys() == {"channels"}
    assert [channel["name"] for channel in second["channels"]] == ["backups"]
    assert [message["text"] for message in second["channels"][0]["messages"]] == ["hello"]


async def test_the_stream_keeps_secrets_between_people(
    room: Room, browserless: aiohttp.ClientSession
) -> None:
    """Nobody's browser is sent another's ephemeral messages or a private channel."""
    async with browserless.get("/live", params={"person": "U0OLE"}) as response:
        first = await next_parts(response.content)
        assert "secret" not in [channel["name"] for channel in first["channels"]]
        room.whispers("U0ANN", "for Ann alone")
        room.posts("for all")
        second = await next_parts(response.content)
    texts = [message["text"] for channel in second["channels"] for message in channel["messages"]]
    assert texts == ["for all"]


async def test_a_fault_is_switched_and_every_browser_told(
    room: Room, browserless: aiohttp.ClientSession
) -> None:
    """A switch shows its position in all browsers; a fault without one happens once a press."""
    async with browserless.get("/live", params={"person": "U0OLE"}) as response:
        await next_parts(response.content)
        async with browserless.post("/faults", json={"key": "hq-down", "on": True}) as switched:
            assert (await switched.json())["is_on"] is True
        told = await next_parts(response.content)
    assert room.is_down
    assert [fault["is_on"] for fault in told["faults"]] == [True, False]
    async with browserless.post("/faults", json={"key": "drop", "on": True}) as pressed:
        assert pressed.status == 200
    assert room.pressed == 1
    async with browserless.post("/faults", json={"key": "nonsense", "on": True}) as unknown:
        assert unknown.status == 400


async def test_stopping_ends_open_streams(room: Room, browserless: aiohttp.ClientSession) -> None:
    """A browser that looks on does not keep the demo from ending."""
    async with browserless.get("/live", params={"person": "U0ANN"}) as response:
        await next_parts(response.content)
        async with asyncio.timeout(3):
            await room.page.stop()
            assert await response.content.read() is not None


async def test_a_long_channel_is_sent_by_its_newest_messages(room: Room) -> None:
    """A week of demo does not slow the browser down: old messages and their threads stay behind."""
    roots = [room.posts(f"message {number}") for number in range(NEWEST_MESSAGES + 3)]
    room.posts("an old reply", thread_ts=roots[0].ts)
    room.posts("a new reply", thread_ts=roots[-1].ts)
    parts = Parts().fresh(room.workspace.snapshot("U0ANN"), [])
    prod = next(channel for channel in parts["channels"] if channel["name"] == "prod")
    assert [message["ts"] for message in prod["messages"]] == [root.ts for root in roots[3:]]
    assert list(prod["threads"]) == [roots[-1].ts]


async def test_an_unchanged_snapshot_sends_nothing(room: Room) -> None:
    """What was told once is not told again, although the time has moved on."""
    parts = Parts()
    assert parts.fresh(room.workspace.snapshot("U0ANN"), [])
    assert parts.fresh(room.workspace.snapshot("U0ANN"), []) == {}
