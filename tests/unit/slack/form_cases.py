"""Every form, and every state of a modal, that has a golden view, by the name of its file."""

from dataclasses import replace
from datetime import time, timedelta

import msgspec

from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import Mute, MuteForm
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.impact import PickForm
from bot.operations.model import NamedJob, NamedMachine, Refusal, Standing
from bot.operations.outcomes import Form, Refused
from bot.slack.views import forms
from bot.slack.views.outcomes import outcome
from bot.slack.views.surface import View
from bot.veeam import RestorePoints
from tests.unit.slack import form_samples as facts
from tests.unit.slack import job_form_samples, samples

_NASTY = "<!channel> *`x`*"


def _forms() -> dict[str, Form]:
    disabled = samples.job_state(result="Success", status="disabled")
    running = samples.job_state(result="None", status="running")
    never = msgspec.structs.replace(samples.job_state(result="None"), last_run=None, next_run=None)
    thirty = tuple(f"Copy {number}" for number in range(30))
    nasty = facts.touched(samples.job_state(_NASTY), runs_before="<!here>", run_after=("<!here>", "*x*"))
    return {
        "form-delete": facts.delete_form(),
        "form-delete-chain": facts.delete_form(followers=thirty),
        "form-delete-awkward": facts.delete_form(name=_NASTY, followers=("<!here>",)),
        "form-which-job": PickForm(Start(NamedJob(""), full=True)),
        "form-which-job-silent": PickForm(Stop(NamedJob("", "hq")), (samples.BRANCH,)),
        "form-which-machine": PickForm(QuickBackup(NamedMachine(""))),
        "form-start": facts.start_form(),
        "form-start-full-and-chained": facts.start_form(asked={"full": True, "chained": True}),
        "form-start-alone": facts.start_form(facts.quiet()),
        "form-start-never-ran": facts.start_form(facts.quiet(never)),
        "form-start-replica": facts.start_form(facts.quiet(), why_no_full="replica"),
        "form-start-other-type": facts.start_form(facts.quiet(), why_no_full="type"),
        "form-start-copy": facts.start_form(
            why_no_full="copy", takes_restore_points=True, asked={"restore_points": RestorePoints.ALL}
        ),
        "form-start-awkward": facts.start_form(nasty),
        "form-stop": facts.stop_form(may_cancel_chain=True),
        "form-stop-now": facts.stop_form(may_cancel_chain=True, asked={"now": True, "chained": True}),
        "form-stop-alone": facts.stop_form(facts.quiet(running)),
        "form-retry": facts.act_form(Retry(facts.JOB, chained=True)),
        "form-retry-no-success": facts.act_form(
            Retry(facts.JOB), replace(facts.touched(), last_success_at=None)
        ),
        "form-enable": facts.act_form(Enable(facts.JOB), facts.quiet(disabled)),
        "form-disable": facts.act_form(Disable(facts.JOB)),
        "form-disable-for-a-time": facts.act_form(Disable(facts.JOB, span=timedelta(hours=4))),
        "form-disable-until": facts.act_form(Disable(facts.JOB, at=time(8))),
        "form-mute": MuteForm(Mute(facts.JOB), samples.HQ, "SQL Prod"),
        "form-mute-typed": MuteForm(Mute(facts.JOB, at=time(17, 30), comment=_NASTY), samples.HQ, _NASTY),
        "form-clone": facts.act_form(Clone(facts.JOB)),
        "form-apply": facts.act_form(Apply(facts.JOB)),
        "form-clearcache": facts.act_form(ClearCache(facts.JOB)),
        "form-quickbackup-computer": facts.quick_backup_form(platform="Agent", place="Windows servers"),
        "form-quickbackup": facts.quick_backup_form(),
        "form-quickbackup-unknown": facts.quick_backup_form("<!here>", newest=None, repository=None),
    }


def _view(form: Form) -> View:
    view = forms.form(form, channel_id="C0PROD", thread_ts=None)
    assert view is not None
    return view


def views() -> dict[str, View]:
    """Every view, drawn."""
    refused = outcome(Refused(Refusal.ROLE, Delete.operation, Standing.MEMBER), samples.REFERENCE).message
    return {
        "form-loading": forms.loading(Delete.operation),
        "form-loading-machine": forms.loading(QuickBackup.operation),
        "form-working": forms.sent_off("Delete")(Delete.operation),
        "form-asking": forms.sent_off("Ask for approval")(Delete.operation),
        "form-told-refused": forms.finished(Delete.operation, refused),
        "form-unreadable": forms.unreadable(),
        **{name: _view(form) for name, form in _forms().items()},
        **{name: _view(form) for name, form in job_form_samples.views().items()},
    }
