"""A typed line as words: quotes, options and blanks understood, whichever keyboard they come from.

A quote opens only where a word begins and closes only where one ends, so that `Ann's VM` is two plain words;
a double quote inside quotes is written twice. A quote that is never closed is an ordinary character.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bot.operations.matching import DASHES, DOUBLE_QUOTES, INVISIBLE, SINGLE_QUOTES

_OPTION = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
_LEADING_DASHES = f"-{DASHES}"


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line. `text` is without its quotes, `raw` as it was typed.

    `option` is the part before a colon (`server` of `server:hq`), in lower case; `text` is then its value.
    """

    text: str
    raw: str
    is_quoted: bool = False
    option: str | None = None

    @property
    def bare(self) -> str:
        """The word as commands and flags are compared: lower case, without leading dashes; quoted, none."""
        return "" if self.is_quoted or self.option else self.text.casefold().lstrip(_LEADING_DASHES)


def quote(name: str) -> str:
    """Return the name in quotes, so that it is read as exactly this name."""
    return f'"{"".join(letter * 2 if letter in DOUBLE_QUOTES else letter for letter in name)}"'


def split(line: str, options: Collection[str] = ()) -> tuple[Word, ...]:
    """Return the line's words; `options` are those before whose colon a value is looked for."""
    return tuple(_words(line, options))


def _words(line: str, options: Collection[str]) -> Iterator[Word]:
    start = 0
    while start < len(line):
        if line[start].isspace() or line[start] in INVISIBLE:
            start += 1
            continue
        word, start = _word_at(line, start, options)
        yield word


def _word_at(line: str, start: int, options: Collection[str]) -> tuple[Word, int]:
    if (quoted := _quoted_at(line, start)) is not None:
        text, end = quoted
        return Word(text, line[start:end], is_quoted=True), end
    end = _end_of_plain(line, start)
    raw = line[start:end]
    found = _OPTION.fullmatch(_visible(raw))
    if found is None or found[1].casefold() not in options:
        return Word(_visible(raw), raw), end
    return _option_at(line, start, end, name=found[1].casefold())


def _option_at(line: str, start: int, end: int, *, name: str) -> tuple[Word, int]:
    value = line.index(":", start) + 1
    while value < len(line) and (line[value].isspace() or line[value] in INVISIBLE):
        value += 1  # "server: hq" is meant as "server:hq"
    if (quoted := _quoted_at(line, value)) is not None:
        text, end = quoted
        return Word(text, line[start:end], is_quoted=True, option=name), end
    end = max(end, _end_of_plain(line, value))
    return Word(_visible(line[value:end]), line[start:end], option=name), end


def _quoted_at(line: str, start: int) -> tuple[str, int] | None:
    opening = line[start : start + 1]
    marks = next((marks for marks in (DOUBLE_QUOTES, SINGLE_QUOTES) if opening and opening in marks), None)
    if marks is None:
        return None
    text: list[str] = []
    at = start + 1
    while at < len(line):
        if line[at] not in marks:
            text.append(line[at])
            at += 1
        elif marks is DOUBLE_QUOTES and line[at + 1 : at + 2] and line[at + 1] in marks:
            text.append(line[at])
            at += 2
        elif _ends_a_word(line, at + 1):
            return "".join(text), at + 1
        else:
            text.append(line[at])
            at += 1
    return None


def _ends_a_word(line: str, at: int) -> bool:
    while at < len(line) and line[at] in INVISIBLE:
        at += 1
    return at >= len(line) or line[at].isspace()


def _end_of_plain(line: str, start: int) -> int:
    end = start
    while end < len(line) and not line[end].isspace():
        end += 1
    return end


def _visible(text: str) -> str:
    return "".join(letter for letter in text if letter not in INVISIBLE)
