"""The virtual and physical inventory: the GETs that operators may use, the POSTs with filters in the body."""

from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.vbr import words
from bot.sandbox.vbr.bodies import checked
from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.query import Page, name_matcher
from bot.sandbox.vbr.refusals import Refusal, bad_request, not_found
from bot.sandbox.vbr.shapes import one_of
from bot.sandbox.vbr.state import InventoryItem

_OBJECT = "InventoryObjectModel"
_Comparison = Callable[[str, str], bool]
_COMPARISONS: dict[str, _Comparison] = {
    "in": lambda field, value: field.casefold() == value.casefold(),
    "contains": lambda field, value: value.casefold() in field.casefold(),
    "equals": lambda field, value: field.casefold() == value.casefold(),
    "notEquals": lambda field, value: field.casefold() != value.casefold(),
    "lessThan": lambda field, value: field < value,
    "lessThanOrEqual": lambda field, value: field <= value,
    "greaterThan": lambda field, value: field > value,
    "greaterThanOrEqual": lambda field, value: field >= value,
    "startsWith": lambda field, value: field.casefold().startswith(value.casefold()),
    "endsWith": lambda field, value: field.casefold().endswith(value.casefold()),
}


def list_hosts(call: RestCall) -> Reply:
    """GET /inventory/vmware/hosts: the vCenters."""
    query = call.query
    query.word("permissionScope", call.revision.values("EInventoryPermissionScope"))
    found = [item for item in _vmware(call) if item.parent is None]
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches(_texts(item))]
    found = query.ordered(
        found, {"Name": lambda item: item.model["name"].casefold(), "Type": lambda item: item.model["type"]}
    )
    return _rows(call, query.page(), found)


def list_host_objects(call: RestCall) -> Reply:
    """GET /inventory/vmware/hosts/{name}: what lies below a vCenter."""
    query = call.query
    query.word("permissionScope", call.revision.values("EInventoryPermissionScope"))
    found = _below(_vmware(call), call.path["name"])
    if (object_id := query.text("objectIdFilter")) is not None:
        found = [item for item in found if item.model["objectId"] == object_id]
    if (hierarchy := query.word("hierarchyTypeFilter", call.revision.values("EHierarchyType"))) is not None:
        found = [item for item in found if hierarchy in item.hierarchies]
    if (kind := query.word("typeFilter", call.revision.values("EVmwareInventoryType"))) is not None:
        found = [item for item in found if item.model["type"] == kind]
    if (parent := query.text("parentContainerNameFilter")) is not None:
        found = [item for item in found if parent == item.parent or parent in item.also_in]
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches(_texts(item))]
    found = query.ordered(
        found,
        {
            "Name": lambda item: item.model["name"].casefold(),
            "ObjectId": lambda item: item.model["objectId"],
            "Type": lambda item: item.model["type"],
        },
    )
    return _rows(call, query.page(), found)


def browse_servers(call: RestCall) -> Reply:
    """POST /inventory: the virtual infrastructure servers of all platforms."""
    return _browsed(call, [item for item in _virtual(call) if item.parent is None])


def browse_host(call: RestCall) -> Reply:
    """POST /inventory/{hostname}: what lies below a server."""
    return _browsed(call, _below(_virtual(call), call.path["hostname"]))


def browse_physical(call: RestCall) -> Reply:
    """POST /inventory/physical: the protection groups."""
    groups = [item for item in _physical(call) if item.parent is None]
    return _browsed(call, groups, words.AGENT_PROPERTIES, words.AGENT_HIERARCHIES)


def browse_all_physical(call: RestCall) -> Reply:
    """POST /inventory/physical/all: the protection groups and all that is in them."""
    return _browsed(call, _physical(call), words.AGENT_PROPERTIES, words.AGENT_HIERARCHIES)


def browse_protection_group(call: RestCall) -> Reply:
    """POST /inventory/physical/{protectionGroupId}: the computers of a group."""
    group_id = call.identity("protectionGroupId")
    if all(item.model["id"] != group_id for item in _physical(call)):
        raise not_found("Protection group", group_id)
    found = [item for item in _physical(call) if item.model["protectionGroupId"] == group_id]
    return _browsed(call, found, words.AGENT_PROPERTIES, words.AGENT_HIERARCHIES)


def _virtual(call: RestCall) -> list[InventoryItem]:
    return [item for item in call.world.book.inventory.values() if item.model["platform"] != "Agent"]


def _vmware(call: RestCall) -> list[InventoryItem]:
    return [item for item in _virtual(call) if item.model["platform"] == "VSphere"]


def _physical(call: RestCall) -> list[InventoryItem]:
    """Computers and groups, but for groups of a type that the revision does not have."""
    known = call.revision.values("EProtectionGroupType")
    return [
        item
        for item in call.world.book.inventory.values()
        if item.model["platform"] == "Agent" and item.model["protectionGroupType"] in known
    ]


def _below(items: list[InventoryItem], host_name: str) -> list[InventoryItem]:
    here = [item for item in items if item.model["hostName"].casefold() == host_name.casefold()]
    if not here:
        raise Refusal(404, "NotFound", f"Server '{host_name}' was not found.")
    return [item for item in here if item.parent is not None]


def _texts(item: InventoryItem) -> tuple[str | None, ...]:
    model = item.model
    return model["name"], model.get("objectId"), model["type"], model.get("hostName")


def _rows(call: RestCall, page: Page, found: list[InventoryItem]) -> Reply:
    rows = [call.revision.written(item.model, _OBJECT) for item in page.of(found)]
    if call.quirks.wraps_inventory:
        rows = [{"inventoryObject": _without_size(row), "size": row["size"]} for row in rows]
    return listing(rows, len(found), call)


def _without_size(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "size"}


def _browsed(
    call: RestCall,
    found: list[InventoryItem],
    properties: frozenset[str] = words.INVENTORY_PROPERTIES,
    hierarchies: frozenset[str] | None = None,
) -> Reply:
    body = {} if call.body is None else checked(call.revision, "InventoryBrowserFilters", call.body)
    hierarchies = hierarchies or words.OTHER_HIERARCHIES | call.revision.values("EHierarchyType")
    expression, sorting, hierarchy = body.get("filter"), body.get("sorting"), body.get("hierarchyType")
    for name in (*_properties(expression), *_properties(sorting)):
        one_of(*properties)(name, "property")
    if hierarchy is not None:
        one_of(*hierarchies)(hierarchy, "hierarchyType")
        found = [item for item in found if hierarchy in item.hierarchies]
    rows = [row for item in found if (row := call.revision.written(item.model, _OBJECT)) is not None]
    if expression is not None:
        rows = [row for row in rows if _passes(row, expression)]
    if sorting is not None:
        rows.sort(
            key=lambda row: str(row.get(sorting["property"]) or ""),
            reverse=sorting.get("direction") == "descending",
        )
    asked = body.get("pagination") or {}
    page = Page(asked.get("skip") or 0, asked.get("limit") or 200)
    if page.skip < 0 or (page.limit or 0) < 0:
        raise bad_request("pagination must not be negative.")
    shown = page.of(rows)
    pagination = {"total": len(rows), "count": len(shown), "skip": page.skip, "limit": page.limit}
    return Reply(200, {"data": shown, "pagination": pagination, "hierarchyType": hierarchy})


def _properties(expression: dict[str, Any] | None) -> Iterator[str]:
    """The properties that an expression, or an order, names."""
    if expression is not None and "property" in expression:
        yield expression["property"]
    for inner in (expression or {}).get("items") or ():
        yield from _properties(inner)


def _passes(row: dict[str, Any], expression: dict[str, Any]) -> bool:
    if expression["type"] == "PredicateExpression":
        field = row.get(expression["property"])
        return _COMPARISONS[expression["operation"]](str(field or ""), expression["value"])
    verdicts = [_passes(row, inner) for inner in expression["items"]]
    if expression["operation"] == "not":
        return not any(verdicts)
    return any(verdicts) if expression["operation"] == "or" else all(verdicts)


INVENTORY = (
    Operation("GET", "/api/v1/inventory/vmware/hosts", list_hosts),
    Operation("GET", "/api/v1/inventory/vmware/hosts/{name}", list_host_objects),
    Operation("POST", "/api/v1/inventory", browse_servers),
    Operation("POST", "/api/v1/inventory/physical", browse_physical),
    Operation("POST", "/api/v1/inventory/physical/all", browse_all_physical),
    Operation("POST", "/api/v1/inventory/physical/{protectionGroupId}", browse_protection_group),
    Operation("POST", "/api/v1/inventory/{hostname}", browse_host),
)
