"""Whether the workspace is as the settings want it: tokens, scopes, channels, user groups, people.

Only asks; nothing is posted, joined or changed. `judging` says what the answers mean.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from bot.observability import CheckResult, CheckStatus
from bot.settings import Settings, SlackSettings
from bot.slack import judging
from bot.slack.directory import Home, group_of
from bot.slack.errors import CredentialsDead, SlackError
from bot.slack.judging import PART
from bot.slack.manifest import EVENTS_PATH
from bot.slack.named import Named, named_in
from bot.slack.web import Web
from bot.slack.workspace import home_of

TOKEN_SECONDS = 8.0
REST_SECONDS = 14.0
# Slack answers about fifty a minute of one method, in bursts.
_AT_ONCE = 4

T = TypeVar("T")


async def check_slack(settings: Settings, web: Web) -> tuple[CheckResult, ...]:
    """Ask Slack about everything that the settings name there, within half a minute.

    Never raises `SlackError`: what went wrong is a finding. Rests on `auth.test` and its header
    `X-OAuth-Scopes`, `apps.connections.open`, `conversations.info`, `usergroups.list` and `users.info`.
    """
    async with asyncio.TaskGroup() as group:
        way_in = group.create_task(_way_in(settings.slack, web))
        everything = group.create_task(_under_bot_token(settings, web))
    found = everything.result()
    return (*found[:2], way_in.result(), *found[2:])


async def _way_in(slack: SlackSettings, web: Web) -> CheckResult:
    """How gestures come in: the app token in Socket Mode, the signing secret in HTTP mode."""
    if slack.app_token is None:
        return _signing_secret(slack)
    subject, variable = "app token", "SLACK_APP_TOKEN"
    arguments = {"app_token": slack.app_token.get_secret_value()}
    try:
        await _in_time(web.write("apps.connections.open", arguments), TOKEN_SECONDS)
    except CredentialsDead as error:
        return judging.token_refused(subject, variable, "App-Level Tokens", error)
    except (SlackError, TimeoutError) as error:
        return _connection_refused(subject, error)
    return CheckResult(PART, subject, CheckStatus.OK, "Slack opens connections for it (Socket Mode).")


def _connection_refused(subject: str, error: SlackError | TimeoutError) -> CheckResult:
    word = error.word if isinstance(error, SlackError) else ""
    if word == "missing_scope":
        detail = "SLACK_APP_TOKEN lacks the scope connections:write: no command would arrive."
        advice = (
            "On the app's page make an app-level token with connections:write, and set SLACK_APP_TOKEN to it."
        )
        return CheckResult(PART, subject, CheckStatus.PROBLEM, detail, advice)
    if word == "forbidden_team":
        detail = "Slack opens no connection for this app (forbidden_team): no command would arrive."
        advice = (
            "On the app's page switch Socket Mode on; or, for HTTP mode, unset SLACK_APP_TOKEN and set "
            "SLACK_SIGNING_SECRET."
        )
        return CheckResult(PART, subject, CheckStatus.PROBLEM, detail, advice)
    detail, advice = judging.trouble(error)
    return CheckResult(PART, subject, CheckStatus.PROBLEM, detail, advice)


def _signing_secret(slack: SlackSettings) -> CheckResult:
    if slack.signing_secret is None or not slack.signing_secret.get_secret_value():
        return CheckResult(
            PART,
            "signing secret",
            CheckStatus.PROBLEM,
            "There is neither an app token nor a signing secret: no command would be accepted.",
            "Set SLACK_APP_TOKEN (Socket Mode), or SLACK_SIGNING_SECRET (HTTP mode).",
        )
    detail = f"It is set (HTTP mode, {EVENTS_PATH}); whether it is right shows with Slack's first request."
    return CheckResult(PART, "signing secret", CheckStatus.OK, detail)


async def _under_bot_token(settings: Settings, web: Web) -> tuple[CheckResult, ...]:
    """What stands behind the bot token; where that opens nothing, the rest is not asked."""
    subject = "bot token"
    try:
        answer, granted = await _in_time(web.identity(), TOKEN_SECONDS)
    except CredentialsDead as error:
        refused = judging.token_refused(subject, "SLACK_BOT_TOKEN", "OAuth & Permissions", error)
        return refused, _rest_unchecked()
    except (SlackError, TimeoutError) as error:
        detail, advice = judging.trouble(error)
        return CheckResult(PART, subject, CheckStatus.PROBLEM, detail, advice), _rest_unchecked()
    bot_name = str(answer.get("user") or "veeam")
    detail = f"It is @{bot_name} in the workspace {answer.get('team') or answer.get('team_id')}."
    names = _Names(web, home_of(answer), bot_name)
    return (
        CheckResult(PART, subject, CheckStatus.OK, detail),
        judging.scopes(granted),
        *await names.check(named_in(settings)),
    )


def _rest_unchecked() -> CheckResult:
    return CheckResult(
        PART,
        "scopes, channels, user groups, people",
        CheckStatus.WARNING,
        "Not checked: without the bot token Slack tells nothing.",
        "Put the bot token right, then run the check again.",
    )


class _Names:
    """Looks up what the settings name, under a bot token that works."""

    def __init__(self, web: Web, home: Home, bot_name: str) -> None:
        self._web = web
        self._home = home
        self._bot_name = bot_name
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def check(self, everything: tuple[Named, ...]) -> tuple[CheckResult, ...]:
        """Channels first, then groups, then people, each in the order of the settings."""
        channels = [named for named in everything if named.is_channel]
        groups = [named for named in everything if named.is_group]
        people = [named for named in everything if not named.is_channel and not named.is_group]
        async with asyncio.TaskGroup() as group:
            asked = [
                *(group.create_task(self._channel(named)) for named in channels),
                group.create_task(self._groups(groups)),
                *(group.create_task(self._person(named)) for named in people),
            ]
        return tuple(finding for task in asked for finding in task.result())

    async def _channel(self, named: Named) -> tuple[CheckResult, ...]:
        try:
            answer = await self._ask("conversations.info", {"channel": named.id})
        except (SlackError, TimeoutError) as error:
            return (judging.channel_unread(named, error, self._bot_name),)
        return (judging.channel(named, answer.get("channel") or {}, self._bot_name),)

    async def _groups(self, named: list[Named]) -> tuple[CheckResult, ...]:
        """One call tells all groups. It is made without any to look for: everybody's rights rest on it."""
        arguments = {"include_users": True, "include_disabled": True, "include_count": False}
        try:
            answer = await self._ask("usergroups.list", arguments)
        except (SlackError, TimeoutError) as error:
            return (judging.groups_unread(error),)
        groups = tuple(group_of(item) for item in answer.get("usergroups") or ())
        return tuple(judging.group(one, groups) for one in named)

    async def _person(self, named: Named) -> tuple[CheckResult, ...]:
        try:
            answer = await self._ask("users.info", {"user": named.id})
        except (SlackError, TimeoutError) as error:
            return (judging.person_unread(named, error),)
        return (judging.person(named, answer.get("user") or {}, self._home),)

    async def _ask(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Wait for a turn and ask; the time limit holds for both, so that all of them end together."""

        async def ask() -> dict[str, Any]:
            async with self._turns:
                return await self._web.read(method, arguments)

        return await _in_time(ask(), REST_SECONDS)


async def _in_time(question: Awaitable[T], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await question
