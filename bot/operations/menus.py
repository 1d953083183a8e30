"""What a search menu offers while somebody types: only what the person may know of and use there.

An answer is due within three seconds and is asked for with every pause in typing: names come from what was
read a moment ago, and what must be asked of VBR is narrowed by what was typed.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import nsmallest
from typing import Any

from bot import veeam
from bot.operations.actions.create import Create
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.retry import Retry
from bot.operations.actions.stop import Stop
from bot.operations.backend import Backend
from bot.operations.job_editor import JobDraft
from bot.operations.job_editor.objects import (
    MenuOption,
    credentials_options,
    job_value,
    machine_value,
    object_options,
    predecessor_options,
    repository_options,
    template_options,
)
from bot.operations.jobs import beside_the_loop
from bot.operations.machines import FoundMachine, machines_like
from bot.operations.matching import fits, fold
from bot.operations.model import VSPHERE, KnownJob, Request, RequestContext, Visibility
from bot.operations.permissions import Scope
from bot.operations.vbr_lists import name_filter
from bot.settings import ServerName

OFFERED_AT_MOST = 50
_LIKELY_SECONDS, _AT_HAND_SECONDS, _FRESH_SECONDS = 0.7, 0.6, 1.0
"""How long each server may take for one step of a search, which is due within three seconds as a whole."""
_DRAFT_SECONDS = 2.4
_TEMPLATES_WITHIN_SECONDS = 2.2
_FRESH_AT_MOST = 200
_BY_NAME = veeam.JobStatesQuery(order_by="Name", ascending=True, limit=500)
_LIKELY: Mapping[type[Request], veeam.JobStatesQuery] = {
    Stop: replace(_BY_NAME, status=veeam.JobStatus.RUNNING),
    Retry: replace(_BY_NAME, last_result=veeam.Result.FAILED),
    Enable: replace(_BY_NAME, status=veeam.JobStatus.DISABLED),
}
"""The jobs that a request is most likely for, before anything is typed."""


class MenuField(StrEnum):
    """What a search menu finds, by the name of its field."""

    JOB = "job"
    MACHINE = "machine"
    LIKE = "like"
    OBJECTS = veeam.SettingsField.OBJECTS
    EXCLUDES = veeam.SettingsField.EXCLUDES
    TENANT = veeam.SettingsField.TENANT
    PRIMARY_JOB = veeam.SettingsField.PRIMARY_JOB
    HOST = veeam.SettingsField.HOST
    RESOURCE_POOL = veeam.SettingsField.RESOURCE_POOL
    FOLDER = veeam.SettingsField.FOLDER
    DATASTORE = veeam.SettingsField.DATASTORE
    REPOSITORY = veeam.SettingsField.REPOSITORY
    CREDENTIALS = "credentials"
    AFTER_JOB = "after_job"


@dataclass(frozen=True, slots=True)
class MenuSearch:
    """What somebody typed into a search menu, and the request that its form is for."""

    field: MenuField
    text: str
    request: Request


@dataclass(frozen=True, slots=True)
class MenuOptions:
    """What a search menu offers, and the servers that did not say all that fits."""

    options: tuple[MenuOption, ...] = ()
    incomplete: tuple[ServerName, ...] = ()


class Menus:
    """Finds what to offer. A server that does not answer is noted as missing, or raises its `VeeamError`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def find(self, search: MenuSearch, context: RequestContext) -> tuple[MenuOption, ...]:
        """Return what fits what was typed, by name, as much as a menu takes."""
        text, visibility = search.text, context.visibility
        match search.field:
            case MenuField.JOB:
                return await self._jobs(search, context)
            case MenuField.MACHINE:
                return await self._machines(search, context)
            case MenuField.LIKE:
                return await self._templates(search, context)
            case MenuField.REPOSITORY:
                return await self._for_draft(
                    search, context, lambda server, draft: repository_options(server, draft, text)
                )
            case MenuField.CREDENTIALS:
                return await self._for_draft(
                    search, context, lambda server, _: credentials_options(server, text)
                )
            case MenuField.AFTER_JOB:
                return await self._for_draft(
                    search, context, lambda server, _: predecessor_options(server, text, visibility)
                )
            case _:
                part, objects = veeam.SettingsField(search.field), self._backend.objects
                return await self._for_draft(
                    search,
                    context,
                    lambda server, draft: object_options(
                        server, draft, part, text, visibility, objects=objects
                    ),
                )

    async def _jobs(self, search: MenuSearch, context: RequestContext) -> tuple[MenuOption, ...]:
        backend, text = self._backend, search.text
        reach = backend.permissions.reach(context.person, search.request.operation)
        servers = self._servers(search.request, context)
        query = None if text.strip() else _LIKELY.get(type(search.request))
        if query is not None:
            answer = await backend.fleet.ask(
                lambda server: _names(server, query), servers, limit_seconds=_LIKELY_SECONDS
            )
            if likely := _jobs_like("", answer.answers, reach):
                _note_missing(answer, veeam.Detail.JOB_STATES)
                return likely
        at_hand = await backend.fleet.ask(
            backend.finder.names_to_offer, servers, limit_seconds=_AT_HAND_SECONDS
        )
        named, late = at_hand.answers, tuple(at_hand.failures)
        count = sum(map(len, named.values()))
        found = await beside_the_loop(count, lambda: _jobs_like(text, named, reach))
        if not late and (found or not text.strip()):
            return found
        # A server may have too many names to list them all in time, and a job may be newer than the names.
        fresh = await backend.fleet.ask(
            lambda server: _names(server, replace(_BY_NAME, name=name_filter(text), limit=_FRESH_AT_MOST)),
            late or servers,
            limit_seconds=_FRESH_SECONDS,
        )
        _note_missing(fresh, veeam.Detail.JOB_STATES)
        return _first((*found, *_jobs_like(text, fresh.answers, reach)))

    async def _machines(self, search: MenuSearch, context: RequestContext) -> tuple[MenuOption, ...]:
        operation = search.request.operation
        servers = tuple(
            name
            for name in self._servers(search.request, context)
            if self._backend.permissions.may_throughout(context.person, operation, name).is_allowed
        )
        found = await machines_like(self._backend.fleet, search.text, servers)
        return _first(MenuOption(machine_value(one.known), one.name, _place_of(one)) for one in found)

    async def _templates(self, search: MenuSearch, context: RequestContext) -> tuple[MenuOption, ...]:
        operation = search.request.operation
        allowed = tuple(
            name
            for name in self._servers(search.request, context)
            if self._backend.permissions.may(context.person, operation, Scope(name)).is_allowed
        )
        answer = await self._backend.fleet.ask(
            lambda server: template_options(server, search.text, context.visibility),
            allowed,
            limit_seconds=_TEMPLATES_WITHIN_SECONDS,
        )
        _note_missing(answer, veeam.Detail.JOB_STATES)
        return tuple(one for found in answer.answers.values() for one in found)

    async def _for_draft(
        self,
        search: MenuSearch,
        context: RequestContext,
        options: Callable[[veeam.VeeamServer, JobDraft], Awaitable[tuple[MenuOption, ...]]],
    ) -> tuple[MenuOption, ...]:
        """What goes into a field of the draft, asked under the account that the change will be made under."""
        backend, request = self._backend, search.request
        if not isinstance(request, Edit | Create) or request.draft is None:
            return ()
        draft = await backend.drafts.read(context.person.id, request.draft)
        if draft is None or draft.server not in backend.fleet.names:
            return ()
        permission = backend.permissions.may(context.person, request.operation, Scope(draft.server))
        if not permission.is_allowed:
            return ()
        asked = options(backend.account(draft.server, permission), draft)
        return await veeam.in_time(draft.server, asked, _DRAFT_SECONDS)

    def _servers(self, request: Request, context: RequestContext) -> tuple[ServerName, ...]:
        servers = self._backend.finder.servers(request.server_named, context.visibility)
        return servers if isinstance(servers, tuple) else ()


def _place_of(machine: FoundMachine) -> str:
    """What a machine is below, after its platform where that is not vSphere."""
    platform = "" if machine.platform == VSPHERE else machine.platform
    return " · ".join(filter(None, (platform, machine.place, machine.server)))


def _note_missing(answer: veeam.FleetAnswer[Any], what: veeam.Detail) -> None:
    for error in answer.failures.values():
        veeam.note_missing(what, error)


async def _names(server: veeam.VeeamServer, query: veeam.JobStatesQuery) -> Mapping[veeam.JobId, str]:
    return {state.id: state.name for state in (await server.job_states(query)).rows}


def _jobs_like(
    text: str, named: Mapping[ServerName, Mapping[veeam.JobId, str]], reach: Visibility
) -> tuple[MenuOption, ...]:
    return _first(
        MenuOption(job_value(KnownJob(server, job_id)), name, server)
        for server, names in named.items()
        for job_id, name in names.items()
        if (not text.strip() or fits(text, name)) and reach.sees(server, name)
    )


def _first(found: Iterable[MenuOption]) -> tuple[MenuOption, ...]:
    return tuple(nsmallest(OFFERED_AT_MOST, found, key=lambda one: (fold(one.name), one.detail)))
