"""Types of jobs by the words that people type."""

from bot import veeam
from bot.operations import matching


def job_types_named(word: str, revision: veeam.Revision) -> tuple[str, ...]:
    """Return the job types (EJobType) that the word means, in the revision's spelling: one, several, or none.

    A type that another revision calls otherwise is found by either name, and vSphere as VMware. VBR refuses a
    filter by a type that it does not know: a word is only ever sent after it was found here.
    """
    plain = plain_type(word)
    same = tuple(kind for kind in revision.job_types if veeam.job_type_key(kind) == veeam.job_type_key(plain))
    return (
        same
        or matching.pick(word, revision.job_types, lambda name: name)
        or (matching.pick(plain, revision.job_types, lambda name: name) if plain else ())
    )


def plain_type(word: str) -> str:
    """Return a type of jobs without what makes no difference: "VMware backup" is vspherebackup."""
    return "".join(filter(str.isalnum, matching.fold(word))).replace("vmware", "vsphere")
