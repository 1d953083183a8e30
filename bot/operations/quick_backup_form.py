"""Which job a quick backup will run through: VBR decides, and takes the one with the newest restore point.

The API names restore points by the part of a session that made them (`restorePointId` of a task session), so
the newest is looked for there. A task session tells its machine by name alone: of two machines of one name
it may be the other's.
"""

import asyncio
from collections.abc import Iterable

from bot.operations.asking import Asking
from bot.operations.forms import NewestPoint, QuickBackupForm
from bot.operations.lately import Lately
from bot.operations.lookup import told_name_filter
from bot.operations.machines import FoundMachine
from bot.operations.repositories import repository_of
from bot.operations.requests import KnownMachine, QuickBackupRequest, Step
from bot.operations.seen import JobViews
from bot.veeam import (
    AllTaskSessionsQuery,
    Fleet,
    JobState,
    RepositoryState,
    Result,
    TaskSession,
    VeeamError,
    VeeamServer,
)

_LOOKED_AT = 50
_LOOKED_FOR_SECONDS = 15.0
"""A server with a long history may take minutes: the form does not wait for a forecast."""
_BACKUP = "Backup"
_MADE_ONE = frozenset({Result.SUCCESS, Result.WARNING})


class QuickBackupForms:
    """Reads what the form of a quick backup says. Raises `VeeamError` and `StoreError`."""

    def __init__(self, fleet: Fleet, views: JobViews, lately: Lately) -> None:
        self._fleet = fleet
        self._views = views
        self._lately = lately

    async def of(self, asking: Asking, found: FoundMachine) -> QuickBackupForm:
        """Return the machine, and the job that it will run through as far as VBR shows it."""
        machine, server = found.machine, self._fleet.server(found.server)
        known = KnownMachine(found.server, machine.host_name, machine.object_id or "")
        newest: NewestPoint | None = None
        repository: RepositoryState | None = None
        point = await _newest_point(server, machine.name)
        state = await _job_of(server, point) if point is not None else None
        if point is not None and point.creation_time is not None and state is not None:
            newest = NewestPoint(point.creation_time, self._views.of(asking, found.server, state))
            repository = await repository_of(server, state)
        return QuickBackupForm(
            request=QuickBackupRequest(known, Step.FILL),
            server=found.server,
            machine_name=machine.name,
            host_name=machine.host_name,
            newest=newest,
            repository=repository,
            lately=await self._lately.on_machine(asking, found.server, detail_of(found)),
        )


def detail_of(found: FoundMachine) -> str:
    """Return what stands on record of a quick backup of this machine."""
    return f"machine {found.machine.name}"


async def _newest_point(server: VeeamServer, machine_name: str) -> TaskSession | None:
    query = AllTaskSessionsQuery(
        name=told_name_filter(machine_name),
        type=_BACKUP,
        order_by="CreationTime",
        ascending=False,
        limit=_LOOKED_AT,
    )
    try:
        async with asyncio.timeout(_LOOKED_FOR_SECONDS):
            page = await server.all_task_sessions(query)
    except TimeoutError:
        return None
    except VeeamError as error:
        if not error.reached_server:
            raise
        return None
    return newest_of(page.rows, machine_name)


def newest_of(rows: Iterable[TaskSession], machine_name: str) -> TaskSession | None:
    """Return the first, which is the newest, that made a restore point of a machine of this very name."""
    made = (row for row in rows if row.restore_point_id and row.outcome in _MADE_ONE)
    return next((row for row in made if row.name == machine_name), None)


async def _job_of(server: VeeamServer, point: TaskSession) -> JobState | None:
    if point.session_id is None:
        return None
    try:
        session = await server.session(point.session_id)
    except VeeamError as error:
        if not error.reached_server:
            raise
        return None
    return await server.job_state(session.job_id) if session.job_id is not None else None
