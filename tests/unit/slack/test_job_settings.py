"""A job's settings in words."""

import pytest

from bot.slack.views.job_settings import schedule_sentence, settings_lines
from bot.veeam import (
    AfterJob,
    AsPointsAppear,
    Continuous,
    Daily,
    ItemKind,
    JobFacts,
    JobItem,
    KeySource,
    Monthly,
    Periodic,
    Retention,
    RetryPolicy,
    ScheduleFacts,
    TaskDays,
    Timing,
    Weekday,
)

NIGHT = tuple(hour >= 20 or hour < 6 for hour in range(24))
DAY = tuple(8 <= hour < 18 for hour in range(24))
NEVER = (False,) * 24
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


BACKS_UP = (
    "Backs up: sql01, sql02, sql03, sql04, sql05, sql06, sql07, sql08, sql09, sql10 and 2 more: see Next · "
    "chosen volumes"
)
ONLY_AT_NIGHT = (
    "Continuously, a new run as soon as one has ended, only Monday to Tuesday 00:00 to 06:00 and "
    "20:00 to 24:00, Saturday 08:00 to 18:00"
)


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (Daily("Everyday", "22:00"), "Daily at 22:00"),
        (Daily("everyday", None), "Daily"),
        (Daily("WeekDays", "22:00", ("monday",)), "Monday to Friday at 22:00"),
        (Daily("SelectedDays", "22:00", ("monday", "Thursday")), "Every Monday and Thursday at 22:00"),
        (Daily("Fortnightly", "22:00"), "Fortnightly at 22:00"),
        (Monthly("22:00", "First", "saturday", months=MONTHS), "Every month on the first Saturday at 22:00"),
        (Monthly("22:00", "OnDay", "saturday", 15), "Every month on day 15 at 22:00"),
        (Monthly("22:00", "OnDay", "", 15, is_last_day=True), "Every month on the last day at 22:00"),
        (Monthly(None, "Last", "friday", months=("May", "July")), "In May and July on the last Friday"),
        (Periodic(4, "Hours"), "Every 4 hours"),
        (Periodic(1, "Days"), "Every day"),
        (Continuous(), "Continuously, a new run as soon as one has ended"),
        (AfterJob("SQL <b>"), "After SQL &lt;b&gt;"),
        (AfterJob(""), "After another job"),
        (AsPointsAppear(), "As new restore points appear"),
    ],
)
def test_when_a_job_runs(timing: Timing, words: str) -> None:
    """A sentence as a person would say it; an unknown kind is shown as it is."""
    assert schedule_sentence(ScheduleFacts(is_automatic=True, timings=(timing,))) == words


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (ScheduleFacts(), ""),
        (ScheduleFacts(is_automatic=False), "Not scheduled: it runs when someone starts it"),
        (ScheduleFacts(is_automatic=True), "As set in VBR"),
        (
            ScheduleFacts(True, (Daily("Everyday", "22:00"),), RetryPolicy(True, 3, 10)),
            "Daily at 22:00, then retried 3 times, 10 minutes apart",
        ),
        (
            ScheduleFacts(True, (Daily("Everyday", "22:00"),), RetryPolicy(True, 1, 1)),
            "Daily at 22:00, then retried once, 1 minute later",
        ),
        (
            ScheduleFacts(True, (Daily("Everyday", "22:00"), Periodic(2, "Hours"))),
            "Daily at 22:00 and every 2 hours",
        ),
        (
            ScheduleFacts(
                True,
                (Continuous(),),
                window=(("monday", NIGHT), ("tuesday", NIGHT), ("saturday", DAY), ("sunday", NEVER)),
            ),
            ONLY_AT_NIGHT,
        ),
    ],
)
def test_what_else_a_schedule_says(schedule: ScheduleFacts, words: str) -> None:
    """Retries and the window follow; a job without a schedule is said to have none."""
    assert schedule_sentence(schedule) == words


STORED = (
    "Compression: dedup friendly · makes active full backups on Saturday and Sunday and synthetic full "
    "backups · health check: off"
)


def test_settings_in_words() -> None:
    """A line for each thing that the model says."""
    facts = JobFacts(
        items=tuple(JobItem(ItemKind.OBJECT, f"sql{n:02}", type="VirtualMachine") for n in range(1, 13)),
        left_out=(
            JobItem(ItemKind.OBJECT, "Test", type="ResourcePool"),
            JobItem(ItemKind.DISKS, "sql02"),
        ),
        leaves_templates_out=True,
        scope="Volumes",
        target="esx01",
        retention=Retention("RestorePoints", 1),
        gfs=(("weekly", 4), ("yearly", 3)),
        is_encrypted=True,
        encryption_key=KeySource.PASSWORD,
        compression="DedupFriendly",
        full_backups=(
            ("active", TaskDays((Weekday.SATURDAY, Weekday.SUNDAY))),
            ("synthetic", TaskDays(is_otherwise=True)),
        ),
        is_health_checked=False,
        is_application_aware=True,
        guest_account="EXAMPLE\\svc-vss",
        is_indexed=True,
        runs_scripts=True,
    )
    assert settings_lines(facts) == [
        BACKS_UP,
        "Leaves out: Test (resource pool), sql02 (some disks), templates",
        "Replicates to: esx01",
        "Keeps: 1 restore point · long-term (GFS): 4 weekly, 3 yearly",
        "Guest processing: application-aware with EXAMPLE\\svc-vss, files indexed",
        "Encryption: on, with a password",
        STORED,
        "Runs a script before or after",
    ]
    assert settings_lines(JobFacts()) == []


def test_copies_in_words() -> None:
    """A copy says which jobs it copies, and that it keeps what they do."""
    facts = JobFacts(
        items=(JobItem(ItemKind.JOB, "SQL Prod"), JobItem(ItemKind.REPOSITORY, "", "88788f9e")),
        is_kept_as_primary=True,
        is_application_aware=False,
        is_encrypted=False,
    )
    assert settings_lines(facts) == [
        "Copies: SQL Prod (job), 88788f9e (repository)",
        "Keeps: as long as the job that it copies",
        "Guest processing: off",
        "Encryption: off",
    ]
