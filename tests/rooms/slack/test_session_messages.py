"""Which session a linked message is about: by the bot's own record, else by what Slack has of the message."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.operations.backend import MessageUnreadable, ShownSession
from bot.operations.model import MessageLink
from bot.sandbox.slack.faults import Refused
from bot.sandbox.slack.messages import Message
from bot.settings import ServerName
from bot.slack.session_messages import PostedSessions
from bot.store import FollowedSessions, NewFollowedSession, PostedMessage, RunRow, Runs
from bot.veeam import SessionId
from bot.watch.facts import RunEnded, decode
from bot.watch.run_facts import RunFacts
from bot.watch.runs import Run
from tests.rooms.slack.delivering import PROD, PostOffice, post_office


def finder(office: PostOffice) -> PostedSessions:
    return PostedSessions(office.database, office.web_api, office.workspace)


def link_to(message: Message, channel: str = PROD) -> MessageLink:
    """The link as Slack's menu copies it."""
    thread = f"?thread_ts={message.thread_ts}&cid={channel}" if message.thread_ts else ""
    read = MessageLink.read(
        f"https://example.slack.com/archives/{channel}/p{message.ts.replace('.', '')}{thread}"
    )
    assert read is not None
    return read


async def sent(office: PostOffice) -> tuple[str, list[Message]]:
    """A run's root and the reply in its thread."""
    async with office.sending():
        session = await office.queues(details=True)
        await office.until_sent()
    channel = office.slack.workspace.conversations.channel(PROD)
    return session, [message for message in channel.messages.values() if message.metadata]


def shown(session: str, job: str = "1") -> ShownSession:
    return ShownSession(ServerName("hq"), SessionId(session), job)


async def test_a_root_and_its_thread(tmp_path: Path) -> None:
    """Root, reply, and anything else in the thread lead to the session; Slack is not asked."""
    async with post_office(tmp_path) as office:
        session, (root, reply) = await sent(office)
        read = len(office.slack.calls_of("conversations.history"))
        of = finder(office).session_of
        assert await of(link_to(root)) == shown(session)
        assert await of(link_to(reply)) == shown(session)
        in_thread = msgspec.structs.replace(link_to(reply), ts="1763899999.000001")
        assert await of(in_thread) == shown(session)
        assert len(office.slack.calls_of("conversations.history")) == read


async def test_a_root_shows_its_latest_attempt(tmp_path: Path) -> None:
    """A root that was redrawn for a further attempt leads to that attempt."""
    async with post_office(tmp_path) as office:
        session, (root, _) = await sent(office)
        run = await run_of(office, root)
        again = msgspec.structs.replace(run.first, session_id=SessionId("again"))
        facts = msgspec.structs.replace(run, attempts=(run.first, again))
        row = RunRow(facts.key, "hq", "1", again.ended_at, None, Run(facts=facts).encode())
        async with office.database.transaction() as transaction:
            await Runs(office.database).put(transaction, row)
        assert facts.first.session_id == session
        assert await finder(office).session_of(link_to(root)) == shown("again")


async def run_of(office: PostOffice, root: Message) -> RunFacts:
    row = await office.outbox.at(PostedMessage(PROD, root.ts))
    assert row is not None
    announced = decode(row.body)
    assert isinstance(announced, RunEnded)
    return announced.run


async def forget(office: PostOffice) -> None:
    """Empty the outbox, as another database would be."""
    await office.outbox.purge(office.clock.now() + timedelta(days=1))


async def test_what_is_not_on_record_is_read(tmp_path: Path) -> None:
    """What another database posted is known by its metadata, root and reply, where the bot may read."""
    async with post_office(tmp_path) as office:
        session, (root, reply) = await sent(office)
        await forget(office)
        of = finder(office).session_of
        assert await of(link_to(root)) == shown(session)
        assert await of(link_to(reply)) == shown(session)
        elsewhere = msgspec.structs.replace(link_to(root), channel_id="C0NOWHERE")
        assert await of(elsewhere) is None


async def test_a_message_that_slack_does_not_show_proves_nothing(tmp_path: Path) -> None:
    """There may well be a session behind the link."""
    async with post_office(tmp_path) as office:
        _, (root, _) = await sent(office)
        await forget(office)
        office.slack.faults.add("conversations.history", Refused("missing_scope"), 9)
        with pytest.raises(MessageUnreadable):
            await finder(office).session_of(link_to(root))


async def test_messages_of_others_prove_nothing(tmp_path: Path) -> None:
    """Metadata that another app wrote names no session."""
    async with post_office(tmp_path) as office:
        _, (root, _) = await sent(office)
        await forget(office)
        root.user, root.by_app = "U0ANN", False
        assert await finder(office).session_of(link_to(root)) is None


async def test_the_message_of_an_action(tmp_path: Path) -> None:
    """The message that shows a run which was started from Slack leads to that run."""
    async with post_office(tmp_path) as office:
        link = MessageLink("", PROD, "5.000001")
        followed = NewFollowedSession(
            server="hq",
            session_id="s1",
            job_id="1",
            job_name="SQL",
            operation="retry",
            person="U0ANN",
            channel=PROD,
            ts=link.ts,
            started_at=office.clock.now(),
        )
        await FollowedSessions(office.database).add(followed)
        assert await finder(office).session_of(link) == shown("s1")
