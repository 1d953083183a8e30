"""What is muted at the moment, as far as one person may know of it."""

from dataclasses import dataclass

from bot.operations.actions.mute import may_unmute, unmute_request
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
    return tuple(_view(mute, context, backend) for mute in kept if _sees(context, mute))


async def mute_of_job(
    context: RequestContext, backend: Backend, server: ServerName, job_id: JobId
) -> MuteView | None:
    """Return what mutes a job by itself. Raises `StoreError`."""
    mute = await backend.follow_up.find_mute(server, job_id=job_id)
    return None if mute is None else _view(mute, context, backend)


def _view(mute: Mute, context: RequestContext, backend: Backend) -> MuteView:
    may = may_unmute(backend.permissions, context, mute)
    return MuteView(mute, unmute_request(mute) if may else None)


def _sees(context: RequestContext, mute: Mute) -> bool:
    if mute.job_name is None:
        return context.visibility.sees_server(mute.server)
    return context.visibility.sees(mute.server, mute.job_name)
