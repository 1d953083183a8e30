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
from bot.operations.lookup import Lookup, name_filter
from bot.operations.once import NotSent, Once, Ready
from bot.operations.outcomes import (
    Done,
    Failed,
    Forgotten,
    NeedsForm,
    NotFound,
    Refusal,
    Refused,
    Unclear,
    kind_of,
)
from bot.operations.record import Record
from bot.operations.requests import CreateRequest, KnownJob, Step
from bot.operations.roles import Rights, Target, Verdict
from bot.operations.sending import Acting, account_of
from bot.settings import ServerName
from bot.store.errors import StoreError
from bot.veeam import (
    Fleet,
    Guest,
    JobSettings,
    JobState,
    JobStatesQuery,
    Part,
    Rejected,
    Retention,
    RetentionUnit,
    Rhythm,
    Schedule,
    VeeamError,
    VeeamServer,
    new_vsphere,
    settings_of,
    spec_like,
)
from bot.veeam import NotFound as NotOnServer
from bot.veeam import Unclear as UnclearAnswer

log = structlog.get_logger()

Came = Done | Unclear | Failed | Refused | NotFound | NeedsForm | Forgotten

_USUAL_DAYS = 7
_USUAL_TIME = time(22, 0)
_UNDESCRIBED = "VBR's API cannot describe this job, so none can be made like it. Clone copies any job."


@dataclass(frozen=True, slots=True)
class _Place:
    """A server that the person may create jobs on, and the account to do it under."""

    server: ServerName
    account: VeeamServer


@dataclass(frozen=True, slots=True)
class Making:
    """What creating works with: the fields, and what is written down."""

    fields: JobFields
    record: Record
    once: Once


class Creating:
    """Does `create`."""

    def __init__(
        self, fleet: Fleet, lookup: Lookup, rights: Rights, making: Making, acting: Acting, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._rights = rights
        self._making = making
        self._acting = acting
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
        places = await self._places(request, asking)
        if not isinstance(places, tuple):
            return places
        if request.step is Step.CHOOSE or len(places) != 1:
            return _choice(request, places)
        place = places[0]
        if request.step is Step.FILL:
            return await self._form(request, asking, place)
        if request.step is Step.REVIEW:
            return await self._review(request, asking, place)

        came: Came | NotSent = await self._making.once.run(
            CREATE, asking, lambda: self._ready(request, asking, place)
        )
        return await self._failed(came, request, asking, place) if isinstance(came, Failed) else came

    async def _failed(
        self, failed: Failed, request: CreateRequest, asking: Asking, place: _Place | None
    ) -> Failed:
        """The failure with the form as it was filled in, so that nothing entered is lost."""
        draft = await self._draft(request, asking)
        if draft is None or not self._making.fields.may_still(CREATE, asking, draft):
            return failed
        problems = (problem_of(failed.error),)
        if place is None:
            return replace(failed, form=_form(draft, asking, request.like, problems))
        return replace(failed, form=(await self._filled(draft, request, asking, place, problems)).form)

    async def prepare(self, request: CreateRequest, asking: Asking) -> Ready[Came] | Came:
        """Return it ready to be sent, or why not. Raises `StoreError` and `VeeamError`."""
        places = await self._places(request, asking)
        if not isinstance(places, tuple):
            return places
        return await self._ready(request, asking, places[0]) if len(places) == 1 else _choice(request, places)

    async def _places(
        self, request: CreateRequest, asking: Asking
    ) -> tuple[_Place, ...] | NotFound | Refused:
        named = request.like.server if request.like is not None else request.server
        servers = self._lookup.servers(named, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        verdicts = {name: self._rights.may(asking.person, CREATE, Target(name)) for name in servers}
        allowed = tuple(
            _Place(name, account_of(self._fleet, self._acting, name, verdict))
            for name, verdict in verdicts.items()
            if verdict.is_allowed
        )
        return allowed or await self._refused(asking, next(iter(verdicts.values()), Verdict(Refusal.SCOPE)))

    async def _refused(self, asking: Asking, verdict: Verdict) -> Refused:
        refusal = verdict.refusal or Refusal.SCOPE
        await self._making.record.refused(CREATE, asking.person, asking.gesture, refusal)
        return Refused(refusal, CREATE, asking.person.standing, verdict.roles_needed, verdict.groups)

    async def _draft(self, request: CreateRequest, asking: Asking) -> JobDraft | None:
        return await self._making.fields.draft(asking.person, request.draft)

    async def _form(self, request: CreateRequest, asking: Asking, place: _Place) -> NeedsForm | Forgotten:
        if request.draft is not None:
            kept = await self._draft(request, asking)
            return Forgotten(CREATE) if kept is None else await self._filled(kept, request, asking, place)
        if request.like is None:
            new = _from_nothing(place, asking.person.name)
        else:
            like = await self._like(request.like, asking, place)
            if like is None:
                return _choice(request, (place,), (Problem(None, _UNDESCRIBED),))
            new = like
        begun = await self._making.fields.begin(asking.person, new)
        return await self._filled(begun, request, asking, place)

    async def _like(self, job: KnownJob, asking: Asking, place: _Place) -> JobDraft | None:
        """A draft like a job that the person may know of; None where there is none that can be described."""
        state = await place.account.job_state(job.job_id)
        if state is None or not asking.sight.sees(place.server, state.name):
            return None
        try:
            model = await place.account.job(job.job_id)
        except (Rejected, NotOnServer):
            return None
        wanted = replace(settings_of(model.raw), name="")
        return JobDraft(
            id="", server=place.server, kind=state.type, wanted=wanted, model=model.raw, like=state.name
        )

    async def _review(self, request: CreateRequest, asking: Asking, place: _Place) -> NeedsForm | Forgotten:
        draft = await self._draft(request, asking)
        if draft is None or draft.server != place.server:
            return Forgotten(CREATE)
        fields = self._making.fields
        draft, missing = await fields.find(place.account, draft, asking.person)
        problems = missing + await fields.problems(place.account, draft, request, asking)
        if problems:
            return await self._filled(draft, request, asking, place, problems)
        around = await fields.around(place.account, draft)
        summary = JobSummary(
            request=CreateRequest(place.server, request.like, draft.id, Step.SEND),
            back=CreateRequest(place.server, request.like, draft.id, Step.FILL),
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
        place: _Place,
        problems: tuple[Problem, ...] = (),
    ) -> NeedsForm:
        try:
            around = await self._making.fields.around(place.account, draft)
        except VeeamError:
            if not problems:
                raise
        else:
            draft = await self._making.fields.remember(asking.person, draft, around)
        return NeedsForm(CREATE, _form(draft, asking, request.like, problems))

    async def _ready(self, request: CreateRequest, asking: Asking, place: _Place) -> Ready[Came] | Came:
        draft = await self._draft(request, asking)
        if draft is None or draft.server != place.server:
            return Forgotten(CREATE)
        problems = await self._making.fields.problems(place.account, draft, request, asking)
        if problems:
            return await self._filled(draft, request, asking, place, problems)
        revision = place.account.revision
        if draft.model is None:
            spec = new_vsphere(draft.wanted, revision)
        else:
            spec = spec_like(draft.model, draft.wanted, revision)
        wish = Wish(
            operation=CREATE,
            request=replace(request, server=place.server),
            asking=asking,
            server=place.server,
            job=None,
            name=draft.wanted.name,
            detail=_in_full(draft, asking),
            sent=spec,
        )
        return Ready(wish, lambda: self._send(asking, place, draft, spec))

    async def _send(
        self, asking: Asking, place: _Place, draft: JobDraft, spec: Mapping[str, Any]
    ) -> Done | Unclear | Failed:
        record, name = self._making.record, draft.wanted.name
        audit_id = await record.opened(CREATE, asking, place.server, _detail(draft))
        try:
            job = await place.account.create_job(spec)
        except UnclearAnswer as error:
            outcome: Done | Unclear | Failed = await self._unclear(name, place, error)
        except VeeamError as error:
            outcome = Failed(CREATE, error, name)
        else:
            effect = Created(job.id, job.name, is_disabled=job.is_disabled)
            outcome = Done(
                ActionAnswer(
                    operation=CREATE,
                    by=asking.person.id,
                    server=place.server,
                    job_id=job.id,
                    job_name=job.name,
                    effect=effect,
                    detail=None,
                    at=self._clock.now(),
                    reference=asking.gesture.reference,
                    approver=asking.approver.id if asking.approver is not None else None,
                )
            )
        said = str(outcome.error) if isinstance(outcome, Failed | Unclear) else None
        try:
            await record.closed(audit_id, kind_of(outcome), None, said)
        except StoreError as error:
            log.error("operations.audit_left_open", audit_id=audit_id, error=str(error))
        return outcome

    async def _unclear(self, name: str, place: _Place, error: UnclearAnswer) -> Unclear:
        answer = await self._fleet.ask(lambda server: _of_name(server, name), (place.server,))
        state = answer.answers.get(place.server)
        found = Created(state.id, state.name, is_disabled=state.is_disabled) if state is not None else None
        return Unclear(CREATE, name, place.server, job=None, found=found, error=error)


def _detail(draft: JobDraft) -> str:
    return f"{draft.kind} {draft.wanted.name}" + (f" like {draft.like}" if draft.like else "")


def _in_full(draft: JobDraft, asking: Asking) -> str:
    """What a second person approves: no job is there yet for them to look at."""
    seen = settings_seen(asking.sight, draft.server, draft.wanted)
    parts = [
        f"{TITLES[part]}: {in_words(part, value, draft.names)}"
        for part in Part
        if part is not Part.NAME and (value := seen.part(part)) is not None
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
    request: CreateRequest, places: tuple[_Place, ...], problems: tuple[Problem, ...] = ()
) -> NeedsForm:
    asked = CreateRequest(server=request.server, like=request.like, step=Step.FILL)
    return NeedsForm(CREATE, CreateChoice(asked, tuple(place.server for place in places), problems))


def _from_nothing(place: _Place, name: str) -> JobDraft:
    """A vSphere backup, with VBR's usual values in its fields."""
    wanted = JobSettings(
        name="",
        description=f"Created from Slack by {name}" if name else "Created from Slack",
        is_high_priority=False,
        objects=(),
        repository_id="",
        retention=Retention(str(RetentionUnit.DAYS), _USUAL_DAYS),
        schedule=Schedule(Rhythm.EVERY_DAY, at=_USUAL_TIME),
        guest=Guest(is_application_aware=False),
    )
    return JobDraft(id="", server=place.server, kind=place.account.revision.job_types[0], wanted=wanted)


async def _of_name(server: VeeamServer, name: str) -> JobState | None:
    async for state in server.every_job_state(JobStatesQuery(name=name_filter(name))):
        if state.name == name:
            return state
    return None
