"""What a VBR server has around its jobs: repositories and proxies."""

from dataclasses import dataclass
from typing import Any

from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.state import Proxy, Repository


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


def _bucket(book: Book) -> dict[str, Any]:
    return {
        "account": {
            "servicePoint": "https://s3.example.com",
            "regionId": "eu-01",
            "credentialsId": book.new_id(),
        },
        "bucket": {"bucketName": "veeam", "folderName": "backups"},
    }
