"""What reading from VBR costs the bot: CPU time of this process, in which no server runs."""

import gc
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bot.observability import Health, Metrics, SystemClock
from bot.settings import ExpectationSettings, PollingSettings
from bot.store import Database, upgrade
from bot.veeam import JobStatesQuery, VeeamServer
from bot.watch import ExpectationWatch, NoticedSessions, Watch, WatchRules
from bot.watch.expectation_watch import SECONDS_BETWEEN_LOOKS
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.sizes import Sizes
from tests.bench.vbr import FarVbr, Login, Span

_PAGE_ROWS = 500
_AT_MOST_TIMES_THE_FLOOR = 1.3
_AT_MOST_TO_JUDGE = 3.0
# The cost is the same one; two measurements of the same cost differ by so much.
_SAME = 1.15
_STATES = "/api/v1/jobs/states"
_TOKEN = "/api/oauth2/token"
_SECONDS = 60.0
_MINUTE = 60.0


async def job_states(vbr: FarVbr, sizes: Sizes) -> list[Figure]:
    """Fetch every job state, typed by the bot's client and untyped by a plain one, in turns."""
    async with _client(vbr.login) as client, plain_client(vbr.login) as plain:

        async def typed() -> int:
            rows = [row async for row in client.every_job_state(JobStatesQuery(limit=_PAGE_ROWS))]
            return len(rows)

        async def untyped() -> int:
            return len(await _all_states(plain))

        costs = await _in_turns(sizes.fetches, typed, untyped)
        assert await typed() == await untyped() == sizes.many_jobs
    ours, floor = (statistics.median(each) for each in costs)
    return [
        Figure(
            "job_states",
            f"{sizes.many_jobs:,} job states fetched and typed, CPU",
            ours,
            "ms",
            aim=Aim(_AT_MOST_TIMES_THE_FLOOR, of_ratio=True),
            floor=Floor(floor, "plain httpx + json, untyped"),
            facts={"rounds": sizes.fetches, "page_rows": _PAGE_ROWS, "milliseconds": costs},
        )
    ]


async def idle_poll(folder: Path, few: FarVbr, many: FarVbr, sizes: Sizes) -> list[Figure]:
    """Poll servers on which nothing ended lately: a small and a large one, in turns."""
    async with AsyncExitStack() as stack:
        watches = [
            (await stack.enter_async_context(_watch(folder / f"{name}.db", vbr.login)))[0]
            for name, vbr in (("few", few), ("many", many))
        ]
        for watch, vbr in zip(watches, (few, many), strict=True):
            await watch.tick()
            await vbr.spans()
        costs = await _in_turns(sizes.polls, watches[0].tick, watches[1].tick)
        requests = [_asked(await vbr.spans()) / (sizes.polls + 1) for vbr in (few, many)]
    small, large = (statistics.median(each) for each in costs)
    facts = {"polls": sizes.polls, "jobs": [sizes.few_jobs, sizes.many_jobs], "requests": requests}
    return [
        Figure("idle_poll_requests", "idle poll: requests", max(requests), aim=Aim(1), facts=facts),
        Figure(
            "idle_poll_cost",
            f"idle poll at {sizes.many_jobs:,} jobs, CPU (the same: within {_SAME - 1:.0%})",
            large,
            "ms",
            aim=Aim(_SAME, of_ratio=True),
            floor=Floor(small, f"the same at {sizes.few_jobs:,} jobs"),
            facts=facts,
        ),
    ]


async def expectations_met(folder: Path, vbr: FarVbr, sizes: Sizes) -> list[Figure]:
    """Look at a server on which all is as expected; a plain client fetches the same states.

    And poll it meanwhile: an idle minute has some polls, and its share of a look.
    """
    noticed = NoticedSessions()
    expected = ExpectationSettings.model_validate({"channel": "C0PROD", "preset": "standard"})
    async with (
        _watch(folder / "expected.db", vbr.login, noticed) as (watch, server, database),
        plain_client(vbr.login) as plain,
    ):
        looking = ExpectationWatch(
            server, database, SystemClock(), (expected,), watch, noticed, holder="bench"
        )
        await watch.tick()
        await looking.look()
        await vbr.spans()
        await looking.look()
        requests = _asked(await vbr.spans())
        await _in_turns(sizes.polls, watch.tick)
        polled = _asked(await vbr.spans()) / (sizes.polls + 1)
        costs = await _in_turns(sizes.fetches, looking.look, lambda: _all_states(plain), watch.tick)
    ours, floor, poll = (statistics.median(each) for each in costs)
    looks, polls = _MINUTE / SECONDS_BETWEEN_LOOKS, _MINUTE / PollingSettings().interval_seconds
    pages = -(-sizes.many_jobs // _PAGE_ROWS)
    what = f"all expectations of {sizes.many_jobs:,} jobs, once in {SECONDS_BETWEEN_LOOKS:.0f} s"
    facts = {"rounds": sizes.fetches, "page_rows": _PAGE_ROWS, "milliseconds": costs}
    return [
        Figure("expectations_requests", f"{what}: requests", requests, aim=Aim(pages), facts=facts),
        Figure(
            "expectations_cost",
            f"{what}, CPU",
            ours,
            "ms",
            aim=Aim(_AT_MOST_TO_JUDGE, of_ratio=True),
            floor=Floor(floor, "plain httpx + json, untyped"),
        ),
        Figure(
            "expectations_poll_requests",
            f"idle poll with all expectations of {sizes.many_jobs:,} jobs: requests",
            polled,
            aim=Aim(1),
        ),
        Figure(
            "expectations_minute",
            f"idle minute with all expectations of {sizes.many_jobs:,} jobs, CPU",
            looks * ours + polls * poll,
            "ms",
            aim=Aim(_AT_MOST_TO_JUDGE, of_ratio=True),
            floor=Floor(looks * floor + polls * poll, "its polls, and plain httpx + json"),
        ),
    ]


@asynccontextmanager
async def _client(login: Login) -> AsyncIterator[VeeamServer]:
    async with VeeamServer(login.connection, clock=SystemClock()) as client:
        yield client


@asynccontextmanager
async def plain_client(login: Login) -> AsyncIterator[httpx.AsyncClient]:
    """What somebody would write in five lines."""
    headers = {"x-api-version": "1.3-rev0"}
    async with httpx.AsyncClient(
        base_url=login.url, headers=headers, timeout=_SECONDS, trust_env=False
    ) as plain:
        form = {"grant_type": "password", "username": login.username, "password": login.password}
        token = (await plain.post(_TOKEN, data=form)).json()["access_token"]
        plain.headers["Authorization"] = f"Bearer {token}"
        yield plain


async def _all_states(plain: httpx.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        response = await plain.get(_STATES, params={"limit": _PAGE_ROWS, "skip": len(rows)})
        page = json.loads(response.content)
        rows += page["data"]
        if not page["data"] or len(rows) >= page["pagination"]["total"]:
            return rows


@asynccontextmanager
async def _watch(
    file: Path, login: Login, noticed: NoticedSessions | None = None
) -> AsyncIterator[tuple[Watch, VeeamServer, Database]]:
    url, clock = f"sqlite:///{file}", SystemClock()
    await upgrade(url)
    database = Database(url)
    rules = WatchRules((), "C0BACKUPS", PollingSettings(backfill_hours=1))
    try:
        async with _client(login) as client:
            watch = Watch(
                client,
                database,
                clock,
                rules,
                metrics=Metrics(),
                health=Health(clock),
                holder="bench",
                noticed=noticed,
            )
            yield watch, client, database
    finally:
        await database.close()


async def _in_turns(rounds: int, *works: Callable[[], Awaitable[object]]) -> list[list[float]]:
    """Milliseconds of CPU time of each piece of work in each round, after a first one that does not count."""
    costs: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, cost in zip(works, costs, strict=True):
            gc.collect()
            before = time.process_time()
            await work()
            if number:
                cost.append(1000 * (time.process_time() - before))
    return costs


def _asked(spans: list[Span]) -> int:
    return sum(span.path != _TOKEN for span in spans)
