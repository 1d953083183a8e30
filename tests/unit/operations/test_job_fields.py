"""Which field VBR's words are about, as far as that can be told."""

import pytest

from bot.operations.job_editor.fields import field_meant
from bot.veeam import Part

TOLD = [
    ("A job with the name 'Web tier' already exists.", Part.NAME),
    ("A job with the name 'Retention \"test\"' already exists.", Part.NAME),
    ("A job with the name 'O'Brien's repository' already exists.", Part.NAME),
    ("The name field must not be empty.", Part.NAME),
    ("The value of name is missing or not valid.", Part.NAME),
    ("The description field is required.", Part.DESCRIPTION),
    ("The value of isHighPriority is missing or not valid.", Part.PRIORITY),
    ("Backup repository with ID '88788f9e' was not found.", Part.REPOSITORY),
    (
        "Backup repository 'x' cannot be used: it is an extent of scale-out backup repository 'y'.",
        Part.REPOSITORY,
    ),
    ("The storage.backupRepositoryId field is required.", Part.REPOSITORY),
    ("The value of jobSettings.metadataRepositoryId is missing or not valid.", Part.REPOSITORY),
    ("The storage.retentionPolicy.quantity field is required.", Part.RETENTION),
    ("The value of jobSettings.restorePointsToKeep must be between 1 and 28.", Part.RETENTION),
    ("Object 'Repository VM' with ID 'vm-1042' was not found on 'vcenter01.example.com'.", Part.OBJECTS),
    ("Object 'phys01' with ID 'c0ffee' was not found in its protection group.", Part.OBJECTS),
    ("Protection group with ID 'c0ffee' was not found.", Part.OBJECTS),
    ("Server 'vcenter02.example.com' was not found.", Part.OBJECTS),
    ("virtualMachines.includes must contain at least one item.", Part.OBJECTS),
    ("The value of computers[0].type is missing or not valid.", Part.OBJECTS),
    ("The sourceObjects field is required.", Part.OBJECTS),
    ("Job with ID '88788f9e' was not found.", Part.OBJECTS),
    ("Credentials with ID '88788f9e' were not found.", Part.GUEST),
    ("Credentials with ID '88788f9e' are not of the type 'Linux'.", Part.GUEST),
    ("The guestProcessing.appAwareProcessing.isEnabled field is required.", Part.GUEST),
    ("Only one scheduling option can be enabled in schedule: daily, afterThisJob.", Part.SCHEDULE),
    ("The value of schedule.daily.localTime is not valid.", Part.SCHEDULE),
    ("The schedule.daily.days field is required when dailyKind is SelectedDays.", Part.SCHEDULE),
    ("Job 'Web tier' cannot be scheduled to run after itself.", Part.SCHEDULE),
    ("Job 'Web tier' cannot run after job 'Oracle', which itself runs after it.", Part.SCHEDULE),
    ("Job 'Repository credentials' was not found.", Part.SCHEDULE),
    ("Backup proxy with ID '88788f9e' was not found.", None),
    ("The id and the type of a job cannot be changed.", None),
    ("The operation requires approval of another administrator: four-eyes authorization is on.", None),
    ("Specify job of supported platform type.", None),
    ("", None),
]


@pytest.mark.parametrize(("message", "part"), TOLD)
def test_the_field_that_vbr_means(message: str, part: Part | None) -> None:
    """What is quoted says nothing: a job or a machine may be called anything."""
    assert field_meant(message) == part
