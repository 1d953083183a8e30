"""What the menus of a job's form offer, and what their choices carry; and the things that jobs name.

Inventories are searched below each of the servers that VBR knows, with `POST /inventory/{hostname}`; the list
of these servers is kept for a minute. Before 1.3-rev1 only an administrator's account may.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from bot import veeam
from bot.observability import Clock
from bot.operations.job_editor import JobDraft
from bot.operations.matching import fits
from bot.operations.model import VSPHERE, KnownJob, KnownMachine, Visibility
from bot.operations.vbr_lists import every_repository, name_filter, repositories_of, where_there
from bot.settings import ServerName

_MACHINE_PLATFORMS = frozenset(
    {veeam.Source.VSPHERE, veeam.Source.HYPERV, veeam.Source.CLOUD_DIRECTOR, veeam.Source.AGENTS}
)
FOUND_AT_MOST = 50
OFFERED_WITHIN_SECONDS = 1.8
"""A menu is due within three seconds: a host that is down or slow leaves the others."""
_LISTED_AT_MOST = 500
_ROOTS_LAST_SECONDS = 60.0
_REMEMBERED = 5_000
"""Objects that menus offered: what is chosen of them need not be asked for again."""
_LETTERS = 2
_IRIS_GROUP = "Iris"
_VSPHERE_VIEWS = {
    "HostsAndClusters": ("VirtualMachine", "vCenterServer", "Datacenter", "Cluster", "Host", "ResourcePool"),
    "VmsAndTemplates": ("Folder", "Template"),
    "VmsAndTags": ("Tag",),
    "DatastoresAndVms": ("Datastore", "DatastoreCluster"),
}
"""What a vSphere job may include, by the hierarchy that shows it: VBR's default is not documented."""
_VIEWS_OF: Mapping[veeam.SettingsField, Mapping[str, tuple[str, ...]]] = {
    veeam.SettingsField.HOST: {"HostsAndClusters": ("Host", "Cluster")},
    veeam.SettingsField.RESOURCE_POOL: {"HostsAndClusters": ("ResourcePool",)},
    veeam.SettingsField.FOLDER: {"VmsAndTemplates": ("Folder",)},
    veeam.SettingsField.DATASTORE: {"DatastoresAndVms": ("Datastore", "DatastoreCluster")},
}
"""The same for a replica's target."""
_COMPUTERS: Mapping[veeam.Source, veeam.InventoryQuery] = {
    veeam.Source.WINDOWS: veeam.InventoryQuery(
        other_types=("LinuxComputer", "WindowsCluster"), hierarchy="Computers"
    ),
    veeam.Source.LINUX: veeam.InventoryQuery(
        other_types=("WindowsComputer", "WindowsCluster"), hierarchy="Computers"
    ),
    veeam.Source.CLUSTERS: veeam.InventoryQuery(
        other_types=("LinuxComputer", "WindowsComputer"), hierarchy="Clusters"
    ),
}
"""What in a protection group a job of an agent may include: all but computers of another kind."""


@dataclass(frozen=True, slots=True)
class MenuOption:
    """One thing to choose: what the choice carries, its name, and a detail that few others share."""

    value: str
    name: str
    detail: str


def job_value(job: KnownJob) -> str:
    """What the choice of a job carries."""
    return msgspec.json.encode([job.server, job.job_id]).decode()


def job_chosen(value: str) -> KnownJob | None:
    """The job that was chosen; None for what no menu of ours offered."""
    try:
        server, job_id = msgspec.json.decode(value, type=tuple[str, str])
    except msgspec.MsgspecError:
        return None
    return KnownJob(ServerName(server), veeam.JobId(job_id))


def machine_value(machine: KnownMachine) -> str:
    """What the choice of a machine carries."""
    place = [machine.server, machine.host_name, machine.object_id]
    other = [] if machine.platform == VSPHERE else [machine.platform]
    return msgspec.json.encode([*place, *other]).decode()


def machine_chosen(value: str) -> KnownMachine | None:
    """The machine that was chosen; None for what no menu of ours offered."""
    try:
        server, host_name, object_id, *other = msgspec.json.decode(value, type=list[str])
    except (msgspec.MsgspecError, ValueError):
        return None
    platform = other[0] if len(other) == 1 else VSPHERE
    if len(other) > 1 or platform not in _MACHINE_PLATFORMS:
        return None
    return KnownMachine(ServerName(server), host_name, object_id, platform)


@dataclass(frozen=True, slots=True)
class ChosenCredentials:
    """Credentials as a menu's choice carries them: VBR wants their type with their ID."""

    id: str
    type: str


def credentials_value(credentials_id: str, kind: str) -> str:
    """What the choice of credentials carries."""
    return msgspec.json.encode(ChosenCredentials(credentials_id, kind)).decode()


def credentials_chosen(value: str) -> ChosenCredentials | None:
    """The credentials that were chosen; None for what no menu of ours offered."""
    try:
        return msgspec.json.decode(value, type=ChosenCredentials)
    except msgspec.MsgspecError:
        return None


async def object_options(
    server: veeam.VeeamServer,
    draft: JobDraft,
    part: veeam.SettingsField,
    text: str,
    visibility: Visibility,
    *,
    objects: "JobObjects",
) -> tuple[MenuOption, ...]:
    """Return what a job of the draft's type may name in a field. Raises `VeeamError`, as the others do."""
    found = await objects.like(server, draft, part, text, visibility)
    return tuple(
        MenuOption(each.key, each.name, " · ".join(filter(None, (each.kind, each.host_name))))
        for each in found
    )


async def repository_options(server: veeam.VeeamServer, draft: JobDraft, text: str) -> tuple[MenuOption, ...]:
    """Return repositories that a job of the draft's type may write to, each with its free space."""
    takes_all = veeam.takes_scale_out(draft.kind)
    options: list[MenuOption] = []
    for state in await repositories_of(server, text):
        if not _fits(text, state.name) or (state.is_scale_out and not takes_all):
            continue
        offline = "offline" if state.is_online is False else ""
        scale_out = "scale-out" if state.is_scale_out else ""
        details = filter(None, (scale_out, state.space, offline))
        options.append(MenuOption(state.id, state.name, ", ".join(details)))
    return tuple(options)


async def credentials_options(server: veeam.VeeamServer, text: str) -> tuple[MenuOption, ...]:
    """Return credentials; none where they cannot be listed."""
    listed = await veeam.detail(veeam.Detail.CREDENTIALS, server.name, _credentials_of(server), ())
    return tuple(
        MenuOption(credentials_value(row.id, row.type), row.username or row.id, row.description)
        for row in listed
        if _fits(text, f"{row.username} {row.description}")
    )


async def predecessor_options(
    server: veeam.VeeamServer, text: str, visibility: Visibility
) -> tuple[MenuOption, ...]:
    """Return jobs to run after: VBR chains by name."""
    return tuple(
        MenuOption(state.name, state.name, state.type)
        for state in await _job_states(server, text)
        if visibility.sees(server.name, state.name)
    )


async def template_options(
    server: veeam.VeeamServer, text: str, visibility: Visibility
) -> tuple[MenuOption, ...]:
    """Return jobs that another can be made like."""
    return tuple(
        MenuOption(job_value(KnownJob(server.name, state.id)), state.name, f"{state.type} · {server.name}")
        for state in await _job_states(server, text)
        if veeam.has_model(state.type) and visibility.sees(server.name, state.name)
    )


async def hidden_jobs(
    server: veeam.VeeamServer, jobs: Sequence[veeam.JobObject], visibility: Visibility
) -> tuple[veeam.JobObject, ...]:
    """Return those of the jobs to copy that are not there by now, or that the person may not know of."""
    if visibility.sees_all(server.name):
        return ()
    now = await _jobs_by_id(server, [job.object_id for job in jobs])
    seen = {job.key for job in now if visibility.sees(server.name, job.name)}
    return tuple(job for job in jobs if job.key not in seen)


async def takes_repository(server: veeam.VeeamServer, kind: str, repository_id: str) -> bool:
    """Whether the menu offers the repository for jobs of this type."""
    listed = await every_repository(server)
    own = next((row for row in listed if row.id.casefold() == repository_id.casefold()), None)
    return own is not None and (veeam.takes_scale_out(kind) or not own.is_scale_out)


async def has_credentials(server: veeam.VeeamServer, credentials_id: str, kind: str | None) -> bool:
    """Whether the menu offers these credentials, of this type."""
    rows = await _credentials_of(server)
    return any((row.id.casefold(), row.type) == (credentials_id.casefold(), kind) for row in rows)


async def has_job(server: veeam.VeeamServer, name: str, visibility: Visibility) -> bool:
    """Whether there is a job of this very name that the person may know of: VBR chains by name."""
    if not visibility.sees(server.name, name):
        return False
    query = veeam.JobStatesQuery(name=name_filter(name))
    async for state in server.every_job_state(query):
        if state.name == name:
            return True
    return False


async def credential_names(server: veeam.VeeamServer, kind: str) -> Mapping[str, str]:
    """Return what people call credentials, by ID in lower case, where jobs of this type name any.

    A detail.
    """
    if not veeam.takes_guest_credentials(kind):
        return {}
    return await veeam.detail(veeam.Detail.CREDENTIALS, server.name, usernames(server), {})


async def usernames(server: veeam.VeeamServer) -> Mapping[str, str]:
    """Return what people call credentials, by ID in lower case."""
    rows = await _credentials_of(server)
    return {row.id.casefold(): row.username for row in rows if row.username}


async def _credentials_of(server: veeam.VeeamServer) -> tuple[veeam.Credentials, ...]:
    """The credentials of a server; none where it has no such list."""
    page = await where_there(server.credentials(veeam.CredentialsQuery(limit=_LISTED_AT_MOST)))
    return page.rows if page is not None else ()


async def _job_states(server: veeam.VeeamServer, text: str) -> tuple[veeam.JobState, ...]:
    query = veeam.JobStatesQuery(name=name_filter(text), order_by="Name", ascending=True)
    found: list[veeam.JobState] = []
    async for state in server.every_job_state(query):
        if _fits(text, state.name):
            found.append(state)
        if len(found) >= _LISTED_AT_MOST:
            break
    return tuple(found)


def _fits(text: str, name: str) -> bool:
    return not text.strip() or fits(text, name)


class JobObjects:
    """Finds objects for jobs. Raises `VeeamError`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._roots: dict[tuple[ServerName, str], tuple[float, tuple[veeam.InventoryObject, ...]]] = {}
        self._offered: dict[tuple[ServerName, str, str], veeam.JobObject] = {}

    async def like(
        self,
        server: veeam.VeeamServer,
        draft: JobDraft,
        part: veeam.SettingsField,
        text: str,
        visibility: Visibility,
    ) -> tuple[veeam.JobObject, ...]:
        """Return what has this in its name and what the job of this draft may name in a field."""
        source = draft.source_of(part)
        if source is None:
            return ()
        if source is veeam.Source.JOBS:
            found = await _jobs_like(server, draft.kind, text, visibility)
        elif (computers := _COMPUTERS.get(source)) is not None:
            found = await _computers_like(server, computers, text)
        elif (listed := _LISTED.get(source)) is not None:
            found = tuple(each for each in await listed(server) if _fits(text, each.name))
        else:
            found = await self._machines_like(server, source, part, text)
        for each in found:
            self._offered[server.name, source, each.key] = each
        while len(self._offered) > _REMEMBERED:
            del self._offered[next(iter(self._offered))]
        return found

    def at_hand(
        self,
        server: ServerName,
        source: veeam.Source,
        keys: Sequence[str],
        known: Iterable[veeam.JobObject],
        visibility: Visibility,
    ) -> dict[str, veeam.JobObject]:
        """Return the things with these keys that are known, or that menus offered: VBR is not asked.

        Menus offer jobs to others that this person may not know of: those are not at hand.
        """
        found = {each.key: each for each in known if each.key in keys}
        places = {key: (server, source, key) for key in keys}
        offered = {key: self._offered[place] for key, place in places.items() if place in self._offered}
        if source is veeam.Source.JOBS:
            offered = {key: each for key, each in offered.items() if visibility.sees(server, each.name)}
        return offered | found

    async def by_key(
        self, server: veeam.VeeamServer, source: veeam.Source, keys: Sequence[str], visibility: Visibility
    ) -> dict[str, veeam.JobObject]:
        """Return the things with these keys, as far as they are there and the person may know of them."""
        places = [place for key in keys if (place := _place(key)) is not None]
        if source is veeam.Source.JOBS:
            jobs = await _jobs_by_id(server, [place[-1] for place in places])
            fresh: Sequence[veeam.JobObject] = [job for job in jobs if visibility.sees(server.name, job.name)]
        elif (computers := _COMPUTERS.get(source)) is not None:
            fresh = await _computers_by_id(server, computers, [place[-1] for place in places])
        elif (listed := _LISTED.get(source)) is not None:
            fresh = await listed(server)
        else:
            fresh = await self._machines_by_place(server, source, places)
        return {each.key: each for each in fresh if each.key in keys}

    async def _machines_like(
        self, server: veeam.VeeamServer, platform: veeam.Source, part: veeam.SettingsField, text: str
    ) -> tuple[veeam.JobObject, ...]:
        """Machines and containers; a replica's target is looked for without a letter typed: there are few."""
        is_target = part in _VIEWS_OF
        views = _VIEWS_OF.get(part, _VSPHERE_VIEWS if platform is veeam.Source.VSPHERE else {})
        kinds = {kind for shown in views.values() for kind in shown}
        roots = await self._roots_of(server, platform)
        found = [
            veeam.JobObject.of_machine(root)
            for root in roots
            if _fits(text, root.name) and (not is_target or root.type in kinds)
        ]
        if len(text.strip()) < _LETTERS and not is_target:
            return tuple(found)
        queries = [veeam.InventoryQuery(name_contains=text.strip() or None, limit=FOUND_AT_MOST)]
        if views:
            queries = [replace(queries[0], types=kinds, hierarchy=view) for view, kinds in views.items()]
        asked = (server.browse_inventory(query, host_name=root.name) for query in queries for root in roots)
        what = veeam.Detail.INVENTORY
        pages = await veeam.answered(server.name, what, asked, within_seconds=OFFERED_WITHIN_SECONDS)
        found += [veeam.JobObject.of_machine(row) for page in pages for row in page.rows]
        return tuple(dict.fromkeys(found))

    async def _machines_by_place(
        self, server: veeam.VeeamServer, platform: str, places: Sequence[tuple[str, ...]]
    ) -> list[veeam.JobObject]:
        roots = await self._roots_of(server, platform)
        views = _VSPHERE_VIEWS if platform == veeam.Source.VSPHERE else {}
        hosts, ids = {root.name for root in roots}, defaultdict[tuple[str, str | None], list[str]](list)
        for host_name, *kinds, object_id in places:
            if host_name in hosts:
                view = next((view for view, shown in views.items() if set(kinds) & set(shown)), None)
                ids[host_name, view].append(object_id)
        async with veeam.at_once() as group:
            pages = [
                group.create_task(
                    server.browse_inventory(
                        veeam.InventoryQuery(object_ids=tuple(wanted), hierarchy=view), host_name=host_name
                    )
                )
                for (host_name, view), wanted in ids.items()
            ]
        rows = [row for page in pages for row in page.result().rows]
        return [veeam.JobObject.of_machine(row) for row in (*roots, *rows)]

    async def _roots_of(self, server: veeam.VeeamServer, platform: str) -> tuple[veeam.InventoryObject, ...]:
        """The vCenters, hosts and clusters of a platform that VBR knows."""
        until, roots = self._roots.get((server.name, platform), (0.0, ()))
        if self._clock.monotonic() < until:
            return roots
        roots = (await server.browse_inventory(veeam.InventoryQuery(platform=platform))).rows
        self._roots[server.name, platform] = (self._clock.monotonic() + _ROOTS_LAST_SECONDS, roots)
        return roots


def _place(key: str) -> tuple[str, ...] | None:
    try:
        place = msgspec.json.decode(key, type=tuple[str, ...])
    except msgspec.MsgspecError:
        return None
    return place if len(place) > 1 else None


async def _tenants(server: veeam.VeeamServer) -> tuple[veeam.JobObject, ...]:
    rows = (await server.tenants(veeam.TenantsQuery(limit=_LISTED_AT_MOST))).rows
    return tuple(veeam.JobObject.of_id(each.id, each.title) for each in rows)


async def _data_servers(server: veeam.VeeamServer, *, is_object_storage: bool) -> tuple[veeam.JobObject, ...]:
    """Each server or share as a whole; the parts of one are what its job already names."""
    rows = (await server.data_servers(veeam.DataServersQuery(limit=_LISTED_AT_MOST))).rows
    names_kind = server.revision.names_kinds_of_shares
    return tuple(
        veeam.JobObject(each.object_in_job(names_kind=names_kind), title=each.title)
        for each in rows
        if each.is_object_storage is is_object_storage
    )


async def _file_shares(server: veeam.VeeamServer) -> tuple[veeam.JobObject, ...]:
    return await _data_servers(server, is_object_storage=False)


async def _object_storage(server: veeam.VeeamServer) -> tuple[veeam.JobObject, ...]:
    return await _data_servers(server, is_object_storage=True)


async def _iris_databases(server: veeam.VeeamServer) -> tuple[veeam.JobObject, ...]:
    """What the protection groups for InterSystems IRIS have found."""
    query = veeam.ProtectionGroupsQuery(type=_IRIS_GROUP, limit=_LISTED_AT_MOST)
    groups = (await server.protection_groups(query)).rows
    entities = veeam.EntitiesQuery(limit=_LISTED_AT_MOST)
    pages = await veeam.answered(
        server.name,
        veeam.Detail.INVENTORY,
        (server.discovered_entities(each.id, entities) for each in groups),
        within_seconds=OFFERED_WITHIN_SECONDS,
    )
    rows = (row for page in pages for row in page.rows)
    return tuple(veeam.JobObject({"entityId": each.id}, title=each.name) for each in rows)


_LISTED: Mapping[veeam.Source, Callable[[veeam.VeeamServer], Awaitable[tuple[veeam.JobObject, ...]]]] = {
    veeam.Source.TENANTS: _tenants,
    veeam.Source.FILE_SHARES: _file_shares,
    veeam.Source.OBJECT_STORAGE: _object_storage,
    veeam.Source.IRIS: _iris_databases,
}
"""What is listed whole: a server has few of them."""


async def _jobs_like(
    server: veeam.VeeamServer, kind: str, text: str, visibility: Visibility
) -> tuple[veeam.JobObject, ...]:
    query = veeam.JobStatesQuery(name=name_filter(text), order_by="Name", ascending=True)
    found: list[veeam.JobObject] = []
    async for state in server.every_job_state(query):
        is_source = veeam.names_jobs_of_type(kind, state.type, server.revision) and _fits(text, state.name)
        if is_source and visibility.sees(server.name, state.name):
            found.append(veeam.JobObject.of_job(state.id, state.name, state.type))
        if len(found) >= FOUND_AT_MOST:
            break
    return tuple(found)


async def _jobs_by_id(server: veeam.VeeamServer, ids: Sequence[str]) -> list[veeam.JobObject]:
    async with veeam.at_once() as group:
        asked = [
            group.create_task(server.job_state(veeam.JobId(job_id))) for job_id in ids if veeam.is_id(job_id)
        ]
    states = [state for task in asked if (state := task.result()) is not None]
    return [veeam.JobObject.of_job(state.id, state.name, state.type) for state in states]


async def _computers_like(
    server: veeam.VeeamServer, computers: veeam.InventoryQuery, text: str
) -> tuple[veeam.JobObject, ...]:
    groups = (await server.physical_inventory()).rows
    query = replace(computers, name_contains=text.strip() or None, limit=FOUND_AT_MOST)
    asked = (server.physical_inventory(query, protection_group_id=each.id) for each in groups)
    what = veeam.Detail.INVENTORY
    pages = await veeam.answered(server.name, what, asked, within_seconds=OFFERED_WITHIN_SECONDS)
    named = [each for each in groups if _fits(text, each.name)]
    return _computers_of(named, pages, query)


async def _computers_by_id(
    server: veeam.VeeamServer, computers: veeam.InventoryQuery, ids: Sequence[str]
) -> tuple[veeam.JobObject, ...]:
    groups = (await server.physical_inventory()).rows
    query = replace(computers, object_ids=tuple(ids))
    async with veeam.at_once() as group:
        pages = [
            group.create_task(server.physical_inventory(query, protection_group_id=each.id))
            for each in groups
        ]
    return _computers_of(groups, [page.result() for page in pages], query)


def _computers_of(
    groups: Iterable[veeam.AgentObject],
    pages: Iterable[veeam.Page[veeam.AgentObject]],
    query: veeam.InventoryQuery,
) -> tuple[veeam.JobObject, ...]:
    """Protection groups and what was found in them, each once."""
    found = (row for page in pages for row in page.rows if row.type not in query.other_types)
    return tuple(dict.fromkeys(veeam.JobObject.of_machine(row) for row in (*groups, *found)))
