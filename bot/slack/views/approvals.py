"""Approvals by a second person: the message that asks for one, its end, and the answers about it."""

from bot.operations.actions.approvals import GONE, OLD, ApprovalAnswer, Approve, Decline
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.catalog import BY_NAME
from bot.operations.outcomes import AlreadyDecided, AlreadyRequested, ApprovalRequested
from bot.operations.queries.job import ShowJob
from bot.slack.text import channel, code, count, date, dotted, literal, mention, sentence_case
from bot.slack.views import buttons, status_text
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, note, paragraph
from bot.store import Approval
from bot.watch import approval_facts
from bot.watch.facts import ApprovalChanged, ApprovalEnded, ApprovalFacts, ApprovalOpened, ApprovalUndelivered

REASON_LIMIT = 300
_DIALOG_REASON_LIMIT = 100
_ASKS = ":raised_hand:"
_GROUPS_LIMIT = 10
_DETAIL_LIMIT = 1_000
_AGAIN = "Nothing was done. If it is still wanted, ask for it again."
_ENDS = {
    "done": "{sign} Done: approved by {decider} {decided}.",
    "failed": "{sign} Approved by {decider}, but it was not done.",
    "unclear": (
        "{sign} Approved by {decider}, and it is not clear whether it was done. "
        "Look before you ask for it again."
    ),
    "not_sent": f"{{sign}} Approved by {{decider}}, but the bot broke off before it sent anything. {_AGAIN}",
    "broken": f"{{sign}} Approved by {{decider}}, but the bot's database failed. {_AGAIN}",
    "declined": "{sign} Declined by {decider} {decided}. Nothing was done.",
    "withdrawn": "{sign} Taken back by {decider} {decided}. Nothing was done.",
    "expired": f"{{sign}} Nobody approved it until {{until}}. {_AGAIN}",
    "overtaken": f"{{sign}} {{changed}} {_AGAIN}",
    "refused": "{sign} {person} may not do this any more. Nothing was done.",
}
_SIGNS = {
    "done": status_text.SUCCESS,
    "failed": status_text.FAILED,
    "declined": ":no_entry:",
    "refused": ":no_entry:",
    "withdrawn": status_text.NEUTRAL,
    "expired": status_text.NEUTRAL,
}
_EXPLAINED = frozenset({"overtaken", "refused"})


def approval_opened(facts: ApprovalOpened) -> Message:
    """The request: who asks for what, what it touches, why, until when, and who may decide."""
    approval = facts.approval
    target = _target(approval)
    head = [
        paragraph(f"{_ASKS} {_request(approval)}", *_details(approval)),
        paragraph(*_job_lines(approval)) if approval.job_id is not None else NOTHING,
        paragraph(" ".join(map(mention, facts.mentions))) if facts.mentions else NOTHING,
        note(
            _who_may(approval),
            f"It waits until {date(approval.expires_at)}. "
            f"{mention(approval.person)} can take it back with Decline.",
        ),
        buttons.controls(
            [
                *_decision_buttons(approval),
                buttons.job_control(target, ShowJob.operation) if target is not None else None,
            ]
        ),
    ]
    return compose(head)


def to_decide(approval: Approval) -> MessagePart:
    """The request in a list, for somebody who may decide it."""
    facts = approval_facts(approval)
    target = _target(facts)
    return (
        paragraph(f"{_ASKS} {_request(facts)}", *_details(facts))
        + note(f"It waits until {date(approval.expires_at)} in {channel(approval.channel)}.")
        + buttons.controls(
            [
                *_decision_buttons(facts),
                buttons.job_control(target, ShowJob.operation) if target is not None else None,
            ]
        )
    )


def own_request(approval: Approval) -> MessagePart:
    """The request in a list, for the person who asked."""
    facts = approval_facts(approval)
    where = f"in {channel(approval.channel)} until {date(approval.expires_at)}"
    return (
        paragraph(
            f"{status_text.BUSY} Your request to {_verb_and_job(facts)} waits {where}.", *_details(facts)
        )
        + note(_who_may(facts), "Decline takes it back.")
        + buttons.controls(_decision_buttons(facts)[1:])
    )


def approval_changed(facts: ApprovalChanged) -> Message:
    """The same message once it is decided, or over: nothing to press but Details."""
    approval = facts.approval
    is_deleted = approval.outcome in {"done", None} and approval.operation == "delete"
    is_gone = is_deleted or approval.problem == GONE
    target = None if is_gone else _target(approval)
    return compose(
        [
            paragraph(_request(approval), *_details(approval)),
            paragraph(_end(approval), _problem(approval)),
            buttons.controls([buttons.job_control(target, ShowJob.operation)])
            if target is not None
            else NOTHING,
        ]
    )


def approval_ended(facts: ApprovalEnded) -> Message:
    """In the thread, for the person who asked."""
    approval = facts.approval
    return compose([paragraph(f"{mention(approval.person)}: {_end(approval)}", _problem(approval))])


def approval_undelivered(facts: ApprovalUndelivered) -> Message:
    """For the person who asked: nobody sees the request yet."""
    approval = facts.approval
    return compose(
        [
            paragraph(
                f"{status_text.WARNING} Your request to {_verb_and_job(approval)} cannot be shown in "
                f"{channel(facts.channel)}: {code(facts.problem)}.",
                "Nobody can approve it yet, and nothing was done. Once the bot can post there (invite it "
                f"with `/invite`), it is shown; it waits until {date(approval.expires_at)}.",
            )
        ]
    )


def approval_requested(outcome: ApprovalRequested) -> Message:
    """The request waits for a second person now."""
    approval = outcome.approval
    facts = approval_facts(approval)
    return compose(
        [
            paragraph(
                f"{status_text.BUSY} Your request to {_verb_and_job(facts)} waits for a second person. "
                "Nothing was done yet.",
                f"It stands in {channel(approval.channel)} until {date(approval.expires_at)}. "
                "You can take it back there with Decline.",
                f"{status_text.WARNING} The bot cannot post there at the moment: until it can (invite it "
                "with `/invite`), nobody sees the request."
                if outcome.is_held_back
                else "",
            ),
            note(_who_may(facts)),
        ]
    )


def already_requested(outcome: AlreadyRequested) -> Message:
    """The same waits already."""
    approval = outcome.approval
    facts = approval_facts(approval)
    return compose(
        [
            paragraph(
                f"The request to {_verb_and_job(facts)} waits for a second person already. "
                "Nobody was asked again.",
                f"{mention(approval.person_id)} asked for it {date(approval.asked_at)}: it stands in "
                f"{channel(approval.channel)} until {date(approval.expires_at)}.",
            )
        ]
    )


def already_decided(outcome: AlreadyDecided) -> Message:
    """A press on a request that was decided, or has expired."""
    facts = approval_facts(outcome.approval)
    return compose(
        [paragraph(_request(facts), _end(facts), _problem(facts)), note("Your press did nothing.")]
    )


def approval_answer(answer: ApprovalAnswer) -> Message:
    """It was declined or taken back by this press."""
    facts = approval_facts(answer.approval)
    return compose([paragraph(_request(facts), _end(facts))])


def reason_line(reason: str | None, limit: int = REASON_LIMIT) -> str:
    """Why somebody asked for an action, where they gave a reason."""
    return f"Reason: {literal(reason, limit)}" if reason else ""


def _decision_buttons(approval: ApprovalFacts) -> list[buttons.Control | None]:
    """Approve, and Decline."""
    asked = (
        f"{mention(approval.person)} asks to {_verb(approval)} this",
        reason_line(approval.reason, _DIALOG_REASON_LIMIT),
    )
    return [
        buttons.request_control(
            request,
            name=approval.name,
            server=approval.server,
            prominent=True,
            touches=tuple(filter(None, asked)),
        )
        for request in (Approve(approval.id), Decline(approval.id))
    ]


def _request(approval: ApprovalFacts) -> str:
    return f"{mention(approval.person)} asks to {_verb_and_job(approval)}."


def _verb_and_job(approval: ApprovalFacts) -> str:
    return f"{_verb(approval)} {status_text.job_name(approval.name, approval.server)}"


def _verb(approval: ApprovalFacts) -> str:
    return "back up" if approval.operation == QuickBackup.operation.name else BY_NAME[approval.operation].name


def _details(approval: ApprovalFacts) -> tuple[str, ...]:
    is_shown = approval.operation == QuickBackup.operation.name or approval.asked is None
    detail = "" if is_shown else literal(approval.asked or "", _DETAIL_LIMIT)
    return (
        _burst_line(approval),
        f"{sentence_case(detail)}." if detail else "",
        reason_line(approval.reason),
    )


def _burst_line(approval: ApprovalFacts) -> str:
    if not approval.recent_reductions:
        return ""
    changes = count(approval.recent_reductions, "change")
    return (
        f"{status_text.WARNING} {mention(approval.person)} made {changes} that reduce protection within "
        f"{count(round(approval.recent_minutes), 'minute')}: further ones take a second person."
    )


def _job_lines(approval: ApprovalFacts) -> tuple[str, ...]:
    covers = dotted(
        "" if approval.objects is None else count(approval.objects, "object"),
        f"repository {literal(approval.repository)}" if approval.repository else "",
        "disabled" if approval.is_disabled else "",
    )
    last = "never" if approval.last_run is None else date(approval.last_run)
    result = (
        f", {status_text.result(approval.last_result)}" if approval.last_result and approval.last_run else ""
    )
    runs = dotted(
        f"Status: {literal(approval.status.capitalize())}" if approval.status else "",
        f"last run: {last}{result}",
        f"next run: {date(approval.next_run)}" if approval.next_run and not approval.is_disabled else "",
    )
    return f"It covers {covers}" if covers else "", runs


def _who_may(approval: ApprovalFacts) -> str:
    roles = " or ".join(approval.roles)
    groups = ", ".join(literal(group) for group in approval.groups[:_GROUPS_LIMIT])
    named = f" ({groups})" if groups else ""
    return f"Somebody else has to approve it, with the role {roles}{named}." if roles else ""


def _end(approval: ApprovalFacts) -> str:
    if approval.state == "pending":
        return f"It waits for a second person until {date(approval.expires_at)}."
    who = mention(approval.decider or "")
    if approval.outcome is None:
        return f"{status_text.BUSY} Approved by {who}, and on its way to VBR."
    sign = _SIGNS.get(approval.outcome, status_text.WARNING)
    if approval.outcome not in _ENDS:
        return f"{sign} {literal(approval.outcome)}"
    return _ENDS[approval.outcome].format(
        sign=sign,
        decider=who,
        person=mention(approval.person),
        decided=date(approval.decided_at) if approval.decided_at else "",
        until=date(approval.expires_at),
        changed=_CHANGES.get(approval.problem or "", _CHANGED),
    )


_CHANGES = {
    GONE: "What it was asked for is not there any more.",
    OLD: "It was asked for through another version of the bot.",
}
_CHANGED = "What it was asked for has changed since."


def _problem(approval: ApprovalFacts) -> str:
    if not approval.problem or approval.outcome in _EXPLAINED:
        return ""
    return code(approval.problem)


def _target(approval: ApprovalFacts) -> buttons.ButtonTarget | None:
    if approval.job_id is None:
        return None
    return buttons.ButtonTarget(approval.server, approval.job_id, approval.name)
