"""HTTP mode: the sandbox as Slack, with slack_bolt's own web application at the other end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox, default_workspace
from bot.sandbox.slack.http_mode import signature

BUTTON: dict[str, Any] = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
}
VECTOR = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


@asynccontextmanager
async def served(application: web.Application, path: str = "/slack/events") -> AsyncIterator[str]:
    """The address of an application, served inside the block."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answering_by(
    slack: SlackSandbox, handler: Callable[[web.Request], Awaitable[web.Response]]
) -> AsyncIterator[None]:
    """An app made of one handler, reached by HTTP."""
    application = web.Application()
    application.router.add_post("/slack/events", handler)
    async with served(application) as url:
        slack.configure_http(url)
        yield


@pytest.fixture
async def live() -> AsyncIterator[SlackSandbox]:
    """By the real clock: Bolt compares the timestamps with its own."""
    async with SlackSandbox(default_workspace()) as sandbox:
        yield sandbox


def test_the_signature_is_slacks() -> None:
    """The example of Slack's documentation."""
    signed = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", VECTOR)

    assert signed == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_bolt_hears_commands_buttons_and_events(live: SlackSandbox) -> None:
    """Each in its own format, each signed so that Bolt takes it."""
    heard = []
    client = AsyncWebClient(live.bot_token, base_url=live.api_url)
    app = AsyncApp(name="app", client=client, signing_secret=live.signing_secret)

    @app.command("/veeam")
    async def command(ack: Any, command: dict[str, Any]) -> None:
        await ack(text=f"you said {command['text']}", blocks=[BUTTON])

    @app.action("go")
    async def action(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        await respond(text=f"gone, {body['user']['name']}", replace_original=True)

    @app.event("app_home_opened")
    async def event(event: dict[str, Any]) -> None:
        heard.append(event["user"])

    async with served(app.web_app("/slack/events")) as url:
        live.configure_http(url)
        typed = await live.person("ann").types("C0PROD", "help")
        (message,) = live.ephemerals("ann", "prod")
        pressed = await live.person("ann").presses(message, "Go")
        await live.wait_until(lambda: message.text == "gone, ann")
        await live.person("ole").opens_home()
        await live.wait_until(lambda: live.deliveries[-1].kind == "events_api")
        verified, checked = await live.http_mode.verify_url(), await live.http_mode.ssl_check()

    assert (typed.shown, pressed.shown, heard) == ("ok", "ok", ["U0OLE"])
    assert (verified, checked) == (True, True)


async def test_a_wrong_secret_is_a_failed_dispatch(live: SlackSandbox) -> None:
    """Bolt answers 401; the person reads dispatch_failed."""
    client = AsyncWebClient(live.bot_token, base_url=live.api_url)
    app = AsyncApp(name="app", client=client, signing_secret="another")

    async with served(app.web_app("/slack/events")) as url:
        live.configure_http(url)
        result = await live.person("ann").types("C0PROD", "help")

    assert result.shown == "dispatch_failed"


async def test_nobody_listening_is_a_failed_dispatch(slack: SlackSandbox) -> None:
    """A refused connection."""
    slack.configure_http("http://127.0.0.1:9/slack/events")

    assert (await slack.person("ann").types("C0PROD", "help")).shown == "dispatch_failed"


async def test_three_seconds_without_an_answer_are_a_time_out(slack: SlackSandbox, clock: Any) -> None:
    """The person reads operation_timeout, whatever the app does afterwards."""
    arrived, done = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        arrived.set()
        await done.wait()
        return web.Response()

    async with answering_by(slack, slow), asyncio.TaskGroup() as group:
        typed = group.create_task(slack.person("ann").types("C0PROD", "help"))
        await arrived.wait()
        clock.move(3)
        result = await typed
        done.set()

    assert result.shown == "operation_timeout"


async def test_formats(slack: SlackSandbox) -> None:
    """A command is a flat form; an interaction is a form with `payload`; an event is JSON."""
    seen: list[tuple[str, set[str]]] = []

    async def hear(request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            seen.append((request.content_type, set(await request.json())))
        else:
            seen.append((request.content_type, set(parse_qs((await request.read()).decode()))))
        return web.Response()

    async with answering_by(slack, hear):
        await slack.person("ann").types("C0PROD", "jobs failed")
        await slack.person("ann").shortcut("veeam_jobs")
        await slack.person("ann").opens_home()
        await slack.wait_until(lambda: len(slack.deliveries) == 3)

    form = "application/x-www-form-urlencoded"
    assert [kind for kind, _keys in seen] == [form, form, "application/json"]
    assert "command" in seen[0][1]
    assert seen[1][1] == {"payload"}
    assert {"event", "event_id", "authorizations"} <= seen[2][1]


async def test_events_come_again_with_headers(slack: SlackSandbox, clock: Any) -> None:
    """Three times more, each saying which and why."""
    seen: list[tuple[str | None, str | None]] = []

    async def fail(request: web.Request) -> web.Response:
        seen.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=500)

    async with answering_by(slack, fail):
        await slack.person("ann").opens_home()
        await slack.wait_until(lambda: len(slack.deliveries) == 2)
        clock.move(60)
        await slack.wait_until(lambda: len(slack.deliveries) == 3)
        clock.move(300)
        await slack.wait_until(lambda: len(slack.deliveries) == 4)

    assert seen == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]


async def test_an_app_can_ask_for_no_retry(slack: SlackSandbox, clock: Any) -> None:
    """x-slack-no-retry: 1 ends it."""

    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"x-slack-no-retry": "1"})

    async with answering_by(slack, fail):
        await slack.person("ann").opens_home()
        await slack.wait_until(lambda: slack.deliveries)
        clock.move(600)
        await slack.person("ann").opens_home()
        await slack.wait_until(lambda: len(slack.deliveries) == 2)

    assert [delivery.attempt.number for delivery in slack.deliveries] == [0, 0]
