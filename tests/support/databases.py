"""SQLite files with the newest schema: it is made once, and copied for every test."""

from pathlib import Path
from tempfile import TemporaryDirectory

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
