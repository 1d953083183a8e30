"""What a view returns, and the limits that every message keeps.

A message is put together from parts. A part is its text and the blocks that say the same, so neither can be
forgotten. Slack's limits (https://docs.slack.dev/reference/block-kit/blocks): 50 blocks; roughly 13,000
rendered characters, of which 12,000 are used; `text` up to 4,000 in `chat.update`, of which 3,900 are used,
because longer ones were seen posted twice.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from slack_sdk.models import blocks as sdk_blocks
from slack_sdk.models.basic_objects import JsonObject

from bot.settings import PersonId
from bot.slack.text import count, date, dotted, escape, mention, plain, shorten_mrkdwn

Block = dict[str, Any]

BLOCKS_LIMIT = 50
CHARACTERS_LIMIT = 12_000
TEXT_LIMIT = 3_900
SECTION_LIMIT = 3_000
HEADER_LIMIT = 150
_NOTE_SIZE = 120
_CELL_LIMIT = 60
NO_CELL = "\u2013"
"""What stands in a table where there is nothing to say."""
_MENTION = re.compile(r"<(?:@(?P<person>[UW][A-Z0-9]+)|!(?:subteam\^|here|channel|everyone))[^>]*>")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as Slack is given it. `text` says what the blocks say; `metadata` is in Slack's own form."""

    text: str
    blocks: tuple[Block, ...] = ()
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that answers a gesture: for the whole channel, or for one person alone."""

    message: Message
    in_channel: bool = False


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A piece of a message. `text` is empty where the blocks hold nothing but controls."""

    text: str
    blocks: tuple[Block, ...]

    def __add__(self, other: "MessagePart") -> "MessagePart":
        return MessagePart("\n".join(filter(None, (self.text, other.text))), self.blocks + other.blocks)


NOTHING = MessagePart("", ())


def heading(words: str, markup: str = "") -> MessagePart:
    """A title without mark-up. `markup` says the same where the words are not all ours."""
    title = plain(words, HEADER_LIMIT)
    return MessagePart(
        markup or f"*{words}*",
        drawn(sdk_blocks.HeaderBlock(text=sdk_blocks.PlainTextObject(text=title, emoji=False))),
    )


def paragraph(*lines: str) -> MessagePart:
    """Lines of mrkdwn; empty ones are left out."""
    markup = "\n".join(filter(None, lines))
    if not markup:
        return NOTHING
    return MessagePart(markup, drawn(sdk_blocks.SectionBlock(text=mrkdwn(markup))))


def note(*lines: str) -> MessagePart:
    """Lines of mrkdwn in small print; empty ones are left out."""
    markup = "\n".join(filter(None, lines))
    if not markup:
        return NOTHING
    return MessagePart(markup, drawn(sdk_blocks.ContextBlock(elements=[mrkdwn(markup)])))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> MessagePart:
    """A table of plain text; its first column names the row. Not for a modal, which takes none.

    Slack takes 100 rows and 10,000 characters, the header's among them; it refuses an empty cell.
    """
    cells = [
        [sdk_blocks.RawTextObject(text=plain(cell, _CELL_LIMIT)) for cell in row] for row in (header, *rows)
    ]
    settings = [None, *(sdk_blocks.TableBlockColumnSettings(align="right") for _ in header[1:])]
    block = sdk_blocks.TableBlock(rows=cells, column_settings=settings).to_dict()
    return MessagePart(_lines_of(block), (block,))


def without_tables(message: Message) -> Message:
    """The message with each table as lines: for a modal, and where Slack refuses tables."""
    return replace(message, blocks=tuple(_untabled(block) for block in message.blocks))


def has_tables(message: Message) -> bool:
    """Whether there is a table in the message."""
    return any(block["type"] == "table" for block in message.blocks)


def _untabled(block: Block) -> Block:
    return paragraph(_lines_of(block)).blocks[0] if block["type"] == "table" else block


def _lines_of(block: Block) -> str:
    """A table's rows as mrkdwn: the first cell, then what is in the others, each with its column's name."""
    header, *rows = [[escape(cell["text"]) for cell in row] for row in block["rows"]]
    return "\n".join(
        dotted(
            f"*{name}*",
            *(
                f"{cell} {column[:1].lower()}{column[1:]}"
                for cell, column in zip(cells, header[1:], strict=False)
                if cell != NO_CELL
            ),
        )
        for name, *cells in rows
    )


def divided(rows: Iterable[MessagePart]) -> list[MessagePart]:
    """Rows with a line above each, so that the eye finds where one begins."""
    return [MessagePart("", drawn(sdk_blocks.DividerBlock())) + row for row in rows]


def as_of(at: datetime, shared_by: PersonId | None) -> MessagePart:
    """When this was true, and who showed it to the channel."""
    return note(f"As of {date(at)}.{f' Shared by {mention(shared_by)}.' if shared_by else ''}")


def mrkdwn(markup: str, limit: int = SECTION_LIMIT) -> sdk_blocks.MarkdownTextObject:
    """Finished mrkdwn as Slack's text object, with its own linking of names and addresses switched off."""
    return sdk_blocks.MarkdownTextObject(text=shorten_mrkdwn(markup, limit), verbatim=True)


def drawn(*blocks: sdk_blocks.Block) -> tuple[Block, ...]:
    """The blocks as JSON, checked by the SDK on the way."""
    return tuple(block.to_dict() for block in blocks)


@cache
def _checks_of(kind: type[JsonObject]) -> tuple[str, ...]:
    return tuple(name for name in dir(kind) if hasattr(getattr(kind, name), "validator"))


def _check(drawn_object: JsonObject) -> None:
    for name in _checks_of(type(drawn_object)):
        getattr(drawn_object, name)()


# The SDK looks for the checks among all names of each object that it draws, again and again: half of the
# time in which a list of jobs is drawn, while nobody else is served. They are the same for each class.
JsonObject.validate_json = _check  # type: ignore[assignment]


def compose(
    head: Iterable[MessagePart],
    rows: Sequence[MessagePart] = (),
    tail: Iterable[MessagePart] = (),
    *,
    noun: str = "row",
    metadata: Mapping[str, Any] | None = None,
) -> Message:
    """A message of a head, as many rows as fit, and a tail. Rows that don't fit are counted in it."""
    above, below = _joined(head), _joined(tail)

    def more(left_out: int) -> str:
        return f"… and {count(left_out, f'more {noun}')}, not shown here."

    blocks = _fitting_blocks(above, rows, below)
    left_out = len(rows) - blocks
    shown = _joined([above, *rows[:blocks], note(more(left_out)) if left_out else NOTHING, below])
    lines = _fitting_lines(above, rows, below)
    left_unsaid = len(rows) - lines
    lines_shown = [
        above.text,
        *(row.text for row in rows[:lines]),
        more(left_unsaid) if left_unsaid else "",
        below.text,
    ]
    return fit(Message("\n".join(filter(None, lines_shown)), shown.blocks, metadata))


def with_note(message: Message, *lines: str) -> Message:
    """The message with small print below its first line, where it is not cut off."""
    if not lines:
        return message
    first, *rest = message.text.split("\n")
    text = "\n".join((first, *lines, *rest))
    blocks = (*message.blocks[:1], *note(*lines).blocks, *message.blocks[1:]) if message.blocks else ()
    return fit(replace(message, text=text, blocks=blocks))


def fit(message: Message) -> Message:
    """The message within every limit that concerns it as a whole; what had to go is counted."""
    blocks = message.blocks
    if len(blocks) > BLOCKS_LIMIT or shown_length(blocks) > CHARACTERS_LIMIT:
        keep = _longest_prefix(
            [MessagePart("", (block,)) for block in blocks], BLOCKS_LIMIT - 1, CHARACTERS_LIMIT - _NOTE_SIZE
        )
        left_out = len(blocks) - keep
        blocks = blocks[:keep] + note(f"… and {count(left_out, 'more part')}, left out for length.").blocks
    return replace(message, text=shorten_mrkdwn(message.text, TEXT_LIMIT) or "…", blocks=blocks)


def without_mentions(message: Message) -> Message:
    """The message without anything that notifies people: their IDs stay as text, groups are left out."""
    blocks = tuple(_without_mentions(block) for block in message.blocks)
    return replace(message, text=_without_mentions(message.text), blocks=blocks)


def _without_mentions(part: Any) -> Any:
    if isinstance(part, str):
        return _MENTION.sub(lambda found: found["person"] or "(mention left out)", part)
    if isinstance(part, dict):
        return {key: _without_mentions(value) for key, value in part.items()}
    return [_without_mentions(each) for each in part] if isinstance(part, list | tuple) else part


def shown_length(blocks: Any) -> int:
    """How many characters the blocks show, every text object counted, confirm dialogs and menus too."""
    if isinstance(blocks, dict):
        return sum(
            len(v) if k == "text" and isinstance(v, str) else shown_length(v) for k, v in blocks.items()
        )
    if isinstance(blocks, list | tuple):
        return sum(map(shown_length, blocks))
    return 0


def _joined(parts: Iterable[MessagePart]) -> MessagePart:
    return sum(parts, NOTHING)


def _fitting_blocks(above: MessagePart, rows: Sequence[MessagePart], below: MessagePart) -> int:
    fixed = above.blocks + below.blocks
    room, size = BLOCKS_LIMIT - len(fixed), CHARACTERS_LIMIT - shown_length(fixed)
    fits = _longest_prefix(rows, room, size)
    return fits if fits == len(rows) else _longest_prefix(rows, room - 1, size - _NOTE_SIZE)


def _longest_prefix(parts: Sequence[MessagePart], room: int, size: int) -> int:
    for taken, part in enumerate(parts):
        room -= len(part.blocks)
        size -= shown_length(part.blocks)
        if room < 0 or size < 0:
            return taken
    return len(parts)


def _fitting_lines(above: MessagePart, rows: Sequence[MessagePart], below: MessagePart) -> int:
    size = TEXT_LIMIT - _NOTE_SIZE - len(above.text) - len(below.text)
    for taken, row in enumerate(rows):
        size -= len(row.text) + 1
        if size < 0:
            return taken
    return len(rows)
