"""Digests: each is made once, a look at it is one process's, and old ones are forgotten."""

from datetime import UTC, datetime, timedelta

from bot.store import Database, DigestRow, Digests

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


def row(key: str = "digest/C0PROD/08:00/UTC/2026-11-30", **more: object) -> DigestRow:
    values: dict[str, object] = {
        "key": key, "channel": "C0PROD", "made_at": NOW, "look_at": NOW + timedelta(minutes=10), "body": "{}",
    }  # fmt: skip
    return DigestRow(**{**values, **more})  # type: ignore[arg-type] # by name


async def test_a_digest_is_made_and_looked_at_once(database: Database) -> None:
    """The second to make it, and the second to look at it for the same time, are told that it was done."""
    digests = Digests(database)
    assert not await digests.is_made(row().key)
    async with database.transaction() as transaction:
        assert await digests.make(transaction, row())
        assert not await digests.make(transaction, row(body="other"))
    assert await digests.is_made(row().key)
    assert await digests.to_look_at(NOW) == ()
    (found,) = await digests.to_look_at(NOW + timedelta(minutes=10))
    assert found == row()
    async with database.transaction() as transaction:
        assert await digests.looked(transaction, found, look_at=None, body="changed")
        assert not await digests.looked(transaction, found, look_at=NOW, body="late")
    assert await digests.to_look_at(NOW + timedelta(days=1)) == ()


async def test_old_digests_are_forgotten(database: Database) -> None:
    """And newer ones are not."""
    digests = Digests(database)
    async with database.transaction() as transaction:
        await digests.make(transaction, row("old", made_at=NOW - timedelta(days=31)))
        await digests.make(transaction, row("new"))
    await digests.purge(NOW - timedelta(days=30))
    assert [await digests.is_made(key) for key in ("old", "new")] == [False, True]
