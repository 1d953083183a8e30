"""Text for Slack, and text from Slack: the one place that escapes, shortens and formats.

Text from VBR and from people is foreign. It reaches Slack through `literal`, `strong`, `code` (in mrkdwn) or
`plain` (in plain_text), so it can't mention, link, format or break a line. Everything else here is our own
wording. Slack's rules: https://docs.slack.dev/messaging/formatting-message-text
"""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bot.veeam import size_in_words

ELLIPSIS = "…"
NAME_LIMIT = 120
"""How much of a foreign name is shown, in characters as sent."""
QUOTE_LIMIT = 300
"""How much of a foreign sentence is shown, in characters as sent."""
SPAN_LIMIT = 900
"""How long one code span gets where all of a text is shown."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_WORD = 20
_BAR_CELLS = 10
_ALL = 100  # per cent
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Whether Slack decodes entities in plain_text is not documented; look-alikes read the same either way.
_PLAIN_LOOKALIKES = str.maketrans({"<": "\u2039", ">": "\u203a"})
_JOINERS = frozenset("\u200c\u200d")  # they spell words in Persian and Indic scripts, and build emoji
_FIRST_JOINED = "\u0590"
_EMOJI_STYLES = frozenset("\ufe0e\ufe0f")
_KEYCAP = "\u20e3"
# Letters and marks by their category, that nobody sees: fillers, a blank of Braille, variation selectors.
_UNSEEN_LETTERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
) | frozenset(map(chr, (*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))))
_NO_LIMIT = 1_000_000
_FORMATTING = re.compile(
    r"[*~`]"  # bold, strike, code
    r"|\A>"  # a quotation, at the start of a line
    r"|(?<!\w)_|_(?!\w)"  # italics; an underscore inside a word is left alone
    r"|:[^\s:]+:"  # emoji
    r"|://|(?i:mailto:|www\.)"  # addresses
    r"|(?<!\w)[@#]"  # names that clients link
)
_PERSON = re.compile(r"[UW][A-Z0-9]+")
_GROUP = re.compile(r"S[A-Z0-9]+")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]+")
_TYPED_TOKEN = re.compile(r"<([@#!][^<>]*|[A-Za-z][A-Za-z0-9+.-]*:[^<>]*)>")
_MARKUP_CUT_SHORT = re.compile(r"(<[^<>]*|&[a-z]*)\Z")


def one_line(text: str) -> str:
    """The text on one line, with invisible characters made visible.

    White space becomes single spaces. Control characters, direction overrides and other invisible characters
    become `�`: a name that reads differently from what it is must look odd. Joiners and variation selectors
    stay where a script or an emoji needs them.
    """
    line = " ".join(text.split())
    if line.isascii() and line.isprintable():
        return line
    seen = zip(line, f" {line}", f"{line[1:]} ", strict=False)
    return "".join("�" if _is_hidden(letter, before, after) else letter for letter, before, after in seen)


def distinct(names: Sequence[str], limit: int) -> list[str]:
    """Return names as `plain` shows them, cut where that does not hide how they differ."""
    shown = [plain(name, limit) for name in names]
    for same in {label for label in shown if shown.count(label) > 1}:
        places = [place for place, label in enumerate(shown) if label == same]
        full = [plain(names[place], _NO_LIMIT) for place in places]
        if len(set(full)) == 1:
            continue
        letters = enumerate(zip(*full, strict=False))
        differ_at = next((at for at, these in letters if len(set(these)) > 1), min(map(len, full)))
        head = limit // 3
        begin = max(head, differ_at - limit // 4)
        for place, name in zip(places, full, strict=True):
            shown[place] = plain(f"{name[:head]}{ELLIPSIS}{name[begin:]}", limit)
    return shown


def escape(text: str) -> str:
    """The text with Slack's three control characters as entities."""
    return text.translate(_ENTITIES)


def shorten(text: str, limit: int, render: Callable[[str], str] = escape) -> str:
    """The text as `render` makes it, at most `limit` characters long, and ending in `…` if it had to be cut.

    It is cut before it is rendered, so no entity is split.
    """
    return _shortened(text, limit, render, lambda kept: text[:kept].rstrip() + ELLIPSIS)


def shorten_middle(text: str, limit: int, render: Callable[[str], str] = escape) -> str:
    """The text as `render` makes it, at most `limit` characters long, with `…` where its middle had to go.

    A long text of VBR's says at its beginning what was tried and at its end what went wrong: more of the end
    is kept.
    """
    return _shortened(text, limit, render, lambda kept: _without_middle(text, kept))


def code(text: str, limit: int = QUOTE_LIMIT) -> str:
    """Foreign text in a code span, where Slack formats and links nothing; backticks are shown as `'`.

    One that is too long is cut in the middle.
    """
    return shorten_middle(one_line(text) or "(empty)", limit, _code_span)


def quoted(text: str, limit: int = SPAN_LIMIT) -> list[str]:
    """All of a foreign text in code spans: one for each of its lines, several for a longer one."""
    spans: list[str] = []
    for line in filter(None, map(one_line, text.splitlines())):
        begin = size = 0
        for at, letter in enumerate(line):
            length = len(escape(letter))
            if size + length > limit:
                spans.append(_code_span(line[begin:at]))
                begin, size = at, 0
            size += length
        spans.append(_code_span(line[begin:]))
    return spans


def literal(text: str, limit: int = NAME_LIMIT) -> str:
    """Foreign text in mrkdwn as it is: unadorned where Slack leaves it alone, else in a code span."""
    return _faithful(text, limit, escape)


def strong(text: str, limit: int = NAME_LIMIT) -> str:
    """A foreign name in bold, or in a code span where bold would garble it."""
    return _faithful(text, limit, lambda name: f"*{escape(name)}*")


def plain(text: str, limit: int) -> str:
    """Foreign text for a plain_text object (labels, options), where no entity is decoded for certain."""
    return shorten(one_line(text) or "(empty)", limit, lambda part: part.translate(_PLAIN_LOOKALIKES))


def shorten_mrkdwn(markup: str, limit: int) -> str:
    """Finished mrkdwn of ours cut to `limit`: after a whole line, or at least not inside a token or entity.

    A last resort for whole messages; names and quotations are shortened before they are put together.
    """
    if len(markup) <= limit:
        return markup
    head = markup[: limit - len(ELLIPSIS) - 2]
    whole_lines = head.rpartition("\n")[0]
    if whole_lines:
        return f"{whole_lines}\n{ELLIPSIS}"
    head = _MARKUP_CUT_SHORT.sub("", head)
    closing = "`" if head.count("`") % 2 else ""
    return f"{head}{ELLIPSIS}{closing}"


def date(at: datetime) -> str:
    """A moment in the reader's time zone (`<!date^…>`), with UTC as the fallback of old clients."""
    fallback = utc(at)
    seconds = math.floor(at.timestamp())
    return f"<!date^{seconds}^{{date_short_pretty}} {{time}}|{fallback}>" if seconds > 0 else fallback


def utc(at: datetime) -> str:
    """A moment in UTC, saying so: "23 Nov 2026 12:00 UTC"."""
    moment = at.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year} {moment:%H:%M} UTC"


def duration(length: timedelta | float) -> str:
    """A length of time (a number is seconds): "45 s", "26 min", "1 h 04 min", "2 d"."""
    seconds = max(0, int(length.total_seconds() if isinstance(length, timedelta) else length))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24:02} h" if hours % 24 else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60:02} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def size(size_bytes: float) -> str:
    """A size as VBR's console prints it: binary, and named GB and TB."""
    return size_in_words(size_bytes)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: "1 job", "1,204 jobs", "0 jobs"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def dotted(*parts: str) -> str:
    """Finished parts on one line, a dot between them; empty ones are left out."""
    return " · ".join(filter(None, parts))


def ordinal(number: int) -> str:
    """A number's place in a row: "1st", "2nd", "13th"."""
    last = number % 10 if number % 100 not in {11, 12, 13} else 0
    return f"{number:,}{_ENDINGS.get(last, 'th')}"


def sentence_case(markup: str) -> str:
    """Our own words as a line of their own begins: with a capital."""
    return markup[:1].upper() + markup[1:]


def bar(percent: float) -> str:
    """Progress, drawn and in words: "▰▰▰▰▱▱▱▱▱▱ 42 %". Full only when it is, empty only when it is."""
    shown = max(0, min(_ALL, math.floor(percent))) if math.isfinite(percent) else 0
    filled = round(shown * _BAR_CELLS / _ALL)
    if 0 < shown < _ALL:
        filled = max(1, min(_BAR_CELLS - 1, filled))
    return f"{'▰' * filled}{'▱' * (_BAR_CELLS - filled)} {shown} %"


def mention(member: str) -> str:
    """A person or user group by ID, who is notified. What is no such ID is shown as the text it is."""
    if _PERSON.fullmatch(member):
        return f"<@{member}>"
    if _GROUP.fullmatch(member):
        return f"<!subteam^{member}>"
    return literal(member)


def channel(channel_id: str) -> str:
    """A channel by ID, as a link. Anything that is no such ID is shown as the text it is."""
    return f"<#{channel_id}>" if _CHANNEL.fullmatch(channel_id) else literal(channel_id)


def typed_line(text: str) -> str:
    """What somebody typed after a slash command, from what Slack makes of it under `should_escape`.

    `<@U012|ann>` becomes `@U012`, `<#C012|x>` `#C012`, a user group its handle or ID, a link what was typed.
    The three entities are decoded once, after that. Reads unescaped text as well, which some clients send.
    """
    bare = _TYPED_TOKEN.sub(lambda token: _as_typed(token[1]), text)
    return unescape(bare)


def unescape(text: str) -> str:
    """Return the text with the three entities decoded, once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _as_typed(token: str) -> str:
    target, _, label = token.partition("|")
    if target.startswith(("@", "#")):
        return target
    if target.startswith("!subteam^"):
        return label or target.removeprefix("!subteam^")
    if target.startswith("!date^"):
        return label
    if target.startswith("!"):
        return f"@{target[1:]}"
    return label or target


def _is_hidden(letter: str, before: str, after: str) -> bool:
    if letter in _JOINERS:
        return not (_takes_joiners(before) and _takes_joiners(after))
    if letter in _EMOJI_STYLES:
        return unicodedata.category(before) not in {"Sm", "So", "Po"} and after != _KEYCAP
    return letter in _UNSEEN_LETTERS or unicodedata.category(letter) in {"Cc", "Cf", "Cs"}


def _takes_joiners(letter: str) -> bool:
    """Whether it is of a script that joins letters, or a part of an emoji: no Latin, Greek or Cyrillic."""
    return letter >= _FIRST_JOINED and unicodedata.category(letter)[0] in "LMS"


def _shortened(text: str, limit: int, render: Callable[[str], str], cut: Callable[[int], str]) -> str:
    """The text as `render` makes it or, if that is too long, of what `cut` leaves the most that fits."""
    rendered = render(text)
    if len(rendered) <= limit:
        return rendered
    low, high = 0, min(len(text), limit)
    while low < high:
        kept = (low + high + 1) // 2
        if len(render(cut(kept))) <= limit:
            low = kept
        else:
            high = kept - 1
    return render(cut(low))


def _without_middle(text: str, kept: int) -> str:
    """At most so many characters of a text, two fifths from its beginning; cut between words if it can be."""
    at = kept * 2 // 5
    head, tail = text[:at], text[len(text) - (kept - at) :] if kept > at else ""
    whole, blank, rest = head.rpartition(" ")
    if blank and len(rest) <= _WORD:
        head = whole
    rest, blank, whole = tail.partition(" ")
    if blank and len(rest) <= _WORD:
        tail = whole
    return f"{head.rstrip()}{ELLIPSIS}{tail.lstrip()}"


def _faithful(text: str, limit: int, render: Callable[[str], str]) -> str:
    line = one_line(text) or "(no name)"
    return shorten(line, limit, _code_span if _FORMATTING.search(line) else render)


def _code_span(text: str) -> str:
    return f"`{escape(text.replace('`', chr(39)))}`"
