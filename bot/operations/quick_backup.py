"""`quickbackup`: one vSphere machine now, through the job that has its newest restore point.

Which job that is, VBR decides and tells with the session. So it takes a role on every job of the server.
"""

from dataclasses import dataclass

import structlog

from bot.observability import Clock
from bot.operations.accounts import AllowedServers
from bot.operations.answers import ActionAnswer
from bot.operations.approvals.wishes import Wish
from bot.operations.asking import Asking
from bot.operations.catalog import QUICKBACKUP
from bot.operations.effects import Ran
from bot.operations.forms import PickForm
from bot.operations.lately import Lately
from bot.operations.machines import FoundMachine, Machines, known_machine
from bot.operations.once import NotSent, Once, Ready
from bot.operations.outcomes import Done, Failed, NeedsForm, NotFound, Refused, Sent, Unclear, WhichMachine
from bot.operations.quick_backup_form import QuickBackupForms, detail_of
from bot.operations.record import Record
from bot.operations.requests import QuickBackupRequest
from bot.operations.seen import JobViews
from bot.operations.steps import is_bare, is_said
from bot.settings import ServerName
from bot.store import OwnAction, OwnActions, StoreError
from bot.veeam import Fleet, JobId, Session, UnexpectedAnswer, VeeamError, VeeamServer
from bot.veeam import Unclear as UnclearAnswer

log = structlog.get_logger()

Unsent = Refused | NotFound | WhichMachine
Came = Sent | Unsent


@dataclass(frozen=True, slots=True)
class _Backup:
    """One quick backup, allowed: everything that sending it takes."""

    asking: Asking
    found: FoundMachine
    server: VeeamServer

    @property
    def detail(self) -> str:
        return detail_of(self.found)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is written down of a quick backup, and what stands there already."""

    record: Record
    once: Once
    lately: Lately
    own_actions: OwnActions


class QuickBackups:
    """Does `quickbackup`."""

    def __init__(
        self, fleet: Fleet, allowed: AllowedServers, views: JobViews, keeping: Keeping, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._allowed = allowed
        self._machines = Machines(fleet)
        self._keeping = keeping
        self._clock = clock
        self._forms = QuickBackupForms(fleet, views, keeping.lately)

    async def run(self, request: QuickBackupRequest, asking: Asking) -> Came | NeedsForm | NotSent:
        """Do it, or say why not. Raises `StoreError` and `VeeamError` only where nothing was done."""
        if is_bare(request):
            return await self._form(request, asking)
        came: Came | NotSent = await self._keeping.once.run(
            QUICKBACKUP, asking, lambda: self.prepare(request, asking)
        )
        return came

    async def prepare(self, request: QuickBackupRequest, asking: Asking) -> Ready[Came] | Came:
        """Return it ready to be sent, or why not. Raises `StoreError` and `VeeamError`."""
        backup = await self._prepared(request, asking)
        if not isinstance(backup, _Backup):
            return backup
        return Ready(_wish(backup), lambda: self._send(backup))

    async def _form(self, request: QuickBackupRequest, asking: Asking) -> NeedsForm | Unsent:
        accounts = await self._allowed.throughout(QUICKBACKUP, request.machine.server, asking)
        if not isinstance(accounts, dict):
            return accounts
        if not is_said(request):
            return NeedsForm(QUICKBACKUP, PickForm(request))
        found = await self._machines.find(request.machine, tuple(accounts))
        if not isinstance(found, FoundMachine):
            return found
        return NeedsForm(QUICKBACKUP, await self._forms.of(asking, found))

    async def _prepared(self, request: QuickBackupRequest, asking: Asking) -> _Backup | Unsent:
        accounts = await self._allowed.throughout(QUICKBACKUP, request.machine.server, asking)
        if not isinstance(accounts, dict):
            return accounts
        found = await self._machines.find(request.machine, tuple(accounts))
        if not isinstance(found, FoundMachine):
            return found
        return _Backup(asking, found, accounts[found.server])

    async def _send(self, backup: _Backup) -> Sent:
        return await self._keeping.record.sent(
            QUICKBACKUP, backup.asking, backup.found.server, backup.detail, lambda: self._sent(backup)
        )

    async def _sent(self, backup: _Backup) -> Sent:
        machine = backup.found.machine
        try:
            accepted = await backup.server.quick_backup(machine)
        except UnclearAnswer as error:
            return _unclear(backup, error)
        except VeeamError as error:
            return Failed(QUICKBACKUP, error, machine.name)
        return await self._begun(backup, accepted.session)

    async def _begun(self, backup: _Backup, session: Session | None) -> Done | Unclear:
        name = backup.found.server
        if session is None or session.job_id is None:
            return _unclear(backup, UnexpectedAnswer(name, "accepted, and no session was named"), session)
        await self._remember(backup, session.job_id, session)
        return Done(
            ActionAnswer(
                operation=QUICKBACKUP,
                by=backup.asking.person.id,
                server=name,
                job_id=session.job_id,
                job_name=await self._job_name(name, session.job_id) or session.name,
                effect=Ran(session),
                detail=backup.detail,
                at=self._clock.now(),
                reference=backup.asking.gesture.reference,
                approver=approver.id if (approver := backup.asking.approver) is not None else None,
            )
        )

    async def _job_name(self, name: ServerName, job_id: JobId) -> str | None:
        answer = await self._fleet.ask(lambda server: server.job_state(job_id), (name,))
        state = answer.answers.get(name)
        return state.name if state is not None else None

    async def _remember(self, backup: _Backup, job_id: JobId, session: Session) -> None:
        gesture = backup.asking.gesture
        own = OwnAction(
            server=backup.found.server,
            job_id=job_id,
            session_id=session.id,
            operation=QUICKBACKUP.name,
            person_id=backup.asking.person.id,
            channel_id=gesture.channel_id,
            reference=gesture.reference,
            at=self._clock.now(),
        )
        try:
            await self._keeping.own_actions.remember(own)
        except StoreError as error:
            log.error(
                "operations.not_remembered", operation=QUICKBACKUP.name, job_id=job_id, error=str(error)
            )


def _wish(backup: _Backup) -> Wish:
    found = backup.found
    return Wish(
        operation=QUICKBACKUP,
        request=QuickBackupRequest(known_machine(found)),
        asking=backup.asking,
        server=found.server,
        job=None,
        name=found.machine.name,
        detail=backup.detail,
    )


def _unclear(backup: _Backup, error: VeeamError, session: Session | None = None) -> Unclear:
    return Unclear(
        operation=QUICKBACKUP,
        job_name=backup.found.machine.name,
        server=backup.found.server,
        job=None,
        found=Ran(session) if session is not None else None,
        error=error,
    )
