"""Inventory, repositories, proxies, licence, identity."""

from datetime import datetime
from typing import Any

import pytest

from bot.sandbox.vbr import Behaviour, Quirks, VbrSandbox, World
from bot.sandbox.vbr.estate import RepositoryFacts, add_proxy, add_repository, add_scale_out_repository
from bot.sandbox.vbr.machines import add_protection_group, virtual_machine
from bot.sandbox.vbr.state import ScaleOutRepository
from tests.rooms.sandbox.vbr.talking import Client


@pytest.fixture
def estate(world: World) -> World:
    for name in ("web01", "web02", "sql01", "a/b & c"):
        virtual_machine(world.book, world.host_name, name)
    add_repository(world.book, RepositoryFacts("bucket", "S3Compatible", 0.0, 0.0))
    add_repository(
        world.book, RepositoryFacts("hardened", "LinuxHardened", 100.0, 5.0, "h1", "/x", is_online=False)
    )
    add_repository(
        world.book, RepositoryFacts("linux", "LinuxLocal", 50.0, 25.0, "l1", "/y", is_out_of_date=True)
    )
    add_proxy(world.book, "proxy01", "ViProxy")
    add_proxy(world.book, "proxy02", "HvProxy", is_online=False, is_disabled=True)
    add_protection_group(world.book, "Servers", ("phys01", "phys02"))
    return world


async def test_virtual_machines_are_found_below_a_vcenter(client: Client, estate: World) -> None:
    """By type and part of the name; objectId is what binds."""
    (host,) = await client.names("/inventory/vmware/hosts")
    assert host == estate.host_name
    path = f"/inventory/vmware/hosts/{host}"
    assert await client.names(path, typeFilter="VirtualMachine", nameFilter="*web*") == ["web01", "web02"]
    (row,) = (await client.get(path, nameFilter="sql01"))["data"]
    assert row["objectId"].startswith("vm-")
    assert await client.names(path, objectIdFilter=row["objectId"]) == ["sql01"]
    ordered = await client.names(
        path, hierarchyTypeFilter="VmsAndTags", orderColumn="Name", orderAsc="true", typeFilter="Tag"
    )
    assert ordered == ["Gold", "Silver"]
    assert "tpl-win2025" in await client.names(path, parentContainerNameFilter="Production")


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/inventory/vmware/hosts/nowhere", {}, 404),
        ("/inventory/vmware/hosts", {"orderColumn": "ObjectId"}, 400),
        ("/inventory/vmware/hosts/{host}", {"typeFilter": "VM"}, 400),
        ("/inventory/vmware/hosts/{host}", {"hierarchyTypeFilter": "vmsAndTags"}, 400),
        ("/backupInfrastructure/repositories/states", {"typeFilter": "winLocal"}, 400),
        ("/backupInfrastructure/repositories/states", {"isOnlineFilter": "1"}, 400),
        ("/backupInfrastructure/repositories/00000000-0000-0000-0000-000000000000", {}, 404),
        ("/repositories/states", {}, 404),
        ("/backupInfrastructure/proxies/states", {"typeFilter": ["ViProxy", "Proxy"]}, 400),
    ],
)
async def test_refused_look_ups(
    client: Client, estate: World, path: str, query: dict[str, Any], status: int
) -> None:
    """Unknown servers and values; paths without their prefix."""
    assert await client.status_of_get(path.replace("{host}", estate.host_name), **query) == status


def _predicate(name: str, operation: str, value: Any) -> dict[str, Any]:
    return {"type": "PredicateExpression", "property": name, "operation": operation, "value": value}


def _group(operation: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "GroupExpression", "operation": operation, "items": list(items)}


ENDS_IN_02 = _predicate("name", "endsWith", "02")
MACHINES = _predicate("type", "equals", "VirtualMachine")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"filter": _group("and", MACHINES, _predicate("name", "contains", "WEB"))}, ["web01", "web02"]),
        ({"filter": _group("or", _predicate("name", "equals", "sql01"), ENDS_IN_02)},
         ["Cluster 02", "SAN-02", "web02", "sql01"]),
        ({"filter": _group("and", MACHINES, _group("not", _predicate("name", "startsWith", "web")))},
         ["sql01", "a/b & c"]),
        ({"filter": MACHINES, "sorting": {"property": "name", "direction": "descending"},
          "pagination": {"skip": 1, "limit": 2}}, ["web01", "sql01"]),
        ({"filter": _predicate("type", "equals", "Tag"), "hierarchyType": "VmsAndTags"}, ["Gold", "Silver"]),
    ],
)  # fmt: skip
async def test_the_inventory_is_browsed_by_filters_in_the_body(
    client: Client, estate: World, body: dict[str, Any], names: list[str]
) -> None:
    """Predicates and groups, sorting, paging."""
    answer = await client.post(f"/inventory/{estate.host_name}", body)
    assert answer.status_code == 200, answer.text
    assert [row["name"] for row in answer.json()["data"]] == names


@pytest.mark.parametrize(
    "body",
    [
        {"filter": _predicate("name", "in", ["web01"])},
        {"filter": _predicate("name", "Contains", "web")},
        {"filter": _predicate("Name", "contains", "web")},
        {"filter": {"operation": "contains", "property": "name", "value": "web"}},
        {"filter": _group("And", MACHINES)},
        {"sorting": {"property": "name", "direction": "up"}},
        {"hierarchyType": "Everything"},
        {"pagination": {"limit": "10"}},
    ],
)
async def test_wrong_inventory_filters(client: Client, estate: World, body: dict[str, Any]) -> None:
    """An array even for ``in``, capitalised operations, unknown properties: 400."""
    assert (await client.post(f"/inventory/{estate.host_name}", body)).status_code == 400


async def test_servers_and_physical_machines_are_browsed(client: Client, estate: World) -> None:
    """Without a body everything; by its id a protection group and what is in it."""
    servers = (await client.post("/inventory")).json()
    assert [row["type"] for row in servers["data"]] == ["vCenterServer"]
    (group,) = (await client.post("/inventory/physical", {})).json()["data"]
    machines = (await client.post(f"/inventory/physical/{group['id']}", {})).json()["data"]
    assert [machine["name"] for machine in machines] == ["Servers", "phys01", "phys02"]
    assert (await client.post("/inventory/nowhere", {})).status_code == 404
    assert (await client.post(f"/inventory/physical/{estate.vbr_id}", {})).status_code == 404


async def test_all_platforms_are_browsed(client: Client, estate: World) -> None:
    """Servers of every platform in one list, each with its own objects; vSphere's GETs show vSphere alone."""
    estate.add_job("Hyper-V", "HyperVBackup", objects=("hv01",))
    estate.add_job("Clouds", "CloudDirectorBackup", objects=("tenant-b-vm1",))
    estate.add_job("Replica", "VSphereReplica", objects=("web01",))
    rows = (await client.post("/inventory")).json()["data"]
    assert [row["type"] for row in rows] == ["vCenterServer", "Scvmm", "CloudDirectorServer", "vCenterServer"]
    assert await client.names("/inventory/vmware/hosts") == [estate.host_name, estate.other_host_name]
    for row, hierarchy, name in zip(
        rows[1:3], ("HostsAndVMs", "VAppsAndVms"), ("hv01", "tenant-b-vm1"), strict=True
    ):
        body = {"filter": MACHINES, "hierarchyType": hierarchy}
        (found,) = (await client.post(f"/inventory/{row['name']}", body)).json()["data"]
        assert (found["name"], found["platform"]) == (name, row["platform"])
        assert await client.status_of_get(f"/inventory/vmware/hosts/{row['name']}") == 404


async def test_one_name_on_two_vcenters(client: Client, estate: World) -> None:
    """A name is no identity: the same one is found below each, by another id."""
    other = virtual_machine(estate.book, estate.other_host_name, "web01")
    path = f"/inventory/vmware/hosts/{estate.other_host_name}"
    (row,) = (await client.get(path, typeFilter="VirtualMachine"))["data"]
    assert (row["name"], row["objectId"]) == ("web01", other.model["objectId"])
    (first,) = (await client.get(f"/inventory/vmware/hosts/{estate.host_name}", nameFilter="web01"))["data"]
    assert first["objectId"] != row["objectId"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"filter": _predicate("type", "equals", "WindowsComputer")}, ["phys01", "phys02"]),
        ({"hierarchyType": "Clusters"}, ["Servers"]),
        ({"filter": _predicate("path", "contains", "phys02")}, ["phys02"]),
        ({"filter": _predicate("parentObjectId", "equals", "?")}, []),
        ({"filter": _predicate("hostName", "equals", "x")}, None),
        ({"hierarchyType": "VmsAndTags"}, None),
    ],
)
async def test_a_group_is_browsed_by_what_agents_have(
    client: Client, estate: World, body: dict[str, Any], names: list[str] | None
) -> None:
    """Properties of physical objects and their two hierarchies; those of virtual ones are refused."""
    (group,) = (await client.post("/inventory/physical", {})).json()["data"]
    assert group["id"] == estate.book.inventory["", "ProtectionGroup", "Servers"].model["id"]
    answer = await client.post(f"/inventory/physical/{group['id']}", body)
    found = [row["name"] for row in answer.json()["data"]] if answer.status_code == 200 else None
    assert found == names


async def test_inventory_rows_may_come_in_their_old_form(estate: World) -> None:
    """Each wrapped, as the vendor's example still shows."""
    behaviour = Behaviour(quirks=Quirks(wraps_inventory=True))
    async with VbrSandbox(estate, behaviour=behaviour) as vbr, Client(vbr) as client:
        await client.log_in()
        rows = (await client.get("/inventory/vmware/hosts"))["data"]
    assert rows[0]["inventoryObject"]["name"] == estate.host_name
    assert rows[0]["size"] == "N/A"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Default Backup Repository", "bucket", "hardened", "linux"]),
        ({"typeFilter": "LinuxHardened"}, ["hardened"]),
        ({"isOnlineFilter": "false"}, ["hardened"]),
        ({"isOutOfDateFilter": "true"}, ["linux"]),
        ({"capacityFilter": "50"}, ["linux"]),
        ({"freeSpaceFilter": "5.0"}, ["hardened"]),
        ({"nameFilter": "*repo*"}, ["Default Backup Repository"]),
        ({"orderColumn": "FreeGB", "orderAsc": "true", "limit": "2"}, ["bucket", "hardened"]),
        ({"sobrMembershipFilter": "x"}, []),
        ({"excludeExtents": "true", "limit": "1"}, ["Default Backup Repository"]),
    ],
)
async def test_repository_states(
    client: Client, estate: World, query: dict[str, str], names: list[str]
) -> None:
    """Filtered and ordered."""
    assert len(estate.book.repositories) == 4
    assert await client.names("/backupInfrastructure/repositories/states", **query) == names


@pytest.fixture
def pool(world: World) -> ScaleOutRepository:
    add_repository(world.book, RepositoryFacts("plain", "LinuxLocal", 50.0, 25.0, "l1", "/y"))
    extents = [
        RepositoryFacts(f"extent{number}", "LinuxLocal", 100.0, 40.0, f"x{number}", "/x") for number in (1, 2)
    ]
    add_scale_out_repository(world.book, "Other pool", ())
    return add_scale_out_repository(world.book, "Pool", extents)


async def test_scale_out_repositories_stand_in_a_list_of_their_own(
    client: Client, pool: ScaleOutRepository
) -> None:
    """With their extents, filtered and in pages; no state and no repository has their IDs."""
    path = "/backupInfrastructure/scaleOutRepositories"
    assert await client.names(path, orderColumn="Name", orderAsc="true") == ["Other pool", "Pool"]
    assert await client.names(path, skip="1", limit="1") == ["Pool"]
    assert await client.names(path, nameFilter="*OTHER*") == ["Other pool"]
    (row,) = (await client.get(path, nameFilter="pool"))["data"]
    assert row["id"] == pool.id
    assert [one["name"] for one in row["performanceTier"]["performanceExtents"]] == ["extent1", "extent2"]
    assert await client.names("/backupInfrastructure/repositories/states", idFilter=pool.id) == []
    assert await client.status_of_get(f"/backupInfrastructure/repositories/{pool.id}") == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Default Backup Repository", "plain", "extent1", "extent2"]),
        ({"excludeExtents": "true"}, ["Default Backup Repository", "plain"]),
        ({"sobrIdFilter": "the pool"}, ["extent1", "extent2"]),
        ({"sobrExtentTypeFilter": "Performance", "skip": "1"}, ["extent2"]),
        ({"sobrExtentTypeFilter": ["Capacity", "Archive"]}, []),
        ({"sobrMembershipFilter": "po*"}, ["extent1", "extent2"]),
        ({"sobrMembershipFilter": "other pool"}, []),
    ],
)
async def test_states_tell_the_extents(
    client: Client, pool: ScaleOutRepository, query: dict[str, Any], names: list[str]
) -> None:
    """Whose they are, and of which tier; a filter takes them out."""
    asked = {name: pool.id if value == "the pool" else value for name, value in query.items()}
    rows = (await client.get("/backupInfrastructure/repositories/states", **asked))["data"]
    assert [row["name"] for row in rows] == names
    details = [row["scaleOutRepositoryDetails"] for row in rows if row["name"].startswith("extent")]
    assert all(
        one == {"membership": "Pool", "scaleOutRepositoryId": pool.id, "extentType": "Performance"}
        for one in details
    )


async def test_repositories_have_models_of_their_type(client: Client, estate: World) -> None:
    """List and single; object storage has no host."""
    rows = (await client.get("/backupInfrastructure/repositories", typeFilter=["S3Compatible", "WinLocal"]))[
        "data"
    ]
    assert [row["type"] for row in rows] == ["WinLocal", "S3Compatible"]
    assert await client.get(f"/backupInfrastructure/repositories/{rows[1]['id']}") == rows[1]
    state = (await client.get("/backupInfrastructure/repositories/states", idFilter=rows[1]["id"]))["data"][0]
    assert state.get("hostId") is None
    assert estate.default_repository_id == rows[0]["id"]


async def test_proxy_states(client: Client, estate: World) -> None:
    """Filtered by several types, by being online or disabled."""
    path = "/backupInfrastructure/proxies/states"
    assert len(estate.book.proxies) == 2
    assert await client.names(path, typeFilter=["ViProxy", "HvProxy"], isOnlineFilter="false") == ["proxy02"]
    assert await client.names(path, isDisabledFilter="false", orderColumn="HostName") == ["proxy01"]


async def test_the_server_tells_about_itself(client: Client) -> None:
    """Its build, its licence, its time with seven digits."""
    assert (await client.get("/serverInfo"))["buildVersion"] == "13.0.0.4967"
    assert (await client.get("/license"))["status"] == "Valid"
    told = (await client.get("/serverTime"))["serverTime"]
    assert len(told.split(".")[1]) == len("1234560+02:00")
    assert datetime.fromisoformat(told).tzinfo is not None
