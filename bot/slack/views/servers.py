"""The servers, and whether they answer."""

from bot.operations.queries.servers import ListServers, ServersAnswer, ServerView
from bot.settings import PersonId
from bot.slack.text import date, literal, strong
from bot.slack.views import signs
from bot.slack.views.buttons import controls, share_control
from bot.slack.views.errors import explain
from bot.slack.views.message import NOTHING, Message, Part, as_of, compose, heading, paragraph


def servers(answer: ServersAnswer, *, shared_by: PersonId | None = None) -> Message:
    """Each server with its build, its clock and its last good poll, or why it doesn't answer."""
    rows = [_server(view) for view in answer.servers]
    only = answer.servers[0].server if len(answer.servers) == 1 else None
    tail = [
        paragraph("There are no servers that you may see.") if not rows else NOTHING,
        as_of(answer.as_of, shared_by),
        controls([share_control(ListServers(only))]) if shared_by is None else NOTHING,
    ]
    return compose([heading("Servers")], rows, tail, noun="server", plural="servers")


def _server(view: ServerView) -> Part:
    polled = f"Last read {date(view.last_poll_at)}" if view.last_poll_at else "Not read since the bot started"
    if view.error is not None:
        explained = explain(view.error)
        return paragraph(f"{signs.FAILED} {explained.happened}", explained.advice, polled)
    took = "" if view.answered_in_ms is None else f" in {view.answered_in_ms:,} ms"
    return paragraph(
        f"{signs.SUCCESS} {strong(view.server)} answers{took}",
        _build(view),
        _clock(view),
        polled,
        signs.lacks(view.product, view.unsupported),
    )


def _build(view: ServerView) -> str:
    if view.info is None:
        return ""
    named = f"{literal(view.info.name)}, " if view.info.name else ""
    return f"{named}VBR {literal(view.info.build_version)}" if view.info.build_version else named.rstrip(", ")


def _clock(view: ServerView) -> str:
    if view.time is None:
        return ""
    zone = f" · {literal(view.time.time_zone)}" if view.time.time_zone else ""
    return f"Its clock: {date(view.time.server_time)}{zone}"
