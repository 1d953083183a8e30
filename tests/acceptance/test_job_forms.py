"""Jobs made and changed by form over the wire: searched, filled in, looked over, sent once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.vbr import Fault, World
from tests.acceptance.form_person import Person
from tests.acceptance.rig import IN_SHARED, SHARED, Rig, now

CREATING = ("POST", "/api/v1/jobs")
EDITING = ("PUT", "/api/v1/jobs/{id}")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[False, True], ids=["socket", "http"])
async def rig(tmp_path_factory: pytest.TempPathFactory, request: Any) -> AsyncIterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("job-forms")
    world = World(now, name="hq")
    world.add_job("Servers", objects=("web01", "web02", "db01"))
    async with Rig(folder, IN_SHARED, world=world, http_mode=request.param) as made:
        made.slack.rates.is_on = False
        await made.start()
        yield made


async def filled(rig: Rig, person: Person, name: str) -> None:
    """Ask for a new job, and fill in all that it needs."""
    await person.actor.types(SHARED, "create")
    await person.sees("like an existing job")
    await person.submits({})
    await person.sees("Machines and containers")
    machine = await person.option("objects", "web01", "web01")
    repository = next(iter(rig.world.book.repositories.values()))
    chosen = await person.option("repository", "", repository.name)
    await person.submits({"name": name, "objects": [machine], "repository": chosen})


@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_is_created_by_form(rig: Rig) -> None:
    """Choose, fill in, look over, send: the job is there as it was shown, and the channel is told by whom."""
    ann, before = Person(rig, "ann"), rig.sent(*CREATING)
    await filled(rig, ann, "Web tier")
    summary = await ann.sees("Objects: web01")
    assert "every day at 22:00" in str(summary.blocks)
    assert rig.sent(*CREATING) == before
    await ann.submits({})
    await rig.until(
        lambda: any("Web tier* on hq created by <@U0ANN>" in each.text for each in rig.slack.messages(SHARED))
    )
    job = rig.world.book.job_named("Web tier")
    assert job is not None
    assert job.objects == ["web01"]
    assert rig.sent(*CREATING) == before + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_is_edited_by_form(rig: Rig) -> None:
    """Only what was changed is changed; Previous shows what was entered; the channel is told what it was."""
    ann = Person(rig, "ann")
    rig.world.add_job("Intranet", objects=("intra01",))
    before = dict(rig.world.job("Intranet").model)
    await ann.actor.types(SHARED, "edit Intranet")
    await ann.sees("Keep backups for")
    await ann.submits({"name": "Intranet (old)", "retention": "30"})
    await ann.sees("Name: Intranet → Intranet (old)")
    await ann.actor.presses(ann.view, "Previous")
    await ann.sees("Keep backups for")
    await ann.submits({})
    await ann.sees("Retention: 14 days → 30 days")
    await ann.submits({})
    await rig.until(lambda: any("edited by <@U0ANN>" in each.text for each in rig.slack.messages(SHARED)))
    body = rig.vbr.requests.of(*EDITING)[-1].body
    assert {key for key in before if body[key] != before[key]} == {"name", "storage"}


@pytest.mark.asyncio(loop_scope="module")
async def test_the_form_is_drawn_again_for_another_rhythm(rig: Rig) -> None:
    """Only the fields that apply stand there; what was entered stays, and comes back with its field."""
    ann = Person(rig, "ann")
    rig.world.add_job("Payroll", objects=("pay01",))

    async def chooses(rhythm: str, fields: set[str]) -> None:
        await ann.actor.chooses(ann.view, "rhythm", rhythm)
        asked = {"at", "days", "after_job"}
        await rig.until(lambda: {str(block.get("block_id")) for block in ann.view.blocks} & asked == fields)

    await ann.actor.types(SHARED, "edit Payroll")
    await ann.sees("Keep backups for")
    await ann.actor.chooses(ann.view, "name", "Payroll (new)")
    await chooses("weekdays", {"at"})
    await ann.actor.chooses(ann.view, "at", "04:30")
    await chooses("after_job", {"after_job"})
    await chooses("by_hand", set())
    await chooses("every_day", {"at"})
    await ann.submits({})
    await ann.sees("Name: Payroll → Payroll (new)")
    await ann.sees("every day at 04:30")


@pytest.mark.asyncio(loop_scope="module")
async def test_vbrs_no_stands_below_its_field(rig: Rig) -> None:
    """In VBR's words, with all that was entered; corrected, it is sent and done."""
    ann = Person(rig, "ann")
    words = json.dumps({"errorCode": "UnknownError", "message": "The retentionPolicy is not supported."})
    await filled(rig, ann, "Web tier 2")
    await ann.sees("Objects: web01")
    rig.vbr.faults.add(*CREATING, Fault(status=400, body=words.encode()))
    await ann.submits({})
    view = await ann.sees("The retentionPolicy is not supported.")
    blocks = [block.get("block_id") for block in view.blocks]
    place = next(number for number, block in enumerate(view.blocks) if "not supported" in str(block))
    assert blocks[place - 1] == "retention"
    await ann.submits({"retention": "30"})
    await ann.sees("Retention: 30 days")
    await ann.submits({})
    await rig.until(lambda: rig.world.book.job_named("Web tier 2"))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_server_that_does_not_answer_leaves_the_form(rig: Rig) -> None:
    """It says so, with all that was entered; Next goes on when the server is back."""
    ann = Person(rig, "ann")
    await ann.actor.types(SHARED, "create")
    await ann.sees("like an existing job")
    await ann.submits({})
    await ann.sees("Machines and containers")
    machine = await ann.option("objects", "web01", "web01")
    repository = next(iter(rig.world.book.repositories.values()))
    chosen = await ann.option("repository", "", repository.name)
    for path in ("/api/v1/jobs/states", "/api/v1/jobs"):
        rig.vbr.faults.add("GET", path, Fault(status=500), times=10)
    await ann.submits({"name": "Web tier 3", "objects": [machine], "repository": chosen, "retention": "30"})
    view = await ann.sees("Nothing was changed")
    assert "Web tier 3" in str(view.blocks)
    assert "web01" in str(view.blocks)
    rig.vbr.faults.clear()
    await ann.submits({})
    await ann.sees("Retention: 30 days")
    await ann.submits({})
    await rig.until(lambda: rig.world.book.job_named("Web tier 3"))


@pytest.mark.asyncio(loop_scope="module")
async def test_killed_between_the_form_and_its_summary_nothing_is_lost(rig: Rig) -> None:
    """The bot that comes back goes on with what was entered, and makes the job once."""
    ann = Person(rig, "ann")
    await filled(rig, ann, "Web tier 4")
    await ann.sees("Objects: web01")
    rig.bot.kill_now()
    await rig.start()
    sent = rig.sent(*CREATING)
    await ann.submits({})
    await rig.until(lambda: rig.world.book.job_named("Web tier 4"))
    assert rig.sent(*CREATING) == sent + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_menu_that_takes_too_long_is_empty_in_time(rig: Rig) -> None:
    """Slack waits three seconds: an empty menu in time, a line in the log, and the next search finds it."""
    ann = Person(rig, "ann")
    await ann.actor.types(SHARED, "create")
    await ann.sees("like an existing job")
    await ann.submits({})
    view = await ann.sees("Machines and containers")
    states = "/api/v1/backupInfrastructure/repositories/states"
    rig.vbr.faults.add("GET", states, Fault(delay_seconds=4))
    found = await ann.actor.suggests(view, None, "repository", "")
    assert (found.shown, found.options) == ("ok", [])
    assert rig.events("veeam.detail_missing")[-1]["detail"] == "repositories"
    repository = next(iter(rig.world.book.repositories.values()))
    assert await ann.option("repository", "", repository.name)
