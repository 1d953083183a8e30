"""What Slack hands out with a gesture: trigger IDs for one view, and response URLs for five answers."""

import secrets
from dataclasses import dataclass

from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.feed import Clock
from bot.sandbox.slack.messages import Message

TRIGGER_SECONDS = 3
RESPONSE_SECONDS = 30 * 60
RESPONSE_USES = 5


@dataclass(slots=True)
class Trigger:
    """The right to open one view for one person; from inside a modal it may push as well."""

    person: str
    issued_at: float
    view_id: str | None = None  # the modal in which the gesture was made
    is_used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """The right to answer a gesture without a token."""

    person: str
    channel: str
    issued_at: float
    origin: Message | None = None  # the message that held the button
    command: str | None = None  # the line as it was typed
    uses: int = 0
    is_command_shown: bool = False


class ResponseUrlSpent(Exception):
    """`expired_url` or `used_url`."""


class Tickets:
    """All trigger IDs and response URLs that were handed out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def new_trigger(self, person: str, view_id: str | None = None) -> str:
        """A trigger ID for a gesture of this person."""
        now = self._clock()
        trigger_id = f"{round(now * 1000)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(person, now, view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use up a trigger ID; `ApiError` when it is unknown, used, or older than three seconds."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.is_used:
            raise ApiError("exchanged_trigger_id")
        if self._clock() - trigger.issued_at > TRIGGER_SECONDS:
            raise ApiError("expired_trigger_id")
        trigger.is_used = True
        return trigger

    def new_response(
        self, person: str, channel: str, origin: Message | None = None, command: str | None = None
    ) -> str:
        """The path of a fresh response URL."""
        path = f"{secrets.randbelow(10**12)}/{secrets.token_urlsafe(18)}"
        self._responses[path] = ResponseUrl(person, channel, self._clock(), origin, command)
        return path

    def respond(self, path: str) -> ResponseUrl:
        """Use a response URL once; `ResponseUrlSpent` when it is unknown, too old or used up."""
        response = self._responses.get(path)
        if response is None or self._clock() - response.issued_at > RESPONSE_SECONDS:
            raise ResponseUrlSpent("expired_url")
        if response.uses >= RESPONSE_USES:
            raise ResponseUrlSpent("used_url")
        response.uses += 1
        return response

    def response(self, path: str) -> ResponseUrl:
        """A response URL, without using it."""
        return self._responses[path]
