"""Every form, and every state of a modal, that has a golden view, by the name of its file."""

from dataclasses import replace
from datetime import timedelta

import msgspec

from bot.operations.catalog import DELETE, QUICKBACKUP
from bot.operations.forms import Form, PickForm
from bot.operations.outcomes import Refusal, Refused
from bot.operations.people import Standing
from bot.operations.requests import (
    CloneRequest,
    DisableRequest,
    EnableRequest,
    NamedJob,
    NamedMachine,
    QuickBackupRequest,
    RetryRequest,
    StartRequest,
    StopRequest,
)
from bot.slack.codec import Unreadability, Unreadable
from bot.slack.views import forms
from bot.slack.views.forms import View
from bot.slack.views.outcomes import outcome
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
        "form-which-job": PickForm(StartRequest(NamedJob(""), full=True)),
        "form-which-job-silent": PickForm(StopRequest(NamedJob("", "hq")), (samples.BRANCH,)),
        "form-which-machine": PickForm(QuickBackupRequest(NamedMachine(""))),
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
        "form-retry": facts.act_form(RetryRequest(facts.JOB, chained=True)),
        "form-retry-no-success": facts.act_form(
            RetryRequest(facts.JOB), replace(facts.touched(), last_success_at=None)
        ),
        "form-enable": facts.act_form(EnableRequest(facts.JOB), facts.quiet(disabled)),
        "form-disable": facts.act_form(DisableRequest(facts.JOB)),
        "form-disable-for-a-time": facts.act_form(DisableRequest(facts.JOB, span=timedelta(hours=4))),
        "form-clone": facts.act_form(CloneRequest(facts.JOB)),
        "form-quickbackup": facts.quick_backup_form(),
        "form-quickbackup-unknown": facts.quick_backup_form("<!here>", newest=None, repository=None),
    }


def _view(form: Form) -> View:
    view = forms.form(form, channel_id="C0PROD", thread_ts=None)
    assert view is not None
    return view


def views() -> dict[str, View]:
    """Every view, drawn."""
    refused = outcome(Refused(Refusal.ROLE, DELETE, Standing.MEMBER), samples.REFERENCE).message
    return {
        "form-loading": forms.loading(DELETE),
        "form-loading-machine": forms.loading(QUICKBACKUP),
        "form-working": forms.working(DELETE),
        "form-told-refused": forms.told(DELETE, refused),
        "form-unreadable": forms.unreadable(Unreadable("", Unreadability.OLD)),
        **{name: _view(form) for name, form in _forms().items()},
        **{name: _view(form) for name, form in job_form_samples.views().items()},
    }
