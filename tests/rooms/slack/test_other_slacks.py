"""A Slack that answers otherwise than the sandbox does, and as its documents allow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.observability import Metrics
from bot.settings import PersonId
from bot.slack.delivery import History
from bot.slack.errors import GestureExpired
from bot.slack.gestures import ReplyTarget
from bot.slack.replies import Replies
from bot.slack.views.message import Message
from bot.slack.web_api import WebApi, Workspace, is_response_url
from bot.store import PostedMessage
from tests.support.clock import FakeClock

WORKSPACE = Workspace("T0ACME", None, bot_user_id="U0BOT", bot_id="B0BOT")
METADATA = {"event_type": "veeam_session", "event_payload": {"session_id": "s1"}}
SINCE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Slack:
    """Answers every call with `answer`, and every post to a response address with `status`."""

    answer: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    location: str = ""

    async def called(self, _request: web.Request) -> web.Response:
        return web.json_response(self.answer)

    async def addressed(self, request: web.Request) -> web.Response:
        self.heard.append(await request.json())
        return web.Response(status=self.status, headers={"Location": self.location} if self.location else {})


@asynccontextmanager
async def standing_in(slack: Slack) -> AsyncIterator[WebApi]:
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.called)
    app.router.add_post("/address", slack.addressed)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        slack.url = str(server.make_url("/address"))
        client = AsyncWebClient("xoxb-1", str(server.make_url("/api/")), session=session, retry_handlers=[])
        yield WebApi(client, session, clock=FakeClock(), metrics=Metrics())


@pytest.mark.parametrize(
    ("author", "is_own"),
    [
        ({}, True),
        ({"bot_id": "B0BOT", "user": "U0BOT"}, True),
        ({"user": "U0BOT"}, True),
        ({"bot_id": "B0OTHER"}, False),
        ({"bot_id": "B0OTHER", "user": "U0BOT"}, False),
        ({"user": "U0MALLORY"}, False),
    ],
)
async def test_whose_message_it_is(author: dict[str, str], *, is_own: bool) -> None:
    """A message of somebody else's is never taken for ours, whatever metadata it carries."""
    message = {"type": "message", "ts": "1.000001", "metadata": METADATA, **author}
    async with standing_in(Slack({"ok": True, "messages": [message]})) as client:
        found = await History(client, WORKSPACE).find("C1", METADATA, SINCE, None)
    assert found == (PostedMessage("C1", "1.000001") if is_own else None)


@pytest.mark.parametrize(("status", "is_taken"), [(200, True), (204, True), (404, False), (410, False)])
async def test_a_response_address_is_judged_by_its_status(status: int, *, is_taken: bool) -> None:
    """Every 2xx is a success."""
    slack = Slack(status=status)
    async with standing_in(slack) as client:
        if is_taken:
            await client.respond(slack.url, {"text": "Hello"})
        else:
            with pytest.raises(GestureExpired):
                await client.respond(slack.url, {"text": "Hello"})


async def test_a_response_address_leads_nowhere_else() -> None:
    """A redirect is not followed: what it leads to could be anybody's."""
    slack = Slack(status=307)
    async with standing_in(slack) as client:
        slack.location = slack.url
        with pytest.raises(GestureExpired):
            await client.respond(slack.url, {"text": "Hello"})
    assert len(slack.heard) == 1


@pytest.mark.parametrize(
    ("address", "is_slacks"),
    [
        ("https://hooks.slack.com/commands/T1/2/x", True),
        ("https://hooks.slack-gov.com/actions/T1/2/x", True),
        ("https://HOOKS.SLACK.COM:443/app/T1/2/x", True),
        ("https://slack.example.com/commands/T1/2/x", True),
        ("http://hooks.slack.com/commands/T1/2/x", False),
        ("http://slack.example.com/commands/T1/2/x", False),
        ("https://hooks.slack.com:8443/commands/T1/2/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://hooks.slack.com:x@evil.example/x", False),
        ("https://a@hooks.slack.com/x", False),
        ("https://evil.example/hooks.slack.com", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://evilhooks.slack.com/x", False),
        ("https://slack.com/x", False),
        ("https://evil.example\\@hooks.slack.com/x", False),
        ("https://hooks.slack.com\n.evil.example/x", False),
        ("https://hooks.slack\u3002com/x", False),
        ("https://127.0.0.1/x", False),
        ("https://[::1/x", False),
        ("https://hooks.slack.com:port/x", False),
        ("ftp://hooks.slack.com/x", False),
        ("file:///etc/passwd", False),
        ("hooks.slack.com/x", False),
        ("", False),
    ],
)
def test_which_addresses_are_slacks(address: str, *, is_slacks: bool) -> None:
    """Over TLS, on a host of Slack's or that of the Web API, without a user or a way to read it otherwise."""
    assert is_response_url(address, "https://slack.example.com/api/") is is_slacks


@pytest.mark.parametrize(
    ("address", "is_slacks"),
    [
        ("http://127.0.0.1:9/commands/T1/2/x", True),
        ("https://127.0.0.1:9/x", True),
        ("http://127.0.0.2:9/x", False),
        ("http://hooks.slack.com/x", False),
        ("https://hooks.slack.com/x", True),
    ],
)
def test_which_addresses_are_the_sandboxs(address: str, *, is_slacks: bool) -> None:
    """A Web API on this machine has its response addresses here as well, on whatever port."""
    assert is_response_url(address, "http://127.0.0.1:8080/api/") is is_slacks


@given(st.text(), st.sampled_from(["https://", "http://", "//", ""]))
def test_no_text_is_taken_for_an_address_of_slack(text: str, scheme: str) -> None:
    """Whatever stands there, reading it does not break; what passes leads to Slack."""
    address = f"{scheme}{text}"
    if is_response_url(address, "https://slack.com/api/"):
        assert URL(address).host in {"hooks.slack.com", "hooks.slack-gov.com", "slack.com"}


async def test_what_a_response_address_is_given() -> None:
    """Nothing is sent to it that Slack does not document."""
    slack = Slack()
    async with standing_in(slack) as client:
        place = ReplyTarget(PersonId("U1"), "C1", slack.url)
        await Replies(client, FakeClock()).post_ephemeral(place, Message("Hello"))
    assert set(slack.heard[0]) == {
        "text",
        "blocks",
        "response_type",
        "replace_original",
        "unfurl_links",
        "unfurl_media",
    }
