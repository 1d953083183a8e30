"""One server as one account sees it: every operation the bot has a use for, typed.

A question is asked again (`ReadRetries`); a change is sent once, and `AnswerLost` is raised when its outcome
is unknown. Every method raises the errors of `bot.veeam.errors` and no others; what the revision lacks is
`Rejected` before anything is sent.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import structlog

from bot.observability import Clock, Metrics, SystemClock
from bot.settings import ServerName
from bot.veeam import decoding, queries
from bot.veeam.backups import Backup, BackupObject, RestorePoint
from bot.veeam.client import ApiClient, ReadRetries
from bot.veeam.connection import Connection
from bot.veeam.decoding import Page, Row, known
from bot.veeam.derived_states import DerivedStates, JobRow
from bot.veeam.details import Detail, note_missing
from bot.veeam.detection import SpokenRevision
from bot.veeam.errors import (
    AnswerLost,
    ConnectionLost,
    NotAllowed,
    NotFoundOnServer,
    Rejected,
    ServerFailed,
    TimedOut,
    TookTooLong,
    UnexpectedAnswer,
    VeeamError,
)
from bot.veeam.http import ApiRequest, path_segment
from bot.veeam.ids import JobId, SessionId, is_id
from bot.veeam.inventory import AgentObject, Credentials, DataServer, Entity, InventoryObject, Tenant
from bot.veeam.job_layouts import Source
from bot.veeam.jobs import Job, JobContents, JobState, QueuedBackup, RestorePoints
from bot.veeam.limits import in_time
from bot.veeam.queries import InventoryQuery, JobStatesQuery, ListQuery
from bot.veeam.repositories import RepositoryState, ScaleOutRepository
from bot.veeam.revisions import Capability, Revision, product_with
from bot.veeam.server_facts import ConfigBackup, Licence, ServerInfo, ServerTime
from bot.veeam.sessions import Accepted, LogRecord, LogStatus, Session, TaskSession

_API = "/api/v1"
_JOBS = f"{_API}/jobs"
_QUICK_BACKUP = f"{_JOBS}/quickBackup"
_JOB_STATES = f"{_API}/jobs/states"
_SESSIONS = f"{_API}/sessions"
_TASK_SESSIONS = f"{_API}/taskSessions"
_INVENTORY = f"{_API}/inventory"
_VMWARE_HOSTS = f"{_API}/inventory/vmware/hosts"
_PHYSICAL_INVENTORY = f"{_API}/inventory/physical"
_REPOSITORIES = f"{_API}/backupInfrastructure/repositories"
_SCALE_OUT_REPOSITORIES = f"{_API}/backupInfrastructure/scaleOutRepositories"
_CREDENTIALS = f"{_API}/credentials"
_PROTECTION_GROUPS = f"{_API}/agents/protectionGroups"
_RESTORE_POINTS = f"{_API}/restorePoints"
_BACKUPS = f"{_API}/backups"

_QUEUED_LOOKS, _QUEUED_PAUSE_SECONDS = 4, 0.5
_SESSIONS_LOOKED_AT = 5
_CONTENTS_A_PAGE = 200
"""Whole models are long."""

STATES_WITHIN_SECONDS = 12.0
"""How long job states may take: what is put together instead takes the rest of an answer's time."""
_STATES_AT_LEAST_SECONDS = 5.0
"""Before that a server is only slow: that somebody waits no longer says nothing of its job states."""
_STATES_TRIED_AGAIN_SECONDS = 30.0
_STATES_FAIL = (ServerFailed, UnexpectedAnswer, NotAllowed, NotFoundOnServer, TimedOut, ConnectionLost)
"""Errors that may be of the job states alone; any other concerns the whole server."""

T = TypeVar("T")
R = TypeVar("R", bound=Row)

log = structlog.get_logger()


class VeeamServer:
    """One VBR account's view of one server. Nothing is sent before the first question."""

    def __init__(
        self,
        connection: Connection,
        *,
        spoken: SpokenRevision | None = None,
        clock: Clock | None = None,
        read_retries: ReadRetries | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """Take how to reach it, and the revision that the server's other accounts speak, if there are any.

        Raises TlsFailed when the CA file cannot be read.
        """
        clock = clock or SystemClock()
        self.name: ServerName = connection.name
        self.port = connection.port
        self._spoken = spoken or SpokenRevision(connection.name, connection.api_version, clock)
        self._client = ApiClient(
            connection, self._spoken, clock, read_retries or ReadRetries(), metrics or Metrics()
        )
        self._host_name = urlsplit(connection.url).hostname or ""
        self._clock = clock
        self._states_failure: VeeamError | None = None
        self._states_fail_until = 0.0
        self._derived = DerivedStates(
            jobs=lambda query: self._page(JobRow, _JOBS, query),
            job=lambda job_id: self._client.one(JobRow, ApiRequest.get(self._job_path(job_id))),
            sessions=self.sessions,
            revision=self.detect_revision,
            clock=clock,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Log out, best effort, and close the connections."""
        await self._client.close()

    # --- the server itself

    @property
    def host_name(self) -> str:
        """The host that the settings name, without a port."""
        return self._host_name

    @property
    def revision(self) -> Revision:
        """The revision of the API that it is asked in: as the settings say, or as it was detected last.

        Before anything was asked, and where none is pinned, the newest that the bot knows.
        """
        return self._spoken.current

    @property
    def has_pinned_revision(self) -> bool:
        """Whether the settings name the revision."""
        return self._spoken.is_pinned

    @property
    def has_known_revision(self) -> bool:
        """Whether the revision is pinned or was detected, and isn't assumed."""
        return self._spoken.is_known

    async def detect_revision(self) -> Revision:
        """Return the revision, detected first where that is due: for what is made to fit it.

        Every request sees to that by itself.
        """
        return await self._client.revision()

    async def prove_revision(self) -> Revision:
        """Detect the revision now, whatever is remembered. Raises where the server doesn't say."""
        return await self._client.proven_revision()

    async def newest_revision(self) -> Revision:
        """The newest revision that both sides speak, whether or not the settings pin another one."""
        return await self._client.newest_revision()

    @property
    def zone(self) -> tzinfo | None:
        """The server's time zone; None before its clock was asked for."""
        return self._client.zone

    async def server_time(self) -> ServerTime:
        """The server's clock.

        Asked without a login where the server lets us, so it shows whether the server is up and answers us.
        """
        return await self._client.server_time()

    @property
    def http_now(self) -> datetime | None:
        """The time by the Date header of its latest answer, or of a proxy's; None while none had one."""
        return self._client.http_now

    async def server_info(self) -> ServerInfo:
        """Build and name. NotAllowed is normal for every account but an administrator's."""
        path = f"{_API}/serverInfo"
        info = await self._client.one(ServerInfo, ApiRequest.get(path))
        if not info.name and not info.build_version:
            raise UnexpectedAnswer(self.name, f"GET {path}: neither name nor build")
        self._spoken.note_build(info.build_version)
        return info

    async def licence(self) -> Licence:
        """The installed licence. NotAllowed is normal for every account but an administrator's."""
        return await self._client.one(Licence, ApiRequest.get(f"{_API}/license"))

    async def config_backup(self) -> ConfigBackup:
        """The configuration backup's settings and last success. NotAllowed as for the licence."""
        return await self._client.one(ConfigBackup, ApiRequest.get(f"{_API}/configBackup"))

    # --- jobs

    async def job_states(self, query: JobStatesQuery | None = None) -> Page[JobState]:
        """One page of job states; while VBR fails to list them, put together from jobs and sessions."""
        asked = query or JobStatesQuery()
        return await self._states_or(
            lambda: self._page(JobState, _JOB_STATES, asked),
            lambda: self._derived.page(asked),
        )

    def job_state_pages(self, query: JobStatesQuery | None = None) -> AsyncIterator[Page[JobState]]:
        """All pages of the job states the query matches, up to 100,000 rows."""
        return self._client.pages(query or JobStatesQuery(), self.job_states)

    def every_job_state(self, query: JobStatesQuery | None = None) -> AsyncIterator[JobState]:
        """All job states the query matches, page by page, up to 100,000."""
        return self._client.every(query or JobStatesQuery(), self.job_states)

    async def all_job_states(
        self, query: JobStatesQuery | None = None, *, at_most: int | None = None
    ) -> Page[JobState]:
        """The same, or the first so many, as one page that is whole if all it is made of are."""
        rows: list[JobState] = []
        is_whole = True
        async for page in self.job_state_pages(query):
            rows += page.rows
            is_whole = is_whole and page.is_whole
            if at_most is not None and len(rows) >= at_most:
                break
        return Page(tuple(rows[:at_most]), is_whole=is_whole)

    async def job_state(self, job_id: JobId) -> JobState | None:
        """The state of one job; None when the server has no such job.

        ServerFailed where VBR fails to list states and has no model of the job either: there may be one.
        UnexpectedAnswer where the job's row alone is unreadable, and nothing can be put together instead.
        """
        wanted = self._id(job_id).casefold()

        async def derive() -> Page[JobState]:
            return Page((await self._derived.one(job_id),), is_whole=False)

        # One job is what is acted on: only a server that let us wait is not asked again at once.
        page = await self._states_or(
            lambda: self._page(JobState, _JOB_STATES, JobStatesQuery(id=job_id)),
            derive,
            afresh=not isinstance(self._states_failure, TimedOut),
        )
        found = next((state for state in page.rows if state.id.casefold() == wanted), None)
        if found is not None or not page.unreadable:
            return found
        # One row says nothing of the server's other job states.
        unreadable = UnexpectedAnswer(self.name, f"GET {_JOB_STATES}: the job's row is unreadable")
        try:
            found = await self._derived.one(job_id)
        except VeeamError:
            raise unreadable from None
        note_missing(Detail.JOB_STATES, unreadable)
        return found

    async def job(self, job_id: JobId) -> Job:
        """A job's settings. Rejected for a type that the revision cannot model."""
        job = Job(await self._client.whole(ApiRequest.get(self._job_path(job_id))))
        if job.id.casefold() != job_id.casefold():
            # It may be sent back as the job's own.
            raise UnexpectedAnswer(self.name, f"GET {self._job_path(job_id)}: not the model of this job")
        return job

    async def list_job_contents(self, *, skip: int, limit: int) -> Page[JobContents]:
        """One page of what jobs process, by name, of the jobs that the revision can describe.

        VBR may leave the objects out of this list: then `job_contents` has them.
        """
        query = ListQuery(skip=skip, limit=min(limit, _CONTENTS_A_PAGE), order_by="Name", ascending=True)
        return await self._page(JobContents, _JOBS, query)

    async def job_contents(self, job_id: JobId) -> JobContents:
        """What one job processes. Rejected for a type that the revision cannot model."""
        return await self._client.one(JobContents, ApiRequest.get(self._job_path(job_id)))

    async def start_job(
        self,
        job_id: JobId,
        *,
        full: bool = False,
        chained: bool = False,
        restore_points: RestorePoints | None = None,
    ) -> Accepted:
        """Start a run: `full` an active full, `chained` with the jobs scheduled after this one."""
        body: dict[str, object] = {"performActiveFull": full, "startChainedJobs": chained}
        if restore_points is not None:
            await self._demand(Capability.COPY_RESTORE_POINTS)
            body["syncRestorePoints"] = restore_points
        return await self._accepted(self._job_path(job_id, "start"), body)

    async def stop_job(self, job_id: JobId, *, graceful: bool = True, chained: bool = False) -> Accepted:
        """Stop the run; gracefully, objects in work are finished first. Rejected when none runs."""
        body = {"gracefulStop": graceful}
        if chained:
            await self._demand(Capability.CHAINED_STOP)
        if (await self.detect_revision()).has(Capability.CHAINED_STOP):
            body["cancelChainedJobs"] = chained
        return await self._accepted(self._job_path(job_id, "stop"), body)

    async def retry_job(self, job_id: JobId, *, chained: bool = False) -> Accepted:
        """Process again what failed in the last run."""
        await self._demand(Capability.RETRY)
        return await self._accepted(self._job_path(job_id, "retry"), {"startChainedJobs": chained})

    async def apply_configuration(self, job_id: JobId) -> Accepted:
        """Hand an agent policy's settings to its computers now (`applyAgentPolicyConfiguration`).

        Rejected for a job that is no policy.
        """
        await self._demand(Capability.APPLY_CONFIGURATION)
        return await self._accepted(self._job_path(job_id, "applyConfiguration"))

    async def clear_cache(self, job_id: JobId) -> Accepted:
        """Delete the restore points in the backup cache of a policy's computers (`clearAgentPolicyCache`).

        Rejected for anything but a policy of computers with Windows.
        """
        await self._demand(Capability.CLEAR_CACHE)
        return await self._accepted(self._job_path(job_id, "clearCache"))

    async def enable_job(self, job_id: JobId) -> None:
        """Let the job follow its schedule."""
        await self._client.change(ApiRequest.change("POST", self._job_path(job_id, "enable")))

    async def disable_job(self, job_id: JobId) -> None:
        """Take the job off its schedule. A run in progress goes on."""
        await self._client.change(ApiRequest.change("POST", self._job_path(job_id, "disable")))

    async def clone_job(self, job_id: JobId) -> Job:
        """Copy a job; the server names the copy."""
        await self._demand(Capability.CLONE)
        return await self._changed_job(ApiRequest.change("POST", self._job_path(job_id, "clone")))

    async def delete_job(self, job_id: JobId) -> None:
        """Remove the job. Its backups stay, orphaned."""
        await self._client.change(ApiRequest.change("DELETE", self._job_path(job_id)))

    async def create_job(self, spec: Mapping[str, Any]) -> Job:
        """Create a job from a complete JobSpec."""
        return await self._changed_job(ApiRequest.change("POST", _JOBS, spec))

    async def edit_job(self, job: Job, *, removes_full_backups: bool = False) -> Job:
        """Replace a job's settings. There is no version: read, change and send in one go.

        `removes_full_backups`: that GFS keeps less than before, and what it kept so far may go, is meant.
        """
        request = ApiRequest.change("PUT", self._job_path(job.id), job.raw)
        if removes_full_backups and self.revision.confirms_gfs_cuts:
            request = replace(request, parameters=(("allowOldGfsPointsRetention", "true"),))
        return await self._changed_job(request)

    async def quick_backup(self, machine: InventoryObject | AgentObject) -> Accepted:
        """An incremental restore point of one machine, through the job that has its newest one.

        `StartQuickBackupJob`, `StartHyperVQuickBackupJob` or `StartAgentQuickBackupJob`, by its platform; a
        machine of Cloud Director is asked for as one of vSphere, and Rejected.
        """
        if isinstance(machine, AgentObject):
            await self._demand(Capability.QUICK_BACKUP_AGENT)
            return await self._quick_backup_of_computer(machine)
        if machine.platform == Source.HYPERV:
            await self._demand(Capability.QUICK_BACKUP_HYPERV)
            return await self._accepted(f"{_QUICK_BACKUP}/hyperV", machine.to_json())
        return await self._accepted(f"{_QUICK_BACKUP}/vSphere", machine.to_json())

    # --- sessions

    async def sessions(self, query: queries.SessionsQuery | None = None) -> Page[Session]:
        """One page of sessions."""
        return await self._page(Session, _SESSIONS, query or queries.SessionsQuery())

    async def session(self, session_id: SessionId) -> Session:
        """One session. NotFoundOnServer when it was purged."""
        return await self._client.one(Session, ApiRequest.get(self._session_path(session_id)))

    async def session_logs(
        self, session_id: SessionId, status: LogStatus | None = None
    ) -> tuple[LogRecord, ...]:
        """A session's log, oldest first. Empty for a session that a person stopped."""
        path = self._session_path(session_id, "logs")
        filtered = status is not None and (await self.detect_revision()).log_status_filter
        request = ApiRequest.get(path, (("statusFilter", status),) if status and filtered else ())
        records = (await self._client.page(LogRecord, request)).rows
        if status is not None and not filtered:
            records = tuple(record for record in records if known(LogStatus, record.status) is status)
        return tuple(sorted(records, key=LogRecord.sort_key))

    async def task_sessions(self, session_id: SessionId) -> tuple[TaskSession, ...]:
        """The session's objects. May be empty at first, and stays so for some agent jobs."""
        path = self._session_path(session_id, "taskSessions")
        if not (await self.detect_revision()).pages_task_sessions:
            return (await self._client.page(TaskSession, ApiRequest.get(path))).rows
        rows = self._client.every(
            queries.TaskSessionsQuery(),
            lambda page: self._page(TaskSession, path, page),
        )
        return tuple([row async for row in rows])

    async def all_task_sessions(self, query: queries.AllTaskSessionsQuery) -> Page[TaskSession]:
        """One page of task sessions, of any job."""
        return await self._page(TaskSession, _TASK_SESSIONS, query)

    # --- inventory, repositories and credentials

    async def vmware_hosts(self, query: queries.VmwareHostsQuery | None = None) -> Page[InventoryObject]:
        """The vCenters and hosts that VBR knows."""
        return await self._page(InventoryObject, _VMWARE_HOSTS, query or queries.VmwareHostsQuery())

    async def vmware_objects(
        self, host_name: str, query: queries.VmwareObjectsQuery | None = None
    ) -> Page[InventoryObject]:
        """Objects below one vCenter or host, by its name as VBR shows it. Operators may."""
        path = f"{_VMWARE_HOSTS}/{self._segment(host_name)}"
        return await self._page(InventoryObject, path, query or queries.VmwareObjectsQuery())

    async def browse_inventory(
        self, query: InventoryQuery | None = None, *, host_name: str | None = None
    ) -> Page[InventoryObject]:
        """Search the inventory, everywhere or below one host. Administrators only before 1.3-rev1."""
        path = _INVENTORY if host_name is None else f"{_INVENTORY}/{self._segment(host_name)}"
        body = (query or InventoryQuery()).body(await self.detect_revision())
        return await self._client.page(InventoryObject, ApiRequest.search(path, body))

    async def physical_inventory(
        self, query: InventoryQuery | None = None, *, protection_group_id: str | None = None
    ) -> Page[AgentObject]:
        """The protection groups, or what is in one of them. Administrators only."""
        await self._demand(Capability.PHYSICAL_INVENTORY)
        path = _PHYSICAL_INVENTORY
        if protection_group_id is not None:
            path = f"{path}/{self._id(protection_group_id)}"
        body = (query or InventoryQuery()).body(await self.detect_revision(), id_property="id")
        return await self._client.page(AgentObject, ApiRequest.search(path, body))

    async def whole_physical_inventory(self, query: InventoryQuery | None = None) -> Page[AgentObject]:
        """The computers of all protection groups. Administrators and restore operators only."""
        await self._demand(Capability.WHOLE_PHYSICAL_INVENTORY)
        body = (query or InventoryQuery()).body(await self.detect_revision(), id_property="id")
        return await self._client.page(AgentObject, ApiRequest.search(f"{_PHYSICAL_INVENTORY}/all", body))

    async def repository_states(
        self, query: queries.RepositoryStatesQuery | None = None
    ) -> Page[RepositoryState]:
        """One page of how full the repositories are."""
        path = f"{_REPOSITORIES}/states"
        return await self._page(RepositoryState, path, query or queries.RepositoryStatesQuery())

    def every_repository_state(self, query: queries.RepositoryStatesQuery) -> AsyncIterator[RepositoryState]:
        """All rows of a query, page by page."""
        return self._client.every(query, self.repository_states)

    def every_scale_out_repository(
        self, query: queries.ScaleOutRepositoriesQuery
    ) -> AsyncIterator[ScaleOutRepository]:
        """All rows of a query, page by page."""
        return self._client.every(
            query,
            lambda page: self._page(ScaleOutRepository, _SCALE_OUT_REPOSITORIES, page),
        )

    async def credentials(self, query: queries.CredentialsQuery | None = None) -> Page[Credentials]:
        """One page of credentials records. NotAllowed is normal for a viewer's account."""
        return await self._page(Credentials, _CREDENTIALS, query or queries.CredentialsQuery())

    async def tenants(self, query: queries.TenantsQuery | None = None) -> Page[Tenant]:
        """One page of the Microsoft Entra tenants that VBR knows."""
        path = f"{_INVENTORY}/entraId/tenants"
        return await self._page(Tenant, path, query or queries.TenantsQuery())

    async def data_servers(self, query: queries.DataServersQuery | None = None) -> Page[DataServer]:
        """One page of file servers, shares and object storage."""
        path = f"{_INVENTORY}/unstructuredDataServers"
        return await self._page(DataServer, path, query or queries.DataServersQuery())

    async def protection_groups(self, query: queries.ProtectionGroupsQuery) -> Page[Entity]:
        """One page of protection groups. Administrators only before 1.3-rev1."""
        return await self._page(Entity, _PROTECTION_GROUPS, query)

    async def discovered_entities(self, group_id: str, query: queries.EntitiesQuery) -> Page[Entity]:
        """One page of what a protection group has found."""
        path = f"{_PROTECTION_GROUPS}/{self._id(group_id)}/discoveredEntities"
        return await self._page(Entity, path, query)

    # --- backups

    async def restore_points(self, query: queries.RestorePointsQuery) -> Page[RestorePoint]:
        """One page of restore points."""
        return await self._page(RestorePoint, _RESTORE_POINTS, query)

    async def backup(self, backup_id: str) -> Backup:
        """One backup. NotFoundOnServer when it is gone."""
        return await self._client.one(Backup, ApiRequest.get(f"{_BACKUPS}/{self._id(backup_id)}"))

    async def backups(self, query: queries.BackupsQuery) -> Page[Backup]:
        """One page of backups."""
        return await self._page(Backup, _BACKUPS, query)

    async def backup_objects(self, backup_id: str, *, limit: int) -> tuple[BackupObject, ...]:
        """The first machines of a backup."""
        path = f"{_BACKUPS}/{self._id(backup_id)}/objects"
        if not (await self.detect_revision()).pages_task_sessions:
            return (await self._client.page(BackupObject, ApiRequest.get(path))).rows[:limit]
        return (await self._page(BackupObject, path, queries.BackupObjectsQuery(limit=limit))).rows

    # --- shared

    async def _demand(self, capability: Capability) -> None:
        revision = await self.detect_revision()
        if not revision.has(capability):
            needed = product_with(capability)
            raise Rejected(
                self.name, f"{capability} needs {needed} or newer; {revision.name} does not have it"
            )

    async def _states_or(
        self, ask: Callable[[], Awaitable[T]], derive: Callable[[], Awaitable[T]], *, afresh: bool = False
    ) -> T:
        """The answer about job states; what is derived where it fails, or failed a moment ago.

        Then VBR is asked only if it has to be `afresh`. Raises the failure of the job states where nothing
        can be derived either.
        """
        failure = self._states_failure
        if failure is None or afresh or self._clock.monotonic() >= self._states_fail_until:
            try:
                answer = await in_time(
                    self.name, ask(), STATES_WITHIN_SECONDS, at_least=_STATES_AT_LEAST_SECONDS
                )
            except _STATES_FAIL as error:
                if error.asked is None and not isinstance(error, TookTooLong):
                    raise
                failure = error
            else:
                if self._states_failure is not None:
                    log.info("veeam.job_states_back", server=self.name)
                self._states_failure = None
                return answer
        try:
            derived = await derive()
        except NotFoundOnServer:
            # It is neither a job that is gone nor a server that is silent.
            raise ServerFailed(
                self.name, f"no job states: {failure.message or failure.kind}", status=failure.status
            ) from None
        except VeeamError:
            self._states_failure = None
            raise failure from None
        if self._states_failure is None:
            log.warning("veeam.job_states_failed", server=self.name, error=str(failure))
        if failure is not self._states_failure:
            self._states_failure = failure
            self._states_fail_until = self._clock.monotonic() + _STATES_TRIED_AGAIN_SECONDS
        note_missing(Detail.JOB_STATES, failure)
        return derived

    async def _page(self, model: type[R], path: str, query: ListQuery) -> Page[R]:
        """One page of a list, asked for in the very revision that the query is written for."""
        revision = await self.detect_revision()
        request = ApiRequest.get(path, query.parameters(revision), api_version=revision.name)
        return await self._client.page(model, request)

    async def _quick_backup_of_computer(self, computer: AgentObject) -> Accepted:
        """VBR queues it and names the job alone: the session that is going on then is looked for."""
        response = await self._client.change(
            ApiRequest.change("POST", f"{_QUICK_BACKUP}/agent", computer.to_json())
        )
        try:
            job_id = decoding.decode_one(QueuedBackup, response.body, zone=UTC).job_id
        except decoding.Undecodable:
            return Accepted()
        query = queries.SessionsQuery(
            job_id=job_id, order_by="CreationTime", ascending=False, limit=_SESSIONS_LOOKED_AT
        )
        for look in range(_QUEUED_LOOKS):
            if look:
                await self._clock.sleep(_QUEUED_PAUSE_SECONDS)
            try:
                rows = (await self.sessions(query)).rows
            except VeeamError as error:
                log.warning("veeam.queued_session_unknown", server=self.name, error=str(error))
                break
            if (begun := next((row for row in rows if not row.is_stopped), None)) is not None:
                return Accepted(begun, job_id)
        return Accepted(job_id=job_id)

    async def _accepted(self, path: str, body: Mapping[str, object] | None = None) -> Accepted:
        """Any 2xx is accepted: some builds answer 204, and an unreadable body undoes nothing."""
        response = await self._client.change(ApiRequest.change("POST", path, body))
        try:
            return Accepted(decoding.decode_one(Session, response.body, zone=UTC))
        except decoding.Undecodable:
            return Accepted()

    async def _changed_job(self, request: ApiRequest) -> Job:
        response = await self._client.change(request)
        try:
            return Job(decoding.decode_object(response.body))
        except decoding.Undecodable as failure:
            raise AnswerLost(
                self.name, "done, but the answer is unreadable", status=response.status
            ) from failure

    def _job_path(self, job_id: JobId, *rest: str) -> str:
        return "/".join((_JOBS, self._id(job_id), *rest))

    def _session_path(self, session_id: SessionId, *rest: str) -> str:
        return "/".join((_SESSIONS, self._id(session_id), *rest))

    def _id(self, text: str) -> str:
        if not is_id(text):
            raise Rejected(self.name, f"{text[:80]!r} is not an id")
        return text

    def _segment(self, host_name: str) -> str:
        segment = path_segment(host_name)
        if segment is None:
            raise Rejected(self.name, f"{host_name!r} is not a host's name")
        return segment
