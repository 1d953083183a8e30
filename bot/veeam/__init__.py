"""Veeam Backup & Replication over its REST API: one account on one server, and a fleet of them.

This room knows neither Slack nor the store. httpx stays inside: what goes wrong is a `VeeamError`.
"""

from bot.settings import ServerName
from bot.veeam.account import Patience
from bot.veeam.checks import check_server
from bot.veeam.connection import Connection, Timeouts, Trust, connection_to
from bot.veeam.errors import (
    ConnectFailed,
    ConnectionLost,
    LoginRefused,
    NotAllowed,
    NotFound,
    Rejected,
    RevisionUnsupported,
    ServerFailed,
    TimedOut,
    TlsFailed,
    TlsReason,
    TooBusy,
    Unclear,
    UnexpectedAnswer,
    Unreachable,
    VeeamError,
)
from bot.veeam.fleet import Fleet, FleetAnswer
from bot.veeam.ids import JobId, SessionId, TaskSessionId, is_id
from bot.veeam.infrastructure import InventoryObject, Repository, RepositoryState, ServerInfo, ServerTime
from bot.veeam.jobs import Job, JobRow, JobState, RetryPolicy, RunAfterJob, SessionProgress
from bot.veeam.judging import Login
from bot.veeam.queries import (
    InventoryQuery,
    JobsQuery,
    JobStatesQuery,
    RepositoriesQuery,
    RepositoryStatesQuery,
    SessionsQuery,
    VmwareHostsQuery,
    VmwareObjectsQuery,
)
from bot.veeam.revisions import (
    REVISIONS,
    SESSION_TYPES,
    Capability,
    Revision,
    SessionGroup,
    job_type_key,
    revision_facts,
    session_group,
)
from bot.veeam.rows import Page
from bot.veeam.server import VeeamServer
from bot.veeam.sessions import Accepted, LogRecord, RetryInfo, Session, SessionResult, TaskSession
from bot.veeam.vocabulary import (
    JobStatus,
    JobWorkload,
    LogStatus,
    RestorePoints,
    Result,
    ScanResult,
    ScanState,
    SessionState,
    known,
)

__all__ = [
    "REVISIONS",
    "SESSION_TYPES",
    "Accepted",
    "Capability",
    "ConnectFailed",
    "Connection",
    "ConnectionLost",
    "Fleet",
    "FleetAnswer",
    "InventoryObject",
    "InventoryQuery",
    "Job",
    "JobId",
    "JobRow",
    "JobState",
    "JobStatesQuery",
    "JobStatus",
    "JobWorkload",
    "JobsQuery",
    "LogRecord",
    "LogStatus",
    "Login",
    "LoginRefused",
    "NotAllowed",
    "NotFound",
    "Page",
    "Patience",
    "Rejected",
    "RepositoriesQuery",
    "Repository",
    "RepositoryState",
    "RepositoryStatesQuery",
    "RestorePoints",
    "Result",
    "RetryInfo",
    "RetryPolicy",
    "Revision",
    "RevisionUnsupported",
    "RunAfterJob",
    "ScanResult",
    "ScanState",
    "ServerFailed",
    "ServerInfo",
    "ServerName",
    "ServerTime",
    "Session",
    "SessionGroup",
    "SessionId",
    "SessionProgress",
    "SessionResult",
    "SessionState",
    "SessionsQuery",
    "TaskSession",
    "TaskSessionId",
    "TimedOut",
    "Timeouts",
    "TlsFailed",
    "TlsReason",
    "TooBusy",
    "Trust",
    "Unclear",
    "UnexpectedAnswer",
    "Unreachable",
    "VeeamError",
    "VeeamServer",
    "VmwareHostsQuery",
    "VmwareObjectsQuery",
    "check_server",
    "connection_to",
    "is_id",
    "job_type_key",
    "known",
    "revision_facts",
    "session_group",
]
