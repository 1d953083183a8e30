"""`users.*` and `usergroups.*`."""

from bot.sandbox.slack.calls import Call, page
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.snapshot import Json


def user_info(call: Call) -> Json:
    """`users.info`."""
    person = call.workspace.directory.people.get(call.arguments.required("user"))
    if person is None:
        raise ApiError("user_not_found")
    if person.is_hidden:
        raise ApiError("user_not_visible")
    return {"ok": True, "user": person.json(call.workspace.clock())}


def user_list(call: Call) -> Json:
    """`users.list`."""
    everybody = list(call.workspace.directory.people.values())
    rows, metadata = page(call, everybody, default=len(everybody), most=1000)
    now = call.workspace.clock()
    return {
        "ok": True,
        "members": [person.json(now) for person in rows],
        "cache_ts": int(now),
        "response_metadata": metadata,
    }


def group_list(call: Call) -> Json:
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


def group_members(call: Call) -> Json:
    """`usergroups.users.list`: a disabled group's members on request only."""
    call.workspace.directory.require_paid_plan()
    group = call.workspace.directory.groups.get(call.arguments.required("usergroup"))
    if group is None or (group.is_disabled and not call.arguments.flag("include_disabled")):
        raise ApiError("no_such_subteam")
    return {"ok": True, "users": list(group.users)}
