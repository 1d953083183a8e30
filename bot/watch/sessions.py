"""Which session types are polled, what each session is to a backup team, and which ones are ignored. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.settings import RouteSettings
from bot.veeam import (
    FAILURES_ONLY,
    SESSION_TYPES,
    JobId,
    Result,
    Revision,
    Session,
    SessionGroup,
    names_before_machine,
    run_name,
    session_group,
)

NAMED_ONLY = frozenset(
    {SessionGroup.SECURITY, SessionGroup.RESTORE, SessionGroup.FAILOVER, SessionGroup.HOUSEKEEPING}
)
"""Groups that are announced only where a route names their types."""

_POLLED = (SessionGroup.JOB_RUN, *sorted(FAILURES_ONLY))
_NAMEABLE = (*sorted(NAMED_ONLY), SessionGroup.TIERING)
_DOCUMENTED = frozenset(name.casefold() for names in SESSION_TYPES.values() for name in names)
_OFFLOAD = re.compile(r".+ offload\Z", re.IGNORECASE | re.DOTALL)
_OF_AGENTS = ("agent", "endpoint")


class IgnoreReason(StrEnum):
    """Why a session is never announced; for the log."""

    HOUSEKEEPING = "housekeeping"
    NOT_NAMED = "not_named"  # restores and the like: announced where a route names their types
    LOG_BACKUP_WELL = "log_backup_well"  # they run all the time; only their failures are announced
    TIERING_WELL = "tiering_well"  # offloads and upkeep after runs: only their failures are announced
    PART_WELL = "part_well"  # commands to agents: the run that they serve says how it went
    PART_UNDECIDED = "part_undecided"  # a part without a verdict: its parent says how it went


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that ended and was not seen before; the moment is on the server's clock."""

    session: Session
    group: SessionGroup
    ended_at: datetime

    @property
    def result(self) -> str:
        """VBR's word for the result."""
        return self.session.result_word


def group_of(session: Session, job_ids: Collection[JobId] = ()) -> SessionGroup:
    """Return what a session is; an unknown type is a job run if its job is known, else housekeeping."""
    return session_group(session.session_type, job_id=session.job_id, job_ids=job_ids)


def is_undocumented(session: Session) -> bool:
    """Whether none of Veeam's documents that we know names the session's type."""
    return session.session_type.casefold() not in _DOCUMENTED


def is_offload(session: Session) -> bool:
    """Whether a session of no job is a scale-out repository's offload, by its name.

    They come as `BackupJob`: `REPOSITORY Offload` and `JOB Offload`.
    """
    return _OFFLOAD.fullmatch(run_name(session.name)) is not None


def names_of_job(session: Session) -> tuple[str, ...]:
    """Return the names that the job of a session may have, by its own name alone, the likeliest first."""
    whole = run_name(session.name)
    copy, backslash, _ = whole.partition("\\")
    is_of_agents = session.session_type.casefold().startswith(_OF_AGENTS)
    shorter = names_before_machine(whole) if session.part_of is not None or is_of_agents else ()
    return (whole, *((copy,) if backslash else ()), *shorter)


def polled_types(revision: Revision, routes: Iterable[RouteSettings]) -> tuple[str, ...]:
    """Return the session types to look at: job runs and what serves them, and those that routes name."""
    always = (name for group in _POLLED for name in revision.session_types[group])
    return tuple(dict.fromkeys((*always, *named_types(revision, routes))))


def named_types(revision: Revision, routes: Iterable[RouteSettings]) -> tuple[str, ...]:
    """Return the session types that routes name beside those of job runs. Job types are left out."""
    spelt = {name.casefold(): name for group in _NAMEABLE for name in revision.session_types[group]}
    named = {word.casefold() for route in routes for word in route.types} & spelt.keys()
    return tuple(spelt[word] for word in sorted(named))


def reason_to_ignore(session: Session, group: SessionGroup, *, is_named: bool = False) -> IgnoreReason | None:
    """Return why a session is not announced, whatever the routes say; None when they decide.

    `is_named`: a route names its very type.
    """
    if group is SessionGroup.HOUSEKEEPING and not is_named:
        return IgnoreReason.HOUSEKEEPING
    if group in NAMED_ONLY and not is_named:
        return IgnoreReason.NOT_NAMED
    if group is SessionGroup.TIERING and session.outcome is not Result.FAILED and not is_named:
        return IgnoreReason.TIERING_WELL
    if group is SessionGroup.PART and session.outcome is not Result.FAILED:
        return IgnoreReason.PART_WELL
    if group is SessionGroup.LOG_BACKUP and session.outcome is not Result.FAILED:
        return IgnoreReason.LOG_BACKUP_WELL
    if session.part_of is not None and session.outcome is Result.NONE:
        return IgnoreReason.PART_UNDECIDED
    return None
