"""One server as one account sees it: every operation the bot has a use for, typed.

A question is asked again within its patience; a change is sent once, and `Unclear` is raised when its outcome
isn't known. Every method raises the errors of `bot.veeam.errors` and no others; what the revision lacks is
`Rejected` before anything is sent.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC
from typing import Any, Self

from bot.observability import Clock, Metrics, SystemClock
from bot.settings import ServerName
from bot.veeam import rows
from bot.veeam.account import Account, Patience
from bot.veeam.answers import Answer
from bot.veeam.connection import Connection
from bot.veeam.errors import Rejected, Unclear
from bot.veeam.ids import JobId, SessionId, TaskSessionId, is_id, path_segment
from bot.veeam.infrastructure import (
    AgentObject,
    Credentials,
    InventoryObject,
    Repository,
    RepositoryState,
    ScaleOutRepository,
    ServerInfo,
    ServerTime,
)
from bot.veeam.jobs import Job, JobRow, JobState
from bot.veeam.queries import (
    AllTaskSessionsQuery,
    CredentialsQuery,
    InventoryQuery,
    JobsQuery,
    JobStatesQuery,
    Query,
    RepositoriesQuery,
    RepositoryStatesQuery,
    ScaleOutRepositoriesQuery,
    SessionsQuery,
    TaskSessionsQuery,
    VmwareHostsQuery,
    VmwareObjectsQuery,
)
from bot.veeam.reader import Reader
from bot.veeam.revisions import Capability, Revision, revision_facts
from bot.veeam.rows import Page
from bot.veeam.sessions import Accepted, LogRecord, Session, TaskSession
from bot.veeam.vocabulary import LogStatus, RestorePoints, known
from bot.veeam.wire import Call

_API = "/api/v1"
_JOBS = f"{_API}/jobs"
_JOB_STATES = f"{_API}/jobs/states"
_SESSIONS = f"{_API}/sessions"
_TASK_SESSIONS = f"{_API}/taskSessions"
_INVENTORY = f"{_API}/inventory"
_VMWARE_HOSTS = f"{_API}/inventory/vmware/hosts"
_PHYSICAL_INVENTORY = f"{_API}/inventory/physical"
_REPOSITORIES = f"{_API}/backupInfrastructure/repositories"
_SCALE_OUT_REPOSITORIES = f"{_API}/backupInfrastructure/scaleOutRepositories"
_CREDENTIALS = f"{_API}/credentials"


class VeeamServer:
    """One VBR account's view of one server. Nothing is sent before the first question."""

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock | None = None,
        patience: Patience | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """Raises TlsFailed when the CA file cannot be read."""
        clock = clock or SystemClock()
        self.name: ServerName = connection.name
        self.revision: Revision = revision_facts(connection.api_version)
        self._account = Account(connection, clock, patience or Patience(), metrics or Metrics())
        self._reader = Reader(connection.name, self._account, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Log out, best effort, and close the connections."""
        await self._account.close()

    # --- the server itself

    async def server_time(self) -> ServerTime:
        """The server's clock.

        Asked without a login, so it shows whether the server lives and speaks with us.
        """
        return await self._reader.server_time()

    async def server_info(self) -> ServerInfo:
        """Build and name. NotAllowed is normal for every account but an administrator's."""
        return await self._reader.one(ServerInfo, Call.get(f"{_API}/serverInfo"))

    # --- jobs

    async def jobs(self, query: JobsQuery | None = None) -> Page[JobRow]:
        """One page of `/jobs`, which leaves out types the revision cannot model: prefer `job_states`."""
        return await self._reader.page(JobRow, self._list(_JOBS, query or JobsQuery()))

    async def job_states(self, query: JobStatesQuery | None = None) -> Page[JobState]:
        """One page of job states."""
        return await self._reader.page(JobState, self._list(_JOB_STATES, query or JobStatesQuery()))

    def every_job_state(self, query: JobStatesQuery | None = None) -> AsyncIterator[JobState]:
        """All job states the query matches, page by page, up to 100,000."""
        return self._reader.every(
            query or JobStatesQuery(), lambda page: self._list(_JOB_STATES, page), JobState
        )

    async def job_state(self, job_id: JobId) -> JobState | None:
        """The state of one job; None when the server has no such job."""
        wanted = self._id(job_id).casefold()
        page = await self.job_states(JobStatesQuery(id=job_id))
        return next((state for state in page.rows if state.id.casefold() == wanted), None)

    async def job(self, job_id: JobId) -> Job:
        """A job's settings. Rejected for a type that the revision cannot model."""
        return Job(await self._reader.whole(Call.get(self._job_path(job_id))))

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
            self._demand(Capability.COPY_RESTORE_POINTS)
            body["syncRestorePoints"] = restore_points
        return await self._accepted(self._job_path(job_id, "start"), body)

    async def stop_job(self, job_id: JobId, *, graceful: bool = True, chained: bool = False) -> Accepted:
        """Stop the run; gracefully, objects in work are finished first. Rejected when none runs."""
        body = {"gracefulStop": graceful}
        if chained:
            self._demand(Capability.CHAINED_STOP)
        if self.revision.has(Capability.CHAINED_STOP):
            body["cancelChainedJobs"] = chained
        return await self._accepted(self._job_path(job_id, "stop"), body)

    async def retry_job(self, job_id: JobId, *, chained: bool = False) -> Accepted:
        """Process again what failed in the last run."""
        self._demand(Capability.RETRY)
        return await self._accepted(self._job_path(job_id, "retry"), {"startChainedJobs": chained})

    async def enable_job(self, job_id: JobId) -> None:
        """Let the job follow its schedule."""
        await self._account.change(Call.change("POST", self._job_path(job_id, "enable")))

    async def disable_job(self, job_id: JobId) -> None:
        """Take the job off its schedule. A run in progress goes on."""
        await self._account.change(Call.change("POST", self._job_path(job_id, "disable")))

    async def clone_job(self, job_id: JobId) -> Job:
        """Copy a job; the server names the copy."""
        self._demand(Capability.CLONE)
        return await self._changed_job(Call.change("POST", self._job_path(job_id, "clone")))

    async def delete_job(self, job_id: JobId) -> None:
        """Remove the job. Its backups stay, orphaned."""
        await self._account.change(Call.change("DELETE", self._job_path(job_id)))

    async def create_job(self, spec: Mapping[str, Any]) -> Job:
        """Create a job from a complete JobSpec."""
        return await self._changed_job(Call.change("POST", _JOBS, spec))

    async def edit_job(self, job: Job) -> Job:
        """Replace a job's settings. There is no version: read, change and send in one go."""
        return await self._changed_job(Call.change("PUT", self._job_path(job.id), job.raw))

    async def quick_backup(self, machine: InventoryObject) -> Accepted:
        """An incremental restore point of one vSphere VM, through the job that has its newest one."""
        return await self._accepted(f"{_JOBS}/quickBackup/vSphere", machine.to_json())

    # --- sessions

    async def sessions(self, query: SessionsQuery | None = None) -> Page[Session]:
        """One page of sessions."""
        return await self._reader.page(Session, self._list(_SESSIONS, query or SessionsQuery()))

    def every_session(self, query: SessionsQuery | None = None) -> AsyncIterator[Session]:
        """All sessions the query matches, page by page, up to 100,000."""
        return self._reader.every(query or SessionsQuery(), lambda page: self._list(_SESSIONS, page), Session)

    async def session(self, session_id: SessionId) -> Session:
        """One session. NotFound when it was purged."""
        return await self._reader.one(Session, Call.get(self._session_path(session_id)))

    async def session_logs(
        self, session_id: SessionId, status: LogStatus | None = None
    ) -> tuple[LogRecord, ...]:
        """A session's log, oldest first. Empty for a session that was stopped by hand."""
        return await self._logs(self._session_path(session_id, "logs"), status)

    async def task_sessions(self, session_id: SessionId) -> tuple[TaskSession, ...]:
        """The session's objects. May be empty at first, and stays so for some agent jobs."""
        path = self._session_path(session_id, "taskSessions")
        if not self.revision.pages_task_sessions:
            return (await self._reader.page(TaskSession, Call.get(path))).rows
        rows = self._reader.every(TaskSessionsQuery(), lambda page: self._list(path, page), TaskSession)
        return tuple([row async for row in rows])

    async def all_task_sessions(self, query: AllTaskSessionsQuery) -> Page[TaskSession]:
        """One page of the objects' parts of sessions, of whichever job."""
        return await self._reader.page(TaskSession, self._list(_TASK_SESSIONS, query))

    async def task_session_logs(
        self, task_session_id: TaskSessionId, status: LogStatus | None = None
    ) -> tuple[LogRecord, ...]:
        """The log of one object's part, oldest first."""
        return await self._logs(f"{_TASK_SESSIONS}/{self._id(task_session_id)}/logs", status)

    async def stop_session(self, session_id: SessionId) -> None:
        """Stop a session abruptly; `stop_job` is the kind way."""
        await self._account.change(Call.change("POST", self._session_path(session_id, "stop")))

    # --- inventory, repositories and credentials

    async def vmware_hosts(self, query: VmwareHostsQuery | None = None) -> Page[InventoryObject]:
        """The vCenters and hosts that VBR knows."""
        return await self._reader.page(
            InventoryObject, self._list(_VMWARE_HOSTS, query or VmwareHostsQuery())
        )

    async def vmware_objects(
        self, host_name: str, query: VmwareObjectsQuery | None = None
    ) -> Page[InventoryObject]:
        """Objects below one vCenter or host, by its name as VBR shows it. Operators may."""
        path = f"{_VMWARE_HOSTS}/{self._segment(host_name)}"
        return await self._reader.page(InventoryObject, self._list(path, query or VmwareObjectsQuery()))

    async def browse_inventory(
        self, query: InventoryQuery | None = None, *, host_name: str | None = None
    ) -> Page[InventoryObject]:
        """Search the inventory, everywhere or below one host. Administrators only before 1.3-rev1."""
        path = _INVENTORY if host_name is None else f"{_INVENTORY}/{self._segment(host_name)}"
        body = (query or InventoryQuery()).body(self.revision)
        return await self._reader.page(InventoryObject, Call.search(path, body))

    async def physical_inventory(
        self, query: InventoryQuery | None = None, *, protection_group_id: str | None = None
    ) -> Page[AgentObject]:
        """The protection groups, or what is in one of them. Administrators only."""
        self._demand(Capability.PHYSICAL_INVENTORY)
        path = _PHYSICAL_INVENTORY
        if protection_group_id is not None:
            path = f"{path}/{self._id(protection_group_id)}"
        body = (query or InventoryQuery()).body(self.revision, id_property="id")
        return await self._reader.page(AgentObject, Call.search(path, body))

    async def repositories(self, query: RepositoriesQuery | None = None) -> Page[Repository]:
        """One page of repositories as they are configured."""
        return await self._reader.page(Repository, self._list(_REPOSITORIES, query or RepositoriesQuery()))

    async def repository_states(self, query: RepositoryStatesQuery | None = None) -> Page[RepositoryState]:
        """One page of how full the repositories are."""
        call = self._list(f"{_REPOSITORIES}/states", query or RepositoryStatesQuery())
        return await self._reader.page(RepositoryState, call)

    def every_repository_state(self, query: RepositoryStatesQuery) -> AsyncIterator[RepositoryState]:
        """All rows of a query, page by page."""
        return self._reader.every(
            query, lambda page: self._list(f"{_REPOSITORIES}/states", page), RepositoryState
        )

    async def scale_out_repositories(
        self, query: ScaleOutRepositoriesQuery | None = None
    ) -> Page[ScaleOutRepository]:
        """One page of scale-out repositories, which no other list has."""
        call = self._list(_SCALE_OUT_REPOSITORIES, query or ScaleOutRepositoriesQuery())
        return await self._reader.page(ScaleOutRepository, call)

    def every_scale_out_repository(
        self, query: ScaleOutRepositoriesQuery
    ) -> AsyncIterator[ScaleOutRepository]:
        """All rows of a query, page by page."""
        return self._reader.every(
            query, lambda page: self._list(_SCALE_OUT_REPOSITORIES, page), ScaleOutRepository
        )

    async def credentials(self, query: CredentialsQuery | None = None) -> Page[Credentials]:
        """One page of credentials records. NotAllowed is normal for a viewer's account."""
        return await self._reader.page(Credentials, self._list(_CREDENTIALS, query or CredentialsQuery()))

    # --- what they share

    def _demand(self, capability: Capability) -> None:
        if not self.revision.has(capability):
            raise Rejected(self.name, f"revision {self.revision.name} has no {capability}")

    def _list(self, path: str, query: Query) -> Call:
        return Call.get(path, query.parameters(self.revision))

    async def _logs(self, path: str, status: LogStatus | None) -> tuple[LogRecord, ...]:
        filtered = status is not None and self.revision.log_status_filter
        call = Call.get(path, (("statusFilter", status),) if status and filtered else ())
        records = (await self._reader.page(LogRecord, call)).rows
        if status is not None and not filtered:
            records = tuple(record for record in records if known(LogStatus, record.status) is status)
        return tuple(sorted(records, key=LogRecord.place))

    async def _accepted(self, path: str, body: Mapping[str, object]) -> Accepted:
        """Any 2xx is accepted: some builds answer 204, and an unreadable body undoes nothing."""
        answer = await self._account.change(Call.change("POST", path, body))
        try:
            return Accepted(rows.decode_one(Session, answer.body, zone=UTC))
        except rows.Undecodable:
            return Accepted()

    async def _changed_job(self, call: Call) -> Job:
        answer: Answer = await self._account.change(call)
        try:
            return Job(rows.decode_object(answer.body))
        except rows.Undecodable as failure:
            raise Unclear(self.name, "done, but the answer is unreadable", status=answer.status) from failure

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
