"""Why a session is told, or is not. Pure; each reason has a name, for the log and for whoever asks."""

from enum import StrEnum

from bot.veeam import Result, Session, SessionGroup
from bot.watch.classify import is_child


class Ignored(StrEnum):
    """Why a session is nobody's news."""

    HOUSEKEEPING = "housekeeping"
    LOG_BACKUP_WELL = "log_backup_well"  # they run all the time; their failures are told
    PART_WELL = "part_well"  # a part of another session, which is told itself


class Told(StrEnum):
    """Why a channel is told a session."""

    ROUTE = "route"
    DEFAULT_CHANNEL = "default_channel"


class Untold(StrEnum):
    """Why nobody is told a session that might have been told."""

    NO_ROUTE = "no_route"
    OWN_ACTION = "own_action"  # started from the very channel whose route is silent about that


def reason_to_ignore(session: Session, group: SessionGroup, *, is_asked_for: bool = False) -> Ignored | None:
    """Return why nobody is to be told this session, whatever the routes say; None when they decide.

    `is_asked_for`: a route names its very type.
    A part of another session is told only when it went wrong: an immediate copy's parent may never end, so
    that its parts are the only ones to speak of a failure.
    """
    if group is SessionGroup.HOUSEKEEPING and not is_asked_for:
        return Ignored.HOUSEKEEPING
    if group is SessionGroup.LOG_BACKUP and session.outcome is not Result.FAILED:
        return Ignored.LOG_BACKUP_WELL
    if is_child(session) and session.outcome in {Result.SUCCESS, Result.NONE}:
        return Ignored.PART_WELL
    return None
