"""One run, one message per channel: the message that stands there about a run, and what becomes of it.

An action is answered by the message that stands in the channel about the very run, if there is one: its root,
or the message of the action that began it. Otherwise it gets a message of its own, which becomes the run's
root once the run is announced.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bot.observability import Clock
from bot.store import (
    STOP,
    Database,
    FollowedSession,
    FollowedSessions,
    NewFollowedSession,
    Outbox,
    PostedMessage,
    ProcessedSessions,
    RunRow,
    Runs,
    Transaction,
)
from bot.veeam import JobId, ServerName, Session
from bot.watch import messages
from bot.watch.run_facts import SessionFacts
from bot.watch.runs import Run

_RUNS_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class StandingMessage:
    """A message about a run: its root, whose row has the key `root_key`, or that of an action.

    `operation` is what the session was followed for, None where nobody follows it yet.
    """

    posted: PostedMessage
    root_key: str | None = None
    operation: str | None = None


class StandingMessages:
    """Finds and keeps them, for actions and for what follows their sessions. Raises `StoreError`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._followed = FollowedSessions(database)
        self._outbox = Outbox(database)
        self._runs = Runs(database)
        self._sessions = ProcessedSessions(database)

    async def find(
        self,
        session: Session,
        *,
        server: ServerName,
        job_id: JobId,
        operation: str,
        person: str,
        channel: str,
    ) -> StandingMessage | None:
        """Return what stands in a channel about the run that a session belongs to, which goes on or begins.

        `operation` is what the person just did: `retry` makes the session another attempt of the failed run.
        """
        facts = SessionFacts.of(session, session.creation_time or self._clock.now())
        if operation != STOP:
            facts = msgspec.structs.replace(facts, started_by=person, started_operation=operation)
        async with self._database.reading() as reading:
            for each in await self._followed.within(reading, server, [session.id]):
                if each.channel == channel:
                    posted = PostedMessage(each.channel, each.ts)
                    return StandingMessage(posted, each.root_key, each.operation)
            for run in await self._latest_runs(reading, server, job_id):
                is_attempt = session.id in {one.session_id for one in run.facts.attempts}
                if channel in {one.channel for one in run.channels_with_root} and (
                    is_attempt or run.includes(facts)
                ):
                    key = messages.root_key(run, channel)
                    root = await self._outbox.posted(reading, key)
                    return None if root is None else StandingMessage(root, key)
        return None

    async def keep(self, new: NewFollowedSession) -> None:
        """Follow a session in a message; if its run was announced meanwhile, that is the run's root now."""
        async with self._database.transaction() as transaction:
            # The watch of the server either sees what is followed, or has announced the run before.
            await transaction.serialise(f"announce/{new.server}")
            await self._followed.put(transaction, new)
            if not new.may_become_root:
                return
            run = await self._run_of(transaction, new)
            if run is not None:
                standing = {new.channel: PostedMessage(new.channel, new.ts)}
                queued = messages.root_messages(run, (), self._clock.now(), standing=standing)
                await queue(transaction, self._outbox, self._runs, queued)

    async def run_shown(self, followed: FollowedSession) -> Run | None:
        """Return the run whose root the message is that shows a session; None where it is none (yet)."""
        async with self._database.reading() as reading:
            if followed.root_key is not None:
                row = await self._runs.of(reading, followed.root_key.rpartition("/")[0])
                return None if row is None else Run.decode(row.body)
            run = await self._run_of(reading, followed)
            if run is None:
                return None
            root = await self._outbox.posted(reading, messages.root_key(run, followed.channel))
        return run if root == PostedMessage(followed.channel, followed.ts) else None

    async def is_announced(self, followed: FollowedSession) -> bool:
        """Whether the watch is done with a session: how it went on is no news any more."""
        unknown = await self._sessions.unknown(followed.server, [followed.session_id])
        return followed.session_id not in unknown

    async def redraw(self, followed: FollowedSession, run: Run) -> None:
        """Have the root drawn as the run stands, after all that showed how its latest attempt went on."""
        occasion = f"shown/{followed.session_id}"
        rows = messages.redraw_messages(run, followed.channel, occasion, self._clock.now())
        async with self._database.transaction() as transaction:
            await self._outbox.add(transaction, rows)

    async def _run_of(self, transaction: Transaction, followed: NewFollowedSession) -> Run | None:
        """The run that has the session, announced as an attempt or as a part of one."""
        runs = await self._latest_runs(transaction, followed.server, followed.job_id)
        return next((run for run in runs if has_session(run, followed.session_id)), None)

    async def _latest_runs(self, transaction: Transaction, server: str, job_id: str) -> Sequence[Run]:
        rows = await self._runs.latest(transaction, server, job_id, limit=_RUNS_LOOKED_AT)
        return [run for row in rows if (run := Run.decode(row.body)) is not None]


def has_session(run: Run, session_id: str) -> bool:
    """Whether a session is an attempt of the run, or what its parts belong to."""
    return any(session_id in {each.session_id, each.part_of} for each in run.facts.attempts)


async def queue(transaction: Transaction, outbox: Outbox, runs: Runs, queued: messages.RunMessages) -> None:
    """Write what is queued for a run, and the run."""
    for row, posted in queued.adopted:
        await outbox.adopt(transaction, row, posted, row.created_at)
    await outbox.add(transaction, queued.rows)
    await runs.put(transaction, row_of(queued.run))


def row_of(run: Run) -> RunRow:
    """Return the run as it is stored."""
    last = run.facts.last
    # A job whose backup of logs failed did not fail itself, also where that is a part of its session.
    is_part = last.part is not None and last.log_type is None
    return RunRow(
        run_key=run.facts.key,
        server=run.facts.server,
        job_id=run.facts.job_id,
        last_ended_at=max(each.ended_at for each in run.facts.attempts),
        expected_by=run.expected_by,
        body=run.encode(),
        failed_part=last.session_id if is_part and run.facts.stands_failed else None,
        unanswered_since=run.unanswered_since,
    )
