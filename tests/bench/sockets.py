"""What people notice of Socket Mode connections that end: dropped, and refreshed by Slack."""

import asyncio
import statistics
import time
from collections import Counter
from pathlib import Path

from tests.bench.commands import CHANNEL, NOTHING_ASKED, PERSON, Asker
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.site import Site
from tests.bench.sizes import Sizes
from tests.bench.vbr import FarVbr

_POLL_SECONDS = 3600.0
_PATIENCE_SECONDS = 30.0
_ACKED = "ok"
_DEAF_TIME = Aim(40.0, of_ratio=True)


async def ended_connections(folder: Path, vbr: FarVbr, sizes: Sizes) -> list[Figure]:
    """Both connections are dropped, or one of them, or Slack refreshes them with commands in flight."""
    async with Site(
        folder / "sockets", vbr.login, interval_seconds=_POLL_SECONDS, forked=not sizes.executes
    ) as site:
        await site.start()
        asker = Asker(site.slack)
        alone = statistics.median([(await asker.asks(NOTHING_ASKED)).ack_seconds for _ in range(5)])
        crowd = _Crowd(site)
        deaf, beside_one, refreshed = [], Counter[str](), Counter[str]()
        for _ in range(sizes.drops):
            deaf.append(await crowd.deaf_seconds())
            beside_one += await crowd.shown_beside_one(sizes.in_flight // 2)
            refreshed += await crowd.shown_at_refreshes(sizes.in_flight // 2)
    return [
        Figure(
            "dropped_both",
            f"both Socket Mode connections dropped: deaf for at most ({sizes.drops} rounds)",
            round(1000 * max(deaf), 2),
            "ms",
            aim=_DEAF_TIME,
            floor=Floor(round(1000 * alone, 2), "ack of one alone, p50"),
        ),
        _refused("dropped_one", "one of them dropped: refused of", beside_one),
        _refused("refreshed", "each refreshed by Slack with commands in flight: lost of", refreshed),
    ]


class _Crowd:
    """Commands that are typed while connections end; none is left from one round to the next."""

    def __init__(self, site: Site) -> None:
        self._slack = site.slack
        self._acknowledged = len(site.slack.responses)

    async def deaf_seconds(self) -> float:
        """From the drop of both to the first command that is acknowledged."""
        await self._at_rest()
        self._slack.socket_mode.cut()
        began, shown = time.monotonic(), ""
        while shown != _ACKED:
            (shown,) = await self._shown(1)
            await asyncio.sleep(0)  # without a connection nothing is waited for
        return time.monotonic() - began

    async def shown_beside_one(self, count: int) -> Counter[str]:
        """What Slack shows of so many commands, once it has noticed that one of two was dropped."""
        await self._at_rest()
        dropped = self._slack.socket_mode.connections[0]
        self._slack.socket_mode.cut(dropped)
        await self._slack.wait_until(lambda: dropped not in self._slack.socket_mode.connections)
        return await self._shown(count)

    async def shown_at_refreshes(self, count: int) -> Counter[str]:
        """What Slack shows of so many commands at the refresh of each connection."""
        shown = Counter[str]()
        await self._at_rest()
        for connection in tuple(self._slack.socket_mode.connections):
            async with asyncio.TaskGroup() as group:
                typed = group.create_task(self._shown(count))
                await asyncio.sleep(0)
                group.create_task(self._slack.socket_mode.disconnect("refresh_requested", connection))
            shown += typed.result()
            await self._at_rest()
        return shown

    async def _shown(self, count: int) -> Counter[str]:
        ann = self._slack.person(PERSON)
        results = await asyncio.gather(*(ann.types(CHANNEL, NOTHING_ASKED) for _ in range(count)))
        shown: Counter[str] = Counter(result.shown for result in results)
        self._acknowledged += shown[_ACKED]
        return shown

    async def _at_rest(self) -> None:
        """Wait until there are two connections, and every command has its answer."""

        def is_at_rest() -> bool:
            connections = len(self._slack.socket_mode.connections)
            return connections == 2 and len(self._slack.responses) >= self._acknowledged

        await self._slack.wait_until(is_at_rest, _PATIENCE_SECONDS)


def _refused(key: str, what: str, shown: Counter[str]) -> Figure:
    refused = shown.total() - shown[_ACKED]
    return Figure(key, f"{what} {shown.total():,} commands", refused, aim=Aim(0), facts=dict(shown))
