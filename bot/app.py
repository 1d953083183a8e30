"""Builds every part, runs them in one task group, and stops them in order."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from aiohttp import web

from bot import endpoints, store, watch
from bot.observability import (
    Clock,
    Health,
    Metrics,
    RemoteClock,
    SystemClock,
    contained,
    set_up_logging,
    wrong_clocks,
)
from bot.operations.backend import ApprovalRules
from bot.operations.catalog import ACTIONS_ON_RECORD
from bot.operations.refusals import Refusals
from bot.operations.service import AccessRules, Service
from bot.operations.subscribers import Subscribers
from bot.settings import Role, ServerName, Settings
from bot.slack import listeners
from bot.slack.app_home import AppHome, HomeTabs
from bot.slack.conversations import SlackConversations
from bot.slack.delivery import TOKEN_PART, Delivery, History
from bot.slack.directory import Directory
from bot.slack.errors import CredentialsRejected
from bot.slack.gesture_tasks import GestureTasks
from bot.slack.http_mode import SlackRequests, UnsignedRequests
from bot.slack.interactions import Interactions
from bot.slack.left_open import LeftOpenActions
from bot.slack.live_messages import LiveMessages
from bot.slack.replies import Modals, Replies
from bot.slack.session_messages import PostedSessions
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi, Workspace, find_workspace, open_web_api, wait_for_credentials
from bot.store.upkeep import DATABASE_PART, Upkeep
from bot.veeam import DEFAULT_RULES, Connection, Fleet, SpokenRevision, VeeamServer, connection_to

GRACE_SECONDS = 10.0
_FIRST_BACK_OFF_SECONDS = 1.0
_LONGEST_BACK_OFF_SECONDS = 60.0
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_BETWEEN_COMPARISONS = 10.0

log = structlog.get_logger()

Part = Callable[[], Awaitable[None]]
T = TypeVar("T")


def run(settings: Settings) -> int:
    """Run the bot until a signal stops it; return the process's exit code."""
    set_up_logging(settings.log_level, settings.log_format, settings.secrets())
    # What start-up made lives as long as the process. Looking through it for garbage now and then takes a
    # tenth of a second, in which no command would be acknowledged.
    gc.freeze()
    return asyncio.run(Application(settings, SystemClock()).run())


class Application:
    """The whole bot, once."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._causes = DEFAULT_RULES.with_own(settings.causes)
        self._machine_clock = clock
        self._clock = store.DatabaseClock(clock)
        self._metrics = Metrics()
        servers = [endpoints.SERVER_PART + server.name for server in settings.servers]
        self._health = Health(self._clock, [DATABASE_PART, "slack", *servers])
        # Names this process among replicas, in leases and claims.
        self._holder = store.new_holder()
        self._server_clocks: dict[str, RemoteClock] = {}
        self._accounts: dict[tuple[ServerName, Role], VeeamServer] = {}
        self._audit: store.AuditLog | None = None
        self._refusals: Refusals | None = None
        self._stop = asyncio.Event()
        self._exit_code = 0
        self._loops: list[asyncio.Task[None]] = []
        # What takes gestures in and sends messages: there once Slack answers.
        self._slack_requests: SlackRequests | None = None
        self._socket_mode: SocketMode | None = None
        self._gesture_tasks: GestureTasks | None = None
        self._delivery: Delivery | None = None
        self._audience = _Audience()

    async def run(self) -> int:
        """Run until a signal, or until a credential turns out to be dead; return the exit code."""
        self._handle_signals()
        async with AsyncExitStack() as stack:
            try:
                await self._open_endpoints(stack)
                database = await self._open_database(stack)
            except (OSError, store.StoreBroken) as error:
                log.error("application.cannot_start", problem=str(error))
                return 1
            if database is not None:
                fleet = self._open_fleet(stack)
                web_api = await stack.enter_async_context(
                    open_web_api(self._settings.slack, clock=self._clock, metrics=self._metrics)
                )
                async with asyncio.TaskGroup() as group:
                    self._start_upkeep(group, database)
                    self._start_watching(group, database, fleet, web_api)
                    self._start(group, "slack", lambda: self._join_slack(group, database, fleet, web_api))
                    await self._stop.wait()
                    await self._wind_down()
                await self._release(database)
        log.info("application.stopped", exit_code=self._exit_code)
        return self._exit_code

    async def _release(self, database: store.Database) -> None:
        """Give back what this process holds; in a database that does not answer it runs out by itself."""
        try:
            await store.release_ended(database, self._holder.__eq__)
        except store.StoreError as error:
            log.warning("application.not_released", error=str(error))

    def _start_upkeep(self, group: asyncio.TaskGroup, database: store.Database) -> None:
        audit_log, approvals = self._audit_log(database), self._approvals(database)
        last = timedelta(minutes=self._settings.approvals.expire_minutes)
        upkeep = Upkeep(database, audit_log, approvals, self._clock, self._health, approvals_last=last)
        closer = watch.ApprovalCloser(approvals, audit_log, self._clock)
        self._start(group, DATABASE_PART, upkeep.run)
        self._start(group, "approvals", closer.run)

    def _start_watching(
        self, group: asyncio.TaskGroup, database: store.Database, fleet: Fleet, web_api: WebApi
    ) -> None:
        """Watch every server, and do what is done for all of them."""
        clock, holder, polling = self._clock, self._holder, self._settings.polling
        causes = self._causes
        rules = watch.WatchRules(
            self._settings.routes,
            self._settings.slack.default_channel,
            polling,
            self._settings.storms,
            causes,
            watch.SubscribedChannels(self._shared(store.Subscriptions(database).every), self._audience),
        )
        self._start(group, "clocks", lambda: self._compare_clocks(database, web_api))
        self._start(group, "leases", lambda: watch.keep_leases(database, clock, polling, holder))
        self._start(group, "mutes", watch.MuteKeeper(database, clock, holder, rules).run)
        if hours := self._settings.reminders.unacknowledged_after_hours:
            reminder = watch.Reminder(database, clock, holder, after=timedelta(hours=hours))
            self._start(group, "reminders", partial(reminder.run, tuple(fleet.names)))
        if self._settings.digests:
            digests = watch.DigestMaker(self._settings.digests, fleet, database, clock, holder, causes)
            self._start(group, "digests", digests.run)
        self._watch_servers(group, database, fleet, rules, LiveMessages(web_api, clock=clock))

    def _shared(self, read: Callable[[], Awaitable[T]]) -> store.SharedRead[T]:
        """One read for all servers, now and then."""
        return store.SharedRead(read, self._clock, seconds=_SECONDS_BETWEEN_LOOKS)

    def _watch_servers(
        self,
        group: asyncio.TaskGroup,
        database: store.Database,
        fleet: Fleet,
        rules: watch.WatchRules,
        live_messages: LiveMessages,
    ) -> None:
        """Watch each server: its sessions, what is expected, followed runs, jobs disabled for a time."""
        clock, holder = self._clock, self._holder
        followed = self._shared(store.FollowedSessions(database).servers)
        disabled = self._shared(store.TimedDisables(database).servers)
        unmet = self._shared(store.Expectations(database).servers)
        for place, name in enumerate(fleet.names, start=1):
            server, slot = fleet.server(name), watch.PollSlot(place, len(fleet.names))
            noticed = watch.NoticedSessions()
            server_watch = watch.Watch(
                server,
                database,
                clock,
                rules,
                metrics=self._metrics,
                health=self._health,
                holder=holder,
                noticed=noticed,
            )
            # Only an administrator may enable a job and read the licence; the main account may be a viewer.
            account = self._accounts.get((name, Role.BACKUP_ADMINISTRATOR), server)
            expected = watch.ExpectationWatch(
                server,
                database,
                clock,
                self._settings.expectations,
                server_watch,
                noticed,
                holder=holder,
                administrator=account,
                gather_from=self._settings.storms.at_least,
            )
            self._start(group, f"expectations:{name}", partial(expected.run, unmet, slot))
            follower = watch.SessionFollower(server, database, clock, holder, live_messages)
            reenabler = watch.Reenabler(account, self._audit_log(database), database, clock, holder)
            self._server_clocks[f"the clock of server {name}"] = server_watch.server_clock
            self._start(group, f"watch:{name}", partial(server_watch.run, slot))
            self._start(group, f"following:{name}", partial(follower.run, followed))
            self._start(group, f"timed_disables:{name}", partial(reenabler.run, disabled))

    async def _compare_clocks(self, database: store.Database, web_api: WebApi) -> None:
        """Name the clocks that are off, for ever. That alone makes nothing unready: nothing rests on them."""
        while True:
            others = {name: clock.now() for name, clock in self._server_clocks.items()}
            if database.has_own_clock:
                others |= {"the database's clock": self._clock.now()}
            wrong = wrong_clocks(self._machine_clock.now(), web_api.slack_clock.now(), others)
            self._health.set("clocks", ok=not wrong, detail=wrong or "they agree", is_vital=False)
            await self._clock.sleep(_SECONDS_BETWEEN_COMPARISONS)

    async def _join_slack(
        self, group: asyncio.TaskGroup, database: store.Database, fleet: Fleet, web_api: WebApi
    ) -> None:
        """Take gestures and send messages once Slack answers; until then announcements wait in the outbox."""
        clock, health = self._clock, self._health
        tasks = GestureTasks(group)
        try:
            workspace = await find_workspace(web_api, clock=clock, health=health)
            directory = self._directory(web_api, workspace)
            delivery = Delivery(
                database, web_api, workspace, directory, clock=clock, metrics=self._metrics, health=health
            )
            await self._open_intake(
                group, database, fleet, web_api, workspace, directory, tasks=tasks, delivery=delivery
            )
        except CredentialsRejected as error:
            log.error("application.slack_refused", problem=str(error))
            self._exit_code = 1
            self._stop.set()
            return
        self._gesture_tasks, self._delivery = tasks, delivery
        self._start(group, "delivery", lambda: delivery.run(self._holder, self._notices_to))

    @property
    def _notices_to(self) -> str | None:
        """The channel for notices about what Slack refuses."""
        return self._settings.slack.default_channel or self._settings.slack.audit_channel

    async def _open_intake(
        self,
        group: asyncio.TaskGroup,
        database: store.Database,
        fleet: Fleet,
        web_api: WebApi,
        workspace: Workspace,
        directory: Directory,
        *,
        tasks: GestureTasks,
        delivery: Delivery,
    ) -> None:
        """Let gestures in: through a WebSocket that the bot opens, or by Slack's requests."""
        slack = self._settings.slack
        messages = PostedSessions(database, web_api, workspace)
        conversations = SlackConversations(web_api, self._clock)
        service = self._service(database, fleet, directory, conversations, messages)
        self._refusals = service.refusals
        self._audience.subscribers = service.subscribers
        self._start(group, "refusals", service.refusals.run)
        interactions, app_home = self._interactions(service, database, web_api, workspace, messages, tasks)
        await service.begin()
        replies, history = Replies(web_api, self._clock), History(web_api, workspace)
        left_open = LeftOpenActions(service, interactions, replies, history, self._clock)
        self._start(group, "left_open", left_open.run)
        secret = slack.signing_secret.get_secret_value() if slack.signing_secret else ""
        app = listeners.bolt_app(web_api.client, workspace, secret)
        listeners.listen_to_gestures(
            app, interactions, app_home, command=slack.command, bot_user_id=workspace.bot_user_id
        )
        listeners.listen_to_events(
            app,
            app_home,
            directory,
            on_access_lost=self._on_slack_access_lost,
            on_channel_moved=lambda old, new: delivery.channel_moved(old, new, self._notices_to),
        )
        if slack.app_token is None:
            unsigned = UnsignedRequests(self._audit_log(database), self._clock)
            self._slack_requests = SlackRequests(
                app,
                secret,
                metrics=self._metrics,
                refused=unsigned.refused,
                now=lambda: web_api.slack_clock.now() or self._machine_clock.now(),
            )
            self._health.set("slack", ok=True, detail="waiting for Slack's requests")
            return
        app_token = slack.app_token.get_secret_value()
        socket_mode = SocketMode(app, app_token, web_api, clock=self._clock, health=self._health)
        await wait_for_credentials(socket_mode.check_token, clock=self._clock, health=self._health)
        self._socket_mode = socket_mode
        self._start(group, "socket", socket_mode.run)

    def _directory(self, web_api: WebApi, workspace: Workspace) -> Directory:
        groups = (str(grant.group or "") for grant in self._settings.grants)
        handles = [name for name in groups if name.startswith("@")]
        return Directory(web_api, workspace, handles, clock=self._clock)

    def _interactions(
        self,
        service: Service,
        database: store.Database,
        web_api: WebApi,
        workspace: Workspace,
        messages: PostedSessions,
        tasks: GestureTasks,
    ) -> tuple[Interactions, AppHome]:
        clock, command = self._clock, self._settings.slack.command
        replies, modals, tabs = Replies(web_api, clock), Modals(web_api), HomeTabs(web_api, clock)
        interactions = Interactions(
            service,
            replies,
            modals,
            watch.StandingMessages(database, clock),
            messages,
            tasks,
            command=command,
            clock=clock,
            metrics=self._metrics,
        )
        app_home = AppHome(
            service, interactions, replies, modals, tabs, tasks, workspace=workspace, command=command
        )
        return interactions, app_home

    def _on_slack_access_lost(self, event_type: str) -> None:
        log.error("slack.access_lost", event_type=event_type)
        self._health.set(TOKEN_PART, ok=False, detail=event_type)

    def _service(
        self,
        database: store.Database,
        fleet: Fleet,
        directory: Directory,
        conversations: SlackConversations,
        messages: PostedSessions,
    ) -> Service:
        return Service(
            fleet=fleet,
            accounts=self._accounts,
            database=database,
            audit_log=self._audit_log(database),
            approvals=self._approvals(database),
            rules=access_rules(self._settings),
            people=directory,
            health=_WatchHealth(self._health, store.Outbox(database)),
            metrics=self._metrics,
            clock=self._clock,
            conversations=conversations,
            messages=messages,
            follow_up=watch.FollowUp(database, self._clock, self._causes, self._settings.expectations),
            holder=self._holder,
            causes=self._causes,
        )

    def _audit_log(self, database: store.Database) -> store.AuditLog:
        """The one audit log of this process: it remembers the latest row."""
        if self._audit is None:
            channel = watch.AuditChannel(self._settings.slack.audit_channel, ACTIONS_ON_RECORD)
            self._audit = store.AuditLog(database, channel.rows)
        return self._audit

    def _approvals(self, database: store.Database) -> store.Approvals:
        return store.Approvals(database, watch.approval_rows)

    def _start(self, group: asyncio.TaskGroup, name: str, part: Part) -> None:
        self._loops.append(group.create_task(self._supervise(name, part), name=name))

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
        if self._slack_requests is not None:
            self._slack_requests.leave()
        if self._socket_mode is not None:
            await contained(self._socket_mode.leave(), "application.socket_not_left")
        if self._gesture_tasks is not None:
            await self._gesture_tasks.close(GRACE_SECONDS)
        if self._refusals is not None:
            await self._refusals.close()
        if self._delivery is not None:
            await self._delivery.close(GRACE_SECONDS)
        for task in self._loops:
            task.cancel()

    def _handle_signals(self) -> None:
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

    async def _open_endpoints(self, stack: AsyncExitStack) -> None:
        on_slack = None if self._settings.slack.socket_mode else self._on_slack_request
        routes = endpoints.application(self._health, self._metrics, on_slack)
        host, port = self._settings.host_to_listen_on, self._settings.port
        server = endpoints.Server(routes, host=host, port=port, clock=self._clock)
        stack.push_async_callback(server.close)
        await server.start()
        log.info("application.listening", host=host, port=server.port)

    async def _on_slack_request(self, request: web.Request) -> web.StreamResponse:
        if self._slack_requests is None:
            return web.Response(status=503, text="starting")
        return await self._slack_requests.handle(request)

    async def _open_database(self, stack: AsyncExitStack) -> store.Database | None:
        """Bring the schema up to date and open it, waiting out an outage; None when told to stop."""
        url = self._settings.database_url.get_secret_value()
        wait = _FIRST_BACK_OFF_SECONDS
        while not self._stop.is_set():
            try:
                await store.upgrade(url)
                database = store.Database(url)
                stack.push_async_callback(database.close)
                await self._clock.read(database)
                await store.release_ended(database, store.holder_has_ended)
            except store.StoreUnavailable as error:
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

    def _open_fleet(self, stack: AsyncExitStack) -> Fleet:
        spoken = {
            server.name: SpokenRevision(server.name, server.api_version, self._clock)
            for server in self._settings.servers
        }
        fleet = Fleet(
            [self._account(connection_to(server), spoken[server.name]) for server in self._settings.servers]
        )
        stack.push_async_callback(fleet.close)
        for server in self._settings.servers:
            for account in server.accounts:
                opened = self._account(connection_to(server, account), spoken[server.name])
                stack.push_async_callback(opened.close)
                self._accounts[server.name, account.role] = opened
        return fleet

    def _account(self, connection: Connection, spoken: SpokenRevision) -> VeeamServer:
        return VeeamServer(connection, spoken=spoken, clock=self._clock, metrics=self._metrics)


class _Audience:
    """Who may see what, once Slack can be asked; until then nobody can say."""

    def __init__(self) -> None:
        self.subscribers: Subscribers | None = None

    async def may_get(self, subscription: store.Subscription, server: str, job_name: str) -> bool | None:
        if self.subscribers is None:
            return None
        return await self.subscribers.may_get(subscription, server, job_name)


class _WatchHealth:
    """When each server was last polled, and how much waits to be sent: for `status` and `servers`."""

    def __init__(self, health: Health, outbox: store.Outbox) -> None:
        self._health = health
        self._outbox = outbox

    def last_poll_at(self, server: ServerName) -> datetime | None:
        part = self._health.part(endpoints.SERVER_PART + server)
        return part.last_ok_at if part else None

    def database_problem(self) -> str | None:
        part = self._health.part(DATABASE_PART)
        return part.detail if part is not None and not part.ok else None

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
        mention=settings.approvals.mention,
        burst=settings.approvals.burst,
        burst_lasts=timedelta(minutes=settings.approvals.burst_minutes),
    )
    return AccessRules(
        settings.grants,
        settings.slack.allowed_channels,
        approvals,
        settings.routes,
        settings.slack.default_channel,
    )
