"""What a session's task sessions and log tell: which objects failed and why, the bottleneck, how much.

Fetched once, when the session is told. What VBR does not give in time is left out, and the story says so.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

import msgspec
import structlog

from bot.veeam import (
    LogRecord,
    LogStatus,
    Result,
    Session,
    SessionProgress,
    TaskSession,
    VeeamError,
    VeeamServer,
    known,
)
from bot.watch.facts import ObjectFacts, StoryFacts

PROBLEMS_SHOWN = 20
RECORDS_SHOWN = 10
TEXT_CHARACTERS = 1000
_SECONDS = 25.0

_PRIMARY = re.compile(r"primary bottleneck:\s*(\w+)", re.IGNORECASE)
_LOAD = re.compile(r"\bload:\s*(?=.*%)", re.IGNORECASE)
_STAGE = re.compile(r"([A-Za-z]+)\s+(\d+)\s*%")
_NO_BOTTLENECK = frozenset({"", "none", "notdefined"})

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


async def story_of(server: VeeamServer, session: Session, *, seconds: float = _SECONDS) -> StoryFacts:
    """Return what a session's task sessions and, unless it succeeded, its log tell. Never raises VeeamError.

    Within `seconds`; `is_incomplete` where VBR did not answer all of it.
    """
    asked_tasks = _answered(server, session, server.task_sessions(session.id), seconds)
    tasks: tuple[TaskSession, ...] | None
    records: tuple[LogRecord, ...] | None = ()
    if session.outcome is Result.SUCCESS:
        tasks = await asked_tasks
    else:
        # Unfiltered: the bottleneck stands in records that went well.
        asked_records = _answered(server, session, server.session_logs(session.id), seconds)
        tasks, records = await asyncio.gather(asked_tasks, asked_records)
    told = told_by(tasks or (), records or ())
    return msgspec.structs.replace(told, is_incomplete=tasks is None or records is None)


async def _answered(
    server: VeeamServer, session: Session, answer: Awaitable[tuple[T, ...]], seconds: float
) -> tuple[T, ...] | None:
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except (VeeamError, TimeoutError) as error:
        log.warning(
            "watch.story_incomplete",
            server=server.name,
            session_id=session.id,
            problem=type(error).__name__,
        )
        return None


def told_by(tasks: Sequence[TaskSession], records: Sequence[LogRecord]) -> StoryFacts:
    """Return the story that task sessions and log records (oldest first) tell. Pure."""
    outcomes = Counter(task.outcome for task in tasks)
    progress = [task.progress for task in tasks if task.progress is not None]
    failed = [task for task in tasks if task.outcome is Result.FAILED]
    warned = [task for task in tasks if task.outcome is Result.WARNING]
    return StoryFacts(
        problems=tuple(_object(task) for task in (*failed, *warned)[:PROBLEMS_SHOWN]),
        failed_total=len(failed),
        warned_total=len(warned),
        succeeded_total=outcomes[Result.SUCCESS],
        objects_total=len(tasks),
        records=tuple(_worst(records)[:RECORDS_SHOWN]),
        bottleneck=_bottleneck_of_log(records) or _bottleneck_of_tasks(progress),
        processed_bytes=_sum(each.processed_size for each in progress),
        read_bytes=_sum(each.read_size for each in progress),
        transferred_bytes=_sum(each.transferred_size for each in progress),
    )


def _object(task: TaskSession) -> ObjectFacts:
    message = None if task.result is None else task.result.message
    word = task.outcome.value if task.outcome is not None else ""
    return ObjectFacts(name=task.name, result=word, message=message and shortened(message))


def shortened(text: str) -> str:
    """Return a text of VBR's in a length that the outbox keeps, cut visibly."""
    stripped = text.strip()
    return stripped if len(stripped) <= TEXT_CHARACTERS else f"{stripped[: TEXT_CHARACTERS - 1]}…"


def _worst(records: Sequence[LogRecord]) -> list[str]:
    texts: list[str] = []
    for status in (LogStatus.FAILED, LogStatus.WARNING):
        for record in records:
            text = record.title or record.description
            if known(LogStatus, record.status) is status and text.strip():
                texts.append(shortened(text))
    return list(dict.fromkeys(texts))


def _bottleneck_of_log(records: Sequence[LogRecord]) -> str | None:
    for record in reversed(records):
        if (primary := _PRIMARY.search(record.title)) is not None:
            return _named(primary.group(1))
        if _LOAD.search(record.title) is not None:
            stages = _STAGE.findall(record.title)
            return max(stages, key=lambda stage: int(stage[1]))[0] if stages else None
    return None


def _bottleneck_of_tasks(progress: Iterable[SessionProgress]) -> str | None:
    named = Counter(name for each in progress if (name := _named(each.bottleneck)) is not None)
    return named.most_common(1)[0][0] if named else None


def _named(bottleneck: str | None) -> str | None:
    return None if (bottleneck or "").casefold() in _NO_BOTTLENECK else bottleneck


def _sum(sizes: Iterable[int | None]) -> int | None:
    given = [size for size in sizes if size is not None]
    return sum(given) if given else None
