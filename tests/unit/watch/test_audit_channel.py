"""What the audit channel is told, and what it is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.store import AuditEntry, AuditId, AuditMark, AuditOutcome, AuditRecord
from bot.watch import AuditChannel
from bot.watch.facts import ActionRecorded, decode
from bot.watch.messages import ROOT

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ENTRY = AuditEntry(
    person_id="U1",
    person_name="Ann",
    team_id="T1",
    operation="job.start",
    reference="K7Q2XY",
    origin="typed",
    channel_id="C1",
    at=NOON,
    server="hq",
    job_id="j1",
    job_name="SQL",
    detail="active full",
)
DONE = AuditOutcome("done", NOON + timedelta(seconds=1), session_id="s1")
CHANNEL = AuditChannel("C0AUDIT", {"job.start"})


def test_an_action_is_told_with_what_came_of_it() -> None:
    """One row, with everything that the record says of it, under a key of its own."""
    (row,) = CHANNEL.rows(AuditRecord(AuditId(7), ENTRY, DONE))
    assert (row.key, row.channel, row.kind) == ("audit/7/C0AUDIT", "C0AUDIT", "action_recorded")
    assert (row.created_at, row.priority, row.root_key) == (DONE.at, ROOT, None)
    assert decode(row.body) == ActionRecorded(
        operation="job.start",
        outcome="done",
        person_id="U1",
        person_name="Ann",
        reference="K7Q2XY",
        origin="typed",
        at=NOON,
        channel_id="C1",
        server="hq",
        job_name="SQL",
        asked="active full",
        session_id="s1",
    )


def test_it_bears_number_and_hash_of_the_row_with_the_outcome() -> None:
    """The channel keeps what shows later that the record was cut off or made anew."""
    mark = AuditMark(AuditId(8), "beef")
    (row,) = CHANNEL.rows(replace(AuditRecord(AuditId(7), ENTRY, DONE), mark=mark))
    told = decode(row.body)
    assert isinstance(told, ActionRecorded)
    assert (told.row, told.hash) == (8, "beef")


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (AuditRecord(AuditId(1), ENTRY, AuditOutcome("failed", NOON, detail="busy")), True),
        (AuditRecord(AuditId(1), ENTRY, AuditOutcome("refused", NOON, detail="role")), True),
        (AuditRecord(AuditId(1), replace(ENTRY, server=None, job_name=None), DONE), True),
        (AuditRecord(AuditId(1), ENTRY, None), False),
        (AuditRecord(AuditId(1), replace(ENTRY, operation="jobs.list"), DONE), False),
        (AuditRecord(AuditId(1), replace(ENTRY, operation="request"), DONE), False),
    ],
)
def test_actions_and_their_refusals_are_told(attempt: AuditRecord, *, told: bool) -> None:
    """Not what is only begun, nor refused looks."""
    assert len(CHANNEL.rows(attempt)) == told


def test_without_a_channel_nothing_is_told() -> None:
    """The setting may be left out."""
    assert AuditChannel(None, {"job.start"}).rows(AuditRecord(AuditId(1), ENTRY, DONE)) == ()
