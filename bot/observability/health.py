"""How the bot's parts are: while it runs (`Health`), and as `veeam-bot check` finds them (`CheckResult`)."""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import structlog

from bot.observability.clock import Clock
from bot.observability.logs import contained
from bot.observability.redaction import Redaction

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class PartHealth:
    """How one part is. Times are aware, UTC."""

    ok: bool
    detail: str
    since: datetime
    """When it became so."""
    last_ok_at: datetime | None = None
    """When it was last ok: for a server, its last good poll."""
    is_vital: bool = True
    """Whether the bot is not ready while this part is not ok."""


class Health:
    """How each part says it is; logs when that changes, not each time a part says so."""

    def __init__(self, clock: Clock, parts: Iterable[str] = ()) -> None:
        """Parts named here count as not ok until they report."""
        self._clock = clock
        now = clock.now()
        self._parts = {part: PartHealth(ok=False, detail="starting", since=now) for part in parts}
        self._reported: set[str] = set()

    def set(self, part: str, *, ok: bool, detail: str = "", is_vital: bool = True) -> None:
        """Say how a part is; `detail` is one short line without secrets."""
        now = self._clock.now()
        before = self._parts.get(part) if part in self._reported else None
        last_ok_at = now if ok else (before.last_ok_at if before else None)
        if before is not None and before.ok == ok:
            self._parts[part] = replace(before, detail=detail, last_ok_at=last_ok_at)
            return
        self._reported.add(part)
        self._parts[part] = PartHealth(
            ok=ok, detail=detail, since=now, last_ok_at=last_ok_at, is_vital=is_vital
        )
        if not ok:
            log.warning("health.part_failed", part=part, detail=detail)
        elif before is None:
            log.info("health.part_ready", part=part, detail=detail)
        else:
            failed_seconds = round((now - before.since).total_seconds(), 1)
            log.info("health.part_recovered", part=part, detail=detail, failed_seconds=failed_seconds)

    def part(self, name: str) -> PartHealth | None:
        """How a part is, or None if it never reported and was not expected."""
        return self._parts.get(name)

    @property
    def is_ready(self) -> bool:
        """Whether every part is ok that the bot can't do without."""
        return all(part.ok or not part.is_vital for part in self._parts.values())

    def report(self) -> dict[str, Any]:
        """Everything, in the shape `/readyz` answers; times in ISO 8601, UTC."""
        parts = {
            name: {
                "ok": part.ok,
                "detail": part.detail,
                "since": part.since.isoformat(),
                "last_ok_at": part.last_ok_at.isoformat() if part.last_ok_at else None,
            }
            for name, part in sorted(self._parts.items())
        }
        return {"ready": self.is_ready, "parts": parts}


class CheckStatus(StrEnum):
    """Whether a thing is as it should be. Only a problem keeps a deployment from going live."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was checked, in words for the person who runs the check.

    `part` is what it belongs to ("Slack", "server hq", "database"), `subject` the thing itself. `detail`
    says how it is and `advice` what to do; both quote other systems' texts as they came.
    """

    part: str
    subject: str
    status: CheckStatus
    detail: str
    advice: str = ""

    def redacted(self, redaction: Redaction) -> Self:
        """The same without secrets, which another system's text may have repeated."""
        return replace(
            self,
            subject=redaction.text(self.subject),
            detail=redaction.text(self.detail),
            advice=redaction.text(self.advice),
        )


async def run_check(part: str, check: Awaitable[Sequence[CheckResult]]) -> tuple[CheckResult, ...]:
    """Await the check of one part. If the check itself breaks, that is the result, and the log says why."""
    results: list[CheckResult] = []

    async def run() -> None:
        results.extend(await check)

    if not await contained(run(), "check.broke", part=part):
        detail = "The check itself broke, which is a defect of veeam-bot: nothing is known of this part."
        advice = "Run it with LOG_LEVEL=debug and report what it logs."
        results.append(CheckResult(part, "check", CheckStatus.PROBLEM, detail, advice))
    return tuple(results)
