"""Nothing is undocumented, and no link leads nowhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
from aiohttp import web

from bot import endpoints
from bot.cli import main
from bot.observability import Health, Metrics, SystemClock
from bot.operations import outcomes
from bot.operations.model import Origin
from bot.watch.facts import Announcement, kind_of

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")


def page(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")


def links(path: Path) -> Iterator[str]:
    """Where a page links to within the repository."""
    prose = FENCED.sub("", path.read_text(encoding="utf-8"))
    return (target for target in LINK.findall(prose) if "://" not in target)


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    prose = FENCED.sub("", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in HEADING.findall(prose)}


def events() -> Iterator[tuple[str, str]]:
    """Each event that the bot logs, with its level."""
    return ((name, level) for name, level, _ in log_calls())


def log_calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Each event that the bot logs, with its level and the call that logs it."""
    for path in (ROOT / "bot").rglob("*.py"):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (level := level_of(node.func)):
                constants = [each for argument in node.args for each in ast.walk(argument)]
                names = [each.value for each in constants if isinstance(each, ast.Constant)]
                yield from ((str(name), level, node) for name in names if EVENT.fullmatch(str(name)))


def level_of(function: ast.expr) -> str | None:
    match function:
        case ast.Attribute(value=ast.Name(id="log"), attr=level):
            return level
        case ast.Name(id="contained"):
            return "error"
        case _:
            return None


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name)), command


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(path: Path) -> None:
    """A relative link leads to a file in the repository, and to a heading in it where it names one."""
    broken = []
    for target in links(path):
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    """A reader who starts at the README finds every page."""
    found, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path not in found and path.suffix == ".md":
            found.add(path)
            ahead += [(path.parent / target.partition("#")[0]).resolve() for target in links(path)]
    assert set(PAGES) - found == set()


def test_every_picture_is_taken_by_a_test_and_shown() -> None:
    """A picture that no test takes goes stale, and one that no page shows is left over."""
    source = (ROOT / "tests" / "acceptance" / "test_browser.py").read_text(encoding="utf-8")
    taken = {
        argument.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"picture", "picture.keep", "animation.save"}
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    shown = {(path.parent / target).resolve() for path in PAGES for target in links(path)}
    kept = set((DOCS / "pictures").iterdir())
    assert {path.stem for path in kept} == taken
    assert kept - shown == set()


def test_every_log_event_is_documented_with_its_level() -> None:
    """Each event that the code logs has its row, and no row stands for an event that is gone."""
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (\w+) \|", page("log-events"), re.MULTILINE))
    assert rows == {name: level.replace("exception", "error") for name, level in events()}


def test_every_fact_of_a_log_event_is_documented() -> None:
    """An event's row lists the keywords that the code gives it, and no others."""
    facts = {
        name: set(re.findall(r"`([a-z_]+)`", listed))
        for name, listed in re.findall(r"^\| `([a-z_.]+)` \|.*\|([^|]*)\|$", page("log-events"), re.MULTILINE)
        if "as `" not in listed
    }
    wrong = []
    for name, _, call in log_calls():
        given = {keyword.arg for keyword in call.keywords if keyword.arg not in (None, "exc_info")}
        is_open = any(keyword.arg is None for keyword in call.keywords)
        if name in facts and not (given <= facts[name] if is_open else given == facts[name]):
            wrong.append((name, given ^ facts[name]))
    assert wrong == []


def test_every_metric_is_documented() -> None:
    """Each figure has its row, under the name that Prometheus shows, with its labels."""
    text = page("endpoints-and-metrics")
    for family in Metrics().registry.collect():
        if family.name.startswith("veeam_bot_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            assert f"| `{name}` | {family.type} |" in text


def test_every_endpoint_is_documented() -> None:
    """Each path that is served is on the page."""

    async def nothing(_request: web.Request) -> web.StreamResponse:
        return web.Response()

    app = endpoints.application(Health(SystemClock()), Metrics(), nothing)
    paths = {resource.canonical for resource in app.router.resources()}
    assert {path for path in paths if f"{path}`" not in page("endpoints-and-metrics")} == set()


def test_every_word_of_a_label_is_documented() -> None:
    """Outcomes, kinds of gestures and kinds of announcements stand where the metrics are."""
    words = {*outcomes._KINDS.values(), *Origin, *(kind_of(one) for one in get_args(Announcement))}
    assert {word for word in words if f"`{word}`" not in page("endpoints-and-metrics")} == set()


def test_every_command_and_option_of_the_command_line_is_documented() -> None:
    """Each command is on the page, with its options."""
    text = page("command-line")
    assert isinstance(main, click.Group)
    for name, command in commands(main):
        assert f"`veeam-bot {name}`" in text
        options = [option for parameter in command.params for option in parameter.opts]
        assert [option for option in options if f"`veeam-bot {name} {option}" not in text] == []
