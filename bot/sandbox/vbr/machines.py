"""The inventory that a VBR server protects: machines of all platforms, and the containers they lie in.

A host comes into the inventory with the first machine below it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

from bot.sandbox.vbr import words
from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.state import InventoryItem

_Row = tuple[str, str, str, frozenset[str]]

_CLUSTERS = frozenset({"HostsAndClusters", "HostsAndDatastores", "HostsAndDisks"})
_TEMPLATES = frozenset({"VmsAndTemplates"})
_TAGS = frozenset({"VmsAndTags"})
_DATASTORES = frozenset({"DatastoresAndVms", "HostsAndDatastores", "VmwareDatastores"})
_VSPHERE = _CLUSTERS | _TEMPLATES | _TAGS | {"DatastoresAndVms"}
_HYPERV_HOSTS = frozenset({"HostsAndVMs", "Hosts", "HostsAndVolumes"})
_HYPERV = _HYPERV_HOSTS | {"VMGroups", "Tags"}
_CLOUD = frozenset({"VAppsAndVms"})
_COMPUTERS, _CLUSTERED = frozenset({"Computers"}), frozenset({"Clusters"})


@dataclass(frozen=True)
class _Platform:
    """What a host of a platform is, what it comes with, and where a new machine is put."""

    name: str
    root: str
    hierarchies: frozenset[str]
    machines: frozenset[str]
    containers: tuple[_Row, ...]
    folders: tuple[tuple[tuple[str, ...], str], ...]
    """Beginnings of machines' names, and the container of those that begin so; the last takes all others."""
    elsewhere: tuple[tuple[str, ...], ...] = ()
    """For each other hierarchy the containers that machines are spread over."""

    def container_of(self, machine: str) -> str:
        return next(name for beginnings, name in self.folders if machine.casefold().startswith(beginnings))


_PLATFORMS = {
    "VSphere": _Platform(
        "VSphere", "vCenterServer", _VSPHERE | _DATASTORES, _VSPHERE,
        containers=(
            ("Datacenter", "Prague", "", _VSPHERE | _DATASTORES),
            ("Cluster", "Cluster 01", "Prague", _CLUSTERS),
            ("Host", "esx01.example.com", "Cluster 01", _CLUSTERS),
            ("Host", "esx02.example.com", "Cluster 01", _CLUSTERS),
            ("ResourcePool", "Services", "Cluster 01", frozenset({"HostsAndClusters"})),
            ("Cluster", "Cluster 02", "Prague", _CLUSTERS),
            ("Host", "esx03.example.com", "Cluster 02", _CLUSTERS),
            ("ResourcePool", "Databases (reserved)", "Cluster 02", frozenset({"HostsAndClusters"})),
            ("Folder", "Production", "Prague", _TEMPLATES),
            ("Folder", "Databases", "Production", _TEMPLATES),
            ("Folder", "Frontend", "Production", _TEMPLATES),
            ("Folder", "Test & Development", "Prague", _TEMPLATES),
            ("Template", "tpl-win2025", "Production", _TEMPLATES),
            ("Template", "tpl-debian13", "Production", _TEMPLATES),
            ("DatastoreCluster", "SAN all flash", "Prague", _DATASTORES),
            ("Datastore", "SAN-01", "SAN all flash", _DATASTORES),
            ("Datastore", "SAN-02", "SAN all flash", _DATASTORES),
            ("Category", "Backup", "", _TAGS),
            ("Tag", "Gold", "Backup", _TAGS),
            ("Tag", "Silver", "Backup", _TAGS),
        ),
        folders=(
            (("sql", "ora", "erp"), "Databases"),
            (("web", "dmz"), "Frontend"),
            (("dev", "test"), "Test & Development"),
            (("",), "Production"),
        ),
        elsewhere=(
            ("esx01.example.com", "esx02.example.com", "esx03.example.com"),
            ("SAN-01", "SAN-02"),
            ("Gold", "Silver"),
        ),
    ),
    "HyperV": _Platform(
        "HyperV", "Scvmm", _HYPERV, _HYPERV,
        containers=(
            ("HostGroup", "All Hosts", "", _HYPERV_HOSTS),
            ("Cluster", "HV-CL01", "All Hosts", _HYPERV_HOSTS),
            ("Host", "hv01.example.com", "HV-CL01", _HYPERV_HOSTS),
            ("Host", "hv02.example.com", "HV-CL01", _HYPERV_HOSTS),
            ("CSV", "Volume1", "HV-CL01", frozenset({"HostsAndVolumes"})),
            ("VMGroup", "Line of business", "", frozenset({"VMGroups"})),
            ("Tag", "Backup daily", "", frozenset({"Tags"})),
        ),
        folders=((("",), "HV-CL01"),),
    ),
    "CloudDirector": _Platform(
        "CloudDirector", "CloudDirectorServer", _CLOUD | {"StoragePolicies", "Datastores"}, _CLOUD,
        containers=(
            ("Organization", "Tenant A", "", _CLOUD),
            ("OrganizationVDC", "Tenant A vDC", "Tenant A", _CLOUD),
            ("vApp", "Shop A", "Tenant A vDC", _CLOUD),
            ("Organization", "Tenant B", "", _CLOUD),
            ("OrganizationVDC", "Tenant B vDC", "Tenant B", _CLOUD),
            ("vApp", "Shop B", "Tenant B vDC", _CLOUD),
            ("StoragePolicy", "Fast", "", frozenset({"StoragePolicies"})),
        ),
        folders=((("tenant-b",), "Shop B"), (("",), "Shop A")),
    ),
}  # fmt: skip
_PREFIXES = {
    "VirtualMachine": "vm", "Datacenter": "datacenter", "Cluster": "domain-c", "Host": "host",
    "ResourcePool": "resgroup", "Folder": "group-v", "Template": "vm", "Datastore": "datastore",
    "DatastoreCluster": "group-p", "Category": "category", "Tag": "urn:vmomi:InventoryServiceTag",
}  # fmt: skip
_GROUPS_OF_KINDS = {
    "WindowsComputer": "Windows servers",
    "LinuxComputer": "Linux servers",
    "WindowsCluster": "Windows clusters",
}
_IRIS_GROUP = "InterSystems IRIS servers"


def machine(book: Book, platform: str, host_name: str, name: str) -> InventoryItem:
    """The VM of that name below a vCenter, an SCVMM or a Cloud Director, added where it is not there yet."""
    known = book.inventory.get((host_name, "VirtualMachine", name))
    if known is not None:
        return known
    facts = _PLATFORMS[platform]
    if (host_name, facts.root, host_name) not in book.inventory:
        add_host(book, platform, host_name)
    row = ("VirtualMachine", name, facts.container_of(name), facts.machines)
    item = _add(book, platform, host_name, row)
    place = crc32(name.encode())
    item.also_in = frozenset(containers[place % len(containers)] for containers in facts.elsewhere)
    item.model["size"] = f"{book.rng.randint(80, 4000) / 10} GB"
    return item


def virtual_machine(book: Book, host_name: str, name: str) -> InventoryItem:
    """The VM of that name below a vCenter, added where it is not there yet."""
    return machine(book, "VSphere", host_name, name)


def add_host(book: Book, platform: str, host_name: str) -> None:
    """Add a vCenter, an SCVMM or a Cloud Director, with all that is in it but machines."""
    facts = _PLATFORMS[platform]
    _add(book, platform, host_name, (facts.root, host_name, "", facts.hierarchies), is_root=True)
    for row in facts.containers:
        _add(book, platform, host_name, row)


_REPLICA_PLACES = {
    "host": ("Host", "esx01.example.com"),
    "resourcePool": ("ResourcePool", "Services"),
    "folder": ("Folder", "Production"),
    "datastore": ("Datastore", "SAN-01"),
}


def replica_target(book: Book, host_name: str) -> dict[str, InventoryItem]:
    """Where replicas are kept at the vCenter of the other site: host, resource pool, folder and datastore."""
    if (host_name, *_REPLICA_PLACES["host"]) not in book.inventory:
        add_host(book, "VSphere", host_name)
    return {place: book.inventory[host_name, *named] for place, named in _REPLICA_PLACES.items()}


def add_protection_group(
    book: Book,
    name: str,
    computers: Iterable[str],
    kind: str = "WindowsComputer",
    *,
    group_type: str = "IndividualComputers",
) -> None:
    """Add a protection group to the physical inventory, with computers of one kind."""
    group_id = book.derived_id("protection group", name)
    common = {"protectionGroupType": group_type}
    facts = {"type": "ProtectionGroup", "id": group_id, "name": name, "path": f"ProtectionGroup:{name}"}
    _add_agent(book, facts | common, group_id, words.AGENT_HIERARCHIES)
    for each in computers:
        facts = {
            "type": kind,
            "id": book.derived_id("computer", each),
            "name": each,
            "path": f"ProtectionGroup:{name}\\{each}",
            "parentObjectId": group_id,
        }
        _add_agent(book, facts | common, group_id, _CLUSTERED if kind == "WindowsCluster" else _COMPUTERS)


def computer(book: Book, kind: str, name: str) -> InventoryItem:
    """The physical machine of that name, added to a group of its kind where it is in none yet."""
    if ("", kind, name) not in book.inventory:
        add_protection_group(book, _GROUPS_OF_KINDS[kind], (name,), kind)
    return book.inventory["", kind, name]


def iris_server(book: Book, name: str) -> InventoryItem:
    """The InterSystems IRIS server of that name, added to the protection group of its kind."""
    if ("", "LinuxComputer", name) not in book.inventory:
        add_protection_group(book, _IRIS_GROUP, (name,), "LinuxComputer", group_type="Iris")
    return book.inventory["", "LinuxComputer", name]


def machines_within(book: Book, item: InventoryItem) -> Iterator[str]:
    """The names of the machines in a container at any depth, or of the machine itself."""
    model = item.model
    if model["type"] in {"VirtualMachine", *_GROUPS_OF_KINDS}:
        yield model["name"]
        return
    inside = model["id"] if model["platform"] == "Agent" else model["name"]
    for other in list(book.inventory.values()):
        is_here = other.model.get("hostName") == model.get("hostName")
        if is_here and other is not item and (inside == other.parent or inside in other.also_in):
            yield from machines_within(book, other)


def _add(book: Book, platform: str, host_name: str, row: _Row, *, is_root: bool = False) -> InventoryItem:
    kind, name, parent, hierarchies = row
    object_id = book.derived_id(host_name, kind, name)
    if platform == "VSphere" and not is_root:
        object_id = f"{_PREFIXES[kind]}-{1000 + len(book.inventory)}"
    model = {
        "platform": platform, "hostName": host_name, "name": name, "type": kind, "objectId": object_id,
        "urn": f"{platform[:2].lower()}:{host_name}/{name}", "size": "N/A",
    }  # fmt: skip
    item = InventoryItem(model, None if is_root else parent or host_name, hierarchies)
    book.inventory[host_name, kind, name] = item
    return item


def _add_agent(book: Book, facts: dict[str, str], group_id: str, hierarchies: frozenset[str]) -> None:
    model = {"platform": "Agent", "protectionGroupId": group_id, "size": "N/A", **facts}
    book.inventory["", facts["type"], facts["name"]] = InventoryItem(
        model, facts.get("parentObjectId"), hierarchies
    )
