"""Changing a job's model in place: what was asked for, and not a key more.

PUT replaces a job, so what is sent is the model as it was read, with unknown keys, order and spelling.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.veeam.job_layouts import CredentialsPlace, Layout, Path, found, layout_of
from bot.veeam.job_objects import JobObject
from bot.veeam.job_schedules import reschedule
from bot.veeam.job_settings import Guest, JobSettings, Part, Retention, differs, settings_of
from bot.veeam.revisions import Revision

_DEFAULT_CREDENTIALS = "Standard"


def changed(raw: Mapping[str, Any], wanted: JobSettings, revision: Revision) -> dict[str, Any]:
    """A copy of the model that has the wanted settings; equal to the model where nothing differs.

    Only parts that both offer are changed. What is not enough to say something new is let be: a schedule of
    `Rhythm.OTHER`, and hours for an immediate copy. Words are written as they were received, new ones as the
    revision spells them.

    What refers to an object that is taken out (application settings, indexing, credentials of one machine,
    excluded disks, mapping rules) stays. The object may still be in the job by its folder or tag, and would
    be backed up otherwise than before if its own settings went; and it finds them when it is put back. Should
    VBR mind, it refuses the whole, and nothing has happened.
    """
    model = copy.deepcopy(dict(raw))
    layout, before = layout_of(raw.get("type")), settings_of(raw)
    for part in Part:
        if differs(part, before, wanted):
            _write(model, part, wanted.part(part), _Form(layout, revision))
    return model


@dataclass(frozen=True)
class _Form:
    layout: Layout | None
    revision: Revision


def _write(model: dict[str, Any], part: Part, value: Any, form: _Form) -> None:
    if part is Part.NAME:
        model["name"] = value
    if form.layout is None:
        return
    match part:
        case Part.DESCRIPTION:
            model["description"] = value
        case Part.PRIORITY:
            model["isHighPriority"] = value
        case Part.OBJECTS:
            _set_objects(found(model, form.layout.objects), value)
        case Part.REPOSITORY:
            _put(model, form.layout.repository, value)
        case Part.RETENTION:
            _set_retention(model, value, form.layout)
        case Part.SCHEDULE:
            reschedule(model, value, form.layout, form.revision)
        case Part.GUEST:
            _set_guest(model["guestProcessing"], value, form.layout.credentials)


def _put(model: dict[str, Any], path: Path, value: Any) -> None:
    found({"": model}, ("", *path[:-1]))[path[-1]] = value


def _set_objects(listed: list[Any], wanted: tuple[JobObject, ...]) -> None:
    there = {JobObject(item) for item in listed if isinstance(item, Mapping)}
    removed = there - set(wanted)
    kept = [item for item in listed if not isinstance(item, Mapping) or JobObject(item) not in removed]
    new = [copy.deepcopy(dict(item.raw)) for item in dict.fromkeys(wanted) if item not in there]
    listed[:] = kept + new


def _set_retention(model: dict[str, Any], wanted: Retention, layout: Layout) -> None:
    policy = found(model, layout.retention)
    if isinstance(policy, Mapping):
        is_unit_received = str(policy["type"]).casefold() == wanted.unit.casefold()
        _put(model, (*layout.retention, "quantity"), wanted.quantity)
        _put(model, (*layout.retention, "type"), policy["type"] if is_unit_received else str(wanted.unit))
    else:
        _put(model, layout.retention, wanted.quantity)
    if layout.retention_switch:
        model[layout.retention_switch] = True


def _set_guest(guests: dict[str, Any], wanted: Guest, place: CredentialsPlace | None) -> None:
    guests["appAwareProcessing"]["isEnabled"] = wanted.is_application_aware
    if place is None or not wanted.is_application_aware or wanted.credentials_id is None:
        return
    if not isinstance(guests.get("guestCredentials"), dict):
        guests["guestCredentials"] = {}
    credentials = guests["guestCredentials"]
    credentials[place.deferring] = False
    if len(place.id) > 1 and not isinstance(credentials.get(place.id[0]), dict):
        credentials[place.id[0]] = {}
    _put(credentials, place.id, wanted.credentials_id)
    if place.type:
        kind = wanted.credentials_type or found(credentials, place.type) or _DEFAULT_CREDENTIALS
        _put(credentials, place.type, kind)
