"""Backup repositories as VBR describes them, and scale-out ones, which are as full as their extents."""

import math
from collections.abc import Iterable
from typing import Annotated

import msgspec

from bot.veeam.decoding import JsonObject, Row
from bot.veeam.sizes import GIGABYTE, size_in_words

PERFORMANCE_EXTENT = "Performance"
"""The extents that backups are written to; others take what is moved there."""
_SCALE_OUT_TYPE = "ExtendableRepository"
"""What ERepositoryType calls a scale-out repository."""


class ScaleOutMembership(JsonObject, frozen=True, gc=False):
    """Which scale-out repository a repository is an extent of. Jobs name that one, never the extent."""

    membership: str = ""
    """The scale-out repository's name."""
    scale_out_repository_id: str | None = None
    extent_type: str = ""

    def is_within(self, scale_out_id: str) -> bool:
        """Whether it is that one."""
        return (self.scale_out_repository_id or "").casefold() == scale_out_id.casefold()


class _Extent(JsonObject, frozen=True, gc=False):
    id: str = ""


class _PerformanceTier(JsonObject, frozen=True, gc=False):
    performance_extents: tuple[_Extent, ...] = ()


class ScaleOutRepository(Row, frozen=True, gc=False):
    """A scale-out repository (`/backupInfrastructure/scaleOutRepositories`). Only its extents have states."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    description: str = ""
    performance_tier: _PerformanceTier | None = None

    @property
    def extent_ids(self) -> frozenset[str]:
        """The IDs of its performance extents, in lower case."""
        tier = self.performance_tier
        return frozenset(each.id.casefold() for each in tier.performance_extents) if tier else frozenset()


class RepositoryState(Row, frozen=True, gc=False):
    """How full a repository is and whether it is online. GB are binary."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    description: str = ""
    capacity_gb: float | None = msgspec.field(name="capacityGB", default=None)
    free_gb: float | None = msgspec.field(name="freeGB", default=None)
    is_online: bool | None = None
    extent_of: ScaleOutMembership | None = msgspec.field(name="scaleOutRepositoryDetails", default=None)

    @property
    def is_scale_out(self) -> bool:
        """Whether it is a scale-out repository, as `scale_out_state` makes them."""
        return self.type == _SCALE_OUT_TYPE

    def is_performance_extent_of(self, scale_out_id: str) -> bool:
        """Whether backups of this scale-out repository are written to it."""
        member = self.extent_of
        return (
            member is not None
            and member.is_within(scale_out_id)
            and member.extent_type.casefold() == PERFORMANCE_EXTENT.casefold()
        )

    @property
    def space(self) -> str:
        """What is free of what, in words; empty where the capacity means nothing, as of object storage."""
        if self.free_gb is None or not self.capacity_gb or not self.capacity_gb > 0:
            return ""
        free, capacity = (
            size_in_words(gigabytes * GIGABYTE) for gigabytes in (self.free_gb, self.capacity_gb)
        )
        return f"{free} free of {capacity}"

    @property
    def used_fraction(self) -> float | None:
        """Capacity less free, of capacity, from 0 to 1; None where the capacity means nothing."""
        if self.capacity_gb is None or self.free_gb is None or not self.capacity_gb > 0:
            return None
        used = (self.capacity_gb - self.free_gb) / self.capacity_gb
        return min(1.0, max(0.0, used)) if math.isfinite(used) else None


def scale_out_state(scale_out: ScaleOutRepository, states: Iterable[RepositoryState]) -> RepositoryState:
    """The state of a scale-out repository, by those of its performance extents.

    Its sizes are the sums of the known ones, None where none is. It is offline where all are.
    """
    ids = scale_out.extent_ids  # under 1.2-rev1 nothing else tells
    extents = [
        state
        for state in states
        if state.is_performance_extent_of(scale_out.id) or state.id.casefold() in ids
    ]
    sizes = [(state.capacity_gb, state.free_gb) for state in extents if state.used_fraction is not None]
    return RepositoryState(
        id=scale_out.id,
        name=scale_out.name,
        type=_SCALE_OUT_TYPE,
        description=scale_out.description,
        capacity_gb=math.fsum(capacity or 0 for capacity, _ in sizes) if sizes else None,
        free_gb=math.fsum(free or 0 for _, free in sizes) if sizes else None,
        is_online=any(state.is_online is not False for state in extents) if extents else None,
    )
