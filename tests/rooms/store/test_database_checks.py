"""What `veeam-bot check` says of the database, on SQLite and on PostgreSQL."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from bot.observability import CheckResult, SystemClock
from bot.store import check_database, checks, upgrade
from bot.store.database import address, by_itself
from bot.store.upgrade import MIGRATIONS
from tests.rooms.store.databases import Template
from tests.support.clock import SkewedClock

Row = tuple[str, str, str, str]


async def rows(url: str) -> list[Row]:
    findings: tuple[CheckResult, ...] = await check_database(url, SystemClock())
    assert {finding.part for finding in findings} == {"database"}
    # What is said of PostgreSQL's clock has a test of its own.
    return [(f.status.value, f.subject, f.detail, f.advice) for f in findings if f.subject != "clock"]


async def run(url: str, *statements: str) -> None:
    await by_itself(address(url), lambda connection: [connection.execute(text(each)) for each in statements])


async def tables(url: str) -> list[str]:
    return await by_itself(address(url), lambda connection: sorted(inspect(connection).get_table_names()))


def contents(folder: Path) -> list[Path]:
    return list(folder.iterdir())


ANSWERS = ("ok", "It answers.", "")
WRITING = ("ok", "writing", "Tables can be made and written.", "")


async def test_a_database_that_is_ready(database_url: str) -> None:
    """Reached, of this release's schema, writable; and as it was afterwards."""
    before = await tables(database_url)
    first, *rest = await rows(database_url)
    assert (first[0], *first[2:]) == ANSWERS
    assert rest == [("ok", "schema", "It is this release's.", ""), WRITING]
    assert await tables(database_url) == before


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(minutes=-15), ("warning", "It is 15 minutes ahead of this machine's.")),
        (timedelta(days=1), ("warning", "It is a day behind this machine's.")),
        (timedelta(seconds=5), ("ok", "It agrees with this machine's.")),
    ],
)
async def test_the_databases_clock(database_url: str, ahead: timedelta, expected: tuple[str, str]) -> None:
    """PostgreSQL's is compared with this machine's; SQLite has none of its own."""
    found = await check_database(database_url, SkewedClock(SystemClock(), ahead))
    clocks = [(each.status.value, each.detail) for each in found if each.subject == "clock"]
    assert clocks == ([expected] if "postgresql" in database_url else [])


async def test_an_empty_database(template: Template) -> None:
    """As it should be before the first start; the check makes nothing in it."""
    url = template.empty()
    await run(url)
    assert (await rows(url))[1:] == [
        ("ok", "schema", "There is none yet; the first start makes it.", ""),
        WRITING,
    ]
    assert await tables(url) == []


async def test_a_schema_of_an_older_release(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start upgrades it, which wants a backup first."""
    await run(database_url, "UPDATE alembic_version SET version_num = '0001'")
    shutil.copytree(MIGRATIONS, tmp_path / "newer")
    later = 'revision = "9999"\ndown_revision = "0001"\n'
    (tmp_path / "newer" / "versions" / "9999_later.py").write_text(later)
    monkeypatch.setattr(checks, "MIGRATIONS", tmp_path / "newer")
    assert (await rows(database_url))[1:] == [
        (
            "warning",
            "schema",
            "It is an older release's; the next start upgrades it.",
            "Make a backup of the database first. `veeam-bot db upgrade` upgrades it now.",
        ),
        WRITING,
    ]


async def test_a_schema_of_a_newer_release(database_url: str) -> None:
    """It must not be written by this release."""
    await run(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert (await rows(database_url))[1:] == [
        (
            "problem",
            "schema",
            "It is 9999, which this release does not know: a newer release made it.",
            "Install that release or a newer one, or restore the database's backup from before it.",
        )
    ]


async def test_a_postgresql_that_only_reads(template: Template) -> None:
    """A standby, or a user without the right to write."""
    url = template.new()
    if not url.startswith("postgres"):
        pytest.skip("PostgreSQL's")
    name = address(url).database
    await run(url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert (await rows(url))[-1] == (
        "problem",
        "writing",
        "It only reads.",
        "Point DATABASE_URL at the primary, where it can be written.",
    )


async def test_a_postgresql_without_that_database(template: Template) -> None:
    """The name is wrong, or nobody made it."""
    url = template.new()
    if not url.startswith("postgres"):
        pytest.skip("PostgreSQL's")
    elsewhere = address(url).set(database="nowhere", drivername="postgresql")
    ((verdict, _, detail, advice),) = await rows(elsewhere.render_as_string(hide_password=False))
    assert (verdict, detail) == ("problem", "There is no database of this name.")
    assert advice == "Create the database, or correct its name in DATABASE_URL."


async def test_a_dead_postgresql() -> None:
    """Named by host and database; the password in the address is not said."""
    assert await rows("postgresql://bot:made-up@127.0.0.1:1/bot") == [
        (
            "problem",
            "bot on 127.0.0.1:1",
            "It cannot be used: cannot connect: ConnectionRefusedError.",
            "Check host, port, user and database of DATABASE_URL, and that PostgreSQL runs there.",
        )
    ]


async def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """It can be made, and the check does not make it."""
    file = tmp_path / "bot.db"
    assert await rows(f"sqlite:///{file}") == [
        ("ok", str(file), "It is not there yet; the first start can make it.", "")
    ]
    assert contents(tmp_path) == []


async def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    """The folder and the system's reason are named."""
    file = tmp_path / "nowhere" / "bot.db"
    assert await rows(f"sqlite:///{file}") == [
        (
            "problem",
            str(file),
            f"It is not there, and no file can be made in {file.parent}: No such file or directory.",
            "Make the folder, and let the bot's user write in it; or correct DATABASE_URL.",
        )
    ]


async def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Another user's file, say, or a disk that was mounted for reading."""
    url = f"sqlite:///file:{tmp_path}/bot.db?mode=ro&uri=true"
    await upgrade(f"sqlite:///{tmp_path}/bot.db")
    *_, (verdict, _, detail, advice) = await rows(url)
    assert verdict == "problem"
    assert detail == (
        "It cannot be used: SQLITE_READONLY: attempt to write a readonly database; "
        "let the bot's user write the file and its folder."
    )
    assert advice == (
        "Let the bot's user read and write the file of DATABASE_URL and its folder, with room on the disk."
    )


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """It is left as it is."""
    file = tmp_path / "bot.db"
    file.write_text("not a database, and long enough to be taken for the beginning of one" * 20)
    ((verdict, subject, detail, _),) = await rows(f"sqlite:///{file}")
    assert (verdict, subject) == ("problem", str(file))
    assert detail == "It cannot be used: SQLITE_NOTADB: file is not a database."


async def test_another_kind_of_database() -> None:
    """Refused by its address alone."""
    assert await rows("mysql://db/bot") == [
        (
            "problem",
            "address",
            "It cannot be used: a database of the kind 'mysql' is not supported.",
            "Correct DATABASE_URL.",
        )
    ]
