"""The database while the bot runs: whether it answers, and what is forgotten in time."""

from datetime import timedelta

from bot.observability import Health
from bot.store import FollowedSessions, PressClaims
from bot.store.approvals import Approvals
from bot.store.audit import AuditLog
from bot.store.database import Database, DatabaseClock
from bot.store.digests import Digests
from bot.store.drafts import Drafts
from bot.store.errors import StoreError
from bot.store.expectation_groups import ExpectationGroups
from bot.store.failure_groups import FailureGroups
from bot.store.mutes import Mutes
from bot.store.outbox import Outbox
from bot.store.storms import Storms
from bot.store.subscriptions import HeldRoots

DATABASE_PART = "database"
_SECONDS_BETWEEN_LOOKS = 10.0
_SECONDS_BETWEEN_PURGES = 3600.0
_KEPT = timedelta(days=30)
_DRAFTS_KEPT = timedelta(days=1)
_IN_WORK_AT_MOST = timedelta(minutes=10)  # far longer than a gesture may take


class Upkeep:
    """Looks after one database. Drafts outlive the requests that wait for a second person's approval."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        approvals: Approvals,
        clock: DatabaseClock,
        health: Health,
        *,
        approvals_last: timedelta,
    ) -> None:
        self._database = database
        self._audit = audit
        self._approvals = approvals
        self._clock = clock
        self._health = health
        self._drafts_kept = max(_DRAFTS_KEPT, 2 * approvals_last)

    async def run(self) -> None:
        """Say how the database is and set the clock by it, for ever; see whether the record's end is there.

        Once an hour forget what is old and end what was left open.
        """
        purged_at = self._clock.monotonic()
        while True:
            try:
                await self._database.check()
                await self._clock.read(self._database)
                await self._audit.check_end(self._clock.now())
                if self._clock.monotonic() - purged_at > _SECONDS_BETWEEN_PURGES:
                    await self.purge()
                    purged_at = self._clock.monotonic()
            except StoreError as error:
                self._health.set(DATABASE_PART, ok=False, detail=str(error))
            else:
                self._health.set(DATABASE_PART, ok=True)
            await self._clock.sleep(_SECONDS_BETWEEN_LOOKS)

    async def purge(self) -> None:
        """Forget what is old, and end what was left open. Raises `StoreError`."""
        before = self._clock.now() - _KEPT
        await Outbox(self._database).purge(before)
        await PressClaims(self._database).purge(before)
        await FollowedSessions(self._database).purge(before)
        await HeldRoots(self._database).purge(before)
        await Storms(self._database).purge(before)
        await ExpectationGroups(self._database).purge(before)
        await Digests(self._database).purge(before)
        await FailureGroups(self._database).purge(before)
        await Drafts(self._database).purge(self._clock.now() - self._drafts_kept)
        await self._approvals.purge(before)
        await Mutes(self._database).purge(before)
        await self._audit.end_left_open(self._clock.now() - _IN_WORK_AT_MOST, self._clock.now())
