"""Tokens: one for all, renewed in time, and an account that is never fought over."""

import asyncio
from datetime import timedelta

import pytest
import structlog
from pydantic import SecretStr

from bot.sandbox.vbr import Account, Fault, Moment, Role, VbrSandbox, World
from bot.sandbox.vbr.faults import changed, dropped, empty, hanging, html, malformed, refusing, setting
from bot.veeam import (
    JobId,
    LoginRefused,
    NotAllowed,
    RevisionUnsupported,
    ServerFailed,
    UnexpectedAnswer,
    VeeamServer,
)
from tests.rooms.veeam.clients import (
    INFO,
    LOGOUT,
    SESSIONS,
    START,
    STATES,
    TOKEN,
    bearers,
    client_of,
    die,
    grants,
    saying,
    tokens_handed_out,
    wait_until,
)
from tests.support.clock import FakeClock


async def test_the_login_is_a_form_with_the_revision(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Domains, blanks and special characters survive, and no old token is sent along."""
    account = Account("DOMAIN\\svc slack", "pä&ss=word", frozenset({Role.ADMINISTRATOR}))
    vbr.accounts.add(account)
    async with client_of(vbr, clock, account) as client:
        await client.job_states()

    login = vbr.requests.of(*TOKEN)[0]
    assert login.raw_body.decode() == (
        "grant_type=password&username=DOMAIN%5Csvc+slack&password=p%C3%A4%26ss%3Dword"
    )
    assert "Authorization" not in login.headers
    assert {request.headers["x-api-version"] for request in vbr.requests} == {"1.3-rev0"}


async def test_ten_callers_cause_one_login(vbr: VbrSandbox, client: VeeamServer) -> None:
    """Who comes while a token is being asked for waits for that one."""
    await asyncio.gather(*(client.job_states() for _ in range(10)))
    assert grants(vbr) == ["password"]


async def test_ten_callers_cause_one_renewal(vbr: VbrSandbox, client: VeeamServer) -> None:
    """A token that dies under ten callers is renewed once, and each asks once more."""
    await client.job_states()
    vbr.accounts.expire_access_tokens()
    await asyncio.gather(*(client.job_states() for _ in range(10)))
    assert grants(vbr) == ["password", "refresh_token"]


async def test_a_token_is_renewed_before_it_dies(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock
) -> None:
    """With less than two minutes left the refresh token is used, each one once."""
    await client.job_states()
    await clock.advance(779)
    await client.job_states()
    assert grants(vbr) == ["password"]

    for _ in range(3):
        await clock.advance(800)
        await client.job_states()
    assert grants(vbr) == ["password", *["refresh_token"] * 3]
    assert {request.status for request in vbr.requests} == {200}


async def test_a_short_lived_token_is_not_renewed_at_every_call(vbr: VbrSandbox, client: VeeamServer) -> None:
    """`expires_in` counts, also when it is below two minutes."""
    vbr.faults.add(*TOKEN, changed(setting("expires_in", 60)))
    await client.job_states()
    await client.job_states()
    assert grants(vbr) == ["password"]


async def test_a_restart_of_the_service_costs_one_login(vbr: VbrSandbox, client: VeeamServer) -> None:
    """It kills both tokens; nobody notices."""
    await client.job_states()
    vbr.accounts.revoke_all_tokens()
    await asyncio.gather(*(client.job_states() for _ in range(5)))
    assert grants(vbr) == ["password", "refresh_token", "password"]


@pytest.mark.parametrize("refusal", [refusing(400), refusing(401), refusing(403), refusing(404), empty(401)])
async def test_a_refused_refresh_is_followed_by_one_login(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock, refusal: Fault
) -> None:
    """Whatever 4xx it is: the refresh token is dropped and the password used."""
    await client.job_states()
    await clock.advance(800)
    vbr.faults.add(*TOKEN, refusal)
    await client.job_states()
    assert grants(vbr) == ["password", "refresh_token", "password"]


@pytest.mark.parametrize("trouble", [dropped(Moment.AFTER), dropped(Moment.BEFORE), refusing(500), html()])
async def test_a_refresh_whose_answer_is_lost_is_not_repeated(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock, trouble: Fault
) -> None:
    """It may be spent: the token in hand serves on, and the next renewal takes the password."""
    await client.job_states()
    await clock.advance(800)
    vbr.faults.add(*TOKEN, trouble)
    await client.job_states()
    await client.job_states()
    assert grants(vbr) == ["password", "refresh_token", "password"]
    first = tokens_handed_out(vbr)[0]
    assert [bearer == first for bearer in bearers(vbr, STATES)] == [True, True, False]


async def test_a_refresh_that_was_never_sent_is_not_spent(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock
) -> None:
    """A server that was away for a while needs no new login."""
    await client.job_states()
    await clock.advance(800)
    await die(vbr)
    with pytest.raises(Exception, match="ConnectFailed"):
        await client.job_states()
    await vbr.come_back()
    await client.job_states()
    assert grants(vbr) == ["password", "refresh_token"]


async def test_a_cancelled_refresh_is_not_repeated(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock
) -> None:
    """A caller who gives up in the middle leaves a lock that opens and a token that counts as spent."""
    await client.job_states()
    await clock.advance(800)
    vbr.faults.add(*TOKEN, hanging(Moment.AFTER))
    async with asyncio.TaskGroup() as group:
        impatient = group.create_task(client.job_states())
        await wait_until(lambda: len(grants(vbr)) == 2)
        impatient.cancel()
    await client.job_states()
    assert grants(vbr) == ["password", "refresh_token", "password"]


async def test_a_refused_password_stops_the_account(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Nothing is sent for half an hour: a login tried again and again keeps an account locked for good."""
    async with client_of(vbr, clock, password=SecretStr("wrong")) as client:
        for passed, left in ((0, 1800), (60, 1740), (1700, 40)):
            await clock.advance(passed)
            with pytest.raises(LoginRefused) as caught:
                await client.job_states()
            assert caught.value.message.endswith("The provided user credentials are invalid.")
            assert (caught.value.retry_after_seconds, caught.value.locked_until) == (left, None)
        assert len(vbr.requests) == 1

        await clock.advance(41)
        with pytest.raises(LoginRefused):
            await client.job_states()
        assert len(vbr.requests) == 2


async def test_a_lock_out_is_waited_for(vbr: VbrSandbox, client: VeeamServer, clock: FakeClock) -> None:
    """VBR names the time; a margin comes on top, then the account works again by itself."""
    vbr.faults.add(*TOKEN, saying(401, "Your account has been locked out for 01:15:00. Please try later."))
    started = clock.now()
    with pytest.raises(LoginRefused) as caught:
        await client.job_states()
    assert caught.value.locked_until == started + timedelta(hours=1, minutes=15)

    await clock.advance(75 * 60)
    with pytest.raises(LoginRefused):
        await client.job_states()
    assert len(vbr.requests) == 1
    await clock.advance(31)
    await client.job_states()


@pytest.mark.parametrize("claimed", ["9999.00:00:00", "99999999999999:00:00", f"{'9' * 400}.01:00:00"])
async def test_an_absurd_lock_out_is_waited_for_a_day(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock, claimed: str
) -> None:
    """No date is made of it, VBR's words are shown, the log says so, and the account comes back by itself."""
    vbr.faults.add(*TOKEN, saying(401, f"Your account has been locked out for {claimed}."))
    with structlog.testing.capture_logs() as logged, pytest.raises(LoginRefused) as caught:
        await client.job_states()
    assert (caught.value.locked_until, caught.value.retry_after_seconds) == (None, 24 * 3600)
    assert f"locked out for {claimed[:100]}" in str(caught.value)
    (capped,) = [line for line in logged if line["event"] == "veeam.wait_capped"]
    assert (capped["server"], capped["wait_seconds"]) == ("hq", 24 * 3600)

    await clock.advance(24 * 3600 - 1)
    with pytest.raises(LoginRefused):
        await client.job_states()
    assert len(vbr.requests) == 1
    await clock.advance(2)
    await client.job_states()


@pytest.mark.parametrize("lifetime", [0, -5, 1e300, "99999999999"])
async def test_an_absurd_lifetime_of_a_token_is_no_trouble(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock, lifetime: object
) -> None:
    """Neither is each request a login, nor does the bot rely on a token for ever."""
    vbr.faults.add(*TOKEN, changed(setting("expires_in", lifetime)))
    await client.job_states()
    await client.job_states()
    assert grants(vbr) == ["password"]
    await clock.advance(25 * 3600)
    await client.job_states()
    assert len(grants(vbr)) > 1


@pytest.mark.parametrize("token", ["", "a\r\nX-Evil: 1", "p\u00e4ss", "two words"])
async def test_a_token_that_no_header_can_hold_is_refused(
    vbr: VbrSandbox, client: VeeamServer, token: str
) -> None:
    """What the login answers is not what VBR would."""
    vbr.faults.add(*TOKEN, changed(setting("access_token", token)))
    with pytest.raises(UnexpectedAnswer, match="no usable token"):
        await client.job_states()


async def test_an_account_that_others_locked_is_not_kept_locked(vbr: VbrSandbox, clock: FakeClock) -> None:
    """VBR begins a lock-out anew at each login; ours comes once it is over."""
    for _ in range(5):
        async with client_of(vbr, clock, password=SecretStr("guessed")) as intruder:
            with pytest.raises(LoginRefused):
                await intruder.job_states()
    async with client_of(vbr, clock) as client:
        for _ in range(16):
            with pytest.raises(LoginRefused):
                await client.job_states()
            await clock.advance(60)
        await client.job_states()


async def test_an_account_with_mfa_is_refused_as_such_accounts_are(vbr: VbrSandbox, clock: FakeClock) -> None:
    """VBR does not say why; nor do we guess."""
    mfa = next(account for account in vbr.behaviour.accounts if account.has_mfa)
    async with client_of(vbr, clock, mfa) as client:
        with pytest.raises(LoginRefused, match="Authentication failed"):
            await client.job_states()


async def test_an_unknown_revision_is_not_a_wrong_password(vbr: VbrSandbox, clock: FakeClock) -> None:
    """No password is sent again before the server accepts the revision; then it is, at once."""
    async with client_of(vbr, clock, api_version="1.3-rev2") as client:
        for _ in range(3):
            with pytest.raises(RevisionUnsupported):
                await client.job_states()
            await clock.advance(301)
        assert len(grants(vbr)) == 1
        vbr.upgrade("1.3-rev2")
        await client.job_states()
        assert len(grants(vbr)) == 2


@pytest.mark.parametrize("words", ["Bad request.", "", "The grant is malformed."])
@pytest.mark.parametrize("api_version", ["1.3-rev2", "auto"])
async def test_whatever_the_words_a_refused_revision_is_no_wrong_password(
    vbr: VbrSandbox, clock: FakeClock, words: str, api_version: str
) -> None:
    """The server's clock tells, for which nobody logs in, and no pause follows."""
    vbr.upgrade("1.3-rev2")
    async with client_of(vbr, clock, api_version=api_version) as client:
        await client.server_time()
        vbr.upgrade("1.3-rev1")
        vbr.faults.add(*TOKEN, saying(400, words))
        with pytest.raises(RevisionUnsupported):
            await client.job_states()
        if api_version == "auto":
            await client.job_states()
            assert client.revision.name == "1.3-rev1"
        else:
            with pytest.raises(RevisionUnsupported):
                await client.job_states()
    assert len(grants(vbr)) == (2 if api_version == "auto" else 1)


@pytest.mark.parametrize(
    ("words", "clock_says", "error"),
    [
        ("The grant is malformed.", None, LoginRefused),
        ("invalid_grant", refusing(500), LoginRefused),
        ("The provided user credentials are invalid.", empty(401), LoginRefused),
        ("The grant is malformed.", refusing(500), RevisionUnsupported),
        ("", empty(401), RevisionUnsupported),
    ],
)
async def test_a_login_refused_with_400_is_asked_once(
    vbr: VbrSandbox, clock: FakeClock, words: str, clock_says: Fault | None, error: type[Exception]
) -> None:
    """About the account where VBR says so, or speaks the revision; else about that, as VBR's 400 is."""
    vbr.faults.add(*TOKEN, saying(400, words), times=9)
    if clock_says is not None:
        vbr.faults.add("GET", "/api/v1/serverTime", clock_says, times=9)
    async with client_of(vbr, clock) as client:
        for _ in range(3):
            with pytest.raises(error):
                await client.job_states()
            await clock.advance(500)
    assert len(grants(vbr)) == 1


async def test_a_server_that_fails_says_nothing_about_the_password(
    vbr: VbrSandbox, client: VeeamServer
) -> None:
    """A 5xx on the token call stops nobody."""
    vbr.faults.add(*TOKEN, refusing(503))
    with pytest.raises(ServerFailed):
        await client.job_states()
    await client.job_states()


@pytest.mark.parametrize(
    "answer",
    [
        refusing(404),
        refusing(405),
        html(200),
        malformed(),
        changed(lambda _: {}),
        changed(lambda _: []),
        changed(setting("access_token", None)),
        Fault(status=302, headers={"Location": "/login"}),
    ],
)
async def test_what_is_no_vbr_is_an_unexpected_answer(
    vbr: VbrSandbox, client: VeeamServer, answer: Fault
) -> None:
    """Enterprise Manager's port, or a web page: not "no such job", and not a refused login."""
    vbr.faults.add(*TOKEN, answer)
    with pytest.raises(UnexpectedAnswer):
        await client.job_states()


async def test_a_dead_token_is_renewed_and_the_post_sent_once_more(
    vbr: VbrSandbox, client: VeeamServer, world: World
) -> None:
    """What was refused with 401 was not executed, so this is the one POST that is sent again."""
    job = world.job("SQL nightly")
    await client.job_states()
    vbr.accounts.expire_access_tokens()
    accepted = await client.start_job(JobId(job.id))
    assert accepted.session is not None
    assert [request.status for request in vbr.requests.of(*START)] == [401, 201]
    assert len(world.sessions_of(job)) == 1


async def test_a_second_401_is_final(vbr: VbrSandbox, client: VeeamServer) -> None:
    """A fresh token that is refused is an error, not a loop; and the next call may try anew."""
    vbr.faults.add(*STATES, empty(401), times=2)
    with pytest.raises(LoginRefused) as caught:
        await client.job_states()
    assert caught.value.retry_after_seconds is None
    assert len(vbr.requests.of(*STATES)) == 2
    assert grants(vbr) == ["password", "refresh_token"]
    await client.job_states()


async def test_refreshed_tokens_that_get_403_are_given_up(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock
) -> None:
    """One site's server honours only what the password earned: one login, and no refresh ever after."""
    vbr.accounts.forbids_refreshed_tokens = True
    for _ in range(4):
        await asyncio.gather(*(client.job_states() for _ in range(3)))
        await clock.advance(800)
    assert grants(vbr) == ["password", "refresh_token", "password", "password", "password"]


async def test_only_a_success_proves_the_refresh_at_fault(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock
) -> None:
    """A server that fails under the new login too has proven nothing about refreshed tokens."""
    await client.job_states()
    await clock.advance(800)
    vbr.faults.add(*SESSIONS, refusing(403))
    vbr.faults.add(*SESSIONS, refusing(500))
    with pytest.raises(ServerFailed):
        await client.sessions()
    await clock.advance(800)
    await client.job_states()
    assert grants(vbr) == ["password", "refresh_token", "password", "refresh_token"]


async def test_a_403_of_the_role_keeps_the_refresh(vbr: VbrSandbox, clock: FakeClock) -> None:
    """An operation that this role may not is refused under any token: refreshing goes on."""
    async with client_of(vbr, clock, vbr.accounts.by_role(Role.VIEWER)) as client:
        await client.job_states()
        await clock.advance(800)
        with pytest.raises(NotAllowed):
            await client.server_info()
        await clock.advance(800)
        await client.job_states()
    assert grants(vbr) == ["password", "refresh_token", "password", "refresh_token"]


async def test_a_403_under_a_proven_token_costs_nothing(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Once a refreshed token has worked, a 403 is about the role."""
    async with client_of(vbr, clock, vbr.accounts.by_role(Role.VIEWER)) as client:
        await client.job_states()
        await clock.advance(800)
        await client.job_states()
        with pytest.raises(NotAllowed):
            await client.server_info()
    assert len(vbr.requests.of(*INFO)) == 1
    assert grants(vbr) == ["password", "refresh_token"]


async def test_closing_logs_out(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Both tokens are given back, and the server agrees."""
    async with client_of(vbr, clock) as client:
        await client.job_states()
    assert bearers(vbr, LOGOUT) == tokens_handed_out(vbr)
    assert vbr.requests.of(*LOGOUT)[0].status == 200


@pytest.mark.parametrize("trouble", [dropped(Moment.AFTER), refusing(500), empty(401)])
async def test_a_failed_log_out_is_no_trouble(vbr: VbrSandbox, clock: FakeClock, trouble: Fault) -> None:
    """Tokens die by themselves."""
    vbr.faults.add(*LOGOUT, trouble)
    async with client_of(vbr, clock) as client:
        await client.job_states()
    assert len(vbr.requests.of(*LOGOUT)) == 1


async def test_without_a_login_there_is_no_log_out(vbr: VbrSandbox, clock: FakeClock) -> None:
    """A client that was never used says nothing at its end, nor does one whose token is long dead."""
    async with client_of(vbr, clock):
        pass
    async with client_of(vbr, clock) as client:
        await client.job_states()
        await clock.advance(901)
    assert vbr.requests.of(*LOGOUT) == []
