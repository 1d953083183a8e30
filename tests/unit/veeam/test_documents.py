"""The facts of each revision against Veeam's own documents, which the environment names."""

import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.slack.views.status_text import type_name
from bot.veeam import REVISIONS, Capability, SessionGroup, lacks_model, session_group
from bot.veeam.job_layouts import layout_of

pytestmark = pytest.mark.skipif("VEEAM_OPENAPI" not in os.environ, reason="VEEAM_OPENAPI names no documents")

SAID_SO = {"Automation", "SureBackup", "Failover", "Failback"}
"""Words of VBR's that are people's as well."""
EACH_REVISION = pytest.mark.parametrize("revision", REVISIONS)


@cache
def document(revision: str) -> dict[str, Any]:
    """The document of this revision."""
    named = Path(os.environ["VEEAM_OPENAPI"])
    folder = named if named.is_dir() else named.parent
    page = folder / f"vbr-openapi-{revision}.json"
    if not page.is_file():
        pytest.skip(f"VEEAM_OPENAPI names no document of {revision}")
    found: dict[str, Any] = json.loads(page.read_text(encoding="utf-8"))
    return found


def schemas(revision: str) -> dict[str, Any]:
    """The component schemas of that document."""
    found: dict[str, Any] = document(revision)["components"]["schemas"]
    return found


@EACH_REVISION
def test_session_types(revision: str) -> None:
    """Each type of the document stands in one group, and no other type does."""
    facts = REVISIONS[revision]
    ours = [name for names in facts.session_types.values() for name in names]
    assert sorted(ours) == sorted(schemas(revision)["ESessionType"]["enum"])
    assert all(session_group(name) is group for group in SessionGroup for name in facts.session_types[group])


@EACH_REVISION
def test_every_type_of_sessions_and_jobs_is_called_something(revision: str) -> None:
    """People read words, not VBR's."""
    words = {*schemas(revision)["ESessionType"]["enum"], *schemas(revision)["EJobType"]["enum"]}
    assert {word for word in words if type_name(word) == word} <= SAID_SO


@EACH_REVISION
def test_job_types(revision: str) -> None:
    """EJobType, word for word, and those that can be created, read and edited: JobSpec's and JobModel's."""
    documented = schemas(revision)
    facts = REVISIONS[revision]
    assert sorted(facts.job_types) == sorted(documented["EJobType"]["enum"])
    with_layout = {kind for kind in facts.job_types if layout_of(kind) is not None}
    for parent in ("JobModel", "JobSpec"):
        assert with_layout == set(documented[parent]["discriminator"]["mapping"])
    assert with_layout == {kind for kind in facts.job_types if not lacks_model(kind)}


@EACH_REVISION
def test_types_that_are_cloned(revision: str) -> None:
    """As the description of the operation lists them; all that have a model where it lists none."""
    facts = REVISIONS[revision]
    clone = document(revision)["paths"].get("/api/v1/jobs/{id}/clone", {}).get("post", {})
    listed = set(re.findall(r"<li> *`(\w+)`", clone.get("description", "")))
    models = {kind for kind in facts.job_types if layout_of(kind) is not None} if clone else set()
    assert {kind for kind in facts.job_types if facts.clones(kind)} == (listed or models)


@EACH_REVISION
def test_letter_case(revision: str) -> None:
    """Words whose case differs between revisions are spelt as the document has them."""
    facts = REVISIONS[revision]
    for enum, word in (("EJobStatus", "running"), ("EJobWorkload", "vm"), ("EDayOfWeek", "monday")):
        assert facts.spelled(word) in schemas(revision)[enum]["enum"]
    statuses = {word.casefold() for word in schemas(revision)["EJobStatus"]["enum"]}
    assert {status.casefold() for status in facts.job_statuses} == statuses


class Document:
    """One document, as the facts are looked up in it."""

    def __init__(self, revision: str) -> None:
        self.paths = document(revision)["paths"]
        self.schemas = schemas(revision)

    def has(self, method: str, path: str) -> bool:
        """Whether there is such an operation."""
        return method in self.paths.get(f"/api/v1{path}", {})

    def parameter(self, method: str, path: str, name: str) -> dict[str, Any] | None:
        """The schema of a query parameter."""
        operation = self.paths[f"/api/v1{path}"][method]
        found = [each for each in operation["parameters"] if each.get("name") == name]
        schema: dict[str, Any] | None = found[0]["schema"] if found else None
        return schema

    def fields(self, name: str) -> set[str]:
        """The names of the fields of a schema, inherited ones included; none where there is none."""
        schema = self.schemas.get(name, {})
        parts = [
            self.fields(part["$ref"].rsplit("/", 1)[-1])
            if "$ref" in part
            else set(part.get("properties", ()))
            for part in schema.get("allOf", ())
        ]
        return set(schema.get("properties", ())).union(*parts)

    def platforms(self) -> set[str]:
        """The platforms of the inventory."""
        named = self.schemas["InventoryObjectModel"]["properties"]["platform"]["$ref"]
        return set(self.schemas[named.rsplit("/", 1)[-1]]["enum"])

    def model_of(self, kind: str) -> set[str]:
        """The names of the fields of jobs of a type."""
        mapping = self.schemas["JobModel"]["discriminator"]["mapping"]
        return self.fields(mapping[kind].rsplit("/", 1)[-1]) if kind in mapping else set()


FACTS: dict[str, Callable[[Document], object]] = {
    "confirms_gfs_cuts": lambda d: bool(d.parameter("put", "/jobs/{id}", "allowOldGfsPointsRetention")),
    "knows_extents": lambda d: bool(
        d.parameter("get", "/backupInfrastructure/repositories/states", "excludeExtents")
    ),
    "session_array_filters": lambda d: (
        (d.parameter("get", "/sessions", "typeFilter") or {}).get("type") == "array"
    ),
    "log_status_filter": lambda d: bool(d.parameter("get", "/sessions/{id}/logs", "statusFilter")),
    "states_name_predecessors": lambda d: bool(d.parameter("get", "/jobs/states", "afterJobNameFilter")),
    "pages_task_sessions": lambda d: bool(d.parameter("get", "/sessions/{id}/taskSessions", "skip")),
    "limit_to_send": lambda d: (
        None if "default" in (d.parameter("get", "/jobs/states", "limit") or {}) else 200
    ),
    "has_gfs_for_files": lambda d: "gfsPolicy" in d.fields("FileBackupCopyJobModel"),
    "scans_files": lambda d: "unstructuredLinkedJobs" in d.model_of("SureBackupContentScan"),
    "names_kinds_of_shares": lambda d: "type" in d.fields("FileBackupJobObjectModel"),
    "misspells_synthetic_fulls": lambda d: "synthenticFulls" in d.fields("BackupJobAdvancedSettingsModel"),
    "demands_replica_places": lambda d: (
        {"resourcePool", "folder", "datastore"}
        <= set(d.schemas["VSphereReplicaJobDestinationModel"].get("required", ()))
    ),
    "vsphere": lambda d: next(word for word in ("VSphere", "VMware") if word in d.platforms()),
}
"""Facts about a revision, by the places of its document that say so."""
CAPABILITIES = {
    Capability.RETRY: ("post", "/jobs/{id}/retry"),
    Capability.CLONE: ("post", "/jobs/{id}/clone"),
    Capability.PHYSICAL_INVENTORY: ("post", "/inventory/physical"),
    Capability.WHOLE_PHYSICAL_INVENTORY: ("post", "/inventory/physical/all"),
    Capability.APPLY_CONFIGURATION: ("post", "/jobs/{id}/applyConfiguration"),
    Capability.CLEAR_CACHE: ("post", "/jobs/{id}/clearCache"),
    Capability.QUICK_BACKUP_HYPERV: ("post", "/jobs/quickBackup/hyperV"),
    Capability.QUICK_BACKUP_AGENT: ("post", "/jobs/quickBackup/agent"),
}


@EACH_REVISION
def test_facts_of_a_revision(revision: str) -> None:
    """What the code says of it is what its document says."""
    facts, found = REVISIONS[revision], Document(revision)
    assert {name: getattr(facts, name) for name in FACTS} == {
        name: look(found) for name, look in FACTS.items()
    }
    policy = found.model_of("WindowsAgentBackupWorkstationPolicy")
    assert not policy or facts.has_workstation_guests == ("guestProcessing" in policy)
    assert {each for each in CAPABILITIES if facts.has(each)} == {
        each for each, operation in CAPABILITIES.items() if found.has(*operation)
    }
