"""What one reading of a server found: values handed from the poller to whoever tells them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.store import PollCursor
from bot.veeam import Session, SessionGroup


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that ended and is not known yet; the moment is the server's clock's."""

    session: Session
    group: SessionGroup
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a server, its sessions oldest first.

    `cursor` is where the next reading begins, once all of `ended` is known; `before` where this one
    began, None on a first start. `server_now` is the server's clock.
    """

    ended: tuple[Ended, ...]
    cursor: PollCursor
    server_now: datetime
    before: PollCursor | None


def in_order(ended: Iterable[Ended]) -> tuple[Ended, ...]:
    """Return sessions in the order they ended."""
    return tuple(sorted(ended, key=lambda each: (each.ended_at, each.session.id)))
