"""What is muted, in a line, with the button that ends it."""

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
    success = "it succeeds, at most until " if mute.until_success else ""
    comment = f": {literal(mute.comment, _COMMENT_LIMIT)}" if mute.comment else ""
    return f"muted until {success}{date(mute.until)} by {mention(mute.person_id)}{comment}"


def _name(mute: Mute) -> str:
    return mute.job_name if mute.job_name is not None else jobs_in_words(mute.pattern)
