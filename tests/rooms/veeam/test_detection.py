"""Detecting the revision that a server speaks: without a login, once, and again when it may have changed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from bot.observability import Metrics
from bot.sandbox.vbr import Behaviour, Fault, Moment, Quirks, Role, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.faults import ANY, empty, hanging, html, refusing
from bot.sandbox.vbr.tls import make_tls
from bot.settings import AUTO, ServerName
from bot.veeam import (
    REVISIONS,
    ConnectFailed,
    Connection,
    LoginRefused,
    NoCommonRevision,
    NotFoundOnServer,
    RevisionUnsupported,
    ServerFailed,
    SpokenRevision,
    TimedOut,
    Timeouts,
    TlsFailed,
    Trust,
    UnexpectedAnswer,
    VeeamServer,
)
from bot.veeam.detection import CHECKED_EVERY_SECONDS
from tests.rooms.veeam.clients import (
    ASKING_ONCE,
    SERVER_TIME,
    SESSIONS,
    STATES,
    SWAGGER,
    TOKEN,
    client_of,
    connection_to,
    die,
    grants,
    saying,
)
from tests.support.clock import FakeClock

HQ = ServerName("hq")
NEWEST = "1.3-rev2"
CLOSED = Quirks(has_closed_swagger=True)


@pytest.fixture
async def client(vbr: VbrSandbox, clock: FakeClock) -> AsyncIterator[VeeamServer]:
    async with client_of(vbr, clock, api_version=AUTO) as found:
        yield found


def asked(vbr: VbrSandbox) -> list[tuple[str, str]]:
    """What was asked to find the revision since the last time, and in which."""
    found = [
        (request.path.split("/")[2], "")
        if "swagger" in request.path
        else ("serverTime", request.headers["x-api-version"])
        for request in vbr.requests
        if (request.method, request.template) in {SWAGGER, SERVER_TIME}
    ]
    vbr.requests.clear()
    return found


@pytest.mark.parametrize("quirks", [Quirks(), CLOSED], ids=["swagger", "no swagger"])
@pytest.mark.parametrize("newest", list(REVISIONS))
async def test_the_newest_that_both_speak(
    world: World, clock: FakeClock, newest: str, quirks: Quirks
) -> None:
    """Whether or not the Swagger pages are open; and everything is asked in it, the login too."""
    behaviour = Behaviour(supported_revisions=accepted_by(newest), quirks=quirks)
    async with (
        VbrSandbox(world, behaviour=behaviour) as vbr,
        client_of(vbr, clock, api_version=AUTO) as client,
    ):
        await client.job_states()
        assert client.revision.name == newest
        others = [each for each in vbr.requests if (each.method, each.template) not in {SWAGGER, SERVER_TIME}]
        assert [each.headers["x-api-version"] for each in others] == [newest, newest]
        assert grants(vbr) == ["password"]


async def test_a_server_newer_than_the_bot(vbr: VbrSandbox, client: VeeamServer) -> None:
    """It speaks the newest revision that the bot knows, as newer servers accept older ones."""
    newer = (*accepted_by(NEWEST), "1.4-rev0")
    vbr.behaviour = replace(vbr.behaviour, supported_revisions=newer)
    await client.job_states()
    assert client.revision.name == NEWEST


@pytest.mark.parametrize("quirks", [Quirks(), CLOSED], ids=["swagger", "no swagger"])
async def test_a_server_that_is_too_old(vbr: VbrSandbox, clock: FakeClock, quirks: Quirks) -> None:
    """It is asked for no token, so no account is locked; an upgrade is noticed within minutes."""
    vbr.behaviour = replace(vbr.behaviour, supported_revisions=("1.1-rev2",), quirks=quirks)
    async with client_of(vbr, clock, api_version=AUTO) as client:
        for _ in range(3):
            with pytest.raises(NoCommonRevision, match=r"upgrade VBR to 12\.3\.1 or newer"):
                await client.job_states()
        assert len(asked(vbr)) == (8 if not quirks.has_closed_swagger else 5)
        assert grants(vbr) == []
        vbr.upgrade("1.2-rev1")
        await clock.advance(61)
        await client.job_states()
        assert client.revision.name == "1.2-rev1"


@pytest.mark.parametrize(
    "swagger",
    [html(200), html(403), html(502), Fault(status=302, headers={"Location": "/login"}), empty(401)],
    ids=["html", "forbidden", "bad gateway", "redirect", "unauthorised"],
)
async def test_a_page_that_is_no_document_proves_nothing(
    vbr: VbrSandbox, client: VeeamServer, swagger: Fault
) -> None:
    """A proxy's page, whatever its status, leaves the question to the server's clock."""
    vbr.faults.add(*SWAGGER, swagger)
    assert (await client.detect_revision()).name == "1.3-rev0"
    assert asked(vbr) == [
        ("v1.3-rev2", ""),
        ("serverTime", "1.3-rev2"),
        ("serverTime", "1.3-rev1"),
        ("serverTime", "1.3-rev0"),
    ]


async def test_a_document_that_is_served_is_checked(vbr: VbrSandbox, client: VeeamServer) -> None:
    """What a server serves and yet refuses is not spoken, whatever words it refuses it in."""
    vbr.upgrade("1.3-rev1")
    vbr.faults.add(*SERVER_TIME, saying(400, "No."))
    assert (await client.detect_revision()).name == "1.3-rev0"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_clock_that_wants_a_token_refuses_no_revision(
    vbr: VbrSandbox, client: VeeamServer, status: int
) -> None:
    """The document says which one it is; and what is not refused is taken for spoken."""
    vbr.faults.add(*SERVER_TIME, empty(status))
    assert (await client.detect_revision()).name == "1.3-rev0"


async def test_a_clock_that_fails_leaves_the_document(vbr: VbrSandbox, client: VeeamServer) -> None:
    """One of the two answers is enough."""
    vbr.faults.add(*SERVER_TIME, refusing(500), times=9)
    assert (await client.detect_revision()).name == "1.3-rev0"


@pytest.mark.parametrize(
    ("fault", "error"),
    [(refusing(503), ServerFailed), (html(200), UnexpectedAnswer), (html(404), NotFoundOnServer)],
)
async def test_a_server_in_trouble_says_nothing_of_revisions(
    vbr: VbrSandbox, client: VeeamServer, fault: Fault, error: type[Exception]
) -> None:
    """It is what it is, no password is sent, and it is asked again at the next use."""
    vbr.faults.add(*SWAGGER, fault, times=9)
    vbr.faults.add(*SERVER_TIME, fault)
    with pytest.raises(error):
        await client.job_states()
    assert grants(vbr) == []
    vbr.faults.clear()
    await client.job_states()
    assert client.revision.name == "1.3-rev0"


WORDINGS = ["Unsupported RESTAPI version.", "Bad request.", ""]
"""How a server may refuse a revision."""


def only_with_a_token(vbr: VbrSandbox, clock_says: Fault) -> None:
    """Let the server's clock say nothing of revisions, with its Swagger pages closed."""
    vbr.behaviour = replace(vbr.behaviour, quirks=CLOSED)
    vbr.faults.add(*SERVER_TIME, clock_says, times=99)


@pytest.mark.parametrize("words", WORDINGS)
@pytest.mark.parametrize(
    "clock_says",
    [empty(401), refusing(403), refusing(500), hanging(Moment.BEFORE)],
    ids=["401", "403", "500", "hangs"],
)
@pytest.mark.parametrize("newest", list(REVISIONS))
async def test_a_server_that_says_nothing_before_the_login(
    vbr: VbrSandbox, clock: FakeClock, newest: str, clock_says: Fault, words: str
) -> None:
    """It is asked with a token, whatever its words; one password is sent, and it is the right one."""
    vbr.upgrade(newest)
    only_with_a_token(vbr, clock_says)
    refused = list(REVISIONS)[::-1][: -len(accepted_by(newest))]
    for _ in refused:
        vbr.faults.add(*SESSIONS, saying(400, words))
    brief = Timeouts(total=0.2)
    async with client_of(vbr, clock, api_version=AUTO, timeouts=brief) as client:
        for _ in range(3):
            await client.job_states()
            await clock.advance(61)
        assert client.revision.name == newest
    assert grants(vbr) == ["password"]


@pytest.mark.parametrize(("password", "error"), [("wrong", LoginRefused), ("", LoginRefused)])
async def test_a_wrong_password_where_the_revision_takes_a_login(
    vbr: VbrSandbox, clock: FakeClock, password: str, error: type[Exception]
) -> None:
    """It is sent once, and is what it is."""
    vbr.upgrade("1.3-rev0")
    only_with_a_token(vbr, empty(401))
    async with client_of(vbr, clock, api_version=AUTO, password=SecretStr(password)) as client:
        for _ in range(5):
            with pytest.raises(error):
                await client.job_states()
            await clock.advance(61)
    assert grants(vbr) == ["password"]


@pytest.mark.parametrize("words", WORDINGS)
async def test_a_document_that_is_served_and_not_spoken(
    vbr: VbrSandbox, clock: FakeClock, words: str
) -> None:
    """A refusal of the login, or of the first question, says what the document does not; one is enough."""
    for refusing_operation in (TOKEN, STATES):
        vbr.upgrade(NEWEST)
        vbr.faults.clear()
        vbr.faults.add(*SERVER_TIME, empty(401), times=99)
        vbr.faults.add(*refusing_operation, saying(400, words))
        vbr.faults.add(*SESSIONS, saying(400, words))
        vbr.requests.clear()
        async with client_of(vbr, clock, api_version=AUTO) as client:
            with pytest.raises(RevisionUnsupported):
                await client.job_states()
            await client.job_states()
            assert client.revision.name < NEWEST
        assert len(grants(vbr)) <= 2


async def test_an_upgrade_where_the_clock_wants_a_token(vbr: VbrSandbox, clock: FakeClock) -> None:
    """It is noticed within the hour like any other."""
    only_with_a_token(vbr, empty(401))
    async with client_of(vbr, clock, api_version=AUTO) as client:
        await client.job_states()
        assert client.revision.name == "1.3-rev0"
        vbr.upgrade(NEWEST)
        await clock.advance(CHECKED_EVERY_SECONDS + 1)
        await client.job_states()
        assert client.revision.name == NEWEST


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_before_a_server_that_restarts(
    vbr: VbrSandbox, client: VeeamServer, status: int
) -> None:
    """Its error is no answer of the server's: after it the revision is detected again."""
    await client.sessions()
    vbr.faults.add(*SESSIONS, html(status))
    with pytest.raises(ServerFailed):
        await client.sessions()
    vbr.upgrade(NEWEST)
    await client.sessions()
    await client.sessions()
    assert client.revision.name == NEWEST


async def test_a_build_that_speaks_more(vbr: VbrSandbox, client: VeeamServer) -> None:
    """What the server says of its build has the revision detected again, once."""
    await client.job_states()
    vbr.upgrade(NEWEST, build_version="13.1.0.411")
    await client.server_info()
    await client.job_states()
    assert client.revision.name == NEWEST
    vbr.world.build_version = "13.0.0.4967"
    await client.server_info()
    asked(vbr)
    for _ in range(3):
        await client.server_info()
    assert len(asked(vbr)) <= 2


async def test_a_dead_server_is_no_old_server(vbr: VbrSandbox, client: VeeamServer) -> None:
    """It cannot be reached; when it can be, the revision is detected."""
    await die(vbr)
    with pytest.raises(ConnectFailed):
        await client.job_states()
    await vbr.come_back()
    await client.job_states()
    assert client.revision.name == "1.3-rev0"


async def test_a_server_that_is_not_recognised_is_asked_nothing(
    world: World, clock: FakeClock, tmp_path: Path
) -> None:
    """Not even what it speaks."""
    tls, behaviour = make_tls("localhost", tmp_path), Behaviour(public_name="localhost")
    async with (
        VbrSandbox(world, ssl_context=tls.ssl_context, behaviour=behaviour) as vbr,
        client_of(vbr, clock, api_version=AUTO, trust=Trust(fingerprint="ab" * 32)) as client,
    ):
        with pytest.raises(TlsFailed):
            await client.job_states()
        assert len(vbr.requests) == 0


async def test_a_swagger_page_that_hangs_costs_seconds(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Then the server's clock is asked; where all hangs, the server takes too long."""
    brief = Timeouts(total=0.2)
    vbr.faults.add(*SWAGGER, hanging(Moment.BEFORE), times=2)
    async with client_of(vbr, clock, api_version=AUTO, timeouts=brief) as client:
        assert (await client.detect_revision()).name == "1.3-rev0"
    async with client_of(vbr, clock, api_version=AUTO, timeouts=brief) as client:
        vbr.faults.add(ANY, ANY, hanging(Moment.BEFORE), times=9)
        with pytest.raises(TimedOut):
            await client.job_states()
        vbr.faults.clear()


@asynccontextmanager
async def endless_documents() -> AsyncIterator[tuple[str, list[int]]]:
    """A server whose documents never end, and how many bytes of them went out."""
    sent: list[int] = []

    async def document(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
                sent.append(65536)
        except ConnectionError:
            return response

    async def server_time(_: web.Request) -> web.Response:
        return web.json_response({"serverTime": "2025-01-01T00:00:00Z", "timeZone": "UTC"})

    app = web.Application()
    app.router.add_get("/api/v1/serverTime", server_time)
    app.router.add_get("/swagger/{document}/swagger.json", document)
    async with TestServer(app) as server:
        yield str(server.make_url("")), sent


async def test_of_a_document_only_the_status_is_read(clock: FakeClock) -> None:
    """It has megabytes: no more goes out than what was under way."""
    async with endless_documents() as (url, sent):
        connection = Connection(HQ, url, "svc", SecretStr("x"), api_version=AUTO)
        async with (
            asyncio.timeout(20),
            VeeamServer(connection, clock=clock, read_retries=ASKING_ONCE) as client,
        ):
            assert (await client.detect_revision()).name == NEWEST
    assert sum(sent) < 16 * 2**20


async def test_forty_first_questions_cause_one_detection(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Of all accounts of a server together, whether it succeeds or fails."""
    spoken = SpokenRevision(HQ, AUTO, clock)
    accounts = [vbr.accounts.by_role(role) for role in (Role.ADMINISTRATOR, Role.VIEWER)]
    clients = [
        VeeamServer(
            connection_to(vbr, account, api_version=AUTO),
            spoken=spoken,
            clock=clock,
            read_retries=ASKING_ONCE,
            metrics=Metrics(),
        )
        for account in accounts
    ]
    vbr.faults.add(*SWAGGER, refusing(503))
    vbr.faults.add(*SERVER_TIME, refusing(503))
    failed = await asyncio.gather(*(clients[n % 2].job_states() for n in range(40)), return_exceptions=True)
    assert [type(each) for each in failed] == [ServerFailed] * 40
    assert len(asked(vbr)) == 2
    await asyncio.gather(*(clients[n % 2].job_states() for n in range(40)))
    assert len(asked(vbr)) == 4
    for client in clients:
        assert client.revision.name == "1.3-rev0"
        await client.close()


async def test_a_detection_that_is_given_up_holds_nobody(vbr: VbrSandbox, client: VeeamServer) -> None:
    """The next one who asks detects."""
    vbr.faults.add(*SWAGGER, hanging(Moment.BEFORE))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.job_states()
    await client.job_states()
    assert client.revision.name == "1.3-rev0"


async def test_an_upgrade_is_noticed_within_an_hour(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock
) -> None:
    """One request an hour while the server is in use; the login goes on."""
    await client.job_states()
    asked(vbr)
    await clock.advance(CHECKED_EVERY_SECONDS + 1)
    await client.job_states()
    assert asked(vbr) == [("serverTime", "1.3-rev1")]
    await client.job_states()
    assert asked(vbr) == []
    vbr.upgrade(NEWEST)
    await clock.advance(CHECKED_EVERY_SECONDS + 1)
    await client.job_states()
    assert client.revision.name == NEWEST
    asked(vbr)
    await clock.advance(CHECKED_EVERY_SECONDS + 1)
    await client.job_states()
    assert asked(vbr) == []  # there is nothing newer to ask for


async def test_a_check_that_fails_takes_no_answer_away(
    vbr: VbrSandbox, client: VeeamServer, clock: FakeClock
) -> None:
    """What was detected goes on being spoken."""
    await client.job_states()
    vbr.faults.add(*SERVER_TIME, refusing(500), times=9)
    await clock.advance(CHECKED_EVERY_SECONDS + 1)
    await client.job_states()
    await client.job_states()
    assert client.revision.name == "1.3-rev0"


async def test_a_server_that_comes_back_is_asked_anew(vbr: VbrSandbox, client: VeeamServer) -> None:
    """It may have been upgraded meanwhile: known after its first answer."""
    await client.job_states()
    await die(vbr)
    with pytest.raises(ConnectFailed):
        await client.server_time()
    vbr.upgrade(NEWEST)
    await vbr.come_back()
    await client.server_time()
    await client.job_states()
    assert client.revision.name == NEWEST


async def test_a_downgrade_is_noticed_by_the_refusal(vbr: VbrSandbox, client: VeeamServer) -> None:
    """The question that was refused fails; the next one is asked in the older revision."""
    vbr.upgrade(NEWEST)
    await client.job_states()
    vbr.upgrade("1.2-rev1")
    with pytest.raises(Exception, match="Unsupported RESTAPI version"):
        await client.job_states()
    await client.job_states()
    assert client.revision.name == "1.2-rev1"
    assert grants(vbr) == ["password"]


async def test_a_wrong_password_is_a_wrong_password(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Asked once, after the revision was detected."""
    async with client_of(vbr, clock, api_version=AUTO, password=SecretStr("wrong")) as client:
        for _ in range(3):
            with pytest.raises(LoginRefused):
                await client.job_states()
    assert len(vbr.requests.of(*TOKEN)) == 1


async def test_the_newest_beside_a_pinned_one(vbr: VbrSandbox, clock: FakeClock) -> None:
    """It is told, and the pinned one is spoken all the same."""
    vbr.upgrade(NEWEST)
    async with client_of(vbr, clock, api_version="1.3-rev0") as client:
        assert (await client.newest_revision()).name == NEWEST
        assert (client.revision.name, (await client.detect_revision()).name) == ("1.3-rev0", "1.3-rev0")
