"""What typed words are read as, whichever keyboard they come from."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.operations.catalog import CATALOG, JOBS, Operation, operation_of
from bot.operations.outcomes import Misread
from bot.operations.parser import parse
from bot.operations.people import PersonId
from bot.operations.requests import (
    AuditRequest,
    CloneRequest,
    CreateRequest,
    DeleteRequest,
    DisableRequest,
    EditRequest,
    EnableRequest,
    HelpRequest,
    JobRequest,
    JobsFilter,
    JobsRequest,
    NamedJob,
    NamedMachine,
    QuickBackupRequest,
    Request,
    RetryRequest,
    ServersRequest,
    SessionRequest,
    SessionsFilter,
    SessionsRequest,
    StartRequest,
    StatusRequest,
    StopRequest,
    WhoamiRequest,
)
from bot.operations.words import quote
from bot.veeam import SessionId

SQL = NamedJob("SQL Prod")
ANY = NamedJob("")
SESSION_ID = SessionId("6c76bb17-8695-4f7c-981f-670789edd8f3")

READ: list[tuple[str, Request]] = [
    ("", HelpRequest()),
    (" \n\u200b\u00a0", HelpRequest()),
    ("help", HelpRequest()),
    ("HELP Retry", HelpRequest("Retry")),
    ("--help", HelpRequest()),
    ("whoami", WhoamiRequest()),
    ("whoami @U012ABC", WhoamiRequest(PersonId("U012ABC"))),
    ("jobs", JobsRequest()),
    ("Jobs FAILED", JobsRequest(which=JobsFilter.FAILED)),
    ("jobs failed SQL*", JobsRequest(which=JobsFilter.FAILED, pattern="SQL*")),
    ("jobs failed, SQL", JobsRequest(which=JobsFilter.FAILED, pattern="SQL")),
    ("jobs faild", JobsRequest(pattern="faild")),
    ('jobs "failed"', JobsRequest(pattern="failed")),
    ("jobs none", JobsRequest(which=JobsFilter.NONE)),
    ("jobs SQL Prod", JobsRequest(pattern="SQL Prod")),
    (
        "jobs server:hq disabled type:VSphereBackup nightly repo:“Main Repo”",
        JobsRequest(JobsFilter.DISABLED, "nightly", "VSphereBackup", "Main Repo", "hq"),
    ),
    ("jobs SERVER: hq failed", JobsRequest(which=JobsFilter.FAILED, server="hq")),
    ("jobs repo:'a b' x", JobsRequest(pattern="x", repository="a b")),
    ("jobs colour:blue", JobsRequest(pattern="colour:blue")),
    ("job SQL Prod", JobRequest(SQL)),
    ("job SQL\nProd", JobRequest(SQL)),
    ("job SQL\u00a0Prod", JobRequest(SQL)),
    ("job S\u200bQL Prod", JobRequest(SQL)),
    ('job "SQL Prod"', JobRequest(NamedJob("SQL Prod", exact=True))),
    ("job “SQL Prod”", JobRequest(NamedJob("SQL Prod", exact=True))),
    ("job „SQL Prod“", JobRequest(NamedJob("SQL Prod", exact=True))),
    ("job «SQL Prod»", JobRequest(NamedJob("SQL Prod", exact=True))),
    ('job “SQL Prod"', JobRequest(NamedJob("SQL Prod", exact=True))),
    ("job \u2018SQL Prod\u2019", JobRequest(NamedJob("SQL Prod", exact=True))),
    ("job Ann's VM", JobRequest(NamedJob("Ann's VM"))),
    ("job 'Ann's VM'", JobRequest(NamedJob("Ann's VM", exact=True))),
    ('job "SQL Prod', JobRequest(NamedJob('"SQL Prod'))),
    ('job SQL "Prod"', JobRequest(NamedJob('SQL "Prod"'))),
    ('job 5" disks', JobRequest(NamedJob('5" disks'))),
    ('job "5"" disks"', JobRequest(NamedJob('5" disks', exact=True))),
    ("job SQL Prod server:hq", JobRequest(NamedJob("SQL Prod", server="hq"))),
    ("job SQL server:hq Prod", JobRequest(NamedJob("SQL Prod", server="hq"))),
    ('job server:"h q" SQL', JobRequest(NamedJob("SQL", server="h q"))),
    ("job SQL type:x", JobRequest(NamedJob("SQL type:x"))),
    ('job "server:hq"', JobRequest(NamedJob("server:hq", exact=True))),
    ("sessions", SessionsRequest()),
    ("sessions failed 24h", SessionsRequest(SessionsFilter.FAILED, within=timedelta(hours=24))),
    ("sessions 90m", SessionsRequest(within=timedelta(minutes=90))),
    ("sessions SQL Prod 7D", SessionsRequest(job=SQL, within=timedelta(days=7))),
    ("sessions SQL Prod 2w server:hq", _sessions := SessionsRequest(
        job=NamedJob("SQL Prod", server="hq"), within=timedelta(weeks=2), server="hq"
    )),
    ("sessions SQL Prod 2weeks server:hq", _sessions),
    ('sessions "7d"', SessionsRequest(job=NamedJob("7d", exact=True))),
    ("sessions Server 2019std", SessionsRequest(job=NamedJob("Server 2019std"))),
    ("sessions running", SessionsRequest(SessionsFilter.RUNNING)),
    ("sessions disabled", SessionsRequest(job=NamedJob("disabled"))),
    (f"session {SESSION_ID}", SessionRequest(SESSION_ID)),
    (f"session {{{SESSION_ID.upper()}}} server:hq", SessionRequest(SESSION_ID, server="hq")),
    ("status", StatusRequest()),
    ("status server:hq", StatusRequest("hq")),
    ("servers", ServersRequest()),
    ("audit", AuditRequest()),
    ("audit 7d", AuditRequest(within=timedelta(days=7))),
    ("audit SQL Prod 7d", AuditRequest(SQL, within=timedelta(days=7))),
    ('audit "7d"', AuditRequest(NamedJob("7d", exact=True))),
    ("audit @u0ann", AuditRequest(person=PersonId("U0ANN"))),
    ("audit @U0ANN 24h server:hq", AuditRequest(
        person=PersonId("U0ANN"), within=timedelta(hours=24), server="hq"
    )),
    ("audit @U0ANN SQL Prod", AuditRequest(SQL, PersonId("U0ANN"))),
    ('audit "@home"', AuditRequest(NamedJob("@home", exact=True))),
    ("start SQL Prod", StartRequest(SQL)),
    ("start SQL Prod full", StartRequest(SQL, full=True)),
    ("start SQL Prod chained FULL", StartRequest(SQL, full=True, chained=True)),
    ("start SQL Prod --full", StartRequest(SQL, full=True)),
    ("start SQL Prod —full", StartRequest(SQL, full=True)),
    ("start SQL Prod full server:hq", StartRequest(NamedJob("SQL Prod", server="hq"), full=True)),
    ("start SQL full backup", StartRequest(NamedJob("SQL full backup"))),
    ('start "SQL full"', StartRequest(NamedJob("SQL full", exact=True))),
    ('start "SQL full" full', StartRequest(NamedJob("SQL full", exact=True), full=True)),
    ("start SQL now", StartRequest(NamedJob("SQL now"))),
    ("stop SQL Prod now", StopRequest(SQL, now=True)),
    ("stop SQL Prod now chained", StopRequest(SQL, now=True, chained=True)),
    ('stop "now"', StopRequest(NamedJob("now", exact=True))),
    ('stop "now" now', StopRequest(NamedJob("now", exact=True), now=True)),
    ("stop SQL full", StopRequest(NamedJob("SQL full"))),
    ("retry SQL Prod", RetryRequest(SQL)),
    ("enable SQL Prod", EnableRequest(SQL)),
    ("Disable SQL Prod", DisableRequest(SQL)),
    ("clone SQL Prod", CloneRequest(SQL)),
    ("quickbackup web01", QuickBackupRequest(NamedMachine("web01"))),
    ('quickbackup "web 01" server:hq', QuickBackupRequest(NamedMachine("web 01", "hq"))),
    ("delete SQL Prod", DeleteRequest(SQL)),
    ("edit SQL Prod", EditRequest(SQL)),
    ('edit "SQL Prod" server:hq', EditRequest(NamedJob("SQL Prod", server="hq", exact=True))),
    ("create", CreateRequest()),
    ("create server:hq", CreateRequest(server="hq")),
    ("disable SQL Prod for 4h", DisableRequest(SQL, span=timedelta(hours=4))),
    ("disable SQL Prod FOR 90m", DisableRequest(SQL, span=timedelta(minutes=90))),
    ('disable "SQL Prod" for 2d', DisableRequest(NamedJob("SQL Prod", exact=True), span=timedelta(days=2))),
    ('disable "SQL Prod for 2d"', DisableRequest(NamedJob("SQL Prod for 2d", exact=True))),
    ("disable SQL for all", DisableRequest(NamedJob("SQL for all"))),
    ("disable SQL 4h", DisableRequest(NamedJob("SQL 4h"))),
    ("retry SQL Prod chained", RetryRequest(SQL, chained=True)),
    ("start", StartRequest(ANY)),
    ("start full", StartRequest(ANY, full=True)),
    ("start --full chained server:hq", StartRequest(NamedJob("", "hq"), full=True, chained=True)),
    ('start ""', StartRequest(ANY)),
    ("stop", StopRequest(ANY)),
    ("stop now", StopRequest(ANY, now=True)),
    ("stop now chained server:hq", StopRequest(NamedJob("", "hq"), now=True, chained=True)),
    ("retry", RetryRequest(ANY)),
    ("retry chained", RetryRequest(ANY, chained=True)),
    ("retry server:hq", RetryRequest(NamedJob("", "hq"))),
    ("enable", EnableRequest(ANY)),
    ("disable", DisableRequest(ANY)),
    ("disable for 4h", DisableRequest(ANY, span=timedelta(hours=4))),
    ("disable server:hq for 2d", DisableRequest(NamedJob("", "hq"), span=timedelta(days=2))),
    ("clone", CloneRequest(ANY)),
    ("delete", DeleteRequest(ANY)),
    ("delete server:hq", DeleteRequest(NamedJob("", "hq"))),
    ("quickbackup", QuickBackupRequest(NamedMachine(""))),
    ("quickbackup server:hq", QuickBackupRequest(NamedMachine("", "hq"))),
    ("“retry” SQL Prod", RetryRequest(SQL)),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "request_"), READ)
def test_words_become_a_request(typed: str, request_: Request) -> None:
    """Each line is read as exactly this request."""
    assert parse(typed, CATALOG) == request_


MISREAD = [
    ("jbos failed", "jobs failed"),
    ("retyr SQL Prod", "retry SQL Prod"),
    ("xyzzy", "help"),
    ("job", "job SQL Prod"),
    ('job ""', "job SQL Prod"),
    ("job server:hq", "job SQL Prod"),
    ("start server:", None),
    ("disable for 0h", "disable SQL Prod for 4h"),
    ("jobs server:", None),
    ("jobs server:a server:b", None),
    ("jobs failed warning", "jobs failed"),
    ("sessions 0h", "sessions 24h"),
    ("sessions 24x", "sessions 24h"),
    ("sessions 99999w", "sessions 24h"),
    ("disable SQL Prod for 0h", "disable SQL Prod for 4h"),
    ("disable SQL Prod for 24x", "disable SQL Prod for 4h"),
    ("session", "session 6c76bb17-8695-4f7c-981f-670789edd8f3"),
    ("session 12", "session 6c76bb17-8695-4f7c-981f-670789edd8f3"),
    ("session ../../jobs", "session 6c76bb17-8695-4f7c-981f-670789edd8f3"),
    ("status hq", "status server:hq"),
    ("servers hq", "servers server:hq"),
    ("whoami @ann", "whoami"),
]


@pytest.mark.parametrize(("typed", "suggestion"), MISREAD)
def test_what_cannot_be_read_says_so(typed: str, suggestion: str | None) -> None:
    """What cannot be read is given back with a problem in words and, where one is near, a command to try."""
    misread = parse(typed, CATALOG)
    assert isinstance(misread, Misread)
    assert (misread.text, misread.suggestion) == (typed, suggestion)
    assert misread.problem.endswith(".") or "Usage: " in misread.problem


@pytest.mark.parametrize("suggested", sorted({words for _, words in MISREAD if words is not None}))
def test_suggestions_can_be_read(suggested: str) -> None:
    """Whatever is suggested is a command that is read."""
    assert not isinstance(parse(suggested, CATALOG), Misread)


@pytest.mark.parametrize("operation", CATALOG, ids=lambda operation: operation.name)
def test_every_example_is_read(operation: Operation) -> None:
    """Each operation of the catalog has its examples read as its own request."""
    for typed in operation.examples:
        read = parse(typed, CATALOG)
        assert not isinstance(read, Misread)
        assert operation_of(read) is operation


def test_verbs_outside_the_catalog_are_unknown() -> None:
    """Only what the catalog lists is read."""
    assert isinstance(parse("start SQL", (JOBS,)), Misread)


FRAGMENTS = (
    *(known.name for known in CATALOG),
    *("full", "now", "chained", "failed", "server:", "type:", "7d", "9w", "@U1", "SQL", "*", "[", "٣h", "ﬁ"),
    *('"', "“", "”", "'", "\u2019", "„", "-", "—", "…", " ", "\n", "\u00a0", "\u200b"),
)
pieces = st.sampled_from(FRAGMENTS)


@given(st.one_of(st.text(), st.lists(pieces).map("".join), st.lists(pieces).map(" ".join)))
@example("sessions 99999999999999h")
@example('job "')
def test_parsing_never_raises(typed: str) -> None:
    """Any text is a request or a misreading, whose text is what was typed."""
    read = parse(typed, CATALOG)
    assert not isinstance(read, Misread) or read.text == typed


names = st.one_of(st.text(min_size=1), st.lists(pieces, min_size=1).map("".join)).filter(str.strip)


@given(names)
@example('"')
@example('a" b')
@example("now")
@example("server:hq")
def test_a_quoted_name_is_that_name(name: str) -> None:
    """Any name in quotes is read as exactly this name, whatever follows."""
    assert parse(f"stop {quote(name)} now", CATALOG) == StopRequest(NamedJob(name, exact=True), now=True)
