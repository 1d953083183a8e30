"""What is muted at the moment, as far as one person may know of it."""

from dataclasses import dataclass, replace

from bot.operations.actions.mute import may_know, may_unmute, unmute_request
from bot.operations.backend import Backend
from bot.operations.model import Request, RequestContext
from bot.settings import ServerName
from bot.store import Mute
from bot.veeam import JobId


@dataclass(frozen=True, slots=True)
class MuteView:
    """A mute, and what ends it, where the person may."""

    mute: Mute
    unmute: Request | None = None


async def mutes_seen_by(
    context: RequestContext, backend: Backend, server: ServerName | None = None
) -> tuple[MuteView, ...]:
    """Return what is muted, what ends soonest first. Raises `StoreError`."""
    kept = await backend.mutes.every(backend.clock.now(), server)
    return tuple(_view(mute, context, backend) for mute in kept if may_know(mute, backend, context))


async def mute_of_job(
    context: RequestContext, backend: Backend, server: ServerName, job_id: JobId, job_name: str
) -> MuteView | None:
    """Return what mutes a job that the person sees: by itself, or with others of its server.

    Of one whose pattern the person may not know it says no more than that it mutes this job, and no comment.
    Raises `StoreError`.
    """
    mute = await backend.follow_up.mute_of(server, job_id, job_name)
    if mute is None:
        return None
    if mute.is_of_server and not may_know(mute, backend, context):
        return MuteView(replace(mute, job_name=job_name, pattern=None, comment=None))
    return _view(mute, context, backend)


def _view(mute: Mute, context: RequestContext, backend: Backend) -> MuteView:
    may = may_unmute(backend.permissions, context, mute)
    return MuteView(mute, unmute_request(mute) if may else None)
