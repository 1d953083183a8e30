"""What a claim of the outbox costs, by how much waits in it."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bot.store import Database, Outbox, upgrade
from bot.store.tables import outbox as outbox_table
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.sizes import Sizes

_CHANNELS = 20
_CLAIMED_AT_ONCE = 16
_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def claim_cost(folder: Path, sizes: Sizes) -> list[Figure]:
    """The same claims with few rows waiting and with many, on SQLite."""
    few = await _claim_seconds(folder / "few.db", sizes.few_waiting, sizes.claims)
    many = await _claim_seconds(folder / "many.db", sizes.many_waiting, sizes.claims)
    what = f"a claim with {sizes.many_waiting:,} rows waiting in {_CHANNELS} channels"
    floor = Floor(few * 1000, f"{sizes.few_waiting:,} rows waiting")
    return [Figure("claim_cost", what, many * 1000, "ms", aim=Aim(2.0, of_ratio=True), floor=floor)]


async def _claim_seconds(file: Path, waiting: int, claims: int) -> float:
    await upgrade(f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    outbox, seconds = Outbox(database), []
    rows_of_runs = [row for number in range(waiting // 2) for row in _run(number)]
    async with database.transaction() as transaction:
        await transaction.execute(insert(outbox_table), rows_of_runs)
    for _ in range(claims):
        began = time.perf_counter()
        rows = await outbox.claim("bench", _NOON, 60.0, _CLAIMED_AT_ONCE)
        seconds.append(time.perf_counter() - began)
        for row in rows:
            await outbox.put_off(row.id, _NOON, "again")
    await database.close()
    return statistics.median(seconds)


def _run(number: int) -> Iterator[dict[str, Any]]:
    key = f"run{number}"
    for suffix, root_key, placement, priority in (("", None, "post", 10), ("/story", key, "reply", 20)):
        yield {
            "key": f"{key}{suffix}",
            "channel": f"C0BULK{number % _CHANNELS:02d}",
            "kind": "run_ended",
            "body": "{}" * 300,
            "created_at": _NOON,
            "due_at": _NOON,
            "placement": placement,
            "priority": priority,
            "root_key": root_key,
            "attempts": 0,
        }
