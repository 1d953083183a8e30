"""Which field VBR's words are about, as far as that can be told."""

from typing import Any

import pytest

from bot.operations.job_editor.fields import (
    change_in_words,
    field_meant,
    in_words,
    warnings_about,
    worst_first,
)
from bot.veeam import (
    BackupWindow,
    Encryption,
    JobObject,
    JobSettings,
    KeySource,
    Retention,
    RetryPolicy,
    SettingsField,
    TaskDays,
    Weekday,
    differences,
)

TOLD = [
    ("A job with the name 'Web tier' already exists.", SettingsField.NAME),
    ("A job with the name 'Retention \"test\"' already exists.", SettingsField.NAME),
    ("A job with the name 'O'Brien's repository' already exists.", SettingsField.NAME),
    ("The name field must not be empty.", SettingsField.NAME),
    ("The value of name is missing or not valid.", SettingsField.NAME),
    ("The description field is required.", SettingsField.DESCRIPTION),
    ("The value of isHighPriority is missing or not valid.", SettingsField.PRIORITY),
    ("Backup repository with ID '88788f9e' was not found.", SettingsField.REPOSITORY),
    (
        "Backup repository 'x' cannot be used: it is an extent of scale-out backup repository 'y'.",
        SettingsField.REPOSITORY,
    ),
    ("The storage.backupRepositoryId field is required.", SettingsField.REPOSITORY),
    ("The value of jobSettings.metadataRepositoryId is missing or not valid.", SettingsField.REPOSITORY),
    ("The storage.retentionPolicy.quantity field is required.", SettingsField.RETENTION),
    ("The value of jobSettings.restorePointsToKeep must be between 1 and 28.", SettingsField.RETENTION),
    (
        "Object 'Repository VM' with ID 'vm-1042' was not found on 'vcenter01.example.com'.",
        SettingsField.OBJECTS,
    ),
    ("Object 'phys01' with ID 'c0ffee' was not found in its protection group.", SettingsField.OBJECTS),
    ("Protection group with ID 'c0ffee' was not found.", SettingsField.OBJECTS),
    ("Server 'vcenter02.example.com' was not found.", SettingsField.OBJECTS),
    ("virtualMachines.includes must contain at least one item.", SettingsField.OBJECTS),
    ("The value of computers[0].type is missing or not valid.", SettingsField.OBJECTS),
    ("The sourceObjects field is required.", SettingsField.OBJECTS),
    ("Job with ID '88788f9e' was not found.", SettingsField.OBJECTS),
    ("Credentials with ID '88788f9e' were not found.", SettingsField.GUEST),
    ("Credentials with ID '88788f9e' are not of the type 'Linux'.", SettingsField.GUEST),
    ("The guestProcessing.appAwareProcessing.isEnabled field is required.", SettingsField.GUEST),
    ("Only one scheduling option can be enabled in schedule: daily, afterThisJob.", SettingsField.SCHEDULE),
    ("The value of schedule.daily.localTime is not valid.", SettingsField.SCHEDULE),
    ("The schedule.daily.days field is required when dailyKind is SelectedDays.", SettingsField.SCHEDULE),
    ("Job 'Web tier' cannot be scheduled to run after itself.", SettingsField.SCHEDULE),
    ("Job 'Web tier' cannot run after job 'Oracle', which itself runs after it.", SettingsField.SCHEDULE),
    ("Job 'Repository credentials' was not found.", SettingsField.SCHEDULE),
    ("The value of schedule.retry.retryCount is missing or not valid.", SettingsField.RETRY),
    ("The value of schedule.backupWindow.backupWindow.days[0].hours is not valid.", SettingsField.WINDOW),
    ("The value of storage.advancedSettings.backupHealth.isEnabled is missing.", SettingsField.HEALTH_CHECK),
    ("Backup proxy with ID '88788f9e' was not found.", None),
    ("The id and the type of a job cannot be changed.", None),
    ("The operation requires approval of another administrator: four-eyes authorization is on.", None),
    ("Specify job of supported platform type.", None),
    ("", None),
]


@pytest.mark.parametrize(("message", "part"), TOLD)
def test_the_field_that_vbr_means(message: str, part: SettingsField | None) -> None:
    """What is quoted says nothing: a job or a machine may be called anything."""
    assert field_meant(message) == part


def test_what_takes_protection_away_is_said_first() -> None:
    """A long description and many new machines hide neither a shorter retention nor removed machines."""
    old, new = (
        [JobObject.of_job(f"{kind}{at}", f"{kind}{at}") for at in range(12)] for kind in ("old", "new")
    )
    before = JobSettings("Job", "short", objects=tuple(old), retention=Retention("Days", 7))
    after = JobSettings("Work", "x" * 900, objects=tuple(new[:6]), retention=Retention("Days", 1))
    words = [change_in_words(change, {}) for change in worst_first(differences(before, after))]
    assert words[0] == "Retention: 7 days → 1 day"
    assert words[1] == (
        "Objects: 12 removed, 6 added. "
        "Removed: old0, old1, old2, old3, old4, old5, old6, old7, old8, old9, old10, old11. "
        "Added: new0, new1, new2, new3, new4, new5."
    )
    assert words[2:][0] == "Name: Job → Work"
    assert words[3].startswith("Description: short → xxx")


NIGHT = BackupWindow.daily(22, 6).days


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        (SettingsField.RETRY, RetryPolicy(True, 3, 1), "3, 1 minute apart"),
        (SettingsField.WINDOW, BackupWindow.daily(22, 6), "daily 22:00 to 06:00"),
        (
            SettingsField.WINDOW,
            BackupWindow(is_on=True, days=NIGHT[:5]),
            "Monday to Friday 00:00 to 06:00 and 22:00 to 24:00",
        ),
        (SettingsField.ENCRYPTION, Encryption(True, KeySource.KMS), "on, with a key of a KMS server"),
        (SettingsField.ACTIVE_FULL, TaskDays((Weekday.SATURDAY, Weekday.SUNDAY)), "Saturday, Sunday"),
        (SettingsField.HEALTH_CHECK, TaskDays(is_otherwise=True), "as set in VBR"),
    ],
)
def test_settings_in_words(part: SettingsField, value: Any, words: str) -> None:
    """As the form's summary, the answer and the record say it."""
    assert in_words(part, value, {}) == words


def test_encryption_that_ends_is_warned_of() -> None:
    """VBR's API documents no list of keys to take one from again."""
    before = JobSettings("Job", encryption=Encryption(is_on=True))
    after = JobSettings("Job", encryption=Encryption(is_on=False))
    (warning,) = warnings_about(differences(before, after), {})
    assert warning.startswith("New backups will not be encrypted.")
