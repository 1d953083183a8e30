"""Reads that an answer can do without: one that fails is left out, and the answer names what is missing.

What is missing is noted for the gesture that the task around it serves (`noting_missing`), however deep
below; outside of one it is logged alone.
"""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import structlog

from bot.settings import ServerName
from bot.veeam.errors import VeeamError
from bot.veeam.limits import in_time

T = TypeVar("T")
U = TypeVar("U")

log = structlog.get_logger()


class Detail(StrEnum):
    """What can be missing from an answer."""

    JOB_STATES = "job_states"
    JOB_SETTINGS = "job_settings"
    OTHER_JOBS = "other_jobs"
    CHAINED_JOBS = "chained_jobs"
    JOB_OF_SESSION = "job_of_session"
    SESSIONS = "sessions"
    RUNNING_SESSIONS = "running_sessions"
    LAST_SUCCESS = "last_success"
    FAILURE_REASON = "failure_reason"
    OBJECTS = "objects"
    INVENTORY = "inventory"
    VSPHERE_MACHINES = "vsphere_machines"
    OTHER_MACHINES = "other_machines"
    COMPUTERS = "computers"
    LOG = "log"
    RESTORE_POINTS = "restore_points"
    REPOSITORIES = "repositories"
    SCALE_OUT_REPOSITORIES = "scale_out_repositories"
    CREDENTIALS = "credentials"
    TENANTS = "tenants"
    DATA_SERVERS = "data_servers"
    SERVER_TIME = "server_time"
    SERVER_INFO = "server_info"


@dataclass(frozen=True, slots=True)
class MissingDetail:
    """What a server did not say, and why."""

    server: ServerName
    what: Detail
    error: VeeamError


_Noted = dict[tuple[ServerName, Detail], MissingDetail]
_noted: ContextVar[_Noted | None] = ContextVar("missing_details", default=None)


@contextmanager
def noting_missing() -> Iterator[_Noted]:
    """Note what is missing until the block ends, in tasks started there too: each detail once a server.

    A block around it has it noted then, too.
    """
    noted: _Noted = {}
    around = _noted.get()
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)
        if around is not None:
            around.update(noted | around)


def is_noting_missing() -> bool:
    """Whether what is missing will be named in an answer."""
    return _noted.get() is not None


def note_missing(what: Detail, error: VeeamError) -> None:
    """Note that a server did not say this."""
    noted = _noted.get()
    if noted is None or (error.server, what) not in noted:
        log.warning("veeam.detail_missing", server=error.server, detail=what, error=str(error))
    if noted is not None:
        noted.setdefault((error.server, what), MissingDetail(error.server, what, error))


async def detail(what: Detail, server: ServerName, read: Awaitable[T], otherwise: U) -> T | U:
    """Return what the server says; `otherwise`, and a note, where it fails or takes too long."""
    try:
        return await in_time(server, read)
    except VeeamError as error:
        note_missing(what, error)
    return otherwise
