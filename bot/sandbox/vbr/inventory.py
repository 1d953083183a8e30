"""The virtual and physical inventory: the GETs that operators may use, the POSTs with filters in the body."""

from collections.abc import Callable
from typing import Any

from bot.sandbox.vbr import words
from bot.sandbox.vbr.bodies import INVENTORY_FILTERS, PHYSICAL_FILTERS
from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.query import Page, name_matcher
from bot.sandbox.vbr.refusals import Refusal, bad_request
from bot.sandbox.vbr.shapes import Shape
from bot.sandbox.vbr.state import InventoryItem

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
    found = _below(_vmware(call), call.path["name"])
    if (object_id := query.text("objectIdFilter")) is not None:
        found = [item for item in found if item.model["objectId"] == object_id]
    if (hierarchy := query.word("hierarchyTypeFilter", words.HIERARCHIES)) is not None:
        found = [item for item in found if hierarchy in item.hierarchies]
    if (kind := query.word("typeFilter", words.VMWARE_TYPES)) is not None:
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
    return _browsed(call, [item for item in _physical(call) if item.parent is None], PHYSICAL_FILTERS)


def browse_all_physical(call: RestCall) -> Reply:
    """POST /inventory/physical/all: the protection groups and all that is in them."""
    return _browsed(call, _physical(call), PHYSICAL_FILTERS)


def browse_protection_group(call: RestCall) -> Reply:
    """POST /inventory/physical/{protectionGroupId}: the computers of a group."""
    group_id = call.identity("protectionGroupId")
    if all(item.model["id"] != group_id for item in _physical(call)):
        raise Refusal(404, "NotFound", f"Protection group with ID '{group_id}' was not found.")
    found = [item for item in _physical(call) if item.model["protectionGroupId"] == group_id]
    return _browsed(call, found, PHYSICAL_FILTERS)


def _virtual(call: RestCall) -> list[InventoryItem]:
    return [item for item in call.world.book.inventory.values() if item.model["platform"] != "Agent"]


def _vmware(call: RestCall) -> list[InventoryItem]:
    return [item for item in _virtual(call) if item.model["platform"] == "VSphere"]


def _physical(call: RestCall) -> list[InventoryItem]:
    return [item for item in call.world.book.inventory.values() if item.model["platform"] == "Agent"]


def _below(items: list[InventoryItem], host_name: str) -> list[InventoryItem]:
    here = [item for item in items if item.model["hostName"].casefold() == host_name.casefold()]
    if not here:
        raise Refusal(404, "NotFound", f"Server '{host_name}' was not found.")
    return [item for item in here if item.parent is not None]


def _texts(item: InventoryItem) -> tuple[str | None, ...]:
    model = item.model
    return model["name"], model.get("objectId"), model["type"], model.get("hostName")


def _rows(call: RestCall, page: Page, found: list[InventoryItem]) -> Reply:
    rows = [call.revision.written(item.model) for item in page.of(found)]
    if call.quirks.wraps_inventory:
        rows = [{"inventoryObject": _without_size(row), "size": row["size"]} for row in rows]
    return listing(rows, len(found), call)


def _without_size(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "size"}


def _browsed(call: RestCall, found: list[InventoryItem], filters: Shape = INVENTORY_FILTERS) -> Reply:
    body: dict[str, Any] = {} if call.body is None else call.body
    filters(body, "")
    if (expression := body.get("filter")) is not None:
        found = [item for item in found if _passes(call.revision.written(item.model), expression)]
    hierarchy = body.get("hierarchyType")
    if hierarchy is not None:
        found = [item for item in found if hierarchy in item.hierarchies]
    if (sorting := body.get("sorting")) is not None:
        found.sort(
            key=lambda item: str(item.model.get(sorting["property"]) or ""),
            reverse=sorting.get("direction") == "descending",
        )
    asked = body.get("pagination") or {}
    page = Page(asked.get("skip") or 0, asked.get("limit") or 200)
    if page.skip < 0 or (page.limit or 0) < 0:
        raise bad_request("pagination must not be negative.")
    rows = [call.revision.written(item.model) for item in page.of(found)]
    pagination = {"total": len(found), "count": len(rows), "skip": page.skip, "limit": page.limit}
    return Reply(200, {"data": rows, "pagination": pagination, "hierarchyType": hierarchy})


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
