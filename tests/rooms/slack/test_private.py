"""App Home, the shortcuts and the modals they open: over the wire, with the rights of whoever looks."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.operations.model import KnownJob
from bot.operations.queries.job import ShowJob
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.faults import RateLimited, Refused
from bot.sandbox.slack.messages import Content, Message
from bot.sandbox.slack.normal import stored_blocks
from bot.sandbox.vbr.state import Job
from bot.slack.app_home import FRESH_SECONDS
from bot.slack.codec import encode_run
from bot.store import TimedDisable, TimedDisables
from bot.veeam import JobId
from tests.rooms.slack.gesture_room import HQ, PROD, GestureRoom, gesture_room, words

RETRY = "/api/v1/jobs/{id}/retry"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[GestureRoom]:
    async with gesture_room(tmp_path) as opened:
        yield opened


@pytest.fixture
def failed(room: GestureRoom) -> Job:
    job = room.world.add_job("SQL Prod", run_seconds=3600)
    room.world.finish_run(job, result="Failed", objects={"sql01": "Failed to open VDDK disk"}, seconds=60)
    return job


def completion(room: GestureRoom, job: Job, *, by_metadata: bool = True, is_ours: bool = True) -> Message:
    """A message about the job, as the bot posts one."""
    workspace = room.slack.workspace
    metadata = {
        "event_type": "veeam_session",
        "event_payload": {"server": HQ, "job_id": job.id, "session_id": "x", "result": "Failed"},
    }
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Details"},
        "action_id": "operation:job",
        "value": encode_run(ShowJob(KnownJob(HQ, JobId(job.id)))),
    }
    blocks = [] if by_metadata else stored_blocks([{"type": "actions", "elements": [button]}])
    content = Content("Failed", blocks, metadata=metadata if by_metadata else None)
    author = workspace.app.bot_user if is_ours else workspace.directory.person("ann").id
    channel = workspace.conversations.channel(PROD)
    return workspace.conversations.post(channel, content, Posting(author, by_app=is_ours))


async def test_the_home_says_what_is_wrong_and_what_one_may_do(room: GestureRoom, failed: Job) -> None:
    """First that something is asked, then the page: with the failure in VBR's words and one's own buttons."""
    said = await room.opens_home("ole")

    assert len(room.slack.calls_of("views.publish")) == 2
    assert failed.name in said
    assert "Failed to open VDDK disk" in said
    assert "Retry" in said
    assert "Veeam Backup Operator" in said


async def test_the_home_of_somebody_who_may_only_look(room: GestureRoom, failed: Job) -> None:
    """The same page, without a button that acts."""
    said = await room.opens_home("vic")

    assert failed.name in said
    assert "Details" in said
    assert "Retry this job?" not in said


@pytest.mark.parametrize(
    ("person", "told"),
    [
        ("nia", "ask to join one of `@backup-admins`"),
        ("gus", "Guests of this workspace can't use this"),
        ("fay", "People from other organisations can't use this"),
    ],
)
async def test_the_home_of_somebody_without_rights(
    room: GestureRoom, failed: Job, person: str, told: str
) -> None:
    """Polite, and not a word of any job; VBR is not even asked."""
    said = await room.opens_home(person)

    assert told in said
    assert failed.name not in said
    assert room.asked() == 0


async def test_opened_again_at_once_the_home_stands(room: GestureRoom, failed: Job) -> None:
    """Who goes to and fro between tabs asks VBR once; a while later the page is drawn anew."""
    await room.opens_home("ole")
    asked = room.asked()
    for _ in range(3):
        await room.person("ole").opens_home()
    await room.until(lambda: len(room.slack.deliveries) == 4)
    assert room.asked() == asked

    await room.clock.advance(FRESH_SECONDS + 1)
    publishes = len(room.slack.calls_of("views.publish"))
    await room.person("ole").opens_home()
    await room.until(lambda: len(room.slack.calls_of("views.publish")) == publishes + 1)
    assert room.asked() > asked
    assert failed.name in words(room.home("ole").blocks)


async def test_the_messages_tab_draws_no_home(room: GestureRoom) -> None:
    """The event comes for that tab as well."""
    await room.person("ole").opens_home(tab="messages")
    await room.until(lambda: room.slack.deliveries)

    assert room.slack.calls_of("views.publish") == []


async def test_refresh_asks_anew(room: GestureRoom, failed: Job) -> None:
    """At once, however fresh the page is."""
    await room.opens_home("ole")
    room.world.add_job("Late", run_seconds=3600)
    room.world.finish_run("Late", result="Failed", seconds=60)
    await room.person("ole").presses(room.home("ole"), "Refresh")

    await room.until(lambda: "Late" in words(room.home("ole").blocks))
    assert failed.name in words(room.home("ole").blocks)


async def test_disables_that_will_end(room: GestureRoom, failed: Job) -> None:
    """Which job is off for how long, and who said so; a job out of sight would not be named."""
    plan = TimedDisable(
        server="hq", job_id=failed.id, job_name=failed.name, person_id="U0ANN", channel_id=None,
        reference="r", disabled_at=room.clock.now(), until=room.clock.now() + timedelta(hours=4),
    )  # fmt: skip
    await TimedDisables(room.database).remember(plan)
    said = await room.opens_home("vic")

    assert "Temporary changes" in said
    assert "23 Nov 2026 16:00 UTC" in said
    assert "by <@U0ANN>" in said


async def test_retry_in_the_home(room: GestureRoom, failed: Job) -> None:
    """Done once; told in the person's own messages, followed there; the Home says so and offers Stop."""
    await room.opens_home("ole")
    ole = room.person("ole")
    await ole.presses_twice(room.home("ole"), "Retry")
    await room.until(lambda: room.direct("ole"))
    await room.clock.advance(2)  # the other answer waits for its turn in the conversation

    await room.until(lambda: len(room.direct("ole")) == 2)
    await room.until(lambda: "Done" in words(room.home("ole").blocks))
    assert room.posts() == [RETRY]
    told = sorted(message.text for message in room.direct("ole"))
    assert told[0].startswith("Retry of *SQL Prod* on hq started by <@U0OLE>")
    assert told[1].startswith("You already pressed Retry")
    said = words(room.home("ole").blocks)
    assert "Stop this job?" in said
    assert "Your recent actions" in said
    assert failed.name in said


async def test_what_was_not_done_is_said_in_the_home_too(room: GestureRoom, failed: Job) -> None:
    """A button of a Home that is older than the job's latest run asks again instead of acting."""
    await room.opens_home("ole")
    room.world.begin_run(failed)
    await room.person("ole").presses(room.home("ole"), "Retry")

    await room.until(lambda: "Also in the Messages tab" in words(room.home("ole").blocks))
    assert len(room.direct("ole")) == 1
    assert room.posts() == []


async def test_rights_are_asked_for_when_the_home_is_pressed(room: GestureRoom, failed: Job) -> None:
    """Who lost the role since the page was drawn is refused, and the page shows what is left."""
    await room.opens_home("ole")
    room.slack.workspace.directory.groups["S0BACKUPOPERATORS"].users.clear()
    await room.clock.advance(1000)
    await room.person("ole").presses(room.home("ole"), "Retry")

    await room.until(lambda: "You have none of Veeam's roles here yet" in words(room.home("ole").blocks))
    assert room.posts() == []
    assert failed.name not in words(room.home("ole").blocks)


async def test_details_in_the_home_open_a_modal(room: GestureRoom, failed: Job) -> None:
    """Looking leaves nothing in the messages."""
    await room.opens_home("vic")
    await room.person("vic").presses(room.home("vic"), "Details")

    assert "Latest sessions" in await room.reads_modal("vic")
    assert room.direct("vic") == []
    assert room.modal("vic").content["title"]["text"] == "Details of the job"
    assert failed.name in words(room.modal("vic").blocks)


async def test_a_home_that_slack_limits_is_published_all_the_same(room: GestureRoom, failed: Job) -> None:
    """A short wait is waited out."""
    room.slack.faults.add("views.publish", RateLimited(1), times=1)
    await room.person("ole").opens_home()
    await room.until(lambda: room.slack.calls_of("views.publish"))
    await room.clock.advance(2)

    await room.until(lambda: (home := room.slack.home("ole")) and failed.name in words(home.blocks))


async def test_a_home_that_slack_refuses_is_tried_again(room: GestureRoom, failed: Job) -> None:
    """The next opening does not count as one too many."""
    room.slack.faults.add("views.publish", Refused("hash_conflict"), times=2)
    await room.person("ole").opens_home()
    await room.until(lambda: len(room.slack.calls_of("views.publish")) == 2)

    assert failed.name in await room.opens_home("ole")


@pytest.mark.usefixtures("failed")
async def test_the_failed_backups_from_anywhere(room: GestureRoom) -> None:
    """A modal at once, then the list; it is paged in its place, and Details stand on top of it."""
    for number in range(10):
        room.world.add_job(f"More {number:02d}")
        room.world.finish_run(f"More {number:02d}", result="Failed", seconds=60)
    await room.person("ole").shortcut("veeam_failed")
    listed = await room.reads_modal("ole")

    assert "1\u201310 of 11 jobs" in listed
    assert "Share" not in listed
    below = room.modal("ole")
    await room.person("ole").presses(below, "Next")
    await room.until(lambda: "11 of 11 jobs" in words(room.modal("ole").blocks))
    assert below.content["title"]["text"] == "Failed backups"
    await room.person("ole").presses(room.modal("ole"), "Details")
    assert "Latest sessions" in await room.reads_modal("ole", instead_of=below)
    assert room.direct("ole") == []


async def test_retry_in_a_modal(room: GestureRoom, failed: Job) -> None:
    """The modal says that it was done; the person's own messages keep it current."""
    await room.person("ole").shortcut("veeam_failed")
    await room.reads_modal("ole")
    await room.person("ole").presses(room.modal("ole"), "Retry")

    await room.until(lambda: "Retry of" in words(room.modal("ole").blocks))
    assert room.posts() == [RETRY]
    assert [failed.name in each.text for each in room.direct("ole")] == [True]


@pytest.mark.parametrize("is_home", [True, False], ids=["home", "modal"])
async def test_what_takes_a_form_asks_in_one(room: GestureRoom, failed: Job, *, is_home: bool) -> None:
    """Delete, in the menu of a Home or of a modal, opens the form that it opens everywhere."""
    if is_home:
        await room.opens_home("ann")
        surface = room.home("ann")
    else:
        await room.person("ann").shortcut("veeam_failed")
        await room.reads_modal("ann")
        surface = room.modal("ann")
    await room.person("ann").presses(surface, "Delete")

    await room.until(lambda: (view := room.slack.open_view("ann")) and view.content["submit"])
    assert failed.name in words(room.modal("ann").blocks)
    assert room.posts() == []


async def test_what_a_form_did_shows_in_the_home(room: GestureRoom, failed: Job) -> None:
    """A deletion asked for in the Home: told in the person's own messages, and the page shows it is done."""
    await room.opens_home("ann")
    await room.person("ann").presses(room.home("ann"), "Delete")
    await room.until(lambda: (view := room.slack.open_view("ann")) and view.content["submit"])
    await room.person("ann").submits(room.modal("ann"), {"typed_name": failed.name})
    await room.until(lambda: "Sending it to VBR" in words(room.modal("ann").blocks))
    await room.clock.advance(1)

    await room.until(lambda: "No jobs to show" in words(room.home("ann").blocks))
    said = words(room.home("ann").blocks)
    assert "deleted by <@U0ANN>" in said
    assert "Also in the Messages tab" in said
    assert [failed.name in each.text for each in room.direct("ann")] == [True]
    assert failed not in room.world.jobs


async def test_a_form_that_does_nothing_leaves_the_home(room: GestureRoom, failed: Job) -> None:
    """The step of a form of several is no reason to ask VBR about everything."""
    await room.opens_home("ann")
    published = len(room.slack.calls_of("views.publish"))
    await room.person("ann").presses(room.home("ann"), "Edit")
    await room.until(lambda: (view := room.slack.open_view("ann")) and view.content["submit"])
    await room.person("ann").submits(room.modal("ann"), {"retention": "30"})
    await room.clock.advance(1)

    await room.until(lambda: "14 days → 30 days" in words(room.modal("ann").blocks))
    assert len(room.slack.calls_of("views.publish")) == published
    assert failed.name in words(room.home("ann").blocks)


async def test_the_failed_backups_are_for_those_who_may_look(room: GestureRoom, failed: Job) -> None:
    """Somebody without a role is told whom to ask, in the modal."""
    await room.person("nia").shortcut("veeam_failed")
    said = await room.reads_modal("nia")

    assert "requires a Veeam role, and you have none here" in said
    assert failed.name not in said


async def test_a_shortcut_whose_modal_does_not_open(room: GestureRoom, failed: Job) -> None:
    """A trigger lives three seconds; the answer comes in the person's own messages."""
    room.slack.faults.add("views.open", Refused("expired_trigger_id"))
    await room.person("ole").shortcut("veeam_failed")

    await room.until(lambda: room.direct("ole"))
    assert failed.name in room.direct("ole")[0].text


@pytest.mark.parametrize("by_metadata", [True, False], ids=["metadata", "button"])
async def test_details_of_the_job_that_a_message_is_about(
    room: GestureRoom, failed: Job, *, by_metadata: bool
) -> None:
    """By the message's metadata, or by a button of it."""
    await room.person("vic").message_shortcut(
        "veeam_details", completion(room, failed, by_metadata=by_metadata)
    )

    assert "Latest sessions" in await room.reads_modal("vic")
    assert failed.name in words(room.modal("vic").blocks)


async def test_a_message_gives_no_right(room: GestureRoom, failed: Job) -> None:
    """Who may not look is refused, whatever message the shortcut is used on."""
    await room.person("nia").message_shortcut("veeam_details", completion(room, failed))
    said = await room.reads_modal("nia")

    assert "requires a Veeam role, and you have none here" in said
    assert failed.name not in said


async def test_only_the_bots_own_messages_are_read(room: GestureRoom, failed: Job) -> None:
    """What somebody else wrote is about no job, whatever it carries; VBR is not asked."""
    await room.person("ole").message_shortcut("veeam_details", completion(room, failed, is_ours=False))

    assert "This message isn't about a job" in await room.reads_modal("ole")
    assert room.asked() == 0


async def test_a_channel_with_a_new_id_is_heard_of(room: GestureRoom) -> None:
    """Slack tells the app the old ID and the new one."""
    room.slack.workspace.conversations.change_id(PROD, "C0SHARED")
    await room.until(lambda: room.moved)
    assert room.moved == [(PROD, "C0SHARED")]
