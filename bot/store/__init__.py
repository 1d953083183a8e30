"""What is kept: SQLAlchemy Core on SQLite or PostgreSQL, behind classes without a word of SQL.

Knows neither VBR nor Slack: identifiers are text, announcements are opaque JSON, times are aware and in UTC.
"""

from bot.store.approvals import (
    Approval,
    ApprovalEnd,
    Approvals,
    ApprovalState,
    Decision,
    Ending,
    Touched,
)
from bot.store.audit import AUDIT_COLUMNS, AuditLog, AuditRow, Chain
from bot.store.checks import check_database, is_missing
from bot.store.database import Database, Transaction
from bot.store.drafts import Draft, Drafts
from bot.store.errors import StoreBroken, StoreError, StoreUnavailable
from bot.store.followed import Followed, FollowedId, FollowedSessions, NewFollowed
from bot.store.holders import release_ended
from bot.store.leases import Leases
from bot.store.outbox import ChannelBacklog, NewRow, Outbox, OutboxId, OutboxRow, Placing, Root
from bot.store.own_actions import OwnActions
from bot.store.presses import Presses
from bot.store.records import (
    Attempt,
    AuditEntry,
    AuditFilter,
    AuditId,
    AuditOutcome,
    AuditShown,
    OwnAction,
    Press,
)
from bot.store.runs import RunRow, Runs
from bot.store.sessions import Cursor, Sessions
from bot.store.silences import Silence, Silences
from bot.store.timed_disables import TimedDisable, TimedDisables
from bot.store.upgrade import upgrade

__all__ = [
    "AUDIT_COLUMNS",
    "Approval",
    "ApprovalEnd",
    "ApprovalState",
    "Approvals",
    "Attempt",
    "AuditEntry",
    "AuditFilter",
    "AuditId",
    "AuditLog",
    "AuditOutcome",
    "AuditRow",
    "AuditShown",
    "Chain",
    "ChannelBacklog",
    "Cursor",
    "Database",
    "Decision",
    "Draft",
    "Drafts",
    "Ending",
    "Followed",
    "FollowedId",
    "FollowedSessions",
    "Leases",
    "NewFollowed",
    "NewRow",
    "Outbox",
    "OutboxId",
    "OutboxRow",
    "OwnAction",
    "OwnActions",
    "Placing",
    "Press",
    "Presses",
    "Root",
    "RunRow",
    "Runs",
    "Sessions",
    "Silence",
    "Silences",
    "StoreBroken",
    "StoreError",
    "StoreUnavailable",
    "TimedDisable",
    "TimedDisables",
    "Touched",
    "Transaction",
    "check_database",
    "is_missing",
    "release_ended",
    "upgrade",
]
