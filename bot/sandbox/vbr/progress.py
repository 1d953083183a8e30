"""The inside of a run: its task sessions and their timetable, where it stands, how it is stopped.

Objects are worked on two at a time, one after the other, between a tenth and nine tenths of the run.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.state import Job, Outcome, Run, Session, TaskSession
from bot.sandbox.vbr.texts import CANCELED

_LANES = 2
_GIB = 1024**3
_BOTTLENECKS = ("Source", "Source", "Proxy", "Network", "Target", "TargetDisk", "Throttling")


def plan_tasks(book: Book, job: Job, session: Session, run: Run, objects: Sequence[str]) -> list[TaskSession]:
    """Lay out one task session for each object of a run, with the outcome it will have."""
    names = list(dict.fromkeys([*objects, *run.outcome.objects, *run.outcome.warned]))
    slice_ = (run.postprocessing_at - run.working_at) / max(1, -(-len(names) // _LANES))
    session.bottleneck = book.rng.choice(_BOTTLENECKS)
    session.repository_id = repository_of(job)
    tasks = []
    for index, name in enumerate(names):
        starts_at = run.working_at + slice_ * (index // _LANES)
        result, message = _planned(run.outcome, name)
        size = book.rng.randint(8, 400) * _GIB
        is_full = run.is_full or name not in job.restore_points
        task = TaskSession(
            id=book.new_id(), type=KINDS[job.type].task_type, session_id=session.id,
            session_type=session.type, name=name, starts_at=starts_at, ends_at=starts_at + slice_,
            usn=book.next_usn(),
            planned_result=result, planned_message=message, repository_id=session.repository_id,
            algorithm="Full" if is_full else "Increment", size_bytes=size,
            read_bytes=size if is_full else int(size * book.rng.uniform(0.01, 0.12)),
        )  # fmt: skip
        tasks.append(task)
    return tasks


def repository_of(job: Job) -> str | None:
    """The repository that a job writes to, wherever its model says so."""
    model = job.model
    storage = model.get("storage") or {}
    places = (model, storage, storage.get("destination"), model.get("target"), model.get("backupRepository"))
    for part in places:
        repository_id: str | None = (part or {}).get("backupRepositoryId")
        if repository_id:
            return repository_id
    return None


def advance(book: Book, session: Session, now: datetime) -> None:
    """Bring a session in progress and its task sessions to where they stand at ``now``."""
    run = session.run
    if run is None or now < run.working_at:
        return
    for task in [task for task in run.pending if task.starts_at <= now]:
        run.pending.remove(task)
        book.tasks[task.id] = task
        session.task_ids.append(task.id)
    for task in book.tasks_of(session):
        if not task.is_stopped and task.ends_at <= now:
            _close_task(book, session, task)
    job = book.jobs.get(session.job_id)
    if job is not None:
        job.rows.clear()
    whole = (run.end_at - session.created_at).total_seconds()
    done = (now - session.created_at).total_seconds() / whole if whole else 1.0
    session.percent = max(session.percent or 0, min(99, int(done * 100)))
    if run.stop is None:
        session.state = "Postprocessing" if now >= run.postprocessing_at else "Working"


def stop_run(book: Book, session: Session, run: Run, now: datetime, *, graceful: bool) -> None:
    """Turn a run towards its end: drop the objects not begun and, unless graceful, break off the others."""
    advance(book, session, now)
    run.pending.clear()
    run.stop = "graceful" if graceful else "now"
    run.stopped_at = now
    session.state = "Stopping"
    tasks = book.tasks_of(session)
    if not graceful:
        for task in tasks:
            if not task.is_stopped:
                task.ends_at, task.planned_result, task.planned_message = now, "Failed", CANCELED
                _close_task(book, session, task)
    elif not any(task.is_stopped for task in tasks):
        session.message = CANCELED


def close_session(session: Session, at: datetime, result: str, message: str) -> None:
    """End a session at ``at``."""
    session.state = "Stopped"
    session.ended_at = at
    session.percent = 100
    session.result = result
    session.message = message


def record_child(book: Book, parent: Session) -> Session:
    """Enter the child session that a copy job's run has: of another job id, which is no job's."""
    child = Session(
        id=book.new_id(), name=f"{parent.name}\\VM Backup (Incremental)", job_id=book.new_id(),
        type=parent.type, created_at=parent.created_at, platform=parent.platform,
        initiated_by=parent.initiated_by, usn=book.next_usn(), parent_id=parent.id,
    )  # fmt: skip
    close_session(child, parent.ended_at or parent.created_at, parent.result, "")
    book.sessions[child.id] = child
    return child


def close_tasks(book: Book, session: Session, tasks: Sequence[TaskSession]) -> None:
    """Enter task sessions that are over already, for a run recorded as a whole."""
    for task in tasks:
        book.tasks[task.id] = task
        session.task_ids.append(task.id)
        _close_task(book, session, task)


def _close_task(book: Book, session: Session, task: TaskSession) -> None:
    task.state = "Stopped"
    task.result = task.planned_result
    task.message = task.planned_message
    task.usn = book.next_usn()
    job = book.jobs.get(session.job_id)
    if task.result in {"Success", "Warning"}:
        task.restore_point_id = book.new_id()
        if job is not None:
            job.restore_points[task.name] = task.ends_at


def _planned(outcome: Outcome, name: str) -> tuple[str, str]:
    if name in outcome.warned:
        return "Warning", outcome.warned[name]
    if name in outcome.objects:
        return outcome.result if outcome.result != "None" else "Success", outcome.objects[name]
    whole = outcome.result == "Failed" and not outcome.objects
    return ("Failed", outcome.message) if whole else ("Success", "")
