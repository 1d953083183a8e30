"""Which sessions are asked for, and what each one is to a backup team. Pure."""

from collections.abc import Collection, Iterable

from bot.settings import RouteSettings
from bot.veeam import SESSION_TYPES, JobId, Revision, Session, SessionGroup, session_group

NAMED_ONLY = frozenset({SessionGroup.SECURITY, SessionGroup.RESTORE, SessionGroup.FAILOVER})
"""Groups that are told only where a route names their types."""

# Types that 1.3-rev0 would refuse in a filter; a revision that knows one of them knows all.
_NEWER = frozenset({"fileinstantrecovery", "fileinstantrecoverymigration"})
_MARK_OF_NEWER = "BackupCopyJob"
_NO_ID = "00000000-0000-0000-0000-000000000000"


def group_of(session: Session, job_ids: Collection[JobId] = ()) -> SessionGroup:
    """Return what a session is; an unknown type is a job run where its job is one of these, else noise."""
    return session_group(session.session_type, job_id=session.job_id, job_ids=job_ids)


def is_child(session: Session) -> bool:
    """Whether the session is a part of another one, as copy and agent jobs have them."""
    return session.parent_session_id not in {None, "", _NO_ID, session.id}


def asked_types(revision: Revision, routes: Iterable[RouteSettings]) -> tuple[str, ...]:
    """Return the session types to ask a server for: job runs, log backups, and what routes name beside them.

    Job types that routes name are not session types, and are left out.
    """
    spelt = {name.casefold(): name for group in NAMED_ONLY for name in SESSION_TYPES[group]}
    named = {word.casefold() for route in routes for word in route.types} & spelt.keys()
    if _MARK_OF_NEWER not in revision.job_run_types:
        named -= _NEWER
    return (*revision.job_run_types, *revision.log_backup_types, *sorted(spelt[word] for word in named))
