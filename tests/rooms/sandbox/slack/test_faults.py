"""Faults on demand, as slack_sdk's client meets them."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.faults import Dropped, Held, Hung, RateLimited, Refused, ServerError, Slow


async def post(client: AsyncWebClient) -> Any:
    return await client.chat_postMessage(channel="C0PROD", text="x")


def texts(slack: SlackSandbox) -> list[str]:
    return [message.text for message in slack.messages("prod")]


async def test_too_fast_on_demand(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """429 with the wished Retry-After, once; nothing is posted by it."""
    slack.faults.add("chat.postMessage", RateLimited(retry_after=7))
    with pytest.raises(SlackApiError) as refused:
        await post(client)
    before = texts(slack)
    await post(client)

    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "7")
    assert (before, texts(slack)) == ([], ["x"])
    assert [call.status for call in slack.calls_of("chat.postMessage")] == [429, 200]


@pytest.mark.parametrize(("after_effect", "posted"), [(False, []), (True, ["x"])])
async def test_an_error_page(
    slack: SlackSandbox,
    client: AsyncWebClient,
    *,
    after_effect: bool,
    posted: list[str],
) -> None:
    """500 with HTML instead of JSON; the post may have happened."""
    slack.faults.add("chat.postMessage", ServerError(500, after_effect=after_effect))
    with pytest.raises(SlackApiError) as refused:
        await post(client)

    assert refused.value.response.status_code == 500
    assert refused.value.response.headers["Content-Type"].startswith("text/html")
    assert texts(slack) == posted


@pytest.mark.parametrize(("after_effect", "posted"), [(False, []), (True, ["x"])])
async def test_a_broken_connection(
    slack: SlackSandbox,
    client: AsyncWebClient,
    *,
    after_effect: bool,
    posted: list[str],
) -> None:
    """The client cannot tell whether the message stands."""
    slack.faults.add("chat.postMessage", Dropped(after_effect=after_effect))
    with pytest.raises(aiohttp.ClientError):
        await post(client)

    assert texts(slack) == posted


async def test_a_call_that_is_never_answered(slack: SlackSandbox) -> None:
    """It was carried out; the client's time-out ends it."""
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, timeout=1, retry_handlers=[])
    slack.faults.add("chat.postMessage", Hung())
    with pytest.raises(TimeoutError):
        await post(client)

    assert texts(slack) == ["x"]


async def test_a_call_that_arrives_late(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Nothing is done until it is let go."""
    arrived = asyncio.Event()

    def arrives(_: Arguments) -> bool:
        arrived.set()
        return True

    slack.faults.add("chat.postMessage", Held(), when=arrives)
    async with asyncio.TaskGroup() as group:
        group.create_task(post(client))
        await arrived.wait()
        assert texts(slack) == []
        slack.faults.clear()

    assert texts(slack) == ["x"]


async def test_a_slow_call(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """It is answered in the end."""
    slack.faults.add("chat.postMessage", Slow(0.01))

    assert (await post(client))["ok"]


async def test_faults_are_chosen_by_method_arguments_and_number(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """`when` looks at the arguments; `times` counts those that it took."""
    slack.faults.add(
        "chat.postMessage", Refused("internal_error"), times=1, when=lambda sent: sent.text("text") == "y"
    )
    first = await post(client)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0PROD", text="y")
    second = await client.chat_postMessage(channel="C0PROD", text="y")

    assert (first["ok"], refused.value.response["error"], second["ok"]) == (True, "internal_error", True)


async def test_the_sdks_own_retry_posts_twice(slack: SlackSandbox) -> None:
    """Why a client that writes takes no retry handlers: a dropped answer doubles the message."""
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    slack.faults.add("chat.postMessage", Dropped(after_effect=True))
    await post(client)

    assert texts(slack) == ["x", "x"]


async def test_an_uninstalled_app_has_dead_tokens(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """account_inactive for everything, until it is installed again."""
    slack.uninstall()
    with pytest.raises(SlackApiError) as refused:
        await client.auth_test()
    slack.faults.restore_tokens()

    assert refused.value.response["error"] == "account_inactive"
    assert (await client.auth_test())["ok"]


async def test_a_withdrawn_scope_is_missed(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """At the next call."""
    slack.faults.withdraw_scope("usergroups:read")
    with pytest.raises(SlackApiError) as refused:
        await client.usergroups_list()

    assert refused.value.response["needed"] == "usergroups:read"


async def test_response_urls_fail_on_demand(slack: SlackSandbox) -> None:
    """An error page, and a connection that breaks though the answer is shown."""
    typed = await slack.person("ann").types("C0PROD", "help")
    assert typed.payload is not None
    url = AsyncWebhookClient(typed.payload["response_url"], retry_handlers=[])
    slack.faults.add("response_url", ServerError(503))
    slack.faults.add("response_url", Dropped(after_effect=True))
    page = await url.send(text="unseen")
    with pytest.raises(aiohttp.ClientError):
        await url.send(text="seen")

    assert page.status_code == 503
    assert [message.text for message in slack.ephemerals("ann", "prod") if not message.is_notice] == ["seen"]
