"""What must hold of each step of a process: what it queued, in the light of what was so meanwhile."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from bot.settings import matches_glob
from bot.store import Mute, Mutes, Placement, Transaction
from bot.store.tables import digests, leases, outbox, processed_sessions, subscriptions
from bot.watch.facts import (
    Announcement,
    AttemptEnded,
    DetailsReply,
    Expectation,
    ExpectationUnacknowledged,
    ExpectationUnmet,
    ManyUnacknowledged,
    MuteEnded,
    NoFurtherAttempt,
    RunEnded,
    Unacknowledged,
    decode,
)
from bot.watch.run_facts import RunFacts
from tests.rooms.watch.simulation import world as of
from tests.rooms.watch.simulation.world import HQ, Outside

GOOD = ("Success", "Warning")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Row:
    """A row of the outbox, as it was queued."""

    id: int
    key: str
    channel: str
    placement: str
    created_at: datetime
    said: Announcement


@dataclass(frozen=True)
class Kept:
    """What is kept at one moment: what is muted and subscribed to, which sessions are known, the last row."""

    mutes: tuple[Mute, ...]
    subscriptions: tuple[Mapping[str, Any], ...]
    known: frozenset[str]
    last_row: int


@dataclass(frozen=True)
class Due:
    """Where a session of a job without a route was to be told when it was noticed."""

    channels: frozenset[str]
    is_held: bool


class Steps:
    """Judges each step, and remembers what is judged when all is over."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self.started_in: dict[str, str] = {}
        self.due: dict[str, Due] = {}
        self._reminded: dict[str, datetime] = {}

    def forget(self) -> None:
        """An older database was restored: what people had done since then is lost with it."""
        self.due.clear()
        self._reminded.clear()

    async def look(self) -> Kept:
        """Read what the processes have kept."""
        now = self._outside.set_clock.now()
        async with self._outside.database.reading() as reading:
            mutes = await Mutes(self._outside.database).active(reading, HQ, now)
            subscribed = await reading.values(select(subscriptions))
            known = await reading.all(select(processed_sessions.c.session_id))
            last = await reading.first(select(func.max(outbox.c.id)))
        return Kept(
            mutes,
            tuple(subscribed),
            frozenset(row.session_id for row in known),
            int(last[0] or 0) if last else 0,
        )

    async def judge(self, before: Kept) -> None:
        """Judge what was queued since then."""
        after = await self.look()
        async with self._outside.database.reading() as reading:
            rows = await _rows(reading, before.last_row)
        for row in rows:
            self._is_quiet(row, before.mutes, after.mutes)
            match row.said:
                case ExpectationUnmet(expectation=expectation):
                    self._is_true(expectation)
                case Unacknowledged(run=run):
                    self._is_waited_for(row, run, after.mutes)
                case ManyUnacknowledged(count=count):
                    assert count > 0, row
                    self._is_daily(row, f"{row.channel}/{row.key.partition('/reminder/')[0]}")
                case ExpectationUnacknowledged(expectation=expectation):
                    self._is_daily(row, expectation.key)
        for session_id in after.known - before.known:
            self._note_due(session_id, before.subscriptions)

    def _is_quiet(self, row: Row, before: Collection[Mute], after: Collection[Mute]) -> None:
        """While a job is muted, nothing is told of its failures but in threads, and nobody is mentioned."""
        job = _job_of(row.said)
        if job is None or not (_covers(before, *job) and _covers(after, *job)):
            return
        if isinstance(row.said, RunEnded):
            session = row.said.run.last
            # Nothing is held back of what goes well, nor where somebody began it and waits for its end.
            if session.result == "Success" or self.started_in.get(session.session_id) == row.channel:
                return
        assert row.placement in {Placement.REPLY.value, Placement.EDIT.value}, ("loud while muted", row)
        assert getattr(row.said, "mention", None) is None, ("mentioned while muted", row)

    def _is_true(self, expectation: Expectation) -> None:
        """What is said not to have happened did not."""
        outside, now = self._outside, self._outside.world.now()
        assert outside.dark_since is None
        sessions = outside.world.sessions_of(outside.nightly)
        running = outside.world.book.active_session(outside.nightly)
        match expectation.kind:
            case "no_success":
                ends = [
                    each.ended_at for each in sessions if each.result in GOOD and each.ended_at is not None
                ]
                assert not ends or max(ends) <= now - timedelta(hours=of.SUCCESS_HOURS), expectation
            case "not_started":
                patience = timedelta(minutes=of.START_MINUTES)
                seen_since = max(filter(None, (expectation.since, outside.back_at)))
                assert now - seen_since >= patience, (expectation, outside.back_at)
                assert all(each.created_at < expectation.since for each in sessions), expectation
            case "too_long":
                assert running is not None
                assert now - running.created_at >= of.LONGER * timedelta(seconds=of.USUAL_SECONDS), (
                    expectation
                )
            case "disabled":
                assert outside.nightly.is_disabled
            case "repository":
                assert outside.is_full

    def _is_waited_for(self, row: Row, run: RunFacts, mutes: Collection[Mute]) -> None:
        """A reminder: of a run that still fails, that nobody owns or muted; at most one a day."""
        assert run.stands_failed, row
        assert run.acknowledged is None, row
        assert not _covers(mutes, run.job_id, run.job_name), row
        self._is_daily(row, f"{row.channel}/{run.key}")

    def _is_daily(self, row: Row, about: str) -> None:
        before = self._reminded.get(about)
        assert before is None or row.created_at - before >= DAY, row
        self._reminded[about] = row.created_at

    def _note_due(self, session_id: str, subscribed: Collection[Mapping[str, Any]]) -> None:
        session = self._outside.world.session(session_id)
        if session.job_id != self._outside.world.job(of.LOOSE).id:
            return
        takers = frozenset(
            str(each["channel"]) for each in subscribed if session.result in each["results"].split(",")
        )
        may_see = self._outside.people.may_see
        default = frozenset() if session.result == "Success" else frozenset({of.DEFAULT})
        if not takers or may_see is False:
            self.due[session_id] = Due(default, is_held=False)
        elif may_see is None:
            self.due[session_id] = Due(takers | default, is_held=True)
        else:
            self.due[session_id] = Due(takers, is_held=False)

    async def digest_is_made(self, holder: str) -> None:
        """Once a process has looked within six hours of its time, the digest of a day is there.

        Unless another one is at it, or was and died.
        """
        now, zone = self._outside.set_clock.now(), of.DIGEST.zone
        day = now.astimezone(zone).date()
        due_at = datetime.combine(day, of.DIGEST.at, zone).astimezone(UTC)
        if not due_at <= now <= due_at + timedelta(hours=6):
            return
        others = select(leases.c.name).where(leases.c.name == "digests", leases.c.holder != holder)
        made = select(digests.c.key).where(digests.c.key.like(f"%/{day.isoformat()}"))
        async with self._outside.database.reading() as reading:
            is_others = await reading.first(others.where(leases.c.until > now)) is not None
            assert is_others or len(await reading.all(made)) == 1, day


async def _rows(reading: Transaction, after: int) -> list[Row]:
    columns = (
        outbox.c.id, outbox.c.key, outbox.c.channel, outbox.c.placement, outbox.c.created_at, outbox.c.body
    )  # fmt: skip
    found = await reading.all(select(*columns).where(outbox.c.id > after).order_by(outbox.c.id))
    return [
        Row(row.id, row.key, row.channel, row.placement, row.created_at, decode(row.body)) for row in found
    ]


def _job_of(said: Announcement) -> tuple[str, str] | None:
    match said:
        case ExpectationUnmet(expectation=expectation):
            return expectation.job_id or "", expectation.name
        case (
            RunEnded(run=run)
            | AttemptEnded(run=run)
            | DetailsReply(run=run)
            | NoFurtherAttempt(run=run)
            | MuteEnded(run=run)
            | Unacknowledged(run=run)
        ):
            return run.job_id, run.job_name
        case _:
            return None


def _covers(mutes: Collection[Mute], job_id: str, job_name: str) -> bool:
    return any(
        mute.job_id == job_id
        if mute.job_id is not None
        else mute.pattern is None or (bool(job_id) and matches_glob(mute.pattern, job_name))
        for mute in mutes
    )
