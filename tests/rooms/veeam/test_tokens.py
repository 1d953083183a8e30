"""Tokens: one for all, renewed in time, and an account that is never fought over."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from bot.veeam import JobId, LoginRefused, RevisionUnsupported, ServerFailed, UnexpectedAnswer, VeeamServer
from tests.rooms.veeam.scripted import (
    LOGOUT,
    TOKEN,
    Reply,
    ScriptedServer,
    client_of,
    error_reply,
    hang_up,
    json_reply,
    raw_reply,
    rows_reply,
    say_nothing,
)
from tests.support.clock import FakeClock

STATES = ("GET", "/api/v1/jobs/states")
JOB = JobId("e35ef047-8cfa-4c3e-979e-de2e5399142f")
START = ("POST", f"/api/v1/jobs/{JOB}/start")


def only_for(*tokens: str, otherwise: Reply) -> Reply:
    """Rows for these tokens, another answer for all others."""
    rows = rows_reply()

    async def reply(request: web.Request) -> web.StreamResponse:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return await (rows if bearer in tokens else otherwise)(request)

    return reply


EMPTY_401 = raw_reply(b"", 401)


async def test_the_login_is_a_form_with_the_revision(scripted: ScriptedServer, client: VeeamServer) -> None:
    """Special characters survive, and no header but the usual ones is sent along."""
    scripted.script(*STATES, rows_reply())
    await client.job_states()

    login, asked = scripted.heard
    assert login.body.decode() == (
        "grant_type=password&username=DOMAIN%5Csvc+slack&password=p%C3%A4%26ss%3Dword"
    )
    assert login.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert login.bearer is None
    assert asked.bearer == "access-1"
    assert {each.headers["x-api-version"] for each in scripted.heard} == {"1.3-rev0"}


async def test_ten_callers_cause_one_login(scripted: ScriptedServer, client: VeeamServer) -> None:
    """Who comes while a token is being asked for waits for that one."""
    scripted.script(*STATES, rows_reply())
    await asyncio.gather(*(client.job_states() for _ in range(10)))
    assert scripted.grants == ["password"]


async def test_ten_callers_cause_one_renewal(scripted: ScriptedServer, client: VeeamServer) -> None:
    """A token revoked under ten callers is renewed once, and each asks once more."""
    scripted.script(*STATES, only_for("access-2", otherwise=EMPTY_401))
    await asyncio.gather(*(client.job_states() for _ in range(10)))
    assert scripted.grants == ["password", "refresh_token"]
    assert len(scripted.heard_at(*STATES)) <= 20


async def test_a_token_is_renewed_before_it_dies(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """With less than two minutes left the refresh token is used, which is spent by that."""
    scripted.script(*STATES, rows_reply())
    await client.job_states()
    await clock.advance(779)
    await client.job_states()
    assert scripted.grants == ["password"]

    await clock.advance(2)
    await client.job_states()
    await clock.advance(800)
    await client.job_states()
    assert [each.body.decode() for each in scripted.heard_at(*TOKEN)[1:]] == [
        "grant_type=refresh_token&refresh_token=refresh-1",
        "grant_type=refresh_token&refresh_token=refresh-2",
    ]


async def test_a_short_lived_token_is_not_renewed_at_every_call(
    scripted: ScriptedServer, client: VeeamServer
) -> None:
    """`expires_in` counts, also when it is below two minutes."""
    scripted.script(*TOKEN, scripted.token(expires_in=60))
    scripted.script(*STATES, rows_reply())
    await client.job_states()
    await client.job_states()
    assert scripted.grants == ["password"]


@pytest.mark.parametrize("refusal", [error_reply(400), error_reply(401), error_reply(403), EMPTY_401])
async def test_a_refused_refresh_is_followed_by_one_login(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock, refusal: Reply
) -> None:
    """After a restart of the backup service no refresh token is good any more."""
    scripted.script(*STATES, rows_reply())
    scripted.script(*TOKEN, scripted.token(), refusal, scripted.token())
    await client.job_states()
    await clock.advance(800)
    await client.job_states()
    assert scripted.grants == ["password", "refresh_token", "password"]


@pytest.mark.parametrize("trouble", [hang_up, error_reply(500)])
async def test_a_refresh_whose_answer_is_lost_is_not_repeated(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock, trouble: Reply
) -> None:
    """It may be spent: the token in hand serves on, and the next renewal takes the password."""
    scripted.script(*STATES, rows_reply())
    scripted.script(*TOKEN, scripted.token(), trouble, scripted.token())
    await client.job_states()
    await clock.advance(800)
    await client.job_states()
    await client.job_states()
    assert scripted.grants == ["password", "refresh_token", "password"]
    assert [each.bearer for each in scripted.heard_at(*STATES)] == ["access-1", "access-1", "access-2"]


async def test_a_cancelled_refresh_is_not_repeated(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """A caller who gives up in the middle leaves a lock that opens and a token that counts as spent."""
    scripted.script(*STATES, rows_reply())
    scripted.script(*TOKEN, scripted.token(), say_nothing, scripted.token())
    await client.job_states()
    await clock.advance(800)
    scripted.arrived.clear()
    async with asyncio.TaskGroup() as group:
        impatient = group.create_task(client.job_states())
        await scripted.arrived.wait()
        impatient.cancel()
    await client.job_states()
    assert scripted.grants == ["password", "refresh_token", "password"]


async def test_a_refused_password_stops_the_account(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """Nothing is sent for half an hour: a login tried again and again keeps an account locked for good."""
    scripted.script(*TOKEN, error_reply(401, "The provided user credentials are invalid."), scripted.token())
    scripted.script(*STATES, rows_reply())
    for passed, left in ((0, 1800), (60, 1740), (1700, 40)):
        await clock.advance(passed)
        with pytest.raises(LoginRefused) as caught:
            await client.job_states()
        assert caught.value.message == "The provided user credentials are invalid."
        assert (caught.value.retry_after_seconds, caught.value.locked_until) == (left, None)
    assert len(scripted.heard) == 1

    await clock.advance(41)
    await client.job_states()
    assert len(scripted.grants) == 2


async def test_a_lock_out_is_waited_for(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """VBR names the time; a margin comes on top."""
    scripted.script(*TOKEN, error_reply(401, "Your account has been locked out for 01:15:00. Try later."))
    started = clock.now()
    with pytest.raises(LoginRefused) as caught:
        await client.job_states()
    assert caught.value.locked_until == started + timedelta(hours=1, minutes=15)

    await clock.advance(75 * 60)
    with pytest.raises(LoginRefused):
        await client.job_states()
    assert len(scripted.grants) == 1
    await clock.advance(31)
    with pytest.raises(LoginRefused):
        await client.job_states()
    assert len(scripted.grants) == 2


async def test_an_unknown_revision_is_not_a_wrong_password(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """A 400 that names the version stops the account for minutes: each login may count for a lock-out."""
    scripted.script(*TOKEN, error_reply(400, "Unsupported RESTAPI version."))
    for _ in range(3):
        with pytest.raises(RevisionUnsupported):
            await client.job_states()
    assert len(scripted.grants) == 1
    await clock.advance(301)
    with pytest.raises(RevisionUnsupported):
        await client.job_states()
    assert len(scripted.grants) == 2


async def test_a_server_that_fails_says_nothing_about_the_password(
    scripted: ScriptedServer, client: VeeamServer
) -> None:
    """A 5xx on the token call stops nobody."""
    scripted.script(*TOKEN, error_reply(503), scripted.token())
    scripted.script(*STATES, rows_reply())
    with pytest.raises(ServerFailed):
        await client.job_states()
    await client.job_states()


@pytest.mark.parametrize(
    "answer",
    [
        error_reply(404),
        error_reply(405),
        raw_reply(b"<html>"),
        json_reply({}),
        json_reply([]),
        raw_reply(b"", 302),
    ],
)
async def test_what_is_no_vbr_is_an_unexpected_answer(
    scripted: ScriptedServer, client: VeeamServer, answer: Reply
) -> None:
    """Enterprise Manager's port, or a web page: not "no such job", and not a refused login."""
    scripted.script(*TOKEN, answer)
    with pytest.raises(UnexpectedAnswer):
        await client.job_states()


async def test_a_dead_token_is_renewed_and_the_post_sent_once_more(
    scripted: ScriptedServer, client: VeeamServer
) -> None:
    """What was refused with 401 was not executed, so this is the one POST that is sent again."""
    scripted.script(*START, EMPTY_401, json_reply({"id": str(JOB), "state": "Starting"}, 201))
    accepted = await client.start_job(JOB)
    assert accepted.session is not None
    assert [each.bearer for each in scripted.heard_at(*START)] == ["access-1", "access-2"]


async def test_a_second_401_is_final(scripted: ScriptedServer, client: VeeamServer) -> None:
    """A fresh token that is refused is an error, not a loop; and the next call may try anew."""
    scripted.script(*STATES, EMPTY_401)
    with pytest.raises(LoginRefused) as caught:
        await client.job_states()
    assert caught.value.retry_after_seconds is None
    assert len(scripted.heard_at(*STATES)) == 2
    assert scripted.grants == ["password", "refresh_token"]


async def test_refreshed_tokens_that_get_403_are_given_up(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """One site's server honours only what the password earned: one login, and no refresh ever after."""
    scripted.script(*STATES, only_for("access-1", "access-3", "access-4", otherwise=error_reply(403)))
    await client.job_states()
    await clock.advance(800)
    await client.job_states()
    await clock.advance(800)
    await client.job_states()
    assert scripted.grants == ["password", "refresh_token", "password", "password"]


async def test_a_403_of_the_role_keeps_the_refresh(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """An operation that this role may not is refused under any token: refreshing goes on."""
    scripted.script(*STATES, rows_reply())
    scripted.script("GET", "/api/v1/serverInfo", error_reply(403, "Access denied."))
    await client.job_states()
    await clock.advance(800)
    with pytest.raises(Exception, match="Access denied"):
        await client.server_info()
    await clock.advance(800)
    await client.job_states()
    assert scripted.grants == ["password", "refresh_token", "password", "refresh_token"]


async def test_a_403_under_a_proven_token_costs_nothing(
    scripted: ScriptedServer, client: VeeamServer, clock: FakeClock
) -> None:
    """Once a refreshed token has worked, a 403 is about the role."""
    scripted.script(*STATES, rows_reply())
    scripted.script("GET", "/api/v1/serverInfo", error_reply(403, "Access denied."))
    await client.job_states()
    await clock.advance(800)
    await client.job_states()
    with pytest.raises(Exception, match="Access denied"):
        await client.server_info()
    assert scripted.grants == ["password", "refresh_token"]


async def test_closing_logs_out(scripted: ScriptedServer, clock: FakeClock) -> None:
    """Both tokens are given back."""
    scripted.script(*STATES, rows_reply())
    async with client_of(scripted, clock) as client:
        await client.job_states()
    assert [each.bearer for each in scripted.heard_at(*LOGOUT)] == ["access-1"]


@pytest.mark.parametrize("trouble", [hang_up, error_reply(500), EMPTY_401])
async def test_a_failed_log_out_is_no_trouble(
    scripted: ScriptedServer, clock: FakeClock, trouble: Reply
) -> None:
    """Tokens die by themselves."""
    scripted.script(*STATES, rows_reply())
    scripted.script(*LOGOUT, trouble)
    async with client_of(scripted, clock) as client:
        await client.job_states()
    assert len(scripted.heard_at(*LOGOUT)) == 1


async def test_without_a_login_there_is_no_log_out(scripted: ScriptedServer, clock: FakeClock) -> None:
    """A client that was never used says nothing at its end, nor does one whose token is long dead."""
    scripted.script(*STATES, rows_reply())
    async with client_of(scripted, clock):
        pass
    async with client_of(scripted, clock) as client:
        await client.job_states()
        await clock.advance(901)
    assert scripted.heard_at(*LOGOUT) == []
