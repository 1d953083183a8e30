"""`veeam-bot check` as a person meets it: a process, a table, an exit code."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.observability import SystemClock
from bot.sandbox.slack import SlackSandbox
from bot.sandbox.vbr import VbrSandbox, World
from tests.support.forked import fork

MADE_UP = "made-up-password"
SETTINGS = """
[slack]
default_channel = "C0BACKUPS"

[[servers]]
name = "hq"
url = "{url}"
username = "svc-slack"

[[servers.accounts]]
role = "Veeam Backup Operator"
username = "svc-slack-operator"

[[grants]]
group = "@backup-admins"
role = "Veeam Backup Administrator"

[[routes]]
channel = "{channel}"
"""


@dataclass(frozen=True)
class Done:
    """How the process ended, its rows by their subject, and all it said."""

    exit_code: int
    rows: Mapping[str, tuple[str, str]]
    summary: str
    said: str


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def vbr() -> AsyncIterator[VbrSandbox]:
    async with VbrSandbox(World(SystemClock().now)) as server:
        yield server


def environment(slack: SlackSandbox, folder: Path, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "VEEAM_PASSWORD_HQ": "sandbox",
        "VEEAM_PASSWORD_HQ_VEEAM_BACKUP_OPERATOR": "sandbox",
        "DATABASE_URL": f"sqlite:///{folder}/bot.db",
        **changes,
    }


def write(folder: Path, url: str, channel: str = "C0PROD") -> None:
    (folder / "veeam-bot.toml").write_text(SETTINGS.format(url=url, channel=channel), encoding="utf-8")


async def check(folder: Path, environ: Mapping[str, str]) -> Done:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "check"),
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        printed, complaint = await process.communicate()
    return _done(process.returncode or 0, printed.decode(), complaint.decode())


async def forked_check(folder: Path, environ: Mapping[str, str]) -> Done:
    """The same, quicker."""
    output, errors = folder.with_suffix(".stdout"), folder.with_suffix(".stderr")
    for file in (output, errors):
        file.touch()
    process = fork(["check"], environ, folder, str(output), str(errors))
    async with asyncio.timeout(30):
        status = await process.wait()
    return _done(status, output.read_text(), errors.read_text())


def _done(status: int, printed: str, complaint: str) -> Done:
    said = printed + complaint
    assert "Traceback" not in said
    table, _, summary = printed.rstrip().partition("\n\n")
    return Done(status, _rows(table.splitlines()), summary, said)


def _rows(table: list[str]) -> dict[str, tuple[str, str]]:
    """Verdict and text of each row by part and subject; a row goes on where a line has no verdict."""
    starts = [match.start() for match in re.finditer("-+", "".join(table[1:2]))]
    found: dict[str, tuple[str, str]] = {}
    subject = ""
    for line in table[2:]:
        verdict, part, name, text = (
            line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)
        )
        if verdict:
            subject = f"{part}: {name}"
            found[subject] = (verdict, text)
        else:
            found[subject] = (found[subject][0], f"{found[subject][1]} {text}")
    return found


async def test_a_deployment_that_is_ready(slack: SlackSandbox, vbr: VbrSandbox, tmp_path: Path) -> None:
    """Exit 0; every part has its rows, and nothing was changed or made anywhere."""
    write(tmp_path, vbr.url)
    done = await check(tmp_path, environment(slack, tmp_path))
    assert (done.exit_code, done.summary) == (0, "0 problems, 0 warnings, 14 ok. Ready to go live.")
    assert list(done.rows) == [
        "Slack: bot token",
        "Slack: scopes",
        "Slack: app token",
        "Slack: channel #backups (C0BACKUPS)",
        "Slack: channel #prod (C0PROD)",
        "Slack: group @backup-admins (S0BACKUPADMINS)",
        "server hq: address",
        "server hq: certificate",
        "server hq: API revision",
        "server hq: clock",
        "server hq: login svc-slack",
        "server hq: login svc-slack-operator",
        f"database: {tmp_path}/bot.db",
        "this machine: clock",
    ]
    assert {verdict for verdict, _ in done.rows.values()} == {"ok"}
    assert not (tmp_path / "bot.db").exists()


async def test_a_deployment_with_problems(slack: SlackSandbox, vbr: VbrSandbox, tmp_path: Path) -> None:
    """Exit 1; each problem says what is wrong and what to do, and the summary names them all."""
    write(tmp_path, vbr.url, channel="C0OLD")
    done = await forked_check(tmp_path, environment(slack, tmp_path, VEEAM_PASSWORD_HQ=MADE_UP))
    named = "Slack: channel #old (C0OLD); server hq: login svc-slack"
    assert (done.exit_code, done.summary) == (1, f"2 problems, 0 warnings, 12 ok. Not ready: {named}.")
    at = "veeam-bot.toml, [[routes]] 1, channel"
    archived = f"It is archived: nothing can be posted there. Unarchive it, or name another one: {at}."
    assert done.rows["Slack: channel #old (C0OLD)"] == ("problem", archived)
    verdict, text = done.rows["server hq: login svc-slack"]
    assert verdict == "problem"
    assert "environment variable VEEAM_PASSWORD_HQ" in text
    passwords = [request.raw_body for request in vbr.requests.of("POST", "/api/oauth2/token")]
    assert len([body for body in passwords if MADE_UP.encode() in body]) == 1


async def test_nothing_secret_is_printed(slack: SlackSandbox, vbr: VbrSandbox, tmp_path: Path) -> None:
    """Not even where another system repeats what it was sent, and with the fullest log."""
    write(tmp_path, vbr.url)
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-1-made-up-bot",
        "SLACK_APP_TOKEN": "xapp-1-made-up-app",
        "VEEAM_PASSWORD_HQ": MADE_UP,
        "DATABASE_URL": "postgresql://bot:made-up-db@127.0.0.1:1/bot",
    }
    done = await forked_check(tmp_path, environment(slack, tmp_path, LOG_LEVEL="debug", **secrets))
    assert done.exit_code == 1
    assert "veeam.login_stopped" in done.said
    told = [secret for secret in (*secrets.values(), "made-up-db", "sandbox-bot") if secret in done.said]
    assert told == []


async def test_everything_is_dead(slack: SlackSandbox, tmp_path: Path) -> None:
    """Every part says so by itself, within the half minute."""
    write(tmp_path, "https://127.0.0.1:1")
    dead = {"SLACK_API_URL": "http://127.0.0.1:1/api/", "DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot"}
    done = await forked_check(tmp_path, environment(slack, tmp_path, **dead))
    assert done.exit_code == 1
    problems = [subject for subject, (verdict, _) in done.rows.items() if verdict == "problem"]
    assert problems == [
        "Slack: bot token",
        "Slack: app token",
        "server hq: address",
        "database: bot on 127.0.0.1:1",
    ]


async def test_cautions_are_rows(slack: SlackSandbox, vbr: VbrSandbox, tmp_path: Path) -> None:
    """What is allowed and most likely not meant is a warning, and keeps nobody from going live."""
    environ = environment(
        slack, tmp_path, VEEAM_URL=vbr.url, VEEAM_USERNAME="svc-slack", VEEAM_PASSWORD="sandbox"
    )
    del environ["VEEAM_PASSWORD_HQ"], environ["VEEAM_PASSWORD_HQ_VEEAM_BACKUP_OPERATOR"]
    done = await forked_check(tmp_path, environ)
    assert done.exit_code == 0, done.said
    assert done.rows["settings: grants"] == ("warning", "are missing: everyone is refused (not set).")


async def test_a_terminal_of_another_alphabet(slack: SlackSandbox, vbr: VbrSandbox, tmp_path: Path) -> None:
    """A sign that cannot be printed becomes a question mark; a sign that moves the cursor is not printed."""
    slack.workspace.conversations.channel("C0PROD").name = "pröd\x1b[2J"
    write(tmp_path, vbr.url)
    done = await check(tmp_path, environment(slack, tmp_path, PYTHONIOENCODING="ascii"))
    assert done.exit_code == 0
    assert "Slack: channel #pr?d [2J (C0PROD)" in done.rows


async def test_wrong_settings_are_no_finding(slack: SlackSandbox, tmp_path: Path) -> None:
    """They are told as every command tells them, with exit code 2; nobody is asked."""
    done = await forked_check(tmp_path, environment(slack, tmp_path, PORT="many", VEEAM_URL="https://vbr01"))
    assert done.exit_code == 2
    assert "PORT: must be a whole number (environment variable PORT)" in done.said
    assert slack.calls == []


async def test_a_machine_with_a_wrong_clock(vbr: VbrSandbox, tmp_path: Path) -> None:
    """By Slack's clock: how far it is off, which way, and what to do; no reason not to go live."""
    write(tmp_path, vbr.url)
    async with SlackSandbox(clock=lambda: SystemClock().now().timestamp() + 900) as later:
        done = await forked_check(tmp_path, environment(later, tmp_path))
    assert done.exit_code == 0
    assert done.rows["this machine: clock"] == (
        "warning",
        "It is 15 minutes behind Slack's. Have this machine's clock set by a time server.",
    )
