"""Which jobs hold a machine, as far as VBR says.

A job's own list names machines, and folders, tags, hosts or groups that stand for all in them; VBR's API does
not say what is in these. So restore points are asked as well: a machine that a job covers through a container
is found once the job made one of it. Both reads are details: what one lacks, the other may have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot import veeam
from bot.operations.matching import fits, fold, pick
from bot.operations.model import Visibility
from bot.operations.vbr_lists import name_filter, scanned, where_there

CONTENTS_AT_MOST = 2_000
CONTENTS_ASKED_SINGLY = 50
POINTS_AT_MOST = 500
BACKUPS_AT_MOST = 25
_OF_MACHINES = frozenset(
    {
        *(veeam.Source.VSPHERE, veeam.Source.HYPERV),
        *(veeam.Source.CLOUD_DIRECTOR, veeam.Source.WINDOWS),
        *(veeam.Source.LINUX, veeam.Source.CLUSTERS),
    }
)


@dataclass(frozen=True, slots=True)
class Held:
    """How a job holds a machine: in its own list of objects, by a restore point, or both."""

    machine: str
    is_listed: bool = False
    newest_point: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holders:
    """The jobs of one server that hold a machine, by ID in lower case.

    `names` are all names that were compared: machines, and containers that jobs list. `is_cut` where not all
    lists of jobs or not all restore points were looked at; the lists of `unread` jobs are unknown; `orphaned`
    are backups of no job.
    """

    jobs: Mapping[str, Held] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    is_cut: bool = False
    unread: int = 0
    orphaned: int = 0


async def holders_of(server: veeam.VeeamServer, machine: str, visibility: Visibility) -> Holders:
    """Return the jobs that hold the machine of this name or, where none is called so, with such a part.

    Jobs that the person may not know of count for nothing, nor do the names in them.
    """
    details = veeam.Detail
    async with veeam.at_once() as group:
        listing = group.create_task(veeam.detail(details.JOB_SETTINGS, server.name, _contents(server), None))
        points = group.create_task(
            veeam.detail(details.RESTORE_POINTS, server.name, _points(server, machine), None)
        )
    contents = listing.result() or _Contents()
    page = points.result()
    seen = [job for job in contents.jobs if visibility.sees(server.name, job.name)]
    newest = [point for point in (page.rows if page is not None else ()) if fits(machine, point.name)]
    backups = [*dict.fromkeys(point.backup_id for point in newest)]
    jobs_of = await _jobs_of(server, backups[:BACKUPS_AT_MOST])
    sees_all = visibility.sees_all(server.name)
    ids = {job.id.casefold() for job in seen}
    # Newest first: the first one of a job is its newest.
    made = [
        (job_id, point)
        for point in newest
        if (job_id := jobs_of.get(point.backup_id)) is not None and (sees_all or job_id in ids)
    ]
    known = {name for job in seen for name in job.included} | {point.name for _, point in made}
    meant = set(pick(machine, sorted(known), str))
    jobs: dict[str, Held] = {}
    for job_id, point in made:
        if point.name in meant:
            jobs.setdefault(job_id, Held(point.name, newest_point=point.creation_time))
    for job in seen:
        listed = next((name for name in job.included if name in meant), None)
        before = jobs.get(job.id.casefold())
        if listed is not None:
            jobs[job.id.casefold()] = Held(listed, True, before.newest_point if before is not None else None)
        elif before is not None and fold(before.machine) in map(fold, job.excluded):
            del jobs[job.id.casefold()]
    has_more = page is not None and page.total is not None and page.total > page.received
    return Holders(
        jobs,
        frozenset(known),
        is_cut=contents.is_cut or has_more or len(backups) > BACKUPS_AT_MOST,
        unread=contents.unread if sees_all else 0,
        orphaned=sum(1 for job_id in jobs_of.values() if job_id is None) if sees_all else 0,
    )


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the jobs process, and whose lists are not among it."""

    jobs: tuple[veeam.JobContents, ...] = ()
    is_cut: bool = False
    unread: int = 0


async def _contents(server: veeam.VeeamServer) -> _Contents:
    async def ask(skip: int, limit: int) -> veeam.Page[veeam.JobContents]:
        return await server.list_job_contents(skip=skip, limit=limit)

    listed = await scanned(ask, lambda _: True, at_most=CONTENTS_AT_MOST)
    # Some servers leave the objects out of the list.
    bare = [job for job in listed.rows if veeam.source_of(job.type) in _OF_MACHINES and not job.names_objects]
    async with veeam.at_once() as group:
        reads = [
            group.create_task(where_there(server.job_contents(job.id)))
            for job in bare[:CONTENTS_ASKED_SINGLY]
        ]
    found = {job.id: job for read in reads if (job := read.result()) is not None}
    jobs = tuple(found.get(job.id, job) for job in listed.rows)
    return _Contents(jobs, not listed.is_exact, len(bare) - len(found))


async def _points(server: veeam.VeeamServer, machine: str) -> veeam.Page[veeam.RestorePoint]:
    query = veeam.RestorePointsQuery(
        name=name_filter(machine), order_by="CreationTime", ascending=False, limit=POINTS_AT_MOST
    )
    return await server.restore_points(query)


async def _jobs_of(server: veeam.VeeamServer, backup_ids: Sequence[str]) -> Mapping[str, str | None]:
    """The job that each backup is of, None for one of no job; a backup that cannot be read is left out."""
    async with veeam.at_once() as group:
        reads = [
            group.create_task(
                veeam.detail(
                    veeam.Detail.RESTORE_POINTS, server.name, where_there(server.backup(backup_id)), None
                )
            )
            for backup_id in backup_ids
        ]
    backups = zip(backup_ids, (read.result() for read in reads), strict=True)
    return {
        backup_id: None if backup.is_orphaned or backup.job_id is None else backup.job_id.casefold()
        for backup_id, backup in backups
        if backup is not None
    }
