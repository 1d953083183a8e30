"""IDs as VBR writes them. Each is a type of its own, so that a mix-up is a type error."""

import re
from typing import NewType

JobId = NewType("JobId", str)
SessionId = NewType("SessionId", str)
TaskSessionId = NewType("TaskSessionId", str)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def names_nothing(text: str) -> bool:
    """Whether an ID is empty or the zeros that VBR writes where there is nothing to name."""
    return not text.strip("0-")


def is_id(text: str) -> bool:
    """Whether the text is a UUID as VBR writes them; nothing else may get into a path."""
    return _UUID.fullmatch(text) is not None
