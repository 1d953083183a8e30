"""`veeam-bot audit`: another process over a real record."""

import asyncio
import csv
import io
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.observability import SystemClock
from bot.store import AUDIT_COLUMNS, AuditEntry, AuditLog, AuditOutcome, Database, upgrade
from bot.store.audit import FIRST_HASH
from tests.support import forked
from tests.support.settings_files import ENVIRONMENT

Run = Callable[..., subprocess.CompletedProcess[str]]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def entry(at: datetime, job_name: str) -> AuditEntry:
    return AuditEntry(
        person_id="U1",
        person_name="Änne",
        team_id="T1",
        operation="job.start",
        reference="K7Q2XY",
        origin="typed",
        channel_id="C1",
        at=at,
        server="hq",
        job_id="j1",
        job_name=job_name,
    )


async def fill(url: str) -> None:
    await upgrade(url)
    database, now = Database(url), SystemClock().now()
    log = AuditLog(database)
    await log.closed(await log.opened(entry(LONG_AGO, "=SQL")), AuditOutcome("done", LONG_AGO, "s1"))
    await log.refused(entry(now, "Files, all"), AuditOutcome("refused", now, detail="role"))
    await database.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command line over a record of three rows."""
    asyncio.run(fill(f"sqlite:///{tmp_path}/bot.db"))

    def run(*arguments: str, database: str = "bot.db") -> subprocess.CompletedProcess[str]:
        variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **ENVIRONMENT}
        variables["DATABASE_URL"] = f"sqlite:///{database}"
        return forked.run("audit", *arguments, environ=variables, folder=tmp_path)

    return run


def tampered(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for trigger in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_whole_chain_is_told_with_its_head(run: Run) -> None:
    """Exit 0; the head that was printed is found again."""
    done = run("verify")
    whole, head = done.stdout.splitlines()
    assert (done.returncode, whole) == (0, "The chain is whole: 3 rows.")
    kept = head.removeprefix("Head: ")
    assert run("verify", "--head", kept.upper()).returncode == 0


def test_a_broken_chain_names_its_row(run: Run, tmp_path: Path) -> None:
    """Exit 1, and how far the record can be believed."""
    tampered(tmp_path / "bot.db", "UPDATE audit SET outcome = 'failed' WHERE id = 2")
    done = run("verify")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "The chain breaks at row 2: it was changed, or rows before it were.",
        "Whole up to there: 1 row.",
    ]


def test_an_end_that_was_cut_off_shows_by_the_head(run: Run, tmp_path: Path) -> None:
    """What is left is a whole chain; only the head that was kept elsewhere knows better."""
    kept = run("verify").stdout.split()[-1]
    tampered(tmp_path / "bot.db", "DELETE FROM audit WHERE id = 3")
    assert run("verify").returncode == 0
    done = run("verify", "--head", kept)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "The head you kept is not in it: rows were cut off, or the chain was rebuilt."
    )


def test_the_record_as_json(run: Run) -> None:
    """One object a row, oldest first, each with the hash of the one before."""
    rows = [json.loads(line) for line in run("export", "--format", "jsonl").stdout.splitlines()]
    assert [(row["event"], row["entry_id"], row["outcome"]) for row in rows] == [
        ("opened", None, None),
        ("closed", 1, "done"),
        ("refused", None, "refused"),
    ]
    assert [row["previous_hash"] for row in rows] == [FIRST_HASH, *(row["hash"] for row in rows[:-1])]
    assert (rows[0]["at"], rows[0]["person_name"]) == ("2026-01-01T00:00:00.000000+00:00", "Änne")


def test_the_record_as_csv(run: Run) -> None:
    """A line with the columns' names, then one a row; no formula."""
    heads, *rows = csv.reader(io.StringIO(run("export", "--format", "csv").stdout))
    assert heads == list(AUDIT_COLUMNS)
    at = heads.index("job_name")
    assert [row[at] for row in rows] == ["'=SQL", "", "Files, all"]


def test_a_part_of_the_record(run: Run) -> None:
    """`--since` leaves older rows out; what is no time span is wrong usage."""
    (only,) = run("export", "--format", "jsonl", "--since", "30d").stdout.splitlines()
    assert json.loads(only)["event"] == "refused"
    wrong = run("export", "--format", "jsonl", "--since", "soon")
    assert wrong.returncode == 2
    assert "'soon' isn't a length of time: 24h, 30d, 8w, up to a year." in wrong.stderr


@pytest.mark.parametrize("command", [["verify"], ["export", "--format", "csv"]])
def test_a_database_that_is_not_there_is_not_made(run: Run, tmp_path: Path, command: list[str]) -> None:
    """Exit 1 and one line; looking leaves nothing behind."""
    done = run(*command, database="other.db")
    assert (done.returncode, done.stderr) == (1, "Error: The database of DATABASE_URL is not there.\n")
    assert not (tmp_path / "other.db").exists()


def test_a_database_without_a_record(run: Run, tmp_path: Path) -> None:
    """An older or foreign schema is one line, not a traceback."""
    tampered(tmp_path / "bot.db", "ALTER TABLE audit RENAME TO gone")
    done = run("verify")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
