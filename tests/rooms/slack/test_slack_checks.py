"""What `veeam-bot check` says of the workspace as such: tokens, scopes, the plan, and a Slack that fails."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.faults import Hung, RateLimited, Refused, ServerError
from bot.slack import checks
from bot.slack.manifest import SCOPES
from tests.rooms.slack.checking import ask, found, granted, routed_to, rows, tokens
from tests.support.settings_files import SERVER, read

EVERYTHING = (
    SERVER
    + """
[slack]
default_channel = "C0BACKUPS"
audit_channel = "C0AUDIT"
allowed_channels = ["C0RANDOM"]

[[grants]]
group = "S0BACKUPADMINS"
role = "Veeam Backup Administrator"

[[grants]]
group = "@Backup-Operators"
role = "Veeam Backup Operator"

[[grants]]
user = "U0VIC"
role = "Veeam Backup Viewer"

[[routes]]
channel = "C0PROD"
mention = "S0ONCALL"

[[expectations]]
channel = "C0PROD"
success_within_hours = 26

[[digests]]
channel = "C0WAR"
at = "08:00"
"""
)


async def test_a_workspace_that_is_ready(slack: SlackSandbox, tmp_path: Path) -> None:
    """Every token, scope, channel, group and person that the settings name has its row, and each is ok."""
    findings = await found(slack, tmp_path, EVERYTHING)
    assert [(finding.status.value, finding.subject, finding.detail) for finding in findings] == [
        ("ok", "bot token", "It is @veeam in the workspace Acme."),
        ("ok", "scopes", f"All {len(SCOPES)} are there."),
        ("ok", "app token", "Slack opens connections for it (Socket Mode)."),
        ("ok", "channel #backups (C0BACKUPS)", "The bot is in it."),
        ("ok", "channel #audit (C0AUDIT)", "The bot is in it."),
        ("ok", "channel #random (C0RANDOM)", "It exists."),
        ("ok", "channel #prod (C0PROD)", "The bot is in it."),
        ("ok", "channel #war-room (C0WAR)", "The bot is in it."),
        ("ok", "group @backup-admins (S0BACKUPADMINS)", "It has 5 members."),
        ("ok", "group @backup-operators (S0BACKUPOPERATORS)", "It has 1 member."),
        ("ok", "group @oncall (S0ONCALL)", "It has 2 members."),
        ("ok", "person vic (U0VIC)", "A member of the workspace."),
    ]


async def test_only_questions_are_asked(slack: SlackSandbox, tmp_path: Path) -> None:
    """Nothing is posted or joined, and the groups, which Slack gives out slowly, are read once."""
    await found(slack, tmp_path, EVERYTHING)
    asked = [call.method for call in slack.calls]
    assert set(asked) == {
        "auth.test", "apps.connections.open", "conversations.info", "usergroups.list", "users.info",
    }  # fmt: skip
    assert [asked.count(method) for method in ("auth.test", "apps.connections.open", "usergroups.list")] == [
        1,
        1,
        1,
    ]


UNCHECKED = (
    "warning",
    "scopes, channels, user groups, people",
    "Not checked: Slack says nothing without the bot token.",
    "Put the bot token right, then run the check again.",
)


@pytest.mark.parametrize(
    ("word", "detail", "advice"),
    [
        (
            "invalid_auth",
            "Slack does not know the token in SLACK_BOT_TOKEN (invalid_auth).",
            "Set SLACK_BOT_TOKEN to the one that https://api.slack.com/apps shows under OAuth & Permissions.",
        ),
        (
            "account_inactive",
            "The app was removed from the workspace, or its token was revoked (account_inactive).",
            "Install the app again and set SLACK_BOT_TOKEN to its new token.",
        ),
        (
            "token_expired",
            "SLACK_BOT_TOKEN holds a token that has expired (token_expired).",
            "Set SLACK_BOT_TOKEN to the one that https://api.slack.com/apps shows under OAuth & Permissions.",
        ),
        (
            "access_denied",
            "The organisation's rules do not let this app in (access_denied).",
            "Ask an administrator of the Slack workspace or organisation to allow the app.",
        ),
        (
            "internal_error",
            "Slack gave no answer that can be used (internal_error).",
            "Run the check again in a moment; if it stays so, look at https://slack-status.com.",
        ),
        (
            "unheard_of",
            "Slack refuses to answer: unheard_of.",
            (
                "Check that SLACK_API_URL is Slack's address; https://api.slack.com/methods/auth.test "
                "explains the word."
            ),
        ),
    ],
)
async def test_a_bot_token_that_opens_nothing(
    slack: SlackSandbox, tmp_path: Path, word: str, detail: str, advice: str
) -> None:
    """Its reason and its remedy; nothing else is asked under it."""
    slack.faults.add("auth.test", Refused(word))
    findings = await found(slack, tmp_path, EVERYTHING)
    assert rows(findings) == [("problem", "bot token", detail, advice), UNCHECKED]
    assert {call.method for call in slack.calls} == {"auth.test", "apps.connections.open"}


async def test_wrong_tokens(slack: SlackSandbox, tmp_path: Path) -> None:
    """Each is named by its variable."""
    wrong = {"SLACK_BOT_TOKEN": "xoxb-1-made-up-bot", "SLACK_APP_TOKEN": "xapp-1-made-up-app"}
    findings = await found(slack, tmp_path, **wrong)
    assert [(row[0], row[1], row[2]) for row in rows(findings)] == [
        ("problem", "bot token", "Slack does not know the token in SLACK_BOT_TOKEN (invalid_auth)."),
        UNCHECKED[:3],
        ("problem", "app token", "Slack does not know the token in SLACK_APP_TOKEN (invalid_auth)."),
    ]
    assert not [secret for secret in wrong.values() if secret in str(findings)]


async def test_pictures_need_a_scope(slack: SlackSandbox, tmp_path: Path) -> None:
    """Where digests want them and the app can't upload: what they have instead, and both ways to mend it."""
    with_pictures = EVERYTHING.replace('at = "08:00"', 'at = "08:00"\npicture = true')
    assert rows(await found(slack, tmp_path, with_pictures)) == [
        (
            "warning",
            "pictures",
            "The app was installed without files:write: digests have squares instead of pictures.",
            (
                "On the app's page add it under OAuth & Permissions, or paste the output of "
                "`veeam-bot manifest --pictures` under App Manifest, and install the app again; or take "
                "picture out: veeam-bot.toml, [[digests]] 1, picture."
            ),
        )
    ]
    slack.workspace.app.scopes.add("files:write")
    assert rows(await found(slack, tmp_path, with_pictures)) == []


async def test_missing_scopes(slack: SlackSandbox, tmp_path: Path) -> None:
    """What is missing is said once with its reason; what could not be looked at for it is only a warning.

    Unreadable groups are a problem of their own: everyone is refused.
    """
    for scope in ("groups:read", "usergroups:read"):
        slack.faults.withdraw_scope(scope)
    findings = await found(slack, tmp_path, EVERYTHING)
    install = "Install the app again with the scopes that `veeam-bot manifest` prints."
    assert rows(findings) == [
        (
            "problem",
            "scopes",
            "The app was installed without usergroups:read, groups:read.",
            (
                "On the app's page add them under OAuth & Permissions, or paste the output of "
                "`veeam-bot manifest` under App Manifest; then install the app again."
            ),
        ),
        ("warning", "channel C0WAR", "Not checked: the app lacks the scope groups:read.", install),
        (
            "problem",
            "user groups",
            (
                "Not checked: the app lacks the scope usergroups:read. "
                "Until they can be read everyone is refused."
            ),
            install,
        ),
    ]


async def test_an_app_token_without_its_scope(slack: SlackSandbox, tmp_path: Path) -> None:
    """Without connections:write no command would arrive."""
    slack.workspace.app.app_scopes.clear()
    assert rows(await found(slack, tmp_path)) == [
        (
            "problem",
            "app token",
            "SLACK_APP_TOKEN lacks the scope connections:write: no command would arrive.",
            (
                "On the app's page make an app-level token with connections:write, "
                "and set SLACK_APP_TOKEN to it."
            ),
        )
    ]


async def test_socket_mode_switched_off(slack: SlackSandbox, tmp_path: Path) -> None:
    """Both ways out are named."""
    slack.workspace.app.socket_mode = False
    assert rows(await found(slack, tmp_path)) == [
        (
            "problem",
            "app token",
            "Slack opens no connection for this app (forbidden_team): no command would arrive.",
            (
                "On the app's page switch Socket Mode on; or, for HTTP mode, unset SLACK_APP_TOKEN and set "
                "SLACK_SIGNING_SECRET."
            ),
        )
    ]


async def test_http_mode_needs_no_app_token(slack: SlackSandbox, tmp_path: Path) -> None:
    """The signing secret cannot be tried out, which is said."""
    environ = {**tokens(slack), "SLACK_SIGNING_SECRET": slack.signing_secret}
    del environ["SLACK_APP_TOKEN"]
    findings = await ask(read(tmp_path, SERVER, environ))
    assert rows(findings, "signing") == [
        (
            "ok",
            "signing secret",
            "It is set (HTTP mode, /slack/events); whether it is right shows with Slack's first request.",
            "",
        )
    ]
    assert not slack.calls_of("apps.connections.open")


async def test_a_free_plan(slack: SlackSandbox, tmp_path: Path) -> None:
    """It has no user groups, and without them everyone is refused; that is said without any grant too."""
    slack.workspace.directory.has_paid_plan = False
    assert rows(await found(slack, tmp_path)) == [
        (
            "problem",
            "user groups",
            "This workspace is on Slack's free plan, which has no user groups: everyone is refused.",
            "Move the workspace to a paid plan, or use another one.",
        )
    ]


async def test_a_dead_slack(slack: SlackSandbox, tmp_path: Path) -> None:
    """No connection: one row each for the two tokens, no traceback, and nothing more is asked."""
    environ: Mapping[str, str] = {**tokens(slack), "SLACK_API_URL": "http://127.0.0.1:1/api/"}
    detail, advice = (
        "Slack cannot be reached from here.",
        "Check this machine's network and name resolution, HTTPS_PROXY and SLACK_API_URL.",
    )
    assert rows(await ask(read(tmp_path, EVERYTHING, environ))) == [
        ("problem", "bot token", detail, advice),
        UNCHECKED,
        ("problem", "app token", detail, advice),
    ]


async def test_a_slack_that_fails_here_and_there(slack: SlackSandbox, tmp_path: Path) -> None:
    """What could not be proven is a problem; the rest of the rows come all the same."""
    slack.faults.add("conversations.info", ServerError(503), times=3)
    slack.faults.add("users.info", RateLimited(30))
    toml = granted('user = "U0VIC"') + routed_to("C0PROD").removeprefix(SERVER)
    assert rows(await found(slack, tmp_path, toml)) == [
        (
            "problem",
            "channel C0PROD",
            "Slack gave no answer that can be used (http_503).",
            "Run the check again in a moment; if it stays so, look at https://slack-status.com.",
        ),
        (
            "problem",
            "person U0VIC",
            "Not checked: Slack says it is asked too often.",
            "Run the check again in 30 seconds or later.",
        ),
    ]


async def test_a_slack_that_never_answers(
    slack: SlackSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question has its limit, and both limits together leave the half minute room."""
    assert checks.TOKEN_SECONDS + checks.REST_SECONDS < 25
    monkeypatch.setattr(checks, "REST_SECONDS", 0.2)
    slack.faults.add("conversations.info", Hung(), times=9)
    async with asyncio.timeout(5):
        (row,) = rows(await found(slack, tmp_path, routed_to("C0PROD")))
    assert row[:3] == ("problem", "channel C0PROD", "Slack did not answer in time.")
