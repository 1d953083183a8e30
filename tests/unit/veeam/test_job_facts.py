"""What is read of a JobModel for people: of every type, and whatever is missing or odd."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.veeam import (
    AfterJob,
    AsPointsAppear,
    Continuous,
    Daily,
    ItemKind,
    Job,
    JobFacts,
    JobItem,
    Monthly,
    Periodic,
    Retention,
    RetryPolicy,
    ScheduleFacts,
    TaskDays,
    Weekday,
    job_facts,
)
from tests.support.job_models import CASES, KINDS, received_models, valid_models

NIGHT = ",".join("1" if hour >= 20 or hour < 6 else "0" for hour in range(24))
ALWAYS = ",".join("1" * 24)
FEW = settings(max_examples=10, deadline=None)  # for each of up to 55 cases, which share their code


def read(**raw: Any) -> JobFacts:
    return job_facts(Job(raw))


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
@FEW
def test_every_type_says_what_it_backs_up_and_when(kind: str, data: st.DataObject) -> None:
    """A complete model of any type names what it includes, and whether it runs by itself."""
    facts = job_facts(Job(data.draw(valid_models(kind))))
    assert facts.items
    assert facts.schedule.is_automatic is not None or facts.schedule == ScheduleFacts()


@pytest.mark.parametrize(("kind", "revision"), CASES)
@given(st.data())
@FEW
def test_what_servers_send_is_read(kind: str, revision: str, data: st.DataObject) -> None:
    """Missing, null and unknown parts harm nothing, in any revision."""
    job_facts(Job(data.draw(received_models(kind, revision))))


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
@FEW
def test_junk_in_place_of_any_part_is_left_out(kind: str, data: st.DataObject) -> None:
    """Whatever stands in place of a part of a model, the rest is read."""
    model = json.loads(json.dumps(data.draw(valid_models(kind)), default=str))
    place: Any = model
    for _ in range(data.draw(st.integers(1, 5))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list):
            place[key] = data.draw(junk)
            break
        if data.draw(st.booleans()):
            place[key] = data.draw(junk)
            break
        place = place[key]
    job_facts(Job(model))


def test_objects_and_what_is_left_out() -> None:
    """Objects come with their type and host; machines, disks and templates that are left out are named."""
    facts = read(
        virtualMachines={
            "includes": [
                {"type": "Folder", "hostName": "vc1", "name": "SQL", "objectId": "group-v1"},
                {
                    "inventoryObject": {"type": "VirtualMachine", "hostName": "vc1", "name": "old"},
                    "size": "1",
                },
            ],
            "excludes": {
                "vms": [{"type": "VirtualMachine", "name": "sql09"}],
                "disks": [{"vmObject": {"name": "sql02"}, "disksToProcess": "SystemOnly"}],
                "templates": {"isEnabled": True},
            },
        }
    )
    assert facts.items == (
        JobItem(ItemKind.OBJECT, "SQL", "group-v1", "Folder", "vc1"),
        JobItem(ItemKind.OBJECT, "old", "", "VirtualMachine", "vc1"),
    )
    assert [(one.kind, one.name) for one in facts.left_out] == [
        (ItemKind.OBJECT, "sql09"),
        (ItemKind.DISKS, "sql02"),
    ]
    assert facts.leaves_templates_out


@pytest.mark.parametrize(
    ("model", "masks"),
    [
        (
            {"objects": [{"path": "a", "exclusionMask": ["*.tmp", "*.iso"]}, {"exclusionMask": ["*.tmp"]}]},
            "*.tmp *.iso",
        ),
        (
            {"objects": [{"exclusionMask": [{"path": "\\\\nas\\temp", "type": "Path"}, {"path": 5}]}]},
            "\\\\nas\\temp",
        ),
        (
            {
                "objects": [
                    {"exclusionPathMask": ["logs/*"], "exclusionTagMask": [{"name": "keep", "value": "no"}]}
                ]
            },
            "logs/* keep=no",
        ),
        (
            {"files": {"advancedSettings": {"excludeMasks": ["*.bak"], "excludeOneDrive": True}}},
            "*.bak OneDrive",
        ),
    ],
    ids=["shares", "shares of rev2", "buckets", "agents"],
)
def test_what_masks_leave_out(model: dict[str, Any], masks: str) -> None:
    """Each mask once, as texts and as objects."""
    left_out = read(**model).left_out
    assert all(one.kind is ItemKind.MASK for one in left_out)
    assert " ".join(one.name for one in left_out) == masks


def test_what_a_content_scan_passes_over() -> None:
    """The machines that are in its linked jobs and are not scanned."""
    facts = read(
        linkedJobs={"includes": [{"id": "j1"}], "excludes": [{"type": "VirtualMachine", "name": "vm"}]}
    )
    assert facts.left_out == (JobItem(ItemKind.OBJECT, "vm", "", "VirtualMachine"),)


def test_what_copies_copy() -> None:
    """A copy names jobs, repositories and backups; the copies of one job have its ID, tenants theirs."""
    includes = {"jobs": [{"id": "j1"}], "repositories": [{"id": "r1", "name": "Main"}], "backups": None}
    facts = read(sourceObjects={"includes": includes, "excludes": {"jobs": [{"id": "j2", "name": "Test"}]}})
    assert facts.items == (JobItem(ItemKind.JOB, id="j1"), JobItem(ItemKind.REPOSITORY, "Main", "r1"))
    assert facts.left_out == (JobItem(ItemKind.JOB, "Test", "j2"),)
    assert read(primaryJobId="j1").items == (JobItem(ItemKind.JOB, id="j1"),)
    assert read(storage={"tenantId": "t1"}).items == (JobItem(ItemKind.TENANT, id="t1"),)
    assert read(tenant={"tenantId": "t1"}).items == (JobItem(ItemKind.TENANT, id="t1"),)


def test_how_long_it_keeps() -> None:
    """Retention stands elsewhere in each type; long-term points count where they are switched on."""
    policy = {"type": "Days", "quantity": 14}
    gfs = {
        "isEnabled": True,
        "weekly": {"isEnabled": True, "keepForNumberOfWeeks": 4},
        "monthly": {"isEnabled": False, "keepForNumberOfMonths": 12},
        "yearly": {"isEnabled": True, "keepForNumberOfYears": 3},
    }
    for place in ("storage", "target", "backupRepository"):
        facts = read(**{place: {"retentionPolicy": policy, "gfsPolicy": gfs}})
        assert (facts.retention, facts.gfs) == (Retention("Days", 14), (("weekly", 4), ("yearly", 3)))
    assert read(storage={"gfsPolicy": gfs | {"isEnabled": False}}).gfs == ()
    assert read(jobSettings={"restorePointsToKeep": 7}).retention == Retention("RestorePoints", 7)
    own = read(useCustomRetention=True, retentionPolicy=policy)
    primary = read(useCustomRetention=False, retentionPolicy=policy)
    assert (own.retention, own.is_kept_as_primary) == (Retention("Days", 14), False)
    assert (primary.retention, primary.is_kept_as_primary) == (None, True)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, None),
        ({"storage": {"advancedSettings": {"storageData": {"encryption": {"isEnabled": True}}}}}, True),
        ({"storage": {"advancedSettings": {"storageData": {"encryption": {"isEnabled": False}}}}}, False),
        ({"target": {"advancedSettings": {"storageData": {"encryption": {"isEnabled": True}}}}}, True),
        ({"storage": {"advancedSettings": {"encryption": {"isEnabled": True}}}}, True),
        ({"useCustomEncryption": True, "encryption": {"isEnabled": True}}, True),
        ({"useCustomEncryption": False, "encryption": {"isEnabled": True}}, None),
    ],
)
def test_encryption(raw: dict[str, Any], expected: bool | None) -> None:  # noqa: FBT001 -- a table's cell
    """It is on, off, or not said; a copy's own counts where it has one."""
    assert read(**raw).is_encrypted is expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (
            {
                "runAutomatically": True,
                "daily": {
                    "isEnabled": True,
                    "localTime": "9:00",
                    "dailyKind": "Everyday",
                    "days": ["monday"],
                },
                "monthly": {"isEnabled": False, "localTime": "22:00"},
                "retry": {"isEnabled": True, "retryCount": 3, "awaitMinutes": 10},
            },
            ScheduleFacts(True, (Daily("Everyday", "09:00", ("monday",)),), RetryPolicy(True, 3, 10)),
        ),
        (
            {
                "runAutomatically": True,
                "monthly": {
                    "isEnabled": True,
                    "localTime": "22:00:30",
                    "dayNumberInMonth": "OnDay",
                    "dayOfMonth": 15,
                    "isLastDayOfMonth": True,
                    "months": ["May"],
                },
                "retry": {"isEnabled": False},
            },
            ScheduleFacts(True, (Monthly("22:00", "OnDay", "", 15, True, ("May",)),)),
        ),
        (
            {
                "runAutomatically": True,
                "periodically": {"isEnabled": True, "periodicallyKind": "Hours", "frequency": 4},
                "afterThisJob": {"isEnabled": True, "jobName": "SQL"},
                "continuously": {"isEnabled": True},
            },
            ScheduleFacts(True, (Periodic(4, "Hours"), Continuous(), AfterJob("SQL"))),
        ),
        ({"runAutomatically": False, "daily": {"isEnabled": True}}, ScheduleFacts(False)),
        ({"type": "Continuous"}, ScheduleFacts(True, (AsPointsAppear(),))),
        ({"type": "Immediate", "scheduleMode": "Continuous"}, ScheduleFacts(True, (AsPointsAppear(),))),
        ("odd", ScheduleFacts()),
    ],
)
def test_schedules(schedule: Any, expected: ScheduleFacts) -> None:
    """Every block that is switched on counts, none that is off, and none of a job that is not scheduled."""
    assert read(schedule=schedule).schedule == expected


def test_full_backups() -> None:
    """Those that are made now and then, on which days, in either spelling of the key."""
    saturdays = {"isEnabled": True, "weekly": {"isEnabled": True, "days": ["saturday"]}}
    monthly = {"isEnabled": True, "monthly": {"isEnabled": True}}
    for key in ("syntheticFulls", "synthenticFulls"):
        facts = read(storage={"advancedSettings": {key: monthly, "activeFulls": saturdays}})
        assert facts.full_backups == (
            ("active", TaskDays((Weekday.SATURDAY,))),
            ("synthetic", TaskDays(is_otherwise=True)),
        )
    off = {"activeFulls": saturdays | {"isEnabled": False}}
    assert read(storage={"advancedSettings": off}).full_backups == ()


def test_windows() -> None:
    """A window counts where it is switched on and leaves an hour out."""
    nights = {"days": [{"day": "monday", "hours": NIGHT}, {"day": "odd", "hours": "1"}]}
    always = {"days": [{"day": "monday", "hours": ALWAYS}]}
    hours = tuple(letter == "1" for letter in NIGHT.split(","))
    on = {"runAutomatically": True, "backupWindow": {"isEnabled": True, "backupWindow": nights}}
    assert read(schedule=on).schedule.window == (("monday", hours),)
    off = {"runAutomatically": True, "backupWindow": {"isEnabled": False, "backupWindow": nights}}
    assert read(schedule=off).schedule.window == ()
    assert read(schedule={"type": "Immediate", "backupWindow": nights}).schedule.window == (
        ("monday", hours),
    )
    assert read(schedule={"type": "Immediate", "backupWindow": always}).schedule.window == ()
