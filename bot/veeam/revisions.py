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

from bot.settings import Role
from bot.veeam.jobs import JobStatus
from bot.veeam.session_types import SessionGroup, session_types_up_to


class Capability(StrEnum):
    """What some revisions cannot be asked for, by the word that people use for it."""

    RETRY = "retry"
    CLONE = "clone"
    CHAINED_STOP = "stop with chained jobs"
    COPY_RESTORE_POINTS = "choice of restore points for copies"
    PHYSICAL_INVENTORY = "list of physical machines"
    APPLY_CONFIGURATION = "apply configuration"
    CLEAR_CACHE = "clear cache"
    QUICK_BACKUP_HYPERV = "quick backup of Hyper-V machines"
    QUICK_BACKUP_AGENT = "quick backup of computers with an agent"
    WHOLE_PHYSICAL_INVENTORY = "list of all physical machines at once"


_OF_REV2 = frozenset(
    {
        Capability.QUICK_BACKUP_HYPERV,
        Capability.QUICK_BACKUP_AGENT,
        Capability.WHOLE_PHYSICAL_INVENTORY,
    }
)
_SINCE_REV1 = _OF_REV2 | {Capability.APPLY_CONFIGURATION, Capability.CLEAR_CACHE}


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
_CLONABLE_OF_REV2 = frozenset(
    {
        *("VSphereBackup", "HyperVBackup", "CloudDirectorBackup"),
        *("BackupCopy", "WindowsAgentBackup", "LinuxAgentBackup"),
    }
)
_JOB_TYPES_RENAMED = {"backup": "vspherebackup"}
_WITHOUT_MODEL = frozenset(
    {
        "unknown",
        "legacybackupcopy",
        "cloudbackupazure",
        "cloudbackupaws",
        "cloudbackupgoogle",
        "nutanixahvbackupjob",
        "proxmoxbackupjob",
    }
)
"""Types that EJobType has and JobModel does not, whatever the revision."""
_ROWS_WITHOUT_DEFAULT = 200


@dataclass(frozen=True)
class Revision:
    """The facts of one revision that a client has to mind."""

    name: str
    product: str
    """The oldest VBR that speaks it, as people call it."""
    first_build: tuple[int, ...]
    """The build of VBR that it came with."""
    job_types: tuple[str, ...]
    """EJobType in this revision's spelling, the commonest first."""
    clonable_types: frozenset[str] | None = None
    """The types that its document says can be cloned; None: it says nothing, so all that have a model."""
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
    roles_gone: frozenset[Role] = frozenset()
    """Roles that no list of its document names: an account with one of them may do nothing there."""
    roles_not_running_jobs: frozenset[Role] = frozenset()
    """Roles that may look at jobs and, unlike in 1.3-rev0, not start and stop them."""
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
    has_workstation_guests: bool = True
    """Whether policies of Windows workstations have guest processing."""
    scans_files: bool = False
    """Whether a content scan takes file and object storage backups, beside those of cloud appliances."""
    confirms_gfs_cuts: bool = False
    """Whether an edit that lowers GFS has to say that full backups kept so far may go."""
    demands_replica_places: bool = False
    """Whether a replica job must name resource pool, folder and datastore."""
    misspells_synthetic_fulls: bool = True
    """Whether the key is `synthenticFulls`."""
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

    def clones(self, job_type: str) -> bool:
        """Whether jobs of this type can be cloned: never those without a model, for that is the answer."""
        if not self.has(Capability.CLONE) or lacks_model(job_type):
            return False
        key = job_type_key(job_type)
        return self.clonable_types is None or key in map(job_type_key, self.clonable_types)

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
            first_build=(12, 3, 1, 1139),
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
            roles_not_running_jobs=frozenset({Role.TAPE_OPERATOR}),
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
            first_build=(13, 0, 0, 4967),
            job_types=_JOB_TYPES_OF_REV0,
            lacks=_SINCE_REV1,
        ),
        Revision(
            name="1.3-rev1",
            product="VBR 13.0.1",
            first_build=(13, 0, 1, 180),
            job_types=_JOB_TYPES_OF_REV1,
            lacks=_OF_REV2,
            confirms_gfs_cuts=True,
            pages_task_sessions=True,
            capitalised=True,
        ),
        Revision(
            name="1.3-rev2",
            product="VBR 13.1",
            first_build=(13, 1, 0, 411),
            job_types=_JOB_TYPES_OF_REV2,
            clonable_types=_CLONABLE_OF_REV2,
            roles_gone=frozenset({Role.TAPE_OPERATOR}),
            confirms_gfs_cuts=True,
            pages_task_sessions=True,
            has_gfs_for_files=True,
            has_workstation_guests=False,
            scans_files=True,
            misspells_synthetic_fulls=False,
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


def revision_of_build(build_version: str) -> Revision | None:
    """The newest of these revisions that a build of VBR speaks ("13.0.1.180"); None for another text."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9}){3,}", build_version.strip()) is None:
        return None
    build = _place(build_version)
    return next((facts for facts in reversed(tuple(REVISIONS.values())) if facts.first_build <= build), None)


def product_with(capability: Capability) -> str:
    """The oldest VBR whose API has it, as people call it."""
    return next(facts.product for facts in REVISIONS.values() if facts.has(capability))


def lacking_by_product(revision: Revision) -> Mapping[str, tuple[Capability, ...]]:
    """What the revision has not, by the oldest VBR whose API has it."""
    products: dict[str, tuple[Capability, ...]] = {}
    for capability in Capability:
        if not revision.has(capability):
            product = product_with(capability)
            products[product] = (*products.get(product, ()), capability)
    return products


@dataclass(frozen=True)
class RevisionGain:
    """What one revision has that another lacks: types of jobs with a model, and what can be asked for."""

    job_types: tuple[str, ...]
    capabilities: tuple[Capability, ...]


def gained_by(old: Revision, new: Revision) -> RevisionGain:
    """What the new revision has and the old one lacks."""
    known = {job_type_key(name) for name in old.job_types}
    return RevisionGain(
        tuple(name for name in new.job_types if job_type_key(name) not in known and not lacks_model(name)),
        tuple(each for each in Capability if new.has(each) and not old.has(each)),
    )


def job_type_key(name: str) -> str:
    """What a job type is compared by: letter case aside, and whatever revision named it."""
    folded = name.casefold()
    return _JOB_TYPES_RENAMED.get(folded, folded)


def lacks_model(job_type: str) -> bool:
    """Whether VBR's API is known to describe no job of this type, in no revision."""
    return job_type_key(job_type) in _WITHOUT_MODEL


def is_agent_policy(job_type: str) -> bool:
    """Whether such a job is a policy: settings that are handed to agents, which then run by themselves."""
    key = job_type_key(job_type)
    return key.startswith(("windowsagent", "linuxagent")) and key.endswith("policy")


def keeps_cache(job_type: str) -> bool:
    """Whether it is a policy of computers that may keep a backup cache: those with Windows alone."""
    return is_agent_policy(job_type) and job_type_key(job_type).startswith("windows")


def _place(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", name))
