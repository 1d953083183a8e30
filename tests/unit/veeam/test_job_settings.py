"""What is read from a JobModel, how odd it may be, and when two of them say the same."""

import copy
import json
from datetime import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.vbr.jobmodels import after, daily, never, periodically
from bot.veeam import (
    GuestProcessing,
    InventoryObject,
    JobObject,
    JobSettings,
    MonthDay,
    Period,
    PeriodUnit,
    Retention,
    RetentionUnit,
    Rhythm,
    Schedule,
    SettingsChange,
    SettingsField,
    Source,
    Weekday,
    WeekOfMonth,
    choosable_rhythms,
    differences,
    has_model,
    retention_units,
    same_settings,
    settings_fingerprint,
    settings_of,
    source_of,
    takes_guest_credentials,
)
from tests.support.job_models import KINDS, Model, home_of, received_models

NINE = time(9)
SELECTED = {"dailyKind": "SelectedDays", "isEnabled": True, "localTime": "9:00"}
OTHER = Schedule(Rhythm.OTHER)
PLAIN = tuple(rhythm for rhythm in Rhythm if rhythm is not Rhythm.OTHER)


OF_COPIES = tuple(rhythm for rhythm in PLAIN if rhythm is not Rhythm.CONTINUOUS)
MONTHLY = never() | {
    "runAutomatically": True,
    "monthly": {"isEnabled": True, "localTime": "9:00", "dayNumberInMonth": "OnDay", "dayOfMonth": 15},
}


def with_month(**parts: Any) -> dict[str, Any]:
    """A monthly schedule with these parts."""
    return MONTHLY | {"monthly": MONTHLY["monthly"] | parts}


def every(count: Any, unit: str = "Hours") -> dict[str, Any]:
    """A periodic schedule."""
    block = {"isEnabled": True, "periodicallyKind": unit, "frequency": count}
    return never() | {"runAutomatically": True, "periodically": block}


def scheduled(schedule: Any, kind: str = "VSphereBackup") -> Model:
    """As much of a model as its schedule needs."""
    return {"type": kind, "name": "Web tier", "schedule": schedule}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, None),
        ("daily", None),
        ([], None),
        ({}, Schedule(Rhythm.BY_HAND)),
        (never(), Schedule(Rhythm.BY_HAND)),
        (daily("22:00") | {"runAutomatically": False}, Schedule(Rhythm.BY_HAND)),
        (daily("22:00") | {"runAutomatically": None}, Schedule(Rhythm.BY_HAND)),
        (daily("22:00") | {"runAutomatically": "yes"}, OTHER),
        (daily("22:00"), Schedule(Rhythm.EVERY_DAY, time(22))),
        (daily("9:00", "WEEKDAYS"), Schedule(Rhythm.WEEKDAYS, NINE)),
        (daily("09:00:30"), Schedule(Rhythm.EVERY_DAY, NINE)),
        (daily("09:00:30.1234567"), Schedule(Rhythm.EVERY_DAY, NINE)),
        (daily("9 o'clock"), OTHER),
        (daily("25:00"), OTHER),
        (daily("9:00", "Sometimes"), OTHER),
        (periodically(4), Schedule(Rhythm.PERIODIC, period=Period(PeriodUnit.HOURS, 4))),
        (every(9, "Seconds"), OTHER),
        (every(0), OTHER),
        (every(None), OTHER),
        (MONTHLY, Schedule(Rhythm.MONTHLY, NINE, month_day=MonthDay(number=15))),
        (with_month(dayOfMonth=32), OTHER),
        (with_month(dayOfMonth=None), OTHER),
        (with_month(isLastDayOfMonth=True), OTHER),
        (with_month(months=["January"]), OTHER),
        (with_month(localTime=None), OTHER),
        (
            with_month(dayNumberInMonth="last", dayOfWeek="Friday"),
            Schedule(Rhythm.MONTHLY, NINE, month_day=MonthDay(week=WeekOfMonth.LAST, day=Weekday.FRIDAY)),
        ),
        (with_month(dayNumberInMonth="Fifth", dayOfWeek="Friday"), OTHER),
        (after("Nightly"), Schedule(Rhythm.AFTER_JOB, after_job="Nightly")),
        (after(""), OTHER),
        (daily("9:00") | {"monthly": {"isEnabled": True}}, OTHER),
        (daily("9:00") | {"monthly": {"isEnabled": False}}, Schedule(Rhythm.EVERY_DAY, NINE)),
        (daily("9:00") | {"monthly": None}, Schedule(Rhythm.EVERY_DAY, NINE)),
        (daily("9:00") | {"monthly": {}}, OTHER),
        (daily("9:00") | {"monthly": "no"}, OTHER),
        ({"runAutomatically": True}, OTHER),
        ({"runAutomatically": True, "continuously": {"isEnabled": True}}, Schedule(Rhythm.CONTINUOUS)),
        ({"runAutomatically": True, "daily": SELECTED | {"days": []}}, OTHER),
        ({"runAutomatically": True, "daily": SELECTED | {"days": "monday"}}, OTHER),
        ({"runAutomatically": True, "daily": SELECTED | {"days": ["Caturday"]}}, OTHER),
        ({"runAutomatically": True, "daily": SELECTED | {"days": [1]}}, OTHER),
        (
            {"runAutomatically": True, "daily": SELECTED | {"days": ["Friday", "monday", "friday"]}},
            Schedule(Rhythm.CHOSEN_DAYS, NINE, (Weekday.MONDAY, Weekday.FRIDAY)),
        ),
    ],
)
def test_a_schedule_is_a_plain_rhythm_or_another(schedule: Any, expected: Schedule | None) -> None:
    """What is not understood wholly is not pretended to be."""
    assert settings_of(scheduled(schedule)).schedule == expected


@pytest.mark.parametrize(
    ("kind", "schedule", "expected"),
    [
        ("VSphereBackup", daily("22:00"), PLAIN),
        ("VSphereBackup", periodically(4), PLAIN),
        ("VSphereBackup", with_month(isLastDayOfMonth=True), (*PLAIN, Rhythm.OTHER)),
        ("WindowsAgentBackupWorkstationPolicy", daily("22:00"), PLAIN[:4]),
        ("VSphereBackup", None, ()),
        ("BackupCopy", {"type": "Immediate", "scheduleMode": "Continuous"}, (Rhythm.OTHER,)),
        ("BackupCopy", {"type": "Periodic"} | daily("22:00"), OF_COPIES),
        ("BackupCopy", {"type": "periodic"} | daily("22:00"), OF_COPIES),
        ("FileBackupCopy", {"type": "Continuous"}, (Rhythm.OTHER,)),
        ("FileBackupCopy", {}, (Rhythm.OTHER,)),
        ("ProxmoxBackupJob", daily("22:00"), ()),
    ],
)
def test_which_rhythms_can_be_chosen(kind: str, schedule: Any, expected: tuple[Rhythm, ...]) -> None:
    """Another rhythm can be kept, never chosen."""
    assert choosable_rhythms(scheduled(schedule, kind)) == expected


@pytest.mark.parametrize(
    ("kind", "platform", "units", "credentials"),
    [
        ("VSphereBackup", "VSphere", ("RestorePoints", "Days"), True),
        ("Backup", "VSphere", ("RestorePoints", "Days"), True),
        ("vspherebackup", "VSphere", ("RestorePoints", "Days"), True),
        ("HyperVBackup", "HyperV", ("RestorePoints", "Days"), True),
        ("CloudDirectorBackup", "CloudDirector", ("RestorePoints", "Days"), True),
        ("VSphereReplica", "VSphere", ("RestorePoints",), True),
        ("WindowsAgentBackup", "Windows", ("RestorePoints", "Days"), False),
        ("LinuxAgentBackup", "Linux", ("RestorePoints", "Days"), True),
        ("BackupCopy", "Jobs", ("RestorePoints", "Days"), False),
        ("FileBackupCopy", None, ("Days", "Months"), False),
        ("EntraIDTenantBackupCopy", None, ("Days", "Months"), False),
        ("EntraIDTenantBackup", None, ("RestorePoints", "Days"), False),
        ("EntraIDAuditLogBackup", None, ("Days", "Months", "Years"), False),
    ],
)
def test_what_a_type_can_be_asked_for(
    kind: str,
    platform: str | None,
    units: tuple[str, ...],
    credentials: bool,  # noqa: FBT001 - a table's column
) -> None:
    """By the schemas of 1.3-rev0, in any revision's spelling of the type."""
    assert has_model(kind)
    assert (source_of(kind), retention_units(kind), takes_guest_credentials(kind)) == (
        platform,
        tuple(map(RetentionUnit, units)),
        credentials,
    )


def test_a_windows_job_of_failover_clusters_takes_clusters() -> None:
    """Before it had a type of its own, and only where its model says so."""
    of_clusters = {"agentType": "FailoverCluster"}
    assert source_of("WindowsAgentBackup", model=of_clusters) is Source.CLUSTERS
    assert source_of("WindowsAgentBackup", model={"agentType": "Server"}) is Source.WINDOWS
    assert source_of("LinuxAgentBackup", model=of_clusters) is Source.LINUX


@pytest.mark.parametrize("kind", ["Unknown", "LegacyBackupCopy", "ProxmoxBackupJob", ""])
def test_a_type_without_a_model_offers_nothing(kind: str) -> None:
    """It cannot be fetched or sent, so nothing about it may seem changeable."""
    assert (has_model(kind), source_of(kind), retention_units(kind)) == (False, None, ())
    assert settings_of({"type": kind, "name": "Iris", "description": "x"}) == JobSettings("Iris")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda part: st.lists(part, max_size=2) | st.dictionaries(st.text(max_size=3), part, max_size=2),
    max_leaves=4,
)


@st.composite
def spoilt_models(draw: st.DrawFn) -> Model:
    """A job's model with any value put in some of its places."""
    kind = draw(st.sampled_from(KINDS))
    model = draw(received_models(kind, home_of(kind)))
    for _ in range(draw(st.integers(1, 4))):
        place: Any = model
        while place:
            key = draw(st.sampled_from(sorted(place)))
            if not isinstance(place[key], dict) or draw(st.booleans()):
                place[key] = draw(JSON)
                break
            place = place[key]
    return model


@given(model=spoilt_models())
@settings(max_examples=100, deadline=None)
def test_reading_never_raises(model: Model) -> None:
    """Whatever stands where; nor do keys, differences and fingerprints of what was read."""
    read = settings_of(model)
    assert differences(read, settings_of(copy.deepcopy(model))) == ()
    assert all(len(item.key) <= 150 for item in read.objects or ())
    assert len(settings_fingerprint(model)) == 64
    choosable_rhythms(model)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (
            {"platform": "VSphere", "hostName": "vc01", "type": "VirtualMachine", "name": "web01",
             "objectId": "vm-1"},
            '["vc01","VirtualMachine","vm-1"]',
        ),
        (
            {"platform": "VSphere", "hostName": "vc01", "type": "vCenterServer", "name": "vc01"},
            '["vc01","vCenterServer","vc01"]',
        ),
        (
            {"platform": "Agent", "id": "AB-1", "name": "Büro", "type": "ProtectionGroup"},
            '["agent","ab-1"]',
        ),
        ({"id": "AB-1", "name": "Nightly", "type": "VSphereBackup"}, '["job","ab-1"]'),
        ({"platform": "HyperV", "hostName": "hv", "type": "Tag", "name": "Büro"}, '["hv","Tag","Büro"]'),
    ],
)  # fmt: skip
def test_an_object_is_known_by_its_ids(raw: Model, key: str) -> None:
    """Its name, its size and what a server adds make it no other."""
    assert JobObject(raw).key == key
    assert JobObject(raw | {"size": "1 TB", "isEnabled": True, "metadata": []}) == JobObject(raw)
    assert len({JobObject(raw), JobObject(raw | {"size": "2 TB"})}) == 1


def test_a_key_fits_whatever_the_names() -> None:
    """An option of a Slack menu holds 150 characters; long names are still told apart."""
    long = [JobObject({"hostName": "h" * 200, "type": "Host", "name": name}) for name in ("a", "b")]
    assert all(len(item.key) <= 150 for item in long)
    assert long[0] != long[1]


def test_objects_are_made_from_what_was_found() -> None:
    """A row of the inventory, or a job to copy."""
    row = InventoryObject(
        name="web01",
        platform="VSphere",
        type="VirtualMachine",
        host_name="vc01",
        object_id="vm-1",
    )
    machine = JobObject.of_machine(row)
    assert (machine.name, machine.kind, machine.host_name, machine.object_id, machine.platform) == (
        "web01",
        "VirtualMachine",
        "vc01",
        "vm-1",
        "VSphere",
    )
    assert "size" not in machine.raw
    job = JobObject.of_job("ab-1", "Nightly", "VSphereBackup")
    assert (job.name, job.kind, job.object_id, job.platform) == ("Nightly", "VSphereBackup", "ab-1", "")
    assert JobObject.of_job("ab-1").raw == {"id": "ab-1"}
    assert JobObject.of_job("ab-1").name == "ab-1"


def test_objects_in_the_older_form_are_told_apart() -> None:
    """The official example of a job wraps each of its objects, and tells the size beside it."""
    wrapped = [
        {"inventoryObject": {"type": "VirtualMachine", "hostName": "vc01", "name": name, "objectId": name}}
        for name in ("vm-1", "vm-2")
    ]
    model = {"type": "VSphereBackup", "name": "Web", "virtualMachines": {"includes": wrapped}}
    objects = settings_of(model).objects or ()
    assert [each.name for each in objects] == ["vm-1", "vm-2"]
    assert objects == tuple(JobObject(each["inventoryObject"]) for each in wrapped)
    assert objects[0].raw == wrapped[0]
    sized = {**model, "virtualMachines": {"includes": [each | {"size": "1 GB"} for each in wrapped]}}
    assert same_settings(model, sized)


def test_a_copy_of_whole_repositories_offers_no_objects() -> None:
    """Choosing jobs instead would leave the repositories in, or out, unseen."""
    sources = {"includes": {"jobs": [], "repositories": [{"id": "ab-1", "type": "WinLocal"}]}}
    model = {"type": "BackupCopy", "name": "Copy", "sourceObjects": sources}
    assert settings_of(model).objects is None


WEB, DB = (JobObject({"hostName": "vc01", "type": "VirtualMachine", "name": name}) for name in ("web", "db"))
BEFORE = JobSettings(
    "Web tier",
    description="",
    is_high_priority=False,
    objects=(WEB, DB),
    repository_id="ab-1",
    retention=Retention("Days", 14),
    schedule=Schedule(Rhythm.EVERY_DAY, time(22)),
    guest=GuestProcessing(is_application_aware=True, credentials_id="cd-1"),
)


@pytest.mark.parametrize(
    ("part", "before", "after", "differs"),
    [
        (SettingsField.NAME, "Web tier", "Web", True),
        (SettingsField.DESCRIPTION, "", "x", True),
        (SettingsField.PRIORITY, False, True, True),
        (SettingsField.OBJECTS, (WEB, DB), (DB, WEB), False),
        (SettingsField.OBJECTS, (WEB, DB), (WEB,), True),
        (SettingsField.REPOSITORY, "ab-1", "AB-1", False),
        (SettingsField.REPOSITORY, "ab-1", "ab-2", True),
        (SettingsField.RETENTION, Retention("Days", 14), Retention("days", 14), False),
        (SettingsField.RETENTION, Retention("Days", 14), Retention("RestorePoints", 14), True),
        (SettingsField.SCHEDULE, Schedule(Rhythm.BY_HAND), Schedule(Rhythm.BY_HAND, NINE), False),
        (
            SettingsField.SCHEDULE,
            Schedule(Rhythm.EVERY_DAY, NINE),
            Schedule(Rhythm.EVERY_DAY, time(9, 0, 30)),
            False,
        ),
        (SettingsField.SCHEDULE, Schedule(Rhythm.EVERY_DAY, NINE), Schedule(Rhythm.WEEKDAYS, NINE), True),
        (SettingsField.SCHEDULE, Schedule(Rhythm.EVERY_DAY, NINE), OTHER, False),
        (SettingsField.SCHEDULE, OTHER, Schedule(Rhythm.BY_HAND), True),
        (SettingsField.GUEST, GuestProcessing(True, "a"), GuestProcessing(True), False),
        (SettingsField.GUEST, GuestProcessing(True), GuestProcessing(True, "a"), True),
        (SettingsField.GUEST, GuestProcessing(False, "a"), GuestProcessing(False, "b"), False),
        (SettingsField.GUEST, GuestProcessing(False, "a"), GuestProcessing(True, "a"), True),
        (SettingsField.GUEST, GuestProcessing(True, "a", "Linux"), GuestProcessing(True, "a"), False),
    ],
)
def test_what_counts_as_a_difference(part: SettingsField, before: Any, after: Any, differs: bool) -> None:  # noqa: FBT001 - a table's columns
    """Whoever asks for what is there already asks for nothing."""
    fields = {SettingsField.PRIORITY: "is_high_priority", SettingsField.REPOSITORY: "repository_id"}
    name = fields.get(part, str(part))
    old, new = (JobSettings(**({"name": "Web tier"} | {name: value})) for value in (before, after))
    assert differences(old, new) == ((SettingsChange(part, before, after),) if differs else ())


def test_differences_come_in_the_order_of_the_parts() -> None:
    """And a part that is not offered, before or after, is none."""
    after_all = JobSettings("Web", is_high_priority=True, objects=(WEB,), guest=None)
    assert [change.part for change in differences(BEFORE, after_all)] == [
        SettingsField.NAME,
        SettingsField.PRIORITY,
        SettingsField.OBJECTS,
    ]
    assert [change.part for change in differences(after_all, BEFORE)] == [
        SettingsField.NAME,
        SettingsField.PRIORITY,
        SettingsField.OBJECTS,
    ]


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_what_changes_by_itself_says_nothing(data: st.DataObject) -> None:
    """Two reads of an unchanged job are the same settings, with one fingerprint, in whatever order."""
    model = data.draw(st.sampled_from(KINDS).flatmap(lambda kind: received_models(kind, home_of(kind))))
    again = grown(json.loads(json.dumps(model, sort_keys=True)))
    assert same_settings(model, again)
    assert settings_fingerprint(model) == settings_fingerprint(again)


def grown(value: Any) -> Any:
    """The like with other sizes of its machines, switched off, and a null that was not there."""
    if isinstance(value, dict):
        size = {"size": "999 GB", "powerState": "PoweredOff"} if "platform" in value else {}
        return {key: grown(part) for key, part in value.items()} | size | {"xNew": None}
    return [grown(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Web"},
        {"isDisabled": True},
        {"xFuture": 1},
        {"schedule": daily("22:01")},
        {"size": "1 GB"},
    ],
)
def test_everything_else_is_a_setting(change: Model) -> None:
    """Also what this bot has no form for: somebody else changed it."""
    model = scheduled(daily("22:00")) | {"isDisabled": False}
    assert not same_settings(model, model | change)
    assert settings_fingerprint(model) != settings_fingerprint(model | change)
