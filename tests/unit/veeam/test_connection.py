"""What is accepted as a way to a server."""

import pytest
from pydantic import SecretStr

from bot.settings import ServerName
from bot.veeam import Connection, Trust, is_id
from bot.veeam.http import path_segment


def to(url: str) -> Connection:
    return Connection(ServerName("hq"), url, "svc", SecretStr("hush"))


@pytest.mark.parametrize(
    "url",
    [
        "https://vbr:9419",
        "http://127.0.0.1:9419",
        "http://localhost",
        "http://[::1]:9419",
        "https://[fe80::1]",
    ],
)
def test_a_password_travels_over_tls_or_stays_here(url: str) -> None:
    """Plain http is for this machine alone."""
    assert to(url).url == url


@pytest.mark.parametrize("url", ["http://vbr:9419", "http://10.0.0.1", "ftp://vbr", "vbr:9419", ""])
def test_other_addresses_are_refused(url: str) -> None:
    """A wrong address fails when it is given, not when the password is on its way."""
    with pytest.raises(ValueError, match="http"):
        to(url)


def test_the_password_shows_nowhere() -> None:
    """A connection can be logged."""
    assert "hush" not in repr(to("https://vbr"))


def test_a_fingerprint_may_have_colons() -> None:
    """As browsers and openssl print it."""
    assert Trust(fingerprint=":".join(["AB"] * 32)).pin == "ab" * 32


@pytest.mark.parametrize("fingerprint", ["ab" * 20, "zz" * 32, "ab"])
def test_another_digest_is_no_fingerprint(fingerprint: str) -> None:
    """VBR's own `thumbprint` is SHA-1 and would never match."""
    with pytest.raises(ValueError, match="SHA-256"):
        Trust(fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e35ef047-8cfa-4c3e-979e-de2e5399142f", True),
        ("E35EF047-8CFA-4C3E-979E-DE2E5399142F", True),
        ("e35ef047-8cfa-4c3e-979e-de2e5399142f/start", False),
        ("e35ef047-8cfa-4c3e-979e-de2e5399142f\n", False),
        ("../jobs", False),
        ("", False),
    ],
)
def test_only_a_uuid_is_an_id(text: str, expected: bool) -> None:  # noqa: FBT001 - a table's columns
    """Nothing else gets into a path."""
    assert is_id(text) is expected


@pytest.mark.parametrize(
    ("host", "segment"),
    [("vc01.example.com", "vc01.example.com"), ("a/b c?#%", "a%2Fb%20c%3F%23%25"), ("..", None), ("", None)],
)
def test_a_hosts_name_is_one_segment(host: str, segment: str | None) -> None:
    """Whatever a host is called, the path has as many parts as before."""
    assert path_segment(host) == segment
