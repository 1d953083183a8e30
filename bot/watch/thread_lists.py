"""A message that counts many, and the list of them in its thread: its pages, and how both are drawn again."""

from datetime import datetime

from bot.store import NewOutboxRow, Outbox, Placement, Transaction
from bot.watch import facts
from bot.watch.messages import REPLY, ROOT, message

ON_A_PAGE = 50
PAGES_AT_MOST = 4
"""So many messages list what the root counts; one more may mention people. The rest is counted."""


def page_of(place: int) -> int:
    """Return the page that draws what stands at a place, or says that it is left out."""
    return min(place // ON_A_PAGE, PAGES_AT_MOST - 1)


def left_out(page: int, count: int) -> int:
    """Return how many of all a page says are not listed: the last page does."""
    return max(0, count - PAGES_AT_MOST * ON_A_PAGE) if page == PAGES_AT_MOST - 1 else 0


class DrawnRoot:
    """A root as it is drawn the `drawn`th time, in one transaction: returns rows for the outbox."""

    def __init__(
        self, outbox: Outbox, transaction: Transaction, *, key: str, channel: str, drawn: int, now: datetime
    ) -> None:
        self._outbox = outbox
        self._transaction = transaction
        self._key = key
        self._channel = channel
        self._drawn = drawn
        self._now = now

    def edit(self, announced: facts.Announcement, key: str | None = None) -> NewOutboxRow:
        """Return the edit of a message that was sent: of this key, else of the root."""
        edited = key or self._key
        return message(
            f"{edited}/edit/{self._drawn}",
            self._channel,
            announced,
            self._now,
            placement=Placement.EDIT,
            priority=ROOT,
            root_key=edited,
        )

    def reply(self, name: str, announced: facts.Announcement) -> NewOutboxRow:
        """Return a reply in the root's thread."""
        return message(
            f"{self._key}/{name}",
            self._channel,
            announced,
            self._now,
            placement=Placement.REPLY,
            priority=REPLY,
            root_key=self._key,
        )

    async def page(self, page: int, listed: facts.Announcement) -> list[NewOutboxRow]:
        """Return what draws a page of the list: new, changed before it was sent, or edited."""
        name = f"list/{page}"
        key = f"{self._key}/{name}"
        if await self._outbox.revise(self._transaction, key, facts.encode(listed)):
            return []
        if await self._outbox.has(self._transaction, key):
            return [self.edit(listed, key)]
        return [self.reply(name, listed)]
