"""What Socket Mode and HTTP mode have in common: a payload goes out, an answer comes back or doesn't."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bot.sandbox.slack.snapshot import Json

ACK_SECONDS = 3.0
Kind = Literal["slash_commands", "interactive", "events_api"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a delivery ended; `body` is the acknowledgement's payload, None when it had none."""

    outcome: Literal["acked", "operation_timeout", "dispatch_failed"]
    body: Any = None
    retry_reason: str = ""  # for events: why it is delivered again
    may_retry: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which delivery of an event this is; 0 is the first."""

    number: int = 0
    reason: str = ""


FIRST = Attempt()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery on record."""

    kind: Kind
    payload: Json
    attempt: Attempt
    answer: Answer
    at: float


class Transport(Protocol):
    """A way to the app."""

    async def deliver(self, kind: Kind, payload: Json, attempt: Attempt = FIRST) -> Answer:
        """Send one payload and wait three seconds for its acknowledgement."""
