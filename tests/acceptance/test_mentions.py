"""The bot is spoken to in channels, in threads and alone, over both of Slack's ways."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.transport import Attempt
from bot.sandbox.vbr import World
from bot.sandbox.vbr.state import Job
from tests.acceptance.rig import EVERYTHING, PROD, RETRY, SHARED, START, Rig, Setting, now

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN_CAUSE = '[[causes]]\nname = "quiesce"\ntitle = "Guest too busy"\npatterns = ["freeze guest, wait*"]\n'
NONSENSE = (
    "colourless green ideas",
    "jbos faild",
    "<@U0BEN> lunch?",
    "*`_~",
    "",
    "retyr all",
    "\u202e",
    "&lt;!here>",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    world = World(now, name="hq")
    folder = tmp_path_factory.mktemp(request.param)
    setting = Setting(toml=f"{EVERYTHING}{OWN_CAUSE}")
    async with Rig(folder, setting, world=world, http_mode=request.param == "http") as made:
        made.slack.rates.is_on = False
        await made.start()
        yield made


def job(rig: Rig, name: str) -> Job:
    """A job of this name, which runs for an hour once it is started."""
    return rig.world.add_job(f"{name} {len(list(rig.world.jobs))}", run_seconds=3600)


def alone(rig: Rig, person: str, channel: str = PROD) -> list[Message]:
    """What this person alone was answered; that an answer takes long is none."""
    answers = rig.slack.ephemerals(person, channel)
    return [message for message in answers if "Still asking" not in message.text]


async def mentions(
    rig: Rig, person: str, text: str, channel: str = PROD, thread: str | None = None
) -> Message:
    """Write it, and return the answer that the person alone gets."""
    before = len(alone(rig, person, channel))
    await rig.slack.person(person).says(channel, text, thread_ts=thread)
    await rig.until(lambda: len(alone(rig, person, channel)) > before)
    return alone(rig, person, channel)[before]


async def writes(rig: Rig, person: str, text: str) -> Message:
    """Write it to the bot alone, and return its answer."""
    workspace, who = rig.slack.workspace, rig.slack.person(person)
    direct = workspace.conversations.direct(workspace.app.bot_user, who.person.id)
    before = len(direct.messages)
    await who.says(direct.id, text)
    await rig.until(lambda: len(direct.messages) > before + 1)
    return list(direct.messages.values())[before + 1]


def refusals(rig: Rig, person: str) -> list[tuple[str, str, str]]:
    """What this person was refused, by operation, reason and origin."""
    rows = rig.rows("SELECT * FROM audit WHERE event = 'refused' ORDER BY id")
    own = [row for row in rows if row["person_id"] == rig.slack.person(person).person.id]
    return [(str(row["operation"]), str(row["detail"]), str(row["origin"])) for row in own]


async def test_a_question_in_a_channel(rig: Rig) -> None:
    """The person alone is answered, and the channel has nothing but the question."""
    asked = job(rig, "Files")
    before = len(rig.slack.messages(PROD))
    answer = await mentions(rig, "vic", f"could somebody look? @veeam job {asked.name}")
    assert asked.name in answer.text
    assert answer.thread_ts is None
    assert len(rig.slack.messages(PROD)) == before + 1


async def test_an_action_in_a_channel_waits_for_its_button(rig: Rig) -> None:
    """Nothing is sent for the words; the press does it, in the channel, once."""
    started = job(rig, "Files")
    answer = await mentions(rig, "ann", f"@veeam start {started.name} full")
    assert "A message alone changes nothing" in answer.text
    assert rig.sent("POST", START, started) == 0
    before = len(rig.slack.messages(PROD))
    result = await rig.slack.person("ann").presses(answer, "Start")
    assert result.confirm is not None
    assert "active full" in str(result.confirm)
    await rig.until(lambda: len(rig.slack.messages(PROD)) > before)
    assert rig.sent("POST", START, started) == 1
    assert "<@U0ANN>" in rig.slack.messages(PROD)[-1].text


async def test_a_person_who_may_not_is_offered_nothing(rig: Rig) -> None:
    """A viewer's mention of an action is refused and on record."""
    asked, before = job(rig, "Files"), len(refusals(rig, "vic"))
    answer = await mentions(rig, "vic", f"@veeam start {asked.name}")
    assert "Requires" in answer.text
    assert refusals(rig, "vic")[before:] == [("job.start", "role", "mention")]


async def test_a_direct_message(rig: Rig) -> None:
    """A question is answered by a message; an action by one with the button, which does it there."""
    started = job(rig, "Files")
    answer = await writes(rig, "ann", f"job {started.name}")
    assert started.name in answer.text
    assert answer.by_app
    assert answer.reader is None
    offered = await writes(rig, "ann", f"start {started.name}")
    assert "A message alone changes nothing" in offered.text
    assert rig.sent("POST", START, started) == 0
    direct = rig.slack.workspace.conversations.channels[offered.channel]
    before = len(direct.messages)
    await rig.slack.person("ann").presses(offered, "Start")
    await rig.until(lambda: len(direct.messages) > before)
    assert rig.sent("POST", START, started) == 1
    assert "<@U0ANN>" in list(direct.messages.values())[before].text


async def test_the_thread_of_a_completion(rig: Rig) -> None:
    """There no name is needed: it is about that job, `session` and `why` about that session.

    The cause is one of the settings.
    """
    failed = job(rig, "Mail")
    said = {failed.objects[0]: "Failed to freeze guest, wait timeout"}
    session = rig.world.finish_run(failed, result="Failed", seconds=9, objects=said)
    await rig.until(lambda: rig.told()[session.id] >= 1)
    root = next(
        each
        for each in rig.slack.messages(PROD)
        if each.metadata and each.metadata["event_payload"].get("session_id") == session.id
    )
    shown = await mentions(rig, "vic", "@veeam job", thread=root.ts)
    assert (failed.name in shown.text, shown.thread_ts) == (True, root.ts)
    for words in ("sessions", "session"):
        assert failed.name in (await mentions(rig, "vic", f"@veeam {words}", thread=root.ts)).text
    explained = await mentions(rig, "vic", "@veeam why", thread=root.ts)
    assert (failed.name in explained.text, "*Guest too busy*" in explained.text) == (True, True)
    offered = await mentions(rig, "ole", "what now? @veeam retry", thread=root.ts)
    assert (failed.name in offered.text, offered.thread_ts) == (True, root.ts)
    assert rig.sent("POST", RETRY, failed) == 0
    await rig.slack.person("ole").presses(offered, "Retry")
    await rig.until(lambda: rig.sent("POST", RETRY, failed) == 1)


async def test_another_thread_is_about_no_job(rig: Rig) -> None:
    """Below what a person wrote, the bot asks which job is meant."""
    written = await rig.slack.person("ann").says(PROD, "lunch?")
    answer = await mentions(rig, "ann", "@veeam job", thread=written.ts)
    assert "Which job?" in answer.text


@pytest.mark.parametrize(
    ("person", "channel", "detail"),
    [("nia", PROD, "no_grant"), ("gus", PROD, "standing"), ("fay", SHARED, "standing")],
)
async def test_whom_a_command_would_refuse(rig: Rig, person: str, channel: str, detail: str) -> None:
    """Nobody without a role, no guest and nobody of another organisation; refused, and on record."""
    before = len(refusals(rig, person))
    for words, operation in (("jobs", "jobs.list"), ("start Files", "job.start")):
        answer = await mentions(rig, person, f"@veeam {words}", channel)
        assert "Nothing was done" in answer.text
        assert refusals(rig, person)[before:] == [(operation, detail, "mention")]
        before += 1


async def test_a_channel_that_others_read(rig: Rig) -> None:
    """A question is answered for the person alone; an action is not even offered."""
    asked, before = job(rig, "Files"), len(refusals(rig, "ann"))
    stands = len(rig.slack.messages(SHARED))
    assert asked.name in (await mentions(rig, "ann", f"@veeam job {asked.name}", SHARED)).text
    refused = await mentions(rig, "ann", f"@veeam start {asked.name}", SHARED)
    assert "Another organisation reads this channel" in refused.text
    assert refusals(rig, "ann")[before:] == [("job.start", "shared_channel", "mention")]
    assert len(rig.slack.messages(SHARED)) == stands + 2


async def test_a_message_that_comes_again(rig: Rig) -> None:
    """Slack's retries, and the same message under another event ID, are not answered again."""
    asked = job(rig, "Files")
    await mentions(rig, "ben", f"@veeam job {asked.name}")
    await rig.until(lambda: any(each.kind == "events_api" for each in rig.slack.deliveries))
    payload = next(each.payload for each in reversed(rig.slack.deliveries) if each.kind == "events_api")
    deliveries = rig.slack.person("ben").deliveries
    for attempt in (Attempt(1, "http_timeout"), Attempt(2, "http_timeout")):
        assert (await deliveries.send("events_api", payload, attempt)).outcome == "acked"
    assert (await rig.delivers("events_api", payload | {"event_id": "Ev0OTHER"})).outcome == "acked"
    await mentions(rig, "ben", "@veeam whoami")
    assert [asked.name in each.text for each in alone(rig, "ben")][-2:] == [True, False]


async def test_what_is_no_question_of_a_person(rig: Rig) -> None:
    """Edited messages, bots and what else Slack reports are acknowledged, and that is all."""
    await mentions(rig, "tom", "@veeam whoami")
    payload = next(each.payload for each in reversed(rig.slack.deliveries) if each.kind == "events_api")
    before = len(rig.everything()), len(alone(rig, "tom"))
    changes: list[dict[str, Any]] = [
        {"edited": {"user": "U0TOM", "ts": "9.9"}},
        {"bot_id": "B0OTHER"},
        {"user": "U0VEEAMBOT"},
        {"type": "message", "channel_type": "im", "subtype": "message_changed"},
        {"type": "message", "channel_type": "im", "subtype": "message_deleted"},
        {"type": "message", "channel_type": "channel"},
    ]
    for number, change in enumerate(changes):
        event = payload["event"] | {"ts": f"1763899200.00000{number}"} | change
        assert (await rig.delivers("events_api", payload | {"event": event})).outcome == "acked"
    await mentions(rig, "vic", "@veeam whoami")
    assert (len(rig.everything()), len(alone(rig, "tom"))) == (before[0] + 1, before[1])


async def test_much_nonsense(rig: Rig) -> None:
    """Each is answered, VBR is asked nothing, and the next question is answered as ever."""
    asked, heard = job(rig, "Files"), len(alone(rig, "ria"))
    lists = rig.sent("GET", "/api/v1/jobs/states")
    ria = rig.slack.person("ria")
    for number in range(200):
        await ria.says(PROD, f"@veeam {NONSENSE[number % len(NONSENSE)]} {number}")
    await rig.until(lambda: len(alone(rig, "ria")) == heard + 200)
    assert rig.sent("GET", "/api/v1/jobs/states") - lists < 10
    assert asked.name in (await mentions(rig, "ria", f"@veeam job {asked.name}")).text
    assert "Traceback" not in rig.log
