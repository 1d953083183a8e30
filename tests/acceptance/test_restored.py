"""An older backup of the database is restored: what was told since then is not told again."""

import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.vbr.jobmodels import daily
from bot.sandbox.vbr.state import Session
from tests.acceptance.rig import Rig, Setting, now, routes

CHANNELS = tuple(f"C0NIGHT{number:02d}" for number in range(15))
NIGHT = timedelta(hours=12)


def ends(rig: Rig, name: str, result: str, ago: timedelta) -> Session:
    job = next((job for job in rig.world.jobs if job.name == name), None)
    job = job or rig.world.add_job(name, schedule=daily("03:00", retries=2))
    return rig.world.finish_run(job, result=result, seconds=5, ended_at=now() - ago)


async def settled(rig: Rig, sessions: set[str]) -> None:
    await rig.until(lambda: sessions <= set(rig.told()) and rig.waiting() == 0, seconds=150)


def restore(backup: Path, database: Path) -> None:
    for name in ("bot.db-wal", "bot.db-shm"):
        database.with_name(name).unlink(missing_ok=True)
    shutil.copyfile(backup, database)


@pytest.mark.timeout(400)
async def test_a_night_that_the_database_forgot(tmp_path: Path) -> None:
    """Twelve hours and 150 sessions are lost with the database: none is told twice, none is left out.

    Neither are threads, further attempts and outages; the messages that stand there are gone on with, also
    when the bot is killed halfway. It takes a request for each channel and for each thread.
    """
    async with Rig(tmp_path, Setting(toml=routes(CHANNELS), channels=CHANNELS, polling_seconds=0.3)) as rig:
        await rig.start()
        before = [ends(rig, f"{each} early", "Success", NIGHT + timedelta(hours=1)) for each in CHANNELS]
        told = {session.id for session in before}
        await settled(rig, told)
        await rig.ends()
        backup = tmp_path / "backup.db"
        shutil.copyfile(tmp_path / "bot.db", backup)

        await rig.start()
        night = [
            ends(
                rig,
                f"{channel} job {number}",
                "Failed" if number == 0 else "Success",
                NIGHT * (1 - (10 * at + number) / 200),
            )
            for at, channel in enumerate(CHANNELS)
            for number in range(10)
        ]
        retried = ends(rig, f"{CHANNELS[0]} job 0", "Failed", NIGHT * 0.99)
        told |= {session.id for session in [*night, retried]}
        assert len(night) == 150
        await settled(rig, told)
        await rig.vbr.go_dark()
        await rig.until(lambda: any("has not answered" in each.text for each in rig.everything()))
        await rig.vbr.come_back()
        await rig.until(lambda: any("is responding again" in each.text for each in rig.everything()))
        await rig.until(lambda: rig.waiting() == 0)
        await rig.ends()
        there = {(message.channel, message.ts) for message in rig.everything()}

        restore(backup, tmp_path / "bot.db")
        reads = (
            len(rig.slack.calls_of("conversations.history")),
            len(rig.slack.calls_of("conversations.replies")),
        )
        await rig.start()
        fresh = ends(rig, f"{CHANNELS[1]} fresh", "Failed", timedelta())
        await rig.until(lambda: rig.told()[fresh.id])
        await rig.bot.kill()
        await rig.start()
        again = ends(rig, f"{CHANNELS[0]} job 0", "Success", timedelta())
        told |= {fresh.id, again.id}
        await settled(rig, told)

        assert rig.told() == Counter(told)
        assert set(rig.metadata("veeam_bot", "announcement").values()) == {1}
        new = [message for message in rig.everything() if (message.channel, message.ts) not in there]
        assert there <= {(message.channel, message.ts) for message in rig.everything()}
        assert all("fresh" in message.text or "job 0" in message.text for message in new)
        assert "delivery.database_restored" in rig.log
        history = len(rig.slack.calls_of("conversations.history")) - reads[0]
        assert history <= 3 * len(CHANNELS)
