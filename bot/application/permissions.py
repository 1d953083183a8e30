"""What the settings say about who may do what, handed to the operations in their own words."""

from datetime import timedelta

from bot.operations.approvals.four_eyes import ApprovalRules
from bot.operations.parts import Rules
from bot.settings import Settings


def permissions(settings: Settings) -> Rules:
    """Return the rules; a request from where nobody else reads stands in the audit or default channel."""
    channels = (settings.slack.audit_channel, settings.slack.default_channel)
    approvals = ApprovalRules(
        operations=settings.approvals.operations,
        lasts=timedelta(minutes=settings.approvals.expire_minutes),
        channels=tuple(channel for channel in channels if channel is not None),
    )
    return Rules(settings.grants, settings.slack.allowed_channels, approvals)
