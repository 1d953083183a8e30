"""An app that speaks Socket Mode by hand, so that it can misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from bot.sandbox.slack import SlackSandbox


class RawSocket:
    """One WebSocket of an app; nothing is acknowledged unless a test says so."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self.socket.receive_json(timeout=5)
        return frame

    async def acknowledge(self, envelope: dict[str, Any], **more: Any) -> None:
        await self.socket.send_json({"envelope_id": envelope["envelope_id"], **more})

    async def is_closed_by_slack(self) -> bool:
        return (await self.socket.receive(timeout=5)).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)


async def open_url(slack: SlackSandbox, session: ClientSession) -> str:
    """A fresh address for a WebSocket."""
    headers = {"Authorization": f"Bearer {slack.app_token}"}
    async with session.post(f"{slack.api_url}apps.connections.open", headers=headers) as response:
        answer = await response.json()
    return str(answer["url"])


@asynccontextmanager
async def raw_socket(slack: SlackSandbox) -> AsyncIterator[RawSocket]:
    """A connection whose hello was read."""
    async with ClientSession() as session, session.ws_connect(await open_url(slack, session)) as socket:
        raw = RawSocket(socket)
        assert (await raw.receive())["type"] == "hello"
        yield raw


@asynccontextmanager
async def answering(slack: SlackSandbox, *payloads: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """An app that acknowledges everything, with these payloads in turn; yields what it has received."""
    received: list[dict[str, Any]] = []
    waiting = list(payloads)

    async def serve(raw: RawSocket) -> None:
        while True:
            envelope = await raw.receive()
            received.append(envelope)
            payload = waiting.pop(0) if waiting and envelope["accepts_response_payload"] else None
            await raw.acknowledge(envelope, **({} if payload is None else {"payload": payload}))

    async with raw_socket(slack) as raw, asyncio.TaskGroup() as group:
        task = group.create_task(serve(raw))
        yield received
        task.cancel()
