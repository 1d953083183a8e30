"""What differs between the revisions of VBR's API, as data.

To use what not every revision has, ask `Revision.has`, never for a revision's name.

A revision is what we ask for with `x-api-version`; newer servers speak older revisions too. For a revision
that isn't listed, the nearest older one of the list is taken.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from bot.veeam.models import JobStatus
from bot.veeam.session_types import SessionGroup, session_types_up_to


class Capability(StrEnum):
    """What some revisions cannot be asked for, by the word that people use for it."""

    RETRY = "retry"
    CLONE = "clone"
    CHAINED_STOP = "stop with chained jobs"
    COPY_RESTORE_POINTS = "choice of restore points for copies"
    PHYSICAL_INVENTORY = "list of physical machines"


_JOB_TYPES_OF_1_2 = (
    "VSphereReplica",
    "CloudDirectorBackup",
    "EntraIDTenantBackup",
    "EntraIDAuditLogBackup",
    "FileBackupCopy",
)
_JOB_TYPES_OF_REV0 = (
    "VSphereBackup",
    *_JOB_TYPES_OF_1_2,
    "HyperVBackup",
    "LegacyBackupCopy",
    "BackupCopy",
    "WindowsAgentBackup",
    "LinuxAgentBackup",
    "EntraIDTenantBackupCopy",
    "Unknown",
)
_JOB_TYPES_OF_REV1 = (
    *_JOB_TYPES_OF_REV0,
    "FileBackup",
    "ObjectStorageBackup",
    "SureBackupContentScan",
    "CloudBackupAzure",
    "CloudBackupAWS",
    "CloudBackupGoogle",
    "WindowsAgentBackupWorkstationPolicy",
    "LinuxAgentBackupWorkstationPolicy",
    "WindowsAgentBackupServerPolicy",
    "LinuxAgentBackupServerPolicy",
)
_JOB_TYPES_OF_REV2 = (
    *_JOB_TYPES_OF_REV1,
    "NutanixAHVBackupJob",
    "ProxmoxBackupJob",
    "IrisBackup",
    "WindowsAgentBackupFailoverCluster",
)
_JOB_TYPES_RENAMED = {"backup": "vspherebackup"}
_ROWS_WITHOUT_DEFAULT = 200


@dataclass(frozen=True)
class Revision:
    """The facts of one revision that a client has to mind."""

    name: str
    product: str
    """The oldest VBR that speaks it, as people call it."""
    job_types: tuple[str, ...]
    """EJobType in this revision's spelling, the commonest first."""
    lacks: frozenset[Capability] = frozenset()
    job_statuses: frozenset[JobStatus] = frozenset(JobStatus)
    """What a status filter may ask for; a server of an older revision reports these alone."""
    absent_columns: frozenset[str] = frozenset()
    """Columns that its lists cannot be ordered by, though later ones can."""
    absent_parameters: frozenset[str] = frozenset()
    """Query parameters that its lists don't have, though later ones do: they are left out of a request."""
    knows_extents: bool = True
    """Whether lists of repositories tell the extents of scale-out repositories apart."""
    names_kinds_of_shares: bool = False
    """Whether a file or object storage backup says of each object whether it is a share, a folder, …"""
    limit_to_send: int | None = None
    """How many rows to ask for where no number is wanted: a revision without a default may send them all."""
    session_array_filters: bool = True
    """Whether sessions are filtered by several types and results at once."""
    log_status_filter: bool = True
    operators_see_inventory: bool = True
    """Whether `/inventory/vmware/hosts` is open to operators, which tells their accounts from a viewer's."""
    states_name_predecessors: bool = True
    """Whether a job's state says after which job it runs, and states can be filtered by that."""
    pages_task_sessions: bool = False
    """Whether a session's task sessions come in pages rather than all at once."""
    has_flat_guest_credentials: bool = False
    """Whether the account for the guests of virtual machines stands beside the other guest credentials."""
    has_gfs_for_files: bool = False
    """Whether file and object storage backups have GFS."""
    demands_replica_places: bool = False
    """Whether a replica job must name resource pool, folder and datastore."""
    vsphere: str = "VSphere"
    """What `platform` calls vSphere."""
    capitalised: bool = False
    """Whether job status, workload and inventory operations begin with a capital."""

    @cached_property
    def session_types(self) -> Mapping[SessionGroup, tuple[str, ...]]:
        """Session types by what they are; a filter that names one of a later revision is refused."""
        return session_types_up_to(self.name)

    @property
    def job_run_types(self) -> tuple[str, ...]:
        """Session types to ask for as job runs."""
        return self.session_types[SessionGroup.JOB_RUN]

    def has(self, capability: Capability) -> bool:
        """Whether it can be asked for."""
        return capability not in self.lacks

    def platform(self, name: str) -> str:
        """A platform of the inventory, as this revision calls it."""
        return self.vsphere if name == "VSphere" else name

    def spelled(self, word: str) -> str:
        """A word of the enums whose letter case differs between revisions, as this one prints it."""
        first = word[:1].upper() if self.capitalised else word[:1].lower()
        return first + word[1:]


REVISIONS: Mapping[str, Revision] = {
    revision.name: revision
    for revision in (
        Revision(
            name="1.2-rev1",
            product="VBR 12.3",
            job_types=("Backup", *_JOB_TYPES_OF_1_2),
            lacks=frozenset(Capability),
            job_statuses=frozenset({JobStatus.RUNNING, JobStatus.INACTIVE, JobStatus.DISABLED}),
            absent_columns=frozenset({"RepositoryName", "AfterJobName", "InitiatedBy"}),
            absent_parameters=frozenset(
                {
                    *("excludeExtents", "sobrIdFilter", "sobrExtentTypeFilter"),
                    *("afterJobIdFilter", "afterJobNameFilter"),
                }
            ),
            knows_extents=False,
            limit_to_send=_ROWS_WITHOUT_DEFAULT,
            operators_see_inventory=False,
            vsphere="VMware",
            has_flat_guest_credentials=True,
            demands_replica_places=True,
            session_array_filters=False,
            log_status_filter=False,
            states_name_predecessors=False,
        ),
        Revision(
            name="1.3-rev0",
            product="VBR 13.0",
            job_types=_JOB_TYPES_OF_REV0,
        ),
        Revision(
            name="1.3-rev1",
            product="VBR 13.0.1",
            job_types=_JOB_TYPES_OF_REV1,
            pages_task_sessions=True,
            capitalised=True,
        ),
        Revision(
            name="1.3-rev2",
            product="VBR 13.1",
            job_types=_JOB_TYPES_OF_REV2,
            pages_task_sessions=True,
            has_gfs_for_files=True,
            names_kinds_of_shares=True,
            capitalised=True,
        ),
    )
}


def revision_facts(name: str) -> Revision:
    """The facts of this revision, of the nearest older one we know, or of the oldest."""
    order = _place(name)
    older = [facts for facts in REVISIONS.values() if _place(facts.name) <= order]
    return older[-1] if older else next(iter(REVISIONS.values()))


def job_type_key(name: str) -> str:
    """What a job type is compared by: letter case aside, and whatever revision named it."""
    folded = name.casefold()
    return _JOB_TYPES_RENAMED.get(folded, folded)


def _place(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", name))
