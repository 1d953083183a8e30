"""Which sessions are asked for, and what each one is to a backup team. Pure."""

from collections.abc import Collection, Iterable

from bot.settings import RouteSettings
from bot.veeam import SESSION_TYPES, JobId, Revision, Session, SessionGroup, session_group

NAMED_ONLY = frozenset(
    {SessionGroup.SECURITY, SessionGroup.RESTORE, SessionGroup.FAILOVER, SessionGroup.HOUSEKEEPING}
)
"""Groups that are told only where a route names their types."""

# Types that an older revision would refuse in a filter, by a job run's type that is as new as they are.
_NEWER = {
    "BackupCopyJob": frozenset(
        {"fileinstantrecovery", "fileinstantrecoverymigration", "agentoperationpurgecache"}
    ),
    "PlatformBackupJob": frozenset({"platformservicejob", "agentmanagement", "haswitchover"}),
}
_NAMED = frozenset(name.casefold() for names in SESSION_TYPES.values() for name in names)
_NO_ID = "00000000-0000-0000-0000-000000000000"


def group_of(session: Session, job_ids: Collection[JobId] = ()) -> SessionGroup:
    """Return what a session is; an unknown type is a job run where its job is one of these, else noise."""
    return session_group(session.session_type, job_id=session.job_id, job_ids=job_ids)


def is_strange(session: Session) -> bool:
    """Whether no document that we know names the session's type."""
    return session.session_type.casefold() not in _NAMED


def is_child(session: Session) -> bool:
    """Whether the session is a part of another one, as copy and agent jobs have them."""
    return session.parent_session_id not in {None, "", _NO_ID, session.id}


def asked_types(revision: Revision, routes: Iterable[RouteSettings]) -> tuple[str, ...]:
    """Return the session types to ask a server for: job runs, log backups, and what routes name beside them.

    Job types that routes name are not session types, and are left out.
    """
    spelt = {name.casefold(): name for group in NAMED_ONLY for name in SESSION_TYPES[group]}
    named = {word.casefold() for route in routes for word in route.types} & spelt.keys()
    for mark, newer in _NEWER.items():
        if mark not in revision.job_run_types:
            named -= newer
    return (*revision.job_run_types, *revision.log_backup_types, *sorted(spelt[word] for word in named))
