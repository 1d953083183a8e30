"""Talking to a simulated VBR from tests: a clock one sets by hand, and a client that logs in."""

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from bot.sandbox.vbr import Account, Role, VbrSandbox

VERSION = {"x-api-version": "1.3-rev0"}
TOKEN = "/api/oauth2/token"
_TLS = ssl.create_default_context()  # not needed by any of these servers, and dear to make for each client


class StillClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **length: float) -> None:
        self.now += timedelta(**length)


def login_form(account: Account, **more: str) -> dict[str, str]:
    return {"grant_type": "password", "username": account.username, "password": account.password, **more}


class Client:
    """An account's connection to a simulated VBR."""

    def __init__(self, vbr: VbrSandbox, headers: dict[str, str] | None = None) -> None:
        self.vbr = vbr
        self.http = httpx.AsyncClient(
            base_url=vbr.url,
            headers=VERSION if headers is None else headers,
            timeout=5.0,
            trust_env=False,
            verify=_TLS,
        )
        self.tokens: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def log_in(self, account: Account | None = None) -> Self:
        account = account or self.vbr.accounts.by_role(Role.ADMINISTRATOR)
        self.http.headers.pop("Authorization", None)
        answer = await self.http.post(TOKEN, data=login_form(account))
        assert answer.status_code == 200, answer.text
        self.use(answer.json())
        return self

    def use(self, tokens: dict[str, Any]) -> None:
        self.tokens = tokens
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    async def refresh(self, **more: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"], **more}
        async with Client(self.vbr) as fresh:
            return await fresh.http.post(TOKEN, data=form)

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that must go well."""
        answer = await self.http.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status_of_get(self, path: str, **query: Any) -> int:
        return (await self.http.get(f"/api/v1{path}", params=query)).status_code

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        if body is None:
            return await self.http.post(f"/api/v1{path}")
        return await self.http.post(f"/api/v1{path}", json=body)

    async def names(self, path: str, **query: Any) -> list[str]:
        return [row["name"] for row in (await self.get(path, **query))["data"]]
