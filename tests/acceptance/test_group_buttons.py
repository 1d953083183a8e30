"""Buttons on a cause of a digest and of a report, end to end: each job once, told in one place."""

from pathlib import Path

from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import World
from tests.acceptance.rig import PROD, RETRY, Rig, Setting, now

NAMES = tuple(f"Nightly {number}" for number in range(4))
DISK = {"vm01": "There is not enough space on the disk."}


def failed_night() -> World:
    world = World(now, name="hq")
    for name in NAMES:
        job = world.add_job(name, objects=("vm01",), run_seconds=2)
        world.finish_run(job, result="Failed", objects=DISK, seconds=9)
    return world


def said(rig: Rig, words: str) -> list[Message]:
    return [each for each in rig.everything() if words in each.text]


def retried(rig: Rig) -> int:
    return rig.sent("POST", RETRY)


async def test_a_digests_group_is_acknowledged_and_retried(tmp_path: Path) -> None:
    """In its thread: who owns the runs, then what was retried, also after a restart; pressed once by one."""
    digest = f'[[digests]]\nchannel = "{PROD}"\nat = "{now():%H:%M}"\n'
    async with Rig(tmp_path, Setting(toml=digest, polling_seconds=0.2), world=failed_night()) as rig:
        ann, ole = rig.slack.person("ann"), rig.slack.person("ole")
        await rig.start()
        await rig.until(lambda: len(rig.told()) == len(NAMES) and said(rig, "The jobs behind this digest"))
        (root,), (listed,) = said(rig, "Backup digest,"), said(rig, "The jobs behind this digest")
        asked = (await ann.presses(root, "Retry all", confirms=False)).confirm
        assert asked is not None
        assert asked["title"]["text"] == "Retry 4 jobs?"
        assert "Nightly 2* and 1 more. " in asked["text"]["text"]
        await ole.presses(listed, "Acknowledge")
        await rig.until(lambda: said(rig, "acknowledged 4 of 4 jobs"))
        await rig.ends()
        await rig.start()
        await ann.presses(root, "Retry all")
        await rig.until(lambda: said(rig, "retried 4 of 4 jobs"))
        await ole.presses(listed, "Retry all")
        await rig.until(lambda: rig.whispers("ole"))
        assert "already pressed" in rig.whispers("ole")[-1]
        assert retried(rig) == len(NAMES)
        (owned,), (again,) = said(rig, "acknowledged 4 of 4"), said(rig, "retried 4 of 4")
        assert {owned.thread_ts, again.thread_ts} == {root.ts}
        acknowledged = rig.rows("SELECT * FROM audit WHERE event = 'opened' AND operation = 'job.ack'")
        assert sorted(row["job_name"] for row in acknowledged) == list(NAMES)


async def test_a_reports_group_is_retried(tmp_path: Path) -> None:
    """The answer is private; what was done of it is for the channel, as with any action."""
    async with Rig(tmp_path, Setting(toml="", polling_seconds=3600), world=failed_night()) as rig:
        ann = rig.slack.person("ann")
        await rig.start()
        assert "4 jobs are failing" in await rig.asks("ann", "report")
        answer = rig.slack.ephemerals("ann", PROD)[-1]
        rig.world.finish_run(NAMES[3], result="Success", seconds=0.1)
        await ann.presses(answer, "Retry all")
        await rig.until(lambda: said(rig, "retried 3 of 4 jobs"))
        (again,) = said(rig, "retried 3 of 4 jobs")
        assert (again.channel, again.thread_ts) == (PROD, None)
        assert "Nightly 3" in again.text
        assert retried(rig) == 3
