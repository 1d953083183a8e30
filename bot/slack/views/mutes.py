"""What is muted, in a line, with the button that ends it."""

from datetime import datetime

from bot.operations.actions.mute import jobs_in_words
from bot.operations.mutes import MuteView
from bot.slack.text import date, dotted, literal, mention
from bot.slack.views import status_text
from bot.slack.views.buttons import request_control, with_control
from bot.slack.views.message import MessagePart
from bot.store import Mute

_COMMENT_LIMIT = 80


def muted_line(view: MuteView) -> MessagePart:
    """A mute with Unmute, for those who may."""
    mute, control = view.mute, None
    if view.unmute is not None:
        control = request_control(view.unmute, name=_name(mute), server=mute.server)
    return with_control(dotted(status_text.job_name(_name(mute), mute.server), in_words(mute)), control)


def in_words(mute: Mute) -> str:
    """Until when, by whom, and why."""
    comment = f": {literal(mute.comment, _COMMENT_LIMIT)}" if mute.comment else ""
    return f"{muted_by(mute.person_id, mute.until, until_success=mute.until_success)}{comment}"


def muted_by(person: str, until: datetime, *, until_success: bool, is_of_server: bool = False) -> str:
    """Until when, by whom, and what: a job, or its server."""
    what = "server muted" if is_of_server else "muted"
    success = "it succeeds, at most until " if until_success else ""
    return f"{what} until {success}{date(until)} by {mention(person)}"


def _name(mute: Mute) -> str:
    return mute.job_name if mute.job_name is not None else jobs_in_words(mute.pattern)
