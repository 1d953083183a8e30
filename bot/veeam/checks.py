"""Whether a server is ready for the bot: reachable, recognised, of the right revision, open to its accounts.

Only asks. Each account logs in once and no more, so that a wrong password never locks it; where the server
was not recognised, or does not speak the revision, no password is sent at all. `judging` says what the
answers mean.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.observability import CheckResult, CheckStatus, Clock
from bot.veeam import judging
from bot.veeam.account import Patience
from bot.veeam.connection import Connection, Timeouts, Trust
from bot.veeam.errors import LoginRefused, NotAllowed, TimedOut, TlsFailed, VeeamError
from bot.veeam.infrastructure import ServerInfo, ServerTime
from bot.veeam.judging import Login, Reach
from bot.veeam.queries import JobStatesQuery, VmwareHostsQuery
from bot.veeam.server import VeeamServer

FIRST_SECONDS = 8.0
LOGIN_SECONDS = 14.0

_ONCE = Patience(attempts=1)
_TIMEOUTS = Timeouts(connect=5.0, read=8.0, write=5.0, pool=5.0, total=8.0)
# No certificate has it: the handshake ends before anything is said, and tells the one that was shown.
_NO_FINGERPRINT = "0" * 64

T = TypeVar("T")


async def check_server(logins: Sequence[Login], clock: Clock) -> tuple[CheckResult, ...]:
    """Ask one server, within half a minute, about itself and about each of its accounts, the main one first.

    Never raises VeeamError: what went wrong is a finding. Rests on `/serverTime`, which needs no login and
    refuses an unknown revision, and on what `/jobs/states`, `/serverInfo` and `/inventory/vmware/hosts` say
    to each role.
    """
    connection = replace(logins[0].connection, timeouts=_TIMEOUTS)
    try:
        told = await _server_time(connection, clock)
    except VeeamError as error:
        shown = await _presented(connection, clock) if isinstance(error, TlsFailed) else None
        return judging.unanswered(connection, error, shown), judging.logins_untried(connection)
    ahead = told.server_time - clock.now()
    async with asyncio.TaskGroup() as group:
        presented = group.create_task(_presented_unverified(connection, clock))
        tried = [group.create_task(_try_out(alike, clock)) for alike in _by_account(logins)]
    name = judging.part(connection.name)
    revision = f"The server answers to {connection.api_version}."
    return (
        CheckResult(name, "address", CheckStatus.OK, f"{connection.url} answers."),
        judging.certificate(connection, presented.result()),
        CheckResult(name, "API revision", CheckStatus.OK, revision),
        judging.clock_skew(connection, ahead),
        *(finding for task in tried for finding in task.result()),
    )


async def _server_time(connection: Connection, clock: Clock) -> ServerTime:
    async with VeeamServer(connection, clock=clock, patience=_ONCE) as server:
        return await _in_time(server, server.server_time(), FIRST_SECONDS)


async def _presented_unverified(connection: Connection, clock: Clock) -> str | None:
    """Where any certificate is accepted, the one that could be pinned instead."""
    trust = connection.trust
    return None if trust.verify or trust.pin is not None else await _presented(connection, clock)


async def _presented(connection: Connection, clock: Clock) -> str | None:
    """Return the SHA-256 of the certificate that the server shows, None where none is seen."""
    if not connection.url.startswith("https://"):
        return None
    try:
        await _server_time(replace(connection, trust=Trust(fingerprint=_NO_FINGERPRINT)), clock)
    except TlsFailed as error:
        return error.presented
    except VeeamError:
        return None
    return None


def _by_account(logins: Sequence[Login]) -> list[list[Login]]:
    """Together what is one account with one password: it is to log in once."""
    found: dict[tuple[str, str], list[Login]] = {}
    for login in logins:
        connection = login.connection
        key = (connection.username.casefold(), connection.password.get_secret_value())
        found.setdefault(key, []).append(login)
    return list(found.values())


async def _try_out(logins: Sequence[Login], clock: Clock) -> list[CheckResult]:
    connection = replace(logins[0].connection, timeouts=_TIMEOUTS)
    try:
        async with VeeamServer(connection, clock=clock, patience=_ONCE) as server:
            reach, info = await _in_time(server, _reach(server), LOGIN_SECONDS)
    except LoginRefused as error:
        return [judging.login_refused(login, error) for login in logins]
    except VeeamError as error:
        return [judging.login_unproven(login, error) for login in logins]
    return [judging.logged_in(login, reach, info) for login in logins]


async def _reach(server: VeeamServer) -> tuple[Reach, ServerInfo | None]:
    """There is no "who am I": what is allowed tells the role."""
    try:
        await server.job_states(JobStatesQuery(limit=1))
    except NotAllowed:
        return Reach.NOTHING, None
    try:
        return Reach.ADMINISTRATOR, await server.server_info()
    except NotAllowed:
        pass
    if not server.revision.operators_see_inventory:
        return Reach.UNTOLD, None
    try:
        await server.vmware_hosts(VmwareHostsQuery(limit=1))
    except NotAllowed:
        return Reach.READER, None
    return Reach.OPERATOR, None


async def _in_time(server: VeeamServer, question: Awaitable[T], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await question
    except TimeoutError as error:
        raise TimedOut(server.name, f"no answer within {seconds:g} s") from error
