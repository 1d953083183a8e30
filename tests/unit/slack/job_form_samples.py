"""Drafts of jobs, and the forms and summaries that are drawn of them."""

from dataclasses import replace
from datetime import time

from bot.operations.actions.create import Create, CreateChoice
from bot.operations.actions.edit import Edit, JobForm, JobSummary
from bot.operations.job_editor import JobDraft
from bot.operations.job_editor.fields import FormProblem
from bot.operations.model import KnownJob, Step
from bot.veeam import (
    BackupWindow,
    Encryption,
    GuestProcessing,
    JobObject,
    JobSettings,
    KeySource,
    Retention,
    RetryPolicy,
    Rhythm,
    Schedule,
    ServerName,
    SettingsField,
    TaskDays,
    Weekday,
    differences,
)
from tests.unit.slack import form_samples, samples

HQ = ServerName("hq")
JOB = KnownJob(HQ, samples.JOB_ID)
REPOSITORY_ID = "88788f9e-d8f5-4eb4-bc4f-9b3f5403bcec"
CREDENTIALS_ID = "2c0a3d2e-5d0f-4f59-9c43-1d3a1f0c8b11"
NAMES = {REPOSITORY_ID: "Scale-out Repo", CREDENTIALS_ID: "EXAMPLE\\svc-vss"}
ZONE = "(UTC+01:00) Amsterdam, Berlin, Bern"

TYPES = ("VSphereBackup", "VSphereReplica", "FileBackup")


def machine(name: str, number: int = 1042) -> JobObject:
    """A virtual machine, as a job includes it."""
    return JobObject(
        {
            "platform": "VSphere",
            "type": "VirtualMachine",
            "hostName": "vcenter01.example.com",
            "name": name,
            "objectId": f"vm-{number}",
        }
    )


def settings(name: str = "Web tier") -> JobSettings:
    """A vSphere backup with everything a form can change."""
    return JobSettings(
        name=name,
        description="Web servers",
        is_high_priority=False,
        objects=(machine("web01"), machine("web02", 1043)),
        repository_id=REPOSITORY_ID,
        retention=Retention("Days", 14),
        schedule=Schedule(Rhythm.CHOSEN_DAYS, at=time(22, 0), days=(Weekday.MONDAY, Weekday.FRIDAY)),
        guest=GuestProcessing(is_application_aware=True, credentials_id=CREDENTIALS_ID),
    )


def stored() -> JobSettings:
    """The same job with retries, a window, and all that is about the storage."""
    return replace(
        settings(),
        retry=RetryPolicy(enabled=True, count=3, wait_minutes=10),
        window=BackupWindow.daily(22, 6),
        compression="Auto",
        encryption=Encryption(is_on=True, key=KeySource.PASSWORD),
        active_full=TaskDays((Weekday.SATURDAY,)),
        synthetic_full=TaskDays(),
        health_check=TaskDays(is_otherwise=True),
    )


def draft(
    wanted: JobSettings | None = None, kind: str = "VSphereBackup", like: str | None = None
) -> JobDraft:
    """A draft of such a job."""
    return JobDraft(id="draft-1", server=HQ, kind=kind, wanted=wanted or settings(), like=like)


def create_form(*problems: FormProblem, wanted: JobSettings | None = None) -> JobForm:
    """The form of a new job."""
    return JobForm(Create(HQ, None, "draft-1", Step.REVIEW), draft(wanted), None, NAMES, ZONE, problems)


def edit_form(wanted: JobSettings | None = None) -> JobForm:
    """The form of a job that is there."""
    return JobForm(
        Edit(JOB, draft="draft-1", step=Step.REVIEW), draft(wanted), form_samples.touched(), NAMES, None
    )


def create_summary(wanted: JobSettings | None = None, like: str | None = None) -> JobSummary:
    """What will be made."""
    return JobSummary(
        Create(HQ, None, "draft-1", Step.SEND),
        Create(HQ, None, "draft-1", Step.FILL),
        draft(wanted, like=like),
        None,
        NAMES,
        defaults=() if like else ("Proxies: chosen by VBR", "Retries: 3, 10 minutes apart"),
    )


def edit_summary(
    wanted: JobSettings,
    theirs: JobSettings | None = None,
    *,
    before: JobSettings | None = None,
    otherwise: bool = False,
) -> JobSummary:
    """What will be changed, and what somebody else changed meanwhile."""
    before = before or settings()
    return JobSummary(
        Edit(JOB, draft="draft-1", step=Step.SEND),
        Edit(JOB, draft="draft-1"),
        draft(wanted),
        form_samples.touched(),
        NAMES,
        differences(before, wanted),
        differences(before, theirs) if theirs is not None else (),
        otherwise,
    )


def views() -> dict[str, JobForm | JobSummary | CreateChoice]:
    """Every form and summary that has a golden view."""
    plain = settings()
    changed = replace(
        plain,
        name="Web tier 2",
        objects=(machine("web01"), machine("web03", 1044)),
        retention=Retention("Days", 7),
        schedule=Schedule(Rhythm.AFTER_JOB, after_job="SQL Prod"),
        guest=GuestProcessing(is_application_aware=False),
    )
    awkward = replace(
        plain,
        name="<!channel> *`x`*",
        description="&<>",
        objects=(machine("<!here>"),),
        schedule=Schedule(Rhythm.AFTER_JOB, after_job="<!everyone>"),
    )
    bare = JobSettings(name="Entra", description="", schedule=Schedule(Rhythm.BY_HAND))
    return {
        "form-create-choice": CreateChoice(Create(step=Step.FILL), (HQ, ServerName("branch")), TYPES),
        "form-create-choice-problem": CreateChoice(
            Create("hq", step=Step.FILL), (HQ,), TYPES, (FormProblem(None, "None can be made like it."),)
        ),
        "form-create": create_form(),
        "form-create-problems": create_form(
            FormProblem(SettingsField.NAME, "Another job already has this name."),
            FormProblem(
                SettingsField.REPOSITORY, "VBR refuses it: Backup repository with ID '1' was not found."
            ),
            FormProblem(None, "Nothing was changed: hq did not answer."),
        ),
        "form-create-awkward": create_form(wanted=awkward),
        "form-edit": edit_form(),
        "form-edit-stored": edit_form(stored()),
        "form-edit-bare": edit_form(bare),
        "form-edit-other-schedule": edit_form(replace(plain, schedule=Schedule(Rhythm.OTHER))),
        "form-edit-many-objects": edit_form(
            replace(plain, objects=tuple(machine(f"vm{n:03d}", n) for n in range(101)))
        ),
        "summary-create": create_summary(),
        "summary-create-like": create_summary(awkward, like="<!channel>"),
        "summary-edit": edit_summary(changed),
        "summary-edit-stored": edit_summary(
            replace(
                stored(),
                retry=RetryPolicy(enabled=False, count=0, wait_minutes=10),
                window=BackupWindow(is_on=False),
                compression="Extreme",
                encryption=Encryption(is_on=False),
                health_check=TaskDays((Weekday.SUNDAY,)),
            ),
            before=stored(),
        ),
        "summary-edit-meanwhile": edit_summary(
            replace(plain, retention=Retention("Days", 30)), replace(plain, description="Changed by ben")
        ),
        "summary-edit-meanwhile-otherwise": edit_summary(
            replace(plain, is_high_priority=True), otherwise=True
        ),
    }
