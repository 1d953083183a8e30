"""What a gesture came to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.snapshot import Json, ResultView, Shown

Again = Callable[[], Awaitable["Result"]]


@dataclass(frozen=True, slots=True)
class Result:
    """What the person's client shows, and what went over the wire for it.

    `payload` is None when the client sent nothing: a kept input, a denied confirmation, a form it refused.
    """

    shown: Shown = "ok"
    text: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    options: list[Json] = field(default_factory=list)
    opened_url: str | None = None
    confirm: Json | None = None  # the confirmation dialog that was shown
    payload: Json | None = None
    ack: Any = None
    again: Again | None = None

    async def redeliver(self) -> "Result":
        """Let Slack deliver the same payload once more; the client shows what comes of it."""
        if self.again is None:
            raise ValueError("nothing was delivered")
        return await self.again()

    def json(self) -> ResultView:
        """The result for an onlooker."""
        return {
            "shown": self.shown,
            "text": self.text,
            "errors": self.errors,
            "options": self.options,
            "opened_url": self.opened_url,
        }
