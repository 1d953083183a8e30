"""What can go wrong with a call to Slack, sorted by what it means for the caller.

    SlackError
    ├─ SlackUnreachable        nothing was sent
    ├─ SlackRateLimited        too fast; nothing was done, and Slack says how long to wait
    ├─ SlackAnswerLost         sent, but no answer that can be trusted: it may have happened
    └─ SlackRefused            Slack refused it, with an error word
       ├─ CredentialsRejected  the token is wrong, expired or revoked
       ├─ ScopeMissing         the app was installed without a scope
       ├─ ChannelUnavailable   the bot can't post to this channel
       ├─ PostingRestricted    not with these mentions, or not to this channel: Slack says the same for both
       ├─ PersonUnavailable    the person can't be written to
       ├─ MessageGone          the message or thread to change is no longer there
       ├─ MessageInvalid       Slack will not show what was sent
       └─ GestureExpired       a trigger or response URL that is too old or used up

The words are those of Slack's Web API; an unknown word is a plain `SlackRefused`.
"""

from typing import Any

_REJECTED_CREDENTIALS = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "access_denied",
        "team_access_not_granted",
        "org_login_required",
        "app_access_restricted",
    }
)
UNAVAILABLE_CHANNELS = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "is_inactive",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "messages_tab_disabled",
        "ekm_access_denied",
        "no_permission",
    }
)
_UNAVAILABLE_PEOPLE = frozenset({"user_not_found", "user_not_visible", "user_disabled"})
_GONE_MESSAGES = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "block_mismatch",
        "thread_not_found",
        "cannot_reply_to_message",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
    }
)
_INVALID_MESSAGES = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "invalid_arguments",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "too_many_attachments",
        "attachment_payload_limit_exceeded",
        "too_many_contact_cards",
        "markdown_text_conflict",
        "view_too_large",
    }
)
_METADATA_WORDS = ("metadata_", "invalid_metadata_")
_INVALID_MESSAGE_WORDS = (*_METADATA_WORDS, "slack_connect_")
_EXPIRED_GESTURES = frozenset({"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"})
# An answer with one of these may stand for a request that was partly carried out.
_ANSWER_LOST_WORDS = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
RATE_LIMITED_WORDS = frozenset({"ratelimited", "rate_limited"})
WORKSPACE_LIMIT_WORD = "message_limit_exceeded"


class SlackError(Exception):
    """A call to Slack failed. `word` is Slack's own error word, or ours where Slack gave none."""

    def __init__(self, method: str, word: str) -> None:
        super().__init__(f"{method}: {word}")
        self.method = method
        self.word = word


class SlackUnreachable(SlackError):
    """There was no connection; nothing was sent."""


class SlackAnswerLost(SlackError):
    """It was sent, and whether Slack did it is unknown."""


class SlackRateLimited(SlackError):
    """Slack asks to wait; nothing was done. `of_workspace`: with every message, not only in this channel."""

    def __init__(self, method: str, retry_after_seconds: float, *, of_workspace: bool = False) -> None:
        super().__init__(method, "ratelimited")
        self.retry_after_seconds = retry_after_seconds
        self.of_workspace = of_workspace


class SlackRefused(SlackError):
    """Slack refused it."""


class CredentialsRejected(SlackRefused):
    """The token is wrong or revoked; nothing will work until an operator acts."""


class ScopeMissing(SlackRefused):
    """The app lacks a scope. `needed` is Slack's list."""

    def __init__(self, method: str, needed: str) -> None:
        super().__init__(method, "missing_scope")
        self.needed = needed


class ChannelUnavailable(SlackRefused):
    """The bot can't post to this channel."""


class PostingRestricted(SlackRefused):
    """A preference of the workspace prevents posting: texts that mention a group, or all of the channel."""


class PersonUnavailable(SlackRefused):
    """The person left, or can't be seen by the bot."""


class MessageGone(SlackRefused):
    """The message to change or reply to is gone."""


class MessageInvalid(SlackRefused):
    """Slack will not take the message as it is. `details` are its JSON pointers."""

    def __init__(self, method: str, word: str, details: tuple[str, ...]) -> None:
        super().__init__(method, word)
        self.details = details

    @property
    def is_about_metadata(self) -> bool:
        """Whether Slack refuses the metadata, not what is shown."""
        return self.word.startswith(_METADATA_WORDS)


class GestureExpired(SlackRefused):
    """A trigger or response URL that is too old, or used up."""


def error_for(method: str, answer: dict[str, Any]) -> SlackError:
    """Return the error for an answer with `ok: false`."""
    word = str(answer.get("error") or "unknown_error")
    if word in _ANSWER_LOST_WORDS:
        return SlackAnswerLost(method, word)
    if word == "missing_scope":
        return ScopeMissing(method, str(answer.get("needed") or "?"))
    if word in _INVALID_MESSAGES or word.startswith(_INVALID_MESSAGE_WORDS):
        metadata = answer.get("response_metadata")
        details = metadata.get("messages", ()) if isinstance(metadata, dict) else ()
        return MessageInvalid(method, word, tuple(str(detail) for detail in details))
    kinds: tuple[tuple[frozenset[str], type[SlackRefused]], ...] = (
        (_REJECTED_CREDENTIALS, CredentialsRejected),
        (UNAVAILABLE_CHANNELS, ChannelUnavailable),
        (frozenset({"restricted_action"}), PostingRestricted),
        (_UNAVAILABLE_PEOPLE, PersonUnavailable),
        (_GONE_MESSAGES, MessageGone),
        (_EXPIRED_GESTURES, GestureExpired),
    )
    for words, kind in kinds:
        if word in words:
            return kind(method, word)
    return SlackRefused(method, word)
