"""Which operations make sense on a job as it stands, and which of them a person may do: the buttons to draw.

Drawing a button gives no right: who clicks is asked for theirs when the operation runs.
"""

from typing import assert_never

from bot.operations.catalog import (
    CATALOG,
    CLONE,
    DELETE,
    DISABLE,
    EDIT,
    ENABLE,
    JOB,
    RETRY,
    START,
    STOP,
    Operation,
    operation_of,
)
from bot.operations.matching import is_exactly
from bot.operations.outcomes import Lack, Obstacle
from bot.operations.people import Person
from bot.operations.requests import (
    ActionRequest,
    CloneRequest,
    DeleteRequest,
    DisableRequest,
    EditRequest,
    EnableRequest,
    RetryRequest,
    StartRequest,
    StopRequest,
)
from bot.operations.roles import Rights, Target
from bot.settings import ServerName
from bot.veeam import Capability, JobState, Result, Revision, is_editable

_IMMEDIATE = "immediate"


def offers_all(state: JobState, revision: Revision) -> tuple[Operation, ...]:
    """Return what makes sense on the job and its server has, the likeliest first."""
    lacked = lacked_by(revision)
    return tuple(operation for operation in _sensible(state) if operation not in lacked)


def _sensible(state: JobState) -> tuple[Operation, ...]:
    switch = ENABLE if state.is_disabled else DISABLE
    edit = (EDIT,) if is_editable(state.type) else ()
    if state.is_active:
        return (*(() if never_stops(state) else (STOP,)), JOB, switch, *edit, CLONE)
    if state.result is Result.FAILED:
        return (RETRY, JOB, START, switch, *edit, CLONE, DELETE)
    return (START, JOB, switch, *edit, CLONE, DELETE)


def offers(
    rights: Rights, person: Person, server: ServerName, state: JobState, revision: Revision
) -> tuple[Operation, ...]:
    """Return what makes sense on the job and is allowed to this person."""
    target = Target(server, state.name)
    offered = offers_all(state, revision)
    return tuple(operation for operation in offered if rights.may(person, operation, target).is_allowed)


def lacked_by(revision: Revision) -> tuple[Operation, ...]:
    """Return the operations that a server of this revision does not have, whatever its jobs."""
    return tuple(each for each in CATALOG if each.needs is not None and not revision.has(each.needs))


def lack(request: ActionRequest, revision: Revision) -> Lack | None:
    """Return what the request takes and the server's revision does not have; None when it has all."""
    needs = {operation_of(request).needs}
    if isinstance(request, StopRequest) and request.chained:
        needs.add(Capability.CHAINED_STOP)
    if isinstance(request, StartRequest) and request.restore_points is not None:
        needs.add(Capability.COPY_RESTORE_POINTS)
    lacked = next((each for each in needs if each is not None and not revision.has(each)), None)
    return None if lacked is None else Lack(lacked, revision.product)


def obstacle(
    request: ActionRequest, state: JobState, *, is_active: bool, is_disabled: bool | None
) -> Obstacle | None:
    """Return why the action makes no sense on the job as it is; None when it does.

    `is_disabled` is None where nobody could tell: then it is VBR's to say.
    """
    match request:
        case StartRequest() | RetryRequest():
            return Obstacle.RUNNING if is_active else None
        case StopRequest():
            if never_stops(state):
                return Obstacle.NEVER_STOPS
            return None if is_active else Obstacle.NOT_RUNNING
        case EnableRequest():
            return Obstacle.ENABLED if is_disabled is False else None
        case DisableRequest():
            return Obstacle.DISABLED if is_disabled else None
        case CloneRequest() | EditRequest():
            return None
        case DeleteRequest():
            if is_active:
                return Obstacle.BUSY
            return None if is_exactly(request.typed_name or "", state.name) else Obstacle.OTHER_NAME
        case _:
            assert_never(request)


def never_stops(state: JobState) -> bool:
    """Whether VBR cannot stop the job: immediate backup copies can only be disabled."""
    return (state.backup_copy_mode or "").casefold() == _IMMEDIATE
