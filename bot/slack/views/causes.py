"""Failures by their cause: rows of one page that say the same are shown together."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.operations.outcomes import JobView
from bot.veeam import gist


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
