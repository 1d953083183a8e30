"""What takes a second person, over the wire: asked, the bot killed and started, approved, done once."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import Moment
from bot.sandbox.vbr.faults import hanging
from bot.sandbox.vbr.state import Job
from bot.store import AuditLog, Database
from tests.acceptance.matrix import CLICKED, PEOPLE, WHY, cases, may
from tests.acceptance.rig import PROD, START, Rig, Setting

DISABLING = ("POST", "/api/v1/jobs/{id}/disable")
DELETING = ("DELETE", "/api/v1/jobs/{id}")
SETTING = Setting(toml='[approvals]\noperations = ["delete", "start"]\n', polling_seconds=3600)


@pytest.fixture(params=[False, True], ids=["socket", "http"])
async def rig(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, SETTING, http_mode=request.param) as made:
        await made.start()
        yield made


def standing(rig: Rig, words: str) -> list[Message]:
    return [message for message in rig.slack.messages(PROD) if words in message.text]


def labels(message: Message) -> list[str]:
    return [
        element["text"]["text"]
        for block in message.blocks
        for element in block.get("elements", ())
        if element["type"] == "button"
    ]


async def asks_to_delete(rig: Rig, job: Job) -> Message:
    ann = rig.slack.person("ann")
    await ann.types(PROD, f'delete "{job.name}"')
    stack = rig.slack.workspace.views
    await rig.until(lambda: any("typed_name" in str(view.blocks) for view in stack.stack("U0ANN")))
    view = stack.stack("U0ANN")[-1]
    sent_off = await ann.submits(view, {"typed_name": job.name, "reason": "retired <!channel>"})
    assert "Asking for approval" in str(sent_off.ack["view"]["blocks"])
    await rig.until(lambda: standing(rig, "asks to delete"))
    return standing(rig, "asks to delete")[0]


async def told_alone(rig: Rig, person: str, words: str) -> None:
    await rig.until(lambda: any(words in text for text in rig.whispers(person)))


async def test_asked_killed_approved_and_done_once(rig: Rig) -> None:
    """The request outlives the bot; others are refused; the second administrator's press deletes the job."""
    job = rig.world.add_job("Files")
    asked = await asks_to_delete(rig, job)
    assert labels(asked) == ["Approve", "Decline", "Details"]
    assert "retired &lt;!channel&gt;" in asked.text
    await rig.bot.kill()
    await rig.start()

    await rig.slack.person("ann").presses(asked, "Approve")
    await told_alone(rig, "U0ANN", "You can't approve your own request")
    await rig.slack.person("ole").presses(asked, "Approve")
    await told_alone(rig, "U0OLE", "Your role does not include")
    assert rig.sent(*DELETING) == 0

    await rig.slack.person("ben").presses(asked, "Approve")
    await rig.until(lambda: standing(rig, "deleted by <@U0ANN>, approved by <@U0BEN>"))
    await rig.until(lambda: standing(rig, "Done: approved by <@U0BEN>"))
    (done,) = standing(rig, "Done: approved by <@U0BEN>")
    assert (done.ts, labels(done), rig.sent(*DELETING)) == (asked.ts, [], 1)
    assert [each.name for each in rig.world.jobs] == []
    (opened,) = rig.rows("SELECT * FROM audit WHERE event = 'opened' AND approver_id IS NOT NULL")
    assert (opened["person_id"], opened["approver_id"], opened["reason"]) == (
        "U0ANN", "U0BEN", "retired <!channel>",
    )  # fmt: skip
    shown = "SELECT * FROM audit WHERE event = 'shown'"
    await rig.until(lambda: opened["id"] in [row["entry_id"] for row in rig.rows(shown)])
    said = await rig.asks("ann", "audit")
    assert "Approved by <@U0BEN>" in said
    await rig.until(lambda: not rig.waiting())
    database = Database(f"sqlite:///{rig.folder / 'bot.db'}")
    assert (await AuditLog(database).check()).broken_at is None
    await database.close()


async def test_a_second_press_and_a_redelivery_do_nothing(rig: Rig) -> None:
    """Slack delivers the approval again, and somebody presses late: sent once, and the latter hears who."""
    job = rig.world.add_job("Files")
    asked = await asks_to_delete(rig, job)
    result = await rig.slack.person("ben").presses(asked, "Approve")
    assert result.payload is not None
    await rig.delivers("interactive", result.payload)
    await told_alone(rig, "U0BEN", "You already pressed Approve")
    await rig.until(lambda: standing(rig, "Done: approved by"))
    assert rig.sent(*DELETING) == 1


async def test_an_approved_start_is_followed(rig: Rig) -> None:
    """The progress of what was approved names both, to its end; the asker withdraws another one."""
    job = rig.world.add_job("SQL Prod", run_seconds=2)
    await rig.slack.person("ole").types(PROD, "start SQL Prod")
    await rig.until(lambda: standing(rig, "asks to start"))
    await rig.slack.person("ann").presses(standing(rig, "asks to start")[0], "Approve")
    await rig.until(lambda: standing(rig, "started by <@U0OLE>, approved by <@U0ANN>"))
    assert rig.sent("POST", START, job) == 1
    followed = "started by <@U0OLE>, approved by <@U0ANN>"
    await rig.until(lambda: "Success · took" in standing(rig, followed)[0].text)

    await rig.slack.person("ole").types(PROD, "start SQL Prod full")
    await rig.until(lambda: standing(rig, "Active full."))
    await rig.slack.person("ole").presses(standing(rig, "Active full.")[0], "Decline")
    await rig.until(lambda: standing(rig, "Withdrawn by <@U0OLE>"))
    assert rig.sent("POST", START, job) == 1


async def test_where_the_bot_cannot_post_the_asker_is_told(rig: Rig) -> None:
    """The request waits; whoever asked hears in their direct messages that nobody sees it yet."""
    rig.world.add_job("SQL Prod", run_seconds=3600)
    random = rig.slack.workspace.conversations.channel("C0RANDOM")
    await rig.slack.person("ole").types("C0RANDOM", "start SQL Prod")
    told = "in <#C0RANDOM>: `"
    await rig.until(lambda: any(told in message.text for message in rig.everything()))
    assert rig.slack.messages(random.id) == []


async def test_who_may_decide(rig: Rig) -> None:
    """By hand: every other role, and whoever has none, decides nothing; VBR hears nothing."""
    asked = await asks_to_delete(rig, rig.world.add_job("Files"))
    asks = len(rig.vbr.requests)
    for row, letter in cases({row: CLICKED[row] for row in ("approve", "decline")}):
        if not may(CLICKED, row, letter):
            assert WHY[letter] in await _presses(rig, PEOPLE[letter], asked, row.capitalize())
    assert len(rig.vbr.requests) == asks
    refused = rig.rows("SELECT operation FROM audit WHERE event = 'refused'")
    decided = [row["operation"] for row in refused]
    assert (decided.count("approval.approve"), decided.count("approval.decline")) == (8, 8)
    await rig.slack.person("ben").presses(asked, "Decline")
    await rig.until(lambda: standing(rig, "Declined by <@U0BEN>"))
    assert rig.sent(*DELETING) == 0


async def test_one_account_cannot_disable_everything(tmp_path: Path) -> None:
    """By default, at once and from a direct message: five go through, the others are asked for in public."""
    async with Rig(tmp_path, Setting(polling_seconds=3600)) as rig:
        await rig.start()
        ann, workspace = rig.slack.person("ann"), rig.slack.workspace
        direct = workspace.conversations.direct(workspace.app.bot_user, ann.person.id).id
        for at in range(12):
            rig.world.add_job(f"Job {at}")
        async with asyncio.TaskGroup() as group:
            for at in range(12):
                group.create_task(ann.types(direct, f'disable "Job {at}"'))
        asking = "changes that reduce protection"
        await rig.until(lambda: sum(asking in message.text for message in rig.everything()) == 7)
        assert rig.sent(*DISABLING) == 5
        asked = next(message for message in rig.everything() if asking in message.text)
        assert "<!subteam^S0BACKUPADMINS>" in asked.text
        assert "<@U0ANN> made 5 changes that reduce protection within 10 minutes" in asked.text


async def _presses(rig: Rig, name: str, asked: Message, label: str) -> str:
    """Deliver the press, of whomever no client would let press too, and return what they alone are told."""
    actor = rig.slack.person(name)
    before = len(rig.whispers(actor.person.id))
    payload = actor.payloads.block_actions(actor.person, asked, [_press(asked, label)])
    await rig.delivers("interactive", payload)
    await rig.until(lambda: len(rig.whispers(actor.person.id)) > before)
    return rig.whispers(actor.person.id)[before]


def _press(message: Message, label: str) -> dict[str, Any]:
    block = next(block for block in message.blocks if block["type"] == "actions")
    element = next(each for each in block["elements"] if each["text"]["text"] == label)
    return {**element, "block_id": block["block_id"], "action_ts": "1.0"}


@pytest.mark.parametrize("moment", Moment)
async def test_killed_while_it_was_sent(rig: Rig, moment: Moment) -> None:
    """Approved, sent, and the bot killed before the answer: after the restart no press sends it again."""
    asked = await asks_to_delete(rig, rig.world.add_job("Files"))
    ben = rig.slack.person("ben")
    press = ben.payloads.block_actions(ben.person, asked, [_press(asked, "Approve")])
    rig.vbr.faults.add(*DELETING, hanging(moment))
    await rig.delivers("interactive", press)
    await rig.until(lambda: any(each.was_faulty for each in rig.vbr.requests.of(*DELETING)))
    await rig.bot.kill()
    rig.vbr.faults.clear()
    await rig.start()
    await rig.until(lambda: standing(rig, "Approved by <@U0BEN>, and being sent to VBR."))
    await rig.delivers("interactive", press)
    await told_alone(rig, "U0BEN", "Your press did nothing.")
    (row,) = rig.rows("SELECT * FROM audit WHERE approver_id IS NOT NULL")
    assert (row["event"], row["approver_id"], rig.sent(*DELETING)) == ("opened", "U0BEN", 1)


async def test_what_is_cut_is_shown_before_it_is_approved(tmp_path: Path) -> None:
    """Details and Approve open all of it; only what was shown whole is done, by an older button neither."""
    setting = Setting(toml='[approvals]\noperations = ["reduces_protection"]\n', polling_seconds=3600)
    machines = tuple(f"a machine with rather a long name {at:02}" for at in range(40))
    async with Rig(tmp_path, setting) as rig:
        job = rig.world.add_job("Files", objects=machines)
        await rig.start()
        ann, ben, stack = rig.slack.person("ann"), rig.slack.person("ben"), rig.slack.workspace.views
        await ann.types(PROD, "edit Files")
        await rig.until(
            lambda: any("Machines and containers" in str(view.blocks) for view in stack.stack("U0ANN"))
        )
        view = stack.stack("U0ANN")[-1]
        field = next(block["element"] for block in view.blocks if block.get("block_id") == "objects")
        await ann.submits(view, {"objects": field["initial_options"][:1], "description": "why " * 700})
        await rig.until(lambda: "You change" in str(stack.stack("U0ANN")[-1].blocks))
        await ann.submits(stack.stack("U0ANN")[-1], {})
        await rig.until(lambda: standing(rig, "asks to edit"))
        (asked,) = standing(rig, "asks to edit")
        assert labels(asked) == ["Approve", "Decline", "Details"]
        assert "39 removed" in asked.text
        assert "not shown here" in asked.text
        bare = f'["2a","approve",{json.dumps(json.loads(_press(asked, "Approve")["value"])[2])}]'
        press = {**_press(asked, "Approve"), "value": bare}
        await rig.delivers("interactive", ben.payloads.block_actions(ben.person, asked, [press]))
        await told_alone(rig, "U0BEN", "You haven't seen all of it")
        seen: set[str] = set()
        for label in ("Details", "Approve"):
            await ben.presses(asked, label)
            await rig.until(lambda: stack.stack("U0BEN") and stack.stack("U0BEN")[-1].id not in seen)
            await rig.until(
                lambda: all(name in _shown(rig, "U0BEN") for name in (*machines[1:], "why " * 90))
            )
            seen.add(stack.stack("U0BEN")[-1].id)
            assert rig.sent("PUT", "/api/v1/jobs/{id}", job) == 0
        await ben.submits(stack.stack("U0BEN")[-1], {})
        await rig.until(lambda: standing(rig, "Done: approved by <@U0BEN>"))
        assert rig.sent("PUT", "/api/v1/jobs/{id}", job) == 1


def _shown(rig: Rig, person: str) -> str:
    """What the uppermost view shows this person."""
    stack = rig.slack.workspace.views.stack(person)
    texts = (block["text"]["text"] for block in stack[-1].blocks if "text" in block) if stack else ()
    return " ".join("\n".join(texts).split())
