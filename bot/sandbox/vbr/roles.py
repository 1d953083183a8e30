"""VBR's built-in roles, and which of them may call which operation, revision by revision.

An operation that a revision does not have stands in no table of it. Letter C stands for custom roles with
backup permissions, which came with 1.3-rev2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """A built-in role, by the name that the console shows."""

    ADMINISTRATOR = "Veeam Backup Administrator"
    BACKUP_OPERATOR = "Veeam Backup Operator"
    RESTORE_OPERATOR = "Veeam Restore Operator"
    VIEWER = "Veeam Backup Viewer"
    TAPE_OPERATOR = "Veeam Tape Operator"
    SECURITY_ADMINISTRATOR = "Veeam Security Administrator"
    INCIDENT_API_OPERATOR = "Incident API Operator"


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

_V1 = "/api/v1"
_REPOSITORIES = f"{_V1}/backupInfrastructure/repositories"
_SCALE_OUT_REPOSITORIES = f"{_V1}/backupInfrastructure/scaleOutRepositories"

_ALLOWED = {
    ("POST", "/api/oauth2/logout"): "ABRVTSI",
    ("GET", f"{_V1}/serverInfo"): "A",
    ("GET", f"{_V1}/license"): "A",
    ("GET", f"{_V1}/jobs"): "ABRVT",
    ("POST", f"{_V1}/jobs"): "A",
    ("POST", f"{_V1}/jobs/quickBackup/vSphere"): "AB",
    ("POST", f"{_V1}/jobs/quickBackup/hyperV"): "AB",
    ("POST", f"{_V1}/jobs/quickBackup/agent"): "AB",
    ("GET", f"{_V1}/jobs/states"): "ABRVT",
    ("GET", f"{_V1}/jobs/{{id}}"): "ABRVT",
    ("PUT", f"{_V1}/jobs/{{id}}"): "A",
    ("DELETE", f"{_V1}/jobs/{{id}}"): "A",
    ("POST", f"{_V1}/jobs/{{id}}/clone"): "A",
    ("POST", f"{_V1}/jobs/{{id}}/disable"): "A",
    ("POST", f"{_V1}/jobs/{{id}}/enable"): "A",
    ("POST", f"{_V1}/jobs/{{id}}/applyConfiguration"): "ABT",
    ("POST", f"{_V1}/jobs/{{id}}/clearCache"): "ABT",
    ("POST", f"{_V1}/jobs/{{id}}/retry"): "ABT",
    ("POST", f"{_V1}/jobs/{{id}}/start"): "ABT",
    ("POST", f"{_V1}/jobs/{{id}}/stop"): "ABT",
    ("GET", f"{_V1}/sessions"): "ABRVTS",
    ("GET", f"{_V1}/sessions/{{id}}"): "ABRVTS",
    ("GET", f"{_V1}/sessions/{{id}}/logs"): "ABRVTS",
    ("POST", f"{_V1}/sessions/{{id}}/stop"): "ABR",
    ("GET", f"{_V1}/sessions/{{id}}/taskSessions"): "ABRVT",
    ("GET", f"{_V1}/taskSessions"): "ABRVT",
    ("GET", f"{_V1}/taskSessions/{{id}}"): "ABRVT",
    ("GET", f"{_V1}/taskSessions/{{id}}/logs"): "ABRVT",
    ("POST", f"{_V1}/inventory"): "A",
    ("POST", f"{_V1}/inventory/physical"): "A",
    ("POST", f"{_V1}/inventory/physical/all"): "A",
    ("POST", f"{_V1}/inventory/physical/{{protectionGroupId}}"): "A",
    ("GET", f"{_V1}/inventory/vmware/hosts"): "ABRT",
    ("GET", f"{_V1}/inventory/vmware/hosts/{{name}}"): "ABRT",
    ("POST", f"{_V1}/inventory/{{hostname}}"): "A",
    ("GET", f"{_V1}/credentials"): "ABRTS",
    ("GET", _REPOSITORIES): "ABRVT",
    ("GET", f"{_REPOSITORIES}/states"): "ABRVT",
    ("GET", f"{_REPOSITORIES}/{{id}}"): "ABRVT",
    ("GET", _SCALE_OUT_REPOSITORIES): "ABRVT",
    ("GET", f"{_V1}/backupInfrastructure/proxies/states"): "ABRVT",
    ("GET", f"{_V1}/restorePoints"): "ABRVT",
    ("GET", f"{_V1}/backups/{{id}}"): "ABRVT",
}

_JOB = f"{_V1}/jobs/{{id}}"
_JOB_READS = (("GET", f"{_V1}/jobs"), ("GET", f"{_V1}/jobs/states"), ("GET", _JOB))
_VMWARE_HOSTS = (
    ("GET", f"{_V1}/inventory/vmware/hosts"),
    ("GET", f"{_V1}/inventory/vmware/hosts/{{name}}"),
)
_INVENTORY_SEARCHES = (("POST", f"{_V1}/inventory"), ("POST", f"{_V1}/inventory/{{hostname}}"))
_PHYSICAL = (
    ("POST", f"{_V1}/inventory/physical"),
    ("POST", f"{_V1}/inventory/physical/all"),
    ("POST", f"{_V1}/inventory/physical/{{protectionGroupId}}"),
)
_RUNS = (("POST", f"{_JOB}/start"), ("POST", f"{_JOB}/stop"))
_POLICY_ACTIONS = frozenset({("POST", f"{_JOB}/applyConfiguration"), ("POST", f"{_JOB}/clearCache")})
_SINCE_REV2 = frozenset({
    ("POST", f"{_V1}/jobs/quickBackup/hyperV"),
    ("POST", f"{_V1}/jobs/quickBackup/agent"),
    ("POST", f"{_V1}/inventory/physical/all"),
})  # fmt: skip
_SINCE_1_3 = frozenset({
    ("POST", f"{_JOB}/retry"),
    ("POST", f"{_JOB}/clone"),
    *_PHYSICAL,
    ("GET", f"{_V1}/backupInfrastructure/proxies/states"),
})  # fmt: skip
#: What a custom role with backup permissions may call; that it reads what it runs is inferred.
_OPEN_TO_CUSTOM = frozenset({
    ("POST", "/api/oauth2/logout"), *_JOB_READS, *_RUNS, ("POST", f"{_JOB}/retry"),
    ("POST", f"{_V1}/jobs/quickBackup/vSphere"), ("POST", f"{_V1}/jobs/quickBackup/hyperV"),
    ("POST", f"{_V1}/jobs/quickBackup/agent"), *_POLICY_ACTIONS,
    *_VMWARE_HOSTS, *_INVENTORY_SEARCHES, *_PHYSICAL,
    ("GET", f"{_V1}/sessions"), ("GET", f"{_V1}/sessions/{{id}}"), ("GET", f"{_V1}/sessions/{{id}}/logs"),
    ("GET", f"{_V1}/sessions/{{id}}/taskSessions"), ("GET", f"{_V1}/restorePoints"),
    ("GET", f"{_V1}/backups/{{id}}"),
})  # fmt: skip

_Letters = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Permissions:
    """Operation (method, path template) → who may call it. Operations without a token are not listed."""

    roles: Mapping[tuple[str, str], frozenset[Role]]
    open_to_custom_roles: frozenset[tuple[str, str]] = frozenset()

    def has(self, operation: tuple[str, str]) -> bool:
        """Whether the revision has the operation at all."""
        return operation in self.roles


def _permissions(letters: _Letters) -> Permissions:
    return Permissions(
        roles=MappingProxyType(
            {
                operation: frozenset(_LETTERS[letter] for letter in allowed if letter != _CUSTOM)
                for operation, allowed in letters.items()
            }
        ),
        open_to_custom_roles=frozenset(
            operation for operation, allowed in letters.items() if _CUSTOM in allowed
        ),
    )


def _rev2(before: _Letters) -> dict[tuple[str, str], str]:
    """Tape operators are gone from all lists but the log-out; custom roles come in."""
    logout = ("POST", "/api/oauth2/logout")
    return {
        operation: (letters if operation == logout else letters.replace("T", ""))
        + (_CUSTOM if operation in _OPEN_TO_CUSTOM else "")
        for operation, letters in before.items()
    }


def _without(allowed: _Letters, absent: frozenset[tuple[str, str]]) -> dict[tuple[str, str], str]:
    return {operation: letters for operation, letters in allowed.items() if operation not in absent}


_REV0 = _without(_ALLOWED, _SINCE_REV2 | _POLICY_ACTIONS)
_OLDER = _without(_REV0, _SINCE_1_3)
_NEWER = {
    **_ALLOWED,
    **dict.fromkeys(_JOB_READS, "ABRVTS"),
    ("GET", f"{_V1}/backups/{{id}}"): "ABRVTS",
    **dict.fromkeys(_INVENTORY_SEARCHES, "ABRT"),
}

PERMISSIONS_1_2_REV1 = _permissions(
    {
        **_OLDER,
        **dict.fromkeys(_RUNS, "AB"),
        **dict.fromkeys(_VMWARE_HOSTS, "A"),
        ("GET", f"{_V1}/credentials"): "AS",
    }
)
PERMISSIONS_1_3_REV0 = _permissions(_REV0)
PERMISSIONS_1_3_REV1 = _permissions(_without(_NEWER, _SINCE_REV2))
PERMISSIONS_1_3_REV2 = _permissions(_rev2({**_NEWER, **dict.fromkeys(_PHYSICAL, "AR")}))
