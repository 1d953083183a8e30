"""What VBR's answers hold, typed: jobs, sessions and their objects, the inventory, the repositories.

IDs are types of their own, so that a mix-up is a type error.

VBR's enums of status, state and result are open: compare with `known`, show what was received. Letter case
differs between revisions (1.3-rev0 writes `running`, 1.3-rev1 `Running`) and new values appear with new
builds, so models keep the text and nothing is refused for an unknown word.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NewType, TypeVar

import msgspec

from bot.veeam.decoding import JsonObject, Row
from bot.veeam.sizes import size_in_words

JobId = NewType("JobId", str)
SessionId = NewType("SessionId", str)
TaskSessionId = NewType("TaskSessionId", str)

E = TypeVar("E", bound=StrEnum)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DURATION = re.compile(r"(?:(\d{1,6})\.)?(\d{1,6}):(\d\d):(\d\d)(?:\.\d+)?")
_BY_USER = re.compile(r"\bcancel+ed by (?:the )?user\b", re.IGNORECASE)
_ZERO_ID_CHARACTERS = frozenset("0-")
_GIGABYTE = 1024**3
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
PERFORMANCE_EXTENT = "Performance"
"""The extents that backups are written to; others take what is moved there."""
_SCALE_OUT_TYPE = "ExtendableRepository"
"""What ERepositoryType calls a scale-out repository."""
_KEYS_OF_AN_OBJECT = ("platform", "type", "hostName", "name", "objectId", "urn")
_KEYS_OF_AN_AGENT = ("platform", "type", "id", "name", "path", "parentObjectId", "protectionGroupId")


class Result(StrEnum):
    """ESessionResult. `NONE`: still running, or nothing was done."""

    NONE = "None"
    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"


class JobStatus(StrEnum):
    """EJobStatus: what a job is doing, not how it went."""

    RUNNING = "running"
    INACTIVE = "inactive"
    DISABLED = "disabled"
    ENABLED = "enabled"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STARTING = "starting"


class Workload(StrEnum):
    """EJobWorkload: what a job protects."""

    APPLICATION = "application"
    CLOUD_VM = "cloudVm"
    FILE = "file"
    SERVER = "server"
    WORKSTATION = "workstation"
    VM = "vm"


class SessionState(StrEnum):
    """ESessionState. Only `STOPPED` is final."""

    STOPPED = "Stopped"
    STARTING = "Starting"
    STOPPING = "Stopping"
    WORKING = "Working"
    PAUSING = "Pausing"
    RESUMING = "Resuming"
    WAITING_TAPE = "WaitingTape"
    IDLE = "Idle"
    POSTPROCESSING = "Postprocessing"
    WAITING_REPOSITORY = "WaitingRepository"
    WAITING_SLOT = "WaitingSlot"


class LogStatus(StrEnum):
    """ETaskLogRecordStatus: *Succeeded*, where a session says Success."""

    NONE = "None"
    SUCCEEDED = "Succeeded"
    WARNING = "Warning"
    FAILED = "Failed"


class ScanState(StrEnum):
    """EAntivirusScanState."""

    NOT_STARTED = "NotStarted"
    IN_PROGRESS = "InProgress"
    FINISHED = "Finished"


class ScanResult(StrEnum):
    """EAntivirusScanResult."""

    NONE = "None"
    CLEAN = "Clean"
    INFECTED = "Infected"
    FAILED = "Failed"
    CANCELED = "Canceled"
    INCONCLUSIVE = "Inconclusive"


class RestorePoints(StrEnum):
    """EBackupCopyRestorePoints: what "Sync now" of an immediate backup copy job takes along."""

    ALL = "All"
    LATEST = "Latest"


class RetentionUnit(StrEnum):
    """ERetentionPolicyType, and the units of file copies and of Entra ID audit logs."""

    RESTORE_POINTS = "RestorePoints"
    DAYS = "Days"
    MONTHS = "Months"
    YEARS = "Years"


class Weekday(StrEnum):
    """EDayOfWeek, in the order of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


def known(words: type[E], text: str | None) -> E | None:
    """The enum's word for this text, letter case aside; None for an unknown word, and for none."""
    return _by_folded_text(words).get((text or "").casefold())


@cache
def _by_folded_text(words: type[E]) -> dict[str, E]:
    return {word.value.casefold(): word for word in words}


_ACTIVE = frozenset({JobStatus.RUNNING, JobStatus.STARTING, JobStatus.STOPPING})
_OUTCOME_OF_SCAN = {
    ScanResult.NONE: Result.NONE,
    ScanResult.CLEAN: Result.SUCCESS,
    ScanResult.INFECTED: Result.FAILED,
    ScanResult.FAILED: Result.FAILED,
    ScanResult.CANCELED: Result.WARNING,
    ScanResult.INCONCLUSIVE: Result.WARNING,
}


def is_id(text: str) -> bool:
    """Whether the text is a UUID as VBR writes them; nothing else may get into a path."""
    return _UUID.fullmatch(text) is not None


class SessionProgress(JsonObject, frozen=True, gc=False):
    """Numbers of a session or of one of its task sessions. Sizes are bytes."""

    duration: str | None = None
    bottleneck: str | None = None
    processed_size: int | None = None
    read_size: int | None = None
    transferred_size: int | None = None
    progress_percent: int | None = None

    @property
    def duration_seconds(self) -> int | None:
        """`HH:MM:SS`, or `D.HH:MM:SS`, as seconds."""
        found = _DURATION.fullmatch(self.duration or "")
        if found is None:
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class RunAfterJob(JsonObject, frozen=True, gc=False):
    """The predecessor in a chain of jobs."""

    job_name: str | None = None
    job_id: JobId | None = None


class JobState(Row, frozen=True, gc=False):
    """What a job is doing, how its latest run went and when the next one is due (JobStateModel).

    `last_result` turns `None` while a job runs or retries: it does not overwrite what was known before.
    `next_run_policy` is text of the server's, in its language, brackets included.

    The last four are not VBR's. What sessions say, where somebody asked them: a run goes on although the
    status says `disabled`; a person stopped the run that Failed; a part of the run failed. And whether it was
    put together from the job's model and its newest run, while VBR failed to say it.
    """

    id: Annotated[JobId, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    description: str = ""
    status: str = ""
    last_run: datetime | None = None
    last_result: str = ""
    next_run: datetime | None = None
    next_run_policy: str | None = None
    workload: str | None = None
    repository_id: str | None = None
    repository_name: str | None = None
    objects_count: int | None = None
    session_id: SessionId | None = None
    high_priority: bool = False
    progress_percent: int | None = None
    session_progress: SessionProgress | None = None
    run_after_job: RunAfterJob | None = None
    backup_copy_mode: str | None = None
    has_running_session: bool = False
    was_stopped: bool = False
    failed_part: SessionId | None = None
    is_put_together: bool = False

    @property
    def is_active(self) -> bool:
        """Whether a run is starting, going on or stopping."""
        return self.has_running_session or known(JobStatus, self.status) in _ACTIVE

    @property
    def is_immediate_copy(self) -> bool:
        """Whether it is a backup copy that runs all the time; only the parts of its run end."""
        return (self.backup_copy_mode or "").casefold() == "immediate"

    @property
    def is_disabled(self) -> bool:
        """Whether the job does not follow its schedule. A disabled job can still be started."""
        return known(JobStatus, self.status) is JobStatus.DISABLED

    @property
    def result(self) -> Result | None:
        """The latest run's result: `Result.NONE` before the first run, None for a word we don't know.

        None also for a run that a person stopped: it has not failed.
        """
        if self.was_stopped:
            return None
        return Result.FAILED if self.failed_part else known(Result, self.last_result or Result.NONE)


@dataclass(frozen=True)
class RetryPolicy:
    """How VBR retries a scheduled run that failed. The defaults are the document's."""

    enabled: bool = False
    count: int = 3
    wait_minutes: int = 10


@dataclass(frozen=True)
class Job:
    """A job's settings, kept exactly as received, because PUT replaces: unknown keys must go back too.

    To edit, copy `raw`, change it in place and send `Job(raw)`.
    """

    raw: Mapping[str, Any]

    @property
    def id(self) -> JobId:
        """The job's id; empty where the answer had none."""
        return JobId(self._text("id"))

    @property
    def name(self) -> str:
        """The job's name."""
        return self._text("name")

    @property
    def type(self) -> str:
        """EJobType, as received."""
        return self._text("type")

    @property
    def is_disabled(self) -> bool:
        """Whether the job does not follow its schedule."""
        return self.raw.get("isDisabled") is True

    @property
    def runs_automatically(self) -> bool | None:
        """Whether the job has a schedule; None where the answer doesn't say."""
        flag = self._schedule.get("runAutomatically")
        return flag if isinstance(flag, bool) else None

    @property
    def retry(self) -> RetryPolicy | None:
        """The schedule's retries; None where the answer doesn't say."""
        retry = self._schedule.get("retry")
        if not isinstance(retry, Mapping):
            return None
        return RetryPolicy(
            enabled=retry.get("isEnabled") is True,
            count=_number(retry.get("retryCount"), RetryPolicy.count),
            wait_minutes=_number(retry.get("awaitMinutes"), RetryPolicy.wait_minutes),
        )

    @property
    def _schedule(self) -> Mapping[str, Any]:
        schedule = self.raw.get("schedule")
        return schedule if isinstance(schedule, Mapping) else {}

    def _text(self, key: str) -> str:
        value = self.raw.get(key)
        return value if isinstance(value, str) else ""


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


class SessionResult(JsonObject, frozen=True, gc=False):
    """How a session went, in a word and in VBR's own text."""

    result: str = ""
    message: str | None = None
    is_canceled: bool | None = None

    @classmethod
    def as_object(cls, value: object) -> dict[str, Any] | None:
        """Some builds send the bare word."""
        return {"result": value} if isinstance(value, str) else super().as_object(value)


class RetryInfo(JsonObject, frozen=True, gc=False):
    """Which retry of a run a session is; 0 is the run's first session."""

    retry_number: int | None = None


def says_by_user(text: str | None) -> bool:
    """Whether VBR's words say that a person stopped something.

    What its backup window ended is none of that: the words are "by user".
    """
    return _BY_USER.search(text or "") is not None


def says_stopped(own: str | None, failed: Sequence[str | None], log: Iterable[str]) -> bool:
    """Whether the words of a failed session say that a person stopped it, and no object failed otherwise.

    `own` is the session's message, `failed` are those of all objects that failed. A guess: VBR names nobody
    for a stop.
    """
    if failed:
        return all(map(says_by_user, failed))
    return any(map(says_by_user, (own, *log)))


class Session(Row, frozen=True, gc=False):
    """One run of a job, or of any other activity of the server (SessionModel).

    `original_session_id` and `retry_info` tie a retry to the run's first session; only 1.3-rev2 gives them.

    `job_id` may be the id of something other than a job, and all zeros. `progress_percent` 100 is not the
    end: only `is_stopped` is.
    """

    id: Annotated[SessionId, msgspec.Meta(min_length=1)]
    name: str = ""
    job_id: JobId | None = None
    session_type: str = ""
    creation_time: datetime | None = None
    end_time: datetime | None = None
    state: str = ""
    progress_percent: int | None = None
    result: SessionResult | None = None
    parent_session_id: SessionId | None = None
    initiated_by: str | None = None
    original_session_id: SessionId | None = None
    retry_info: RetryInfo | None = None

    @property
    def retries(self) -> SessionId | None:
        """The first session of the run that this one retries; None where VBR names none."""
        original = self.original_session_id
        return (
            None
            if original is None or original == self.id or set(original) <= _ZERO_ID_CHARACTERS
            else original
        )

    @property
    def begins_run(self) -> bool:
        """Whether VBR says that this is no retry; False also where it says nothing."""
        return self.retries is None and self.retry_info is not None and self.retry_info.retry_number == 0

    @property
    def is_stopped(self) -> bool:
        """Whether the session is over."""
        return known(SessionState, self.state) is SessionState.STOPPED

    @property
    def is_canceled(self) -> bool:
        """Whether VBR says that a person stopped it; False says nothing, for VBR often doesn't."""
        canceled = self.result is not None and self.result.is_canceled is True
        return canceled and self.is_stopped and self.outcome is not Result.SUCCESS

    @property
    def outcome(self) -> Result | None:
        """The result: `Result.NONE` without a verdict, None for a word we don't know."""
        return _outcome(self.result)


class TaskSession(Row, frozen=True, gc=False):
    """What a session does for one object: backup, replica, restore or antivirus scan, by `type`.

    A scan has `scan_state` and `scan_result` in place of `state` and `result`. Times come from VBR without an
    offset and are read as the server's local time.
    """

    id: Annotated[TaskSessionId, msgspec.Meta(min_length=1)]
    type: str = ""
    session_id: SessionId | None = None
    creation_time: datetime | None = None
    name: str = ""
    state: str | None = None
    result: SessionResult | None = None
    restore_point_id: str | None = None
    progress: SessionProgress | None = None
    scan_state: str | None = None
    scan_result: str | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether this object is done."""
        if self.state is None:
            return known(ScanState, self.scan_state) is ScanState.FINISHED
        return known(SessionState, self.state) is SessionState.STOPPED

    @property
    def outcome(self) -> Result | None:
        """The result, a scan's included (infected is Failed); None for a word we don't know."""
        if self.result is None and self.scan_result is not None:
            found = known(ScanResult, self.scan_result)
            return None if found is None else _OUTCOME_OF_SCAN[found]
        return _outcome(self.result)


class LogRecord(Row, frozen=True, gc=False):
    """A line of a session's log. `title` carries the text: several lines, names of accounts and hosts."""

    id: int | None = None
    status: str = ""
    start_time: datetime | None = None
    title: str = ""
    description: str = ""

    def sort_key(self) -> tuple[datetime, int]:
        """By which a log is put in order; VBR does not send its records so."""
        return self.start_time or _BEFORE_ALL, self.id or 0


@dataclass(frozen=True)
class Accepted:
    """VBR took the request (2xx); its session tells the outcome.

    `session` is None when VBR named none: nothing to process, or an answer that could not be read. `job_id`
    is the job that runs then, where VBR names that instead of a session.
    """

    session: Session | None = None
    job_id: JobId | None = None


class QueuedBackup(JsonObject, frozen=True):
    """The job through which a computer is backed up now (AgentQuickBackupResultModel)."""

    job_id: Annotated[JobId, msgspec.Meta(min_length=1)]


def _outcome(result: SessionResult | None) -> Result | None:
    return known(Result, (result and result.result) or Result.NONE)


@dataclass(frozen=True)
class ServerTime:
    """The server's clock (`/serverTime`). `time_zone` is Windows' display name, not an IANA one."""

    server_time: datetime
    """Aware, in UTC."""
    utc_offset: timedelta
    time_zone: str | None = None
    zone: tzinfo = UTC
    """With the offset of each day, where the zone's name is known; else with the offset of today."""


class ServerInfo(JsonObject, frozen=True, gc=False):
    """What the server is (`/serverInfo`, administrators only)."""

    name: str = ""
    build_version: str = ""


class _LicenceSection(JsonObject, frozen=True, gc=False):
    expiration_date: datetime | None = None


class Licence(JsonObject, frozen=True, gc=False):
    """The installed licence (`/license`, administrators only).

    Since 1.3-rev2 its sections end, each by itself. A perpetual one has no end.
    """

    status: str = ""
    edition: str = ""
    expiration_date: datetime | None = None
    instance_license_summary: _LicenceSection | None = None
    socket_license_summary: _LicenceSection | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When the first part of it ends; None where none does."""
        sections = (self, self.instance_license_summary, self.socket_license_summary)
        ends = [each.expiration_date for each in sections if each is not None]
        return min((each for each in ends if each is not None), default=None)


class _LastConfigBackup(JsonObject, frozen=True, gc=False):
    last_successful_time: datetime | None = None


class ConfigBackup(JsonObject, frozen=True, gc=False):
    """The backup of VBR's own configuration (`/configBackup`, administrators only)."""

    is_enabled: bool | None = None
    last_successful_backup: _LastConfigBackup | None = None

    @property
    def last_good_at(self) -> datetime | None:
        """When the last one ended well; None where there is none."""
        last = self.last_successful_backup
        return last.last_successful_time if last is not None else None


class InventoryObject(Row, frozen=True, gc=False):
    """A virtual machine, host or container in the inventory.

    Answers that wrap each row as `{"inventoryObject": …, "size": …}` are read too.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    platform: str = ""
    type: str = ""
    host_name: str = ""
    object_id: str | None = None
    urn: str | None = None

    @classmethod
    def as_object(cls, value: object) -> dict[str, Any] | None:
        """Unwraps the old form."""
        whole = super().as_object(value)
        inner = (whole or {}).get("inventoryObject")
        return {**(whole or {}), **inner} if isinstance(inner, dict) else whole

    def to_json(self) -> dict[str, str]:
        """The object as a request names it (VmwareObjectModel); absent keys are left out."""
        return _present(self, _KEYS_OF_AN_OBJECT)


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
        """The object as a job names it (AgentObjectModel); absent keys are left out."""
        return _present(self, _KEYS_OF_AN_AGENT)


class Credentials(Row, frozen=True, gc=False):
    """A credentials record, by which a job names an account (`/credentials`). VBR never sends the secret."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    username: str = ""
    description: str = ""
    type: str = ""


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


class Tenant(Row, frozen=True, gc=False):
    """A Microsoft Entra tenant (`/inventory/entraId/tenants`). Before 1.3-rev2 it has no name."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    description: str = ""
    azure_tenant_id: str = ""

    @property
    def title(self) -> str:
        """What people call it, as far as VBR knows."""
        return self.name or self.description or self.azure_tenant_id or self.id


class _StorageAccount(JsonObject, frozen=True, gc=False):
    friendly_name: str = ""


class DataServer(Row, frozen=True, gc=False):
    """A file server, a share or an object storage account (`/inventory/unstructuredDataServers`)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    type: str = ""
    name: str = ""
    path: str = ""
    friendly_name: str = ""
    account: _StorageAccount | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        account = self.account.friendly_name if self.account else ""
        return self.name or self.path or self.friendly_name or account or self.id

    @property
    def is_object_storage(self) -> bool:
        """Whether it holds buckets or containers rather than files."""
        return known(DataServerKind, self.type) in _OBJECT_STORAGE

    def object_in_job(self, *, names_kind: bool) -> dict[str, str]:
        """All of it, as a job names it: UnstructuredBackupJobObjectModel."""
        if self.is_object_storage:
            place, kind = {"objectStorageServerId": self.id}, "ObjectStorageRoot"
        else:
            place = {"fileServerId": self.id} | ({"path": self.path} if self.path else {})
            server_kind = known(DataServerKind, self.type)
            kind = _KIND_OF_SHARE.get(server_kind, _SHARE) if server_kind is not None else _SHARE
        return place | ({"type": kind} if names_kind else {})


class DataServerKind(StrEnum):
    """EUnstructuredDataServerType, all revisions."""

    FILE_SERVER = "FileServer"
    SMB_SHARE = "SMBShare"
    NFS_SHARE = "NFSShare"
    NAS_FILER = "NASFiler"
    S3_COMPATIBLE = "S3Compatible"
    AMAZON_S3 = "AmazonS3"
    AZURE_BLOB = "AzureBlob"
    AZURE_DATA_LAKE = "AzureDataLake"
    SAN_SMB_SHARE = "SANSMBShare"
    SAN_NFS_SHARE = "SANNFSShare"


_OBJECT_STORAGE = frozenset(
    {
        *(DataServerKind.S3_COMPATIBLE, DataServerKind.AMAZON_S3),
        *(DataServerKind.AZURE_BLOB, DataServerKind.AZURE_DATA_LAKE),
    }
)
_SHARE = "FileServerShare"
_KIND_OF_SHARE = {DataServerKind.FILE_SERVER: "FileServerRoot", DataServerKind.NAS_FILER: "SanFiler"}


class Entity(Row, frozen=True, gc=False):
    """A protection group, or what it has found (`/agents/protectionGroups`, `…/discoveredEntities`)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""


class _NamedObject(JsonObject, frozen=True, gc=False):
    name: str = ""


class _Excluded(JsonObject, frozen=True, gc=False):
    vms: tuple[_NamedObject, ...] = ()


class _Machines(JsonObject, frozen=True, gc=False):
    includes: tuple[_NamedObject, ...] = ()
    excludes: _Excluded | None = None


class JobContents(Row, frozen=True, gc=False):
    """What a job's model says of what it processes."""

    id: Annotated[JobId, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    virtual_machines: _Machines | None = None
    computers: tuple[_NamedObject, ...] | None = None

    @property
    def names_objects(self) -> bool:
        """Whether the objects are named at all: `GET /jobs` may leave them out."""
        return self.virtual_machines is not None or self.computers is not None

    @property
    def included(self) -> tuple[str, ...]:
        """The names of its objects; a folder, a tag or a group stands for all that is in it."""
        machines = self.virtual_machines.includes if self.virtual_machines is not None else ()
        return tuple(each.name for each in (*machines, *(self.computers or ())) if each.name)

    @property
    def excluded(self) -> tuple[str, ...]:
        """The names of machines that it leaves out of its folders, tags and hosts."""
        excludes = self.virtual_machines.excludes if self.virtual_machines is not None else None
        return tuple(each.name for each in excludes.vms if each.name) if excludes is not None else ()


class RestorePoint(Row, frozen=True, gc=False):
    """A restore point of one machine, and the backup it lies in (ObjectRestorePointModel)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    backup_id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    creation_time: datetime | None = None


class Backup(Row, frozen=True, gc=False):
    """A chain of restore points. `job_id` is of no job, or missing, where the backup is orphaned."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    job_id: JobId | None = None

    @property
    def is_orphaned(self) -> bool:
        """Whether no job writes to it any more, as far as its job's ID says so."""
        return not (self.job_id or "").strip("0-")


class BackupObject(Row, frozen=True, gc=False):
    """A machine in a backup. `last_run_failed` is None where the revision does not say (before 1.3-rev0)."""

    name: str = ""
    last_run_failed: bool | None = None


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
            size_in_words(gigabytes * _GIGABYTE) for gigabytes in (self.free_gb, self.capacity_gb)
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


def _present(row: Row, keys: tuple[str, ...]) -> dict[str, str]:
    values = msgspec.to_builtins(row)
    return {key: values[key] for key in keys if values[key]}
