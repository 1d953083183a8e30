"""`quickbackup`: one vSphere machine now, through the job that has its newest restore point.

VBR decides which job that is and names it with the session. So it takes a role on every job of the server.

From what was typed to a machine, VBR is asked with the GETs that an operator's account may use: the vCenters
and hosts, and what lies below each. VBR's `nameFilter` matches any field, so names are compared here. Nothing
is done on a part of a name: the machines that have it are shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import veeam
from bot.operations import matching, outcomes
from bot.operations.actions import Action, AffectedJob, PreparedAction, Target
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.impact import PickForm
from bot.operations.job_editor.objects import OFFERED_WITHIN_SECONDS
from bot.operations.model import (
    Kind,
    KnownMachine,
    MachineRef,
    NamedMachine,
    Operation,
    RequestContext,
    Step,
)
from bot.operations.permissions import Permission, Permissions, Scope
from bot.operations.vbr_lists import exact_name_filter, name_filter, repository_of, where_there
from bot.settings import Role, ServerName

MACHINE = "VirtualMachine"
CHOICES_AT_MOST = 25
_HOSTS_AT_MOST = 100
_ROWS_AT_MOST = 500
_FOUND_WITHIN_SECONDS = 12.0
_OFFERED_AT_ALL_SECONDS = 2.2
"""A menu is due within three seconds: a server that is down or slow leaves the others."""

_POINTS_LOOKED_AT = 50
_MADE_A_POINT = frozenset({veeam.Result.SUCCESS, veeam.Result.WARNING})


class QuickBackup(Action, frozen=True, tag="quickbackup"):
    """Back up one virtual machine now, through the job that has its newest restore point."""

    operation = Operation(
        name="quickbackup",
        usage="quickbackup VM",
        help="back up one vSphere machine now, through the job that has its newest restore point",
        kind=Kind.ACTION,
        audit_name="machine.quickbackup",
        roles=frozenset({Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR}),
        examples=("quickbackup web01",),
        button="Quick backup",
        finds_by_form=True,
    )

    machine: MachineRef
    step: Step = Step.SEND

    @classmethod
    def parse(cls, line: CommandLine) -> "QuickBackup":
        """Read the machine's name; without one a form asks."""
        return cls(NamedMachine(line.text or "", line.server))

    @classmethod
    def scope(cls, server: str, name: str) -> Scope:
        """The right is asked on the whole server: VBR decides through which job it runs."""
        del name
        return Scope(server)

    @property
    def subject(self) -> MachineRef:
        """The machine."""
        return self.machine

    @property
    def needs_form(self) -> bool:
        """Whether the request lacks what only a form asks for."""
        return self.step in {Step.CHOOSE, Step.FILL} or not self.names_subject

    async def find(self, backend: Backend, context: RequestContext) -> Target | outcomes.Outcome:
        """Return the machine, on a server where the person may back up through any job."""
        accounts = await self._accounts(backend, context)
        if not isinstance(accounts, dict):
            return accounts
        found = await find_machine(backend.fleet, self.machine, tuple(accounts))
        if not isinstance(found, FoundMachine):
            return found
        return Target(found.server, accounts[found.server], machine=found.machine)

    def permission(self, permissions: Permissions, context: RequestContext, target: Target) -> Permission:
        """Return whether the person may do it on every job of the server."""
        return permissions.may_throughout(context.person, self.operation, target.server)

    def for_target(self, target: Target) -> "QuickBackup":
        """Return the request for the machine."""
        return QuickBackup(_known(target.server, target.machine_found), self.step)

    async def pick(self, backend: Backend, context: RequestContext) -> outcomes.Outcome:
        """Return the form that asks for the machine."""
        accounts = await self._accounts(backend, context)
        return outcomes.NeedsForm(self.operation, PickForm(self)) if isinstance(accounts, dict) else accounts

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.NeedsForm:
        """Say which job it will run through, as far as VBR shows that.

        The API names restore points by the part of a session that made them (`restorePointId` of a task
        session), so the newest is looked for there. A task session names its machine and no more: of two
        machines of one name it may be the other's.
        """
        machine, server = target.machine_found, backend.fleet.server(target.server)
        newest: NewestPoint | None = None
        repository: veeam.RepositoryState | None = None
        asked = _newest_point(server, machine.name)
        point, state = await veeam.detail(veeam.Detail.RESTORE_POINTS, target.server, asked, (None, None))
        if point is not None and point.creation_time is not None and state is not None:
            newest = NewestPoint(point.creation_time, backend.views.of(context, target.server, state))
            repository = await repository_of(server, state)
        form = QuickBackupForm(
            request=QuickBackup(_known(target.server, machine), Step.FILL),
            server=target.server,
            machine_name=machine.name,
            host_name=machine.host_name,
            newest=newest,
            repository=repository,
            recent=await backend.audit.recent_with_detail(
                context, target.server, self.operation, _detail(machine)
            ),
        )
        return outcomes.NeedsForm(self.operation, form)

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | outcomes.Outcome:
        """Return it ready to be sent."""
        del backend
        machine = target.machine_found
        return PreparedAction(
            action=QuickBackup(_known(target.server, machine)),
            context=context,
            target=target,
            name=machine.name,
            detail=_detail(machine),
        )

    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it (`QuickBackup`)."""
        del now
        accepted = await prepared.target.account.quick_backup(prepared.target.machine_found)
        return outcomes.Ran(accepted.session)

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> outcomes.Effect | None:
        """None: without its session a quick backup's run looks like any other."""
        del vbr, prepared, since
        return None

    async def affected_job(
        self, backend: Backend, prepared: PreparedAction, effect: outcomes.Effect
    ) -> AffectedJob | None:
        """Return the job that VBR took; None where it names no session or the session no job."""
        session = effect.session if isinstance(effect, outcomes.Ran) else None
        if not isinstance(session, veeam.Session) or session.job_id is None:
            return None
        job_id, server = session.job_id, prepared.target.server
        answer = await backend.fleet.ask(lambda vbr: vbr.job_state(job_id), (server,))
        state = answer.answers.get(server)
        return AffectedJob(job_id, (state.name if state is not None else None) or session.name)

    async def _accounts(
        self, backend: Backend, context: RequestContext
    ) -> dict[ServerName, veeam.VeeamServer] | outcomes.NotFound | outcomes.Refused:
        """The servers that are meant and where the person may do it on every job, each with the account."""

        def may(server: ServerName) -> Permission:
            return backend.permissions.may_throughout(context.person, self.operation, server)

        return await backend.servers_where_allowed(self.operation, self.machine.server, context, may)


@dataclass(frozen=True, slots=True)
class NewestPoint:
    """The newest restore point of a machine, and the job that made it."""

    at: datetime
    job: outcomes.JobView


@dataclass(frozen=True, slots=True)
class QuickBackupForm(outcomes.Form):
    """What backing up one machine touches. No `newest`: VBR lists no restore point of a machine so named."""

    request: QuickBackup
    server: ServerName
    machine_name: str
    host_name: str
    newest: NewestPoint | None = None
    repository: veeam.RepositoryState | None = None
    recent: tuple[outcomes.RecentAction, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundMachine:
    """A machine and the server whose inventory it is in."""

    server: ServerName
    machine: veeam.InventoryObject


@dataclass(frozen=True, slots=True)
class _ServerMachines:
    """Machines of a server; not `is_whole` where one of its vCenters and hosts gave no answer."""

    machines: tuple[veeam.InventoryObject, ...]
    is_whole: bool


async def find_machine(
    fleet: veeam.Fleet, ref: MachineRef, servers: Sequence[ServerName]
) -> FoundMachine | outcomes.AmbiguousMachine | outcomes.NotFound:
    """Return the one machine that is meant, on one of these servers.

    Raises `VeeamError` where the only server asked gives no answer.
    """
    if isinstance(ref, KnownMachine):
        return await _by_identity(fleet, ref, servers)
    answer = await fleet.ask(
        lambda server: _machines_of(server, name_filter(ref.text), _FOUND_WITHIN_SECONDS), servers
    )
    if len(servers) == 1 and answer.failures:
        raise next(iter(answer.failures.values()))
    rows = [FoundMachine(name, row) for name, listed in answer.answers.items() for row in listed.machines]
    named = matching.pick(ref.text, rows, lambda row: row.machine.name, exact=True)
    found = named or _with_part_of_name(ref.text, rows)
    # Where a host is silent, a machine of this very name may be below it.
    silent = (*answer.failures, *(name for name, listed in answer.answers.items() if not listed.is_whole))
    if len(named) == 1 and not silent:
        return named[0]
    if found:
        choices = tuple(
            outcomes.MachineChoice(_known(one.server, one.machine), one.machine.name)
            for one in found[:CHOICES_AT_MOST]
        )
        return outcomes.AmbiguousMachine(
            ref.text, choices, total=len(found), silent=silent, is_part=not named
        )
    everything = await fleet.ask(lambda server: _machines_of(server, None, _FOUND_WITHIN_SECONDS), servers)
    names = (row.name for listed in everything.answers.values() for row in listed.machines)
    return outcomes.NotFound("virtual machine", ref.text, matching.nearest(ref.text, names), silent)


def _with_part_of_name(text: str, rows: Iterable[FoundMachine]) -> tuple[FoundMachine, ...]:
    """The machines whose names hold the text; none for words that mean all there are."""
    if matching.means_everything(text):
        return ()
    return tuple(row for row in rows if matching.fits(text, row.machine.name))


async def machines_like(
    fleet: veeam.Fleet, text: str, servers: Sequence[ServerName]
) -> tuple[FoundMachine, ...]:
    """Return machines with this in their names, on those of the servers that answer in time for a menu."""
    answer = await fleet.ask(
        lambda server: _machines_of(server, name_filter(text), OFFERED_WITHIN_SECONDS),
        servers,
        limit_seconds=_OFFERED_AT_ALL_SECONDS,
    )
    for error in answer.failures.values():
        veeam.note_missing(veeam.Detail.OBJECTS, error)
    return tuple(
        FoundMachine(name, row)
        for name, listed in answer.answers.items()
        for row in listed.machines
        if matching.fits(text, row.name)
    )


async def _by_identity(
    fleet: veeam.Fleet, ref: KnownMachine, servers: Sequence[ServerName]
) -> FoundMachine | outcomes.NotFound:
    missing = outcomes.NotFound("virtual machine", ref.object_id)
    if ref.server not in servers:
        return missing
    query = veeam.VmwareObjectsQuery(object_id=ref.object_id, type=MACHINE)
    page = await fleet.server(ref.server).vmware_objects(ref.host_name, query)
    found = next((row for row in page.rows if row.object_id == ref.object_id), None)
    return missing if found is None else FoundMachine(ref.server, found)


async def _machines_of(server: veeam.VeeamServer, name: str | None, within_seconds: float) -> _ServerMachines:
    """The machines below those vCenters and hosts of a server that answer in time."""
    hosts = (await server.vmware_hosts(veeam.VmwareHostsQuery(limit=_HOSTS_AT_MOST))).rows
    query = veeam.VmwareObjectsQuery(type=MACHINE, name=name, limit=_ROWS_AT_MOST)
    asked = (server.vmware_objects(host.name, query) for host in hosts)
    pages = await veeam.answered(asked, within_seconds=within_seconds)
    machines = tuple(row for page in pages for row in page.rows)
    return _ServerMachines(machines, is_whole=len(pages) == len(hosts))


def _known(server: ServerName, machine: veeam.InventoryObject) -> KnownMachine:
    """The machine by its place in the inventory."""
    return KnownMachine(server, machine.host_name, machine.object_id or "")


def _detail(machine: veeam.InventoryObject) -> str:
    """What stands on record of a quick backup of this machine."""
    return f"machine {machine.name}"


async def _newest_point(
    server: veeam.VeeamServer, machine_name: str
) -> tuple[veeam.TaskSession | None, veeam.JobState | None]:
    """The newest restore point of a machine so named, and the job that made it. Raises `VeeamError`."""
    query = veeam.AllTaskSessionsQuery(
        name=exact_name_filter(machine_name),
        type="Backup",
        order_by="CreationTime",
        ascending=False,
        limit=_POINTS_LOOKED_AT,
    )
    point = newest_of((await server.all_task_sessions(query)).rows, machine_name)
    return point, await _job_of(server, point) if point is not None else None


def newest_of(rows: Iterable[veeam.TaskSession], machine_name: str) -> veeam.TaskSession | None:
    """Return the first, which is the newest, that made a restore point of a machine of this very name."""
    made = (row for row in rows if row.restore_point_id and row.outcome in _MADE_A_POINT)
    return next((row for row in made if row.name == machine_name), None)


async def _job_of(server: veeam.VeeamServer, point: veeam.TaskSession) -> veeam.JobState | None:
    if point.session_id is None:
        return None
    session = await where_there(server.session(point.session_id))
    if session is None or session.job_id is None:
        return None
    return await server.job_state(session.job_id)
