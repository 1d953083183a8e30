"""`veeam-bot routes replay` as a person meets it: real sessions, settings as they stand."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.observability import SystemClock
from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.jobmodels import daily
from bot.store import Database, NewSubscription, Subscriptions, upgrade
from tests.support.forked import fork
from tests.support.settings_files import WITH_FILE

SETTINGS = """
[slack]
default_channel = "C0BACKUPS"

[[servers]]
name = "hq"
url = "{url}"
username = "svc-slack"

{more}
"""
ROUTES = """
[[routes]]
channel = "C0PROD"
jobs = ["SQL*"]
mention = "S0ONCALL"

[[routes]]
channel = "C0THIRD"
jobs = ["Oracle*"]
failures_in_a_row = 3
"""
SILENT = """
[[servers]]
name = "dr"
url = "https://127.0.0.1:1"
username = "svc-slack"
"""


@pytest.fixture
async def vbr() -> AsyncIterator[VbrSandbox]:
    world = World(SystemClock().now)
    async with VbrSandbox(world) as server:
        yield server


def ended(vbr: VbrSandbox, name: str, *results: str) -> None:
    """Runs of a job, a day apart, the last one an hour ago."""
    job = vbr.world.add_job(name)
    for days_ago, result in enumerate(reversed(results)):
        ended_at = vbr.world.now() - timedelta(days=days_ago, hours=1)
        vbr.world.finish_run(job, ended_at=ended_at, result=result)


async def replayed(
    folder: Path, vbr: VbrSandbox, *arguments: str, more: str = ROUTES
) -> tuple[int, str, str]:
    (folder / "new.toml").write_text(SETTINGS.format(url=vbr.url, more=more), encoding="utf-8")
    environ = {
        **WITH_FILE,
        "VEEAM_BOT_CONFIG": "new.toml",
        "VEEAM_PASSWORD_HQ": "sandbox",
        **({"VEEAM_PASSWORD_DR": "sandbox"} if SILENT in more else {}),
        "DATABASE_URL": f"sqlite:///{folder}/bot.db",
    }
    output, errors = folder.with_suffix(".stdout"), folder.with_suffix(".stderr")
    for file in (output, errors):
        file.touch()
    process = fork(["routes", "replay", *arguments], environ, folder, str(output), str(errors))
    async with asyncio.timeout(30):
        status = await process.wait()
    return status, output.read_text(), errors.read_text()


async def as_json(folder: Path, vbr: VbrSandbox, *arguments: str, more: str = ROUTES) -> dict[str, Any]:
    status, printed, said = await replayed(folder, vbr, "--format", "json", *arguments, more=more)
    assert status == 0, said + printed
    found: dict[str, Any] = json.loads(printed)
    return found


async def test_each_channel_and_day_is_counted(vbr: VbrSandbox, tmp_path: Path) -> None:
    """Roots by their results and mentions; held back, and for no channel, is counted apart."""
    ended(vbr, "SQL Prod", "Failed", "Success", "Warning")
    ended(vbr, "Oracle", "Failed", "Failed", "Failed")
    ended(vbr, "Files", "Failed", "Success", "Success")
    ended(vbr, "Old", *(["Failed"] + ["Success"] * 9))
    found = await as_json(tmp_path, vbr)
    by_channel: dict[str, list[dict[str, Any]]] = {}
    for each in found["channels"]:
        by_channel.setdefault(each["channel"], []).append(each)
    assert {
        channel: [(day["failed"], day["warning"], day["success"], day["mentions"]) for day in days]
        for channel, days in by_channel.items()
    } == {"C0PROD": [(1, 0, 0, 1), (0, 1, 0, 0)], "C0THIRD": [(1, 0, 0, 0)], "C0BACKUPS": [(1, 0, 0, 0)]}
    (server,) = found["servers"]
    assert (server["held_back"], server["untold"], server["problem"]) == (2, 0, None)
    roots = [each for each in found["messages"] if not each["in_thread"]]
    assert {(each["channel"], each["job"], each["because_of"]) for each in roots} == {
        ("C0PROD", "SQL Prod", "route"),
        ("C0THIRD", "Oracle", "route"),
        ("C0BACKUPS", "Files", "default_channel"),
    }
    assert not {request.method for request in vbr.requests} - {"GET", "POST"}
    assert {each.template for each in vbr.requests if each.method == "POST"} <= {
        "/api/oauth2/token",
        "/api/oauth2/logout",
    }
    assert not (tmp_path / "bot.db").exists()


async def test_a_table_for_people_names_who_is_silent(vbr: VbrSandbox, tmp_path: Path) -> None:
    """The others are replayed all the same; the exit code is 1. A name can do nothing to the terminal."""
    ended(vbr, "SQL \x1b[31m", "Failed")
    status, printed, said = await replayed(tmp_path, vbr, more=ROUTES + SILENT)
    assert status == 1
    assert "Traceback" not in said
    assert "dr could not be read: " in printed
    assert "hq: 1 session read." in printed
    assert "SQL [31m on hq: Failed (route)" in printed
    assert "Storms are not replayed" in printed


async def test_subscriptions_are_replayed_too(vbr: VbrSandbox, tmp_path: Path) -> None:
    """What people subscribed to is in the database, and claims what it takes."""
    url = f"sqlite:///{tmp_path}/bot.db"
    await upgrade(url)
    database = Database(url)
    new = NewSubscription(
        channel="C0DBA",
        person_id="U0ANN",
        pattern="Files*",
        results=("Failed",),
        made_at=SystemClock().now(),
    )
    await Subscriptions(database).add(new)
    await database.close()
    ended(vbr, "Files", "Failed")
    found = await as_json(tmp_path, vbr, "--days", "2")
    assert [(each["channel"], each["because_of"]) for each in found["messages"] if not each["in_thread"]] == [
        ("C0DBA", "subscription")
    ]


async def test_a_run_and_its_retries_are_one_message(vbr: VbrSandbox, tmp_path: Path) -> None:
    """The attempts are in its thread; people are mentioned once, when the last has failed."""
    job = vbr.world.add_job("SQL Prod", schedule=daily("03:00", retries=1))
    for minutes_ago in (60, 45):
        ended_at = vbr.world.now() - timedelta(minutes=minutes_ago)
        vbr.world.finish_run(job, ended_at=ended_at, result="Failed", seconds=60)
    found = await as_json(tmp_path, vbr)
    # The second attempt may be of the next day.
    days = found["channels"]
    sums = {key: sum(day[key] for day in days) for key in ("messages", "failed", "mentions", "in_threads")}
    assert (sums["messages"], sums["failed"], sums["mentions"]) == (1, 1, 1)
    assert sums["in_threads"] >= 1
