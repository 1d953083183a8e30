"""A deployment installs what the locks name, by their hashes, and that is what the tests ran with."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = ROOT / "requirements.lock"
BUILD = ROOT / "deploy" / "requirements-build.lock"
PICTURES = ROOT / "deploy" / "requirements-pictures.lock"
WANTED = {
    RUNTIME: PROJECT["project"]["dependencies"],
    BUILD: PROJECT["build-system"]["requires"],
    PICTURES: PROJECT["project"]["optional-dependencies"]["pictures"],
}
PIN = re.compile(
    r"^([\w.-]+)==([\w.]+)(?: ; ([^\\]+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def pins(text: str) -> Mapping[str, str]:
    """Each release that a lock or a file of constraints names, by its package."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def closure(wanted: Iterable[str]) -> set[str]:
    """The packages that are installed here for these requirements, and for what those require."""
    found, ahead = set[str](), [Requirement(text) for text in wanted]
    while ahead:
        one = ahead.pop()
        name = canonicalize_name(one.name)
        found.add(name)
        needed = [Requirement(text) for text in metadata.requires(name) or ()]
        ahead += [
            each
            for each in needed
            if canonicalize_name(each.name) not in found
            and any(
                each.marker is None or each.marker.evaluate({"extra": extra})
                for extra in (one.extras or {""})
            )
        ]
    return found


def test_the_lock_is_the_runtime_and_nothing_else() -> None:
    """Every package that the bot needs to run is locked, and none of the demo's or the tests'."""
    assert set(pins(RUNTIME.read_text(encoding="utf-8"))) == closure(WANTED[RUNTIME])


@pytest.mark.parametrize("lock", WANTED, ids=lambda path: path.name)
def test_a_lock_fits_the_project(lock: Path) -> None:
    """The releases locked are such as `pyproject.toml` asks for: otherwise run `make lock`."""
    locked = pins(lock.read_text(encoding="utf-8"))
    asked = [Requirement(text) for text in WANTED[lock]]
    assert [str(one) for one in asked if locked[canonicalize_name(one.name)] not in one.specifier] == []


@pytest.mark.parametrize("lock", WANTED, ids=lambda path: path.name)
def test_a_lock_agrees_with_the_constraints(lock: Path) -> None:
    """What is deployed is what was tested: otherwise run `make lock`."""
    locked = pins(lock.read_text(encoding="utf-8"))
    tested = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert {name: locked[name] for name in locked.keys() & tested.keys()} == {
        name: tested[name] for name in locked.keys() & tested.keys()
    }


def test_everything_that_runs_was_tested() -> None:
    """No package of a deployment is missing from the constraints."""
    tested = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert pins(RUNTIME.read_text(encoding="utf-8")).keys() - tested.keys() == set()


@pytest.mark.parametrize("lock", WANTED, ids=lambda path: path.name)
def test_a_lock_has_hashes_and_no_addresses(lock: Path) -> None:
    """Each release has its SHA-256s, and where it is fetched from is for the machine to say."""
    text = lock.read_text(encoding="utf-8")
    hashed = {canonicalize_name(match[1]) for match in PIN.finditer(text)}
    assert hashed == pins(text).keys()
    assert [line for line in text.splitlines() if "://" in line or line.startswith("-")] == []
