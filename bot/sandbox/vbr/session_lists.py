"""Sessions and task sessions: lists, single ones, logs, and the abrupt stop."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.logs import session_log, task_log
from bot.sandbox.vbr.query import Query, name_matcher
from bot.sandbox.vbr.refusals import bad_request
from bot.sandbox.vbr.rows import session_row, task_session_row
from bot.sandbox.vbr.state import Session, TaskSession

_SessionTest = Callable[[Session], bool]
_TaskTest = Callable[[TaskSession], bool]


def list_sessions(call: RestCall) -> Reply:
    """GET /sessions; newest first unless an order is asked for."""
    tests = [*_session_time_tests(call), *_session_tests(call)]
    known = call.revision.session_types
    sessions = [
        session
        for session in call.world.book.sessions.values()
        if session.type in known and all(test(session) for test in tests)
    ]
    if call.query.text("orderColumn") is None:
        sessions.sort(key=lambda session: session.created_at, reverse=True)
    sessions = call.query.ordered(
        sessions,
        {
            "Name": lambda session: session.name.casefold(),
            "SessionType": lambda session: session.type,
            "CreationTime": lambda session: session.created_at,
            "EndTime": lambda session: session.ended_at,
            "State": lambda session: session.state,
            "Result": lambda session: session.result,
            "InitiatedBy": lambda session: session.initiated_by,
        },
    )
    rows = [session_row(call.world, session, call.revision) for session in call.query.page().of(sessions)]
    return listing(rows, len(sessions), call)


def get_session(call: RestCall) -> Reply:
    """GET /sessions/{id}."""
    return Reply(200, session_row(call.world, call.session(), call.revision))


def get_session_logs(call: RestCall) -> Reply:
    """GET /sessions/{id}/logs."""
    return _logs(call, session_log(call.world, call.session(), call.revision))


def stop_session(call: RestCall) -> Reply:
    """POST /sessions/{id}/stop: abrupt; answers with an empty object."""
    session = call.session()
    if session.is_stopped or (session.run is not None and session.run.stop == "now"):
        raise bad_request(f"Session '{session.name}' is not currently running.")
    call.world.life.stop(session, call.world.now(), graceful=False)
    return Reply(200, {})


def list_tasks_of_session(call: RestCall) -> Reply:
    """GET /sessions/{id}/taskSessions: before 1.3-rev1 all at once, whatever the query says."""
    tasks = call.world.book.tasks_of(call.session())
    if call.revision.pages_task_sessions:
        return _listed_tasks(call, tasks)
    rows = [task_session_row(call.world, task, call.revision) for task in tasks]
    return Reply(200, {"data": rows, "pagination": {"total": len(rows), "count": len(rows)}})


def list_task_sessions(call: RestCall) -> Reply:
    """GET /taskSessions."""
    known = call.revision.session_types
    return _listed_tasks(
        call, [task for task in call.world.book.tasks.values() if task.session_type in known]
    )


def _listed_tasks(call: RestCall, among: list[TaskSession]) -> Reply:
    tests = [*_task_time_tests(call.query), *_task_tests(call)]
    tasks = [task for task in among if all(test(task) for test in tests)]
    tasks = call.query.ordered(
        tasks,
        {
            "Name": lambda task: task.name.casefold(),
            "Type": lambda task: task.type,
            "SessionType": lambda task: task.session_type,
            "CreationTime": lambda task: task.starts_at,
            "EndTime": lambda task: task.ends_at if task.is_stopped else None,
            "State": lambda task: task.state,
            "Result": lambda task: task.result,
            "ScanState": lambda task: task.state if task.type == "Antivirus" else None,
            "ScanResult": lambda task: task.scan_result if task.type == "Antivirus" else None,
        },
    )
    rows = [task_session_row(call.world, task, call.revision) for task in call.query.page().of(tasks)]
    return listing(rows, len(tasks), call)


def get_task_session(call: RestCall) -> Reply:
    """GET /taskSessions/{id}."""
    return Reply(200, task_session_row(call.world, call.task_session(), call.revision))


def get_task_session_logs(call: RestCall) -> Reply:
    """GET /taskSessions/{id}/logs."""
    return _logs(call, task_log(call.world, call.task_session(), call.revision))


def _logs(call: RestCall, records: list[dict[str, Any]]) -> Reply:
    status = (
        call.query.word("statusFilter", call.revision.values("ETaskLogRecordStatus"))
        if call.revision.filters_logs
        else None
    )
    if status is not None:
        records = [record for record in records if record["status"] == status]
    return Reply(200, {"totalRecords": len(records), "records": records})


def _session_time_tests(call: RestCall) -> Iterator[_SessionTest]:
    query, quirks = call.query, call.quirks
    if (ended_after := query.moment("endedAfterFilter")) is not None:
        yield (
            lambda session: (
                quirks.ended_after_includes_running
                if session.ended_at is None
                else session.ended_at > ended_after
                or (quirks.ended_after_is_inclusive and session.ended_at == ended_after)
            )
        )
    if (ended_before := query.moment("endedBeforeFilter")) is not None:
        yield lambda session: session.ended_at is not None and session.ended_at <= ended_before
    if (created_after := query.moment("createdAfterFilter")) is not None:
        yield lambda session: session.created_at >= created_after
    if (created_before := query.moment("createdBeforeFilter")) is not None:
        yield lambda session: session.created_at <= created_before


def _session_tests(call: RestCall) -> Iterator[_SessionTest]:
    query = call.query
    if (types := call.several("typeFilter", call.revision.session_types)) is not None:
        yield lambda session: session.type in types
    if (job_id := query.uuid("jobIdFilter")) is not None:
        yield lambda session: session.job_id == job_id
    if (state := query.word("stateFilter", call.revision.values("ESessionState"))) is not None:
        yield lambda session: session.state == state
    if (results := call.several("resultFilter", call.revision.values("ESessionResult"))) is not None:
        yield lambda session: session.result in results
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        yield lambda session: matches((session.name, session.type, session.message, session.initiated_by))


def _task_time_tests(query: Query) -> Iterator[_TaskTest]:
    def ended_at(task: TaskSession) -> datetime | None:
        return task.ends_at if task.is_stopped else None

    if (ended_after := query.moment("endedAfterFilter")) is not None:
        yield lambda task: (end := ended_at(task)) is not None and end >= ended_after
    if (ended_before := query.moment("endedBeforeFilter")) is not None:
        yield lambda task: (end := ended_at(task)) is not None and end <= ended_before
    if (created_after := query.moment("createdAfterFilter")) is not None:
        yield lambda task: task.starts_at >= created_after
    if (created_before := query.moment("createdBeforeFilter")) is not None:
        yield lambda task: task.starts_at <= created_before


def _task_tests(call: RestCall) -> Iterator[_TaskTest]:
    query = call.query
    if (session_id := query.uuid("sessionIdFilter")) is not None:
        yield lambda task: task.session_id == session_id
    if (kind := query.word("typeFilter", call.revision.values("ETaskSessionType"))) is not None:
        yield lambda task: task.type == kind
    if (session_type := query.word("sessionTypeFilter", call.revision.session_types)) is not None:
        yield lambda task: task.session_type == session_type
    if (state := query.word("stateFilter", call.revision.values("ESessionState"))) is not None:
        yield lambda task: task.state == state
    if (result := query.word("resultFilter", call.revision.values("ESessionResult"))) is not None:
        yield lambda task: task.result == result
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        yield lambda task: matches((task.name, task.type, task.message))
    yield from _scan_tests(call)


def _scan_tests(call: RestCall) -> Iterator[_TaskTest]:
    query = call.query
    if (scan_type := query.word("scanTypeFilter", call.revision.values("EAntivirusScanType"))) is not None:
        yield lambda task: task.type == "Antivirus" and scan_type == "Antivirus"
    if (
        scan_result := query.word("scanResultFilter", call.revision.values("EAntivirusScanResult"))
    ) is not None:
        yield lambda task: task.type == "Antivirus" and task.scan_result == scan_result
    if (scan_state := query.word("scanStateFilter", call.revision.values("EAntivirusScanState"))) is not None:
        finished = scan_state == "Finished"
        yield (
            lambda task: (
                task.type == "Antivirus" and scan_state != "NotStarted" and task.is_stopped == finished
            )
        )


SESSIONS = (
    Operation("GET", "/api/v1/sessions", list_sessions),
    Operation("GET", "/api/v1/sessions/{id}", get_session),
    Operation("GET", "/api/v1/sessions/{id}/logs", get_session_logs),
    Operation("POST", "/api/v1/sessions/{id}/stop", stop_session),
    Operation("GET", "/api/v1/sessions/{id}/taskSessions", list_tasks_of_session),
    Operation("GET", "/api/v1/taskSessions", list_task_sessions),
    Operation("GET", "/api/v1/taskSessions/{id}", get_task_session),
    Operation("GET", "/api/v1/taskSessions/{id}/logs", get_task_session_logs),
)
