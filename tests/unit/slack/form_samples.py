"""Facts of forms to draw: what an action touches, and what there is to choose."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.operations.catalog import QUICKBACKUP, RETRY
from bot.operations.forms import (
    ActForm,
    Consequences,
    DeleteForm,
    NewestPoint,
    OthersDeed,
    QuickBackupForm,
    StartForm,
    StopForm,
)
from bot.operations.requests import (
    CloneRequest,
    DeleteRequest,
    DisableRequest,
    Drawn,
    EnableRequest,
    KnownJob,
    KnownMachine,
    QuickBackupRequest,
    RetryRequest,
    StartRequest,
    Step,
    StopRequest,
)
from bot.veeam import JobState
from tests.unit.slack.samples import BEN, HQ, JOB_ID, NOW, SESSION_ID, job_state, job_view, repository

JOB = KnownJob(HQ, JOB_ID)


def touched(state: JobState | None = None, **facts: Any) -> Consequences:
    """What an action touches: a job in a chain, whose repository runs full, where Ben pressed Retry."""
    given: dict[str, Any] = {
        "job": job_view(state or job_state(), reason=None),
        "last_success_at": NOW - timedelta(hours=50),
        "runs_before": "Oracle",
        "run_after": ("SQL Copy",),
        "repository": repository(),
        "lately": (OthersDeed(RETRY, BEN, NOW - timedelta(minutes=7), "done"),),
    }
    return Consequences(**given | facts)


def quiet(state: JobState | None = None) -> Consequences:
    """The same where nothing stands around the job."""
    return touched(
        state or job_state(result="Success"), runs_before=None, run_after=(), repository=None, lately=()
    )


def delete_form(name: str = "SQL Prod", followers: tuple[str, ...] = ("SQL Copy",)) -> DeleteForm:
    """What deleting a job touches."""
    request = DeleteRequest(JOB, Drawn(SESSION_ID, is_active=False))
    return DeleteForm(request, touched(job_state(name), run_after=followers))


def start_form(touched_: Consequences | None = None, **facts: Any) -> StartForm:
    """How to start a job."""
    filling = StartRequest(JOB, drawn=Drawn(SESSION_ID, is_active=False), step=Step.FILL)
    request = replace(filling, **facts.pop("asked", {}))
    return StartForm(request, touched_ or touched(), **facts)


def stop_form(touched_: Consequences | None = None, **facts: Any) -> StopForm:
    """How to stop a job that runs."""
    running = job_state(result="None", status="running")
    filling = StopRequest(JOB, drawn=Drawn(SESSION_ID, is_active=True), step=Step.FILL)
    request = replace(filling, **facts.pop("asked", {}))
    return StopForm(request, touched_ or touched(running), **facts)


def act_form(
    request: RetryRequest | EnableRequest | DisableRequest | CloneRequest,
    touched_: Consequences | None = None,
) -> ActForm:
    """What an action touches that leaves nothing to choose."""
    return ActForm(replace(request, step=Step.FILL), touched_ or touched())


def quick_backup_form(name: str = "web01", **facts: Any) -> QuickBackupForm:
    """What backing up one machine touches."""
    request = QuickBackupRequest(KnownMachine(HQ, "vcenter01.example.com", "vm-1042"), Step.FILL)
    given: dict[str, Any] = {
        "newest": NewestPoint(NOW - timedelta(hours=2), job_view(job_state("Web tier"))),
        "repository": repository(),
        "lately": (OthersDeed(QUICKBACKUP, BEN, NOW - timedelta(minutes=2), None, f"machine {name}"),),
    }
    return QuickBackupForm(request, HQ, name, "vcenter01.example.com", **given | facts)
