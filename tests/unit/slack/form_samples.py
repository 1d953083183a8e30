"""Facts of forms to draw: what an action touches, and what there is to choose."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace as replace_request

from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete, DeleteForm
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import NewestPoint, QuickBackup, QuickBackupForm
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start, StartForm
from bot.operations.actions.stop import Stop, StopForm
from bot.operations.impact import ConfirmForm, Impact
from bot.operations.model import KnownJob, KnownMachine, Snapshot, Step
from bot.operations.outcomes import RecentAction
from bot.veeam import JobState
from tests.unit.slack.samples import BEN, HQ, JOB_ID, NOW, SESSION_ID, job_state, job_view, repository

JOB = KnownJob(HQ, JOB_ID)


def touched(state: JobState | None = None, **facts: Any) -> Impact:
    """What an action touches: a job in a chain, whose repository runs full, where Ben pressed Retry."""
    given: dict[str, Any] = {
        "job": job_view(state or job_state(), reason=None),
        "last_success_at": NOW - timedelta(hours=50),
        "runs_before": "Oracle",
        "run_after": ("SQL Copy",),
        "repository": repository(),
        "recent": (RecentAction(Retry.operation, BEN, NOW - timedelta(minutes=7), "done", HQ),),
    }
    return Impact(**given | facts)


def quiet(state: JobState | None = None) -> Impact:
    """The same where nothing stands around the job."""
    return touched(
        state or job_state(result="Success"), runs_before=None, run_after=(), repository=None, recent=()
    )


def delete_form(name: str = "SQL Prod", followers: tuple[str, ...] = ("SQL Copy",)) -> DeleteForm:
    """What deleting a job touches."""
    request = Delete(JOB, Snapshot(SESSION_ID, is_active=False))
    return DeleteForm(request, touched(job_state(name), run_after=followers))


def start_form(touched_: Impact | None = None, **facts: Any) -> StartForm:
    """How to start a job."""
    filling = Start(JOB, snapshot=Snapshot(SESSION_ID, is_active=False), step=Step.FILL)
    request = replace_request(filling, **facts.pop("asked", {}))
    return StartForm(request, touched_ or touched(), **facts)


def stop_form(touched_: Impact | None = None, **facts: Any) -> StopForm:
    """How to stop a job that runs."""
    running = job_state(result="None", status="running")
    filling = Stop(JOB, snapshot=Snapshot(SESSION_ID, is_active=True), step=Step.FILL)
    request = replace_request(filling, **facts.pop("asked", {}))
    return StopForm(request, touched_ or touched(running), **facts)


def act_form(
    request: Retry | Enable | Disable | Clone | Apply | ClearCache,
    touched_: Impact | None = None,
) -> ConfirmForm:
    """What an action touches that leaves nothing to choose."""
    return ConfirmForm(replace_request(request, step=Step.FILL), touched_ or touched())


def quick_backup_form(name: str = "web01", **facts: Any) -> QuickBackupForm:
    """What backing up one machine touches."""
    request = QuickBackup(KnownMachine(HQ, "vcenter01.example.com", "vm-1042"), Step.FILL)
    given: dict[str, Any] = {
        "newest": NewestPoint(NOW - timedelta(hours=2), job_view(job_state("Web tier"))),
        "repository": repository(),
        "recent": (
            RecentAction(
                QuickBackup.operation,
                BEN,
                NOW - timedelta(minutes=2),
                None,
                HQ,
                detail=f"machine {name}",
            ),
        ),
    }
    where: dict[str, Any] = {"platform": "VSphere", "place": "vcenter01.example.com"}
    return QuickBackupForm(request, HQ, name, **where | given | facts)
