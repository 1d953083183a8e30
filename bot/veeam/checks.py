"""Whether a server is ready for the bot: reachable, recognised, of the right revision, open to its accounts.

Only asks. Each account logs in once and no more, so that a wrong password never locks it; where the server
was not recognised, or does not speak the revision, no password is sent at all. `check_results` says what the
answers mean.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.observability import CheckResult, CheckStatus, Clock
from bot.veeam import check_results
from bot.veeam.check_results import AccessLevel, Login
from bot.veeam.client import ReadRetries
from bot.veeam.connection import Connection, Timeouts, Trust
from bot.veeam.details import noting_missing
from bot.veeam.detection import SpokenRevision, is_of_clock_alone
from bot.veeam.errors import (
    LoginRefused,
    NotAllowed,
    RevisionUnsupported,
    TimedOut,
    TlsFailed,
    VeeamError,
)
from bot.veeam.queries import JobStatesQuery, VmwareHostsQuery
from bot.veeam.revisions import Revision
from bot.veeam.server import VeeamServer
from bot.veeam.server_facts import ServerInfo

FIRST_SECONDS = 8.0
LOGIN_SECONDS = 14.0

_ONCE = ReadRetries(attempts=1)
_TIMEOUTS = Timeouts(connect=5.0, read=8.0, write=5.0, pool=5.0, total=8.0)
# No certificate has it: the handshake ends before anything is sent, and names the one that was shown.
_NO_FINGERPRINT = "0" * 64

T = TypeVar("T")


async def check_server(logins: Sequence[Login], clock: Clock) -> tuple[CheckResult, ...]:
    """Ask one server, within half a minute, about itself and about each of its accounts, the main one first.

    Never raises VeeamError: what went wrong is a result. Rests on `/serverTime`, which most servers answer
    without a login, and on what `/jobs/states`, `/serverInfo` and `/inventory/vmware/hosts` say to each role.
    """
    connection = replace(logins[0].connection, timeouts=_TIMEOUTS)
    spoken = SpokenRevision(connection.name, connection.api_version, clock)
    accounts = _by_account(logins)
    try:
        servers = [_server_of(alike[0].connection, spoken, clock) for alike in accounts]
    except TlsFailed as error:
        return await _unanswered(connection, error, clock)
    main = servers[0]
    try:
        unread: VeeamError | None = None
        try:
            told = await _in_time(main, main.server_time(), FIRST_SECONDS)
            now, unknown_zone = told.server_time, None if told.is_zone_known else told.time_zone
        except VeeamError as error:
            if main.http_now is None or not is_of_clock_alone(error):
                return await _unanswered(connection, error, clock)
            now, unknown_zone, unread = main.http_now, None, error
        ahead = now - clock.now()
        async with asyncio.TaskGroup() as group:
            presented = group.create_task(_certificate_to_pin(connection, clock))
            newest = group.create_task(_newest_revision(main))
            tried = [
                group.create_task(_try_out(alike, server))
                for alike, server in zip(accounts, servers, strict=True)
            ]
    finally:
        await asyncio.gather(*(server.close() for server in servers))
    name = check_results.server_part(connection.name)
    return (
        CheckResult(name, "address", CheckStatus.OK, check_results.answers(connection)),
        check_results.certificate(connection, presented.result()),
        check_results.revision(connection, spoken.current if spoken.is_known else None, newest.result()),
        check_results.clock_skew(connection, ahead, unknown_zone, unread),
        *(result for task in tried for result in task.result()),
    )


def _server_of(connection: Connection, spoken: SpokenRevision, clock: Clock) -> VeeamServer:
    return VeeamServer(
        replace(connection, timeouts=_TIMEOUTS), spoken=spoken, clock=clock, read_retries=_ONCE
    )


async def _unanswered(connection: Connection, error: VeeamError, clock: Clock) -> tuple[CheckResult, ...]:
    shown = await _presented_certificate(connection, clock) if isinstance(error, TlsFailed) else None
    return check_results.unanswered(connection, error, shown), check_results.logins_untried(connection)


async def _newest_revision(server: VeeamServer) -> Revision | None:
    """The newest revision that the server speaks; None where it doesn't say."""
    try:
        return await _in_time(server, server.newest_revision(), FIRST_SECONDS)
    except VeeamError:
        return None


async def _certificate_to_pin(connection: Connection, clock: Clock) -> str | None:
    """Where any certificate is accepted, the one that could be pinned instead."""
    trust = connection.trust
    return None if trust.verify or trust.pin is not None else await _presented_certificate(connection, clock)


async def _presented_certificate(connection: Connection, clock: Clock) -> str | None:
    """Return the SHA-256 of the certificate that the server shows, None where none is seen."""
    if not connection.url.startswith("https://"):
        return None
    try:
        spoken = SpokenRevision(connection.name, connection.api_version, clock)
        async with _server_of(
            replace(connection, trust=Trust(fingerprint=_NO_FINGERPRINT)), spoken, clock
        ) as server:
            await _in_time(server, server.server_time(), FIRST_SECONDS)
    except TlsFailed as error:
        return error.presented
    except VeeamError:
        return None
    return None


def _by_account(logins: Sequence[Login]) -> list[list[Login]]:
    """Group what is one account with one password: it is to log in once."""
    found: dict[tuple[str, str], list[Login]] = {}
    for login in logins:
        connection = login.connection
        key = (connection.username.casefold(), connection.password.get_secret_value())
        found.setdefault(key, []).append(login)
    return list(found.values())


async def _try_out(logins: Sequence[Login], server: VeeamServer) -> list[CheckResult]:
    try:
        try:
            access, info = await _in_time(server, _access_level(server), LOGIN_SECONDS)
        except RevisionUnsupported:
            if server.has_pinned_revision:
                raise
            # It was refused by a login alone: it is detected again, once.
            access, info = await _in_time(server, _access_level(server), LOGIN_SECONDS)
    except LoginRefused as error:
        return [check_results.login_refused(login, error) for login in logins]
    except VeeamError as error:
        return [check_results.login_unproven(login, error) for login in logins]
    return [check_results.logged_in(login, access, info) for login in logins]


async def _access_level(server: VeeamServer) -> tuple[AccessLevel, ServerInfo | None]:
    """There is no "who am I": what is allowed tells the role."""
    try:
        with noting_missing() as missing:
            await server.job_states(JobStatesQuery(limit=1))
        for each in missing.values():
            raise each.error
    except NotAllowed:
        return AccessLevel.NOTHING, None
    try:
        return AccessLevel.ADMINISTRATOR, await server.server_info()
    except NotAllowed:
        pass
    if not server.revision.operators_see_inventory:
        return AccessLevel.UNKNOWN, None
    try:
        await server.vmware_hosts(VmwareHostsQuery(limit=1))
    except NotAllowed:
        return AccessLevel.READER, None
    return AccessLevel.OPERATOR, None


async def _in_time(server: VeeamServer, question: Awaitable[T], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await question
    except TimeoutError as error:
        raise TimedOut(server.name, f"no answer within {seconds:g} s") from error
