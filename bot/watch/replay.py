"""What routes would have made of sessions that ended before: the same decisions, and nothing is queued.

Folds sessions to runs, counts failures in a row and queues messages by the functions that announce. What only
the moment tells is left out: details of objects, messages of actions, channels that took no messages, and
storms: many failures at once are counted one by one.
"""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.settings import RouteSettings, ServerName
from bot.store import OwnAction, Placement, Subscription
from bot.veeam import (
    FAILURES_ONLY,
    JobId,
    Result,
    RetryPolicy,
    Session,
    SessionsQuery,
    VeeamServer,
    known,
    session_group,
)
from bot.watch import facts, messages
from bot.watch.job_cache import JobCache
from bot.watch.routing import RouteReason, WatchRules, long_enough
from bot.watch.run_facts import SessionFacts
from bot.watch.runs import Run
from bot.watch.session_report import SessionReport
from bot.watch.sessions import EndedSession, is_undocumented, named_types, reason_to_ignore
from bot.watch.subscriptions import SubscriptionIndex, subscriber

PAGE_ROWS = 500
PAGES_AT_MOST = 200
_JOBS_ASKED = 200
"""So many jobs are asked how VBR retries them; the others are taken to be retried as jobs are by default."""
_RUNS_KEPT = 12

Progress = Callable[[ServerName, int, int | None], None]
"""Told of each page: the server, how many sessions were read, and of how many, if VBR says so."""


@dataclass(frozen=True, slots=True)
class ReplayedMessage:
    """One message that a channel would have got. `result` is the run's by then, in VBR's word."""

    channel: str
    server: ServerName
    job: str
    at: datetime
    result: str
    in_thread: bool
    mentions: bool
    reason: RouteReason


@dataclass(frozen=True, slots=True)
class ReplayedServer:
    """The replay of one server. `untold` are failures and warnings that no channel would have got.

    `held_back` are failures that a route claimed and kept to itself, until so many come in a row. `is_cut`
    where there were more sessions than are read. `problem` is why it could not be read, or not to its end.
    """

    server: ServerName
    sessions: int = 0
    messages: tuple[ReplayedMessage, ...] = ()
    untold: int = 0
    held_back: int = 0
    is_cut: bool = False
    problem: str | None = None


class Replay:
    """Takes in one server's sessions, oldest first. Pure."""

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules
        self._runs: dict[str, deque[Run]] = defaultdict(lambda: deque(maxlen=_RUNS_KEPT))
        self._reasons: dict[tuple[str, str], RouteReason] = {}
        self.messages: list[ReplayedMessage] = []
        self.untold = 0
        self.held_back = 0

    def add(self, report: SessionReport, own: Sequence[OwnAction] = ()) -> None:
        """Take in a session; `own` is what was done to it through the bot."""
        session = report.session_facts(own)
        runs, at = self._runs[report.job_id or report.job_name], session.ended_at
        run = next((each for each in list(runs)[:1] if each.includes(session)), None)
        if report.is_untold and (run is None or session.part not in run.facts.failed_parts):
            return
        if run is None:
            self._settle(runs, session.created_at)
            run = Run.begin(report.run_facts(session, is_late=False), report.retry)
            self._recover(runs, session)
        else:
            runs.popleft()
            continued = messages.attempt_messages(run.with_attempt(session, is_late=False), at)
            self._count(continued, at)
            run = continued.run
        decision = self._rules.route(report.completion(session.started_in))
        is_announced = bool(run.channels)
        new = [
            to
            for to in decision.destinations
            if to.reason is not RouteReason.DEFAULT_CHANNEL or not is_announced
        ]
        length = self._length(runs) if run.facts.stands_failed else 0
        told = long_enough(new, length)
        self._reasons.update({(run.facts.key, to.channel): to.reason for to in told})
        roots = messages.root_messages(run, told, at)
        self._count(roots, at)
        runs.appendleft(roots.run)
        is_bad = session.is_failed or known(Result, session.result) is Result.WARNING
        if is_bad and not roots.run.channels:
            self.held_back += bool(new)
            self.untold += not new and not decision.is_claimed

    def end(self, now: datetime) -> None:
        """Settle the runs whose next attempt is overdue by now."""
        for runs in self._runs.values():
            self._settle(runs, now)

    def _settle(self, runs: deque[Run], now: datetime) -> None:
        """Say of the latest run that the attempt that was expected did not come."""
        if runs and (expected_by := runs[0].expected_by) is not None and expected_by < now:
            missing = messages.missing_attempt_messages(runs[0].without_retry(), expected_by)
            self._count(missing, expected_by)
            runs[0] = missing.run

    def _recover(self, runs: deque[Run], session: SessionFacts) -> None:
        if not session.went_well or session_group(session.session_type) in FAILURES_ONLY:
            return
        for place, earlier in enumerate(runs):
            if earlier.facts.last.went_well or earlier.facts.is_recovered:
                return
            runs[place] = earlier.recovered_by(session) or earlier

    def _length(self, earlier: Iterable[Run]) -> int:
        length = 1
        for each in earlier:
            if each.facts.last.is_stopped:
                continue
            if not each.facts.stands_failed:
                break
            length += 1
        return length

    def _count(self, queued: messages.RunMessages, at: datetime) -> None:
        run = queued.run.facts
        for row in queued.rows:
            if row.placement is Placement.EDIT:
                continue
            self.messages.append(
                ReplayedMessage(
                    channel=row.channel,
                    server=run.server,
                    job=run.job_name,
                    at=at,
                    result=run.last.result,
                    in_thread=row.placement in {Placement.REPLY, Placement.BROADCAST},
                    mentions=getattr(facts.decode(row.body), "mention", None) is not None,
                    reason=self._reasons.get((run.key, row.channel), RouteReason.ROUTE),
                )
            )


class SessionsBefore:
    """Reads a server's sessions since a moment, and replays them. Asks VBR for lists and for jobs alone."""

    def __init__(
        self,
        server: VeeamServer,
        jobs: JobCache,
        rules: WatchRules,
        subscriptions: Sequence[Subscription] = (),
        *,
        pages_at_most: int = PAGES_AT_MOST,
    ) -> None:
        self._server = server
        self._jobs = jobs
        self._rules = rules
        self._subscriptions = SubscriptionIndex(subscriptions)
        self._pages_at_most = pages_at_most
        self._asked: set[JobId] = set()

    async def replay(
        self,
        since: datetime,
        now: datetime,
        *,
        progress: Progress,
        own: Callable[[Sequence[str]], Awaitable[Sequence[OwnAction]]] | None = None,
    ) -> ReplayedServer:
        """Return what would have been posted. Raises `VeeamError`, and what `own` raises."""
        replay, named = Replay(self._rules), await self._named(self._rules.routes)
        read = pages = 0
        query = SessionsQuery(ended_after=since, order_by="EndTime", ascending=True)
        is_whole = False
        await self._jobs.read_ahead()
        while pages < self._pages_at_most and not is_whole:
            page = await self._server.sessions(query.page(skip=read, limit=PAGE_ROWS))
            read, pages = read + page.received, pages + 1
            is_whole = not page.received or (page.total is not None and read >= page.total)
            progress(self._server.name, read, page.total)
            ended = [each for row in page.rows if (each := await self._ended(row, named)) is not None]
            done: dict[str, list[OwnAction]] = defaultdict(list)
            if own is not None:
                for action in await own([each.session.id for each in ended]):
                    done[action.session_id].append(action)
            for each in ended:
                replay.add(await self._report(each), done[each.session.id])
        replay.end(now)
        return ReplayedServer(
            self._server.name,
            read,
            tuple(replay.messages),
            replay.untold,
            replay.held_back,
            is_cut=not is_whole,
        )

    async def _named(self, routes: Sequence[RouteSettings]) -> frozenset[str]:
        revision = await self._server.detect_revision()
        return frozenset(name.casefold() for name in named_types(revision, routes))

    async def _ended(self, row: Session, named: frozenset[str]) -> EndedSession | None:
        """The session, if it ended with a result and routes decide about it."""
        if row.end_time is None or not row.is_stopped or row.outcome is Result.NONE:
            return None
        if row.part_of is not None and row.outcome is Result.SUCCESS:
            return None  # a part that went well is its run's affair
        if is_undocumented(row):
            await self._jobs.owner_of(row)
        group = self._jobs.group_of(row)
        is_named = row.session_type.casefold() in named
        if reason_to_ignore(row, group, is_named=is_named) is not None:
            return None
        return EndedSession(row, group, row.end_time)

    async def _report(self, ended: EndedSession) -> SessionReport:
        owner = await self._jobs.owner_of(ended.session)
        report = SessionReport.of(self._server.name, ended, owner)
        job_id = owner.job_id if owner.is_certain else None
        found = self._subscriptions.of(report.server, job_id, owner.name, ended.result)
        subscribers = tuple(map(subscriber, found))
        return replace(report, retry=await self._retry(report), subscribers=subscribers)

    async def _retry(self, report: SessionReport) -> RetryPolicy | None:
        if report.ended.session.outcome is not Result.FAILED or not report.owner.is_certain:
            return None
        if report.job_id not in self._asked and len(self._asked) >= _JOBS_ASKED:
            return None
        self._asked.add(report.job_id)
        return await self._jobs.retries_of(report.job_id)


def by_channel_and_day(
    told: Iterable[ReplayedMessage],
) -> Mapping[tuple[str, str], Sequence[ReplayedMessage]]:
    """Return the messages of each channel and day, as UTC has it, in this order."""
    found: dict[tuple[str, str], list[ReplayedMessage]] = defaultdict(list)
    for each in told:
        found[each.channel, each.at.date().isoformat()].append(each)
    return dict(sorted(found.items()))
