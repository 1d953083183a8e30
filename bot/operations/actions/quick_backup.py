"""`quickbackup`: one machine now, through the job that has its newest restore point.

VBR decides which job that is and names it, with the session where it can. So it takes a role on every job of
the server. Which machine is meant is found in `bot.operations.machines`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot import veeam
from bot.operations import outcomes
from bot.operations.actions import Action, AffectedJob, PreparedAction, Target
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.impact import PickForm
from bot.operations.machines import FoundMachine, find_machine
from bot.operations.model import Kind, MachineRef, NamedMachine, Operation, RequestContext, Step
from bot.operations.permissions import Permission, Permissions, Scope
from bot.operations.vbr_lists import exact_name_filter, repository_of, where_there
from bot.settings import Role, ServerName

_POINTS_LOOKED_AT = 50
_MADE_A_POINT = frozenset({veeam.Result.SUCCESS, veeam.Result.WARNING})


class QuickBackup(Action, frozen=True, tag="quickbackup"):
    """Back up one machine now, through the job that has its newest restore point."""

    operation = Operation(
        name="quickbackup",
        usage="quickbackup VM",
        help="back up one machine now, through the job that has its newest restore point",
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
        account = accounts[found.server]
        if found.needs is not None and not account.revision.has(found.needs):
            return outcomes.UnsupportedMachine(
                self.operation,
                found.name,
                found.server,
                found.platform,
                outcomes.Unsupported(found.needs, account.revision.product),
            )
        return Target(found.server, account, machine=found)

    def permission(self, permissions: Permissions, context: RequestContext, target: Target) -> Permission:
        """Return whether the person may do it on every job of the server."""
        return permissions.may_throughout(context.person, self.operation, target.server)

    def for_target(self, target: Target) -> "QuickBackup":
        """Return the request for the machine."""
        return QuickBackup(target.machine_found.known, self.step)

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
        found = await veeam.detail(veeam.Detail.RESTORE_POINTS, target.server, asked, None)
        point, state = found or (None, None)
        if point is not None and point.creation_time is not None and state is not None:
            newest = NewestPoint(point.creation_time, backend.views.of(context, target.server, state))
            repository = await repository_of(server, state)
        form = QuickBackupForm(
            request=QuickBackup(machine.known, Step.FILL),
            server=target.server,
            machine_name=machine.name,
            platform=machine.platform,
            place=machine.place,
            newest=newest,
            is_newest_known=found is not None,
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
            action=QuickBackup(machine.known),
            context=context,
            target=target,
            name=machine.name,
            detail=_detail(machine),
        )

    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it (`StartQuickBackupJob`, `StartHyperVQuickBackupJob` or `StartAgentQuickBackupJob`)."""
        del now
        accepted = await prepared.target.account.quick_backup(prepared.target.machine_found.machine)
        return outcomes.Ran(accepted.session, accepted.job_id)

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> outcomes.Effect | None:
        """None: without its session a quick backup's run looks like any other."""
        del vbr, prepared, since
        return None

    async def affected_job(
        self, backend: Backend, prepared: PreparedAction, effect: outcomes.Effect
    ) -> AffectedJob | None:
        """Return the job that VBR took; None where it names none, nor a session of one."""
        if not isinstance(effect, outcomes.Ran):
            return None
        session, server = effect.session, prepared.target.server
        job_id = effect.job_id if session is None or session.job_id is None else session.job_id
        if job_id is None:
            return None
        answer = await backend.fleet.ask(lambda vbr: vbr.job_state(job_id), (server,))
        state = answer.answers.get(server)
        name = state.name if state is not None else session.name if session is not None else ""
        return AffectedJob(job_id, name or prepared.name)

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
    """What backing up one machine touches.

    No `newest`: VBR lists no restore point of a machine so named, or it is not `is_newest_known`.
    """

    request: QuickBackup
    server: ServerName
    machine_name: str
    platform: str
    place: str
    newest: NewestPoint | None = None
    is_newest_known: bool = True
    repository: veeam.RepositoryState | None = None
    recent: tuple[outcomes.RecentAction, ...] = ()


def _detail(machine: FoundMachine) -> str:
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
