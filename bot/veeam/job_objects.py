"""What a job works on: machines, containers, protection groups, or the jobs that it copies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, Self

LONGEST_KEY = 150


class Listed(Protocol):
    """A row of an inventory."""

    def to_json(self) -> dict[str, str]:
        """The object as a job names it."""
        ...


@dataclass(frozen=True, eq=False)
class JobObject:
    """One included object exactly as received, because it goes back so. Two are equal when their keys are.

    The older form, `{"inventoryObject": …, "size": …}`, is read too.
    """

    raw: Mapping[str, Any]

    @classmethod
    def of_machine(cls, row: Listed) -> Self:
        """An object of an inventory, as a job names it."""
        return cls(row.to_json())

    @classmethod
    def of_job(cls, job_id: str, name: str = "", kind: str = "") -> Self:
        """A job to copy (JobObjectModel). `kind` is in the spelling received."""
        parts = {"id": job_id, "name": name, "type": kind}
        return cls({key: text for key, text in parts.items() if text})

    @property
    def name(self) -> str:
        """What people call it; its id where it has no name."""
        return self._text("name") or self.object_id

    @property
    def kind(self) -> str:
        """Its type in the inventory, or the type of a copied job, as received; empty where none is said."""
        return self._text("type")

    @property
    def host_name(self) -> str:
        """The server that hosts it; empty for agents and jobs."""
        return self._text("hostName")

    @property
    def object_id(self) -> str:
        """What binds it: the platform's own id, or VBR's for agents and jobs; may be empty for a host."""
        return self._text("objectId") or self._text("id")

    @property
    def platform(self) -> str:
        """EInventoryPlatformType as received; empty for a job."""
        return self._text("platform")

    @property
    def key(self) -> str:
        """What it is known by, as JSON of at most 150 characters: by ids where it has any."""
        written = json.dumps(self._identity(), ensure_ascii=False, separators=(",", ":"))
        if len(written) <= LONGEST_KEY:
            return written
        return json.dumps(["long", sha256(written.encode("utf-8", "surrogatepass")).hexdigest()])

    def _identity(self) -> list[str]:
        if vbr_id := self._text("id"):
            return ["agent" if self.platform else "job", vbr_id.lower()]
        return [self.host_name, self.kind, self.object_id or self.name]

    def _text(self, key: str) -> str:
        inner = self.raw.get("inventoryObject")
        value = (inner if isinstance(inner, Mapping) else self.raw).get(key)
        return value if isinstance(value, str) else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobObject) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
