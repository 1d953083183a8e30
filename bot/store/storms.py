"""Storms: many failures of one channel in one message, and the failures lately announced in a channel.

A failure is a run, by its key; a channel gets it once, as a root of its own or in a storm.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import channel_failures, storms

LOGS_FAILED = "logs_failed"
"""The state of a backup of logs that failed: no retry of its job repeats it."""
RETRYABLE = ("failed", "retrying")
STANDS_FAILED = (*RETRYABLE, LOGS_FAILED)
"""The states of the failures that nothing has made up for yet."""
_OWNERS_AT_MOST = 5
STORMS = "storms"
"""The name by which transactions that change storms wait for each other."""


@dataclass(frozen=True, slots=True)
class Storm:
    """A storm of one channel. `joined_at` is when its latest failure was noticed.

    `mention` is who is mentioned once a failure of it is final, and `is_mentioned` once that was done. So
    many failures of the window came `earlier` and have roots of their own. It was `drawn` so many times, and
    something was done about all of it `turn` times.
    """

    id: str
    channel: str
    opened_at: datetime
    joined_at: datetime
    mention: str | None = None
    is_mentioned: bool = False
    earlier: int = 0
    turn: int = 0
    drawn: int = 0


@dataclass(frozen=True, slots=True)
class ChannelFailure:
    """A run that failed, as a channel got it: in a storm, at its `place` from 0, or as a root.

    `session_id` is the run's first, `last_session_id` its latest or, once it went well, the latest that
    failed; `state` is the watch's word for how the run stands, and `owner` acknowledged it. Failures of one
    `cause_key` have the same trouble: `cause` is its name, `reason` what VBR said. The job writes to a
    `repository`, where so much was free, if that is known. While it is muted, `muted_until` and `muted_by`
    say so: no longer than its job fails where `muted_until_success`, with its server where
    `is_server_muted`. So many later runs were `held` back.
    """

    channel: str
    run_key: str
    server: str
    job_id: str
    job_name: str
    session_id: str
    last_session_id: str
    cause_key: str
    cause: str | None
    reason: str | None
    state: str
    ended_at: datetime
    noticed_at: datetime
    storm_id: str | None = None
    place: int | None = None
    owner: str | None = None
    repository: str | None = None
    free_gb: float | None = None
    muted_until: datetime | None = None
    muted_by: str | None = None
    muted_until_success: bool = False
    is_server_muted: bool = False
    held: int = 0


@dataclass(frozen=True, slots=True)
class FailureMute:
    """How a failure of a storm is muted: until when, by whom, and whether with its server."""

    until: datetime
    by: str
    until_success: bool = False
    is_of_server: bool = False


@dataclass(frozen=True, slots=True)
class StormPart:
    """The failures of a storm with one cause, on one server and repository, that stand alike."""

    server: str
    cause_key: str
    cause: str | None
    reason: str | None
    state: str
    count: int
    first_place: int
    first_ended_at: datetime
    last_ended_at: datetime
    repository: str | None = None
    free_gb: float | None = None


_NO_MUTE: Mapping[Any, Any] = {
    channel_failures.c.muted_until: None,
    channel_failures.c.muted_by: None,
    channel_failures.c.muted_until_success: False,
    channel_failures.c.is_server_muted: False,
    channel_failures.c.held: 0,
}


def _muted_as(mute: FailureMute) -> Mapping[Any, Any]:
    return {
        channel_failures.c.muted_until: mute.until,
        channel_failures.c.muted_by: mute.by,
        channel_failures.c.muted_until_success: mute.until_success,
        channel_failures.c.is_server_muted: mute.is_of_server,
    }


class Storms:
    """The storms and failures of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_in(
        self, transaction: Transaction, channel: str, *, opened_since: datetime, joined_since: datetime
    ) -> Storm | None:
        """Return the storm of a channel that still takes failures, if there is one."""
        found = await transaction.values(
            select(storms)
            .where(
                storms.c.channel == channel,
                storms.c.joined_at >= joined_since,
                storms.c.opened_at >= opened_since,
            )
            .order_by(storms.c.joined_at.desc())
            .limit(1)
        )
        return Storm(**found[0]) if found else None

    async def of(self, transaction: Transaction, storm_id: str) -> Storm | None:
        """Return a storm by its ID."""
        found = await transaction.values(select(storms).where(storms.c.id == storm_id))
        return Storm(**found[0]) if found else None

    async def put(self, transaction: Transaction, storm: Storm) -> None:
        """Keep a storm, new or changed."""
        values = asdict(storm)
        await transaction.execute(
            transaction.insert(storms)
            .values(values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )

    async def noticed_since(self, transaction: Transaction, channel: str, since: datetime) -> int:
        """Return how many failures a channel got since a moment, those in storms left out."""
        counted = await transaction.first(
            select(func.count())
            .select_from(channel_failures)
            .where(
                channel_failures.c.channel == channel,
                channel_failures.c.noticed_at >= since,
                channel_failures.c.storm_id.is_(None),
            )
        )
        return 0 if counted is None else int(counted[0])

    async def size(self, transaction: Transaction, storm_id: str) -> int:
        """Return how many failures a storm has."""
        counted = await transaction.first(
            select(func.count()).select_from(channel_failures).where(channel_failures.c.storm_id == storm_id)
        )
        return 0 if counted is None else int(counted[0])

    async def add(self, transaction: Transaction, failure: ChannelFailure) -> None:
        """Keep that a channel got a failure; twice is once."""
        await transaction.execute(
            transaction.insert(channel_failures)
            .values(asdict(failure))
            .on_conflict_do_nothing(index_elements=["channel", "run_key"])
        )

    async def tells_of(self, transaction: Transaction, run_key: str) -> bool:
        """Whether a storm lists a run."""
        found = select(channel_failures.c.run_key).where(
            channel_failures.c.run_key == run_key, channel_failures.c.storm_id.is_not(None)
        )
        return await transaction.first(found.limit(1)) is not None

    async def change_state(
        self,
        transaction: Transaction,
        run_key: str,
        *,
        state: str,
        last_session_id: str,
        owner: str | None,
        mute: FailureMute | None,
    ) -> Sequence[ChannelFailure]:
        """Note how a run stands now, after this session, whose it is and how its job is muted.

        Return what changed in storms. What its server mutes stays so, until `unmute` says otherwise.
        """
        columns = channel_failures.c
        now = {
            columns.state: state,
            columns.last_session_id: last_session_id,
            columns.owner: owner,
        }
        of_run = columns.run_key == run_key
        changed = [*await self._change(transaction, of_run, now)]
        if mute is None:
            changed += await self._change(
                transaction, and_(of_run, columns.is_server_muted.is_(False)), _NO_MUTE
            )
        else:
            changed += await self._change(transaction, of_run, _muted_as(mute))
        return changed

    async def unmute(
        self, transaction: Transaction, server: str, job_ids: Collection[str], *, is_of_server: bool
    ) -> Sequence[ChannelFailure]:
        """Note that a mute of a few hundred jobs, or one of their server, is over; return what changed."""
        columns = channel_failures.c
        of_jobs = and_(
            columns.server == server, columns.job_id.in_(job_ids), columns.muted_until.is_not(None)
        )
        alike = columns.is_server_muted.is_(is_of_server)
        return await self._change(transaction, and_(of_jobs, alike), _NO_MUTE)

    async def _change(
        self, transaction: Transaction, where: ColumnElement[bool], now: Mapping[Any, Any]
    ) -> Sequence[ChannelFailure]:
        """Change failures in storms that are not so yet; return them as they are now."""
        changed = await transaction.values(
            update(channel_failures)
            .where(
                where,
                channel_failures.c.storm_id.is_not(None),
                or_(*(column.is_distinct_from(value) for column, value in now.items())),
            )
            .values(now)
            .returning(*channel_failures.c)
        )
        return tuple(ChannelFailure(**values) for values in changed)

    async def hold(
        self, transaction: Transaction, channel: str, server: str, job_id: str, mute: FailureMute
    ) -> ChannelFailure | None:
        """Count a run that a mute holds back with its job's latest failure in a storm; None: it has none."""
        columns = channel_failures.c
        latest = (
            select(columns.run_key)
            .where(
                columns.channel == channel,
                columns.server == server,
                columns.job_id == job_id,
                columns.storm_id.is_not(None),
                columns.state.in_(STANDS_FAILED),
            )
            .order_by(columns.noticed_at.desc())
            .limit(1)
        )
        counted = await transaction.values(
            update(channel_failures)
            .where(columns.channel == channel, columns.run_key == latest.scalar_subquery())
            .values({**_muted_as(mute), columns.held: columns.held + 1})
            .returning(*columns)
        )
        return ChannelFailure(**counted[0]) if counted else None

    async def parts(self, transaction: Transaction, storm_id: str) -> tuple[StormPart, ...]:
        """Return a storm's failures, summed up; those whose first one came first come first."""
        of_storm = channel_failures.c.storm_id == storm_id
        columns = (
            channel_failures.c.server,
            channel_failures.c.cause_key,
            channel_failures.c.cause,
            channel_failures.c.state,
            channel_failures.c.repository,
        )
        first_place = func.min(channel_failures.c.place)
        found = await transaction.values(
            select(
                *columns,
                func.count().label("count"),
                first_place.label("first_place"),
                func.min(channel_failures.c.reason).label("reason"),
                func.min(channel_failures.c.ended_at).label("first_ended_at"),
                func.max(channel_failures.c.ended_at).label("last_ended_at"),
                func.min(channel_failures.c.free_gb).label("free_gb"),
            )
            .where(of_storm)
            .group_by(*columns)
            .order_by(first_place)
        )
        return tuple(StormPart(**values) for values in found)

    async def owners(self, transaction: Transaction, storm_id: str) -> tuple[tuple[str, int], ...]:
        """Return who acknowledged how many of a storm's open failures, the largest number first."""
        columns, number = channel_failures.c, func.count()
        query = (
            select(columns.owner, number.label("number"))
            .where(columns.storm_id == storm_id, columns.owner.is_not(None), columns.state.in_(STANDS_FAILED))
            .group_by(columns.owner)
            .order_by(number.desc(), columns.owner)
            .limit(_OWNERS_AT_MOST)
        )
        return tuple((row.owner, row.number) for row in await transaction.all(query))

    async def muted(self, transaction: Transaction, storm_id: str) -> int:
        """Return how many of a storm's open failures are muted."""
        columns = channel_failures.c
        counted = await transaction.first(
            select(func.count()).where(
                columns.storm_id == storm_id,
                columns.muted_until.is_not(None),
                columns.state.in_(STANDS_FAILED),
            )
        )
        return 0 if counted is None else int(counted[0])

    async def failures(
        self,
        transaction: Transaction,
        storm_id: str,
        *,
        limit: int,
        first: int = 0,
        states: Collection[str] = (),
    ) -> tuple[ChannelFailure, ...]:
        """Return so many failures of a storm from a place on, in their order; of these states, if any."""
        alike = (channel_failures.c.state.in_(states),) if states else ()
        found = await transaction.values(
            select(channel_failures)
            .where(channel_failures.c.storm_id == storm_id, channel_failures.c.place >= first, *alike)
            .order_by(channel_failures.c.place)
            .limit(limit)
        )
        return tuple(ChannelFailure(**values) for values in found)

    async def acted_on(self, storm_id: str, turn: int) -> None:
        """Note that something was done about all of a storm, by the button of this turn."""
        async with self._database.transaction() as transaction:
            await transaction.serialise(STORMS)
            await transaction.execute(
                update(storms).where(storms.c.id == storm_id, storms.c.turn == turn).values(turn=turn + 1)
            )

    async def purge(self, before: datetime) -> None:
        """Forget the failures that were noticed before a moment, and storms that took none since."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(channel_failures).where(channel_failures.c.noticed_at < before))
            await transaction.execute(delete(storms).where(storms.c.joined_at < before))
