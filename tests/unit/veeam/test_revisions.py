"""Facts of the revisions, and the kinds of sessions."""

from itertools import combinations

import pytest

from bot.settings import OLDEST_API_VERSION
from bot.veeam import (
    REVISIONS,
    SESSION_TYPES,
    Capability,
    SessionGroup,
    gained_by,
    job_type_key,
    revision_facts,
    session_group,
)

OF_REV1 = {Capability.APPLY_CONFIGURATION, Capability.CLEAR_CACHE}
OF_REV2 = {
    Capability.QUICK_BACKUP_HYPERV,
    Capability.QUICK_BACKUP_AGENT,
    Capability.WHOLE_PHYSICAL_INVENTORY,
}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("1.3-rev0", "1.3-rev0"),
        ("1.3-rev2", "1.3-rev2"),
        ("1.4-rev0", "1.3-rev2"),
        ("1.3-rev9", "1.3-rev2"),
        ("1.2-rev1", "1.2-rev1"),
        ("1.2-rev0", "1.2-rev1"),
        ("1.1-rev2", "1.2-rev1"),
    ],
)
def test_a_revision_we_do_not_know_is_its_elder(asked: str, found: str) -> None:
    """A newer one keeps what an older one had; the oldest stands for all before it."""
    assert revision_facts(asked).name == found


def test_only_types_of_the_revision_are_asked_for() -> None:
    """`BackupCopyJob` came with rev1; in a filter of rev0 it would be an unknown value."""
    assert "BackupCopyJob" not in REVISIONS["1.3-rev0"].job_run_types
    assert "BackupCopyJob" in REVISIONS["1.3-rev1"].job_run_types
    assert set(REVISIONS["1.2-rev1"].job_run_types) < set(REVISIONS["1.3-rev0"].job_run_types)


def test_the_oldest_that_the_settings_take_is_the_oldest_known() -> None:
    """An older one would be refused by the server, or spoken without its facts."""
    assert next(iter(REVISIONS)) == OLDEST_API_VERSION


@pytest.mark.parametrize("name", list(REVISIONS))
def test_a_revision_gains_nothing_on_itself(name: str) -> None:
    """And by the next one, no type of jobs under another name."""
    nothing = gained_by(REVISIONS[name], REVISIONS[name])
    assert (nothing.job_types, nothing.capabilities) == ((), ())


def test_what_an_upgrade_brings() -> None:
    """The types of jobs that are new, and what can be asked for; "Unknown" is no type."""
    gain = gained_by(REVISIONS["1.2-rev1"], REVISIONS["1.3-rev0"])
    assert set(gain.capabilities) == set(Capability) - OF_REV1 - OF_REV2
    assert "HyperVBackup" in gain.job_types
    assert {"VSphereBackup", "Unknown"}.isdisjoint(gain.job_types)
    newest = gained_by(REVISIONS["1.3-rev0"], REVISIONS["1.3-rev2"])
    assert {"CloudBackupAzure", "ProxmoxBackupJob"}.isdisjoint(newest.job_types)


@pytest.mark.parametrize(
    ("revision", "lacks"),
    [
        ("1.2-rev1", set(Capability)),
        ("1.3-rev0", OF_REV1 | OF_REV2),
        ("1.3-rev1", OF_REV2),
        ("1.3-rev2", set()),
    ],
)
def test_what_a_revision_lacks(revision: str, lacks: set[Capability]) -> None:
    """Retry, clone and the choices that 1.3 brought, and what came with its later revisions."""
    facts = REVISIONS[revision]
    assert {capability for capability in Capability if not facts.has(capability)} == lacks


def test_a_type_of_job_has_one_key_whatever_revision_names_it() -> None:
    """`Backup` of 1.2-rev1 is `VSphereBackup` since."""
    assert job_type_key("Backup") == job_type_key("VSphereBackup") == job_type_key("vspherebackup")
    assert job_type_key("BackupCopy") != job_type_key("Backup")


def test_groups_do_not_overlap() -> None:
    """A session is of one kind."""
    assert all(not first & second for first, second in combinations(SESSION_TYPES.values(), 2))


@pytest.mark.parametrize(
    ("session_type", "job_id", "group"),
    [
        ("BackupJob", None, SessionGroup.JOB_RUN),
        ("backupjob", None, SessionGroup.JOB_RUN),
        ("SqlLogBackup", None, SessionGroup.LOG_BACKUP),
        ("MalwareDetection", "known", SessionGroup.SECURITY),
        ("RestoreVm", None, SessionGroup.RESTORE),
        ("Failover", None, SessionGroup.FAILOVER),
        ("ConfigurationResynchronize", None, SessionGroup.HOUSEKEEPING),
        ("QuantumBackup", "known", SessionGroup.JOB_RUN),
        ("QuantumBackup", "other", SessionGroup.HOUSEKEEPING),
        ("QuantumBackup", None, SessionGroup.HOUSEKEEPING),
    ],
)
def test_an_unknown_type_is_a_job_run_if_a_job_ran(
    session_type: str, job_id: str | None, group: SessionGroup
) -> None:
    """New types appear with new builds: whose session it is decides."""
    assert session_group(session_type, job_id=job_id, job_ids={"known"}) is group
