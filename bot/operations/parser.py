"""Typed words to a typed request: pure, and never raises.

The text comes without the chat platform's escapes: a mentioned person is `@U012ABC`, entities are decoded.
Its quotes, dashes and blanks are still as somebody's keyboard wrote them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from bot.operations.catalog import Operation
from bot.operations.matching import nearest
from bot.operations.outcomes import Misread
from bot.operations.people import PersonId
from bot.operations.requests import (
    AuditRequest,
    CloneRequest,
    CreateRequest,
    DeleteRequest,
    DisableRequest,
    EditRequest,
    EnableRequest,
    HelpRequest,
    JobRequest,
    JobsFilter,
    JobsRequest,
    NamedJob,
    NamedMachine,
    QuickBackupRequest,
    Request,
    RetryRequest,
    ServersRequest,
    SessionRequest,
    SessionsFilter,
    SessionsRequest,
    StartRequest,
    StatusRequest,
    StopRequest,
    WhoamiRequest,
)
from bot.operations.words import Word, split
from bot.veeam import SessionId, is_id

F = TypeVar("F", JobsFilter, SessionsFilter)

LONGEST = timedelta(days=366)

_SERVER = frozenset({"server"})
_PICK = "pick the person from the list after typing @."
_PERSON = re.compile(r"@([UW][A-Z0-9]{2,})", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,5})(m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)")
_LIKE_A_SPAN = re.compile(r"\d+[a-z]")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """What follows a verb: its words, and its options apart."""

    operation: Operation
    typed: str
    words: tuple[Word, ...]
    options: Mapping[str, str]

    def misread(self, problem: str, suggestion: str | None = None) -> Misread:
        return Misread(self.typed, problem, suggestion)

    def usage(self, problem: str) -> Misread:
        return self.misread(f"{problem} Usage: {self.operation.usage}", _example(self.operation))

    def without_last(self, count: int) -> tuple[Word, ...]:
        return self.words[: len(self.words) - count]


class _Unreadable(Exception):
    def __init__(self, misread: Misread) -> None:
        super().__init__(misread.problem)
        self.misread = misread


def parse(text: str, catalog: Sequence[Operation]) -> Request | Misread:
    """Return what the words ask for, or what is wrong with them and what was perhaps meant. Never raises."""
    words = split(text)
    if not words:
        return HelpRequest()
    verb = words[0]
    operation = next((known for known in catalog if known.name == verb.text.casefold()), None)
    if operation is None:
        operation = next((known for known in catalog if known.name == verb.bare), None)
    if operation is None or operation.request not in _READERS:
        return _unknown_verb(text, words, catalog)
    try:
        return _READERS[operation.request](_line(operation, text, verb))
    except _Unreadable as unreadable:
        return unreadable.misread


def _unknown_verb(text: str, words: Sequence[Word], catalog: Sequence[Operation]) -> Misread:
    meant = nearest(words[0].text, (known.name for known in catalog), limit=1)
    problem = f"There is no command {words[0].raw}."
    if not meant:
        return Misread(text, problem, "help")
    return Misread(text, problem, " ".join((meant[0], *(word.raw for word in words[1:]))))


def _line(operation: Operation, text: str, verb: Word) -> _Line:
    rest = text[text.index(verb.raw) + len(verb.raw) :]
    words = split(rest, _OPTIONS.get(operation.request, _SERVER))
    line = _Line(operation, text, tuple(word for word in words if word.option is None), _options(words))
    for word in words:
        if word.option is None:
            continue
        if not word.text.strip():
            raise _Unreadable(line.misread(f"What {word.option}? Write {word.option}:NAME."))
        if line.options[word.option] != word.text:
            raise _Unreadable(line.misread(f"{word.option}: stands there twice, with two values."))
    return line


def _options(words: Sequence[Word]) -> Mapping[str, str]:
    return {word.option: word.text for word in words if word.option is not None}


def _help(line: _Line) -> Request:
    return HelpRequest(word=_text(line.words))


def _whoami(line: _Line) -> Request | Misread:
    word = _text(line.words)
    if word is None:
        return WhoamiRequest()
    found = _PERSON.fullmatch(word)
    if found is None:
        return line.usage(f"{word} is nobody I can look up: {_PICK}")
    return WhoamiRequest(person=PersonId(found[1].upper()))


def _jobs(line: _Line) -> Request | Misread:
    which, rest = _filter(line, JobsFilter)
    return JobsRequest(
        which=which,
        pattern=_text(rest),
        type=line.options.get("type"),
        repository=line.options.get("repo"),
        server=line.options.get("server"),
    )


def _job(line: _Line) -> Request:
    return JobRequest(job=_named(line, line.words))


def _sessions(line: _Line) -> Request | Misread:
    within = _span(line, f"{line.operation.name} 24h")
    narrowed = _Line(line.operation, line.typed, line.without_last(1 if within else 0), line.options)
    which, rest = _filter(narrowed, SessionsFilter)
    server = line.options.get("server")
    return SessionsRequest(
        which=which, job=_named(line, rest) if rest else None, within=within, server=server
    )


def _session(line: _Line) -> Request | Misread:
    word = _text(line.words)
    if word is None:
        return line.usage("Which session?")
    session_id = word.casefold().strip("{}")
    if not is_id(session_id):
        return line.usage(f"{word} is not a session's ID.")
    return SessionRequest(SessionId(session_id), server=line.options.get("server"))


def _status(line: _Line) -> Request | Misread:
    return _no_words(line) or StatusRequest(server=line.options.get("server"))


def _servers(line: _Line) -> Request | Misread:
    return _no_words(line) or ServersRequest(server=line.options.get("server"))


def _audit(line: _Line) -> Request | Misread:
    within = _span(line, f"{line.operation.name} 24h")
    rest = line.without_last(1 if within else 0)
    person: PersonId | None = None
    if rest and rest[0].text.startswith("@") and not rest[0].is_quoted:
        found = _PERSON.fullmatch(rest[0].text)
        if found is None:
            return line.usage(f"{rest[0].text} is nobody I can look up: {_PICK}")
        person, rest = PersonId(found[1].upper()), rest[1:]
    job = _named(line, rest) if rest else None
    return AuditRequest(job=job, person=person, within=within, server=line.options.get("server"))


def _start(line: _Line) -> Request:
    flags, rest = _flags(line, "full", "chained")
    return StartRequest(job=_named_or_asked(line, rest), full="full" in flags, chained="chained" in flags)


def _stop(line: _Line) -> Request:
    flags, rest = _flags(line, "now", "chained")
    return StopRequest(job=_named_or_asked(line, rest), now="now" in flags, chained="chained" in flags)


def _retry(line: _Line) -> Request:
    flags, rest = _flags(line, "chained")
    return RetryRequest(job=_named_or_asked(line, rest), chained="chained" in flags)


def _enable(line: _Line) -> Request:
    return EnableRequest(job=_named_or_asked(line, line.words))


def _disable(line: _Line) -> Request:
    is_timed = len(line.words) > 1 and line.words[-2].bare == "for"
    span = _span(line, line.operation.examples[-1]) if is_timed else None
    return DisableRequest(job=_named_or_asked(line, line.without_last(2 if span else 0)), span=span)


def _clone(line: _Line) -> Request:
    return CloneRequest(job=_named_or_asked(line, line.words))


def _edit(line: _Line) -> Request:
    return EditRequest(job=_named_or_asked(line, line.words))


def _create(line: _Line) -> Request | Misread:
    if line.words:
        return line.misread("A form asks for the new job's name and all else.", line.operation.name)
    return CreateRequest(server=line.options.get("server"))


def _delete(line: _Line) -> Request:
    return DeleteRequest(job=_named_or_asked(line, line.words))


def _quick_backup(line: _Line) -> Request:
    return QuickBackupRequest(NamedMachine(_text(line.words) or "", line.options.get("server")))


_READERS: Mapping[type, Callable[[_Line], Request | Misread]] = {
    HelpRequest: _help,
    WhoamiRequest: _whoami,
    JobsRequest: _jobs,
    JobRequest: _job,
    SessionsRequest: _sessions,
    SessionRequest: _session,
    StatusRequest: _status,
    ServersRequest: _servers,
    AuditRequest: _audit,
    StartRequest: _start,
    StopRequest: _stop,
    RetryRequest: _retry,
    EnableRequest: _enable,
    DisableRequest: _disable,
    CloneRequest: _clone,
    EditRequest: _edit,
    CreateRequest: _create,
    DeleteRequest: _delete,
    QuickBackupRequest: _quick_backup,
}
_OPTIONS: Mapping[type, frozenset[str]] = {
    HelpRequest: frozenset(),
    WhoamiRequest: frozenset(),
    JobsRequest: frozenset({"server", "type", "repo"}),
}


def _named(line: _Line, words: Sequence[Word]) -> NamedJob:
    name = _text(words)
    if name is None:
        raise _Unreadable(line.usage("Which job?"))
    exact = len(words) == 1 and words[0].is_quoted
    return NamedJob(text=name, server=line.options.get("server"), exact=exact)


def _named_or_asked(line: _Line, words: Sequence[Word]) -> NamedJob:
    """Without a name a form asks for the job, on the server that was named."""
    return _named(line, words) if _text(words) else NamedJob("", server=line.options.get("server"))


def _text(words: Sequence[Word]) -> str | None:
    """The rest of the line as one name: quotes count only where they enclose all of it."""
    if len(words) == 1:
        return words[0].text if words[0].text.strip() else None
    return " ".join(word.raw if word.is_quoted else word.text for word in words) or None


def _filter(line: _Line, words: type[F]) -> tuple[F | None, tuple[Word, ...]]:
    which = _as_filter(line.words[0], words) if line.words else None
    if which is None:
        return None, line.words
    rest = line.words[1:]
    if len(rest) == 1 and (second := _as_filter(rest[0], words)) is not None:
        problem = f"One of {which} and {second} at a time."
        raise _Unreadable(line.misread(problem, f"{line.operation.name} {which}"))
    return which, rest


def _as_filter(word: Word, words: type[F]) -> F | None:
    spellings: Mapping[str, F] = {known.value: known for known in words}
    return spellings.get(word.bare.rstrip(",;"))


def _flags(line: _Line, *known: str) -> tuple[frozenset[str], tuple[Word, ...]]:
    count = 0
    while count < len(line.words) and line.words[-1 - count].bare in known:
        count += 1
    rest = line.without_last(count)
    return frozenset(word.bare for word in line.words[len(rest) :]), rest


def span_of(word: str) -> timedelta | None:
    """Return the time span that a word says (`90m`, `24h`, `7d`), at most a year; else None."""
    found = _SPAN.fullmatch(word.casefold())
    span = int(found[1]) * _UNITS[found[2][0]] if found is not None else timedelta()
    return span if timedelta() < span <= LONGEST else None


def _span(line: _Line, suggestion: str) -> timedelta | None:
    if not line.words or not _LIKE_A_SPAN.match(line.words[-1].bare):
        return None
    word = line.words[-1].bare
    if (span := span_of(word)) is not None:
        return span
    if _SPAN.fullmatch(word) is None and len(word.lstrip("0123456789")) > 1:
        return None
    problem = f"{word} is no time span (90m, 24h, 7d, 2w, up to a year); a name may stand in quotes."
    raise _Unreadable(line.misread(problem, suggestion))


def _no_words(line: _Line) -> Misread | None:
    if not line.words:
        return None
    word = " ".join(word.raw for word in line.words)
    suggestion = f"{line.operation.name} server:{word}"
    return line.misread(
        f"{line.operation.name} takes no {word}. A server is named so: {suggestion}.", suggestion
    )


def _example(operation: Operation) -> str | None:
    return operation.examples[0] if operation.examples else None
