"""VBR's built-in roles, and which of them may call which operation under 1.3-rev0."""

from collections.abc import Mapping
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

_ALLOWED = {
    ("POST", "/api/oauth2/logout"): "ABRVTSI",
    ("GET", f"{_V1}/serverInfo"): "A",
    ("GET", f"{_V1}/license"): "A",
    ("GET", f"{_V1}/jobs"): "ABRVT",
    ("POST", f"{_V1}/jobs"): "A",
    ("POST", f"{_V1}/jobs/quickBackup/vSphere"): "AB",
    ("GET", f"{_V1}/jobs/states"): "ABRVT",
    ("GET", f"{_V1}/jobs/{{id}}"): "ABRVT",
    ("PUT", f"{_V1}/jobs/{{id}}"): "A",
    ("DELETE", f"{_V1}/jobs/{{id}}"): "A",
    ("POST", f"{_V1}/jobs/{{id}}/clone"): "A",
    ("POST", f"{_V1}/jobs/{{id}}/disable"): "A",
    ("POST", f"{_V1}/jobs/{{id}}/enable"): "A",
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
    ("POST", f"{_V1}/inventory/physical/{{protectionGroupId}}"): "A",
    ("GET", f"{_V1}/inventory/vmware/hosts"): "ABRT",
    ("GET", f"{_V1}/inventory/vmware/hosts/{{name}}"): "ABRT",
    ("POST", f"{_V1}/inventory/{{hostname}}"): "A",
    ("GET", _REPOSITORIES): "ABRVT",
    ("GET", f"{_REPOSITORIES}/states"): "ABRVT",
    ("GET", f"{_REPOSITORIES}/{{id}}"): "ABRVT",
    ("GET", f"{_V1}/backupInfrastructure/proxies/states"): "ABRVT",
}

#: Operation (method, path template) → the roles that may call it. Operations without a token are not listed.
ROLES_1_3_REV0: Mapping[tuple[str, str], frozenset[Role]] = MappingProxyType(
    {operation: frozenset(_LETTERS[letter] for letter in letters) for operation, letters in _ALLOWED.items()}
)
