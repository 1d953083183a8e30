"""Which operations make sense on a job as it stands, and which of them a person may do: the buttons to draw.

Drawing a button gives no right: who clicks is asked for theirs when the operation runs.
"""

from bot.operations.catalog import JOB, RETRY, START, STOP, Operation
from bot.operations.outcomes import Obstacle
from bot.operations.people import Person
from bot.operations.requests import ActionRequest, StopRequest
from bot.operations.roles import Rights, Target
from bot.settings import ServerName
from bot.veeam import JobState, Result

_IMMEDIATE = "immediate"


def offers_all(state: JobState) -> tuple[Operation, ...]:
    """Return what makes sense on the job, the likeliest first, for a message that many people see."""
    if state.is_active:
        return (JOB,) if never_stops(state) else (STOP, JOB)
    if state.result is Result.FAILED:
        return (RETRY, JOB, START)
    return (START, JOB)


def offers(rights: Rights, person: Person, server: ServerName, state: JobState) -> tuple[Operation, ...]:
    """Return what makes sense on the job and is allowed to this person."""
    target = Target(server, state.name)
    return tuple(
        operation for operation in offers_all(state) if rights.may(person, operation, target).is_allowed
    )


def obstacle(request: ActionRequest, state: JobState, *, is_active: bool) -> Obstacle | None:
    """Return why the action makes no sense on the job, which is or isn't active; None when it does."""
    if not isinstance(request, StopRequest):
        return Obstacle.RUNNING if is_active else None
    if never_stops(state):
        return Obstacle.NEVER_STOPS
    return None if is_active else Obstacle.NOT_RUNNING


def never_stops(state: JobState) -> bool:
    """Whether VBR cannot stop the job: immediate backup copies can only be disabled."""
    return (state.backup_copy_mode or "").casefold() == _IMMEDIATE
