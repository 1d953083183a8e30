"""What can go wrong in the simulated workspace.

ApiError            the Web API's `{"ok": false, "error": …}`
GestureImpossible   a client would not let the person do that
"""

from bot.sandbox.slack.snapshot import Json


class ApiError(Exception):
    """A refusal of the Web API; `extra` is merged into the answer beside `error`."""

    def __init__(self, error: str, **extra: object) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra

    def body(self) -> Json:
        """The answer that carries this refusal."""
        return {"ok": False, "error": self.error, **self.extra}


class GestureImpossible(Exception):
    """A person tried what no Slack client would let that person do."""
