"""What it costs to name the causes of failures, and how many texts met in practice are named rightly."""

import statistics
import time
from collections.abc import Callable

from bot.veeam import DEFAULT_RULES, cause_of
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.sizes import Sizes
from tests.support.failure_texts import KNOWN_CAUSES, NO_CAUSE

_AT_MOST_TIMES_THE_FLOOR = 1.5
_TEXTS = [*(text for text, _ in KNOWN_CAUSES), *NO_CAUSE]
_PIECES = [pattern.key for rule in DEFAULT_RULES.rules for pattern in rule.patterns]


async def named_causes(sizes: Sizes) -> list[Figure]:
    """Compare every text with all rules, and look for one piece of each pattern in it, in turns."""
    named, sought = list[float](), list[float]()
    for number in range(sizes.matchings + 1):
        for measured, work in ((named, _name), (sought, _seek)):
            milliseconds = _cpu(work)
            if number:
                measured.append(milliseconds)
    expected = {**dict(KNOWN_CAUSES), **dict.fromkeys(NO_CAUSE)}
    found = {text: None if (one := cause_of([text])) is None else one.cause.key for text in _TEXTS}
    wrong = sum(found[text] is not None and found[text] != key for text, key in expected.items())
    missed = sum(found[text] is None and key is not None for text, key in expected.items())
    return [
        Figure(
            "named_causes",
            f"the causes of {len(_TEXTS)} texts met in practice, CPU",
            statistics.median(named),
            "ms",
            aim=Aim(_AT_MOST_TIMES_THE_FLOOR, of_ratio=True),
            floor=Floor(statistics.median(sought), f"{len(_PIECES)} words sought in each text"),
            facts={"milliseconds": named},
        ),
        Figure("wrong_causes", "of these texts, given a wrong cause", wrong, aim=Aim(0)),
        Figure("missed_causes", "of these texts, called unknown", missed, facts={"known": len(KNOWN_CAUSES)}),
    ]


def _name() -> None:
    for text in _TEXTS:
        cause_of([text])


def _seek() -> None:
    for text in _TEXTS:
        folded = text.casefold()
        for piece in _PIECES:
            _ = piece in folded


def _cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)
