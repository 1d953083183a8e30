"""One shape and one redaction for every line, whoever wrote it."""

import asyncio
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from bot.observability import set_up_logging

SECRET = SecretStr('hun"ter2\\hunter2-é')


Lines = Callable[..., Any]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Set logging up, write, and read what was written; the process's logging is put back afterwards."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    kept, names = root.handlers[:], ("", "httpx", "aiohttp.access", "sqlalchemy", "slack_sdk", "slack_bolt")
    levels = {name: logging.getLogger(name).level for name in names}
    root.handlers = []

    def read(
        level: str = "debug", log_format: str | None = "json", write: Callable[[], object] = lambda: None
    ) -> list[dict[str, Any]] | str:
        set_up_logging(level, log_format, [SECRET])
        write()
        text = capsys.readouterr().err
        return [json.loads(line) for line in text.splitlines()] if log_format == "json" else text

    yield read
    logging.captureWarnings(capture=False)
    root.handlers = kept
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def _fail() -> None:
    raise ValueError([SECRET.get_secret_value()])


def _log_a_failure() -> None:
    try:
        _fail()
    except ValueError:
        structlog.stdlib.get_logger("bot.x").exception("x.failed", server="hq")


def test_a_line_begins_with_time_level_and_event(lines: Lines) -> None:
    """A JSON line is one object whose first keys are time (ISO 8601, UTC), level and event."""
    log = structlog.stdlib.get_logger("bot.operations")
    (line,) = lines(write=lambda: log.info("operation.finished", operation="retry", seconds=0.4))
    assert list(line)[:3] == ["time", "level", "event"]
    assert line["time"].endswith("Z")
    assert {key: line[key] for key in ("level", "event", "operation", "seconds", "logger")} == {
        "level": "info", "event": "operation.finished", "operation": "retry", "seconds": 0.4,
        "logger": "bot.operations",
    }  # fmt: skip


def test_what_was_bound_is_on_each_line(lines: Lines) -> None:
    """Context variables reach every line below them, those of foreign libraries too."""

    def write() -> None:
        with structlog.contextvars.bound_contextvars(gesture_id="g1"):
            structlog.stdlib.get_logger("bot.x").info("x.done")
            logging.getLogger("slack_bolt").info("foreign")

    assert [line["gesture_id"] for line in lines(write=write)] == ["g1", "g1"]


def test_a_foreign_line_has_the_same_shape(lines: Lines) -> None:
    """Lines of the standard library's logging are rendered alike, their arguments filled in."""
    (line,) = lines(write=lambda: logging.getLogger("slack_sdk.web").warning("call of %s", "chat.update"))
    assert (line["event"], line["level"], line["logger"]) == (
        "call of chat.update",
        "warning",
        "slack_sdk.web",
    )


@pytest.mark.parametrize(
    ("name", "level", "shown"),
    [
        ("httpx", logging.INFO, False),
        ("httpx", logging.WARNING, True),
        ("aiohttp.access", logging.INFO, False),
        ("sqlalchemy.engine", logging.INFO, False),
        ("slack_sdk.web", logging.DEBUG, False),
        ("slack_bolt.App", logging.INFO, True),
        ("bot.watch", logging.DEBUG, True),
    ],
)
def test_libraries_do_not_talk_below_their_floor(lines: Lines, name: str, level: int, *, shown: bool) -> None:
    """Even at debug, libraries that would print requests and answers keep quiet."""
    assert bool(lines(write=lambda: logging.getLogger(name).log(level, "x"))) is shown


def test_the_level_is_kept(lines: Lines) -> None:
    """Below the level nothing is written."""
    log = structlog.stdlib.get_logger("bot.x")
    assert lines("warning", write=lambda: log.info("x.done")) == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_line_shows_a_secret(lines: Lines, log_format: str) -> None:
    """Not in values, bytes, nested data, exceptions, tracebacks, foreign arguments, warnings or crashes."""
    secret = SECRET.get_secret_value()
    thread = threading.Thread(target=lambda: (_ for _ in ()).throw(ValueError(secret)))

    def write() -> None:
        log = structlog.stdlib.get_logger("bot.x")
        log.info("x.done", value=secret, nested={"a": [secret, (secret.encode(),)]}, error=KeyError(secret))
        log.info("x %s", secret)
        logging.getLogger("slack_bolt").warning("%s %r %s", secret, secret, {"k": secret})
        _log_a_failure()
        logging.getLogger("asyncio").error("never retrieved", exc_info=ValueError(secret))
        warnings.warn(secret, stacklevel=1)
        sys.excepthook(ValueError, ValueError(secret), None)
        thread.start()
        thread.join()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        written = str(lines(log_format=log_format, write=write))
    assert written.count("[redacted]") > 10
    assert "ter2" not in written
    assert "x.failed" in written
    assert "process.crashed" in written
    assert "process.thread_crashed" in written


def test_a_line_that_cannot_be_written_is_said_to_be_lost(lines: Lines) -> None:
    """A wrong call of the log neither breaks the caller nor prints its arguments unmasked."""
    wrong = "%s %s"
    text = lines(log_format="console", write=lambda: logging.getLogger("x").error(wrong, "hunter2"))
    assert text == "a log line of x was lost: TypeError\n"


async def test_a_crash_in_a_task_is_logged_masked(lines: Lines) -> None:
    """What asyncio says of exceptions nobody fetched goes through the same pipeline."""

    def write() -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "lost", "exception": ValueError(SECRET.get_secret_value())})

    (line,) = lines(write=write)
    assert "ter2" not in str(line)
    assert "ValueError" in line["exception"]


@pytest.mark.parametrize(
    ("log_format", "first"), [(None, "\x1b"), ("json", "{"), ("console", "\x1b")], ids=str
)
def test_a_terminal_gets_lines_for_people(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, log_format: str | None, first: str
) -> None:
    """Unless the settings say otherwise."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        lines(log_format=log_format, write=lambda: logging.getLogger("bot").info("x.happened"))
        line = os.read(ours, 4096).decode()
    os.close(ours)
    assert "x.happened" in line
    assert line.startswith(first)


def test_what_is_no_terminal_gets_json(lines: Lines) -> None:
    """Unless the settings say otherwise."""
    text = lines(log_format=None, write=lambda: logging.getLogger("bot").info("x.happened"))
    assert json.loads(text)["event"] == "x.happened"
