"""The settings' layout, derived from their models: the tables, their keys, the variables, the schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bot.settings.model import Settings, Variable
from bot.settings.problems import Location
from bot.settings.values import Role

CONFIG_VARIABLE = "VEEAM_BOT_CONFIG"
DEFAULT_SERVER = "default"
PASSWORD_VARIABLE = "VEEAM_PASSWORD"  # noqa: S105 -- a variable's name


@dataclass(frozen=True)
class Entry:
    """One setting: the tables it stands in, its key, and the variable that sets it, if any."""

    table: tuple[str, ...]
    key: str
    field: FieldInfo
    variable: str | None
    is_secret: bool


def entries(model: type[BaseModel] = Settings, table: tuple[str, ...] = ()) -> Iterator[Entry]:
    """Every setting that is a value, in the order of the models."""
    for key, field in model.model_fields.items():
        section = section_in(field.annotation)
        if section is not None:
            yield from entries(section, (*table, key))
        else:
            marks = [mark.name for mark in field.metadata if isinstance(mark, Variable)]
            yield Entry(table, key, field, marks[0] if marks else None, _is_secret(field))


def keys_in_file(section: type[BaseModel]) -> list[str]:
    """What a table of the file may hold."""
    return [key for key, field in section.model_fields.items() if not _is_secret(field)]


def section_in(annotation: Any) -> type[BaseModel] | None:
    """The table inside an annotation such as `tuple[RouteSettings, ...]`, if there is one."""
    sections = (part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel))
    return next(sections, None)


def section_at(location: Location) -> type[BaseModel] | None:
    """The table that a location leads to, or None where it leads to a value or nowhere."""
    section: type[BaseModel] | None = Settings
    for step in location:
        if isinstance(step, str):
            field = section.model_fields.get(step) if section else None
            section = section_in(field.annotation) if field else None
    return section


def is_repeated(field: FieldInfo) -> bool:
    """Whether a table may stand several times, as [[table]]."""
    return get_origin(field.annotation) is tuple


def password_variable(server: str, role: Role | None = None) -> str:
    """The variable that holds the password of a server in the file, or of its account for a role."""
    words = [PASSWORD_VARIABLE, server, *([role.value] if role else [])]
    return "_".join(words).upper().replace("-", "_").replace(" ", "_")


def json_schema() -> dict[str, Any]:
    """The settings' JSON Schema (2020-12); what a variable gives is not required, so that the file passes."""
    schema = Settings.model_json_schema()
    given = [(entry.table, entry.key) for entry in entries() if entry.variable]
    for table, key in [*given, ((), "slack")]:
        section = schema
        for step in table:
            reference = section["properties"][step]
            reference = reference.get("items", reference)
            section = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        if key in section.get("required", []):
            section["required"] = [name for name in section["required"] if name != key]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _is_secret(field: FieldInfo) -> bool:
    return section_in(field.annotation) is None and SecretStr in _parts(field.annotation)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
