"""Names and ids, each a type of its own, and the only way an id gets into a path."""

import re
from typing import NewType
from urllib.parse import quote

JobId = NewType("JobId", str)
SessionId = NewType("SessionId", str)
TaskSessionId = NewType("TaskSessionId", str)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_id(text: str) -> bool:
    """Whether the text is a UUID as VBR writes them; nothing else may become part of a path."""
    return _UUID.fullmatch(text) is not None


def path_segment(host_name: str) -> str | None:
    """A host's name as one segment of a path, or None where no escaping makes it one (empty, `.`, `..`)."""
    return None if host_name in {"", ".", ".."} else quote(host_name, safe="")
