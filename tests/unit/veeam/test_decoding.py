"""Decoding: no row is lost for a field, and no page for a row."""

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.veeam import (
    AgentObject,
    Credentials,
    InventoryObject,
    JobState,
    LogRecord,
    RepositoryState,
    ScaleOutMembership,
    ScaleOutRepository,
    ServerInfo,
    Session,
    TaskSession,
)
from bot.veeam.decoding import Row, Undecodable, ZoneNeeded, decode_one, decode_page

BERLIN_IN_WINTER = timezone(timedelta(hours=1))
JOB_STATE: dict[str, Any] = {
    "id": "e35ef047-8cfa-4c3e-979e-de2e5399142f",
    "name": "Linux backup job",
    "type": "VSphereBackup",
    "description": "Created by .\\veeamadmin at 7/28/2025 10:41 AM.",
    "status": "stopped",
    "lastResult": "Success",
    "workload": "vm",
    "lastRun": "2025-07-28T10:44:39.694588+02:00",
    "nextRun": "2025-07-30T19:00:00+02:00",
    "nextRunPolicy": "7/30/2025 7:00 PM",
    "repositoryId": "751421e3-d93e-44cc-b79a-15793af16e1b",
    "repositoryName": "Veeam Data Cloud Vault repository",
    "objectsCount": 1,
    "sessionId": "6c76bb17-8695-4f7c-981f-670789edd8f3",
    "highPriority": False,
    "progressPercent": 100,
    "sessionProgress": {
        "bottleneck": "Proxy",
        "duration": "00:26:04",
        "processingRate": "18.3 MB/s",
        "processedSize": 17179869184,
        "readSize": 8074035200,
        "transferredSize": 3882512848,
        "progressPercent": 100,
    },
    "runAfterJob": {"jobName": "First", "jobId": "0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11"},
    "isStorageSnapshot": False,
}
SESSION: dict[str, Any] = {
    "id": "6c76bb17-8695-4f7c-981f-670789edd8f3",
    "name": "Linux backup job",
    "jobId": "e35ef047-8cfa-4c3e-979e-de2e5399142f",
    "sessionType": "BackupJob",
    "creationTime": "2025-07-28T10:44:39.694588+02:00",
    "endTime": "2025-07-28T11:10:43.7300443+02:00",
    "state": "Stopped",
    "progressPercent": 100,
    "result": {"result": "Success", "message": "Success", "isCanceled": False},
    "usn": 4711,
    "platformName": "VMware",
    "platformId": "00000000-0000-0000-0000-000000000000",
    "initiatedBy": "DOMAIN\\ana",
}
TASK_SESSION: dict[str, Any] = {
    "id": "0a0a0a0a-8695-4f7c-981f-670789edd8f3",
    "type": "Backup",
    "sessionId": "6c76bb17-8695-4f7c-981f-670789edd8f3",
    "sessionType": "BackupJob",
    "creationTime": "2025-01-28T10:44:40",
    "endTime": "2025-01-28T10:50:01.12",
    "name": "web01",
    "usn": 4712,
    "state": "Stopped",
    "result": {"result": "Failed", "message": "Failed to open VDDK disk", "isCanceled": False},
    "algorithm": "Increment",
    "progress": {"bottleneck": "Source", "duration": "00:05:21"},
}
LOG_RECORD: dict[str, Any] = {
    "id": 3,
    "status": "Failed",
    "startTime": "2025-07-28T10:44:39.694588+02:00",
    "updateTime": "2025-07-28T10:44:40+02:00",
    "title": "Processing web01",
    "description": "",
}
ROWS: list[tuple[type[Row], dict[str, Any]]] = [
    (JobState, JOB_STATE),
    (Session, SESSION),
    (TaskSession, TASK_SESSION),
    (LogRecord, LOG_RECORD),
]


def page(*rows: object, **pagination: object) -> bytes:
    return json.dumps({"data": rows, "pagination": pagination}).encode()


def test_a_documented_row_is_typed() -> None:
    """Every documented field arrives under its name in snake_case, times in UTC."""
    found = decode_page(JobState, page(JOB_STATE, total=1, count=1), None)

    state = found.rows[0]
    assert (found.total, found.unreadable) == (1, 0)
    assert state.last_run == datetime(2025, 7, 28, 8, 44, 39, 694588, tzinfo=UTC)
    assert state.last_run.tzinfo is UTC
    assert state.session_progress is not None
    assert state.session_progress.duration_seconds == 26 * 60 + 4
    assert state.run_after_job is not None
    assert state.run_after_job.job_name == "First"


@pytest.mark.parametrize(("model", "row"), ROWS)
def test_strict_and_lenient_reading_agree(model: type[Row], row: dict[str, Any]) -> None:
    """A row read field by field is the row read at once."""
    at_once = decode_page(model, page(row), UTC).rows
    with_nonsense = copy.deepcopy(row) | {"somethingNew": {"a": [1]}}
    by_field = page(with_nonsense).replace(b'"somethingNew"', b'"\\ud800"')
    assert decode_page(model, by_field, UTC).rows == at_once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-25T18:31:50.7300443+01:00", datetime(2024, 1, 25, 17, 31, 50, 730044, tzinfo=UTC)),
        ("2024-01-25T18:31:50Z", datetime(2024, 1, 25, 18, 31, 50, tzinfo=UTC)),
        ("2024-01-25T18:31:50.1-05:30", datetime(2024, 1, 26, 0, 1, 50, 100000, tzinfo=UTC)),
        ("2024-01-25T18:31:50", datetime(2024, 1, 25, 17, 31, 50, tzinfo=UTC)),
        ("2024-01-25T18:31:50.1234567", datetime(2024, 1, 25, 17, 31, 50, 123457, tzinfo=UTC)),
        ("2024-01-25", datetime(2024, 1, 24, 23, 0, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("1900-01-01T00:00:00", None),
        ("1899-12-31T23:00:00-01:00", None),
        ("1999-12-31T23:59:59+02:00", None),
        ("2000-01-01T00:00:00+02:00", datetime(1999, 12, 31, 22, tzinfo=UTC)),
        ("9999-12-31T23:59:59-05:00", None),
        ("yesterday", None),
        ("", None),
        (17, None),
    ],
)
def test_times_of_every_form_become_aware_and_utc(text: object, expected: datetime | None) -> None:
    """Up to seven digits, any offset or the server's own; a date before 2000 is no time at all."""
    found = decode_page(Session, page({**SESSION, "endTime": text}), BERLIN_IN_WINTER)
    assert found.rows[0].end_time == expected


@pytest.mark.parametrize(("text", "utc_hour"), [("2026-01-15T02:00:00", 1), ("2026-07-15T02:00:00", 0)])
def test_a_time_without_offset_has_that_of_its_day(text: str, utc_hour: int) -> None:
    """A server in Berlin is an hour ahead in January, two in July, whatever day it is read on."""
    (state,) = decode_page(
        JobState, page({**JOB_STATE, "lastRun": text, "nextRun": None}), ZoneInfo("Europe/Berlin")
    ).rows
    assert state.last_run is not None
    assert state.last_run.hour == utc_hour


def test_a_time_without_offset_beside_one_that_bears_it() -> None:
    """Where the zone's name is unknown, the row's own offset is nearer than that of today."""
    row = {**SESSION, "creationTime": "2026-07-15T02:00:00+02:00", "endTime": "2026-07-15T02:30:00"}
    (session,) = decode_page(Session, page(row), BERLIN_IN_WINTER).rows
    assert session.end_time == datetime(2026, 7, 15, 0, 30, tzinfo=UTC)


def test_a_time_without_offset_asks_for_the_zone() -> None:
    """What is local to the server cannot be read before its zone is known."""
    with pytest.raises(ZoneNeeded):
        decode_page(TaskSession, page(TASK_SESSION), None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": None, "description": None}, ("", "stopped")),
        ({"status": None}, ("Linux backup job", "")),
        ({"status": "Hibernating"}, ("Linux backup job", "Hibernating")),
        ({"name": 7}, ("7", "stopped")),
        ({"name": {"a": 1}, "status": ["running", "twice"]}, ("", "running\ntwice")),
        ({"sessionProgress": "none", "runAfterJob": []}, ("Linux backup job", "stopped")),
        ({"newField": {"x": [1, 2]}}, ("Linux backup job", "stopped")),
        ({"name": "half \ud83d"}, ("half \ufffd", "stopped")),
    ],
)
def test_an_odd_field_costs_that_field_alone(change: dict[str, Any], expected: tuple[str, str]) -> None:
    """Null, unknown, mistyped and new fields leave the rest of the row as it was."""
    found = decode_page(JobState, page({**JOB_STATE, **change}), UTC)
    state = found.rows[0]
    assert found.unreadable == 0
    assert (state.name, state.status) == expected
    assert state.objects_count == 1


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("objectsCount", "7", 7),
        ("objectsCount", 7.0, 7),
        ("objectsCount", True, None),
        ("objectsCount", "many", None),
        ("objectsCount", 10**40, 10**40),
    ],
)
def test_numbers_are_read_as_far_as_they_are_numbers(field: str, value: object, expected: int | None) -> None:
    """A count given as text counts; a flag doesn't."""
    assert decode_page(JobState, page({**JOB_STATE, field: value}), UTC).rows[0].objects_count == expected


def test_flags_given_as_text_are_flags() -> None:
    """Veeam's own example has a flag as `"false"`."""
    row = {
        "id": "x",
        "isOnline": "True",
        "capacityGB": "12.5",
        "freeGB": float("nan"),
    }
    state = decode_page(RepositoryState, page(row), UTC).rows[0]
    offline = decode_page(RepositoryState, page({**row, "isOnline": "false"}), UTC).rows[0]
    assert (offline.is_online, state.is_online) == (False, True)
    assert (state.capacity_gb, state.free_gb, state.used_fraction) == (12.5, None, None)


@pytest.mark.parametrize(
    ("details", "extent_of"),
    [
        (
            {"membership": "Pool", "scaleOutRepositoryId": "s1", "extentType": "Performance"},
            ScaleOutMembership("Pool", "s1", "Performance"),
        ),
        ({"extentType": "Buffer", "newField": 1}, ScaleOutMembership(extent_type="Buffer")),
        (None, None),
        ("none", None),
    ],
)
def test_an_extent_tells_whose_it_is(details: object, extent_of: ScaleOutMembership | None) -> None:
    """Absent, null or unreadable details leave a repository of its own."""
    row = {"id": "x", "scaleOutRepositoryDetails": details}
    assert decode_page(RepositoryState, page(row), UTC).rows[0].extent_of == extent_of


def test_a_scale_out_repository_is_read_leniently() -> None:
    """Its tiers are passed over, nulls are absent; without an ID it is no row."""
    rows = decode_page(
        ScaleOutRepository,
        page({"id": "s1", "name": "Pool", "description": None, "performanceTier": []}, {"name": "Lost"}),
        UTC,
    )
    assert rows.rows == (ScaleOutRepository(id="s1", name="Pool"),)
    assert rows.unreadable == 1


def test_a_result_given_as_a_bare_word_is_a_result() -> None:
    """Some builds send `"result": "Failed"` in place of the object."""
    session = decode_page(Session, page({**SESSION, "result": "Failed"}), UTC).rows[0]
    assert session.outcome == "Failed"


def test_a_wrapped_inventory_row_is_unwrapped() -> None:
    """The old form of vCenter's inventory: `{"inventoryObject": {...}, "size": ...}`."""
    inner = {
        "platform": "VSphere",
        "type": "VirtualMachine",
        "hostName": "vc",
        "name": "web",
        "objectId": "vm-1",
    }
    plain = decode_page(InventoryObject, page({**inner, "size": "19.8 GB"}), UTC).rows
    wrapped = decode_page(InventoryObject, page({"inventoryObject": inner, "size": "19.8 GB"}), UTC).rows
    assert wrapped == plain
    assert plain[0].to_json() == inner


def test_a_physical_object_is_named_as_a_job_names_it() -> None:
    """AgentObjectModel, its keys in a fixed order; what is null or unknown is left out."""
    row = {"type": "WindowsComputer", "id": "a", "name": "n", "path": None, "size": "N/A",
           "protectionGroupId": "g", "parentObjectId": "p", "platform": "Agent"}  # fmt: skip
    found = decode_page(AgentObject, page(row), UTC).rows[0]
    assert list(found.to_json().items()) == [
        ("platform", "Agent"),
        ("type", "WindowsComputer"),
        ("id", "a"),
        ("name", "n"),
        ("parentObjectId", "p"),
        ("protectionGroupId", "g"),
    ]


def test_nothing_but_the_record_is_kept_of_credentials() -> None:
    """Whatever else a build may send, a secret among it, is not in the row."""
    row = {
        "id": "c",
        "username": "EXAMPLE\\svc",
        "description": "",
        "type": "Standard",
        "password": "hunter2",
    }
    found = decode_page(Credentials, page(row), UTC).rows[0]
    assert found == Credentials(id="c", username="EXAMPLE\\svc", type="Standard")
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    "row", [None, 7, "x", [], {}, {"id": None}, {"id": ""}, {"id": {}}, {"name": "no id"}]
)
def test_a_row_without_identity_is_counted(row: object) -> None:
    """Only a row that cannot be told apart is given up, and it is counted."""
    found = decode_page(JobState, page(row, JOB_STATE, total=2), UTC)
    assert (len(found.rows), found.unreadable, found.received) == (1, 1, 2)


@pytest.mark.parametrize(
    ("body", "total"),
    [
        (b'{"data": [], "pagination": {"total": 3}}', 3),
        (b'{"data": null, "pagination": {"total": 3}}', 3),
        (b'{"data": [], "pagination": null}', None),
        (b'{"data": []}', None),
        (b'{"data": [], "pagination": {"total": "3"}}', None),
        (b'{"data": [], "pagination": {"total": -1}}', None),
        (b'{"data": [], "pagination": [1]}', None),
        (b'\xef\xbb\xbf{"data": [], "pagination": {"total": 3}}', 3),
        (b'{"records": [], "totalRecords": 5}', 5),
        (b'{"totalRecords": 0}', 0),
    ],
)
def test_a_total_is_a_number_or_unknown(body: bytes, total: int | None) -> None:
    """Odd pagination costs the total alone."""
    found = decode_page(JobState, body, UTC)
    assert (found.rows, found.total) == ((), total)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b"{}", b'{"data": 7}', b'{"data": [', b"\xff"])
def test_what_is_no_list_is_not_taken_for_an_empty_one(body: bytes) -> None:
    """A login page or an error object is not "no jobs"."""
    with pytest.raises(Undecodable):
        decode_page(JobState, body, UTC)


def test_bytes_that_are_not_utf8_cost_a_character() -> None:
    """A name in a wrong encoding is shown with replacement characters."""
    body = page({**JOB_STATE, "name": "Gro?"}).replace(b"Gro?", b"Gro\xdf")
    assert decode_page(JobState, body, UTC).rows[0].name == "Gro\ufffd"


def test_deep_nonsense_is_no_list() -> None:
    """Nesting beyond every limit is refused, not followed."""
    with pytest.raises(Undecodable):
        decode_page(JobState, b'{"data": [' + b"[" * 200_000 + b"]" * 200_000 + b"]}", UTC)


def test_a_single_answer_follows_the_same_rules() -> None:
    """One object is as lenient as a row."""
    info = decode_one(
        ServerInfo, b'{"name": null, "buildVersion": "13.0.0.4967", "patches": ["P1", 2]}', None
    )
    assert (info.name, info.build_version) == ("", "13.0.0.4967")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)  # the machine may be busy
@given(data=st.data(), kind=st.sampled_from(ROWS))
def test_no_mutation_loses_the_page(data: st.DataObject, kind: tuple[type[Row], dict[str, Any]]) -> None:
    """Whatever becomes of one row, its neighbours are read as before, and all rows are accounted for."""
    model, row = kind
    keys = st.sampled_from([*row, "somethingNew"])
    odd = {**row, **data.draw(st.dictionaries(keys, json_values, max_size=4))}
    for key in data.draw(st.sets(keys, max_size=3)):
        odd.pop(key, None)

    found = decode_page(model, page(row, odd, row, total=3), UTC)

    assert found.received == 3
    assert found.rows[0] == found.rows[-1] == decode_page(model, page(row), UTC).rows[0]
    for field in ("creation_time", "end_time", "last_run", "next_run", "start_time"):
        moments = [getattr(each, field, None) for each in found.rows]
        assert all(moment is None or moment.tzinfo is UTC for moment in moments)


@settings(deadline=None)  # the machine may be busy
@given(
    value=json_values,
    model=st.sampled_from([JobState, Session, TaskSession, InventoryObject, AgentObject, Credentials]),
)
def test_any_json_is_a_row_or_is_counted(value: object, model: type[Row]) -> None:
    """No JSON value raises anything as a row."""
    assert decode_page(model, page(value), UTC).received == 1


@settings(deadline=None)  # the machine may be busy
@given(body=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_page_or_undecodable(body: bytes) -> None:
    """No body raises anything but Undecodable."""
    with suppress(Undecodable):
        assert decode_page(JobState, body, UTC).received >= 0
