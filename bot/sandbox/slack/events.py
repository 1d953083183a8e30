"""The Events API: what the app subscribed to goes out, and comes again until it is acknowledged."""

import asyncio
from collections.abc import Callable

from bot.sandbox.slack.faults import SlackFaults
from bot.sandbox.slack.feed import set_within
from bot.sandbox.slack.payloads import Payloads
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.transport import FIRST, Answer, Attempt, Delivery, Kind, Transport
from bot.sandbox.slack.workspace import Workspace

RETRY_AFTER_SECONDS = (0.0, 60.0, 300.0)
_SCOPES = {
    "subteam_": "usergroups:read",
    "user_change": "users:read",
    "channel_": "channels:read",
    "group_": "groups:read",
    "member_": "channels:read",
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
}
_FAMILIES = {"channel": "channels", "group": "groups", "im": "im"}


class Deliveries:
    """Everything that is sent to the app, by whichever transport it uses."""

    def __init__(
        self,
        workspace: Workspace,
        payloads: Payloads,
        faults: SlackFaults,
        transport: Callable[[], Transport],
        group: asyncio.TaskGroup,
    ) -> None:
        self._workspace = workspace
        self._payloads = payloads
        self._faults = faults
        self._transport = transport
        self._group = group
        self._held: list[Json] = []
        self._running: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self.record: list[Delivery] = []

    async def send(self, kind: Kind, payload: Json, attempt: Attempt = FIRST) -> Answer:
        """Deliver once and put it on record."""
        answer = await self._transport().deliver(kind, payload, attempt)
        self.record.append(Delivery(kind, payload, attempt, answer, self._workspace.clock()))
        self._workspace.feed.wake()
        return answer

    def emit(self, event: Json) -> None:
        """Deliver an event if the app subscribed to it and has its scope."""
        if not self._is_wanted(_subscription(event)):
            return
        payload = self._payloads.event(event)
        if self._faults.reorder_events > 0:
            self._faults.reorder_events -= 1
            self._held.append(payload)
            return
        self._start(payload)
        if self._faults.duplicate_events > 0:
            self._faults.duplicate_events -= 1
            self._start(payload)
        while self._held:
            self._start(self._held.pop())

    async def close(self) -> None:
        """Stop every redelivery."""
        self._closing.set()
        for task in tuple(self._running):
            task.cancel()

    def _is_wanted(self, kind: str) -> bool:
        app = self._workspace.app
        needed = next((scope for start, scope in _SCOPES.items() if kind.startswith(start)), None)
        if kind == "channel_id_changed":
            needed = None
        return kind in app.events and (needed is None or needed in app.scopes)

    def _start(self, payload: Json) -> None:
        task = self._group.create_task(self._deliver(payload))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, payload: Json) -> None:
        answer = await self.send("events_api", payload)
        for number, delay in enumerate(RETRY_AFTER_SECONDS, start=1):
            if answer.outcome == "acked" or not answer.may_retry:
                return
            if await set_within(self._closing, self._workspace.clock, delay):
                return
            answer = await self.send("events_api", payload, Attempt(number, answer.retry_reason))


def _subscription(event: Json) -> str:
    """What an app subscribes to for an event: messages by the type of their channel."""
    kind = str(event["type"])
    return f"message.{_FAMILIES[event['channel_type']]}" if kind == "message" else kind
