"""No answer denies what was not read: each read of a quiet morning, and what is said where it fails."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import timedelta

import pytest

from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.job_filters import JobsFilter
from bot.operations.model import MessageLink, NamedJob, NamedMachine, Request, Step
from bot.operations.queries.home import ShowHome
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.report import ShowReport
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsFilter
from bot.operations.queries.status import ShowStatus
from bot.operations.queries.why import ExplainFailure
from bot.sandbox.vbr import World
from bot.sandbox.vbr.faults import html, malformed, refusing
from bot.veeam import Fleet, SessionId
from tests.rooms.operations.form_room import ANN, with_administrators
from tests.rooms.operations.office import DR, HQ, Office
from tests.rooms.operations.unread import denied, said
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock


@pytest.fixture
def world(clock: FakeClock) -> World:
    """Nothing is wrong, and nothing goes on but one job's first run."""
    made = World(clock.now, name="vbr01")
    for name in ("Files", "Mail", "Never ran", "First run"):
        made.add_job(name)
    for name in ("Files", "Mail"):
        made.finish_run(name, result="Success")
    made.add_job("Off", is_disabled=True)
    made.finish_run("Off", result="Success")
    return made


REQUESTS: Mapping[str, Callable[[Office], Request]] = {
    "jobs failed": lambda _: ListJobs(JobsFilter.FAILED),
    "jobs problems": lambda _: ListJobs(JobsFilter.FAILED, also=(JobsFilter.WARNING,)),
    "jobs warning": lambda _: ListJobs(JobsFilter.WARNING, server="hq"),
    "jobs running": lambda _: ListJobs(JobsFilter.RUNNING, server="hq"),
    "jobs stopped": lambda _: ListJobs(JobsFilter.STOPPED, server="hq"),
    "jobs holding": lambda _: ListJobs(holding="db99", server="hq"),
    "jobs repo": lambda _: ListJobs(repository="Nowhere", server="hq"),
    "jobs NAME": lambda _: ListJobs(pattern="Nowhere"),
    "jobs stale": lambda _: ListJobs(pattern="First*", stale=timedelta(hours=3), server="hq"),
    "job NAME": lambda _: ShowJob(NamedJob("Nowhere")),
    "job": lambda office: ShowJob(office.known("Files")),
    "job never ran": lambda office: ShowJob(office.known("Never ran")),
    "why running": lambda office: ExplainFailure(office.known("First run")),
    "why": lambda office: ExplainFailure(office.known("Files")),
    "sessions failed": lambda _: ListSessions(SessionsFilter.FAILED),
    "sessions warning": lambda _: ListSessions(SessionsFilter.WARNING, server="hq"),
    "session ID": lambda _: ShowSession(SessionId("7d5c8dfc-5eda-42d8-a4ac-5db9d707107e")),
    "session last": lambda office: ShowSession(job=office.known("Never ran")),
    "status": lambda _: ShowStatus(),
    "report": lambda _: ShowReport(),
    "home": lambda _: ShowHome(),
    "quickbackup": lambda _: QuickBackup(NamedMachine("nowhere99", None)),
    "quickbackup form": lambda _: QuickBackup(NamedMachine("web01", "hq"), Step.FILL),
}
FAULTS = {
    "may not": refusing(403),
    "fails": refusing(500),
    "a proxy's page": html(502),
    "cut off": malformed(),
}


@pytest.fixture(autouse=True)
async def quiet(office: Office) -> AsyncIterator[None]:
    with_administrators(office)
    office.world.begin_run("First run")
    yield
    await office.fleet.close()


async def restarted(office: Office) -> None:
    """Nothing is remembered of what was read before."""
    await office.fleet.close()
    office.fleet = Fleet(
        [client_of(office.hq, office.clock, name=HQ), client_of(office.dr, office.clock, name=DR)]
    )
    office.restart()
    office.hq.requests.clear()


def reads(office: Office) -> Iterable[tuple[str, str]]:
    asked = [(one.method, one.template) for one in office.hq.requests if "oauth2" not in one.template]
    return dict.fromkeys(asked)


@pytest.mark.parametrize("name", REQUESTS)
async def test_what_a_failing_read_would_have_said_is_not_denied(office: Office, name: str) -> None:
    """Whatever fails in whichever way, no sentence denies what it would have said."""
    request = REQUESTS[name](office)
    await restarted(office)
    await office.ask(request, ANN)
    for method, template in reads(office):
        for label, fault in FAULTS.items():
            await restarted(office)
            office.hq.faults.add(method, template, fault, times=1000)
            outcome = await office.ask(request, ANN)
            office.hq.faults.clear()
            words = said(outcome)
            assert denied(outcome, words) == [], (method, template, label, words)


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in {"jobs repo", "job", "why"}])
async def test_what_no_server_said_is_not_denied(office: Office, name: str) -> None:
    """Where nobody answers, nothing is known, and that is what the answer says."""
    request = REQUESTS[name](office)
    await restarted(office)
    for vbr in (office.hq, office.dr):
        vbr.faults.add("*", "*", refusing(503), times=10_000)
    outcome = await office.ask(request, ANN)
    for vbr in (office.hq, office.dr):
        vbr.faults.clear()
    words = said(outcome)
    assert "on the servers that responded" not in words
    assert denied(outcome, words) == [], words


async def test_what_a_link_leads_to_may_not_be_known(office: Office) -> None:
    """No session behind a link is one thing, a message that Slack did not show another."""
    request = ShowSession(message=MessageLink("https://example.slack.com/archives/C0PROD/p1", "C0PROD", "1"))
    assert "No session found behind `https://" in said(await office.ask(request, ANN))
    office.messages.is_readable = False
    assert "Slack didn't say what `https://" in said(await office.ask(request, ANN))


async def test_a_job_that_never_ran_is_there(office: Office) -> None:
    """Its last session is what isn't."""
    text = said(await office.ask(ShowSession(job=office.known("Never ran")), ANN))
    assert text.startswith("VBR lists no run of *Never ran*.")
