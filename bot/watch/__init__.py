"""What happened: noticing sessions that ended, deciding who is told and why, and queueing it once.

Knows VBR and the store; knows nothing of Slack.
"""

from bot.watch.approving import Approving, approval_facts, approval_rows
from bot.watch.following import Display, Following
from bot.watch.recorded import AuditChannel
from bot.watch.reenabling import Reenabling
from bot.watch.telling import Rules
from bot.watch.watching import Watch, Witnesses

__all__ = [
    "Approving",
    "AuditChannel",
    "Display",
    "Following",
    "Reenabling",
    "Rules",
    "Watch",
    "Witnesses",
    "approval_facts",
    "approval_rows",
]
