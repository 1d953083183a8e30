"""One pipeline for every log line, the bot's own and its libraries': the same shape, the same redaction.

Lines go to standard error, one event each. `contained` is the one place that stops an unforeseen exception.
"""

import logging
import sys
import threading
from collections.abc import Awaitable, Iterable
from types import TracebackType
from typing import Any, Final

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.observability.clock import Clock
from bot.observability.redaction import Redaction

log = structlog.stdlib.get_logger(__name__)

_FLOORS: Final = {
    # Their debug lines hold whole requests and answers, tickets and response URLs.
    "slack_bolt": logging.INFO,
    "slack_sdk": logging.INFO,
    "aiohttp.access": logging.WARNING,
    "aiohttp.client": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
}
_FIRST: Final = ("time", "level", "event")


def set_up_logging(level: str, log_format: str | None, secrets: Iterable[SecretStr]) -> None:
    """Send the whole process's log through one pipeline, as JSON or for a console, with secrets masked.

    `level` is a name such as "info"; `log_format` is "json" or "console"; None means "console" on a
    terminal, else "json". May be called again: the last call holds. Uncaught exceptions are logged too, so
    that no traceback shows a secret.
    """
    redaction = Redaction(secrets)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _QuietHandler(sys.stderr)
    is_json = log_format == "json" if log_format else not sys.stderr.isatty()
    handler.setFormatter(_formatter(shared, redaction, is_json=is_json))
    logging.basicConfig(level=threshold, handlers=[handler], force=True)
    for name, floor in _FLOORS.items():
        logging.getLogger(name).setLevel(max(threshold, floor))
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


async def contained(work: Awaitable[None], event: str, **facts: object) -> bool:
    """Await the work; an exception is logged under `event` with its traceback, and goes no further.

    Returns False if there was one.
    """
    try:
        await work
    except Exception:
        log.exception(event, **facts)
        return False
    return True


class Seldom:
    """For what others can make happen as often as they like: one line a minute, with how often it was."""

    _SECONDS: Final = 60.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times = 0
        self._logged_at: float | None = None

    def times(self) -> int:
        """Count once more; return how often since the last line where another one is due, else 0."""
        self._times += 1
        now = self._clock.monotonic()
        if self._logged_at is not None and now - self._logged_at < self._SECONDS:
            return 0
        times, self._times, self._logged_at = self._times, 0, now
        return times


class _QuietHandler(logging.StreamHandler[Any]):
    """Says that a line was lost without showing it: the stock handler prints its arguments unmasked."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging calls it so
        kind = sys.exc_info()[0]
        what = kind.__name__ if kind else "unknown"
        sys.stderr.write(f"a log line of {record.name} was lost: {what}\n")


def _formatter(
    shared: list[Processor], redaction: Redaction, *, is_json: bool
) -> structlog.stdlib.ProcessorFormatter:
    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        ordered = {key: event[key] for key in _FIRST if key in event}
        # The pipeline's own, which every reader of a log needs, stay as they are.
        untouched = {key: event[key] for key in ("time", "level") if key in event}
        return {**redaction.mapping({**ordered, **event}), **untouched}

    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if not is_json:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            timestamp_key="time",
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )


def _log_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("process.crashed", exc_info=(kind, error, traceback))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not issubclass(crash.exc_type, SystemExit):
        log.critical(
            "process.thread_crashed", exc_info=(crash.exc_type, crash.exc_value, crash.exc_traceback)
        )
