"""Which parts of the bot are well, since when, and why not."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from bot.observability.clock import Clock

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class PartHealth:
    """How one part is. Times are aware, UTC."""

    ok: bool
    detail: str
    since: datetime
    """When it became so."""
    last_ok_at: datetime | None = None
    """When it was last seen well: for a server, its last good poll."""


class Health:
    """The parts' own word on how they are; logs when a part changes, not each time it says so."""

    def __init__(self, clock: Clock, parts: Iterable[str] = ()) -> None:
        """Parts named here count as not yet well until they report."""
        self._clock = clock
        now = clock.now()
        self._parts = {part: PartHealth(ok=False, detail="starting", since=now) for part in parts}
        self._reported: set[str] = set()

    def set(self, part: str, *, ok: bool, detail: str = "") -> None:
        """Say how a part is; `detail` is one short line without secrets."""
        now = self._clock.now()
        before = self._parts.get(part) if part in self._reported else None
        last_ok_at = now if ok else (before.last_ok_at if before else None)
        if before is not None and before.ok == ok:
            self._parts[part] = replace(before, detail=detail, last_ok_at=last_ok_at)
            return
        self._reported.add(part)
        self._parts[part] = PartHealth(ok=ok, detail=detail, since=now, last_ok_at=last_ok_at)
        self._log_change(part, before)

    def part(self, name: str) -> PartHealth | None:
        """How a part is, or None where it never reported and was not expected."""
        return self._parts.get(name)

    @property
    def is_ready(self) -> bool:
        """Whether every part is well."""
        return all(part.ok for part in self._parts.values())

    def report(self) -> dict[str, Any]:
        """Everything, in the shape `/readyz` answers; times in ISO 8601, UTC."""
        return {
            "ready": self.is_ready,
            "parts": {name: _plain(part) for name, part in sorted(self._parts.items())},
        }

    def _log_change(self, name: str, before: PartHealth | None) -> None:
        part = self._parts[name]
        if not part.ok:
            log.warning("health.part_failed", part=name, detail=part.detail)
        elif before is None:
            log.info("health.part_ready", part=name, detail=part.detail)
        else:
            failed_seconds = round((part.since - before.since).total_seconds(), 1)
            log.info("health.part_recovered", part=name, detail=part.detail, failed_seconds=failed_seconds)


def _plain(part: PartHealth) -> dict[str, Any]:
    return {
        "ok": part.ok,
        "detail": part.detail,
        "since": part.since.isoformat(),
        "last_ok_at": part.last_ok_at.isoformat() if part.last_ok_at else None,
    }
