"""What task sessions and log records tell."""

import pytest

from bot.veeam import LogRecord, SessionProgress, SessionResult, TaskSession, TaskSessionId
from bot.watch.run_facts import ObjectFacts, SessionDetails
from bot.watch.session_report import PROBLEMS_SHOWN, RECORDS_SHOWN, TEXT_CHARACTERS, details_from


def task(name: str, result: str = "Success", message: str | None = None, **progress: object) -> TaskSession:
    return TaskSession(
        id=TaskSessionId(name),
        name=name,
        state="Stopped",
        result=SessionResult(result=result, message=message),
        progress=SessionProgress(**progress) if progress else None,  # type: ignore[arg-type]  # a test's shorthand
    )


def record(title: str, status: str = "Succeeded") -> LogRecord:
    return LogRecord(title=title, status=status)


def test_nothing_is_told_by_nothing() -> None:
    """A session without objects and log has an empty story, not a broken one."""
    assert details_from((), ()) == SessionDetails()


def test_objects() -> None:
    """Failed objects come before warned ones, each with its own message; all are counted, sizes added."""
    details = details_from(
        [
            task("web", "Warning", " low space ", processed_size=5, read_size=4, transferred_size=3),
            task("db", "failed", "VSS", processed_size=50, read_size=None),
            task("fs", processed_size=None),
            task("x", "Exploded"),
        ],
        (),
    )
    assert details == SessionDetails(
        problems=(
            ObjectFacts(name="db", result="Failed", message="VSS"),
            ObjectFacts(name="web", result="Warning", message="low space"),
        ),
        failed_total=1,
        warned_total=1,
        succeeded_total=1,
        objects_total=4,
        processed_bytes=55,
        read_bytes=4,
        transferred_bytes=3,
    )


def test_records() -> None:
    """Failed records come before warnings, in the log's order, each text once; the rest is left out."""
    details = details_from(
        (),
        [
            record("started"),
            record("low space", "Warning"),
            record("disk gone", "Failed"),
            record("", "Failed"),
            record("job failed", "failed"),
            record("disk gone", "Failed"),
        ],
    )
    assert details.records == ("disk gone", "job failed", "low space")


@pytest.mark.parametrize(
    ("titles", "bottlenecks", "expected"),
    [
        (["Primary bottleneck: Source"], ["Target"], "Source"),
        (["Load: Source 86% > Proxy 54% > Network 56% > Target 42%"], [], "Source"),
        (["Load: Source 6% > Proxy 54% > Network 99% > Target 42%"], [], "Network"),
        (["Load: Source 86% > Proxy 4%", "Primary bottleneck: Proxy"], [], "Proxy"),
        (["Primary bottleneck: Proxy", "Load: Source 86% > Proxy 4%"], [], "Proxy"),
        (["Workload: 5% done", "Primary bottleneck: None"], ["NotDefined", "None"], None),
        ([], ["Proxy", "Target", "Target", "NotDefined"], "Target"),
        ([], [], None),
    ],
)
def test_bottleneck(titles: list[str], bottlenecks: list[str], expected: str | None) -> None:
    """The log's word counts, else the one that most objects name."""
    tasks = [task(f"vm{number}", bottleneck=word) for number, word in enumerate(bottlenecks)]
    assert details_from(tasks, [record(title) for title in titles]).bottleneck == expected


def test_long_stories_are_cut() -> None:
    """Lists and texts are cut to what the outbox keeps; the totals are not."""
    details = details_from(
        [task(f"vm{number}", "Failed", "x" * 5000) for number in range(100)],
        [record(f"{number}" + "y" * 5000, "Failed") for number in range(100)],
    )
    assert (len(details.problems), details.failed_total) == (PROBLEMS_SHOWN, 100)
    assert len(details.records) == RECORDS_SHOWN
    message = details.problems[0].message or ""
    assert len(message) == TEXT_CHARACTERS
    assert message.count("…") == 1


def test_a_long_text_keeps_its_end() -> None:
    """What went wrong stands at the end of a long text of VBR's: its middle is cut."""
    details = details_from([task("db", "Failed", "Tried " + "x" * 5000 + " for read.")], ())
    message = details.problems[0].message or ""
    assert message.startswith("Tried x")
    assert message.endswith("for read.")
    assert len(message) == TEXT_CHARACTERS


@pytest.mark.parametrize(
    "repeated",
    [
        "Failed to freeze guest, wait timeout",
        "Processing sql02 Error: Failed to freeze guest, wait timeout",
        "Processing sql02",
        "Low on space.",
        "Job finished with error at 11/23/2026 3:30:00 AM",
        "Job finished at 23.11.2026 03:30:00",
    ],
)
def test_a_log_line_that_says_nothing_new_is_left_out(repeated: str) -> None:
    """A line that repeats an object's or the session's message, or tells the server's clock, is no record."""
    tasks = [task("sql02", "Failed", "Failed to freeze guest, wait timeout")]
    lines = [record(repeated, "Failed"), record("Network path was not found", "Failed")]
    assert details_from(tasks, lines, "Low on space").records == ("Network path was not found",)
