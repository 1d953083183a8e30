"""Query parameters as VBR reads them: exact names, exact enum values, date-times with an offset.

A parameter that takes one value is refused when it comes twice.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from bot.sandbox.vbr.refusals import Refusal, bad_request

T = TypeVar("T")


class _Comparable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


#: What rows are ordered by; None stands for a field that the row has not, and comes first.
SortKey = Callable[[T], _Comparable | None]


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted."""

    skip: int
    limit: int | None

    def of(self, rows: Sequence[T]) -> Sequence[T]:
        """Cut the page out of the rows."""
        return rows[self.skip : None if self.limit is None else self.skip + self.limit]


class Query:
    """The query of one request. Every reader raises a 400 for a value that VBR would not understand."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        default_limit: int | None = 200,
        columns: Collection[str] | None = None,
    ) -> None:
        self._default_limit = default_limit
        self._columns = columns
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """A parameter that takes one value, as it came."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise bad_request(f"The parameter '{name}' takes one value.")
        return values[0]

    def integer(self, name: str) -> int | None:
        """A whole number."""
        return self._read(name, int)

    def number(self, name: str) -> float | None:
        """A number."""
        return self._read(name, float)

    def boolean(self, name: str) -> bool | None:
        """``true`` or ``false``."""
        return self._read(name, _boolean)

    def uuid(self, name: str) -> str | None:
        """A UUID, in lower case."""
        return self._read(name, lambda text: str(UUID(text)))

    def moment(self, name: str) -> datetime | None:
        """A date-time, which must bear an offset."""
        return self._read(name, _moment)

    def word(self, name: str, words: Collection[str]) -> str | None:
        """A value of an enum, spelt exactly so."""
        text = self.text(name)
        return None if text is None else _checked(name, text, words)

    def words(self, name: str, words: Collection[str]) -> frozenset[str] | None:
        """Several values of an enum: the parameter repeated, not joined by commas."""
        values = self._values.get(name)
        return None if values is None else frozenset(_checked(name, value, words) for value in values)

    def page(self) -> Page:
        """``skip`` and ``limit``."""
        skip, limit = self.integer("skip"), self.integer("limit")
        page = Page(0 if skip is None else skip, self._default_limit if limit is None else limit)
        if page.skip < 0 or (page.limit or 0) < 0:
            raise bad_request("The parameters 'skip' and 'limit' must not be negative.")
        return page

    def ordered(self, rows: list[T], columns: Mapping[str, SortKey[T]]) -> list[T]:
        """Order the rows by ``orderColumn``, one of ``columns``; downwards unless ``orderAsc``."""
        known = columns.keys() if self._columns is None else columns.keys() & set(self._columns)
        column = self.word("orderColumn", known)
        ascending = self.boolean("orderAsc")
        if column is None:
            return rows
        key = columns[column]
        keyed = [(key(row), row) for row in rows]
        present = [entry for entry in keyed if entry[0] is not None]
        absent = [row for value, row in keyed if value is None]
        present.sort(key=_first, reverse=not ascending)
        rest = [row for _, row in present]
        return absent + rest if ascending else rest + absent

    def _read(self, name: str, parse: Callable[[str], T]) -> T | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError:
            raise _invalid(name, text) from None


def name_matcher(pattern: str) -> Callable[[Iterable[str | None]], bool]:
    """Tell how ``nameFilter`` matches: the whole of any field, ``*`` at either end standing for anything.

    Letter case does not count. An asterisk within the pattern is an ordinary character.
    """
    wanted = pattern.casefold()
    starts_free, ends_free = wanted.startswith("*"), len(wanted) > 1 and wanted.endswith("*")
    core = wanted[1 if starts_free else 0 : -1 if ends_free else None]

    def matches(field: str) -> bool:
        text = field.casefold()
        if starts_free and ends_free:
            return core in text
        if starts_free:
            return text.endswith(core)
        return text.startswith(core) if ends_free else text == core

    return lambda fields: any(matches(field) for field in fields if field)


def _first(entry: tuple[Any, Any]) -> Any:
    return entry[0]


def _checked(name: str, text: str, words: Collection[str]) -> str:
    if text not in words:
        raise _invalid(name, text)
    return text


def _invalid(name: str, text: str) -> Refusal:
    return bad_request(f"The value '{text}' is not valid for {name}.")


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at
