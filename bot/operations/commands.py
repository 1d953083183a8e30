"""Typed words to a typed request: pure, and never raises.

The text comes without the chat platform's escapes: a mentioned person is `@U012ABC`, entities are decoded.
Its quotes, dashes and blanks are still as a keyboard wrote them.

A quote opens only where a word begins and closes only where one ends, so that `Ann's VM` is two plain words;
a double quote inside quotes is written twice. A quote that is never closed is an ordinary character.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from msgspec import structs

from bot.operations.matching import DOUBLE_QUOTES, INVISIBLE, SINGLE_QUOTES, bare, fold, nearest
from bot.operations.model import JobRef, Kind, KnownJob, NamedJob, Operation, Request, Topic
from bot.operations.outcomes import SyntaxProblem
from bot.settings import LONGEST_GLOB, PersonId, ServerName
from bot.veeam import JobId, SessionId

F = TypeVar("F", bound=StrEnum)

COMMENT_LIMIT = 300
LONGEST_SPAN = timedelta(days=366)
OR_IN_QUOTES = "If it is part of the name, put the name in quotes."

_PERSON = re.compile(r"@([UW][A-Z0-9]{2,})", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,5})(m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)")
_LIKE_A_SPAN = re.compile(r"\d+[a-z]")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_OPTION = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
_LIKE_AN_OPTION = re.compile(r"([A-Za-z]{2,}):(?!//)\S*[^\s:]")
_OPTION_WORDS_AT_MOST = 40
"""A new name may have many words, as in `edit NAME name NEW`."""
_ANY_TOPIC = Topic(KnownJob(ServerName(""), JobId("")), SessionId(""))
_BETWEEN_FILTERS = frozenset({"or", "and", ",", "+", "&"})


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
        return "" if self.is_quoted or self.option else bare(self.text)


class Unreadable(Exception):
    """Raised while words are read, and turned into its `problem`."""

    def __init__(self, problem: SyntaxProblem) -> None:
        super().__init__(problem.problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What follows a verb: its words, and its options apart. Its methods raise `Unreadable`."""

    operation: Operation
    typed: str
    words: tuple[Word, ...]
    options: Mapping[str, str]
    topic: Topic | None = None
    because: tuple[Word, ...] = ()
    """The comment, with the word `because` before it."""

    @property
    def server(self) -> str | None:
        """The server that the line names."""
        return self.options.get("server")

    @property
    def comment(self) -> str | None:
        """What follows the word `because`, cut where it is very long."""
        return comment_in([word.raw for word in self.because])

    @property
    def text(self) -> str | None:
        """The rest of the line as one name or pattern: quotes count only where they enclose all of it."""
        if len(self.words) == 1:
            return self.bounded(self.words[0].text) if self.words[0].text.strip() else None
        whole = " ".join(word.raw if word.is_quoted else word.text for word in self.words)
        return self.bounded(whole) or None

    def bounded(self, text: str) -> str:
        """Return a name or pattern that is no longer than names get."""
        if len(text) > LONGEST_GLOB:
            problem = f"A name or pattern has at most {LONGEST_GLOB} characters; this one has {len(text):,}."
            raise Unreadable(self.problem(problem, f"help {self.operation.name}"))
        return text

    def problem(self, problem: str, suggestion: str | None = None) -> SyntaxProblem:
        """Return what is wrong with the line."""
        return SyntaxProblem(self.typed, problem, suggestion)

    def usage(self, problem: str) -> SyntaxProblem:
        """Return what is wrong with the line, followed by how the verb is used."""
        examples = self.operation.examples
        usage = f"{problem} Usage: {self.operation.usage}"
        return self.problem(usage, examples[0] if examples else None)

    def without_last(self, count: int) -> "CommandLine":
        """Return the line without its last words."""
        return replace(self, words=self.words[: len(self.words) - count])

    def job(self, verb: type[Request]) -> JobRef:
        """Return the job that the words name or the conversation is about, for a verb without options."""
        named, _ = self.job_and_options(verb)
        job = self.or_topic(named)
        if isinstance(job, NamedJob) and not job.text:
            raise Unreadable(self.which_job())
        return job

    def which_job(self) -> SyntaxProblem:
        """Return that no job is named: neither by the words nor by what the conversation is about."""
        if self.topic is None or self.topic.job is not None or self.server is not None:
            return self.usage("Which job?")
        return self.usage("The message above isn't about one job. Name the one that you mean.")

    def or_topic(self, job: NamedJob) -> JobRef:
        """Return the job; where the words name none, the one that the conversation is about, if any."""
        is_named = bool(job.text) or self.server is not None
        return job if is_named or self.topic is None or self.topic.job is None else self.topic.job

    def as_button(self, job: NamedJob, operation: Operation, **said: object) -> Request | None:
        """Return what the operation's button asks for in the message that began the conversation, as `said`.

        None where the words name a job, or there is no such button.
        """
        if self.topic is None or job.text or self.server is not None:
            return None
        requests: list[Request] = []
        for button in self.topic.buttons:
            request = button.on_same(operation.label)
            if request is not None and request not in requests:
                requests.append(request)
        if len(requests) > 1:
            several = "Several buttons of the message do this. Press the one that you mean, or name a job."
            raise Unreadable(self.problem(several, operation.examples[0]))
        if not requests:
            return None
        wanted = {name: value for name, value in said.items() if value}
        if not wanted.keys() <= set(requests[0].__struct_fields__):
            raise Unreadable(
                self.problem("This can be said of one job only: name it.", operation.examples[-1])
            )
        return structs.replace(requests[0], **wanted)

    def job_and_options(
        self, verb: type[Request], before: Sequence[Word] = ()
    ) -> tuple[NamedJob, Mapping[str, Any]]:
        """Return the job that the words name, and the fields that the option words around the name set.

        As many words as can be are read as options: those `before` the line, and those at its end. The job
        keeps them, for they may belong to its name, unless that stands in quotes; so it does a comment, on a
        line that is no longer than names get. Without a name its text is empty.
        """
        is_quoted = bool(self.words) and self.words[0].is_quoted
        count = len(self.words) - 1 if is_quoted else self._options_at_end(verb)
        name, after = self.without_last(count), self.words[len(self.words) - count :]
        fields = verb.options_in([word.bare for word in (*before, *after)])
        if fields is None:
            problem = self._doubt(verb, after) or self._no_option(after[0])
            raise Unreadable(self.problem(problem, self.operation.examples[-1]))
        text = name.text or ""
        if is_quoted:
            return NamedJob(text, self.server, exact=bool(text)), fields
        beside = (*(word.text for word in after), *(word.raw for word in self.because))
        if self.because and len(" ".join((text, *beside))) > LONGEST_GLOB:
            beside = beside[: len(after)]
        job = NamedJob(
            text if fold(text) else "",
            self.server,
            before=tuple(word.text for word in before),
            after=beside,
            doubt=self._doubt(verb, name.words),
        )
        return job, fields

    def known_options_only(self) -> None:
        """Raise `Unreadable` where a word looks like an option that the verb does not take."""
        if doubt := self._unknown_option(self.words):
            raise Unreadable(self.problem(doubt, self.operation.examples[0]))

    def _options_at_end(self, verb: type[Request]) -> int:
        most = min(len(self.words), _OPTION_WORDS_AT_MOST)
        ends = ((count, self.words[len(self.words) - count :]) for count in range(most, 0, -1))
        return next((n for n, end in ends if verb.options_in([word.bare for word in end]) is not None), 0)

    def _doubt(self, verb: type[Request], words: Sequence[Word]) -> str | None:
        return self._unknown_option(words) or verb.doubt_about([word.bare for word in words])

    def _unknown_option(self, words: Sequence[Word]) -> str | None:
        unknown = (word for word in words if not word.is_quoted and _LIKE_AN_OPTION.fullmatch(word.text))
        word = next(unknown, None)
        return None if word is None else self._no_option(word)

    def _no_option(self, word: Word) -> str:
        name, usage = self.operation.name, self.operation.usage
        return f"{word.raw} isn't an option of {name}. {OR_IN_QUOTES} Usage: {usage}"

    def filter(self, filters: type[F]) -> tuple[F | None, "CommandLine"]:
        """Return the filter that the line begins with, if any, and the line without it."""
        spellings: Mapping[str, F] = {known.value: known for known in filters}

        which = _listed(self.words[0], spellings) if self.words else ()
        if not which:
            return None, self
        rest = replace(self, words=self.words[1:])
        named = (*which, *(_listed(rest.words[0], spellings) if len(rest.words) == 1 else ()))
        if len(named) > 1:
            problem = f"Use {named[0]} or {named[1]}, not both."
            raise Unreadable(self.problem(problem, f"{self.operation.name} {named[0]}"))
        return named[0], rest

    def filters(self, filters: type[F]) -> tuple[tuple[F, ...], "CommandLine"]:
        """Return all the filters that the line begins with, each once, and the line without them.

        Commas, "or" and "and" may stand between them.
        """
        spellings: Mapping[str, F] = {known.value: known for known in filters}
        found: list[F] = []
        taken = 0
        for at, word in enumerate(self.words):
            if known := _listed(word, spellings):
                found += known
                taken = at + 1
            elif not found or word.is_quoted or word.bare not in _BETWEEN_FILTERS or taken != at:
                break
        rest = CommandLine(self.operation, self.typed, self.words[taken:], self.options)
        return tuple(dict.fromkeys(found)), rest

    def person(self, word: str) -> PersonId:
        """Return the person that a word names."""
        found = _PERSON.fullmatch(word)
        if found is None:
            pick = "pick the person from the list after typing @."
            raise Unreadable(self.usage(f"Can't look up {word}: {pick}"))
        return PersonId(found[1].upper())

    def no_words(self) -> None:
        """Raise `Unreadable` if there are any: the verb takes no more than options."""
        self.known_options_only()
        if self.words:
            word = " ".join(word.raw for word in self.words)
            suggestion = f"{self.operation.name} server:{word}"
            problem = f"{self.operation.name} doesn't take {word}. To name a server, write {suggestion}."
            raise Unreadable(self.problem(problem, suggestion))


class Verb(Request, frozen=True):
    """A request that can be typed: `option_words` are the options that it takes (`server` of `server:hq`).

    One that `takes_comment` has in it all that follows the word `because`, whatever that looks like.
    """

    option_words: ClassVar[frozenset[str]] = frozenset({"server"})
    takes_comment: ClassVar[bool] = False

    @classmethod
    def parse(cls, line: CommandLine) -> Request | SyntaxProblem:
        """Return what the words ask for; unless a verb says so, it takes none. Raises `Unreadable`."""
        line.no_words()
        return cls()


def parse(text: str, verbs: Sequence[type[Verb]], topic: Topic | None = None) -> Request | SyntaxProblem:
    """Return what the words ask for, or what is wrong with them and what was perhaps meant. Never raises.

    Without any words it is `help`. Where they name no job, the one that the conversation is about is meant.
    """
    words = split(text)
    if not words:
        words = (Word("help", ""),)
    first = words[0]
    names = (first.text.casefold(), bare(first.text))
    verb = next((known for name in names for known in verbs if known.operation.name == name), None)
    if verb is not None:
        return _read(verb, text, first, topic)
    alias = next((one for verb in verbs for one in verb.operation.aliases if one.word in names), None)
    if alias is not None:
        meant = parse(f"{alias.stands_for} {_after(first, text)}", verbs, topic)
        return replace(meant, text=text) if isinstance(meant, SyntaxProblem) else meant
    looking = (known.operation.name for known in verbs if known.operation.kind is not Kind.ACTION)
    near = nearest(first.text, looking, limit=1)
    suggestion = " ".join((near[0], *(word.raw for word in words[1:]))) if near else "help"
    return SyntaxProblem(text, f"There is no command {first.raw}.", suggestion)


def parse_first(
    texts: Sequence[str], verbs: Sequence[type[Verb]], topic: Topic | None = None
) -> Request | SyntaxProblem:
    """Return what the first of these texts asks for that can be read, else what is wrong with the first."""
    read = [parse(text, verbs, topic) for text in texts]
    return next((one for one in read if isinstance(one, Request)), read[0])


def asks_for_topic(texts: Sequence[str], verbs: Sequence[type[Verb]]) -> bool:
    """Return whether what the texts ask for depends on what the conversation is about."""
    return parse_first(texts, verbs) != parse_first(texts, verbs, _ANY_TOPIC)


def span_in(words: Sequence[str]) -> timedelta | None:
    """Return the time span that one word or two say (`4h`, `4 hours`); else None."""
    match words:
        case [word]:
            return span_of(word)
        case [number, unit] if number.isdecimal() and unit.isalpha():
            return span_of(number + unit)
        case _:
            return None


def doubt_about_span(word: str) -> str | None:
    """Return what is wrong with a word that is nearly a time span; None where nothing is."""
    if not _LIKE_A_SPAN.match(word) or span_of(word) is not None:
        return None
    if _SPAN.fullmatch(word) is None and len(word.lstrip("0123456789")) > 1:
        return None
    return f"{word} isn't a length of time (90m, 24h, 7d, 2w, up to a year). {OR_IN_QUOTES}"


def span_of(word: str) -> timedelta | None:
    """Return the time span that a word says (`90m`, `24h`, `7d`), at most a year; else None."""
    found = _SPAN.fullmatch(word.casefold())
    span = int(found[1]) * _UNITS[found[2][0]] if found is not None else timedelta()
    return span if timedelta() < span <= LONGEST_SPAN else None


def _read(verb: type[Verb], text: str, first: Word, topic: Topic | None) -> Request | SyntaxProblem:
    try:
        return verb.parse(replace(_line(verb, text, first), topic=topic))
    except Unreadable as unreadable:
        return unreadable.problem


def _after(first: Word, text: str) -> str:
    return text[text.index(first.raw) + len(first.raw) :]


def _line(verb: type[Verb], text: str, first: Word) -> CommandLine:
    words = split(_after(first, text), verb.option_words)
    at = _because_in([word.raw for word in words]) if verb.takes_comment else len(words)
    words, because = words[:at], words[at:]
    options = {word.option: word.text for word in words if word.option is not None}
    plain = tuple(word for word in words if word.option is None)
    line = CommandLine(verb.operation, text, plain, options, because=because)
    for word in words:
        if word.option is None:
            continue
        if not word.text.strip():
            raise Unreadable(line.problem(f"What {word.option}? Write {word.option}:NAME."))
        line.bounded(word.text)
        if options[word.option] != word.text:
            raise Unreadable(line.problem(f"{word.option}: is given twice, with different values."))
    return line


def _listed(word: Word, spellings: Mapping[str, F]) -> tuple[F, ...]:
    """What a word names, one or several with commas between; none if any part of it names nothing."""
    parts = word.bare.strip(",;").split(",")
    return tuple(spellings[part] for part in parts) if all(part in spellings for part in parts) else ()


def before_comment(words: Sequence[str]) -> Sequence[str]:
    """Return the words before `because`."""
    return words[: _because_in(words)]


def comment_in(words: Sequence[str]) -> str | None:
    """Return what follows the word `because`, cut where it is very long; None where there is nothing."""
    return " ".join(words[_because_in(words) + 1 :]).strip()[:COMMENT_LIMIT] or None


def _because_in(words: Sequence[str]) -> int:
    """Where the word `because` is, or else the end; one in quotes does not count."""
    return next((at for at, word in enumerate(words) if bare(_visible(word)) == "because"), len(words))


def quote(name: str) -> str:
    """Return the name in quotes, so that it is read as exactly this name."""
    return f'"{"".join(letter * 2 if letter in DOUBLE_QUOTES else letter for letter in name)}"'


def split(line: str, options: Collection[str] = ()) -> tuple[Word, ...]:
    """Return the line's words; `options` are those before whose colon a value is looked for."""
    words: list[Word] = []
    unclosed = _Unclosed()
    start = 0
    while start < len(line):
        if line[start].isspace() or line[start] in INVISIBLE:
            start += 1
            continue
        word, start = _word_at(line, start, options, unclosed)
        words.append(word)
    return tuple(words)


_Unclosed = set[tuple[str, int]]
"""Where the end of a quote of these marks was looked for in vain: it is not looked for there again."""


def _word_at(line: str, start: int, options: Collection[str], unclosed: _Unclosed) -> tuple[Word, int]:
    if (quoted := _quoted_at(line, start, unclosed)) is not None:
        text, end = quoted
        return Word(text, line[start:end], is_quoted=True), end
    end = _end_of_plain(line, start)
    raw = line[start:end]
    found = _OPTION.fullmatch(_visible(raw))
    if found is None or found[1].casefold() not in options:
        return Word(_visible(raw), raw), end
    return _option_at(line, start, end, unclosed, name=found[1].casefold())


def _option_at(line: str, start: int, end: int, unclosed: _Unclosed, *, name: str) -> tuple[Word, int]:
    value = line.index(":", start) + 1
    while value < len(line) and (line[value].isspace() or line[value] in INVISIBLE):
        value += 1  # "server: hq" is meant as "server:hq"
    if (quoted := _quoted_at(line, value, unclosed)) is not None:
        text, end = quoted
        return Word(text, line[start:end], is_quoted=True, option=name), end
    end = max(end, _end_of_plain(line, value))
    return Word(_visible(line[value:end]), line[start:end], option=name), end


def _quoted_at(line: str, start: int, unclosed: _Unclosed) -> tuple[str, int] | None:
    opening = line[start : start + 1]
    marks = next((marks for marks in (DOUBLE_QUOTES, SINGLE_QUOTES) if opening and opening in marks), None)
    if marks is None:
        return None
    text: list[str] = []
    passed: list[int] = []
    at = start + 1
    while at < len(line) and (marks, at) not in unclosed:
        passed.append(at)
        if line[at] not in marks:
            text.append(line[at])
            at += 1
        elif marks is DOUBLE_QUOTES and line[at + 1 : at + 2] and line[at + 1] in marks:
            text.append(line[at])
            at += 2
        elif _is_end_of_word(line, at + 1):
            return "".join(text), at + 1
        else:
            text.append(line[at])
            at += 1
    unclosed.update((marks, each) for each in passed)
    return None


def _is_end_of_word(line: str, at: int) -> bool:
    while at < len(line) and line[at] in INVISIBLE:
        at += 1
    return at == len(line) or line[at].isspace()


def _end_of_plain(line: str, start: int) -> int:
    end = start
    while end < len(line) and not line[end].isspace():
        end += 1
    return end


def _visible(text: str) -> str:
    return "".join(letter for letter in text if letter not in INVISIBLE)
