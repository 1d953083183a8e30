"""Filters are written as the document names them, and as the revision spells them."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.veeam import (
    REVISIONS,
    CredentialsQuery,
    InventoryQuery,
    JobStatesQuery,
    JobStatus,
    RepositoryStatesQuery,
    Result,
    ScaleOutRepositoriesQuery,
    SessionsQuery,
    VmwareObjectsQuery,
)
from bot.veeam.queries import ListQuery

REV0 = REVISIONS["1.3-rev0"]
REV1 = REVISIONS["1.3-rev1"]
OLD = REVISIONS["1.2-rev1"]
NOON = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (JobStatesQuery(), ()),
        (
            JobStatesQuery(name="*web*", type="VSphereBackup"),
            (("nameFilter", "*web*"), ("typeFilter", "VSphereBackup")),
        ),
        (
            JobStatesQuery(skip=0, limit=10, order_by="LastRun", ascending=False, last_result=Result.FAILED),
            (
                ("skip", "0"),
                ("limit", "10"),
                ("orderColumn", "LastRun"),
                ("orderAsc", "false"),
                ("lastResultFilter", "Failed"),
            ),
        ),
        (JobStatesQuery(status="Running"), (("statusFilter", "running"),)),
        (
            SessionsQuery(types=("BackupJob", "ReplicaJob"), results=("Failed",), ended_after=NOON),
            (
                ("typeFilter", "BackupJob"),
                ("typeFilter", "ReplicaJob"),
                ("resultFilter", "Failed"),
                ("endedAfterFilter", "2026-11-23T11:00:00Z"),
            ),
        ),
        (RepositoryStatesQuery(exclude_extents=False), (("excludeExtents", "false"),)),
        (
            RepositoryStatesQuery(exclude_extents=True, scale_out_id="x", extent_type="Performance"),
            (("excludeExtents", "true"), ("sobrIdFilter", "x"), ("sobrExtentTypeFilter", "Performance")),
        ),
        (ScaleOutRepositoriesQuery(name="*pool*"), (("nameFilter", "*pool*"),)),
        (
            CredentialsQuery(name="*svc*", limit=5),
            (("limit", "5"), ("nameFilter", "*svc*")),
        ),
        (VmwareObjectsQuery(type="VirtualMachine"), (("typeFilter", "VirtualMachine"),)),
    ],
)
def test_a_query_is_written_as_documented(query: ListQuery, expected: tuple[tuple[str, str], ...]) -> None:
    """Names of parameters are case-sensitive; arrays repeat theirs; times are sent in UTC."""
    assert query.parameters(REV0) == expected


def test_a_status_is_spelled_as_the_revision_does() -> None:
    """rev1 and rev2 capitalise what rev0 does not."""
    assert JobStatesQuery(status=JobStatus.RUNNING).parameters(REV1) == (("statusFilter", "Running"),)


def test_a_filter_the_revision_cannot_express_is_left_out() -> None:
    """1.2-rev1 takes one session type: with several, more rows come, never fewer."""
    all_types = SessionsQuery(types=("BackupJob", "ReplicaJob"), order_by="InitiatedBy", limit=9)
    assert all_types.parameters(OLD) == (("limit", "9"),)
    one_type = SessionsQuery(types=("BackupJob",), limit=9)
    assert one_type.parameters(OLD) == (("limit", "9"), ("typeFilter", "BackupJob"))


def test_a_limit_is_asked_for_where_none_is_declared() -> None:
    """1.2-rev1 declares no default for `limit`; without one it might send everything."""
    assert JobStatesQuery().parameters(OLD) == (("limit", "200"),)
    assert JobStatesQuery().parameters(REV1) == ()


def test_a_time_without_offset_is_refused() -> None:
    """Nobody knows how VBR reads one."""
    query = SessionsQuery(ended_after=datetime(2026, 11, 23))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="offset"):
        query.parameters(REV0)


def test_fractions_of_a_second_survive() -> None:
    """A cursor is a time as received."""
    query = SessionsQuery(ended_after=datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC))
    assert query.parameters(REV0) == (("endedAfterFilter", "2026-11-23T12:00:00.123456Z"),)


def test_an_inventory_search_groups_its_predicates() -> None:
    """An array as a predicate's value is refused by VBR; a group is not."""
    query = InventoryQuery(
        types=("VirtualMachine",), name_contains="web", hierarchy="VmsAndTemplates", limit=50
    )
    assert query.body(REV0) == {
        "pagination": {"skip": 0, "limit": 50},
        "filter": {
            "type": "GroupExpression",
            "operation": "and",
            "items": [
                {
                    "type": "PredicateExpression",
                    "operation": "equals",
                    "property": "type",
                    "value": "VirtualMachine",
                },
                {"type": "PredicateExpression", "operation": "contains", "property": "name", "value": "web"},
            ],
        },
        "sorting": {"property": "name", "direction": "ascending"},
        "hierarchyType": "VmsAndTemplates",
    }


def test_several_types_and_ids_are_groups_of_their_own() -> None:
    """One of each must fit; physical objects have an `id` where others have an `objectId`."""
    query = InventoryQuery(types=("Folder", "Tag"), object_ids=("a", "b"), platform="VSphere")

    def equal(part: str, value: str) -> dict[str, object]:
        return {"type": "PredicateExpression", "operation": "equals", "property": part, "value": value}

    def either(*items: dict[str, object]) -> dict[str, object]:
        return {"type": "GroupExpression", "operation": "or", "items": list(items)}

    types = either(equal("type", "Folder"), equal("type", "Tag"))
    ids = either(equal("objectId", "a"), equal("objectId", "b"))
    expected = {
        "type": "GroupExpression",
        "operation": "and",
        "items": [equal("platform", "VSphere"), types, ids],
    }
    assert query.body(REV0)["filter"] == expected
    only = InventoryQuery(object_ids=("a",)).body(REV0, id_property="id")
    assert only["filter"] == {"type": "GroupExpression", "operation": "and", "items": [equal("id", "a")]}


def test_an_inventory_search_is_spelled_as_the_revision_does() -> None:
    """Operations begin with a capital since rev1; before 1.3 vSphere was called VMware."""
    query = InventoryQuery(types=("Folder", "Tag"), platform="VSphere")
    newer, older = (query.body(revision)["filter"] for revision in (REV1, OLD))
    assert re.findall("'operation': '(\\w+)'", str(newer)) == ["And", "Equals", "Or", "Equals", "Equals"]
    assert re.findall("'value': '(\\w+)'", str(older)) == ["VMware", "Folder", "Tag"]
    assert "filter" not in InventoryQuery().body(REV0)
    assert InventoryQuery().body(REV1)["sorting"] == {"property": "name", "direction": "Ascending"}
