"""What stands in Slack's channels, and a sender that posts to them as the delivery does, and may die."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from bot.observability import Clock
from bot.slack.unrecorded import UnrecordedMessages
from bot.slack.views.announcements import announcement, identity
from bot.slack.web_api import WebApi, Workspace
from bot.store import Database, Outbox, OutboxRow, Placement, PostedMessage
from bot.watch.facts import Announcement, ExpectationOver, RunEnded, StormBegan, decode

LEASE = 60.0
MOMENTS = ("claimed", "begun", "posted", "marked")
"""Where a sender may die: around each of its steps."""


class Died(BaseException):
    """The process was killed here."""


@dataclass(frozen=True)
class Posted:
    """A message as its readers see it first; `thread_ts` is that of the root it replies to."""

    row: OutboxRow
    said: Announcement
    metadata: Mapping[str, Any]
    ts: str
    thread_ts: str | None
    at: datetime

    @property
    def place(self) -> tuple[str, str | None]:
        return self.row.channel, self.thread_ts


class Channels:
    """Every message that was ever posted, how each was last drawn again, and when it said that it is over."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.posted: list[Posted] = []
        self.edits: dict[tuple[str, str], Announcement] = {}
        self.over: dict[tuple[str, str], datetime] = {}

    async def read(self, method: str, where: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer `conversations.history`, newest first, or `conversations.replies`."""
        thread_ts = where.get("ts") if method == "conversations.replies" else None
        found = [
            each
            for each in self.posted
            if each.row.channel == where["channel"]
            and each.ts > where["oldest"]
            and each.thread_ts == thread_ts
        ]
        messages = [
            {
                "ts": each.ts,
                "thread_ts": each.thread_ts,
                "metadata": each.metadata,
                "bot_id": "B0BOT",
                "blocks": announcement(self.shown(each), each.row.key).blocks,
            }
            for each in reversed(found)
        ]
        return {"messages": messages}

    def shown(self, each: Posted) -> Announcement:
        """What a message says by now."""
        return self.edits.get((each.row.channel, each.ts), each.said)

    def said(self) -> Iterator[tuple[OutboxRow, Announcement]]:
        """Everything that was posted, with its row."""
        return ((each.row, each.said) for each in self.posted)


class Sender:
    """One process's delivery."""

    def __init__(self, holder: str, database: Database, clock: Clock, channels: Channels) -> None:
        self._holder = holder
        self._outbox = Outbox(database)
        self._clock = clock
        self._channels = channels
        # It asks Slack for nothing but to read.
        slack = cast("WebApi", channels)
        self._unrecorded = UnrecordedMessages(
            slack, Workspace("T0", None, "U0BOT", "B0BOT"), self._outbox, clock
        )

    async def put_off(self) -> None:
        """Slack answers 429 to whatever is due."""
        for row in await self._outbox.claim(self._holder, self._clock.now(), LEASE, 5):
            await self._outbox.put_off(row.id, self._clock.now() + timedelta(seconds=30), "429")

    async def send(self, dies: str | None = None, *, loses_replies: bool = False) -> int:
        """Send what is due, and perhaps die at the first row. Returns how many rows were taken."""
        outbox, now = self._outbox, self._clock.now()
        await outbox.bring_forward(now, 600 + LEASE)
        rows = await outbox.claim(self._holder, now, LEASE, 5)
        for row in rows:
            _die_if(dies == "claimed")
            said = decode(row.body)
            metadata = announcement(said, row.key).metadata or {}
            posted = await self._find(row, said, metadata)
            if posted is None and await self._is_told_in_storm(row, said):
                await outbox.park(row.id, "told in a storm", now)
                continue
            if posted is None:
                if not await outbox.began(row.id, self._holder, now, LEASE):
                    continue
                _die_if(dies == "begun")
                posted = self._post(row, said, metadata)
                _die_if(dies == "posted")
                if loses_replies:
                    await outbox.put_off(row.id, now, "the reply was lost", is_unclear=True)
                    continue
            await outbox.sent(row.id, posted, now)
            _die_if(dies == "marked")
        return len(rows)

    async def _find(
        self, row: OutboxRow, said: Announcement, metadata: Mapping[str, Any]
    ) -> PostedMessage | None:
        if row.placement is Placement.EDIT:
            return None
        if row.attempted_at is None:
            found = await self._unrecorded.find(row, metadata)
            if found is None and isinstance(said, StormBegan):
                storm = said.storm
                found = await self._unrecorded.find_storm(
                    row, storm.servers, storm.first_ended_at, storm.last_ended_at
                )
            return found
        place = (row.channel, _thread_of(row))
        alike = (
            each
            for each in self._channels.posted
            if each.place == place and identity(each.metadata) == identity(metadata)
        )
        return next((PostedMessage(row.channel, each.ts) for each in alike), None)

    async def _is_told_in_storm(self, row: OutboxRow, said: Announcement) -> bool:
        if not isinstance(said, RunEnded) or not said.run.last.is_failed or row.attempted_at is not None:
            return False
        ended_at = said.run.first.ended_at
        return await self._unrecorded.find_storm(row, [said.run.server], ended_at, ended_at) is not None

    def _post(self, row: OutboxRow, said: Announcement, metadata: Mapping[str, Any]) -> PostedMessage:
        channels = self._channels
        if row.placement is Placement.EDIT:
            assert row.root is not None
            channels.edits[row.channel, row.root.ts] = said
            if isinstance(said, ExpectationOver):
                channels.over.setdefault((row.channel, row.root.ts), channels.clock.now())
            return row.root
        ts = f"{1_800_000_000 + len(channels.posted)}.000000"
        channels.posted.append(Posted(row, said, metadata, ts, _thread_of(row), channels.clock.now()))
        return PostedMessage(row.channel, ts)


def _thread_of(row: OutboxRow) -> str | None:
    return row.root.ts if row.root is not None and row.placement is not Placement.POST else None


def _die_if(condition: bool) -> None:  # noqa: FBT001 -- reads as a sentence
    if condition:
        raise Died
