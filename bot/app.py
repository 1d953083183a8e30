"""Builds every part, runs them in one task group, and stops them in order."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from aiohttp import web

from bot import endpoints
from bot.observability import Clock, Health, Metrics, SystemClock, contained, set_up_logging
from bot.operations.backend import ApprovalRules
from bot.operations.catalog import ACTIONS_ON_RECORD
from bot.operations.service import AccessRules, Service
from bot.settings import Role, ServerName, Settings
from bot.slack.app_home import AppHome
from bot.slack.delivery import TOKEN_PART, Delivery, History
from bot.slack.directory import Directory
from bot.slack.errors import CredentialsRejected
from bot.slack.gesture_tasks import GestureTasks
from bot.slack.http_mode import SlackRequests, UnsignedRequests
from bot.slack.interactions import Interactions
from bot.slack.listeners import bolt_app, listen
from bot.slack.live_messages import LiveMessages
from bot.slack.modals import Modals
from bot.slack.replies import Replies
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi, Workspace, find_workspace, open_web_api, wait_for_credentials
from bot.store import (
    Approvals,
    AuditLog,
    Database,
    FollowedSessions,
    Outbox,
    StoreBroken,
    StoreUnavailable,
    holder_has_ended,
    new_holder,
    release_ended,
    upgrade,
)
from bot.store.upkeep import DATABASE_PART, Upkeep
from bot.veeam import Connection, Fleet, VeeamServer, connection_to
from bot.watch import (
    ApprovalCloser,
    AuditChannel,
    Reenabler,
    SessionFollower,
    Watch,
    WatchRules,
    approval_rows,
)

GRACE_SECONDS = 10.0
_FIRST_BACK_OFF_SECONDS = 1.0
_LONGEST_BACK_OFF_SECONDS = 60.0

log = structlog.get_logger()

Part = Callable[[], Awaitable[None]]


def run(settings: Settings) -> int:
    """Run the bot until it is told to stop; return the process's exit code."""
    set_up_logging(settings.log_level, settings.log_format, settings.secrets())
    # What start-up made lives as long as the process. Looking through it for garbage now and then takes a
    # tenth of a second, in which no command would be acknowledged.
    gc.freeze()
    return asyncio.run(Application(settings, SystemClock()).run())


@dataclass(slots=True)
class _Intake:
    """Where gestures come in, once Slack is there: closed first when the program stops."""

    tasks: GestureTasks | None = None
    socket: SocketMode | None = None
    requests: SlackRequests | None = None
    delivery: Delivery | None = None
    loops: list[asyncio.Task[None]] = field(default_factory=list)


class Application:
    """The whole bot, once."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = Metrics()
        servers = [endpoints.SERVER_PART + server.name for server in settings.servers]
        self._health = Health(clock, [DATABASE_PART, "slack", *servers])
        # Names this process among replicas, in leases and claims.
        self._holder = new_holder()
        self._stop = asyncio.Event()
        self._intake = _Intake()
        self._acting: dict[tuple[ServerName, Role], VeeamServer] = {}
        self._exit_code = 0

    async def run(self) -> int:
        """Run until a signal, or until a credential turns out to be dead; return the exit code."""
        self._hear_signals()
        async with AsyncExitStack() as stack:
            try:
                await self._listen_for_http(stack)
                database = await self._open_database(stack)
            except (OSError, StoreBroken) as error:
                log.error("application.cannot_start", problem=str(error))
                return 1
            if database is not None:
                fleet = self._open_fleet(stack)
                web_client = await stack.enter_async_context(
                    open_web_api(self._settings.slack, clock=self._clock, metrics=self._metrics)
                )
                upkeep = Upkeep(
                    database,
                    self._record(database),
                    self._approvals(database),
                    self._clock,
                    self._health,
                    approvals_last=timedelta(minutes=self._settings.approvals.expire_minutes),
                )
                async with asyncio.TaskGroup() as group:
                    self._start(group, DATABASE_PART, upkeep.run)
                    self._watch(group, database, fleet, LiveMessages(web_client, clock=self._clock))
                    self._start(group, "slack", lambda: self._join_slack(group, database, fleet, web_client))
                    await self._stop.wait()
                    await self._wind_down()
                await contained(release_ended(database, self._holder.__eq__), "application.not_released")
        log.info("application.stopped", exit_code=self._exit_code)
        return self._exit_code

    async def _join_slack(
        self, group: asyncio.TaskGroup, database: Database, fleet: Fleet, web_client: WebApi
    ) -> None:
        """Open the intake once Slack answers; until then sessions are noticed and wait in the outbox."""
        try:
            home = await find_workspace(web_client, clock=self._clock, health=self._health)
            await self._open_intake(group, database, fleet, web_client, home)
        except CredentialsRejected as error:
            log.error("application.slack_refused", problem=str(error))
            self._exit_code = 1
            self._stop.set()

    def _watch(self, group: asyncio.TaskGroup, database: Database, fleet: Fleet, live: LiveMessages) -> None:
        slack = self._settings.slack
        rules = WatchRules(self._settings.routes, slack.default_channel, self._settings.polling)
        for name in fleet.names:
            server = fleet.server(name)
            watch = Watch(
                server,
                database,
                self._clock,
                rules,
                metrics=self._metrics,
                health=self._health,
                holder=self._holder,
            )
            following = SessionFollower(server, database, self._clock, self._holder, live)
            self._start(group, f"watch:{name}", watch.run)
            self._start(group, f"following:{name}", following.run)
            # Enabling takes an administrator: where one has an account, the main one may be a viewer.
            account = self._acting.get((name, Role.BACKUP_ADMINISTRATOR), server)
            reenabling = Reenabler(account, self._record(database), database, self._clock, self._holder)
            self._start(group, f"reenabling:{name}", reenabling.run)
        approving = ApprovalCloser(self._approvals(database), self._record(database), self._clock)
        self._start(group, "approving", approving.run)

    async def _open_intake(
        self, group: asyncio.TaskGroup, database: Database, fleet: Fleet, web_client: WebApi, home: Workspace
    ) -> None:
        slack = self._settings.slack
        handles = [
            str(grant.group) for grant in self._settings.grants if str(grant.group or "").startswith("@")
        ]
        directory = Directory(web_client, home, handles, clock=self._clock)
        history = History(web_client, home)
        tasks, replies = GestureTasks(group), Replies(web_client, self._clock)
        service = self._service(database, fleet, directory)
        interactions = Interactions(
            service,
            replies,
            Modals(web_client),
            FollowedSessions(database),
            tasks,
            command=slack.command,
            clock=self._clock,
            metrics=self._metrics,
        )
        app_home = AppHome(
            service,
            interactions,
            replies,
            web_client,
            tasks,
            home,
            command=slack.command,
            clock=self._clock,
        )
        delivery = Delivery(
            database, web_client, history, clock=self._clock, metrics=self._metrics, health=self._health
        )
        secret = slack.signing_secret.get_secret_value() if slack.signing_secret else ""
        app = bolt_app(web_client.client, home, secret)
        listen(
            app,
            interactions,
            app_home,
            directory,
            command=slack.command,
            on_access_lost=self._on_slack_lost,
        )
        if slack.app_token is None:
            self._intake.requests = SlackRequests(
                app,
                secret,
                metrics=self._metrics,
                refused=UnsignedRequests(AuditLog(database), self._clock).refused,
            )
            self._health.set("slack", ok=True, detail="waiting for Slack's requests")
        else:
            token = slack.app_token.get_secret_value()
            socket = SocketMode(app, token, web_client, clock=self._clock, health=self._health)
            await wait_for_credentials(socket.check_token, clock=self._clock, health=self._health)
            self._intake.socket = socket
            self._start(group, "socket", socket.run)
        self._intake.tasks, self._intake.delivery = tasks, delivery
        self._start(group, "delivery", lambda: delivery.run(self._holder, slack.default_channel))

    def _on_slack_lost(self, event_type: str) -> None:
        log.error("slack.access_lost", event_type=event_type)
        self._health.set(TOKEN_PART, ok=False, detail=event_type)

    def _service(self, database: Database, fleet: Fleet, directory: Directory) -> Service:
        return Service(
            fleet=fleet,
            accounts=self._acting,
            database=database,
            audit_log=self._record(database),
            approvals=self._approvals(database),
            rules=access_rules(self._settings),
            people=directory,
            health=_Watching(self._health, Outbox(database)),
            metrics=self._metrics,
            clock=self._clock,
        )

    def _record(self, database: Database) -> AuditLog:
        return AuditLog(database, AuditChannel(self._settings.slack.audit_channel, ACTIONS_ON_RECORD).rows)

    def _approvals(self, database: Database) -> Approvals:
        return Approvals(database, approval_rows)

    def _start(self, group: asyncio.TaskGroup, name: str, part: Part) -> None:
        self._intake.loops.append(group.create_task(self._supervise(name, part), name=name))

    async def _supervise(self, name: str, part: Part) -> None:
        """Keep a part running: what breaks it is logged, and it starts again after a pause that grows."""
        wait = _FIRST_BACK_OFF_SECONDS
        while True:
            began = self._clock.monotonic()
            if await contained(part(), "application.part_broke", part=name, again_in_seconds=wait):
                return
            if self._clock.monotonic() - began > _LONGEST_BACK_OFF_SECONDS:
                wait = _FIRST_BACK_OFF_SECONDS
            await self._clock.sleep(wait)
            wait = min(2 * wait, _LONGEST_BACK_OFF_SECONDS)

    async def _wind_down(self) -> None:
        """Take nothing more in, finish what runs, then stop the loops."""
        intake = self._intake
        if intake.requests is not None:
            intake.requests.leave()
        if intake.socket is not None:
            await contained(intake.socket.leave(), "application.socket_not_left")
        if intake.tasks is not None:
            await intake.tasks.close(GRACE_SECONDS)
        if intake.delivery is not None:
            await intake.delivery.close(GRACE_SECONDS)
        for task in intake.loops:
            task.cancel()

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            log.warning("application.stops_now", signal=number.name)
            # The second signal means now: what is unfinished is found again at the next start.
            os._exit(1)
        log.info("application.stopping", signal=number.name)
        self._stop.set()

    async def _listen_for_http(self, stack: AsyncExitStack) -> None:
        is_called = not self._settings.slack.socket_mode
        routes = endpoints.application(
            self._health, self._metrics, self._on_slack_request if is_called else None
        )
        server = endpoints.Server(routes, self._settings.port)
        stack.push_async_callback(server.close)
        await server.start()
        log.info("application.listening", port=server.port)

    async def _on_slack_request(self, request: web.Request) -> web.StreamResponse:
        if self._intake.requests is None:
            return web.Response(status=503, text="starting")
        return await self._intake.requests.handle(request)

    async def _open_database(self, stack: AsyncExitStack) -> Database | None:
        """Bring the schema up to date and open it, waiting out an outage; None when told to stop."""
        url = self._settings.database_url.get_secret_value()
        wait = _FIRST_BACK_OFF_SECONDS
        while not self._stop.is_set():
            try:
                await upgrade(url)
                database = Database(url)
                stack.push_async_callback(database.close)
                await release_ended(database, holder_has_ended)
            except StoreUnavailable as error:
                self._health.set(DATABASE_PART, ok=False, detail=str(error))
                await self._pause(wait)
                wait = min(2 * wait, _LONGEST_BACK_OFF_SECONDS)
            else:
                return database
        return None

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until the program is to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    def _server(self, to: Connection) -> VeeamServer:
        return VeeamServer(to, clock=self._clock, metrics=self._metrics)

    def _open_fleet(self, stack: AsyncExitStack) -> Fleet:
        servers = [self._server(connection_to(server)) for server in self._settings.servers]
        fleet = Fleet(servers)
        stack.push_async_callback(fleet.close)
        for server in self._settings.servers:
            for account in server.accounts:
                acting = self._server(connection_to(server, account))
                stack.push_async_callback(acting.close)
                self._acting[server.name, account.role] = acting
        return fleet


class _Watching:
    """What `status` and `servers` say about the watching, from where it is known."""

    def __init__(self, health: Health, outbox: Outbox) -> None:
        self._health = health
        self._outbox = outbox

    def last_poll_at(self, server: ServerName) -> datetime | None:
        part = self._health.part(endpoints.SERVER_PART + server)
        return part.last_ok_at if part else None

    async def outbox_waiting(self) -> int:
        return sum(backlog.rows for backlog in await self._outbox.waiting())


def access_rules(settings: Settings) -> AccessRules:
    """Return who may do what, and where.

    A request for approval from where nobody else reads is posted in the audit or the default channel.
    """
    channels = (settings.slack.audit_channel, settings.slack.default_channel)
    approvals = ApprovalRules(
        operations=settings.approvals.operations,
        lasts=timedelta(minutes=settings.approvals.expire_minutes),
        channels=tuple(channel for channel in channels if channel is not None),
    )
    return AccessRules(settings.grants, settings.slack.allowed_channels, approvals)
