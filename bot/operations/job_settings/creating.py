"""`create`: a new job, a vSphere backup made from nothing or a job of another's kind made like it.

It is sent once. Where no answer comes, a job of the very name that is there since speaks for its having been
made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

import structlog

from bot.observability import Clock
from bot.operations.accounts import AllowedServers
from bot.operations.answers import ActionAnswer
from bot.operations.approvals.wishes import Wish
from bot.operations.asking import Asking
from bot.operations.catalog import CREATE
from bot.operations.effects import Created
from bot.operations.forms import CreateChoice, JobForm, JobSummary, Problem
from bot.operations.job_settings.drafts import JobDraft
from bot.operations.job_settings.fields import JobFields, problem_of
from bot.operations.job_settings.sight import settings_seen
from bot.operations.job_settings.words import TITLES, in_words
from bot.operations.lookup import name_filter
from bot.operations.once import NotSent, Once, Ready
from bot.operations.outcomes import Done, Failed, Forgotten, NeedsForm, NotFound, Refused, Sent, Unclear
from bot.operations.record import Record
from bot.operations.requests import CreateRequest, KnownJob, Step
from bot.veeam import AnswerLost as UnclearAnswer
from bot.veeam import (
    Fleet,
    GuestProcessing,
    JobSettings,
    JobState,
    JobStatesQuery,
    Rejected,
    Retention,
    RetentionUnit,
    Rhythm,
    Schedule,
    SettingsField,
    VeeamError,
    VeeamServer,
    new_vsphere_spec,
    settings_of,
    spec_from_template,
)
from bot.veeam import NotFoundOnServer as NotOnServer

log = structlog.get_logger()

Came = Sent | Refused | NotFound | NeedsForm | Forgotten

_USUAL_DAYS = 7
_USUAL_TIME = time(22, 0)
_UNDESCRIBED = "VBR's API cannot describe this job, so none can be made like it: use VBR's console."


@dataclass(frozen=True, slots=True)
class Making:
    """What creating works with: the fields, and what is written down."""

    fields: JobFields
    record: Record
    once: Once


class Creating:
    """Does `create`."""

    def __init__(self, fleet: Fleet, allowed: AllowedServers, making: Making, clock: Clock) -> None:
        self._fleet = fleet
        self._allowed = allowed
        self._making = making
        self._clock = clock

    async def run(self, request: CreateRequest, asking: Asking) -> Came | NotSent:
        """Ask for what is missing, or do it. Raises `StoreError` and `VeeamError` only before it is sent."""
        draft = await self._draft(request, asking)
        if draft is None:
            return await self._run(request, asking)
        if request.entered is not None:
            await self._making.fields.enter(asking.person, draft, request.entered)
        try:
            return await self._run(request, asking)
        except VeeamError as error:
            return await self._failed(Failed(CREATE, error, draft.wanted.name), request, asking, None)

    async def _run(self, request: CreateRequest, asking: Asking) -> Came | NotSent:
        accounts = await self._accounts(request, asking)
        if not isinstance(accounts, tuple):
            return accounts
        if request.step is Step.CHOOSE or len(accounts) != 1:
            return _choice(request, accounts)
        account = accounts[0]
        if request.step is Step.FILL:
            return await self._form(request, asking, account)
        if request.step is Step.REVIEW:
            return await self._review(request, asking, account)

        came: Came | NotSent = await self._making.once.run(
            CREATE, asking, lambda: self._ready(request, asking, account)
        )
        return await self._failed(came, request, asking, account) if isinstance(came, Failed) else came

    async def _failed(
        self, failed: Failed, request: CreateRequest, asking: Asking, account: VeeamServer | None
    ) -> Failed:
        """The failure with the form as it was filled in, so that nothing entered is lost."""
        draft = await self._draft(request, asking)
        if draft is None or not self._making.fields.may_still(CREATE, asking, draft):
            return failed
        problems = (problem_of(failed.error),)
        if account is None:
            return replace(failed, form=_form(draft, asking, request.like, problems))
        return replace(failed, form=(await self._filled(draft, request, asking, account, problems)).form)

    async def prepare(self, request: CreateRequest, asking: Asking) -> Ready[Came] | Came:
        """Return it ready to be sent, or why not. Raises `StoreError` and `VeeamError`."""
        accounts = await self._accounts(request, asking)
        if not isinstance(accounts, tuple):
            return accounts
        if len(accounts) != 1:
            return _choice(request, accounts)
        return await self._ready(request, asking, accounts[0])

    async def _accounts(
        self, request: CreateRequest, asking: Asking
    ) -> tuple[VeeamServer, ...] | NotFound | Refused:
        """Under which account to do it, on each server that is meant and where the person may."""
        named = request.like.server if request.like is not None else request.server
        found = await self._allowed.somewhere(CREATE, named, asking)
        return tuple(found.values()) if isinstance(found, dict) else found

    async def _draft(self, request: CreateRequest, asking: Asking) -> JobDraft | None:
        return await self._making.fields.draft(asking.person, request.draft)

    async def _form(
        self, request: CreateRequest, asking: Asking, account: VeeamServer
    ) -> NeedsForm | Forgotten:
        if request.draft is not None:
            kept = await self._draft(request, asking)
            return Forgotten(CREATE) if kept is None else await self._filled(kept, request, asking, account)
        if request.like is None:
            new = _from_nothing(account, asking.person.name)
        else:
            like = await self._like(request.like, asking, account)
            if like is None:
                return _choice(request, (account,), (Problem(None, _UNDESCRIBED),))
            new = like
        begun = await self._making.fields.begin(asking.person, new)
        return await self._filled(begun, request, asking, account)

    async def _like(self, job: KnownJob, asking: Asking, account: VeeamServer) -> JobDraft | None:
        """A draft like a job that the person may know of; None where there is none that can be described."""
        state = await account.job_state(job.job_id)
        if state is None or not asking.sight.sees(account.name, state.name):
            return None
        try:
            model = await account.job(job.job_id)
        except (Rejected, NotOnServer):
            return None
        wanted = replace(settings_of(model.raw), name="")
        return JobDraft(
            id="", server=account.name, kind=state.type, wanted=wanted, model=model.raw, like=state.name
        )

    async def _review(
        self, request: CreateRequest, asking: Asking, account: VeeamServer
    ) -> NeedsForm | Forgotten:
        draft = await self._draft(request, asking)
        if draft is None or draft.server != account.name:
            return Forgotten(CREATE)
        fields = self._making.fields
        draft, missing = await fields.find(account, draft, asking.person)
        problems = missing + await fields.problems(account, draft, request, asking)
        if problems:
            return await self._filled(draft, request, asking, account, problems)
        around = await fields.around(account, draft)
        summary = JobSummary(
            request=CreateRequest(account.name, request.like, draft.id, Step.SEND),
            back=CreateRequest(account.name, request.like, draft.id, Step.FILL),
            draft=replace(draft, wanted=settings_seen(asking.sight, draft.server, draft.wanted)),
            touched=None,
            names=around.names,
            repository=around.repository_of(draft),
            time_zone=around.time_zone,
        )
        return NeedsForm(CREATE, summary)

    async def _filled(
        self,
        draft: JobDraft,
        request: CreateRequest,
        asking: Asking,
        account: VeeamServer,
        problems: tuple[Problem, ...] = (),
    ) -> NeedsForm:
        try:
            around = await self._making.fields.around(account, draft)
        except VeeamError:
            if not problems:
                raise
        else:
            draft = await self._making.fields.remember(asking.person, draft, around)
        return NeedsForm(CREATE, _form(draft, asking, request.like, problems))

    async def _ready(
        self, request: CreateRequest, asking: Asking, account: VeeamServer
    ) -> Ready[Came] | Came:
        draft = await self._draft(request, asking)
        if draft is None or draft.server != account.name:
            return Forgotten(CREATE)
        problems = await self._making.fields.problems(account, draft, request, asking)
        if problems:
            return await self._filled(draft, request, asking, account, problems)
        revision = account.revision
        if draft.model is None:
            spec = new_vsphere_spec(draft.wanted, revision)
        else:
            spec = spec_from_template(draft.model, draft.wanted, revision)
        wish = Wish(
            operation=CREATE,
            request=replace(request, server=account.name),
            asking=asking,
            server=account.name,
            job=None,
            name=draft.wanted.name,
            detail=_in_full(draft, asking),
            sent=spec,
        )
        return Ready(
            wish,
            lambda: self._making.record.sent(
                CREATE, asking, account.name, _detail(draft), lambda: self._send(asking, account, draft, spec)
            ),
        )

    async def _send(
        self, asking: Asking, account: VeeamServer, draft: JobDraft, spec: Mapping[str, Any]
    ) -> Sent:
        name = draft.wanted.name
        try:
            job = await account.create_job(spec)
        except UnclearAnswer as error:
            return await self._unclear(name, account, error)
        except VeeamError as error:
            return Failed(CREATE, error, name)
        return Done(
            ActionAnswer(
                operation=CREATE,
                by=asking.person.id,
                server=account.name,
                job_id=job.id,
                job_name=job.name,
                effect=Created(job.id, job.name, is_disabled=job.is_disabled),
                detail=None,
                at=self._clock.now(),
                reference=asking.gesture.reference,
                approver=asking.approver.id if asking.approver is not None else None,
            )
        )

    async def _unclear(self, name: str, account: VeeamServer, error: UnclearAnswer) -> Unclear:
        answer = await self._fleet.ask(lambda server: _of_name(server, name), (account.name,))
        state = answer.answers.get(account.name)
        found = Created(state.id, state.name, is_disabled=state.is_disabled) if state is not None else None
        return Unclear(CREATE, name, account.name, job=None, found=found, error=error)


def _detail(draft: JobDraft) -> str:
    return f"{draft.kind} {draft.wanted.name}" + (f" like {draft.like}" if draft.like else "")


def _in_full(draft: JobDraft, asking: Asking) -> str:
    """What a second person approves: no job is there yet for them to look at."""
    seen = settings_seen(asking.sight, draft.server, draft.wanted)
    parts = [
        f"{TITLES[part]}: {in_words(part, value, draft.names)}"
        for part in SettingsField
        if part is not SettingsField.NAME and (value := seen.part(part)) is not None
    ]
    return "; ".join([_detail(draft), *parts])


def _form(draft: JobDraft, asking: Asking, like: KnownJob | None, problems: tuple[Problem, ...]) -> JobForm:
    return JobForm(
        request=CreateRequest(draft.server, like, draft.id, Step.REVIEW),
        draft=replace(draft, wanted=settings_seen(asking.sight, draft.server, draft.wanted)),
        touched=None,
        names=draft.names,
        time_zone=draft.time_zone,
        problems=problems,
    )


def _choice(
    request: CreateRequest, accounts: tuple[VeeamServer, ...], problems: tuple[Problem, ...] = ()
) -> NeedsForm:
    asked = CreateRequest(server=request.server, like=request.like, step=Step.FILL)
    return NeedsForm(CREATE, CreateChoice(asked, tuple(account.name for account in accounts), problems))


def _from_nothing(account: VeeamServer, name: str) -> JobDraft:
    """A vSphere backup, with VBR's usual values in its fields."""
    wanted = JobSettings(
        name="",
        description=f"Created from Slack by {name}" if name else "Created from Slack",
        is_high_priority=False,
        objects=(),
        repository_id="",
        retention=Retention(str(RetentionUnit.DAYS), _USUAL_DAYS),
        schedule=Schedule(Rhythm.EVERY_DAY, at=_USUAL_TIME),
        guest=GuestProcessing(is_application_aware=False),
    )
    return JobDraft(id="", server=account.name, kind=account.revision.job_types[0], wanted=wanted)


async def _of_name(server: VeeamServer, name: str) -> JobState | None:
    async for state in server.every_job_state(JobStatesQuery(name=name_filter(name))):
        if state.name == name:
            return state
    return None
