"""One request to a simulated VBR, as its operations see it, and what they answer."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from bot.sandbox.vbr.accounts import Account, Accounts, TokenPair
from bot.sandbox.vbr.query import Query
from bot.sandbox.vbr.refusals import bad_content, bad_request, not_found
from bot.sandbox.vbr.revision import Revision
from bot.sandbox.vbr.state import Job, Session, TaskSession
from bot.sandbox.vbr.world import World

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Quirks:
    """What the documents leave open, and each server answers its own way.

    ``ended_after_…``: whether the boundary itself passes that filter, and whether running sessions do.
    ``wraps_inventory`` plays the older form of inventory rows, ``{"inventoryObject": …, "size": …}``.
    """

    ended_after_is_inclusive: bool = True
    ended_after_includes_running: bool = False
    wraps_inventory: bool = False


@dataclass(frozen=True)
class Reply:
    """An answer. ``payload`` is JSON to be, or JSON already encoded, or None for an empty body."""

    status: int
    payload: Any = None


@dataclass(frozen=True)
class RestCall:
    """A request that was let in: version known, path found, token alive, role sufficient."""

    world: World
    accounts: Accounts
    revision: Revision
    query: Query
    path: Mapping[str, str]
    raw_body: bytes = b""
    content_type: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    quirks: Quirks = field(default_factory=Quirks)
    token: TokenPair | None = None
    account: Account | None = None

    @cached_property
    def body(self) -> Any:
        """The JSON body as it came, None where there is none. Raises a 400 for anything that is not JSON."""
        if not self.raw_body:
            return None
        if self.content_type != _JSON:
            raise bad_content(f"The media type '{self.content_type}' is not supported.")
        try:
            body = json.loads(self.raw_body)
        except ValueError:
            raise bad_content("The request body is not valid JSON.") from None
        return self.revision.read(body)

    def several(self, name: str, words: Collection[str]) -> frozenset[str] | None:
        """A filter that takes several values since 1.3 and one before."""
        if self.revision.filters_by_several:
            return self.query.words(name, words)
        word = self.query.word(name, words)
        return None if word is None else frozenset({word})

    @property
    def username(self) -> str:
        """Who asks, as sessions name their initiator."""
        return self.account.username if self.account is not None else ""

    def demand_form(self) -> None:
        """Refuse a body that is not form-encoded."""
        if self.content_type != _FORM:
            raise bad_content(f"The media type '{self.content_type}' is not supported.")

    def identity(self, name: str = "id") -> str:
        """A UUID from the path, in lower case."""
        try:
            return str(UUID(self.path[name]))
        except ValueError:
            raise bad_request(f"The value '{self.path[name]}' is not valid for {name}.") from None

    def job(self) -> Job:
        """The job that the path names."""
        job_id = self.identity()
        job = self.world.book.jobs.get(job_id)
        if job is None:
            raise not_found("Job", job_id)
        return job

    def session(self) -> Session:
        """The session that the path names."""
        session_id = self.identity()
        session = self.world.book.sessions.get(session_id)
        is_run = session is not None and session.job_id in self.world.book.jobs
        if session is None or not (is_run or session.type in self.revision.session_types):
            raise not_found("Session", session_id)
        return session

    def task_session(self) -> TaskSession:
        """The task session that the path names."""
        task_id = self.identity()
        task = self.world.book.tasks.get(task_id)
        if task is None:
            raise not_found("Task session", task_id)
        return task


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``is_open``: no token is needed."""

    method: str
    template: str
    answer: Callable[[RestCall], Reply]
    is_open: bool = False


def listing(rows: list[Any], total: int, call: RestCall) -> Reply:
    """A collection: ``data`` and ``pagination``; at times, here for odd totals, without skip and limit."""
    page = call.query.page()
    pagination = {"total": total, "count": len(rows), "skip": page.skip, "limit": page.limit}
    if total % 2:
        pagination = {"total": total, "count": len(rows)}
    return Reply(200, {"data": rows, "pagination": pagination})
