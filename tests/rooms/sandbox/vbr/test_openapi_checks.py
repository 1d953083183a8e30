"""The validator itself, with a document of two paths."""

from typing import Any

import pytest

from tests.support.openapi import OpenApi

PET: dict[str, Any] = {
    "type": "object",
    "required": ["kind", "name", "weight"],
    "properties": {
        "kind": {"type": "string"},
        "name": {"type": "string"},
        "weight": {"type": "number", "nullable": True},
    },
    "discriminator": {"propertyName": "kind", "mapping": {"Cat": "#/components/schemas/Cat"}},
    "oneOf": [{"$ref": "#/components/schemas/Cat"}],
}
CAT: dict[str, Any] = {
    "allOf": [
        {"$ref": "#/components/schemas/Pet"},
        {"type": "object", "required": ["lives"], "properties": {"lives": {"type": "integer"}}},
    ]
}
ERROR = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}


def _json(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _query(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {"Pet": PET, "Cat": CAT, "Error": ERROR, "EKind": {"type": "string", "enum": ["Cat"]}},
        "responses": {"Refused": _json("Error")},
    },
    "paths": {
        "/pets/{id}": {
            "get": {
                "parameters": [
                    {"name": "id", "in": "path", "schema": {"type": "string", "format": "uuid"}},
                    _query("after", type="string", format="date-time"),
                    _query("kinds", type="array", items={"$ref": "#/components/schemas/EKind"}),
                    _query("limit", type="integer"),
                ],
                "responses": {"200": _json("Pet"), "403": {"$ref": "#/components/responses/Refused"}},
            },
            "put": {"requestBody": {**_json("Pet"), "required": True}, "responses": {"204": {}}},
        },
        "/pets/states": {"get": {"responses": {"200": _json("Pet")}}},
    },
}
ID = "5c2c1f6e-0000-4000-8000-000000000001"
TOM = {"kind": "Cat", "name": "Tom", "weight": 4.2, "lives": 9}


@pytest.fixture(scope="module")
def document() -> OpenApi:
    return OpenApi(DOCUMENT)


@pytest.mark.parametrize(
    ("pet", "is_right"),
    [
        (TOM, True),
        (TOM | {"weight": None}, True),
        ({key: value for key, value in TOM.items() if key != "weight"}, True),
        (TOM | {"name": None}, False),
        (TOM | {"kind": "Dog"}, False),
        (TOM | {"lives": "nine"}, False),
        (TOM | {"livs": 9}, False),
        ({key: value for key, value in TOM.items() if key != "lives"}, False),
    ],
)
def test_the_discriminator_picks_the_schema(
    document: OpenApi, pet: dict[str, Any], *, is_right: bool
) -> None:
    """Required fields of parent and child, null as missing, no field that the document does not know."""
    assert (document.check_answer("GET", f"/pets/{ID}", 200, pet) == []) is is_right
    assert (document.check_request("PUT", f"/pets/{ID}", (), pet) == []) is is_right


@pytest.mark.parametrize(
    ("path", "query", "is_right"),
    [
        (f"/pets/{ID}", {"limit": "3", "after": "2026-01-01T00:00:00Z"}, True),
        (f"/pets/{ID}", [("kinds", "Cat"), ("kinds", "Cat")], True),
        ("/pets/states", {}, True),
        ("/pets/42", {}, False),
        (f"/pets/{ID}", {"Limit": "3"}, False),
        (f"/pets/{ID}", {"limit": "three"}, False),
        (f"/pets/{ID}", [("limit", "3"), ("limit", "4")], False),
        (f"/pets/{ID}", {"after": "2026-01-01T00:00:00"}, False),
        (f"/pets/{ID}", {"kinds": "Cat,Cat"}, False),
        ("/dogs", {}, False),
    ],
)
def test_paths_and_queries_are_checked(document: OpenApi, path: str, query: Any, *, is_right: bool) -> None:
    """Literal segments before placeholders; names by letter case, values by type, single values once."""
    assert (document.check_request("GET", path, query) == []) is is_right


@pytest.mark.parametrize(
    ("status", "answer", "is_right"),
    [
        (403, {"message": "no", "title": "Forbidden"}, True),
        (400, {"message": "no"}, True),
        (400, {"text": "no"}, False),
        (401, None, True),
        (500, None, True),
        (202, TOM, False),
        (200, None, False),
    ],
)
def test_statuses_are_checked(document: OpenApi, status: int, answer: Any, *, is_right: bool) -> None:
    """Errors by the Error schema, further fields allowed; other undocumented statuses are wrong."""
    assert (document.check_answer("GET", f"/pets/{ID}", status, answer) == []) is is_right


def test_bodies_are_demanded_and_refused(document: OpenApi) -> None:
    """Where the document requires one, or knows of none."""
    assert document.check_request("PUT", f"/pets/{ID}") != []
    assert document.check_request("GET", f"/pets/{ID}", (), {"a": 1}) != []
