"""The server itself, its inventory and its repositories."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import msgspec

from bot.veeam.rows import Part, Row

PERFORMANCE_EXTENT = "Performance"
"""The extents that backups are written to; others take what is moved there."""
_SCALE_OUT_TYPE = "ExtendableRepository"
"""What ERepositoryType calls a scale-out repository."""
_PLACE_OF_AN_OBJECT = ("platform", "type", "hostName", "name", "objectId", "urn")
_PLACE_OF_AN_AGENT = ("platform", "type", "id", "name", "path", "parentObjectId", "protectionGroupId")


@dataclass(frozen=True)
class ServerTime:
    """The server's clock (`/serverTime`). `time_zone` is Windows' display name, not an IANA one."""

    server_time: datetime
    """Aware, in UTC."""
    utc_offset: timedelta
    time_zone: str | None = None

    @property
    def zone(self) -> timezone:
        """The server's offset of today."""
        return timezone(self.utc_offset)


class ServerInfo(Part, frozen=True, gc=False):
    """What the server is (`/serverInfo`, administrators only)."""

    vbr_id: str | None = None
    name: str = ""
    build_version: str = ""
    patches: tuple[str, ...] = ()
    platform: str | None = None
    database_vendor: str | None = None


class InventoryObject(Row, frozen=True, gc=False):
    """A virtual machine, host or container in the inventory. `size` is text (`19.8 GB`).

    Answers that wrap each row as `{"inventoryObject": …, "size": …}` are read too.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    platform: str = ""
    type: str = ""
    host_name: str = ""
    object_id: str | None = None
    urn: str | None = None
    size: str | None = None

    @classmethod
    def as_object(cls, value: object) -> dict[str, Any] | None:
        """Unwraps the old form."""
        whole = super().as_object(value)
        inner = (whole or {}).get("inventoryObject")
        return {**(whole or {}), **inner} if isinstance(inner, dict) else whole

    def to_json(self) -> dict[str, str]:
        """The object as a request names it (VmwareObjectModel); absent parts are left out."""
        return _named(self, _PLACE_OF_AN_OBJECT)


class AgentObject(Row, frozen=True, gc=False):
    """A protection group, or a computer or cluster in one, as the physical inventory lists them."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    protection_group_id: str | None = None
    parent_object_id: str | None = None
    path: str | None = None
    platform: str = "Agent"

    def to_json(self) -> dict[str, str]:
        """The object as a job names it (AgentObjectModel); absent parts are left out."""
        return _named(self, _PLACE_OF_AN_AGENT)


class Credentials(Row, frozen=True, gc=False):
    """A credentials record, by which a job names an account (`/credentials`). The secret is never told."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    username: str = ""
    description: str = ""
    type: str = ""


class Repository(Row, frozen=True, gc=False):
    """A repository's identity (`/backupInfrastructure/repositories`)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    description: str = ""
    host_id: str | None = None


class ExtentOf(Part, frozen=True, gc=False):
    """Which scale-out repository a repository is an extent of. Jobs name that one, never the extent."""

    membership: str = ""
    """The scale-out repository's name."""
    scale_out_repository_id: str | None = None
    extent_type: str = ""

    def is_within(self, scale_out_id: str) -> bool:
        """Whether it is that one."""
        return (self.scale_out_repository_id or "").casefold() == scale_out_id.casefold()


class ScaleOutRepository(Row, frozen=True, gc=False):
    """A scale-out repository (`/backupInfrastructure/scaleOutRepositories`). Only its extents have states."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    description: str = ""


class RepositoryState(Row, frozen=True, gc=False):
    """How full a repository is and whether it is there.

    GB are binary; `used_space_gb` is not capacity less free.
    """

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    description: str = ""
    host_id: str | None = None
    host_name: str | None = None
    path: str | None = None
    capacity_gb: float | None = msgspec.field(name="capacityGB", default=None)
    free_gb: float | None = msgspec.field(name="freeGB", default=None)
    used_space_gb: float | None = msgspec.field(name="usedSpaceGB", default=None)
    is_online: bool | None = None
    is_out_of_date: bool | None = None
    extent_of: ExtentOf | None = msgspec.field(name="scaleOutRepositoryDetails", default=None)

    @property
    def is_scale_out(self) -> bool:
        """Whether it is a scale-out repository, as `scale_out_state` makes them."""
        return self.type == _SCALE_OUT_TYPE

    @property
    def used_fraction(self) -> float | None:
        """Capacity less free, of capacity, from 0 to 1; None where the capacity means nothing."""
        if self.capacity_gb is None or self.free_gb is None or not self.capacity_gb > 0:
            return None
        used = (self.capacity_gb - self.free_gb) / self.capacity_gb
        return min(1.0, max(0.0, used)) if math.isfinite(used) else None


def scale_out_state(scale_out: ScaleOutRepository, states: Iterable[RepositoryState]) -> RepositoryState:
    """The state of a scale-out repository, by those of its performance extents.

    Its sizes are the sums of those that tell theirs, None where none does. It is offline where all are.
    """
    extents = [state for state in states if _is_performance_extent(state, scale_out.id)]
    told = [(state.capacity_gb, state.free_gb) for state in extents if state.used_fraction is not None]
    return RepositoryState(
        id=scale_out.id,
        name=scale_out.name,
        type=_SCALE_OUT_TYPE,
        description=scale_out.description,
        capacity_gb=math.fsum(capacity or 0 for capacity, _ in told) if told else None,
        free_gb=math.fsum(free or 0 for _, free in told) if told else None,
        is_online=any(state.is_online is not False for state in extents) if extents else None,
    )


def _is_performance_extent(state: RepositoryState, scale_out_id: str) -> bool:
    member = state.extent_of
    return (
        member is not None
        and member.is_within(scale_out_id)
        and member.extent_type.casefold() == PERFORMANCE_EXTENT.casefold()
    )


def _named(row: Row, parts: tuple[str, ...]) -> dict[str, str]:
    values = msgspec.to_builtins(row)
    return {key: values[key] for key in parts if values[key]}
