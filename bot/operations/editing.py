"""`edit`: a job's settings, changed in the model that was read, and nothing else of it.

VBR has no versions: whoever writes last wins. So the model is read when the form opens, when it is filled in,
and right before it is sent; what somebody else changed in between is shown and asked about, never undone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.operations.asking import Asking
from bot.operations.catalog import EDIT
from bot.operations.consequences import Touched
from bot.operations.drafts import DraftBook, JobDraft
from bot.operations.form_facts import JobForm, JobSummary, Problem
from bot.operations.job_choices import names_of
from bot.operations.job_fields import JobFields, part_told
from bot.operations.job_words import change_in_words
from bot.operations.lookup import FoundJob
from bot.operations.outcomes import Failed, Forgotten, NeedsForm, NotNow, Obstacle
from bot.operations.requests import EditRequest, KnownJob, Step
from bot.operations.seen import JobViews
from bot.veeam import (
    Change,
    Job,
    JobSettings,
    Part,
    Rejected,
    VeeamServer,
    changed,
    differences,
    is_editable,
    same_settings,
    settings_of,
    takes_guest_credentials,
)


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be sent for a job: its model with the changes, and these in words."""

    model: Mapping[str, Any]
    wanted: JobSettings
    changes: tuple[str, ...]


class Editing:
    """Opens, reviews and prepares edits. Raises `VeeamError` and `StoreError`; changes nothing in VBR."""

    def __init__(self, book: DraftBook, fields: JobFields, views: JobViews, touched: Touched) -> None:
        self._book = book
        self._fields = fields
        self._views = views
        self._touched = touched

    async def form(
        self, request: EditRequest, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> NeedsForm | NotNow | Forgotten:
        """Return the form: with the job's settings, or with what was entered before."""
        if request.draft is not None:
            kept = await self._book.of(asking.person.id, request.draft)
            return Forgotten(EDIT) if kept is None else await self._filled(kept, asking, job, server)
        model = await _model_of(server, job)
        if model is None:
            return NotNow(EDIT, self._views.of(asking, job.server, job.state), Obstacle.UNDESCRIBED)
        draft = JobDraft(
            id="", server=job.server, kind=job.state.type, wanted=settings_of(model.raw), model=model.raw
        )
        return await self._filled(await self._book.begin(asking.person.id, draft), asking, job, server)

    async def review(
        self, request: EditRequest, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> NeedsForm | Forgotten | NotNow:
        """Return what would be changed, or the form with what is wrong."""
        draft = await self._book.of(asking.person.id, request.draft)
        if draft is None or request.entered is None:
            return Forgotten(EDIT)
        draft, problems = await self._fields.enter(server, draft, request.entered, asking)
        problems += await self._fields.problems(server, draft, request, asking)
        if not problems and not differences(_settings(draft), draft.wanted):
            problems = (Problem(None, "Nothing is changed yet."),)
        if problems:
            return await self._filled(draft, asking, job, server, problems)
        return await self._summary(draft, asking, job, server)

    async def ready(
        self, request: EditRequest, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> Edit | NeedsForm | Forgotten | NotNow:
        """Return what to send; the summary again where the job is no longer as it was shown."""
        draft = await self._book.of(asking.person.id, request.draft)
        if draft is None or draft.model is None:
            return Forgotten(EDIT)
        now = await _model_of(server, job)
        if now is None:
            return NotNow(EDIT, self._views.of(asking, job.server, job.state), Obstacle.UNDESCRIBED)
        if not same_settings(now.raw, draft.model):
            return await self._summary(draft, asking, job, server)
        names = await names_of(server, with_credentials=takes_guest_credentials(draft.kind))
        changes = differences(_settings(draft), draft.wanted)
        return Edit(
            changed(now.raw, draft.wanted, server.revision),
            draft.wanted,
            tuple(change_in_words(change, names) for change in changes),
        )

    async def refused(
        self, failed: Failed, request: EditRequest, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> Failed:
        """Return the failure with the form as it was filled in, so that nothing entered is lost."""
        draft = await self._book.of(asking.person.id, request.draft)
        if draft is None:
            return failed
        filled = await self._filled(draft, asking, job, server, (problem_of(failed),))
        return replace(failed, form=filled.form)

    async def _filled(
        self,
        draft: JobDraft,
        asking: Asking,
        job: FoundJob,
        server: VeeamServer,
        problems: tuple[Problem, ...] = (),
    ) -> NeedsForm:
        around = await self._fields.around(server, draft)
        known = KnownJob(job.server, job.state.id)
        form = JobForm(
            request=EditRequest(known, draft=draft.id, step=Step.REVIEW),
            draft=draft,
            touched=await self._touched.by_action_on(asking, job),
            names=around.names,
            time_zone=around.time_zone,
            problems=problems,
        )
        return NeedsForm(EDIT, form)

    async def _summary(
        self, draft: JobDraft, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> NeedsForm | NotNow:
        """What would be changed of the job as it is now: this person's changes go onto what others did."""
        now = await _model_of(server, job)
        if now is None:
            return NotNow(EDIT, self._views.of(asking, job.server, job.state), Obstacle.UNDESCRIBED)
        before, current = _settings(draft), settings_of(now.raw)
        own = differences(before, draft.wanted)
        theirs = differences(before, current)
        is_other = draft.model is not None and not theirs and not same_settings(now.raw, draft.model)
        merged = replace(draft, model=now.raw, wanted=_onto(current, own))
        await self._book.keep(asking.person.id, merged)
        known = KnownJob(job.server, job.state.id)
        summary = JobSummary(
            request=EditRequest(known, draft=draft.id, step=Step.SEND),
            back=EditRequest(known, draft=draft.id),
            draft=merged,
            touched=await self._touched.by_action_on(asking, job),
            names=await names_of(server, with_credentials=takes_guest_credentials(draft.kind)),
            changes=differences(current, merged.wanted),
            theirs=theirs,
            is_changed_otherwise=is_other,
        )
        return NeedsForm(EDIT, summary)


def problem_of(failed: Failed) -> Problem:
    """Return what VBR said against it, and of which part, where that can be told."""
    if isinstance(failed.error, Rejected):
        return Problem(part_told(failed.error.message), f"VBR refuses it: {failed.error.message}")
    return Problem(None, f"Nothing was changed: {failed.error}")


def _settings(draft: JobDraft) -> JobSettings:
    return settings_of(draft.model or {})


def _onto(current: JobSettings, own: tuple[Change, ...]) -> JobSettings:
    """Own changes over the settings as they are now; of objects only those that were added or taken out."""
    fields = {Part.PRIORITY: "is_high_priority", Part.REPOSITORY: "repository_id"}
    changes = {fields.get(each.part, each.part.value): each.after for each in own}
    objects = next((each for each in own if each.part is Part.OBJECTS), None)
    if objects is not None:
        kept = [each for each in current.objects or () if each in objects.after or each not in objects.before]
        added = [each for each in objects.after if each not in objects.before and each not in kept]
        changes["objects"] = (*kept, *added)
    return replace(current, **changes)


async def _model_of(server: VeeamServer, job: FoundJob) -> Job | None:
    """The job's settings; None for a type that VBR's API cannot describe. Raises `VeeamError`."""
    if not is_editable(job.state.type):
        return None
    try:
        return await server.job(job.state.id)
    except Rejected:
        return None
