"""`edit`: a job's settings, changed in the model that was read, and nothing else of it.

VBR has no versions: the last write wins. So the model is read when the form opens, when it is filled in, and
right before it is sent; what others changed in between is shown and asked about, never undone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import msgspec

from bot import veeam
from bot.operations import outcomes
from bot.operations.actions import JobAction, PreparedAction, Target
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.impact import Impact, impact_on
from bot.operations.job_editor import JobDraft, JobEntries, visible_changes, visible_draft
from bot.operations.job_editor.fields import (
    FormProblem,
    change_in_words,
    find_objects,
    problem_from,
    problems_of,
    resume_draft,
    server_facts,
    times_meant,
    warnings_about,
    with_changes,
    worst_first,
)
from bot.operations.jobs import FoundJob
from bot.operations.model import (
    ADMINISTRATORS,
    Kind,
    KnownJob,
    Operation,
    Request,
    RequestContext,
    Snapshot,
    Step,
)
from bot.operations.permissions import Scope

_DIGITS = 6
_NO_RETENTION = (
    "A job of this type has no retention of its own: it follows the job that it copies, or keeps none."
)
_NO_RETRIES = "A job of this type or schedule has no retries."
_NOTHING_CHANGED = FormProblem(None, "Nothing is changed yet.")
_NOTHING_LEFT = FormProblem(
    None, "Someone else changed the job: it already has these settings. There is nothing left to change."
)


class Edit(JobAction, frozen=True, tag="edit"):
    """Change a job's settings. `draft` is the ID of what was entered so far.

    `retention`, `retries` and `new_name` were typed with the command: what they change is shown at once.
    `entered` is what was entered just now, `kept` the draft with it; both last for one gesture.
    """

    operation = Operation(
        name="edit",
        usage="edit NAME [retention 14, retries 3 or name NEW]",
        help="change a job's name, objects, retention, schedule, guest processing or storage settings",
        kind=Kind.ACTION,
        audit_name="job.edit",
        roles=ADMINISTRATORS,
        examples=(
            "edit SQL Prod",
            "edit SQL Prod retention 14",
            "edit SQL Prod retries 3",
            "edit SQL Prod name SQL Production",
        ),
        button="Edit",
        has_form=True,
        finds_by_form=True,
    )

    depends_on_state = False

    step: Step = Step.FILL
    draft: str | None = None
    retention: int | None = None
    new_name: str | None = None
    retries: int | None = None
    entered: JobEntries | None = None
    kept: JobDraft | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> Request:
        """Read the job's name and what is to be changed; a new name as it was typed."""
        job, options = line.job_and_options(cls)
        request = cls(line.or_topic(job), **options)
        count = len(line.words) - 1 if job.exact else len(job.after)
        return request.read_with([word.text for word in line.words[-count:]]) if count else request

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read `retention 14`, `retries 3` and `name NEW`."""
        nothing = {"retention": None, "retries": None, "new_name": None}
        match words:
            case []:
                return nothing
            case [("retention" | "retries") as setting, number] if number.isascii() and number.isdecimal():
                return nothing | {setting: int(number)} if len(number) <= _DIGITS else None
            case ["name", _, *_]:
                return nothing | {"new_name": " ".join(words[1:])}
        return None

    def read_with(self, options: Sequence[str]) -> Self:
        """Return the same request with these words as its options; a new name keeps its letters."""
        request = super().read_with(options)
        if request.new_name is not None:
            request = msgspec.structs.replace(request, new_name=" ".join(options[1:]))
        return request

    @classmethod
    def makes_sense_on(cls, state: veeam.JobState) -> bool:
        """Whether VBR's API can describe jobs of this type."""
        return veeam.has_model(state.type)

    @property
    def detail(self) -> str | None:
        """What was typed of what is to be changed."""
        typed = {"retention": self.retention, "retries": self.retries, "name": self.new_name}
        return next((f"{name} {value}" for name, value in typed.items() if value is not None), None)

    @property
    def is_review(self) -> bool:
        """Whether what was entered is to be looked through."""
        return self.step is Step.REVIEW

    def for_form(self, job: KnownJob, snapshot: Snapshot | None = None) -> "Edit":
        """Return the request that opens the form of this job."""
        del snapshot
        return Edit(job)

    async def resume(self, backend: Backend, context: RequestContext) -> "Edit":
        """Return the request with its draft, which keeps what was entered."""
        kept = await resume_draft(
            self.draft,
            self.entered,
            person_id=context.person.id,
            visibility=context.visibility,
            drafts=backend.drafts,
            objects=backend.objects,
        )
        named = await super().resume(backend, context)
        return msgspec.structs.replace(named, entered=None, kept=kept)

    async def find(self, backend: Backend, context: RequestContext) -> Target | outcomes.Outcome:
        """Return the job as it stands; one that is not found is named as its draft knows it."""
        found = await super().find(backend, context)
        if isinstance(found, outcomes.NotFound) and self.kept is not None:
            return replace(found, word=self.kept.settings_read.name)
        return found

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """Return the form: with the job's settings, or with what was entered; or what would be changed."""
        if self.kept is not None and not _is_of(self.kept, target):
            return outcomes.DraftExpired(self.operation)
        if self.step is Step.REVIEW:
            return await self._review(backend, target, context)
        if self.draft is not None:
            if self.kept is None:
                return outcomes.DraftExpired(self.operation)
            return await self._filled(self.kept, backend, target, context)
        model = await _model_of(target)
        if model is None:
            return self._undescribed(backend, target, context)
        state = target.state
        # What the job's own row calls its repository: VBR may not list scale-out repositories to the account.
        identity, name = state.repository_id, state.repository_name
        draft = JobDraft(
            id="",
            server=target.server,
            kind=state.type,
            wanted=veeam.settings_of(model.raw),
            model=model.raw,
            names={identity.casefold(): name} if identity and name else {},
        )
        draft = await backend.drafts.begin(context.person.id, draft)
        if (self.retention, self.retries, self.new_name) != (None, None, None):
            return await self._as_typed(draft, backend, target, context)
        return await self._filled(draft, backend, target, context)

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | outcomes.Outcome:
        """Return what to send; the summary again where the job is no longer as it was shown."""
        draft, account = self.kept, target.account
        if draft is None or draft.model is None or not _is_of(draft, target):
            return outcomes.DraftExpired(self.operation)
        model = await _model_of(target)
        if model is None:
            return self._undescribed(backend, target, context)
        changes = worst_first(veeam.differences(veeam.settings_of(model.raw), draft.wanted))
        if not veeam.same_settings(model.raw, draft.model) or not changes:
            return await self._summary(draft, backend, target, context)
        if problems := await self._problems(draft, backend, target, context):
            return await self._filled(draft, backend, target, context, problems)
        visible = visible_changes(context.visibility, target.server, changes)
        facts = await server_facts(account, draft)
        words = tuple(change_in_words(change, facts.names) for change in visible)
        is_moved = any(change.part is veeam.SettingsField.REPOSITORY for change in changes)
        times = times_meant((change.after for change in visible), facts.time_zone)
        return PreparedAction(
            action=Edit(target.job_found.known, step=self.step, draft=self.draft),
            context=context,
            target=target,
            name=target.state.name,
            detail="; ".join(words),
            payload=veeam.changed(model.raw, draft.wanted, account.revision),
            wanted=draft.wanted,
            changes=words,
            in_full=tuple(change_in_words(change, facts.names, in_full=True) for change in visible),
            warnings=(*warnings_about(visible, facts.names), *filter(None, (times,))),
            new_repository=draft.wanted.repository_id if is_moved else None,
            takes_protection=any(map(veeam.reduces_protection, changes)),
            removes_full_backups=any(
                change.part is veeam.SettingsField.GFS and veeam.reduces_protection(change)
                for change in changes
            ),
        )

    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it (`EditJob`)."""
        del now
        await prepared.target.account.edit_job(
            veeam.Job(prepared.body), removes_full_backups=prepared.removes_full_backups
        )
        return outcomes.Edited(prepared.changes)

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> outcomes.Effect | None:
        """The job has the settings that were sent."""
        del since
        settings = veeam.settings_of((await vbr.job(prepared.target.state.id)).raw)
        if prepared.wanted is None or veeam.differences(settings, prepared.wanted):
            return None
        return outcomes.Edited(prepared.changes)

    async def explain_failure(
        self, failed: outcomes.Failed, backend: Backend, context: RequestContext, target: Target | None = None
    ) -> outcomes.Failed:
        """Return the failure with the form as it was filled in, so that nothing entered is lost."""
        if self.kept is None or failed.form is not None:
            return failed
        return await with_job_form(
            failed,
            self._to_review(self.kept, target),
            self.kept,
            scope=Scope(self.kept.server, self.kept.settings_read.name),
            backend=backend,
            context=context,
            account=target.account if target is not None else None,
            job=target.job if target is not None else None,
        )

    async def _as_typed(
        self, draft: JobDraft, backend: Backend, target: Target, context: RequestContext
    ) -> outcomes.Outcome:
        """What the typed words would change; the form where this job has nothing of the kind."""
        wanted = draft.wanted
        if self.new_name is not None:
            wanted = replace(wanted, name=self.new_name)
        if self.retention is not None:
            if wanted.retention is None:
                problem = FormProblem(veeam.SettingsField.RETENTION, _NO_RETENTION)
                return await self._filled(draft, backend, target, context, (problem,))
            wanted = replace(wanted, retention=replace(wanted.retention, quantity=self.retention))
        if self.retries is not None:
            if wanted.retry is None:
                problem = FormProblem(veeam.SettingsField.RETRY, _NO_RETRIES)
                return await self._filled(draft, backend, target, context, (problem,))
            retry = replace(wanted.retry, enabled=self.retries > 0, count=self.retries)
            wanted = replace(wanted, retry=retry)
        draft = await backend.drafts.keep(context.person.id, replace(draft, wanted=wanted))
        typed = Edit(target.job_found.known, step=Step.REVIEW, draft=draft.id, kept=draft)
        return await typed.form(backend, target, context)

    async def _review(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """What would be changed, or the form with what is wrong."""
        if self.kept is None:
            return outcomes.DraftExpired(self.operation)
        draft, problems = await find_objects(
            target.account,
            self.kept,
            operation=self.operation,
            context=context,
            drafts=backend.drafts,
            objects=backend.objects,
            audit=backend.audit,
        )
        problems += await self._problems(draft, backend, target, context)
        if not problems and not veeam.differences(draft.settings_read, draft.wanted):
            problems = (_NOTHING_CHANGED,)
        if problems:
            return await self._filled(draft, backend, target, context, problems)
        return await self._summary(draft, backend, target, context)

    async def _problems(
        self, draft: JobDraft, backend: Backend, target: Target, context: RequestContext
    ) -> tuple[FormProblem, ...]:
        return await problems_of(
            target.account,
            draft,
            own_id=target.state.id,
            operation=self.operation,
            context=context,
            permissions=backend.permissions,
            audit=backend.audit,
        )

    async def _filled(
        self,
        draft: JobDraft,
        backend: Backend,
        target: Target,
        context: RequestContext,
        problems: tuple[FormProblem, ...] = (),
    ) -> outcomes.NeedsForm:
        form = await job_form(
            self._to_review(draft, target),
            draft,
            backend=backend,
            context=context,
            account=target.account,
            job=target.job,
            problems=problems,
        )
        return outcomes.NeedsForm(self.operation, form)

    async def _summary(
        self, draft: JobDraft, backend: Backend, target: Target, context: RequestContext
    ) -> outcomes.Outcome:
        """What would be changed of the job as it is now: this person's changes on top of what others did."""
        model = await _model_of(target)
        if model is None:
            return self._undescribed(backend, target, context)
        before, current = draft.settings_read, veeam.settings_of(model.raw)
        by_others = veeam.differences(before, current)
        is_other = (
            draft.model is not None and not by_others and not veeam.same_settings(model.raw, draft.model)
        )
        wanted = with_changes(current, veeam.differences(before, draft.wanted))
        merged = replace(draft, model=model.raw, wanted=wanted)
        changes = worst_first(veeam.differences(current, wanted))
        if not changes:
            await backend.drafts.keep(context.person.id, merged)
            return await self._filled(merged, backend, target, context, (_NOTHING_LEFT,))
        facts = await server_facts(target.account, draft)
        impact = await impact_on(backend, context, target.job_found)
        # Kept once VBR has said everything: until then a failure shows the draft that was read.
        await backend.drafts.keep(context.person.id, merged)
        visibility, job = context.visibility, target.job_found.known
        summary = JobSummary(
            request=Edit(job, step=Step.SEND, draft=draft.id),
            back=Edit(job, draft=draft.id),
            draft=visible_draft(visibility, merged),
            impact=impact,
            names=facts.names,
            changes=visible_changes(visibility, target.server, changes),
            changes_by_others=visible_changes(visibility, target.server, by_others),
            is_changed_otherwise=is_other,
            repository=facts.repository_of(merged),
            time_zone=facts.time_zone,
        )
        return outcomes.NeedsForm(self.operation, summary)

    def _to_review(self, draft: JobDraft, target: Target | None) -> "Edit":
        job = target.job_found.known if target is not None else self.job
        return Edit(job, step=Step.REVIEW, draft=draft.id)

    def _undescribed(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.NotPossible:
        view = backend.views.of(context, target.server, target.state)
        return outcomes.NotPossible(self.operation, view, outcomes.Blocked.UNDESCRIBED)


@dataclass(frozen=True, slots=True)
class JobForm(outcomes.Form):
    """The fields of a job, filled with what the draft holds. `request` is what to run with what is entered.

    `impact` is on the job as it stands, None for one that is made, and while VBR is silent. `names` are those
    of repositories and credentials by ID; `time_zone` is what VBR calls its own.
    """

    request: Request
    draft: JobDraft
    impact: Impact | None
    names: Mapping[str, str]
    time_zone: str | None
    problems: tuple[FormProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class JobSummary(outcomes.Form):
    """What will be done. `request` does it, `back` shows the fields again.

    `changes` are what this person changes of a job that is there, `changes_by_others` what somebody else
    changed since the fields were filled; `is_changed_otherwise` where that is nothing that the form shows.
    `defaults` are what a new job is sent that nobody was asked for, in words. `repository` is the one that
    will be written to, as it is now.
    """

    request: Request
    back: Request
    draft: JobDraft
    impact: Impact | None
    names: Mapping[str, str]
    changes: tuple[veeam.SettingsChange, ...] = ()
    changes_by_others: tuple[veeam.SettingsChange, ...] = ()
    is_changed_otherwise: bool = False
    defaults: tuple[str, ...] = ()
    repository: veeam.RepositoryState | None = None
    time_zone: str | None = None

    @property
    def reduces_protection(self) -> bool:
        """Whether one of the changes leaves the job with fewer backups."""
        return any(map(veeam.reduces_protection, self.changes))


async def job_form(
    request: Request,
    draft: JobDraft,
    *,
    backend: Backend,
    context: RequestContext,
    account: veeam.VeeamServer | None,
    job: FoundJob | None = None,
    problems: tuple[FormProblem, ...] = (),
) -> JobForm:
    """Return the form of the draft, with what VBR says now of what the fields name.

    `job` is the one that is there. Without an account VBR is not asked; where it is silent, what it said last
    is shown beside the problems. Raises `StoreError`, and `VeeamError` where there are no problems.
    """
    impact: Impact | None = None
    try:
        if account is not None:
            facts = await server_facts(account, draft)
            impact = await impact_on(backend, context, job) if job is not None else None
            fresh = replace(draft, names=facts.names, time_zone=facts.time_zone)
            draft = draft if fresh == draft else await backend.drafts.keep(context.person.id, fresh)
    except veeam.VeeamError:
        if not problems:
            raise
    visible = visible_draft(context.visibility, draft)
    return JobForm(request, visible, impact, draft.names, draft.time_zone, problems)


async def with_job_form(
    failed: outcomes.Failed,
    request: Request,
    draft: JobDraft,
    *,
    scope: Scope,
    backend: Backend,
    context: RequestContext,
    account: veeam.VeeamServer | None,
    job: FoundJob | None = None,
) -> outcomes.Failed:
    """Return the failure with the form as it was filled in, for a person who still may do it there."""
    if not backend.permissions.may(context.person, request.operation, scope).is_allowed:
        return failed
    problems = (problem_from(failed.error),)
    form = await job_form(
        request, draft, backend=backend, context=context, account=account, job=job, problems=problems
    )
    return replace(failed, job_name=failed.job_name or scope.job_name, form=form)


def _is_of(draft: JobDraft, target: Target) -> bool:
    """Whether the draft is of this very job: a form may name another one than it was made for."""
    job_id = str((draft.model or {}).get("id") or target.state.id)
    return (draft.server, job_id.casefold()) == (target.server, target.state.id.casefold())


async def _model_of(target: Target) -> veeam.Job | None:
    """The job's settings; None for a type that VBR's API cannot describe. Raises `VeeamError`."""
    if not veeam.has_model(target.state.type):
        return None
    try:
        return await target.account.job(target.state.id)
    except veeam.Rejected:
        return None
