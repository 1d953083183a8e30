"""`views.*`."""

import json

from bot.sandbox.slack.arguments import invalid_arguments
from bot.sandbox.slack.calls import MethodCall
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.sandbox.slack.views import View

SIZE_LIMIT_BYTES = 250_000


def open_(call: MethodCall) -> Json:
    """`views.open`: within three seconds of the gesture, and once for it."""
    content = _content(call, "modal")
    trigger = call.workspace.tickets.exchange(call.arguments.required("trigger_id"))
    return _answer(call, call.workspace.views.open(trigger.person, content))


def push(call: MethodCall) -> Json:
    """`views.push`: only from a gesture inside the open modal."""
    content = _content(call, "modal")
    trigger = call.workspace.tickets.exchange(call.arguments.required("trigger_id"))
    if trigger.view_id is None:
        raise ApiError("invalid_trigger_id")
    if not any(view.id == trigger.view_id for view in call.workspace.views.stack(trigger.person)):
        raise ApiError("not_found")
    return _answer(call, call.workspace.views.push(trigger.person, content))


def update(call: MethodCall) -> Json:
    """`views.update` by `view_id` or `external_id`; with a `hash`, only of the view as it was seen."""
    view_id, external_id = call.arguments.text("view_id"), call.arguments.text("external_id")
    if bool(view_id) == bool(external_id):
        raise invalid_arguments("must provide either view_id or external_id")
    views = call.workspace.views
    view = views.get(view_id) if view_id else views.by_external_id(external_id)
    if view is None:
        raise ApiError("not_found")
    content = _content(call, "home" if view.is_home else "modal")
    return _answer(call, views.update(view, content, call.arguments.text("hash") or None))


def publish(call: MethodCall) -> Json:
    """`views.publish` of somebody's Home."""
    person = call.workspace.directory.people.get(call.arguments.required("user_id"))
    content = _content(call, "home")
    if person is None or not person.may_act:
        raise invalid_arguments("invalid `user_id` [json-pointer:/user_id]")
    if not call.workspace.app.home_enabled:
        raise ApiError("not_enabled")
    view = call.workspace.views.publish(person.id, content, call.arguments.text("hash") or None)
    return _answer(call, view)


def _content(call: MethodCall, kind: str) -> Json:
    view = call.arguments.structure("view", "invalid_arguments")
    if view is None:
        raise invalid_arguments("missing required field: view")
    problems = view_problems(view, kind)
    if problems:
        raise invalid_arguments(*problems)
    if len(json.dumps(view).encode()) > SIZE_LIMIT_BYTES:
        raise ApiError("view_too_large")
    return dict(view)


def _answer(call: MethodCall, view: View) -> Json:
    return {"ok": True, "view": view.json(call.workspace.app, call.workspace.team_id)}
