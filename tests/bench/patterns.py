"""What a typed pattern costs: CPU time of comparing it with every job's name, as `/veeam jobs` does."""

import statistics
import time

from bot.operations.matching import fits
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.sizes import Sizes

_PLAIN = "SQL*"
_AT_MOST_TIMES_THE_FLOOR = 3.0
_STARS = 30
_PATTERNS = {
    "in a row": "*" * _STARS + "s",
    "a letter between": "*a" * (_STARS - 1) + "*s",
    "a blank for any letter between": "*a?" * (_STARS - 1) + "*s",
}


async def many_stars(sizes: Sizes) -> list[Figure]:
    """Match patterns with many stars, and a plain one, in turns; the dearest of them is shown."""
    # Every letter that such a pattern looks for is there, over and over, and the last one is missing.
    names = [f"{'banana ' * 6}backup {number:05d}" for number in range(sizes.many_jobs)]
    patterns = {"plain": _PLAIN, **_PATTERNS}
    costs: dict[str, list[float]] = {what: [] for what in patterns}
    for number in range(sizes.matchings + 1):
        for what, pattern in patterns.items():
            began = time.process_time()
            assert not any(fits(pattern, name) for name in names)
            if number:
                costs[what].append(1000 * (time.process_time() - began))
    medians = {what: statistics.median(each) for what, each in costs.items()}
    return [
        Figure(
            "many_stars",
            f"a pattern of {_STARS} stars against {sizes.many_jobs:,} names, CPU",
            max(medians[what] for what in _PATTERNS),
            "ms",
            aim=Aim(_AT_MOST_TIMES_THE_FLOOR, of_ratio=True),
            floor=Floor(medians["plain"], f"{_PLAIN} against the same names"),
            facts={"patterns": patterns, "milliseconds": costs},
        )
    ]
