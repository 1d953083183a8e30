"""`veeam-bot audit verify --slack`: the record against what the audit channel was told of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.observability import SystemClock
from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.faults import RateLimited
from bot.sandbox.slack.messages import Content
from bot.store import AuditEntry, AuditLog, AuditMark, AuditOutcome, Database, upgrade
from tests.rooms.cli.test_audit_commands import entry, tampered
from tests.rooms.cli.test_check import SETTINGS, environment
from tests.support.forked import fork

WITH_AUDIT = SETTINGS.format(url="https://vbr.example:9419", channel="C0PROD").replace(
    "[slack]", '[slack]\naudit_channel = "C0AUDIT"'
)


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as sandbox:
        yield sandbox


def post(slack: SlackSandbox, mark: AuditMark, *, by: str | None = None) -> None:
    """A message in the audit channel that bears the row's number and hash."""
    conversations, app = slack.workspace.conversations, slack.workspace.app
    metadata = {"event_type": "veeam_audit", "event_payload": {"row": mark.row, "hash": mark.hash}}
    posting = Posting(by or app.bot_user, by_app=by is None)
    conversations.post(conversations.channel("C0AUDIT"), Content("told", metadata=metadata), posting)


@pytest.fixture
async def marks(slack: SlackSandbox, tmp_path: Path) -> list[AuditMark]:
    """A record of four rows; all of them were told."""
    (tmp_path / "veeam-bot.toml").write_text(WITH_AUDIT, encoding="utf-8")
    url, now = f"sqlite:///{tmp_path}/bot.db", SystemClock().now()
    await upgrade(url)
    database = Database(url)
    log = AuditLog(database)
    for number in range(4):
        made: AuditEntry = entry(now, f"SQL {number}")
        await log.refused(made, AuditOutcome("refused", now, detail="role"))
    found = [AuditMark(row.id, row.values["hash"]) async for row in log.rows()]
    await database.close()
    for mark in found:
        post(slack, mark)
    return found


async def verify(slack: SlackSandbox, folder: Path, **changes: str) -> tuple[int, list[str], str]:
    output, errors = folder.with_suffix(".stdout"), folder.with_suffix(".stderr")
    for file in (output, errors):
        file.write_text("")
    environ: Mapping[str, Any] = environment(slack, folder, **changes)
    process = fork(["audit", "verify", "--slack"], environ, folder, str(output), str(errors))
    async with asyncio.timeout(30):
        status = await process.wait()
    assert slack.bot_token not in output.read_text() + errors.read_text()
    return status, output.read_text().splitlines(), errors.read_text()


async def test_a_record_that_the_channel_agrees_with(
    slack: SlackSandbox, marks: list[AuditMark], tmp_path: Path
) -> None:
    """Exit 0, and how many messages were compared; what others post is not believed."""
    post(slack, AuditMark(marks[0].row, "f" * 64), by="U0OLE")
    slack.faults.add("conversations.history", RateLimited(1), 1)
    status, said, _ = await verify(slack, tmp_path)
    assert (status, said[-1]) == (0, "The audit channel agrees: 4 messages compared.")


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM audit WHERE id = 4", "DELETE FROM audit WHERE id > 1"],
)
async def test_an_end_that_was_cut_off_shows_by_the_channel(
    slack: SlackSandbox, marks: list[AuditMark], tmp_path: Path, statement: str
) -> None:
    """What is left is a whole chain; the channel knows the rows that are gone."""
    tampered(tmp_path / "bot.db", statement)
    status, said, _ = await verify(slack, tmp_path)
    last = marks[3]
    assert status == 1
    assert said[0].startswith("The chain is whole")
    assert said[-1] == f"Row 4 is gone or replaced: the audit channel has it with the hash {last.hash}."


async def test_without_an_audit_channel_there_is_nothing_to_compare(
    slack: SlackSandbox, marks: list[AuditMark], tmp_path: Path
) -> None:
    """One line, exit 1."""
    assert marks
    (tmp_path / "veeam-bot.toml").write_text(WITH_AUDIT.replace('audit_channel = "C0AUDIT"', ""))
    status, _, complaint = await verify(slack, tmp_path)
    assert (status, complaint) == (
        1,
        "Error: slack.audit_channel is not set: there is no channel to compare with.\n",
    )


async def test_a_channel_that_cannot_be_read_is_no_agreement(
    slack: SlackSandbox, marks: list[AuditMark], tmp_path: Path
) -> None:
    """One line with Slack's word for it, exit 1."""
    assert marks
    (tmp_path / "veeam-bot.toml").write_text(WITH_AUDIT.replace("C0AUDIT", "C0SECRET"))
    status, _, complaint = await verify(slack, tmp_path)
    assert status == 1
    assert complaint.startswith("Error: The audit channel C0SECRET cannot be read: ")
    assert "Traceback" not in complaint
