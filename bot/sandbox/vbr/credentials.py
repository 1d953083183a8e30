"""The records of credentials that jobs name by id. Secrets are never told, so there are none here."""

from datetime import datetime
from typing import Any

from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.query import name_matcher
from bot.sandbox.vbr.state import Credentials
from bot.sandbox.vbr.wire import variation, wire_time

_LINUX = {
    "SSHPort": 22,
    "elevateToRoot": True,
    "addToSudoers": False,
    "useSu": False,
    "authenticationType": "Password",
}


def add_credentials(
    book: Book, username: str, created_at: datetime, *, kind: str = "Standard", description: str = ""
) -> Credentials:
    """Add a record of type Standard, Linux or ManagedService; its id follows from kind and user name."""
    record = Credentials(
        book.derived_id("credentials", kind, username), username, kind, description, created_at
    )
    book.credentials[record.id] = record
    return record


def list_credentials(call: RestCall) -> Reply:
    """GET /credentials."""
    query = call.query
    found = list(call.world.book.credentials.values())
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        found = [item for item in found if matches((item.username, item.description, item.type))]
    if (kind := query.word("typeFilter", call.revision.values("ECredentialsType"))) is not None:
        found = [item for item in found if item.type == kind]
    if (after := query.moment("createdAfterFilter")) is not None:
        found = [item for item in found if item.created_at >= after]
    if (before := query.moment("createdBeforeFilter")) is not None:
        found = [item for item in found if item.created_at <= before]
    query.boolean("includeDefaultApplianceCreds")  # no appliance has left any here
    found = query.ordered(
        [item for item in found if item.type in call.revision.values("ECredentialsType")],
        {
            "Username": lambda item: item.username.casefold(),
            "Description": lambda item: item.description.casefold(),
            "Type": lambda item: item.type,
            "CreationTime": lambda item: item.created_at,
        },
    )
    return listing([_row(call, item) for item in query.page().of(found)], len(found), call)


def _row(call: RestCall, item: Credentials) -> dict[str, Any]:
    row = {
        "id": item.id,
        "username": item.username,
        "description": item.description,
        "type": item.type,
        "creationTime": wire_time(item.created_at, call.world.zone, variation(item.id) % 8),
        "uniqueId": call.world.book.derived_id(item.id),
    }
    return row | _LINUX if item.type == "Linux" else row


CREDENTIALS = (Operation("GET", "/api/v1/credentials", list_credentials),)
