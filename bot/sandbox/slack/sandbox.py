"""The simulated Slack as a running server on 127.0.0.1, and the handle that tests and the demo hold."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout, web

from bot.sandbox.slack.answers import ResponseUrls
from bot.sandbox.slack.calls import Services
from bot.sandbox.slack.events import Deliveries
from bot.sandbox.slack.faults import SlackFaults
from bot.sandbox.slack.feed import Clock
from bot.sandbox.slack.gestures import SlackUser
from bot.sandbox.slack.http_mode import HttpMode
from bot.sandbox.slack.mentions import Notified
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.payloads import Payloads
from bot.sandbox.slack.rates import Rates
from bot.sandbox.slack.seed import default_workspace
from bot.sandbox.slack.socket_mode import FaultyAck, SocketMode
from bot.sandbox.slack.transport import Delivery, Transport
from bot.sandbox.slack.views import View
from bot.sandbox.slack.web_api import ApiCall, WebApi
from bot.sandbox.slack.workspace import Workspace

HOST = "127.0.0.1"


class SlackSandbox:
    """A workspace that is spoken to over the real protocols, between entering and leaving it.

    The app is reached by Socket Mode until `configure_http` names a request URL. `rates.is_on = False` lifts
    Slack's pace; without `strict` texts above 4,000 characters pass, as they do in `chat.postMessage`.
    """

    workspace: Workspace
    faults: SlackFaults
    rates: Rates
    services: Services
    socket_mode: SocketMode
    http_mode: HttpMode

    def __init__(
        self,
        workspace: Workspace | None = None,
        *,
        port: int = 0,
        clock: Clock = time.time,
        strict: bool = True,
    ) -> None:
        self.workspace = workspace or default_workspace(clock)
        self._port = port
        self.faults = SlackFaults(self.workspace.app)
        self.rates = Rates(self.workspace.clock)
        self.socket_mode = SocketMode(self.workspace, self._base_url)
        self.services = Services(self.socket_mode.new_url, self._base_url, is_strict=strict)
        self._web_api = WebApi(self.workspace, self.services, self.faults, self.rates)
        self._response_urls = ResponseUrls(self.workspace, self.faults)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def _start(self, stack: AsyncExitStack) -> None:
        group = await asyncio.TaskGroup().__aenter__()
        # Its end hears nothing of what went wrong in the block: a test's failure stays what it is.
        stack.push_async_callback(group.__aexit__, None, None, None)
        session = await stack.enter_async_context(
            ClientSession(trust_env=False, timeout=ClientTimeout(total=None))
        )
        runner = web.AppRunner(
            self._application(), handler_cancellation=True, shutdown_timeout=1.0, access_log=None
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, HOST, self._port).start()
        self._port = runner.addresses[0][1]
        self._payloads = Payloads(self.workspace, self._base_url())
        self.http_mode = HttpMode(self.workspace, session, group)
        self._deliveries = Deliveries(self.workspace, self._payloads, self.faults, self._transport, group)
        self.workspace.emit = self._deliveries.emit
        self.workspace.transport = self._how_connected
        stack.push_async_callback(self._stop)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def api_url(self) -> str:
        """What `SLACK_API_URL` is set to; ends in `/api/`."""
        return f"{self._base_url()}api/"

    @property
    def bot_token(self) -> str:
        """`SLACK_BOT_TOKEN`."""
        return self.workspace.app.bot_token

    @property
    def app_token(self) -> str:
        """`SLACK_APP_TOKEN`."""
        return self.workspace.app.app_token

    @property
    def signing_secret(self) -> str:
        """`SLACK_SIGNING_SECRET`."""
        return self.workspace.app.signing_secret

    @property
    def calls(self) -> list[ApiCall]:
        """Every call of the Web API, oldest first."""
        return self._web_api.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything that was sent to the app, oldest first, once its answer was there or given up."""
        return self._deliveries.record

    @property
    def responses(self) -> list[Mapping[str, Any]]:
        """Every body that was posted to a response URL in time."""
        return self._response_urls.posts

    @property
    def faulty_acks(self) -> list[FaultyAck]:
        """Acknowledgements that Slack would have ignored."""
        return self.socket_mode.faulty_acks

    def calls_of(self, method: str) -> list[ApiCall]:
        """The calls of one method."""
        return [call for call in self.calls if call.method == method]

    def configure_http(self, request_url: str | None) -> None:
        """Reach the app by signed requests to this URL from now on; None goes back to Socket Mode."""
        self.http_mode.request_url = request_url

    def person(self, name_or_id: str) -> SlackUser:
        """Somebody who can act; `KeyError` for a stranger to the workspace."""
        person = self.workspace.directory.person(name_or_id)
        return SlackUser(person, self.workspace, self._payloads, self._deliveries)

    def messages(self, channel: str) -> list[Message]:
        """What stands in a channel, oldest first: roots and broadcast replies."""
        return list(self.workspace.conversations.channel(channel).history())

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The replies to a message, oldest first."""
        return self.workspace.conversations.channel(channel).replies(ts)

    def ephemerals(self, person: str, channel: str) -> list[Message]:
        """What one person alone sees in a channel, oldest first, Slack's own notices included."""
        reader = self.workspace.directory.person(person).id
        everything = self.workspace.conversations.channel(channel).ephemerals.values()
        return [message for message in everything if message.reader == reader]

    def home(self, person: str) -> View | None:
        """Somebody's App Home, once it was published."""
        return self.workspace.views.home(self.workspace.directory.person(person).id)

    def open_view(self, person: str) -> View | None:
        """The modal on top of somebody's stack."""
        stack = self.workspace.views.stack(self.workspace.directory.person(person).id)
        return stack[-1] if stack else None

    def notified(self, message: Message) -> Notified:
        """Whom a message names."""
        return self.workspace.notified(message)

    async def wait_until(self, condition: Callable[[], object], timeout: float = 5) -> None:  # noqa: ASYNC109
        """Return once the condition holds; `TimeoutError` after that many real seconds.

        It is looked at after each change of the workspace, each call and each answer of the app.
        """
        await self.workspace.feed.wait_until(condition, timeout)

    def uninstall(self) -> None:
        """Remove the app: it hears `tokens_revoked` and `app_uninstalled`, and its tokens are dead."""
        bot = self.workspace.app.bot_user
        self.workspace.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [bot]}})
        self.workspace.emit({"type": "app_uninstalled"})
        self.faults.revoke_tokens("account_inactive")

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=10_000_000)
        application.add_routes(
            [
                web.route("*", "/api/{method}", self._web_api.handle),
                web.get("/link/", self.socket_mode.handle),
                web.post("/commands/{team}/{path:.+}", self._response_urls.handle),
                web.post("/actions/{team}/{path:.+}", self._response_urls.handle),
                web.post("/upload/{file}", self._web_api.upload),
                web.get("/files/{file}", self._web_api.file),
            ]
        )
        return application

    def _transport(self) -> Transport:
        return self.socket_mode if self.http_mode.request_url is None else self.http_mode

    def _how_connected(self) -> tuple[str, int]:
        if self.http_mode.request_url is not None:
            return "http", 0
        return "socket", len(self.socket_mode.connections)

    async def _stop(self) -> None:
        await self._deliveries.close()
        self.faults.clear()
        await self.socket_mode.close()

    def _base_url(self) -> str:
        return f"http://{HOST}:{self._port}/"
