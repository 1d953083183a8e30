"""Whether the workspace is as the settings want it: tokens, scopes, channels, user groups, people.

Only asks; nothing is posted, joined or changed. First what the settings name, then what Slack's answers mean
(both without I/O), then the questions themselves.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from bot.observability import CheckResult, CheckStatus
from bot.operations.model import Standing
from bot.settings import Settings, SlackSettings, nearest_word
from bot.slack import directory, errors
from bot.slack.manifest import EVENTS_PATH, PICTURES_SCOPE, SCOPES
from bot.slack.web_api import WebApi, Workspace, workspace_of

TOKEN_SECONDS = 8.0
REST_SECONDS = 14.0
# Slack answers about fifty a minute of one method, in bursts.
_AT_ONCE = 4
_PART = "Slack"
_AGAIN = "Run the check again in a moment; if it stays so, look at https://slack-status.com."
_POLICY_WORDS = frozenset(
    {
        "access_denied",
        "team_access_not_granted",
        "org_login_required",
        "app_access_restricted",
        "ekm_access_denied",
    }
)
_REMOVED_WORDS = frozenset({"account_inactive", "token_revoked"})
_REFUSED_PEOPLE = {
    Standing.GUEST: "is a guest",
    Standing.FOREIGN: "belongs to another organisation",
    Standing.DEACTIVATED: "is deactivated",
    Standing.INVITED: "was invited and has not joined yet",
    Standing.BOT: "is a bot",
    Standing.UNREADABLE: "cannot be read",
}

NoAnswer = errors.SlackError | TimeoutError


class Purpose(Enum):
    """What something of Slack is named for."""

    POST = auto()
    """Messages are posted to this channel."""
    COMMAND = auto()
    """The command works in this channel."""
    GRANT = auto()
    """This group or person holds a role."""
    MENTION = auto()
    """This group or person is named in messages."""


@dataclass(frozen=True, slots=True)
class SlackReference:
    """One channel, group or person, spelt as the settings spell it; `places` say where to change that."""

    id: str
    purposes: frozenset[Purpose]
    places: tuple[str, ...]

    @property
    def is_channel(self) -> bool:
        """Whether it is a channel's ID, or that of a direct conversation."""
        return self.id.startswith(("C", "G", "D"))

    @property
    def is_group(self) -> bool:
        """Whether it is a user group's ID or `@handle`; otherwise, and if it is no channel, a person's ID."""
        return self.id.startswith(("S", "@"))


def references_in(settings: Settings) -> tuple[SlackReference, ...]:
    """Return everything of Slack that the settings name, each once, in their order."""
    purposes: dict[str, set[Purpose]] = {}
    places: dict[str, dict[str, None]] = {}
    for name, purpose, place in _named(settings):
        if name is not None:
            purposes.setdefault(name, set()).add(purpose)
            places.setdefault(name, {})[place] = None
    return tuple(
        SlackReference(name, frozenset(found), tuple(places[name])) for name, found in purposes.items()
    )


_Use = tuple[str | None, Purpose, str]


def _named(settings: Settings) -> Iterator[_Use]:
    """Channels, first those of the section `slack`; then who holds a role, then who is mentioned."""
    slack = settings.slack
    yield slack.default_channel, Purpose.POST, settings.origin("slack", "default_channel").place
    yield slack.audit_channel, Purpose.POST, settings.origin("slack", "audit_channel").place
    for at, channel in enumerate(slack.allowed_channels):
        yield channel, Purpose.COMMAND, settings.origin("slack", "allowed_channels", at).place
    for at, route in enumerate(settings.routes):
        yield route.channel, Purpose.POST, settings.origin("routes", at, "channel").place
    for at, expectation in enumerate(settings.expectations):
        yield expectation.channel, Purpose.POST, settings.origin("expectations", at, "channel").place
    for at, digest in enumerate(settings.digests):
        yield digest.channel, Purpose.POST, settings.origin("digests", at, "channel").place
    for at, grant in enumerate(settings.grants):
        yield grant.group, Purpose.GRANT, settings.origin("grants", at, "group").place
        yield grant.user, Purpose.GRANT, settings.origin("grants", at, "user").place
    for at, route in enumerate(settings.routes):
        yield route.mention, Purpose.MENTION, settings.origin("routes", at, "mention").place
    for at, expectation in enumerate(settings.expectations):
        yield expectation.mention, Purpose.MENTION, settings.origin("expectations", at, "mention").place
    yield settings.approvals.mention, Purpose.MENTION, settings.origin("approvals", "mention").place


def explain(error: NoAnswer) -> tuple[str, str]:
    """Say what kept Slack from answering, and what to do about it."""
    match error:
        case errors.SlackUnreachable():
            return (
                "Slack cannot be reached from here.",
                "Check this machine's network and name resolution, HTTPS_PROXY and SLACK_API_URL.",
            )
        case errors.ScopeMissing():
            return (
                f"Not checked: the app lacks the scope {error.needed}.",
                "Install the app again with the scopes that `veeam-bot manifest` prints.",
            )
        case errors.SlackRateLimited():
            return (
                "Not checked: Slack says it is asked too often.",
                f"Run the check again in {error.retry_after_seconds:.0f} seconds or later.",
            )
        case errors.SlackAnswerLost():
            return f"Slack gave no answer that can be used ({error.word}).", _AGAIN
        case errors.SlackError():
            page = f"https://api.slack.com/methods/{error.method}"
            advice = f"Check that SLACK_API_URL is Slack's address; {page} explains the word."
            return f"Slack refuses to answer: {error.word}.", advice
    return "Slack did not answer in time.", _AGAIN


def token_result(
    subject: str, variable: str, found_at: str, error: errors.CredentialsRejected
) -> CheckResult:
    """Explain a token that opens nothing; `found_at` is where the app's page shows the right one."""
    if error.word in _POLICY_WORDS:
        advice = "Ask an administrator of the Slack workspace or organisation to allow the app."
        return _problem(subject, f"The organisation's rules do not let this app in ({error.word}).", advice)
    if error.word in _REMOVED_WORDS:
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


def scopes_result(granted: frozenset[str] | None) -> CheckResult:
    """Compare the scopes that the token has with those that the manifest asks for."""
    if granted is None:
        detail = "Slack did not say which scopes the app was installed with."
        return CheckResult(_PART, "scopes", CheckStatus.WARNING, detail, _AGAIN)
    missing = [scope for scope in SCOPES if scope.name not in granted]
    if not missing:
        return CheckResult(_PART, "scopes", CheckStatus.OK, f"All {len(SCOPES)} are there.")
    return _problem(
        "scopes",
        f"The app was installed without {', '.join(scope.name for scope in missing)}.",
        "On the app's page add them under OAuth & Permissions, or paste the output of `veeam-bot manifest` "
        "under App Manifest; then install the app again.",
    )


def picture_results(settings: Settings, granted: frozenset[str] | None) -> tuple[CheckResult, ...]:
    """Say whether digests can have the pictures that the settings want; nothing where they want none."""
    wanted = [at for at, digest in enumerate(settings.digests) if digest.picture]
    if not wanted or granted is None or PICTURES_SCOPE.name in granted:
        return ()
    return (
        CheckResult(
            _PART,
            "pictures",
            CheckStatus.WARNING,
            f"The app was installed without {PICTURES_SCOPE.name}: digests have squares instead of pictures.",
            "On the app's page add it under OAuth & Permissions, or paste the output of "
            "`veeam-bot manifest --pictures` under App Manifest, and install the app again; or take picture "
            f"out: {settings.origin('digests', wanted[0], 'picture').place}.",
        ),
    )


def channel_result(reference: SlackReference, info: Mapping[str, Any], bot_name: str) -> CheckResult:
    """Judge a channel by `conversations.info`. A direct conversation is as it should be."""
    if info.get("is_im") or info.get("is_mpim"):
        return CheckResult(_PART, f"channel {reference.id}", CheckStatus.OK, "It is a direct conversation.")
    name = f"#{info.get('name') or reference.id}"
    subject = f"channel {name} ({reference.id})"
    is_posted_to = Purpose.POST in reference.purposes
    if info.get("is_archived"):
        what = "nothing can be posted there" if is_posted_to else "nobody can use the command there"
        return _problem(subject, f"It is archived: {what}.", _elsewhere("Unarchive it", reference))
    if is_posted_to and not info.get("is_member"):
        detail = "The bot is not a member: nothing can be posted there."
        return _problem(subject, detail, _elsewhere(f"In {name} type /invite @{bot_name}", reference))
    if is_posted_to and (info.get("is_read_only") or info.get("is_thread_only")):
        detail = "Only some may post there; whether the bot may shows with the first message."
        return CheckResult(
            _PART,
            subject,
            CheckStatus.WARNING,
            detail,
            _elsewhere("Let the bot post, in the channel's settings", reference),
        )
    if is_posted_to and info.get("is_ext_shared"):
        detail = "It is shared with another organisation, whose people read everything posted there."
        return CheckResult(
            _PART,
            subject,
            CheckStatus.WARNING,
            detail,
            f"If that is not meant, name another one: {_at(reference)}.",
        )
    return CheckResult(_PART, subject, CheckStatus.OK, "The bot is in it." if is_posted_to else "It exists.")


def channel_unread_result(reference: SlackReference, error: NoAnswer, bot_name: str) -> CheckResult:
    """Explain a channel that `conversations.info` does not show."""
    subject = f"channel {reference.id}"
    if isinstance(error, errors.SlackError) and error.word == "channel_not_found":
        detail = "There is no such channel, or it is private and the bot is not in it."
        invite = f"If it is private, type /invite @{bot_name} in it (invite the bot)"
        return _problem(subject, detail, _elsewhere(invite, reference))
    return unread_result(subject, error)


def group_result(reference: SlackReference, groups: Sequence[directory.UserGroup]) -> CheckResult:
    """Judge a user group by the list of all of them; disabled groups hold a place in it, and no rights."""
    spelling, handle = reference.id, reference.id.removeprefix("@").casefold()
    alike = [
        group
        for group in groups
        if (group.handle.casefold() == handle if spelling.startswith("@") else group.id == spelling)
    ]
    # A living group before a disabled one that has the same handle.
    found = min(alike, key=lambda group: group.is_disabled, default=None)
    if found is None:
        meant = nearest_word(
            spelling.removeprefix("@"), [group.handle for group in groups if not group.is_disabled]
        )
        hint = f" Was @{meant} meant?" if meant and spelling.startswith("@") else ""
        detail = f"There is no such user group: {_effect(reference)}.{hint}"
        return _problem(f"group {spelling}", detail, f"Correct it: {_at(reference)}.")
    subject = f"group @{found.handle} ({found.id})"
    if found.is_disabled:
        return _problem(
            subject, f"It is disabled: {_effect(reference)}.", _elsewhere("Enable it in Slack", reference)
        )
    if not found.members:
        detail = f"It has no members: {_effect(reference)}."
        return CheckResult(
            _PART, subject, CheckStatus.WARNING, detail, "Add people to it in Slack, under User groups."
        )
    count = len(found.members)
    return CheckResult(_PART, subject, CheckStatus.OK, f"It has {count} member{'' if count == 1 else 's'}.")


def groups_unread_result(error: NoAnswer) -> CheckResult:
    """Explain why the user groups cannot be read; without them nobody is let in."""
    if isinstance(error, errors.SlackError) and error.word == "plan_upgrade_required":
        return _problem(
            "user groups",
            "This workspace is on Slack's free plan, which has no user groups: everyone is refused.",
            "Move the workspace to a paid plan, or use another one.",
        )
    detail, advice = explain(error)
    return _problem("user groups", f"{detail} Until they can be read everyone is refused.", advice)


def person_result(reference: SlackReference, user: Mapping[str, Any], workspace: Workspace) -> CheckResult:
    """Judge a person by `users.info`: only members are ever let in, and only the active hear a mention."""
    found = directory.standing(dict(user), workspace)
    subject = f"person {directory.name_of(dict(user), reference.id)} ({reference.id})"
    if found is Standing.MEMBER:
        return CheckResult(_PART, subject, CheckStatus.OK, "A member of the workspace.")
    if Purpose.GRANT in reference.purposes:
        detail = f"This person {_REFUSED_PEOPLE[found]}: the bot refuses them whatever is granted."
        return _problem(subject, detail, f"Grant the role to someone else: {_at(reference)}.")
    if found is Standing.DEACTIVATED:
        detail = "This person is deactivated: a mention reaches nobody."
        return _problem(subject, detail, f"Name someone else: {_at(reference)}.")
    return CheckResult(
        _PART, subject, CheckStatus.OK, f"This person {_REFUSED_PEOPLE[found]}, and is only mentioned."
    )


def person_unread_result(reference: SlackReference, error: NoAnswer) -> CheckResult:
    """Explain a person whom `users.info` does not show."""
    subject = f"person {reference.id}"
    if isinstance(error, errors.SlackError) and error.word in {"user_not_found", "user_not_visible"}:
        detail = f"The workspace has no such person: {_effect(reference)}."
        return _problem(subject, detail, f"Correct it: {_at(reference)}.")
    return unread_result(subject, error)


def unread_result(subject: str, error: NoAnswer) -> CheckResult:
    """Report what could not be looked at; a missing scope is a problem of its own row already."""
    detail, advice = explain(error)
    verdict = CheckStatus.WARNING if isinstance(error, errors.ScopeMissing) else CheckStatus.PROBLEM
    return CheckResult(_PART, subject, verdict, detail, advice)


def _problem(subject: str, detail: str, advice: str) -> CheckResult:
    return CheckResult(_PART, subject, CheckStatus.PROBLEM, detail, advice)


def _effect(reference: SlackReference) -> str:
    lost = {Purpose.GRANT: "nobody has its role", Purpose.MENTION: "a mention reaches nobody"}
    return " and ".join(words for purpose, words in lost.items() if purpose in reference.purposes)


def _elsewhere(first: str, reference: SlackReference) -> str:
    return f"{first}, or name another one: {_at(reference)}."


def _at(reference: SlackReference) -> str:
    return "; ".join(reference.places)


def signing_secret_result(slack: SlackSettings) -> CheckResult:
    """Say whether there is a signing secret at all, where there is no app token."""
    if slack.signing_secret is None or not slack.signing_secret.get_secret_value():
        return _problem(
            "signing secret",
            "There is neither an app token nor a signing secret: no command would be accepted.",
            "Set SLACK_APP_TOKEN (Socket Mode), or SLACK_SIGNING_SECRET (HTTP mode).",
        )
    detail = f"It is set (HTTP mode, {EVENTS_PATH}); whether it is right shows with Slack's first request."
    return CheckResult(_PART, "signing secret", CheckStatus.OK, detail)


def app_token_result(error: NoAnswer) -> CheckResult:
    """Explain why Slack opens no connection for the app token."""
    subject, word = "app token", error.word if isinstance(error, errors.SlackError) else ""
    if isinstance(error, errors.CredentialsRejected):
        return token_result(subject, "SLACK_APP_TOKEN", "App-Level Tokens", error)
    if word == "missing_scope":
        return _problem(
            subject,
            "SLACK_APP_TOKEN lacks the scope connections:write: no command would arrive.",
            "On the app's page make an app-level token with connections:write, and set SLACK_APP_TOKEN to "
            "it.",
        )
    if word == "forbidden_team":
        return _problem(
            subject,
            "Slack opens no connection for this app (forbidden_team): no command would arrive.",
            "On the app's page switch Socket Mode on; or, for HTTP mode, unset SLACK_APP_TOKEN and set "
            "SLACK_SIGNING_SECRET.",
        )
    return _problem(subject, *explain(error))


async def check_slack(settings: Settings, web_api: WebApi) -> tuple[CheckResult, ...]:
    """Ask Slack about everything that the settings name there, within half a minute.

    Never raises `SlackError`: what went wrong is a result. Rests on `auth.test` and its header
    `X-OAuth-Scopes`, `apps.connections.open`, `conversations.info`, `usergroups.list` and `users.info`.
    """
    async with asyncio.TaskGroup() as group:
        intake = group.create_task(_check_intake(settings.slack, web_api))
        everything = group.create_task(_check_bot_token(settings, web_api))
    found = everything.result()
    return (*found[:2], intake.result(), *found[2:])


async def _check_intake(slack: SlackSettings, web_api: WebApi) -> CheckResult:
    """How gestures come in: the app token in Socket Mode, the signing secret in HTTP mode."""
    if slack.app_token is None:
        return signing_secret_result(slack)
    arguments = {"app_token": slack.app_token.get_secret_value()}
    try:
        async with asyncio.timeout(TOKEN_SECONDS):
            await web_api.write("apps.connections.open", arguments)
    except (errors.SlackError, TimeoutError) as error:
        return app_token_result(error)
    return CheckResult(_PART, "app token", CheckStatus.OK, "Slack opens connections for it (Socket Mode).")


async def _check_bot_token(settings: Settings, web_api: WebApi) -> tuple[CheckResult, ...]:
    """Check everything that needs the bot token; where the token does not work, the rest is not asked."""
    subject = "bot token"
    try:
        async with asyncio.timeout(TOKEN_SECONDS):
            answer, granted = await web_api.identity()
    except errors.CredentialsRejected as error:
        return token_result(subject, "SLACK_BOT_TOKEN", "OAuth & Permissions", error), _REST_UNCHECKED
    except (errors.SlackError, TimeoutError) as error:
        return _problem(subject, *explain(error)), _REST_UNCHECKED
    bot_name = str(answer.get("user") or "veeam")
    detail = f"It is @{bot_name} in the workspace {answer.get('team') or answer.get('team_id')}."
    check = _ReferenceCheck(web_api, workspace_of(answer), bot_name)
    return (
        CheckResult(_PART, subject, CheckStatus.OK, detail),
        scopes_result(granted),
        *picture_results(settings, granted),
        *await check.run(references_in(settings)),
    )


_REST_UNCHECKED = CheckResult(
    _PART,
    "scopes, channels, user groups, people",
    CheckStatus.WARNING,
    "Not checked: Slack says nothing without the bot token.",
    "Put the bot token right, then run the check again.",
)


class _ReferenceCheck:
    """Looks up what the settings name, under a bot token that works."""

    def __init__(self, web_api: WebApi, workspace: Workspace, bot_name: str) -> None:
        self._web_api = web_api
        self._workspace = workspace
        self._bot_name = bot_name
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def run(self, references: tuple[SlackReference, ...]) -> tuple[CheckResult, ...]:
        """Channels first, then groups, then people, each in the order of the settings."""
        channels = [one for one in references if one.is_channel]
        groups = [one for one in references if one.is_group]
        people = [one for one in references if not one.is_channel and not one.is_group]
        async with asyncio.TaskGroup() as group:
            tasks = [
                *(group.create_task(self._check_channel(channel)) for channel in channels),
                group.create_task(self._check_groups(groups)),
                *(group.create_task(self._check_person(person)) for person in people),
            ]
        return tuple(result for task in tasks for result in task.result())

    async def _check_channel(self, reference: SlackReference) -> tuple[CheckResult, ...]:
        try:
            answer = await self._ask("conversations.info", {"channel": reference.id})
        except (errors.SlackError, TimeoutError) as error:
            return (channel_unread_result(reference, error, self._bot_name),)
        return (channel_result(reference, answer.get("channel") or {}, self._bot_name),)

    async def _check_groups(self, references: list[SlackReference]) -> tuple[CheckResult, ...]:
        """One call lists all groups. It is made without any to look for: everybody's rights rest on it."""
        arguments = {"include_users": True, "include_disabled": True, "include_count": False}
        try:
            answer = await self._ask("usergroups.list", arguments)
        except (errors.SlackError, TimeoutError) as error:
            return (groups_unread_result(error),)
        groups = tuple(directory.group_of(item) for item in answer.get("usergroups") or ())
        return tuple(group_result(reference, groups) for reference in references)

    async def _check_person(self, reference: SlackReference) -> tuple[CheckResult, ...]:
        try:
            answer = await self._ask("users.info", {"user": reference.id})
        except (errors.SlackError, TimeoutError) as error:
            return (person_unread_result(reference, error),)
        return (person_result(reference, answer.get("user") or {}, self._workspace),)

    async def _ask(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Wait for a turn and ask; the time limit holds for both, so that all of them end together."""
        async with asyncio.timeout(REST_SECONDS), self._turns:
            return await self._web_api.read(method, arguments)
