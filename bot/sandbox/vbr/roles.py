"""VBR's built-in roles, and which of them may call which operation, revision by revision.

An operation that a revision does not have stands in no table of it. Letter C stands for custom roles with
backup permissions, which came with 1.3-rev2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from bot.sandbox.vbr.documented import documented


class Role(StrEnum):
    """A built-in role, by the name that the console shows."""

    ADMINISTRATOR = "Veeam Backup Administrator"
    BACKUP_OPERATOR = "Veeam Backup Operator"
    RESTORE_OPERATOR = "Veeam Restore Operator"
    VIEWER = "Veeam Backup Viewer"
    TAPE_OPERATOR = "Veeam Tape Operator"
    SECURITY_ADMINISTRATOR = "Veeam Security Administrator"
    INCIDENT_API_OPERATOR = "Incident API Operator"


_ANYONE = "-"
_CUSTOM = "C"
_LETTERS = {
    "A": Role.ADMINISTRATOR,
    "B": Role.BACKUP_OPERATOR,
    "R": Role.RESTORE_OPERATOR,
    "V": Role.VIEWER,
    "T": Role.TAPE_OPERATOR,
    "S": Role.SECURITY_ADMINISTRATOR,
    "I": Role.INCIDENT_API_OPERATOR,
}


@dataclass(frozen=True)
class Permissions:
    """Operation (method, path template) → who may call it. Operations without a token are not listed."""

    roles: Mapping[tuple[str, str], frozenset[Role]]
    open_to_custom_roles: frozenset[tuple[str, str]] = frozenset()

    def has(self, operation: tuple[str, str]) -> bool:
        """Whether the revision has the operation at all."""
        return operation in self.roles


@cache
def permissions_of(revision: str) -> Permissions:
    """Who may call what in a revision, as its document says."""
    operations = {
        operation: facts.roles for operation, facts in documented(revision).items() if facts.roles != _ANYONE
    }
    return Permissions(
        roles=MappingProxyType(
            {
                operation: frozenset(_LETTERS[letter] for letter in allowed if letter != _CUSTOM)
                for operation, allowed in operations.items()
            }
        ),
        open_to_custom_roles=frozenset(
            operation for operation, allowed in operations.items() if _CUSTOM in allowed
        ),
    )
