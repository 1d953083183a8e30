"""How soon people read that something failed: an ordinary end, a storm, and what fails during a catch-up."""

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from aiohttp import web
from sqlalchemy import func, select

from bot.observability import SystemClock
from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import Outcome, VbrSandbox, World
from bot.sandbox.vbr.life import Start
from bot.sandbox.vbr.state import Session
from bot.store import Database, Outbox
from bot.store.tables import processed_sessions
from tests.acceptance.rig import routes
from tests.bench.delivery import CHANNELS, add_channels
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.reading import plain_client
from tests.bench.site import Site
from tests.bench.sizes import Sizes
from tests.bench.vbr import FarVbr, Login, far_vbr, login_of

_DEFAULT_CHANNEL, _EMPTY_CHANNEL = "C0BACKUPS", "C0PROD"
SESSIONS = "/api/v1/sessions"
_FRESH = routes([_EMPTY_CHANNEL])
_PATIENCE_SECONDS = 60.0
_SECONDS_BETWEEN_ENDS = 0.8
_GOES_ON_SECONDS = 7_200.0
# While something runs the bot polls every 2.5 s; 3 s are meant.
_END_TIME = Aim(1.2, of_ratio=True)
_POLLED_TIME = Aim(12.0, of_ratio=True)
_STORM_WITHIN_SECONDS, _ROOT_WITHIN_SECONDS = 60.0, 10.0
_OUTAGE_HOURS = 24.0
_TWO_POLLS = Aim(2.0)
_PATIENCE_POLLS = 3
_PLAINLY = 5


class PolledVbr(VbrSandbox):
    """Remembers the answers to polls, each with the moment at which it had been given."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.polls: list[tuple[float, bytes]] = []

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        response = await super()._handle(request)
        if (
            request.path == SESSIONS
            and isinstance(response, web.Response)
            and isinstance(response.body, bytes)
        ):
            self.polls.append((time.time(), response.body))
        return response

    def answered_at(self, session: Session) -> float:
        """When a poll first said that the session has ended."""
        since = _ended_at(session)
        return next(at for at, body in self.polls if at >= since and session.id.encode() in body)


async def end_to_slack(folder: Path, sizes: Sizes) -> list[Figure]:
    """Runs fail one after the other while others go on; each is timed from its end to its message."""
    world = World(SystemClock().now, name="hq")
    async with PolledVbr(world) as vbr:
        site = Site(
            folder / "ends",
            login_of(vbr),
            interval_seconds=sizes.poll_seconds,
            toml=routes(CHANNELS),
            forked=not sizes.executes,
        )
        async with site:
            add_channels(site)
            _begin(world, "goes on", _GOES_ON_SECONDS, began=world.now() - timedelta(hours=1))
            await site.start()
            # Each ends a little later than the one before it, whatever the rhythm of the polls.
            runs = [
                _begin(
                    world,
                    f"run {number}",
                    (number + 1) * _SECONDS_BETWEEN_ENDS,
                    CHANNELS[number % len(CHANNELS)],
                )
                for number in range(sizes.ends)
            ]
            await site.slack.wait_until(lambda: len(_posted_at(site, runs)) == len(runs), _PATIENCE_SECONDS)
            posted_at = _posted_at(site, runs)
            floor = await _plainly(site, login_of(vbr), runs)
    waited = [posted_at[run.id] - _ended_at(run) for run in runs]
    own = [posted_at[run.id] - vbr.answered_at(run) for run in runs]
    # One poll may ask more than once.
    polls = sorted(at for at, _ in vbr.polls)
    apart = [later - sooner for sooner, later in itertools.pairwise(polls) if later - sooner > 1]
    facts = {"runs": len(runs), "seconds": [round(each, 2) for each in waited]}
    return [
        Figure(
            "end_to_slack",
            f"a run ends, others go on: in Slack after (median of {len(runs)})",
            statistics.median(waited),
            "s",
            aim=_END_TIME,
            floor=Floor(statistics.median(apart), "between two polls"),
            facts=facts,
        ),
        Figure(
            "poll_to_slack",
            "a poll is answered: in Slack after (median)",
            statistics.median(own),
            "s",
            aim=_POLLED_TIME,
            floor=Floor(floor, "its objects, its log and the post by a plain client, p50"),
            facts={"seconds": [round(each, 3) for each in own]},
        ),
    ]


async def storms(folder: Path, sizes: Sizes) -> list[Figure]:
    """Many jobs of one channel fail within a minute: some hundreds, and thousands."""
    within_seconds = Aim(_ROOT_WITHIN_SECONDS)
    some = await _storm(folder, sizes, "storm_of_some", sizes.small_storm_failures, root=within_seconds)
    return some + await _storm(folder, sizes, "storm", sizes.storm_failures, root=Aim(2.0, of_ratio=True))


async def _storm(folder: Path, sizes: Sizes, key: str, count: int, *, root: Aim) -> list[Figure]:
    """When one message stands there, when it counts them, and how many messages there are."""
    seconds, every = sizes.storm_seconds, sizes.storm_poll_seconds
    async with far_vbr(count) as vbr, _opened(folder / key, vbr, sizes, every) as site:
        await site.start()
        await vbr.fail_lately(count, _STORM_WITHIN_SECONDS)
        began = time.time()
        posted = site.slack.workspace.conversations.channels[_DEFAULT_CHANNEL].messages
        is_begun = await _until(site, lambda: posted, seconds)
        first = time.time() - began
        is_whole = await _until(site, lambda: _counted(posted.values()) == count, seconds)
        whole = time.time() - began
        await _drained(site, count, until=began + 2 * seconds)
        messages = tuple(posted.values())
    roots = [message for message in messages if not message.is_reply]
    polls = Floor(every, "between two polls")
    what = f"{count:,} failures of one channel within a minute"
    return [
        Figure(f"{key}_first_root", f"{what}: root", first, "s", aim=root, floor=polls, is_more=not is_begun),
        Figure(f"{key}_whole", f"{what}: it counts all", whole, "s", floor=polls, is_more=not is_whole),
        Figure(f"{key}_roots", f"{what}: roots", len(roots), aim=Aim(1)),
        Figure(f"{key}_replies", f"{what}: replies", len(messages) - len(roots), aim=Aim(5)),
    ]


def _counted(messages: Iterable[Message]) -> int:
    """How many failures the storms among the messages count."""
    found = (message.content.metadata for message in messages)
    return sum(
        each["event_payload"]["count"] for each in found if each and each["event_type"] == "veeam_storm"
    )


async def catch_up(folder: Path, sizes: Sizes) -> list[Figure]:
    """The bot was down for a day in which very many sessions ended; as it reads them, a job fails."""
    hours, patience = _OUTAGE_HOURS, _PATIENCE_POLLS * sizes.poll_seconds
    async with (
        far_vbr(sizes.catch_up_jobs, hours) as vbr,
        _opened(folder / "outage", vbr, sizes, sizes.poll_seconds, backfill_hours=hours, toml=_FRESH) as site,
    ):
        await site.start()
        await site.bot.stop()
        await vbr.catch_up(sizes.catch_up_sessions)
        await vbr.spans()
        await site.bot.start()
        while not any(span.path == SESSIONS for span in await vbr.spans()):  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.05)
        ended_at = await vbr.fail_named(f"{_EMPTY_CHANNEL} fresh")
        posts = site.slack.workspace.conversations.channels[_EMPTY_CHANNEL].messages
        is_posted = await _until(site, lambda: posts, patience)
        seconds = float(next(iter(posts))) - ended_at if is_posted else patience
        others = len(site.slack.workspace.conversations.channels[_DEFAULT_CHANNEL].messages)
    return [
        Figure(
            "catch_up",
            f"{sizes.catch_up_sessions:,} sessions to catch up: a fresh failure is posted after",
            seconds / sizes.poll_seconds,
            "polls",
            aim=_TWO_POLLS,
            is_more=not is_posted,
            facts={
                "seconds": round(seconds, 2),
                "poll_seconds": sizes.poll_seconds,
                "other_messages": others,
            },
        )
    ]


@asynccontextmanager
async def _opened(
    folder: Path,
    vbr: FarVbr,
    sizes: Sizes,
    interval_seconds: float,
    *,
    backfill_hours: float = 1.0,
    toml: str = "",
) -> AsyncIterator[Site]:
    site = Site(
        folder,
        vbr.login,
        interval_seconds=interval_seconds,
        backfill_hours=backfill_hours,
        toml=toml,
        forked=not sizes.executes,
    )
    async with site:
        yield site


def _begin(
    world: World, name: str, seconds: float, channel: str = CHANNELS[0], *, began: datetime | None = None
) -> Session:
    """A run of a job of its own that fails after so many seconds, and begins now unless said otherwise."""
    job = world.add_job(f"{channel} {name}", objects=["vm01"], run_seconds=seconds)
    world.plan(job, [Outcome("Failed", {"vm01": "Failed to open VDDK disk"})])
    return world.life.begin(job, Start(), began or world.now())


def _ended_at(run: Session) -> float:
    assert run.ended_at is not None
    return run.ended_at.timestamp()


def _posted_at(site: Site, runs: Sequence[Session]) -> dict[str, float]:
    """When each run's root was posted, by the session's ID."""
    wanted = {run.id for run in runs}
    found: dict[str, float] = {}
    for channel in CHANNELS:
        for message in site.slack.workspace.conversations.channels[channel].messages.values():
            payload = (message.metadata or {}).get("event_payload", {})
            if not message.is_reply and payload.get("session_id") in wanted:
                found[payload["session_id"]] = float(message.ts)
    return found


async def _plainly(site: Site, login: Login, runs: Sequence[Session]) -> float:
    """Seconds that what the bot asks and posts of a run takes without the bot; the median of a few."""
    headers = {"Authorization": f"Bearer {site.slack.bot_token}"}
    taken = []
    async with plain_client(login) as vbr, httpx.AsyncClient(headers=headers, trust_env=False) as slack:
        for run, channel in zip(runs[:_PLAINLY], CHANNELS, strict=False):
            began = time.monotonic()
            for part in ("taskSessions", "logs"):
                (await vbr.get(f"{SESSIONS}/{run.id}/{part}")).raise_for_status()
            message = {"channel": channel, "text": "a plain message"}
            posted = await slack.post(f"{site.slack.api_url}chat.postMessage", json=message)
            assert posted.json()["ok"] is True
            taken.append(time.monotonic() - began)
    return statistics.median(taken)


async def _drained(site: Site, count: int, *, until: float) -> bool:
    """Wait until so many sessions are known and nothing waits to be posted; False if that takes too long."""
    database = Database(site.database_url)
    try:
        while time.time() < until:
            async with database.reading() as reading:
                ((known,),) = await reading.all(select(func.count()).select_from(processed_sessions))
            if known >= count and not await Outbox(database).waiting():
                return True
            await asyncio.sleep(0.2)
    finally:
        await database.close()
    return False


async def _until(site: Site, condition: Callable[[], object], seconds: float) -> bool:
    try:
        await site.slack.wait_until(condition, seconds)
    except TimeoutError:
        return False
    return True
