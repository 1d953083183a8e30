"""Who acknowledged the failed runs of jobs: what lists and answers say beside them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from bot.operations.backend import Backend
from bot.operations.outcomes import JobView
from bot.operations.stored import stored
from bot.settings import ServerName
from bot.veeam import JobId


async def with_owners(backend: Backend, views: Sequence[JobView]) -> tuple[JobView, ...]:
    """Return the jobs with who owns their failures; as they are where the database doesn't answer."""
    by_server: dict[ServerName, list[JobId]] = defaultdict(list)
    for view in views:
        by_server[view.server].append(view.state.id)
    owners: dict[tuple[ServerName, JobId], str] = {}
    for server, job_ids in by_server.items():
        found = await stored(backend.follow_up.owners(server, job_ids), dict[JobId, str]())
        owners |= {(server, job_id): owner for job_id, owner in found.items()}
    return tuple(replace(view, owner=owners.get((view.server, view.state.id))) for view in views)
