"""Which operation a request means: paths matched against templates, literal segments before placeholders."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from bot.sandbox.vbr.call import Operation
from bot.sandbox.vbr.refusals import Refusal, unknown_path


@dataclass(frozen=True)
class Match:
    """An operation and the values of its template's placeholders."""

    operation: Operation
    path: dict[str, str]


class Paths:
    """All operations of a server."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._entries = sorted(
            ((operation.template.split("/"), operation) for operation in operations),
            key=lambda entry: [segment.startswith("{") for segment in entry[0]],
        )

    def find(self, method: str, raw_path: str) -> Match:
        """Tell the operation; raises a 404 for an unknown path and a 405 for the wrong method."""
        segments = raw_path.split("/")
        template: list[str] | None = None
        for pattern, operation in self._entries:
            values = _values(pattern, segments)
            if values is None or (template is not None and pattern != template):
                continue
            if operation.method == method:
                return Match(operation, values)
            template = pattern
        if template is not None:
            raise Refusal(405, "MethodNotAllowed", f"The method {method} is not allowed for this path.")
        raise unknown_path(unquote(raw_path))


def _values(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    values = {}
    for expected, found in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not found:
                return None
            values[expected[1:-1]] = unquote(found)
        elif expected != found:
            return None
    return values
