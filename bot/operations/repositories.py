"""The repositories that jobs write to: scale-out repositories as one, their extents not at all.

VBR lists both apart: states have the extents, and scale-out repositories have no state. Raises `VeeamError`.
"""

from bot.operations.lookup import name_filter, where_there
from bot.veeam import (
    PERFORMANCE_EXTENT,
    JobState,
    RepositoryState,
    RepositoryStatesQuery,
    ScaleOutRepositoriesQuery,
    ScaleOutRepository,
    VeeamServer,
    at_once,
    scale_out_state,
)


async def repositories_of(server: VeeamServer, text: str = "") -> tuple[RepositoryState, ...]:
    """Return the repositories that a job can write to and whose names may hold the text.

    Scale-out repositories come first; there are none where the server or the account does not list them.
    """
    async with at_once() as group:
        plain = group.create_task(_plain(server, text))
        scale_out = group.create_task(_scale_out(server, text))
    listed = {row.id.casefold() for row in scale_out.result()}
    return (*scale_out.result(), *(row for row in plain.result() if row.id.casefold() not in listed))


async def repository_of(server: VeeamServer, job: JobState) -> RepositoryState | None:
    """Return the repository a job writes to, by its name alone where VBR tells no more; else None."""
    if job.repository_id is None:
        return None
    page = await where_there(server.repository_states(RepositoryStatesQuery(id=job.repository_id)))
    rows = page.rows if page is not None else ()
    own = next((row for row in rows if row.id.casefold() == job.repository_id.casefold()), None)
    return own or await _scale_out_of(server, job.repository_id, job.repository_name)


async def _scale_out_of(server: VeeamServer, repository_id: str, name: str | None) -> RepositoryState | None:
    """What its extents tell of it: they name it, and no list of scale-out repositories is needed."""
    told = await where_there(_performance_extents(server, repository_id)) or ()
    members = (row.extent_of for row in told if row.extent_of is not None)
    member = next((one for one in members if one.is_within(repository_id)), None)
    if member is not None:
        return scale_out_state(ScaleOutRepository(id=repository_id, name=name or member.membership), told)
    return RepositoryState(id=repository_id, name=name) if name else None


async def _plain(server: VeeamServer, text: str) -> tuple[RepositoryState, ...]:
    query = RepositoryStatesQuery(
        exclude_extents=True, name=name_filter(text), order_by="Name", ascending=True
    )
    states = [state async for state in server.every_repository_state(query)]
    return tuple(state for state in states if state.extent_of is None)


async def _scale_out(server: VeeamServer, text: str) -> tuple[RepositoryState, ...]:
    listed = await where_there(_scale_out_listed(server, text))
    if not listed:
        return ()
    extents = await where_there(_performance_extents(server)) or ()
    return tuple(scale_out_state(each, extents) for each in listed)


async def _scale_out_listed(server: VeeamServer, text: str) -> tuple[ScaleOutRepository, ...]:
    query = ScaleOutRepositoriesQuery(name=name_filter(text), order_by="Name", ascending=True)
    return tuple([each async for each in server.every_scale_out_repository(query)])


async def _performance_extents(
    server: VeeamServer, scale_out_id: str | None = None
) -> tuple[RepositoryState, ...]:
    query = RepositoryStatesQuery(
        extent_type=PERFORMANCE_EXTENT, scale_out_id=scale_out_id, order_by="Name", ascending=True
    )
    return tuple([state async for state in server.every_repository_state(query)])
