"""The audit record handed out, one line a row: as JSON, or as CSV for spreadsheets. Pure.

Both have every column, and times in UTC as the chain's hashes were computed over them, so that whoever gets
it can check the chain. In CSV a cell that a spreadsheet would read as a formula begins with an apostrophe.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from bot.store import json_value
from bot.store.audit import AUDIT_COLUMNS, AuditRow

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_head() -> str:
    """Return the line that names the columns."""
    return _csv_line(AUDIT_COLUMNS)


def csv_row(row: AuditRow) -> str:
    """Return the row as a line of CSV; an empty cell for what is not known."""
    return _csv_line(_cells(row.values[name] for name in AUDIT_COLUMNS))


def json_row(row: AuditRow) -> str:
    """Return the row as a line of JSON."""
    plain = {name: json_value(row.values[name]) for name in AUDIT_COLUMNS}
    return f"{json.dumps(plain, ensure_ascii=False)}\n"


def _cells(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        cell = "" if value is None else str(json_value(value))
        yield f"'{cell}" if cell.startswith(_FORMULAS) else cell


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    # As RFC 4180 ends lines; with this end, csv also quotes a lone carriage return.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
