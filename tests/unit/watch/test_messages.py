"""What is queued for a run: roots, threads, edits, mentions."""

import pytest

from bot.settings import Threads
from bot.store import NewOutboxRow, Placement
from bot.veeam import RetryPolicy
from bot.watch.facts import AttemptEnded, NoFurtherAttempt, RunEnded, decode
from bot.watch.messages import attempt_messages, missing_attempt_messages, root_messages, superseded_messages
from bot.watch.routing import Destination, RouteReason
from bot.watch.run_facts import ObjectFacts, SessionDetails
from bot.watch.runs import Run
from tests.unit.watch.builders import NOON, facts, minutes, run

RETRIED = RetryPolicy(enabled=True, count=1, wait_minutes=10)
STORY = SessionDetails(problems=(ObjectFacts(name="db", result="Failed"),))


def to(channel: str = "C1", threads: Threads = Threads.THREAD, mention: str | None = "S1") -> Destination:
    return Destination(channel, threads, mention, RouteReason.ROUTE)


def shown(rows: tuple[NewOutboxRow, ...]) -> list[tuple[str, str, str]]:
    return [(row.channel, row.kind, row.placement.value) for row in rows]


def mentions(rows: tuple[NewOutboxRow, ...]) -> list[str | None]:
    bodies = (decode(row.body) for row in rows)
    return [each.mention for each in bodies if isinstance(each, RunEnded | AttemptEnded | NoFurtherAttempt)]


def failing(*destinations: Destination, retry: RetryPolicy | None = RETRIED) -> Run:
    first = Run.begin(run(facts("Failed", details=STORY)), retry)
    return root_messages(first, destinations or (to(),), NOON).run


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        (Threads.THREAD, [("C1", "run_ended", "post"), ("C1", "session_story", "reply")]),
        (Threads.BROADCAST, [("C1", "run_ended", "post"), ("C1", "session_story", "reply")]),
        (Threads.FLAT, [("C1", "run_ended", "post")]),
    ],
)
def test_a_failed_run(threads: Threads, expected: list[tuple[str, str, str]]) -> None:
    """A root, and its story in the thread alone, or not at all, as the route says."""
    queued = root_messages(Run.begin(run(facts("Failed", details=STORY)), None), [to(threads=threads)], NOON)
    assert shown(queued.rows) == expected
    assert {row.root_key for row in queued.rows[1:]} <= {queued.rows[0].key}


def test_a_success_has_no_thread() -> None:
    """A run that went well is one message."""
    queued = root_messages(
        Run.begin(run(facts("Success", details=SessionDetails(objects_total=2))), RETRIED), [to()], NOON
    )
    assert shown(queued.rows) == [("C1", "run_ended", "post")]
    assert mentions(queued.rows) == [None]


@pytest.mark.parametrize("result", ["Success", "Warning"])
def test_a_failure_goes_before_what_went_well(result: str) -> None:
    """Sixty successes of one poll don't hold it up; nor does the story of a failure wait for them."""
    good = root_messages(Run.begin(run(facts(result)), None), [to()], NOON).rows
    bad = root_messages(Run.begin(run(facts("Failed", details=STORY)), None), [to()], NOON).rows
    assert max(row.priority for row in bad) < min(row.priority for row in good)


def test_the_mention_waits_for_the_last_attempt() -> None:
    """Nobody is named while a further attempt is to come; the last failure names them, once a run."""
    first = root_messages(Run.begin(run(facts("Failed")), RETRIED), [to()], NOON)
    assert mentions(first.rows) == [None]
    last = attempt_messages(first.run.with_attempt(facts("Failed", NOON + minutes(13)), is_late=False), NOON)
    assert shown(last.rows) == [("C1", "run_changed", "edit"), ("C1", "attempt_ended", "reply")]
    assert mentions(last.rows) == ["S1"]
    retried = facts("Failed", NOON + minutes(60), started_by="U1", started_operation="retry")
    assert mentions(attempt_messages(last.run.with_attempt(retried, is_late=False), NOON).rows) == [None]


def test_a_run_that_is_final_at_once_mentions_at_once() -> None:
    """Where no attempt is to come the root names whom the route names, and no later row does."""
    first = root_messages(Run.begin(run(facts("Failed")), None), [to()], NOON)
    assert mentions(first.rows) == ["S1"]


def test_no_further_attempt() -> None:
    """When the expected attempt did not come, root and thread say so, and whoever is to know is named."""
    queued = missing_attempt_messages(failing(to(), to("C2", Threads.BROADCAST, None)).without_retry(), NOON)
    assert shown(queued.rows) == [
        ("C1", "run_changed", "edit"),
        ("C2", "run_changed", "edit"),
        ("C1", "no_further_attempt", "reply"),
        ("C2", "no_further_attempt", "broadcast"),
    ]
    assert mentions(queued.rows) == ["S1", None]


def test_an_overtaken_run() -> None:
    """A run that the job's next run overtook is redrawn, and nobody is called."""
    assert shown(superseded_messages(failing().without_retry(), NOON).rows) == [("C1", "run_changed", "edit")]


def test_flat_channels_get_no_replies() -> None:
    """Where there are no threads, the root is edited, and only the last failure is a message of its own."""
    flat = failing(to(threads=Threads.FLAT))
    recovered = attempt_messages(flat.with_attempt(facts("Success", NOON + minutes(13)), is_late=False), NOON)
    assert shown(recovered.rows) == [("C1", "run_changed", "edit")]
    failed = attempt_messages(flat.with_attempt(facts("Failed", NOON + minutes(13)), is_late=False), NOON)
    assert shown(failed.rows) == [("C1", "run_changed", "edit"), ("C1", "attempt_ended", "post")]


def test_a_channel_is_told_of_a_run_once() -> None:
    """A channel that has the root gets no second one; a new channel gets a root that shows all attempts."""
    recovered = failing().with_attempt(facts("Success", NOON + minutes(13)), is_late=False)
    queued = root_messages(recovered, [to(), to("C2")], NOON)
    assert shown(queued.rows) == [("C2", "run_ended", "post")]
    assert [told.channel for told in queued.run.channels] == ["C1", "C2"]


def test_keys_are_unique() -> None:
    """No two rows of a run share a key, so that none is taken for the other."""
    first = root_messages(Run.begin(run(facts("Failed", details=STORY)), RETRIED), [to(), to("C2")], NOON)
    second = attempt_messages(
        first.run.with_attempt(facts("Failed", NOON + minutes(13)), is_late=False), NOON
    )
    rows = (*first.rows, *second.rows, *missing_attempt_messages(second.run.without_retry(), NOON).rows)
    assert len({row.key for row in rows}) == len(rows)
    assert all(row.placement is not Placement.EDIT or row.root_key for row in rows)


def test_one_ping_for_each_target() -> None:
    """Of several channels that name the same group the first pings it; another group has its own ping."""
    first = Run.begin(run(facts("Failed")), None)
    queued = root_messages(first, [to("C1"), to("C2"), to("C3", mention="S2")], NOON)
    assert mentions(queued.rows) == ["S1", None, "S2"]
    later = root_messages(queued.run, [to("C4", mention="S2")], NOON)
    assert mentions(later.rows) == [None]


def test_nobody_is_pinged_for_their_own_press() -> None:
    """The person who began the run knows of it; another one is mentioned all the same."""
    own = Run.begin(run(facts("Failed", started_by="U1", started_operation="start")), None)
    queued = root_messages(own, [to("C1", mention="U1"), to("C2", mention="U2")], NOON)
    assert mentions(queued.rows) == [None, "U2"]
