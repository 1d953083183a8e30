"""Runs that are over already: recorded at once, with their task sessions, as if lived through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.life import SYSTEM
from bot.sandbox.vbr.progress import close_session, close_tasks, plan_tasks
from bot.sandbox.vbr.state import Job, Outcome, Run, Session
from bot.sandbox.vbr.texts import failure_text, warning_text


@dataclass(frozen=True)
class FinishedRun:
    """A run to record. ``objects`` names those that failed or warned, with or without their messages."""

    ended_at: datetime
    result: str = "Success"
    objects: Mapping[str, str] | Sequence[str] = ()
    warned: Mapping[str, str] = field(default_factory=dict)
    message: str | None = None
    log: tuple[tuple[str, str], ...] = ()
    seconds: float = 300.0
    initiated_by: str = SYSTEM
    only: Sequence[str] | None = None
    retry_of: Session | None = None


def record_run(book: Book, job: Job, finished: FinishedRun) -> Session:
    """Enter a finished run of a job; the job's last run and result follow when it is the latest."""
    kind = KINDS[job.type]
    length = timedelta(seconds=finished.seconds)
    started_at = finished.ended_at - length
    session = Session(
        id=book.new_id(), name=job.name, job_id=job.id, type=kind.session_type, created_at=started_at,
        platform=kind.platform, initiated_by=finished.initiated_by, usn=book.next_usn(), log=finished.log,
    )  # fmt: skip
    if finished.retry_of is not None:
        session.retries(finished.retry_of)
    run = Run(
        outcome=_outcome(book, finished),
        working_at=started_at + length * 0.1,
        postprocessing_at=started_at + length * 0.9,
        end_at=finished.ended_at,
        is_scheduled=True,
        attempt=1,
        follows_chain=False,
    )
    objects = finished.only if finished.only is not None else job.objects
    book.sessions[session.id] = session
    close_tasks(book, session, plan_tasks(book, job, session, run, objects))
    close_session(session, finished.ended_at, finished.result, run.outcome.message)
    if job.last_run is None or started_at >= job.last_run:
        _remember(book, job, session)
    return session


def record_part(
    book: Book, parent: Session, finished: FinishedRun, *, name: str, job_id: str | None = None
) -> Session:
    """Enter a finished part of a session: of a job ID of its own, which is no job's."""
    part = Session(
        id=book.new_id(), name=name, job_id=job_id or book.derived_id(parent.job_id, name), type=parent.type,
        created_at=finished.ended_at - timedelta(seconds=finished.seconds), platform=parent.platform,
        initiated_by=parent.initiated_by, usn=book.next_usn(), log=finished.log, parent_id=parent.id,
    )  # fmt: skip
    close_session(part, finished.ended_at, finished.result, _outcome(book, finished).message)
    book.sessions[part.id] = part
    return part


def record_offload(book: Book, finished: FinishedRun, *, name: str) -> Session:
    """Enter a scale-out repository's offload: it comes as a backup job's session, of no job."""
    offload = Session(
        id=book.new_id(), name=name, job_id=book.new_id(), type="BackupJob",
        created_at=finished.ended_at - timedelta(seconds=finished.seconds), platform="VMware",
        initiated_by=SYSTEM, usn=book.next_usn(), log=finished.log,
    )  # fmt: skip
    close_session(offload, finished.ended_at, finished.result, _outcome(book, finished).message)
    book.sessions[offload.id] = offload
    return offload


def _outcome(book: Book, finished: FinishedRun) -> Outcome:
    objects = finished.objects
    if not isinstance(objects, Mapping):
        word = warning_text if finished.result == "Warning" else failure_text
        objects = {name: word(book.rng, name) for name in objects}
    message = finished.result if finished.message is None else finished.message
    return Outcome(finished.result, objects, finished.warned, message)


def _remember(book: Book, job: Job, session: Session) -> None:
    job.session_id = session.id
    job.last_run = session.created_at
    job.last_result = session.result
    job.failed_objects = tuple(task.name for task in book.tasks_of(session) if task.result == "Failed")
    job.rows.clear()
