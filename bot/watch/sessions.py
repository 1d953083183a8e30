"""Which session types are polled, what each session is to a backup team, and which ones are ignored. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.settings import RouteSettings
from bot.veeam import SESSION_TYPES, JobId, Result, Revision, Session, SessionGroup, session_group

NAMED_ONLY = frozenset(
    {SessionGroup.SECURITY, SessionGroup.RESTORE, SessionGroup.FAILOVER, SessionGroup.HOUSEKEEPING}
)
"""Groups that are announced only where a route names their types."""

# Types that an older revision would refuse in a filter, by a job run's type that is as new as they are.
_NEWER = {
    "BackupCopyJob": frozenset(
        {"fileinstantrecovery", "fileinstantrecoverymigration", "agentoperationpurgecache"}
    ),
    "PlatformBackupJob": frozenset({"platformservicejob", "agentmanagement", "haswitchover"}),
}
_DOCUMENTED = frozenset(name.casefold() for names in SESSION_TYPES.values() for name in names)
_NO_ID = "00000000-0000-0000-0000-000000000000"


class IgnoreReason(StrEnum):
    """Why a session is never announced; for the log."""

    HOUSEKEEPING = "housekeeping"
    LOG_BACKUP_WELL = "log_backup_well"  # they run all the time; only their failures are announced
    PART_WELL = "part_well"  # a part of another session, which is announced itself


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that ended and was not seen before; the moment is on the server's clock."""

    session: Session
    group: SessionGroup
    ended_at: datetime

    @property
    def result(self) -> str:
        """VBR's word for the result."""
        result = self.session.result
        return (result and result.result) or Result.NONE.value


def group_of(session: Session, job_ids: Collection[JobId] = ()) -> SessionGroup:
    """Return what a session is; an unknown type is a job run if its job is known, else housekeeping."""
    return session_group(session.session_type, job_id=session.job_id, job_ids=job_ids)


def is_undocumented(session: Session) -> bool:
    """Whether none of Veeam's documents that we know names the session's type."""
    return session.session_type.casefold() not in _DOCUMENTED


def is_child(session: Session) -> bool:
    """Whether the session is a part of another one, as copy and agent jobs have them."""
    return session.parent_session_id not in {None, "", _NO_ID, session.id}


def polled_types(revision: Revision, routes: Iterable[RouteSettings]) -> tuple[str, ...]:
    """Return the session types to ask a server for: job runs, log backups, and the types that routes name.

    Job types that routes name are not session types, and are left out.
    """
    spelt = {name.casefold(): name for group in NAMED_ONLY for name in SESSION_TYPES[group]}
    named = {word.casefold() for route in routes for word in route.types} & spelt.keys()
    for mark, newer in _NEWER.items():
        if mark not in revision.job_run_types:
            named -= newer
    return (*revision.job_run_types, *revision.log_backup_types, *sorted(spelt[word] for word in named))


def reason_to_ignore(
    session: Session, group: SessionGroup, *, is_polled: bool = False
) -> IgnoreReason | None:
    """Return why a session is not announced, whatever the routes say; None when they decide.

    `is_polled`: its very type is asked for, because it is a job run's or a route names it.
    A part of another session is announced only when it went wrong: an immediate copy's parent may never end,
    so nothing else would report a failure.
    """
    if group is SessionGroup.HOUSEKEEPING and not is_polled:
        return IgnoreReason.HOUSEKEEPING
    if group is SessionGroup.LOG_BACKUP and session.outcome is not Result.FAILED:
        return IgnoreReason.LOG_BACKUP_WELL
    if is_child(session) and session.outcome in {Result.SUCCESS, Result.NONE}:
        return IgnoreReason.PART_WELL
    return None
