"""The dialogs that ask before a button or a menu acts: from the catalog and what a list knew of the job.

Slack's limit (https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object): 300
characters of text. A dialog is drawn with its button: what it says of the job may be old.
"""

from collections.abc import Sequence
from datetime import timedelta

from slack_sdk.models.blocks import ConfirmObject, PlainTextObject

from bot.operations.catalog import Operation, Style
from bot.operations.requests import DisableRequest, Request, RetryRequest, StartRequest, StopRequest
from bot.operations.steps import is_bare
from bot.slack.text import count, date, duration, literal, sentence_case, strong
from bot.slack.views.message import mrkdwn
from bot.veeam import JobState

_CONFIRM_LIMIT = 300
_TOUCHED_NAME_LIMIT = 60


def confirm(
    operation: Operation, request: Request, about: str = "", touches: tuple[str, ...] = ()
) -> ConfirmObject | None:
    """The dialog of a button; None where nothing is asked, or a form asks."""
    asked = operation.confirmation
    if asked is None or is_bare(request):
        return None
    said = " ".join(filter(None, (about, asked.consequence, *wishes(request))))
    return ConfirmObject(
        title=_plain(asked.question),
        text=mrkdwn(_with_touches(said, touches), _CONFIRM_LIMIT),
        confirm=_plain(asked.yes),
        deny=_plain("Cancel"),
        style=Style.DANGER.value if operation.style is Style.DANGER else None,
    )


def touches_of(state: JobState) -> tuple[str, ...]:
    """What a dialog says of a job besides, the most telling first."""
    before = state.run_after_job.job_name if state.run_after_job is not None else None
    if state.is_disabled:
        upcoming = "disabled"
    elif before:
        upcoming = f"runs after {strong(before, _TOUCHED_NAME_LIMIT)}"
    else:
        upcoming = f"next run {date(state.next_run)}" if state.next_run is not None else ""
    objects = "" if state.objects_count is None else count(state.objects_count, "object")
    repository = f"to {literal(state.repository_name, _TOUCHED_NAME_LIMIT)}" if state.repository_name else ""
    return tuple(filter(None, (objects, upcoming, repository)))


def _with_touches(said: str, touches: tuple[str, ...]) -> str:
    """As many of them, in a line of their own, as a dialog has room for; none is cut."""
    line = ""
    for one in touches:
        longer = f"{line} · {one}" if line else sentence_case(one)
        line = longer if len(said) + 1 + len(longer) <= _CONFIRM_LIMIT else line
    return f"{said}\n{line}" if line else said


def menu_confirm(about: str, entries: Sequence[tuple[str, str]], touches: tuple[str, ...]) -> ConfirmObject:
    """The one dialog of a menu: what its entries do, each by label and consequence, as many as fit."""
    said = f"{about}: what you chose is done now."
    for label, consequence in entries:
        longer = f"{said}\n*{label}*: {consequence}"
        said = longer if len(longer) <= _CONFIRM_LIMIT else said
    return ConfirmObject(
        title=_plain("Go ahead?"),
        text=mrkdwn(_with_touches(said, touches), _CONFIRM_LIMIT),
        confirm=_plain("Go ahead"),
        deny=_plain("Cancel"),
    )


def wishes(request: Request) -> tuple[str, ...]:
    """What a request asks for beyond the plain operation, as sentences for its dialog."""
    match request:
        case StartRequest():
            return _said(
                (request.full, "It is an active full: all data is read again."), _chained(request.chained)
            )
        case StopRequest():
            return _said(
                (request.now, "It stops at once: objects in work are lost."), _chained(request.chained)
            )
        case RetryRequest():
            return _said(_chained(request.chained))
        case DisableRequest(span=timedelta() as span):
            return (f"The bot enables it again after {duration(span)}.",)
        case _:
            return ()


def _said(*sentences: tuple[bool, str]) -> tuple[str, ...]:
    return tuple(sentence for wanted, sentence in sentences if wanted)


def _chained(wanted: bool) -> tuple[bool, str]:  # noqa: FBT001 -- read as a pair, never called with a literal
    return wanted, "Chained jobs are included."


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text, emoji=False)
