"""Retries, backup window, encryption, full backups and checks: off keeps what stood there, on says enough."""

from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.vbr.jobmodels import daily
from bot.veeam import (
    REVISIONS,
    BackupWindow,
    Encryption,
    JobSettings,
    KeySource,
    RetryPolicy,
    SettingsField,
    TaskDays,
    Weekday,
    changed,
    differences,
    job_facts,
    reduces_protection,
    settings_of,
    settings_problems,
)
from bot.veeam.jobs import Job
from tests.support.job_models import Model
from tests.unit.veeam.test_job_editing import model_with

NIGHT = "1," * 6 + "0," * 16 + "1,1"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
KEY = {"encryptionPasswordId": "6ac1a4f2-6a52-4f0a-9d3c-0d1f2f6c0a05"}
LAST_FRIDAY = {"isEnabled": True, "dayNumberInMonth": "Last", "dayOfWeek": "friday"}
SATURDAY = TaskDays((Weekday.SATURDAY,))


def window(hours: str, days: tuple[str, ...] = DAYS) -> Model:
    rows = [{"day": day, "hours": hours} for day in days]
    return {"isEnabled": True, "backupWindow": {"days": rows}}


def storage_model(**advanced: Any) -> Model:
    model = model_with(daily("22:00"))
    model["storage"]["advancedSettings"] |= advanced
    return model


def after(model: Model, revision: str = "1.3-rev0", **wanted: Any) -> Any:
    return changed(model, replace(settings_of(model), **wanted), REVISIONS[revision])


def test_retries_that_are_switched_off_keep_their_number() -> None:
    """As in VBR's console, so that they come back as they were."""
    model = model_with(daily("22:00"))
    off = after(model, retry=RetryPolicy(enabled=False, count=0, wait_minutes=10))
    assert off["schedule"]["retry"] == {"isEnabled": False, "retryCount": 3, "awaitMinutes": 10}
    assert settings_of(off).retry == RetryPolicy(enabled=False, count=0, wait_minutes=10)
    assert settings_of(model_with(daily("22:00"), "SureBackupContentScan")).retry is None


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (None, BackupWindow(is_on=False)),
        (window(NIGHT) | {"isEnabled": False}, BackupWindow(is_on=False)),
        (window(NIGHT), BackupWindow.daily(22, 6)),
        (window("1," * 23 + "1"), BackupWindow.daily(0, 24)),
        ({"isEnabled": True}, BackupWindow(is_on=True)),
        (window(NIGHT, ("monday", "caturday")), BackupWindow(is_on=True)),
    ],
)
def test_a_window_is_read(block: Model | None, expected: BackupWindow) -> None:
    """What is not understood is on, in hours that only VBR can show."""
    model = model_with(daily("22:00") | {"backupWindow": block})
    assert settings_of(model).window == expected


def test_a_window_of_some_days_is_no_range_of_each_day() -> None:
    """It is kept unless somebody replaces it, in the rows and the words that were received."""
    model = model_with(daily("22:00") | {"backupWindow": window(NIGHT, ("Friday", "Monday"))})
    read = settings_of(model).window
    assert read is not None
    assert (read.is_on, read.daily_range) == (True, None)
    rows = after(model, window=BackupWindow.daily(22, 6))["schedule"]["backupWindow"]["backupWindow"]["days"]
    assert [row["day"] for row in rows] == [
        *("Friday", "Monday", "Tuesday", "Wednesday", "Thursday", "Saturday", "Sunday")
    ]
    assert {row["hours"] for row in rows} == {NIGHT}


@pytest.mark.parametrize(
    ("kind", "on", "off"),
    [
        ("BackupCopy", {"scheduleMode": "BackupWindow"}, {"scheduleMode": "Continuous"}),
        ("FileBackupCopy", {"type": "Custom"}, {"type": "Continuous"}),
    ],
)
def test_copies_without_hours_have_a_window_of_their_own(kind: str, on: Model, off: Model) -> None:
    """Their mode switches it; the hours stay for another time."""
    model = model_with({}, kind, mode="Immediate")
    assert settings_of(model).window == BackupWindow(is_on=False)
    narrow = after(model, window=BackupWindow.daily(22, 6))
    assert narrow["schedule"].items() >= on.items()
    assert settings_of(narrow).window == BackupWindow.daily(22, 6)
    wide = after(narrow, window=BackupWindow(is_on=False))
    assert wide["schedule"] == narrow["schedule"] | off


def test_days_take_the_place_of_a_month() -> None:
    """VBR's console lets one of the two be on; switched off, both keep their days."""
    model = storage_model(activeFulls={"isEnabled": True, "monthly": LAST_FRIDAY})
    assert settings_of(model).active_full == TaskDays(is_otherwise=True)
    block = after(model, "1.3-rev2", active_full=SATURDAY)["storage"]["advancedSettings"]["activeFulls"]
    assert block == {
        "isEnabled": True,
        "monthly": LAST_FRIDAY | {"isEnabled": False},
        "weekly": {"isEnabled": True, "days": ["Saturday"]},
    }
    off = after(model, active_full=TaskDays())["storage"]["advancedSettings"]["activeFulls"]
    assert off == {"isEnabled": False, "monthly": LAST_FRIDAY}
    both = replace(settings_of(model), active_full=replace(SATURDAY, is_otherwise=True))
    assert [part for part, _ in settings_problems(both, "VSphereBackup")] == [SettingsField.ACTIVE_FULL]


@pytest.mark.parametrize(
    ("revision", "key"), [("1.3-rev1", "synthenticFulls"), ("1.3-rev2", "syntheticFulls")]
)
def test_synthetic_fulls_are_spelt_as_the_revision_does(revision: str, key: str) -> None:
    """1.3-rev2 mended a slip of the pen; what was received is not spelt twice."""
    model = storage_model()
    del model["storage"]["advancedSettings"]["synthenticFulls"]
    settings = after(model, revision, synthetic_full=SATURDAY)["storage"]["advancedSettings"]
    assert [name for name in settings if name.startswith("synthe")] == [key]


def test_encryption_is_switched_where_a_key_is_named() -> None:
    """Which one is not ours to choose or to show, and stays; without one there is nothing to switch."""
    block = {"isEnabled": True, "encryptionType": "ByUserPassword", **KEY}
    model = storage_model(storageData={"encryption": block})
    read = settings_of(model).encryption
    assert read is not None
    assert (read, read.key) == (Encryption(is_on=True), KeySource.PASSWORD)
    off = after(model, encryption=Encryption(is_on=False))
    assert off["storage"]["advancedSettings"]["storageData"]["encryption"] == block | {"isEnabled": False}
    assert settings_of(storage_model(storageData={"encryption": {"isEnabled": False}})).encryption is None
    assert KEY["encryptionPasswordId"] not in repr(job_facts(Job(model)))


def test_a_job_without_advanced_settings_has_none_to_change() -> None:
    """They would be the bot's guess: what VBR takes in their place it does not say."""
    model = model_with(daily("22:00"))
    del model["storage"]["advancedSettings"]
    wanted = replace(settings_of(model), active_full=SATURDAY, compression="High")
    assert changed(model, wanted, REVISIONS["1.3-rev0"]) == model


@pytest.mark.parametrize(
    ("before", "wanted", "expected"),
    [
        ({"retry": RetryPolicy(True, 3, 10)}, {"retry": RetryPolicy(True, 2, 10)}, True),
        ({"retry": RetryPolicy(True, 3, 10)}, {"retry": RetryPolicy(True, 4, 90)}, False),
        ({"window": BackupWindow(is_on=False)}, {"window": BackupWindow.daily(22, 6)}, True),
        ({"window": BackupWindow.daily(22, 6)}, {"window": BackupWindow.daily(20, 7)}, False),
        ({"encryption": Encryption(is_on=True)}, {"encryption": Encryption(is_on=False)}, True),
        ({"health_check": SATURDAY}, {"health_check": TaskDays()}, True),
    ],
)
def test_what_takes_protection_away(before: Any, wanted: Any, expected: bool) -> None:  # noqa: FBT001 -- a table's cell
    """Less is tried again, allowed, encrypted or checked."""
    (change,) = differences(JobSettings("SQL", **before), JobSettings("SQL", **wanted))
    assert reduces_protection(change) is expected
