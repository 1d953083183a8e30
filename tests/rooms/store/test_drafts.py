"""Drafts: one person's own, the newest version alone, and forgotten in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.store import Database, Draft, Drafts

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)
DRAFT = Draft(id="d1", person_id="U0ANN", body='{"name":"Web tier"}', changed_at=NOW)


async def test_a_draft_comes_back_as_it_was_kept_last(database: Database) -> None:
    """Of one draft there is one version."""
    drafts = Drafts(database)
    newer = replace(DRAFT, body="{}", changed_at=NOW + timedelta(minutes=1))
    await drafts.keep(DRAFT)
    assert await drafts.of("d1", "U0ANN") == DRAFT
    await drafts.keep(newer)
    assert await drafts.of("d1", "U0ANN") == newer


async def test_a_draft_is_nobody_elses(database: Database) -> None:
    """Who knows the ID of somebody else's draft gets nothing by it."""
    drafts = Drafts(database)
    await drafts.keep(DRAFT)
    assert await drafts.of("d1", "U0BEN") is None
    assert await drafts.of("d2", "U0ANN") is None


async def test_old_drafts_are_forgotten(database: Database) -> None:
    """What was changed lately stays."""
    drafts = Drafts(database)
    later = replace(DRAFT, id="d2", changed_at=NOW + timedelta(hours=1))
    await drafts.keep(DRAFT)
    await drafts.keep(later)
    await drafts.purge(NOW + timedelta(minutes=30))
    assert await drafts.of("d1", "U0ANN") is None
    assert await drafts.of("d2", "U0ANN") == later
