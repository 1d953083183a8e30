"""`create`: a new job, of any type that the server's revision can describe, from nothing or like another.

It is sent once. Where no answer comes, a job of the very name that is there since speaks for its having been
made.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bot import veeam
from bot.operations import outcomes
from bot.operations.actions import Action, AffectedJob, PreparedAction, Target
from bot.operations.actions.edit import JobForm, JobSummary, job_form, with_job_form
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.job_editor import JobDraft, JobEntries, visible_draft
from bot.operations.job_editor.defaults import defaults_in_words
from bot.operations.job_editor.fields import (
    TITLES,
    FormProblem,
    find_objects,
    in_words,
    problems_of,
    resume_draft,
    server_facts,
    settings_said,
    times_meant,
)
from bot.operations.job_types import described_types_named
from bot.operations.jobs import FoundJob
from bot.operations.model import (
    ADMINISTRATORS,
    AuditSubject,
    Kind,
    KnownJob,
    NamedJob,
    Operation,
    Refusal,
    Request,
    RequestContext,
    Step,
)
from bot.operations.permissions import Permission, Permissions, Scope
from bot.operations.vbr_lists import name_filter
from bot.settings import ServerName

_UNDESCRIBED = "VBR's API can't describe this job, so no new one can be based on it. Use VBR's console."
_TYPE_WORDS_AT_MOST = 4
_NO_SUCH_TEMPLATE = "No job of that name to base this one on."
_TEMPLATE = "as a template"


class Create(Action, frozen=True, tag="create"):
    """Make a new job on a server, of a type or like a job that is there.

    `job_type` is an EJobType in any revision's spelling. `draft` is the ID of what was entered so far.
    `entered` is what was entered just now, `kept` the draft with it; both last for one gesture.
    """

    operation = Operation(
        name="create",
        usage="create [TYPE [NAME like JOB]]",
        help="create a job of any type, or one like an existing job",
        kind=Kind.ACTION,
        audit_name="job.create",
        roles=ADMINISTRATORS,
        examples=("create", "create vmware backup", "create vmware backup Web tier like SQL Prod"),
        has_form=True,
    )

    server: str | None = None
    like: KnownJob | None = None
    draft: str | None = None
    step: Step = Step.CHOOSE
    job_type: str | None = None
    name: str | None = None
    like_name: str | None = None
    entered: JobEntries | None = None
    kept: JobDraft | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> Request | outcomes.SyntaxProblem:
        """Read the type, a name and the job that it is to be like: a form asks for everything else."""
        place = next((n for n, word in enumerate(line.words) if n and word.bare == "like"), None)
        if place is None or place == len(line.words) - 1:
            return cls._of_type(line)
        before, after = line.words[:place], line.words[place + 1 :]
        like_name = line.bounded(" ".join(word.text for word in after))
        for count in range(min(_TYPE_WORDS_AT_MOST, len(before)), 0, -1):
            types = described_types_named(" ".join(word.text for word in before[:count]))
            if len(types) == 1:
                name = " ".join(word.text for word in before[count:])
                return cls(server=line.server, job_type=types[0], name=name or None, like_name=like_name)
        name = line.bounded(" ".join(word.text for word in before))
        return cls(server=line.server, name=name, like_name=like_name)

    @classmethod
    def _of_type(cls, line: CommandLine) -> Request | outcomes.SyntaxProblem:
        typed = line.text
        if typed is None:
            return cls(server=line.server)
        types = described_types_named(typed)
        if len(types) == 1:
            return cls(server=line.server, job_type=types[0])
        if types:
            return line.problem(f"Which type of job? {', '.join(types)}.", line.operation.name)
        return line.problem("No such type of job. A form asks for it.", line.operation.name)

    @property
    def server_named(self) -> str | None:
        """The server that the new job is to be on."""
        return self.server

    @property
    def needs_form(self) -> bool:
        """Whether it is still to be said what the job is like, or its fields are to be filled."""
        return self.step in {Step.CHOOSE, Step.FILL}

    @property
    def is_review(self) -> bool:
        """Whether what was entered is to be looked through."""
        return self.step is Step.REVIEW

    async def resume(self, backend: Backend, context: RequestContext) -> "Create":
        """Return the request with its draft, which keeps what was entered."""
        kept = await resume_draft(
            self.draft,
            self.entered,
            person_id=context.person.id,
            visibility=context.visibility,
            drafts=backend.drafts,
            objects=backend.objects,
        )
        return self._with(kept=kept)

    async def find(self, backend: Backend, context: RequestContext) -> Target | outcomes.Outcome:
        """Return the one server that is meant; the choice of a server and a template otherwise."""
        if self.like_name is not None:
            template = await self._template(backend, context)
            if not isinstance(template, FoundJob):
                return template
            allowed = await backend.servers_where_allowed(self.operation, template.server, context)
            return Target(template.server, allowed[template.server]) if isinstance(allowed, dict) else allowed
        named = self.like.server if self.like is not None else self.server
        accounts = await backend.servers_where_allowed(self.operation, named, context)
        like = self.like
        if (
            isinstance(accounts, outcomes.NotFound)
            and like is not None
            and like.server in backend.fleet.names
        ):
            return dataclasses.replace(accounts, hidden=AuditSubject(like.server, like.job_id))
        if not isinstance(accounts, dict):
            return accounts
        is_open = self.step is Step.CHOOSE and self.job_type is None
        if is_open or len(accounts) != 1:
            return self._choice(accounts)
        ((server, account),) = accounts.items()
        return Target(server, account)

    def permission(self, permissions: Permissions, context: RequestContext, target: Target) -> Permission:
        """Return whether the person may do it on the server; its name is asked about when it is known."""
        return permissions.may(context.person, self.operation, Scope(target.server))

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """Return the form: with usual values, a template's, or what was entered; or what would be made."""
        if self.step is Step.REVIEW:
            return await self._review(backend, target, context)
        if self.draft is not None:
            if self.kept is None:
                return outcomes.DraftExpired(self.operation)
            return await self._filled(self.kept, backend, target, context)
        if self.like_name is not None:
            return await self._as_typed(backend, target, context)
        draft = await self._new_draft(target.account, backend, context)
        if draft is None:
            return self._choice(
                {target.server: target.account}, (FormProblem(None, self._undescribed(target)),)
            )
        draft = await backend.drafts.begin(context.person.id, draft)
        return await self._filled(draft, backend, target, context)

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | outcomes.Outcome:
        """Return what to send, or the form with what is wrong."""
        draft = self.kept
        if draft is None or draft.server != target.server:
            return outcomes.DraftExpired(self.operation)
        if problems := await self._problems(draft, backend, target, context):
            return await self._filled(draft, backend, target, context, problems)
        detail = f"{draft.kind} {draft.wanted.name}" + (f" like {draft.like}" if draft.like else "")
        visible = visible_draft(context.visibility, draft).wanted
        fields = settings_said(visible)
        fields.sort(key=lambda field: field[0] is veeam.SettingsField.DESCRIPTION)
        changes, in_full = (
            tuple(
                f"{TITLES[part]}: {in_words(part, value, draft.names, in_full=full)}"
                for part, value in fields
            )
            for full in (False, True)
        )
        spec = _spec(draft, target.account.revision)
        unasked = _not_asked_for(draft, spec, target.account.revision)
        times = times_meant((value for _, value in fields), draft.time_zone)
        return PreparedAction(
            action=self._at(self.step, draft),
            context=context,
            target=target,
            name=draft.wanted.name,
            detail=detail,
            changes=(detail, *changes, *unasked),
            in_full=(detail, *in_full, *unasked),
            warnings=(times,) if times else (),
            new_repository=draft.wanted.repository_id,
            payload=spec,
        )

    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it (`CreateJob`)."""
        del now
        job = await prepared.target.account.create_job(prepared.body)
        return outcomes.Created(job.id, job.name, is_disabled=job.is_disabled)

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> outcomes.Effect | None:
        """A job of the very name."""
        del since
        async for state in vbr.every_job_state(veeam.JobStatesQuery(name=name_filter(prepared.name))):
            if state.name == prepared.name:
                return outcomes.Created(state.id, state.name, is_disabled=state.is_disabled)
        return None

    async def affected_job(
        self, backend: Backend, prepared: PreparedAction, effect: outcomes.Effect
    ) -> AffectedJob | None:
        """Return the new job."""
        del backend, prepared
        return AffectedJob(effect.job_id, effect.name) if isinstance(effect, outcomes.Created) else None

    async def explain_failure(
        self, failed: outcomes.Failed, backend: Backend, context: RequestContext, target: Target | None = None
    ) -> outcomes.Failed:
        """Return the failure with the form as it was filled in, so that nothing entered is lost."""
        if self.kept is None or failed.form is not None:
            return failed
        return await with_job_form(
            dataclasses.replace(failed, job_name=self.kept.wanted.name),
            self._at(Step.REVIEW, self.kept),
            self.kept,
            scope=Scope(self.kept.server),
            backend=backend,
            context=context,
            account=target.account if target is not None else None,
        )

    async def _new_draft(
        self, account: veeam.VeeamServer, backend: Backend, context: RequestContext
    ) -> JobDraft | None:
        """A new draft; None where the template is no job that can be described to this person."""
        if self.like is None:
            await account.detect_revision()
            return await _from_nothing(account, self.job_type, context.person.name)
        state = await account.job_state(self.like.job_id)
        if state is None:
            return None
        if not context.visibility.sees(account.name, state.name):
            hidden = AuditSubject(account.name, state.id, state.name)
            await backend.audit.refused(self.operation, context, Refusal.CHOICE, hidden, _TEMPLATE)
            return None
        try:
            model = (await account.job(self.like.job_id)).raw
        except (veeam.Rejected, veeam.NotFoundOnServer):
            return None
        wanted = dataclasses.replace(veeam.settings_of(model), name="")
        return JobDraft(
            id="", server=account.name, kind=state.type, wanted=wanted, model=model, like=state.name
        )

    async def _template(self, backend: Backend, context: RequestContext) -> FoundJob | outcomes.Outcome:
        """The job that was typed after `like`."""
        named = NamedJob(self.like_name or "", self.server, exact=True)
        found = await backend.finder.job(named, request=self, visibility=context.visibility)
        if isinstance(found, FoundJob | outcomes.NotFound):
            return found
        allowed = await backend.servers_where_allowed(self.operation, self.server, context)
        if not isinstance(allowed, dict):
            return allowed
        problem = FormProblem(None, f"Which job is {self.like_name}? Choose it from the list.")
        return self._choice(allowed, (problem,))

    async def _as_typed(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.Outcome:
        """What would be made of the typed words; the form where something is wrong with them."""
        template = await self._template(backend, context)
        if not isinstance(template, FoundJob):
            return template
        typed = Create(target.server, template.known, step=Step.REVIEW, job_type=self.job_type)
        draft = await typed._new_draft(target.account, backend, context)
        problem = None if draft is None else _wrong_type(self.job_type, draft)
        if draft is None or problem is not None:
            accounts = {target.server: target.account}
            return self._choice(accounts, (FormProblem(None, problem or _UNDESCRIBED),))
        wanted = dataclasses.replace(draft.wanted, name=self.name or "")
        draft = await backend.drafts.begin(context.person.id, dataclasses.replace(draft, wanted=wanted))
        return await typed._with(draft=draft.id, kept=draft).form(backend, target, context)

    async def _review(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> outcomes.NeedsForm | outcomes.DraftExpired:
        """What would be made, or the form with what is wrong."""
        if self.kept is None or self.kept.server != target.server:
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
        if problems:
            return await self._filled(draft, backend, target, context, problems)
        facts = await server_facts(target.account, draft)
        summary = JobSummary(
            request=self._at(Step.SEND, draft),
            back=self._at(Step.FILL, draft),
            draft=visible_draft(context.visibility, draft),
            impact=None,
            names=facts.names,
            defaults=_not_asked_for(draft, _spec(draft, target.account.revision), target.account.revision),
            repository=facts.repository_of(draft),
            time_zone=facts.time_zone,
        )
        return outcomes.NeedsForm(self.operation, summary)

    async def _problems(
        self, draft: JobDraft, backend: Backend, target: Target, context: RequestContext
    ) -> tuple[FormProblem, ...]:
        problems = await problems_of(
            target.account,
            draft,
            own_id=None,
            operation=self.operation,
            context=context,
            permissions=backend.permissions,
            audit=backend.audit,
        )
        template = str(draft.model.get("id") or "") if draft.model is not None else ""
        if not template or context.visibility.sees_all(target.server):
            return problems
        state = await target.account.job_state(veeam.JobId(template))
        if state is not None and context.visibility.sees(target.server, state.name):
            return problems
        hidden = AuditSubject(target.server, template, state.name if state is not None else draft.like)
        await backend.audit.refused(self.operation, context, Refusal.CHOICE, hidden, _TEMPLATE)
        return (*problems, FormProblem(None, _NO_SUCH_TEMPLATE))

    async def _filled(
        self,
        draft: JobDraft,
        backend: Backend,
        target: Target,
        context: RequestContext,
        problems: tuple[FormProblem, ...] = (),
    ) -> outcomes.NeedsForm:
        form = await job_form(
            self._at(Step.REVIEW, draft),
            draft,
            backend=backend,
            context=context,
            account=target.account,
            problems=problems,
        )
        return outcomes.NeedsForm(self.operation, form)

    def _at(self, step: Step, draft: JobDraft) -> "Create":
        return Create(draft.server, self.like, draft.id, step, job_type=self.job_type)

    def _with(self, **changes: Any) -> "Create":
        return msgspec.structs.replace(self, entered=None, **changes)

    def _undescribed(self, target: Target) -> str:
        """Why there is no draft."""
        if self.like is not None:
            return _UNDESCRIBED
        product = target.account.revision.product
        return f"The bot speaks {product}'s API with {target.server}, which has no jobs of this type."

    def _choice(
        self,
        accounts: Mapping[ServerName, veeam.VeeamServer],
        problems: tuple[FormProblem, ...] = (),
    ) -> outcomes.NeedsForm:
        request = Create(self.server, self.like, step=Step.FILL, job_type=self.job_type)
        types: dict[str, str] = {}
        for account in accounts.values():
            for kind in veeam.creatable_types(account.revision):
                types.setdefault(veeam.job_type_key(kind), kind)
        form = CreateChoice(request, tuple(accounts), tuple(types.values()), problems)
        return outcomes.NeedsForm(self.operation, form)


@dataclass(frozen=True, slots=True)
class CreateChoice(outcomes.Form):
    """What type of job, and on which server; or like which job that is there."""

    request: Create
    servers: tuple[ServerName, ...]
    types: tuple[str, ...]
    """EJobType, of those that one of the servers can make."""
    problems: tuple[FormProblem, ...] = ()


SettingsForm = JobForm | JobSummary | CreateChoice
"""The forms in which a job is made or changed."""


async def _from_nothing(account: veeam.VeeamServer, job_type: str | None, name: str) -> JobDraft | None:
    """A new job with VBR's usual values in its fields; None where the server has no such type."""
    types = veeam.creatable_types(account.revision)
    key = veeam.job_type_key(job_type or types[0])
    kind = next((kind for kind in types if veeam.job_type_key(kind) == key), None)
    if kind is None:
        return None
    description = f"Created from Slack by {name}" if name else "Created from Slack"
    wanted = veeam.new_settings(kind, account.revision, description=description)
    host_name = await _host_name(account) if veeam.is_agent_policy(kind) else ""
    return JobDraft(id="", server=account.name, kind=kind, wanted=wanted, host_name=host_name)


async def _host_name(account: veeam.VeeamServer) -> str:
    """What agents reach the server by: what it calls itself; else the host of its address in the settings."""
    info = await veeam.detail(veeam.Detail.SERVER_INFO, account.name, account.server_info(), None)
    return info.name if info is not None and info.name else account.host_name


def _spec(draft: JobDraft, revision: veeam.Revision) -> dict[str, Any]:
    """What is sent of a draft without problems."""
    if draft.model is not None:
        return veeam.spec_from_template(draft.model, draft.wanted, revision)
    return veeam.new_spec(draft.kind, draft.wanted, revision, host_name=draft.host_name)


def _not_asked_for(draft: JobDraft, spec: Mapping[str, Any], revision: veeam.Revision) -> tuple[str, ...]:
    """What of it no field of the form asked for; of a template's settings nothing is left to name."""
    return defaults_in_words(spec, draft.wanted, revision) if draft.model is None else ()


def _wrong_type(job_type: str | None, draft: JobDraft) -> str | None:
    """What is wrong where another type was typed than the template has."""
    if job_type is None or veeam.job_type_key(job_type) == veeam.job_type_key(draft.kind):
        return None
    return f"{draft.like} is of another type: {draft.kind}. A job is like one of its own type only."
