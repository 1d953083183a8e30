"""What was measured, beside what it is measured against and what was aimed at: as a table and as JSON."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tabulate import tabulate

_HEADERS = ("what", "measured", "floor", "ratio", "aim", "")
RECORDED_WORKLOAD_SECONDS = 0.057
"""`workload_seconds` of the machine on which the figures of docs/explanation/figures.md were measured."""
_ROUNDS, _REPEATED = 9, 18
_COLUMN_WIDTHS = (44, 16, 38, 6, 16, 8)


@dataclass(frozen=True)
class Floor:
    """What the same thing costs at the least, measured in the same run."""

    value: float
    what: str


@dataclass(frozen=True)
class Aim:
    """The most that a figure may be; `of_ratio`: the most that it may be in units of its floor."""

    at_most: float
    of_ratio: bool = False


@dataclass(frozen=True)
class Figure:
    """One row. Without an aim it explains another one, or claims nothing.

    `is_more`: it was not over when the measurement was; it is more than `value`.
    """

    key: str
    what: str
    value: float
    unit: str = ""
    aim: Aim | None = None
    floor: Floor | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    is_more: bool = False

    @property
    def ratio(self) -> float | None:
        """The figure in units of its floor."""
        return self.value / self.floor.value if self.floor is not None and self.floor.value else None

    @property
    def is_met(self) -> bool | None:
        """Whether it is within its aim; None where there is none, or nothing to compare with."""
        compared = self.ratio if self.aim is not None and self.aim.of_ratio else self.value
        if self.aim is None or compared is None:
            return None
        return compared <= self.aim.at_most and not self.is_more

    def as_row(self) -> tuple[str, ...]:
        """The row of the table."""
        floor = "" if self.floor is None else f"{_shown(self.floor.value, self.unit)}: {self.floor.what}"
        more = "> " if self.is_more else ""
        ratio = "" if self.ratio is None else f"{more}{self.ratio:.2f}"
        verdict = {True: "met", False: "NOT MET", None: ""}[self.is_met]
        return (self.what, f"{more}{_shown(self.value, self.unit)}", floor, ratio, self._aimed(), verdict)

    def as_json(self) -> dict[str, Any]:
        """The row with everything it rests on."""
        return {**asdict(self), "ratio": self.ratio, "is_met": self.is_met}

    def _aimed(self) -> str:
        if self.aim is None:
            return ""
        if self.aim.of_ratio:
            return f"at most {self.aim.at_most:g} floors"
        return "0" if not self.aim.at_most else f"at most {_shown(self.aim.at_most, self.unit)}"


def table(figures: Sequence[Figure]) -> str:
    """All rows for a terminal."""
    rows = [figure.as_row() for figure in figures]
    return tabulate(
        rows,
        _HEADERS,
        "simple_grid",
        disable_numparse=True,
        maxcolwidths=list(_COLUMN_WIDTHS),
    )


def page_table(figures: Sequence[Figure]) -> str:
    """All rows for a page of the documentation."""
    return tabulate([figure.as_row() for figure in figures], _HEADERS, "pipe", disable_numparse=True)


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def workload_seconds() -> float:
    """CPU time of a fixed piece of work like the bot's, the shortest of several: how fast the machine is.

    What else runs takes little of it; a slower machine takes more.
    """
    rows = [{"id": f"job {number:05d}", "name": "x" * (number % 40)} for number in range(4_000)]
    taken, names = [], list[tuple[str, str]]()
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(_REPEATED):
            read = json.loads(json.dumps(rows))
            names = sorted((row["name"].upper(), row["id"]) for row in read)
        taken.append(time.process_time() - began)
    assert len(names) == len(rows)
    return min(taken)


def busy_cpu_seconds() -> float:
    """For how long the machine's cores have worked since it was started, for whomever."""
    user, nice, system, _, _, interrupt, soft = Path("/proc/stat").read_text(encoding="utf-8").split()[1:8]
    return sum(map(int, (user, nice, system, interrupt, soft))) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _shown(value: float, unit: str) -> str:
    digits = 0 if value == round(value) else 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1
    return f"{value:.{digits}f}{f' {unit}' if unit else ''}"
