"""Which role may call which operation, written out by hand."""

import pytest

from bot.sandbox.vbr import Role, Session, VbrSandbox, World
from bot.sandbox.vbr.revision import REVISION_1_3_REV0
from bot.sandbox.vbr.server import OPERATIONS
from tests.rooms.sandbox.vbr.talking import Client

A, BO, RO = Role.ADMINISTRATOR, Role.BACKUP_OPERATOR, Role.RESTORE_OPERATOR
BV, TO, SA = Role.VIEWER, Role.TAPE_OPERATOR, Role.SECURITY_ADMINISTRATOR
IO = Role.INCIDENT_API_OPERATOR
READERS = {A, BO, RO, BV, TO}
OPERATORS = {A, BO, TO}

MATRIX: dict[tuple[str, str], set[Role]] = {
    ("POST", "/api/oauth2/logout"): {A, BO, RO, BV, TO, SA, IO},
    ("GET", "/api/v1/serverInfo"): {A},
    ("GET", "/api/v1/license"): {A},
    ("GET", "/api/v1/configBackup"): {A},
    ("GET", "/api/v1/jobs"): READERS,
    ("POST", "/api/v1/jobs"): {A},
    ("POST", "/api/v1/jobs/quickBackup/vSphere"): {A, BO},
    ("GET", "/api/v1/jobs/states"): READERS,
    ("GET", "/api/v1/jobs/{id}"): READERS,
    ("PUT", "/api/v1/jobs/{id}"): {A},
    ("DELETE", "/api/v1/jobs/{id}"): {A},
    ("POST", "/api/v1/jobs/{id}/clone"): {A},
    ("POST", "/api/v1/jobs/{id}/disable"): {A},
    ("POST", "/api/v1/jobs/{id}/enable"): {A},
    ("POST", "/api/v1/jobs/{id}/retry"): OPERATORS,
    ("POST", "/api/v1/jobs/{id}/start"): OPERATORS,
    ("POST", "/api/v1/jobs/{id}/stop"): OPERATORS,
    ("GET", "/api/v1/sessions"): READERS | {SA},
    ("GET", "/api/v1/sessions/{id}"): READERS | {SA},
    ("GET", "/api/v1/sessions/{id}/logs"): READERS | {SA},
    ("POST", "/api/v1/sessions/{id}/stop"): {A, BO, RO},
    ("GET", "/api/v1/sessions/{id}/taskSessions"): READERS,
    ("GET", "/api/v1/taskSessions"): READERS,
    ("GET", "/api/v1/taskSessions/{id}"): READERS,
    ("GET", "/api/v1/taskSessions/{id}/logs"): READERS,
    ("GET", "/api/v1/inventory/vmware/hosts"): {A, BO, RO, TO},
    ("GET", "/api/v1/inventory/vmware/hosts/{name}"): {A, BO, RO, TO},
    ("POST", "/api/v1/inventory"): {A},
    ("POST", "/api/v1/inventory/{hostname}"): {A},
    ("POST", "/api/v1/inventory/physical"): {A},
    ("POST", "/api/v1/inventory/physical/{protectionGroupId}"): {A},
    ("GET", "/api/v1/credentials"): {A, BO, RO, TO, SA},
    ("GET", "/api/v1/backupInfrastructure/repositories"): READERS,
    ("GET", "/api/v1/backupInfrastructure/repositories/states"): READERS,
    ("GET", "/api/v1/backupInfrastructure/repositories/{id}"): READERS,
    ("GET", "/api/v1/backupInfrastructure/scaleOutRepositories"): READERS,
    ("GET", "/api/v1/backupInfrastructure/proxies/states"): READERS,
    ("GET", "/api/v1/restorePoints"): READERS,
    ("GET", "/api/v1/backups"): READERS,
    ("GET", "/api/v1/backups/{id}"): READERS,
    ("GET", "/api/v1/backups/{id}/objects"): READERS,
    ("GET", "/api/v1/inventory/entraId/tenants"): READERS,
    ("GET", "/api/v1/inventory/entraId/tenants/{id}"): READERS,
    ("GET", "/api/v1/inventory/unstructuredDataServers"): READERS,
    ("GET", "/api/v1/inventory/unstructuredDataServers/{id}"): READERS,
    ("GET", "/api/v1/agents/protectionGroups"): {A},
    ("GET", "/api/v1/agents/protectionGroups/{id}"): {A},
    ("GET", "/api/v1/agents/protectionGroups/{id}/discoveredEntities"): {A},
}
OPEN = {
    ("POST", "/api/oauth2/token"),
    ("GET", "/api/v1/serverTime"),
    ("GET", "/api/v1/serverCertificate"),
}


def _path(world: World, session: Session, template: str) -> str:
    ids = {"sessions": session.id, "taskSessions": session.task_ids[0], "jobs": session.job_id}
    area = template.split("/")[3]
    return (
        template.replace("{id}", ids.get(area, world.default_repository_id))
        .replace("{name}", world.host_name)
        .replace("{hostname}", world.host_name)
        .replace("{protectionGroupId}", session.job_id)
    )


def test_the_matrix_names_every_operation() -> None:
    """An operation that nobody thought about in the matrix does not exist."""
    has = REVISION_1_3_REV0.permissions.has
    served = {(operation.method, operation.template) for operation in OPERATIONS}
    assert {operation for operation in served if has(operation)} | OPEN == set(MATRIX) | OPEN


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_gets_403_exactly_where_the_matrix_says_so(vbr: VbrSandbox, role: Role) -> None:
    """403 for every operation that the account's role may not call, anything else for those it may."""
    vbr.world.add_job("Web tier")
    session = vbr.world.finish_run("Web tier")
    refused = set()
    for method, template in MATRIX:
        async with Client(vbr) as client:
            await client.log_in(vbr.accounts.by_role(role))
            answer = await client.http.request(method, _path(vbr.world, session, template))
        if answer.status_code == 403:
            refused.add((method, template))
            assert answer.json()["errorCode"] == "AccessDenied"
        assert answer.status_code != 401
    allowed = {operation for operation, roles in MATRIX.items() if role in roles}
    assert set(MATRIX) - refused == allowed


async def test_open_operations_need_no_token(vbr: VbrSandbox) -> None:
    """Time and certificate are told to anyone, whatever token comes along."""
    async with Client(vbr) as client:
        client.http.headers["Authorization"] = "Bearer dead"
        assert (await client.get("/serverTime"))["serverTime"] == "2026-03-02T14:00:00.1234560+02:00"
        assert (await client.get("/serverCertificate"))["isTrusted"] is False
