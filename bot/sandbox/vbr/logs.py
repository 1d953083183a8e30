"""The logs of sessions and task sessions, told from what happened, in no order to rely on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.vbr.revision import Revision
from bot.sandbox.vbr.state import Session, TaskSession
from bot.sandbox.vbr.wire import american_time, variation, wire_time
from bot.sandbox.vbr.world import World

_STATUSES = {"Success": "Succeeded", "Warning": "Warning", "Failed": "Failed", "None": "None"}
_CLOSING = {
    "Success": "Job finished at {at}",
    "None": "Job finished at {at}",
    "Warning": "Job finished with warning at {at}",
    "Failed": "Job finished with error at {at}",
}
_STAGES = ("Source", "Proxy", "Network", "Target")


@dataclass(frozen=True)
class _Line:
    at: datetime
    status: str
    title: str
    updated_at: datetime | None = None


def session_log(world: World, session: Session, revision: Revision) -> list[dict[str, Any]]:
    """The session's SessionLogRecordModels up to now; none where it was stopped through the API."""
    if session.has_empty_log:
        return []
    now = world.now()
    lines = [line for line in _session_lines(world, session) if line.at <= now]
    return _records(world, session.id, lines, revision)


def task_log(world: World, task: TaskSession, revision: Revision) -> list[dict[str, Any]]:
    """The task session's SessionLogRecordModels up to now."""
    session = world.book.sessions.get(task.session_id)
    if session is not None and session.has_empty_log:
        return []
    now = world.now()
    return _records(world, task.id, [line for line in _task_lines(task) if line.at <= now], revision)


def _session_lines(world: World, session: Session) -> Iterator[_Line]:
    begin = session.created_at
    second = timedelta(seconds=1)
    yield _Line(begin, "Succeeded", f"Job started at {american_time(begin, world.zone)}")
    if session.type == "ConfigurationResynchronize":
        return
    yield _Line(begin + second, "Succeeded", "Building list of machines to process")
    tasks = world.book.tasks_of(session)
    for task in tasks:
        yield _processing(task)
    if session.ended_at is None:
        return
    end = session.ended_at
    for status, title in session.log:
        yield _Line(end - second, status, title)
    if tasks:
        yield _Line(end, "Succeeded", _load(session))
        yield _Line(end, "Succeeded", f"Primary bottleneck: {session.bottleneck}")
    yield _Line(
        end, _STATUSES[session.result], _CLOSING[session.result].format(at=american_time(end, world.zone))
    )


def _processing(task: TaskSession) -> _Line:
    title = f"Processing {task.name}"
    if not task.is_stopped:
        return _Line(task.starts_at, "None", title)
    if task.result in {"Failed", "Warning"} and task.message:
        word = "Error" if task.result == "Failed" else "Warning"
        title = f"{title} {word}: {task.message}"
    return _Line(task.starts_at, _STATUSES[task.result], title, task.ends_at)


def _task_lines(task: TaskSession) -> Iterator[_Line]:
    second = timedelta(seconds=1)
    yield _Line(task.starts_at, "Succeeded", f"Queued for processing: {task.name}")
    yield _Line(
        task.starts_at + second, "Succeeded", "Using backup proxy proxy01 for disk Hard disk 1 [hotadd]"
    )
    if not task.is_stopped:
        yield _Line(task.starts_at + second, "None", "Hard disk 1 (40 GB)")
        return
    if task.result in {"Failed", "Warning"}:
        yield _Line(
            task.ends_at, task.result, task.message or f"Processing finished with {task.result.lower()}"
        )
        return
    yield _Line(
        task.starts_at + second, "Succeeded", "Hard disk 1 (40 GB) 2.1 GB read at 85 MB/s", task.ends_at
    )
    yield _Line(task.ends_at, "Succeeded", "Processing finished")


def _load(session: Session) -> str:
    """How busy each stage was; the bottleneck most of all, where it is a stage and no throttling."""
    form = variation(session.id)
    loads = {stage: (form >> index * 5) % 90 for index, stage in enumerate(_STAGES)}
    loads |= {stage: 90 + form % 10 for stage in _STAGES if session.bottleneck.startswith(stage)}
    return "Load: " + " > ".join(f"{stage} {percent}%" for stage, percent in loads.items())


def _records(world: World, identity: str, lines: list[_Line], revision: Revision) -> list[dict[str, Any]]:
    form = variation(identity)
    records = []
    for number, line in enumerate(lines, start=1):
        record = {
            "id": number,
            "status": line.status,
            "startTime": wire_time(line.at, world.zone, (form + number) % 8),
            "updateTime": wire_time(line.updated_at or line.at, world.zone, (form + number * 3) % 8),
            "title": line.title,
            "description": "",
        }
        if revision.additional_info != "absent" and (form + number) % 2:
            info: Any = f"Line {number}"
            if revision.additional_info == "list":
                info = [{"field": "Line", "data": str(number)}]
            record["additionalInfo"] = info
        records.append(record)
    if form % 2:
        return records[::-1]
    return sorted(records, key=lambda record: variation(f"{identity}{record['id']}"))
