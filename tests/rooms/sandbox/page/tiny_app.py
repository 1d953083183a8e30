"""An app of a few lines that speaks Socket Mode and the Web API to a simulated Slack."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot.sandbox.slack import SlackSandbox

Json = dict[str, Any]
Answer = Callable[["TinyApp", Json], Awaitable[Json | None]]


class TinyApp:
    """Acknowledges whatever comes with what `answer` gives back."""

    def __init__(self, slack: SlackSandbox, session: aiohttp.ClientSession, answer: Answer) -> None:
        self._slack = slack
        self._session = session
        self._answer = answer
        self.heard: list[Json] = []

    async def call(self, method: str, *, token: str | None = None, **arguments: Any) -> Json:
        """Call the Web API; a refusal fails the test."""
        bearer = {"Authorization": f"Bearer {token or self._slack.bot_token}"}
        address = f"{self._slack.api_url}{method}"
        async with self._session.post(address, json=arguments, headers=bearer) as response:
            answer: Json = await response.json()
        assert answer["ok"], answer
        return answer

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            envelope = message.json()
            if "envelope_id" not in envelope:
                continue
            self.heard.append(envelope["payload"])
            payload = await self._answer(self, envelope["payload"])
            answered = {"payload": payload} if payload is not None else {}
            await socket.send_json({"envelope_id": envelope["envelope_id"], **answered})


@asynccontextmanager
async def tiny_app(slack: SlackSandbox, answer: Answer) -> AsyncIterator[TinyApp]:
    """The app, connected."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        app = TinyApp(slack, session, answer)
        opened = await app.call("apps.connections.open", token=slack.app_token)
        async with session.ws_connect(opened["url"]) as socket:
            listening = group.create_task(app.listen(socket))
            await slack.wait_until(lambda: slack.socket_mode.connections)
            yield app
            listening.cancel()
