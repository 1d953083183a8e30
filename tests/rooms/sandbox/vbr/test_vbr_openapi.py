"""The simulated VBR against Veeam's own OpenAPI document, where ``VEEAM_OPENAPI`` names it.

The fixture ``vbr`` checks the requests and answers of every other test in this folder as well.
"""

from typing import Any

import pytest

from bot.sandbox.vbr import VbrSandbox, World, seeded_world, words
from bot.sandbox.vbr.revision import REVISION_1_3_REV0
from bot.sandbox.vbr.rows import job_state_row, session_row, task_session_row
from bot.sandbox.vbr.server import OPERATIONS
from tests.rooms.sandbox.vbr.talking import Client, StillClock
from tests.support.openapi import VARIABLE, OpenApi, document_path

pytestmark = pytest.mark.skipif(
    document_path() is None,
    reason=f"{VARIABLE} does not name Veeam's OpenAPI document for 1.3-rev0: nothing to validate against",
)


@pytest.fixture(scope="module")
def document() -> OpenApi:
    path = document_path()
    assert path is not None
    return OpenApi.load(path)


@pytest.mark.parametrize(
    ("schema", "known"),
    [
        ("EJobType", words.JOB_TYPES),
        ("EJobStatus", words.JOB_STATUSES),
        ("EJobWorkload", words.JOB_WORKLOADS),
        ("ESessionResult", words.RESULTS),
        ("ESessionState", words.SESSION_STATES),
        ("ESessionType", words.SESSION_TYPES),
        ("ETaskLogRecordStatus", words.LOG_STATUSES),
        ("EBackupCopyJobMode", words.COPY_MODES),
        ("EBackupCopyRestorePoints", words.COPY_RESTORE_POINTS),
        ("ETaskSessionType", words.TASK_TYPES),
        ("EAntivirusScanType", words.SCAN_TYPES),
        ("EAntivirusScanResult", words.SCAN_RESULTS),
        ("EAntivirusScanState", words.SCAN_STATES),
        ("EInventoryPlatformType", words.INVENTORY_PLATFORMS),
        ("EVmwareInventoryType", words.VMWARE_TYPES),
        ("EHyperVInventoryType", words.HYPERV_TYPES),
        ("ECloudDirectorInventoryType", words.CLOUD_DIRECTOR_TYPES),
        ("EAgentInventoryObjectType", words.AGENT_OBJECT_TYPES),
        ("EHierarchyType", words.HIERARCHIES),
        ("EPredicateExpressionOperationType", words.PREDICATES),
        ("EGroupExpressionOperationType", words.GROUPS),
        ("ERepositoryType", words.REPOSITORY_TYPES),
        ("EScaleOutRepositoryExtentType", words.EXTENT_TYPES),
        ("EProxyType", words.PROXY_TYPES),
        ("EAgentHierarchyType", words.AGENT_HIERARCHIES),
        ("ECredentialsType", words.CREDENTIALS_TYPES),
        ("ELoginGrantType", words.GRANT_TYPES),
        ("EDayOfWeek", words.DAYS_OF_WEEK),
        ("EMonth", words.MONTHS),
        ("EApplicationSettingsVSS", words.VSS_MODES),
    ],
)
def test_the_vocabulary_is_the_documents(document: OpenApi, schema: str, known: frozenset[str]) -> None:
    """No value more, none less, each spelt alike."""
    assert document.values(schema) == set(known)


def test_every_operation_is_documented(document: OpenApi) -> None:
    """The simulated server has no path or method of its own invention."""
    documented = set(document.operations())
    assert {(operation.method, operation.template) for operation in OPERATIONS} <= documented


@pytest.mark.parametrize("site", ["hq", "branch"])
def test_a_seeded_world_is_valid_to_the_last_row(document: OpenApi, site: str) -> None:
    """Job models, job states, sessions and task sessions of a month."""
    world = seeded_world(StillClock(), site)
    problems: list[str] = []
    for job in world.jobs:
        problems += document.schema_problems("JobStateModel", job_state_row(world, job, REVISION_1_3_REV0))
        if job.type not in words.UNMODELLED_JOB_TYPES:
            problems += document.schema_problems("JobModel", job.model)
            problems += document.schema_problems("JobSpec", as_spec(job.model))
    for item in world.book.inventory.values():
        problems += document.schema_problems("InventoryObjectModel", item.model)
    for session in list(world.book.sessions.values())[::7]:
        problems += document.schema_problems("SessionModel", session_row(world, session, REVISION_1_3_REV0))
    for task in list(world.book.tasks.values())[::7]:
        problems += document.schema_problems("TaskSessionModel", task_session_row(world, task))
    assert problems == []


def as_spec(model: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if key not in {"id", "isDisabled"}}


LISTS = [
    "/jobs", "/jobs/states", "/sessions", "/taskSessions", "/inventory/vmware/hosts",
    "/backupInfrastructure/repositories", "/backupInfrastructure/repositories/states",
    "/backupInfrastructure/scaleOutRepositories", "/backupInfrastructure/proxies/states", "/credentials",
]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
async def test_every_documented_parameter_is_heeded(document: OpenApi, client: Client, path: str) -> None:
    """A value that cannot be read is refused, where the document knows a parameter that is no free text."""
    free = {"nameFilter", "afterJobNameFilter", "pathFilter", "vmbApiFilter", "sobrMembershipFilter"}
    names = document.parameters("GET", f"/api/v1{path}") - free
    statuses = {name: await client.status_of_get(path, **{name: "?"}) for name in names}
    assert statuses == dict.fromkeys(names, 400)


@pytest.mark.parametrize("path", LISTS)
async def test_every_documented_order_is_known(document: OpenApi, client: Client, path: str) -> None:
    """Every value of the list's own order enum orders."""
    columns = document.parameter_values("GET", f"/api/v1{path}", "orderColumn")
    statuses = {
        column: await client.status_of_get(path, orderColumn=column, orderAsc="true") for column in columns
    }
    assert columns
    assert statuses == dict.fromkeys(columns, 200)


async def test_a_recorded_conversation_is_valid(vbr: VbrSandbox, world: World, clock: StillClock) -> None:
    """A run from start to stop, looked at all along; the fixture checks what was said."""
    job = world.add_job("Web tier")
    async with Client(vbr) as client:
        await client.log_in()
        session_id = (await client.post(f"/jobs/{job.id}/start")).json()["id"]
        for _ in range(12):
            clock.forward(seconds=10)
            await client.get(f"/sessions/{session_id}")
            await client.get(f"/sessions/{session_id}/taskSessions")
            await client.get(f"/sessions/{session_id}/logs")
            await client.get("/jobs/states")
    assert len(vbr.requests) == 50
