"""Why something failed, as a named cause: VBR's texts compared with rules. Pure.

The rules are data (`causes.toml`, and `[[causes]]` of the settings). Their patterns are words and not regular
expressions: comparing takes time in proportion to the text, whatever the text, and no more of it is read than
the limits below.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files
from itertools import islice

import msgspec

from bot.settings import CauseSettings
from bot.veeam.reasons import cut_in_middle

TEXTS_AT_MOST = 200
TEXT_CHARACTERS = 4_000
"""How much of one text is read."""
ALL_CHARACTERS = 40_000
"""How much is read of all texts together."""
LINES_AT_MOST = 400
LINE_CHARACTERS = 500
"""How much of a line is cited; of a longer one the words that decided are in the middle."""
PATTERN_CHARACTERS = 200

_ANYTHING = "*"
_CUT = "\u2026"
_AND = " & "
_APOSTROPHES = str.maketrans("\u2018\u2019\u201b\u2032\u201c\u201d", "''''\"\"")
_NAMES_AT_MOST = 60
_NAME_CHARACTERS = 200
_FILLER = "_"
"""Stands for a name while lines are compared: a word's letter, so that `*` has something to stand for."""
_NAME = r"""\s*:?\s*(?:\[([^\[\]]{1,120})\]|"([^"]{1,120})"|'([^']{1,120})')"""


class About(StrEnum):
    """What a cause belongs to, so that several jobs with it have it in common."""

    NOTHING = ""
    REPOSITORY = "repository"
    PROXY = "proxy"
    DATASTORE = "datastore"
    HOST = "host"


_NAMED = {
    About.REPOSITORY: re.compile(rf"\b(?:repository|extent){_NAME}", re.IGNORECASE),
    About.PROXY: re.compile(rf"\bproxy{_NAME}", re.IGNORECASE),
    About.DATASTORE: re.compile(rf"\bdatastore{_NAME}", re.IGNORECASE),
    About.HOST: re.compile(rf"\b(?:host|vc/esx){_NAME}", re.IGNORECASE),
}

_SIGN = r"""(?![.,;!?]\s)[^\s\\/:*?"'<>|\[\]]"""
_SIGN_OR_BLANK = r"""(?![.,;!?]\s)[^\\/:*?"'<>|\[\]]"""
# Where VBR and Windows keep what is temporary says whose disk it is: no name of a person's making.
_KEPT = r"(?!veeambackuptemp)"
_FOLDER = rf"{_KEPT}(?:{_SIGN_OR_BLANK}){{1,120}}\\(?!\\)"
_FOLDERS = rf"(?:(?<!\w)[a-z]:|(?<!\\)\\)\\(?:{_FOLDER})*{_KEPT}"
_ENDING = r"\.[a-z0-9]{2,4}(?![\w-])"
_PATHS = re.compile(
    # What brackets or quotes enclose ends where they do.
    rf"(?<=\[){_FOLDERS}[^\\\[\]]{{0,200}}(?=\])"
    rf"|(?<='){_FOLDERS}[^\\']{{0,200}}(?=')"
    rf'|(?<="){_FOLDERS}[^\\"]{{0,200}}(?=")'
    r"|(?<=\[)/[^\[\]]{1,400}(?=\])|(?<=')/[^']{1,400}(?=')|(?<=\")/[^\"]{1,400}(?=\")"
    # Else a file's name may have blanks, as far as its ending shows where it ends.
    rf"|{_FOLDERS}(?:(?:{_SIGN_OR_BLANK}){{1,200}}?(?={_ENDING})|(?:{_SIGN})*)"
    r"""|(?<![^\s\[('"@])/[^\s\[\]'"]+"""
)
_LAST_ENDING = re.compile(r"\.[a-z0-9]{2,4}\W*$")
_PROCESSED = re.compile(r"(?<=^processing ).{1,200}?(?= error:)")
_NAMED_BY = frozenset(
    ("for", "host", "job", "machine", "name", "object", "policy", "processing", "server", "task", "vm")
)
_OPENING = frozenset("\"'[({<")


class Remedy(StrEnum):
    """The button that helps once the next step is done."""

    NONE = ""
    RETRY = "retry"
    START = "start"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed: `key` for machines, `title` and `next_step` for people.

    `next_step` is a sentence or two; empty where the settings give none.
    """

    key: str
    title: str
    next_step: str = ""
    about: About = About.NOTHING
    remedy: Remedy = Remedy.NONE


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause, and the very `line` that names it, which stands in the text at `place` of those given.

    `resource` is the repository, proxy, datastore or host that the line names, if the cause is about one.
    """

    cause: Cause
    line: str
    place: int = 0
    resource: str | None = None

    def common_key(self, repository: str | None = None, server: str | None = None) -> tuple[str, ...]:
        """Return what findings of one and the same trouble have in common.

        `repository` is the one that the job writes to, which counts where the line names none. Repositories,
        proxies and hosts of two servers are two, whatever they are called.
        """
        place = () if server is None or self.cause.about is About.NOTHING else (server,)
        return self.cause.key, (self.common_resource(repository) or "").casefold(), *place

    def common_resource(self, repository: str | None = None) -> str | None:
        """Return what the trouble is with: what the line names, else the repository if it is with one."""
        if self.resource is None and self.cause.about is About.REPOSITORY:
            return repository
        return self.resource


class _RuleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    title: str
    next_step: str
    patterns: tuple[str, ...]
    unless: tuple[str, ...] = ()
    about: About = About.NOTHING
    button: Remedy = Remedy.NONE


class _RulesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    causes: tuple[_RuleRow, ...]


@dataclass(frozen=True, slots=True)
class CauseRule:
    """A cause, the patterns that name it, and those that rule it out in the same line."""

    cause: Cause
    patterns: tuple["Pattern", ...]
    unless: tuple["Pattern", ...] = ()

    def found_in(self, line: str) -> int | None:
        """Return where a folded line names the cause; None where it doesn't."""
        for one in self.patterns:
            # Most lines have none of the words: this is all that they cost.
            if one.key in line and (at := one.found_in(line)) is not None:
                return None if any(each.found_in(line) is not None for each in self.unless) else at
        return None


@dataclass(frozen=True, slots=True)
class Pattern:
    """Words that all stand in one line: each a chain of pieces with anything between them.

    `key` is the longest of the pieces.
    """

    chains: tuple[tuple[str, ...], ...]
    key: str

    @classmethod
    def of(cls, text: str) -> "Pattern":
        """Return the pattern that a text of the rules or the settings says."""
        folded = _folded(" ".join(text[:PATTERN_CHARACTERS].split()))
        chains = (tuple(words.strip().split(_ANYTHING)) for words in folded.split(_AND))
        kept = tuple(chain for chain in chains if any(chain))
        return cls(kept, max((piece for chain in kept for piece in chain), key=len, default=""))

    def found_in(self, line: str) -> int | None:
        """Return where a folded line has the first of the words, if it has all of them."""
        first = None
        for chain in self.chains:
            at = _chain_in(chain, line)
            if at is None:
                return None
            first = at if first is None else first
        return first


@dataclass(frozen=True, slots=True)
class CauseRules:
    """Rules in the order in which they count: the first one that any line fits decides."""

    rules: tuple[CauseRule, ...]

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Every cause that can be found, in that order."""
        return tuple(rule.cause for rule in self.rules)

    def with_own(self, own: Iterable[CauseSettings]) -> "CauseRules":
        """Return the rules with those of the settings.

        They count first. One with the name of a rule that is there is that rule with more patterns, and with
        the title and the next step that it gives.
        """
        known = {rule.cause.key: rule.cause for rule in self.rules}
        added: dict[str, CauseRule] = {}
        for one in own:
            cause = known.get(one.name) or Cause(one.name, _title_of(one.name))
            cause = replace(cause, title=one.title or cause.title, next_step=one.next_step or cause.next_step)
            before = added[one.name].patterns if one.name in added else ()
            added[one.name] = CauseRule(cause, (*before, *map(Pattern.of, one.patterns)))
            known[one.name] = cause
        theirs = (
            replace(rule, cause=known[rule.cause.key]) if rule.cause.key in added else rule
            for rule in self.rules
        )
        return CauseRules((*added.values(), *theirs))


def cut_to_cause(text: str, characters: int) -> str:
    """Return a text of VBR's, cut visibly where it is too long, with the words that name its cause.

    In its middle, as a rule; around these words where that would lose them.
    """
    cut = cut_in_middle(text, characters)
    found = None if cut == text.strip() else cause_of([text])
    if found is None or _names(found.cause, cut):
        return cut
    room = characters - 2 * len(_CUT)
    for start in range(characters // 3, min(len(text), TEXT_CHARACTERS), max(1, characters // 3)):
        around = f"{_CUT}{text[start : start + room]}{_CUT}"
        if _names(found.cause, around):
            return around
    return cut


def _names(cause: Cause, text: str) -> bool:
    found = cause_of([text])
    return found is not None and found.cause == cause


def _lines(texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The lines to look at, each once, with the place of their text: as many as the limits allow."""
    room, seen = ALL_CHARACTERS, set[str]()
    for place, text in enumerate(islice(texts, TEXTS_AT_MOST)):
        read = text[: min(TEXT_CHARACTERS, room)]
        room -= len(read)
        for line in read.splitlines():
            plain = " ".join(line.split())
            if plain and plain not in seen and len(seen) < LINES_AT_MOST:
                seen.add(plain)
                yield place, plain
        if room <= 0:
            return


def _folded(text: str) -> str:
    return text.translate(_APOSTROPHES).casefold()


def _without_names(line: str, names: Iterable[str]) -> str:
    """A folded line, each character of a path or a name in it filled over; a file keeps its ending."""
    blanked = _PROCESSED.sub(_filler, _PATHS.sub(_path_filler, line))
    for name in names:
        at = blanked.find(name)
        while at >= 0:
            end = at + len(name)
            if _is_name_at(blanked, at, end):
                blanked = f"{blanked[:at]}{_FILLER * len(name)}{blanked[end:]}"
            at = blanked.find(name, end)
    return blanked


def _filler(found: re.Match[str]) -> str:
    return _FILLER * len(found[0])


def _path_filler(found: re.Match[str]) -> str:
    path = found[0]
    ending = _LAST_ENDING.search(path)
    kept = "" if ending is None else ending[0]
    return _FILLER * (len(path) - len(kept)) + kept


def _is_name_at(line: str, at: int, end: int) -> bool:
    """Whether words of a line are the name that they spell: a plain word only where the line calls it one."""
    if not (_is_between_words(line, at) and _is_between_words(line, end)):
        return False
    if not line[at:end].isalpha():
        return True
    before = line[max(0, at - 20) : at].rstrip(" :")
    return line[at - 1 : at] in _OPENING or before.rpartition(" ")[2] in _NAMED_BY


def _folded_names(names: Iterable[str | None]) -> list[str]:
    """The names to fill over, the longest first. The word "repository" is a rule's, not the name's."""
    folded = (_folded(" ".join(name.split())) for name in islice(names, _NAMES_AT_MOST) if name is not None)
    kept = {name.removesuffix(" repository") for name in folded if len(name) <= _NAME_CHARACTERS}
    return sorted((name for name in kept if name), key=len, reverse=True)


def _chain_in(chain: tuple[str, ...], line: str) -> int | None:
    """Where the pieces stand in the line, in their order: words at both ends, unless these are open."""
    begins, at = None, 0
    last = len(chain) - 1
    for number, piece in enumerate(chain):
        place = _piece_in(line, piece, at, begins_word=number == 0, ends_word=number == last)
        if place is None:
            return None
        if piece and begins is None:
            begins = place
        at = place + len(piece)
    return begins


def _piece_in(line: str, piece: str, at: int, *, begins_word: bool, ends_word: bool) -> int | None:
    if not piece:
        return at
    place = line.find(piece, at)
    while place >= 0:
        fits_begin = not begins_word or _is_between_words(line, place)
        if fits_begin and (not ends_word or _is_between_words(line, place + len(piece))):
            return place
        place = line.find(piece, place + 1)
    return None


def _is_between_words(line: str, at: int) -> bool:
    """Whether a word begins or ends here; what a hyphen joins is one word, most often a name."""
    if not 0 < at < len(line):
        return True
    if line[at] == "-" or line[at - 1] == "-":
        around = line[at - 2 : at - 1] if line[at - 1] == "-" else line[at - 1]
        behind = line[at + 1 : at + 2] if line[at] == "-" else line[at]
        return not (_is_of_word(around) and _is_of_word(behind))
    return not (_is_of_word(line[at]) and _is_of_word(line[at - 1]))


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def _cited(line: str, at: int) -> str:
    """The line, or so much of a long one around the place."""
    if len(line) <= LINE_CHARACTERS:
        return line
    room = LINE_CHARACTERS - 2
    start = max(0, min(at - room // 3, len(line) - room))
    end = start + room
    before, after = (_CUT if start else ""), (_CUT if end < len(line) else "")
    return f"{before}{line[start:end]}{after}"


def _resource_in(line: str, about: About) -> str | None:
    named = _NAMED.get(about)
    found = named.search(line) if named is not None else None
    if found is None:
        return None
    return next(name for name in found.groups() if name is not None).strip() or None


def _title_of(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _rules_from(toml: bytes) -> CauseRules:
    rows = msgspec.toml.decode(toml, type=_RulesFile).causes
    return CauseRules(
        tuple(
            CauseRule(
                Cause(row.name, row.title, row.next_step, row.about, row.button),
                tuple(map(Pattern.of, row.patterns)),
                tuple(map(Pattern.of, row.unless)),
            )
            for row in rows
        )
    )


DEFAULT_RULES = _rules_from(files("bot.veeam").joinpath("causes.toml").read_bytes())


def cause_of(
    texts: Iterable[str], rules: CauseRules = DEFAULT_RULES, *, names: Iterable[str | None] = ()
) -> Finding | None:
    """Return the cause that the texts name, the first of the rules that any of them fits; None: unknown.

    Of several lines that name it the first is cited. What only says that something failed names nothing, nor
    do the folders and files of paths, or what bears one of the `names`: the job, its objects, its repository
    and server. Never raises, and takes no longer than the limits of this module allow.
    """
    best, left = None, rules.rules
    names = _folded_names(names)
    for place, line in _lines(texts):
        folded = _without_names(_folded(line), names)
        for rank, rule in enumerate(left):
            at = rule.found_in(folded)
            if at is not None:
                cited = _cited(line, at)
                best = Finding(rule.cause, cited, place, _resource_in(line, rule.cause.about))
                left = left[:rank]
                break
        if not left:
            break
    return best
