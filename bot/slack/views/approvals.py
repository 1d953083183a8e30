"""Approvals by a second person: the message that asks for one, its end, and the answers about it."""

import textwrap
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace as with_fields

from bot.operations.actions.approvals import (
    GONE,
    LINE_SHOWN,
    LINES_SHOWN,
    OLD,
    REASON_SHOWN,
    WARNING_SHOWN,
    ApprovalAnswer,
    ApprovalForm,
    Approve,
    Decline,
    ShowApproval,
    warnings_in_words,
)
from bot.operations.actions.delete import Delete
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.catalog import BY_NAME, CODEC
from bot.operations.model import Step
from bot.operations.outcomes import AlreadyDecided, AlreadyRequested, ApprovalRequested, RecentAction
from bot.operations.queries.job import ShowJob
from bot.settings import PersonId, ServerName
from bot.slack.text import channel, code, count, date, dotted, literal, mention, sentence_case
from bot.slack.views import buttons, inputs, status_text
from bot.slack.views.impact import BACKUPS_STAY, last_success_line, recent_actions
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, note, paragraph
from bot.store import Approval, RecentChange
from bot.veeam import JobId, Result, known
from bot.watch.facts import ApprovalChanged, ApprovalEnded, ApprovalOpened, ApprovalUndelivered

REASON_LIMIT = REASON_SHOWN
_DIALOG_REASON_LIMIT = 100
_ASKS = ":raised_hand:"
_GROUPS_LIMIT = 10
_PIECE = 400
"""How much of a long text stands in one line; a letter may take five characters as Slack is sent it."""
_SECTION = 2_800
_AGAIN = "Nothing was changed. Ask again if you still need it."
_ENDS = {
    "done": "{sign} Done: approved by {decider} {decided}.",
    "failed": "{sign} Approved by {decider}, but it failed.",
    "unclear": (
        "{sign} Approved by {decider}, but the result is unknown. Check the job before you ask again."
    ),
    "not_sent": f"{{sign}} Approved by {{decider}}, but the bot stopped before sending it to VBR. {_AGAIN}",
    "broken": f"{{sign}} Approved by {{decider}}, but the bot's database failed. {_AGAIN}",
    "declined": "{sign} Declined by {decider} {decided}. Nothing was done.",
    "withdrawn": "{sign} Withdrawn by {decider} {decided}. Nothing was done.",
    "expired": f"{{sign}} Expired: nobody approved it by {{until}}. {_AGAIN}",
    "overtaken": f"{{sign}} {{changed}} {_AGAIN}",
    "refused": "{sign} {person} no longer has permission for this. Nothing was done.",
}
_SIGNS = {
    "done": status_text.SUCCESS,
    "failed": status_text.FAILED,
    "declined": ":no_entry:",
    "refused": ":no_entry:",
    "withdrawn": status_text.NEUTRAL,
    "expired": status_text.NEUTRAL,
}
_NOT_APPROVED = {
    "declined": "declined",
    "withdrawn": "withdrawn",
    "expired": "expired",
    "overtaken": "expired",
    "refused": "expired",
}
"""The words of a request's metadata, by outcomes without an approval."""
_EXPLAINED = frozenset({"overtaken", "refused"})


def approval_opened(facts: ApprovalOpened) -> Message:
    """The request: who asks for what, the worst first, what it touches, why, until when, who may decide."""
    approval = facts.approval
    request = f"{_ASKS} {_request(approval)}"
    if facts.mentions:
        request = dotted(request.removesuffix("."), " ".join(map(mention, facts.mentions)))
    head = [
        paragraph(request, _burst_line(approval), reason_line(approval.reason)),
        _asked(approval),
        _touched(approval, _short_warnings(approval)),
        note(
            _who_may(approval),
            f"Expires {date(approval.expires_at)}. "
            f"{mention(approval.person_id)} can withdraw it with Decline.",
        ),
        buttons.controls([*_decision_buttons(approval), _details_button(approval)]),
    ]
    return compose(head)


def standing(approval: Approval) -> str:
    """How the request stands, in the word of its message's metadata."""
    if approval.state == "pending":
        return "waiting"
    outcome = approval.outcome if approval.state == "ended" else None
    return _NOT_APPROVED.get(outcome or "", "approved")


def approval_form(facts: ApprovalForm) -> inputs.FormContent:
    """All that a request asks for, nothing cut; who may approve it sends the form off to do so."""
    approval, impact = facts.approval, facts.approval.impact
    may_approve = isinstance(facts.request, Approve)
    name = (f"Full name: {approval.name}",) if approval.impact.left_out else ()
    reason = (f"Reason: {approval.reason}",) if approval.reason else ()
    content = (
        paragraph(_request(approval), _burst_line(approval))
        + sum(_in_full((*name, *reason, *impact.in_full)), NOTHING)
        + _touched(approval, _in_full(_warnings(approval), f"{status_text.WARNING} "))
        + note(_end(approval))
    )
    return inputs.FormContent(content, Approve.operation.label if may_approve else None)


def approval_not_shown(facts: ApprovalForm) -> Message:
    """There was no room to show all of it: a button that opens it."""
    approval = facts.approval
    head = [
        paragraph(
            f"{_request(approval)} You haven't seen all of it, so nothing was done.",
            "Open it in full first.",
        ),
        buttons.controls([_details_button(approval)]),
    ]
    return compose(head)


def to_decide(approval: Approval) -> MessagePart:
    """The request in a list, for somebody who may decide it."""
    return (
        paragraph(f"{_ASKS} {_request(approval)}", _burst_line(approval), reason_line(approval.reason))
        + _asked(approval)
        + _touched(approval, _short_warnings(approval))
        + note(_posted(approval))
        + buttons.controls([*_decision_buttons(approval), _details_button(approval)])
    )


def own_request(approval: Approval) -> MessagePart:
    """The request in a list, for the person who asked."""
    return (
        paragraph(
            f"{status_text.BUSY} Your request to {_verb_and_job(approval)} needs approval. "
            f"{_posted(approval)}",
            reason_line(approval.reason),
        )
        + _asked(approval)
        + note(_who_may(approval), "Decline withdraws it.")
        + buttons.controls([_withdraw(approval)])
    )


def _withdraw(approval: Approval) -> buttons.Control | None:
    """Decline, for the person who asked: it asks first."""
    *_, decline = _decision_buttons(approval)
    words = f"Nobody can approve it any more. You asked to {_verb_and_job(approval)}."
    return decline and buttons.asking(decline, "Withdraw your request?", words, yes="Withdraw")


def approval_changed(facts: ApprovalChanged) -> Message:
    """The same message once it is decided, or over: nothing to press but Details."""
    approval = facts.approval
    is_deleted = approval.outcome in {"done", None} and approval.operation == "delete"
    is_gone = is_deleted or approval.problem == GONE
    target = None if is_gone else _target(approval)
    return compose(
        [
            paragraph(_request(approval), _burst_line(approval), reason_line(approval.reason)),
            _asked(approval),
            paragraph(_end(approval), _problem(approval)),
            buttons.controls([buttons.job_control(target, ShowJob.operation)])
            if target is not None
            else NOTHING,
        ]
    )


def approval_ended(facts: ApprovalEnded) -> Message:
    """For the person who asked: in the thread, or by a direct message."""
    approval = facts.approval
    return compose(
        [
            paragraph(
                _end(approval),
                dotted(f"Your request to {_verb_and_job(approval)}", mention(approval.person_id)),
                _problem(approval),
            )
        ]
    )


def approval_undelivered(facts: ApprovalUndelivered) -> Message:
    """For the person who asked: nobody sees the request yet."""
    approval = facts.approval
    return compose(
        [
            paragraph(
                f"{status_text.WARNING} The bot can't post your request to {_verb_and_job(approval)} in "
                f"{channel(facts.channel)}: {code(facts.problem)}.",
                f"Invite it with `/invite` so someone can approve before {date(approval.expires_at)}. "
                "Nothing was changed.",
            )
        ]
    )


def approval_requested(outcome: ApprovalRequested) -> Message:
    """The request waits for a second person now."""
    approval = outcome.approval
    return compose(
        [
            paragraph(
                f"{status_text.BUSY} Your request to {_verb_and_job(approval)} needs approval. "
                "Nothing was changed yet.",
                f"{_posted(approval, is_held_back=outcome.is_held_back)} Press Decline there to withdraw it.",
                f"{status_text.WARNING} The bot can't post there at the moment: until it can (invite it "
                "with `/invite`), nobody sees the request."
                if outcome.is_held_back
                else "",
            ),
            note(_who_may(approval)),
        ]
    )


def already_requested(outcome: AlreadyRequested) -> Message:
    """The same waits already."""
    approval = outcome.approval
    return compose(
        [
            paragraph(
                "This request is already waiting for approval.",
                f"{mention(approval.person_id)} asked to {_verb_and_job(approval)} "
                f"{date(approval.asked_at)}. {_posted(approval)}",
            )
        ]
    )


def already_decided(outcome: AlreadyDecided) -> Message:
    """A press on a request that was decided, or has expired."""
    approval = outcome.approval
    return compose(
        [paragraph(_request(approval), _end(approval), _problem(approval)), note("Your press did nothing.")]
    )


def approval_answer(answer: ApprovalAnswer) -> Message:
    """It was declined or withdrawn by this press."""
    approval = answer.approval
    return compose([paragraph(_request(approval), _end(approval))])


def reason_line(reason: str | None, limit: int = REASON_LIMIT) -> str:
    """Why somebody asked for an action, where they gave a reason."""
    return f"Reason: {literal(reason, limit)}" if reason else ""


def _decision_buttons(approval: Approval) -> list[buttons.Control | None]:
    """Approve, and Decline."""
    is_quick_backup = approval.operation == QuickBackup.operation.name
    label = "Quick backup" if is_quick_backup else BY_NAME[approval.operation].label
    asked = (
        f"{label} requested by {mention(approval.person_id)}",
        reason_line(approval.reason, _DIALOG_REASON_LIMIT),
    )
    approve = Approve(approval.id)
    if approval.impact.left_out:
        approve = with_fields(approve, step=Step.FILL)
    return [
        buttons.request_control(
            request,
            name=approval.name,
            server=approval.server,
            prominent=True,
            touches=tuple(filter(None, asked)),
        )
        for request in (approve, Decline(approval.id))
    ]


def _details_button(approval: Approval) -> buttons.Control | None:
    """Details: all that is asked for, where the message has no room for it; else the job."""
    if approval.impact.left_out:
        request = ShowApproval(approval.id)
        return buttons.request_control(request, name=approval.name, server=approval.server)
    target = _target(approval)
    return buttons.job_control(target, ShowJob.operation) if target is not None else None


def _request(approval: Approval) -> str:
    return f"{mention(approval.person_id)} asks to {_verb_and_job(approval)}."


def _verb_and_job(approval: Approval) -> str:
    return f"{_verb(approval)} {status_text.job_name(approval.name, approval.server)}"


def _verb(approval: Approval) -> str:
    return "back up" if approval.operation == QuickBackup.operation.name else BY_NAME[approval.operation].name


def _asked(approval: Approval) -> MessagePart:
    """What is asked for beyond the verb and its job, as far as there is room; and how much is left out."""
    if approval.operation == QuickBackup.operation.name:
        return NOTHING
    lines = [
        sentence_case(literal(change, LINE_SHOWN)).removesuffix(".") + "."
        for change in approval.impact.changes[:LINES_SHOWN]
    ]
    left_out = ""
    if approval.impact.left_out:
        left_out = (
            f"{status_text.WARNING} {count(approval.impact.left_out, 'character')} of it are not shown here: "
            "*Details* shows everything, and Approve shows it before anything is done."
        )
    bullets = [f"• {line}" for line in lines] if len(lines) > 1 else lines
    return paragraph(*bullets, left_out)


def _in_full(texts: Iterable[str], sign: str = "• ") -> Iterator[MessagePart]:
    """Whole texts, a line or more for each, in as few sections as they fit in."""
    section: list[str] = []
    for text in texts:
        pieces = textwrap.wrap(text, _PIECE) or [text]
        for begin, piece in zip((sign, *[""] * (len(pieces) - 1)), pieces, strict=True):
            line = begin + literal(piece, _SECTION)
            if sum(map(len, section)) + len(section) + len(line) > _SECTION:
                yield paragraph(*section)
                section = []
            section.append(line)
    yield paragraph(*section)


def _warnings(approval: Approval) -> tuple[str, ...]:
    return warnings_in_words(
        approval.impact.warnings, approval.impact.run_after, approval.impact.run_after_hidden
    )


def _short_warnings(approval: Approval) -> list[MessagePart]:
    """What the person who asked was warned of, as far as a message has room; `left_out` counts the rest."""
    lines = (f"{status_text.WARNING} {literal(each, WARNING_SHOWN)}" for each in _warnings(approval))
    return [paragraph(*lines)]


def _touched(approval: Approval, warnings: Iterable[MessagePart]) -> MessagePart:
    """The job as it was when it was asked for, the warnings, and what it means: never cut off by them."""
    job = _job_lines(approval) if approval.job_id is not None else ()
    recent = recent_actions(tuple(map(_recent(approval), approval.impact.recent)))
    warned = sum(warnings, NOTHING)
    return paragraph(*job) + warned + paragraph(recent) + paragraph(_consequence(approval))


def _recent(approval: Approval) -> Callable[[RecentChange], RecentAction]:
    return lambda one: RecentAction(
        BY_NAME[one.operation],
        PersonId(one.person_id),
        one.at,
        one.outcome,
        ServerName(approval.server),
        approval.name,
        one.detail,
    )


def _consequence(approval: Approval) -> str:
    """What its form, or its dialog, says of it before it is done."""
    if approval.operation == Delete.operation.name:
        return "\n".join(BACKUPS_STAY)
    confirmation, request = BY_NAME[approval.operation].confirmation, CODEC.from_json(approval.request)
    said = (confirmation.consequence,) if confirmation is not None else ()
    return " ".join((*said, *(buttons.beyond_plain(request) if request is not None else ())))


def _burst_line(approval: Approval) -> str:
    if not approval.impact.recent_reductions:
        return ""
    changes = count(approval.impact.recent_reductions, "change")
    return (
        f"{status_text.WARNING} {mention(approval.person_id)} made {changes} that reduce protection within "
        f"{count(round(approval.impact.recent_minutes), 'minute')}: the next ones need approval."
    )


def _job_lines(approval: Approval) -> tuple[str, ...]:
    covers = dotted(
        "" if approval.impact.objects is None else count(approval.impact.objects, "object"),
        f"repository {literal(approval.impact.repository)}" if approval.impact.repository else "",
        "disabled" if approval.impact.is_disabled else "",
    )
    last = "never" if approval.impact.last_run is None else date(approval.impact.last_run)
    result = (
        f", {status_text.result(approval.impact.last_result)}"
        if approval.impact.last_result and approval.impact.last_run
        else ""
    )
    runs = dotted(
        f"Status: {literal(approval.impact.status.capitalize())}" if approval.impact.status else "",
        f"last run: {last}{result}",
        f"next run: {date(approval.impact.next_run)}"
        if approval.impact.next_run and not approval.impact.is_disabled
        else "",
    )
    last_success = ""
    if (
        approval.impact.last_run is not None
        and known(Result, approval.impact.last_result) is not Result.SUCCESS
    ):
        at, is_known = approval.impact.last_success, approval.impact.is_last_success_known
        last_success = last_success_line(at, is_known=is_known)
    return sentence_case(covers), runs, last_success


def _who_may(approval: Approval) -> str:
    roles = " or ".join(approval.impact.roles)
    groups = ", ".join(literal(group) for group in approval.impact.groups[:_GROUPS_LIMIT])
    named = f" ({groups})" if groups else ""
    return f"Needs approval from a second person: {roles}{named}." if roles else ""


def _posted(approval: Approval, *, is_held_back: bool = False) -> str:
    posted = "To be posted" if is_held_back else "Posted"
    return f"{posted} in {channel(approval.channel)}; expires {date(approval.expires_at)}."


def _end(approval: Approval) -> str:
    if approval.state == "pending":
        return f"Waiting for approval. Expires {date(approval.expires_at)}."
    who = mention(approval.decider_id or "")
    if approval.outcome is None:
        return f"{status_text.BUSY} Approved by {who}, and being sent to VBR."
    sign = _SIGNS.get(approval.outcome, status_text.WARNING)
    if approval.outcome not in _ENDS:
        return f"{sign} {literal(approval.outcome)}"
    return _ENDS[approval.outcome].format(
        sign=sign,
        decider=who,
        person=mention(approval.person_id),
        decided=date(approval.decided_at) if approval.decided_at else "",
        until=date(approval.expires_at),
        changed=_CHANGES.get(approval.problem or "", _CHANGED),
    )


_CHANGES = {
    GONE: "It no longer exists.",
    OLD: "It was requested through another version of the bot.",
}
_CHANGED = "It has changed since the request."


def _problem(approval: Approval) -> str:
    if not approval.problem or approval.outcome in _EXPLAINED:
        return ""
    return code(approval.problem)


def _target(approval: Approval) -> buttons.ButtonTarget | None:
    if approval.job_id is None:
        return None
    return buttons.ButtonTarget(ServerName(approval.server), JobId(approval.job_id), approval.name)
