"""What a digest costs beside reading it: CPU time of finding out how the jobs stand, and of drawing that."""

import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bot.settings import ServerName
from bot.slack.views.day_grid import digest_days
from bot.slack.views.report import digest_jobs, digest_root
from bot.veeam import (
    JobId,
    JobState,
    KnownOfJobs,
    Report,
    ReportPeriod,
    ServerReport,
    Session,
    report_over,
    with_groups,
)
from bot.veeam.job_histories import PastRuns, histories
from bot.veeam.reports import findings_of
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.sizes import Sizes
from tests.support.failure_texts import KNOWN_CAUSES

_HQ = ServerName("hq")
_NIGHTS = 14
_NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
_PERIOD = ReportPeriod(since=_NOW - timedelta(days=1), until=_NOW, zone=UTC)
_AT_MOST_TIMES_THE_FLOOR = 4.0
_LINES_AT_MOST = 12


_TEXTS = tuple({cause: text for text, cause in KNOWN_CAUSES}.values())[:30]
"""Of as many causes."""


async def digest_cost(sizes: Sizes) -> list[Figure]:
    """Make and draw a digest of jobs of which a tenth fails, from sessions as a client has decoded them."""
    rows = [_row(job, night) for night in range(_NIGHTS) for job in range(sizes.digest_jobs)]
    text = json.dumps(rows)
    sessions = [msgspec.convert(row, Session) for row in rows]
    states = [
        JobState(id=JobId(_id(job)), name=f"Job {job:05}", last_result="Success")
        for job in range(sizes.digest_jobs)
    ]
    floors, costs = list[float](), list[float]()
    lines = causes = 0
    for number in range(sizes.digests + 1):
        began = time.process_time()
        assert len(json.loads(text)) == len(rows)
        read = time.process_time()
        made = _digest(states, sessions)
        lines = digest_root(made).text.count("\n") + 1
        causes = made.findings.causes_total
        for drawn in (digest_jobs(made), digest_days(made)):
            assert drawn.blocks
        done = time.process_time()
        if number:
            floors.append(1000 * (read - began))
            costs.append(1000 * (done - read))
    facts = {"jobs": sizes.digest_jobs, "nights": _NIGHTS, "milliseconds": costs, "floor": floors}
    what = f"digest of {sizes.digest_jobs:,} jobs"
    return [
        Figure(
            "digest_cost",
            f"{what}, {_NIGHTS} nights of sessions, found out and drawn, CPU",
            statistics.median(costs),
            "ms",
            aim=Aim(_AT_MOST_TIMES_THE_FLOOR, of_ratio=True),
            floor=Floor(statistics.median(floors), "its sessions through json.loads"),
            facts=facts,
        ),
        Figure("digest_causes", f"{what}: causes that its failing jobs have", causes, facts=facts),
        Figure("digest_lines", f"{what}: lines of its message", lines, aim=Aim(_LINES_AT_MOST), facts=facts),
    ]


def _digest(states: list[JobState], sessions: list[Session]) -> Report:
    past = PastRuns(_PERIOD.until)
    past.add(sessions)
    jobs = list(histories(states, past, _PERIOD, read_since=_PERIOD.reach, known_of=KnownOfJobs()))
    found = ServerReport(
        server=_HQ, findings=findings_of(_HQ, jobs, _PERIOD, reasons={}), read_since=_PERIOD.reach
    )
    report, _ = with_groups(report_over([found], [], _PERIOD, at="08:00", as_of=_NOW))
    return report


def _id(number: int) -> str:
    return f"e35ef047-8cfa-4c3e-979e-{number:012}"


def _row(job: int, night: int) -> dict[str, Any]:
    ended = _NOW - timedelta(days=night, hours=3)
    is_failed = job % 10 == 0 and night < job % 7 + 1
    message = _TEXTS[job // 10 % len(_TEXTS)] if is_failed else "Success"
    return {
        "id": _id(1_000_000 * (night + 1) + job),
        "name": f"Job {job:05} (Incremental)",
        "jobId": _id(job),
        "sessionType": "BackupJob",
        "creationTime": (ended - timedelta(minutes=20)).isoformat(),
        "endTime": ended.isoformat(),
        "state": "Stopped",
        "result": {"result": "Failed" if is_failed else "Success", "message": message},
    }
