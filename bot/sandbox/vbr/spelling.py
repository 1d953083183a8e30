"""Job models, inventory objects and search filters: from the world's words to a revision's, and back.

The world thinks in 1.3-rev0's words; of what came later, in 1.3-rev2's. A field or a value that a revision
does not have is left out of what it prints, and kept as it was when that revision writes.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.sandbox.vbr.schemas import Field, Schema, Schemas, known_fields, schemas_of

_Object = dict[str, Any]
_Reshaping = Callable[[_Object, Schema], _Object | None]
_WORLD = "1.3-rev0"
_MISSING = object()
#: What the world calls a field → what some other revisions call it.
_KEYS = {"synthenticFulls": "syntheticFulls", "RemoveData": "removeData", "dayOfMonth": "dayOfMonths"}
#: What the world calls a value → what 1.2-rev1 calls it, where more than letter case differs.
_VALUES = {
    "EJobType": {"VSphereBackup": "Backup"},
    "EPlatformType": {"VSphere": "VMware"},
    "EStorageOptimization": {
        "256KB": "WANTarget", "512KB": "LANTarget", "1MB": "LocalTarget", "4MB": "LocalTargetLarge",
    },
}  # fmt: skip
_ENUM_NAMES = {"EHyperVProxyType": "EHypeVProxyType"}


class Spelling:
    """How one revision spells what the world knows."""

    def __init__(self, revision: str) -> None:
        self._schemas: Schemas = schemas_of(revision)
        self._of_world: Schemas = schemas_of(_WORLD)
        self._words: dict[tuple[str, str], str | None] = {}

    def word(self, enum: str, word: str) -> str | None:
        """A value of an enum as the revision spells it; None where it has no word for it."""
        if (enum, word) not in self._words:
            self._words[enum, word] = self._found(enum, word)
        return self._words[enum, word]

    def _found(self, enum: str, word: str) -> str | None:
        values = self._schemas.values(enum)
        for candidate in (word, _VALUES.get(enum, {}).get(word)):
            if candidate in values:
                return candidate
        return next((value for value in values if value.casefold() == word.casefold()), None)

    def written(self, value: Any, name: str) -> Any:
        """A value of that schema as the revision prints it."""
        found = self._written(value, name)
        return None if found is _MISSING else found

    def read(self, value: Any, name: str, before: Any = None) -> Any:
        """A checked value of that schema in the world's words; of ``before`` stays what it cannot say."""
        schema = self._schemas.get(name)
        if schema is None or value is None:
            return value
        if isinstance(value, list):
            return [self._read_item(item, name, before or ()) for item in value]
        if isinstance(value, str):
            return self._meaning(name, value)
        return self._read_object(value, self._kind(schema, value), before)

    def _written(self, value: Any, name: str) -> Any:
        schema = self._schemas.get(name)
        if schema is None or value is None:
            return value
        if isinstance(value, list):
            items = (self._written(item, name) for item in value)
            return [item for item in items if item is not _MISSING]
        if isinstance(value, str):
            word = self.word(name, value) if schema.values else value
            return _MISSING if word is None else word
        return self._written_object(value, schema)

    def _written_object(self, value: _Object, schema: Schema) -> Any:
        picked = schema
        if schema.discriminator:
            word = self.word(schema.fields[schema.discriminator].type, value.get(schema.discriminator, ""))
            if word not in schema.kinds:
                return _MISSING
            picked = self._picked(schema, word)
        reshaped = _WRITTEN[picked.name](value, picked) if picked.name in _WRITTEN else value
        if reshaped is None:
            return _MISSING
        result = {}
        for key, part in reshaped.items():
            wire = _wire_key(key, picked)
            if wire in picked.fields:
                spelt = self._written(part, picked.fields[wire].type)
            else:
                spelt = _MISSING if key in known_fields() else part
            if spelt is not _MISSING:
                result[wire] = spelt
        return result

    def _read_object(self, value: _Object, schema: Schema, before: Any) -> _Object:
        before = before if isinstance(before, dict) else {}
        result = {}
        for key, part in value.items():
            field = schema.fields.get(key)
            if field is not None:
                ours = _world_key(key)
                result[ours] = self.read(part, field.type, before.get(ours))
            elif key not in known_fields():
                result[key] = part
        if schema.name in _READ:
            result = _READ[schema.name](result, schema) or {}
        unsaid = {
            key: part
            for key, part in before.items()
            if key in known_fields() and _wire_key(key, schema) not in schema.fields
        }
        return unsaid | result

    def _read_item(self, item: Any, name: str, before: Iterable[Any]) -> Any:
        """An item that comes back as it was printed is the item that it was."""
        kept = next((each for each in before if self._written(each, name) == item), None)
        return self.read(item, name) if kept is None else copy.deepcopy(kept)

    def _kind(self, schema: Schema, value: _Object) -> Schema:
        return self._picked(schema, value[schema.discriminator]) if schema.discriminator else schema

    def _picked(self, schema: Schema, kind: str | None) -> Schema:
        child = self._schemas.get(schema.kinds.get(kind or "", schema.name))
        return child or schema

    def _meaning(self, enum: str, word: str) -> str:
        spelt = {wire: ours for ours, wire in _VALUES.get(enum, {}).items()}
        if word in spelt and spelt[word] not in self._schemas.values(enum):
            return spelt[word]
        known = self._of_world.values(_ENUM_NAMES.get(enum, enum))
        if word in known:
            return word
        return next((value for value in known if value.casefold() == word.casefold()), word)


def _wire_key(key: str, schema: Schema) -> str:
    return key if key in schema.fields else _KEYS.get(key, key)


def _world_key(key: str) -> str:
    return next((ours for ours, wire in _KEYS.items() if wire == key), key)


def _guest_login(value: _Object, schema: Schema) -> _Object | None:
    if "credentials" in schema.fields:
        return value
    record = value.get("credentials")
    return None if record is None else {**value, **record}


def _guest_login_read(value: _Object, schema: Schema) -> _Object:
    if "credentials" in schema.fields:
        return value
    record = {key: value.pop(key) for key in ("credentialsId", "credentialsType") if key in value}
    return {"useAgentManagementCredentials": False, "credentials": record, **value}


def _machine_login(value: _Object, schema: Schema) -> _Object:
    """A machine's own login: by id and type, by the system's id (1.2), or in a list (1.3-rev2)."""
    identity, kind = value.get("credentialsId"), value.get("credentialsType")
    if identity is None or "credentialsId" in schema.fields:
        return value
    if "credentials" in schema.fields:
        return {**value, "credentials": [{"credentialsId": identity, "credentialsType": kind}]}
    return {**value, "linuxCredsId" if kind == "Linux" else "windowsCredsId": identity}


def _machine_login_read(value: _Object, schema: Schema) -> _Object:
    if "credentials" in schema.fields:
        records = value.pop("credentials", None) or [{}]
        return {**value, **records[0]}
    for key, kind in (("linuxCredsId", "Linux"), ("windowsCredsId", "Standard")):
        if value.get(key) is not None:
            return {"vmObject": value["vmObject"], "credentialsId": value[key], "credentialsType": kind}
    return value


def _masks(value: _Object, schema: Schema) -> _Object:
    """Masks are paths in 1.3-rev1, objects in 1.3-rev2."""
    as_paths = {key: [mask["path"] for mask in value[key]] for key in _mask_keys(value, schema)}
    return value | as_paths


def _masks_read(value: _Object, schema: Schema) -> _Object:
    masks = {
        key: [{"path": path, "type": "Legacy"} for path in value[key]] for key in _mask_keys(value, schema)
    }
    return {"type": _object_type(value), **value, **masks}


def _mask_keys(value: _Object, schema: Schema) -> list[str]:
    keys = ("inclusionMask", "exclusionMask", "exclusionPathMask")
    text: Mapping[str, Field] = {key: field for key, field in schema.fields.items() if field.type == "string"}
    return [key for key in keys if key in text and value.get(key) is not None]


def _object_type(value: _Object) -> str:
    if "fileServerId" in value:
        return "Directory" if value.get("path") else "FileServerRoot"
    return "Container" if value.get("container") else "ObjectStorageRoot"


def _mount_server(value: _Object, _schema: Schema) -> _Object:
    """1.2-rev1 has one, later revisions one for each system."""
    kind = value.get("mountServerSettingsType")
    found: _Object = value if kind is None else value[kind]
    return found


_WRITTEN: Mapping[str, _Reshaping] = {
    "MountServerSettingsModel": _mount_server,
    "GuestOsCredentialsModel": _guest_login,
    "GuestOsCredentialsPerMachineModel": _machine_login,
    **dict.fromkeys(("FileBackupJobObjectModel", "ObjectStorageBackupJobObjectModel"), _masks),
}
_READ: Mapping[str, _Reshaping] = {
    "GuestOsCredentialsModel": _guest_login_read,
    "GuestOsCredentialsPerMachineModel": _machine_login_read,
    **dict.fromkeys(("FileBackupJobObjectModel", "ObjectStorageBackupJobObjectModel"), _masks_read),
}
