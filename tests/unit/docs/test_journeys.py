"""The architecture page's journeys are those of the code: each function exists, called by one before it."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
STARTS_ANEW = {"Delivery.run"}
"""What no function of the journey calls: a loop of its own."""
HOP = re.compile(r"`([\w.]+)`\s+\(`([\w/]+\.py)`\)")

Named = tuple[str, str]


def journeys() -> dict[str, list[list[Named]]]:
    """Each journey's hops, each with the functions it names and their files."""
    part = PAGE.split("\n## Four journeys through the code\n")[1].split("\n## ")[0]
    sections = re.split(r"^### ", part, flags=re.MULTILINE)[1:]
    return {
        section.splitlines()[0]: [
            HOP.findall(item) for item in re.split(r"^\d+\. ", section, flags=re.MULTILINE)[1:]
        ]
        for section in sections
    }


JOURNEYS = journeys()
FUNCTIONS = sorted({named for hops in JOURNEYS.values() for hop in hops for named in hop})


@lru_cache
def definitions(path: str) -> dict[str, list[ast.AST]]:
    """What a module defines, by name: functions (a method as `Class.method` too) and values."""
    tree = ast.parse((ROOT / "bot" / path).read_text(encoding="utf-8"))
    found: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                    found.setdefault(f"{node.name}.{each.name}", []).append(each)
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(node)
    return found


def names_used(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Name):
            yield each.id


@lru_cache
def reached(function: str, path: str) -> frozenset[str]:
    """Every name that a function uses, itself or by what its own module defines."""
    known, used, ahead = definitions(path), set[str](), [function]
    visited = set[str]()
    while ahead:
        name = ahead.pop()
        if name not in visited:
            visited.add(name)
            names = {used for node in known.get(name, []) for used in names_used(node)}
            used |= names
            ahead += names
    return frozenset(used)


@pytest.mark.parametrize(("function", "path"), FUNCTIONS)
def test_each_function_exists(function: str, path: str) -> None:
    """A function that was renamed or moved is renamed on the page, too."""
    assert (ROOT / "bot" / path).is_file()
    assert function in definitions(path)


@pytest.mark.parametrize("name", JOURNEYS)
def test_each_function_is_called_by_one_before_it(name: str) -> None:
    """The order on the page is the order of the calls, as far as names can say."""
    before: list[Named] = []
    stray = []
    for function, path in (named for hop in JOURNEYS[name] for named in hop):
        last = function.rsplit(".", 1)[-1]
        if before and function not in STARTS_ANEW and not any(last in reached(*each) for each in before):
            stray.append(function)
        before.append((function, path))
    assert stray == []


def test_a_journey_can_be_followed_in_one_sitting() -> None:
    """Four journeys, each of at most twenty hops, and no hop without a function."""
    assert len(JOURNEYS) == 4
    assert {name: len(hops) for name, hops in JOURNEYS.items() if len(hops) > 20} == {}
    assert [name for name, hops in JOURNEYS.items() if not all(hops)] == []
