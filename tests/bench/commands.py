"""How long people wait: from a command's leaving Slack to its acknowledgement, and to its answer on show."""

import asyncio
import gc
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.people import Person
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.site import Site
from tests.bench.sizes import Sizes
from tests.bench.vbr import FarVbr, Span, busy_seconds

CHANNEL, PERSON = "C0PROD", "ann"
LIST, NOTHING_ASKED = "jobs failed", "help"
_ROWS_SHOWN = 10
_OWN_TIME = Aim(2.5, of_ratio=True)
_FIRST_TIME = Aim(5.0, of_ratio=True)
_ACK_TIME = Aim(8.0, of_ratio=True)
_PATIENCE_SECONDS = 60.0
# One less than a person may have under way.
_COMMANDS_EACH = 3
# Nobody polls meanwhile: what VBR is asked is asked for the commands.
_POLL_SECONDS = 3600.0


async def jobs_failed(folder: Path, vbr: FarVbr, sizes: Sizes) -> list[Figure]:
    """`/veeam jobs failed`, one after the other, VBR's own time taken off."""
    async with Site(
        folder / "jobs", vbr.login, interval_seconds=_POLL_SECONDS, forked=not sizes.executes
    ) as site:
        await site.start()
        asker = Asker(site.slack)
        await asker.asks(LIST)
        floor = [await asker.asks(NOTHING_ASKED) for _ in range(sizes.commands)]
        again = await _timed(asker, vbr, sizes.commands)
        anew = await _timed(asker, vbr, sizes.first_sights, fails_anew=_ROWS_SHOWN)
    help_time = Floor(_ms(statistics.median(each.seconds for each in floor)), "/veeam help, p50")
    jobs = f"/veeam jobs failed on {sizes.many_jobs:,} jobs, VBR's own time off"
    return [
        _own_time("jobs_failed_p50", f"{jobs}: p50", again, 50, help_time),
        _own_time("jobs_failed_p95", f"{jobs}: p95", again, 95, help_time, _OWN_TIME),
        _own_time(
            "jobs_failed_anew_p95",
            f"the same, all {_ROWS_SHOWN} reasons asked for the first time: p95",
            anew,
            95,
            help_time,
            _FIRST_TIME,
        ),
    ]


async def acknowledged(folder: Path, vbr: FarVbr, sizes: Sizes, *, http_mode: bool) -> list[Figure]:
    """Many commands at once, then one more whenever one of them has its answer."""
    mode = "HTTP mode" if http_mode else "Socket Mode"
    name = "http" if http_mode else "socket"
    async with Site(
        folder / name,
        vbr.login,
        http_mode=http_mode,
        interval_seconds=_POLL_SECONDS,
        forked=not sizes.executes,
    ) as site:
        people = _colleagues(site.slack, -(-sizes.in_flight // _COMMANDS_EACH))
        await site.start()
        asker = Asker(site.slack, people)
        alone = Floor(
            _ms(statistics.median([(await asker.asks(LIST)).ack_seconds for _ in range(5)])),
            "of one alone, p50",
        )
        crowds = [await _crowd(asker, sizes) for _ in range(sizes.crowds)]
    rounds = f"p99 (median of {sizes.crowds} rounds)"
    return [
        _acknowledged(
            f"ack_in_flight_{name}",
            f"ack with {sizes.in_flight} commands in flight, {mode}: {rounds}",
            [crowd.further for crowd in crowds],
            alone,
        ),
        _acknowledged(
            f"ack_at_once_{name}",
            f"ack of {sizes.in_flight} commands sent in one moment, {mode}: {rounds}",
            [crowd.at_once for crowd in crowds],
            alone,
        ),
    ]


@dataclass(frozen=True)
class Crowd:
    """Seconds to the acknowledgement: of many who came in one moment, and of those who joined them."""

    at_once: Sequence[float]
    further: Sequence[float]


class Asked:
    """One command: when it was sent, acknowledged and answered, on the machine's monotonic clock."""

    def __init__(self, began: float, acknowledged: float) -> None:
        self.began = began
        self.acknowledged = acknowledged
        self.answered = 0.0

    @property
    def seconds(self) -> float:
        """From sending to the answer on show."""
        return self.answered - self.began

    @property
    def ack_seconds(self) -> float:
        """From sending to the acknowledgement."""
        return self.acknowledged - self.began


class Asker:
    """People who type commands in turn and wait for what is shown; one person, if no others are named."""

    def __init__(self, slack: SlackSandbox, people: Sequence[str] = (PERSON,)) -> None:
        self._slack = slack
        self._people = itertools.cycle([slack.person(name) for name in people])
        self.sent = 0
        self._answered = 0
        self._looked_at = 0

    @property
    def answered(self) -> int:
        """How many commands have their answer; that one takes longer than usual is said without being one."""
        new = self._slack.responses[self._looked_at :]
        self._looked_at += len(new)
        self._answered += sum("Still asking" not in str(body.get("text")) for body in new)
        return self._answered

    async def sends(self, text: str) -> Asked:
        """Type a command, and wait for its acknowledgement."""
        self.sent += 1
        began = time.monotonic()
        shown = (await next(self._people).types(CHANNEL, text)).shown
        asked = Asked(began, time.monotonic())
        if shown != "ok":
            raise RuntimeError(f"{text!r} was not acknowledged: {shown}")
        return asked

    async def asks(self, text: str) -> Asked:
        """Type a command, and wait for its answer."""
        asked = await self.sends(text)
        await self.until(lambda: self.answered >= self.sent)
        asked.answered = time.monotonic()
        return asked

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what the bot does."""
        await self._slack.wait_until(condition, _PATIENCE_SECONDS)


async def _timed(
    asker: Asker, vbr: FarVbr, count: int, *, fails_anew: int = 0
) -> list[tuple[Asked, list[Span]]]:
    """Ask so often, each time after so many jobs have failed anew; each with what VBR was asked for it."""
    timed: list[tuple[Asked, list[Span]]] = []
    for _ in range(count):
        await vbr.fail_anew(fails_anew)
        await vbr.spans()
        asked = await asker.asks(LIST)
        timed.append((asked, await vbr.spans()))
    return timed


async def _crowd(asker: Asker, sizes: Sizes) -> Crowd:
    further: list[float] = []
    with _no_collection():
        async with asyncio.TaskGroup() as group:
            crowd = [group.create_task(asker.sends(LIST)) for _ in range(sizes.in_flight)]
        for _ in range(sizes.further_acks):
            await asker.until(lambda: asker.sent - asker.answered < sizes.in_flight)
            further.append((await asker.sends(LIST)).ack_seconds)
        await asker.until(lambda: asker.answered >= asker.sent)
    return Crowd([task.result().ack_seconds for task in crowd], further)


def _colleagues(slack: SlackSandbox, count: int) -> list[str]:
    """Add people who may do what the first may, and return their names."""
    names = [f"colleague{number}" for number in range(count)]
    workspace = slack.workspace
    for name in names:
        person = Person(f"U0{name.upper()}", name, name)
        workspace.directory.add(person)
        workspace.directory.groups["S0BACKUPADMINS"].users.append(person.id)
        workspace.conversations.channel(CHANNEL).members.append(person.id)
    return names


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let Slack's double, which lives in this process, not stop to collect garbage."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _own_time(
    key: str,
    what: str,
    timed: Sequence[tuple[Asked, list[Span]]],
    percent: int,
    floor: Floor,
    aim: Aim | None = None,
) -> Figure:
    whole = [asked.seconds for asked, _ in timed]
    off = [busy_seconds(spans, since=asked.began, until=asked.answered) for asked, spans in timed]
    own = [seconds - busy for seconds, busy in zip(whole, off, strict=True)]
    facts = {
        "commands": len(timed),
        "requests_each": len(timed[-1][1]),
        "whole_p50_ms": _ms(_percentile(whole, 50)),
        "whole_p95_ms": _ms(_percentile(whole, 95)),
        "vbr_p50_ms": _ms(_percentile(off, 50)),
    }
    return Figure(key, what, _ms(_percentile(own, percent)), "ms", aim=aim, floor=floor, facts=facts)


def _acknowledged(key: str, what: str, rounds: Sequence[Sequence[float]], alone: Floor) -> Figure:
    high = [_ms(_percentile(each, 99)) for each in rounds]
    facts = {
        "commands_a_round": len(rounds[0]),
        "p50_ms": [_ms(_percentile(each, 50)) for each in rounds],
        "p99_ms": high,
        "longest_ms": [_ms(max(each)) for each in rounds],
    }
    return Figure(key, what, statistics.median(high), "ms", aim=_ACK_TIME, floor=alone, facts=facts)


def _percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many in a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)
