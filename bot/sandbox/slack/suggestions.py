"""What an app may answer to somebody typing in an external menu."""

from typing import Any

from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.validation.objects import OPTION, OPTION_GROUP
from bot.sandbox.slack.validation.shapes import Report, listing

_OPTIONS = listing(OPTION, 100, least=0)
_GROUPS = listing(OPTION_GROUP, 100, least=0)


def offered(body: Any) -> list[Json] | None:
    """The options that the menu shows, groups flattened; None when the answer is not one."""
    report = Report()
    match body:
        case {"options": list(options), **rest} if not rest:
            _OPTIONS(options, "/options", report)
        case {"option_groups": list(groups), **rest} if not rest:
            _GROUPS(groups, "/option_groups", report)
            options = [] if report.problems else [each for group in groups for each in group["options"]]
        case _:
            return None
    return None if report.problems else list(options)
