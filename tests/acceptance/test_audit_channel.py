"""What is on record is told in the audit channel, found with `/veeam audit`, and checked from outside."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import Refused
from bot.sandbox.slack.messages import Message
from bot.store import AuditLog, Database
from tests.acceptance.rig import PROD, START, Rig, Setting

AUDIT = "C0AUDIT"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    setting = Setting(slack_toml=f'audit_channel = "{AUDIT}"', polling_seconds=0.2)
    async with Rig(tmp_path, setting) as made:
        await made.start()
        yield made


def told(rig: Rig) -> list[Message]:
    return [message for message in rig.slack.messages(AUDIT) if message.content.metadata]


async def test_actions_and_their_refusals_are_told_once(rig: Rig) -> None:
    """A start and a refused start: one message each, naming who without a mention; a look is not told."""
    rig.world.add_job("SQL Prod", run_seconds=3600)
    await rig.asks("vic", "start SQL Prod")
    await rig.asks("nia", "jobs")
    await rig.slack.person("ann").types(PROD, "start SQL Prod full")
    await rig.until(lambda: len(told(rig)) == 2 and not rig.waiting())
    refused, started = told(rig)
    assert "Refused · *Start*" in refused.text
    assert "Why: the role does not include it" in refused.text
    assert "Done · *Start* of *SQL Prod* on hq, active full" in started.text
    assert "(`U0ANN`)" in started.text
    assert "<@" not in started.text + refused.text
    assert set(rig.metadata("veeam_bot", "announcement").values()) == {1}


async def test_an_outage_of_slack_delays_what_is_told(rig: Rig) -> None:
    """While the channel cannot be posted to, the record goes on; afterwards it is told once."""
    job = rig.world.add_job("SQL Prod", run_seconds=3600)
    rig.slack.faults.add(
        "chat.postMessage", Refused("fatal_error"), 3, when=lambda sent: sent.text("channel") == AUDIT
    )
    await rig.slack.person("ann").types(PROD, "start SQL Prod")
    await rig.until(lambda: rig.sent("POST", START, job) == 1)
    await rig.until(lambda: len(rig.rows("SELECT * FROM audit WHERE event = 'closed'")) == 1)
    await rig.until(lambda: len(told(rig)) == 1 and not rig.waiting(), seconds=30)


async def test_the_record_is_read_with_a_link_to_the_message(rig: Rig) -> None:
    """The administrator sees who did what, with its message; the chain is whole."""
    rig.world.add_job("SQL Prod", run_seconds=3600)
    await rig.asks("vic", "start SQL Prod")
    await rig.slack.person("ole").types(PROD, "start SQL Prod")
    await rig.until(lambda: rig.rows("SELECT * FROM audit WHERE event = 'shown'"))
    said = await rig.asks("ann", "audit 7d")
    (posted,) = [message for message in rig.slack.messages(PROD) if "started by" in message.text]
    assert "Done · *Start* of *SQL Prod* on hq" in said
    assert f"/archives/{PROD}/p{posted.ts.replace('.', '')}|message>" in said
    assert "Refused · *Start*" in said
    assert "<@U0VIC>" not in await rig.asks("ann", "audit @U0OLE")
    database = Database(f"sqlite:///{rig.folder / 'bot.db'}")
    assert (await AuditLog(database).check()).broken_at is None
    await database.close()
