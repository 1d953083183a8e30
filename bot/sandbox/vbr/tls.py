"""Certificates for a simulated VBR: a throw-away CA and a leaf, with all that a client can verify it by."""

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Tls:
    """A server's side (``ssl_context``) and a client's: the CA's PEM file and the leaf's SHA-256 in hex."""

    hostname: str
    ssl_context: ssl.SSLContext
    ca_file: Path
    fingerprint: str


def make_tls(hostname: str, directory: Path) -> Tls:
    """Issue a certificate for ``hostname`` (a name or an IP address) from a CA of its own.

    Blocking: writes the CA's PEM into ``directory``.
    """
    authority = trustme.CA()
    leaf = authority.issue_cert(hostname)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    ca_file = directory / f"{hostname}-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    return Tls(hostname, context, ca_file, hashlib.sha256(der).hexdigest())
