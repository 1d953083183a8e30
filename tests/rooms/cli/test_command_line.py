"""The command line as a person meets it: another process, its output, its exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.slack.manifest import manifest, render
from tests.support import forked
from tests.support.settings_files import ENVIRONMENT, SERVER, WITH_FILE

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `veeam-bot` in an empty folder with nothing but these variables."""

    def run(*arguments: str, environ: Mapping[str, str] = ENVIRONMENT) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environ}
        return forked.run(*arguments, environ=variables, folder=tmp_path)

    return run


def test_the_version_is_the_distributions(tmp_path: Path) -> None:
    """`--version` needs no settings, and `python -m bot` is `veeam-bot`."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "--version"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "veeam-bot, version 0.1.0\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["config", "-h"],
        ["manifest", "-h"],
        ["demo", "-h"],
        ["db", "upgrade", "-h"],
        ["audit", "verify", "-h"],
        ["audit", "export", "-h"],
        ["routes", "replay", "-h"],
    ],
)
def test_every_command_explains_itself(run: Run, arguments: list[str]) -> None:
    """Help needs no settings and says what a command does."""
    done = run(*arguments, environ={})
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")
    assert len(done.stdout.splitlines()) > 4


def test_config_shows_what_is_in_force(run: Run, tmp_path: Path) -> None:
    """The effective settings are YAML, follow the schema, and show no secret."""
    (tmp_path / "veeam-bot.toml").write_text(SERVER + '[[routes]]\nchannel = "C0A"\n', encoding="utf-8")
    secrets = {**WITH_FILE, "DATABASE_URL": "postgresql://bot:made-up-db-password@db:5432/bot"}
    done = run("config", environ={**secrets, "PORT": "8080"})
    assert done.returncode == 0
    shown = yaml.safe_load(done.stdout)
    assert (shown["port"], shown["servers"][0]["name"]) == (8080, "hq")
    assert shown["database_url"] == "postgresql://bot:**********@db:5432/bot"
    assert not [secret for secret in (*secrets.values(), "made-up-db-password") if secret in done.stdout]
    jsonschema.validate(shown, json.loads(run("config", "--schema", environ={}).stdout))


def test_config_warns_of_what_is_most_likely_not_meant(run: Run) -> None:
    """Cautions go to standard error, so that the output stays YAML."""
    done = run("config")
    assert "caution: grants: are missing: everyone is refused (not set)" in done.stderr.splitlines()
    assert yaml.safe_load(done.stdout)["grants"] == []


def test_the_schema_is_valid_and_needs_no_settings(run: Run) -> None:
    """An editor can check a file with the schema: it demands nothing that only the environment gives."""
    schema = json.loads(run("config", "--schema", environ={}).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"slack": {"default_channel": "C0A"}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"slak": {}}, schema)


@pytest.mark.parametrize("command", [["config"], ["db", "upgrade"]])
def test_wrong_settings_are_one_line_each(run: Run, command: list[str]) -> None:
    """Exit 2, one line a problem with setting, text and source; nothing on standard output, no traceback."""
    done = run(*command, environ={**ENVIRONMENT, "PORT": "many", "SLACK_BOT_TOKEN": ""})
    assert (done.returncode, done.stdout) == (2, "")
    assert sorted(done.stderr.splitlines()) == [
        "PORT: must be a whole number (environment variable PORT)",
        "SLACK_BOT_TOKEN: is not set (environment)",
    ]


def test_the_manifest_needs_no_settings(run: Run) -> None:
    """The manifest is what makes the app whose tokens the settings want."""
    assert run("manifest", environ={}).stdout == render(manifest())
    http = run("manifest", "--http", "https://bot.example.com", environ={})
    assert http.stdout == render(manifest(request_url="https://bot.example.com"))
    assert run("manifest", "--pictures", environ={}).stdout == render(manifest(pictures=True))


def test_an_address_that_slack_cannot_call_is_refused(run: Run) -> None:
    """The wrong option is named; exit 2."""
    done = run("manifest", "--http", "http://bot.example.com", environ={})
    assert done.returncode == 2
    assert "Invalid value for --http: must be a URL that starts with https://" in done.stderr


def test_db_upgrade_may_be_repeated(run: Run, tmp_path: Path) -> None:
    """The database is made where there is none, and left alone where it is new enough."""
    environ = {**ENVIRONMENT, "DATABASE_URL": "sqlite:///bot.db"}
    for _ in range(2):
        done = run("db", "upgrade", environ=environ)
        assert (done.returncode, done.stdout) == (0, "The database has the newest schema.\n")
    assert (tmp_path / "bot.db").exists()


def test_a_database_that_cannot_be_reached_is_a_failure_without_traceback(run: Run) -> None:
    """Exit 1 and one line, without the password in the address."""
    done = run(
        "db", "upgrade", environ={**ENVIRONMENT, "DATABASE_URL": "postgres://u:made-up-pw@127.0.0.1:1/x"}
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert "made-up-pw" not in done.stderr


def test_a_demonstration_without_its_libraries_says_how_to_get_them() -> None:
    """The sandbox's libraries are an extra; without them one line names it."""
    program = (
        "import sys; sys.modules['jinja2'] = None; from bot.cli import main; main(['demo', '--port', '0'])"
    )
    done = subprocess.run(  # noqa: S603 -- our own command line, where one library is hidden
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: The demonstration needs jinja2: pip install 'veeam-bot[demo]'\n"


def test_the_bot_starts_without_the_sandbox() -> None:
    """What only the demonstration needs is not even loaded: it would cost time and memory."""
    program = (
        "import sys, bot.cli; print([name for name in ('bot.sandbox', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 -- our own code, in a process of its own
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"


def test_what_is_loaded_is_kept_from_the_garbage_collector() -> None:
    """It collects none while the code is loaded, and what the code makes later from then on."""
    program = (
        "import atexit, gc, sys; sys.argv[1:] = ['--version']\n"
        "atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 100_000))\n"
        "from bot.__main__ import main; main()"
    )
    done = subprocess.run(  # noqa: S603 -- our own code, in a process of its own
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines()[-1] == "True True"
