"""What stands in Slack and is not in the database is found, and gone on with."""

import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.sandbox.slack.faults import Hung, RateLimited, Refused
from bot.settings import ServerName
from bot.slack.views.actions import action_metadata
from bot.store import Database, NewOutboxRow, Placement
from bot.watch.facts import Expectation, ExpectationOver, ExpectationUnmet
from bot.watch.messages import REPLY, message
from tests.rooms.slack.delivering import BACKUPS, PROD, PostOffice, post_office


async def post_again(office: PostOffice, folder: Path, backup: Path, numbers: Sequence[int]) -> None:
    """Go back to the backup, and queue the same runs again."""
    await office.database.close()
    shutil.copyfile(backup, folder / "bot.db")
    office.database = Database(f"sqlite:///{folder / 'bot.db'}")
    office.queued.clear()
    office.numbers = iter(numbers)


async def backed_up(office: PostOffice, folder: Path) -> Path:
    await office.database.close()
    backup = folder / "backup"
    shutil.copyfile(folder / "bot.db", backup)
    office.database = Database(f"sqlite:///{folder / 'bot.db'}")
    return backup


@pytest.mark.parametrize("page", [999, 15], ids=["usual pages", "pages of 15"])
async def test_a_restored_database(tmp_path: Path, page: int) -> None:
    """Roots and threads from after the backup are not posted again; it takes few requests.

    Slack gives some apps 15 messages a page, however many they ask for.
    """
    async with post_office(tmp_path) as office:
        office.slack.workspace.app.largest_page = page
        async with office.sending():
            await office.queues(details=True)
            await office.until_sent()
        backup = await backed_up(office, tmp_path)
        async with office.sending():
            for _ in range(20):
                await office.queues(details=True)
            await office.until_sent()
        there = len(office.everything())
        await post_again(office, tmp_path, backup, range(2, 30))
        asked = len(office.slack.calls_of("conversations.history"))
        async with office.sending():
            for _ in range(20):
                await office.queues(details=True, edit=True)
            await office.until_sent()
            assert len(office.everything()) == there
            fresh = await office.queues(details=True)
            await office.until_sent()
        assert len(office.everything()) == there + 2
        assert office.told()[fresh] == 1
        assert set(office.told().values()) == {1}
        assert len(office.slack.calls_of("conversations.history")) - asked <= 20 // page + 1
        assert len(office.slack.calls_of("conversations.replies")) <= 21
        # What was posted stays the run's root: the edits went there.
        assert [call.ok for call in office.slack.calls_of("chat.update")] == [True] * 20


async def test_a_restored_database_and_a_restart(tmp_path: Path) -> None:
    """What is posted after the restore does not hide what stands before it: that is remembered."""
    async with post_office(tmp_path) as office:
        backup = await backed_up(office, tmp_path)
        async with office.sending():
            for _ in range(4):
                await office.queues()
            await office.until_sent()
        await post_again(office, tmp_path, backup, [9, 1, 2, 3, 4])
        async with office.sending():
            await office.queues()
            await office.until_sent()
        async with office.sending("here:2:b"):
            for _ in range(4):
                await office.queues()
            await office.until_sent()
        assert office.told() == Counter(office.queued)


async def test_what_is_still_not_as_expected(tmp_path: Path) -> None:
    """A restored database looks anew since when a repository is full: what stands is not posted again.

    What was over by then is another one, and so is the next of the same.
    """

    async def is_full(office: PostOffice, subject: str, *, over: bool = False) -> None:
        await office.clock.advance(60)
        expectation = Expectation(
            server=ServerName("hq"),
            kind="repository",
            subject=subject,
            name=subject,
            since=office.clock.now(),
            limit=10.0,
        )
        now, key = office.clock.now(), expectation.key
        rows = [message(key, PROD, ExpectationUnmet(expectation=expectation), now)]
        if over:
            ended = ExpectationOver(expectation=expectation, ended_at=now)
            rows.append(message(f"{key}/over", PROD, ended, now, placement=Placement.EDIT, root_key=key))
        async with office.database.transaction() as transaction:
            await office.outbox.add(transaction, rows)

    async with post_office(tmp_path) as office:
        backup = await backed_up(office, tmp_path)
        async with office.sending():
            await is_full(office, "repository:1")
            await is_full(office, "repository:2", over=True)
            await office.until_sent()
        there = len(office.everything())
        await post_again(office, tmp_path, backup, ())
        async with office.sending():
            await is_full(office, "repository:1", over=True)
            await office.until_sent()
            assert len(office.everything()) == there
            await is_full(office, "repository:2")
            await is_full(office, "repository:1")
            await office.until_sent()
        assert len(office.everything()) == there + 2


async def test_the_next_alert_after_a_kill(tmp_path: Path) -> None:
    """What the killed process had sent, and is over since, hides nothing: the next of the same is posted."""
    first = Expectation(
        server=ServerName("hq"),
        kind="repository",
        subject="repository:1",
        name="Main",
        since=datetime(2026, 3, 1, tzinfo=UTC),
        limit=10.0,
    )
    async with post_office(tmp_path) as office:

        async def queue(*rows: NewOutboxRow) -> None:
            async with office.database.transaction() as transaction:
                await office.outbox.add(transaction, rows)

        now = office.clock.now()
        office.slack.faults.add("chat.postMessage", Hung())
        await queue(message(first.key, PROD, ExpectationUnmet(expectation=first), now, priority=REPLY))
        async with office.sending():
            await office.until(office.everything)
        await office.outbox.release_all("here:1:a")
        await office.queues()
        async with office.sending("here:2:b"):
            await office.until_sent()
            ended = ExpectationOver(expectation=first, ended_at=now)
            edit = message(
                f"{first.key}/over", PROD, ended, now, placement=Placement.EDIT, root_key=first.key
            )
            await queue(edit)
            await office.until_sent()
            there = len(office.everything())
            again = replace(first, since=first.since + timedelta(hours=1))
            await queue(message(again.key, PROD, ExpectationUnmet(expectation=again), now))
            await office.until_sent()
        assert len(office.everything()) == there + 1


async def test_nothing_is_unknown(tmp_path: Path) -> None:
    """Where nothing was restored it is one request a channel, and none for a thread that begins now."""
    async with post_office(tmp_path) as office:
        async with office.sending():
            for channel in (PROD, BACKUPS, PROD, PROD):
                await office.queues(channel, details=True)
            await office.until_sent()
        assert office.told() == Counter(office.queued)
        assert len(office.slack.calls_of("conversations.history")) == 2
        assert office.slack.calls_of("conversations.replies") == []


async def test_slack_does_not_let_the_bot_look(tmp_path: Path) -> None:
    """Where looking is refused, messages are sent all the same, and it is asked once; a 429 is waited out."""
    async with post_office(tmp_path) as office:
        office.slack.faults.add("conversations.history", RateLimited(30), times=1)
        office.slack.faults.add("conversations.history", Refused("missing_scope"))
        async with office.sending():
            for _ in range(3):
                await office.queues()
            await office.until_sent()
        assert office.told() == Counter(office.queued)
        assert len(office.slack.calls_of("conversations.history")) == 2


async def test_without_the_scope_to_look_it_is_sent_again(tmp_path: Path) -> None:
    """Whether the killed process's message arrived cannot be seen: twice is better than never."""
    async with post_office(tmp_path) as office:
        office.slack.faults.add("chat.postMessage", Hung())
        queued = await office.queues()
        async with office.sending():
            await office.until(office.everything)
        await office.outbox.release_all("here:1:a")
        office.slack.faults.add("conversations.history", Refused("missing_scope"))
        async with office.sending("here:2:b"):
            await office.until_sent()
        assert office.told() == Counter({queued: 2})


async def test_a_kill_is_no_restore(tmp_path: Path) -> None:
    """A message that was on its way when the process was killed is found, and no database was restored."""
    async with post_office(tmp_path) as office:
        office.slack.faults.add("chat.postMessage", Hung())
        await office.queues()
        async with office.sending():
            await office.until(office.everything)
        await office.outbox.release_all("here:1:a")
        await office.queues()
        async with office.sending("here:2:b"):
            await office.until_sent()
        assert office.told() == Counter(office.queued)
        newest = await office.outbox.newest_known(PROD)
        assert newest is not None
        assert newest.ts == max(message.ts for message in office.everything())


async def test_the_answer_to_an_action_is_no_restore(tmp_path: Path) -> None:
    """It is posted at once and not by way of the outbox, which therefore never knew it."""
    async with post_office(tmp_path) as office:
        metadata = action_metadata("K7M2")
        sent = {"channel": PROD, "text": "Retry of SQL Prod", "metadata": metadata}
        await office.web_api.write("chat.postMessage", sent)
        async with office.sending():
            await office.queues()
            await office.until_sent()
        newest = await office.outbox.newest_known(PROD)
        assert newest is not None
        assert newest.ts == max(message.ts for message in office.everything())
