"""The command line: reads the settings, hands them to the part that was asked for, and says what is wrong.

Exit codes: 0 done, 1 failed, 2 wrong usage or wrong settings.
"""

import asyncio
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import yaml
from tabulate import tabulate

from bot import application
from bot.observability import Finding, Verdict, set_up_logging
from bot.settings import (
    Loaded,
    LogLevel,
    Settings,
    SettingsWrong,
    effective,
    json_schema,
    load_with_cautions,
)
from bot.slack import manifest as app_manifest
from bot.store import StoreError, upgrade

WRONG_SETTINGS = 2
_COLUMNS = 110
_NARROWEST = 40
_GAP = "  "


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="veeam-bot", prog_name="veeam-bot")
def main() -> None:
    """Veeam Backup & Replication, run from Slack.

    Settings come from the environment and from veeam-bot.toml in the current folder, or from the file that
    VEEAM_BOT_CONFIG names; the environment wins.
    """


@main.command()
def run() -> None:
    """Run the bot."""
    loaded = _loaded()
    for caution in loaded.cautions:
        click.echo(f"caution: {caution}", err=True)
    sys.exit(application.run(loaded.settings))


@main.command()
def check() -> None:
    """Prove a deployment before it goes live.

    Asks Slack, every VBR server and the database whether they are as the settings want them, and changes
    nothing. Prints a table; exit code 0 without a problem, else 1.
    """
    loaded = _loaded()
    settings = loaded.settings
    # The table says what went wrong; who wants to see how asks for the log.
    level = LogLevel.DEBUG if settings.log_level is LogLevel.DEBUG else "critical"
    set_up_logging(level, settings.log_format, settings.secrets())
    cautions = [
        Finding("settings", caution.setting, Verdict.WARNING, f"{caution.text} ({caution.source}).")
        for caution in loaded.cautions
    ]
    sys.exit(asyncio.run(_checked(settings, cautions)))


@main.command()
@click.option("--schema", is_flag=True, help="Print the settings' JSON Schema instead; it needs no settings.")
def config(*, schema: bool) -> None:
    """Print the settings in force, every secret masked.

    The output is YAML. What is allowed but most likely not meant is said on standard error.
    """
    if schema:
        click.echo(json.dumps(json_schema(), indent=2))
        return
    loaded = _loaded()
    for caution in loaded.cautions:
        click.echo(f"caution: {caution}", err=True)
    click.echo(_yaml(effective(loaded.settings)), nl=False)


@main.command()
@click.option(
    "--http",
    "address",
    metavar="URL",
    help="For HTTP mode: the bot's public address, https://…; default Socket Mode.",
)
def manifest(address: str | None) -> None:
    """Print the Slack app's manifest.

    Paste it at https://api.slack.com/apps, Create New App, From a manifest.
    """
    try:
        shown = app_manifest.manifest(request_url=address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--http") from None
    click.echo(app_manifest.render(shown), nl=False)


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port of the demonstration's page; 0: any free one.",
)
def demo(port: int) -> None:
    """Try the bot on this machine, against a simulated VBR and Slack.

    Needs no settings and reads none. Prints the address of its page, and how other VBR clients reach the
    simulated server; Ctrl-C ends it.
    """
    try:
        # Only the demonstration needs the sandbox and its libraries: the bot itself starts without them.
        from bot.sandbox.demo import run_demo  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("bot"):
            raise
        text = f"The demonstration needs {missing.name}: pip install 'veeam-bot[demo]'"
        raise click.ClickException(text) from missing
    sys.exit(asyncio.run(run_demo(port, click.echo)))


@main.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest schema; repeatable. `veeam-bot run` does it too."""
    settings = _settings()
    try:
        asyncio.run(upgrade(settings.database_url.get_secret_value()))
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The database has the newest schema.")


async def _checked(settings: Settings, cautions: Sequence[Finding]) -> int:
    """Print before the loop ends: a name that is still being resolved would hold up its end."""
    found = [*cautions, *await application.check(settings)]
    columns = shutil.get_terminal_size(fallback=(_COLUMNS, 24)).columns
    printable = f"{_table(found, columns)}\n\n{_summary(found)}"
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(printable.encode(encoding, "replace").decode(encoding))
    return int(any(finding.verdict is Verdict.PROBLEM for finding in found))


def _table(found: Sequence[Finding], columns: int) -> str:
    rows = [(finding.verdict.value, *map(_plain, (finding.part, finding.subject))) for finding in found]
    taken = sum(max((len(cell) for cell in column), default=0) for column in zip(*rows, strict=True))
    width = max(_NARROWEST, columns - taken - 3 * len(_GAP))
    texts = ["\n".join(_wrapped(finding, width)) for finding in found]
    shown = [(*row, text) for row, text in zip(rows, texts, strict=True)]
    return tabulate(
        shown, ("verdict", "part", "subject", "how it is, and what to do"), "simple", disable_numparse=True
    )


def _wrapped(finding: Finding, width: int) -> Iterator[str]:
    """Whole words only: a fingerprint is there to be copied."""
    for text in (finding.detail, finding.advice):
        yield from textwrap.wrap(_plain(text), width, break_long_words=False, break_on_hyphens=False)


def _plain(text: str) -> str:
    """One line that can do nothing to a terminal, whoever wrote it."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _summary(found: Sequence[Finding]) -> str:
    problems = [finding for finding in found if finding.verdict is Verdict.PROBLEM]
    warnings = sum(finding.verdict is Verdict.WARNING for finding in found)
    fine = len(found) - len(problems) - warnings
    counts = f"{_counted(len(problems), 'problem')}, {_counted(warnings, 'warning')}, {fine} ok"
    if not problems:
        return f"{counts}. Ready to go live."
    named = "; ".join(f"{_plain(finding.part)}: {_plain(finding.subject)}" for finding in problems)
    return f"{counts}. Not ready: {named}."


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _settings() -> Settings:
    return _loaded().settings


def _loaded() -> Loaded:
    try:
        return load_with_cautions(os.environ, Path.cwd())
    except SettingsWrong as wrong:
        for problem in wrong.problems:
            click.echo(str(problem), err=True)
        sys.exit(WRONG_SETTINGS)


def _yaml(shown: dict[str, Any]) -> str:
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=110)
