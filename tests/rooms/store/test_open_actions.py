"""Actions whose outcome nobody was shown yet, and who takes them over."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.store import AuditEntry, AuditId, AuditLog, Database, Leases, OpenAction, OpenActions, Transaction

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENTRY = AuditEntry("U1", "ann", "T1", "job.start", "ABCDEF", "typed", "C1", NOON)


def lives(holder: str) -> bool:
    del holder
    return False


def has_ended(holder: str) -> bool:
    return holder == "dead"


async def begin(database: Database, actions: OpenActions, reference: str = "ABCDEF") -> AuditId:
    """Put an action on record, and keep it open."""

    def keep(body: str) -> Callable[[Transaction, AuditId], Awaitable[None]]:
        return lambda transaction, audit_id: actions.add(transaction, OpenAction(audit_id, reference, body))

    await actions.hold(NOON)
    return await AuditLog(database).opened(replace(ENTRY, reference=reference), keep("{}"))


async def test_what_a_live_process_has_under_way_is_nobodys(database: Database, other: Database) -> None:
    """Neither another process takes it, nor the process itself while it serves the gesture."""
    mine, theirs = OpenActions(database, "a", lives), OpenActions(other, "b", lives)
    audit_id = await begin(database, mine)
    assert await theirs.left(NOON, ()) == ()
    assert await mine.left(NOON, {"ABCDEF"}) == ()
    assert await mine.left(NOON, ()) == (OpenAction(audit_id, "ABCDEF", "{}"),)
    await mine.answered("ABCDEF")
    assert await mine.left(NOON, ()) == ()


class UnderWay(Collection[str]):
    """The gestures that are being served: others once they were read out."""

    def __init__(self, first: Collection[str], then: Collection[str]) -> None:
        self._now, self._then = first, then

    def __iter__(self) -> Iterator[str]:
        now, self._now = self._now, self._then
        return iter(now)

    def __len__(self) -> int:
        return len(self._now)

    def __contains__(self, reference: object) -> bool:
        return reference in self._now


@pytest.mark.parametrize(
    ("first", "then"), [((), ("ABCDEF",)), (("ABCDEF",), ())], ids=["it begins", "it ends"]
)
async def test_a_gesture_that_begins_or_ends_meanwhile_is_not_left(
    database: Database, first: tuple[str, ...], then: tuple[str, ...]
) -> None:
    """Its action was put on record, or is answered, while the others were read."""
    mine = OpenActions(database, "a", lives)
    await begin(database, mine)
    assert await mine.left(NOON, UnderWay(first, then)) == ()


async def test_what_an_ended_process_left_is_taken_at_once_and_by_one(
    database: Database, other: Database
) -> None:
    """Of a process that has certainly ended the lease is not waited for."""
    audit_id = await begin(database, OpenActions(database, "dead", lives))
    first, second = OpenActions(database, "a", has_ended), OpenActions(other, "b", has_ended)
    await first.hold(NOON)
    await second.hold(NOON)
    assert await first.left(NOON, ()) == (OpenAction(audit_id, "ABCDEF", "{}"),)
    assert await second.left(NOON, ()) == ()


async def test_what_a_silent_process_left_is_taken_when_its_lease_is_over(database: Database) -> None:
    """Of a process on another machine nothing is known but that it said that it lives."""
    await begin(database, OpenActions(database, "far", lives), "AAAAAA")
    await begin(database, OpenActions(database, "far", lives), "BBBBBB")
    mine = OpenActions(database, "a", lives)
    assert await mine.left(NOON + timedelta(seconds=119), ()) == ()
    taken = await mine.left(NOON + timedelta(seconds=120), ())
    assert [each.reference for each in taken] == ["AAAAAA", "BBBBBB"]


async def test_what_is_not_on_record_is_not_kept_open(database: Database) -> None:
    """Both are written in one transaction, or neither is."""

    async def breaks(transaction: Transaction, audit_id: AuditId) -> None:
        await OpenActions(database, "a").add(transaction, OpenAction(audit_id, "ABCDEF", "{}"))
        raise KeyError(audit_id)

    with pytest.raises(KeyError) as broken:
        await AuditLog(database).opened(ENTRY, breaks)
    assert await AuditLog(database).record(AuditId(broken.value.args[0])) is None
    assert await OpenActions(database, "a").left(NOON, ()) == ()


async def test_a_process_that_holds_on_keeps_its_actions(database: Database, other: Database) -> None:
    """Each look renews the lease by all of its time, whatever the renewal of the other leases sets."""
    mine, theirs = OpenActions(database, "a", lives), OpenActions(other, "b", lives)
    await begin(database, mine)
    for minute in range(1, 4):
        now = NOON + timedelta(minutes=minute)
        await mine.hold(now)
        await Leases(database).renew_all("a", now, 2.0)
        assert await theirs.left(now + timedelta(seconds=119), ()) == ()
