"""The workspace's part of a check, run against a simulated Slack, and its rows."""

from pathlib import Path

from bot.observability import CheckResult, Metrics, SystemClock
from bot.sandbox.slack import SlackSandbox
from bot.settings import Settings
from bot.slack.checks import check_slack
from bot.slack.web_api import open_web_api
from tests.support.settings_files import SERVER, read

PASSWORD = {"VEEAM_PASSWORD_HQ": "made-up-password"}
Rows = list[tuple[str, str, str, str]]


class HurriedClock(SystemClock):
    """The machine's clock, for which every pause is over at once."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.0))


def tokens(slack: SlackSandbox) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        **PASSWORD,
    }


async def ask(settings: Settings) -> tuple[CheckResult, ...]:
    async with open_web_api(settings.slack, clock=HurriedClock(), metrics=Metrics()) as web:
        return await check_slack(settings, web)


async def found(
    slack: SlackSandbox, folder: Path, toml: str = SERVER, **environ: str
) -> tuple[CheckResult, ...]:
    return await ask(read(folder, toml, {**tokens(slack), **environ}))


def rows(findings: tuple[CheckResult, ...], *wanted: str) -> Rows:
    """The findings that are not ok, or those of these subjects' beginnings."""
    assert {finding.part for finding in findings} == {"Slack"}
    return [
        (finding.status.value, finding.subject, finding.detail, finding.advice)
        for finding in findings
        if (finding.subject.startswith(wanted) if wanted else finding.status != "ok")
    ]


def routed_to(channel: str) -> str:
    return f'{SERVER}\n[[routes]]\nchannel = "{channel}"\n'


def granted(holder: str) -> str:
    return f'{SERVER}\n[[grants]]\n{holder}\nrole = "Veeam Backup Viewer"\n'
