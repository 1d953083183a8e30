"""One run, one message per channel: what stands there about a run becomes its root."""

import pytest

from bot.sandbox.vbr import Outcome
from bot.store import (
    NewFollowedSession,
    Outbox,
    OutboxRow,
    OwnAction,
    OwnActions,
    Placement,
    PostedMessage,
)
from bot.veeam import JobId, ServerName, Session, SessionId
from bot.watch import StandingMessages
from bot.watch.facts import AttemptEnded, DetailsReply, RunChanged, RunEnded, decode
from bot.watch.messages import AWAITED
from tests.rooms.watch.site import Site, route_to, rules

JOB, OPS, PROD = "SQL nightly", "C0OPS", "C0PROD"
RUN_SECONDS = 20
ROUTE = {"results": ["Failed", "Success"], "mention": "S0ONCALL"}


async def began(site: Site, *outcomes: Outcome, operation: str = "start", channel: str = OPS) -> Session:
    """Let somebody start the job through the bot; its message is not posted yet."""
    jobs = [job for job in site.world.jobs if job.name == JOB]
    job = jobs[0] if jobs else site.world.add_job(JOB, run_seconds=RUN_SECONDS)
    site.world.plan(job, list(outcomes))
    session = site.world.begin_run(job, by=r"CORP\svc-slack")
    own = OwnAction("hq", job.id, session.id, operation, "U1", channel, f"r-{session.id}", site.clock.now())
    await OwnActions(site.database).remember(own)
    return await site.client.session(SessionId(session.id))


async def posted(
    site: Site, session: Session, *, operation: str = "start", channel: str = OPS, is_reply: bool = False
) -> PostedMessage:
    """Post the action's message: in the thread of what stands in the channel about the run, or by itself."""
    messages = StandingMessages(site.database, site.clock)
    assert session.job_id is not None
    root = await messages.find(
        session,
        server=ServerName("hq"),
        job_id=session.job_id,
        operation=operation,
        person="U1",
        channel=channel,
    )
    at = PostedMessage(channel, "1.0") if root is None else root.posted
    new = NewFollowedSession(
        server="hq",
        session_id=session.id,
        job_id=session.job_id,
        job_name=JOB,
        operation=operation,
        person="U1",
        channel=channel,
        ts=at.ts,
        started_at=site.clock.now(),
        root_key=None if root is None else root.root_key,
        is_reply=is_reply,
    )
    await messages.keep(new)
    return at


async def sent(site: Site) -> list[tuple[str, str, str | None]]:
    """Send what is due; return where it goes, what it is, and the message that it edits or replies to."""
    outbox, done = Outbox(site.database), list[OutboxRow]()
    while rows := await outbox.claim("sender", site.clock.now(), 60, 100):
        for row in rows:
            is_edit = row.placement is Placement.EDIT
            at = row.root if is_edit and row.root else PostedMessage(row.channel, f"{row.id}.5")
            await outbox.sent(row.id, at, site.clock.now())
        done += rows
    return [
        (row.channel, type(decode(row.body)).__name__, None if row.root is None else row.root.ts)
        for row in done
    ]


async def ends(site: Site, seconds: float = 400) -> list[tuple[str, str, str | None]]:
    await site.clock.advance(seconds)
    await site.watch.tick()
    return await sent(site)


FAILED = Outcome("Failed", {"vm01": "VSS timeout"})


async def test_the_actions_message_becomes_the_root(site: Site) -> None:
    """A run that was started from a channel is not posted there again; other channels get it as usual."""
    site.begin(rules(route_to(PROD, **ROUTE)))
    await posted(site, await began(site, FAILED))
    rows = await ends(site)
    assert [(kind, root) for channel, kind, root in rows if channel == OPS] == [
        (RunChanged.__name__, "1.0"),
        (DetailsReply.__name__, "1.0"),
    ]
    told = [kind for channel, kind, _ in rows if channel == PROD]
    assert told == [RunEnded.__name__, DetailsReply.__name__]
    assert await ends(site) == []


async def test_a_success_is_no_second_message(site: Site) -> None:
    """Also where no route takes it, and in a channel whose route does."""
    site.begin(rules(route_to(PROD, **ROUTE)))
    await posted(site, await began(site, Outcome(), channel=PROD), channel=PROD)
    assert await ends(site) == [(PROD, "RunChanged", "1.0")]
    await posted(site, await began(site, Outcome()))
    assert [each for each in await ends(site) if each[0] == OPS] == [(OPS, "RunChanged", "1.0")]


async def test_whom_a_root_would_mention_its_thread_mentions(site: Site) -> None:
    """An edit notifies nobody."""
    site.begin(rules(route_to(PROD, **ROUTE)))
    await posted(site, await began(site, FAILED, channel=PROD), channel=PROD)
    await site.clock.advance(400)
    await site.watch.tick()
    mentions = []
    outbox = Outbox(site.database)
    while rows := await outbox.claim("sender", site.clock.now(), 60, 100):
        for row in rows:
            mentions.append((row.placement.value, getattr(decode(row.body), "mention", None)))
            await outbox.sent(row.id, row.root or PostedMessage(PROD, "9.0"), site.clock.now())
    assert mentions == [("edit", None), ("reply", "S0ONCALL")]


@pytest.mark.parametrize("comes", [True, False])
async def test_a_run_that_ends_before_its_message_is_posted(site: Site, *, comes: bool) -> None:
    """The root waits a moment for the message of the action, and is posted if none comes."""
    site.begin(rules(route_to(OPS, **ROUTE)))
    session = await began(site, FAILED)
    await site.clock.advance(RUN_SECONDS)
    await site.watch.tick()
    assert await sent(site) == []
    if not comes:
        await site.clock.advance(AWAITED.total_seconds() + 1)
        assert [kind for _, kind, _ in await sent(site)] == ["RunEnded", "DetailsReply"]
        return
    await posted(site, session)
    rows = await sent(site)
    assert {(channel, root) for channel, _, root in rows} == {(OPS, "1.0")}
    assert sorted(kind for _, kind, _ in rows) == ["DetailsReply", "RunChanged"]


async def test_a_retry_lives_in_the_root(site: Site) -> None:
    """The message of a retry is the root of the run that it retries; its end is an attempt in that thread."""
    site.begin(rules(route_to(OPS, **ROUTE)))
    site.ended(JOB, "Failed", objects={"vm01": "VSS timeout"})
    first = await ends(site, 20)
    assert [kind for _, kind, _ in first] == ["RunEnded", "DetailsReply"]
    root = first[1][2]
    session = await began(site, Outcome(), operation="retry")
    at = await posted(site, session, operation="retry")
    assert at.ts == root
    assert sorted(await ends(site)) == [(OPS, AttemptEnded.__name__, root), (OPS, RunChanged.__name__, root)]
    assert await ends(site) == []


async def test_a_stop_is_answered_where_the_start_was(site: Site) -> None:
    """Start, then Stop: one message."""
    session = await began(site, Outcome())
    at = await posted(site, session)
    found = await StandingMessages(site.database, site.clock).find(
        session,
        server=ServerName("hq"),
        job_id=session.job_id or JobId(""),
        operation="stop",
        person="U2",
        channel=OPS,
    )
    assert found is not None
    assert (found.posted, found.root_key, found.operation) == (at, None, "start")


async def test_what_can_be_no_root(site: Site) -> None:
    """A reply in a thread and a direct message stay what they are; the channel gets the run as usual."""
    site.begin(rules(route_to(OPS, **ROUTE)))
    await posted(site, await began(site, FAILED), is_reply=True)
    assert [kind for _, kind, _ in await ends(site)] == ["RunEnded", "DetailsReply"]
    await posted(site, await began(site, FAILED, channel="D0ANN"), channel="D0ANN")
    assert {channel for channel, _, _ in await ends(site, 4000)} == {OPS}


async def test_another_channels_root_is_not_taken(site: Site) -> None:
    """A retry from elsewhere gets a message of its own, which becomes a root of the same run."""
    site.begin(rules(route_to(PROD, **ROUTE)))
    site.ended(JOB, "Failed", objects={"vm01": "VSS timeout"})
    first = await ends(site, 20)
    at = await posted(site, await began(site, Outcome(), operation="retry"), operation="retry")
    assert at == PostedMessage(OPS, "1.0")
    rows = await ends(site)
    assert (OPS, "RunChanged", "1.0") in rows
    assert (PROD, "AttemptEnded", first[1][2]) in rows


async def test_what_was_never_answered_holds_no_root_up(site: Site) -> None:
    """A message that did not come within a minute will not come."""
    await began(site, FAILED)
    site.begin(rules(route_to(OPS, **ROUTE)))
    assert [kind for _, kind, _ in await ends(site, 600)] == ["RunEnded", "DetailsReply"]
