"""What the bot keeps: SQLAlchemy Core on SQLite or PostgreSQL, behind classes that show no SQL.

Knows neither VBR nor Slack: identifiers are text, announcements are opaque JSON, times are aware and in UTC.
Other rooms import from here, not from the modules.
"""

from bot.store.approvals import (
    Approval,
    ApprovalEnd,
    ApprovalImpact,
    Approvals,
    ApprovalState,
    RecentChange,
)
from bot.store.audit import (
    AUDIT_COLUMNS,
    END_LOST,
    LEFT_OPEN,
    AuditEntry,
    AuditFilter,
    AuditId,
    AuditLog,
    AuditMark,
    AuditOutcome,
    AuditRecord,
    AuditRow,
    AuditShown,
    ChainCheck,
)
from bot.store.checks import check_database, is_missing
from bot.store.claims import (
    LeaseLost,
    Leases,
    PressClaim,
    PressClaims,
    holder_has_ended,
    new_holder,
    release_ended,
)
from bot.store.database import Database, DatabaseClock, Transaction
from bot.store.digests import DigestRow, Digests
from bot.store.drafts import Draft, Drafts
from bot.store.errors import StoreBroken, StoreError, StoreUnavailable
from bot.store.expectation_groups import ExpectationGroup, ExpectationGroups, GroupedExpectation
from bot.store.expectations import (
    Expectations,
    ExpectedJob,
    ServerLook,
    UnmetExpectation,
)
from bot.store.failure_groups import FailureGroups
from bot.store.mutes import FailedRun, Mute, MutedRun, Mutes, NewMute
from bot.store.open_actions import OpenAction, OpenActions
from bot.store.outbox import (
    ChannelBacklog,
    NewOutboxRow,
    Outbox,
    OutboxId,
    OutboxRow,
    Placement,
    PostedMessage,
)
from bot.store.polling import (
    Outage,
    Outages,
    PollCursor,
    ProcessedSessions,
    RunRow,
    Runs,
    ServerRevisions,
    StoppedSessions,
)
from bot.store.session_actions import (
    STOP,
    FollowedId,
    FollowedSession,
    FollowedSessions,
    NewFollowedSession,
    OwnAction,
    OwnActions,
)
from bot.store.shared_read import SharedRead
from bot.store.storms import (
    LOGS_FAILED,
    RETRYABLE,
    STANDS_FAILED,
    STORMS,
    ChannelFailure,
    FailureMute,
    Storm,
    StormPart,
    Storms,
)
from bot.store.subscriptions import HeldRoot, HeldRoots, Limit, NewSubscription, Subscription, Subscriptions
from bot.store.timed_disables import TimedDisable, TimedDisables
from bot.store.upgrade import upgrade

__all__ = [
    "AUDIT_COLUMNS",
    "END_LOST",
    "LEFT_OPEN",
    "LOGS_FAILED",
    "RETRYABLE",
    "STANDS_FAILED",
    "STOP",
    "STORMS",
    "Approval",
    "ApprovalEnd",
    "ApprovalImpact",
    "ApprovalState",
    "Approvals",
    "AuditEntry",
    "AuditFilter",
    "AuditId",
    "AuditLog",
    "AuditMark",
    "AuditOutcome",
    "AuditRecord",
    "AuditRow",
    "AuditShown",
    "ChainCheck",
    "ChannelBacklog",
    "ChannelFailure",
    "Database",
    "DatabaseClock",
    "DigestRow",
    "Digests",
    "Draft",
    "Drafts",
    "ExpectationGroup",
    "ExpectationGroups",
    "Expectations",
    "ExpectedJob",
    "FailedRun",
    "FailureGroups",
    "FailureMute",
    "FollowedId",
    "FollowedSession",
    "FollowedSessions",
    "GroupedExpectation",
    "HeldRoot",
    "HeldRoots",
    "LeaseLost",
    "Leases",
    "Limit",
    "Mute",
    "MutedRun",
    "Mutes",
    "NewFollowedSession",
    "NewMute",
    "NewOutboxRow",
    "NewSubscription",
    "OpenAction",
    "OpenActions",
    "Outage",
    "Outages",
    "Outbox",
    "OutboxId",
    "OutboxRow",
    "OwnAction",
    "OwnActions",
    "Placement",
    "PollCursor",
    "PostedMessage",
    "PressClaim",
    "PressClaims",
    "ProcessedSessions",
    "RecentChange",
    "RunRow",
    "Runs",
    "ServerLook",
    "ServerRevisions",
    "SharedRead",
    "StoppedSessions",
    "StoreBroken",
    "StoreError",
    "StoreUnavailable",
    "Storm",
    "StormPart",
    "Storms",
    "Subscription",
    "Subscriptions",
    "TimedDisable",
    "TimedDisables",
    "Transaction",
    "UnmetExpectation",
    "check_database",
    "holder_has_ended",
    "is_missing",
    "new_holder",
    "release_ended",
    "upgrade",
]
