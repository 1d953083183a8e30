"""A server's part of a check, run against a simulated VBR, and its rows."""

from typing import Any

from bot.observability import CheckResult
from bot.sandbox.vbr import Account, VbrSandbox
from bot.settings import Role
from bot.veeam import Login, check_server
from tests.rooms.veeam.clients import connection_to
from tests.support.clock import FakeClock

Row = tuple[str, str, str, str]
PASSWORD_AT = "environment variable VEEAM_PASSWORD_HQ"
UNTRIED = (
    "warning",
    "logins",
    "Not tried: no password is sent before the server answers as it should.",
    "Put the row above right, then check again.",
)
ADMINISTRATOR = frozenset({Role.BACKUP_ADMINISTRATOR})


def login(vbr: VbrSandbox, account: Account | None = None, **changes: Any) -> Login:
    return Login(connection_to(vbr, account, **changes), ADMINISTRATOR, PASSWORD_AT)


async def rows(clock: FakeClock, *logins: Login) -> list[Row]:
    findings: tuple[CheckResult, ...] = await check_server(logins, clock)
    assert {finding.part for finding in findings} == {"server hq"}
    assert "made-up" not in str(findings)
    return [(f.status.value, f.subject, f.detail, f.advice) for f in findings]


async def wrong(clock: FakeClock, *logins: Login) -> list[Row]:
    return [row for row in await rows(clock, *logins) if row[0] != "ok"]
