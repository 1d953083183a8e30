"""Repositories, their states, scale-out repositories, states of proxies, licence, configuration backup."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.query import name_matcher
from bot.sandbox.vbr.refusals import not_found
from bot.sandbox.vbr.state import Proxy, Repository, ScaleOutRepository
from bot.sandbox.vbr.wire import variation, wire_time, with_gaps

_NO_ID = "00000000-0000-0000-0000-000000000000"

_Test = Callable[[Repository], bool]


def list_repositories(call: RestCall) -> Reply:
    """GET /backupInfrastructure/repositories: RepositoryModels."""
    query = call.query
    found = list(call.world.book.repositories.values())
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches((item.name, item.description, item.type, item.path))]
    if (types := query.words("typeFilter", call.revision.values("ERepositoryType"))) is not None:
        found = [item for item in found if item.type in types]
    if (host_id := query.uuid("hostIdFilter")) is not None:
        found = [item for item in found if item.host_id == host_id]
    if (path := query.text("pathFilter")) is not None:
        found = [item for item in found if item.path == path]
    if query.boolean("excludeExtents"):
        found = [item for item in found if item.scale_out is None]
    if query.uuid("vmbApiPlatform") is not None or query.text("vmbApiFilter") is not None:
        found = []  # no repository here belongs to a platform plug-in
    found = query.ordered(
        found,
        {
            "Name": lambda item: item.name.casefold(),
            "Description": lambda item: item.description.casefold(),
            "Type": lambda item: item.type,
            "Host": lambda item: item.host_name,
            "Path": lambda item: item.path,
        },
    )
    return listing([_repository_row(call, item) for item in query.page().of(found)], len(found), call)


def get_repository(call: RestCall) -> Reply:
    """GET /backupInfrastructure/repositories/{id}."""
    repository = call.world.book.repositories.get(call.identity())
    if repository is None:
        raise not_found("Repository", call.identity())
    return Reply(200, _repository_row(call, repository))


def list_repository_states(call: RestCall) -> Reply:
    """GET /backupInfrastructure/repositories/states."""
    query = call.query
    tests = list(_state_tests(call))
    found = [item for item in call.world.book.repositories.values() if all(test(item) for test in tests)]
    found = query.ordered(
        found,
        {
            "Name": lambda item: item.name.casefold(),
            "Type": lambda item: item.type,
            "Host": lambda item: item.host_name,
            "Path": lambda item: item.path,
            "CapacityGB": lambda item: item.capacity_gb,
            "FreeGB": lambda item: item.free_gb,
            "UsedSpaceGB": lambda item: item.used_gb,
            "Description": lambda item: item.description.casefold(),
            "Status": lambda item: item.is_online,
            "Membership": lambda item: item.scale_out["membership"] if item.scale_out else None,
        },
    )
    return listing(
        [call.revision.written(_state_row(item), "RepositoryStateModel") for item in query.page().of(found)],
        len(found),
        call,
    )


def list_scale_out_repositories(call: RestCall) -> Reply:
    """GET /backupInfrastructure/scaleOutRepositories: ScaleOutRepositoryModels."""
    query, book = call.query, call.world.book
    found = list(book.scale_out_repositories.values())
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches((item.name, item.description))]
    found = query.ordered(
        found,
        {
            "Name": lambda item: item.name.casefold(),
            "Description": lambda item: item.description.casefold(),
            "Type": lambda _: None,
            "Host": lambda _: None,
            "Path": lambda _: None,
            "EncryptionState": lambda _: None,
        },
    )
    rows = [_scale_out_row(item, book.repositories) for item in query.page().of(found)]
    return listing(rows, len(found), call)


def list_proxy_states(call: RestCall) -> Reply:
    """GET /backupInfrastructure/proxies/states."""
    query = call.query
    found = list(call.world.book.proxies.values())
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches((item.name, item.description, item.type, item.host_name))]
    if (types := query.words("typeFilter", call.revision.values("EProxyType"))) is not None:
        found = [item for item in found if item.type in types]
    if (host_id := query.uuid("hostIdFilter")) is not None:
        found = [item for item in found if item.host_id == host_id]
    if (is_disabled := query.boolean("isDisabledFilter")) is not None:
        found = [item for item in found if item.is_disabled == is_disabled]
    if (is_online := query.boolean("isOnlineFilter")) is not None:
        found = [item for item in found if item.is_online == is_online]
    if (is_old := query.boolean("isOutOfDateFilter")) is not None:
        found = [item for item in found if item.is_out_of_date == is_old]
    found = query.ordered(
        found,
        {
            "Name": lambda item: item.name.casefold(),
            "Type": lambda item: item.type,
            "Description": lambda item: item.description.casefold(),
            "HostName": lambda item: item.host_name,
            "Status": lambda item: item.is_online,
        },
    )
    return listing([_proxy_row(item) for item in query.page().of(found)], len(found), call)


def get_license(call: RestCall) -> Reply:
    """GET /license: the InstalledLicenseModel. Since 1.3-rev2 its sections say when they end."""
    ends_at = (call.world.now() + call.world.licence_lasts).replace(hour=0, minute=0, second=0)
    ends = wire_time(ends_at, call.world.zone, 0)
    row = {
        "status": "Valid" if ends_at > call.world.now() else "Expired",
        "type": "Subscription",
        "edition": "EnterprisePlus",
        "cloudConnect": "Disabled",
        "expirationDate": ends,
        "licensedTo": "Example Corp",
        "socketLicenseSummary": None,
        "instanceLicenseSummary": {
            "package": None,
            "licensedInstancesNumber": 500,
            "usedInstancesNumber": float(len(call.world.book.jobs)),
            "newInstancesNumber": 0,
            "rentalInstancesNumber": 0,
            "expirationDate": ends,
        },
        "supportId": "02067762",
        "autoUpdateEnabled": True,
        "freeAgentInstanceConsumptionEnabled": True,
        "IsMultiSection": False,
        "proactiveSupportEnabled": True,
    }
    return Reply(200, call.revision.written(row, "InstalledLicenseModel"))


def get_config_backup(call: RestCall) -> Reply:
    """GET /configBackup: the ConfigBackupModel, with the last success where there was one."""
    world = call.world
    last: dict[str, Any] = {}
    if world.config_backup_age is not None:
        last_at = wire_time(world.now() - world.config_backup_age, world.zone, 0)
        last = {"lastSuccessfulTime": last_at, "sessionId": world.vbr_id}
    row = {
        "isEnabled": True,
        "backupRepositoryId": world.default_repository_id,
        "restorePointsToKeep": 10,
        "notifications": {"SNMPEnabled": False},
        "schedule": {
            "isEnabled": True,
            "daily": {"isEnabled": True, "localTime": "10:00", "dailyKind": "Everyday"},
        },
        "lastSuccessfulBackup": last,
        "encryption": {"isEnabled": False, "passwordId": _NO_ID},
    }
    return Reply(200, call.revision.written(row, "ConfigBackupModel"))


def _state_tests(call: RestCall) -> Iterator[_Test]:
    query = call.query
    if (repository_id := query.uuid("idFilter")) is not None:
        yield lambda item: item.id == repository_id
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        yield lambda item: matches((item.name, item.description, item.type, item.path, item.host_name))
    if (kind := query.word("typeFilter", call.revision.values("ERepositoryType"))) is not None:
        yield lambda item: item.type == kind
    if (is_online := query.boolean("isOnlineFilter")) is not None:
        yield lambda item: item.is_online == is_online
    if (is_old := query.boolean("isOutOfDateFilter")) is not None:
        yield lambda item: item.is_out_of_date == is_old
    yield from _size_tests(call)
    yield from _scale_out_tests(call)


def _size_tests(call: RestCall) -> Iterator[_Test]:
    if (capacity := call.query.number("capacityFilter")) is not None:
        yield lambda item: item.capacity_gb == capacity
    if (free := call.query.number("freeSpaceFilter")) is not None:
        yield lambda item: item.free_gb == free
    if (used := call.query.number("usedSpaceFilter")) is not None:
        yield lambda item: item.used_gb == used


def _scale_out_tests(call: RestCall) -> Iterator[_Test]:
    query = call.query
    if (scale_out_id := query.uuid("sobrIdFilter")) is not None:
        yield (
            lambda item: item.scale_out is not None and item.scale_out["scaleOutRepositoryId"] == scale_out_id
        )
    if (
        extents := query.words("sobrExtentTypeFilter", call.revision.values("EScaleOutRepositoryExtentType"))
    ) is not None:
        yield lambda item: item.scale_out is not None and item.scale_out["extentType"] in extents
    if (membership := query.text("sobrMembershipFilter")) is not None:
        belongs = name_matcher(membership)
        yield lambda item: item.scale_out is not None and belongs((item.scale_out["membership"],))
    if query.boolean("excludeExtents"):
        yield lambda item: item.scale_out is None


def _repository_row(call: RestCall, item: Repository) -> dict[str, Any]:
    row = {
        "type": item.type,
        "id": item.id,
        "name": item.name,
        "description": item.description,
        "uniqueId": item.id.replace("-", "").upper(),
        **item.settings,
    }
    spelt: dict[str, Any] = call.revision.written(row, "RepositoryModel")
    return spelt


def _state_row(item: Repository) -> dict[str, Any]:
    row = {
        "id": item.id,
        "name": item.name,
        "type": item.type,
        "description": item.description,
        "capacityGB": item.capacity_gb,
        "freeGB": item.free_gb,
        "usedSpaceGB": item.used_gb,
        "isOnline": item.is_online,
        "isOutOfDate": item.is_out_of_date,
    }
    optional = {
        "hostId": item.host_id,
        "hostName": item.host_name,
        "path": item.path,
        "scaleOutRepositoryDetails": item.scale_out,
    }
    return with_gaps(row, optional, variation(item.id))


def _scale_out_row(item: ScaleOutRepository, repositories: Mapping[str, Repository]) -> dict[str, Any]:
    extents = [{"id": extent_id, "name": repositories[extent_id].name} for extent_id in item.extent_ids]
    return {
        "id": item.id,
        "name": item.name,
        "description": item.description,
        "performanceTier": {
            "performanceExtents": extents,
            "advancedSettings": {"perVmBackup": True, "fullWhenExtentOffline": False},
        },
        "placementPolicy": {"type": "DataLocality"},
        "capacityTier": {"isEnabled": False},
        "archiveTier": {"isEnabled": False},
    }


def _proxy_row(item: Proxy) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "description": item.description,
        "type": item.type,
        "hostId": item.host_id,
        "hostName": item.host_name,
        "isDisabled": item.is_disabled,
        "isOnline": item.is_online,
        "isOutOfDate": item.is_out_of_date,
    }


INFRASTRUCTURE = (
    Operation("GET", "/api/v1/backupInfrastructure/repositories", list_repositories),
    Operation("GET", "/api/v1/backupInfrastructure/repositories/states", list_repository_states),
    Operation("GET", "/api/v1/backupInfrastructure/repositories/{id}", get_repository),
    Operation("GET", "/api/v1/backupInfrastructure/scaleOutRepositories", list_scale_out_repositories),
    Operation("GET", "/api/v1/backupInfrastructure/proxies/states", list_proxy_states),
    Operation("GET", "/api/v1/license", get_license),
    Operation("GET", "/api/v1/configBackup", get_config_backup),
)
