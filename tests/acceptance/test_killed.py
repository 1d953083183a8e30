"""Ended in the middle of anything, and started again: everything is told, once, and done once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.faults import Dropped, Hung, SlackFault
from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import Moment, Outcome
from bot.sandbox.vbr.faults import changed, hanging
from bot.sandbox.vbr.jobmodels import daily
from bot.sandbox.vbr.state import Job, Session
from tests.acceptance.rig import RETRY, Rig, Setting, now, routes

FAILURE = {"sql02": "Failed to open VDDK disk"}
BEFORE, AFTER = Dropped(after_effect=False), Hung()


@dataclass
class Scene:
    """The rig, with the sessions that have ended and the actions that were asked for so far."""

    rig: Rig
    channel: str = ""
    ended: list[Session] = field(default_factory=list)
    pressed: list[Job] = field(default_factory=list)
    struck: bool = False

    def strike(self) -> None:
        """End the bot, at this very moment."""
        self.struck = True
        self.rig.bot.kill_now()

    def job(self) -> Job:
        """A job of its own, told in the channel of this point."""
        name = f"{self.channel} job {len(self.ended)}"
        return self.rig.world.add_job(
            name, objects=["sql01", "sql02"], schedule=daily("03:00"), run_seconds=1
        )

    def fails(self, job: Job | None = None, *, seconds_ago: float = 0) -> Session:
        """A session ends, Failed, as the schedule started it."""
        ended = self.rig.world.finish_run(
            job or self.job(),
            result="Failed",
            objects={"sql01": "Success", **FAILURE},
            seconds=5,
            ended_at=now() - timedelta(seconds=seconds_ago),
        )
        self.ended.append(ended)
        return ended

    def first(self, job: Job) -> Session:
        """The session that a job's run began with."""
        return next(session for session in self.ended if session.job_id == job.id)

    def root(self, session: Session) -> Message:
        """The message that tells a session."""
        return next(
            message
            for message in self.rig.everything()
            if message.metadata and message.metadata["event_payload"].get("session_id") == session.id
        )

    async def strikes_when(self, query: str) -> None:
        """End the bot as soon as a row of its database is so."""
        await self.rig.until(lambda: self.rig.rows(query))
        self.strike()

    def strikes_at(
        self, method: str, fault: SlackFault, when: Callable[[Arguments], bool] | None = None
    ) -> None:
        """End the bot when this call reaches Slack."""

        def is_due(arguments: Arguments) -> bool:
            if when is not None and not when(arguments):
                return False
            self.strike()
            return True

        self.rig.slack.faults.add(method, fault, when=is_due)

    def strikes_after(self, method: str, template: str) -> None:
        """End the bot when VBR has carried this out and is about to answer."""

        def change(answer: Any) -> Any:
            self.strike()
            return answer

        self.rig.vbr.faults.add(method, template, changed(change))


Point = Callable[[Scene], Awaitable[None]]


def says(word: str) -> Callable[[Arguments], bool]:
    return lambda arguments: word in arguments.text("text")


def is_reply(arguments: Arguments) -> bool:
    return bool(arguments.text("thread_ts"))


async def as_soon_as_it_listens(scene: Scene) -> None:
    scene.fails()
    heard = len(scene.rig.events("application.listening"))
    await scene.rig.bot.start()
    await scene.rig.until(lambda: len(scene.rig.events("application.listening")) > heard)
    scene.strike()


async def while_the_database_is_made(scene: Scene) -> None:
    await scene.rig.bot.start()
    await scene.rig.until((scene.rig.folder / "bot.db").exists)
    scene.strike()


def during_vbr(method: str, template: str) -> Point:
    async def point(scene: Scene) -> None:
        scene.strikes_after(method, template)
        scene.fails()
        await scene.rig.bot.start()

    return point


def during_slack(method: str, fault: SlackFault, when: Callable[[Arguments], bool] | None = None) -> Point:
    async def point(scene: Scene) -> None:
        scene.strikes_at(method, fault, when)
        scene.fails()
        await scene.rig.bot.start()

    return point


def in_the_database(query: str) -> Point:
    async def point(scene: Scene) -> None:
        scene.fails()
        await scene.rig.bot.start()
        await scene.strikes_when(query.format(channel=scene.channel))

    return point


async def once_the_message_stands(scene: Scene) -> None:
    ended = scene.fails()
    await scene.rig.bot.start()
    await scene.rig.until(lambda: scene.rig.told()[ended.id])
    scene.strike()


def looking_for(method: str, lost: Callable[[Arguments], bool]) -> Point:
    """The reply to a post is lost, and the bot ends while it looks for the post."""

    async def point(scene: Scene) -> None:
        is_lost = asyncio.Event()

        def loses(sent: Arguments) -> bool:
            if _is_here(scene, sent) and lost(sent):
                is_lost.set()
                return True
            return False

        scene.rig.slack.faults.add("chat.postMessage", Dropped(after_effect=True), when=loses)
        # What the database does not know is looked for before; that is not meant.
        scene.strikes_at(method, AFTER, lambda _: is_lost.is_set())
        scene.fails()
        await scene.rig.bot.start()

    return point


def telling_an_attempt(method: str, fault: SlackFault) -> Point:
    """A further attempt ends; the bot ends while the reply goes out, or while the root is edited."""

    async def point(scene: Scene) -> None:
        job = scene.job()
        first = scene.fails(job, seconds_ago=30)
        await scene.rig.bot.start()
        await scene.rig.until(lambda: scene.rig.told()[first.id])
        scene.strikes_at(method, fault, says("ttempt 2 of 4"))
        scene.ended.append(scene.rig.world.finish_run(job, result="Success", seconds=5))

    return point


def pressing(arm: Callable[[Scene, Job], None]) -> Point:
    """Somebody presses Retry, and the bot ends on the way."""

    async def point(scene: Scene) -> None:
        job = scene.job()
        failed = scene.fails(job)
        scene.rig.world.plan(job, [Outcome("Success")])
        await scene.rig.bot.start()
        await scene.rig.until(lambda: scene.rig.told()[failed.id])
        await scene.rig.until_ready()
        arm(scene, job)
        scene.pressed.append(job)
        result = await scene.rig.slack.person("ann").presses(scene.root(failed), "Retry")
        assert result.shown == "ok"
        await scene.rig.until(lambda: scene.struck or scene.rig.sent("POST", RETRY, job))
        if not scene.struck:
            await scene.rig.until(lambda: _has_hung(scene.rig, job) or scene.struck)
        if _has_hung(scene.rig, job) and not scene.struck:
            scene.strike()

    return point


def _has_hung(rig: Rig, job: Job) -> bool:
    return any(each.was_faulty and job.id in each.path for each in rig.vbr.requests.of("POST", RETRY))


def _is_here(scene: Scene, sent: Arguments) -> bool:
    return sent.text("channel") == scene.channel


def hangs(moment: Moment) -> Callable[[Scene, Job], None]:
    return lambda scene, _job: scene.rig.vbr.faults.add("POST", RETRY, hanging(moment))


def answering(method: str, fault: SlackFault) -> Callable[[Scene, Job], None]:
    def arm(scene: Scene, _job: Job) -> None:
        scene.strikes_at(method, fault, says("Retry of"))

    return arm


async def while_it_stops(scene: Scene) -> None:
    ended = scene.fails()
    await scene.rig.start()
    await scene.rig.until(lambda: scene.rig.told()[ended.id])
    process = scene.rig.bot._process
    assert process is not None
    process.terminate()
    await scene.rig.until(lambda: scene.rig.events("application.stopping"))
    scene.strike()


_HERE = "SELECT * FROM outbox WHERE channel = '{channel}' AND "
POINTS: dict[str, Point] = {
    "while the database is made": while_the_database_is_made,
    "as soon as it listens": as_soon_as_it_listens,
    "at the login": during_vbr("POST", "/api/oauth2/token"),
    "at the server's time": during_vbr("GET", "/api/v1/serverTime"),
    "during the poll": during_vbr("GET", "/api/v1/sessions"),
    "at the jobs": during_vbr("GET", "/api/v1/jobs/states"),
    "at the story's objects": during_vbr("GET", "/api/v1/sessions/{id}/taskSessions"),
    "at the story's log": during_vbr("GET", "/api/v1/sessions/{id}/logs"),
    "at auth.test": during_slack("auth.test", AFTER),
    "at the socket": during_slack("apps.connections.open", AFTER),
    "queued, not claimed": in_the_database(_HERE + "claimed_by IS NULL"),
    "claimed, not begun": in_the_database(_HERE + "claimed_by IS NOT NULL AND attempted_at IS NULL"),
    "begun, not sent": during_slack("chat.postMessage", BEFORE),
    "Slack holds the reply": during_slack("chat.postMessage", AFTER),
    "sent, perhaps marked": once_the_message_stands,
    "marked": in_the_database(_HERE + "sent_at IS NOT NULL"),
    "story begun, not sent": during_slack("chat.postMessage", BEFORE, is_reply),
    "Slack holds the story's reply": during_slack("chat.postMessage", AFTER, is_reply),
    "looking for a root": looking_for("conversations.history", lambda sent: not is_reply(sent)),
    "looking for a story": looking_for("conversations.replies", is_reply),
    "attempt not sent": telling_an_attempt("chat.postMessage", BEFORE),
    "attempt sent": telling_an_attempt("chat.postMessage", AFTER),
    "root not edited": telling_an_attempt("chat.update", BEFORE),
    "root edited": telling_an_attempt("chat.update", AFTER),
    "action not carried out": pressing(hangs(Moment.BEFORE)),
    "action carried out, not answered": pressing(hangs(Moment.AFTER)),
    "action told, reply held": pressing(answering("chat.postMessage", AFTER)),
    "while it stops": while_it_stops,
}


@pytest.mark.timeout(600)
async def test_everything_is_told_once_and_done_once_whenever_the_bot_is_killed(tmp_path: Path) -> None:
    """Twenty-eight ends in the middle of something: no session lost or told twice, no action sent twice."""
    channels = tuple(f"C0POINT{number:02d}" for number in range(len(POINTS)))
    setting = Setting(toml=routes(channels), channels=channels, polling_seconds=0.2)
    async with Rig(tmp_path, setting) as rig:
        scene = Scene(rig)
        for channel, (name, point) in zip(channels, POINTS.items(), strict=True):
            scene.channel, scene.struck = channel, False
            try:
                await point(scene)
                await rig.until(lambda: scene.struck)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"{name}: {error}") from error
            await rig.bot.kill()
            rig.slack.faults.clear()
            rig.vbr.faults.clear()
        await rig.start()
        not_done, unheard, _ = scene.pressed
        await rig.slack.person("ann").presses(scene.root(scene.first(not_done)), "Retry")
        await rig.until(
            lambda: "You already pressed Retry" in "".join(rig.whispers("ann", not_done.name[:9]))
        )
        runs = {session.id for job in rig.world.jobs for session in rig.world.sessions_of(job)}
        await rig.until(lambda: set(rig.told()) == runs and rig.waiting() == 0)

        assert rig.told() == Counter(runs)
        assert set(rig.metadata("veeam_bot", "announcement").values()) <= {1}
        assert [rig.sent("POST", RETRY, job) for job in scene.pressed] == [1, 1, 1]
        assert {session.id for session in scene.ended} <= runs
        # A run is told by itself where the answer that would have named it never came.
        assert set((_roots(rig) - Counter([unheard.id])).values()) == {1}


def _roots(rig: Rig) -> Counter[str]:
    """How many runs each job was told to have had; its attempts are in their threads."""
    return Counter(
        message.metadata["event_payload"]["job_id"]
        for message in rig.everything()
        if message.metadata and message.metadata["event_type"] == "veeam_session" and not message.is_reply
    )
