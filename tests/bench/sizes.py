"""How much is measured: enough for a figure, or just enough to see that it can be measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts, and seconds where a name says so.

    `executes`: every bot that is timed is started as in production, and not forked from a process that has
    loaded the code. `at_once`: so many measurements; what is meant to be right is measured alone.
    """

    completions: int = 200
    kills: int = 20
    ends: int = 20
    small_storm_failures: int = 500
    storm_failures: int = 2_000
    storm_seconds: float = 30.0
    storm_poll_seconds: float = 5.0
    poll_seconds: float = 20.0
    catch_up_jobs: int = 2_000
    catch_up_sessions: int = 20_000
    lost_replies: int = 40
    too_fast: int = 5
    few_waiting: int = 400
    many_waiting: int = 40_000
    claims: int = 40
    few_jobs: int = 100
    many_jobs: int = 10_000
    fetches: int = 9
    polls: int = 40
    matchings: int = 15
    digest_jobs: int = 1_000
    digests: int = 9
    commands: int = 100
    first_sights: int = 20
    in_flight: int = 200
    further_acks: int = 100
    crowds: int = 3
    drops: int = 5
    starts: int = 5
    servers: int = 300
    stall_jobs: int = 50_000
    stall_ends: int = 2_000
    idle_seconds: float = 20.0
    executes: bool = True
    at_once: int = 1


QUICK = Sizes(
    completions=16,
    kills=1,
    ends=3,
    small_storm_failures=10,
    storm_failures=20,
    storm_seconds=3.0,
    storm_poll_seconds=0.5,
    poll_seconds=1.5,
    catch_up_jobs=10,
    catch_up_sessions=50,
    lost_replies=4,
    too_fast=1,
    few_waiting=40,
    many_waiting=400,
    claims=2,
    few_jobs=20,
    many_jobs=200,
    fetches=1,
    polls=2,
    matchings=1,
    digest_jobs=50,
    digests=1,
    commands=3,
    first_sights=2,
    in_flight=5,
    further_acks=5,
    crowds=1,
    drops=1,
    starts=1,
    servers=5,
    stall_jobs=100,
    stall_ends=20,
    idle_seconds=0.5,
    executes=False,
    at_once=3,
)
