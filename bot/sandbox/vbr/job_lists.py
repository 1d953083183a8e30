"""GET /jobs, /jobs/states and /jobs/{id}: filters, order and pages."""

import json
from collections.abc import Callable, Iterator

from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.progress import repository_of
from bot.sandbox.vbr.query import name_matcher
from bot.sandbox.vbr.refusals import bad_request
from bot.sandbox.vbr.rows import job_result, job_state_row, job_status, repository_name
from bot.sandbox.vbr.state import Job

_Test = Callable[[Job], bool]


def list_jobs(call: RestCall) -> Reply:
    """GET /jobs: JobModels; types that the revision cannot model are left out."""
    query, revision = call.query, call.revision
    jobs = [job for job in call.world.jobs if revision.models(job.type)]
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        jobs = [job for job in jobs if matches((job.name, job.description, job.type))]
    if (kind := query.word("typeFilter", revision.values("EJobType"))) is not None:
        jobs = [job for job in jobs if revision.job_type(job.type) == kind]
    jobs = query.ordered(
        jobs,
        {
            "Name": lambda job: job.name.casefold(),
            "Type": lambda job: job.type,
            "Description": lambda job: job.description.casefold(),
        },
    )
    return listing([revision.written(job.model) for job in query.page().of(jobs)], len(jobs), call)


def list_job_states(call: RestCall) -> Reply:
    """GET /jobs/states: JobStateModels of all jobs, each row encoded once until it changes."""
    tests = list(_tests(call))
    jobs = [job for job in _expressible(call) if all(test(job) for test in tests)]
    world = call.world
    jobs = call.query.ordered(
        jobs,
        {
            "Name": lambda job: job.name.casefold(),
            "Type": lambda job: job.type,
            "Status": lambda job: job_status(world, job),
            "LastRun": lambda job: job.last_run,
            "LastResult": lambda job: job_result(world, job),
            "NextRun": lambda job: job.next_run,
            "Description": lambda job: job.description.casefold(),
            "RepositoryId": repository_of,
            "ObjectsCount": lambda job: job.objects_count,
            "RepositoryName": lambda job: repository_name(world, job),
            "AfterJobName": lambda job: job.predecessor,
        },
    )
    rows = [_encoded(call, job) for job in call.query.page().of(jobs)]
    frame = listing([], len(jobs), call).payload["pagination"] | {"count": len(rows)}
    pagination = json.dumps(frame).encode()
    return Reply(200, b'{"data":[' + b",".join(rows) + b'],"pagination":' + pagination + b"}")


def get_job(call: RestCall) -> Reply:
    """GET /jobs/{id}: the whole JobModel."""
    return Reply(200, call.revision.written(modelled_job(call).model))


def modelled_job(call: RestCall) -> Job:
    """The job that the path names; a 400 where the revision has no model of its type."""
    job = call.job()
    if not call.revision.models(job.type):
        raise bad_request("Specify job of supported platform type.")
    return job


def _expressible(call: RestCall) -> Iterator[Job]:
    return (job for job in call.world.jobs if call.revision.job_type(job.type) is not None)


def _encoded(call: RestCall, job: Job) -> bytes:
    row = job.rows.get(call.revision.name)
    if row is None:
        row = json.dumps(job_state_row(call.world, job, call.revision)).encode()
        job.rows[call.revision.name] = row
    return row


def _tests(call: RestCall) -> Iterator[_Test]:
    query, world, revision = call.query, call.world, call.revision
    if (job_id := query.uuid("idFilter")) is not None:
        yield lambda job: job.id == job_id
    if (kind := query.word("typeFilter", revision.values("EJobType"))) is not None:
        yield lambda job: revision.job_type(job.type) == kind
    if (result := query.word("lastResultFilter", call.revision.values("ESessionResult"))) is not None:
        yield lambda job: job_result(world, job) == result
    if (status := query.word("statusFilter", revision.values("EJobStatus"))) is not None:
        yield lambda job: revision.status(job_status(world, job)) == status
    if (workload := query.word("workloadFilter", revision.values("EJobWorkload"))) is not None:
        yield lambda job: revision.workload(KINDS[job.type].workload) == workload
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        yield lambda job: matches((job.name, job.description, job.type, repository_name(world, job)))
    yield from _time_tests(call)
    yield from _property_tests(call)


def _time_tests(call: RestCall) -> Iterator[_Test]:
    if (after := call.query.moment("lastRunAfterFilter")) is not None:
        yield lambda job: job.last_run is not None and job.last_run >= after
    if (before := call.query.moment("lastRunBeforeFilter")) is not None:
        yield lambda job: job.last_run is not None and job.last_run <= before


def _property_tests(call: RestCall) -> Iterator[_Test]:
    query, world = call.query, call.world
    if (is_high := query.boolean("isHighPriorityJobFilter")) is not None:
        yield lambda job: bool(job.model.get("isHighPriority")) == is_high
    if (repository_id := query.uuid("repositoryIdFilter")) is not None:
        yield lambda job: repository_of(job) == repository_id
    if (count := query.integer("objectsCountFilter")) is not None:
        yield lambda job: job.objects_count == count
    if (after_name := query.text("afterJobNameFilter")) is not None:
        yield lambda job: job.predecessor == after_name
    if (after_id := query.uuid("afterJobIdFilter")) is not None:
        predecessor = world.book.jobs.get(after_id)
        yield lambda job: predecessor is not None and job.predecessor == predecessor.name


JOB_LISTS = (
    Operation("GET", "/api/v1/jobs", list_jobs),
    Operation("GET", "/api/v1/jobs/states", list_job_states),
    Operation("GET", "/api/v1/jobs/{id}", get_job),
)
