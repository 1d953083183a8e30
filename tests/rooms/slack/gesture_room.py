"""The gesture pipeline between a simulated Slack, over Socket Mode, and a simulated VBR."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.observability import Health, Metrics
from bot.operations.service import AccessRules, Service
from bot.sandbox.slack import SlackSandbox, default_workspace
from bot.sandbox.slack.app import App
from bot.sandbox.slack.gestures import SlackUser
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.views import View
from bot.sandbox.vbr import VbrSandbox, World
from bot.settings import GrantSettings, GroupReference, Role, ServerName
from bot.slack.app_home import AppHome, HomeTabs
from bot.slack.conversations import SlackConversations
from bot.slack.directory import Directory
from bot.slack.gesture_tasks import GestureTasks
from bot.slack.interactions import Interactions
from bot.slack.listeners import bolt_app, listen_to_events, listen_to_gestures
from bot.slack.manifest import manifest
from bot.slack.replies import Modals, Replies
from bot.slack.session_messages import PostedSessions
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi, open_web_api, read_workspace
from bot.store import (
    Approvals,
    AuditLog,
    Database,
    new_holder,
)
from bot.veeam import Fleet
from bot.watch import FollowUp, StandingMessages, approval_rows
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock
from tests.support.databases import new_database
from tests.support.settings_files import ENVIRONMENT, read

HQ, PROD = ServerName("hq"), "C0PROD"
GRANTS = tuple(
    GrantSettings(group=GroupReference(group), role=role)
    for group, role in {
        "S0BACKUPADMINS": Role.BACKUP_ADMINISTRATOR,
        "S0BACKUPOPERATORS": Role.BACKUP_OPERATOR,
        "S0BACKUPVIEWERS": Role.BACKUP_VIEWER,
    }.items()
)


class _Watching:
    def last_poll_at(self, server: ServerName) -> None:
        del server

    def database_problem(self) -> None:
        pass

    async def outbox_waiting(self) -> int:
        return 0


@dataclass
class GestureRoom:
    """What a test holds: the two simulated sides, the database between them, and the clock."""

    slack: SlackSandbox
    vbr: VbrSandbox
    clock: FakeClock
    database: Database
    moved: list[tuple[str, str]] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.vbr.world

    def person(self, name: str) -> SlackUser:
        return self.slack.person(name)

    async def until(self, condition: Callable[[], object]) -> None:
        await self.slack.wait_until(condition, 10)

    def home(self, name: str) -> View:
        found = self.slack.home(name)
        assert found is not None
        return found

    def modal(self, name: str) -> View:
        found = self.slack.open_view(name)
        assert found is not None
        return found

    async def opens_home(self, name: str) -> str:
        """Open the Home and return what it says once VBR has answered."""
        await self.person(name).opens_home()
        await self.until(lambda: (home := self.slack.home(name)) and "Asking VBR" not in words(home.blocks))
        return words(self.home(name).blocks)

    async def reads_modal(self, name: str, *, instead_of: View | None = None) -> str:
        """Return what the modal says once VBR has answered."""
        await self.until(
            lambda: (
                (view := self.slack.open_view(name))
                and view is not instead_of
                and "Asking VBR" not in words(view.blocks)
            )
        )
        return words(self.modal(name).blocks)

    def direct(self, name: str) -> list[Message]:
        """The person's conversation with the bot."""
        workspace = self.slack.workspace
        person = workspace.directory.person(name).id
        channel = workspace.conversations.direct(workspace.app.bot_user, person)
        return list(channel.messages.values())

    def posts(self) -> list[str]:
        """What was sent to VBR that changes it."""
        return [
            each.template for each in self.vbr.requests if each.method == "POST" and "/jobs/" in each.template
        ]

    def asked(self) -> int:
        """How often VBR was asked for jobs."""
        return sum("/jobs/states" in each.template for each in self.vbr.requests)


def words(blocks: Any) -> str:
    """Everything that stands in the blocks, labels too."""
    if isinstance(blocks, Mapping):
        own = blocks["text"] if isinstance(blocks.get("text"), str) else ""
        return "\n".join(filter(None, (own, *(words(each) for each in blocks.values()))))
    return "\n".join(filter(None, map(words, blocks))) if isinstance(blocks, list | tuple) else ""


@asynccontextmanager
async def gesture_room(folder: Path) -> AsyncIterator[GestureRoom]:
    """Open everything, and close it in order."""
    clock = FakeClock()
    address = await new_database(folder)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(
            SlackSandbox(default_workspace(app=App.from_manifest(manifest())))
        )
        vbr = await stack.enter_async_context(VbrSandbox(World(clock.now, name=HQ)))
        room = GestureRoom(slack, vbr, clock, Database(address))
        stack.push_async_callback(room.database.close)
        own = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_API_URL": slack.api_url}
        settings = read(folder, environ=ENVIRONMENT | own)
        web = await stack.enter_async_context(open_web_api(settings.slack, clock=clock, metrics=Metrics()))
        group = await stack.enter_async_context(_tasks_that_end(clock))
        fleet = Fleet([client_of(vbr, clock)])
        stack.push_async_callback(fleet.close)
        socket = group.create_task((await _socket(room, fleet, web, group)).run())
        stack.callback(socket.cancel)
        await slack.wait_until(lambda: slack.socket_mode.connections)
        yield room


@asynccontextmanager
async def _tasks_that_end(clock: FakeClock) -> AsyncIterator[asyncio.TaskGroup]:
    """A task group for which time passes once the test is over: what waits then for its turn gets it."""
    async with asyncio.TaskGroup() as around:
        async with asyncio.TaskGroup() as group:
            yield group
            passing = around.create_task(_time_passes(clock))
        passing.cancel()


async def _time_passes(clock: FakeClock) -> None:
    while True:
        await clock.advance(60)


async def _socket(room: GestureRoom, fleet: Fleet, web: WebApi, group: asyncio.TaskGroup) -> SocketMode:
    clock, database, metrics = room.clock, room.database, Metrics()
    home = await read_workspace(web)
    directory = Directory(web, home, (), clock=clock)
    messages = PostedSessions(database, web, home)
    service = Service(
        fleet=fleet,
        accounts={},
        database=database,
        audit_log=AuditLog(database),
        approvals=Approvals(database, approval_rows),
        rules=AccessRules(GRANTS),
        people=directory,
        health=_Watching(),
        metrics=metrics,
        clock=clock,
        conversations=SlackConversations(web, clock),
        messages=messages,
        follow_up=FollowUp(database, clock),
        holder=new_holder(),
    )
    tasks, replies, modals = GestureTasks(group), Replies(web, clock), Modals(web)
    interactions = Interactions(
        service,
        replies,
        modals,
        StandingMessages(database, clock),
        messages,
        tasks,
        command="/veeam",
        clock=clock,
        metrics=metrics,
    )
    tabs = HomeTabs(web, clock)
    app_home = AppHome(service, interactions, replies, modals, tabs, tasks, workspace=home, command="/veeam")
    app = bolt_app(web.client, home, "")
    listen_to_gestures(app, interactions, app_home, command="/veeam", bot_user_id=home.bot_user_id)

    async def channel_moved(old_id: str, new_id: str) -> None:
        room.moved.append((old_id, new_id))

    listen_to_events(app, app_home, directory, on_access_lost=lambda _: None, on_channel_moved=channel_moved)
    return SocketMode(app, room.slack.app_token, web, clock=clock, health=Health(clock))
