"""The Web API's arguments: query string, form or JSON, all three read alike."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.snapshot import Json


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments of one call; a form's strings and JSON's values give the same answers."""

    values: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether the argument was sent, be it empty."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """The argument as text; empty when it was not sent."""
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return str(value)
        raise invalid_arguments(f"must be a string [json-pointer:/{name}]")

    def required(self, name: str) -> str:
        """The argument as text; `invalid_arguments` when it is missing or empty."""
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """The argument as a boolean: true, "true", 1 and "1" are true."""
        return self.text(name).lower() in ("true", "1")

    def limit(self, default: int, most: int) -> int:
        """`limit`, at least 1; `invalid_limit` outside of what the method takes."""
        if not self.text("limit") or self.text("limit") == "0":
            return default
        try:
            limit = int(self.text("limit"))
        except ValueError:
            raise ApiError("invalid_limit") from None
        if not 1 <= limit <= most:
            raise ApiError("invalid_limit")
        return limit

    def structure(self, name: str, error: str) -> Any:
        """An argument that is JSON, be it as a form's text; `error` when it cannot be read."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError(error) from None


def invalid_arguments(*messages: str) -> ApiError:
    """`invalid_arguments`, saying what and where."""
    return ApiError(
        "invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}" for message in messages]}
    )


async def read_arguments(request: web.Request, *, takes_json: bool) -> Arguments:
    """The call's arguments; JSON is ignored by methods that do not take it, as Slack does."""
    values: Json = dict(request.query)
    warnings: tuple[str, ...] = ()
    body = await request.read()
    if request.method == "POST" and body:
        match request.content_type:
            case "application/json":
                sent = _json_object(body)
                values |= sent if takes_json else {}
                warnings = () if request.charset else ("missing_charset",)
            case "application/x-www-form-urlencoded" | "multipart/form-data":
                values |= {
                    key: value for key, value in (await request.post()).items() if isinstance(value, str)
                }
            case "application/octet-stream":
                raise ApiError("missing_post_type")
            case _:
                raise ApiError("invalid_post_type")
    return Arguments(values, warnings)


def _json_object(body: bytes) -> Json:
    try:
        sent = json.loads(body)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(sent, dict):
        raise ApiError("json_not_object")
    return sent
