"""Backups, their restore points and the machines in them, as VBR lists them."""

from datetime import datetime
from typing import Annotated

import msgspec

from bot.veeam.decoding import Row
from bot.veeam.ids import JobId, names_nothing


class RestorePoint(Row, frozen=True, gc=False):
    """A restore point of one machine, and the backup it lies in (ObjectRestorePointModel)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    backup_id: Annotated[str, msgspec.Meta(min_length=1)]
    name: str = ""
    creation_time: datetime | None = None


class Backup(Row, frozen=True, gc=False):
    """A chain of restore points. `job_id` is of no job, or missing, where the backup is orphaned."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    job_id: JobId | None = None

    @property
    def is_orphaned(self) -> bool:
        """Whether no job writes to it any more, as far as its job's ID says so."""
        return names_nothing(self.job_id or "")


class BackupObject(Row, frozen=True, gc=False):
    """A machine in a backup. `last_run_failed` is None where the revision does not say (before 1.3-rev0)."""

    name: str = ""
    last_run_failed: bool | None = None
