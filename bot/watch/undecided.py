"""Sessions that are over but not told at once: without a verdict, or without an end.

VBR does not say whether a result can still change after `Stopped`, so that one without a verdict is read
again some seconds later; a session that stays without an end over several reads ended when it was first
seen so.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.observability import Clock
from bot.veeam import NotFoundOnServer, Result, Session, SessionId, VeeamServer

_READS_WITHOUT_END = 3
_SECONDS_WITHOUT_VERDICT = 5.0


@dataclass(slots=True)
class Settled:
    """Sessions with the moment of their end, and the ends of those that are held back."""

    ended: list[tuple[Session, datetime]] = field(default_factory=list)
    held_back: list[datetime] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Endless:
    first_seen_at: datetime
    reads: int = 0


class Undecided:
    """Remembers what is held back. Only a restart forgets it, and then it is simply held back once more."""

    def __init__(self, server: VeeamServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._without_verdict: dict[SessionId, float] = {}
        self._read_twice: dict[SessionId, Session] = {}
        self._endless: dict[SessionId, _Endless] = {}

    async def settle(self, rows: Sequence[Session], server_now: datetime) -> Settled:
        """Sort stopped sessions into those to tell and those to hold back. Raises VeeamError."""
        settled = Settled()
        self._forget_all_but({row.id for row in rows})
        for row in [*rows, *await self._endless_beside(rows)]:
            if row.end_time is None:
                self._without_end(row, server_now, settled)
            elif row.outcome is Result.NONE:
                await self._no_verdict(row, row.end_time, settled)
            else:
                self._told(row, row.end_time, settled)
        return settled

    async def _endless_beside(self, rows: Iterable[Session]) -> list[Session]:
        listed = {row.id for row in rows}
        return [
            again
            for session_id in list(self._endless)
            if session_id not in listed and (again := await self._read_again(session_id)) is not None
        ]

    def _without_end(self, row: Session, server_now: datetime, settled: Settled) -> None:
        seen = self._endless.get(row.id, _Endless(server_now))
        seen = replace(seen, reads=seen.reads + 1)
        self._endless[row.id] = seen
        if seen.reads >= _READS_WITHOUT_END:
            self._told(row, seen.first_seen_at, settled)

    async def _no_verdict(self, row: Session, ended_at: datetime, settled: Settled) -> None:
        first_seen = self._without_verdict.setdefault(row.id, self._clock.monotonic())
        if self._clock.monotonic() - first_seen < _SECONDS_WITHOUT_VERDICT:
            settled.held_back.append(ended_at)
            return
        if row.id not in self._read_twice:
            self._read_twice[row.id] = await self._read_again(row.id) or row
        self._told(self._read_twice[row.id], ended_at, settled)

    def _forget_all_but(self, listed: Container[SessionId]) -> None:
        for remembered in (self._without_verdict, self._read_twice):
            for session_id in [each for each in remembered if each not in listed]:
                del remembered[session_id]

    def _told(self, row: Session, ended_at: datetime, settled: Settled) -> None:
        self._endless.pop(row.id, None)
        settled.ended.append((row, ended_at))

    async def _read_again(self, session_id: SessionId) -> Session | None:
        try:
            return await self._server.session(session_id)
        except NotFoundOnServer:
            self._endless.pop(session_id, None)
            return None
