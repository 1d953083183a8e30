"""`veeam-bot check`: checks Slack, every server and the database at once, and leaves nothing open."""

import asyncio

from bot.observability import (
    CheckResult,
    CheckStatus,
    Clock,
    Metrics,
    Redaction,
    SystemClock,
    run_check,
    skew,
)
from bot.settings import Role, Settings, matches_glob
from bot.slack.checks import check_slack
from bot.slack.web_api import WebApi, open_web_api
from bot.store import check_database
from bot.veeam import Login, check_server, connection_to


async def check(settings: Settings) -> tuple[CheckResult, ...]:
    """Ask Slack, every server and the database whether they are as the settings want them; change nothing.

    All at once, within half a minute. What goes wrong is a result, and no secret is in it.
    """
    clock, redaction = SystemClock(), Redaction(settings.secrets())
    async with open_web_api(settings.slack, clock=clock, metrics=Metrics()) as web_client:
        parts = [run_check("Slack", check_slack(settings, web_client))]
        parts += [
            run_check(f"server {server.name}", check_server(_logins(settings, at), clock))
            for at, server in enumerate(settings.servers)
        ]
        parts.append(run_check("database", check_database(settings.database_url.get_secret_value(), clock)))
        found = [*await asyncio.gather(*parts), _machine_clock(clock, web_client)]
    return tuple(result.redacted(redaction) for part in found for result in part)


def _machine_clock(clock: Clock, web_api: WebApi) -> tuple[CheckResult, ...]:
    """Judge this machine's clock by Slack's, if Slack answered."""
    right = web_api.slack_clock.now()
    if right is None:
        return ()
    off = skew(clock.now() - right, "Slack's")
    if off is None:
        return (CheckResult("this machine", "clock", CheckStatus.OK, "It agrees with Slack's."),)
    advice = "Have this machine's clock set by a time server."
    return (CheckResult("this machine", "clock", CheckStatus.WARNING, f"It is {off}.", advice),)


def _logins(settings: Settings, at: int) -> list[Login]:
    """The accounts of one server with the roles of those who act under them, the main account first."""
    server = settings.servers[at]
    granted = {
        grant.role
        for grant in settings.grants
        if any(matches_glob(glob, server.name) for glob in grant.servers)
    }
    others = granted - {account.role for account in server.accounts}
    judges_server = any(
        each.limit(key)
        for each in settings.expectations
        if any(matches_glob(glob, server.name) for glob in each.servers)
        for key in ("licence_days", "config_backup_days")
    ) and all(account.role is not Role.BACKUP_ADMINISTRATOR for account in server.accounts)
    password_at = settings.origin("servers", at, "password").place
    found = [Login(connection_to(server), frozenset(others), password_at, judges_server=judges_server)]
    for place, account in enumerate(server.accounts):
        origin = settings.origin("servers", at, "accounts", place, "password")
        own = connection_to(server, account)
        found.append(Login(own, frozenset({account.role}), origin.place, made_for=account.role))
    return found
