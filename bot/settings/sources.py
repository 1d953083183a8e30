"""Where settings are read from: one TOML file, and the environment, which wins.

Both are sources of pydantic-settings, which merges what they give and hands it to the models. Each also keeps
what pydantic-settings forgets: where a value came from, and what was wrong with the place it stood in.
"""

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from bot.settings.characters import control_problem, invisible_problem, trimmed
from bot.settings.layout import (
    CONFIG_VARIABLE,
    DEFAULT_SERVER,
    PASSWORD_VARIABLE,
    entries,
    keys_in_file,
    password_variable,
    section_at,
)
from bot.settings.model import Settings
from bot.settings.problems import (
    Location,
    SettingOrigin,
    SettingOrigins,
    SettingsProblem,
    SettingsWrong,
    locations_in,
    nearest_word,
)
from bot.settings.values import Role, ValidRole

DEFAULT_FILE = "veeam-bot.toml"
LARGEST_SECRET_BYTES = 64 * 2**10
_NAMES_OF_OTHERS = frozenset({"jobs"})
"""Lists whose entries are compared with VBR's own names letter by letter: nothing is taken off them."""
_READ_LOOSELY = frozenset({"fingerprint"})
"""Whatever stands between the digits of these is ignored."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_PREFIXES = ("VEEAM_", "SLACK_")
_ROLE: TypeAdapter[Role] = TypeAdapter(ValidRole)


class TomlFileSource(TomlConfigSettingsSource):
    """The file that VEEAM_BOT_CONFIG names, or `veeam-bot.toml` where it exists.

    Raises `SettingsWrong` where the file cannot be read: nothing more can be said then.

    pydantic-settings' own source would skip a file that is missing. Here a file that is named must exist; a
    byte order mark, as Windows editors write it, is no part of it; secrets in it are removed, and problems;
    relative paths in it start at its folder.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        named = trimmed(environ.get(CONFIG_VARIABLE, ""))
        path = anchored(folder, named or DEFAULT_FILE)
        is_there = bool(named) or path.exists()
        self.name = (named or DEFAULT_FILE) if is_there else None
        """As whoever set the bot up named it; None without a file."""
        self.problems: list[SettingsProblem] = []
        self._named_by = f"environment variable {CONFIG_VARIABLE}" if named else str(path.parent)
        super().__init__(Settings, path if is_there else None)

    def _read_files(self, files: Any, deep_merge: bool = False) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002
        # pydantic-settings reads only what is a plain file, and takes anything else for an empty one.
        return {} if files is None else self._read_file(files)

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        name = str(self.name)
        try:
            values = tomllib.loads(file_path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            problem = SettingsProblem(name, self._named_by, f"cannot be read: {error.strerror}")
            raise SettingsWrong([problem]) from error
        except UnicodeDecodeError as error:
            problem = SettingsProblem(name, f"byte {error.start + 1}", "is not UTF-8 text")
            raise SettingsWrong([problem]) from error
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            text, _, place = str(error).partition(" (at ")
            where = re.sub(r"\)$", "", place) or self._named_by
            if "\\" in text or "hex value" in text:
                text += "; in double quotes write a backslash twice, or put the value in single quotes"
            raise SettingsWrong([SettingsProblem(name, where, f"is not valid TOML: {text}")]) from error
        self._remove_secrets(values)
        origins = SettingOrigins(self.name, locations_in(values))
        self.problems += _unseen(values, (), origins)
        for _, server in tables(values, ("servers",)):
            if isinstance(server.get("ca_file"), str):
                server["ca_file"] = str(anchored(file_path.parent, server["ca_file"]))
        return values

    def _remove_secrets(self, values: dict[str, Any]) -> None:
        origins = SettingOrigins(self.name, locations_in(values))
        for entry in entries():
            for location, table in tables(values, entry.table):
                if not entry.is_secret or entry.key not in table:
                    continue
                del table[entry.key]
                name, variable = table.get("name"), entry.variable
                if entry.table == ("servers",) and isinstance(name, str):
                    variable = password_variable(name)
                text = f"is a secret and does not belong in the file: set {variable}"
                self.problems.append(origins.of((*location, entry.key)).problem(text))


def _unseen(part: Any, at: Location, origins: SettingOrigins) -> Iterator[SettingsProblem]:
    """Take what a paste left around them off all texts, in place; what is inside one is a problem."""
    steps = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for step, value in list(steps):
        location = (*at, step)
        if not isinstance(value, str):
            yield from _unseen(value, location, origins)
            continue
        if step in _READ_LOOSELY:
            continue
        # A key that is none of ours may hold a secret.
        section = section_at(at)
        is_ours = section is not None and step in keys_in_file(section)
        text = control_problem(value, in_toml=True, may_repeat=is_ours)
        if text is None and _NAMES_OF_OTHERS.isdisjoint(map(str, location)):
            part[step] = trimmed(value)
            text = invisible_problem(part[step])
        if text is not None:
            yield origins.of(location).problem(text)


class EnvironmentSource(EnvSettingsSource):
    """The variables that the models name; a secret also from the file that `<VARIABLE>_FILE` names.

    pydantic-settings' own source of variables reads `os.environ`, in any letter case, and takes any variable
    that is called like a key: `SERVERS` or `SLACK_COMMAND` would change settings. Here the environment is an
    argument, a setting has the one variable that its model names, and a blank variable counts as not set. Its
    source of secrets reads one folder that holds a file for each setting; here a variable names the file.

    pydantic-settings merges tables but not lists. The file's servers with their passwords, and the server
    that needs no file, are one list, so this source gives all servers.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path, file: TomlFileSource) -> None:
        self.origins: dict[Location, SettingOrigin] = {}
        """Where each value that was found came from."""
        self.variables: dict[Location, str] = {}
        """The variable that each value is read from, set or not."""
        self.problems: list[SettingsProblem] = []
        self.servers: Any = deepcopy(file.toml_data.get("servers", []))
        """The servers of the file with their passwords, and the one that needs no file."""
        self._environ = environ
        self._folder = folder
        self._is_slack_a_table = isinstance(file.toml_data.get("slack", {}), dict)
        self._known = {CONFIG_VARIABLE}
        super().__init__(Settings, env_nested_delimiter=".")
        self._add_passwords()
        self._add_default_server()
        self.problems += self._misspelt_variables()

    def __call__(self) -> dict[str, Any]:
        """Return what the environment gives, in the settings' own tables."""
        # Without `slack` one line would say that it is missing, not which variables are.
        values = {"slack": {}, **super().__call__(), "servers": self.servers}
        if not self._is_slack_a_table:
            del values["slack"]  # It would hide what is wrong in the file.
        return values

    @property
    def foreign_variables(self) -> list[str]:
        """The variables under the bot's prefixes that no setting reads."""
        return [
            name
            for name in sorted(self._environ)
            if name.startswith(_PREFIXES) and name not in self._known and self._environ[name].strip()
        ]

    def _load_env_vars(self) -> Mapping[str, str | None]:
        """Return the values under their settings' dotted names, which pydantic-settings then nests."""
        found: dict[str, str | None] = {}
        for entry in entries():
            if entry.variable and entry.table in {(), ("slack",)}:
                at = (*entry.table, entry.key)
                if (value := self._read_variable(at, entry.variable, is_secret=entry.is_secret)) is not None:
                    found[".".join(at)] = value
        return found

    def _read_variable(self, at: Location, variable: str, *, is_secret: bool) -> str | None:
        names = (variable, f"{variable}_FILE") if is_secret else (variable,)
        self._known.update(names)
        self.variables[at] = variable
        given = [name for name in names if trimmed(self._environ.get(name, ""))]
        if not given:
            return None
        name = given[0]
        self.origins[at] = origin = SettingOrigin(name, f"environment variable {name}")
        if len(given) > 1:
            self.problems.append(origin.problem(f"is set, and {given[1]} is too: keep one"))
        value: str | None = self._environ[name].strip("\r\n\ufeff")
        if name != variable:
            value = self._secret_in_file(origin, anchored(self._folder, trimmed(self._environ[name])))
        return None if value is None else self._seen(origin, value, at)

    def _seen(self, origin: SettingOrigin, value: str, at: Location) -> str:
        """The value as it is meant. A password's blanks are its own, so only what it can't mean is named."""
        if at[-1] in _READ_LOOSELY:
            return value
        is_password = at[-1] == "password"
        if not is_password:
            value = trimmed(value)
        text = control_problem(value)
        if text is None:
            text = invisible_problem(value, at_the_ends=is_password)
        if text is not None:
            self.problems.append(origin.problem(text))
        return value

    def _secret_in_file(self, origin: SettingOrigin, path: Path) -> str | None:
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_SECRET_BYTES + 1)
            secret = _decoded(content).strip("\ufeff").rstrip("\r\n")
        except OSError as error:
            self.problems.append(origin.problem(f"cannot be read: {error.strerror}"))
            return None
        except UnicodeDecodeError:
            self.problems.append(origin.problem("names a file that is not UTF-8 text"))
            return None
        if len(content) > LARGEST_SECRET_BYTES:
            self.problems.append(origin.problem("names a file that is too large to hold a secret"))
            return None
        if not trimmed(secret):
            self.problems.append(origin.problem("names a file that is empty"))
            return None
        return secret

    def _add_passwords(self) -> None:
        owners: dict[str, str] = {}
        for at, server in tables({"servers": self.servers}, ("servers",)):
            if not isinstance(server.get("name"), str):
                continue
            name = server["name"].strip()
            logins: list[tuple[Location, dict[str, Any], Role | None]] = [(at, server, None)]
            for within, account in tables(server, ("accounts",)):
                if (role := _role(account.get("role"))) is not None:
                    logins.append(((*at, *within), account, role))
            for place, login, role in logins:
                variable = password_variable(name, role)
                owner = owners.setdefault(variable, name.casefold())
                if owner != name.casefold():
                    text = f"would hold the passwords of two servers, {owner} and another: rename one"
                    self.problems.append(SettingsProblem(variable, "environment", text))
                if (
                    password := self._read_variable((*place, "password"), variable, is_secret=True)
                ) is not None:
                    login["password"] = password

    def _add_default_server(self) -> None:
        variables = {
            entry.key: PASSWORD_VARIABLE if entry.is_secret else str(entry.variable)
            for entry in entries()
            if entry.table == ("servers",) and entry.variable
        }
        names = {*variables.values(), f"{PASSWORD_VARIABLE}_FILE"}
        self._known |= names
        is_given = any(self._environ.get(name, "").strip() for name in names)
        if not is_given or not isinstance(self.servers, list):
            return
        at: Location = ("servers", len(self.servers))
        server: dict[str, str] = {"name": DEFAULT_SERVER}
        self.servers.append(server)
        self.origins[at] = SettingOrigin("VEEAM_URL", "environment")
        for key, variable in variables.items():
            value = self._read_variable((*at, key), variable, is_secret=variable == PASSWORD_VARIABLE)
            if value is not None:
                server[key] = str(anchored(self._folder, value)) if key == "ca_file" else value

    def _misspelt_variables(self) -> Iterator[SettingsProblem]:
        for name in self.foreign_variables:
            # The prefix is alike in all of them and would make everything look near.
            prefix = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
            ends = {known.removeprefix(prefix) for known in self._known if known.startswith(prefix)}
            meant = nearest_word(name.removeprefix(prefix), ends)
            hint = f"; did you mean {prefix}{meant}?" if meant else ""
            origin = SettingOrigin(name, f"environment variable {name}")
            if name.startswith(PASSWORD_VARIABLE):
                yield origin.problem(f"is the password of no server or account in the settings{hint}")
            elif meant:
                yield origin.problem(f"is not a variable of veeam-bot{hint}")


def _decoded(content: bytes) -> str:
    """A text file's content, by the byte-order mark it begins with; PowerShell writes UTF-16 with one."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.removeprefix(mark).decode(encoding)
    return content.decode("utf-8")


def _role(text: object) -> Role | None:
    try:
        return _ROLE.validate_python(text)
    except ValidationError:
        return None


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
