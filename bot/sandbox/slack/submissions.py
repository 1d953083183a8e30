"""What an app may answer to a modal's Submit, and what the client makes of it."""

from typing import Any

from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.sandbox.slack.views import View, Views


class AnswerRefused(Exception):
    """The app's answer made no sense; the client shows a general failure."""


def follow(views: Views, view: View, body: Any) -> dict[str, str]:
    """Do what the app answered; returns the errors it wants shown, by block."""
    match body:
        case None | {}:
            if not body:
                views.close(view)
                return {}
            return _follow(views, view, body)
        case _:
            raise AnswerRefused(f"not an answer to a submission: {body!r}")


def _follow(views: Views, view: View, body: Json) -> dict[str, str]:
    match body.get("response_action"):
        case "clear":
            views.drop(view.person)
        case "errors":
            return _show_errors(views, view, body.get("errors"))
        case "update":
            views.update(view, _content(body))
        case "push":
            try:
                views.push(view.person, _content(body))
            except ApiError as error:
                raise AnswerRefused(error.error) from error
        case other:
            raise AnswerRefused(f"unknown response_action {other!r}")
    return {}


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
