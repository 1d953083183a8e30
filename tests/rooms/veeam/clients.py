"""Clients of a simulated VBR, and what it heard from them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from bot.sandbox.vbr import Account, Fault, Role, VbrSandbox
from bot.settings import ServerName
from bot.veeam import Connection, ReadRetries, VeeamServer
from tests.support.clock import FakeClock

TOKEN = ("POST", "/api/oauth2/token")
LOGOUT = ("POST", "/api/oauth2/logout")
STATES = ("GET", "/api/v1/jobs/states")
SESSIONS = ("GET", "/api/v1/sessions")
START = ("POST", "/api/v1/jobs/{id}/start")
SERVER_TIME = ("GET", "/api/v1/serverTime")
SWAGGER = ("GET", "/swagger/{document}/swagger.json")
INFO = ("GET", "/api/v1/serverInfo")

ASKING_ONCE = ReadRetries(attempts=1)


def connection_to(vbr: VbrSandbox, account: Account | None = None, **changes: Any) -> Connection:
    account = account or vbr.accounts.by_role(Role.ADMINISTRATOR)
    given: dict[str, Any] = {
        "name": ServerName("hq"),
        "url": vbr.url,
        "username": account.username,
        "password": SecretStr(account.password),
        **changes,
    }
    return Connection(**given)


def client_of(
    vbr: VbrSandbox,
    clock: FakeClock,
    account: Account | None = None,
    *,
    read_retries: ReadRetries = ASKING_ONCE,
    **changes: Any,
) -> VeeamServer:
    return VeeamServer(connection_to(vbr, account, **changes), clock=clock, read_retries=read_retries)


def grants(vbr: VbrSandbox) -> list[str]:
    """The kinds of grants that were asked for, in their order."""
    asked = (request.raw_body.decode() for request in vbr.requests.of(*TOKEN))
    return [body.split("grant_type=")[1].split("&")[0] for body in asked]


def tokens_handed_out(vbr: VbrSandbox) -> list[str]:
    return [request.answer["access_token"] for request in vbr.requests.of(*TOKEN) if request.status == 200]


def bearers(vbr: VbrSandbox, operation: tuple[str, str]) -> list[str]:
    heard = (request.headers.get("Authorization", "") for request in vbr.requests.of(*operation))
    return [header.removeprefix("Bearer ") for header in heard]


def saying(status: int, message: str) -> Fault:
    return Fault(status=status, body=json.dumps({"errorCode": "UnknownError", "message": message}).encode())


async def die(vbr: VbrSandbox) -> None:
    """Let the server die, and the news of it arrive at the connections that are kept open."""
    await vbr.go_dark()
    for _ in range(5):
        await asyncio.sleep(0)


async def wait_until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a server that signals nobody
            await asyncio.sleep(0.001)
