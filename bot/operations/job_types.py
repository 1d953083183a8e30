"""Types of jobs by the words that people type, and what they are called."""

from collections.abc import Iterable, Mapping, Sequence

from bot import veeam
from bot.operations import matching

JOB_TYPE_TITLES: Mapping[str, str] = {
    "backup": "VMware backup",
    "vspherebackup": "VMware backup",
    "vspherereplica": "VMware replication",
    "hypervbackup": "Hyper-V backup",
    "clouddirectorbackup": "Cloud Director backup",
    "nutanixahvbackupjob": "Nutanix AHV backup",
    "proxmoxbackupjob": "Proxmox backup",
    "irisbackup": "InterSystems IRIS backup",
    "entraidtenantbackup": "Entra ID backup",
    "entraidauditlogbackup": "Entra ID audit log backup",
    "entraidtenantbackupcopy": "Entra ID backup copy",
    "filebackup": "File backup",
    "filebackupcopy": "File backup copy",
    "objectstoragebackup": "Object storage backup",
    "backupcopy": "Backup copy",
    "legacybackupcopy": "Backup copy (legacy)",
    "windowsagentbackup": "Windows agent backup",
    "windowsagentbackupworkstationpolicy": "Windows workstation policy",
    "windowsagentbackupserverpolicy": "Windows server policy",
    "windowsagentbackupfailovercluster": "Windows failover cluster backup",
    "linuxagentbackup": "Linux agent backup",
    "linuxagentbackupworkstationpolicy": "Linux workstation policy",
    "linuxagentbackupserverpolicy": "Linux server policy",
    "cloudbackupazure": "Azure backup",
    "cloudbackupaws": "AWS backup",
    "cloudbackupgoogle": "Google Cloud backup",
    "surebackupcontentscan": "SureBackup content scan",
    "unknown": "Other type",
}
"""What people call each EJobType, which stands in small letters."""


def job_types_named(word: str, revision: veeam.Revision) -> tuple[str, ...]:
    """Return the job types (EJobType) that the word means, in the revision's spelling: one, several, or none.

    A type that another revision calls otherwise is found by either name, and vSphere as VMware. VBR refuses a
    filter by a type that it does not know: a word is only ever sent after it was found here.
    """
    return _called(word, revision.job_types) or _alike(word, revision.job_types)


def described_types_named(word: str) -> tuple[str, ...]:
    """Return the types of jobs with a model that the word means, in any revision, each once.

    The whole name of one counts before a part of others, whatever revisions have them.
    """
    types = {
        veeam.job_type_key(kind): kind
        for revision in veeam.REVISIONS.values()
        for kind in revision.job_types
        if veeam.has_model(kind)
    }
    return _called(word, types.values()) or _alike(word, tuple(types.values()))


def _called(word: str, types: Iterable[str]) -> tuple[str, ...]:
    """The types of this very name or title."""
    plain = plain_type(word)
    keys = {veeam.job_type_key(plain), *(key for key, title in _PLAIN_TITLES.items() if title == plain)}
    return tuple(kind for kind in types if veeam.job_type_key(kind) in keys)


def _alike(word: str, types: Sequence[str]) -> tuple[str, ...]:
    """The types that have the word in their names."""
    plain = plain_type(word)
    found = matching.pick(word, types, lambda name: name)
    return found or (matching.pick(plain, types, lambda name: name) if plain else ())


def plain_type(word: str) -> str:
    """Return a type of jobs without what makes no difference: "VMware backup" is vspherebackup."""
    return "".join(filter(str.isalnum, matching.fold(word))).replace("vmware", "vsphere")


_PLAIN_TITLES = {veeam.job_type_key(kind): plain_type(title) for kind, title in JOB_TYPE_TITLES.items()}
