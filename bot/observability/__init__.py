"""What every room shares: the log, metrics, the clock, and how the bot's parts are.

Knows no other room and no setting: the values are passed in where the bot is built.
"""

from bot.observability.clock import Clock, SystemClock
from bot.observability.health import CheckResult, CheckStatus, Health, PartHealth, run_check
from bot.observability.logs import Seldom, contained, set_up_logging
from bot.observability.metrics import Metrics
from bot.observability.redaction import Redaction

__all__ = [
    "CheckResult",
    "CheckStatus",
    "Clock",
    "Health",
    "Metrics",
    "PartHealth",
    "Redaction",
    "Seldom",
    "SystemClock",
    "contained",
    "run_check",
    "set_up_logging",
]
