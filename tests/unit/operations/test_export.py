"""The audit record as lines: whole, exact, and harmless to a spreadsheet."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store import AUDIT_COLUMNS, AuditId, AuditRow
from bot.store.audit import csv_head, csv_row, json_row

AT = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)


def row(**values: Any) -> AuditRow:
    return AuditRow(AuditId(7), dict.fromkeys(AUDIT_COLUMNS) | {"id": 7, "at": AT} | values)


def read(line: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(line, newline="")))


def test_a_row_of_json_is_exact() -> None:
    """Every column, null where nothing is known, times in UTC to the microsecond."""
    found = json.loads(json_row(row(job_name="=SQL\n<Änne>")))
    assert list(found) == list(AUDIT_COLUMNS)
    known = {name: value for name, value in found.items() if value is not None}
    assert known == {"id": 7, "at": "2026-11-23T12:00:00.000005+00:00", "job_name": "=SQL\n<Änne>"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("SQL Prod", "SQL Prod"),
        ('=HYPERLINK("https://evil.example")', '\'=HYPERLINK("https://evil.example")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("a,b\n=1", "a,b\n=1"),
        (None, ""),
        ("", ""),
    ],
)
def test_a_cell_is_no_formula(value: str | None, cell: str) -> None:
    """What a spreadsheet would compute begins with an apostrophe."""
    ((*_, found),) = read(csv_row(row(hash=value)))
    assert found == cell


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_is_one_cell(name: str) -> None:
    """Quotes, commas and line breaks stay within their cell, and no cell begins as a formula."""
    (cells,) = read(csv_row(row(job_name=name)))
    assert len(cells) == len(read(csv_head())[0]) == len(AUDIT_COLUMNS)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert cells[AUDIT_COLUMNS.index("job_name")].endswith(name)
