"""The measurements run, whatever they find: beside other tests their figures mean nothing."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

EXPECTED = (
    "killed_twice",
    "killed_lost",
    "killed_pg_twice",
    "killed_pg_lost",
    "replicas_twice",
    "replicas_lost",
    "reply_lost_twice",
    "retry_after",
    "end_to_slack",
    "poll_to_slack",
    "storm_of_some_first_root",
    "storm_of_some_whole",
    "storm_of_some_roots",
    "storm_of_some_replies",
    "storm_first_root",
    "storm_whole",
    "storm_roots",
    "storm_replies",
    "catch_up",
    "claim_cost",
    "job_states",
    "idle_poll_requests",
    "idle_poll_cost",
    "expectations_requests",
    "expectations_cost",
    "expectations_poll_requests",
    "expectations_minute",
    "many_stars",
    "named_causes",
    "wrong_causes",
    "missed_causes",
    "digest_cost",
    "digest_causes",
    "digest_lines",
    "jobs_failed_p50",
    "jobs_failed_p95",
    "jobs_failed_anew_p95",
    "ack_in_flight_socket",
    "ack_at_once_socket",
    "ack_in_flight_http",
    "ack_at_once_http",
    "dropped_both",
    "dropped_one",
    "refreshed",
    "start_new",
    "start_again",
    "memory",
    "memory_new",
    "idle_cpu",
    "longest_stall",
    "servers_ready",
    "servers_failed",
    "servers_cpu",
    "servers_memory",
)


@pytest.mark.timeout(400)
async def test_every_row_is_reported(tmp_path: Path) -> None:
    """The bench measures every row, prints it, and writes it with the machine it was measured on."""
    out = tmp_path / "bench.json"
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench", "--quick", "--out", str(out)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await bench.communicate())[0].decode()
    assert bench.returncode == 0, printed
    report = json.loads(out.read_text(encoding="utf-8"))
    assert tuple(figure["key"] for figure in report["figures"]) == EXPECTED
    assert report["machine"].keys() >= {"cores", "python"}
    assert "start to ready" in printed
