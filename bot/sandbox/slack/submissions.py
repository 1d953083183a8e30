"""What an app may answer to a modal's Submit and to typing in a menu, and what the client makes of it."""

from collections.abc import Callable
from typing import Any

from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.validation.objects import OPTION, OPTION_GROUP
from bot.sandbox.slack.validation.shapes import Report, listing
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.sandbox.slack.views import View, Views

_OPTIONS = listing(OPTION, 100, least=0)
_GROUPS = listing(OPTION_GROUP, 100, least=0)


class AnswerRefused(Exception):
    """The app's answer made no sense; the client shows a general failure."""


def follow(views: Views, view: View, body: Any) -> dict[str, str]:
    """Do what the app answered, which is nothing or an object; returns the errors to show, by block."""
    match body:
        case None:
            views.close(view)
        case {"response_action": "clear"}:
            views.drop(view.person)
        case {"response_action": "errors"}:
            return _show_errors(views, view, body.get("errors"))
        case {"response_action": "update"}:
            _change(lambda: views.update(view, _content(body)))
        case {"response_action": "push"}:
            _change(lambda: views.push(view.person, _content(body)))
        case {}:
            _close_unless_said(views, view, body)
        case _:
            raise AnswerRefused(f"not an answer to a submission: {body!r}")
    return {}


def _close_unless_said(views: Views, view: View, body: Json) -> None:
    if body:
        raise AnswerRefused(f"not an answer to a submission: {body!r}")
    views.close(view)


def _change(change: Callable[[], View]) -> None:
    try:
        change()
    except ApiError as error:
        raise AnswerRefused(error.error) from error


def _show_errors(views: Views, view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise AnswerRefused(f"errors must be keyed by the block_id of inputs: {errors!r}")
    views.complain(view, {str(block_id): str(text) for block_id, text in errors.items()})
    return dict(view.errors)


def _content(body: Json) -> Json:
    content = body.get("view")
    problems = view_problems(content, "modal")
    if problems or not isinstance(content, dict):
        raise AnswerRefused("; ".join(problems))
    return content


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
