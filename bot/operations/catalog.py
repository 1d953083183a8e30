"""The one registry of what can be done.

Typed verbs, help lines, buttons, confirm dialogs, roles, audit names, metric labels, the operations page of
the docs and the tests' matrices are derived from these frozen values; nothing about an operation is said
anywhere else.
"""

from bot.operations.operation import Confirmation, Kind, Operation, Style
from bot.operations.requests import (
    ApproveRequest,
    AuditRequest,
    CloneRequest,
    CreateRequest,
    DeclineRequest,
    DeleteRequest,
    DisableRequest,
    EditRequest,
    EnableRequest,
    HelpRequest,
    HomeRequest,
    JobRequest,
    JobsRequest,
    QuickBackupRequest,
    Request,
    RetryRequest,
    ServersRequest,
    SessionRequest,
    SessionsRequest,
    StartRequest,
    StatusRequest,
    StopRequest,
    WhoamiRequest,
)
from bot.settings import Role
from bot.veeam import Capability

__all__ = ["Confirmation", "Kind", "Operation", "Style"]

ALL_ROLES = frozenset(Role)
ADMINISTRATORS = frozenset({Role.BACKUP_ADMINISTRATOR})
OPERATORS = frozenset({Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR, Role.TAPE_OPERATOR})


HELP = Operation(
    name="help",
    usage="help [WORD]",
    help="what can be done here, or all about one command",
    kind=Kind.PERSONAL,
    request=HelpRequest,
    audit_name="help",
    examples=("help", "help retry"),
)
WHOAMI = Operation(
    name="whoami",
    usage="whoami [@person]",
    help="your roles, where they come from, and what they let you do",
    kind=Kind.PERSONAL,
    request=WhoamiRequest,
    audit_name="whoami",
    examples=("whoami",),
)
JOBS = Operation(
    name="jobs",
    usage="jobs [running, failed, warning, success, none, disabled] [PATTERN] [type:T] [repo:R]",
    help="list jobs",
    kind=Kind.QUERY,
    request=JobsRequest,
    audit_name="jobs.list",
    roles=ALL_ROLES,
    examples=("jobs failed", "jobs running server:hq", "jobs SQL* type:VSphereBackup"),
)
JOB = Operation(
    name="job",
    usage="job NAME",
    help="one job in full",
    kind=Kind.QUERY,
    request=JobRequest,
    audit_name="job.show",
    roles=ALL_ROLES,
    examples=("job SQL Prod",),
    button="Details",
)
SESSIONS = Operation(
    name="sessions",
    usage="sessions [running, failed, warning, success] [JOB] [24h]",
    help="list sessions, newest first",
    kind=Kind.QUERY,
    request=SessionsRequest,
    audit_name="sessions.list",
    roles=ALL_ROLES,
    examples=("sessions failed 24h", "sessions SQL Prod 7d"),
)
SESSION = Operation(
    name="session",
    usage="session ID",
    help="one session in full: its objects and what failed",
    kind=Kind.QUERY,
    request=SessionRequest,
    audit_name="session.show",
    roles=ALL_ROLES,
    examples=("session 6c76bb17-8695-4f7c-981f-670789edd8f3",),
)
STATUS = Operation(
    name="status",
    usage="status",
    help="how things are: failed, running, silent servers, repositories running full",
    kind=Kind.QUERY,
    request=StatusRequest,
    audit_name="status",
    roles=ALL_ROLES,
    examples=("status", "status server:hq"),
)
SERVERS = Operation(
    name="servers",
    usage="servers",
    help="the servers, and whether they answer",
    kind=Kind.QUERY,
    request=ServersRequest,
    audit_name="servers.list",
    roles=ALL_ROLES,
    examples=("servers",),
)
AUDIT = Operation(
    name="audit",
    usage="audit [JOB or @person] [7d]",
    help="what was done and refused through the bot, and by whom",
    kind=Kind.QUERY,
    request=AuditRequest,
    audit_name="audit.list",
    roles=ADMINISTRATORS,
    examples=("audit 7d", "audit SQL Prod"),
)
START = Operation(
    name="start",
    usage="start NAME [full] [chained]",
    help="start a job now",
    kind=Kind.ACTION,
    request=StartRequest,
    audit_name="job.start",
    roles=OPERATORS,
    examples=("start SQL Prod", "start SQL Prod full"),
    button="Start",
    style=Style.PRIMARY,
    confirmation=Confirmation(
        question="Start this job?",
        consequence="The job runs now, outside its schedule.",
        yes="Start",
    ),
    done="started",
)
STOP = Operation(
    name="stop",
    usage="stop NAME [now] [chained]",
    help="stop a running job: gracefully, or at once with `now`",
    kind=Kind.ACTION,
    request=StopRequest,
    audit_name="job.stop",
    roles=OPERATORS,
    examples=("stop SQL Prod", "stop SQL Prod now"),
    button="Stop",
    style=Style.DANGER,
    confirmation=Confirmation(
        question="Stop this job?",
        consequence="Objects in work are finished; the rest get no restore point from this run.",
        yes="Stop",
    ),
    done="stopping",
)
RETRY = Operation(
    name="retry",
    usage="retry NAME [chained]",
    help="run the failed objects of a job's last session again",
    kind=Kind.ACTION,
    request=RetryRequest,
    audit_name="job.retry",
    roles=OPERATORS,
    examples=("retry SQL Prod",),
    button="Retry",
    style=Style.PRIMARY,
    confirmation=Confirmation(
        question="Retry this job?",
        consequence="The objects that failed in its last session run again now.",
        yes="Retry",
    ),
    done="retried",
    needs=Capability.RETRY,
)

ENABLE = Operation(
    name="enable",
    usage="enable NAME",
    help="let a job follow its schedule again",
    kind=Kind.ACTION,
    request=EnableRequest,
    audit_name="job.enable",
    roles=ADMINISTRATORS,
    examples=("enable SQL Prod",),
    button="Enable",
    confirmation=Confirmation(
        question="Enable this job?",
        consequence="It follows its schedule again.",
        yes="Enable",
    ),
    done="enabled",
)
DISABLE = Operation(
    name="disable",
    usage="disable NAME [for 4h]",
    help="take a job off its schedule, for good or for a time; a run in progress goes on",
    kind=Kind.ACTION,
    request=DisableRequest,
    audit_name="job.disable",
    roles=ADMINISTRATORS,
    examples=("disable SQL Prod", "disable SQL Prod for 4h"),
    button="Disable",
    confirmation=Confirmation(
        question="Disable this job?",
        consequence="It makes no more backups by its schedule until somebody enables it.",
        yes="Disable",
    ),
    done="disabled",
)
CLONE = Operation(
    name="clone",
    usage="clone NAME",
    help="copy a job with all its settings; VBR names the copy",
    kind=Kind.ACTION,
    request=CloneRequest,
    audit_name="job.clone",
    roles=ADMINISTRATORS,
    examples=("clone SQL Prod",),
    button="Clone",
    confirmation=Confirmation(
        question="Clone this job?",
        consequence="VBR makes a second job with the same settings and names it itself.",
        yes="Clone",
    ),
    done="cloned",
    needs=Capability.CLONE,
)
EDIT = Operation(
    name="edit",
    usage="edit NAME",
    help="change a job's name, objects, repository, retention, schedule or guest processing",
    kind=Kind.ACTION,
    request=EditRequest,
    audit_name="job.edit",
    roles=ADMINISTRATORS,
    examples=("edit SQL Prod",),
    button="Edit",
    has_form=True,
    done="edited",
)
CREATE = Operation(
    name="create",
    usage="create",
    help="make a new job: a vSphere backup, or one like a job that is there",
    kind=Kind.ACTION,
    request=CreateRequest,
    audit_name="job.create",
    roles=ADMINISTRATORS,
    examples=("create", "create server:hq"),
    has_form=True,
    done="created",
)
HOME = Operation(
    name="home",
    usage="",
    help="your own page: what is wrong now, what runs, what you did lately",
    kind=Kind.QUERY,
    request=HomeRequest,
    audit_name="home.show",
    button="Refresh",
)

DELETE = Operation(
    name="delete",
    usage="delete NAME",
    help="remove a job, after its name was typed once more; its backups stay",
    kind=Kind.ACTION,
    request=DeleteRequest,
    audit_name="job.delete",
    roles=ADMINISTRATORS,
    examples=("delete SQL Prod",),
    button="Delete",
    style=Style.DANGER,
    has_form=True,
    done="deleted",
)

QUICKBACKUP = Operation(
    name="quickbackup",
    usage="quickbackup VM",
    help="back up one vSphere machine now, through the job that has its newest restore point",
    kind=Kind.ACTION,
    request=QuickBackupRequest,
    audit_name="machine.quickbackup",
    roles=frozenset({Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR}),
    examples=("quickbackup web01",),
    done="started",
)

# Who may press these is whoever may do what the request is about, which these two do not know.
APPROVE = Operation(
    name="approve",
    usage="",
    help="let what somebody else asked for be done",
    kind=Kind.ACTION,
    request=ApproveRequest,
    audit_name="approval.approve",
    button="Approve",
    style=Style.PRIMARY,
    confirmation=Confirmation(
        question="Approve this?",
        consequence="It is done at once, as it was asked for.",
        yes="Approve",
    ),
)
DECLINE = Operation(
    name="decline",
    usage="",
    help="let what somebody else asked for not be done, or take back what you asked for",
    kind=Kind.ACTION,
    request=DeclineRequest,
    audit_name="approval.decline",
    button="Decline",
    style=Style.DANGER,
)

OPERATIONS: tuple[Operation, ...] = (
    JOBS,
    JOB,
    SESSIONS,
    SESSION,
    STATUS,
    SERVERS,
    AUDIT,
    START,
    STOP,
    RETRY,
    ENABLE,
    DISABLE,
    CREATE,
    EDIT,
    CLONE,
    DELETE,
    QUICKBACKUP,
    WHOAMI,
    HELP,
    HOME,
    APPROVE,
    DECLINE,
)
CATALOG = tuple(operation for operation in OPERATIONS if operation.usage)
"""What can be typed: the slash command's verbs, its help, and the commands page of the docs."""
BY_NAME = {operation.name: operation for operation in OPERATIONS}
BY_REQUEST = {operation.request: operation for operation in OPERATIONS}
BY_AUDIT_NAME = {operation.audit_name: operation for operation in OPERATIONS}
ACTIONS_ON_RECORD = frozenset(one.audit_name for one in OPERATIONS if one.kind is Kind.ACTION)


def operation_of(request: Request) -> Operation:
    """Return the operation that a request asks for."""
    return BY_REQUEST[type(request)]
