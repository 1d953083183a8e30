"""Forms over the wire: opened at once, checked at the field, and run once they were sent off."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.operations.actions.delete import Delete
from bot.operations.catalog import BY_NAME
from bot.operations.model import KnownJob
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.messages import Content, Message
from bot.sandbox.slack.normal import stored_blocks
from bot.sandbox.slack.views import View
from bot.sandbox.vbr import World
from bot.sandbox.vbr.faults import Fault
from bot.sandbox.vbr.state import Job
from bot.slack.codec import action_id, encode_run
from bot.veeam import JobId, ServerName
from tests.acceptance.rig import IN_SHARED, SHARED, Rig, now

FIELD = "typed_name"
DELETING = ("DELETE", "/api/v1/jobs/{id}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("forms")
    world = World(now, name="hq")
    async with Rig(folder, IN_SHARED, world=world) as made:
        made.slack.rates.is_on = False
        await made.start()
        yield made


def job_of(rig: Rig, name: str) -> Job:
    job = rig.world.add_job(name)
    rig.world.finish_run(job, result="Success", seconds=9)
    return job


def top(rig: Rig, person: str) -> View:
    return rig.slack.workspace.views.stack(rig.slack.person(person).person.id)[-1]


def says(rig: Rig, person: str, words: str) -> bool:
    stack = rig.slack.workspace.views.stack(rig.slack.person(person).person.id)
    return bool(stack) and words in str(stack[-1].blocks)


def is_gone(rig: Rig, job: Job) -> bool:
    return job not in rig.world.jobs


def channel_says(rig: Rig, words: str) -> bool:
    return any(words in message.text for message in rig.slack.messages(SHARED))


def button(rig: Rig, job: Job) -> Message:
    """A message of the bot's that bears Delete."""
    element = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Delete"},
        "action_id": action_id(BY_NAME["delete"]),
        "value": encode_run(Delete(KnownJob(ServerName("hq"), JobId(job.id)))),
    }
    conversations = rig.slack.workspace.conversations
    content = Content("Delete", stored_blocks([{"type": "actions", "elements": [element]}]))
    return conversations.post(
        conversations.channel(SHARED), content, Posting(rig.slack.workspace.app.bot_user, by_app=True)
    )


async def opened(rig: Rig, job: Job, *, clicked: bool = False, person: str = "ann") -> View:
    actor = rig.slack.person(person)
    if clicked:
        await actor.presses(button(rig, job), "Delete")
    else:
        await actor.types(SHARED, f'delete "{job.name}"')
    # The form of an earlier test may still be open.
    await rig.until(lambda: says(rig, person, "Its backups stay") and says(rig, person, job.name))
    return top(rig, person)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("clicked", [False, True], ids=["typed", "clicked"])
async def test_a_job_is_deleted_by_form(rig: Rig, *, clicked: bool) -> None:
    """Typed or clicked, a form asks for the name; then the job is gone, and the channel is told by whom."""
    job = job_of(rig, f"Gone {'clicked' if clicked else 'typed'}")
    view = await opened(rig, job, clicked=clicked)
    result = await rig.slack.person("ann").submits(view, {FIELD: job.name})
    assert result.shown == "ok", result
    await rig.until(lambda: is_gone(rig, job))
    await rig.until(lambda: channel_says(rig, f"*{job.name}* on hq deleted by <@U0ANN>"))
    await rig.until(lambda: says(rig, "ann", "deleted by"))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("typed", ["Keep m", "keep me", "Keep me too"])
async def test_another_name_is_an_error_at_its_field(rig: Rig, typed: str) -> None:
    """The form stays open with what was typed; nothing is sent."""
    job = next((job for job in rig.world.jobs if job.name == "Keep me"), None) or job_of(rig, "Keep me")
    view = await opened(rig, job)
    result = await rig.slack.person("ann").submits(view, {FIELD: typed})
    assert result.errors == {FIELD: "This is not its name. Its name is Keep me"}
    assert top(rig, "ann").entered[FIELD][FIELD]["value"] == typed
    assert rig.sent(*DELETING, job) == 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_form_sent_twice_acts_once(rig: Rig) -> None:
    """Slack delivers a submission again: one deletion."""
    job = job_of(rig, "Once")
    view = await opened(rig, job)
    result = await rig.slack.person("ann").submits(view, {FIELD: job.name})
    assert result.payload is not None
    await rig.delivers("interactive", result.payload)
    await rig.until(lambda: is_gone(rig, job))
    await rig.until(lambda: rig.events("operation.finished")[-1]["outcome"] in {"pressed_before", "done"})
    assert rig.sent(*DELETING, job) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_form_opens_before_vbr_has_answered(rig: Rig) -> None:
    """A trigger lives three seconds, so the form is there at once and filled later."""
    job = job_of(rig, "Slowly")
    rig.vbr.faults.add("GET", "/api/v1/jobs/states", Fault(delay_seconds=1))
    await rig.slack.person("ann").types(SHARED, f'delete "{job.name}"')
    await rig.until(lambda: says(rig, "ann", "Asking VBR"), seconds=2)
    await rig.until(lambda: says(rig, "ann", "Its backups stay"))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stale_trigger_leaves_a_button(rig: Rig) -> None:
    """Where no form can be opened, the answer is a message with the button that opens it."""
    job = job_of(rig, "Late")
    actor = rig.slack.person("ann")
    place = rig.slack.workspace.conversations.channel(SHARED)
    words = f'delete "{job.name}"'
    payload = actor.payloads.slash_command(actor.person, place, "/veeam", words, typed=words)
    await rig.delivers("slash_commands", payload | {"trigger_id": "1.2.stale"})
    await rig.until(
        lambda: any("Press the button to open the form" in text for text in rig.whispers("U0ANN", SHARED))
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_vbrs_four_eyes_are_explained(rig: Rig) -> None:
    """VBR's refusal is told as what it is."""
    job = job_of(rig, "Guarded")
    rig.world.four_eyes = True
    try:
        view = await opened(rig, job)
        await rig.slack.person("ann").submits(view, {FIELD: job.name})
        await rig.until(lambda: says(rig, "ann", "four-eyes authorization is on"))
    finally:
        rig.world.four_eyes = False
    assert not is_gone(rig, job)
