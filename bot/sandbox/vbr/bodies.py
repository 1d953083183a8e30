"""The bodies that VBR demands: of jobs to create and to edit, of actions, of look-ups in the inventory.

What a revision's schemas demand is checked by them; on top come bounds that the documents only tell in words,
and which objects a job of a type may have.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.vbr import words
from bot.sandbox.vbr.refusals import bad_content
from bot.sandbox.vbr.revision import Revision
from bot.sandbox.vbr.schemas import Field, Schema, Schemas
from bot.sandbox.vbr.shapes import (
    Rule,
    Shape,
    anything,
    boolean,
    hours,
    integer,
    many,
    number,
    one_of,
    text,
    uuid,
    whole,
)

START = Shape(
    {"performActiveFull": boolean},
    {"startChainedJobs": boolean, "syncRestorePoints": one_of(*words.COPY_RESTORE_POINTS)},
)
STOP = Shape({"gracefulStop": boolean}, {"cancelChainedJobs": boolean})
RETRY = Shape({}, {"startChainedJobs": boolean})

_PLAIN: Mapping[str, Rule] = {
    "string": text,
    "uuid": uuid,
    "time": text,
    "date-time": text,
    "boolean": boolean,
    "integer": integer,
    "number": number,
    "object": anything,
}
_BOUNDS: Mapping[str, Rule] = {
    "quantity": whole(1),
    "retryCount": whole(1),
    "awaitMinutes": whole(1),
    "frequency": whole(1),
    "dayOfMonth": whole(1, 31),
    "startTimeWithinAnHour": whole(0, 59),
    "restorePointsToKeep": whole(1, 28),
    "runScriptEvery": whole(1, 99),
    "hours": hours,
}
_COMPUTER_KINDS = (
    "WindowsAgentBackup", "LinuxAgentBackup", "WindowsAgentBackupFailoverCluster",
    "WindowsAgentBackupServerPolicy", "WindowsAgentBackupWorkstationPolicy", "LinuxAgentBackupServerPolicy",
    "LinuxAgentBackupWorkstationPolicy",
)  # fmt: skip
#: The platform of all objects of a job of that type.
_PLATFORMS = {
    "VSphereBackup": "VSphere",
    "VSphereReplica": "VSphere",
    "HyperVBackup": "HyperV",
    "CloudDirectorBackup": "CloudDirector",
    **dict.fromkeys(_COMPUTER_KINDS, "Agent"),
}


def job_body(revision: Revision, schema: str, body: Any, before: Any = None) -> dict[str, Any]:
    """A JobSpec or JobModel in the world's words. Raises a 400 for anything that the revision does not take.

    Of ``before``, the job as it is, stays what the revision has no field for.
    """
    check(revision.schemas, schema, body)
    model: dict[str, Any] = revision.spelling.read(body, schema, before)
    platform = _PLATFORMS.get(model["type"])
    for where, part in _objects(model):
        if platform is not None and part["platform"] != platform:
            raise bad_content(f"The value of {where}.platform is missing or not valid.")
    for i, part in enumerate((model.get("virtualMachines") or {}).get("includes") or ()):
        if platform == "VSphere":
            one_of(*words.VMWARE_JOB_TYPES)(part["type"], f"virtualMachines.includes[{i}].type")
    return model


def checked(revision: Revision, schema: str, body: Any) -> Any:
    """A body of that schema in the world's words. Raises a 400 naming the first field that is wrong."""
    check(revision.schemas, schema, body)
    return revision.spelling.read(body, schema)


def check(schemas: Schemas, name: str, value: Any, where: str = "") -> None:
    """Raise a 400 for the first field that a schema demands and the value lacks, or that is of a wrong type.

    Null counts as missing, and fields that the schema does not know are let pass, as VBR lets them.
    """
    schema = schemas.get(name)
    if schema is None:
        _PLAIN[name](value, where)
    elif schema.values:
        one_of(*schema.values)(value, where)
    elif not schema.discriminator:
        _shape(schemas, schema)(value, where)
    else:
        Shape({schema.discriminator: one_of(*schema.kinds)})(value, where)
        picked = schemas.get(schema.kinds[value[schema.discriminator]])
        if picked is not None:
            _shape(schemas, picked)(value, where)


def _shape(schemas: Schemas, schema: Schema) -> Shape:
    rules = {name: _rule(schemas, name, field) for name, field in schema.fields.items()}
    required = {name: rules[name] for name, field in schema.fields.items() if field.is_required}
    return Shape(required, {name: rule for name, rule in rules.items() if name not in required})


def _rule(schemas: Schemas, name: str, field: Field) -> Rule:
    def rule(value: Any, where: str) -> None:
        check(schemas, field.type, value, where)
        if name in _BOUNDS:
            _BOUNDS[name](value, where)

    return many(rule) if field.is_list else rule


def _objects(value: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The inventory objects in a body, with their places."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _objects(item, f"{where}[{i}]")
    elif isinstance(value, dict):
        if "platform" in value:
            yield where, value
        for key, part in value.items():
            yield from _objects(part, f"{where}.{key}" if where else key)
