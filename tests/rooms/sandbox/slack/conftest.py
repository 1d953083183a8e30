"""The simulated Slack with a clock that tests move, and real slack_bolt apps as its counterpart."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox, default_workspace

Connected = Callable[[], AbstractAsyncContextManager[AsyncSocketModeHandler]]

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


class MovableClock:
    """Unix seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 1_763_899_200.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def slack(clock: MovableClock) -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox(default_workspace(clock)) as sandbox:
        yield sandbox


@pytest.fixture
def client(slack: SlackSandbox) -> AsyncWebClient:
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
def app(client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(name="app", client=client, signing_secret=None)


@pytest.fixture
def connected(app: AsyncApp, slack: SlackSandbox) -> Connected:
    """The app, connected by Socket Mode inside the block."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[AsyncSocketModeHandler]:
        handler = AsyncSocketModeHandler(app, slack.app_token, web_client=app.client)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # untyped in slack_bolt
        try:
            yield handler
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # untyped in slack_bolt

    return connect
