"""A change of a job's model changes what was asked for, and nothing else, whatever type of job it is."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.vbr.bodies import job_body
from bot.sandbox.vbr.jobmodels import JobParts, after, daily, job_model, never, periodically
from bot.sandbox.vbr.revision import REVISIONS as SANDBOX_REVISIONS
from bot.veeam import (
    REVISIONS,
    GuestProcessing,
    JobObject,
    JobSettings,
    Retention,
    Rhythm,
    Schedule,
    SettingsField,
    Weekday,
    changed,
    differences,
    settings_of,
    source_of,
)
from bot.veeam.job_layouts import dict_at
from tests.support.job_models import CASES, KINDS, Model, home_of, received_models, sent_models
from tests.support.openapi import VARIABLE, document_of
from tests.support.wanted_settings import offered, wanted_settings

FEW = settings(max_examples=6, deadline=None)  # for each of 40 cases
REV0 = REVISIONS["1.3-rev0"]

Path = tuple[str, ...]

_SCHEDULE = (
    "schedule.runAutomatically",
    "schedule.daily",
    "schedule.daily.isEnabled",
    "schedule.daily.localTime",
    "schedule.daily.dailyKind",
    "schedule.daily.days",
    "schedule.monthly",
    *(
        f"schedule.monthly.{key}"
        for key in (
            *("isEnabled", "localTime", "dayOfWeek", "dayNumberInMonth", "dayOfMonth"),
            "isLastDayOfMonth",
        )
    ),
    "schedule.periodically",
    *(f"schedule.periodically.{key}" for key in ("isEnabled", "periodicallyKind", "frequency")),
    "schedule.continuously",
    "schedule.continuously.isEnabled",
    "schedule.afterThisJob",
    "schedule.afterThisJob.isEnabled",
    "schedule.afterThisJob.jobName",
)
_AWARE = "guestProcessing.appAwareProcessing.isEnabled"
_CREDENTIALS = "guestProcessing.guestCredentials"
_VM_GUEST = (
    _AWARE,
    _CREDENTIALS,
    f"{_CREDENTIALS}.useAgentManagementCredentials",
    f"{_CREDENTIALS}.credentials.credentialsId",
    f"{_CREDENTIALS}.credentials.credentialsType",
    # as 1.2-rev1 has them
    f"{_CREDENTIALS}.credentialsId",
    f"{_CREDENTIALS}.credentialsType",
)
_LINUX_GUEST = (
    _AWARE,
    _CREDENTIALS,
    f"{_CREDENTIALS}.useProtectionGroupCredentials",
    f"{_CREDENTIALS}.credentialsId",
)
_STORAGE_RETENTION = ("storage.retentionPolicy.type", "storage.retentionPolicy.quantity")


Paths = dict[SettingsField, tuple[str, ...]]


def _without(paths: Paths, *parts: SettingsField) -> Paths:
    return {part: keys for part, keys in paths.items() if part not in parts}


def _gfs(place: str) -> tuple[str, ...]:
    blocks = {
        "weekly": "keepForNumberOfWeeks",
        "monthly": "keepForNumberOfMonths",
        "yearly": "keepForNumberOfYears",
    }
    parts = [
        f"{place}.{block}{key}"
        for block, count in blocks.items()
        for key in ("", ".isEnabled", ".desiredTime", f".{count}")
    ]
    return (place, f"{place}.isEnabled", *parts)


def _task(place: str) -> tuple[str, ...]:
    keys = ("", ".isEnabled", ".weekly", ".weekly.isEnabled", ".weekly.days", ".monthly.isEnabled")
    return tuple(f"{place}{key}" for key in keys)


_RETRIES = {
    SettingsField.RETRY: tuple(
        f"schedule.retry{key}" for key in ("", ".isEnabled", ".retryCount", ".awaitMinutes")
    ),
    SettingsField.WINDOW: (
        "schedule.backupWindow",
        "schedule.backupWindow.isEnabled",
        "schedule.backupWindow.backupWindow",
        "schedule.backupWindow.backupWindow.days",
    ),
}


def _stored(store: str) -> Paths:
    place = f"{store}.advancedSettings"
    return {
        SettingsField.COMPRESSION: (f"{place}.storageData.compressionLevel",),
        SettingsField.ENCRYPTION: (f"{place}.storageData.encryption.isEnabled",),
        SettingsField.HEALTH_CHECK: _task(f"{place}.backupHealth"),
    }


_FULLS = {
    SettingsField.ACTIVE_FULL: _task("storage.advancedSettings.activeFulls"),
    SettingsField.SYNTHETIC_FULL: (
        *_task("storage.advancedSettings.synthenticFulls"),
        *_task("storage.advancedSettings.syntheticFulls"),
    ),
}
_VM = {
    SettingsField.DESCRIPTION: ("description",),
    SettingsField.PRIORITY: ("isHighPriority",),
    SettingsField.OBJECTS: ("virtualMachines.includes",),
    SettingsField.EXCLUDES: ("virtualMachines.excludes", "virtualMachines.excludes.vms"),
    SettingsField.REPOSITORY: ("storage.backupRepositoryId",),
    SettingsField.RETENTION: _STORAGE_RETENTION,
    SettingsField.GFS: _gfs("storage.gfsPolicy"),
    SettingsField.SCHEDULE: _SCHEDULE,
    SettingsField.GUEST: _VM_GUEST,
    **_RETRIES,
    **_stored("storage"),
    **_FULLS,
}
_AGENT = _VM | {SettingsField.OBJECTS: ("computers",), SettingsField.GUEST: (_AWARE,)}
_POLICY = _AGENT | {SettingsField.REPOSITORY: ("storage.destination.backupRepositoryId",)}
_FILES = {
    SettingsField.DESCRIPTION: ("description",),
    SettingsField.PRIORITY: ("isHighPriority",),
    SettingsField.OBJECTS: ("objects",),
    SettingsField.REPOSITORY: ("backupRepository.backupRepositoryId",),
    SettingsField.RETENTION: (
        "backupRepository.retentionPolicy.type",
        "backupRepository.retentionPolicy.quantity",
    ),
    SettingsField.GFS: _gfs("backupRepository.gfsPolicy"),
    SettingsField.SCHEDULE: _SCHEDULE,
    **_RETRIES,
    **_stored("backupRepository"),
}
_COPY_OF_ONE = {
    SettingsField.GFS: _gfs("gfsPolicy"),
    SettingsField.REPOSITORY: ("backupRepositoryId",),
    SettingsField.RETENTION: ("useCustomRetention", "retentionPolicy.type", "retentionPolicy.quantity"),
    SettingsField.SCHEDULE: (),
    SettingsField.ENCRYPTION: ("encryption.isEnabled",),
    SettingsField.WINDOW: (
        "schedule.type",
        *(f"schedule.customWindow{key}" for key in ("", ".isEnabled", ".backupWindow", ".backupWindow.days")),
    ),
}

ALLOWED: dict[str, dict[SettingsField, tuple[str, ...]]] = {
    "VSphereBackup": _VM,
    "HyperVBackup": _VM,
    "CloudDirectorBackup": _VM,
    "VSphereReplica": _VM
    | {
        SettingsField.REPOSITORY: ("jobSettings.metadataRepositoryId",),
        SettingsField.RETENTION: ("jobSettings.restorePointsToKeep",),
        SettingsField.COMPRESSION: ("jobSettings.advancedSettings.traffic.compressionLevel",),
    },
    "WindowsAgentBackup": _AGENT,
    "LinuxAgentBackup": _AGENT | {SettingsField.GUEST: _LINUX_GUEST},
    "BackupCopy": {
        SettingsField.DESCRIPTION: ("description",),
        SettingsField.OBJECTS: ("sourceObjects.includes.jobs",),
        SettingsField.REPOSITORY: ("target.backupRepositoryId",),
        SettingsField.RETENTION: ("target.retentionPolicy.type", "target.retentionPolicy.quantity"),
        SettingsField.GFS: _gfs("target.gfsPolicy"),
        SettingsField.SCHEDULE: _SCHEDULE,
        **_RETRIES,
        SettingsField.WINDOW: (
            *_RETRIES[SettingsField.WINDOW],
            "schedule.scheduleMode",
            "schedule.backupWindow.days",
        ),
        **_stored("target"),
    },
    "FileBackupCopy": _COPY_OF_ONE,
    "EntraIDTenantBackupCopy": _COPY_OF_ONE,
    "EntraIDTenantBackup": {
        SettingsField.DESCRIPTION: ("description",),
        SettingsField.RETENTION: _STORAGE_RETENTION,
        SettingsField.SCHEDULE: _SCHEDULE,
        **_RETRIES,
        SettingsField.ENCRYPTION: ("storage.advancedSettings.encryption.isEnabled",),
    },
    "EntraIDAuditLogBackup": _without(_VM, SettingsField.OBJECTS, SettingsField.GUEST),
    "WindowsAgentBackupFailoverCluster": _AGENT,
    "WindowsAgentBackupServerPolicy": _POLICY,
    "WindowsAgentBackupWorkstationPolicy": _POLICY,
    "LinuxAgentBackupServerPolicy": _POLICY | {SettingsField.GUEST: _LINUX_GUEST},
    "LinuxAgentBackupWorkstationPolicy": _POLICY | {SettingsField.GUEST: _LINUX_GUEST},
    "FileBackup": _FILES,
    "ObjectStorageBackup": _FILES,
    "SureBackupContentScan": {
        SettingsField.DESCRIPTION: ("description",),
        SettingsField.OBJECTS: ("linkedJobs.includes",),
        SettingsField.SCHEDULE: _SCHEDULE,
    },
    "IrisBackup": _without(_VM, SettingsField.GUEST) | {SettingsField.OBJECTS: ("sources",)},
}
"""Which keys of which type a change of which part may touch, written out so that a change is meant twice."""

each_case = pytest.mark.parametrize(("kind", "revision"), CASES)


def touched(before: Any, after: Any, way: Path = ()) -> Iterator[str]:
    """Where two models differ; a list is one place."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if before != after:
            yield ".".join(way)
        return
    for key in before.keys() | after.keys():
        if (key in before) != (key in after):
            yield ".".join((*way, key))
        else:
            yield from touched(before[key], after[key], (*way, key))


@each_case
@given(data=st.data())
@FEW
def test_nothing_wanted_is_nothing_changed(kind: str, revision: str, data: st.DataObject) -> None:
    """The very text that was read, key for key in its order; and the model read is left alone."""
    model = data.draw(received_models(kind, revision))
    read = json.dumps(model)
    assert json.dumps(changed(model, settings_of(model), REVISIONS[revision])) == read
    changed(model, data.draw(wanted_settings(model, revision)), REVISIONS[revision])
    assert json.dumps(model) == read


@each_case
@given(data=st.data())
@FEW
def test_a_part_touches_its_own_keys(kind: str, revision: str, data: st.DataObject) -> None:
    """The rest stays deep-equal and in order, unknown keys and nulls included."""
    model = data.draw(received_models(kind, revision))
    part = data.draw(st.sampled_from(offered(settings_of(model))))
    wanted = data.draw(wanted_settings(model, revision, part))
    result = changed(model, wanted, REVISIONS[revision])
    allowed = ("name",) if part is SettingsField.NAME else ALLOWED[kind][part]
    assert set(touched(model, result)) <= set(allowed)
    assert list(result)[: len(model)] == list(model)
    assert {change.part for change in differences(settings_of(model), wanted)} <= {part}


@each_case
@given(data=st.data())
@FEW
def test_what_was_wanted_is_read_again(kind: str, revision: str, data: st.DataObject) -> None:
    """All parts at once; and a server of that revision takes what is sent."""
    model = data.draw(received_models(kind, revision))
    wanted = data.draw(wanted_settings(model, revision))
    result = changed(model, wanted, REVISIONS[revision])
    assert settings_of(result) == wanted
    assert differences(settings_of(result), wanted) == ()
    job_body(SANDBOX_REVISIONS[revision], "JobModel", result)


def _keys_in(part: Any, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The places of all that stands in a model's objects."""
    if not isinstance(part, dict):
        return []
    return [path for key, value in part.items() for path in ((*way, key), *_keys_in(value, (*way, key)))]


@each_case
@given(data=st.data())
@FEW
def test_what_is_null_is_changed_too(kind: str, revision: str, data: st.DataObject) -> None:
    """Servers send null for what is not set: whatever the job still offers can be changed."""
    model = data.draw(sent_models(kind, revision))
    *way, last = data.draw(st.sampled_from([path for path in _keys_in(model) if path != ("type",)]))
    dict_at(model, tuple(way))[last] = None
    wanted = data.draw(wanted_settings(model, revision))
    assert differences(settings_of(changed(model, wanted, REVISIONS[revision])), wanted) == ()


def test_machines_can_be_left_out_where_the_list_is_null() -> None:
    """As it is on servers where none was left out yet."""
    model = model_with(never())
    model["virtualMachines"]["excludes"] = {"vms": None, "disks": []}
    machine = JobObject(model["virtualMachines"]["includes"][0])
    result = changed(model, replace(settings_of(model), excludes=(machine,)), REVISIONS["1.3-rev0"])
    assert result["virtualMachines"]["excludes"] == {"vms": [machine.raw], "disks": []}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if source_of(kind)])
@given(data=st.data())
@FEW
def test_kept_objects_stay_as_they_are(kind: str, data: st.DataObject) -> None:
    """The very values received, in their order, before the new ones."""
    model = data.draw(received_models(kind, home_of(kind)))
    before = settings_of(model).objects or ()
    wanted = data.draw(wanted_settings(model, home_of(kind), SettingsField.OBJECTS))
    after = settings_of(changed(model, wanted, REVISIONS[home_of(kind)])).objects or ()
    kept = [item.raw for item in before if item in (wanted.objects or ())]
    assert [item.raw for item in after[: len(kept)]] == kept


@each_case
@given(data=st.data())
@FEW
def test_a_valid_model_stays_valid(kind: str, revision: str, data: st.DataObject) -> None:
    """By the schema of its type in the document of its revision, all parts changed at once."""
    document = document_of(revision)
    if document is None:
        pytest.skip(f"{VARIABLE} does not name Veeam's OpenAPI document of {revision}")
    model = data.draw(sent_models(kind, revision))
    assert document.schema_problems("JobModel", model) == []
    result = changed(model, data.draw(wanted_settings(model, revision)), REVISIONS[revision])
    assert document.schema_problems("JobModel", result) == []


def model_with(schedule: Model, kind: str = "VSphereBackup", **parts: Any) -> Model:
    """A plain job with this schedule."""
    machine = {"platform": "VSphere", "type": "VirtualMachine", "name": "web01", "objectId": "vm-1",
               "hostName": "vcenter01.example.com"}  # fmt: skip
    made = JobParts(
        id="6ac1a4f2-6a52-4f0a-9d3c-0d1f2f6c0a01",
        name="Web tier",
        description="",
        repository_id="88788f9e-d8f5-4eb4-bc4f-9b3f5403bcec",
        objects=[machine],
        source_ids=["6ac1a4f2-6a52-4f0a-9d3c-0d1f2f6c0a02"],
        schedule=schedule,
        **parts,
    )
    return job_model(kind, made)


RETRY = {"isEnabled": True, "retryCount": 3, "awaitMinutes": 10}
WINDOW = {"isEnabled": True, "backupWindow": {"days": [{"day": "monday", "hours": "1," * 23 + "1"}]}}
MONTHLY = {"isEnabled": True, "localTime": "23:00", "dayNumberInMonth": "First", "dayOfWeek": "monday"}
TEN = time(22)
CHOSEN = Schedule(Rhythm.CHOSEN_DAYS, TEN, (Weekday.MONDAY, Weekday.FRIDAY))


@pytest.mark.parametrize(
    ("before", "wanted", "expected"),
    [
        pytest.param(
            daily("9:00"),
            Schedule(Rhythm.BY_HAND),
            daily("9:00") | {"runAutomatically": False},
            id="by hand: the rest waits for its return",
        ),
        pytest.param(
            never(),
            Schedule(Rhythm.EVERY_DAY, time(9, 5)),
            {
                "runAutomatically": True,
                "daily": {"isEnabled": True, "dailyKind": "Everyday", "localTime": "09:05"},
            },
            id="from nothing",
        ),
        pytest.param(
            daily("9:00") | {"backupWindow": WINDOW},
            Schedule(Rhythm.WEEKDAYS, time(9)),
            {
                "runAutomatically": True,
                "daily": {"isEnabled": True, "localTime": "9:00", "dailyKind": "WeekDays"},
                "retry": RETRY,
                "backupWindow": WINDOW,
            },
            id="other days at the hour as it was written",
        ),
        pytest.param(
            daily("9:00"),
            Schedule(Rhythm.EVERY_DAY, time(7, 30)),
            daily("7:30"),
            id="another hour in the form of the old one",
        ),
        pytest.param(
            daily("22:00:30"),
            Schedule(Rhythm.EVERY_DAY, time(7, 30)),
            daily("07:30:00"),
            id="with seconds",
        ),
        pytest.param(
            daily("22:00:30"),
            Schedule(Rhythm.WEEKDAYS, TEN),
            daily("22:00:30", "WeekDays"),
            id="seconds that nobody chose stay",
        ),
        pytest.param(
            periodically(4),
            Schedule(Rhythm.AFTER_JOB, after_job="Nightly"),
            {
                "runAutomatically": True,
                "daily": {"isEnabled": False, "localTime": "22:00", "dailyKind": "Everyday"},
                "periodically": {"isEnabled": False, "periodicallyKind": "Hours", "frequency": 4},
                "retry": RETRY,
                "afterThisJob": {"isEnabled": True, "jobName": "Nightly"},
            },
            id="the others are switched off and keep their values",
        ),
        pytest.param(
            after("Nightly"),
            Schedule(Rhythm.AFTER_JOB, after_job="Weekly"),
            after("Weekly"),
            id="another predecessor",
        ),
        pytest.param(
            daily("22:00") | {"monthly": MONTHLY},
            Schedule(Rhythm.EVERY_DAY, TEN),
            daily("22:00") | {"monthly": MONTHLY | {"isEnabled": False}},
            id="of several one is left",
        ),
        pytest.param(
            daily("22:00") | {"monthly": MONTHLY},
            Schedule(Rhythm.OTHER),
            daily("22:00") | {"monthly": MONTHLY},
            id="what was not understood is kept",
        ),
        pytest.param(
            daily("22:00"),
            Schedule(Rhythm.OTHER),
            daily("22:00"),
            id="a form never writes other",
        ),
    ],
)
def test_a_schedule_has_one_block_enabled(before: Model, wanted: Schedule, expected: Model) -> None:
    """Retries and the window stay, whatever the rhythm."""
    model = model_with(before)
    result = changed(model, replace(settings_of(model), schedule=wanted), REV0)
    assert result == model | {"schedule": expected}


@pytest.mark.parametrize(
    ("received", "revision", "expected"),
    [
        (None, "1.3-rev0", ["monday", "friday"]),
        (None, "1.2-rev1", ["monday", "friday"]),
        (None, "1.3-rev1", ["Monday", "Friday"]),
        (None, "1.3-rev2", ["Monday", "Friday"]),
        (["Sunday"], "1.3-rev0", ["Monday", "Friday"]),
        (["sunday"], "1.3-rev2", ["monday", "friday"]),
        (["friday", "tuesday"], "1.3-rev0", ["friday", "monday"]),
        (["FRIDAY"], "1.3-rev0", ["FRIDAY", "Monday"]),
        (["Caturday", "monday"], "1.3-rev0", ["monday", "Friday"]),
    ],
)
def test_days_are_spelt_as_received(received: list[str] | None, revision: str, expected: list[str]) -> None:
    """Where none was received, as the revision spells them; kept ones stay the words and in the order."""
    schedule = daily("22:00", "SelectedDays")
    if received is not None:
        schedule["daily"]["days"] = received
    model = model_with(schedule)
    result = changed(model, replace(settings_of(model), schedule=CHOSEN), REVISIONS[revision])
    assert result["schedule"]["daily"]["days"] == expected


def test_an_immediate_copy_has_no_hours() -> None:
    """Its mode says when it runs; a wish for a daily time changes nothing."""
    model = model_with(never(), "BackupCopy", mode="Immediate")
    wanted = replace(settings_of(model), schedule=Schedule(Rhythm.EVERY_DAY, TEN))
    assert changed(model, wanted, REV0) == model


def test_a_unit_keeps_its_spelling_unless_it_is_another() -> None:
    """ERetentionPolicyType as received; a new unit as the document spells it."""
    model = model_with(never())
    model["storage"]["retentionPolicy"] = {"type": "days", "quantity": 14}
    before = settings_of(model)
    more = changed(model, replace(before, retention=Retention("Days", 30)), REV0)
    assert more["storage"]["retentionPolicy"] == {"type": "days", "quantity": 30}
    points = changed(model, replace(before, retention=Retention("RestorePoints", 7)), REV0)
    assert points["storage"]["retentionPolicy"] == {"type": "RestorePoints", "quantity": 7}


def test_a_retention_of_its_own_is_switched_on() -> None:
    """A copy of one job follows that job's retention until it is told otherwise."""
    model = model_with(never(), "FileBackupCopy") | {"useCustomRetention": False}
    result = changed(model, replace(settings_of(model), retention=Retention("Days", 60)), REV0)
    assert result == model | {"useCustomRetention": True, "retentionPolicy": {"type": "Days", "quantity": 60}}


CREDENTIALS = "6ac1a4f2-6a52-4f0a-9d3c-0d1f2f6c0a03"
OTHERS = "6ac1a4f2-6a52-4f0a-9d3c-0d1f2f6c0a04"


@pytest.mark.parametrize(
    ("before", "wanted", "expected"),
    [
        pytest.param(
            None,
            GuestProcessing(is_application_aware=True, credentials_id=CREDENTIALS),
            {
                "useAgentManagementCredentials": False,
                "credentials": {"credentialsId": CREDENTIALS, "credentialsType": "Standard"},
            },
            id="first credentials",
        ),
        pytest.param(
            None, GuestProcessing(is_application_aware=True), None, id="none are needed to switch it on"
        ),
        pytest.param(
            {"useAgentManagementCredentials": True, "credentialsPerMachine": []},
            GuestProcessing(is_application_aware=True, credentials_id=CREDENTIALS, credentials_type="Linux"),
            {
                "useAgentManagementCredentials": False,
                "credentialsPerMachine": [],
                "credentials": {"credentialsId": CREDENTIALS, "credentialsType": "Linux"},
            },
            id="instead of the protection group's",
        ),
        pytest.param(
            {
                "useAgentManagementCredentials": False,
                "credentials": {"credentialsId": OTHERS, "credentialsType": "Linux", "x": 1},
            },
            GuestProcessing(is_application_aware=True, credentials_id=CREDENTIALS),
            {
                "useAgentManagementCredentials": False,
                "credentials": {"credentialsId": CREDENTIALS, "credentialsType": "Linux", "x": 1},
            },
            id="another account of the same kind",
        ),
    ],
)
def test_credentials_of_the_guests(
    before: Model | None, wanted: GuestProcessing, expected: Model | None
) -> None:
    """They go where GuestOsCredentialsModel has them, and stay when application-aware processing ends."""
    model = model_with(never())
    if before is not None:
        model["guestProcessing"]["guestCredentials"] = before
    on = changed(model, replace(settings_of(model), guest=wanted), REV0)
    assert on["guestProcessing"]["appAwareProcessing"] == {"isEnabled": True}
    assert on["guestProcessing"].get("guestCredentials") == expected
    off = changed(on, replace(settings_of(on), guest=GuestProcessing(is_application_aware=False)), REV0)
    assert off["guestProcessing"]["appAwareProcessing"] == {"isEnabled": False}
    assert off["guestProcessing"].get("guestCredentials") == expected


def test_settings_of_a_machine_outlive_its_place_in_the_list() -> None:
    """It may still be in the job by its folder: its excluded disks must not come back into the backups."""
    model = model_with(never())
    machine = model["virtualMachines"]["includes"][0]
    disks = [{"vmObject": machine, "disksToProcess": "SelectedDisks", "disks": ["2000"]}]
    model["virtualMachines"]["excludes"] = {"disks": disks}
    model["guestProcessing"]["appAwareProcessing"]["appSettings"] = [{"vmObject": machine, "vss": "disabled"}]
    folder = JobObject(machine | {"type": "Folder", "name": "Web", "objectId": "group-v7"})
    result = changed(model, replace(settings_of(model), objects=(folder,)), REV0)
    assert result == copy.deepcopy(model) | {
        "virtualMachines": {"includes": [folder.raw], "excludes": {"disks": disks}}
    }


def test_a_type_without_a_model_changes_its_name_alone() -> None:
    """What a newer revision may send; the form does not offer it."""
    model = {"type": "ProxmoxBackupJob", "name": "Iris", "schedule": daily("22:00")}
    wanted = JobSettings("Iris 2", description="x", schedule=Schedule(Rhythm.BY_HAND))
    assert changed(model, wanted, REV0) == model | {"name": "Iris 2"}
