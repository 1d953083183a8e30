"""Whom a message would notify: mrkdwn and rich text, read as Slack reads them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.snapshot import Json

_TOKEN = re.compile(
    r"<(?:@(?P<user>[UW][A-Z0-9]+)|!subteam\^(?P<group>S[A-Z0-9]+)|!(?P<broadcast>here|channel|everyone))"
    r"(?:\|[^>]*)?>"
)
_NAME = re.compile(r"(?<![\w@<|])@([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_BROADCASTS = frozenset({"here", "channel", "everyone"})


@dataclass(frozen=True, slots=True)
class Notified:
    """People, user groups and broadcasts that a message names."""

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    broadcasts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.users or self.groups or self.broadcasts)

    def __or__(self, other: "Notified") -> "Notified":
        return Notified(
            self.users | other.users, self.groups | other.groups, self.broadcasts | other.broadcasts
        )


def notified(
    text: str,
    blocks: Sequence[Json] = (),
    attachments: Sequence[Json] = (),
    *,
    names: Mapping[str, str] | None = None,
) -> Notified:
    """Whom a message names in its text, its blocks and its attachments.

    `names` (name or handle without "@", to an ID) is given where the call said `link_names` or `parse: full`.
    """
    found = _in_mrkdwn(text, names)
    for node in _text_nodes([*blocks, *attachments]):
        found |= _in_node(node, names)
    return found


def _text_nodes(node: Any) -> Iterator[Json]:
    if isinstance(node, list):
        for each in node:
            yield from _text_nodes(each)
    elif isinstance(node, dict):
        yield node
        for key, each in node.items():
            if key != "metadata":
                yield from _text_nodes(each)


def _in_node(node: Json, names: Mapping[str, str] | None) -> Notified:
    match node:
        case {"type": "mrkdwn", "text": str(text)}:
            return _in_mrkdwn(text, names)
        case {"type": "user", "user_id": str(user)}:
            return Notified(users=frozenset({user}))
        case {"type": "usergroup", "usergroup_id": str(group)}:
            return Notified(groups=frozenset({group}))
        case {"type": "broadcast", "range": str(reach)}:
            return Notified(broadcasts=frozenset({reach}))
        case {"fallback": _} | {"color": _}:
            parts = (node.get(key, "") for key in ("pretext", "text", "title"))
            return _in_mrkdwn(" ".join(part for part in parts if isinstance(part, str)), names)
    return Notified()


def _in_mrkdwn(text: str, names: Mapping[str, str] | None) -> Notified:
    users: set[str] = set()
    groups: set[str] = set()
    broadcasts: set[str] = set()
    for token in _TOKEN.finditer(text):
        users.update(filter(None, [token["user"]]))
        groups.update(filter(None, [token["group"]]))
        broadcasts.update(filter(None, [token["broadcast"]]))
    for name in _NAME.findall(_TOKEN.sub(" ", text)) if names is not None else ():
        if name.lower() in _BROADCASTS:
            broadcasts.add(name.lower())
        elif (known := (names or {}).get(name.lower())) is not None:
            (groups if known.startswith("S") else users).add(known)
    return Notified(frozenset(users), frozenset(groups), frozenset(broadcasts))
