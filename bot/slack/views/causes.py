"""Failures by their cause: rows of one page that say the same are shown together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.operations.outcomes import JobView

_NAMED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\[[^\[\]]*\]|\{[^{}]*\}|\S*[\\/]\S*|\S*\d\S*")
"""What differs from object to object: what is quoted or bracketed, paths, words with a number in them."""


@dataclass(frozen=True, slots=True)
class SameCause:
    """Jobs that failed for one reason, in their order, or a single one with a reason of its own or none.

    `reason` is in the first one's words.
    """

    reason: str | None
    views: tuple[JobView, ...]

    @property
    def is_shared(self) -> bool:
        """Whether several jobs have it."""
        return len(self.views) > 1


def by_cause(views: Sequence[JobView]) -> tuple[SameCause, ...]:
    """Return the jobs with those of one cause together, each cause where its first job stands."""
    groups: dict[object, list[JobView]] = {}
    for place, view in enumerate(views):
        key: object = place if view.reason is None else (view.state.result, gist(view.reason))
        groups.setdefault(key, []).append(view)
    return tuple(SameCause(group[0].reason, tuple(group)) for group in groups.values())


def gist(reason: str) -> str:
    """Return what two reasons have in common that differ in the objects, hosts and numbers they name."""
    gist = " ".join(_NAMED.sub("#", " ".join(reason.split()).casefold()).split()).rstrip(".")
    # Nothing but names is no cause to compare by.
    return gist if gist.strip("# .,:;-") else " ".join(reason.casefold().split())
