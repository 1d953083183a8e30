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
from bot.operations.forms import Consequences, Form, JobForm, JobSummary, Problem
from bot.operations.job_settings.drafts import JobDraft
from bot.operations.job_settings.fields import JobFields, problem_of
from bot.operations.job_settings.sight import changes_seen, settings_seen
from bot.operations.job_settings.words import change_in_words
from bot.operations.lookup import FoundJob
from bot.operations.outcomes import Failed, Forgotten, NeedsForm, NotNow, Obstacle
from bot.operations.requests import EditRequest, KnownJob, Step
from bot.operations.seen import JobViews
from bot.veeam import (
    Job,
    JobSettings,
    Rejected,
    SettingsChange,
    SettingsField,
    VeeamError,
    VeeamServer,
    changed,
    differences,
    is_editable,
    same_settings,
    settings_of,
)


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be sent for a job: its model with the changes, and these in words."""

    model: Mapping[str, Any]
    wanted: JobSettings
    changes: tuple[str, ...]


class Editing:
    """Opens, reviews and prepares edits. Raises `VeeamError` and `StoreError`; changes nothing in VBR."""

    def __init__(self, fields: JobFields, views: JobViews, touched: Touched) -> None:
        self._fields = fields
        self._views = views
        self._touched = touched

    async def enter(self, request: EditRequest, asking: Asking) -> None:
        """Keep what was entered before anything else: VBR may be silent."""
        draft = await self._fields.draft(asking.person, request.draft)
        if draft is not None and request.entered is not None:
            await self._fields.enter(asking.person, draft, request.entered)

    async def form(
        self, request: EditRequest, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> NeedsForm | NotNow | Forgotten:
        """Return the form: with the job's settings, or with what was entered before."""
        if request.draft is not None:
            kept = await self._fields.draft(asking.person, request.draft)
            return Forgotten(EDIT) if kept is None else await self._filled(kept, asking, job, server)
        model = await _model_of(server, job)
        if model is None:
            return NotNow(EDIT, self._views.of(asking, job.server, job.state), Obstacle.UNDESCRIBED)
        draft = JobDraft(
            id="",
            server=job.server,
            kind=job.state.type,
            wanted=settings_of(model.raw),
            model=model.raw,
            names=_repository_name(job),
        )
        return await self._filled(await self._fields.begin(asking.person, draft), asking, job, server)

    async def review(
        self, request: EditRequest, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> NeedsForm | Forgotten | NotNow:
        """Return what would be changed, or the form with what is wrong."""
        draft = await self._fields.draft(asking.person, request.draft)
        if draft is None:
            return Forgotten(EDIT)
        draft, missing = await self._fields.find(server, draft, asking.person)
        problems = missing + await self._fields.problems(server, draft, request, asking)
        if not problems and not differences(_settings(draft), draft.wanted):
            problems = (Problem(None, "Nothing is changed yet."),)
        if problems:
            return await self._filled(draft, asking, job, server, problems)
        return await self._summary(draft, asking, job, server)

    async def ready(
        self, request: EditRequest, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> Edit | NeedsForm | Forgotten | NotNow:
        """Return what to send; the summary again where the job is no longer as it was shown."""
        draft = await self._fields.draft(asking.person, request.draft)
        if draft is None or draft.model is None:
            return Forgotten(EDIT)
        now = await _model_of(server, job)
        if now is None:
            return NotNow(EDIT, self._views.of(asking, job.server, job.state), Obstacle.UNDESCRIBED)
        changes = differences(settings_of(now.raw), draft.wanted)
        if not same_settings(now.raw, draft.model) or not changes:
            return await self._summary(draft, asking, job, server)
        problems = await self._fields.problems(server, draft, request, asking)
        if problems:
            return await self._filled(draft, asking, job, server, problems)
        seen = changes_seen(asking.sight, job.server, changes)
        names = (await self._fields.around(server, draft)).names
        return Edit(
            changed(now.raw, draft.wanted, server.revision),
            draft.wanted,
            tuple(change_in_words(change, names) for change in seen),
        )

    async def failed(
        self,
        failed: Failed,
        request: EditRequest,
        asking: Asking,
        found: tuple[FoundJob, VeeamServer] | None = None,
    ) -> Failed:
        """Return the failure with the form as it was filled in, so that nothing entered is lost.

        Without `found` VBR does not even say how the job stands.
        """
        draft = await self._fields.draft(asking.person, request.draft)
        if draft is None or not self._fields.may_still(EDIT, asking, draft):
            return failed
        problems = (problem_of(failed.error),)
        form: Form = _form(draft, asking, request, problems=problems)
        if found is not None:
            form = (await self._filled(draft, asking, *found, problems)).form
        return replace(failed, job_name=failed.job_name or _settings(draft).name, form=form)

    async def name_of(self, request: EditRequest, asking: Asking) -> str | None:
        """Return the name of the job that the draft is of."""
        draft = await self._fields.draft(asking.person, request.draft)
        return _settings(draft).name if draft is not None else None

    async def _filled(
        self,
        draft: JobDraft,
        asking: Asking,
        job: FoundJob,
        server: VeeamServer,
        problems: tuple[Problem, ...] = (),
    ) -> NeedsForm:
        request = EditRequest(KnownJob(job.server, job.state.id), draft=draft.id)
        try:
            around = await self._fields.around(server, draft)
            touched = await self._touched.by_action_on(asking, job)
        except VeeamError:
            if not problems:
                raise
            return NeedsForm(EDIT, _form(draft, asking, request, problems=problems))
        draft = await self._fields.remember(asking.person, draft, around)
        return NeedsForm(EDIT, _form(draft, asking, request, touched, problems))

    async def _summary(
        self, draft: JobDraft, asking: Asking, job: FoundJob, server: VeeamServer
    ) -> NeedsForm | NotNow:
        """What would be changed of the job as it is now: this person's changes go onto what others did."""
        now = await _model_of(server, job)
        if now is None:
            return NotNow(EDIT, self._views.of(asking, job.server, job.state), Obstacle.UNDESCRIBED)
        before, current = _settings(draft), settings_of(now.raw)
        theirs = differences(before, current)
        is_other = draft.model is not None and not theirs and not same_settings(now.raw, draft.model)
        merged = replace(draft, model=now.raw, wanted=_onto(current, differences(before, draft.wanted)))
        await self._fields.keep(asking.person, merged)
        changes = differences(current, merged.wanted)
        if not changes:
            return await self._filled(merged, asking, job, server, (_NOTHING_LEFT,))
        around = await self._fields.around(server, draft)
        known = KnownJob(job.server, job.state.id)
        summary = JobSummary(
            request=EditRequest(known, draft=draft.id, step=Step.SEND),
            back=EditRequest(known, draft=draft.id),
            draft=replace(merged, wanted=settings_seen(asking.sight, job.server, merged.wanted)),
            touched=await self._touched.by_action_on(asking, job),
            names=around.names,
            changes=changes_seen(asking.sight, job.server, changes),
            theirs=changes_seen(asking.sight, job.server, theirs),
            is_changed_otherwise=is_other,
            repository=around.repository_of(merged),
            time_zone=around.time_zone,
        )
        return NeedsForm(EDIT, summary)


_NOTHING_LEFT = Problem(
    None, "The job has these settings by now: somebody else changed it. Nothing is left to change."
)


def _form(
    draft: JobDraft,
    asking: Asking,
    request: EditRequest,
    touched: Consequences | None = None,
    problems: tuple[Problem, ...] = (),
) -> JobForm:
    return JobForm(
        request=replace(request, step=Step.REVIEW, entered=None),
        draft=replace(draft, wanted=settings_seen(asking.sight, draft.server, draft.wanted)),
        touched=touched,
        names=draft.names,
        time_zone=draft.time_zone,
        problems=problems,
    )


def _repository_name(job: FoundJob) -> Mapping[str, str]:
    """What the job's own row calls its repository: the account may not be told of scale-out repositories."""
    identity, name = job.state.repository_id, job.state.repository_name
    return {identity.casefold(): name} if identity and name else {}


def _settings(draft: JobDraft) -> JobSettings:
    return settings_of(draft.model or {})


def _onto(current: JobSettings, own: tuple[SettingsChange, ...]) -> JobSettings:
    """Own changes over the settings as they are now; of objects only those that were added or taken out."""
    fields = {SettingsField.PRIORITY: "is_high_priority", SettingsField.REPOSITORY: "repository_id"}
    changes = {fields.get(each.part, each.part.value): each.after for each in own}
    objects = next((each for each in own if each.part is SettingsField.OBJECTS), None)
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
