"""Reading the TOML file: finding it, and keeping secrets out of it."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.settings.layout import CONFIG_VARIABLE, Entry, entries, password_variable
from bot.settings.origins import Location, Origins, locations_in
from bot.settings.problems import Problem, SettingsWrong

DEFAULT_FILE = "veeam-bot.toml"


@dataclass(frozen=True)
class FileReading:
    """What the file says, if there is one: plain tables and lists, without the secrets it must not hold."""

    name: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_file(environ: Mapping[str, str], cwd: Path) -> FileReading:
    """Read the file that VEEAM_BOT_CONFIG names, or `veeam-bot.toml` where it exists.

    Raises `SettingsWrong` where the file is named and cannot be read: nothing more can be said then.
    """
    named = environ.get(CONFIG_VARIABLE, "").strip()
    path = anchored(cwd, named or DEFAULT_FILE)
    if not named and not path.exists():
        return FileReading()
    name = named or DEFAULT_FILE
    values = _parsed(path, name, f"environment variable {CONFIG_VARIABLE}" if named else str(path.parent))
    problems = tuple(_take_secrets(values, name))
    _anchor_ca_files(values, path.parent)
    return FileReading(name, values, problems)


def _parsed(path: Path, name: str, source: str) -> dict[str, Any]:
    try:
        # A file saved by a Windows editor may begin with a byte order mark.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsWrong([Problem(name, source, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise SettingsWrong([Problem(name, f"byte {error.start + 1}", "is not UTF-8 text")]) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        text, _, place = str(error).partition(" (at ")
        where = re.sub(r"\)$", "", place) or source
        raise SettingsWrong([Problem(name, where, f"is not valid TOML: {text}")]) from error


def _take_secrets(values: dict[str, Any], name: str) -> Iterator[Problem]:
    origins = Origins(name, locations_in(values))
    for entry in [entry for entry in entries() if entry.is_secret]:
        for location, table in tables(values, entry.table):
            if entry.key in table:
                del table[entry.key]
                at = (*location, entry.key)
                yield Problem(
                    ".".join((*entry.table, entry.key)),
                    origins.place(at),
                    f"is a secret and does not belong in the file: set {_variable_of(entry, table)}",
                )


def _variable_of(entry: Entry, table: dict[str, Any]) -> str:
    name = table.get("name")
    if entry.table == ("servers",) and isinstance(name, str):
        return password_variable(name)
    return str(entry.variable)


def tables(
    values: Any, path: tuple[str, ...], at: Location = ()
) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Every table under a path of keys, with its location; whatever has another shape is left out."""
    if isinstance(values, list):
        for index, value in enumerate(values):
            yield from tables(value, path, (*at, index))
    elif isinstance(values, dict) and path:
        yield from tables(values.get(path[0]), path[1:], (*at, path[0]))
    elif isinstance(values, dict):
        yield at, values


def anchored(folder: Path, path: str) -> Path:
    """A path as it is meant: `~` is somebody's home, and a relative one starts at the folder."""
    try:
        return folder / Path(path).expanduser()
    except RuntimeError:  # There is no such home: then it is a name that begins so.
        return folder / path


def _anchor_ca_files(values: dict[str, Any], folder: Path) -> None:
    for _, server in tables(values, ("servers",)):
        if isinstance(server.get("ca_file"), str):
            server["ca_file"] = str(anchored(folder, server["ca_file"]))
