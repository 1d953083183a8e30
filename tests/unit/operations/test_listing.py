"""Pages out of sorted lists: every row once, in order, with a total that is honest."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.operations.vbr_lists import PAGE_ROWS, AskPage, page_of, scanned, window
from bot.veeam import Page

lists_of_numbers = st.lists(st.lists(st.integers(0, 50)).map(sorted), max_size=4)


def served(rows: Sequence[int], *, at_most: int = 500, says_total: bool = True) -> AskPage[int]:
    """A server that gives no more than so many rows a time."""

    async def ask(skip: int, limit: int) -> Page[int]:
        given_rows = tuple(rows[skip : skip + min(limit, at_most)])
        return Page(given_rows, len(rows) if says_total else None)

    return ask


@given(lists_of_numbers)
def test_pages_of_beginnings_are_the_pages_of_all(lists: list[list[int]]) -> None:
    """The first rows of each list are enough for a page, and the pages together are everything once."""
    everything: list[int] = []
    for start in range(0, sum(map(len, lists)) + PAGE_ROWS, PAGE_ROWS):
        beginnings = [rows[: start + PAGE_ROWS] for rows in lists]
        everything += page_of(beginnings, start=start, by=lambda number: number)
    assert everything == sorted(number for rows in lists for number in rows)


async def test_a_window_is_asked_for_as_it_is() -> None:
    """VBR counts, and the total is its word."""
    found = await window(served(range(95)), skip=90, count=10)
    assert (found.rows, found.total, found.is_exact) == ((90, 91, 92, 93, 94), 95, True)


async def test_a_server_that_gives_less_is_asked_again() -> None:
    """Nobody assumes to get as many rows as asked for."""
    found = await window(served(range(95), at_most=4), skip=0, count=10)
    assert found.rows == tuple(range(10))


async def test_a_server_without_a_total() -> None:
    """Without a count the total is a lower bound, unless the end was seen."""
    some = await window(served(range(95), says_total=False), skip=0, count=10)
    assert (some.total, some.is_exact) == (10, False)
    every = await window(served(range(5), says_total=False), skip=0, count=10)
    assert (every.total, every.is_exact) == (5, True)


async def test_a_scan_keeps_what_fits_and_counts_it() -> None:
    """All rows are read, unless there are too many or enough was found."""
    even = await scanned(served(range(1300)), lambda number: number % 2 == 0)
    assert (len(even.rows), even.total, even.is_exact) == (650, 650, True)
    cut = await scanned(served(range(1300)), lambda number: number % 2 == 0, at_most=1000)
    assert (cut.total, cut.is_exact) == (500, False)
    enough = await scanned(served(range(1300)), lambda _: True, enough=11)
    assert (enough.total, enough.is_exact) == (500, False)
