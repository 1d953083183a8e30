"""What a check of the deployment found, one value a row, whichever room asked."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bot.observability.containment import contained
from bot.observability.redaction import Redaction


class Verdict(StrEnum):
    """Whether a thing is as it should be. Only a problem keeps a deployment from going live."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in words for the person who runs the check.

    `part` is the side it belongs to ("Slack", "server hq", "database"), `subject` the thing itself. `detail`
    says how it is and `advice` what to do; texts of other systems in them are quoted as they came.
    """

    part: str
    subject: str
    verdict: Verdict
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


async def found_by(part: str, questions: Awaitable[Sequence[Finding]]) -> tuple[Finding, ...]:
    """Await what one part found; where its check itself broke, that is the finding, and the log has why."""
    found: list[Finding] = []

    async def ask() -> None:
        found.extend(await questions)

    if not await contained(ask(), "check.broke", part=part):
        detail = "The check itself broke, which is a defect of veeam-bot: nothing is known of this part."
        advice = "Run it with LOG_LEVEL=debug and report what it logs."
        found.append(Finding(part, "check", Verdict.PROBLEM, detail, advice))
    return tuple(found)
