"""The settings as they may be shown: every secret masked; and the schema they follow."""

import re
from typing import Any

from pydantic import SecretStr

from bot.settings.layout import entries
from bot.settings.model import Settings

_MASK = "**********"


def effective(settings: Settings) -> dict[str, Any]:
    """The settings in force as plain data, secrets masked, also the password in the database's URL."""
    shown = settings.model_dump(mode="json")
    shown["database_url"] = masked_url(settings.database_url)
    return shown


def masked_url(url: SecretStr) -> str:
    """A URL whose password, before the host or in the query, is masked."""
    text = url.get_secret_value()
    text = re.sub(r"(?<=://)([^:@/?#]*):.*@", rf"\1:{_MASK}@", text)
    return re.sub(r"(?i)([?&][^=&]*(?:password|passwd|secret|sslkey)[^=&]*=)[^&]*", rf"\1{_MASK}", text)


def json_schema() -> dict[str, Any]:
    """The settings' JSON Schema (2020-12); what a variable gives is not required, so that the file passes."""
    schema = Settings.model_json_schema()
    for entry in entries():
        if entry.variable:
            _not_required(schema, entry.table, entry.key)
    _not_required(schema, (), "slack")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _not_required(schema: dict[str, Any], table: tuple[str, ...], key: str) -> None:
    section = _section(schema, table)
    if key in section.get("required", []):
        section["required"] = [name for name in section["required"] if name != key]


def _section(schema: dict[str, Any], table: tuple[str, ...]) -> dict[str, Any]:
    section = schema
    for key in table:
        reference = section["properties"][key]
        reference = reference.get("items", reference)
        section = schema["$defs"][reference["$ref"].rpartition("/")[2]]
    return section
