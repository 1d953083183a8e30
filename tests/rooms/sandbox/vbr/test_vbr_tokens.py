"""The life of tokens: grants, lifetimes, single use, lock-outs, log-out, whom a token stands for."""

import pytest

from bot.sandbox.vbr import Account, Behaviour, Role, VbrSandbox, World
from tests.rooms.sandbox.vbr.talking import TOKEN, Client, StillClock, login_form

STATES = "/jobs/states"


@pytest.fixture
def administrator(vbr: VbrSandbox) -> Account:
    return vbr.accounts.by_role(Role.ADMINISTRATOR)


async def test_a_grant_lasts_fifteen_minutes(client: Client, clock: StillClock) -> None:
    """``expires_in`` is 900, and so it is: then 401 with an empty body."""
    assert client.tokens["expires_in"] == 900
    assert {".issued", ".expires", "token_type"} < set(client.tokens)
    clock.forward(seconds=899)
    assert await client.status_of_get(STATES) == 200
    clock.forward(seconds=1)
    answer = await client.http.get("/api/v1/jobs/states")
    assert (answer.status_code, answer.content) == (401, b"")


async def test_a_refresh_token_is_spent_by_its_use(client: Client) -> None:
    """A refresh returns a new pair; the same refresh token a second time is a 401."""
    first = await client.refresh()
    second = await client.refresh()
    assert (first.status_code, second.status_code) == (200, 401)
    assert second.json()["errorCode"] == "InvalidToken"
    client.use(first.json())
    assert await client.status_of_get(STATES) == 200


@pytest.mark.parametrize(("more", "minutes"), [({}, 14 * 24 * 60), ({"use_short_term_refresh": "true"}, 30)])
async def test_refresh_tokens_expire(
    vbr: VbrSandbox, clock: StillClock, administrator: Account, more: dict[str, str], minutes: int
) -> None:
    """After fourteen days, or half an hour where a short term was asked for."""
    async with Client(vbr) as client:
        client.use((await client.http.post(TOKEN, data=login_form(administrator, **more))).json())
        clock.forward(minutes=minutes - 1)
        refreshed = await client.refresh(**more)
        assert refreshed.status_code == 200
        client.use(refreshed.json())
        clock.forward(minutes=minutes)
        assert (await client.refresh()).status_code == 401


async def test_log_out_kills_both_tokens(client: Client) -> None:
    """Nothing can be done with either afterwards."""
    assert (await client.http.post("/api/oauth2/logout")).status_code == 200
    assert await client.status_of_get(STATES) == 401
    assert (await client.refresh()).status_code == 401


async def test_an_account_may_hold_several_tokens(client: Client) -> None:
    """A second log-in leaves the first one alone."""
    async with Client(client.vbr) as other:
        await other.log_in()
        await other.http.post("/api/oauth2/logout")
    assert await client.status_of_get(STATES) == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "password", "username": "svc-slack", "password": "wrong"}, 401),
        ({"grant_type": "password", "username": "nobody", "password": "sandbox"}, 401),
        ({"grant_type": "password", "username": "svc-slack-mfa", "password": "sandbox"}, 401),
        ({"grant_type": "password", "username": "LAB\\svc-custom", "password": "sandbox"}, 401),
        ({"grant_type": "password", "username": "svc-slack"}, 400),
        ({"grant_type": "refresh_token"}, 401),
        ({"grant_type": "Password", "username": "svc-slack", "password": "sandbox"}, 400),
        ({"grant_type": "authorization_code", "code": "x"}, 400),
        ({}, 400),
    ],
)
async def test_grants_that_are_refused(vbr: VbrSandbox, form: dict[str, str], status: int) -> None:
    """A wrong password, an MFA account and a custom role are alike; an incomplete form is a 400."""
    async with Client(vbr) as client:
        answer = await client.http.post(TOKEN, data=form)
    assert answer.status_code == status
    if status == 401 and form["grant_type"] == "password":
        assert answer.json()["errorCode"] == "AccessDenied"


async def test_the_token_call_takes_forms_only(vbr: VbrSandbox, administrator: Account) -> None:
    """The same fields as JSON are refused."""
    async with Client(vbr) as client:
        assert (await client.http.post(TOKEN, json=login_form(administrator))).status_code == 400


async def test_a_dead_authorization_header_spoils_the_token_call(
    client: Client, administrator: Account
) -> None:
    """An old header does not belong there."""
    client.vbr.accounts.revoke_all_tokens()
    assert (await client.http.post(TOKEN, data=login_form(administrator))).status_code == 401


async def test_repeated_wrong_passwords_lock_the_account(
    vbr: VbrSandbox, clock: StillClock, administrator: Account
) -> None:
    """The fifth failure locks for 15 minutes, the right password included; trying again begins them anew."""
    wrong = login_form(administrator) | {"password": "wrong"}
    async with Client(vbr) as client:
        answers = [await client.http.post(TOKEN, data=wrong) for _ in range(5)]
        assert "user credentials are invalid" in answers[3].json()["message"]
        assert "Your account has been locked out for 00:15:00" in answers[4].json()["message"]
        clock.forward(minutes=10)
        assert (await client.http.post(TOKEN, data=login_form(administrator))).status_code == 401
        clock.forward(minutes=10)
        assert (await client.http.post(TOKEN, data=login_form(administrator))).status_code == 401
        clock.forward(minutes=15)
        assert (await client.http.post(TOKEN, data=login_form(administrator))).status_code == 200


async def test_the_second_lock_out_is_longer(
    vbr: VbrSandbox, clock: StillClock, administrator: Account
) -> None:
    """Half an hour when the failures go on after the first lock-out."""
    wrong = login_form(administrator) | {"password": "wrong"}
    async with Client(vbr) as client:
        for _ in range(5):
            await client.http.post(TOKEN, data=wrong)
        clock.forward(minutes=16)
        answers = [await client.http.post(TOKEN, data=wrong) for _ in range(5)]
        assert "locked out for 00:30:00" in answers[4].json()["message"]


async def test_a_role_counts_as_it_is_at_the_time_of_the_call(client: Client) -> None:
    """An account that loses its role loses it with the token it holds."""
    vbr = client.vbr
    vbr.accounts.add(Account("svc-slack", "sandbox", frozenset({Role.VIEWER})))
    assert await client.status_of_get("/serverInfo") == 403
    vbr.accounts.expire_access_tokens()
    client.use((await client.refresh()).json())
    vbr.accounts.remove("svc-slack")
    assert (await client.refresh()).status_code == 401
    assert await client.status_of_get("/serverInfo") == 401


async def test_a_server_may_forbid_refreshed_tokens(client: Client) -> None:
    """One site was seen to answer 403 to every token that a refresh had made."""
    client.vbr.accounts.forbids_refreshed_tokens = True
    assert await client.status_of_get(STATES) == 200
    client.use((await client.refresh()).json())
    assert await client.status_of_get(STATES) == 403


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-version": "1.3-rev9"}, {"x-api-version": "v1.3-rev0"}, {"x-api-version": ""}]
)
async def test_a_missing_or_unknown_version_is_refused(
    vbr: VbrSandbox, administrator: Account, headers: dict[str, str]
) -> None:
    """400 on every operation, the token call and those without a token included."""
    async with Client(vbr, headers) as client:
        answers = [
            await client.http.post(TOKEN, data=login_form(administrator)),
            await client.http.get("/api/v1/serverTime"),
            await client.http.get("/api/v1/jobs/states"),
        ]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert "does not support the API version" in answers[0].json()["message"]


async def test_a_server_may_have_dropped_the_revision(world: World) -> None:
    """A newer server takes 1.3-rev0 only where it is configured to."""
    newer = Behaviour(supported_revisions=("1.3-rev2",))
    async with VbrSandbox(world, behaviour=newer) as vbr, Client(vbr) as client:
        assert await client.status_of_get("/serverTime") == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/jobs/", 404),
        ("GET", "/", 404),
        ("PATCH", "/api/v1/jobs/states", 405),
        ("GET", "/api/oauth2/token", 405),
        ("GET", "/api/v1/jobs/not-an-id", 400),
        ("GET", "/api/v1/jobs/00000000-0000-0000-0000-000000000000", 404),
        ("GET", "/api/v1/sessions/00000000-0000-0000-0000-000000000000", 404),
    ],
)
async def test_paths_and_methods_that_are_not_there(
    client: Client, method: str, path: str, status: int
) -> None:
    """404 and 405 come with Error bodies."""
    answer = await client.http.request(method, path)
    assert answer.status_code == status
    assert {"errorCode", "message"} < set(answer.json())
