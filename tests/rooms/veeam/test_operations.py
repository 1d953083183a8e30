"""Every operation against the simulated VBR: typed, as the document has it, and within the account's role."""

import copy
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from bot.sandbox.vbr import Outcome, Role, VbrSandbox, World
from bot.sandbox.vbr.credentials import add_credentials
from bot.sandbox.vbr.machines import add_protection_group
from bot.veeam import (
    PERFORMANCE_EXTENT,
    AllTaskSessionsQuery,
    Backup,
    BackupsQuery,
    CredentialsQuery,
    DataServersQuery,
    EntitiesQuery,
    InventoryObject,
    InventoryQuery,
    Job,
    JobId,
    JobStatesQuery,
    LogStatus,
    NotAllowed,
    ProtectionGroupsQuery,
    RepositoryStatesQuery,
    RestorePointsQuery,
    Result,
    ScaleOutRepositoriesQuery,
    SessionId,
    SessionsQuery,
    TenantsQuery,
    VeeamServer,
    VmwareHostsQuery,
    VmwareObjectsQuery,
)
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock
from tests.support.openapi import OpenApi, document_path

NEW_JOB: dict[str, Any] = {
    "type": "VSphereBackup",
    "name": "Web tier",
    "description": "Created from Slack by ana",
    "isHighPriority": False,
    "storage": {
        "backupProxies": {"autoSelectEnabled": True},
        "retentionPolicy": {"type": "Days", "quantity": 14},
    },
    "guestProcessing": {
        "appAwareProcessing": {"isEnabled": False},
        "guestFSIndexing": {"isEnabled": False},
    },
    "schedule": {"runAutomatically": False},
}


@dataclass
class Site:
    """A server with a job that failed last night and one that is running."""

    server: VeeamServer
    world: World
    failed: JobId
    running: JobId
    session: SessionId

    @property
    def host_name(self) -> str:
        return self.world.host_name

    async def machine(self, name: str = "vm01") -> InventoryObject:
        found = await self.server.vmware_objects(
            self.host_name, VmwareObjectsQuery(type="VirtualMachine", name=f"*{name}*")
        )
        return next(each for each in found.rows if each.name == name)

    async def edited(self) -> Job:
        whole = copy.deepcopy(dict((await self.server.job(self.failed)).raw))
        whole["description"] = "Edited"
        return await self.server.edit_job(Job(whole))

    async def spec(self) -> dict[str, Any]:
        storage = {**NEW_JOB["storage"], "backupRepositoryId": self.world.default_repository_id}
        machine = await self.machine()
        return {**NEW_JOB, "storage": storage, "virtualMachines": {"includes": [machine.to_json()]}}

    async def created(self) -> Job:
        return await self.server.create_job(await self.spec())


Ask = Callable[[Site], Awaitable[object]]


async def rows_of(rows: AsyncIterator[object]) -> list[object]:
    return [row async for row in rows]


@cache
def the_document() -> OpenApi:
    path = document_path()
    assert path is not None
    return OpenApi.load(path)


async def quick_backup_of(site: Site) -> object:
    return await site.server.quick_backup(await site.machine("vm02"))


async def physical_machines(site: Site) -> list[str]:
    (group,) = (await site.server.physical_inventory(InventoryQuery(types=("ProtectionGroup",)))).rows
    query = InventoryQuery(types=("WindowsComputer", "LinuxComputer"), hierarchy="Computers")
    page = await site.server.physical_inventory(query, protection_group_id=group.id)
    return [machine.name for machine in page.rows]


async def entities(site: Site) -> object:
    (group,) = (await site.server.protection_groups(ProtectionGroupsQuery())).rows
    return await site.server.discovered_entities(group.id, EntitiesQuery(limit=5))


def points_of(name: str) -> RestorePointsQuery:
    return RestorePointsQuery(name=f"*{name}*", order_by="CreationTime", ascending=False, limit=500)


async def backup_of(site: Site) -> Backup:
    """The backup of a machine, by its newest restore point."""
    points = (await site.server.restore_points(points_of("vm02"))).rows
    backup = await site.server.backup(points[0].backup_id)
    assert backup.job_id == site.failed
    return backup


async def objects_of(site: Site) -> object:
    (backup,) = (await site.server.backups(BackupsQuery(job_id=site.failed))).rows
    machines = await site.server.backup_objects(backup.id, limit=200)
    assert [(each.name, each.last_run_failed) for each in machines] == [("vm02", False)]
    return machines


EVERYTHING: dict[str, Ask] = {
    "server_time": lambda site: site.server.server_time(),
    "server_info": lambda site: site.server.server_info(),
    "licence": lambda site: site.server.licence(),
    "config_backup": lambda site: site.server.config_backup(),
    "job_states": lambda site: site.server.job_states(
        JobStatesQuery(
            status="Running",
            order_by="NextRun",
            skip=0,
            limit=5,
        )
    ),
    "every_job_state": lambda site: rows_of(site.server.every_job_state(JobStatesQuery(name="*SQL*"))),
    "job_state_pages": lambda site: rows_of(site.server.job_state_pages()),
    "job_state": lambda site: site.server.job_state(site.failed),
    "job": lambda site: site.server.job(site.failed),
    "list_job_contents": lambda site: site.server.list_job_contents(skip=0, limit=500),
    "job_contents": lambda site: site.server.job_contents(site.failed),
    "restore_points": lambda site: site.server.restore_points(points_of("vm0")),
    "backup": backup_of,
    "backups": lambda site: site.server.backups(BackupsQuery(job_id=site.failed, limit=3)),
    "backup_objects": objects_of,
    "start_job": lambda site: site.server.start_job(site.failed, chained=True),
    "stop_job": lambda site: site.server.stop_job(site.running),
    "retry_job": lambda site: site.server.retry_job(site.failed),
    "enable_job": lambda site: site.server.enable_job(site.failed),
    "disable_job": lambda site: site.server.disable_job(site.failed),
    "clone_job": lambda site: site.server.clone_job(site.failed),
    "delete_job": lambda site: site.server.delete_job(site.failed),
    "create_job": lambda site: site.created(),
    "edit_job": lambda site: site.edited(),
    "quick_backup": quick_backup_of,
    "sessions": lambda site: site.server.sessions(
        SessionsQuery(
            types=("BackupJob", "ReplicaJob"),
            results=("Failed", "Warning"),
            state="Stopped",
            job_id=site.failed,
            created_after=site.world.now() - timedelta(days=2),
            ended_after=site.world.now() - timedelta(days=2),
            order_by="EndTime",
            ascending=True,
        )
    ),
    "session": lambda site: site.server.session(site.session),
    "all_job_states": lambda site: site.server.all_job_states(at_most=5),
    "session_logs": lambda site: site.server.session_logs(site.session, LogStatus.FAILED),
    "task_sessions": lambda site: site.server.task_sessions(site.session),
    "all_task_sessions": lambda site: site.server.all_task_sessions(
        AllTaskSessionsQuery(name="*vm01*", type="Backup", order_by="CreationTime")
    ),
    "vmware_hosts": lambda site: site.server.vmware_hosts(VmwareHostsQuery(limit=5)),
    "vmware_objects": lambda site: site.machine(),
    "browse_inventory": lambda site: site.server.browse_inventory(
        InventoryQuery(types=("VirtualMachine", "Template"), name_contains="vm", hierarchy="VmsAndTemplates"),
        host_name=site.host_name,
    ),
    "physical_inventory": physical_machines,
    "tenants": lambda site: site.server.tenants(TenantsQuery(limit=5)),
    "data_servers": lambda site: site.server.data_servers(DataServersQuery(limit=5)),
    "protection_groups": lambda site: site.server.protection_groups(ProtectionGroupsQuery(limit=5)),
    "discovered_entities": entities,
    "credentials": lambda site: site.server.credentials(
        CredentialsQuery(name="*svc*", order_by="Username", ascending=True, limit=5)
    ),
    "repository_states": lambda site: site.server.repository_states(
        RepositoryStatesQuery(exclude_extents=True)
    ),
    "every_repository_state": lambda site: rows_of(
        site.server.every_repository_state(
            RepositoryStatesQuery(extent_type=PERFORMANCE_EXTENT, scale_out_id=site.world.vbr_id)
        )
    ),
    "every_scale_out_repository": lambda site: rows_of(
        site.server.every_scale_out_repository(
            ScaleOutRepositoriesQuery(name="*pool*", order_by="Name", ascending=True)
        )
    ),
}


@pytest.fixture
def site(world: World, client: VeeamServer) -> Site:
    add_protection_group(world.book, "Servers", ("phys01", "phys02"))
    add_credentials(world.book, "EXAMPLE\\svc-vss", world.now())
    session = world.finish_run("SQL nightly", result="Failed", objects={"vm01": "Failed to open VDDK disk"})
    running = world.add_job("Files", objects=("vm03",))
    world.begin_run(running)
    failed = world.job("SQL nightly")
    return Site(client, world, JobId(failed.id), JobId(running.id), SessionId(session.id))


def test_no_operation_is_forgotten() -> None:
    """Every public method of the client is in the table below, but those of `test_detection`.

    What 1.3-rev0 does not have is in `test_policies` and `test_any_machine`.
    """
    methods = dict(inspect.getmembers(VeeamServer, inspect.isfunction))
    others = {"close", "detect_revision", "newest_revision", "prove_revision"}
    others |= {"apply_configuration", "clear_cache", "whole_physical_inventory"}
    assert {name for name in methods if not name.startswith("_")} - others == set(EVERYTHING)


@pytest.mark.parametrize("name", EVERYTHING)
async def test_every_operation_succeeds_for_an_administrator(vbr: VbrSandbox, site: Site, name: str) -> None:
    """And every request that it took was answered with success."""
    await EVERYTHING[name](site)
    refused = [request for request in vbr.requests if request.status is None or request.status >= 400]
    assert refused == []


@pytest.mark.skipif(document_path() is None, reason="VEEAM_OPENAPI names no document")
@pytest.mark.parametrize("name", EVERYTHING)
async def test_every_request_is_as_documented(vbr: VbrSandbox, site: Site, name: str) -> None:
    """Path, parameters, enum values and body, by Veeam's own document."""
    await EVERYTHING[name](site)
    document = the_document()
    problems = [
        problem
        for request in vbr.requests
        if not request.path.startswith("/api/oauth2/")
        for problem in document.check_request(
            request.method, request.path, request.query.items(), request.body
        )
    ]
    assert problems == []


async def test_a_run_is_followed_to_its_end(site: Site, clock: FakeClock) -> None:
    """Started, working, stopped; the outcome is the session's."""
    site.world.plan("SQL nightly", [Outcome("Warning", objects={"vm02": "Low space"})])
    accepted = await site.server.start_job(site.failed)
    assert accepted.session is not None
    assert (accepted.session.job_id, accepted.session.is_stopped) == (site.failed, False)
    assert accepted.session.outcome is Result.NONE

    state = await site.server.job_state(site.failed)
    assert state is not None
    assert state.is_active
    await clock.advance(3600)
    session = await site.server.session(accepted.session.id)
    assert (session.is_stopped, session.outcome) == (True, Result.WARNING)
    assert session.initiated_by == "svc-slack"


async def test_a_failure_has_its_story(site: Site) -> None:
    """Objects with their messages, and the failed records of the log."""
    tasks = await site.server.task_sessions(site.session)
    failed = [task for task in tasks if task.outcome is Result.FAILED]
    assert [(task.name, task.result and task.result.message) for task in failed] == [
        ("vm01", "Failed to open VDDK disk")
    ]
    assert all(task.is_stopped for task in tasks)
    assert await site.server.session_logs(site.session, LogStatus.FAILED)


async def test_an_edit_keeps_what_it_did_not_touch(site: Site) -> None:
    """PUT replaces, so everything goes back."""
    before = await site.server.job(site.failed)
    await site.edited()
    after = await site.server.job(site.failed)
    assert after.raw == {**before.raw, "description": "Edited"}


async def test_a_copy_and_a_new_job_are_jobs(site: Site) -> None:
    """The answers are the jobs themselves, kept whole."""
    copied = await site.server.clone_job(site.failed)
    created = await site.created()
    assert copied.id != site.failed
    assert copied.name.startswith("SQL nightly")
    assert (created.name, created.runs_automatically) == ("Web tier", False)
    assert {job.name for job in (await site.server.job_states()).rows} >= {copied.name, created.name}


async def test_disabling_is_seen(site: Site) -> None:
    """In the job and in its state; deleting takes both away."""
    await site.server.disable_job(site.failed)
    state = await site.server.job_state(site.failed)
    assert state is not None
    assert state.is_disabled
    assert (await site.server.job(site.failed)).is_disabled
    await site.server.enable_job(site.failed)
    await site.server.delete_job(site.failed)
    assert await site.server.job_state(site.failed) is None


async def test_an_operator_finds_a_machine_and_backs_it_up(
    vbr: VbrSandbox, site: Site, clock: FakeClock
) -> None:
    """Without the inventory's POSTs, which are for administrators in 1.3-rev0."""
    site.world.finish_run("SQL nightly")
    async with client_of(vbr, clock, vbr.accounts.by_role(Role.BACKUP_OPERATOR)) as operator:
        mine = Site(operator, site.world, site.failed, site.running, site.session)
        with pytest.raises(NotAllowed):
            await operator.browse_inventory()
        assert site.host_name in {host.name for host in (await operator.vmware_hosts()).rows}
        accepted = await operator.quick_backup(await mine.machine())
    assert accepted.session is not None
    assert accepted.session.job_id == site.failed


async def test_physical_machines_are_found_in_their_group(site: Site) -> None:
    """By the group's id; a search for ids goes by what physical objects call theirs."""
    assert await physical_machines(site) == ["phys01", "phys02"]
    (group,) = (await site.server.physical_inventory()).rows
    query = InventoryQuery(object_ids=(group.id,), name_contains="serv")
    found = await site.server.physical_inventory(query, protection_group_id=group.id)
    assert [row.to_json()["protectionGroupId"] for row in found.rows] == [group.id]


async def test_credentials_are_read_without_their_secrets(site: Site) -> None:
    """Id, user name, description, type: what a job is told and a person chooses by."""
    add_credentials(site.world.book, "root", site.world.now(), kind="Linux", description="Linux hosts")
    rows = (await site.server.credentials(CredentialsQuery(name="*root*"))).rows
    assert [(row.username, row.description, row.type) for row in rows] == [("root", "Linux hosts", "Linux")]
    assert len((await site.server.credentials()).rows) == 2


async def test_a_hosts_name_is_escaped(vbr: VbrSandbox, client: VeeamServer) -> None:
    """A slash in a name does not make a path."""
    with pytest.raises(Exception, match="NotFound"):
        await client.vmware_objects("esx 05/lab?")
    assert vbr.requests.of("GET", "/api/v1/inventory/vmware/hosts/{name}")[0].path.endswith(
        "/esx%2005%2Flab%3F"
    )


@pytest.mark.parametrize(
    ("role", "name", "may"),
    [
        (Role.VIEWER, "job_states", True),
        (Role.VIEWER, "session_logs", True),
        (Role.VIEWER, "server_info", False),
        (Role.VIEWER, "start_job", False),
        (Role.VIEWER, "credentials", False),
        (Role.BACKUP_OPERATOR, "credentials", True),
        (Role.BACKUP_OPERATOR, "physical_inventory", False),
        (Role.VIEWER, "vmware_hosts", False),
        (Role.BACKUP_OPERATOR, "start_job", True),
        (Role.BACKUP_OPERATOR, "disable_job", False),
        (Role.TAPE_OPERATOR, "retry_job", True),
        (Role.RESTORE_OPERATOR, "stop_job", False),
    ],
)
async def test_vbrs_roles_are_kept(
    vbr: VbrSandbox,
    site: Site,
    clock: FakeClock,
    role: Role,
    name: str,
    may: bool,  # noqa: FBT001 - a column
) -> None:
    """What the account's role may not is NotAllowed, and nothing was done."""
    async with client_of(vbr, clock, vbr.accounts.by_role(role)) as client:
        mine = Site(client, site.world, site.failed, site.running, site.session)
        if may:
            await EVERYTHING[name](mine)
        else:
            with pytest.raises(NotAllowed):
                await EVERYTHING[name](mine)


async def test_the_servers_time_needs_no_login(vbr: VbrSandbox, client: VeeamServer) -> None:
    """It tells a living server from a refused account, and names the zone."""
    found = await client.server_time()
    assert (found.server_time, found.utc_offset) == (vbr.world.now(), timedelta(hours=2))
    assert [request.path for request in vbr.requests] == ["/api/v1/serverTime"]
