"""What the menus of a job's form offer: objects, repositories, credentials, jobs to follow or to be like."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from bot.operations.asking import Asking
from bot.operations.job_settings.drafts import JobDraft
from bot.operations.job_settings.objects import JobObjects
from bot.operations.lookup import name_filter, where_there
from bot.operations.matching import fits
from bot.operations.repositories import repositories_of
from bot.operations.requests import KnownJob
from bot.operations.suggestion import Suggestion, job_value
from bot.veeam import (
    Credentials,
    CredentialsQuery,
    JobState,
    JobStatesQuery,
    RepositoryState,
    VeeamServer,
    is_creatable,
    platform_of,
    takes_guest_credentials,
    takes_scale_out,
)

FOUND_AT_MOST = 50
_LISTED_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class ChosenCredentials:
    """Credentials as a menu's choice carries them: VBR wants their type with their ID."""

    id: str
    type: str


class JobChoices:
    """Finds what to offer for a draft's fields. Raises `VeeamError`."""

    def __init__(self, objects: JobObjects) -> None:
        self._objects = objects

    async def objects(
        self, server: VeeamServer, draft: JobDraft, text: str, asking: Asking
    ) -> tuple[Suggestion, ...]:
        """Return objects that a job of the draft's type may include."""
        platform = platform_of(draft.kind)
        if platform is None:
            return ()
        found = await self._objects.like(server, platform, text, asking.sight)
        return tuple(
            Suggestion(each.key, each.name, " · ".join(filter(None, (each.kind, each.host_name))))
            for each in found
        )

    async def repositories(self, server: VeeamServer, draft: JobDraft, text: str) -> tuple[Suggestion, ...]:
        """Return repositories that a job of the draft's type may write to, each with its free space."""
        takes_all = takes_scale_out(draft.kind)
        rows = await repositories_of(server, text)
        return tuple(
            repository_choice(state)
            for state in rows
            if _fits(text, state.name) and (takes_all or not state.is_scale_out)
        )

    async def credentials(self, server: VeeamServer, text: str) -> tuple[Suggestion, ...]:
        """Return credentials; none where the account may not list them."""
        rows = await credentials_of(server)
        return tuple(
            credentials_choice(row) for row in rows if _fits(text, f"{row.username} {row.description}")
        )

    async def predecessors(self, server: VeeamServer, text: str, asking: Asking) -> tuple[Suggestion, ...]:
        """Return jobs to run after: VBR chains by name."""
        return tuple(
            Suggestion(state.name, state.name, state.type)
            for state in await _jobs(server, text)
            if asking.sight.sees(server.name, state.name)
        )

    async def templates(self, server: VeeamServer, text: str, asking: Asking) -> tuple[Suggestion, ...]:
        """Return jobs that another can be made like."""
        return tuple(
            Suggestion(
                job_value(KnownJob(server.name, state.id)), state.name, f"{state.type} · {server.name}"
            )
            for state in await _jobs(server, text)
            if is_creatable(state.type) and asking.sight.sees(server.name, state.name)
        )


def repository_choice(state: RepositoryState) -> Suggestion:
    """A repository as it is offered."""
    free = "" if state.free_gb is None else f"{state.free_gb:,.0f} GB free"
    whole = f" of {state.capacity_gb:,.0f} GB" if free and state.capacity_gb else ""
    offline = "offline" if state.is_online is False else ""
    scale_out = "scale-out" if state.is_scale_out else ""
    return Suggestion(state.id, state.name, ", ".join(filter(None, (scale_out, f"{free}{whole}", offline))))


def credentials_choice(row: Credentials) -> Suggestion:
    """Credentials as they are offered."""
    return Suggestion(credentials_value(row.id, row.type), row.username or row.id, row.description)


def credentials_value(credentials_id: str, kind: str) -> str:
    """What the choice of credentials carries."""
    return msgspec.json.encode(ChosenCredentials(credentials_id, kind)).decode()


def credentials_chosen(value: str) -> ChosenCredentials | None:
    """The credentials that were chosen; None for what no menu of ours offered."""
    try:
        return msgspec.json.decode(value, type=ChosenCredentials)
    except msgspec.MsgspecError:
        return None


async def credentials_of(server: VeeamServer) -> tuple[Credentials, ...]:
    """Return the credentials of a server; none where the account may not list them. Raises `VeeamError`."""
    page = await where_there(server.credentials(CredentialsQuery(limit=_LISTED_AT_MOST)))
    return page.rows if page is not None else ()


async def credential_names(server: VeeamServer, kind: str) -> Mapping[str, str]:
    """Return what people call credentials, by ID in lower case, where jobs of this type name any."""
    rows = await credentials_of(server) if takes_guest_credentials(kind) else ()
    return {row.id.casefold(): row.username for row in rows if row.username}


async def _jobs(server: VeeamServer, text: str) -> tuple[JobState, ...]:
    query = JobStatesQuery(name=name_filter(text), order_by="Name", ascending=True)
    found: list[JobState] = []
    async for state in server.every_job_state(query):
        if _fits(text, state.name):
            found.append(state)
        if len(found) >= _LISTED_AT_MOST:
            break
    return tuple(found)


def _fits(text: str, name: str) -> bool:
    return not text.strip() or fits(text, name)
