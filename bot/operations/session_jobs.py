"""Which job a session belongs to: by its job's ID, by the session that it is a part of, or by its name.

Parts of runs bear job IDs of their own. Some name the session that they are a part of; of others only the
name says whose machine they are about.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from bot import veeam
from bot.operations import vbr_lists

_NAMES_ASKED = 10


def job_id_of(session: veeam.Session) -> veeam.JobId | None:
    """Return the ID that may be a job's; None for the zeros that VBR writes where there is none."""
    job_id = session.job_id
    return job_id if job_id is not None and veeam.is_id(job_id) and not veeam.names_nothing(job_id) else None


async def first_session(
    server: veeam.VeeamServer, query: veeam.SessionsQuery, is_it: Callable[[veeam.Session], bool]
) -> veeam.Session | None:
    """Return the first session that fits, of the few that the query is limited to, or else of that many runs.

    Backups of logs bear their job's ID too and come every few minutes. Raises `VeeamError`.
    """
    revision = server.revision
    for types in ((), revision.job_run_types) if revision.session_array_filters else ((),):
        page = await server.sessions(replace(query, types=types))
        found = next(filter(is_it, page.rows), None)
        if found is not None or page.received < (query.limit or 0):
            return found
    return None


async def job_state_of(server: veeam.VeeamServer, session: veeam.Session) -> veeam.JobState | None:
    """Return the job of a session, or of the session that it is a part of; None without one.

    Raises `VeeamError`.
    """
    for _ in range(veeam.GENERATIONS):
        job_id, parent = job_id_of(session), session.part_of
        state = await server.job_state(job_id) if job_id is not None else None
        if state is not None:
            return state
        if parent is None:
            return (await jobs_of_machines(server, [session])).get(session.id)
        above = await vbr_lists.where_there(server.session(parent))
        if above is None:
            return None
        session = above
    return None


async def jobs_of_machines(
    server: veeam.VeeamServer, sessions: Iterable[veeam.Session]
) -> Mapping[veeam.SessionId, veeam.JobState]:
    """Return the jobs of those sessions that are one machine's part of a run, certainly, by their names.

    Sessions that name another one as their own, or are no runs, are none. Raises `VeeamError`.
    """
    asked = [session for session in sessions if _may_be_of_machine(session)]
    # All names that a session's job may have begin with the first piece of its own name.
    pieces = dict.fromkeys(veeam.names_before_machine(session.name)[-1] for session in asked)
    found: dict[str, dict[veeam.JobId, veeam.JobState]] = {}
    for piece in [*pieces][:_NAMES_ASKED]:
        query = veeam.JobStatesQuery(name=vbr_lists.exact_name_filter(piece))
        for state in (await server.all_job_states(query)).rows:
            found.setdefault(state.name.casefold(), {})[state.id] = state

    def named(name: str) -> Sequence[veeam.JobState]:
        return [*found.get(name.casefold(), {}).values()]

    owners = (
        (session.id, veeam.job_of_machine(session.name, named, lambda state: state.type)) for session in asked
    )
    return {session_id: state for session_id, state in owners if state is not None}


def _may_be_of_machine(session: veeam.Session) -> bool:
    is_run = veeam.session_group(session.session_type) is veeam.SessionGroup.JOB_RUN
    return is_run and session.part_of is None and bool(veeam.names_before_machine(session.name))
