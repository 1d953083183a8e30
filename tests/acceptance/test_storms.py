"""Many failures at once, end to end: one message, Retry all, the same after a kill and after a restore."""

import shutil
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import Outcome
from bot.sandbox.vbr.state import Job
from tests.acceptance.matrix import CLICKED, PEOPLE, WHY, cases, may
from tests.acceptance.rig import EVERYTHING, PROD, RETRY, Rig, Setting

NAMES = tuple(f"Nightly {number}" for number in range(8))
ROW = "retry_all"
DISK = {"vm01": "There is not enough space on the disk."}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as made:
        yield made


def storms(rig: Rig) -> list[Message]:
    return [
        each for each in rig.everything() if (each.content.metadata or {}).get("event_type") == "veeam_storm"
    ]


def said(rig: Rig) -> list[Message]:
    return [each for each in rig.everything() if "acknowledged 8 of 8 jobs" in each.text]


def says(rig: Rig, words: str) -> bool:
    return words in storms(rig)[0].text


def is_posted(rig: Rig, words: str) -> bool:
    return any(words in each.text for each in rig.everything())


def offered_more(rig: Rig, before: int) -> bool:
    return len(rig.slack.ephemerals("ann", PROD)) > before


def all_fail(rig: Rig) -> Sequence[Job]:
    jobs = [rig.world.add_job(name, objects=["vm01"], run_seconds=2) for name in NAMES]
    for job in jobs:
        rig.world.finish_run(job, result="Failed", objects=DISK, seconds=9)
    return jobs


async def stormy(rig: Rig) -> Message:
    all_fail(rig)
    await rig.until(lambda: any(f"{len(NAMES)} jobs failed" in each.text for each in storms(rig)))
    await rig.until(lambda: rig.waiting() == 0)
    (root,) = storms(rig)
    return root


async def test_retry_all(rig: Rig) -> None:
    """One press retries each once, and says so in the thread; a second one is told; later comes another."""
    await rig.start()
    root = await stormy(rig)
    again = [job for job in rig.world.jobs if job.name == NAMES[0]]
    rig.world.plan(again[0], [Outcome("Failed", DISK), Outcome("Success")])
    assert "all of them" in root.text.casefold()
    assert root.content.metadata is not None
    assert root.content.metadata["event_payload"]["count"] == len(NAMES)
    ann, ole = rig.slack.person("ann"), rig.slack.person("ole")
    await ann.presses(root, "Retry all")
    await rig.until(lambda: rig.sent("POST", RETRY) == len(NAMES))
    await rig.until(lambda: any("retried 8 of 8 jobs" in each.text for each in rig.everything()))
    await ole.presses(root, "Retry all")
    await rig.until(lambda: rig.whispers("ole"))
    await rig.until(lambda: "7 of 8 recovered" in storms(rig)[0].text)
    assert rig.sent("POST", RETRY) == len(NAMES)
    await rig.until(lambda: "Retry 1 job?" in str(storms(rig)[0].blocks) and rig.waiting() == 0)
    await ole.presses(storms(rig)[0], "Retry all")
    await rig.until(lambda: "All 8 failed jobs recovered" in storms(rig)[0].text)
    assert rig.sent("POST", RETRY) == len(NAMES) + 1
    assert "already pressed" in rig.whispers("ole")[0]
    (said,) = (each for each in rig.everything() if "retried 8 of 8 jobs" in each.text)
    assert said.thread_ts == root.ts
    assert not rig.told()
    recorded = rig.rows("SELECT job_name FROM audit WHERE event = 'opened' AND operation = 'job.retry'")
    assert sorted(row["job_name"] for row in recorded) == sorted([*NAMES, NAMES[0]])


async def test_details_of_each(rig: Rig) -> None:
    """The list in its thread leads to each failure in full, with what can be done about it."""
    await rig.start()
    root = await stormy(rig)
    (listed,) = (each for each in rig.everything() if each.thread_ts == root.ts)
    (menu,) = (block["elements"][0] for block in listed.content.blocks if block["type"] == "actions")
    await rig.slack.person("ann").chooses(listed, menu["action_id"], NAMES[3])
    await rig.until(lambda: rig.whispers("ann"))
    shown = rig.whispers("ann")[-1]
    assert NAMES[3] in shown
    assert DISK["vm01"] in shown


async def test_acknowledging_all(rig: Rig) -> None:
    """One press owns each, the root says whose they are; by another press of it another person takes over."""
    await rig.start()
    root = await stormy(rig)
    for name in ("ann", "ole"):
        person = rig.slack.person(name)
        await person.presses(storms(rig)[0], "Acknowledge")
        await rig.until(partial(says, rig, f"8 acknowledged by <@{person.person.id}>"))
        await rig.until(lambda: rig.waiting() == 0)
    await rig.until(lambda: len(said(rig)) == 2)
    assert [each.thread_ts for each in said(rig)] == [root.ts] * 2
    assert rig.sent("POST", RETRY) == 0
    recorded = rig.rows("SELECT job_name FROM audit WHERE event = 'opened' AND operation = 'job.ack'")
    assert sorted(row["job_name"] for row in recorded) == sorted(NAMES * 2)


async def test_a_mention_in_its_thread(rig: Rig) -> None:
    """Words change nothing: the person is offered the button that does it to all of them, and it does."""
    await rig.start()
    root = await stormy(rig)
    ann = rig.slack.person("ann")
    for words, label, done in (
        ("ack because the disks are ordered", "Acknowledge", "acknowledged 8 of 8 jobs"),
        ("mute", "Mute", "muted 8 of 8 jobs"),
        ("retry", "Retry all", "retried 8 of 8 jobs"),
    ):
        before = len(rig.slack.ephemerals("ann", PROD))
        await ann.says(PROD, f"@veeam {words}", thread_ts=root.ts)
        await rig.until(partial(offered_more, rig, before))
        offered = rig.slack.ephemerals("ann", PROD)[before]
        assert "8 jobs" in offered.text
        assert not is_posted(rig, done)
        await ann.presses(offered, label)
        await rig.until(partial(is_posted, rig, done))
    assert len(rig.rows("SELECT * FROM mutes WHERE ended_at IS NULL")) == len(NAMES)


async def test_who_may_not_retry_all(rig: Rig) -> None:
    """Each role without Retry, and whoever has none, is refused with the reason; nothing is sent."""
    await rig.start()
    root = await stormy(rig)
    refused = [letter for row, letter in cases(CLICKED) if row == ROW and not may(CLICKED, ROW, letter)]
    assert refused
    for letter in refused:
        person = PEOPLE[letter]
        if person in {"gus", "fay", "dee"}:
            continue  # not in this channel: their buttons are in test_permissions
        await rig.slack.person(person).presses(root, "Retry all")
        await rig.until(partial(rig.whispers, person))
        assert WHY[letter] in rig.whispers(person)[0]
    assert rig.sent("POST", RETRY) == 0


async def test_an_older_database_finds_its_storm_again(rig: Rig, tmp_path: Path) -> None:
    """What was told in one message before an older database was restored is not told again."""
    await rig.start()
    await rig.ends()
    shutil.copyfile(tmp_path / "bot.db", tmp_path / "backup.db")
    await rig.start()
    await stormy(rig)
    there = {(each.channel, each.ts) for each in rig.everything()}
    await rig.bot.kill()
    for name in ("bot.db-wal", "bot.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "backup.db", tmp_path / "bot.db")
    await rig.start()
    await rig.until(lambda: rig.rows("SELECT * FROM outbox WHERE kind = 'storm' AND sent_at IS NOT NULL"))
    await rig.until(lambda: rig.waiting() == 0)
    assert {(each.channel, each.ts) for each in rig.everything()} == there
    assert len(rig.slack.messages(PROD)) == 1


async def test_retry_all_ends_at_ones_grants(tmp_path: Path) -> None:
    """Jobs outside the presser's grants stay as they are: counted, not named, and refused on record."""
    grants = '[[grants]]\nuser = "U0NIA"\nrole = "Veeam Backup Operator"\njobs = ["*0", "*1"]\n'
    async with Rig(tmp_path, Setting(toml=EVERYTHING + grants, polling_seconds=0.2)) as rig:
        await rig.start()
        root = await stormy(rig)
        await rig.slack.person("nia").presses(root, "Retry all")
        await rig.until(lambda: any("retried 2 of 8 jobs" in each.text for each in rig.everything()))
        (said,) = (each for each in rig.everything() if "retried 2 of 8 jobs" in each.text)
        assert "6 outside their permissions" in said.text
        assert NAMES[5] not in said.text
        assert rig.sent("POST", RETRY) == 2
        refused = rig.rows("SELECT * FROM audit WHERE outcome = 'refused'")
        assert refused
