"""Checking recorded requests and answers against Veeam's OpenAPI documents, whichever client made them.

The documents are not part of the project. The environment variable ``VEEAM_OPENAPI`` names the folder with
them, ``vbr-openapi-REVISION.json`` each, or a single one. Two liberties are taken with them, because no
validator could use them as they are:

* its polymorphic parents list their children in ``oneOf`` while each child includes the parent by ``allOf``,
  an endless recursion. The lists are dropped and the discriminator decides;
* null counts as missing, which is what real servers mean by it.

Field names that a document does not know are reported, except in Error bodies.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker, validators

VARIABLE = "VEEAM_OPENAPI"
_UNDOCUMENTED_REFUSALS = frozenset({400, 401, 404, 405, 409, 429})
_METHODS = frozenset({"get", "post", "put", "delete", "patch"})
_Query = Mapping[str, Any] | Iterable[tuple[str, Any]]


def document_path(revision: str = "1.3-rev0") -> Path | None:
    """The document of a revision, where the environment names it, or None: tests then skip, saying so."""
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    if Path(name).is_dir():
        path = Path(name) / f"vbr-openapi-{revision}.json"
        return path if path.is_file() else None
    return Path(name) if _revision_of(Path(name)) == revision else None


@cache
def document_of(revision: str) -> "OpenApi | None":
    """The same, read; once for all who ask."""
    path = document_path(revision)
    return None if path is None else OpenApi.load(path)


@cache
def _revision_of(path: Path) -> str:
    revision: str = json.loads(path.read_text("utf-8"))["info"]["version"]
    return revision


@dataclass(frozen=True)
class _Operation:
    path: str
    facts: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]


class OpenApi:
    """One OpenAPI document. The checks return what is wrong, in words; an empty list means nothing is."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._definitions = _definitions(document["components"]["schemas"])
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths = sorted(document["paths"], key=_placeholders)
        self._problems_of_text = lru_cache(maxsize=5000)(self._find_problems)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read the document from a file."""
        return cls(json.loads(Path(path).read_text("utf-8")))

    def check_request(self, method: str, path: str, query: _Query = (), body: Any = None) -> list[str]:
        """Check a request's path, query and body. ``path`` is as it was sent, or a template."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path}: no such operation"]
        problems = [*self._path_problems(operation, path), *self._query_problems(operation, query)]
        return [
            f"{method} {path}: {problem}" for problem in [*problems, *self._body_problems(operation, body)]
        ]

    def check_answer(self, method: str, path: str, status: int, answer: Any) -> list[str]:
        """Check an answer's status and JSON; ``answer`` is None where the body was empty."""
        operation = self._operation(method, path)
        if operation is None:
            return [] if status in {404, 405} else [f"{method} {path}: no such operation"]
        problems = self._answer_problems(operation, status, answer)
        return [f"{method} {path}: {status}: {problem}" for problem in problems]

    def schema_problems(self, name: str, instance: Any) -> list[str]:
        """Check a value against the component schema of that name, by its discriminator where it has one."""
        return self._problems(f"{name}!use", instance)

    def operations(self) -> Iterator[tuple[str, str]]:
        """All (method, path template) of the document."""
        for path, methods in self._document["paths"].items():
            for method in methods:
                if method in _METHODS:
                    yield method.upper(), path

    def parameters(self, method: str, path: str) -> set[str]:
        """The names of the query parameters of an operation."""
        operation = self._operation(method, path)
        return {p["name"] for p in operation.parameters if p["in"] == "query"} if operation else set()

    def values(self, name: str) -> set[str]:
        """The values of the enum of that name."""
        return set(self._document["components"]["schemas"][name]["enum"])

    def kinds(self, parent: str) -> set[str]:
        """The values by which a polymorphic schema is told apart."""
        return set(self._document["components"]["schemas"][parent]["discriminator"]["mapping"])

    def fields(self, parent: str, kind: str) -> set[str]:
        """The names of the fields of one kind of a polymorphic schema, inherited ones included."""
        schemas = self._document["components"]["schemas"]
        child = schemas[_name(schemas[parent]["discriminator"]["mapping"][kind])]
        parts = [self._resolved(part) for part in child["allOf"]]
        return {name for part in parts for name in part.get("properties", {})}

    def parameter_values(self, method: str, path: str, name: str) -> set[str]:
        """The values that a query parameter may take, by its enum."""
        operation = self._operation(method, path)
        found = [p["schema"]["$ref"] for p in operation.parameters if p["name"] == name] if operation else []
        return self.values(_name(found[0])) if found else set()

    def _operation(self, method: str, path: str) -> _Operation | None:
        for template in self._paths:
            facts = self._document["paths"][template]
            if method.lower() in facts and _matches(template, path):
                operation = facts[method.lower()]
                found = [*facts.get("parameters", ()), *operation.get("parameters", ())]
                return _Operation(
                    template, operation, tuple(self._resolved(parameter) for parameter in found)
                )
        return None

    def _path_problems(self, operation: _Operation, path: str) -> Iterator[str]:
        if path == operation.path:
            return
        for expected, found in zip(operation.path.split("/"), path.split("/"), strict=True):
            schema = next((p["schema"] for p in operation.parameters if f"{{{p['name']}}}" == expected), None)
            if schema is not None and schema.get("format") == "uuid" and not _is_uuid(found):
                yield f"{expected} is no UUID: {found}"

    def _query_problems(self, operation: _Operation, query: _Query) -> Iterator[str]:
        pairs = list(query.items()) if isinstance(query, Mapping) else list(query)
        known = {p["name"]: p["schema"] for p in operation.parameters if p["in"] == "query"}
        values: dict[str, list[Any]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        for name, found in values.items():
            if name not in known:
                yield f"unknown query parameter {name}"
                continue
            schema = known[name]
            if schema.get("type") != "array" and len(found) > 1:
                yield f"{name} takes one value"
            schema = schema.get("items", schema)
            for value in found:
                yield from (f"{name}: {problem}" for problem in self._text_problems(schema, str(value)))

    def _text_problems(self, schema: Mapping[str, Any], text: str) -> list[str]:
        if "$ref" in schema:
            return self._problems(f"{_name(schema['$ref'])}!use", text)
        if schema.get("format") == "date-time":
            return [] if _is_moment(text, needs_offset=True) else [f"no date-time with an offset: {text}"]
        if schema.get("format") == "uuid":
            return [] if _is_uuid(text) else [f"no UUID: {text}"]
        try:
            _READERS[schema.get("type", "string")](text)
        except ValueError:
            return [f"no {schema['type']}: {text}"]
        return []

    def _body_problems(self, operation: _Operation, body: Any) -> list[str]:
        expected = operation.facts.get("requestBody")
        if expected is None:
            return [] if body in (None, {}) else ["takes no body"]
        if body is None:
            return ["needs a body"] if expected.get("required") else []
        return self._content_problems(expected, body)

    def _answer_problems(self, operation: _Operation, status: int, answer: Any) -> list[str]:
        expected = operation.facts["responses"].get(str(status))
        if expected is None:
            if status not in _UNDOCUMENTED_REFUSALS and status < 500:
                return ["this status is not documented"]
            return [] if answer is None else self._problems("Error", answer)
        expected = self._resolved(expected)
        if answer is None:
            return [] if status in {204, 401} or not expected.get("content") else ["the body is empty"]
        return self._problems("Error", answer) if status >= 400 else self._content_problems(expected, answer)

    def _content_problems(self, expected: Mapping[str, Any], value: Any) -> list[str]:
        (content,) = expected["content"].values()
        definition = f"{_name(content['schema']['$ref'])}!use"
        return [problem for part in _one_by_one(value) for problem in self._problems(definition, part)]

    def _problems(self, definition: str, value: Any) -> list[str]:
        # Tests over the same world get the same answers.
        return self._problems_of_text(definition, json.dumps(_without_nulls(value)))

    def _find_problems(self, definition: str, text: str) -> list[str]:
        validator = self._validators.get(definition)
        if validator is None:
            schema = {"$ref": f"#/$defs/{definition}", "$defs": self._definitions}
            validator = self._validators[definition] = _Validator(schema, format_checker=_FORMATS)
        errors = validator.iter_errors(json.loads(text))
        return [f"{error.json_path}: {error.message[:300]}" for error in errors]

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = node.get("$ref")
        if reference is None:
            return node
        found: Any = self._document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        resolved: Mapping[str, Any] = found
        return resolved


def _one_by_one(value: Any) -> Iterator[Any]:
    """A page of a list as a page for each of its rows: most of them were checked before."""
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        yield value
        return
    yield {**value, "data": []}
    page = {**value, "pagination": _PAGINATION} if "pagination" in value else value
    yield from ({**page, "data": [row]} for row in value["data"])


def _definitions(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Each schema twice: open, to be included by others, and ``…!use``, closed, where a value stands."""
    definitions: dict[str, Any] = {}
    for name, schema in schemas.items():
        definitions[name] = _translated(schema)
        definitions[f"{name}!use"] = _use(name, schema)
    return definitions


def _use(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    discriminator = schema.get("discriminator")
    if discriminator is not None and "oneOf" in schema:
        return _dispatch(discriminator["propertyName"], discriminator["mapping"])
    is_object = "properties" in schema or "allOf" in schema or schema.get("type") == "object"
    return {"$ref": f"#/$defs/{name}", **({"unevaluatedProperties": False} if is_object else {})}


def _dispatch(key: str, mapping: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": list(mapping)}},
        _BY_KIND: (key, {value: f"#/$defs/{_name(reference)}!use" for value, reference in mapping.items()}),
    }


def _kind_problems(
    validator: Any, by_kind: tuple[str, Mapping[str, str]], value: Any, _schema: Mapping[str, Any]
) -> Iterator[Any]:
    """Check a polymorphic value by the schema of its kind alone; that it has one is asked elsewhere."""
    key, references = by_kind
    kind = value.get(key) if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in references:
        yield from validator.descend(value, {"$ref": references[kind]})


def _translated(schema: Any, *, included: bool = False) -> Any:
    if isinstance(schema, list):
        return [_translated(item, included=included) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = _name(schema["$ref"])
        return {"$ref": f"#/$defs/{name}" if included else f"#/$defs/{name}!use"}
    result = {
        key: {name: _translated(part) for name, part in value.items()}
        if key == "properties"
        else _translated(value, included=key == "allOf")
        for key, value in schema.items()
        if key not in {"oneOf", "discriminator", "example", "nullable", "description", "default"}
    }
    nullable = {name for name, part in schema.get("properties", {}).items() if part.get("nullable")}
    if "required" in result:
        result["required"] = [name for name in result["required"] if name not in nullable]
    return result


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _placeholders(path: str) -> list[bool]:
    return [part.startswith("{") for part in path.split("/")]


def _matches(template: str, path: str) -> bool:
    expected, found = template.split("/"), path.split("/")
    return len(expected) == len(found) and all(
        part == other or (part.startswith("{") and other) for part, other in zip(expected, found, strict=True)
    )


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _is_uuid(text: object) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def _is_moment(text: object, *, needs_offset: bool = False) -> bool:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return False
    return at.tzinfo is not None or not needs_offset


def _is_time(text: object) -> bool:
    try:
        time.fromisoformat(str(text).rjust(5, "0"))
    except ValueError:
        return False
    return True


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


_READERS: Mapping[str, Callable[[str], object]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": _boolean,
}
_FORMATS = FormatChecker(formats=())
_FORMATS.checks("uuid")(_is_uuid)
_FORMATS.checks("date-time")(_is_moment)
_FORMATS.checks("time")(_is_time)
_BY_KIND = "x-by-kind"
_PAGINATION = {"total": 1, "count": 1, "skip": 0, "limit": 1}
_Validator = validators.extend(  # type: ignore[no-untyped-call]  # untyped in its stubs
    Draft202012Validator, {_BY_KIND: _kind_problems}
)
