"""`users.info` and `usergroups.list`."""

from bot.sandbox.slack.calls import MethodCall
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.snapshot import Json


def user_info(call: MethodCall) -> Json:
    """`users.info`."""
    asked = call.arguments.required("user")
    people = call.workspace.directory.people
    # On Enterprise Grid Slack takes either of a person's IDs.
    person = people.get(asked) or next((one for one in people.values() if one.global_id == asked), None)
    if person is None:
        raise ApiError("user_not_found")
    if person.is_hidden:
        raise ApiError("user_not_visible")
    return {"ok": True, "user": person.json(call.workspace.clock())}


def group_list(call: MethodCall) -> Json:
    """`usergroups.list`: all in one answer, unpaged; members, number and disabled ones on request."""
    directory, arguments = call.workspace.directory, call.arguments
    directory.require_paid_plan()
    return {
        "ok": True,
        "usergroups": [
            group.json(users=arguments.flag("include_users"), count=arguments.flag("include_count"))
            for group in directory.groups.values()
            if arguments.flag("include_disabled") or not group.is_disabled
        ],
    }
