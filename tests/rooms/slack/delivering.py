"""The delivery against a simulated Slack, with a clock that the test moves and an outbox that it fills."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bot.observability import Clock, Health, Metrics
from bot.sandbox.slack import SlackSandbox, default_workspace
from bot.sandbox.slack.messages import Channel, Message
from bot.settings import ServerName
from bot.slack.delivery import Delivery
from bot.slack.directory import Directory
from bot.slack.web_api import WebApi, Workspace, open_web_api, read_workspace
from bot.store import Database, NewOutboxRow, Outbox, Placement
from bot.veeam import JobId, SessionId
from bot.watch.facts import DetailsReply, RunChanged, RunEnded, encode
from bot.watch.run_facts import RunFacts, SessionFacts
from tests.support.clock import FakeClock
from tests.support.databases import new_database
from tests.support.settings_files import ENVIRONMENT, read

PROD, BACKUPS = "C0PROD", "C0BACKUPS"
STEP_SECONDS = 0.5
_REAL_LOOK_SECONDS = 0.01


@dataclass
class PostOffice:
    """An outbox, and one process that sends what is in it."""

    slack: SlackSandbox
    clock: FakeClock
    database: Database
    web_api: WebApi
    workspace: Workspace
    health: Health
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    queued: list[str] = field(default_factory=list)

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.database)

    def delivery(self, database: Database | None = None, clock: Clock | None = None) -> Delivery:
        """A process that sends; by a clock of its own, where it has one."""
        return Delivery(
            database or self.database,
            self.web_api,
            self.workspace,
            Directory(self.web_api, self.workspace, [], clock=self.clock),
            clock=clock or self.clock,
            metrics=Metrics(),
            health=self.health,
        )

    @asynccontextmanager
    async def sending(
        self, holder: str = "here:1:a", *, database: Database | None = None, clock: Clock | None = None
    ) -> AsyncIterator[Delivery]:
        """Deliver, between entering and leaving."""
        delivery = self.delivery(database, clock)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(delivery.run(holder, BACKUPS))
            yield delivery
            task.cancel()

    async def queues(
        self,
        channel: str = PROD,
        *,
        details: bool = False,
        edit: bool = False,
        now: datetime | None = None,
    ) -> str:
        """Queue a run that ended; return its session's ID. `now` is what the process's clock says."""
        number = next(self.numbers)
        session = SessionId(f"{number:08d}-0000-0000-0000-000000000000")
        now = now or self.clock.now()
        facts = SessionFacts(
            session_id=session,
            session_type="BackupJob",
            result="Failed",
            created_at=now - timedelta(minutes=5),
            ended_at=now,
        )
        run = RunFacts(
            server=ServerName("hq"),
            job_id=JobId(str(number)),
            job_name=f"Job {number}",
            attempts=(facts,),
        )
        root = NewOutboxRow(
            key=f"hq/{session}/{channel}", channel=channel, kind="run_ended", body=encode(RunEnded(run=run)),
            created_at=now,
        )  # fmt: skip
        rows = [root]
        if details:
            body = encode(DetailsReply(run=run, session=facts))
            rows.append(
                NewOutboxRow(
                    key=f"{root.key}/story", channel=channel, kind="session_story", body=body, created_at=now,
                    placement=Placement.REPLY, priority=20, root_key=root.key,
                )
            )  # fmt: skip
        if edit:
            rows.append(
                NewOutboxRow(
                    key=f"{root.key}/edit", channel=channel, kind="run_changed", created_at=now,
                    body=encode(RunChanged(run=run)), placement=Placement.EDIT, root_key=root.key,
                )
            )  # fmt: skip
        async with self.database.transaction() as transaction:
            await self.outbox.add(transaction, rows)
        self.queued.append(session)
        return session

    async def until(self, condition: Callable[[], object], *, most_seconds: float = 600) -> float:
        """Let time pass until the condition holds; return how much did."""
        began = self.clock.monotonic()
        while not condition():
            passed = self.clock.monotonic() - began
            assert passed < most_seconds, f"not within {most_seconds} s"
            try:
                await self.slack.wait_until(condition, _REAL_LOOK_SECONDS)
            except TimeoutError:
                await self.clock.advance(STEP_SECONDS)
        return self.clock.monotonic() - began

    async def lets_pass(self, seconds: float) -> None:
        """Let time pass, and what goes on in real time go on."""
        await self.clock.advance(seconds)
        with suppress(TimeoutError):
            await self.slack.wait_until(lambda: False, _REAL_LOOK_SECONDS)

    async def until_sent(self) -> float:
        """Let time pass until nothing waits."""
        began = self.clock.monotonic()
        while sum(backlog.rows for backlog in await self.outbox.waiting()):
            assert self.clock.monotonic() - began < 600, "still waiting"
            await self.lets_pass(STEP_SECONDS)
        return self.clock.monotonic() - began

    def everything(self) -> list[Message]:
        channels = self.slack.workspace.conversations.channels.values()
        return [message for channel in channels for message in channel.messages.values()]

    def told(self) -> Counter[str]:
        """How often each session was told."""
        found = (message.metadata for message in self.everything())
        return Counter(
            each["event_payload"]["session_id"]
            for each in found
            if each and each["event_type"] == "veeam_session"
        )

    def is_unwell(self, part: str) -> bool:
        """Whether a part said that it is not well."""
        found = self.health.part(part)
        return found is not None and not found.ok

    def posts(self, channel: str) -> list[float]:
        """When each post of the bot's to a channel came, by Slack's clock, whatever came of it."""
        calls = self.slack.calls_of("chat.postMessage")
        return [call.at for call in calls if call.arguments["channel"] == channel]


@asynccontextmanager
async def post_office(folder: Path, address: str | None = None) -> AsyncIterator[PostOffice]:
    """Open one, with twenty channels more than the workspace has; on SQLite if no database is given."""
    clock = FakeClock()
    database = Database(address or await new_database(folder))
    async with SlackSandbox(default_workspace(lambda: clock.now().timestamp())) as slack:
        insiders = slack.workspace.conversations.channel(PROD).members
        slack.workspace.conversations.add(
            *(Channel(f"C0MORE{n:02d}", f"more-{n}", members=list(insiders)) for n in range(20))
        )
        own = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        settings = read(folder, environ=ENVIRONMENT | own | {"SLACK_API_URL": slack.api_url})
        async with open_web_api(settings.slack, clock=clock, metrics=Metrics()) as web_api:
            workspace = await read_workspace(web_api)
            office = PostOffice(slack, clock, database, web_api, workspace, Health(clock))
            try:
                yield office
            finally:
                await office.database.close()
