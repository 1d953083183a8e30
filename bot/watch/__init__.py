"""Notices sessions that ended, decides where they are announced, and queues each announcement once.

Knows VBR and the store; knows nothing of Slack.
"""

from bot.watch.approvals import ApprovalCloser, approval_rows
from bot.watch.digests import DigestMaker
from bot.watch.expectation_watch import ExpectationWatch
from bot.watch.expectations import NoticedSessions
from bot.watch.follow_up import FollowUp
from bot.watch.following import Display, SessionFollower
from bot.watch.messages import AuditChannel
from bot.watch.mutes import MuteKeeper
from bot.watch.reminders import Reminder
from bot.watch.routing import WatchRules
from bot.watch.server_watch import PollSlot, Watch, keep_leases
from bot.watch.standing import StandingMessage, StandingMessages
from bot.watch.subscriptions import SubscribedChannels
from bot.watch.timed_disables import Reenabler

__all__ = [
    "ApprovalCloser",
    "AuditChannel",
    "DigestMaker",
    "Display",
    "ExpectationWatch",
    "FollowUp",
    "MuteKeeper",
    "NoticedSessions",
    "PollSlot",
    "Reenabler",
    "Reminder",
    "SessionFollower",
    "StandingMessage",
    "StandingMessages",
    "SubscribedChannels",
    "Watch",
    "WatchRules",
    "approval_rows",
    "keep_leases",
]
