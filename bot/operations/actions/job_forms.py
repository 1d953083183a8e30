"""The forms that `create` and `edit` share: the fields of a job, and what will be done with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.operations.backend import Backend
from bot.operations.impact import Impact, impact_on
from bot.operations.job_editor import JobDraft, visible_draft
from bot.operations.job_editor.fields import FormProblem, problem_from, server_facts
from bot.operations.jobs import FoundJob
from bot.operations.model import Request, RequestContext
from bot.operations.outcomes import Failed, Form
from bot.operations.permissions import Scope
from bot.veeam import RepositoryState, SettingsChange, VeeamError, VeeamServer


@dataclass(frozen=True, slots=True)
class JobForm(Form):
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
class JobSummary(Form):
    """What will be done. `request` does it, `back` shows the fields again.

    `changes` are what this person changes of a job that is there, `changes_by_others` what somebody else
    changed since the fields were filled; `is_changed_otherwise` where that is nothing that the form shows.
    `repository` is the one that will be written to, as it is now.
    """

    request: Request
    back: Request
    draft: JobDraft
    impact: Impact | None
    names: Mapping[str, str]
    changes: tuple[SettingsChange, ...] = ()
    changes_by_others: tuple[SettingsChange, ...] = ()
    is_changed_otherwise: bool = False
    repository: RepositoryState | None = None
    time_zone: str | None = None


async def job_form(
    request: Request,
    draft: JobDraft,
    *,
    backend: Backend,
    context: RequestContext,
    account: VeeamServer | None,
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
    except VeeamError:
        if not problems:
            raise
    visible = visible_draft(context.visibility, draft)
    return JobForm(request, visible, impact, draft.names, draft.time_zone, problems)


async def with_job_form(
    failed: Failed,
    request: Request,
    draft: JobDraft,
    *,
    scope: Scope,
    backend: Backend,
    context: RequestContext,
    account: VeeamServer | None,
    job: FoundJob | None = None,
) -> Failed:
    """Return the failure with the form as it was filled in, for a person who still may do it there."""
    if not backend.permissions.may(context.person, request.operation, scope).is_allowed:
        return failed
    problems = (problem_from(failed.error),)
    form = await job_form(
        request, draft, backend=backend, context=context, account=account, job=job, problems=problems
    )
    return replace(failed, job_name=failed.job_name or scope.job_name, form=form)
