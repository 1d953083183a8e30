"""What waits in the outbox arrives once, in order and in time, whatever Slack and the network do."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.faults import Dropped, Hung, RateLimited, Refused, ServerError, SlackFault
from bot.settings import ServerName
from bot.store import Approval, Database, NewOutboxRow, Placement
from bot.veeam import JobId, SessionId
from bot.watch.facts import (
    Announcement,
    ApprovalOpened,
    AttemptEnded,
    Expectation,
    ExpectationUnmet,
    RunChanged,
    RunEnded,
    encode,
    kind_of,
)
from bot.watch.run_facts import JobOutlook, RunFacts, SessionFacts
from tests.rooms.slack.delivering import BACKUPS, PROD, PostOffice, post_office
from tests.support.databases import new_database

MORE = [f"C0MORE{number:02d}" for number in range(20)]
LOST = Dropped(after_effect=True)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with post_office(tmp_path) as opened:
        yield opened


async def test_forty_lost_replies_tell_nothing_twice(office: PostOffice) -> None:
    """Slack took the message and its reply was lost, forty times: each session stands there once."""
    office.slack.faults.add("chat.postMessage", LOST, 40)
    for channel in (*MORE, *MORE):
        await office.queues(channel)
    async with office.sending():
        await office.until_sent()
    assert office.told() == Counter(office.queued)
    assert len(office.slack.calls_of("chat.postMessage")) == 40


async def test_a_lost_root_is_found_whatever_its_result_is_by_now(office: PostOffice) -> None:
    """A root's metadata follow its run: one that recovered is not posted as failed once more."""
    office.slack.faults.add("chat.postMessage", LOST, 1)
    await office.queues()
    async with office.sending():
        await office.until(office.everything)
        (root,) = office.everything()
        assert root.metadata is not None
        root.metadata["event_payload"]["result"] = "Success"
        await office.until_sent()
    assert len(office.everything()) == 1


async def test_an_edited_root_carries_its_runs_result(office: PostOffice) -> None:
    """Programs that read the metadata see what people see."""
    await office.queues(edit=True)
    async with office.sending():
        await office.until_sent()
    (edited,) = office.slack.calls_of("chat.update")
    assert edited.arguments["metadata"]["event_payload"]["result"] == "Failed"


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        (Dropped(after_effect=False), 2),
        (LOST, 1),
        (ServerError(500), 2),
        (ServerError(503, after_effect=True), 1),
        (RateLimited(1), 2),
        (Refused("internal_error"), 2),
        (Refused("ratelimited"), 2),
        (Refused("something_new"), 2),
    ],
    ids=str,
)
async def test_one_failure_on_the_way(office: PostOffice, fault: SlackFault, calls: int) -> None:
    """A failure costs a second attempt where nothing was posted, none where it was; the thread follows."""
    office.slack.faults.add("chat.postMessage", fault)
    session = await office.queues(details=True)
    async with office.sending():
        await office.until_sent()
    assert office.told() == {session: 1}
    assert len(office.posts(PROD)) == calls + 1
    (root,) = office.slack.messages(PROD)
    assert len(office.slack.thread(PROD, root.ts)) == 1


@pytest.mark.parametrize(
    "fault", [LOST, Dropped(after_effect=False), ServerError(500), ServerError(502, after_effect=True)]
)
async def test_a_reply_in_a_thread_is_found_in_its_thread(office: PostOffice, fault: SlackFault) -> None:
    """The doubt about a reply is settled in the thread; it stands there once."""
    office.slack.faults.add("chat.postMessage", fault, when=lambda sent: bool(sent.text("thread_ts")))
    await office.queues(details=True)
    async with office.sending():
        await office.until_sent()
    (root,) = office.slack.messages(PROD)
    assert len(office.slack.thread(PROD, root.ts)) == 1


@pytest.mark.parametrize(
    "failure",
    [
        RateLimited(30),
        Refused("not_in_channel"),
        Refused("something_new"),
        Refused("invalid_auth"),
        ServerError(500),
        Dropped(after_effect=False),
    ],
    ids=str,
)
async def test_a_doubt_outlives_a_search_that_fails(office: PostOffice, failure: SlackFault) -> None:
    """While the channel can't be searched, what may have been posted is not posted again."""
    office.slack.faults.add("chat.postMessage", LOST)
    office.slack.faults.add("conversations.history", failure, 3, when=lambda _: bool(office.posts(PROD)))
    session = await office.queues()
    async with office.sending():
        await office.until_sent()
    assert office.told() == {session: 1}
    assert len(office.posts(PROD)) == 1


async def test_a_reply_whose_thread_is_gone_is_posted_once(office: PostOffice) -> None:
    """Somebody deleted the root: the reply becomes a root, and is looked for as one."""
    await office.queues(details=True)
    posted = office.slack.workspace.conversations

    def is_reply(sent: Arguments) -> bool:
        if sent.text("thread_ts"):
            posted.delete(posted.channel(PROD).messages[sent.text("thread_ts")])
        return False

    office.slack.faults.add("chat.postMessage", LOST, when=is_reply)
    office.slack.faults.add("chat.postMessage", LOST, when=lambda _sent: len(office.posts(PROD)) == 2)
    async with office.sending():
        await office.until_sent()
    (alone,) = office.slack.messages(PROD)
    assert alone.text.startswith("*Job 1* on hq")
    assert alone.text.count("The message that this belongs to was deleted in Slack.") == 1


async def test_a_429_holds_its_channel_back_and_no_other(office: PostOffice) -> None:
    """Retry-After is waited out by everything for that channel, to the second; other channels go on."""
    office.slack.faults.add(
        "chat.postMessage", RateLimited(7), when=lambda sent: sent.text("channel") == PROD
    )
    for _ in range(3):
        await office.queues(PROD)
    async with office.sending():
        await office.until(lambda: office.posts(PROD))
        await office.queues(BACKUPS)
        await office.until(lambda: office.posts(BACKUPS))
        assert len(office.posts(PROD)) == 1
        await office.until_sent()
    first, second, *_ = office.posts(PROD)
    # How soon after is measured by `make bench`: here time passes by steps while a busy machine works.
    assert 7 <= second - first < 14
    assert office.told() == Counter(office.queued)


async def test_an_absurd_429_mutes_nothing_for_years(office: PostOffice) -> None:
    """Ten minutes are the longest; meanwhile the channel's part of `/readyz` says so."""
    absurd = RateLimited(10**9)
    office.slack.faults.add("chat.postMessage", absurd, when=lambda sent: sent.text("channel") == PROD)
    session = await office.queues(PROD)
    async with office.sending():
        await office.until(lambda: office.is_unwell(f"channel:{PROD}"))
        part = office.health.part(f"channel:{PROD}")
        assert part is not None
        assert part.detail == "Slack asks to wait; nothing is posted for 10 minutes"
        await office.clock.advance(590)
        assert office.told() == {}
        await office.until(lambda: office.told()[session], most_seconds=30)
        await office.until(lambda: not office.is_unwell(f"channel:{PROD}"))


def failed_run(office: PostOffice) -> RunFacts:
    now = office.clock.now()
    session = SessionFacts(
        session_id=SessionId("s1"), session_type="BackupJob", result="Failed", created_at=now, ended_at=now
    )
    return RunFacts(server=ServerName("hq"), job_id=JobId("1"), job_name="SQL", attempts=(session,))


async def queue(office: PostOffice, key: str, announced: Announcement) -> None:
    row = NewOutboxRow(
        key=key, channel=PROD, kind=kind_of(announced), body=encode(announced), created_at=office.clock.now()
    )
    async with office.database.transaction() as transaction:
        await office.outbox.add(transaction, [row])


async def queue_mention(office: PostOffice, mention: str) -> None:
    await queue(office, "hq/s1", RunEnded(run=failed_run(office), mention=mention))


@pytest.mark.parametrize(
    ("mention", "shown"),
    [
        ("@oncall", "<!subteam^S0ONCALL>"),
        ("@OnCall", "<!subteam^S0ONCALL>"),
        ("@gone", "@gone"),
        ("S0ONCALL", "<!subteam^S0ONCALL>"),
        ("U0ANN", "<@U0ANN>"),
    ],
)
async def test_a_group_is_mentioned_by_its_handle(office: PostOffice, mention: str, shown: str) -> None:
    """Its ID is looked up when the message is drawn; an unknown handle is text that notifies nobody."""
    await queue_mention(office, mention)
    async with office.sending():
        await office.until_sent()
    (message,) = office.slack.messages(PROD)
    assert shown in message.text
    assert ("subteam" in message.text) is ("subteam" in shown)


@pytest.mark.parametrize("announced_after", [timedelta(), timedelta(hours=2)], ids=["at once", "late"])
async def test_a_next_run_lies_ahead_when_it_is_read(office: PostOffice, announced_after: timedelta) -> None:
    """A message that is drawn late, or once more, names no next run or attempt that was due before."""
    due = office.clock.now() + timedelta(hours=1)
    run = msgspec.structs.replace(failed_run(office), is_final=False)
    unmet = Expectation(
        server=run.server, kind="no_success", subject="j", name="SQL", since=due, limit=26, next_run=due
    )
    planned = msgspec.structs.replace(run, is_final=True, outlook=JobOutlook(next_run=due))
    retried = msgspec.structs.replace(run, next_attempt_expected_at=due)
    await office.clock.advance(announced_after.total_seconds())
    await queue(office, "run", RunEnded(run=planned))
    await queue(office, "attempt", RunEnded(run=retried))
    await queue(office, "unmet", ExpectationUnmet(expectation=unmet))
    await queue(office, "reply", AttemptEnded(run=retried, session=retried.last))
    async with office.sending():
        await office.until_sent()
    said = [" ".join(re.findall("next (?:run|attempt)", each.text.lower())) for each in office.everything()]
    expected = Counter(["next run", "next attempt", "next run", "next attempt"])
    assert Counter(said) == (Counter([""] * 4) if announced_after else expected)


async def test_no_message_waits_for_a_mention(office: PostOffice) -> None:
    """Where the groups cannot be read, the handle is shown and the message goes out."""
    office.slack.faults.add("usergroups.list", ServerError(500), 100)
    await queue_mention(office, "@oncall")
    async with office.sending():
        await office.until_sent()
    assert "@oncall" in office.slack.messages(PROD)[0].text


async def test_edits_wait_for_their_own_429(office: PostOffice) -> None:
    """Slack limits `chat.update` by itself: messages go out while edits wait."""
    office.slack.faults.add("chat.update", RateLimited(20))
    await office.queues(PROD, edit=True)
    async with office.sending():
        await office.until(lambda: office.slack.calls_of("chat.update"))
        began = office.clock.monotonic()
        await office.queues(BACKUPS)
        await office.until(lambda: office.posts(BACKUPS))
        assert office.clock.monotonic() - began < 20
        await office.until_sent()
    first, second = (call.at for call in office.slack.calls_of("chat.update"))
    assert 20 <= second - first < 40


async def test_an_archived_channel_waits_and_is_reported_once(office: PostOffice) -> None:
    """Nothing is lost for it; the default channel hears of it once; unarchived, all is sent."""
    conversations = office.slack.workspace.conversations
    conversations.set_archived(PROD, archived=True)
    for _ in range(3):
        await office.queues(PROD)
    async with office.sending():
        await office.until(lambda: office.slack.messages(BACKUPS))
        (notice,) = office.slack.messages(BACKUPS)
        assert "<#C0PROD>" in notice.text
        assert "archived" in notice.text
        assert office.is_unwell("channel:C0PROD")
        await office.until(lambda: len(office.slack.calls_of("conversations.info")) >= 2)
        assert len(office.slack.messages(BACKUPS)) == 1
        conversations.set_archived(PROD, archived=False)
        await office.until_sent()
    assert office.told() == Counter(office.queued)
    assert office.health.is_ready
    assert len(office.slack.messages(BACKUPS)) == 1


async def test_a_channel_that_only_looks_open_is_reported_once(office: PostOffice) -> None:
    """Where the bot is a member and still may not post, it looks again, and says so no second time."""
    await office.queues("C0ANNOUNCE")
    async with office.sending():
        await office.until(lambda: len(office.posts("C0ANNOUNCE")) >= 3)
        await office.queues(BACKUPS)
        await office.until(lambda: office.told()[office.queued[-1]])
    assert len(office.slack.messages(BACKUPS)) == 2


async def test_a_closed_channel_is_unwell_after_a_restart_as_well(office: PostOffice) -> None:
    """What an earlier process found closed shows in the health of the next one."""
    await office.queues("C0RANDOM")
    async with office.sending():
        await office.until(lambda: office.slack.messages(BACKUPS))
    before = office.health.part("channel:C0RANDOM")
    assert before is not None
    office.health = type(office.health)(office.clock)
    async with office.sending("here:2:b"):
        await office.until(lambda: office.health.part("channel:C0RANDOM"))
    after = office.health.part("channel:C0RANDOM")
    assert after is not None
    assert (after.ok, after.detail) == (False, "not_in_channel")


async def test_a_revoked_token_stops_everything_until_it_is_restored(office: PostOffice) -> None:
    """With a dead token nothing is tried again and again, the bot is not ready, and nothing is lost."""
    office.slack.faults.revoke_tokens()
    for channel in MORE[:5]:
        await office.queues(channel)
    async with office.sending():
        await office.until(lambda: office.health.part("slack:token"))
        # Looking whether the message stands there already comes first.
        tried = len(office.slack.calls_of("conversations.history"))
        assert tried <= 5
        assert office.is_unwell("slack:token")
        await office.until(lambda: len(office.slack.calls_of("conversations.history")) > tried)
        office.slack.faults.restore_tokens()
        await office.until_sent()
    assert office.told() == Counter(office.queued)
    assert office.health.is_ready


async def test_refused_blocks_are_sent_as_text(office: PostOffice) -> None:
    """A message whose blocks Slack refuses is told in words; it is not lost."""
    office.slack.faults.add("chat.postMessage", Refused("invalid_blocks"))
    session = await office.queues()
    async with office.sending():
        await office.until_sent()
    assert office.told() == {session: 1}
    assert office.slack.messages(PROD)[0].blocks == []


async def test_a_refusal_that_stays_is_given_up_and_holds_nothing_up(office: PostOffice) -> None:
    """A word that nobody knows is tried ten times, whatever happened before; the next message goes out."""
    office.slack.faults.add("chat.postMessage", RateLimited(1), 12)
    office.slack.faults.add(
        "chat.postMessage", Refused("something_new"), 100, when=lambda sent: "Job 1" in sent.text("text")
    )
    await office.queues()
    async with office.sending():
        # Each time as it is, as plain text, and without metadata.
        await office.until(lambda: len(office.posts(PROD)) == 12 + 10 * 3)
        second = await office.queues()
        await office.until(lambda: office.told()[second])
        await office.until_sent()
    assert office.told() == {second: 1}


async def test_two_processes_tell_each_session_once(office: PostOffice) -> None:
    """Two deliveries on one outbox, with lost replies between them: a claim decides who sends."""
    office.slack.faults.add("chat.postMessage", LOST, 5)
    office.slack.faults.add("chat.postMessage", Hung(), 2)
    for channel in MORE:
        await office.queues(channel)
    async with office.sending("here:1:a"), office.sending("here:2:b"):
        await office.until_sent()
    assert office.told() == Counter(office.queued)


@pytest.mark.parametrize("channel", ["C0RANDOM", PROD], ids=["closed", "given-up"])
async def test_whoever_asked_hears_that_nobody_sees_their_request(office: PostOffice, channel: str) -> None:
    """A request for an approval that cannot be posted: the asker is told, once, in their direct messages."""
    office.slack.faults.add(
        "chat.postMessage", Refused("something_new"), 100, when=lambda sent: sent.text("channel") == PROD
    )
    asked = Approval(
        id="a1",
        operation="delete",
        request="[]",
        request_hash="",
        snapshot_hash="",
        person_id="U0ANN",
        team_id=None,
        origin="form",
        reference="r1",
        channel_id=channel,
        server="hq",
        job_id=None,
        name="Files",
        channel=channel,
        asked_at=office.clock.now(),
        expires_at=office.clock.now() + timedelta(minutes=30),
    )
    row = NewOutboxRow(
        key="approval/a1",
        channel=channel,
        kind="approval_asked",
        body=encode(ApprovalOpened(approval=asked)),
        created_at=office.clock.now(),
    )
    async with office.database.transaction() as transaction:
        await office.outbox.add(transaction, [row])
    async with office.sending():
        told = f"in <#{channel}>: `"
        await office.until(lambda: any(told in message.text for message in office.everything()))
        await office.until(lambda: len(office.posts(channel)) >= (10 if channel == PROD else 1))
    assert office.slack.messages(channel) == []


async def test_a_new_row_is_sent_without_waiting_for_the_next_look(office: PostOffice) -> None:
    """What this process queued goes out once it is committed: no time passes in between."""
    async with office.sending():
        await office.until(lambda: office.clock.sleeping)
        session = await office.queues()
        await office.slack.wait_until(lambda: office.told()[session])


async def test_an_empty_outbox_is_looked_at_every_five_seconds(tmp_path: Path) -> None:
    """What another process queued, and cannot send, is found by that; nothing asks the database before."""
    address = await new_database(tmp_path)
    sender = Database(address)

    async def waits(office: PostOffice) -> float:
        await office.lets_pass(1.0)
        session = await office.queues()
        return await office.until(lambda: office.told()[session])

    async with post_office(tmp_path, address) as office, office.sending(database=sender):
        waited = [await waits(office) for _ in range(3)]
    await sender.close()
    # Where this machine is slow, a look that was due before comes after a row was queued.
    assert max(waited) > 2.0


async def test_a_thread_stands_behind_its_root(office: PostOffice) -> None:
    """The reason of each failure is there before the next failure is, however many wait."""
    for _ in range(4):
        await office.queues(details=True)
    async with office.sending():
        await office.until_sent()
    posts = office.slack.calls_of("chat.postMessage")
    assert [bool(call.arguments.get("thread_ts")) for call in posts] == [False, True] * 4


async def test_a_refused_mention_costs_the_mention(office: PostOffice) -> None:
    """Where Slack takes no text that mentions a group, it is posted without, said once, and nothing waits."""
    office.slack.workspace.conversations.channel(PROD).refuses_group_mentions = True
    await queue_mention(office, "@oncall")
    for _ in range(2):
        await office.queues()
    async with office.sending():
        await office.until_sent()
    assert len(office.slack.messages(PROD)) == 3
    assert all("subteam" not in f"{message.text}{message.blocks}" for message in office.slack.messages(PROD))
    (notice,) = office.slack.messages(BACKUPS)
    assert "restricted_action" in notice.text
    assert office.health.is_ready


@pytest.mark.parametrize(
    "word",
    [
        "msg_too_long",
        "msg_blocks_too_long",
        "invalid_arguments",
        "metadata_too_large",
        "metadata_must_be_json",
        "invalid_metadata_format",
        "too_many_attachments",
        "markdown_text_conflict",
        "too_many_contact_cards",
        "slack_connect_file_link_sharing_blocked",
    ],
)
async def test_a_message_that_slack_never_takes_is_set_aside(office: PostOffice, word: str) -> None:
    """It is tried plainer, then given up and reported; what stands behind it goes out at once."""
    office.slack.faults.add(
        "chat.postMessage", Refused(word), 100, when=lambda sent: "Job 1" in sent.text("text")
    )
    await office.queues()
    second = await office.queues()
    async with office.sending():
        passed = await office.until(lambda: office.told()[second])
        await office.until_sent()
    assert passed < 30
    assert office.told() == {second: 1}
    (notice,) = office.slack.messages(BACKUPS)
    assert word in notice.text
    assert office.health.is_ready
    part = office.health.part(f"channel:{PROD}")
    assert part is not None
    assert word in part.detail


@pytest.mark.parametrize("word", ["restricted_action", "something_new"])
async def test_one_refused_message_does_not_close_its_channel(office: PostOffice, word: str) -> None:
    """Whatever Slack calls it: once the channel takes another message, the refused one is to blame alone."""
    office.slack.faults.add(
        "chat.postMessage", Refused(word), 1_000, when=lambda sent: "Job 1" in sent.text("text")
    )
    await office.queues()
    for _ in range(4):
        await office.queues()
    async with office.sending():
        await office.until_sent()
    assert office.told() == Counter(office.queued[1:])
    assert office.health.is_ready
    assert any("It was skipped" in message.text for message in office.slack.messages(BACKUPS))


@pytest.mark.parametrize("word", ["restricted_action", "something_new"])
async def test_a_channel_that_refuses_everything_waits(office: PostOffice, word: str) -> None:
    """It is closed and said so once, tried now and then, and nothing is lost when it opens."""
    may_open = is_open = False

    def refused(sent: Arguments) -> bool:
        """It opens between two messages: what is left of one once it was refused names no session."""
        nonlocal is_open
        is_open = is_open or (may_open and sent.has("metadata"))
        return sent.text("channel") == PROD and not is_open

    office.slack.faults.add("chat.postMessage", Refused(word), 10_000, when=refused)
    for _ in range(5):
        await office.queues()
    async with office.sending():
        await office.until(lambda: office.is_unwell(f"channel:{PROD}"))
        await office.queues("C0MORE01")
        await office.until(lambda: office.told()[office.queued[-1]])
        await office.clock.advance(300)
        tried = len(office.posts(PROD))
        may_open = True
        await office.until_sent()
    assert tried < 30
    assert office.told() == Counter(office.queued)
    assert len([each for each in office.slack.messages(BACKUPS) if "can't post" in each.text]) == 1


@pytest.mark.parametrize("limited", ["chat.update", "conversations.history", "chat.postMessage"])
async def test_a_root_that_somebody_deleted_is_posted_anew(office: PostOffice, limited: str) -> None:
    """Its next edit stands in its place, once, and what follows hangs on that; a 429 changes nothing."""
    await office.queues()
    async with office.sending():
        await office.until_sent()
    conversations = office.slack.workspace.conversations
    conversations.delete(office.slack.messages(PROD)[0])
    office.slack.faults.add("chat.postMessage", LOST)
    office.slack.faults.add(limited, RateLimited(30), when=lambda _: len(office.posts(PROD)) == 2)
    key = f"hq/{office.queued[0]}/{PROD}"
    session = SessionFacts(
        session_id=SessionId(office.queued[0]), session_type="BackupJob", result="Success",
        created_at=office.clock.now(), ended_at=office.clock.now(),
    )  # fmt: skip
    run = RunFacts(server=ServerName("hq"), job_id=JobId("1"), job_name="Job 1", attempts=(session,))
    for kind, announced, placement in (
        ("run_changed", RunChanged(run=run), Placement.EDIT),
        ("attempt_ended", AttemptEnded(run=run, session=session), Placement.REPLY),
    ):
        row = NewOutboxRow(
            key=f"{key}/{kind}", channel=PROD, kind=kind, body=encode(announced), placement=placement,
            created_at=office.clock.now(), root_key=key,
        )  # fmt: skip
        async with office.database.transaction() as transaction:
            await office.outbox.add(transaction, [row])
    async with office.sending():
        await office.until_sent()
    (root,) = office.slack.messages(PROD)
    assert root.metadata is not None
    assert root.metadata["event_payload"]["session_id"] == office.queued[0]
    assert root.text.count("Posted again, because it was deleted in Slack.") == 1
    assert all("deleted" not in reply.text for reply in office.slack.thread(PROD, root.ts))
    assert len(office.slack.thread(PROD, root.ts)) == 1


async def test_a_missing_scope_holds_everything(office: PostOffice) -> None:
    """A token without the scope is the token's fault: nothing is given up, however often it is tried."""
    office.slack.workspace.app.scopes.discard("chat:write")
    session = await office.queues()
    async with office.sending():
        await office.until(lambda: office.is_unwell("slack:token"))
        await office.clock.advance(900)
        office.slack.workspace.app.scopes.add("chat:write")
        await office.until(lambda: office.told()[session])
        await office.until_sent()
    assert office.health.is_ready


async def test_the_limit_of_the_workspace_holds_every_post(office: PostOffice) -> None:
    """`message_limit_exceeded` is nobody's fault in particular: all posts wait, and none is lost."""
    office.slack.faults.add("chat.postMessage", Refused("message_limit_exceeded"))
    await office.queues()
    async with office.sending():
        await office.until(lambda: office.posts(PROD))
        await office.queues(BACKUPS)
        await office.clock.advance(300)
        assert office.posts(BACKUPS) == []
        await office.clock.advance(300)
        await office.until_sent()
    assert office.told() == Counter(office.queued)


async def test_messages_follow_a_channel_to_its_new_id(office: PostOffice) -> None:
    """What is for the old ID goes to the new one, threads and edits too, and so it does after a restart."""
    await office.queues(edit=True)
    async with office.sending():
        await office.until(lambda: office.slack.messages(PROD))
    office.slack.workspace.conversations.change_id(PROD, "C0SHARED")
    await office.queues(details=True)
    async with office.sending() as delivery:
        await office.until(lambda: office.is_unwell(f"channel:{PROD}"))
        for _ in range(2):
            await delivery.channel_moved(PROD, "C0SHARED", BACKUPS)
        await office.until_sent()
    office.web_api.moved.clear()
    await office.queues()
    async with office.sending("here:2:b"):
        await office.until_sent()
    assert office.told() == Counter(office.queued)
    assert len(office.slack.messages("C0SHARED")) == 3
    assert office.health.is_ready
    assert len([each for each in office.slack.messages(BACKUPS) if "another ID" in each.text]) == 1
