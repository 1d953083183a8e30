"""Settings as an administrator would write them, for tests that read settings."""

from collections.abc import Mapping
from pathlib import Path

from bot.settings import Settings, SettingsProblem, SettingsWrong, load_settings

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1-made-up", "SLACK_APP_TOKEN": "xapp-1-made-up"}
ENVIRONMENT = {
    **SLACK,
    "VEEAM_URL": "https://vbr01.example.com:9419",
    "VEEAM_USERNAME": "svc-slack",
    "VEEAM_PASSWORD": "made-up-password",
}
"""The least that will do, without a file."""

SERVER = """
[[servers]]
name = "hq"
url = "https://vbr01.example.com:9419"
username = "svc-slack"
"""
WITH_FILE = {**SLACK, "VEEAM_PASSWORD_HQ": "made-up-password"}
"""The least that will do beside `SERVER` in the file."""


def read(folder: Path, toml: str = "", environ: Mapping[str, str] = ENVIRONMENT) -> Settings:
    """The settings of a folder whose file says this; without a text there is no file."""
    if toml:
        (folder / "veeam-bot.toml").write_text(toml, encoding="utf-8")
    return load_settings(environ, folder)


def problems(
    folder: Path, toml: str = "", environ: Mapping[str, str] = ENVIRONMENT
) -> tuple[SettingsProblem, ...]:
    """What is wrong with such settings; none where they hold."""
    try:
        read(folder, toml, environ)
    except SettingsWrong as wrong:
        return wrong.problems
    return ()
