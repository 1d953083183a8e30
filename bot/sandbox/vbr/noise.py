"""The sessions that are no job runs: more than half of what a real server lists.

Housekeeping at all hours, log backups, restores by people, virus scans, and a malware detection without end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.vbr.progress import close_session
from bot.sandbox.vbr.state import Session, TaskSession
from bot.sandbox.vbr.world import World

_NO_JOB = "00000000-0000-0000-0000-000000000000"
_SCANS = ("Clean", "Clean", "Clean", "Inconclusive", "Infected")


@dataclass(frozen=True)
class _Noise:
    kind: str
    name: str
    at: datetime
    result: str = "Success"
    by: str = "SYSTEM"
    task_type: str | None = None


def record_noise(world: World, people: Sequence[str], days: int) -> None:
    """Enter ``days`` days of it, up to now."""
    begin = world.now() - timedelta(days=days)
    for quarter in range(days * 96):
        at = begin + timedelta(minutes=15 * quarter)
        _record(world, _Noise("ConfigurationResynchronize", "Configuration Resynchronize", at))
    for day in range(days):
        for noise in _daily(world, people, begin + timedelta(days=day)):
            _record(world, noise)
    _record_endless(world)


def _daily(world: World, people: Sequence[str], at: datetime) -> Iterator[_Noise]:
    rng, hour = world.book.rng, timedelta(hours=1)
    yield _Noise("ConfigurationBackup", "Backup Configuration Job", at + 10 * hour)
    yield _Noise("Infrastructure", "Host discovery", at + 4 * hour)
    yield _Noise("RepositoryMaintenance", "Repository maintenance", at + 6 * hour)
    for log_hour in range(0, 24, 4):
        result = "Failed" if rng.random() < 0.02 else "Success"
        name = "SQL Production SQL Server Transaction Log Backup"
        yield _Noise("SqlLogBackup", name, at + log_hour * hour, result)
    if rng.random() < 0.2:
        yield _Noise("RestoreVm", "web01", at + 9 * hour, by=rng.choice(people), task_type="Restore")
    if rng.random() < 0.15:
        yield _Noise("SureBackup", "Scan of web01", at + 3 * hour, task_type="Antivirus")


def _record(world: World, noise: _Noise) -> None:
    book = world.book
    session = Session(
        id=book.new_id(), name=noise.name, job_id=book.new_id(), type=noise.kind, created_at=noise.at,
        platform="VMware", initiated_by=noise.by, usn=book.next_usn(),
    )  # fmt: skip
    ended_at = min(noise.at + timedelta(seconds=book.rng.uniform(2, 40)), world.now())
    close_session(session, ended_at, noise.result, "")
    book.sessions[session.id] = session
    if noise.task_type is None:
        return
    task = TaskSession(
        id=book.new_id(), type=noise.task_type, session_id=session.id, session_type=noise.kind,
        name=noise.name, starts_at=noise.at, ends_at=ended_at, usn=book.next_usn(),
        state="Stopped", result=noise.result, scan_result=book.rng.choice(_SCANS),
    )  # fmt: skip
    book.tasks[task.id] = task
    session.task_ids.append(task.id)


def _record_endless(world: World) -> None:
    session = Session(
        id=world.book.new_id(), name="Malware detection", job_id=_NO_JOB, type="MalwareDetection",
        created_at=world.now() - timedelta(days=3), platform="VMware", initiated_by="SYSTEM",
        usn=world.book.next_usn(), state="Working", percent=0,
    )  # fmt: skip
    world.book.sessions[session.id] = session
