"""VBR's schemas, revision by revision: the fields of what goes over the wire, the values of its enums.

They stand in ``schemas.txt``, drawn from Veeam's own documents (``tests/support/vbr_schemas.py``). A schema
is a line with its name: ``NAME = VALUES`` of an enum, ``NAME ? FIELD VALUE:SCHEMA …`` of one that a field
tells apart. Fields stand below it, indented, with their type; ``*`` marks required ones, ``[]`` lists.
``| REVISIONS`` ends a line that only those have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Field:
    """A field of an object. ``type`` is a schema's name or a plain type (``uuid``, ``integer``, …)."""

    type: str
    _: KW_ONLY
    is_list: bool
    is_required: bool


@dataclass
class Schema:
    """An enum with ``values``, or an object with ``fields``; the value of ``discriminator`` picks a kind."""

    name: str
    values: frozenset[str] = frozenset()
    fields: dict[str, Field] = field(default_factory=dict)
    discriminator: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)


class Schemas:
    """The schemas of one revision, by name."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def get(self, name: str) -> Schema | None:
        """The schema of that name; None for plain types, and for schemas that the revision has not."""
        return self._schemas.get(name)

    def values(self, name: str) -> frozenset[str]:
        """The values of an enum; empty where the revision does not have it."""
        schema = self._schemas.get(name)
        return frozenset() if schema is None else schema.values

    def kinds(self, name: str) -> Mapping[str, str]:
        """The schemas that a polymorphic one stands for, by the values that tell them apart."""
        return self._schemas[name].kinds

    def fields(self, name: str, kind: str) -> Mapping[str, Field]:
        """The fields of one of those; none where there is no such kind."""
        picked = self._schemas.get(self.kinds(name).get(kind, ""))
        return {} if picked is None else picked.fields


@cache
def schemas_of(revision: str) -> Schemas:
    """The schemas of a revision, by its name."""
    return Schemas({schema.name: schema for schema in _read(_text(), revision)})


@cache
def known_fields() -> frozenset[str]:
    """The names of all fields of any schema of any revision."""
    return frozenset(line.split()[0].rstrip("*") for line in _text().splitlines() if line.startswith(" "))


@cache
def _text() -> str:
    return files(__package__).joinpath("schemas.txt").read_text("utf-8")


def _read(text: str, revision: str) -> Iterator[Schema]:
    schema: Schema | None = None
    for row in text.splitlines():
        line, _, having = row.partition(" | ")
        is_field = line.startswith(" ")
        if not is_field and schema is not None and line.split()[0] != schema.name:
            yield schema
            schema = None
        if having and revision not in having.split():
            continue
        if not is_field:
            schema = _headed(line)
        elif schema is not None:
            name, kind = line.split()
            schema.fields[name.rstrip("*")] = Field(
                kind.removesuffix("[]"), is_list=kind.endswith("[]"), is_required=name.endswith("*")
            )
    if schema is not None:
        yield schema


def _headed(line: str) -> Schema:
    name, *rest = line.split()
    if not rest:
        return Schema(name)
    if rest[0] == "=":
        return Schema(name, values=frozenset(rest[1:]))
    kinds = dict(each.split(":") for each in rest[2:])
    return Schema(name, discriminator=rest[1], kinds=kinds)
