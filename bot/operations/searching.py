"""What a search menu offers while somebody types: only what the person may know of and use there.

An answer is due within three seconds and is asked for with every pause in typing: names come from what was
read a moment ago, and what must be asked of VBR is narrowed by what was typed.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import nsmallest

from bot.operations.accounts import Accounts
from bot.operations.asking import Asking
from bot.operations.catalog import operation_of
from bot.operations.job_settings.choices import JobChoices
from bot.operations.job_settings.drafts import DraftBook
from bot.operations.lookup import Lookup, beside_the_loop
from bot.operations.machines import Machines
from bot.operations.matching import fits, fold
from bot.operations.requests import (
    CreateRequest,
    EditRequest,
    EnableRequest,
    KnownJob,
    KnownMachine,
    Request,
    RetryRequest,
    StopRequest,
)
from bot.operations.roles import Rights, Sight, Target
from bot.operations.steps import subject_of
from bot.operations.suggestion import Suggestion, job_value, machine_value
from bot.settings import ServerName
from bot.veeam import Fleet, JobId, JobStatesQuery, JobStatus, Result, VeeamServer

OFFERED_AT_MOST = 50
_LIKELY_AT_MOST = 500
_LIKELY_SECONDS, _AT_HAND_SECONDS, _FRESH_SECONDS = 0.7, 0.6, 1.0
"""How long each server may take for one step of a search, which is due within three seconds as a whole."""
_FOUND_SECONDS = 2.2


class Sought(StrEnum):
    """What a search menu finds, by the name of its field."""

    JOB = "job"
    MACHINE = "machine"
    LIKE = "like"
    OBJECTS = "objects"
    REPOSITORY = "repository"
    CREDENTIALS = "credentials"
    AFTER_JOB = "after_job"


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody typed into a search menu, and the request that its form is for."""

    sought: Sought
    text: str
    request: Request


@dataclass(frozen=True, slots=True)
class Finders:
    """What finds things for the form of a job, the drafts that it is of, and whom to ask as."""

    choices: JobChoices
    book: DraftBook
    accounts: Accounts


class Suggestions:
    """Finds what to offer. Raises `VeeamError` where the only server asked gives no answer."""

    def __init__(self, fleet: Fleet, lookup: Lookup, rights: Rights, finders: Finders) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._rights = rights
        self._machines = Machines(fleet)
        self._found = finders
        self._finders: dict[Sought, Callable[[Search, Asking], Awaitable[tuple[Suggestion, ...]]]] = {
            Sought.JOB: self._jobs,
            Sought.MACHINE: self._machine,
            Sought.LIKE: self._like,
            Sought.OBJECTS: self._of_draft,
            Sought.REPOSITORY: self._of_draft,
            Sought.CREDENTIALS: self._of_draft,
            Sought.AFTER_JOB: self._of_draft,
        }

    async def find(self, search: Search, asking: Asking) -> tuple[Suggestion, ...]:
        """Return what fits what was typed, by name, as much as a menu takes."""
        return await self._finders[search.sought](search, asking)

    async def _jobs(self, search: Search, asking: Asking) -> tuple[Suggestion, ...]:
        reach = self._rights.reach(asking.person, operation_of(search.request))
        servers = self._servers(search.request, asking)
        if not search.text.strip() and (likely := await self._likely(search.request, servers, reach)):
            return likely
        at_hand = await self._fleet.ask(self._lookup.names_to_offer, servers, limit_seconds=_AT_HAND_SECONDS)
        named, late = at_hand.answers, tuple(at_hand.failures)
        count = sum(map(len, named.values()))
        found = await beside_the_loop(count, lambda: _jobs_like(search.text, named, reach))
        if not late and (found or not search.text.strip()):
            return found
        # A server may have too many names to tell them all in time, and a job may be newer than the names.
        fresh = await self._fleet.ask(
            lambda server: self._lookup.names_with(server, search.text),
            late or servers,
            limit_seconds=_FRESH_SECONDS,
        )
        return _first((*found, *_jobs_like(search.text, fresh.answers, reach)))

    async def _likely(
        self, request: Request, servers: Sequence[ServerName], reach: Sight
    ) -> tuple[Suggestion, ...]:
        """The jobs that such a request is most likely for, before anything is typed."""
        query = _LIKELY.get(type(request))
        if query is None:
            return ()
        answer = await self._fleet.ask(
            lambda server: _names(server, query), servers, limit_seconds=_LIKELY_SECONDS
        )
        return _jobs_like("", answer.answers, reach)

    async def _machine(self, search: Search, asking: Asking) -> tuple[Suggestion, ...]:
        operation = operation_of(search.request)
        servers = tuple(
            name
            for name in self._servers(search.request, asking)
            if self._rights.may_throughout(asking.person, operation, name).is_allowed
        )
        found = await self._machines.like(search.text, servers)
        return _first(
            Suggestion(
                machine_value(KnownMachine(one.server, one.machine.host_name, one.machine.object_id)),
                one.machine.name,
                f"{one.machine.host_name} · {one.server}",
            )
            for one in found
            if one.machine.object_id is not None
        )

    async def _like(self, search: Search, asking: Asking) -> tuple[Suggestion, ...]:
        operation = operation_of(search.request)
        allowed = tuple(
            name
            for name in self._servers(search.request, asking)
            if self._rights.may(asking.person, operation, Target(name)).is_allowed
        )
        answer = await self._fleet.ask(
            lambda server: self._found.choices.templates(server, search.text, asking),
            allowed,
            limit_seconds=_FOUND_SECONDS,
        )
        return tuple(one for found in answer.answers.values() for one in found)

    async def _of_draft(self, search: Search, asking: Asking) -> tuple[Suggestion, ...]:
        """What goes into a field of the draft: asked under the account that the change will be made under."""
        draft = await self._found.book.of(asking.person.id, _draft_of(search.request))
        if draft is None or draft.server not in self._fleet.names:
            return ()
        verdict = self._rights.may(asking.person, operation_of(search.request), Target(draft.server))
        if not verdict.is_allowed:
            return ()
        server = self._found.accounts.of(draft.server, verdict)
        choices = self._found.choices
        match search.sought:
            case Sought.OBJECTS:
                return await choices.objects(server, draft, search.text, asking)
            case Sought.REPOSITORY:
                return await choices.repositories(server, draft, search.text)
            case Sought.CREDENTIALS:
                return await choices.credentials(server, search.text)
            case _:
                return await choices.predecessors(server, search.text, asking)

    def _servers(self, request: Request, asking: Asking) -> tuple[ServerName, ...]:
        named = _server_named(request)
        servers = self._lookup.servers(named, asking.sight)
        return servers if isinstance(servers, tuple) else ()


_BY_NAME = JobStatesQuery(order_by="Name", ascending=True, limit=_LIKELY_AT_MOST)
_LIKELY: Mapping[type[Request], JobStatesQuery] = {
    StopRequest: replace(_BY_NAME, status=JobStatus.RUNNING),
    RetryRequest: replace(_BY_NAME, last_result=Result.FAILED),
    EnableRequest: replace(_BY_NAME, status=JobStatus.DISABLED),
}


async def _names(server: VeeamServer, query: JobStatesQuery) -> Mapping[JobId, str]:
    return {state.id: state.name for state in (await server.job_states(query)).rows}


def _server_named(request: Request) -> str | None:
    if isinstance(request, CreateRequest):
        return request.server
    subject = subject_of(request)
    return subject.server if subject is not None else None


def _draft_of(request: Request) -> str | None:
    return request.draft if isinstance(request, EditRequest | CreateRequest) else None


def _jobs_like(
    text: str, named: Mapping[ServerName, Mapping[JobId, str]], reach: Sight
) -> tuple[Suggestion, ...]:
    return _first(
        Suggestion(job_value(KnownJob(server, job_id)), name, server)
        for server, names in named.items()
        for job_id, name in names.items()
        if (not text.strip() or fits(text, name)) and reach.sees(server, name)
    )


def _first(found: Iterable[Suggestion]) -> tuple[Suggestion, ...]:
    return tuple(nsmallest(OFFERED_AT_MOST, found, key=lambda one: (fold(one.name), one.detail)))
