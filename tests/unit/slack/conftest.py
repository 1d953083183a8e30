"""Golden messages: one JSON file per view and case, its `blocks` as Block Kit Builder takes them.

`UPDATE_GOLDENS=1 pytest tests/unit/slack` writes the files anew; look at what changed before it is committed.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDENS = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, Any], Any]:
    """Return the golden value of that name: the file's, or the one given when goldens are updated."""

    def of(name: str, drawn: Any) -> Any:
        path = GOLDENS / f"{name}.json"
        if os.environ.get("UPDATE_GOLDENS") == "1":
            path.write_text(json.dumps(drawn, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
        return json.loads(path.read_text())

    return of
