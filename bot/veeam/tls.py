"""Recognising a server before anything is said to it.

The check sits in the TLS handshake itself: an `SSLObject` that compares the leaf's SHA-256 when the handshake
is done. Whoever uses the context, and however the connection came about (a proxy's tunnel, a new connection
in the pool), no byte of ours, least of all the password, is written to a server that shows another
certificate.
"""

import hashlib
import hmac
import ssl

import truststore

from bot.veeam.connection import Trust
from bot.veeam.errors import TlsReason

_NAME_MISMATCH = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NOT_NOW = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


class PinMismatch(ssl.SSLError):
    """The server's leaf is not the pinned one: it was renewed, or this is another server."""

    def __init__(self, presented: str) -> None:
        super().__init__("the certificate is not the pinned one")
        self.presented = presented


def trusting(trust: Trust) -> ssl.SSLContext:
    """The TLS settings that hold a server to this trust. Raises OSError for the CA file."""
    context = _verifying(trust)
    if trust.pin is not None:
        context.sslobject_class = _pinned_to(trust.pin)
    return context


def reason_for(failure: ssl.SSLError) -> TlsReason:
    """Which of our conditions this failure of a handshake is."""
    if isinstance(failure, PinMismatch):
        return TlsReason.PIN
    if not isinstance(failure, ssl.SSLCertVerificationError):
        return TlsReason.HANDSHAKE
    if failure.verify_code in _NAME_MISMATCH:
        return TlsReason.NAME
    return TlsReason.EXPIRED if failure.verify_code in _NOT_NOW else TlsReason.AUTHORITY


def _verifying(trust: Trust) -> ssl.SSLContext:
    if trust.verify and trust.ca_file is not None:
        return ssl.create_default_context(cafile=trust.ca_file)
    if trust.verify and trust.pin is None:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _pinned_to(pin: str) -> type[ssl.SSLObject]:
    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            presented = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if not hmac.compare_digest(presented, pin):
                raise PinMismatch(presented)

    return PinnedObject
