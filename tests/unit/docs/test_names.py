"""What the pages name is there: files, classes, log events, make targets."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
OF_THE_CODE = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "docs" / "glossary.md",
    *(ROOT / "docs" / "explanation").glob("*.md"),
    *(ROOT / "docs" / "decisions").glob("*.md"),
]
FILE = re.compile(r"[\w./-]*\w\.(?:py|toml|yml|md|txt)|(?:bot|tests|docs)/[\w./-]*")
CLASS = re.compile(r"([A-Z][a-z]\w*)(?:\.(\w+))?")
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
EVENTS = ROOT / "docs" / "reference" / "log-events.md"
FROM = ("", "bot", "bot/operations", "docs")
"""Where a path on a page may begin."""
NOT_OURS = {"veeam-bot.toml", "VSphereBackup", "Backup", "VmRSS"}
"""Words of VBR and of Linux, and a file that people write."""


def quoted(path: Path) -> Iterator[str]:
    """What stands in a page's code spans."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(
        r"^ *```(?:toml|ini|yaml|json|mermaid|text|dockerfile).*?^ *```",
        "",
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    yield from re.findall(r"`([^`\n]+)`", text)


@lru_cache
def classes() -> dict[str, set[str]]:
    """What the bot's modules define at their top, each class with its members."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).update(members(node))
            elif isinstance(node, ast.Assign):
                found.update({each.id: set() for each in node.targets if isinstance(each, ast.Name)})
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = set()
    return found


def members(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield each.name
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """A file that was moved is named by its new path. What begins with a slash is on the reader's machine."""
    named = {text for text in quoted(page) if FILE.fullmatch(text) and not text.startswith("/")} - NOT_OURS
    assert {text for text in named if not any((ROOT / start / text).exists() for start in FROM)} == set()


@pytest.mark.parametrize("page", OF_THE_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_class_that_a_page_names_exists(page: Path) -> None:
    """A class that was renamed, or a method of one, is named as it is called now."""
    found = [CLASS.fullmatch(text) for text in quoted(page) if text not in NOT_OURS]
    named = [(match[1], match[2]) for match in found if match is not None]
    known = classes()
    assert [name for name, _ in named if name not in known] == []
    assert [f"{name}.{member}" for name, member in named if member and member not in known[name]] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_log_event_that_a_page_names_exists(page: Path) -> None:
    """A log event on any page has its row; `slack.command` and the like are settings."""
    rows = set(re.findall(r"^\| `([a-z_.]+)` \|", EVENTS.read_text(encoding="utf-8"), re.MULTILINE))
    rooms = {row.partition(".")[0] for row in rows} - {"slack"}
    named = {text for text in quoted(page) if EVENT.fullmatch(text) and text.partition(".")[0] in rooms}
    assert {text for text in named if not text.endswith((".py", ".md"))} - rows == set()


def test_every_target_of_make_that_a_page_names_exists() -> None:
    """`make check` and the others are in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        word for page in PAGES for word in re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert named - targets == set()
