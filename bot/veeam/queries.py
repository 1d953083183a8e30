"""Filters, order and paging as VBR documents them, and how they are written into a query string.

Every field names its parameter once. A value the server's revision cannot express is left out, so that more
rows may come, never fewer. Nothing is filtered here: `name` matches *any* field of a row in VBR (`*web*`
finds a description too), so compare again where you need an exact name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Annotated, Self, get_type_hints

from bot.veeam.revisions import Revision


@dataclass(frozen=True)
class Parameter:
    """The query parameter that a field stands for. `spelled`: its letter case differs between revisions."""

    name: str
    spelled: bool = False


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """What every list understands. `limit` without a value is the server's own, or 200 where it has none."""

    skip: Annotated[int | None, Parameter("skip")] = None
    limit: Annotated[int | None, Parameter("limit")] = None
    order_by: Annotated[str | None, Parameter("orderColumn")] = None
    ascending: Annotated[bool | None, Parameter("orderAsc")] = None
    name: Annotated[str | None, Parameter("nameFilter")] = None

    def page(self, *, skip: int, limit: int) -> Self:
        """The same question for another page."""
        return replace(self, skip=skip, limit=limit)

    def parameters(self, revision: Revision) -> tuple[tuple[str, str], ...]:
        """The query string's pairs, an array's name repeated. Raises ValueError for a naive time."""
        pairs: list[tuple[str, str]] = []
        hints = get_type_hints(type(self), include_extras=True)
        for field in fields(self):
            value = getattr(self, field.name)
            parameter: Parameter = hints[field.name].__metadata__[0]
            is_absent = parameter.name in revision.absent_parameters
            if is_absent or (parameter.name == "orderColumn" and value in revision.absent_columns):
                continue
            if parameter.name == "limit" and value is None:
                value = revision.limit_to_send
            values = value if isinstance(value, tuple) else () if value is None else (value,)
            if len(values) > 1 and not revision.session_array_filters:
                continue
            pairs.extend(
                (parameter.name, revision.spelled(text) if parameter.spelled else text)
                for text in map(_text, values)
            )
        return tuple(pairs)


@dataclass(frozen=True, kw_only=True)
class JobStatesQuery(ListQuery):
    """GET /jobs/states. One value a filter: "failed or warning" is two requests.

    Order columns: Name, Type, Status, LastRun, LastResult, NextRun, Description, RepositoryId, ObjectsCount,
    RepositoryName, AfterJobName.
    """

    id: Annotated[str | None, Parameter("idFilter")] = None
    type: Annotated[str | None, Parameter("typeFilter")] = None
    last_result: Annotated[str | None, Parameter("lastResultFilter")] = None
    status: Annotated[str | None, Parameter("statusFilter", spelled=True)] = None
    repository_id: Annotated[str | None, Parameter("repositoryIdFilter")] = None
    after_job_id: Annotated[str | None, Parameter("afterJobIdFilter")] = None
    workload: Annotated[str | None, Parameter("workloadFilter", spelled=True)] = None
    high_priority: Annotated[bool | None, Parameter("isHighPriorityJobFilter")] = None
    objects_count: Annotated[int | None, Parameter("objectsCountFilter")] = None
    last_run_after: Annotated[datetime | None, Parameter("lastRunAfterFilter")] = None
    last_run_before: Annotated[datetime | None, Parameter("lastRunBeforeFilter")] = None


@dataclass(frozen=True, kw_only=True)
class SessionsQuery(ListQuery):
    """GET /sessions. Always give `types`: more than half of an unfiltered list is housekeeping.

    Order columns: Name, SessionType, CreationTime, EndTime, State, Result, InitiatedBy.
    """

    types: Annotated[tuple[str, ...], Parameter("typeFilter")] = ()
    results: Annotated[tuple[str, ...], Parameter("resultFilter")] = ()
    state: Annotated[str | None, Parameter("stateFilter")] = None
    job_id: Annotated[str | None, Parameter("jobIdFilter")] = None
    created_after: Annotated[datetime | None, Parameter("createdAfterFilter")] = None
    ended_after: Annotated[datetime | None, Parameter("endedAfterFilter")] = None


@dataclass(frozen=True, kw_only=True)
class TaskSessionsQuery(ListQuery):
    """GET /sessions/{id}/taskSessions, of the revisions that give it in pages."""


@dataclass(frozen=True, kw_only=True)
class AllTaskSessionsQuery(ListQuery):
    """GET /taskSessions. Always narrow it: a server has tens of thousands. One value a filter.

    Order columns: Name, Type, SessionType, CreationTime, EndTime, State, Result, ScanState, ScanResult.
    """

    type: Annotated[str | None, Parameter("typeFilter")] = None


@dataclass(frozen=True, kw_only=True)
class VmwareHostsQuery(ListQuery):
    """GET /inventory/vmware/hosts."""


@dataclass(frozen=True, kw_only=True)
class VmwareObjectsQuery(ListQuery):
    """GET /inventory/vmware/hosts/{name}. Order columns: Name, ObjectId, Type."""

    object_id: Annotated[str | None, Parameter("objectIdFilter")] = None
    type: Annotated[str | None, Parameter("typeFilter")] = None


@dataclass(frozen=True, kw_only=True)
class RepositoryStatesQuery(ListQuery):
    """GET /backupInfrastructure/repositories/states."""

    id: Annotated[str | None, Parameter("idFilter")] = None
    exclude_extents: Annotated[bool | None, Parameter("excludeExtents")] = None
    scale_out_id: Annotated[str | None, Parameter("sobrIdFilter")] = None
    extent_type: Annotated[str | None, Parameter("sobrExtentTypeFilter")] = None


@dataclass(frozen=True, kw_only=True)
class ScaleOutRepositoriesQuery(ListQuery):
    """GET /backupInfrastructure/scaleOutRepositories. Order columns: Name, Type, Description, Host, Path."""


@dataclass(frozen=True, kw_only=True)
class RestorePointsQuery(ListQuery):
    """GET /restorePoints: one row a machine and point, so always give `name`.

    Order columns: CreationTime, PlatformId, BackupId.
    """


@dataclass(frozen=True, kw_only=True)
class BackupsQuery(ListQuery):
    """GET /backups. Order columns: Name, CreationTime, PlatformId, JobId, PolicyTag."""

    job_id: Annotated[str | None, Parameter("jobIdFilter")] = None


@dataclass(frozen=True, kw_only=True)
class BackupObjectsQuery(ListQuery):
    """GET /backups/{id}/objects, of the revisions that give them in pages."""


@dataclass(frozen=True, kw_only=True)
class CredentialsQuery(ListQuery):
    """GET /credentials. Order columns: Username, Description."""


@dataclass(frozen=True, kw_only=True)
class DataServersQuery(ListQuery):
    """GET /inventory/unstructuredDataServers. Order columns: Name, Description."""


@dataclass(frozen=True, kw_only=True)
class TenantsQuery(ListQuery):
    """GET /inventory/entraId/tenants."""


@dataclass(frozen=True, kw_only=True)
class ProtectionGroupsQuery(ListQuery):
    """GET /agents/protectionGroups. Order columns: Name, Description, Type."""

    type: Annotated[str | None, Parameter("typeFilter")] = None


@dataclass(frozen=True, kw_only=True)
class EntitiesQuery(ListQuery):
    """GET /agents/protectionGroups/{id}/discoveredEntities."""


@dataclass(frozen=True, kw_only=True)
class InventoryQuery:
    """POST /inventory and /inventory/physical: a search below one host or group, or everywhere.

    An object found fits all that is given, and one each of several `types` and `object_ids`; it is of none of
    `other_types`. `platform` is named as since 1.3 (`VSphere`).
    """

    types: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()
    object_ids: tuple[str, ...] = ()
    name_contains: str | None = None
    platform: str | None = None
    hierarchy: str | None = None
    limit: int = 200

    def body(self, revision: Revision, *, id_property: str = "objectId") -> dict[str, object]:
        """InventoryBrowserFilters, sorted by name. Its words are spelled as the revision prints them."""
        body: dict[str, object] = {
            "pagination": {"skip": 0, "limit": self.limit},
            "sorting": {"property": "name", "direction": revision.spelled("ascending")},
        }
        if predicates := tuple(self._predicates(revision, id_property)):
            body["filter"] = _group(revision, "and", predicates)
        if self.hierarchy is not None:
            body["hierarchyType"] = self.hierarchy
        return body

    def _predicates(self, revision: Revision, id_property: str) -> Iterator[dict[str, object]]:
        platforms = () if self.platform is None else (revision.platform(self.platform),)
        for name, values in (("platform", platforms), ("type", self.types), (id_property, self.object_ids)):
            # An array as a value is refused, even for `in`.
            equal = [_predicate(revision, "equals", name, value) for value in values]
            if equal:
                yield equal[0] if len(equal) == 1 else _group(revision, "or", equal)
        for other in self.other_types:
            yield _predicate(revision, "notEquals", "type", other)
        if self.name_contains is not None:
            yield _predicate(revision, "contains", "name", self.name_contains)


def _predicate(revision: Revision, operation: str, name: str, value: str) -> dict[str, object]:
    return {
        "type": "PredicateExpression",
        "operation": revision.spelled(operation),
        "property": name,
        "value": value,
    }


def _group(revision: Revision, operation: str, items: Sequence[dict[str, object]]) -> dict[str, object]:
    return {"type": "GroupExpression", "operation": revision.spelled(operation), "items": list(items)}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time in a filter needs its offset")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
