"""This bot's messages that stand in Slack, and that the database does not know.

There are some after an older backup of the database was restored: what was posted since then would be posted
again. So each channel, and each thread that was there before, is read once before something is posted to it,
from the newest message on that the database knows. Usually that is one short page.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.observability import Clock
from bot.slack import errors
from bot.slack.views.actions import ACTION
from bot.slack.views.announcements import identity
from bot.slack.web_api import WebApi, Workspace
from bot.store import Outbox, OutboxRow, Placement, PostedMessage
from bot.watch.runs import storm_key

_PAGE = 200
_MOST_MESSAGES = 5000
"""So many are looked at in a channel or thread, newest first, whatever the size of Slack's pages."""
_MOST_PLACES = 5000
_LOOKED_AT_WITHIN = timedelta(hours=2)
"""So soon after the start repositories and jobs have been looked at again."""

log = structlog.get_logger()

Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Storm:
    """A message about many failures: of these servers, which ended between these moments."""

    storm_id: str
    ts: str
    servers: frozenset[str]
    first: datetime
    last: datetime


@dataclass(slots=True)
class _Place:
    """A channel, or a thread in it: what was found there, and how far it is read."""

    storms: list[_Storm] = field(default_factory=list)
    unmet: dict[Identity, str] = field(default_factory=dict)
    """What is not as expected by messages that stand so, whenever it began."""
    read_at: datetime | None = None
    posted: dict[Identity, str] = field(default_factory=dict)
    newest_ts: str = ""
    cursor: str = ""
    looked_at: int = 0
    is_read: bool = False
    is_judged: bool = False


class UnrecordedMessages:
    """Finds the messages of this bot that the database does not know, by the metadata they carry."""

    def __init__(self, web_api: WebApi, workspace: Workspace, outbox: Outbox, clock: Clock) -> None:
        self._web_api = web_api
        self._own_ids = {workspace.bot_id, workspace.bot_user_id}
        self._outbox = outbox
        self._clock = clock
        self._known: dict[str, PostedMessage] = {}
        self._places: dict[tuple[str, str], _Place] = {}
        self._unreadable: set[str] = set()

    async def find(self, row: OutboxRow, metadata: Mapping[str, Any]) -> PostedMessage | None:
        """Return the message that a row would post a second time, None when there is none.

        Raises `StoreError`, and `SlackError`: the next call goes on where this one was broken off.
        """
        known = await self._newest_known(row.channel)
        # A person's ID: nothing was ever sent there, as far as is known.
        if row.channel in self._unreadable or known.channel.startswith(("U", "W")):
            return None
        try:
            place = await self._read(known, "")
            if row.root is not None and row.placement is not Placement.POST:
                if row.root.ts > max(place.newest_ts, known.ts):
                    return None  # a thread that this process began
                place = await self._read(known, row.root.ts)
        except errors.CredentialsRejected:
            raise
        except (errors.ChannelUnavailable, errors.MessageGone):
            return None  # posting says so itself, if it matters to that
        except errors.SlackRefused as error:
            log.error("history.refused", channel=row.channel, problem=str(error))
            self._unreadable.add(row.channel)
            return None
        await self._judge(place, row.channel, known)
        before = await self._unmet_before(place, metadata, known.channel)
        ts = place.posted.get(identity(metadata)) or before
        return None if ts is None else PostedMessage(known.channel, ts)

    async def _unmet_before(self, place: _Place, metadata: Mapping[str, Any], channel: str) -> str | None:
        """The message that says the same is not as expected, since another moment: when it was looked at.

        Each is found once, and soon after the start: later it is news. So it is where the database knows the
        message, which may be over by now.
        """
        about = _unmet(metadata)
        ts = None if about is None else place.unmet.pop(about, None)
        is_start = place.read_at is not None and self._clock.now() - place.read_at < _LOOKED_AT_WITHIN
        is_lost = ts is not None and is_start and await self._outbox.at(PostedMessage(channel, ts)) is None
        return ts if is_lost else None

    async def find_storm(
        self, row: OutboxRow, servers: Collection[str], first: datetime, last: datetime
    ) -> PostedMessage | None:
        """Return the message in the row's channel about failures of such a server in that time.

        Its metadata does not list them: all failures of its time count. Raises as `find`.
        """
        known = await self._newest_known(row.channel)
        place = self._places.get((known.channel, ""))
        storms = () if place is None else place.storms
        for each in storms:
            is_about = not each.servers.isdisjoint(servers) and each.first <= last and each.last >= first
            # One that the database knows was not lost with it: it lists its failures.
            if is_about and not await self._outbox.is_known(storm_key(each.storm_id)):
                return PostedMessage(known.channel, each.ts)
        return None

    async def _newest_known(self, channel: str) -> PostedMessage:
        if channel not in self._known:
            newest = await self._outbox.newest_known(channel)
            self._known[channel] = newest or PostedMessage(channel, "0")
        return self._known[channel]

    async def _judge(self, place: _Place, channel: str, known: PostedMessage) -> None:
        """If an older database was restored, keep where the unknown messages begin: newer ones follow soon.

        A process that was killed leaves no more of them than messages whose sending it had begun.
        """
        if place.is_judged:
            return
        unknown = len(place.posted)
        if unknown > await self._outbox.in_doubt(channel):
            await self._outbox.note_restored(channel, known, self._clock.now())
            log.warning("delivery.database_restored", channel=channel, messages=unknown)
        place.is_judged = True

    async def _read(self, known: PostedMessage, thread_ts: str) -> _Place:
        """Read what came after a message: a channel's roots, newest first, or a thread's replies."""
        key = (known.channel, thread_ts)
        place = self._places.setdefault(key, _Place())
        place.read_at = place.read_at or self._clock.now()
        if len(self._places) > _MOST_PLACES:
            del self._places[next(iter(self._places))]
        where: dict[str, Any] = {
            "channel": known.channel,
            "oldest": known.ts,
            "include_all_metadata": True,
            "limit": _PAGE,
        }
        method = "conversations.history"
        if thread_ts:
            method, where["ts"] = "conversations.replies", thread_ts
        while not place.is_read:
            answer = await self._web_api.read(
                method, where | ({"cursor": place.cursor} if place.cursor else {})
            )
            messages = answer.get("messages") or ()
            for item in messages:
                self._take(place, item, thread_ts)
            place.looked_at += len(messages)
            place.cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            place.is_read = not place.cursor or place.looked_at >= _MOST_MESSAGES
        return place

    def _take(self, place: _Place, item: Mapping[str, Any], thread_ts: str) -> None:
        ts, author = str(item.get("ts", "")), item.get("bot_id") or item.get("user")
        place.newest_ts = max(place.newest_ts, ts)
        is_root = item.get("thread_ts") in {None, ts}
        metadata = item.get("metadata")
        if not metadata or is_root is bool(thread_ts) or (author and author not in self._own_ids):
            return
        if not _is_of_an_action(metadata):
            place.posted.setdefault(identity(metadata), ts)
        if (storm := _storm(metadata, ts)) is not None:
            place.storms.append(storm)
        # Once it is over, the message has no buttons any more.
        if (unmet := _unmet(metadata)) is not None and _has_buttons(item):
            place.unmet.setdefault(unmet, ts)


def _storm(metadata: Mapping[str, Any], ts: str) -> _Storm | None:
    match metadata:
        case {
            "event_type": "veeam_storm",
            "event_payload": {
                "storm_id": str(storm_id),
                "servers": list(servers),
                "first_ended_at": str(first),
                "last_ended_at": str(last),
            },
        }:
            try:
                return _Storm(
                    storm_id,
                    ts,
                    frozenset(map(str, servers)),
                    datetime.fromisoformat(first),
                    datetime.fromisoformat(last),
                )
            except ValueError:
                return None
    return None


def _unmet(metadata: Mapping[str, Any]) -> Identity | None:
    """What is not as expected by a message, without since when; None for any other message."""
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if kind != "veeam_expectation" or not isinstance(payload, dict):
        return None
    return identity({"event_type": kind, "event_payload": {**payload, "since": None}})


def _has_buttons(item: Mapping[str, Any]) -> bool:
    blocks = item.get("blocks") or ()
    return any(isinstance(block, dict) and block.get("type") == "actions" for block in blocks)


def _is_of_an_action(metadata: Mapping[str, Any]) -> bool:
    """Whether it answers somebody's action, which is posted at once, without the outbox."""
    payload = metadata.get("event_payload")
    return isinstance(payload, dict) and str(payload.get("announcement")).startswith(ACTION)
