"""What a session that ended is, as facts, and where it is routed. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.settings import PollingSettings, RouteSettings, ServerName
from bot.store import OwnAction
from bot.veeam import JobId, Result, RetryPolicy, known
from bot.watch.facts import RunFacts, SessionFacts, StoryFacts
from bot.watch.jobs import KnownJob
from bot.watch.reading import Ended
from bot.watch.routing import Completion, Routed, route
from bot.watch.stories import shortened

STOP = "stop"
"""The operation that ends a session instead of beginning one."""

_LEAST_LATE_SECONDS = 300.0
_INTERVALS_UNTIL_LATE = 3
_NO_JOB = JobId("")


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is told what of one server, and how often it is read."""

    routes: tuple[RouteSettings, ...]
    default_channel: str | None
    polling: PollingSettings

    @property
    def late_after(self) -> timedelta:
        """How long after its end a session is told late."""
        seconds = max(_LEAST_LATE_SECONDS, _INTERVALS_UNTIL_LATE * self.polling.interval_seconds)
        return timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session that ended, with what VBR was asked about it."""

    ended: Ended
    job: KnownJob | None
    retry: RetryPolicy | None = None
    story: StoryFacts | None = None

    @property
    def job_name(self) -> str:
        """The job's name, or the session's own where it is no job's."""
        return self.job.name if self.job is not None else self.ended.session.name

    @property
    def job_id(self) -> JobId:
        """The job's ID, or that of whatever the session belongs to."""
        return self.ended.session.job_id or _NO_JOB


def result_of(ended: Ended) -> str:
    """Return VBR's word for how a session went."""
    result = ended.session.result
    return (result and result.result) or Result.NONE.value


def session_facts(
    prepared: Prepared, own: Sequence[OwnAction], *, lacks: Collection[str] = ()
) -> SessionFacts:
    """Return a session as facts; `own` is what was done to it through the bot, oldest first.

    `lacks` are the capabilities that its server's revision has not.
    """
    session, result = prepared.ended.session, result_of(prepared.ended)
    started = next((action for action in own if action.operation != STOP), None)
    stopped = next((action for action in own if action.operation == STOP), None)
    if known(Result, result) is Result.SUCCESS:
        stopped = None  # asked too late: nothing was left to stop
    message = None if session.result is None else session.result.message
    return SessionFacts(
        session_id=session.id,
        session_type=session.session_type,
        result=result,
        created_at=session.creation_time or prepared.ended.ended_at,
        ended_at=prepared.ended.ended_at,
        message=message and shortened(message),
        initiated_by=session.initiated_by,
        started_by=None if started is None else started.person_id,
        started_operation=None if started is None else started.operation,
        started_in=None if started is None else started.channel_id,
        stopped_by=None if stopped is None else stopped.person_id,
        stopped_in=None if stopped is None else stopped.channel_id,
        story=prepared.story,
        retries=session.retries,
        begins_run=session.begins_run,
        lacks=tuple(sorted(lacks)),
    )


def run_facts(server: ServerName, prepared: Prepared, session: SessionFacts, *, is_late: bool) -> RunFacts:
    """Return the run that a session begins, as facts."""
    return RunFacts(
        server=server,
        job_id=prepared.job_id,
        job_name=prepared.job_name,
        job_type=None if prepared.job is None else prepared.job.type,
        attempts=(session,),
        is_late=is_late,
    )


def routed(rules: Rules, server: ServerName, prepared: Prepared, started_in: str | None = None) -> Routed:
    """Return where a session goes."""
    completion = Completion(
        server=server,
        job_name=prepared.job_name,
        session_type=prepared.ended.session.session_type,
        group=prepared.ended.group,
        result=result_of(prepared.ended),
        job_type=None if prepared.job is None else prepared.job.type,
        started_in=started_in,
    )
    return route(completion, rules.routes, rules.default_channel)


def is_late(rules: Rules, ended_at: datetime, server_now: datetime) -> bool:
    """Whether a session that ended then is told long after."""
    return server_now - ended_at > rules.late_after
