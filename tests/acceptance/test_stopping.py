"""Told to stop in the middle of work: the work is finished and answered, and the process ends in order."""

import asyncio
import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.sandbox.vbr import Moment
from bot.sandbox.vbr.faults import hanging, slow
from tests.acceptance.rig import PROD, START, Rig, Setting


async def test_what_runs_is_answered_before_the_end(tmp_path: Path) -> None:
    """SIGTERM while VBR thinks about a start: the channel hears of it, and the exit code is 0."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        job = rig.world.add_job("SQL Prod", run_seconds=3600)
        await rig.start()
        rig.vbr.faults.add("POST", START, slow(1.5))
        await rig.slack.person("ann").types(PROD, "start SQL Prod")
        await rig.until(lambda: rig.sent("POST", START, job) == 1)
        assert await rig.ends() == 0
        (said,) = [message.text for message in rig.slack.messages(PROD) if "SQL Prod" in message.text]
        assert "started by <@U0ANN>" in said
        assert [row["event"] for row in rig.rows("SELECT event FROM audit ORDER BY id")] == [
            "opened",
            "closed",
            "shown",
        ]
        assert rig.rows("SELECT * FROM leases") == []
        assert "Traceback" not in rig.log


async def test_a_calm_start_and_end_warn_of_nothing(tmp_path: Path) -> None:
    """Neither does a library."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        await rig.start()
        assert await rig.ends() == 0
        lines = [json.loads(line) for line in rig.log.splitlines() if line.startswith("{")]
        assert [line for line in lines if line["level"] not in {"debug", "info"}] == []


async def test_what_takes_too_long_is_cut_off_and_told(tmp_path: Path) -> None:
    """After the grace period the person hears that it is not known what came of it; still exit code 0."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        job = rig.world.add_job("SQL Prod", run_seconds=3600)
        await rig.start()
        rig.vbr.faults.add("POST", START, hanging(Moment.AFTER))
        await rig.slack.person("ann").types(PROD, "start SQL Prod")
        await rig.until(lambda: rig.sent("POST", START, job) == 1)
        assert await rig.ends(seconds=25) == 0
        assert "The bot is being restarted" in rig.whispers("ann")[-1]
        assert "VBR may or may not have been changed" in rig.whispers("ann")[-1]
        assert rig.sent("POST", START, job) == 1


async def test_a_database_in_use_leaves_no_traceback(tmp_path: Path) -> None:
    """Another process writes while the bot stops: leases run out by themselves, which one line says."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        await rig.start()
        with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await rig.ends(seconds=40) == 0
            other.execute("ROLLBACK")
        assert len(rig.events("application.not_released")) == 1
        assert "Traceback" not in rig.log


async def test_a_second_signal_means_now(tmp_path: Path) -> None:
    """Whoever asks twice does not wait for VBR."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        job = rig.world.add_job("SQL Prod", run_seconds=3600)
        await rig.start()
        rig.vbr.faults.add("POST", START, hanging(Moment.BEFORE))
        await rig.slack.person("ann").types(PROD, "start SQL Prod")
        await rig.until(lambda: rig.sent("POST", START, job) == 1)
        process = rig.bot._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await rig.until(lambda: rig.events("application.stopping"))
        began = asyncio.get_running_loop().time()
        assert await rig.ends(signal.SIGINT) == 1
        assert asyncio.get_running_loop().time() - began < 2


async def test_a_command_that_comes_while_it_stops_goes_elsewhere(tmp_path: Path) -> None:
    """In HTTP mode the intake is closed first, so that Slack says at once that it did not work."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2), http_mode=True) as rig:
        rig.world.add_job("SQL Prod", run_seconds=3600)
        await rig.start()
        rig.vbr.faults.add("POST", START, slow(1.5))
        ann = rig.slack.person("ann")
        await ann.types(PROD, "start SQL Prod")
        await rig.until(lambda: rig.sent("POST", START) == 1)
        process = rig.bot._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await rig.until(lambda: rig.events("application.stopping"))
        assert (await ann.types(PROD, "jobs")).shown == "dispatch_failed"
        assert await process.wait() == 0
