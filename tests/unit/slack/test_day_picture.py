"""The picture of a digest's last days: what it shows, whatever the names, and the same in words."""

from io import BytesIO
from itertools import combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bot.slack.views import day_grid, day_picture
from bot.veeam import DayLetter, Findings, JobGroup, Report, ReportedJob
from tests.unit.slack import report_samples
from tests.unit.slack.report_samples import failing, job, report
from tests.unit.slack.samples import BRANCH

WIDTH = 1190
LONGEST = "W" * 300


def of(*jobs: ReportedJob, more: int = 0, **findings: object) -> Report:
    grid = JobGroup(total=len(jobs) + more, jobs=jobs)
    return report(msgspec.structs.replace(Findings(jobs_total=400, grid=grid), **findings))


def drawn(found: Report, fonts: tuple[str, ...] = ()) -> Image.Image:
    """The picture, with Pillow's own font if no other is named."""
    return Image.open(BytesIO(day_picture.png(found, fonts))).convert("RGB")


def difference(one: Report, other: Report) -> tuple[int, int, int, int]:
    """Where two pictures differ: left, top, right, bottom."""
    box = ImageChops.difference(drawn(one), drawn(other)).getbbox()
    assert box is not None
    return box


def test_each_job_has_a_line_and_the_width_is_slacks() -> None:
    """The picture grows by a line for each job, and stays a file that is soon loaded."""
    heights = [drawn(of(*(job(n) for n in range(rows)))).size for rows in (0, 1, 2, 30)]
    assert heights == [(WIDTH, 264), (WIDTH, 300), (WIDTH, 336), (WIDTH, 1344)]
    content = day_picture.png(of(*(job(n, LONGEST, days="FWS-?" * 2 + "FWS-") for n in range(30)), more=212))
    assert len(content) < 500_000


def test_days_differ_without_their_colours() -> None:
    """Nothing is said by colour alone: in black and white each kind of day has a shape of its own."""
    days = {letter: of(job(1, days=f"{'-' * 13}{letter}")) for letter in DayLetter}
    left, top, right, bottom = difference(days[DayLetter.FAILED], days[DayLetter.NO_RUN])
    assert right - left <= 36
    cells = {
        letter: drawn(found).crop((left, top, right, bottom)).convert("L").point(lambda v: 255 * (v > 160))
        for letter, found in days.items()
    }
    for one, other in combinations(cells, 2):
        assert ImageChops.difference(cells[one], cells[other]).getbbox() is not None, (one, other)
    assert drawn(days[DayLetter.FAILED]).getpixel((left + 2, top + 2)) == (0xC4, 0x16, 0x2A)


def test_an_unknown_day_is_drawn() -> None:
    """A letter of a later version is a day of which nothing is known."""
    assert drawn(of(job(1, days="X" * 14))).tobytes() == drawn(of(job(1, days="?" * 14))).tobytes()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("日本語 1", r"\u65e5\u672c\u8a9e 1"),
        ("Müller", r"M\xfcller"),
        ("a\u202eb\u200bc", r"a\u202eb\u200bc"),
        ("🔥", r"\U0001f525"),
        ("one\nline\ttwo", r"one\nline\ttwo"),
    ],
)
def test_what_no_font_can_show_is_written_out(name: str, shown: str) -> None:
    """A name in a script without a font here is told apart from others, and hides nothing."""
    assert drawn(of(job(1, name))).tobytes() == drawn(of(job(1, shown))).tobytes()


def test_a_font_of_the_machine_shows_more() -> None:
    """Where a font has the signs, they are drawn with it."""
    if len(day_picture.fonts(day_picture.FONTS, 22)) == 1:
        pytest.skip("no font is installed")
    written_out = drawn(of(job(1, r"M\xfcller")), day_picture.FONTS)
    assert drawn(of(job(1, "Müller")), day_picture.FONTS).tobytes() != written_out.tobytes()


def test_marks_do_not_pile_up_over_other_lines() -> None:
    """A letter may have two marks; those beyond are written out."""
    piled, written = of(job(1, "e" + "\u0301" * 40)), of(job(1, "e\u0301\u0301" + r"\u0301" * 38))
    for fonts in ((), day_picture.FONTS):
        assert drawn(piled, fonts).tobytes() == drawn(written, fonts).tobytes()


def test_a_long_name_stays_in_its_column() -> None:
    """It is cut, its server still stands beside it, and no day is painted over."""
    cell_left, *_ = difference(of(job(1, days="F" * 14)), of(job(1, days="-" * 14)))
    long_right = difference(of(job(1, LONGEST)), of(job(1, "short")))[2]
    assert long_right < cell_left
    server = difference(of(job(1, LONGEST)), of(job(1, LONGEST, server=BRANCH)))
    assert server[2] < cell_left


def test_it_says_how_many_more_there_are() -> None:
    """What is not shown is counted, below the rows."""
    found = of(job(1))
    _, top, _, bottom = difference(found, of(job(1), more=212))
    assert top < 100  # the total in the head
    assert bottom > 180 + 36 + 60


@settings(max_examples=40, deadline=None)
@given(
    name=st.text(max_size=300),
    server=st.text(max_size=80),
    days=st.text(max_size=20),
    failed=st.integers(min_value=0, max_value=10**9),
)
def test_no_text_breaks_it(name: str, server: str, days: str, failed: int) -> None:
    """Whatever VBR calls its jobs, there is a picture of the same width, and words within Slack's limit."""
    found = of(*(failing(n, name=name or "x") for n in range(2)), job(3, name, server=server, days=days))
    found = msgspec.structs.replace(
        found, findings=msgspec.structs.replace(found.findings, failed_by_day=(failed,) * 14)
    )
    assert drawn(found).size == (WIDTH, 264 + 3 * 36)
    assert 0 < len(day_grid.alt_text(found)) <= day_grid.ALT_TEXT_LIMIT


def test_the_words_say_what_the_picture_shows() -> None:
    """Counts first, then each day, then the jobs in the picture's order."""
    found = report_samples.few()
    findings = msgspec.structs.replace(found.findings, failed_by_day=(0,) * 12 + (2, 3))
    assert day_grid.alt_text(msgspec.structs.replace(found, findings=findings)) == (
        "The last 14 days, 10 Nov to 23 Nov. Jobs that failed or warned in them: 3 of 120 on 2 servers. "
        "Jobs failing now: 3. Jobs that failed on each day: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3. "
        "SQL Prod on hq: failed on 2 days, warned on 1, failing now. "
        "\u2039!here\u203a on hq: failed on 2 days, warned on 1, failing now. "
        "`ERP` on hq: failed on 7 days, warned on 0."
    )


def test_many_jobs_in_words_stay_within_slacks_limit() -> None:
    """As many jobs as fit are named, whole."""
    said = day_grid.alt_text(of(*(job(n, LONGEST) for n in range(30)), more=212))
    assert len(said) <= 2000
    assert said.endswith("warned on 1.")
