"""The advanced settings of a job's storage: encryption, and on which days full backups and checks are made.

Reading never raises; what a job does not offer is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.veeam.decoding import known
from bot.veeam.job_layouts import (
    OWN_ENCRYPTION,
    SYNTHETIC_FULLS,
    KeyPath,
    dict_at,
    flag_at,
    text_at,
    value_at,
)
from bot.veeam.job_schedules import written_days
from bot.veeam.jobs import Weekday
from bot.veeam.revisions import Revision

MISSPELLED_FULLS = "synthenticFulls"
_KEYS = ("encryptionPasswordId", "encryptionPasswordUniqueId", "kmsServerId")


class KeySource(StrEnum):
    """EEncryptionType: whose key it is."""

    PASSWORD = "ByUserPassword"  # noqa: S105 -- a word of the enum
    KMS = "ByKms"


@dataclass(frozen=True)
class Encryption:
    """Whether backups are encrypted, and with what kind of key. Which one is no business of ours."""

    is_on: bool
    key: KeySource | None = field(default=None, compare=False)


@dataclass(frozen=True)
class TaskDays:
    """On which days of the week something is done; `is_otherwise`: monthly, or as only VBR can show."""

    days: tuple[Weekday, ...] = ()
    is_otherwise: bool = False

    @property
    def is_on(self) -> bool:
        """Whether it is done at all."""
        return bool(self.days) or self.is_otherwise


def encryption_in(model: Mapping[str, Any], path: KeyPath) -> Encryption | None:
    """The encryption there, where the job has a key already: VBR's API documents no list to choose from."""
    is_on = flag_at(model, (*path, "isEnabled")) if path else None
    is_borrowed = path == OWN_ENCRYPTION and flag_at(model, ("useCustomEncryption",)) is not True
    if is_on is None or is_borrowed:
        return None
    has_key = any(text_at(model, (*path, key)) for key in _KEYS)
    source = known(KeySource, text_at(model, (*path, "encryptionType")))
    return Encryption(is_on, source) if is_on or has_key else None


def task_days_in(model: Mapping[str, Any], path: KeyPath) -> TaskDays | None:
    """On which days it is done."""
    if not path or not isinstance(value_at(model, path[:-1]), Mapping):
        return None
    block = value_at(model, _place(model, path))
    if block is None:
        return TaskDays()
    is_on = flag_at({"": block}, ("", "isEnabled"))
    if is_on is not True:
        return TaskDays() if is_on is False else None
    days = _days(block) if flag_at(block, ("weekly", "isEnabled")) is True else ()
    return TaskDays(days, not days or flag_at(block, ("monthly", "isEnabled")) is True)


def set_task_days(model: dict[str, Any], path: KeyPath, wanted: TaskDays, revision: Revision) -> None:
    """Change the days in this model; they stay where it is switched off."""
    block = dict_at(model, _place(model, path, revision))
    block["isEnabled"] = wanted.is_on
    if not wanted.is_on:
        return
    if wanted.days:
        weekly = dict_at(block, ("weekly",))
        weekly |= {"isEnabled": True, "days": written_days(wanted.days, weekly.get("days"), revision)}
    elif isinstance(block.get("weekly"), dict):
        block["weekly"]["isEnabled"] = False
    if not wanted.is_otherwise and isinstance(block.get("monthly"), dict):
        block["monthly"]["isEnabled"] = False


def _place(model: Mapping[str, Any], path: KeyPath, revision: Revision | None = None) -> KeyPath:
    """The path as the model spells it; as the revision does where nothing stands there."""
    misspelled = (*path[:-1], MISSPELLED_FULLS)
    if path[-1] != SYNTHETIC_FULLS or value_at(model, path) is not None:
        return path
    is_misspelled = revision is not None and revision.misspells_synthetic_fulls
    return misspelled if is_misspelled or value_at(model, misspelled) is not None else path


def _days(block: Mapping[str, Any]) -> tuple[Weekday, ...]:
    """The days of the week, in its order; none where one of them is not understood."""
    listed = value_at(block, ("weekly", "days"))
    words = listed if isinstance(listed, list) else []
    days = {known(Weekday, word if isinstance(word, str) else None) for word in words}
    return () if None in days else tuple(day for day in Weekday if day in days)
