"""What no single value can be blamed for: names that clash, names that lead nowhere, things left out.

Works on the merged data before it is typed, so that one wrong value hides none of these problems.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from bot.settings.environment import foreign_variables
from bot.settings.file import tables
from bot.settings.model import Settings
from bot.settings.origins import Location, Origins
from bot.settings.problems import Problem, nearest, quoted

_SECTIONS_WITH_SERVERS = ("grants", "routes", "expectations")
_GLOB_SIGNS = "*?["
_NOT_ACTED_ON = (("expectations",), ("digests",))


def cross_checks(values: Mapping[str, Any], origins: Origins) -> Iterator[Problem]:
    """Everything that is wrong between settings."""
    yield from _transport(values, origins)
    yield from _servers(values, origins)
    yield from _references(values, origins)
    yield from _ca_files(values, origins)


def cautions(settings: Settings, environ: Mapping[str, str], known: set[str]) -> Iterator[Problem]:
    """What is allowed, and yet most likely not meant."""
    for index, server in enumerate(settings.servers):
        if not server.verify_tls:
            origin = settings.origin("servers", index, "verify_tls")
            text = f"is off: whoever is between the bot and {server.name} can read its password"
            yield Problem(origin.setting, origin.source, text)
    if not settings.grants:
        yield Problem("grants", "not set", "are none: everybody is refused")
    if not settings.routes and settings.slack.default_channel is None:
        yield Problem(
            "slack.default_channel", "not set", "is none, and neither is a route: no completion is told"
        )
    for location in _NOT_ACTED_ON:
        value: object = reduce(getattr, location, settings)
        if value:
            origin = settings.origin(*location)
            yield Problem(".".join(location), origin.source, "is checked, but not acted on in this release")
    for name in foreign_variables(environ, known):
        yield Problem(name, f"environment variable {name}", "is not a variable of veeam-bot: it is ignored")


def _transport(values: Mapping[str, Any], origins: Origins) -> Iterator[Problem]:
    given = origins.variables
    if ("slack", "app_token") not in given and ("slack", "signing_secret") not in given:
        yield Problem(
            "SLACK_APP_TOKEN",
            "environment",
            "is not set; set it for Socket Mode, or SLACK_SIGNING_SECRET for HTTP mode",
        )
    if values.get("servers") == []:
        yield Problem("VEEAM_URL", "environment", "is not set, and no file names a server")


def _servers(values: Mapping[str, Any], origins: Origins) -> Iterator[Problem]:
    seen: dict[str, Location] = {}
    for at, name in _server_names(values):
        first = seen.setdefault(name.casefold(), at)
        if first != at:
            origin = origins.of((*at, "name"))
            text = f"{quoted(name)} is the name of another server too ({origins.of((*first, 'name')).source})"
            yield Problem("servers.name", origin.source, text)


def _server_names(values: Mapping[str, Any]) -> list[tuple[Location, str]]:
    servers = tables(values, ("servers",))
    return [(at, server["name"].strip()) for at, server in servers if isinstance(server.get("name"), str)]


def _references(values: Mapping[str, Any], origins: Origins) -> Iterator[Problem]:
    names = {name.casefold(): name for _, name in _server_names(values)}
    for section in _SECTIONS_WITH_SERVERS:
        for at, table in tables(values, (section,)):
            for index, wanted in _texts(table.get("servers")):
                if not set(_GLOB_SIGNS) & set(wanted) and wanted.strip().casefold() not in names:
                    origin = origins.of((*at, "servers", index))
                    meant = nearest(wanted, names.values())
                    hint = (
                        f"; did you mean {meant!r}?" if meant else f"; there is: {', '.join(names.values())}"
                    )
                    yield Problem(origin.setting, origin.source, f"{quoted(wanted)} is not a server{hint}")


def _texts(value: object) -> list[tuple[int, str]]:
    return (
        [(at, text) for at, text in enumerate(value) if isinstance(text, str)]
        if isinstance(value, list)
        else []
    )


def _ca_files(values: Mapping[str, Any], origins: Origins) -> Iterator[Problem]:
    for at, server in tables(values, ("servers",)):
        ca_file = server.get("ca_file")
        if isinstance(ca_file, str) and (reason := _why_unreadable(Path(ca_file))):
            origin = origins.of((*at, "ca_file"))
            yield Problem(origin.setting, origin.source, f"{ca_file} cannot be read: {reason}")


def _why_unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            begins = file.read(1 << 20)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "it is not a path"
    return None if b"-----BEGIN CERTIFICATE-----" in begins else "it holds no PEM certificate"
