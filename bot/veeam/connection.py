"""How to reach one server under one account, and how to recognise it.

The certificate is checked in the TLS handshake itself: an `SSLObject` compares the leaf's SHA-256 when the
handshake is done. However the connection came about (a proxy's tunnel, a new connection in the pool), no byte
of ours, least of all the password, is written to a server that shows another certificate.
"""

import hashlib
import hmac
import ipaddress
import re
import ssl
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import truststore
from pydantic import SecretStr

from bot.settings import AccountSettings, ServerName, ServerSettings
from bot.veeam.errors import TlsReason

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME_MISMATCH = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_OUT_OF_DATE = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_TRUSTS_KEPT = 64

VBR_PORT = 9419
"""What VBR's REST API listens on."""


@dataclass(frozen=True)
class Trust:
    """What makes a server's certificate acceptable.

    A fingerprint is the SHA-256 of the leaf in hex, colons allowed; it alone suffices, so that the
    self-signed certificate VBR installs with, which seldom bears the right name, can be trusted. With a CA
    file as well, both must hold. With neither, the system's own trust store decides. `verify=False` accepts
    any certificate.
    """

    ca_file: Path | None = None
    fingerprint: str | None = None
    verify: bool = True

    def __post_init__(self) -> None:
        if self.pin is not None and _SHA256.fullmatch(self.pin) is None:
            raise ValueError("a fingerprint is the SHA-256 of the certificate: 64 hex digits")

    @property
    def pin(self) -> str | None:
        """The fingerprint as bare lower-case hex."""
        return re.sub(r"[:\s]", "", self.fingerprint).lower() if self.fingerprint else None

    def ssl_context(self) -> ssl.SSLContext:
        """The TLS settings that check this trust: the same object for every server of one trust.

        Raises OSError for the CA file.
        """
        return ssl_context_of(self)


class PinMismatch(ssl.SSLError):
    """The server's leaf is not the pinned one: it was renewed, or this is another server."""

    def __init__(self, presented: str) -> None:
        super().__init__("the certificate is not the pinned one")
        self.presented = presented


@dataclass(frozen=True)
class Timeouts:
    """Limits in seconds. VBR is slow on long histories (84 s for 9,800 sessions were seen), hence `read`."""

    connect: float = 5.0
    read: float = 60.0
    write: float = 15.0
    pool: float = 15.0
    total: float = 120.0


@dataclass(frozen=True)
class Connection:
    """One account on one server. A password travels over TLS only; plain http is for this machine alone."""

    name: ServerName
    url: str
    username: str
    password: SecretStr
    api_version: str = "1.3-rev0"
    trust: Trust = field(default_factory=Trust)
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if not parts.hostname or parts.scheme not in {"https", "http"}:
            raise ValueError("the address of a server is https://HOST:PORT")
        if parts.scheme == "http" and not self.is_loopback:
            raise ValueError("http is accepted for this machine only: the password must travel over TLS")

    @property
    def port(self) -> int:
        """The port of the address; without one, the scheme's own: 443, and not VBR's 9419."""
        address = urlsplit(self.url)
        return address.port or (443 if address.scheme == "https" else 80)

    @property
    def other_port(self) -> int | None:
        """The port where it is not VBR's own, but for this machine, where anything may stand in for VBR."""
        return None if self.port == VBR_PORT or self.is_loopback else self.port

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def connection_to(server: ServerSettings, account: AccountSettings | None = None) -> Connection:
    """Return how to reach a server of the settings, under its own account or under one of its others."""
    login = account or server
    return Connection(
        name=server.name,
        url=server.url,
        username=login.username,
        password=login.password,
        api_version=server.api_version,
        trust=Trust(ca_file=server.ca_file, fingerprint=server.fingerprint, verify=server.verify_tls),
    )


def tls_reason(failure: ssl.SSLError) -> TlsReason:
    """Why this handshake failed."""
    if isinstance(failure, PinMismatch):
        return TlsReason.PIN
    if not isinstance(failure, ssl.SSLCertVerificationError):
        return TlsReason.HANDSHAKE
    if failure.verify_code in _NAME_MISMATCH:
        return TlsReason.NAME
    return TlsReason.EXPIRED if failure.verify_code in _OUT_OF_DATE else TlsReason.AUTHORITY


@lru_cache(maxsize=_TRUSTS_KEPT)
def ssl_context_of(trust: Trust) -> ssl.SSLContext:
    """Make the TLS settings of a trust, once: they take 0.85 MiB. Raises OSError for the CA file."""
    if trust.verify and trust.ca_file is not None:
        context = ssl.create_default_context(cafile=trust.ca_file)
    elif trust.verify and trust.pin is None:
        context = _system_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if trust.pin is not None:
        context.sslobject_class = _pinned_to(trust.pin)
    return context


def _system_context() -> ssl.SSLContext:
    """Trust what the system trusts.

    Truststore reads the system's bundle again for each handshake, which takes 26 ms. Where OpenSSL finds that
    bundle by itself, it is read once.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    is_found = sys.platform == "linux" and context.cert_store_stats()["x509_ca"] > 0
    return context if is_found else truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _pinned_to(pin: str) -> type[ssl.SSLObject]:
    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            presented = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if not hmac.compare_digest(presented, pin):
                raise PinMismatch(presented)

    return PinnedObject
