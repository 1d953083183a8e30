"""`job`: one job in full."""

from bot.observability import Clock
from bot.operations.answers import JobAnswer
from bot.operations.asking import Asking
from bot.operations.lookup import FoundJob, Lookup, where_there
from bot.operations.outcomes import Ambiguous, Done, NotFound
from bot.operations.reasons import Reasons
from bot.operations.repositories import repository_of
from bot.operations.requests import JobRequest
from bot.operations.seen import JobViews, settings_as_seen
from bot.operations.sessions import FoundSession, SessionViews
from bot.veeam import Fleet, JobState, Session, SessionsQuery, VeeamServer, at_once

RECENT_SESSIONS = 5


class JobDetails:
    """Answers `job`."""

    def __init__(
        self,
        fleet: Fleet,
        lookup: Lookup,
        views: JobViews,
        reasons: Reasons,
        sessions: SessionViews,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._views = views
        self._reasons = reasons
        self._sessions = sessions
        self._clock = clock

    async def show(self, request: JobRequest, asking: Asking) -> Done | NotFound | Ambiguous:
        """Return one job with its settings, its latest sessions and its repository. Raises `VeeamError`."""
        found = await self._lookup.job(request.job, request=request, sight=asking.sight)
        if not isinstance(found, FoundJob):
            return found
        server = self._fleet.server(found.server)
        async with at_once() as group:
            # Plug-in jobs have a state and nothing else: 400 "Specify job of supported platform type."
            job = group.create_task(where_there(server.job(found.state.id)))
            recent = group.create_task(_recent(server, found.state))
            repository = group.create_task(repository_of(server, found.state))
            failure = group.create_task(self._reasons.of(found.server, found.state))
        view = self._views.of(asking, found.server, found.state, failure.result())
        settings = job.result()
        if settings is not None:
            settings = settings_as_seen(asking.sight, found.server, settings)
        sessions = tuple(FoundSession(found.server, session) for session in recent.result())
        shown = await self._sessions.of(sessions)
        return Done(JobAnswer(view, settings, shown, repository.result(), self._clock.now()))


async def _recent(server: VeeamServer, state: JobState) -> tuple[Session, ...]:
    query = SessionsQuery(job_id=state.id, order_by="CreationTime", ascending=False, limit=RECENT_SESSIONS)
    return (await server.sessions(query)).rows[:RECENT_SESSIONS]
