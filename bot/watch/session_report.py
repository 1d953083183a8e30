"""A session that ended, with what VBR was asked about it: its job, its objects' problems, its log.

Its details are fetched once, when the session is announced. What VBR doesn't answer in time is left out, and
the details say so.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import msgspec
import structlog

from bot.settings import ServerName
from bot.store import STOP, OwnAction
from bot.veeam import (
    BackupObject,
    BackupsQuery,
    JobId,
    LogRecord,
    LogStatus,
    Result,
    RetryPolicy,
    Session,
    SessionGroup,
    SessionProgress,
    TaskSession,
    VeeamError,
    VeeamServer,
    cut_to_cause,
    known,
    news_in,
    says_stopped,
    session_group,
)
from bot.watch.job_cache import SessionOwner
from bot.watch.outlook import JobPast
from bot.watch.routing import Completion, Subscriber
from bot.watch.run_facts import JobOutlook, ObjectFacts, RunFacts, SessionDetails, SessionFacts
from bot.watch.sessions import EndedSession, is_offload

PROBLEMS_SHOWN = 20
RECORDS_SHOWN = 10
TEXT_CHARACTERS = 1000
_SECONDS = 25.0
_OF_AGENTS = frozenset({"agentbackup", "agentpolicy"})
_BACKUPS_ASKED = 3
_MACHINES_ASKED = 200
_MACHINES_SECONDS = 10.0
_PRIMARY = re.compile(r"primary bottleneck:\s*(\w+)", re.IGNORECASE)
_LOAD = re.compile(r"\bload:\s*(?=.*%)", re.IGNORECASE)
_STAGE = re.compile(r"([A-Za-z]+)\s+(\d+)\s*%")
_NO_BOTTLENECK = frozenset({"", "none", "notdefined"})

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A session that ended, with what VBR was asked about it.

    `details` only if it may be announced, `past` and `next_run` of its job only if it failed as well.
    `subscribers` are those of its job, as they were when it was looked up.
    """

    server: ServerName
    ended: EndedSession
    owner: SessionOwner
    retry: RetryPolicy | None = None
    details: SessionDetails | None = None
    past: JobPast | None = None
    next_run: datetime | None = None
    subscribers: tuple[Subscriber, ...] = ()

    @classmethod
    def of(cls, server: ServerName, ended: EndedSession, owner: SessionOwner) -> "SessionReport":
        """Return the report of a session, by what it belongs to: an offload is of no job."""
        if owner.job is None and ended.group is SessionGroup.JOB_RUN and is_offload(ended.session):
            ended = replace(ended, group=SessionGroup.TIERING)
        return cls(server, ended, owner)

    @property
    def job_name(self) -> str:
        """The job's name, or what the session is called where it belongs to no job."""
        return self.owner.name

    @property
    def job_id(self) -> JobId:
        """The job's ID, or that of whatever the session belongs to."""
        return self.owner.job_id

    @property
    def is_untold(self) -> bool:
        """Whether nothing announces it, whatever the routes say: a part that went well is its run's affair.

        An offload that comes as a job's run is announced when it failed; no route can name its type. A backup
        of logs that went well says no more than that it makes up for one that failed.
        """
        group, session = self.ended.group, self.ended.session
        if group is SessionGroup.TIERING and session_group(session.session_type) is SessionGroup.JOB_RUN:
            return session.outcome is not Result.FAILED
        if group is SessionGroup.LOG_BACKUP:
            return session.outcome is not Result.FAILED
        is_of_run = self.owner.part is not None and not self.owner.is_run_unlisted
        return is_of_run and session.outcome is Result.SUCCESS

    def completion(self, started_in: str | None = None) -> Completion:
        """Return what routes look at; `started_in` is the channel the session was started from."""
        return Completion(
            server=self.server,
            job_name=self.job_name,
            session_type=self.ended.session.session_type,
            group=self.ended.group,
            result=self.ended.result,
            job_type=None if self.owner.job is None else self.owner.job.type,
            session_name=None if self.owner.is_certain else self.ended.session.name,
            started_in=started_in,
            subscribers=self.subscribers,
        )

    def session_facts(
        self, own: Sequence[OwnAction] = (), *, unsupported: Collection[str] = ()
    ) -> SessionFacts:
        """Return the session as facts; `own` is what was done to it through the bot, oldest first.

        `unsupported` are the capabilities that its server's revision does not have.
        """
        session = self.ended.session
        started = next((action for action in own if action.operation != STOP), None)
        stopped = next((action for action in own if action.operation == STOP), None)
        if session.outcome is Result.SUCCESS:
            stopped = None  # the stop came too late: nothing was left to stop
        message = None if session.result is None else session.result.message
        return msgspec.structs.replace(
            SessionFacts.of(session, self.ended.ended_at),
            message=message and cut_to_cause(message, TEXT_CHARACTERS),
            started_by=None if started is None else started.person_id,
            started_operation=None if started is None else started.operation,
            started_in=None if started is None else started.channel_id,
            stopped_by=None if stopped is None else stopped.person_id,
            details=self.details,
            unsupported=tuple(sorted(unsupported)),
            part=self.owner.part,
            part_of=self.owner.part_of,
            is_canceled=session.is_canceled,
            seems_stopped=seems_stopped(session, self.details),
        )

    def run_facts(
        self, session: SessionFacts, *, is_late: bool, outlook: JobOutlook | None = None
    ) -> RunFacts:
        """Return the run that the session begins, as facts."""
        return RunFacts(
            server=self.server,
            job_id=self.job_id,
            job_name=self.job_name,
            job_type=None if self.owner.job is None else self.owner.job.type,
            attempts=(session,),
            is_late=is_late,
            is_job=self.owner.is_certain,
            outlook=outlook,
        )


async def fetch_details(
    server: VeeamServer, session: Session, *, seconds: float = _SECONDS
) -> SessionDetails:
    """Return a session's details from its task sessions and, unless it succeeded, its log.

    A failed run of agents without task sessions gets the machines whose last run failed, if VBR says.

    Never raises VeeamError: `is_incomplete` if VBR didn't answer everything within `seconds`.
    """
    asked_tasks = _answered(server, session, server.task_sessions(session.id), seconds)
    tasks: tuple[TaskSession, ...] | None
    records: tuple[LogRecord, ...] | None = ()
    if session.outcome is Result.SUCCESS:
        tasks = await asked_tasks
    else:
        # Unfiltered: the bottleneck stands in records that succeeded.
        asked_records = _answered(server, session, server.session_logs(session.id), seconds)
        tasks, records = await asyncio.gather(asked_tasks, asked_records)
    own_message = None if session.result is None else session.result.message
    details = details_from(tasks or (), records or (), own_message)
    details = msgspec.structs.replace(details, is_incomplete=tasks is None or records is None)
    is_unnamed = tasks == () and _is_of_agents(session) and session.outcome is Result.FAILED
    if not is_unnamed or seems_stopped(session, details):
        return details
    try:
        async with asyncio.timeout(min(seconds, _MACHINES_SECONDS)):
            machines = await _machines_of(server, session)
    except (VeeamError, TimeoutError) as error:
        problem = type(error).__name__
        log.debug("watch.machines_unnamed", server=server.name, session_id=session.id, problem=problem)
        return details
    failed = [each.name for each in machines if each.last_run_failed]
    return msgspec.structs.replace(
        details,
        problems=tuple(
            ObjectFacts(name=name, result=Result.FAILED.value) for name in failed[:PROBLEMS_SHOWN]
        ),
        failed_total=len(failed),
        objects_total=len(machines) if failed else 0,
    )


def _is_of_agents(session: Session) -> bool:
    """Whether it is a whole run of an agent job or policy, which may have no task sessions."""
    return session.session_type.casefold() in _OF_AGENTS and session.part_of is None


async def _machines_of(server: VeeamServer, session: Session) -> list[BackupObject]:
    """The machines in the backups of the session's job, each once. Raises `VeeamError`.

    VBR does not say which run `last_run_failed` is about: where nobody ran the job since, it is this one.
    """
    if session.job_id is None:
        return []
    backups = await server.backups(BackupsQuery(job_id=session.job_id, limit=_BACKUPS_ASKED))
    asked = [server.backup_objects(each.id, limit=_MACHINES_ASKED) for each in backups.rows[:_BACKUPS_ASKED]]
    found: dict[str, BackupObject] = {}
    for machines in await asyncio.gather(*asked):
        for each in machines:
            if each.name and not (each.name in found and found[each.name].last_run_failed):
                found[each.name] = each
    return list(found.values())


async def _answered(
    server: VeeamServer, session: Session, answer: Awaitable[tuple[T, ...]], seconds: float
) -> tuple[T, ...] | None:
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except (VeeamError, TimeoutError) as error:
        log.warning(
            "watch.details_incomplete",
            server=server.name,
            session_id=session.id,
            problem=type(error).__name__,
        )
        return None


def details_from(
    tasks: Sequence[TaskSession], records: Sequence[LogRecord], own_message: str | None = None
) -> SessionDetails:
    """Return what task sessions and log records (oldest first) say beside the session's own message. Pure."""
    outcomes = Counter(task.outcome for task in tasks)
    progress = [task.progress for task in tasks if task.progress is not None]
    failed = [task for task in tasks if task.outcome is Result.FAILED]
    warned = [task for task in tasks if task.outcome is Result.WARNING]
    return SessionDetails(
        problems=tuple(_object(task) for task in (*failed, *warned)[:PROBLEMS_SHOWN]),
        failed_total=len(failed),
        warned_total=len(warned),
        succeeded_total=outcomes[Result.SUCCESS],
        objects_total=len(tasks),
        records=tuple(_worst(news_in(records, tasks, own_message))[:RECORDS_SHOWN]),
        bottleneck=_bottleneck_of_log(records) or _bottleneck_of_tasks(progress),
        processed_bytes=_sum(each.processed_size for each in progress),
        read_bytes=_sum(each.read_size for each in progress),
        transferred_bytes=_sum(each.transferred_size for each in progress),
    )


def seems_stopped(session: Session, details: SessionDetails | None) -> bool:
    """Whether a failed session `says_stopped`, as far as all that failed in it is known."""
    if session.outcome is not Result.FAILED or details is None or details.is_incomplete:
        return False
    failed = [each for each in details.problems if known(Result, each.result) is Result.FAILED]
    if len(failed) < details.failed_total:
        return False
    own = session.result.message if session.result is not None else None
    return says_stopped(own, [each.message for each in failed], details.records)


def _object(task: TaskSession) -> ObjectFacts:
    message = None if task.result is None else task.result.message
    word = task.outcome.value if task.outcome is not None else ""
    return ObjectFacts(
        name=task.name, result=word, message=message and cut_to_cause(message, TEXT_CHARACTERS)
    )


def _worst(records: Sequence[LogRecord]) -> list[str]:
    """What failed and then what warned in the log, each once."""
    texts = (
        cut_to_cause(record.title or record.description, TEXT_CHARACTERS)
        for status in (LogStatus.FAILED, LogStatus.WARNING)
        for record in records
        if known(LogStatus, record.status) is status
    )
    return list(dict.fromkeys(texts))


def _bottleneck_of_log(records: Sequence[LogRecord]) -> str | None:
    for record in reversed(records):
        if (primary := _PRIMARY.search(record.title)) is not None:
            return _named(primary.group(1))
    for record in reversed(records):
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
