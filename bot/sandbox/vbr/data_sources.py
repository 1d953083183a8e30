"""Microsoft Entra tenants, and the servers of unstructured data: file servers, shares, object storage."""

from typing import Any

from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.query import name_matcher
from bot.sandbox.vbr.refusals import not_found
from bot.sandbox.vbr.state import DataServer, Tenant


def list_tenants(call: RestCall) -> Reply:
    """GET /inventory/entraId/tenants. A tenant has a name since 1.3-rev2, and a description before."""
    query = call.query
    found = list(call.world.book.tenants.values())
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches((item.name,))]
    found = query.ordered(
        found, {"Name": lambda item: item.name.casefold(), "Description": lambda item: item.name.casefold()}
    )
    return listing([_tenant_row(call, item) for item in query.page().of(found)], len(found), call)


def get_tenant(call: RestCall) -> Reply:
    """GET /inventory/entraId/tenants/{id}."""
    found = call.world.book.tenants.get(call.identity())
    if found is None:
        raise not_found("Microsoft Entra ID tenant", call.identity())
    return Reply(200, _tenant_row(call, found))


def list_data_servers(call: RestCall) -> Reply:
    """GET /inventory/unstructuredDataServers."""
    query = call.query
    types = call.revision.values("EUnstructuredDataServerType")
    found = [item for item in call.world.book.data_servers.values() if item.type in types]
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches((item.name, item.type))]
    if (wanted := query.words("typeFilter", types)) is not None:
        found = [item for item in found if item.type in wanted]
    found = query.ordered(
        found,
        {
            "Name": lambda item: item.name.casefold(),
            "Description": lambda _: None,
            "Type": lambda item: item.type,
            "Region": lambda item: (item.settings.get("account") or {}).get("regionId"),
        },
    )
    return listing([_server_row(item) for item in query.page().of(found)], len(found), call)


def get_data_server(call: RestCall) -> Reply:
    """GET /inventory/unstructuredDataServers/{id}."""
    found = call.world.book.data_servers.get(call.identity())
    if found is None:
        raise not_found("Unstructured data server", call.identity())
    return Reply(200, _server_row(found))


def _tenant_row(call: RestCall, item: Tenant) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": item.id,
        "azureTenantId": item.azure_id,
        "description": item.name,
        "cacheRepositoryId": item.cache_repository_id,
        "region": "Global",
    }
    if call.revision.links_retries:
        row |= {"name": item.name, "credentialsType": "Certificate"}
    return row


def _server_row(item: DataServer) -> dict[str, Any]:
    return {"id": item.id, "type": item.type, **item.settings}


DATA_SOURCES = (
    Operation("GET", "/api/v1/inventory/entraId/tenants", list_tenants),
    Operation("GET", "/api/v1/inventory/entraId/tenants/{id}", get_tenant),
    Operation("GET", "/api/v1/inventory/unstructuredDataServers", list_data_servers),
    Operation("GET", "/api/v1/inventory/unstructuredDataServers/{id}", get_data_server),
)
