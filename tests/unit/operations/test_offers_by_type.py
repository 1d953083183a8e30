"""Which buttons stand on a job, for every type of every revision: only what VBR will do."""

import json
import os
from pathlib import Path

import pytest

from bot.operations.catalog import available
from bot.veeam import REVISIONS, JobId, JobState, is_agent_policy, lacks_model

JOB = JobId("0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11")
# By hand: types that EJobType has and JobModel does not, and those whose jobs are settings for agents.
WITHOUT_MODEL = {
    "Unknown", "LegacyBackupCopy", "CloudBackupAzure", "CloudBackupAWS", "CloudBackupGoogle",
    "NutanixAHVBackupJob", "ProxmoxBackupJob",
}  # fmt: skip
WINDOWS_POLICIES = {"WindowsAgentBackupServerPolicy", "WindowsAgentBackupWorkstationPolicy"}
LINUX_POLICIES = {"LinuxAgentBackupServerPolicy", "LinuxAgentBackupWorkstationPolicy"}
CLONED = {
    "VSphereBackup", "HyperVBackup", "CloudDirectorBackup", "BackupCopy", "WindowsAgentBackup",
    "LinuxAgentBackup",
}  # fmt: skip
"""What 1.3-rev2 says it clones; the others say nothing."""
COPIES = {"BackupCopy", "LegacyBackupCopy"}
EVERY_TYPE = [(name, kind) for name, facts in REVISIONS.items() for kind in facts.job_types]
HAVE_COMMANDS = {"1.3-rev1", "1.3-rev2"}


def offered(revision: str, kind: str, status: str, *, result: str = "Failed", mode: str = "") -> set[str]:
    state = JobState(
        id=JOB, type=kind, status=status, last_result=result, backup_copy_mode=mode or None, name="SQL"
    )
    return {operation.name for operation in available(state, REVISIONS[revision])}


@pytest.mark.parametrize(("revision", "kind"), EVERY_TYPE)
def test_what_is_offered_on_each_type(revision: str, kind: str) -> None:
    """At rest, disabled and running; with what needs a model, or an agent policy, only where there is one."""
    clones = kind in CLONED if revision == "1.3-rev2" else kind not in WITHOUT_MODEL
    base = {"job", "start", "delete"} | ({"clone"} if clones else set())
    if revision in HAVE_COMMANDS:
        base |= {"apply"} if kind in WINDOWS_POLICIES | LINUX_POLICIES else set()
        base |= {"clearcache"} if kind in WINDOWS_POLICIES else set()
    failed = base | {"retry", "why"}
    if revision == "1.2-rev1":
        base, failed = base - {"clone"}, failed - {"clone", "retry"}
    assert offered(revision, kind, "stopped") - {"edit"} == failed | {"disable"}
    assert offered(revision, kind, "stopped", result="Success") - {"edit"} == base | {"disable"}
    assert offered(revision, kind, "disabled", result="None") - {"edit"} == base | {"enable"}
    running = (base - {"start", "delete"}) | {"stop", "disable"}
    assert offered(revision, kind, "running", result="None") - {"edit"} == running


@pytest.mark.parametrize(("revision", "kind"), EVERY_TYPE)
@pytest.mark.parametrize("status", ["stopped", "disabled", "running"])
def test_what_has_no_model_is_not_edited_or_cloned(revision: str, kind: str, status: str) -> None:
    """Edit reads and sends back the model, and a clone is answered with one."""
    if kind in WITHOUT_MODEL:
        assert not {"edit", "clone"} & offered(revision, kind, status)


@pytest.mark.parametrize("revision", [name for name in REVISIONS if name != "1.2-rev1"])
@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("status", ["running", "Starting", "stopping", "stopped", "disabled"])
def test_an_immediate_copy_is_never_stopped(revision: str, kind: str, status: str) -> None:
    """VBR can only disable it; one that runs by its schedule is stopped like any job."""
    assert "stop" not in offered(revision, kind, status, mode="Immediate")
    assert ("stop" in offered(revision, kind, status, mode="Periodic")) == (
        status not in {"stopped", "disabled"}
    )


def test_types_without_a_model_and_policies_are_the_documents() -> None:
    """Checked against the documents where they are; by hand everywhere."""
    known = {kind for facts in REVISIONS.values() for kind in facts.job_types}
    assert {kind for kind in known if lacks_model(kind)} == WITHOUT_MODEL
    assert {kind for kind in known if is_agent_policy(kind)} == WINDOWS_POLICIES | LINUX_POLICIES
    assert not lacks_model("BrandNewBackup")
    named = os.environ.get("VEEAM_OPENAPI")
    folder = Path(named) if named and Path(named).is_dir() else Path(named or "none").parent
    for revision, facts in REVISIONS.items():
        path = folder / f"vbr-openapi-{revision}.json"
        if named and path.is_file():
            schemas = json.loads(path.read_text("utf-8"))["components"]["schemas"]
            assert set(schemas["EJobType"]["enum"]) == set(facts.job_types)
            modelled = set(schemas["JobModel"]["discriminator"]["mapping"])
            assert {kind for kind in facts.job_types if not lacks_model(kind)} == modelled
