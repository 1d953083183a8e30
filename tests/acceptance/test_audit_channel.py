"""What is on record is told in the audit channel, found with `/veeam audit`, and checked from outside."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import Refused
from bot.sandbox.slack.messages import Message
from bot.store import AuditLog, Database
from tests.acceptance.rig import DISABLE, PROD, START, Rig, Setting

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
    assert "Refused · *Start* of *SQL Prod* on hq" in refused.text
    assert "Why: the role does not include it" in refused.text
    assert "Done · *Start* of *SQL Prod* on hq, active full" in started.text
    assert "(`U0ANN`)" in started.text
    assert "<@" not in started.text + refused.text
    rows = {row["id"]: row for row in rig.rows("SELECT * FROM audit")}
    for message, event in ((refused, "refused"), (started, "closed")):
        metadata = message.content.metadata
        assert metadata is not None
        assert metadata["event_type"] == "veeam_audit"
        row = rows[metadata["event_payload"]["row"]]
        assert (row["event"], row["hash"]) == (event, metadata["event_payload"]["hash"])
    assert set(rig.metadata("veeam_audit", "hash").values()) == {1}


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
    assert "Refused · *Start* of *SQL Prod* on hq" in await rig.asks("ann", "audit SQL Prod")
    assert "<@U0VIC>" not in await rig.asks("ann", "audit @U0OLE")
    database = Database(f"sqlite:///{rig.folder / 'bot.db'}")
    assert (await AuditLog(database).check()).broken_at is None
    await database.close()


async def test_an_end_that_is_cut_off_is_told(rig: Rig) -> None:
    """Within seconds, though what is left is a whole chain; the channel reads of it, and so does `audit`."""
    rig.world.add_job("SQL Prod", run_seconds=3600)
    await rig.asks("vic", "start SQL Prod")
    await rig.until(lambda: len(told(rig)) == 1 and not rig.waiting())
    with closing(sqlite3.connect(rig.folder / "bot.db", timeout=30)) as connection:
        connection.execute("DROP TRIGGER audit_no_delete")
        connection.execute("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
        connection.commit()
    await rig.until(lambda: len(told(rig)) == 2 and not rig.waiting(), seconds=30)
    assert "Cut off or replaced · *End of the audit record*" in told(rig)[-1].text
    assert "End of the audit record" in await rig.asks("ann", "audit")


async def test_a_security_administrator_reads_the_record_alone(tmp_path: Path) -> None:
    """`audit`, `help` and `whoami` answer; jobs are neither shown nor started."""
    grant = '[[grants]]\nuser = "U0NIA"\nrole = "Veeam Security Administrator"\n'
    async with Rig(tmp_path, Setting(toml=grant, polling_seconds=3600)) as rig:
        rig.world.add_job("SQL Prod", run_seconds=3600)
        await rig.start()
        for words in ("jobs", "job SQL Prod", "status", "servers", "start SQL Prod", "disable SQL Prod"):
            assert "Your role does not include" in await rig.asks("nia", words), words
        assert "Refused · *Start* of *SQL Prod* on hq" in await rig.asks("nia", "audit SQL Prod")
        assert "Veeam Security Administrator" in await rig.asks("nia", "whoami")
        assert "/veeam audit" in await rig.asks("nia", "help")
        assert rig.sent("POST", START) == 0


async def test_many_refusals_of_one_person_bury_no_action(rig: Rig) -> None:
    """200 refused commands and a colleague's: that is told after a few; the rest is one row at the end."""
    job = rig.world.add_job("SQL Prod", run_seconds=3600)
    vic = rig.slack.person("vic")
    for _ in range(200):
        assert (await vic.types(PROD, "disable SQL Prod")).shown == "ok"
    await rig.until(lambda: len(rig.events("operation.finished")) == 200)
    await rig.until(lambda: len(rig.whispers("U0VIC")) >= 200)
    await rig.slack.person("ann").types(PROD, "disable SQL Prod")
    await rig.until(lambda: any("Done · *Disable*" in message.text for message in told(rig)))
    assert rig.sent("POST", DISABLE, job) == 1
    assert len(told(rig)) <= 12
    assert await rig.ends() == 0
    rows = rig.rows("SELECT * FROM audit WHERE event = 'refused'")
    assert len(rows) <= 12
    counted = [int(row["detail"].split()[1]) for row in rows if "more times" in row["detail"]]
    assert sum(counted) + len(rows) - len(counted) == 200
    await rig.start()
    await rig.until(lambda: len(told(rig)) == len(rows) + 1 and not rig.waiting())
    assert f"refused {counted[0]} more times" in await rig.asks("ann", "audit @U0VIC")
    database = Database(f"sqlite:///{rig.folder / 'bot.db'}")
    assert (await AuditLog(database).check()).broken_at is None
    marks = [message.content.metadata["event_payload"] for message in told(rig) if message.content.metadata]
    hashes = {row["id"]: row["hash"] for row in rig.rows("SELECT id, hash FROM audit")}
    assert [each for each in marks if hashes.get(each["row"]) != each["hash"]] == []
    await database.close()
