"""Every status and every exception of httpx has its meaning, for a question and for a change."""

import json
import ssl
from datetime import UTC, datetime

import httpx
import pytest

from bot.settings import ServerName
from bot.veeam import (
    AnswerLost,
    LoginRefused,
    NotAllowed,
    NotFoundOnServer,
    Rejected,
    RevisionUnsupported,
    ServerFailed,
    TimedOut,
    TooBusy,
    UnexpectedAnswer,
    VeeamError,
)
from bot.veeam.http import (
    STATUS_MEANINGS,
    TRANSPORT_FAILURES,
    ApiResponse,
    TransportFailure,
    error_class,
    error_in,
    parse_retry_after,
    transport_failure,
)

HQ = ServerName("hq")
NAMED = {
    401: (LoginRefused, LoginRefused),
    403: (NotAllowed, NotAllowed),
    404: (NotFoundOnServer, NotFoundOnServer),
    408: (TimedOut, AnswerLost),
    425: (TooBusy, TooBusy),
    429: (TooBusy, TooBusy),
}


def expected_of(status: int) -> tuple[type[VeeamError] | None, type[VeeamError] | None]:
    by_hundred: dict[int, tuple[type[VeeamError] | None, type[VeeamError] | None]] = {
        2: (None, None),
        3: (UnexpectedAnswer, UnexpectedAnswer),
        4: (Rejected, Rejected),
        5: (ServerFailed, AnswerLost),
    }
    return NAMED.get(status, by_hundred[status // 100])


@pytest.mark.parametrize("status", range(200, 600))
def test_every_status_has_its_meaning(status: int) -> None:
    """No status is without a verdict, and a 5xx after a change is never a plain failure."""
    assert any(status in verdict.statuses for verdict in STATUS_MEANINGS)
    assert (error_class(status, changes=False), error_class(status, changes=True)) == expected_of(status)


@pytest.mark.parametrize(("changes", "kind"), [(False, UnexpectedAnswer), (True, AnswerLost)])
def test_a_status_beyond_http_is_not_a_success(changes: bool, kind: type[VeeamError]) -> None:  # noqa: FBT001 - a table's columns
    """Some proxies invent statuses."""
    assert error_class(999, changes=changes) is kind


@pytest.mark.parametrize(
    ("kind", "may_retry", "reached_server"),
    [
        (LoginRefused, False, True),
        (NotAllowed, False, True),
        (NotFoundOnServer, False, True),
        (Rejected, False, True),
        (RevisionUnsupported, False, True),
        (TooBusy, True, True),
        (ServerFailed, True, True),
        (UnexpectedAnswer, False, True),
        (TimedOut, True, False),
        (AnswerLost, False, True),
    ],
)
def test_the_class_says_whether_to_retry(
    kind: type[VeeamError],
    may_retry: bool,  # noqa: FBT001 - a column
    reached_server: bool,  # noqa: FBT001 - a column
) -> None:
    """Only what may pass by itself, and changed nothing, is worth another try."""
    assert (kind.may_retry, kind.reached_server) == (may_retry, reached_server)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ({"errorCode": "AccessDenied", "message": "No."}, "application/json", ("No.", "AccessDenied")),
        ({"title": "Bad Request", "status": 400}, "application/problem+json", ("Bad Request", None)),
        ({"error": "invalid_grant", "error_description": "Nope"}, "application/json", ("Nope", None)),
        ({"message": None, "errorCode": 7}, "application/json", ("", None)),
        ([1], "application/json", ("", None)),
    ],
)
def test_the_servers_own_words_are_kept(
    body: object, content_type: str, words: tuple[str, str | None]
) -> None:
    """Message and code are for display, whatever shape they come in."""
    assert ApiResponse(400, json.dumps(body).encode(), content_type).message_and_code() == words


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"", "", ("", None)),
        (b"<html>502</html>", "text/html", ("", None)),
        (b" busy \n", "text/plain; charset=utf-8", ("busy", None)),
        (b"\xff\xfe", "application/json", ("", None)),
        (b"[" * 100_000, "application/json", ("", None)),
    ],
)
def test_bodies_that_are_not_json_are_no_trouble(
    body: bytes, content_type: str, words: tuple[str, str | None]
) -> None:
    """Empty, HTML and plain bodies happen, also with a 401."""
    assert ApiResponse(502, body, content_type).message_and_code() == words


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported RESTAPI version. The following versions are supported: v1.0-rev1",
        "The HTTP resource with the URI '/api/v1/jobs' does not support the API version '1.3-rev0'.",
    ],
)
def test_a_400_that_names_the_version_is_its_own_condition(message: str) -> None:
    """Both wordings that servers were seen to use."""
    answer = ApiResponse(400, json.dumps({"errorCode": "NotImplemented", "message": message}).encode())
    assert type(error_in(answer, HQ, changes=True)) is RevisionUnsupported


def test_a_job_may_be_called_api_version() -> None:
    """A name in a message is not mistaken for the complaint."""
    answer = ApiResponse(400, b'{"message": "Job \'API version 2\' is not currently running."}')
    assert type(error_in(answer, HQ, changes=True)) is Rejected


def test_a_503_that_says_when_is_busy() -> None:
    """With Retry-After a question waits as told; a change that met it stays unclear."""
    answer = ApiResponse(503, retry_after_seconds=7.0)
    busy = error_in(answer, HQ, changes=False)
    assert isinstance(busy, TooBusy)
    assert busy.retry_after_seconds == 7.0
    assert type(error_in(answer, HQ, changes=True)) is AnswerLost


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("99999999999", 3600.0),
        ("9" * 400, 3600.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("Mon, 23 Nov 2026 12:00:30 +999999999999", None),
        ("\u00b2", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    """Both of HTTP's forms; nonsense is no wish at all, and an hour the longest."""
    assert parse_retry_after(header, datetime(2026, 11, 23, 12, tzinfo=UTC)) == seconds


def every_exception_of_httpx() -> set[type[BaseException]]:
    exported = {getattr(httpx, name) for name in httpx.__all__}
    return {each for each in exported if isinstance(each, type) and issubclass(each, BaseException)}


def test_every_exception_of_httpx_is_mapped() -> None:
    """A new version of httpx with a new exception fails here, not at a customer's."""
    found = every_exception_of_httpx()
    assert len(found) > 20
    assert found - set(TRANSPORT_FAILURES) == set()


@pytest.mark.parametrize(
    ("failure", "fate"),
    [
        (httpx.ConnectError("refused"), TransportFailure.NOT_SENT),
        (httpx.ProxyError("403"), TransportFailure.NOT_SENT),
        (httpx.UnsupportedProtocol("ftp"), TransportFailure.NOT_SENT),
        (httpx.InvalidURL("?"), TransportFailure.NOT_SENT),
        (httpx.ConnectTimeout(""), TransportFailure.NOT_SENT_IN_TIME),
        (httpx.PoolTimeout(""), TransportFailure.NOT_SENT_IN_TIME),
        (httpx.ReadTimeout(""), TransportFailure.NOT_ANSWERED_IN_TIME),
        (httpx.WriteTimeout(""), TransportFailure.NOT_ANSWERED_IN_TIME),
        (TimeoutError(), TransportFailure.NOT_ANSWERED_IN_TIME),
        (httpx.ReadError("reset"), TransportFailure.NOT_ANSWERED),
        (httpx.WriteError("reset"), TransportFailure.NOT_ANSWERED),
        (httpx.RemoteProtocolError("gone"), TransportFailure.NOT_ANSWERED),
        (httpx.LocalProtocolError("?"), TransportFailure.NOT_ANSWERED),
        (ssl.SSLError("bad record mac"), TransportFailure.NOT_ANSWERED),
        (ConnectionResetError(), TransportFailure.NOT_ANSWERED),
        (httpx.DecodingError("gzip"), TransportFailure.ANSWERED_UNREADABLY),
    ],
)
def test_an_exception_says_how_far_the_request_got(failure: BaseException, fate: TransportFailure) -> None:
    """Only what surely was not sent counts as not sent."""
    assert transport_failure(failure) is fate


def test_a_failure_keeps_its_name_for_metrics_and_stored_rows() -> None:
    """The class may be renamed; what dashboards and rows know it by stays."""
    assert (AnswerLost.kind, NotFoundOnServer.kind, RevisionUnsupported.kind) == (
        "Unclear",
        "NotFound",
        "RevisionUnsupported",
    )
    assert str(AnswerLost(HQ, "reset")) == "hq: Unclear: reset"
