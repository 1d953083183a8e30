"""Which channels are told a completion."""

from typing import Any

import pytest

from bot.settings import PollingSettings, RouteResult, RouteSettings, Threads
from bot.veeam import REVISIONS, SessionGroup
from bot.watch.routing import (
    Destination,
    RouteDecision,
    RouteReason,
    SkipReason,
    Subscriber,
    WatchRules,
    takes,
)
from bot.watch.sessions import polled_types
from tests.unit.watch.builders import HQ, completion, route_to

EVERY_RESULT = tuple(RouteResult)


@pytest.mark.parametrize(
    ("rule", "ended", "expected"),
    [
        ({}, {}, True),
        ({}, {"result": "Warning"}, True),
        ({}, {"result": "Success"}, False),
        ({}, {"result": "failed"}, True),
        ({}, {"result": "None"}, False),
        ({}, {"result": "Exploded"}, True),
        ({"results": ("Failed",)}, {"result": "Exploded"}, False),
        ({"results": ("Success",)}, {"result": "Success"}, True),
        ({"servers": ("hq",)}, {}, True),
        ({"servers": ("H?",)}, {}, True),
        ({"servers": ("dr", "site-*")}, {}, False),
        ({"jobs": ("sql*", "Oracle*")}, {}, True),
        ({"jobs": ("sql",)}, {}, False),
        ({"jobs": ("[Prod] SQL",)}, {"job_name": "[prod] SQL"}, True),
        ({"jobs": ("[Prod] *",)}, {"job_name": "[prod] SQL"}, True),
        ({"jobs": ("[Prod] *",)}, {"job_name": "P SQL"}, False),
        ({"types": ("BackupJob",)}, {}, True),
        ({"types": ("vspherebackup",)}, {}, True),
        ({"types": ("ReplicaJob",)}, {}, False),
        ({"types": ("ReplicaJob",)}, {"job_type": None}, False),
        ({}, {"group": SessionGroup.LOG_BACKUP, "session_type": "SqlLogBackup"}, True),
        ({}, {"group": SessionGroup.RESTORE, "session_type": "RestoreVm"}, False),
        ({"types": ("RestoreVm",)}, {"group": SessionGroup.RESTORE, "session_type": "RestoreVm"}, True),
        ({"types": ("Failover",)}, {"group": SessionGroup.FAILOVER, "session_type": "Failover"}, True),
        ({}, {"group": SessionGroup.SECURITY, "session_type": "MalwareDetection"}, False),
    ],
)
def test_takes(rule: dict[str, Any], ended: dict[str, Any], *, expected: bool) -> None:
    """A route takes what fits its servers, jobs, types and results, letter case aside."""
    assert takes(route_to(**rule), completion(**ended)) is expected


def rules_of(routes: list[RouteSettings], default_channel: str | None) -> WatchRules:
    return WatchRules(tuple(routes), default_channel, PollingSettings())


def told(channel: str, **more: Any) -> Destination:
    given = {"threads": Threads.THREAD, "mention": None, "reason": RouteReason.ROUTE, **more}
    return Destination(channel=channel, **given)


DEFAULT = told("C0BACKUPS", reason=RouteReason.DEFAULT_CHANNEL)


@pytest.mark.parametrize(
    ("rules", "ended", "expected"),
    [
        ([], {}, RouteDecision((DEFAULT,))),
        ([], {"result": "Success"}, RouteDecision((), SkipReason.WELL)),
        ([], {"result": "Warning"}, RouteDecision((DEFAULT,))),
        ([], {"result": "Quarantined"}, RouteDecision((DEFAULT,))),
        ([], {"result": "None"}, RouteDecision((DEFAULT,))),
        ([], {"group": SessionGroup.RESTORE}, RouteDecision((), SkipReason.NO_ROUTE)),
        ([route_to()], {}, RouteDecision((told("C0PROD"),))),
        ([route_to()], {"result": "Success"}, RouteDecision((), SkipReason.WELL)),
        ([route_to(results=("Failed",))], {"result": "Warning"}, RouteDecision((DEFAULT,))),
        ([route_to(), route_to("C0ALL")], {}, RouteDecision((told("C0PROD"), told("C0ALL")))),
        (
            [route_to(mention="S0FIRST"), route_to(mention="S0SECOND", threads="flat")],
            {},
            RouteDecision((told("C0PROD", mention="S0FIRST"),)),
        ),
        (
            [route_to(jobs=("x",), mention="S0FIRST"), route_to(mention="S0SECOND", threads="flat")],
            {},
            RouteDecision((told("C0PROD", mention="S0SECOND", threads=Threads.FLAT),)),
        ),
        ([route_to(own_actions=False)], {"started_in": "C0PROD"}, RouteDecision((), SkipReason.OWN_ACTION)),
        ([route_to(own_actions=False)], {"started_in": "C0ELSE"}, RouteDecision((told("C0PROD"),))),
        ([route_to(own_actions=True)], {"started_in": "C0PROD"}, RouteDecision((told("C0PROD"),))),
        (
            [route_to(own_actions=False), route_to("C0ALL", own_actions=False)],
            {"started_in": "C0PROD"},
            RouteDecision((told("C0ALL"),)),
        ),
    ],
)
def test_route(rules: list[RouteSettings], ended: dict[str, Any], expected: RouteDecision) -> None:
    """Every matching route gets one, a channel once; the default channel, all else but successes."""
    assert rules_of(rules, "C0BACKUPS").route(completion(**ended)) == expected


BOTH = (RouteResult.FAILED, RouteResult.WARNING)
SUBSCRIBED = told("C0DBA", reason=RouteReason.SUBSCRIPTION)


@pytest.mark.parametrize(
    ("routes", "subscribers", "ended", "expected"),
    [
        ([], [Subscriber(1, "C0DBA", BOTH), Subscriber(2, "C0DBA", BOTH)], {}, RouteDecision((SUBSCRIBED,))),
        ([], [Subscriber(1, "C0DBA", BOTH)], {"result": "Success"}, RouteDecision((), SkipReason.WELL)),
        (
            [],
            [Subscriber(1, "C0DBA", BOTH)],
            {"group": SessionGroup.RESTORE},
            RouteDecision((), SkipReason.NO_ROUTE),
        ),
        ([], [Subscriber(1, "C0DBA", BOTH, is_held=True)], {}, RouteDecision((), SkipReason.HELD, held=(1,))),
        (
            [],
            [Subscriber(1, "C0DBA", BOTH, is_held=True), Subscriber(2, "C0DBA", BOTH)],
            {},
            RouteDecision((SUBSCRIBED,)),
        ),
        (
            [route_to("C0DBA", mention="S0FIRST")],
            [Subscriber(1, "C0DBA", BOTH, is_held=True), Subscriber(2, "C0DBA", BOTH)],
            {},
            RouteDecision((told("C0DBA", mention="S0FIRST"),)),
        ),
        ([route_to()], [Subscriber(1, "C0DBA", BOTH)], {}, RouteDecision((told("C0PROD"), SUBSCRIBED))),
        (
            [
                route_to("C0DBA", mention="S0FIRST", failures_in_a_row=3),
                route_to("C0DBA", failures_in_a_row=5),
            ],
            [Subscriber(1, "C0DBA", BOTH)],
            {},
            RouteDecision((told("C0DBA", mention="S0FIRST", failures_in_a_row=3), SUBSCRIBED)),
        ),
    ],
)
def test_subscribers_are_routes(
    routes: list[RouteSettings],
    subscribers: list[Subscriber],
    ended: dict[str, Any],
    expected: RouteDecision,
) -> None:
    """A subscription claims what it takes, a channel is told once, and one that waits is told nothing yet."""
    asked = completion(subscribers=tuple(subscribers), **ended)
    assert rules_of(routes, "C0BACKUPS").route(asked) == expected


def test_no_default_channel() -> None:
    """Without a default channel nobody is told what no route takes."""
    assert rules_of([], None).route(completion()) == RouteDecision((), SkipReason.NO_ROUTE)


def test_channels_of_a_server() -> None:
    """A server's own news go to the channels of its routes and to the default one, each once."""
    rules = [
        route_to("C0A", servers=("hq",)),
        route_to("C0B", servers=("dr",)),
        route_to("C0A"),
        route_to("C0D"),
    ]
    assert rules_of(rules, "C0D").channels_of(HQ) == ("C0A", "C0D")
    assert rules_of(rules, None).channels_of(HQ) == ("C0A", "C0D")


@pytest.mark.parametrize(
    ("types", "beside"),
    [
        ((), set()),
        (("restorevm", "VSphereBackup"), {"RestoreVm"}),
        (("Infrastructure", "MalwareDetection"), {"Infrastructure", "MalwareDetection"}),
        (("HaSwitchover", "deletebackup"), {"DeleteBackup"}),
        (("FileInstantRecovery",), set()),
    ],
)
def test_asked_types(types: tuple[str, ...], beside: set[str]) -> None:
    """A server is asked for job runs and log backups, and for what a route names that its revision knows."""
    revision = REVISIONS["1.3-rev0"]
    asked = polled_types(revision, [route_to(types=types)])
    assert set(asked) - set(polled_types(revision, ())) == beside


def test_asked_types_of_a_newer_revision() -> None:
    """A type that came with a later revision is asked for there."""
    asked = polled_types(REVISIONS["1.3-rev1"], [route_to(types=("FileInstantRecovery",))])
    assert "FileInstantRecovery" in asked
