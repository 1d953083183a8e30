"""What a VBR server has around its jobs: repositories, proxies, and the infrastructure it protects."""

from dataclasses import dataclass
from typing import Any

from bot.sandbox.vbr import words
from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.state import InventoryItem, Proxy, Repository

_CLUSTERS = frozenset({"HostsAndClusters", "HostsAndDatastores", "HostsAndDisks"})
_TEMPLATES = frozenset({"VmsAndTemplates"})
_TAGS = frozenset({"VmsAndTags"})
_DATASTORES = frozenset({"DatastoresAndVms", "HostsAndDatastores", "VmwareDatastores"})
_COMPUTERS = frozenset({"Computers"})
_MACHINES = _CLUSTERS | _TEMPLATES | _TAGS | {"DatastoresAndVms"}


@dataclass(frozen=True)
class RepositoryFacts:
    """A repository to add; sizes in binary gigabytes. Without a host it is object storage."""

    name: str
    type: str
    capacity_gb: float
    free_gb: float
    host_name: str | None = None
    path: str | None = None
    is_online: bool = True
    is_out_of_date: bool = False


def add_repository(book: Book, facts: RepositoryFacts) -> Repository:
    """Add a repository of one of the types WinLocal, LinuxLocal, LinuxHardened and S3Compatible."""
    mount_server = {
        "mountServerId": book.new_id(),
        "writeCacheFolder": "/var/lib/veeam/IRCache"
        if facts.path is None or "/" in facts.path
        else "C:\\IRCache",
        "vPowerNFSEnabled": True,
    }
    windows = facts.type == "WinLocal"
    settings: dict[str, Any] = {
        "mountServer": {"mountServerSettingsType": "windows", "windows": mount_server}
        if windows
        else {"mountServerSettingsType": "linux", "linux": mount_server}
    }
    host_id = None if facts.host_name is None else book.new_id()
    if host_id is not None:
        settings |= {
            "hostId": host_id,
            "repository": {"path": facts.path, "taskLimitEnabled": True, "maxTaskCount": 4},
        }
    else:
        settings |= _bucket(book)
    repository = Repository(
        id=book.new_id(), name=facts.name, type=facts.type,
        description=f"Created by .\\veeamadmin: {facts.name}",
        host_id=host_id, host_name=facts.host_name, path=facts.path, capacity_gb=facts.capacity_gb,
        free_gb=facts.free_gb,
        used_gb=round(book.rng.uniform(0.5, 1.4) * (facts.capacity_gb - facts.free_gb), 2),
        settings=settings, is_online=facts.is_online, is_out_of_date=facts.is_out_of_date,
    )  # fmt: skip
    book.repositories[repository.id] = repository
    return repository


def add_default_repository(book: Book) -> Repository:
    """Add the repository that every installation begins with."""
    return add_repository(
        book,
        RepositoryFacts(
            "Default Backup Repository", "WinLocal", 2048.0, 1210.5, "vbr01.example.com", "C:\\Backup"
        ),
    )


def add_proxy(
    book: Book, name: str, kind: str, *, is_online: bool = True, is_disabled: bool = False
) -> Proxy:
    """Add a backup proxy."""
    proxy = Proxy(
        id=book.new_id(), name=name, type=kind, description="Created by Veeam Backup & Replication",
        host_id=book.new_id(), host_name=name, is_online=is_online, is_disabled=is_disabled,
    )  # fmt: skip
    book.proxies[proxy.id] = proxy
    return proxy


def add_vcenter(book: Book, host_name: str) -> None:
    """Add a vCenter with a datacenter, a cluster, two hosts, folders, a datastore, a template and tags."""
    _add(book, host_name, "vCenterServer", host_name, _MACHINES | _DATASTORES)
    number = book.rng.randint(1000, 60000)
    for kind, name, parent, hierarchies in (
        ("Datacenter", "Prague", host_name, _MACHINES | _DATASTORES),
        ("Cluster", "Cluster 01", "Prague", _CLUSTERS),
        ("Host", "esx01.example.com", "Cluster 01", _CLUSTERS),
        ("Host", "esx02.example.com", "Cluster 01", _CLUSTERS),
        ("ResourcePool", "Services", "Cluster 01", frozenset({"HostsAndClusters"})),
        ("Folder", "Production", "Prague", _TEMPLATES),
        ("Folder", "Test & Development", "Prague", _TEMPLATES),
        ("Template", "tpl-win2025", "Production", _TEMPLATES),
        ("Datastore", "SAN-01", "Prague", _DATASTORES),
        ("Category", "Backup", host_name, _TAGS),
        ("Tag", "Gold", "Backup", _TAGS),
        ("Tag", "Silver", "Backup", _TAGS),
    ):
        number += 1
        item = _add(book, host_name, kind, name, hierarchies)
        item.parent = parent
        item.model["objectId"] = f"{_PREFIXES[kind]}-{number}"


def virtual_machine(book: Book, host_name: str, name: str) -> InventoryItem:
    """The VM of that name in a vCenter, added where it is not there yet."""
    known = book.inventory.get((host_name, "VirtualMachine", name))
    if known is not None:
        return known
    if (host_name, "vCenterServer", host_name) not in book.inventory:
        add_vcenter(book, host_name)
    item = _add(book, host_name, "VirtualMachine", name, _MACHINES)
    item.parent = "Production"
    item.model |= {
        "objectId": f"vm-{1000 + len(book.inventory)}",
        "size": f"{book.rng.randint(80, 4000) / 10} GB",
    }
    return item


def add_protection_group(book: Book, name: str, computers: tuple[str, ...]) -> None:
    """Add a protection group of physical machines to the physical inventory."""
    group_id = book.new_id()
    for index, computer in enumerate((name, *computers)):
        kind = "ProtectionGroup" if index == 0 else "WindowsComputer"
        model = {
            "platform": "Agent", "id": group_id if index == 0 else book.new_id(), "name": computer,
            "type": kind, "protectionGroupId": group_id, "size": "N/A",
        }  # fmt: skip
        book.inventory["", kind, computer] = InventoryItem(
            model, None if index == 0 else group_id, words.AGENT_HIERARCHIES if index == 0 else _COMPUTERS
        )


_PREFIXES = {
    "Datacenter": "datacenter", "Cluster": "domain-c", "Host": "host", "ResourcePool": "resgroup",
    "Folder": "group-v", "Template": "vm", "Datastore": "datastore", "Category": "category",
    "Tag": "urn:vmomi:InventoryServiceTag",
}  # fmt: skip


def _add(book: Book, host_name: str, kind: str, name: str, hierarchies: frozenset[str]) -> InventoryItem:
    model = {
        "platform": "VSphere", "hostName": host_name, "name": name, "type": kind, "objectId": book.new_id(),
        "urn": f"vc:{host_name}/{name}", "size": "N/A",
    }  # fmt: skip
    item = InventoryItem(model, hierarchies=hierarchies)
    book.inventory[host_name, kind, name] = item
    return item


def _bucket(book: Book) -> dict[str, Any]:
    return {
        "account": {
            "servicePoint": "https://s3.example.com",
            "regionId": "eu-01",
            "credentialsId": book.new_id(),
        },
        "bucket": {"bucketName": "veeam", "folderName": "backups"},
    }
