"""What the operations send, against Veeam's OpenAPI document, which the environment names."""

import pytest

from bot.operations.requests import (
    CloneRequest,
    DeleteRequest,
    DisableRequest,
    EnableRequest,
    JobsFilter,
    JobsRequest,
    NamedJob,
    NamedMachine,
    QuickBackupRequest,
    RetryRequest,
    SessionsFilter,
    SessionsRequest,
    StartRequest,
    Step,
    StopRequest,
)
from bot.settings import GrantSettings, GroupReference, Role
from bot.veeam import RestorePoints, revision_facts
from tests.rooms.operations.office import Office
from tests.rooms.operations.test_runner import ONE_OF_EACH
from tests.support.openapi import VARIABLE, OpenApi, document_path

FILES = NamedJob("Files", server="hq")
ASKED = (
    *ONE_OF_EACH,
    *(JobsRequest(which=which, pattern="a") for which in JobsFilter),
    *(SessionsRequest(which=which) for which in SessionsFilter),
    JobsRequest(type="vspherebackup", repository="default"),
    StartRequest(FILES, full=True, chained=True),
    StartRequest(NamedJob("Copy now"), restore_points=RestorePoints.LATEST),
    *(asked(NamedJob("")) for asked in (StartRequest, StopRequest, RetryRequest, EnableRequest)),
    *(asked(NamedJob("Oracle"), step=Step.FILL) for asked in (StartRequest, StopRequest, DisableRequest)),
    QuickBackupRequest(NamedMachine("")),
    QuickBackupRequest(NamedMachine("vm02", "hq"), Step.FILL),
    StopRequest(FILES, now=True, chained=True),
    RetryRequest(NamedJob("Oracle"), chained=True),
    EnableRequest(NamedJob("Archive")),
    DisableRequest(NamedJob("Exchange")),
    CloneRequest(NamedJob("Exchange")),
    QuickBackupRequest(NamedMachine("vm02", "hq")),
    DeleteRequest(NamedJob("Never ran")),
    DeleteRequest(NamedJob("Never ran"), typed_name="Never ran"),
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


def test_job_types_are_the_documents(document: OpenApi) -> None:
    """EJobType, word for word."""
    assert set(revision_facts("1.3-rev0").job_types) == document.values("EJobType")
