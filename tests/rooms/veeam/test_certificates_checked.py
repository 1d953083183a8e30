"""What `veeam-bot check` says of a server's certificate, over real TLS."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from bot.sandbox.vbr import Behaviour, VbrSandbox, World
from bot.sandbox.vbr.tls import Tls, make_tls
from bot.veeam import Trust
from tests.rooms.veeam.checking import UNTRIED, login, rows, wrong
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


async def refused(vbr: VbrSandbox, clock: FakeClock, trust: Trust) -> tuple[str, str]:
    """Detail and advice of a certificate that is not accepted; nothing was said to the server."""
    certificate, logins = await rows(clock, login(vbr, trust=trust))
    assert (certificate[:2], logins) == (("problem", "certificate"), UNTRIED)
    assert len(vbr.requests) == 0
    return certificate[2:]


async def test_certificates_that_are_accepted(secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls) -> None:
    """And why they are."""
    for trust, why in (
        (Trust(ca_file=tls.ca_file), f"It is signed by the CA in {tls.ca_file}."),
        (Trust(fingerprint=tls.fingerprint), "It is the one of the fingerprint."),
    ):
        found = await rows(clock, login(secured_vbr, trust=trust))
        assert found[1] == ("ok", "certificate", why, "")
        assert found[4][0] == "ok"


async def test_a_certificate_that_is_not_verified(
    secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls
) -> None:
    """A warning, with the fingerprint that would end it."""
    assert await wrong(clock, login(secured_vbr, trust=Trust(verify=False))) == [
        (
            "warning",
            "certificate",
            "It is not verified: anyone in between can pose as the server and read the password.",
            (
                "Take verify_tls = false out and set ca_file; or, once it was compared on the server itself, "
                f"set fingerprint to {tls.fingerprint}."
            ),
        )
    ]


async def test_another_certificate_than_the_pinned_one(
    secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls
) -> None:
    """Its fingerprint is printed, to be compared before it is believed."""
    assert await refused(secured_vbr, clock, Trust(fingerprint=WRONG_PIN)) == (
        f"It is not the one of the fingerprint. Its SHA-256 is {tls.fingerprint}.",
        (
            "If the server's certificate was renewed, set fingerprint to this value, after comparing it on "
            "the server itself. If it was not, somebody is in between: change nothing."
        ),
    )


async def test_an_unknown_authority(
    secured_vbr: VbrSandbox, clock: FakeClock, tls: Tls, tmp_path: Path
) -> None:
    """As VBR installs itself; both remedies are named, the fingerprint ready to be copied."""
    other = make_tls("other.example.com", tmp_path)
    for trust in (Trust(), Trust(ca_file=other.ca_file)):
        detail, advice = await refused(secured_vbr, clock, trust)
        assert detail.startswith("This machine doesn't trust the authority that signed it (")
        assert advice == (
            "VBR installs with a self-signed certificate. Set ca_file to its CA's PEM file; or, once it was "
            f"compared on the server itself, set fingerprint to {tls.fingerprint}."
        )


async def test_another_name(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """VBR's own certificate bears the short host name only."""
    other = make_tls("vbr01", tmp_path)
    async with secured(world, other.ssl_context) as vbr:
        assert await refused(vbr, clock, Trust(ca_file=other.ca_file)) == (
            "It is made out to another name than localhost.",
            (
                "Write the certificate's name into url; or, once it was compared on the server itself, set "
                f"instead of ca_file fingerprint to {other.fingerprint}."
            ),
        )


async def test_an_expired_certificate(world: World, clock: FakeClock, tmp_path: Path) -> None:
    """It is to be renewed, unless this machine has lost the time."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with secured(world, context) as vbr:
        assert await refused(vbr, clock, Trust(ca_file=tmp_path / "ca.pem")) == (
            "It is not valid now (certificate has expired).",
            "Renew it in VBR's console, or correct the clock of this machine if that is wrong.",
        )


async def test_a_port_without_tls(vbr: VbrSandbox, clock: FakeClock) -> None:
    """A wrong port, most likely."""
    url = vbr.url.replace("http://", "https://")
    (detail, advice) = (await rows(clock, login(vbr, url=url)))[0][2:]
    assert detail.startswith(f"{url} does not speak TLS as expected (")
    assert advice == "Check the port (VBR's REST API: 9419) and whether a proxy is in between."


async def test_a_ca_file_that_cannot_be_used(vbr: VbrSandbox, clock: FakeClock, tmp_path: Path) -> None:
    """It may have vanished after the settings were read."""
    (detail, advice) = (await rows(clock, login(vbr, trust=Trust(ca_file=tmp_path / "ca.pem"))))[0][2:]
    assert detail.startswith(f"The CA file cannot be used: {tmp_path}/ca.pem: ")
    assert advice == "Set ca_file of hq to a readable PEM file."
