"""The one registry of what can be done: it gathers what the verbs say of themselves.

Typed verbs, help lines, buttons, confirm dialogs, roles, audit names, metric labels, the operations page of
the docs and the tests' matrices are derived from it; nothing about an operation is said anywhere else.
"""

from bot.operations.actions import JobAction
from bot.operations.actions.acknowledge import Acknowledge, AcknowledgeExpectation
from bot.operations.actions.apply import Apply
from bot.operations.actions.approvals import Approve, Decline, ShowApproval
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.group import AcknowledgeGroup, MuteGroup, RetryGroup
from bot.operations.actions.mute import (
    Mute,
    MuteExpectation,
    MuteServer,
    Unmute,
    UnmuteExpectation,
    UnmuteServer,
)
from bot.operations.actions.on_storms import AcknowledgeAll, MuteAll, MuteUnmet, RetryAll
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.actions.subscribe import Subscribe
from bot.operations.actions.unsubscribe import Unsubscribe
from bot.operations.codec import RequestCodec
from bot.operations.commands import Verb
from bot.operations.jobs import is_supported
from bot.operations.model import Kind, Operation, Request
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.home import ShowHome
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.report import ShowReport
from bot.operations.queries.servers import ListServers
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions
from bot.operations.queries.status import ShowStatus
from bot.operations.queries.subscriptions import ListSubscriptions
from bot.operations.queries.whoami import ShowWhoami
from bot.operations.queries.why import ExplainFailure
from bot.store import END_LOST
from bot.veeam import JobState, Result, Revision

TYPED: tuple[type[Verb], ...] = (
    ListJobs,
    ShowJob,
    ExplainFailure,
    ListSessions,
    ShowSession,
    ShowStatus,
    ListServers,
    ShowReport,
    ReadAudit,
    ListSubscriptions,
    Start,
    Stop,
    Retry,
    Enable,
    Disable,
    Create,
    Edit,
    Clone,
    Delete,
    QuickBackup,
    Apply,
    ClearCache,
    Acknowledge,
    Mute,
    Unmute,
    Subscribe,
    Unsubscribe,
    ShowWhoami,
    ShowHelp,
)
"""What can be typed: the slash command's verbs, its help, and the commands page of the docs."""
VERBS: tuple[type[Request], ...] = (
    *TYPED,
    RetryAll,
    AcknowledgeAll,
    MuteAll,
    MuteUnmet,
    RetryGroup,
    AcknowledgeGroup,
    MuteGroup,
    ShowHome,
    ShowApproval,
    Approve,
    Decline,
    MuteServer,
    UnmuteServer,
    AcknowledgeExpectation,
    MuteExpectation,
    UnmuteExpectation,
)
JOB_ACTIONS: tuple[type[JobAction], ...] = (
    Retry,
    Stop,
    Start,
    Enable,
    Disable,
    Apply,
    ClearCache,
    Edit,
    Clone,
    Delete,
)
"""What may be done with a job, the likeliest first."""

CATALOG = tuple(verb.operation for verb in TYPED)
OPERATIONS: tuple[Operation, ...] = tuple(verb.operation for verb in VERBS)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
BY_AUDIT_NAME = {operation.audit_name: operation for operation in OPERATIONS}
ACTIONS_ON_RECORD = frozenset(one.audit_name for one in OPERATIONS if one.kind is Kind.ACTION) | {END_LOST}
"""What the audit channel reads of: actions, and that rows of the record are gone."""
CODEC = RequestCodec(VERBS)


def available(state: JobState, revision: Revision) -> tuple[Operation, ...]:
    """Return what makes sense on a job in this state and its server has, the likeliest first."""
    actions = [
        action
        for action in JOB_ACTIONS
        if action.makes_sense_on(state) and action.suits_type(state.type, revision)
    ]
    first = [action.operation for action in actions[:1] if action.begins_or_ends_run]
    rest = [action.operation for action in actions[len(first) :]]
    looking = (ShowJob.operation, *((ExplainFailure.operation,) if _needs_explaining(state) else ()))
    return tuple(each for each in (*first, *looking, *rest) if is_supported(each, revision))


def _needs_explaining(state: JobState) -> bool:
    """Whether the job's last run failed or warned, and nobody stopped it."""
    is_problem = state.result in {Result.FAILED, Result.WARNING} or state.failed_part is not None
    return is_problem and not state.is_active and not state.was_stopped
