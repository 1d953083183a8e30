"""`auth.test` and `apps.connections.open`."""

from bot.sandbox.slack.calls import MethodCall
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.snapshot import Json


def auth_test(call: MethodCall) -> Json:
    """`auth.test`: who the bot token is."""
    app = call.workspace.app
    return {
        "ok": True,
        "url": f"https://{call.workspace.domain}.slack.com/",
        "team": call.workspace.name,
        "user": app.name,
        "team_id": call.workspace.team_id,
        "user_id": app.bot_user,
        "bot_id": app.bot_id,
        "app_id": app.id,
        "app_name": app.name,
        "is_enterprise_install": False,
        **({} if call.workspace.enterprise_id is None else {"enterprise_id": call.workspace.enterprise_id}),
    }


def open_connection(call: MethodCall) -> Json:
    """`apps.connections.open`: an address for one WebSocket."""
    if not call.workspace.app.socket_mode:
        raise ApiError("forbidden_team")
    return {"ok": True, "url": call.services.new_socket_url()}
