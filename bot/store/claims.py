"""What one process claims, so that no other one does the same: button presses, and leases on work.

Each claim is one statement that says whether it won, also between two processes. A lease names its holder, a
process; what a process that has ended still holds is given back. The outbox (outbox.py) keeps the claims on
its own rows.
"""

import os
import secrets
import socket
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Select, delete, func, or_, select, update

from bot.store.database import Database, Transaction
from bot.store.errors import StoreError
from bot.store.outbox import Outbox
from bot.store.tables import leases, press_claims

LONGEST_LEASE_SECONDS = 180.0
"""No lease is taken for longer."""

ACTIONS_LEASE = "actions/"
"""So begins the lease on what a process has under way: it outlasts any gesture, and is renewed by itself."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES = Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class PressClaim:
    """One press of one button, or one delivery of a typed command: the first claim of a key wins."""

    key: str
    person_id: str
    operation: str
    at: datetime


class PressClaims:
    """The claims of button presses in one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, press: PressClaim) -> PressClaim | None:
        """Claim a press. None when this call won; otherwise the claim that holds the key, by anyone."""
        async with self._database.transaction() as transaction:
            if await transaction.claim(
                transaction.insert(press_claims)
                .values(asdict(press))
                .on_conflict_do_nothing(index_elements=["key"])
            ):
                return None
            columns = (press_claims.c[field.name] for field in fields(PressClaim))
            held = await transaction.values(select(*columns).where(press_claims.c.key == press.key))
        # Released between the two statements: the next one to ask may have it, this one was second.
        return PressClaim(**held[0]) if held else press

    async def note_reduction(
        self, key: str, person_ids: Collection[str], *, now: datetime, since: datetime, at_most: int
    ) -> bool:
        """Note that a claimed press reduces protection; False, and no note, after `at_most` since then.

        All IDs of one person count together, and one press is counted after the other.
        """
        others = _reductions(person_ids, since).where(press_claims.c.key != key)
        async with self._database.transaction() as transaction:
            await transaction.serialise(f"reductions/{min(person_ids)}")
            counted = await transaction.first(others)
            if counted is not None and counted[0] >= at_most:
                return False
            await transaction.execute(
                update(press_claims).where(press_claims.c.key == key).values(reduces_protection_at=now)
            )
        return True

    async def reductions(self, person_ids: Collection[str], *, since: datetime) -> int:
        """Return how many presses of this person were noted since then to reduce protection."""
        async with self._database.transaction() as transaction:
            counted = await transaction.first(_reductions(person_ids, since))
        return 0 if counted is None else int(counted[0])

    async def release(self, key: str) -> None:
        """Let a key be claimed again, because nothing was done."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(press_claims).where(press_claims.c.key == key))

    async def purge(self, before: datetime) -> None:
        """Forget claims from before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(press_claims).where(press_claims.c.at < before))


def _reductions(person_ids: Collection[str], since: datetime) -> Select[int]:
    columns = press_claims.c
    own = columns.person_id.in_(sorted(person_ids))
    return select(func.count()).select_from(press_claims).where(own, columns.reduces_protection_at >= since)


class LeaseLost(StoreError):
    """Another process does this piece of work by now."""


class Leases:
    """Which of several processes does a piece of work, until when by the database's clock.

    A process renews all its leases together, so that one lives as long as its process, however long the work
    takes. Raises `StoreError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self,
        name: str,
        holder: str,
        now: datetime,
        lease_seconds: float,
        *,
        on_takeover: Callable[[], None] | None = None,
    ) -> bool:
        """Take a lease that has run out, in one statement; True as well for one held. False: another's.

        One that lasts longer than any lease has run out, too: the clock was set back. `on_takeover` is
        called where another process may have had it meanwhile.
        """
        longest = now + timedelta(seconds=LONGEST_LEASE_SECONDS)
        is_running = (leases.c.until > now) & (leases.c.until <= longest)
        query = select(leases.c.holder, is_running.label("is_running")).where(leases.c.name == name)
        async with self._database.reading() as reading:
            found = await reading.first(query)
        if found is not None and found.is_running:
            return bool(found.holder == holder)
        if on_takeover is not None and (found is None or found.holder != holder):
            on_takeover()
        until = now + timedelta(seconds=lease_seconds)
        async with self._database.transaction() as transaction:
            return await transaction.claim(
                transaction.insert(leases)
                .values(name=name, holder=holder, until=until)
                .on_conflict_do_update(
                    index_elements=["name"],
                    set_={"holder": holder, "until": until},
                    where=or_(leases.c.holder == holder, ~is_running),
                )
            )

    async def renew_all(self, holder: str, now: datetime, lease_seconds: float) -> None:
        """Let every lease of a process but its `ACTIONS_LEASE` last so much longer from now on."""
        until = now + timedelta(seconds=lease_seconds)
        its_own = (leases.c.holder == holder) & ~leases.c.name.startswith(ACTIONS_LEASE)
        async with self._database.transaction() as transaction:
            await transaction.execute(update(leases).where(its_own).values(until=until))

    async def renew(self, name: str, holder: str, now: datetime, lease_seconds: float) -> None:
        """Take a lease, or let it last longer, unless another process has it, run out or not."""
        until = now + timedelta(seconds=lease_seconds)
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(leases)
                .values(name=name, holder=holder, until=until)
                .on_conflict_do_update(
                    index_elements=["name"], set_={"until": until}, where=leases.c.holder == holder
                )
            )

    async def require(self, transaction: Transaction, name: str, holder: str) -> None:
        """Let a transaction write only while this process holds a lease. Raises `LeaseLost` otherwise.

        Nobody else can take the lease before the transaction ends.
        """
        mine = select(leases.c.name).where(leases.c.name == name, leases.c.holder == holder)
        if await transaction.first(mine.with_for_update()) is None:
            raise LeaseLost(f"another process holds the lease {name}")

    async def holders(self) -> tuple[str, ...]:
        """Return every process that holds a lease, ended ones included."""
        async with self._database.reading() as reading:
            rows = await reading.all(select(leases.c.holder).distinct())
        return tuple(row.holder for row in rows)

    async def release_all(self, holder: str) -> None:
        """Give back every lease of a process that has ended."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(leases).where(leases.c.holder == holder))

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back, so that no process waits for its end."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


async def release_ended(database: Database, has_ended: Callable[[str], bool]) -> None:
    """Give back the leases and the outbox claims of every holder that has ended, so that no process waits.

    Raises `StoreError`.
    """
    for claims in (Leases(database), Outbox(database)):
        for holder in await claims.holders():
            if has_ended(holder):
                await claims.release_all(holder)


def new_holder() -> str:
    """Return a name for this process as a holder: no other has had it, and it says where it runs."""
    return f"{_machine()}:{os.getpid()}:{secrets.token_hex(4)}"


def holder_has_ended(holder: str) -> bool:
    """Tell whether the process of that name has certainly ended.

    Known only of processes with the same boot and process namespace as this one; False for any other.
    """
    machine, _, rest = holder.partition(":")
    number = rest.partition(":")[0]
    if machine != _machine() or not _BOOT_ID.exists() or not number.isdigit():
        return False
    # A name other than ours under our own number is an earlier process's.
    return int(number) == os.getpid() or not Path(f"/proc/{number}").exists()


def _machine() -> str:
    host = socket.gethostname().replace(":", "-")
    if not _BOOT_ID.exists():
        return host
    return f"{host}/{_BOOT_ID.read_text().strip()[:8]}/{_PROCESSES.stat().st_ino}"
