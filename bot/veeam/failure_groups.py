"""The failing jobs of one cause, as the buttons of a digest or a report act on them together. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from bot.settings import ServerName
from bot.veeam.ids import JobId, SessionId
from bot.veeam.reports import GROUP_AT_MOST, LISTED_JOBS, FailureCause, Report, ReportedJob

GROUPS_AT_MOST = 10
"""So many causes of a report, its first, have buttons for all their jobs."""
_ID_CHARACTERS = 24


class GroupedJob(msgspec.Struct, frozen=True, array_like=True):
    """A job that was failing: its last session then was `session_id`."""

    server: ServerName
    job_id: JobId
    name: str
    session_id: SessionId | None = None


def jobs_from_json(text: str) -> tuple[GroupedJob, ...] | None:
    """Return the jobs of a group that was kept; None where another version of the bot wrote them."""
    try:
        return msgspec.json.decode(text, type=tuple[GroupedJob, ...])[:GROUP_AT_MOST]
    except msgspec.MsgspecError:
        return None


def with_groups(report: Report) -> tuple[Report, Mapping[str, str]]:
    """Return the report with its lists cut to what is named, and the jobs of its groups, to be kept by ID.

    A group has the jobs of a cause that can be retried; a single one has a button of its own. Its ID follows
    from their failures: wherever the same ones are named, it is the same.
    """
    causes, groups = [], {}
    for number, whole in enumerate(report.findings.causes):
        cause = msgspec.structs.replace(whole, jobs=whole.jobs[:LISTED_JOBS])
        can_retry = [job for job in whole.jobs if job.can_retry][:GROUP_AT_MOST]
        if number < GROUPS_AT_MOST and len(can_retry) > 1:
            group = _id_of(can_retry)
            groups[group] = _to_json(can_retry)
            cause = msgspec.structs.replace(cause, group=group, group_total=len(can_retry))
        causes.append(cause)
    return _with_causes(report, causes), groups


def without_groups(report: Report) -> Report:
    """Return the report without what only its buttons need."""
    causes = (msgspec.structs.replace(cause, group=None, group_total=0) for cause in report.findings.causes)
    return _with_causes(report, causes)


def _with_causes(report: Report, causes: Iterable[FailureCause]) -> Report:
    findings = msgspec.structs.replace(report.findings, causes=tuple(causes))
    return msgspec.structs.replace(report, findings=findings)


def _to_json(jobs: Iterable[ReportedJob]) -> str:
    members = [GroupedJob(job.server, job.job_id, job.name, job.session_id) for job in jobs]
    return msgspec.json.encode(members).decode()


def _id_of(jobs: Sequence[ReportedJob]) -> str:
    failures = sorted((job.server, job.job_id, job.session_id or "") for job in jobs)
    return hashlib.sha256(msgspec.json.encode(failures)).hexdigest()[:_ID_CHARACTERS]
