"""From what somebody typed or chose to one machine, on whatever platform VBR knows it.

Machines of vSphere are read with the GETs that an operator's account may use: the vCenters and hosts, and
what lies below each. Those of Hyper-V and Cloud Director take a search of the inventory, computers with an
agent one of the protection groups. Accounts that may not do that, and revisions that can't, are common: what
is refused is named as missing, and the rest goes on. VBR's filters match any field, so names are compared
here; a part of a name is not enough to act on one.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot import veeam
from bot.operations import matching, outcomes
from bot.operations.job_editor.objects import OFFERED_WITHIN_SECONDS
from bot.operations.model import VSPHERE, KnownMachine, MachineRef
from bot.operations.vbr_lists import name_filter
from bot.settings import ServerName

MACHINE = "VirtualMachine"
COMPUTERS = ("WindowsComputer", "LinuxComputer")
CHOICES_AT_MOST = 25
_HOSTS_AT_MOST = 100
_ROWS_AT_MOST = 500
_FOUND_WITHIN_SECONDS = 12.0
_OFFERED_AT_ALL_SECONDS = 2.2
"""A menu is due within three seconds: a server that is down or slow leaves the others."""
_NEEDS: Mapping[str, veeam.Capability] = {
    veeam.Source.HYPERV: veeam.Capability.QUICK_BACKUP_HYPERV,
    veeam.Source.AGENTS: veeam.Capability.QUICK_BACKUP_AGENT,
}
_REFUSED = (veeam.NotAllowed, veeam.NotFoundOnServer, veeam.Rejected)
"""Answers that say that an account may not read a platform, or that this VBR has no such thing."""

Machine = veeam.InventoryObject | veeam.AgentObject


@dataclass(frozen=True, slots=True)
class FoundMachine:
    """A machine, the server whose inventory it is in, and what it is below: a host or a protection group."""

    server: ServerName
    platform: str
    place: str
    machine: Machine

    @property
    def name(self) -> str:
        """What VBR calls it."""
        return self.machine.name

    @property
    def known(self) -> KnownMachine:
        """The machine by its place in the inventory."""
        if isinstance(self.machine, veeam.AgentObject):
            return KnownMachine(self.server, "", self.machine.id, self.platform)
        return KnownMachine(self.server, self.machine.host_name, self.machine.object_id or "", self.platform)

    @property
    def needs(self) -> veeam.Capability | None:
        """What a server's revision must have, so that such a machine can be backed up by itself."""
        return _NEEDS.get(self.platform)


@dataclass(frozen=True, slots=True)
class _Listed:
    """Machines of a server; not `is_whole` where one of the hosts they are below gave no answer."""

    machines: tuple[FoundMachine, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, and how long each server may take. Without a `text` it is every machine."""

    text: str | None
    within_seconds: float

    @property
    def name_filter(self) -> str | None:
        """For VBR's GETs."""
        return name_filter(self.text) if self.text is not None else None

    @property
    def inventory_query(self) -> veeam.InventoryQuery:
        """For a search of the inventory."""
        piece = (self.name_filter or "").strip("*")
        return veeam.InventoryQuery(name_contains=piece or None, limit=_ROWS_AT_MOST)


async def find_machine(
    fleet: veeam.Fleet, ref: MachineRef, servers: Sequence[ServerName]
) -> FoundMachine | outcomes.AmbiguousMachine | outcomes.NotFound:
    """Return the one machine that is meant, on one of these servers; those that have a part of its name.

    Platforms that a server's revision can't back up are looked at only where nothing else has the name, to
    say what it is. Raises `VeeamError` where the only server asked gives no answer.
    """
    if isinstance(ref, KnownMachine):
        return await _by_identity(fleet, ref, servers)
    search = _Search(ref.text, _FOUND_WITHIN_SECONDS)
    answer = await fleet.ask(lambda server: _machines_of(server, search), servers)
    if len(servers) == 1 and answer.failures:
        raise next(iter(answer.failures.values()))
    # Below a host that gave no answer a machine of this very name may be; what is missing is noted.
    silent = tuple(answer.failures)
    is_sure = not silent and all(listed.is_whole for listed in answer.answers.values())
    found = _named(ref.text, answer.answers)
    if not found:
        others = await fleet.ask(lambda server: _others_of(server, search), tuple(answer.answers))
        found = _named(ref.text, others.answers)
    if len(found) == 1 and is_sure:
        return found[0]
    is_part = not found
    found = found or _with_part_of_name(ref.text, answer.answers)
    if found:
        choices = tuple(
            outcomes.MachineChoice(one.known, one.name, one.place) for one in found[:CHOICES_AT_MOST]
        )
        return outcomes.AmbiguousMachine(ref.text, choices, total=len(found), silent=silent, is_part=is_part)
    everything = await fleet.ask(
        lambda server: _machines_of(server, _Search(None, _FOUND_WITHIN_SECONDS)), servers
    )
    names = (one.name for listed in everything.answers.values() for one in listed.machines)
    nearest = matching.nearest(ref.text, names)
    return outcomes.NotFound("machine", ref.text, nearest, silent, has_answers=bool(answer.answers))


async def machines_like(
    fleet: veeam.Fleet, text: str, servers: Sequence[ServerName]
) -> tuple[FoundMachine, ...]:
    """Return machines with this in their names, on those of the servers that answer in time for a menu."""
    search = _Search(text, OFFERED_WITHIN_SECONDS)
    answer = await fleet.ask(
        lambda server: _machines_of(server, search), servers, limit_seconds=_OFFERED_AT_ALL_SECONDS
    )
    for error in answer.failures.values():
        veeam.note_missing(veeam.Detail.INVENTORY, error)
    return tuple(
        one for listed in answer.answers.values() for one in listed.machines if matching.fits(text, one.name)
    )


def _named(text: str, answers: Mapping[ServerName, _Listed]) -> Sequence[FoundMachine]:
    rows = [one for listed in answers.values() for one in listed.machines]
    return matching.pick(text, rows, lambda one: one.name, exact=True)


def _with_part_of_name(text: str, answers: Mapping[ServerName, _Listed]) -> Sequence[FoundMachine]:
    """The machines whose names hold the text; none for words that mean all there are."""
    if matching.means_everything(text):
        return ()
    return [one for listed in answers.values() for one in listed.machines if matching.fits(text, one.name)]


async def _by_identity(
    fleet: veeam.Fleet, ref: KnownMachine, servers: Sequence[ServerName]
) -> FoundMachine | outcomes.NotFound:
    missing = outcomes.NotFound("machine", ref.object_id)
    if ref.server not in servers:
        return missing
    server = fleet.server(ref.server)
    if ref.platform == veeam.Source.AGENTS:
        query = veeam.InventoryQuery(object_ids=(ref.object_id,))
        found = (await _computers(server, query, _FOUND_WITHIN_SECONDS)).machines
    elif ref.platform == VSPHERE:
        by_id = veeam.VmwareObjectsQuery(object_id=ref.object_id, type=MACHINE)
        found = _below(server, VSPHERE, (await server.vmware_objects(ref.host_name, by_id)).rows)
    else:
        query = veeam.InventoryQuery(object_ids=(ref.object_id,), types=(MACHINE,))
        page = await server.browse_inventory(query, host_name=ref.host_name)
        found = _below(server, ref.platform, page.rows)
    return next((one for one in found if one.known.object_id == ref.object_id), missing)


async def _machines_of(server: veeam.VeeamServer, search: _Search) -> _Listed:
    """The machines that a quick backup can be asked for. Raises `VeeamError` where no platform is read."""
    revision = await server.detect_revision()
    reads = {veeam.Detail.VSPHERE_MACHINES: _vsphere(server, search)}
    if revision.has(veeam.Capability.QUICK_BACKUP_HYPERV):
        reads[veeam.Detail.OTHER_MACHINES] = _other_platforms(server, search)
    if revision.has(veeam.Capability.QUICK_BACKUP_AGENT):
        reads[veeam.Detail.COMPUTERS] = _computers_like(server, search)
    listed, failures = await _read(reads)
    if len(failures) == len(reads):
        raise next(iter(failures.values()))
    return listed


async def _others_of(server: veeam.VeeamServer, search: _Search) -> _Listed:
    """The machines of platforms that `_machines_of` leaves out on a server of this revision."""
    revision = await server.detect_revision()
    reads: dict[veeam.Detail, Awaitable[_Listed]] = {}
    if not revision.has(veeam.Capability.QUICK_BACKUP_HYPERV):
        reads[veeam.Detail.OTHER_MACHINES] = _other_platforms(server, search)
    if revision.has(veeam.Capability.PHYSICAL_INVENTORY) and not revision.has(
        veeam.Capability.QUICK_BACKUP_AGENT
    ):
        reads[veeam.Detail.COMPUTERS] = _computers_like(server, search)
    listed, _ = await _read(reads)
    return listed


async def _read(
    reads: Mapping[veeam.Detail, Awaitable[_Listed]],
) -> tuple[_Listed, Mapping[veeam.Detail, veeam.VeeamError]]:
    """What the reads say, side by side; of those that fail what failed, noted as missing.

    A refusal leaves the list whole: what an account may not read, nobody means who uses it.
    """

    async def ask(read: Awaitable[_Listed]) -> _Listed | veeam.VeeamError:
        try:
            return await read
        except veeam.VeeamError as error:
            return error

    async with veeam.at_once() as group:
        tasks = {what: group.create_task(ask(read)) for what, read in reads.items()}
    results = {what: task.result() for what, task in tasks.items()}
    failures = {what: one for what, one in results.items() if isinstance(one, veeam.VeeamError)}
    if len(failures) < len(results) or veeam.Detail.VSPHERE_MACHINES not in failures:
        for what, error in failures.items():
            veeam.note_missing(what, error)
    listed = [one for one in results.values() if isinstance(one, _Listed)]
    is_whole = all(one.is_whole for one in listed) and all(
        isinstance(error, _REFUSED) for error in failures.values()
    )
    return _Listed(tuple(one for each in listed for one in each.machines), is_whole=is_whole), failures


async def _vsphere(server: veeam.VeeamServer, search: _Search) -> _Listed:
    """The machines below those vCenters and hosts of a server that answer in time."""
    hosts = (await server.vmware_hosts(veeam.VmwareHostsQuery(limit=_HOSTS_AT_MOST))).rows
    query = veeam.VmwareObjectsQuery(type=MACHINE, name=search.name_filter, limit=_ROWS_AT_MOST)
    asked = (server.vmware_objects(host.name, query) for host in hosts)
    what = veeam.Detail.VSPHERE_MACHINES
    pages = await veeam.answered(server.name, what, asked, within_seconds=search.within_seconds)
    rows = [row for page in pages for row in page.rows]
    return _Listed(_below(server, VSPHERE, rows), is_whole=len(pages) == len(hosts))


async def _other_platforms(server: veeam.VeeamServer, search: _Search) -> _Listed:
    """The machines below those hosts of Hyper-V and Cloud Director that answer in time."""
    roots = (await server.browse_inventory(veeam.InventoryQuery(limit=_HOSTS_AT_MOST))).rows
    hosts = [root for root in roots if root.platform in {veeam.Source.HYPERV, veeam.Source.CLOUD_DIRECTOR}]
    query = replace(search.inventory_query, types=(MACHINE,))
    asked = (server.browse_inventory(query, host_name=host.name) for host in hosts)
    what = veeam.Detail.OTHER_MACHINES
    pages = await veeam.answered(server.name, what, asked, within_seconds=search.within_seconds)
    rows = dict.fromkeys(row for page in pages for row in page.rows)
    machines = tuple(one for row in rows for one in _below(server, row.platform, (row,)))
    return _Listed(machines, is_whole=len(pages) == len(hosts))


async def _computers_like(server: veeam.VeeamServer, search: _Search) -> _Listed:
    return await _computers(server, replace(search.inventory_query, types=COMPUTERS), search.within_seconds)


async def _computers(
    server: veeam.VeeamServer, query: veeam.InventoryQuery, within_seconds: float
) -> _Listed:
    """The computers in those protection groups of a server that answer in time, by their group's name."""
    revision = await server.detect_revision()
    groups = (await server.physical_inventory(veeam.InventoryQuery(limit=_HOSTS_AT_MOST))).rows
    if revision.has(veeam.Capability.WHOLE_PHYSICAL_INVENTORY):
        asked = [server.whole_physical_inventory(query)]
    else:
        asked = [server.physical_inventory(query, protection_group_id=group.id) for group in groups]
    what = veeam.Detail.COMPUTERS
    pages = await veeam.answered(server.name, what, asked, within_seconds=within_seconds)
    names = {group.id: group.name for group in groups}
    rows = {row.id: row for page in pages for row in page.rows if row.type in COMPUTERS}
    machines = tuple(
        FoundMachine(
            server.name, veeam.Source.AGENTS.value, names.get(row.protection_group_id or "", ""), row
        )
        for row in rows.values()
    )
    return _Listed(machines, is_whole=len(pages) == len(asked))


def _below(
    server: veeam.VeeamServer, platform: str, rows: Sequence[veeam.InventoryObject]
) -> tuple[FoundMachine, ...]:
    """Machines by what they are below; one that VBR gives no ID cannot be asked for."""
    return tuple(
        FoundMachine(server.name, platform, row.host_name, row) for row in rows if row.object_id is not None
    )
