"""`quickbackup`: one vSphere machine now, through the job that has its newest restore point.

Which job that is, VBR decides and tells with the session. So it takes a role on every job of the server.
"""

from dataclasses import dataclass

import structlog

from bot.observability import Clock
from bot.operations.answers import ActionAnswer
from bot.operations.approvals.wishes import Wish
from bot.operations.asking import Asking
from bot.operations.catalog import QUICKBACKUP
from bot.operations.effects import Ran
from bot.operations.forms import PickForm
from bot.operations.lately import Lately
from bot.operations.lookup import Lookup
from bot.operations.machines import FoundMachine, Machines, known_machine
from bot.operations.once import NotSent, Once, Ready
from bot.operations.outcomes import (
    Done,
    Failed,
    NeedsForm,
    NotFound,
    Refusal,
    Refused,
    Unclear,
    WhichMachine,
    kind_of,
)
from bot.operations.quick_backup_form import QuickBackupForms, detail_of
from bot.operations.record import Record
from bot.operations.requests import QuickBackupRequest, is_bare, is_said
from bot.operations.roles import Rights, Verdict
from bot.operations.seen import JobViews
from bot.operations.sending import Acting, account_of
from bot.settings import ServerName
from bot.store.errors import StoreError
from bot.store.own_actions import OwnActions
from bot.store.records import OwnAction
from bot.veeam import Fleet, JobId, Session, UnexpectedAnswer, VeeamError, VeeamServer
from bot.veeam import Unclear as UnclearAnswer

log = structlog.get_logger()

Unsent = Refused | NotFound | WhichMachine
Came = Done | Unclear | Failed | Unsent


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
        self, fleet: Fleet, lookup: Lookup, rights: Rights, keeping: Keeping, acting: Acting, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._machines = Machines(fleet)
        self._rights = rights
        self._keeping = keeping
        self._acting = acting
        self._clock = clock
        self._forms = QuickBackupForms(fleet, JobViews(rights, fleet), keeping.lately)

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
        verdicts = await self._allowed(request, asking)
        if not isinstance(verdicts, dict):
            return verdicts
        if not is_said(request):
            return NeedsForm(QUICKBACKUP, PickForm(request))
        found = await self._machines.find(request.machine, tuple(verdicts))
        if not isinstance(found, FoundMachine):
            return found
        return NeedsForm(QUICKBACKUP, await self._forms.of(asking, found))

    async def _prepared(self, request: QuickBackupRequest, asking: Asking) -> _Backup | Unsent:
        verdicts = await self._allowed(request, asking)
        if not isinstance(verdicts, dict):
            return verdicts
        found = await self._machines.find(request.machine, tuple(verdicts))
        if not isinstance(found, FoundMachine):
            return found
        account = account_of(self._fleet, self._acting, found.server, verdicts[found.server])
        return _Backup(asking, found, account)

    async def _allowed(
        self, request: QuickBackupRequest, asking: Asking
    ) -> dict[ServerName, Verdict] | Refused | NotFound:
        """The servers that are meant and where the person may, each with what lets them."""
        servers = self._lookup.servers(request.machine.server, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        verdicts = {name: self._rights.may_throughout(asking.person, QUICKBACKUP, name) for name in servers}
        allowed = {name: verdict for name, verdict in verdicts.items() if verdict.is_allowed}
        if not allowed:
            return await self._refused(asking, next(iter(verdicts.values()), Verdict(Refusal.SCOPE)))
        return allowed

    async def _refused(self, asking: Asking, verdict: Verdict) -> Refused:
        refusal = verdict.refusal or Refusal.SCOPE
        await self._keeping.record.refused(QUICKBACKUP, asking.person, asking.gesture, refusal)
        return Refused(refusal, QUICKBACKUP, asking.person.standing, verdict.roles_needed, verdict.groups)

    async def _send(self, backup: _Backup) -> Came:
        name, machine = backup.found.server, backup.found.machine
        record = self._keeping.record
        audit_id = await record.opened(QUICKBACKUP, backup.asking, name, backup.detail)
        session: Session | None = None
        try:
            session = (await backup.server.quick_backup(machine)).session
        except UnclearAnswer as error:
            outcome: Done | Unclear | Failed = _unclear(backup, error)
        except VeeamError as error:
            outcome = Failed(QUICKBACKUP, error, machine.name)
        else:
            outcome = await self._begun(backup, session)
        session_id = session.id if session is not None else None
        detail = str(outcome.error) if isinstance(outcome, Failed | Unclear) else None
        try:
            await record.closed(audit_id, kind_of(outcome), session_id, detail)
        except StoreError as error:
            log.error("operations.audit_left_open", audit_id=audit_id, error=str(error))
        return outcome

    async def _begun(self, backup: _Backup, session: Session | None) -> Done | Unclear:
        name = backup.found.server
        if session is None or session.job_id is None:
            return _unclear(backup, UnexpectedAnswer(name, "accepted, and no session was named"))
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


def _unclear(backup: _Backup, error: VeeamError) -> Unclear:
    return Unclear(
        operation=QUICKBACKUP,
        job_name=backup.found.machine.name,
        server=backup.found.server,
        job=None,
        found=None,
        error=error,
    )
