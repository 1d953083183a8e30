"""What processes hold, and giving it back when one has ended."""

from collections.abc import Callable

from bot.store.database import Database
from bot.store.leases import Leases
from bot.store.outbox import Outbox


async def release_ended(database: Database, has_ended: Callable[[str], bool]) -> None:
    """Give back the leases and claims of every holder that has ended, so that nobody waits for them.

    Raises `StoreError`.
    """
    for keeper in (Leases(database), Outbox(database)):
        for holder in await keeper.holders():
            if has_ended(holder):
                await keeper.release_all(holder)
