"""What all rooms share with the machine: its log, its metrics, its clock, and which part of the bot is well.

Knows no room, no platform and no setting; whoever builds the bot hands the values in.
"""

from bot.observability.clock import Clock, SystemClock
from bot.observability.containment import contained
from bot.observability.findings import Finding, Verdict, found_by
from bot.observability.health import Health, PartHealth
from bot.observability.logs import set_up_logging
from bot.observability.metrics import Metrics
from bot.observability.process import is_gone, process_name
from bot.observability.redaction import Redaction

__all__ = [
    "Clock",
    "Finding",
    "Health",
    "Metrics",
    "PartHealth",
    "Redaction",
    "SystemClock",
    "Verdict",
    "contained",
    "found_by",
    "is_gone",
    "process_name",
    "set_up_logging",
]
