"""What the operations send, against Veeam's OpenAPI document, which the environment names."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.job_filters import JobPriority, JobsColumn, JobsFilter
from bot.operations.model import NamedJob, NamedMachine, Step
from bot.operations.outcomes import Done
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.sessions import ListSessions, SessionsFilter
from bot.sandbox.vbr import World
from bot.settings import GrantSettings, GroupReference, Role
from bot.veeam import RestorePoints, Workload, revision_facts
from tests.rooms.operations.office import Office
from tests.rooms.operations.test_policies import APPLYING, CLEARING, office_of
from tests.rooms.operations.test_runner import ONE_OF_EACH
from tests.support.clock import FakeClock
from tests.support.openapi import VARIABLE, OpenApi, document_of, document_path

FILES = NamedJob("Files", server="hq")
ASKED = (
    *ONE_OF_EACH,
    *(ListJobs(which=which, pattern="a") for which in JobsFilter),
    *(ListSessions(which=which) for which in SessionsFilter),
    ListJobs(job_type="vspherebackup", repository="default"),
    ListJobs(JobsFilter.PROBLEMS, also=(JobsFilter.DISABLED,)),
    *(ListJobs(workload=workload) for workload in Workload),
    *(ListJobs(sort=column, is_descending=True) for column in JobsColumn),
    ListJobs(priority=JobPriority.HIGH, objects_count=2, after="Oracle", ran_within=timedelta(hours=3)),
    ListJobs(ran_before=timedelta(hours=3)),
    ListJobs(stale=timedelta(hours=3)),
    ListJobs(holding="vm01"),
    Start(FILES, full=True, chained=True),
    Start(NamedJob("Copy now"), restore_points=RestorePoints.LATEST),
    *(asked(NamedJob("")) for asked in (Start, Stop, Retry, Enable)),
    *(asked(NamedJob("Oracle"), step=Step.FILL) for asked in (Start, Stop, Disable)),
    QuickBackup(NamedMachine("")),
    QuickBackup(NamedMachine("vm02", "hq"), Step.FILL),
    Stop(FILES, now=True, chained=True),
    Retry(NamedJob("Oracle"), chained=True),
    Enable(NamedJob("Archive")),
    Disable(NamedJob("Exchange")),
    Clone(NamedJob("Exchange")),
    QuickBackup(NamedMachine("vm02", "hq")),
    Delete(NamedJob("Never ran")),
    Delete(NamedJob("Never ran"), typed_name="Never ran"),
)
CHANGES = ("start", "retry", "enable", "disable", "clone", "vSphere")


@pytest.fixture(scope="module")
def document() -> OpenApi:
    path = document_path()
    if path is None:
        pytest.skip(f"{VARIABLE} names no OpenAPI document")
    return OpenApi.load(path)


async def test_every_request_fits_the_document(office: Office, document: OpenApi) -> None:
    """Whatever is asked, each request is one that VBR's own document allows."""
    office.grants = (GrantSettings(group=GroupReference("S0OPS"), role=Role.BACKUP_ADMINISTRATOR),)
    for request in ASKED:
        await office.ask(request)
    problems = [
        problem
        for request in office.hq.requests
        if request.template.startswith("/api/v1/")
        for problem in document.check_request(
            request.method, request.path, list(request.query.items()), request.body
        )
    ]
    assert problems == []
    sent = {request.template.rsplit("/", 1)[1] for request in office.hq.requests if request.method == "POST"}
    assert sent >= set(CHANGES)
    assert len(office.hq.requests.of("DELETE", "/api/v1/jobs/{id}")) == 1
    assert office.hq.requests.of("GET", "/api/v1/taskSessions")
    bodies = [request.body for request in office.hq.requests.of("POST", "/api/v1/jobs/{id}/start")]
    assert any("syncRestorePoints" in body for body in bodies)


@pytest.mark.parametrize("revision", ["1.3-rev1", "1.3-rev2"])
async def test_commands_to_agents_fit_the_document(
    revision: str, clock: FakeClock, world: World, tmp_path: Path
) -> None:
    """`apply` and `clearcache` are sent as the document of each revision that has them says."""
    document = document_of(revision)
    if document is None:
        pytest.skip(f"{VARIABLE} names no OpenAPI document of {revision}")
    for name in ("Laptops", "Tablets"):
        world.add_job(name, "WindowsAgentBackupWorkstationPolicy", objects=("nb01",))
    async for office in office_of(revision, world, clock, tmp_path, Role.BACKUP_OPERATOR):
        assert isinstance(await office.ask(Apply(NamedJob("Laptops", exact=True))), Done)
        assert isinstance(await office.ask(ClearCache(NamedJob("Tablets", exact=True))), Done)
        sent = [one for one in office.hq.requests if one.template in {APPLYING[1], CLEARING[1]}]
        assert [one.template for one in sent] == [APPLYING[1], CLEARING[1]]
        problems = [
            document.check_request(one.method, one.path, list(one.query.items()), one.body) for one in sent
        ]
        assert problems == [[], []]


def test_job_types_are_the_documents(document: OpenApi) -> None:
    """EJobType, word for word."""
    assert set(revision_facts("1.3-rev0").job_types) == document.values("EJobType")
