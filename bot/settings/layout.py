"""How the settings are laid out, derived from their models: the tables, their keys, and the variables."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bot.settings.model import Settings, Variable
from bot.settings.origins import Location
from bot.settings.words import Role

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
    return next((part for part in _parts(annotation) if _is_section(part)), None)


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


def server_variables() -> dict[str, Entry]:
    """The variables of the one server that needs no file, by its keys."""
    return {entry.key: entry for entry in entries() if entry.table == ("servers",) and entry.variable}


def password_variable(server: str, role: Role | None = None) -> str:
    """The variable that holds the password of a server in the file, or of its account for a role."""
    words = [PASSWORD_VARIABLE, server, *([role.value] if role else [])]
    return "_".join(words).upper().replace("-", "_").replace(" ", "_")


def _is_secret(field: FieldInfo) -> bool:
    return section_in(field.annotation) is None and SecretStr in _parts(field.annotation)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _is_section(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
