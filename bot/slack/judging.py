"""What Slack's answers mean for a deployment, in words for the person who checks it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.observability import CheckResult, CheckStatus
from bot.operations.people import Standing
from bot.settings.problems import nearest
from bot.slack.directory import Group, Home, name_of, standing
from bot.slack.errors import (
    CredentialsDead,
    ScopeMissing,
    SlackError,
    SlackLimited,
    SlackUnclear,
    SlackUnreachable,
)
from bot.slack.manifest import SCOPES
from bot.slack.named import Named, Purpose

PART = "Slack"
AGAIN = "Run the check again in a moment; if it stays so, look at https://slack-status.com."
_POLICY = frozenset(
    {
        "access_denied",
        "team_access_not_granted",
        "org_login_required",
        "app_access_restricted",
        "ekm_access_denied",
    }
)
_LEFT = frozenset({"account_inactive", "token_revoked"})
_REFUSED_PEOPLE = {
    Standing.GUEST: "is a guest",
    Standing.FOREIGN: "belongs to another organisation",
    Standing.DEACTIVATED: "is deactivated",
    Standing.INVITED: "was invited and has not joined yet",
    Standing.BOT: "is a bot",
    Standing.UNREADABLE: "cannot be read",
}


def trouble(error: SlackError | TimeoutError) -> tuple[str, str]:
    """Say what kept Slack from answering, and what to do about it."""
    match error:
        case SlackUnreachable():
            return (
                "Slack cannot be reached from here.",
                "Check this machine's network and name resolution, HTTPS_PROXY and SLACK_API_URL.",
            )
        case ScopeMissing():
            return (
                f"Not checked: the app lacks the scope {error.needed}.",
                "Install the app again with the scopes that `veeam-bot manifest` prints.",
            )
        case SlackLimited():
            return (
                "Not checked: Slack says it is asked too often.",
                f"Run the check again in {error.retry_after_seconds:.0f} seconds or later.",
            )
        case SlackUnclear():
            return f"Slack gave no answer that can be used ({error.word}).", AGAIN
        case SlackError():
            page = f"https://api.slack.com/methods/{error.method}"
            advice = f"Check that SLACK_API_URL is Slack's address; {page} explains the word."
            return f"Slack refuses to answer: {error.word}.", advice
    return "Slack did not answer in time.", AGAIN


def token_refused(subject: str, variable: str, found_at: str, error: CredentialsDead) -> CheckResult:
    """Explain a token that opens nothing; `found_at` is where the app's page shows the right one."""
    if error.word in _POLICY:
        advice = "Ask an administrator of the Slack workspace or organisation to allow the app."
        return _problem(subject, f"The organisation's rules do not let this app in ({error.word}).", advice)
    if error.word in _LEFT:
        detail = f"The app was removed from the workspace, or its token was revoked ({error.word})."
        return _problem(subject, detail, f"Install the app again and set {variable} to its new token.")
    if error.word == "not_allowed_token_type":
        detail = f"{variable} holds a token of another kind ({error.word})."
    elif error.word == "token_expired":
        detail = f"{variable} holds a token that has expired ({error.word})."
    else:
        detail = f"Slack does not know the token in {variable} ({error.word})."
    return _problem(
        subject, detail, f"Set {variable} to the one that https://api.slack.com/apps shows under {found_at}."
    )


def scopes(granted: frozenset[str] | None) -> CheckResult:
    """Compare the scopes that the token has with those that the manifest asks for."""
    if granted is None:
        detail = "Slack did not say which scopes the app was installed with."
        return CheckResult(PART, "scopes", CheckStatus.WARNING, detail, AGAIN)
    missing = [scope for scope in SCOPES if scope.name not in granted]
    if not missing:
        return CheckResult(PART, "scopes", CheckStatus.OK, f"All {len(SCOPES)} are there.")
    named = ", ".join(scope.name for scope in missing)
    return _problem(
        "scopes",
        f"The app was installed without {named}.",
        "On the app's page add them under OAuth & Permissions, or paste the output of `veeam-bot manifest` "
        "under App Manifest; then install the app again.",
    )


def channel(named: Named, info: Mapping[str, Any], bot_name: str) -> CheckResult:
    """Judge a channel by `conversations.info`. A direct conversation is as it should be."""
    if info.get("is_im") or info.get("is_mpim"):
        return CheckResult(PART, f"channel {named.id}", CheckStatus.OK, "It is a direct conversation.")
    name = f"#{info.get('name') or named.id}"
    subject = f"channel {name} ({named.id})"
    is_told = Purpose.TELL in named.purposes
    if info.get("is_archived"):
        what = "nothing can be told there" if is_told else "nobody can use the command there"
        return _problem(subject, f"It is archived: {what}.", _elsewhere("Unarchive it", named))
    if is_told and not info.get("is_member"):
        detail = "The bot is not a member: nothing can be told there."
        return _problem(subject, detail, _elsewhere(f"In {name} type /invite @{bot_name}", named))
    if is_told and (info.get("is_read_only") or info.get("is_thread_only")):
        detail = "Only some may post there; whether the bot may shows with the first message."
        return CheckResult(
            PART,
            subject,
            CheckStatus.WARNING,
            detail,
            _elsewhere("Let the bot post, in the channel's settings", named),
        )
    if is_told and info.get("is_ext_shared"):
        detail = "It is shared with another organisation, whose people read all that is told there."
        return CheckResult(
            PART,
            subject,
            CheckStatus.WARNING,
            detail,
            f"If that is not meant, name another one: {_at(named)}.",
        )
    return CheckResult(PART, subject, CheckStatus.OK, "The bot is in it." if is_told else "It exists.")


def channel_unread(named: Named, error: SlackError | TimeoutError, bot_name: str) -> CheckResult:
    """Explain a channel that `conversations.info` does not show."""
    subject = f"channel {named.id}"
    if isinstance(error, SlackError) and error.word == "channel_not_found":
        detail = "There is no such channel, or it is private and the bot is not in it."
        invite = f"If it is private, type /invite @{bot_name} in it (invite the bot)"
        return _problem(subject, detail, _elsewhere(invite, named))
    return unread(subject, error)


def group(named: Named, groups: Sequence[Group]) -> CheckResult:
    """Judge a user group by the list of all of them; disabled groups hold a place in it, and no rights."""
    found = _group_named(named.id, groups)
    if found is None:
        meant = nearest(
            named.id.removeprefix("@"), [group.handle for group in groups if not group.is_disabled]
        )
        hint = f" Was @{meant} meant?" if meant and named.id.startswith("@") else ""
        detail = f"There is no such user group: {_without(named)}.{hint}"
        return _problem(f"group {named.id}", detail, f"Correct it: {_at(named)}.")
    subject = f"group @{found.handle} ({found.id})"
    if found.is_disabled:
        return _problem(
            subject, f"It is disabled: {_without(named)}.", _elsewhere("Enable it in Slack", named)
        )
    if not found.members:
        detail = f"It has no members: {_without(named)}."
        return CheckResult(
            PART, subject, CheckStatus.WARNING, detail, "Add people to it in Slack, under User groups."
        )
    count = len(found.members)
    return CheckResult(PART, subject, CheckStatus.OK, f"It has {count} member{'' if count == 1 else 's'}.")


def groups_unread(error: SlackError | TimeoutError) -> CheckResult:
    """Explain why the user groups cannot be read; without them nobody is let in."""
    if isinstance(error, SlackError) and error.word == "plan_upgrade_required":
        return _problem(
            "user groups",
            "This workspace is on Slack's free plan, which has no user groups: everybody is refused.",
            "Move the workspace to a paid plan, or use another one.",
        )
    detail, advice = trouble(error)
    return _problem("user groups", f"{detail} Until they can be read everybody is refused.", advice)


def person(named: Named, user: Mapping[str, Any], home: Home) -> CheckResult:
    """Judge a person by `users.info`: only members are ever let in, and only the active hear a mention."""
    found = standing(dict(user), home)
    subject = f"person {name_of(dict(user), named.id)} ({named.id})"
    if found is Standing.MEMBER:
        return CheckResult(PART, subject, CheckStatus.OK, "A member of the workspace.")
    if Purpose.GRANT in named.purposes:
        detail = f"This person {_REFUSED_PEOPLE[found]}: the bot refuses them whatever is granted."
        return _problem(subject, detail, f"Grant the role to somebody else: {_at(named)}.")
    if found is Standing.DEACTIVATED:
        detail = "This person is deactivated: a mention reaches nobody."
        return _problem(subject, detail, f"Name somebody else: {_at(named)}.")
    return CheckResult(
        PART, subject, CheckStatus.OK, f"This person {_REFUSED_PEOPLE[found]}, and is only mentioned."
    )


def person_unread(named: Named, error: SlackError | TimeoutError) -> CheckResult:
    """Explain a person whom `users.info` does not show."""
    subject = f"person {named.id}"
    if isinstance(error, SlackError) and error.word in {"user_not_found", "user_not_visible"}:
        detail = f"The workspace has no such person: {_without(named)}."
        return _problem(subject, detail, f"Correct it: {_at(named)}.")
    return unread(subject, error)


def unread(subject: str, error: SlackError | TimeoutError) -> CheckResult:
    """Report what could not be looked at; a missing scope is a problem of its own row already."""
    detail, advice = trouble(error)
    verdict = CheckStatus.WARNING if isinstance(error, ScopeMissing) else CheckStatus.PROBLEM
    return CheckResult(PART, subject, verdict, detail, advice)


def _problem(subject: str, detail: str, advice: str) -> CheckResult:
    return CheckResult(PART, subject, CheckStatus.PROBLEM, detail, advice)


def _group_named(spelling: str, groups: Sequence[Group]) -> Group | None:
    """The group itself; a living one before a disabled one that has the same handle."""
    if not spelling.startswith("@"):
        return next((group for group in groups if group.id == spelling), None)
    handle = spelling.removeprefix("@").casefold()
    alike = [group for group in groups if group.handle.casefold() == handle]
    return min(alike, key=lambda group: group.is_disabled, default=None)


def _without(named: Named) -> str:
    lost = {Purpose.GRANT: "nobody has its role", Purpose.MENTION: "a mention reaches nobody"}
    return " and ".join(words for purpose, words in lost.items() if purpose in named.purposes)


def _elsewhere(first: str, named: Named) -> str:
    return f"{first}, or name another one: {_at(named)}."


def _at(named: Named) -> str:
    return "; ".join(named.places)
