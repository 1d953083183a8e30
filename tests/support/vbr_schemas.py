"""What the sandbox knows of VBR's schemas, drawn from Veeam's OpenAPI documents of all revisions.

The result is ``bot/sandbox/vbr/schemas.txt``: names of fields with their types, values of enums, nothing
else. A schema that not all revisions have, or have alike, names those that do; so does a field that not all
of them have.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: What the sandbox checks bodies against and spells its rows by; whatever these reach comes along.
ROOTS = (
    "JobSpec", "JobModel", "BackupObjectModel", "RepositoryModel", "RepositoryStateModel",
    "InventoryObjectModel", "InventoryBrowserFilters", "EJobStatus", "EJobWorkload",
    "ESuspiciousActivitySeverity", "ERestorePointType", "ESessionType", "ESessionState",
    "ESessionResult", "ETaskSessionType", "EPlatformType", "ETaskLogRecordStatus", "EHierarchyType",
    "EAgentHierarchyType", "ERepositoryType", "EScaleOutRepositoryExtentType", "EProxyType",
    "ELoginGrantType", "EProtectionGroupType", "EUnstructuredDataServerType",
    "InstalledLicenseModel", "ConfigBackupModel", "ServerInfoModel", "EBackupCopyRestorePoints",
    "EAntivirusScanType", "EAntivirusScanResult", "EAntivirusScanState",
)  # fmt: skip
_Schemas = Mapping[str, Any]


def drawn(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw the file's text from documents, by revision, the oldest first."""
    revisions = tuple(documents)
    blocks: dict[str, dict[str, list[str]]] = {}
    for revision, document in documents.items():
        schemas = document["components"]["schemas"]
        for name in sorted(_reached(schemas)):
            head, fields = _described(name, schemas)
            lines = blocks.setdefault(name, {})
            lines.setdefault(head, []).append(revision)
            for line in fields:
                lines.setdefault(line, []).append(revision)
    return "".join(written(blocks[name], revisions) for name in sorted(blocks))


def written(lines: Mapping[str, Sequence[str]], revisions: Sequence[str]) -> str:
    """The lines of one thing, heads first; one that not all revisions have names those that do.

    A part, which is indented, names them where it is not in all that have the thing.
    """
    ordered = sorted(lines.items(), key=lambda each: each[0].startswith(" "))
    having_it = {revision for line, having in ordered for revision in having if not line.startswith(" ")}
    text = ""
    for line, having in ordered:
        is_everywhere = set(having) == (having_it if line.startswith(" ") else set(revisions))
        text += line + ("" if is_everywhere else f" | {' '.join(having)}") + "\n"
    return text


def _reached(schemas: _Schemas) -> set[str]:
    found: set[str] = set()
    waiting = [name for name in ROOTS if name in schemas]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield _name(value)
            elif key == "mapping":
                yield from map(_name, value.values())
            elif key not in {"description", "example"}:
                yield from _references(value)


def _described(name: str, schemas: _Schemas) -> tuple[str, list[str]]:
    schema = schemas[name]
    if "enum" in schema:
        return f"{name} = {' '.join(map(str, schema['enum']))}", []
    properties, required = _fields(schema, schemas, frozenset({name}))
    fields = [
        f"  {field}{'*' * (field in required and not part.get('nullable'))} {_type(part)}"
        for field, part in properties.items()
    ]
    if "discriminator" not in schema:
        return name, fields
    choice = schema["discriminator"]
    kinds = " ".join(f"{value}:{_name(child)}" for value, child in choice["mapping"].items())
    return f"{name} ? {choice['propertyName']} {kinds}", fields


def _fields(schema: _Schemas, schemas: _Schemas, within: frozenset[str]) -> tuple[dict[str, Any], set[str]]:
    """The properties of a schema and of what it includes, and the names of the required ones."""
    properties: dict[str, Any] = {}
    required = set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        name = _name(part["$ref"]) if "$ref" in part else ""
        if name not in within:
            more, also = _fields(schemas[name] if name else part, schemas, within | {name})
            properties |= more
            required |= also
    return properties | schema.get("properties", {}), required


def _type(part: _Schemas) -> str:
    if "$ref" in part:
        return _name(part["$ref"])
    if part.get("type") == "array":
        return f"{_type(part['items'])}[]"
    kind: str = part.get("type", "object")
    return part.get("format", kind) if kind == "string" else kind


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]
