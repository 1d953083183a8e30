"""The command line: reads the settings, hands them to the part that the command needs, says what is wrong.

Exit codes: 0 done, 1 failed, 2 wrong usage or wrong settings.
"""

import asyncio
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from bot import app, store
from bot.observability import CheckResult, CheckStatus, Metrics, SystemClock, set_up_logging
from bot.operations.commands import span_of
from bot.settings import LogLevel, Settings, SettingsWrong, json_schema, load_settings
from bot.slack import manifest as app_manifest

T = TypeVar("T")

WRONG_SETTINGS = 2
_COLUMNS = 110
_NARROWEST = 40
_GAP = "  "
_MISFITS_SHOWN = 20


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
    sys.exit(app.run(_settings_with_cautions()))


@main.command()
def check() -> None:
    """Prove a deployment before it goes live.

    Asks Slack, every VBR server and the database whether they are as the settings want them, and changes
    nothing. Prints a table; exit code 0 without a problem, else 1.
    """
    settings = _settings()
    # The table says what went wrong; who wants to see how asks for the log.
    level = LogLevel.DEBUG if settings.log_level is LogLevel.DEBUG else "critical"
    set_up_logging(level, settings.log_format, settings.secrets())
    sys.exit(asyncio.run(_print_checks(settings)))


@main.command()
@click.option("--schema", is_flag=True, help="Print the settings' JSON Schema instead; it needs no settings.")
def config(*, schema: bool) -> None:
    """Print the settings in force, every secret masked.

    The output is YAML. What is allowed but most likely not meant is said on standard error.
    """
    if schema:
        click.echo(json.dumps(json_schema(), indent=2))
        return
    # What a command alone needs is loaded by that command: a bot that runs for months does not carry it.
    import yaml  # noqa: PLC0415

    shown = _settings_with_cautions().masked()
    click.echo(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=110), nl=False)


@main.command()
@click.option(
    "--http",
    "address",
    metavar="URL",
    help="For HTTP mode: the bot's public address, https://…; default Socket Mode.",
)
@click.option("--pictures", is_flag=True, help="With the scope for pictures in digests, files:write.")
def manifest(address: str | None, *, pictures: bool) -> None:
    """Print the Slack app's manifest.

    Paste it at https://api.slack.com/apps, Create New App, From a manifest.
    """
    try:
        shown = app_manifest.manifest(request_url=address, pictures=pictures)
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
        asyncio.run(store.upgrade(settings.database_url.get_secret_value()))
    except store.StoreError as error:
        raise click.ClickException(str(error)) from error
    click.echo("The database has the newest schema.")


@main.group()
def routes() -> None:
    """Try routes before they are live."""


@routes.command("replay")
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=7,
    show_default=True,
    help="How far back to read.",
)
@click.option(
    "--format",
    "as_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people, or all of it for programs.",
)
def routes_replay(days: int, as_: str) -> None:
    """Show which channel would have got what in the last days.

    Reads the sessions of every server, applies the routes of the settings as they stand and the database's
    subscriptions, and counts the messages of each channel and day. Nothing is posted, and nothing changed
    anywhere. To try other routes, name another file in VEEAM_BOT_CONFIG. Exit code 0, or 1 where a server
    could not be read.
    """
    # What a command alone needs is loaded by that command: a bot that runs for months does not carry it.
    from bot import replay  # noqa: PLC0415

    settings = _settings_with_cautions()
    set_up_logging("critical", settings.log_format, settings.secrets())
    result = asyncio.run(replay.replay(settings, days, lambda line: click.echo(line, err=True)))
    click.echo(replay.as_json(result) if as_ == "json" else replay.as_text(result, _plain))
    sys.exit(int(not result.is_whole))


class _Span(click.ParamType[timedelta]):
    """A time span as the slash command reads one."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the time span; fails for what is none."""
        found = value if isinstance(value, timedelta) else span_of(str(value))
        if found is None:
            self.fail(f"{value!r} isn't a length of time: 24h, 30d, 8w, up to a year.", param, ctx)
        return found


@main.group()
def audit() -> None:
    """Check the audit record, or hand it out."""


@audit.command("verify")
@click.option("--head", metavar="HASH", help="A head that was printed before: is it still in the chain?")
@click.option(
    "--slack",
    "with_slack",
    is_flag=True,
    help="Compare the record with the hashes posted in the audit channel, too.",
)
def audit_verify(head: str | None, *, with_slack: bool) -> None:
    """Check that no row of the audit record was changed, removed or slipped in.

    Prints how many rows there are and the head, the hash of the latest row. Keep it elsewhere: with --head it
    shows later whether the end of the record was cut off or the whole chain made anew. --slack reads the row
    numbers and hashes that the bot's messages in the audit channel bear, and compares each with its row. Exit
    code 0 when all is well, else 1.
    """
    found = _on_record(lambda log: log.check(head.strip().lower() if head else None))
    if found.broken_at is not None:
        click.echo(f"The chain breaks at row {found.broken_at}: it was changed, or rows before it were.")
        click.echo(f"Whole up to there: {_counted(found.rows, 'row')}.")
        sys.exit(1)
    click.echo(f"The chain is whole: {_counted(found.rows, 'row')}.")
    click.echo(f"Head: {found.head}")
    if found.has_known_head is False:
        click.echo("The head you kept is not in it: rows were cut off, or the chain was rebuilt.")
        sys.exit(1)
    if with_slack:
        _compare_with_channel(_settings())


def _compare_with_channel(settings: Settings) -> None:
    """Compare the record with the audit channel, say what does not fit, and leave with 1 if anything."""
    marks = asyncio.run(_marks_in_channel(settings))
    misfits = sorted(_on_record(lambda log: log.misfits(marks)), key=lambda mark: mark.row)
    for mark in misfits[:_MISFITS_SHOWN]:
        click.echo(f"Row {mark.row} is gone or replaced: the audit channel has it with the hash {mark.hash}.")
    if len(misfits) > _MISFITS_SHOWN:
        click.echo(f"And {_counted(len(misfits) - _MISFITS_SHOWN, 'more row')}.")
    if misfits:
        sys.exit(1)
    click.echo(f"The audit channel agrees: {_counted(len(marks), 'message')} compared.")
    if not marks:
        click.echo("No message there bears a hash: nothing is proved by it.", err=True)


async def _marks_in_channel(settings: Settings) -> list[store.AuditMark]:
    # What a command alone needs is loaded by that command: a bot that runs for months does not carry it.
    from bot.slack import audit_channel, errors, web_api  # noqa: PLC0415

    channel, clock = settings.slack.audit_channel, SystemClock()
    if channel is None:
        raise click.ClickException("slack.audit_channel is not set: there is no channel to compare with.")
    set_up_logging("critical", settings.log_format, settings.secrets())
    try:
        async with web_api.open_web_api(settings.slack, clock=clock, metrics=Metrics()) as opened:
            return [mark async for mark in audit_channel.posted_marks(opened, channel, clock=clock)]
    except errors.SlackError as error:
        raise click.ClickException(f"The audit channel {channel} cannot be read: {error}.") from error
    except audit_channel.TooManyMessages as error:
        raise click.ClickException(f"The audit channel {channel} holds too many messages.") from error


@audit.command("export")
@click.option(
    "--format", "as_", type=click.Choice(["jsonl", "csv"]), required=True, help="One line a row, either way."
)
@click.option("--since", type=_Span(), metavar="SPAN", help="Only this far back: 24h, 30d, 8w; default all.")
def audit_export(as_: str, since: timedelta | None) -> None:
    """Print the audit record, oldest row first.

    Every column, times in UTC. An action is a row `opened` and a row `closed`, and a row `shown` for the
    message that told it: both name the first by its id. A refusal is one row. In CSV a cell that a
    spreadsheet would read as a formula begins with an apostrophe.
    """
    line_of = store.audit.csv_row if as_ == "csv" else store.audit.json_row
    since_when = SystemClock().now() - since if since is not None else None

    async def print_all(log: store.AuditLog) -> None:
        if as_ == "csv":
            click.echo(store.audit.csv_head().encode(), nl=False)
        async for row in log.rows(since_when):
            click.echo(line_of(row).encode(), nl=False)

    _on_record(print_all)


def _on_record(do: Callable[[store.AuditLog], Awaitable[T]]) -> T:
    url = _settings().database_url.get_secret_value()

    async def run_on_database() -> T:
        database = store.Database(url)
        try:
            return await do(store.AuditLog(database))
        finally:
            await database.close()

    try:
        if store.is_missing(url):
            raise click.ClickException("The database of DATABASE_URL is not there.")
        return asyncio.run(run_on_database())
    except store.StoreError as error:
        raise click.ClickException(str(error)) from error


async def _print_checks(settings: Settings) -> int:
    """Print before the loop ends: a name that is still being resolved would hold up its end."""
    # What a command alone needs is loaded by that command: a bot that runs for months does not carry it.
    from bot.check import check  # noqa: PLC0415

    results = [
        CheckResult("settings", caution.setting, CheckStatus.WARNING, f"{caution.text} ({caution.source}).")
        for caution in settings.cautions
    ]
    results += await check(settings)
    columns = shutil.get_terminal_size(fallback=(_COLUMNS, 24)).columns
    printable = f"{_table(results, columns)}\n\n{_summary(results)}"
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(printable.encode(encoding, "replace").decode(encoding))
    return int(any(result.status is CheckStatus.PROBLEM for result in results))


def _table(results: Sequence[CheckResult], columns: int) -> str:
    from tabulate import tabulate  # noqa: PLC0415

    rows = [(result.status.value, *map(_plain, (result.part, result.subject))) for result in results]
    taken = sum(max((len(cell) for cell in column), default=0) for column in zip(*rows, strict=True))
    # Whole words only: a fingerprint is there to be copied.
    wrapper = textwrap.TextWrapper(
        max(_NARROWEST, columns - taken - 3 * len(_GAP)), break_long_words=False, break_on_hyphens=False
    )
    texts = [
        "\n".join(line for text in (result.detail, result.advice) for line in wrapper.wrap(_plain(text)))
        for result in results
    ]
    shown = [(*row, text) for row, text in zip(rows, texts, strict=True)]
    return tabulate(
        shown, ("verdict", "part", "subject", "how it is, and what to do"), "simple", disable_numparse=True
    )


def _plain(text: str) -> str:
    """One line that can do nothing to a terminal, whoever wrote it."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _summary(results: Sequence[CheckResult]) -> str:
    problems = [result for result in results if result.status is CheckStatus.PROBLEM]
    warnings = sum(result.status is CheckStatus.WARNING for result in results)
    fine = len(results) - len(problems) - warnings
    counts = f"{_counted(len(problems), 'problem')}, {_counted(warnings, 'warning')}, {fine} ok"
    if not problems:
        return f"{counts}. Ready to go live."
    named = "; ".join(f"{_plain(result.part)}: {_plain(result.subject)}" for result in problems)
    return f"{counts}. Not ready: {named}."


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _settings_with_cautions() -> Settings:
    settings = _settings()
    for caution in settings.cautions:
        click.echo(f"caution: {caution}", err=True)
    return settings


def _settings() -> Settings:
    try:
        return load_settings(os.environ, Path.cwd())
    except SettingsWrong as wrong:
        for problem in wrong.problems:
            click.echo(str(problem), err=True)
        sys.exit(WRONG_SETTINGS)
