"""What a form says, and what stands in its fields: plain values, drawn by whoever shows them."""

from dataclasses import dataclass

from bot.operations.answers import JobView
from bot.operations.requests import DeleteRequest
from bot.veeam import RepositoryState


@dataclass(frozen=True, slots=True)
class DeleteForm:
    """What deleting a job touches. `request` is what to run once the job's name was typed.

    `runs_before` is the job that this one runs after, `run_after` are those that run after it; of both only
    what the person may know of.
    """

    request: DeleteRequest
    job: JobView
    runs_before: str | None
    run_after: tuple[str, ...]
    repository: RepositoryState | None


Form = DeleteForm
