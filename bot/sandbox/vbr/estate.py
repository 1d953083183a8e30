"""What a VBR server has around its jobs: repositories, proxies, Entra tenants, servers of unstructured data.

What a job brings along (a tenant, a file server) gets ids that follow from its name, so that everything else
in the book is as it would be without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bot.sandbox.vbr.book import Book, random_id
from bot.sandbox.vbr.state import DataServer, Proxy, Repository, ScaleOutRepository, Tenant


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
    repository = _repository(facts, book.rng)
    book.repositories[repository.id] = repository
    return repository


def add_scale_out_repository(book: Book, name: str, extents: Sequence[RepositoryFacts]) -> ScaleOutRepository:
    """Add a scale-out repository with new repositories as its performance tier.

    Random through a source of its own: all else in the book is as it would be without it.
    """
    rng = Random(book.derived_id("scale-out repository", name))
    made = ScaleOutRepository(random_id(rng), name, f"Created by .\\veeamadmin: {name}", ())
    for facts in extents:
        extent = _repository(facts, rng)
        extent.scale_out = {
            "membership": name,
            "scaleOutRepositoryId": made.id,
            "extentType": "Performance",
        }
        book.repositories[extent.id] = extent
        made.extent_ids += (extent.id,)
    book.scale_out_repositories[made.id] = made
    return made


def _repository(facts: RepositoryFacts, rng: Random) -> Repository:
    mount_server = {
        "mountServerId": random_id(rng),
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
    host_id = None if facts.host_name is None else random_id(rng)
    if host_id is not None:
        settings |= {
            "hostId": host_id,
            "repository": {"path": facts.path, "taskLimitEnabled": True, "maxTaskCount": 4},
        }
    else:
        settings |= _bucket(rng)
    return Repository(
        id=random_id(rng), name=facts.name, type=facts.type,
        description=f"Created by .\\veeamadmin: {facts.name}",
        host_id=host_id, host_name=facts.host_name, path=facts.path, capacity_gb=facts.capacity_gb,
        free_gb=facts.free_gb,
        used_gb=round(rng.uniform(0.5, 1.4) * (facts.capacity_gb - facts.free_gb), 2),
        settings=settings, is_online=facts.is_online, is_out_of_date=facts.is_out_of_date,
    )  # fmt: skip


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


def _bucket(rng: Random) -> dict[str, Any]:
    return {
        "account": {
            "servicePoint": "https://s3.example.com",
            "regionId": "eu-01",
            "credentialsId": random_id(rng),
        },
        "bucket": {"bucketName": "veeam", "folderName": "backups"},
    }


def tenant(book: Book, name: str, cache_repository_id: str) -> Tenant:
    """The Entra tenant of that name, added where it is not there yet."""
    made = Tenant(
        book.derived_id("tenant", name), name, book.derived_id("azure tenant", name), cache_repository_id
    )
    return book.tenants.setdefault(made.id, made)


def file_server(book: Book, name: str, cache_repository_id: str) -> DataServer:
    r"""The file server or share of that name, added where it is not there yet.

    ``\\server\share`` is an SMB share, ``server:/export`` an NFS one, anything else a managed server.
    """
    processing: dict[str, Any] = {"cacheRepositoryId": cache_repository_id, "backupIOControlLevel": "Medium"}
    shares = {"\\\\": "SMBShare", "/": "NFSShare"}
    kind = next((kind for mark, kind in shares.items() if mark in name), "FileServer")
    if kind == "FileServer":
        settings = {"name": name, "hostId": book.derived_id("managed server", name), "processing": processing}
    else:
        proxies = {"backupProxies": {"autoSelectEnabled": True, "proxyIds": []}}
        settings = {"path": name, "processing": proxies | processing}
    return _data_server(book, name, kind, settings)


def object_storage(book: Book, name: str, cache_repository_id: str) -> DataServer:
    """The S3 compatible storage of that name, added where it is not there yet."""
    settings = {
        "account": {
            "friendlyName": name,
            "servicePoint": f"https://{name}",
            "credentialsId": book.derived_id("cloud credentials", name),
            "regionId": "eu-01",
        },
        "processing": {
            "backupProxies": {"autoSelectEnabled": True, "proxyIds": []},
            "cacheRepositoryId": cache_repository_id,
            "backupIOControlLevel": "Medium",
        },
    }
    return _data_server(book, name, "S3Compatible", settings)


def _data_server(book: Book, name: str, kind: str, settings: dict[str, Any]) -> DataServer:
    made = DataServer(book.derived_id("data server", name), name, kind, settings)
    return book.data_servers.setdefault(made.id, made)
