"""What typed words are read as, whichever keyboard they come from."""

from datetime import time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import Mute
from bot.operations.actions.on_storms import AcknowledgeAll, MuteAll, RetryAll
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.actions.subscribe import Subscribe
from bot.operations.actions.unsubscribe import Unsubscribe
from bot.operations.catalog import BY_NAME, CATALOG, TYPED
from bot.operations.commands import asks_for_topic, parse, quote
from bot.operations.job_filters import JobPriority, JobsColumn, JobsFilter
from bot.operations.matching import fold
from bot.operations.model import (
    Kind,
    KnownJob,
    MessageLink,
    NamedJob,
    NamedMachine,
    Operation,
    Request,
    Topic,
)
from bot.operations.outcomes import SyntaxProblem
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.report import ShowReport
from bot.operations.queries.servers import ListServers
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsFilter
from bot.operations.queries.status import ShowStatus
from bot.operations.queries.subscriptions import ListSubscriptions
from bot.operations.queries.whoami import ShowWhoami
from bot.operations.queries.why import ExplainFailure
from bot.settings import PersonId, RouteResult
from bot.veeam import JobId, RestorePoints, ServerName, SessionId, Workload

SQL = NamedJob("SQL Prod")
ANY = NamedJob("")


def beside(*after: str, name: str = "SQL Prod", server: str | None = None) -> NamedJob:
    """A name, and the words after it that are read as options and may belong to it."""
    return NamedJob(name, server, after=after)


def doubtful(name: str, doubt: str) -> NamedJob:
    """A name that is a job's whole name, or else a mistake."""
    return NamedJob(name, doubt=doubt)


QUOTE = "If it is part of the name, put the name in quotes."
NO_TIME = f"{{}} isn't a time of day (08:00, 17:30, 8am). {QUOTE}"
NO_SPAN = f"{{}} isn't a length of time (90m, 24h, 7d, 2w, up to a year). {QUOTE}"
LINK = "https://example.slack.com/archives/C0PROD/p1763899200000100"
SESSION_ID = SessionId("6c76bb17-8695-4f7c-981f-670789edd8f3")

READ: list[tuple[str, Request]] = [
    ("", ShowHelp()),
    (" \n\u200b\u00a0", ShowHelp()),
    ("help", ShowHelp()),
    ("HELP Retry", ShowHelp("Retry")),
    ("--help", ShowHelp()),
    ("subscriptions", ListSubscriptions()),
    ("subscribe", Subscribe()),
    ("subscribe *", Subscribe()),
    ("subscribe failed", Subscribe(results=(RouteResult.FAILED,))),
    (
        "Subscribe Failures, warnings and success SQL* server:hq",
        Subscribe(None, "SQL*", (RouteResult.FAILED, RouteResult.WARNING, RouteResult.SUCCESS), "hq"),
    ),
    (
        "subscribe failed,Warning SQL*",
        Subscribe(None, "SQL*", (RouteResult.FAILED, RouteResult.WARNING)),
    ),
    ("subscribe failed,SQL*", Subscribe(pattern="failed,SQL*")),
    ('subscribe "SQL*"', Subscribe(NamedJob("SQL*", exact=True))),
    ("subscribe and SQL", Subscribe(NamedJob("and SQL"))),
    (
        "subscribe failed SQL Prod",
        Subscribe(NamedJob("SQL Prod", before=("failed",)), results=(RouteResult.FAILED,)),
    ),
    ("unsubscribe", Unsubscribe()),
    ("unsubscribe failed all", Unsubscribe(results=(RouteResult.FAILED,), is_all=True)),
    ('unsubscribe "All"', Unsubscribe(text="All")),
    ("unsubscribe failed SQL* server:hq", Unsubscribe(None, "SQL*", (RouteResult.FAILED,), "hq")),
    ("whoami", ShowWhoami()),
    ("whoami @U012ABC", ShowWhoami(PersonId("U012ABC"))),
    ("jobs", ListJobs()),
    ("Jobs FAILED", ListJobs(which=JobsFilter.FAILED)),
    ("jobs failed SQL*", ListJobs(which=JobsFilter.FAILED, pattern="SQL*")),
    ("jobs failed, SQL", ListJobs(which=JobsFilter.FAILED, pattern="SQL")),
    ("jobs faild", ListJobs(pattern="faild")),
    ('jobs "failed"', ListJobs(pattern="failed")),
    ("jobs none", ListJobs(which=JobsFilter.NONE)),
    ("jobs SQL Prod", ListJobs(pattern="SQL Prod")),
    ("jobs problems", ListJobs(JobsFilter.PROBLEMS)),
    ("jobs failed warning", ListJobs(JobsFilter.FAILED, also=(JobsFilter.WARNING,))),
    (
        "jobs failed, warning or disabled SQL",
        ListJobs(JobsFilter.FAILED, "SQL", also=(JobsFilter.WARNING, JobsFilter.DISABLED)),
    ),
    ("jobs failed FAILED", ListJobs(JobsFilter.FAILED)),
    ("jobs failed,warning SQL", ListJobs(JobsFilter.FAILED, "SQL", also=(JobsFilter.WARNING,))),
    ("jobs failed,SQL", ListJobs(pattern="failed,SQL")),
    ("jobs failed or SQL", ListJobs(JobsFilter.FAILED, "or SQL")),
    ("jobs or failed", ListJobs(pattern="or failed")),
    ('jobs failed "warning"', ListJobs(JobsFilter.FAILED, "warning")),
    (
        "jobs workload:CloudVM priority:HIGH objects:3 after:'Oracle ERP' holding:web01",
        ListJobs(
            workload=Workload.CLOUD_VM,
            priority=JobPriority.HIGH,
            objects_count=3,
            after="Oracle ERP",
            holding="web01",
        ),
    ),
    ("jobs ran:<24h", ListJobs(ran_within=timedelta(hours=24))),
    ("jobs ran: >7d stale:26h", ListJobs(ran_before=timedelta(days=7), stale=timedelta(hours=26))),
    ("jobs sort:-lastrun", ListJobs(sort=JobsColumn.LAST_RUN, is_descending=True)),
    ("jobs sort:Repo", ListJobs(sort=JobsColumn.REPOSITORY)),
    (
        "jobs server:hq disabled type:VSphereBackup nightly repo:“Main Repo”",
        ListJobs(JobsFilter.DISABLED, "nightly", "VSphereBackup", "Main Repo", "hq"),
    ),
    ("jobs SERVER: hq failed", ListJobs(which=JobsFilter.FAILED, server="hq")),
    ("jobs repo:'a b' x", ListJobs(pattern="x", repository="a b")),
    ('jobs "colour:blue"', ListJobs(pattern="colour:blue")),
    ("jobs :fire: C:\\data", ListJobs(pattern=":fire: C:\\data")),
    ("list failed", ListJobs(which=JobsFilter.FAILED)),
    ("failed", ListJobs(which=JobsFilter.FAILED)),
    ("problems", ListJobs(which=JobsFilter.PROBLEMS)),
    ("Failed SQL server:hq", ListJobs(which=JobsFilter.FAILED, pattern="SQL", server="hq")),
    ("running", ListJobs(which=JobsFilter.RUNNING)),
    ("show SQL Prod", ShowJob(SQL)),
    ("run SQL Prod full", Start(beside("full"), full=True)),
    ("cancel SQL Prod", Stop(SQL)),
    ("logs SQL Prod 7d", ListSessions(job=beside("7d"), within=timedelta(days=7))),
    ("history failed", ListSessions(SessionsFilter.FAILED)),
    ("job SQL Prod", ShowJob(SQL)),
    ("job SQL\nProd", ShowJob(SQL)),
    ("job SQL\u00a0Prod", ShowJob(SQL)),
    ("job S\u200bQL Prod", ShowJob(SQL)),
    ('job "SQL Prod"', ShowJob(NamedJob("SQL Prod", exact=True))),
    ("job “SQL Prod”", ShowJob(NamedJob("SQL Prod", exact=True))),
    ("job „SQL Prod“", ShowJob(NamedJob("SQL Prod", exact=True))),
    ("job «SQL Prod»", ShowJob(NamedJob("SQL Prod", exact=True))),
    ('job “SQL Prod"', ShowJob(NamedJob("SQL Prod", exact=True))),
    ("job \u2018SQL Prod\u2019", ShowJob(NamedJob("SQL Prod", exact=True))),
    ("job Ann's VM", ShowJob(NamedJob("Ann's VM"))),
    ("job 'Ann's VM'", ShowJob(NamedJob("Ann's VM", exact=True))),
    ('job "SQL Prod', ShowJob(NamedJob('"SQL Prod'))),
    ('job SQL "Prod"', ShowJob(NamedJob('SQL "Prod"'))),
    ('job 5" disks', ShowJob(NamedJob('5" disks'))),
    ('job "5"" disks"', ShowJob(NamedJob('5" disks', exact=True))),
    ("job SQL Prod server:hq", ShowJob(NamedJob("SQL Prod", server="hq"))),
    ("job SQL server:hq Prod", ShowJob(NamedJob("SQL Prod", server="hq"))),
    ('job server:"h q" SQL', ShowJob(NamedJob("SQL", server="h q"))),
    ("job SQL type:x", ShowJob(doubtful(
        "SQL type:x", f"type:x isn't an option of job. {QUOTE} Usage: job NAME"
    ))),
    ("job SQL: nightly", ShowJob(NamedJob("SQL: nightly"))),
    ('job "server:hq"', ShowJob(NamedJob("server:hq", exact=True))),
    ("sessions", ListSessions()),
    ("sessions failed 24h", ListSessions(SessionsFilter.FAILED, within=timedelta(hours=24))),
    ("sessions 90m", ListSessions(within=timedelta(minutes=90))),
    ("sessions SQL Prod 7D", ListSessions(job=beside("7D"), within=timedelta(days=7))),
    ("sessions SQL Prod 2w server:hq", ListSessions(
        job=beside("2w", server="hq"), within=timedelta(weeks=2), server="hq"
    )),
    ("sessions SQL Prod 2 weeks", ListSessions(job=beside("2", "weeks"), within=timedelta(weeks=2))),
    ("sessions failed SQL Prod 7d", ListSessions(
        SessionsFilter.FAILED, NamedJob("SQL Prod", before=("failed",), after=("7d",)), timedelta(days=7)
    )),
    ("sessions 0h", ListSessions(job=doubtful("0h", NO_SPAN.format("0h")))),
    ("sessions 24x", ListSessions(job=doubtful("24x", NO_SPAN.format("24x")))),
    ("sessions 99999w", ListSessions(job=doubtful("99999w", NO_SPAN.format("99999w")))),
    ('sessions "7d"', ListSessions(job=NamedJob("7d", exact=True))),
    ("sessions Server 2019std", ListSessions(job=NamedJob("Server 2019std"))),
    ("sessions running", ListSessions(SessionsFilter.RUNNING)),
    ("sessions disabled", ListSessions(job=NamedJob("disabled"))),
    (f"session {SESSION_ID}", ShowSession(SESSION_ID)),
    (f"session {{{SESSION_ID.upper()}}} server:hq", ShowSession(SESSION_ID, server="hq")),
    (f"session {LINK}", ShowSession(message=MessageLink(LINK, "C0PROD", "1763899200.000100"))),
    (f"session {LINK}?thread_ts=1763899100.000200&cid=C0PROD", ShowSession(message=MessageLink(
        f"{LINK}?thread_ts=1763899100.000200&cid=C0PROD", "C0PROD", "1763899200.000100", "1763899100.000200",
    ))),
    (f"session {LINK.removeprefix('https://')}", ShowSession(message=MessageLink(
        LINK.removeprefix("https://"), "C0PROD", "1763899200.000100",
    ))),
    ("session SQL Prod last", ShowSession(job=beside("last"))),
    ("session SQL Prod Latest server:hq", ShowSession(
        job=NamedJob("SQL Prod", "hq", after=("Latest",)),
    )),
    ('session "SQL Prod" last', ShowSession(job=NamedJob("SQL Prod", exact=True))),
    ("status", ShowStatus()),
    ("status server:hq", ShowStatus("hq")),
    ("servers", ListServers()),
    ("report", ShowReport()),
    ("report 7 d server:hq", ShowReport(timedelta(days=7), "hq")),
    ("audit", ReadAudit()),
    ("audit 7d", ReadAudit(within=timedelta(days=7))),
    ("audit SQL Prod 7d", ReadAudit(beside("7d"), within=timedelta(days=7))),
    ('audit "7d"', ReadAudit(NamedJob("7d", exact=True))),
    ("audit @u0ann", ReadAudit(person=PersonId("U0ANN"))),
    ("audit @U0ANN 24h server:hq", ReadAudit(
        person=PersonId("U0ANN"), within=timedelta(hours=24), server="hq"
    )),
    ("audit @U0ANN SQL Prod", ReadAudit(SQL, PersonId("U0ANN"))),
    ('audit "@home"', ReadAudit(NamedJob("@home", exact=True))),
    ("start SQL Prod", Start(SQL)),
    ("start SQL Prod full", Start(beside("full"), full=True)),
    ("start SQL Prod chained FULL", Start(beside("chained", "FULL"), full=True, chained=True)),
    ("start SQL Prod --full", Start(beside("--full"), full=True)),
    ("start SQL Prod —full", Start(beside("—full"), full=True)),
    ("start SQL Prod latest", Start(beside("latest"), restore_points=RestorePoints.LATEST)),
    ("start SQL Prod all", Start(beside("all"), restore_points=RestorePoints.ALL)),
    ("start SQL latest all", Start(beside("all", name="SQL latest"), restore_points=RestorePoints.ALL)),
    ("start SQL Prod full server:hq", Start(beside("full", server="hq"), full=True)),
    ("start SQL full backup", Start(NamedJob("SQL full backup"))),
    ('start "SQL full"', Start(NamedJob("SQL full", exact=True))),
    ('start "SQL full" full', Start(NamedJob("SQL full", exact=True), full=True)),
    ("start SQL now", Start(NamedJob("SQL now"))),
    ("stop SQL Prod now", Stop(beside("now"), now=True)),
    ("stop SQL Prod graceful", Stop(beside("graceful"))),
    ("stop SQL Prod now gracefully", Stop(beside("gracefully", name="SQL Prod now"))),
    ("stop SQL Prod now chained", Stop(beside("now", "chained"), now=True, chained=True)),
    ('stop "now"', Stop(NamedJob("now", exact=True))),
    ('stop "now" now', Stop(NamedJob("now", exact=True), now=True)),
    ("stop SQL full", Stop(NamedJob("SQL full"))),
    ("retry SQL Prod", Retry(SQL)),
    ("enable SQL Prod", Enable(SQL)),
    ("Disable SQL Prod", Disable(SQL)),
    ("clone SQL Prod", Clone(SQL)),
    ("quickbackup web01", QuickBackup(NamedMachine("web01"))),
    ('quickbackup "web 01" server:hq', QuickBackup(NamedMachine("web 01", "hq"))),
    ("delete SQL Prod", Delete(SQL)),
    ("edit SQL Prod", Edit(SQL)),
    ("edit SQL Prod retention 14", Edit(beside("retention", "14"), retention=14)),
    ("edit SQL Prod retries 3", Edit(beside("retries", "3"), retries=3)),
    ("edit SQL Prod RETENTION 14", Edit(beside("RETENTION", "14"), retention=14)),
    ("edit SQL Prod retention 14d", Edit(NamedJob("SQL Prod retention 14d"))),
    ("edit SQL Prod retention 1000000", Edit(NamedJob("SQL Prod retention 1000000"))),
    ("edit SQL Prod name SQL Production", Edit(
        beside("name", "SQL", "Production"), new_name="SQL Production"
    )),
    (
        "edit SQL Prod name The new name of the job that backs up SQL",
        Edit(
            beside("name", *["The", "new", "name", "of", "the", "job", "that", "backs", "up", "SQL"]),
            new_name="The new name of the job that backs up SQL",
        ),
    ),
    ('edit "SQL Prod" name "Web  tier"', Edit(NamedJob("SQL Prod", exact=True), new_name="Web  tier")),
    ("edit SQL Prod name", Edit(NamedJob("SQL Prod name"))),
    ('edit "SQL Prod" server:hq', Edit(NamedJob("SQL Prod", server="hq", exact=True))),
    ("create", Create()),
    ("create server:hq", Create(server="hq")),
    ("create vmware backup", Create(job_type="VSphereBackup")),
    ("create Replica", Create(job_type="VSphereReplica")),
    ("create hyper-v backup server:hq", Create("hq", job_type="HyperVBackup")),
    ("create vmware backup Web tier like SQL Prod", Create(
        job_type="VSphereBackup", name="Web tier", like_name="SQL Prod"
    )),
    ('create Web tier like "SQL Prod" server:hq', Create("hq", name="Web tier", like_name="SQL Prod")),
    ("disable SQL Prod for 4h", Disable(beside("for", "4h"), span=timedelta(hours=4))),
    ("disable SQL Prod for 4 hours", Disable(beside("for", "4", "hours"), span=timedelta(hours=4))),
    ("disable SQL Prod 4h", Disable(beside("4h"), span=timedelta(hours=4))),
    ("disable SQL Prod 4 8h", Disable(beside("8h", name="SQL Prod 4"), span=timedelta(hours=8))),
    ("disable SQL Prod for 4", Disable(doubtful(
        "SQL Prod for 4", "For 4 what? Write 4m, 4h or 4d. If it is part of the name, put the name in quotes."
    ))),
    ("disable SQL Prod for 0h", Disable(doubtful("SQL Prod for 0h", NO_SPAN.format("0h")))),
    ("disable SQL Prod for 24x", Disable(doubtful("SQL Prod for 24x", NO_SPAN.format("24x")))),
    ("disable SQL Prod FOR 90m", Disable(beside("FOR", "90m"), span=timedelta(minutes=90))),
    ('disable "SQL Prod" for 2d', Disable(NamedJob("SQL Prod", exact=True), span=timedelta(days=2))),
    ('disable "SQL Prod for 2d"', Disable(NamedJob("SQL Prod for 2d", exact=True))),
    ("disable SQL for all", Disable(NamedJob("SQL for all"))),
    ("disable SQL Prod until 08:00", Disable(beside("until", "08:00"), at=time(8))),
    ("disable SQL Prod UNTIL 8:30PM", Disable(beside("UNTIL", "8:30PM"), at=time(20, 30))),
    ("disable SQL Prod --until 8 am", Disable(beside("--until", "8", "am"), at=time(8))),
    ('disable "SQL Prod" until 00:00', Disable(NamedJob("SQL Prod", exact=True), at=time())),
    ('disable "SQL Prod until 08:00"', Disable(NamedJob("SQL Prod until 08:00", exact=True))),
    ("disable SQL Prod 08:00", Disable(NamedJob("SQL Prod 08:00"))),
    ("disable SQL Prod until 25:00", Disable(doubtful("SQL Prod until 25:00", NO_TIME.format("25:00")))),
    ("disable SQL Prod until monday", Disable(doubtful("SQL Prod until monday", NO_TIME.format("monday")))),
    ("retry SQL Prod chained", Retry(beside("chained"), chained=True)),
    ("start", Start(ANY)),
    ("start full", Start(beside("full", name=""), full=True)),
    ("start --full chained server:hq", Start(
        beside("--full", "chained", name="", server="hq"), full=True, chained=True
    )),
    ('start ""', Start(ANY)),
    ("stop", Stop(ANY)),
    ("stop now", Stop(beside("now", name=""), now=True)),
    ("stop now chained server:hq", Stop(
        beside("now", "chained", name="", server="hq"), now=True, chained=True
    )),
    ("retry", Retry(ANY)),
    ("retry chained", Retry(beside("chained", name=""), chained=True)),
    ("retry server:hq", Retry(NamedJob("", "hq"))),
    ("enable", Enable(ANY)),
    ("disable", Disable(ANY)),
    ("disable for 4h", Disable(beside("for", "4h", name=""), span=timedelta(hours=4))),
    ("disable until 08:00", Disable(beside("until", "08:00", name=""), at=time(8))),
    ("disable server:hq for 2d", Disable(
        beside("for", "2d", name="", server="hq"), span=timedelta(days=2)
    )),
    ("clone", Clone(ANY)),
    ("delete", Delete(ANY)),
    ("delete server:hq", Delete(NamedJob("", "hq"))),
    ("quickbackup", QuickBackup(NamedMachine(""))),
    ("quickbackup server:hq", QuickBackup(NamedMachine("", "hq"))),
    ("“retry” SQL Prod", Retry(SQL)),
    ("mute SQL Prod 4h because server:hq is down", Mute(
        beside("4h", "because", "server:hq", "is", "down"),
        span=timedelta(hours=4),
        comment="server:hq is down",
    )),
    ('mute "Off because" server:dr 4h because server: hq', Mute(
        NamedJob("Off because", "dr", exact=True), span=timedelta(hours=4), comment="server: hq"
    )),
    (f"ack SQL Prod because {'x' * 250}", Acknowledge(SQL, comment="x" * 250)),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "request_"), READ)
def test_words_become_a_request(typed: str, request_: Request) -> None:
    """Each line is read as exactly this request."""
    assert parse(typed, TYPED) == request_


MISREAD = [
    ("jbos failed", "jobs failed"),
    ("retyr SQL Prod", "help"),
    ("rename SQL Prod", "help"),
    ("silence SQL Prod 2h", "help"),
    ("jobs colour:blue", "jobs failed"),
    ("audit colour:blue", "audit 24h"),
    ("audit SQL 0h", "audit 24h"),
    ("status colour:blue", "status"),
    ("report SQL", "report 7d"),
    ("report 30d", "report 14d"),
    ('start "SQL Prod" fulll', "start SQL Prod full"),
    ('stop "SQL Prod" colour:blue', "stop SQL Prod now"),
    ('enable "SQL Prod" now', "enable SQL Prod"),
    ('disable "SQL Prod" for 4', "disable SQL Prod for 4h"),
    ('disable "SQL Prod" until noon', "disable SQL Prod for 4h"),
    ("list colour:blue", "jobs failed"),
    ("xyzzy", "help"),
    ("job", "job SQL Prod"),
    ('job ""', "job SQL Prod"),
    ("job server:hq", "job SQL Prod"),
    ("start server:", None),
    ("jobs server:", None),
    ("jobs server:a server:b", None),
    ("jobs workload:tape", "jobs workload:application"),
    ("jobs priority:low", "jobs priority:high"),
    ("jobs sort:size", "jobs sort:name"),
    ("jobs objects:many", "jobs objects:3"),
    ("jobs objects:1000001", "jobs objects:3"),
    ("jobs objects:\u0663", "jobs objects:3"),
    ("jobs ran:24h", "jobs ran:<24h"),
    ("jobs ran:<400d", "jobs ran:<24h"),
    ("jobs ran:>", "jobs ran:<24h"),
    ("jobs stale:soon", "jobs stale:26h"),
    ("jobs stale:0h", "jobs stale:26h"),
    ("jobs holding:", None),
    ("session", "session SQL Prod last"),
    ("session last", "session SQL Prod last"),
    ("session 12", "session 12 last"),
    ("session ../../jobs", "session ../../jobs last"),
    ('session "SQL Prod"', "session SQL Prod last"),
    (f"session {LINK.replace('/p', '/q')}", f"session {LINK.replace('/p', '/q')} last"),
    ("status hq", "status server:hq"),
    ("servers hq", "servers server:hq"),
    ("whoami @ann", "whoami"),
]


@pytest.mark.parametrize(("typed", "suggestion"), MISREAD)
def test_what_cannot_be_read_says_so(typed: str, suggestion: str | None) -> None:
    """What cannot be read is given back with a problem in words and, where one is near, a command to try."""
    misread = parse(typed, TYPED)
    assert isinstance(misread, SyntaxProblem)
    assert (misread.text, misread.suggestion) == (typed, suggestion)
    assert misread.problem.endswith(".") or "Usage: " in misread.problem


@pytest.mark.parametrize("suggested", sorted({words for _, words in MISREAD if words is not None}))
def test_suggestions_can_be_read(suggested: str) -> None:
    """Whatever is suggested is a command that is read."""
    assert not isinstance(parse(suggested, TYPED), SyntaxProblem)


@pytest.mark.parametrize("operation", CATALOG, ids=lambda operation: operation.name)
def test_every_example_is_read(operation: Operation) -> None:
    """Each operation of the catalog has its examples read as its own request."""
    for typed in operation.examples:
        read = parse(typed, TYPED)
        assert not isinstance(read, SyntaxProblem)
        assert read.operation is operation


def test_verbs_outside_the_catalog_are_unknown() -> None:
    """Only what the catalog lists is read."""
    assert isinstance(parse("start SQL", (ListJobs,)), SyntaxProblem)


FRAGMENTS = (
    *(known.name for known in CATALOG),
    *("problems", "or", "sort:-", "ran:<", "stale:", "objects:", "holding:", "after:", "workload:"),
    *("full", "now", "chained", "failed", "server:", "type:", "7d", "9w", "@U1", "SQL", "*", "[", "٣h", "ﬁ"),
    *('"', "“", "”", "'", "\u2019", "„", "-", "—", "…", " ", "\n", "\u00a0", "\u200b"),
)
pieces = st.sampled_from(FRAGMENTS)


@given(st.one_of(st.text(), st.lists(pieces).map("".join), st.lists(pieces).map(" ".join)))
@example("sessions 99999999999999h")
@example('job "')
def test_parsing_never_raises(typed: str) -> None:
    """Any text is a request or a misreading, whose text is what was typed."""
    read = parse(typed, TYPED)
    assert not isinstance(read, SyntaxProblem) or read.text == typed


names = st.one_of(st.text(min_size=1), st.lists(pieces, min_size=1).map("".join)).filter(str.strip)


@given(names)
@example('"')
@example('a" b')
@example("now")
@example("server:hq")
def test_a_quoted_name_is_that_name(name: str) -> None:
    """Any name in quotes is read as exactly this name, whatever follows."""
    assert parse(f"stop {quote(name)} now", TYPED) == Stop(NamedJob(name, exact=True), now=True)


@pytest.mark.parametrize(
    "unit",
    ['"a ', "'a ", "\u201ea ", '""" ', '"\u200b', "a ", "server: ", 'server:"a ', '"" "a', "' \"", "*?"],
)
@pytest.mark.timeout(20)
def test_no_line_takes_long_to_read(unit: str) -> None:
    """Slack passes on long lines; the end of a quote that is never closed is looked for once."""
    line = "jobs " + unit * (60_000 // len(unit))
    assert isinstance(parse(line, TYPED), Request | SyntaxProblem)


@pytest.mark.parametrize(
    "typed",
    ["jobs {}", 'jobs "{}"', "jobs failed {}", "jobs type:{}", "job {}", "start {}", "start server:{} SQL"],
)
def test_a_name_or_pattern_is_no_longer_than_names_get(typed: str) -> None:
    """A longer one is refused with its length, wherever it stands."""
    assert not isinstance(parse(typed.format("x" * 256), TYPED), SyntaxProblem)
    refused = parse(typed.format("x" * 257), TYPED)
    assert isinstance(refused, SyntaxProblem)
    assert refused.problem == "A name or pattern has at most 256 characters; this one has 257."


@given(st.text(), st.lists(pieces).map(" ".join))
def test_a_wrong_verb_never_leads_to_an_action(verb: str, rest: str) -> None:
    """What no command is called is answered with a query or the help, whatever it looks like."""
    read = parse(f"{verb} {rest}", TYPED)
    if isinstance(read, SyntaxProblem) and read.problem.startswith("There is no command"):
        assert read.suggestion is not None
        assert BY_NAME[read.suggestion.split()[0]].kind is not Kind.ACTION


@given(names, st.lists(st.sampled_from(("now", "chained", "Chained", "--now")), max_size=4))
def test_every_way_to_read_a_line_is_kept(name: str, options: list[str]) -> None:
    """Whatever is read as options, the whole rest of the line is still one of the names that may be meant."""
    line = " ".join((*name.split(), *options))
    read = parse(f"stop {line}", TYPED)
    if isinstance(read, Stop) and isinstance(read.job, NamedJob) and not read.job.exact and read.job.readings:
        whole = max((reading.name for reading in read.job.readings), key=len)
        assert all(fold(word) in fold(whole) for word in options if not read.job.server)


ABOUT_JOB = KnownJob(ServerName("hq"), JobId("27ef5b1c-4bd9-4a64-b1d5-c4a9d8d7ac2e"))
ABOUT = Topic(ABOUT_JOB, SESSION_ID)


@pytest.mark.parametrize(
    ("line", "request_read"),
    [
        ("retry", Retry(ABOUT_JOB)),
        ("retry chained", Retry(ABOUT_JOB, chained=True)),
        ("start", Start(ABOUT_JOB)),
        ("run full", Start(ABOUT_JOB, full=True)),
        ("stop now", Stop(ABOUT_JOB, now=True)),
        ("disable for 4h", Disable(ABOUT_JOB, span=timedelta(hours=4))),
        ("edit", Edit(ABOUT_JOB)),
        ("delete", Delete(ABOUT_JOB)),
        ("job", ShowJob(ABOUT_JOB)),
        ("show", ShowJob(ABOUT_JOB)),
        ("sessions", ListSessions(job=ABOUT_JOB)),
        ("logs failed 24h", ListSessions(SessionsFilter.FAILED, ABOUT_JOB, timedelta(hours=24))),
        ("session", ShowSession(SESSION_ID, "hq")),
        ("why", ExplainFailure(ABOUT_JOB, SESSION_ID)),
        ("mute 4h because server:hq is patched", Mute(
            ABOUT_JOB, span=timedelta(hours=4), comment="server:hq is patched"
        )),
        ("ack because disk ordered", Acknowledge(ABOUT_JOB, comment="disk ordered")),
    ],
    ids=str,
)  # fmt: skip
def test_in_a_thread_a_command_without_a_name_is_about_its_job(line: str, request_read: Request) -> None:
    """The job of the thread is meant as if a button of its message had been pressed."""
    assert parse(line, TYPED, ABOUT) == request_read
    assert asks_for_topic([line], TYPED)


ABOUT_MANY = Topic(None, buttons=(RetryAll("5f0c"), AcknowledgeAll("5f0c"), MuteAll("5f0c")))


@pytest.mark.parametrize("line", ["why", "job", "unmute"])
def test_in_a_thread_about_many_jobs_one_is_to_be_named(line: str) -> None:
    """What its buttons don't do is done about one job, and the answer says so."""
    read = parse(line, TYPED, ABOUT_MANY)
    assert isinstance(read, SyntaxProblem)
    assert "The message above isn't about one job. Name the one that you mean." in read.problem
    assert parse(f"{line} SQL Prod", TYPED, ABOUT_MANY) == parse(f"{line} SQL Prod", TYPED)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "retry SQL Prod",
            "job SQL Prod",
            "why SQL Prod",
            "sessions SQL Prod",
            f"session {SESSION_ID}",
            "retry server:branch",
        ),
        *(
            "jobs",
            "jobs failed",
            "status",
            "help",
            "audit",
            "create",
            "whoami",
            "quickbackup web01",
            "nonsense",
        ),
    ],
)
def test_in_a_thread_everything_else_means_what_it_says(line: str) -> None:
    """A name, a server, or a command about no job: the thread adds nothing, and is not looked up."""
    assert parse(line, TYPED, ABOUT) == parse(line, TYPED)
    assert not asks_for_topic([line], TYPED)
