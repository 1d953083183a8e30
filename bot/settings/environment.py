"""Reading the environment: the variables, the files that hold secrets, and what looks like a typo."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.settings.file import anchored, tables
from bot.settings.kinds import AsRole
from bot.settings.layout import (
    CONFIG_VARIABLE,
    DEFAULT_SERVER,
    PASSWORD_VARIABLE,
    entries,
    password_variable,
    server_variables,
)
from bot.settings.origins import Location, Origin
from bot.settings.problems import Problem, nearest
from bot.settings.words import Role

_ROLE: TypeAdapter[Role] = TypeAdapter(AsRole)
_PREFIXES = ("VEEAM_", "SLACK_")


@dataclass
class EnvironmentReading:
    """The file's values with the environment's laid over them, and where these came from."""

    values: dict[str, Any]
    origins: dict[Location, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    expected: dict[Location, str] = field(default_factory=dict)
    """The variable that each location is read from, given or not."""
    known: set[str] = field(default_factory=lambda: {CONFIG_VARIABLE})


def read_environment(
    environ: Mapping[str, str], file_values: Mapping[str, Any], cwd: Path
) -> EnvironmentReading:
    """Lay the environment over what the file says; a variable that is empty or blank counts as not set."""
    reading = EnvironmentReading(deepcopy(dict(file_values)))
    for key in ("slack", "servers"):
        reading.values.setdefault(key, {} if key == "slack" else [])
    for location, variable, is_secret in _variables(reading.values):
        _claim(reading, location, variable)
        names = (variable, f"{variable}_FILE") if is_secret else (variable,)
        reading.known.update(names)
        _take(reading, location, environ, cwd, names)
    _take_default_server(reading, environ, cwd)
    reading.problems += _unknown(environ, reading)
    return reading


def foreign_variables(environ: Mapping[str, str], known: set[str]) -> Iterator[str]:
    """Variables under the bot's prefixes that no setting reads."""
    for name in sorted(environ):
        if name.startswith(_PREFIXES) and name not in known and environ[name].strip():
            yield name


def _variables(values: dict[str, Any]) -> Iterator[tuple[Location, str, bool]]:
    for entry in entries():
        if entry.variable and entry.table in {(), ("slack",)}:
            yield (*entry.table, entry.key), entry.variable, entry.is_secret
    for at, server in tables(values, ("servers",)):
        if isinstance(name := server.get("name"), str):
            yield (*at, "password"), password_variable(name.strip()), True
            for within, account in tables(server, ("accounts",)):
                if (role := _role(account.get("role"))) is not None:
                    yield (*at, *within, "password"), password_variable(name.strip(), role), True


def _role(text: object) -> Role | None:
    try:
        return _ROLE.validate_python(text)
    except ValidationError:
        return None


def _claim(reading: EnvironmentReading, location: Location, variable: str) -> None:
    other = next((at for at, claimed in reading.expected.items() if claimed == variable), None)
    if other is not None and _server_at(reading, other) != _server_at(reading, location):
        text = (
            f"would hold the passwords of two servers, {_server_at(reading, other)} and another: rename one"
        )
        reading.problems.append(Problem(variable, "environment", text))
    reading.expected[location] = variable


def _server_at(reading: EnvironmentReading, location: Location) -> str:
    name: str = reading.values["servers"][location[1]]["name"]
    return name.strip().casefold()


def _take(
    reading: EnvironmentReading,
    location: Location,
    environ: Mapping[str, str],
    cwd: Path,
    names: tuple[str, ...],
) -> None:
    present = [name for name in names if environ.get(name, "").strip()]
    if not present:
        return
    name = present[0]
    origin = Origin(name, f"environment variable {name}")
    reading.origins[location] = origin
    value: str | None = environ[name]
    if len(present) > 1:
        reading.problems.append(Problem(name, origin.source, f"is set, and {present[1]} is too: keep one"))
    elif name == f"{names[0]}_FILE":
        value = _secret_in_file(reading, origin, anchored(cwd, environ[name]))
    if value is not None:
        _put(reading.values, location, value)


def _secret_in_file(reading: EnvironmentReading, origin: Origin, path: Path) -> str | None:
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        reading.problems.append(Problem(origin.setting, origin.source, f"cannot be read: {error.strerror}"))
        return None
    except UnicodeDecodeError:
        reading.problems.append(Problem(origin.setting, origin.source, "names a file that is not UTF-8 text"))
        return None
    if not secret.strip():
        reading.problems.append(Problem(origin.setting, origin.source, "names a file that is empty"))
        return None
    return secret


def _put(values: dict[str, Any], location: Location, value: str) -> None:
    table: Any = values
    for step in location[:-1]:
        table = table[step] if not isinstance(table, dict) else table.setdefault(step, {})
    if isinstance(table, dict):
        table[location[-1]] = value


def _take_default_server(reading: EnvironmentReading, environ: Mapping[str, str], cwd: Path) -> None:
    servers = reading.values["servers"]
    variables = server_variables()
    names = {
        key: PASSWORD_VARIABLE if key == "password" else str(entry.variable)
        for key, entry in variables.items()
    }
    secret_file = f"{PASSWORD_VARIABLE}_FILE"
    reading.known.update({*names.values(), secret_file})
    if not isinstance(servers, list) or not any(
        environ.get(name, "").strip() for name in (*names.values(), secret_file)
    ):
        return
    at: Location = ("servers", len(servers))
    servers.append({"name": DEFAULT_SERVER})
    reading.origins[at] = Origin("VEEAM_URL", "environment")
    for key, name in names.items():
        reading.expected[(*at, key)] = name
        _take(reading, (*at, key), environ, cwd, (name, secret_file) if variables[key].is_secret else (name,))
    server = servers[-1]
    if "ca_file" in server:
        server["ca_file"] = str(anchored(cwd, server["ca_file"]))


def _unknown(environ: Mapping[str, str], reading: EnvironmentReading) -> Iterator[Problem]:
    for name in foreign_variables(environ, reading.known):
        meant = _meant(name, reading.known)
        if name.startswith(PASSWORD_VARIABLE):
            text = "is the password of no server or account in the settings"
        elif meant:
            text = "is not a variable of veeam-bot"
        else:
            continue
        hint = f"; did you mean {meant}?" if meant else ""
        yield Problem(name, f"environment variable {name}", text + hint)


def _meant(name: str, known: set[str]) -> str | None:
    # The prefix is alike in all of them and would make everything look near.
    prefix = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
    ends = {other.removeprefix(prefix) for other in known if other.startswith(prefix)}
    end = nearest(name.removeprefix(prefix), ends)
    return f"{prefix}{end}" if end else None
