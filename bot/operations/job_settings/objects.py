"""What jobs may include: found by typing, and found again by what a menu's choice carried.

Inventories are searched below each of the servers that VBR knows, with `POST /inventory/{hostname}`; the list
of these servers is kept for a minute. Before 1.3-rev1 only an administrator's account may.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from bot.observability import Clock
from bot.operations.lookup import name_filter
from bot.operations.machines import OFFERED_WITHIN_SECONDS
from bot.operations.matching import fits
from bot.operations.roles import Sight
from bot.settings import ServerName
from bot.veeam import (
    InventoryObject,
    InventoryQuery,
    JobId,
    JobObject,
    JobStatesQuery,
    VeeamServer,
    answered,
    at_once,
    is_id,
)

AGENTS = "Agent"
JOBS = "Jobs"
FOUND_AT_MOST = 50
_ROOTS_LAST_SECONDS = 60.0
_REMEMBERED = 5_000
"""Objects that menus offered: what is chosen of them need not be asked for again."""
_LETTERS = 2
_VSPHERE = "VSphere"
_VSPHERE_VIEWS = {
    "HostsAndClusters": ("VirtualMachine", "vCenterServer", "Datacenter", "Cluster", "Host", "ResourcePool"),
    "VmsAndTemplates": ("Folder", "Template"),
    "VmsAndTags": ("Tag",),
    "DatastoresAndVms": ("Datastore", "DatastoreCluster"),
}
"""What a vSphere job may include, by the hierarchy that shows it: which VBR takes unasked, nobody says."""
_COPIES = frozenset({"backupcopy", "filebackupcopy", "legacybackupcopy", "entraidtenantbackupcopy"})


class JobObjects:
    """Finds objects for jobs. Raises `VeeamError`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._roots: dict[tuple[ServerName, str], tuple[float, tuple[InventoryObject, ...]]] = {}
        self._offered: dict[tuple[ServerName, str], JobObject] = {}

    async def like(
        self, server: VeeamServer, platform: str, text: str, sight: Sight
    ) -> tuple[JobObject, ...]:
        """Return objects with this in their names that a job of this platform may include."""
        if platform == JOBS:
            found = await _jobs_like(server, text, sight)
        elif platform == AGENTS:
            found = await _computers_like(server, text)
        else:
            found = await self._machines_like(server, platform, text)
        for each in found:
            self._offered[server.name, each.key] = each
        while len(self._offered) > _REMEMBERED:
            del self._offered[next(iter(self._offered))]
        return found

    def at_hand(
        self, server: ServerName, keys: Sequence[str], known: Iterable[JobObject]
    ) -> dict[str, JobObject]:
        """Return the objects with these keys that are known, or were offered lately: VBR is not asked."""
        found = {each.key: each for each in known if each.key in keys}
        offered = {key: self._offered[server, key] for key in keys if (server, key) in self._offered}
        return offered | found

    async def by_key(self, server: VeeamServer, platform: str, keys: Sequence[str]) -> dict[str, JobObject]:
        """Return the objects with these keys, as far as they are there."""
        places = [place for key in keys if (place := _place(key)) is not None]
        if platform == JOBS:
            fresh = await _jobs_by_id(server, [place[-1] for place in places])
        elif platform == AGENTS:
            fresh = await _computers_by_id(server, [place[-1] for place in places])
        else:
            fresh = await self._machines_by_place(server, platform, places)
        return {each.key: each for each in fresh if each.key in keys}

    async def _machines_like(self, server: VeeamServer, platform: str, text: str) -> tuple[JobObject, ...]:
        roots = await self._roots_of(server, platform)
        found = [JobObject.of_machine(root) for root in roots if not text.strip() or fits(text, root.name)]
        if len(text.strip()) < _LETTERS:
            return tuple(found)
        asked = (
            server.browse_inventory(query, host_name=root.name)
            for query in _queries(platform, text.strip())
            for root in roots
        )
        pages = await answered(asked, within_seconds=OFFERED_WITHIN_SECONDS)
        found += [JobObject.of_machine(row) for page in pages for row in page.rows]
        return tuple(dict.fromkeys(found))

    async def _machines_by_place(
        self, server: VeeamServer, platform: str, places: Sequence[tuple[str, ...]]
    ) -> list[JobObject]:
        roots = await self._roots_of(server, platform)
        hosts, ids = {root.name for root in roots}, defaultdict[tuple[str, str | None], list[str]](list)
        for host_name, *kinds, object_id in places:
            if host_name in hosts:
                ids[host_name, _view_of(platform, kinds)].append(object_id)
        async with at_once() as group:
            pages = [
                group.create_task(
                    server.browse_inventory(
                        InventoryQuery(object_ids=tuple(wanted), hierarchy=view), host_name=host_name
                    )
                )
                for (host_name, view), wanted in ids.items()
            ]
        rows = [row for page in pages for row in page.result().rows]
        return [JobObject.of_machine(row) for row in (*roots, *rows)]

    async def _roots_of(self, server: VeeamServer, platform: str) -> tuple[InventoryObject, ...]:
        """The vCenters, hosts and clusters of a platform that VBR knows."""
        until, roots = self._roots.get((server.name, platform), (0.0, ()))
        if self._clock.monotonic() < until:
            return roots
        roots = (await server.browse_inventory(InventoryQuery(platform=platform))).rows
        self._roots[server.name, platform] = (self._clock.monotonic() + _ROOTS_LAST_SECONDS, roots)
        return roots


def _queries(platform: str, text: str) -> tuple[InventoryQuery, ...]:
    everywhere = InventoryQuery(name_contains=text, limit=FOUND_AT_MOST)
    if platform != _VSPHERE:
        return (everywhere,)
    return tuple(replace(everywhere, types=kinds, hierarchy=view) for view, kinds in _VSPHERE_VIEWS.items())


def _view_of(platform: str, kinds: Sequence[str]) -> str | None:
    views = _VSPHERE_VIEWS if platform == _VSPHERE else {}
    return next((view for view, shown in views.items() if set(kinds) & set(shown)), None)


def _place(key: str) -> tuple[str, ...] | None:
    try:
        place = msgspec.json.decode(key, type=tuple[str, ...])
    except msgspec.MsgspecError:
        return None
    return place if len(place) > 1 else None


async def _jobs_like(server: VeeamServer, text: str, sight: Sight) -> tuple[JobObject, ...]:
    query = JobStatesQuery(name=name_filter(text), order_by="Name", ascending=True)
    found: list[JobObject] = []
    async for state in server.every_job_state(query):
        is_source = state.type.casefold() not in _COPIES and (not text.strip() or fits(text, state.name))
        if is_source and sight.sees(server.name, state.name):
            found.append(JobObject.of_job(state.id, state.name, state.type))
        if len(found) >= FOUND_AT_MOST:
            break
    return tuple(found)


async def _jobs_by_id(server: VeeamServer, ids: Sequence[str]) -> list[JobObject]:
    async with at_once() as group:
        asked = [group.create_task(server.job_state(JobId(job_id))) for job_id in ids if is_id(job_id)]
    states = [state for task in asked if (state := task.result()) is not None]
    return [JobObject.of_job(state.id, state.name, state.type) for state in states]


async def _computers_like(server: VeeamServer, text: str) -> tuple[JobObject, ...]:
    groups = (await server.physical_inventory()).rows
    query = InventoryQuery(name_contains=text.strip() or None, limit=FOUND_AT_MOST)
    asked = (server.physical_inventory(query, protection_group_id=each.id) for each in groups)
    pages = await answered(asked, within_seconds=OFFERED_WITHIN_SECONDS)
    rows = [each for each in groups if not text.strip() or fits(text, each.name)]
    rows += [row for page in pages for row in page.rows]
    return tuple(dict.fromkeys(JobObject.of_machine(row) for row in rows))


async def _computers_by_id(server: VeeamServer, ids: Sequence[str]) -> list[JobObject]:
    groups = (await server.physical_inventory()).rows
    query = InventoryQuery(object_ids=tuple(ids))
    async with at_once() as group:
        pages = [
            group.create_task(server.physical_inventory(query, protection_group_id=each.id))
            for each in groups
        ]
    rows = [*groups, *(row for page in pages for row in page.result().rows)]
    return [JobObject.of_machine(row) for row in rows]
