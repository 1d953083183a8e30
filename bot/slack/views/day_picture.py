"""The last days of the jobs that failed or warned, as a PNG. Pure, but for the fonts of the machine.

The one module that needs Pillow, an extra: import it where a picture is drawn.
"""

import unicodedata
from bisect import bisect_right
from datetime import date as calendar_day
from functools import lru_cache
from io import BytesIO
from itertools import groupby
from math import ceil

from PIL import Image, ImageDraw, ImageFont, features

from bot import veeam
from bot.slack.text import count
from bot.slack.views.day_grid import nth_day
from bot.veeam import DayLetter

FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "msgothic.ttc",
    "Arial Unicode.ttf",
)
"""Fonts of Linux, macOS and Windows, as far as they are installed; Pillow's own has little but ASCII."""
_PAGE, _INK, _FAINT, _LINE = "#ffffff", "#1d1c1d", "#616061", "#dddddd"
_RED, _AMBER, _GREEN, _DARK_GREEN = "#c4162a", "#f2b01e", "#d3ecd8", "#2b7a3f"
_TITLE_SIZE, _TEXT_SIZE, _SMALL_SIZE = 30, 22, 17
_MARGIN, _ROW, _CELL, _PITCH = 24, 36, 30, 36
_NAME_WIDTH, _SERVER_WIDTH, _STATUS_WIDTH, _GAP = 420, 110, 190, 14
_ABOVE_DAYS, _DAYS_HEIGHT, _FOOT = 92, 88, 84
_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_LEGEND = (
    (DayLetter.FAILED, "failed"),
    (DayLetter.WARNED, "warned, or failed and made up for"),
    (DayLetter.GOOD, "success"),
    (DayLetter.NO_RUN, "no run"),
    (DayLetter.NOT_READ, "not read"),
)
_ELLIPSIS, _THOUSAND = "…", 1000
_NARROWEST, _MARKS_AT_MOST = 3, 2
_NO_GLYPH = "\uffff"
_FROM_THE_RIGHT = frozenset({"R", "AL", "AN"})

Fonts = tuple[ImageFont.FreeTypeFont, ...]


def png(found: veeam.Report, font_names: tuple[str, ...] = FONTS) -> bytes:
    """Draw the jobs of a report's grid, the same pixels for the same report and fonts."""
    sheet = _Sheet(found, font_names)
    sheet.draw_head()
    sheet.draw_rows()
    sheet.draw_foot()
    drawn = BytesIO()
    sheet.image.save(drawn, "PNG")
    return drawn.getvalue()


class _Sheet:
    """What is drawn on, from top to bottom."""

    def __init__(self, found: veeam.Report, font_names: tuple[str, ...]) -> None:
        self._found, self._jobs = found, found.findings.grid.jobs
        self._title, self._text, self._small = (
            fonts(font_names, size) for size in (_TITLE_SIZE, _TEXT_SIZE, _SMALL_SIZE)
        )
        self._first_cell = _MARGIN + _NAME_WIDTH + _GAP
        self._first_row = _ABOVE_DAYS + _DAYS_HEIGHT
        self._status = self._first_cell + len(found.grid_days) * _PITCH + _GAP
        self._width = self._status + _STATUS_WIDTH + _MARGIN
        self._bottom = self._first_row + len(self._jobs) * _ROW
        self.image = Image.new("RGB", (self._width, self._bottom + _FOOT), _PAGE)
        self._pen = ImageDraw.Draw(self.image)

    def draw_head(self) -> None:
        """What it is about, the days, and how many jobs failed on each."""
        found, findings = self._found, self._found.findings
        room = self._width - 2 * _MARGIN
        failing = f"{count(findings.failing_total, 'job')} failing now"
        title = (
            f"Last {len(found.grid_days)} days: {failing if findings.failing_total else 'no job is failing'}"
        )
        self._write((_MARGIN, 34), title, self._title, room, _INK)
        total = f"{count(findings.jobs_total, 'job')} on {count(len(found.servers), 'server')}"
        counts = f"{total}, {findings.grid.total:,} of them failed or warned in these days"
        self._write((_MARGIN, 70), counts, self._small, room, _FAINT)
        self._write((_MARGIN, _ABOVE_DAYS + 64), "Jobs failed on each day", self._small, _NAME_WIDTH, _FAINT)
        self._write((self._status, _ABOVE_DAYS + 64), "Failing", self._small, _STATUS_WIDTH, _FAINT)
        failed = findings.failed_by_day or (0,) * len(found.grid_days)
        for place, (iso, number) in enumerate(zip(found.grid_days, failed, strict=True)):
            day, at = calendar_day.fromisoformat(iso), self._first_cell + place * _PITCH + _CELL // 2
            self._centred((at, _ABOVE_DAYS + 16), _WEEKDAYS[day.weekday()], _FAINT)
            self._centred((at, _ABOVE_DAYS + 38), str(day.day), _FAINT)
            self._centred((at, _ABOVE_DAYS + 64), _short(number), _RED if number else _FAINT)
        self._rule(self._first_row - 6)

    def draw_rows(self) -> None:
        """A line for each job: its name and server, its days, and for how long it has been failing."""
        for place, job in enumerate(self._jobs):
            middle = self._first_row + place * _ROW + _ROW // 2
            server = job.server if len(self._found.servers) > 1 else ""
            server = _fitting(_writable(server, self._small), self._small, _SERVER_WIDTH)
            room = _NAME_WIDTH - _GAP - _length(server, self._small)
            name = self._write((_MARGIN, middle), job.name, self._text, room, _INK)
            self._write((_MARGIN + name + _GAP, middle), server, self._small, _SERVER_WIDTH, _FAINT)
            for day, letter in enumerate(job.days):
                self._cell((self._first_cell + day * _PITCH, middle - _CELL // 2), letter)
            self._write((self._status, middle), nth_day(job), self._small, _STATUS_WIDTH, _RED)

    def draw_foot(self) -> None:
        """What the signs mean, and how many jobs are not shown."""
        self._rule(self._bottom + 8)
        left, middle = _MARGIN, self._bottom + 32
        for letter, meaning in _LEGEND:
            self._cell((left, middle - _CELL // 2), letter)
            left += _CELL + 8
            left += 24 + self._write((left, middle), meaning, self._small, self._width - left, _INK)
        if (more := self._found.findings.grid.total - len(self._jobs)) > 0:
            words = f"and {count(more, 'more job')} that failed or warned in these days"
            self._write((_MARGIN, self._bottom + 64), words, self._small, self._width - 2 * _MARGIN, _INK)

    def _cell(self, corner: tuple[int, int], letter: str) -> None:
        """A day: by a colour, a shape and a sign, so that each of them alone is enough."""
        (left, top), pen = corner, self._pen
        right, bottom = left + _CELL - 1, top + _CELL - 1
        x, y = left + _CELL // 2, top + _CELL // 2
        match letter:
            case DayLetter.FAILED:
                pen.rectangle((left, top, right, bottom), fill=_RED)
                pen.line((left + 8, top + 8, right - 8, bottom - 8), fill=_PAGE, width=4)
                pen.line((left + 8, bottom - 8, right - 8, top + 8), fill=_PAGE, width=4)
            case DayLetter.WARNED:
                pen.polygon(((x, top), (right, bottom), (left, bottom)), fill=_AMBER)
                pen.rectangle((x - 1, top + 10, x + 1, top + 20), fill=_INK)
                pen.rectangle((x - 1, top + 23, x + 1, top + 25), fill=_INK)
            case DayLetter.GOOD:
                pen.ellipse((left + 3, top + 3, right - 3, bottom - 3), fill=_GREEN)
                pen.line((left + 9, y, x - 2, y + 5, right - 9, y - 5), fill=_DARK_GREEN, width=3)
            case DayLetter.NO_RUN:
                pen.line((x - 5, y, x + 5, y), fill=_FAINT, width=2)
            case _:
                pen.rectangle((left + 2, top + 2, right - 2, bottom - 2), outline=_FAINT)
                self._centred((x, y), "?", _FAINT)

    def _write(self, at: tuple[int, int], text: str, fonts: Fonts, room: int, ink: str) -> int:
        """Write from the left, as much as fits; return the width."""
        left, middle = at
        for font, run in _runs(_fitting(_writable(text, fonts), fonts, room), fonts):
            self._pen.text((left, middle), run, fill=ink, font=font, anchor="lm")
            left += round(font.getlength(run))
        return left - at[0]

    def _centred(self, at: tuple[int, int], text: str, ink: str) -> None:
        self._pen.text(at, text, fill=ink, font=self._small[0], anchor="mm")

    def _rule(self, y: int) -> None:
        self._pen.line((_MARGIN, y, self._width - _MARGIN, y), fill=_LINE, width=1)


def _short(number: int) -> str:
    return str(number) if number < _THOUSAND else f"{number / _THOUSAND:.0f}k"


def _fitting(text: str, fonts: Fonts, room: int) -> str:
    most = room // _NARROWEST
    if len(text) <= most and _length(text, fonts) <= room:
        return text
    ends = range(1, min(len(text), most) + 1)
    return (
        text[: bisect_right(ends, room, key=lambda end: _length(text[:end] + _ELLIPSIS, fonts))] + _ELLIPSIS
    )


def _length(text: str, fonts: Fonts) -> int:
    return ceil(sum(font.getlength(run) for font, run in _runs(text, fonts)))


def _writable(text: str, fonts: Fonts) -> str:
    r"""The text with what no font can show written out, as in `\u65e5`, and marks that would pile up."""
    return "".join(
        sign
        if any(_has(font, sign) for font in fonts) and not _is_pile(text[max(0, at - 2) : at + 1])
        else sign.encode("unicode_escape").decode()
        for at, sign in enumerate(text)
    )


def _is_pile(signs: str) -> bool:
    return len(signs) > _MARKS_AT_MOST and all(unicodedata.category(sign).startswith("M") for sign in signs)


def _runs(text: str, fonts: Fonts) -> list[tuple[ImageFont.FreeTypeFont, str]]:
    """The text in pieces, each with the first font that has all of its signs."""
    having = groupby(text, lambda sign: next((font for font in fonts if _has(font, sign)), fonts[0]))
    return [(font, "".join(signs)) for font, signs in having]


@lru_cache(maxsize=4096)
def _has(font: ImageFont.FreeTypeFont, sign: str) -> bool:
    """Whether a font can show a character; what is invisible counts as not shown.

    Without libraqm, marks and scripts that run from the right would stand in the wrong place.
    """
    category = unicodedata.category(sign)
    if category.startswith("C") or category in {"Zl", "Zp"}:
        return False
    needs_shaping = category.startswith("M") or unicodedata.bidirectional(sign) in _FROM_THE_RIGHT
    if needs_shaping and not features.check("raqm"):
        return False
    return sign == " " or bytes(font.getmask(sign)) != bytes(font.getmask(_NO_GLYPH))


@lru_cache(maxsize=16)
def fonts(names: tuple[str, ...], size: int) -> Fonts:
    """The fonts of these names that are installed, and Pillow's own last."""
    found = []
    for name in names:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    own = ImageFont.load_default(size)
    return (*found, own) if isinstance(own, ImageFont.FreeTypeFont) else tuple(found)
