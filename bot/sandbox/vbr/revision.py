"""The revisions of VBR's REST API, as values: what each has, how it spells what, what it answers.

The world thinks in the words of 1.3-rev0. A ``Revision`` says how they look on the wire; how a newer server
shows an older revision what that has no word for is documented nowhere: here such rows are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from bot.sandbox.vbr.roles import Permissions, permissions_of
from bot.sandbox.vbr.schemas import Schemas, schemas_of
from bot.sandbox.vbr.spelling import Spelling

_UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Revision:
    """One ``x-api-version``.

    ``absent_fields`` are in no row and no body, ``absent_task_fields`` in no progress of a task session.
    """

    name: str
    statuses: Mapping[str, str] = field(default_factory=dict)
    absent_fields: frozenset[str] = frozenset()
    absent_task_fields: frozenset[str] = frozenset()
    default_limit: int | None = 200
    filters_by_several: bool = True
    filters_logs: bool = True
    additional_info: Literal["absent", "text", "list"] = "text"
    pages_task_sessions: bool = False
    relates_sessions: bool = False
    links_retries: bool = False
    toggled_status: int = 200
    names_versions_it_speaks: bool = False
    cloned_types: frozenset[str] | None = None
    """The types of jobs that can be cloned; None: all that have a model."""

    @property
    def permissions(self) -> Permissions:
        """Who may call what; an operation that stands in it for nobody does not exist."""
        return permissions_of(self.name)

    @cached_property
    def schemas(self) -> Schemas:
        """What its document says of fields and values."""
        return schemas_of(self.name)

    @cached_property
    def spelling(self) -> Spelling:
        """How it spells what the world knows."""
        return Spelling(self.name)

    def workload(self, value: str) -> str:
        """Spell a job's workload (``vm`` or ``Vm``)."""
        return self.spelling.word("EJobWorkload", value) or value

    def status(self, value: str) -> str:
        """Spell a job's status (``running`` or ``Running``; 1.2-rev1 has three words for the seven)."""
        return self.spelling.word("EJobStatus", self.statuses.get(value, value)) or value

    def job_type(self, kind: str) -> str | None:
        """Spell a job's type: ``Unknown`` where the revision has no word for it, None where not even that."""
        return self.spelling.word("EJobType", kind) or self.spelling.word("EJobType", _UNKNOWN)

    def models(self, kind: str) -> bool:
        """Whether jobs of that type can be fetched, edited and created."""
        return self.spelling.word("EJobType", kind) in self.schemas.kinds("JobModel")

    def platform(self, value: str) -> str:
        """Spell the platform of a session or a backup."""
        return self.spelling.word("EPlatformType", value) or "CustomPlatform"

    def values(self, enum: str) -> frozenset[str]:
        """The values of an enum; none where the revision does not have it."""
        return self.schemas.values(enum)

    @property
    def session_types(self) -> frozenset[str]:
        """The sessions that it lists."""
        return self.values("ESessionType")

    def session_type(self, kind: str) -> str:
        """Spell a session's type. What the revision cannot name is in no list, and by its id a backup."""
        return kind if kind in self.session_types else "BackupJob"

    def written(self, model: Any, schema: str = "JobModel") -> Any:
        """A job, or what else has such a schema, as this revision prints it."""
        return self.spelling.written(model, schema)

    def read(self, body: Any) -> Any:
        """A body without the fields that the revision does not know."""
        return _without(body, self.absent_fields)


def _without(body: Any, absent: frozenset[str]) -> Any:
    if not isinstance(body, dict) or not absent:
        return body
    return {key: value for key, value in body.items() if key not in absent}


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
    statuses=_STATUSES_OF_1_2,
    absent_fields=_ABSENT_IN_1_2,
    absent_task_fields=frozenset({"progressPercent"}),
    default_limit=None,
    filters_by_several=False,
    filters_logs=False,
    additional_info="absent",
    names_versions_it_speaks=True,
)
REVISION_1_3_REV0 = Revision(name="1.3-rev0")
REVISION_1_3_REV1 = Revision(
    name="1.3-rev1",
    pages_task_sessions=True,
    relates_sessions=True,
    toggled_status=204,
)
REVISION_1_3_REV2 = Revision(
    name="1.3-rev2",
    cloned_types=frozenset(
        {
            *("VSphereBackup", "HyperVBackup", "CloudDirectorBackup"),
            *("BackupCopy", "WindowsAgentBackup", "LinuxAgentBackup"),
        }
    ),
    additional_info="list",
    pages_task_sessions=True,
    relates_sessions=True,
    links_retries=True,
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
