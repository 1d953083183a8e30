"""What a simulated VBR remembers: jobs, sessions, task sessions, repositories, proxies, inventory.

Plain values; times are aware. The world changes them, the encoders turn them into JSON.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal


@dataclass(frozen=True)
class Outcome:
    """What a run comes to.

    ``objects`` are those that failed (or, in a run that ends as Warning, that warned), with their messages;
    ``warned`` are those that warned in a run that failed. ``message`` is the session's own, ``log`` further
    records of its log as (status, title).
    """

    result: str = "Success"
    objects: Mapping[str, str] = field(default_factory=dict)
    warned: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    log: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Job:
    """A job: its whole JobModel, what it processes, how its last run went and what its next runs come to."""

    model: dict[str, Any]
    objects: list[str]
    objects_count: int
    run_seconds: float | None = None
    failure_rate: float = 0.0
    warning_rate: float = 0.0
    plan: deque[Outcome] = field(default_factory=deque)
    session_id: str | None = None
    last_run: datetime | None = None
    last_result: str = "None"
    failed_objects: tuple[str, ...] = ()
    next_run: datetime | None = None
    retry_at: datetime | None = None
    attempt: int = 0
    restore_points: dict[str, datetime] = field(default_factory=dict)
    rows: dict[str, bytes] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The job's UUID."""
        identity: str = self.model["id"]
        return identity

    @property
    def name(self) -> str:
        """The job's name, exactly as typed by whoever named it."""
        name: str = self.model["name"]
        return name

    @property
    def type(self) -> str:
        """The EJobType."""
        kind: str = self.model["type"]
        return kind

    @property
    def description(self) -> str:
        """The description; two copy types have none and count as empty."""
        text: str = self.model.get("description", "")
        return text

    @property
    def is_disabled(self) -> bool:
        """Whether the schedule is switched off."""
        return bool(self.model["isDisabled"])

    @property
    def copy_mode(self) -> str | None:
        """Immediate or Periodic, for backup copy jobs."""
        mode: str | None = self.model.get("mode")
        return mode

    @property
    def is_immediate_copy(self) -> bool:
        """Whether this is a copy job that never ends and cannot be stopped."""
        return self.copy_mode == "Immediate"

    @property
    def schedule(self) -> Mapping[str, Any]:
        """The schedule part of the JobModel, empty where the type has none."""
        schedule: Mapping[str, Any] | None = self.model.get("schedule")
        return schedule or MappingProxyType({})

    @property
    def predecessor(self) -> str | None:
        """The name of the job after which this one runs."""
        after = self.schedule.get("afterThisJob") or {}
        name: str | None = after.get("jobName")
        return name if after.get("isEnabled") and name else None


@dataclass(slots=True)
class Run:
    """A session in progress: its timetable, and why it runs."""

    outcome: Outcome
    working_at: datetime
    postprocessing_at: datetime
    end_at: datetime
    is_scheduled: bool
    attempt: int
    follows_chain: bool
    pending: list["TaskSession"] = field(default_factory=list)
    is_full: bool = False
    stop: Literal["graceful", "now"] | None = None
    stopped_at: datetime | None = None


@dataclass(slots=True)
class Session:
    """One run of a job, or of any other activity of the server. ``run`` is set while it is going on.

    ``original_id`` is the first session of the run that this one retries.
    """

    id: str
    name: str
    job_id: str
    type: str
    created_at: datetime
    platform: str
    initiated_by: str
    usn: int
    state: str = "Starting"
    percent: int | None = None
    ended_at: datetime | None = None
    result: str = "None"
    message: str = ""
    is_canceled: bool = False
    parent_id: str | None = None
    original_id: str | None = None
    retry_number: int = 0
    repository_id: str | None = None
    task_ids: list[str] = field(default_factory=list)
    log: tuple[tuple[str, str], ...] = ()
    has_empty_log: bool = False
    bottleneck: str = "NotDefined"
    run: Run | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether the session is over."""
        return self.state == "Stopped"

    def retries(self, before: "Session") -> None:
        """Remember that this is a retry of the run that ``before`` belongs to."""
        self.original_id = before.original_id or before.id
        self.retry_number = before.retry_number + 1


@dataclass(slots=True)
class TaskSession:
    """The part of a session for one object. ``starts_at`` and ``ends_at`` are its timetable."""

    id: str
    type: str
    session_id: str
    session_type: str
    name: str
    starts_at: datetime
    ends_at: datetime
    usn: int
    state: str = "Working"
    result: str = "None"
    message: str = ""
    planned_result: str = "Success"
    planned_message: str = ""
    algorithm: str = "Increment"
    repository_id: str | None = None
    restore_point_id: str | None = None
    size_bytes: int = 0
    read_bytes: int = 0
    scan_result: str = "None"

    @property
    def is_stopped(self) -> bool:
        """Whether the object is done with."""
        return self.state == "Stopped"


@dataclass(slots=True)
class Repository:
    """A backup repository; sizes in binary gigabytes, ``settings`` the rest of its RepositoryModel."""

    id: str
    name: str
    type: str
    description: str
    host_id: str | None
    host_name: str | None
    path: str | None
    capacity_gb: float
    free_gb: float
    used_gb: float
    settings: dict[str, Any]
    is_online: bool = True
    is_out_of_date: bool = False
    scale_out: dict[str, Any] | None = None


@dataclass(slots=True)
class ScaleOutRepository:
    """A scale-out repository; ``extent_ids`` are the repositories of its performance tier."""

    id: str
    name: str
    description: str
    extent_ids: tuple[str, ...]


@dataclass(slots=True)
class Proxy:
    """A backup proxy."""

    id: str
    name: str
    type: str
    description: str
    host_id: str
    host_name: str
    is_disabled: bool = False
    is_online: bool = True
    is_out_of_date: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """A record of credentials, without its secret."""

    id: str
    username: str
    type: str
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Tenant:
    """A Microsoft Entra tenant; ``cache_repository_id`` is where its backups lie."""

    id: str
    name: str
    azure_id: str
    cache_repository_id: str


@dataclass(frozen=True, slots=True)
class DataServer:
    """A file server, a share or object storage; ``settings`` is the rest of its model."""

    id: str
    name: str
    type: str
    settings: dict[str, Any]

    @property
    def is_object_storage(self) -> bool:
        """Whether buckets and containers are backed up, not files."""
        return "account" in self.settings


@dataclass(slots=True)
class InventoryItem:
    """An object of the virtual or physical inventory: its InventoryObjectModel, and what it lies in.

    ``parent`` is what it is shown below, None for a root; ``also_in`` are containers of other hierarchies.
    """

    model: dict[str, Any]
    parent: str | None = None
    hierarchies: frozenset[str] = frozenset()
    also_in: frozenset[str] = frozenset()
