"""Cuts a snapshot into parts, so that a browser is sent only what has changed for it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.sandbox.slack.snapshot import ChannelView, Snapshot

Json = dict[str, Any]

NEWEST_MESSAGES = 200  # of a channel; what is older stays in the workspace, out of the browser


class Parts:
    """What one browser has been told so far."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def fresh(self, snapshot: Snapshot, faults: Iterable[Json]) -> Json:
        """What is new since the last call: top-level parts and whole channels; `{}` when nothing is.

        The time is none of them: it always changes.
        """
        rest: Mapping[str, Any] = {
            **{key: value for key, value in snapshot.items() if key not in ("channels", "now")},
            "channel_order": [channel["id"] for channel in snapshot["channels"]],
            "faults": list(faults),
        }
        fresh = {key: value for key, value in rest.items() if self._is_new(key, value)}
        channels = [_recent(channel) for channel in snapshot["channels"]]
        changed = [channel for channel in channels if self._is_new(f"channel:{channel['id']}", channel)]
        return fresh | {"channels": changed} if changed else fresh

    def _is_new(self, key: str, value: object) -> bool:
        text = json.dumps(value, separators=(",", ":"))
        if self._told.get(key) == text:
            return False
        self._told[key] = text
        return True


def _recent(channel: ChannelView) -> ChannelView:
    messages = channel["messages"][-NEWEST_MESSAGES:]
    roots = {message["thread_ts"] for message in messages}
    threads = {root: replies for root, replies in channel["threads"].items() if root in roots}
    return {**channel, "messages": messages, "threads": threads}
