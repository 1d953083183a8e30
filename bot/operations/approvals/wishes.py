"""What is about to be done, as a second person is asked about it, and the state it is bound to.

A wish is allowed and makes sense; nothing of it was sent yet. Its binding is a hash over what is asked for
and over the job as VBR tells it, so that whoever approves approves that and nothing else.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.operations.asking import Asking
from bot.operations.catalog import QUICKBACKUP, Operation
from bot.operations.cells import cells_of
from bot.operations.lookup import FoundJob
from bot.operations.requests import DeleteRequest, Request
from bot.operations.roles import Rights, Target, Verdict
from bot.settings import ServerName
from bot.veeam import Fleet, JobState, Rejected, fingerprint
from bot.veeam import NotFound as NotOnServer


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to do. `request` names the job or machine by identity, and no state that it was drawn in.

    `name` is that of the job, also of one that is not there yet, or of the machine. `sent` is what else goes
    to VBR, where the request alone does not say it: an approval is bound to that too.
    """

    operation: Operation
    request: Request
    asking: Asking
    server: ServerName
    job: FoundJob | None
    name: str
    detail: str | None = None
    sent: Mapping[str, Any] | None = None

    @property
    def target(self) -> Target:
        """What the right to do it is asked on."""
        return target_of(self.operation, self.server, self.name)

    @property
    def request_hash(self) -> str:
        """The same for whoever wishes the same, whatever their reason."""
        return _hash([self.operation.name, cells_of(unexplained(self.request))])


def reason_of(request: Request) -> str | None:
    """Return why it is asked for, where somebody said so."""
    return request.reason if isinstance(request, DeleteRequest) else None


def unexplained(request: Request) -> Request:
    """Return the request without its reason: what is asked for, and nothing else."""
    return replace(request, reason=None) if isinstance(request, DeleteRequest) else request


def target_of(operation: Operation, server: str, name: str) -> Target:
    """Return what the right is asked on: a machine is no job, and through which one it runs VBR decides."""
    return Target(server, None if operation is QUICKBACKUP else name)


def may_wish(rights: Rights, asking: Asking, operation: Operation, target: Target) -> Verdict:
    """Return whether the person may do it there: on that job or, without one, on all of the server."""
    if target.job_name is None:
        return rights.may_throughout(asking.person, operation, target.server)
    return rights.may(asking.person, operation, target)


class Bindings:
    """Reads what wishes are bound to. Raises `VeeamError`."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def of(self, wish: Wish) -> str:
        """Return the hash of the wish and of the job's settings and state; another one: it has changed."""
        sent = None if wish.sent is None else fingerprint(wish.sent)
        asked: list[Any] = [wish.operation.name, cells_of(unexplained(wish.request)), sent]
        if wish.job is None:
            return _hash(asked)
        state = wish.job.state
        return _hash([*asked, await self._settings(wish.job), state.status, state.session_id])

    async def _settings(self, job: FoundJob) -> object:
        """The settings, without what changes by itself, such as the size of a machine.

        Of a type that the revision cannot describe, what its state says of them.
        """
        try:
            return fingerprint((await self._fleet.server(job.server).job(job.state.id)).raw)
        except (NotOnServer, Rejected):
            return _described(job.state)


def _described(state: JobState) -> list[Any]:
    return [state.name, state.type, state.description, state.repository_id, state.objects_count]


def _hash(plain: object) -> str:
    # Names may hold half a surrogate pair, which UTF-8 has no bytes for: escaped, it is text like any other.
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
