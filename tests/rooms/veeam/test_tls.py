"""A server is recognised before anything is said to it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
import trustme

from bot.sandbox.vbr import Behaviour, VbrSandbox, World
from bot.sandbox.vbr.tls import Tls, make_tls
from bot.settings import PollingSettings
from bot.slack.views.server_errors import explain
from bot.veeam import ConnectFailed, TlsFailed, TlsReason, Trust
from bot.veeam.connection import ssl_context_of
from bot.veeam.http import IDLE_SECONDS
from tests.rooms.veeam.clients import client_of, connection_to
from tests.support.clock import FakeClock

WRONG_PIN = "ab" * 32


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return make_tls("localhost", tmp_path)


@asynccontextmanager
async def secured(world: World, context: ssl.SSLContext) -> AsyncIterator[VbrSandbox]:
    async with VbrSandbox(world, ssl_context=context, behaviour=Behaviour(public_name="localhost")) as server:
        yield server


@pytest.fixture
async def secured_vbr(world: World, tls: Tls) -> AsyncIterator[VbrSandbox]:
    async with secured(world, tls.ssl_context) as server:
        yield server


async def failure_of(vbr: VbrSandbox, clock: FakeClock, trust: Trust) -> TlsFailed:
    async with client_of(vbr, clock, trust=trust) as client:
        with pytest.raises(TlsFailed) as caught:
            await client.job_states()
    assert len(vbr.requests) == 0, "something was said to a server that was not recognised"
    assert (caught.value.may_retry, caught.value.reached_server) == (False, False)
    return caught.value


async def test_servers_of_one_trust_share_its_settings(tls: Tls) -> None:
    """The certificates to trust are read once for all servers that are trusted alike, and never mixed up."""
    trusts = [Trust(), Trust(ca_file=tls.ca_file), Trust(fingerprint=WRONG_PIN), Trust(verify=False)]
    contexts = [trust.ssl_context() for trust in trusts]
    assert len(set(map(id, contexts))) == len(trusts)
    assert [
        Trust(trust.ca_file, trust.fingerprint, trust.verify).ssl_context() for trust in trusts
    ] == contexts


async def test_the_systems_certificates_are_read_once(
    world: World, clock: FakeClock, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handshake doesn't read the system's certificates again."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca_file))
    ssl_context_of.cache_clear()
    async with secured(world, tls.ssl_context) as vbr:
        for _ in range(2):
            async with client_of(vbr, clock) as client:
                assert len((await client.job_states()).rows) == 1
            tls.ca_file.unlink(missing_ok=True)
    ssl_context_of.cache_clear()


async def test_a_connection_outlives_the_time_between_two_polls() -> None:
    """It is kept longer than polls are apart by default, and given up before VBR closes it after 130 s."""
    assert PollingSettings().interval_seconds < IDLE_SECONDS < 130


async def test_a_ca_file_is_enough(secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls) -> None:
    """With the name matching, as an administrator's own CA makes it."""
    async with client_of(secured_vbr, clock, trust=Trust(ca_file=tls.ca_file)) as client:
        assert len((await client.job_states()).rows) == 1


async def test_a_pin_is_enough(secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls) -> None:
    """The authority may be unknown: the leaf is the one we know, written as people do."""
    pairs = [tls.fingerprint[at : at + 2].upper() for at in range(0, 64, 2)]
    async with client_of(secured_vbr, clock, trust=Trust(fingerprint=":".join(pairs))) as client:
        assert len((await client.job_states()).rows) == 1


async def test_a_wrong_pin_hears_nothing(secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls) -> None:
    """Above all not the password. The certificate shown is named, so that a renewed one can be pinned."""
    failure = await failure_of(secured_vbr, clock, Trust(fingerprint=WRONG_PIN))
    assert (failure.reason, failure.presented) == (TlsReason.PIN, tls.fingerprint)


async def test_with_both_both_must_hold(secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls) -> None:
    """A trusted authority does not excuse another leaf."""
    failure = await failure_of(secured_vbr, clock, Trust(ca_file=tls.ca_file, fingerprint=WRONG_PIN))
    assert failure.reason is TlsReason.PIN


async def test_an_unknown_authority_hears_nothing(secured_vbr: VbrSandbox, clock: FakeClock) -> None:
    """The system's trust store doesn't know VBR's self-signed certificate."""
    assert (await failure_of(secured_vbr, clock, Trust())).reason is TlsReason.AUTHORITY


async def test_another_authority_hears_nothing(
    secured_vbr: VbrSandbox, clock: FakeClock, tmp_path: Path
) -> None:
    """A CA file that belongs to another server."""
    other = make_tls("other.example.com", tmp_path)
    failure = await failure_of(secured_vbr, clock, Trust(ca_file=other.ca_file))
    assert failure.reason is TlsReason.AUTHORITY


async def test_another_name_hears_nothing(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """VBR's own certificate bears the short host name only."""
    other = make_tls("vbr01", tmp_path)
    async with secured(world, other.ssl_context) as vbr:
        failure = await failure_of(vbr, clock, Trust(ca_file=other.ca_file))
    assert failure.reason is TlsReason.NAME


async def test_an_expired_certificate_hears_nothing(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """Its own reason, for the remedy is another."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with secured(world, context) as vbr:
        failure = await failure_of(vbr, clock, Trust(ca_file=tmp_path / "ca.pem"))
    assert failure.reason is TlsReason.EXPIRED


async def test_without_verification_it_is_said_so(secured_vbr: VbrSandbox, clock: FakeClock) -> None:
    """Any certificate is taken, and each start warns."""
    with structlog.testing.capture_logs() as logs:
        async with client_of(secured_vbr, clock, trust=Trust(verify=False)) as client:
            assert len((await client.job_states()).rows) == 1
    warned = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [(entry["event"], entry["server"]) for entry in warned] == [
        ("veeam.certificate_not_verified", "hq")
    ]


async def test_a_server_without_tls_is_not_spoken_to(vbr: VbrSandbox, clock: FakeClock) -> None:
    """A wrong port: the handshake fails, and that is not "down"."""
    url = vbr.url.replace("http://", "https://")
    async with client_of(vbr, clock, url=url) as client:
        with pytest.raises(TlsFailed) as caught:
            await client.job_states()
    assert caught.value.reason is TlsReason.HANDSHAKE


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_a_ca_file_that_cannot_be_read_is_named(
    vbr: VbrSandbox, clock: FakeClock, tmp_path: Path, content: str | None
) -> None:
    """At once, with its path."""
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(TlsFailed, match=r"ca\.pem") as caught:
        client_of(vbr, clock, trust=Trust(ca_file=ca_file))
    assert caught.value.reason is TlsReason.CA_FILE


class Proxy:
    """A proxy that leads every tunnel to one port, or refuses it."""

    def __init__(self, leads_to: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self._leads_to = leads_to
        self._answer = answer
        self.asked_for: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked_for.append(head.split()[1].decode())
        writer.write(self._answer)
        if b" 200 " in self._answer:
            there, back = await asyncio.open_connection("127.0.0.1", self._leads_to)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        writer.close()

    @staticmethod
    async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
        finally:
            sink.close()


@asynccontextmanager
async def proxied(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    monkeypatch.setenv("NO_PROXY", "")
    async with server:
        yield


async def test_a_pin_holds_through_a_proxy(
    secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tunnel is the proxy's, the certificate is still the server's own."""
    proxy = Proxy(int(secured_vbr.url.rsplit(":", 1)[1]))
    async with proxied(proxy, monkeypatch):
        url = "https://vbr.test:9419"
        async with client_of(secured_vbr, clock, url=url, trust=Trust(fingerprint=tls.fingerprint)) as client:
            assert len((await client.job_states()).rows) == 1
        heard = len(secured_vbr.requests)
        async with client_of(secured_vbr, clock, url=url, trust=Trust(fingerprint=WRONG_PIN)) as client:
            with pytest.raises(TlsFailed):
                await client.job_states()
    assert set(proxy.asked_for) == {"vbr.test:9419"}
    assert len(secured_vbr.requests) == heard


async def test_a_proxy_that_refuses_is_a_failed_connection(
    secured_vbr: VbrSandbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing reached the server; of a port that VBR does not listen on people are told which one it does."""
    for port, is_told in ((9419, False), (9398, True)):
        async with (
            proxied(Proxy(0, b"HTTP/1.1 403 Forbidden\r\n\r\n"), monkeypatch),
            client_of(secured_vbr, clock, url=f"https://vbr.test:{port}") as client,
        ):
            with pytest.raises(ConnectFailed) as caught:
                await client.job_states()
        advice = explain(caught.value).advice
        assert ("The bot asks port 9398: VBR listens on 9419" in advice) is is_told


async def test_this_machine_is_reached_without_a_proxy(
    secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY means the world outside."""
    proxy = Proxy(0)
    assert connection_to(secured_vbr).is_loopback
    async with (
        proxied(proxy, monkeypatch),
        client_of(secured_vbr, clock, trust=Trust(ca_file=tls.ca_file)) as client,
    ):
        await client.job_states()
    assert proxy.asked_for == []
