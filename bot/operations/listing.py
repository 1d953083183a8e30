"""Pages out of several sorted lists, each of which is on a server and sorted there.

Merging the beginnings of sorted lists gives the beginning of the merged list, whatever the collation they
were sorted by; so a page is the same one each time it is asked for.
"""

import heapq
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot.veeam import Page

T = TypeVar("T")

PAGE_ROWS = 10
REQUEST_ROWS = 500
SCAN_AT_MOST = 20_000

Ask = Callable[[int, int], Awaitable[Page[T]]]
"""One request: how many rows to skip, and how many to give."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """The beginning (or a window) of one sorted list. `total` counts all; a lower bound unless exact."""

    rows: tuple[T, ...]
    total: int
    is_exact: bool = True
    unreadable: int = 0


async def window(ask: Ask[T], *, skip: int, count: int) -> Rows[T]:
    """Return the rows from `skip` on, at most `count`, of a list that the server filters by itself."""
    rows: list[T] = []
    unreadable = 0
    at, end = skip, skip + count
    while True:
        page = await ask(at, min(REQUEST_ROWS, end - at))
        rows += page.rows
        unreadable += page.unreadable
        at += page.received
        if at >= end or not page.received or (page.total is not None and at >= page.total):
            break
    total = at if page.total is None else page.total
    is_exact = page.total is not None or not page.received
    return Rows(tuple(rows[:count]), total, is_exact, unreadable)


async def scanned(
    ask: Ask[T], keep: Callable[[T], bool], *, at_most: int = SCAN_AT_MOST, enough: int | None = None
) -> Rows[T]:
    """Return all rows to keep, reading every row of the list, but no more than `at_most`.

    With `enough`, reading ends as soon as so many are kept.
    """
    rows: list[T] = []
    unreadable = at = 0
    while at < at_most and (enough is None or len(rows) < enough):
        page = await ask(at, min(REQUEST_ROWS, at_most - at))
        rows += (row for row in page.rows if keep(row))
        unreadable += page.unreadable
        at += page.received
        if not page.received or (page.total is not None and at >= page.total):
            return Rows(tuple(rows), len(rows), unreadable=unreadable)
    return Rows(tuple(rows), len(rows), is_exact=False, unreadable=unreadable)


def page_of(lists: Iterable[Sequence[T]], *, start: int, by: Callable[[T], Any]) -> tuple[T, ...]:
    """Return one page of the merged lists, each of which is sorted by this key as its server sees it."""
    merged = tuple(heapq.merge(*lists, key=by))
    return merged[start : start + PAGE_ROWS]
