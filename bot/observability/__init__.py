"""What every room shares: the log, metrics, the clock, how the bot's parts are, and limits of answers.

Knows no other room and no setting: the values are passed in where the bot is built.
"""

from bot.observability.answers import (
    ACCEPTED_ENCODING,
    LARGEST_ANSWER_BYTES,
    AnswerBody,
    AnswerTooLarge,
    AnswerUnreadable,
    capped_wait,
)
from bot.observability.clock import MOST_SKEW, Clock, RemoteClock, SystemClock, skew, wrong_clocks
from bot.observability.health import CheckResult, CheckStatus, Health, PartHealth, run_check
from bot.observability.logs import Seldom, contained, set_up_logging
from bot.observability.metrics import Metrics
from bot.observability.redaction import Redaction

__all__ = [
    "ACCEPTED_ENCODING",
    "LARGEST_ANSWER_BYTES",
    "MOST_SKEW",
    "AnswerBody",
    "AnswerTooLarge",
    "AnswerUnreadable",
    "CheckResult",
    "CheckStatus",
    "Clock",
    "Health",
    "Metrics",
    "PartHealth",
    "Redaction",
    "RemoteClock",
    "Seldom",
    "SystemClock",
    "capped_wait",
    "contained",
    "run_check",
    "set_up_logging",
    "skew",
    "wrong_clocks",
]
