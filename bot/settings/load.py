"""From an environment and a folder to settings that hold, or to everything that is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bot.settings.checks import cautions, cross_checks
from bot.settings.environment import read_environment
from bot.settings.explain import explained
from bot.settings.file import read_file
from bot.settings.model import Settings
from bot.settings.origins import Origins, locations_in
from bot.settings.problems import Problem, SettingsWrong


@dataclass(frozen=True)
class Loaded:
    """Settings that hold, and what about them is most likely not meant."""

    settings: Settings
    cautions: tuple[Problem, ...]


def load_settings(environ: Mapping[str, str], cwd: Path) -> Settings:
    """Read and check all settings; the environment wins over the file.

    Raises `SettingsWrong` with every problem found.
    """
    return load_with_cautions(environ, cwd).settings


def load_with_cautions(environ: Mapping[str, str], cwd: Path) -> Loaded:
    """The same, with what should be warned about beside it."""
    file = read_file(environ, cwd)
    reading = read_environment(environ, file.values, cwd)
    origins = Origins(file.name, locations_in(file.values), reading.origins)
    problems = [*file.problems, *reading.problems, *cross_checks(reading.values, origins)]
    try:
        settings = Settings(**reading.values)
    except ValidationError as error:
        problems += explained(error, origins, reading.expected)
        raise SettingsWrong(dict.fromkeys(problems)) from None  # The cause holds the values, secrets too.
    if problems:
        raise SettingsWrong(dict.fromkeys(problems))
    settings.remember(origins)
    return Loaded(settings, tuple(cautions(settings, environ, reading.known)))
