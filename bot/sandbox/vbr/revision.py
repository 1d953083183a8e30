"""The revisions of VBR's REST API, as values: what each has, how it spells what, what it answers.

The world thinks in the words of 1.3-rev0. A ``Revision`` says how they look on the wire; how a newer server
shows an older revision what that has no word for is documented nowhere: here such rows are left out.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from bot.sandbox.vbr import words
from bot.sandbox.vbr.refusals import bad_content
from bot.sandbox.vbr.roles import (
    PERMISSIONS_1_2_REV1,
    PERMISSIONS_1_3_REV0,
    PERMISSIONS_1_3_REV1,
    PERMISSIONS_1_3_REV2,
    Permissions,
)

Spelling = Mapping[str, str]
_NONE: Mapping[str, Any] = MappingProxyType({})


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


@dataclass(frozen=True)
class Revision:
    """One ``x-api-version``.

    ``spellings`` gives, by the key that a word stands under, what replaces it; ``keys`` the keys that are
    called otherwise. ``absent_columns`` cannot be ordered by, ``absent_fields`` are in no row and no body.
    """

    name: str
    permissions: Permissions
    job_types: frozenset[str] = words.JOB_TYPES
    session_types: frozenset[str] = words.SESSION_TYPES
    session_states: frozenset[str] = words.SESSION_STATES
    credentials_types: frozenset[str] = words.CREDENTIALS_TYPES
    spellings: Mapping[str, Spelling] = field(default_factory=dict)
    statuses: Spelling = field(default_factory=dict)
    keys: Spelling = field(default_factory=dict)
    absent_columns: frozenset[str] = frozenset()
    absent_fields: frozenset[str] = frozenset()
    required_parts: Mapping[str, str] = field(default_factory=dict)
    default_limit: int | None = 200
    filters_by_several: bool = True
    filters_logs: bool = True
    additional_info: Literal["absent", "text", "list"] = "text"
    pages_task_sessions: bool = False
    relates_sessions: bool = False
    links_retries: bool = False
    capitalises_words: bool = False
    toggled_status: int = 200
    names_versions_it_speaks: bool = False

    def word(self, value: str) -> str:
        """Spell a workload or one of the other words that differ in letter case only."""
        return _capital(value) if self.capitalises_words else value

    def status(self, value: str) -> str:
        """Spell a job's status (``running`` or ``Running``; 1.2-rev1 has three words for the seven)."""
        return self.word(self.statuses.get(value, value))

    def job_type(self, kind: str) -> str | None:
        """Spell a job's type; None where the revision has no word for it."""
        return self.spellings.get("type", _NONE).get(kind, kind) if kind in self.job_types else None

    @property
    def written_job_types(self) -> frozenset[str]:
        """The values of EJobType."""
        return frozenset(kind for each in self.job_types if (kind := self.job_type(each)) is not None)

    @property
    def written_statuses(self) -> frozenset[str]:
        """The values of EJobStatus."""
        return frozenset(map(self.status, words.JOB_STATUSES))

    @property
    def written_workloads(self) -> frozenset[str]:
        """The values of EJobWorkload."""
        return frozenset(map(self.word, words.JOB_WORKLOADS))

    def written(self, model: Any) -> Any:
        """A job or an inventory object as this revision prints it."""
        if not (self.spellings or self.keys):
            return model
        return _rewritten(model, self.keys, lambda key, word: self.spellings.get(key, _NONE).get(word, word))

    def read(self, body: Any) -> Any:
        """A body in the world's words. Raises a 400 for another revision's spelling."""
        body = _without(body, self.absent_fields)
        if not (self.spellings or self.keys):
            return body
        ours = {wire: key for key, wire in self.keys.items()}
        back = {key: {wire: word for word, wire in spelt.items()} for key, spelt in self.spellings.items()}

        def meaning(key: str, word: str) -> str:
            if word in back.get(key, _NONE):
                meant: str = back[key][word]
                return meant
            if word in self.spellings.get(key, _NONE):
                raise bad_content(f"The value '{word}' is not valid for {key}.")
            return word

        return _rewritten(body, ours, meaning)


def _rewritten(value: Any, keys: Spelling, spell: Callable[[str, str], str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {keys.get(name, name): _rewritten(part, keys, spell, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_rewritten(part, keys, spell, key) for part in value]
    return spell(key, value) if isinstance(value, str) else value


def _without(body: Any, absent: frozenset[str]) -> Any:
    if not isinstance(body, dict) or not absent:
        return body
    return {key: value for key, value in body.items() if key not in absent}


def _capitals(values: Iterable[str]) -> Spelling:
    return {word: _capital(word) for word in values if word != _capital(word)}


_CAPITALISED: Mapping[str, Spelling] = {
    **dict.fromkeys(("day", "days", "dayOfWeek"), _capitals(words.DAYS_OF_WEEK)),
    "operation": _capitals(words.PREDICATES | words.GROUPS),
    "direction": _capitals(("ascending", "descending")),
    "proxyType": _capitals(("onHost", "offHost")),
    "vss": _capitals(words.VSS_MODES),
}
_OF_1_2: Mapping[str, Spelling] = {
    "type": {"VSphereBackup": "Backup"},
    "platform": {"VSphere": "VMware"},
    "storageOptimization": {"1MB": "LocalTarget", "512KB": "LANTarget"},
}
_STATUSES_OF_1_2 = {
    "starting": "running",
    "stopping": "running",
    "stopped": "inactive",
    "enabled": "inactive",
}
_ABSENT_IN_1_2 = frozenset({
    "highPriority", "progressPercent", "sessionProgress", "nextRunPolicy", "runAfterJob", "backupCopyMode",
    "isStorageSnapshot", "syncRestorePoints", "cancelChainedJobs",
})  # fmt: skip

REVISION_1_2_REV1 = Revision(
    name="1.2-rev1",
    permissions=PERMISSIONS_1_2_REV1,
    job_types=words.JOB_TYPES_OF_1_2,
    session_types=words.SESSION_TYPES - words.SESSION_TYPES_SINCE_1_3,
    credentials_types=words.CREDENTIALS_TYPES - {"ManagedService"},
    spellings=_OF_1_2,
    statuses=_STATUSES_OF_1_2,
    absent_columns=frozenset({"RepositoryName", "AfterJobName", "InitiatedBy"}),
    absent_fields=_ABSENT_IN_1_2,
    default_limit=None,
    filters_by_several=False,
    filters_logs=False,
    additional_info="absent",
    names_versions_it_speaks=True,
)
REVISION_1_3_REV0 = Revision(name="1.3-rev0", permissions=PERMISSIONS_1_3_REV0)
REVISION_1_3_REV1 = Revision(
    name="1.3-rev1",
    permissions=PERMISSIONS_1_3_REV1,
    job_types=words.JOB_TYPES | words.JOB_TYPES_OF_REV1,
    session_types=words.SESSION_TYPES | words.SESSION_TYPES_OF_REV1,
    spellings=_CAPITALISED,
    required_parts={"EntraIDAuditLogBackup": "storage"},
    pages_task_sessions=True,
    relates_sessions=True,
    capitalises_words=True,
    toggled_status=204,
)
REVISION_1_3_REV2 = Revision(
    name="1.3-rev2",
    permissions=PERMISSIONS_1_3_REV2,
    job_types=words.JOB_TYPES | words.JOB_TYPES_OF_REV1 | words.JOB_TYPES_OF_REV2,
    session_types=words.SESSION_TYPES | words.SESSION_TYPES_OF_REV1 | words.SESSION_TYPES_OF_REV2,
    session_states=words.SESSION_STATES | {"ActionRequired"},
    spellings=_CAPITALISED,
    keys={"synthenticFulls": "syntheticFulls", "RemoveData": "removeData"},
    additional_info="list",
    pages_task_sessions=True,
    relates_sessions=True,
    links_retries=True,
    capitalises_words=True,
    toggled_status=204,
)

#: The revisions that the sandbox can play, the oldest first, by the value of ``x-api-version``.
REVISIONS: Mapping[str, Revision] = MappingProxyType(
    {
        revision.name: revision
        for revision in (REVISION_1_2_REV1, REVISION_1_3_REV0, REVISION_1_3_REV1, REVISION_1_3_REV2)
    }
)


def accepted_by(newest: str) -> tuple[str, ...]:
    """The revisions that a server of that revision accepts: it and the older ones."""
    names = list(REVISIONS)
    return tuple(names[: names.index(newest) + 1])
