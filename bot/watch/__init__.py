"""What happened: noticing sessions that ended, deciding who is told and why, and queueing it once.

Knows VBR and the store; knows nothing of Slack.
"""

from bot.watch.following import Display, Following
from bot.watch.recorded import AuditChannel
from bot.watch.reenabling import Reenabling
from bot.watch.telling import Rules
from bot.watch.watching import Watch, Witnesses

__all__ = ["AuditChannel", "Display", "Following", "Reenabling", "Rules", "Watch", "Witnesses"]
