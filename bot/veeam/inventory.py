"""What jobs can name: virtual machines, computers, tenants, file servers, and the accounts for them."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from bot.veeam.decoding import JsonObject, Row, known

_KEYS_OF_AN_OBJECT = ("platform", "type", "hostName", "name", "objectId", "urn")
_KEYS_OF_AN_AGENT = ("platform", "type", "id", "name", "path", "parentObjectId", "protectionGroupId")


class InventoryObject(Row, frozen=True, gc=False):
    """A virtual machine, host or container in the inventory.

    Answers that wrap each row as `{"inventoryObject": …, "size": …}` are read too.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    platform: str = ""
    type: str = ""
    host_name: str = ""
    object_id: str | None = None
    urn: str | None = None

    @classmethod
    def as_object(cls, value: object) -> dict[str, Any] | None:
        """Unwraps the old form."""
        whole = super().as_object(value)
        inner = (whole or {}).get("inventoryObject")
        return {**(whole or {}), **inner} if isinstance(inner, dict) else whole

    def to_json(self) -> dict[str, str]:
        """The object as a request names it (VmwareObjectModel); absent keys are left out."""
        return _present(self, _KEYS_OF_AN_OBJECT)


class AgentObject(Row, frozen=True, gc=False):
    """A protection group, or a computer or cluster in one, as the physical inventory lists them."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    protection_group_id: str | None = None
    parent_object_id: str | None = None
    path: str | None = None
    platform: str = "Agent"

    def to_json(self) -> dict[str, str]:
        """The object as a job names it (AgentObjectModel); absent keys are left out."""
        return _present(self, _KEYS_OF_AN_AGENT)


class Credentials(Row, frozen=True, gc=False):
    """A credentials record, by which a job names an account (`/credentials`). VBR never sends the secret."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    username: str = ""
    description: str = ""
    type: str = ""


class Tenant(Row, frozen=True, gc=False):
    """A Microsoft Entra tenant (`/inventory/entraId/tenants`). Before 1.3-rev2 it has no name."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    description: str = ""
    azure_tenant_id: str = ""

    @property
    def title(self) -> str:
        """What people call it, as far as VBR knows."""
        return self.name or self.description or self.azure_tenant_id or self.id


class _StorageAccount(JsonObject, frozen=True, gc=False):
    friendly_name: str = ""


class DataServer(Row, frozen=True, gc=False):
    """A file server, a share or an object storage account (`/inventory/unstructuredDataServers`)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    type: str = ""
    name: str = ""
    path: str = ""
    friendly_name: str = ""
    account: _StorageAccount | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        account = self.account.friendly_name if self.account else ""
        return self.name or self.path or self.friendly_name or account or self.id

    @property
    def is_object_storage(self) -> bool:
        """Whether it holds buckets or containers rather than files."""
        return known(DataServerKind, self.type) in _OBJECT_STORAGE

    def object_in_job(self, *, names_kind: bool) -> dict[str, str]:
        """All of it, as a job names it: UnstructuredBackupJobObjectModel."""
        if self.is_object_storage:
            place, kind = {"objectStorageServerId": self.id}, "ObjectStorageRoot"
        else:
            place = {"fileServerId": self.id} | ({"path": self.path} if self.path else {})
            server_kind = known(DataServerKind, self.type)
            kind = _KIND_OF_SHARE.get(server_kind, _SHARE) if server_kind is not None else _SHARE
        return place | ({"type": kind} if names_kind else {})


class DataServerKind(StrEnum):
    """EUnstructuredDataServerType, all revisions."""

    FILE_SERVER = "FileServer"
    SMB_SHARE = "SMBShare"
    NFS_SHARE = "NFSShare"
    NAS_FILER = "NASFiler"
    S3_COMPATIBLE = "S3Compatible"
    AMAZON_S3 = "AmazonS3"
    AZURE_BLOB = "AzureBlob"
    AZURE_DATA_LAKE = "AzureDataLake"
    SAN_SMB_SHARE = "SANSMBShare"
    SAN_NFS_SHARE = "SANNFSShare"


_OBJECT_STORAGE = frozenset(
    {
        *(DataServerKind.S3_COMPATIBLE, DataServerKind.AMAZON_S3),
        *(DataServerKind.AZURE_BLOB, DataServerKind.AZURE_DATA_LAKE),
    }
)
_SHARE = "FileServerShare"
_KIND_OF_SHARE = {DataServerKind.FILE_SERVER: "FileServerRoot", DataServerKind.NAS_FILER: "SanFiler"}


class Entity(Row, frozen=True, gc=False):
    """A protection group, or what it has found (`/agents/protectionGroups`, `…/discoveredEntities`)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""


def _present(row: Row, keys: tuple[str, ...]) -> dict[str, str]:
    values = msgspec.to_builtins(row)
    return {key: values[key] for key in keys if values[key]}
