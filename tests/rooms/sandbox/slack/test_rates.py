"""Slack's pace, with a clock that the test moves."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox


async def post(client: AsyncWebClient, channel: str = "C0PROD") -> str:
    """The word ok, or the Retry-After of a 429."""
    try:
        await client.chat_postMessage(channel=channel, text="hello")
    except SlackApiError as error:
        answer = error.response
        return str(answer.headers["Retry-After"] if answer.status_code == 429 else answer["error"])
    return "ok"


async def test_one_message_a_second_in_a_channel_after_a_short_burst(
    slack: SlackSandbox, client: AsyncWebClient, clock: Any
) -> None:
    """Five at once pass, then one a second; another channel and other methods are not held up."""
    burst = [await post(client) for _ in range(6)]
    elsewhere = await post(client, "C0BACKUPS")
    info = await client.users_info(user="U0ANN")
    clock.move(1.0)
    after = [await post(client) for _ in range(2)]

    assert burst == ["ok"] * 5 + ["1"]
    assert (elsewhere, info["ok"], after) == ("ok", True, ["ok", "1"])
    assert len(slack.messages("prod")) == 6


@pytest.mark.parametrize(
    ("method", "arguments", "per_minute"),
    [
        ("usergroups.list", {}, 20),
        ("conversations.info", {"channel": "C0PROD"}, 50),
        ("conversations.history", {"channel": "C0PROD"}, 50),
        ("users.info", {"user": "U0ANN"}, 100),
    ],
)
async def test_a_tier_is_a_sliding_minute(
    client: AsyncWebClient, clock: Any, method: str, arguments: dict[str, str], per_minute: int
) -> None:
    """So many calls pass; Retry-After tells when the oldest of them leaves the minute."""
    for _ in range(per_minute):
        await client.api_call(method, data=arguments)
    clock.move(20.5)
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, data=arguments)
    clock.move(40)
    again = await client.api_call(method, data=arguments)

    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "40")
    assert again["ok"]


async def test_pace_can_be_lifted(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """For tests about something else."""
    slack.rates.is_on = False

    assert [await post(client) for _ in range(20)] == ["ok"] * 20
