"""Types of jobs by the words that people type."""

from collections.abc import Iterable, Sequence

from bot import veeam
from bot.operations import matching
from bot.operations.type_names import known_type


def job_types_named(word: str, revision: veeam.Revision) -> tuple[str, ...]:
    """Return the job types (EJobType) that the word means, in the revision's spelling: one, several, or none.

    They are found by VBR's names, also those of another revision, and by ours ("VMware replication"), with
    vSphere as VMware. VBR refuses a filter by a type that it does not know: a word is only ever sent after it
    was found here.
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


def in_words(kind: str) -> str:
    """Return a type of jobs as the lists name it; as VBR does where we have no words."""
    return known_type(kind) or kind


def _called(word: str, types: Iterable[str]) -> tuple[str, ...]:
    """The types of this very name, ours or VBR's."""
    plain = plain_type(word)
    return tuple(
        kind
        for kind in types
        if veeam.job_type_key(kind) == veeam.job_type_key(plain) or plain == plain_type(in_words(kind))
    )


def _alike(word: str, types: Sequence[str]) -> tuple[str, ...]:
    """The types that have the word in their names."""
    plain = plain_type(word)
    return (
        matching.pick(word, types, lambda kind: kind)
        or (matching.pick(plain, types, lambda kind: kind) if plain else ())
        or matching.pick(word, types, in_words)
    )


def plain_type(word: str) -> str:
    """Return a type of jobs without what makes no difference: "VMware backup" is vspherebackup."""
    return "".join(filter(str.isalnum, matching.fold(word))).replace("vmware", "vsphere")
