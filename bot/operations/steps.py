"""How far a request is: what is still to be said, and the same request a step before or after."""

from dataclasses import replace
from typing import TypeVar

from bot.operations.requests import (
    ActionRequest,
    AuditRequest,
    CreateRequest,
    DeleteRequest,
    Drawn,
    EditRequest,
    JobRef,
    JobRequest,
    KnownJob,
    MachineRef,
    NamedJob,
    NamedMachine,
    PlainRequest,
    QuickBackupRequest,
    Request,
    SessionsRequest,
    Step,
)

Asked = TypeVar("Asked", bound=ActionRequest)


def subject_of(request: Request) -> JobRef | MachineRef | None:
    """Return the job or the machine that the request is about; None where it is about no single one."""
    if isinstance(request, QuickBackupRequest):
        return request.machine
    if isinstance(request, JobRequest | SessionsRequest | AuditRequest | ActionRequest):
        return request.job
    return None


def is_said(request: Request) -> bool:
    """Whether it was said which job or machine is meant, where it takes one."""
    subject = subject_of(request)
    return not isinstance(subject, NamedJob | NamedMachine) or bool(subject.text)


def is_bare(request: Request) -> bool:
    """Whether the request lacks what only a form asks for."""
    if isinstance(request, DeleteRequest):
        return request.typed_name is None
    if isinstance(request, ActionRequest | CreateRequest | QuickBackupRequest):
        return request.step in {Step.CHOOSE, Step.FILL} or not is_said(request)
    return False


def is_reviewed(request: Request) -> bool:
    """Whether what was entered is to be looked through first; nothing is done yet."""
    return isinstance(request, EditRequest | CreateRequest) and request.step is Step.REVIEW


def to_fill_in(request: Asked, job: KnownJob, drawn: Drawn | None = None) -> Asked:
    """Return the same request for this job, to be asked about in a form first."""
    if isinstance(request, DeleteRequest):
        return replace(request, job=job, drawn=drawn, typed_name=None)
    if isinstance(request, EditRequest):
        return replace(request, job=job)
    return replace(request, job=job, drawn=drawn, step=Step.FILL)


def asked_anew(request: PlainRequest, job: KnownJob, drawn: Drawn) -> ActionRequest:
    """Return the same request for the job as it is now; what was entered in a form is asked for again."""
    if isinstance(request, DeleteRequest):
        return DeleteRequest(job, drawn)
    return replace(request, job=job, drawn=drawn)
