"""What one person goes on trying buries nobody's actions: counted, on record with its count, after them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog.testing
from sqlalchemy import text

from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.start import Start
from bot.operations.catalog import ACTIONS_ON_RECORD
from bot.operations.model import NamedJob, Person, Request, Standing
from bot.operations.outcomes import Done, Refused, TooMany
from bot.operations.queries.audit import AuditAnswer, ReadAudit
from bot.operations.queries.jobs import ListJobs
from bot.operations.refusals import IN_ALL, OF_A_KIND, PEOPLE_AT_MOST, WINDOW, Refusals
from bot.operations.under_way import GESTURES_A_MINUTE
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.slack.views.announcements import announcement
from bot.store import AuditEntry, AuditLog, AuditOutcome, Database, Outbox, PostedMessage
from bot.store.database import Transaction
from bot.watch import AuditChannel
from bot.watch.facts import ActionRecorded, decode
from tests.rooms.operations.office import GRANTS, VIEWER, Office
from tests.support.clock import FakeClock
from tests.support.databases import new_database

ADMIN = PersonId("U0ADMIN")
TRIES = 200


@pytest.fixture(autouse=True)
def an_administrator(office: Office) -> None:
    """Beside the viewer, who may change nothing."""
    admins = frozenset({"S0ADMIN"})
    office.team.people[ADMIN] = Person(ADMIN, "admin", Standing.MEMBER, admins)
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
    )


async def tries(office: Office, times: int = TRIES, name: str = "SQL Prod") -> None:
    request: Request = Disable(NamedJob(name, server="hq"))
    for at in range(times):
        assert isinstance(await office.ask(request, VIEWER, reference=f"r-{at}"), Refused)


def with_audit_channel(office: Office) -> None:
    office.audit = AuditLog(office.database, AuditChannel("C0AUDIT", ACTIONS_ON_RECORD).rows)
    office.restart()


async def posted(office: Office) -> list[ActionRecorded]:
    """What the audit channel reads, in its order."""
    read = []
    outbox = Outbox(office.database)
    while claimed := await outbox.claim("me", office.clock.now(), 60, 9):
        for row in claimed:
            fact = decode(row.body)
            assert isinstance(fact, ActionRecorded)
            read.append(fact)
            await outbox.sent(row.id, PostedMessage(row.channel, "1.0"), office.clock.now())
    return read


async def test_refusals_delay_no_action_in_the_audit_channel(office: Office) -> None:
    """200 refused commands, then a colleague's: that one is read first, and the rest are few."""
    with_audit_channel(office)
    await tries(office)
    assert isinstance(await office.ask(Disable(office.known("Files")), ADMIN), Done)
    await office.clock.advance(WINDOW.total_seconds())
    await office.service.refusals.close()
    read = await posted(office)
    assert (read[0].outcome, read[0].job_name) == ("done", "Files")
    assert [each.outcome for each in read[1:]] == ["refused"] * (OF_A_KIND + 1)
    assert read[1].job_name == "SQL Prod"
    more = f"refused {TRIES - OF_A_KIND} more times within a minute: job.disable {TRIES - OF_A_KIND} times"
    assert (read[-1].asked, read[-1].said, read[-1].job_name) == (more, "role", "SQL Prod")
    assert more in announcement(read[-1], "key").text


async def test_rows_are_bounded_and_their_chain_is_whole(office: Office) -> None:
    """Each message in the channel bears the row and the hash that the record has."""
    with_audit_channel(office)
    await tries(office)
    for request in (Start(NamedJob("Files")), Delete(NamedJob("Files"), typed_name="Files")):
        for _ in range(TRIES):
            await office.ask(request, VIEWER)
    await office.service.refusals.close()
    assert len(await office.audited()) == 3 * OF_A_KIND + 1
    check = await office.audit.check()
    assert (check.broken_at, check.rows) == (None, 3 * OF_A_KIND + 1)
    marks = {(each.row, each.hash) for each in await posted(office)}
    assert marks == {(row.id, row.values["hash"]) async for row in office.audit.rows()}
    (newest, *_) = (await office.answer(ReadAudit(person=VIEWER), AuditAnswer, ADMIN)).rows
    assert newest.outcome is not None
    assert f"refused {3 * (TRIES - OF_A_KIND)} more times" in (newest.outcome.detail or "")
    assert "job.start 195 times" in (newest.outcome.detail or "")
    assert newest.entry.job_name is None


async def test_the_count_is_on_record_when_the_minute_is_over(office: Office) -> None:
    """Also where the person stops trying; a new minute begins with rows of its own."""
    await tries(office, OF_A_KIND + 2)
    await office.clock.advance(WINDOW.total_seconds())
    await tries(office, 1)
    await office.service.refusals.close()
    details = [row["detail"] for row in await office.audited()]
    assert len(details) == OF_A_KIND + 2
    assert min(map(str, details)).startswith("refused 2 more times")


def _entry(clock: FakeClock, person: str, operation: str = "job.start") -> AuditEntry:
    return AuditEntry(
        person_id=person,
        person_name=person,
        team_id=None,
        operation=operation,
        reference="r",
        origin="typed",
        channel_id=None,
        at=clock.now(),
    )


async def test_many_kinds_and_many_people_are_bounded(office: Office) -> None:
    """So many rows of one person whatever they try; of many people the oldest are written first."""
    refusals = Refusals(office.audit, office.clock, ())
    outcome = AuditOutcome("refused", office.clock.now(), detail="role")
    for at in range(3 * IN_ALL):
        await refusals.record(_entry(office.clock, "U0ANY", f"job.{at}"), outcome)
    assert len(await office.audited()) == IN_ALL
    for at in range(PEOPLE_AT_MOST):
        await refusals.record(_entry(office.clock, f"U0{at}"), outcome)
    await refusals.close()
    rows = await office.audited()
    assert len(rows) == IN_ALL + 1 + PEOPLE_AT_MOST
    assert sum(str(row["detail"]).startswith(f"refused {2 * IN_ALL} more times") for row in rows) == 1


async def test_what_the_database_did_not_take_is_put_on_record_later(office: Office) -> None:
    """Counted is not lost because the database was away for a while."""
    await tries(office, OF_A_KIND + 3)
    for old, new in (("audit", "hidden"), ("hidden", "audit")):
        async with office.database.transaction() as transaction:
            await transaction.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
        await office.service.refusals.close()
    details = [str(row["detail"]) for row in await office.audited()]
    assert [each for each in details if each.startswith("refused 3 more times")] == details[-1:]


class Busy(Database):
    """A database whose writers wait until it is their turn."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.turn, self.is_waited_for = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        self.is_waited_for.set()
        await self.turn.wait()
        async with super().transaction() as transaction:
            yield transaction


async def test_a_count_that_waits_for_its_turn_is_on_record_before_the_bot_stops(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Stopping waits for what is about to be written; it is written once."""
    database = Busy(await new_database(tmp_path))
    audit = AuditLog(database)
    refusals = Refusals(audit, clock, ())
    outcome = AuditOutcome("refused", clock.now(), detail="role")
    database.turn.set()
    for _ in range(OF_A_KIND + 3):
        await refusals.record(_entry(clock, "U0ANY"), outcome)
    database.turn.clear()
    database.is_waited_for.clear()
    clock.skip(WINDOW.total_seconds())

    async with asyncio.TaskGroup() as group:
        running = group.create_task(refusals.run())

        async def stop() -> None:
            await refusals.close()
            running.cancel()

        await database.is_waited_for.wait()
        group.create_task(stop())
        await clock.advance(0)
        database.turn.set()
    details = [str(row.values["detail"]) async for row in audit.rows()]
    await database.close()
    assert [each for each in details if "more times" in each] == [
        "refused 3 more times within a minute: job.start 3 times; role"
    ]
    assert len(details) == OF_A_KIND + 1


async def test_one_person_asks_so_often_a_minute(office: Office) -> None:
    """Beyond that nothing is looked up, on record or asked of VBR; the answer says so, and others may."""
    with structlog.testing.capture_logs() as logs:
        for _ in range(GESTURES_A_MINUTE):
            office.service._rate.allows(VIEWER)
        before = len(office.hq.requests)
        for request in (ListJobs(), Disable(NamedJob("Files"))):
            outcome = await office.ask(request, VIEWER)
            assert outcome == TooMany(request.operation, GESTURES_A_MINUTE, is_a_minute=True)
    assert len(office.hq.requests) == before
    assert await office.audited() == []
    assert [line["event"] for line in logs].count("operations.too_many") == 1
    assert isinstance(await office.ask(ListJobs(), ADMIN), Done)
    await office.clock.advance(60)
    assert isinstance(await office.ask(ListJobs(), VIEWER), Done)
