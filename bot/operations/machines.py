"""From what somebody typed to one virtual machine of vSphere's inventory.

Asked are the GETs that an operator's account may use: the vCenters and hosts, and what lies below each. VBR's
`nameFilter` matches any field, so names are compared here; a part of a name is not enough to act on one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.operations import matching
from bot.operations.lookup import name_filter
from bot.operations.outcomes import MachineChoice, NotFound, WhichMachine
from bot.operations.requests import KnownMachine, MachineRef, NamedMachine
from bot.settings import ServerName
from bot.veeam import Fleet, InventoryObject, VeeamServer, VmwareHostsQuery, VmwareObjectsQuery, answered

MACHINE = "VirtualMachine"
CHOICES_AT_MOST = 25
_HOSTS_AT_MOST = 100
_ROWS_AT_MOST = 500
_FOUND_WITHIN_SECONDS = 12.0
OFFERED_WITHIN_SECONDS, _OFFERED_AT_ALL_SECONDS = 1.8, 2.2
"""A menu is due within three seconds: a host, or a server, that is down or slow leaves the others."""


@dataclass(frozen=True, slots=True)
class FoundMachine:
    """A machine and the server whose inventory it is in."""

    server: ServerName
    machine: InventoryObject


@dataclass(frozen=True, slots=True)
class _Below:
    """Machines of a server; not `is_whole` where one of its vCenters and hosts gave no answer."""

    machines: tuple[InventoryObject, ...]
    is_whole: bool


class Machines:
    """Resolves machines. Raises `VeeamError` where the only server asked gives no answer."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def find(
        self, ref: MachineRef, servers: Sequence[ServerName]
    ) -> FoundMachine | WhichMachine | NotFound:
        """Return the one machine that is meant, on one of these servers."""
        if isinstance(ref, KnownMachine):
            return await self._known(ref, servers)
        answer = await self._fleet.ask(
            lambda server: _below(server, name_filter(ref.text), _FOUND_WITHIN_SECONDS), servers
        )
        if len(servers) == 1 and answer.failures:
            raise next(iter(answer.failures.values()))
        below = answer.answers
        rows = [FoundMachine(name, row) for name, found in below.items() for row in found.machines]
        found = matching.pick(ref.text, rows, lambda row: row.machine.name, exact=True)
        # Where a host is silent, a machine of this very name may be below it.
        silent = (*answer.failures, *(name for name, found in below.items() if not found.is_whole))
        if len(found) == 1 and not silent:
            return found[0]
        if found:
            choices = tuple(map(_choice, found[:CHOICES_AT_MOST]))
            return WhichMachine(ref.text, choices, total=len(found), silent=silent)
        return NotFound("virtual machine", ref.text, await self._nearest(ref, servers), silent)

    async def like(self, text: str, servers: Sequence[ServerName]) -> tuple[FoundMachine, ...]:
        """Return machines with this in their names, on those of the servers that answer."""
        answer = await self._fleet.ask(
            lambda server: _below(server, name_filter(text), OFFERED_WITHIN_SECONDS),
            servers,
            limit_seconds=_OFFERED_AT_ALL_SECONDS,
        )
        return tuple(
            FoundMachine(name, row)
            for name, found in answer.answers.items()
            for row in found.machines
            if matching.fits(text, row.name)
        )

    async def _known(self, ref: KnownMachine, servers: Sequence[ServerName]) -> FoundMachine | NotFound:
        missing = NotFound("virtual machine", ref.object_id)
        if ref.server not in servers:
            return missing
        query = VmwareObjectsQuery(object_id=ref.object_id, type=MACHINE)
        page = await self._fleet.server(ref.server).vmware_objects(ref.host_name, query)
        found = next((row for row in page.rows if row.object_id == ref.object_id), None)
        return missing if found is None else FoundMachine(ref.server, found)

    async def _nearest(self, ref: NamedMachine, servers: Sequence[ServerName]) -> tuple[str, ...]:
        answer = await self._fleet.ask(lambda server: _below(server, None, _FOUND_WITHIN_SECONDS), servers)
        rows = (row for found in answer.answers.values() for row in found.machines)
        return matching.nearest(ref.text, (row.name for row in rows))


async def _below(server: VeeamServer, name: str | None, within_seconds: float) -> _Below:
    """The machines below those vCenters and hosts of a server that answer in time."""
    hosts = (await server.vmware_hosts(VmwareHostsQuery(limit=_HOSTS_AT_MOST))).rows
    query = VmwareObjectsQuery(type=MACHINE, name=name, limit=_ROWS_AT_MOST)
    asked = (server.vmware_objects(host.name, query) for host in hosts)
    pages = await answered(asked, within_seconds=within_seconds)
    return _Below(tuple(row for page in pages for row in page.rows), is_whole=len(pages) == len(hosts))


def known_machine(found: FoundMachine) -> KnownMachine:
    """Return the machine by its place in the inventory."""
    machine = found.machine
    return KnownMachine(found.server, machine.host_name, machine.object_id or "")


def _choice(found: FoundMachine) -> MachineChoice:
    return MachineChoice(known_machine(found), found.machine.name)
