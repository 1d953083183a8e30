"""Every form, and every state of a modal, that has a golden view, by the name of its file."""

from bot.operations.catalog import DELETE
from bot.operations.outcomes import Refusal, Refused
from bot.operations.people import Standing
from bot.slack.codec import Unreadability, Unreadable
from bot.slack.views import forms
from bot.slack.views.forms import View
from bot.slack.views.outcomes import outcome
from tests.unit.slack import samples


def _form(**facts: object) -> View:
    view = forms.form(samples.delete_form(**facts), channel_id="C0PROD", thread_ts=None)  # type: ignore[arg-type] # made-up facts
    assert view is not None
    return view


def views() -> dict[str, View]:
    """Every view, drawn."""
    refused = outcome(Refused(Refusal.ROLE, DELETE, Standing.MEMBER), samples.REFERENCE).message
    return {
        "form-loading": forms.loading(DELETE),
        "form-working": forms.working(DELETE),
        "form-told-refused": forms.told(DELETE, refused),
        "form-unreadable": forms.unreadable(Unreadable("", Unreadability.OLD)),
        "form-delete": _form(),
        "form-delete-chain": _form(followers=tuple(f"Copy {number}" for number in range(30))),
        "form-delete-awkward": _form(name="<!channel> *`x`*", followers=("<!here>",)),
    }
