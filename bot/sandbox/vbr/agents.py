"""Protection groups and what was discovered in them: what agent jobs and IRIS backups are chosen from."""

from typing import Any

from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.query import name_matcher
from bot.sandbox.vbr.refusals import not_found
from bot.sandbox.vbr.state import InventoryItem
from bot.sandbox.vbr.wire import variation, wire_time

_COMPUTERS = frozenset({"WindowsComputer", "LinuxComputer", "WindowsCluster"})


def list_protection_groups(call: RestCall) -> Reply:
    """GET /agents/protectionGroups: ProtectionGroupModels of the types that the revision has."""
    query = call.query
    query.word("permissionScope", call.revision.values("EInventoryPermissionScope"))
    found = _groups(call)
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches((item.model["name"], _description(item)))]
    if (kind := query.word("typeFilter", call.revision.values("EProtectionGroupType"))) is not None:
        found = [item for item in found if item.model["protectionGroupType"] == kind]
    found = query.ordered(
        found,
        {
            "Name": lambda item: item.model["name"].casefold(),
            "Description": lambda item: _description(item).casefold(),
            "Type": lambda item: item.model["protectionGroupType"],
        },
    )
    return listing([_group_row(call, item) for item in query.page().of(found)], len(found), call)


def get_protection_group(call: RestCall) -> Reply:
    """GET /agents/protectionGroups/{id}."""
    return Reply(200, _group_row(call, _group(call)))


def list_discovered_entities(call: RestCall) -> Reply:
    """GET /agents/protectionGroups/{id}/discoveredEntities: computers and clusters with their agents."""
    query = call.query
    query.word("permissionScope", call.revision.values("EInventoryPermissionScope"))
    group_id = _group(call).model["id"]
    found = [
        item
        for item in call.world.book.inventory.values()
        if item.model.get("protectionGroupId") == group_id and item.model["type"] in _COMPUTERS
    ]
    rows = [_entity_row(call, item) for item in found]
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        rows = [row for row in rows if matches((row["name"],))]
    if (address := query.text("ipAddressFilter")) is not None:
        matches = name_matcher(address)
        rows = [row for row in rows if matches(row.get("ipAddresses", ()))]
    for parameter, key in (
        ("stateFilter", "state"),
        ("agentStatusFilter", "agentStatus"),
        ("driverStatusFilter", "driverStatus"),
    ):
        if (wanted := query.text(parameter)) is not None:
            rows = [row for row in rows if row.get(key) == wanted]
    rows = query.ordered(
        rows,
        {
            "Name": lambda row: row["name"].casefold(),
            "State": lambda row: row.get("state"),
            "AgentStatus": lambda row: row.get("agentStatus"),
            "DriverStatus": lambda row: row.get("driverStatus"),
            "OperatingSystem": lambda row: row.get("operatingSystem"),
        },
    )
    return listing(list(query.page().of(rows)), len(rows), call)


def _groups(call: RestCall) -> list[InventoryItem]:
    known = call.revision.values("EProtectionGroupType")
    return [
        item
        for item in call.world.book.inventory.values()
        if item.model["type"] == "ProtectionGroup" and item.model["protectionGroupType"] in known
    ]


def _group(call: RestCall) -> InventoryItem:
    group_id = call.identity()
    group = next((item for item in _groups(call) if item.model["id"] == group_id), None)
    if group is None:
        raise not_found("Protection group", group_id)
    return group


def _description(item: InventoryItem) -> str:
    return f"Created by .\\veeamadmin: {item.model['name']}"


def _group_row(call: RestCall, item: InventoryItem) -> dict[str, Any]:
    model = item.model
    inside = [
        other.model["name"] for other in call.world.book.inventory.values() if other.parent == model["id"]
    ]
    row = {
        "id": model["id"],
        "name": model["name"],
        "description": _description(item),
        "type": model["protectionGroupType"],
        "isDisabled": False,
    }
    if row["type"] == "Iris":
        return row | {"servers": []}
    return row | {
        "computers": [{"hostName": name, "connectionType": "PermanentCredentials"} for name in inside]
    }


def _entity_row(call: RestCall, item: InventoryItem) -> dict[str, Any]:
    model = item.model
    row = {
        "id": model["id"],
        "name": model["name"],
        "parentId": model["protectionGroupId"],
        "protectionGroupId": model["protectionGroupId"],
        "type": "Computer",
    }
    if model["type"] == "WindowsCluster":
        return row | {"type": "Cluster"}
    form = variation(model["id"])
    is_windows = model["type"] == "WindowsComputer"
    row |= {
        "state": "Online",
        "agentStatus": "Installed",
        "agentVersion": call.world.build_version,
        "driverStatus": "Installed" if is_windows else "NotInstalled",
        "rebootRequired": False,
        "ipAddresses": [f"10.20.{form % 256}.{form // 256 % 254 + 1}"],
        "lastConnected": wire_time(call.world.now(), call.world.zone, 3),
        "operatingSystem": "WindowsServer2022" if is_windows else "Unknown",
        "operatingSystemPlatform": "X64",
        "objectId": model["id"],
        "plugins": [],
    }
    return row | {"isTrusted": True} if call.revision.relates_sessions else row


AGENTS = (
    Operation("GET", "/api/v1/agents/protectionGroups", list_protection_groups),
    Operation("GET", "/api/v1/agents/protectionGroups/{id}", get_protection_group),
    Operation("GET", "/api/v1/agents/protectionGroups/{id}/discoveredEntities", list_discovered_entities),
)
