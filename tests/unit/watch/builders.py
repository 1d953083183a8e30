"""Sessions, runs and completions for tests of the watch, with only what matters spelt out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.settings import ChannelId, RouteSettings, ServerName
from bot.veeam import JobId, Session, SessionGroup, SessionId, SessionResult
from bot.watch.routing import Completion
from bot.watch.run_facts import RunFacts, SessionFacts

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HQ = ServerName("hq")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def session(session_type: str = "BackupJob", result: str = "Success", **more: Any) -> Session:
    given: dict[str, Any] = {
        "id": SessionId("s1"),
        "name": "SQL",
        "job_id": JobId("j1"),
        "session_type": session_type,
        "creation_time": NOON - minutes(5),
        "end_time": NOON,
        "state": "Stopped",
        "result": SessionResult(result=result),
        **more,
    }
    return Session(**given)


def facts(result: str = "Failed", ended: datetime = NOON, **more: Any) -> SessionFacts:
    given: dict[str, Any] = {
        "session_id": SessionId(f"s-{ended:%H%M}"),
        "session_type": "BackupJob",
        "result": result,
        "created_at": ended - minutes(3),
        "ended_at": ended,
        **more,
    }
    return SessionFacts(**given)


def run(*attempts: SessionFacts, **more: Any) -> RunFacts:
    given: dict[str, Any] = {
        "server": HQ,
        "job_id": JobId("j1"),
        "job_name": "SQL",
        "attempts": attempts,
        **more,
    }
    return RunFacts(**given)


def completion(**more: Any) -> Completion:
    given: dict[str, Any] = {
        "server": HQ,
        "job_name": "SQL Prod",
        "session_type": "BackupJob",
        "group": SessionGroup.JOB_RUN,
        "result": "Failed",
        "job_type": "VSphereBackup",
        **more,
    }
    return Completion(**given)


def route_to(channel: str = "C0PROD", **more: Any) -> RouteSettings:
    return RouteSettings(channel=ChannelId(channel), **more)
