"""Types of jobs by the words that people type."""

from bot import veeam
from bot.operations import matching
from bot.operations.type_names import known_type


def job_types_named(word: str, revision: veeam.Revision) -> tuple[str, ...]:
    """Return the job types (EJobType) that the word means, in the revision's spelling: one, several, or none.

    They are found by VBR's names, also those of another revision, and by ours ("VMware replication"), with
    vSphere as VMware. VBR refuses a filter by a type that it does not know: a word is only ever sent after it
    was found here.
    """
    plain = plain_type(word)
    whole = tuple(
        kind
        for kind in revision.job_types
        if veeam.job_type_key(kind) == veeam.job_type_key(plain) or plain == plain_type(in_words(kind))
    )
    return (
        whole
        or matching.pick(word, revision.job_types, lambda kind: kind)
        or (matching.pick(plain, revision.job_types, lambda kind: kind) if plain else ())
        or matching.pick(word, revision.job_types, in_words)
    )


def in_words(kind: str) -> str:
    """Return a type of jobs as the lists name it; as VBR does where we have no words."""
    return known_type(kind) or kind


def plain_type(word: str) -> str:
    """Return a type of jobs without what makes no difference: "VMware backup" is vspherebackup."""
    return "".join(filter(str.isalnum, matching.fold(word))).replace("vmware", "vsphere")
