"""Reads of the bot's own database that an answer can do without: it says where one failed."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import structlog

from bot.store import StoreError

T = TypeVar("T")
U = TypeVar("U")

_noted: ContextVar[list[StoreError] | None] = ContextVar("store_errors", default=None)

log = structlog.stdlib.get_logger(__name__)


@contextmanager
def noting_store_errors() -> Iterator[list[StoreError]]:
    """Note which of these reads fail until the block ends, in tasks started there too."""
    errors: list[StoreError] = []
    token = _noted.set(errors)
    try:
        yield errors
    finally:
        _noted.reset(token)


async def stored(read: Awaitable[T], otherwise: U) -> T | U:
    """Return what the database says; `otherwise`, and a note, where it does not answer."""
    try:
        return await read
    except StoreError as error:
        log.warning("operations.detail_not_stored", error=str(error))
        if (errors := _noted.get()) is not None:
            errors.append(error)
        return otherwise
