"""Actions that were left open: the bot was killed, or gave up, before it showed their outcome.

They are never sent again. What VBR shows is looked up, as for an answer that got lost.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog

from bot import store, veeam
from bot.operations import outcomes
from bot.operations.actions import Action, PreparedAction, Target
from bot.operations.audit_trail import BROKEN
from bot.operations.backend import Backend
from bot.operations.codec import BrokenRequest, OldRequest, RequestCodec
from bot.operations.jobs import FoundJob
from bot.operations.model import Gesture, RequestContext
from bot.settings import ServerName

LookUp = Callable[[PreparedAction, store.AuditOutcome | None], Awaitable[outcomes.Sent]]

log = structlog.get_logger()


class _Body(msgspec.Struct, frozen=True):
    """What it takes to look an action up and to answer it, as JSON: no secret, no way to answer by itself.

    `asked` is the gesture that asked for it, `answers` the one that is to be answered: another one where a
    second person approved it.
    """

    request: list[Any]
    asked: Gesture
    answers: Gesture
    server: ServerName
    name: str
    job: veeam.JobState | None = None
    detail: str | None = None
    reason: str | None = None
    wanted: veeam.JobSettings | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """The outcome of an action that was left open, and the gesture that it answers."""

    gesture: Gesture
    began_at: datetime
    outcome: outcomes.Sent | outcomes.InternalError


def body_of(prepared: PreparedAction, answers: Gesture, codec: RequestCodec) -> str:
    """Return what to keep of an action until the gesture is answered."""
    target, context = prepared.target, prepared.context
    body = _Body(
        request=codec.encode(prepared.action),
        asked=context.gesture,
        answers=answers,
        server=target.server,
        name=prepared.name,
        job=target.job.state if target.job is not None else None,
        detail=prepared.detail,
        reason=context.reason,
        wanted=prepared.wanted,
        changes=prepared.changes,
    )
    # Names may hold half a surrogate pair, which UTF-8 has no bytes for: escaped, it is text like any other.
    return json.dumps(msgspec.to_builtins(body))


async def conclude(backend: Backend, left: store.OpenAction, look_up: LookUp) -> LeftOpen | None:
    """Look up its outcome and put it on record, if none is there; None if there is nobody to show it to.

    Raises `StoreError`.
    """
    record = await backend.audit_log.record(left.audit_id)
    known = record.outcome if record is not None else None
    try:
        body = msgspec.convert(json.loads(left.body), _Body)
        action = backend.codec.decode(body.request)
        account = backend.fleet.server(body.server)
    except (msgspec.MsgspecError, OldRequest, BrokenRequest, KeyError, ValueError) as error:
        # Another version of the bot wrote it, or the server is in the settings no more.
        log.error("operations.left_open_unreadable", audit_id=left.audit_id, problem=type(error).__name__)
        if known is None:
            await backend.audit.close(left.audit_id, "unclear", detail=store.LEFT_OPEN)
        return None
    if not isinstance(action, Action):
        raise TypeError(action)
    job = FoundJob(body.server, body.job) if body.job is not None else None
    prepared = PreparedAction(
        action=action,
        context=await _context(backend, body),
        target=Target(body.server, account, job),
        name=body.name,
        detail=body.detail,
        wanted=body.wanted,
        changes=body.changes,
        follow_up=backend.follow_up,
    )
    outcome: outcomes.Sent | outcomes.InternalError
    if known is not None and known.outcome == BROKEN:
        outcome = outcomes.InternalError("store", changed=False)  # it was never sent
    else:
        outcome = await look_up(prepared, known)
        if known is None:
            await backend.audit.conclude(left.audit_id, outcome)
    log.warning(
        "operations.left_open_concluded",
        audit_id=left.audit_id,
        operation=action.operation.name,
        outcome=outcomes.kind_of(outcome),
    )
    began_at = record.entry.at if record is not None else backend.clock.now()
    return LeftOpen(body.answers, began_at, outcome)


async def _context(backend: Backend, body: _Body) -> RequestContext:
    """The context as it was, with the people as they are now."""
    person = await backend.people.read(body.asked.person_id, body.asked.team_id)
    approver = None
    if body.answers != body.asked:
        approver = await backend.people.read(body.answers.person_id, body.answers.team_id)
    return RequestContext(
        person, body.asked, backend.permissions.visibility(person), approver=approver, reason=body.reason
    )
