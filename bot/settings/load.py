"""From an environment and a folder to settings that hold, or to everything that is wrong with them.

What pydantic finds is said in the settings' own words. What no single value can be blamed for (names that
clash, names that lead nowhere, things left out) is looked for in the data before it is typed, so that one
wrong value hides none of it. No value that might be a secret is repeated.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.settings import layout
from bot.settings.characters import invisible_problem
from bot.settings.globs import is_glob
from bot.settings.model import Settings
from bot.settings.problems import (
    NOT_SET,
    Location,
    SettingOrigins,
    SettingsProblem,
    SettingsWrong,
    keys,
    locations_in,
    nearest_word,
    quoted,
)
from bot.settings.sources import EnvironmentSource, TomlFileSource, tables
from bot.settings.values import VBR_PORTS

_SECTIONS_WITH_SERVERS = ("grants", "routes", "expectations")
_TEXTS: Final[Mapping[str, str]] = {
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be a path, in quotes",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}


def load_settings(environ: Mapping[str, str], folder: Path) -> Settings:
    """Read and check all settings; the environment wins over the file.

    Raises `SettingsWrong` with every problem found.
    """
    file = TomlFileSource(environ, folder)
    environment = EnvironmentSource(environ, folder, file)
    origins = SettingOrigins(file.name, locations_in(file.toml_data), environment.origins)
    problems = [*file.problems, *environment.problems]
    # Where characters make a value another one, all else that is wrong with it follows from that.
    named = {(problem.setting, problem.source) for problem in problems}
    between = cross_checks({**file.toml_data, "servers": environment.servers}, origins)
    problems += (each for each in between if (each.setting, each.source) not in named)
    try:
        settings = Settings(environment, file)
    except ValidationError as error:
        found = explained(error, origins, environment.variables)
        problems += (each for each in found if (each.setting, each.source) not in named)
        raise SettingsWrong(dict.fromkeys(problems)) from None  # The cause holds the values, secrets too.
    if problems:
        raise SettingsWrong(dict.fromkeys(problems))
    settings.remember(origins, cautions(settings, origins, environment.foreign_variables))
    return settings


def explained(
    error: ValidationError, origins: SettingOrigins, variables: Mapping[Location, str]
) -> Iterator[SettingsProblem]:
    """One problem for each of pydantic's errors; `variables` names those that values are read from."""
    for detail in error.errors(include_url=False, include_input=True):
        at: Location = detail["loc"]
        if detail["type"] == "missing":
            if at in origins.variables:
                continue  # A variable was there and could not be used: that is a problem of its own.
            if (variable := variables.get(at)) is not None:
                yield SettingsProblem(variable, "environment", "is not set")
            # The variable of a password is made of a name that is missing or wrong itself.
            elif at[-1] != "password":
                yield SettingsProblem(keys(at), origins.place(at[:-1]), "is missing")
        elif detail["type"] != "too_short" or not detail["input"]:
            # A list whose entries were wrong is too short as well; each of them has a problem of its own.
            yield origins.of(at).problem(_text_of(detail, at))


def _text_of(detail: ErrorDetails, at: Location) -> str:
    match detail["type"]:
        case "extra_forbidden":
            section = layout.section_at(at[:-1])
            known = layout.keys_in_file(section) if section else []
            meant = nearest_word(str(at[-1]), known)
            hint = f"did you mean {meant}?" if meant else f"there is: {', '.join(known)}"
            return f"{quoted(str(at[-1]))} is not a setting; {hint}"
        case "tuple_type" if layout.section_at(at) is not None and isinstance(detail["input"], dict):
            return f"must be written with two brackets: [[{keys(at)}]]"
        case "tuple_type":
            return 'must be a list, such as ["a", "b"]'
        case "model_type" | "model_attributes_type" | "dict_type":
            heading = f"[[{keys(at)}]]" if isinstance(at[-1], int) else f"[{keys(at)}]"
            return f"must be a table: {heading}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case kind:
            text = _TEXTS.get(kind)
            return text.format_map(detail.get("ctx", {})) if text else detail["msg"]


def cross_checks(values: Mapping[str, Any], origins: SettingOrigins) -> Iterator[SettingsProblem]:
    """Everything that is wrong between settings."""
    given = origins.variables
    if ("slack", "app_token") not in given and ("slack", "signing_secret") not in given:
        text = "is not set; set it for Socket Mode, or SLACK_SIGNING_SECRET for HTTP mode"
        yield SettingsProblem("SLACK_APP_TOKEN", "environment", text)
    if values["servers"] == []:
        yield SettingsProblem("VEEAM_URL", "environment", "is not set, and no file names a server")
    servers = list(tables(values, ("servers",)))
    names = [(at, table["name"].strip()) for at, table in servers if isinstance(table.get("name"), str)]
    yield from _doubled_names(names, origins)
    yield from _unknown_servers(values, {name.casefold(): name for _, name in names}, origins)
    for at, server in servers:
        ca_file = server.get("ca_file")
        if isinstance(ca_file, str) and (reason := _why_unreadable(Path(ca_file))):
            yield origins.of((*at, "ca_file")).problem(f"{ca_file} cannot be read: {reason}")


def _doubled_names(
    names: Iterable[tuple[Location, str]], origins: SettingOrigins
) -> Iterator[SettingsProblem]:
    places: dict[str, Location] = {}
    for at, name in names:
        first = places.setdefault(name.casefold(), at)
        if first != at:
            other, source = (origins.of((*place, "name")).source for place in (first, at))
            text = f"{quoted(name)} is the name of another server too ({other})"
            yield SettingsProblem("servers.name", source, text)


def _unknown_servers(
    values: Mapping[str, Any], names: Mapping[str, str], origins: SettingOrigins
) -> Iterator[SettingsProblem]:
    for section in _SECTIONS_WITH_SERVERS:
        for at, table in tables(values, (section,)):
            servers = table.get("servers")
            for index, name in enumerate(servers if isinstance(servers, list) else []):
                if not isinstance(name, str) or is_glob(name) or name.strip().casefold() in names:
                    continue
                meant = nearest_word(name, names.values())
                hint = f"did you mean {meant!r}?" if meant else f"there is: {', '.join(names.values())}"
                origin = origins.of((*at, "servers", index))
                yield origin.problem(f"{quoted(name)} is not a server; {hint}")


def _why_unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            beginning = file.read(1 << 20)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "it is not a path"
    return None if b"-----BEGIN CERTIFICATE-----" in beginning else "it holds no PEM certificate"


def _unseen_in_globs(settings: Settings, origins: SettingOrigins) -> Iterator[SettingsProblem]:
    for section in _SECTIONS_WITH_SERVERS:
        for at, entry in enumerate(getattr(settings, section)):
            for index, glob in enumerate(entry.jobs):
                if text := invisible_problem(glob, at_the_ends=True):
                    yield origins.of((section, at, "jobs", index)).problem(
                        f"{text}, unless VBR's name has it"
                    )


def cautions(
    settings: Settings, origins: SettingOrigins, foreign_variables: Iterable[str]
) -> Iterator[SettingsProblem]:
    """What is allowed, and yet most likely not meant."""
    for index, server in enumerate(settings.servers):
        if not server.verify_tls:
            text = f"is off: anyone between the bot and {server.name} can read its password"
            yield origins.of(("servers", index, "verify_tls")).problem(text)
        if urlsplit(server.url).port is None:
            port = 443 if server.url.startswith("https") else 80
            yield origins.of(("servers", index, "url")).problem(
                f"names no port, so {port} is asked: {VBR_PORTS}"
            )
    yield from _unseen_in_globs(settings, origins)
    for index, digest in enumerate(settings.digests):
        if digest.picture and find_spec("PIL") is None:
            text = "needs `pip install 'veeam-bot[pictures]'`: without it the digest has squares"
            yield origins.of(("digests", index, "picture")).problem(text)
    if not settings.grants:
        yield SettingsProblem("grants", NOT_SET, "are missing: everyone is refused")
    if not settings.routes and settings.slack.default_channel is None:
        text = "is not set, and there is no route: no run is announced"
        yield SettingsProblem("slack.default_channel", NOT_SET, text)
    for name in foreign_variables:
        text = "is not a variable of veeam-bot: it is ignored"
        yield SettingsProblem(name, f"environment variable {name}", text)
