"""`audit`: what is on record, narrowed, paged, and limited to where the asker is an administrator."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.operations.actions.start import Start
from bot.operations.model import KnownJob, NamedJob
from bot.operations.outcomes import NotFound, Refused
from bot.operations.queries.audit import SCAN_AT_MOST, AuditAnswer, ReadAudit
from bot.operations.queries.jobs import ListJobs
from bot.settings import GrantSettings, GroupReference, Role
from bot.slack.views.outcomes import outcome as drawn_of
from bot.store import AuditEntry, AuditOutcome
from bot.veeam import JobId
from tests.rooms.operations.office import DR, GRANTS, HQ, NOBODY, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.support.clock import FakeClock

ADMIN = VIEWER  # has the viewer's group, and the grants below
TEAM = GroupReference("S0VIEW")
EVERYWHERE = (GrantSettings(group=TEAM, role=Role.BACKUP_ADMINISTRATOR),)
ON_SQL_VIEWER_ELSEWHERE = (
    GrantSettings(group=TEAM, role=Role.BACKUP_ADMINISTRATOR, servers=("hq",), jobs=("SQL*",)),
    GrantSettings(group=TEAM, role=Role.BACKUP_VIEWER),
)


def entry(number: int, office: Office, **facts: object) -> AuditEntry:
    made = AuditEntry(
        person_id=OPERATOR,
        person_name="ole",
        team_id="T0",
        operation="job.start",
        reference=f"REF{number:03}",
        origin="typed",
        channel_id="C0PROD",
        at=office.clock.now() - timedelta(hours=100 - number),
        server="hq",
        job_id="j1",
        job_name="SQL Prod",
    )
    return replace(made, **facts)  # type: ignore[arg-type] # made-up facts


@pytest.fixture
async def filled(office: Office) -> Office:
    """Actions on jobs of both servers, one refusal without a job, one action that never ended."""
    office.grants = EVERYWHERE
    log, clock = office.audit, office.clock
    entries = [
        entry(1, office),
        entry(2, office, job_name="SQL Test", job_id="j2"),
        entry(3, office, server="dr", job_name="Files"),
        entry(4, office, job_name="Files", person_id=SQL_ONLY),
    ]
    for one in entries:
        await log.closed(await log.opened(one), AuditOutcome("done", clock.now(), session_id="s1"))
    alone = entry(5, office, server=None, job_id=None, job_name=None, person_id=NOBODY)
    await log.refused(alone, AuditOutcome("refused", clock.now(), detail="no_grant"))
    await log.opened(entry(6, office))
    return office


async def references(office: Office, request: ReadAudit) -> list[int]:
    found = await office.answer(request, AuditAnswer, ADMIN)
    return [int(row.entry.reference[3:]) for row in found.rows]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ReadAudit(), [6, 5, 4, 3, 2, 1]),
        (ReadAudit(NamedJob("sql")), [6, 2, 1]),
        (ReadAudit(NamedJob("SQL Prod", exact=True)), [6, 1]),
        (ReadAudit(NamedJob("*test")), [2]),
        (ReadAudit(NamedJob("nothing")), []),
        (ReadAudit(KnownJob(HQ, JobId("j2"))), [2]),
        (ReadAudit(person=SQL_ONLY), [4]),
        (ReadAudit(NamedJob("sql"), person=SQL_ONLY), []),
        (ReadAudit(within=timedelta(hours=98, minutes=30)), [6, 5, 4, 3, 2]),
        (ReadAudit(server="dr"), [3]),
        (ReadAudit(NamedJob("Files", server="hq"), server="hq"), [4]),
    ],
)
async def test_the_record_is_narrowed(filled: Office, request_: ReadAudit, expected: Sequence[int]) -> None:
    """By job as it was named, person, time and server; newest first."""
    assert await references(filled, request_) == expected


async def test_a_limited_administrator_sees_where_they_are_one(filled: Office) -> None:
    """A role that may only look elsewhere shows nothing there; what has no job is for those with all jobs."""
    filled.grants = ON_SQL_VIEWER_ELSEWHERE
    assert await references(filled, ReadAudit()) == [6, 2, 1]
    assert await references(filled, ReadAudit(person=NOBODY)) == []
    outcome = await filled.ask(ReadAudit(server="dr"), ADMIN)
    assert outcome == NotFound("server", "dr", (HQ,))


async def test_an_administrator_of_one_server_sees_nothing_of_no_server(filled: Office) -> None:
    """A refusal that names no server may be about any of them."""
    filled.grants = (GrantSettings(group=TEAM, role=Role.BACKUP_ADMINISTRATOR, servers=(DR,)),)
    assert await references(filled, ReadAudit()) == [3]


async def test_pages_hold_ten(filled: Office) -> None:
    """Each page begins where the one before ended, and says which entries it shows and of how many."""
    for number in range(7, 22):
        await filled.audit.opened(entry(number, filled))
    pages = [await filled.answer(ReadAudit(page=page), AuditAnswer, ADMIN) for page in range(4)]
    shown = [[int(row.entry.reference[3:]) for row in page.rows] for page in pages]
    assert shown == [[*range(21, 11, -1)], [*range(11, 1, -1)], [1], []]
    assert [page.has_more for page in pages] == [True, True, False, False]
    said = drawn_of(await filled.ask(ReadAudit(page=1), ADMIN), "r-1").message.text
    assert "11\u201320 of 21 entries" in said


MANY = """
INSERT INTO audit (event, at, person_id, person_name, operation, reference, origin, previous_hash, hash)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)
SELECT 'opened', '2026-11-23 00:00:00.000000', 'U1', 'x', 'job.stop', 'r', 'typed', i, i FROM n
"""


async def test_of_a_long_record_the_latest_part_is_looked_through(filled: Office) -> None:
    """Nobody waits for years of rows: the answer says that it is cut; a narrower question is not."""
    async with filled.database.transaction() as transaction:
        await transaction.execute(text(MANY).bindparams(many=SCAN_AT_MOST))
    found = await filled.answer(ReadAudit(NamedJob("SQL Test")), AuditAnswer, ADMIN)
    assert (found.rows, found.is_cut) == ((), True)
    narrower = await filled.answer(ReadAudit(NamedJob("SQL Test"), person=OPERATOR), AuditAnswer, ADMIN)
    assert (len(narrower.rows), narrower.is_cut) == (1, False)
    said = drawn_of(await filled.ask(ReadAudit(), ADMIN), "r-1").message.text
    assert "1\u201310 of at least 500 entries" in said


async def test_what_is_shown_of_an_action(filled: Office, clock: FakeClock) -> None:
    """Start it, look at it: who, what, on what, when, what came of it, and VBR's session."""
    filled.grants = (*GRANTS, *EVERYWHERE)
    await filled.ask(Start(NamedJob("Exchange"), full=True))
    newest = (await filled.answer(ReadAudit(), AuditAnswer, ADMIN)).rows[0]
    assert newest.outcome is not None
    assert (newest.entry.operation, newest.entry.job_name, newest.entry.detail) == (
        "job.start",
        "Exchange",
        "active full",
    )
    assert (newest.entry.person_id, newest.entry.at) == (OPERATOR, clock.now())
    assert newest.outcome.outcome == "done"
    assert newest.outcome.session_id == filled.world.sessions_of(filled.world.job("Exchange"))[-1].id


async def test_vbr_is_not_asked(filled: Office) -> None:
    """The record answers while every server is down."""
    before = len(filled.hq.requests)
    await references(filled, ReadAudit(NamedJob("sql")))
    assert len(filled.hq.requests) == before


async def test_others_are_refused_and_that_is_on_record(filled: Office) -> None:
    """An operator asks in vain, and the administrator reads of it."""
    filled.grants = (*GRANTS, *EVERYWHERE)
    assert isinstance(await filled.ask(ReadAudit(), OPERATOR), Refused)
    assert isinstance(await filled.ask(ListJobs(), NOBODY), Refused)
    rows = (await filled.answer(ReadAudit(), AuditAnswer, ADMIN)).rows
    assert [row.entry.operation for row in rows[:2]] == ["jobs.list", "audit.list"]
