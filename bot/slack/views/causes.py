"""Failures by their cause: rows of one page that fail for one reason are shown together.

The cause that VBR's words name decides; where they name none that is known, the words themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.operations.outcomes import JobView
from bot.veeam import gist


@dataclass(frozen=True, slots=True)
class SameCause:
    """Jobs that failed for one reason, in their order, or a single one with a reason of its own or none.

    `reason` is in the first one's words, `title` the cause that it names; empty where that is not known.
    """

    reason: str | None
    views: tuple[JobView, ...]
    title: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether several jobs have it."""
        return len(self.views) > 1


def by_cause(views: Sequence[JobView]) -> tuple[SameCause, ...]:
    """Return the jobs with those of one cause together, each cause where its first job stands."""
    groups: dict[object, list[JobView]] = {}
    for place, view in enumerate(views):
        groups.setdefault(_key(view, place), []).append(view)
    return tuple(_same(group) for group in groups.values())


def _same(group: Sequence[JobView]) -> SameCause:
    first = group[0]
    if first.finding is None:
        return SameCause(first.reason, tuple(group))
    return SameCause(first.finding.line, tuple(group), first.finding.cause.title)


def _key(view: JobView, place: int) -> object:
    """What jobs of one group have in common."""
    finding, state = view.finding, view.state
    if finding is not None:
        return (state.result, finding.common_key(state.repository_name, view.server))
    return place if view.reason is None else (state.result, gist(view.reason))
