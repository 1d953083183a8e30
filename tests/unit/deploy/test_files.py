"""The files to deploy by hold: the bot reads the settings they give it, and they name what is there."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli import WRONG_SETTINGS
from bot.settings import load_settings
from tests.support.settings_files import SERVER

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
UNIT = ROOT / "deploy" / "veeam-bot.service"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
SECRETS = {
    "database-url": "postgresql://veeam_bot:made-up@db/veeam_bot",
    "slack-bot-token": "xoxb-1-made-up",
    "slack-app-token": "xapp-1-made-up",
    "veeam-password-hq": "made-up-password",
}


def unit_lines(key: str, *, also_proposed: bool = False) -> list[str]:
    """The values that the unit gives one key; also those it proposes in a comment."""
    mark = "#?" if also_proposed else ""
    return re.findall(rf"^{mark}{key}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def with_secrets(folder: Path, names: Mapping[str, str]) -> None:
    """Write made-up secrets under these names, as whoever hands them over puts them into a folder."""
    for name, secret in names.items():
        (folder / name).write_text(SECRETS[secret] + "\n", encoding="utf-8")


def test_the_bot_reads_what_compose_gives_it(tmp_path: Path) -> None:
    """Each variable is a setting's, each secret is mounted, and the settings stand where the image looks."""
    bot = COMPOSE["services"]["bot"]
    with_secrets(tmp_path, {name: Path(COMPOSE["secrets"][name]["file"]).name for name in bot["secrets"]})
    (settings,) = bot["volumes"]
    (named,) = re.findall(r"VEEAM_BOT_CONFIG=(\S+)", DOCKERFILE)
    assert named == settings["target"]
    (tmp_path / settings["source"]).write_text(SERVER, encoding="utf-8")
    environ = {
        name: value.replace("/run/secrets", str(tmp_path)) for name, value in bot["environment"].items()
    }
    read = load_settings(environ, tmp_path)
    assert read.database_url.get_secret_value() == SECRETS["database-url"]
    assert read.slack.socket_mode
    assert [server.password.get_secret_value() for server in read.servers] == [SECRETS["veeam-password-hq"]]


def test_the_docs_give_the_bot_the_database_that_compose_starts() -> None:
    """The address to write into the secret has the user and the name that PostgreSQL is made with."""
    database = COMPOSE["services"]["db"]["environment"]
    page = (ROOT / "docs" / "how-to" / "run-in-production.md").read_text(encoding="utf-8")
    address = f"postgresql://{database['POSTGRES_USER']}:%s@db/{database['POSTGRES_DB']}"
    assert address in page


@pytest.mark.parametrize("service", COMPOSE["services"].values(), ids=COMPOSE["services"])
def test_a_container_gets_no_rights_and_comes_back(service: dict[str, Any]) -> None:
    """Read-only, without capabilities, every secret that it uses declared; restarted, with a bounded log."""
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    used = {
        value.removeprefix("/run/secrets/")
        for name, value in service["environment"].items()
        if name.endswith("_FILE")
    }
    assert used == set(service["secrets"])
    assert used <= COMPOSE["secrets"].keys()


def test_no_secret_of_compose_is_committed_or_built_in() -> None:
    """The folder of secrets is ignored by Git, and so are the settings."""
    files = [entry["file"] for entry in COMPOSE["secrets"].values()]
    files += [mounted["source"] for mounted in COMPOSE["services"]["bot"]["volumes"]]
    command = ("git", "check-ignore", "--no-index", *files)
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert ignored.stdout.split() == files


def test_the_image_is_built_from_what_is_sent_to_the_builder() -> None:
    """Each file that is copied exists, and `.dockerignore` lets in those and no others."""
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert "*" in rules
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied)


def test_the_image_installs_by_hash_and_runs_without_rights() -> None:
    """Whatever pip fetches has a hash; the rest is built from the sources, and nothing runs as root."""
    installs = re.findall(r"pip (?:--python \S+ )?((?:install|wheel) [^&\n]+)", DOCKERFILE)
    assert installs
    assert [one for one in installs if "--require-hashes" not in one and "--no-deps" not in one] == []
    assert "--no-build-isolation" in next(one for one in installs if one.startswith("wheel"))
    (user,) = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert int(user) > 0
    assert DOCKERFILE.index("\nUSER ") > DOCKERFILE.rindex("\nRUN ")
    (entry,) = re.findall(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(entry) == ["veeam-bot"]


def test_the_bot_reads_what_systemd_gives_it(tmp_path: Path) -> None:
    """Each variable of the unit is a setting's, and each credential is loaded and used."""
    loaded = dict(line.split(":") for line in unit_lines("LoadCredential"))
    with_secrets(tmp_path, {name: Path(path).name for name, path in loaded.items()})
    environ = dict(line.replace("%d", str(tmp_path)).split("=", 1) for line in unit_lines("Environment"))
    settings = Path(environ["VEEAM_BOT_CONFIG"])
    environ["VEEAM_BOT_CONFIG"] = str(tmp_path / settings.name)
    (tmp_path / settings.name).write_text(SERVER, encoding="utf-8")
    read = load_settings(environ, tmp_path)
    assert read.slack.socket_mode
    assert [server.password.get_secret_value() for server in read.servers] == [SECRETS["veeam-password-hq"]]
    assert {f"%d/{name}" for name in loaded} == {
        value for line in unit_lines("Environment") for value in [line.split("=", 1)[1]] if "%d" in value
    }


def test_a_credential_is_called_like_its_file() -> None:
    """`%d` can be replaced by the folder: so the docs' `veeam-bot check` finds the same secrets."""
    for line in unit_lines("LoadCredential", also_proposed=True):
        name, path = line.split(":")
        assert path == f"/etc/veeam-bot/{name}"


def test_wrong_settings_do_not_start_again_and_again() -> None:
    """The exit code that systemd does not start again after is the command line's."""
    assert unit_lines("RestartPreventExitStatus") == [str(WRONG_SETTINGS)]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_rates_the_unit_as_safe() -> None:
    """An exposure of at most 2.0, of 10."""
    command = shlex.split("systemd-analyze security --offline=true --threshold=20 --no-pager")
    rated = subprocess.run([*command, str(UNIT)], capture_output=True, text=True, check=False)  # noqa: S603
    assert rated.returncode == 0, rated.stdout[-200:] + rated.stderr
    assert re.search(r"exposure level for veeam-bot.service: [01]\.\d", rated.stdout)


def test_python_of_the_image_is_one_the_project_supports() -> None:
    """The base image's Python is among those that `pyproject.toml` names."""
    (version,) = re.findall(r"^ARG PYTHON_IMAGE=python:([\d.]+)-slim$", DOCKERFILE, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]
