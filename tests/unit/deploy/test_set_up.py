"""What make sets up: enough for what was asked, and no more."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def planned(target: str, folder: Path) -> str:
    """What make would run for a target in a fresh checkout."""
    command = ("make", "--dry-run", f"VENV={folder / 'venv'}", target)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603


def test_the_demo_installs_what_it_needs(tmp_path: Path) -> None:
    """The bot with its demo, announced as taking a minute, and none of the tests' tools."""
    commands = planned("demo", tmp_path)
    assert "a minute, please" in commands
    assert "--editable '.[demo]'" in commands
    assert "--group dev" not in commands


@pytest.mark.parametrize("target", ["test", "lint", "docs"])
def test_tests_and_checks_add_their_tools(target: str, tmp_path: Path) -> None:
    """The rest of make needs the demo and the group `dev`."""
    commands = planned(target, tmp_path)
    assert commands.index("--editable '.[demo]'") < commands.index("--group dev")
