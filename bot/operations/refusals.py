"""Refusals on record: the first ones row by row, what one person goes on trying as one row with its count.

A person's window begins with their first refusal. The first few of a kind in it, and so many in all, are put
on record at once; the rest is counted, and put on record as one row when the window ends or the bot stops. A
bot that is killed loses the counts of the last window; each refusal is in the log all the same.
"""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock
from bot.store import AuditEntry, AuditLog, AuditOutcome, StoreError

WINDOW = timedelta(minutes=1)
OF_A_KIND, IN_ALL = 5, 60
"""How many of one person's refusals are rows of their own: of one operation and reason, and of all."""
PEOPLE_AT_MOST = 1_000
SECONDS_BETWEEN_LOOKS = 5.0
_NAMES_SHOWN, _NAME_SHOWN = 5, 80

log = structlog.get_logger()


@dataclass(slots=True)
class _Window:
    """One person's refusals since a moment: how many are rows, and what is counted beyond them."""

    began: datetime
    written: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    folded: Counter[str] = field(default_factory=Counter)
    reasons: set[str | None] = field(default_factory=set)
    names: dict[str, None] = field(default_factory=dict)
    subjects: set[tuple[str | None, str | None, str | None]] = field(default_factory=set)
    latest: AuditEntry | None = None

    def has_room(self, kind: tuple[str, str | None]) -> bool:
        """Whether one more is a row of its own."""
        return self.written[kind] < OF_A_KIND and self.written.total() < IN_ALL

    def fold(self, entry: AuditEntry, reason: str | None) -> None:
        """Count one more that is no row of its own."""
        self.latest = entry
        self.folded[entry.operation] += 1
        self.reasons = {*self.reasons, reason} if len(self.reasons) <= 1 else self.reasons
        subject = (entry.server, entry.job_id, entry.job_name)
        self.subjects = {*self.subjects, subject} if len(self.subjects) <= 1 else self.subjects
        if entry.job_name and len(self.names) < _NAMES_SHOWN:
            self.names[entry.job_name[:_NAME_SHOWN]] = None


class Refusals:
    """Puts refusals on record. `actions` are the names on record that a fold is preferably reported under."""

    def __init__(self, audit: AuditLog, clock: Clock, actions: Collection[str]) -> None:
        self._audit = audit
        self._clock = clock
        self._actions = frozenset(actions)
        self._windows: dict[str, _Window] = {}
        self._ended: list[_Window] = []
        self._writing = asyncio.Lock()

    async def record(self, entry: AuditEntry, outcome: AuditOutcome) -> None:
        """Put a refusal on record, or count it with the others of this person. Raises `StoreError`."""
        self._end_windows(entry.at)
        window = self._windows.setdefault(entry.person_id, _Window(entry.at))
        kind = entry.operation, outcome.detail
        if window.has_room(kind):
            window.written[kind] += 1
            await self._audit.refused(entry, outcome)
        else:
            window.fold(entry, outcome.detail)

    async def run(self) -> None:
        """Put on record what was counted once its window has ended, for ever."""
        while True:
            self._end_windows(self._clock.now())
            await self._write_ended()
            await self._clock.sleep(SECONDS_BETWEEN_LOOKS)

    async def close(self) -> None:
        """Put on record all that was counted so far; the bot stops."""
        self._end_windows(None)
        await self._write_ended()

    def _end_windows(self, now: datetime | None) -> None:
        """End the windows whose time is over; all of them without a time, the oldest where they are many."""
        for person_id, window in list(self._windows.items()):
            is_over = now is None or not timedelta() <= now - window.began < WINDOW
            if is_over or len(self._windows) > PEOPLE_AT_MOST:
                del self._windows[person_id]
                if window.latest is not None:
                    self._ended.append(window)

    async def _write_ended(self) -> None:
        """Put the ended ones on record; return after those, too, that another call is about to write."""
        async with self._writing:
            while self._ended:
                try:
                    await self._audit.refused(*self._as_row(self._ended[0]))
                except StoreError as error:
                    del self._ended[:-PEOPLE_AT_MOST]
                    log.error("operations.refusals_not_recorded", windows=len(self._ended), error=str(error))
                    return
                del self._ended[0]

    def _as_row(self, window: _Window) -> tuple[AuditEntry, AuditOutcome]:
        if window.latest is None:
            raise TypeError("nothing was counted")
        now = self._clock.now()
        most = [name for name, _ in window.folded.most_common()]
        operation = next((name for name in most if name in self._actions), most[0])
        entry = replace(window.latest, operation=operation, at=now, detail=_counted(window))
        if len(window.subjects) > 1:
            entry = replace(entry, server=None, job_id=None, job_name=None)
        reason = next(iter(window.reasons)) if len(window.reasons) == 1 else None
        return entry, AuditOutcome("refused", now, detail=reason)


def _counted(window: _Window) -> str:
    by_operation = ", ".join(f"{name} {times:,} times" for name, times in window.folded.most_common())
    more = f"refused {window.folded.total():,} more times within a minute: {by_operation}"
    is_cut = len(window.names) == _NAMES_SHOWN
    names = (
        f", among others on {', '.join(window.names)}" if len(window.subjects) > 1 and window.names else ""
    )
    return f"{more}{names}{' …' if names and is_cut else ''}"
