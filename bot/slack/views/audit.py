"""The audit record: a page of it for people who may read it, and one action for the audit channel."""

from bot.operations.catalog import OPERATIONS
from bot.operations.model import KnownJob, Refusal
from bot.operations.queries.audit import AuditAnswer
from bot.operations.vbr_lists import PAGE_ROWS
from bot.slack.text import channel, code, date, dotted, literal, mention, strong
from bot.slack.views import status_text
from bot.slack.views.approvals import reason_line
from bot.slack.views.buttons import controls, page_controls, session_control
from bot.slack.views.message import Message, MessagePart, as_of, compose, divided, heading, note, paragraph
from bot.store import END_LOST, AuditRecord
from bot.veeam import ServerName, SessionId
from bot.watch.facts import ActionRecorded

_LABELS = {one.audit_name: one.label for one in OPERATIONS} | {END_LOST: "End of the audit record"}
_ASKED_LIMIT, _ASKED_IN_LIST = 2_000, 500
"""How much is said of what was asked for; what takes protection away stands first."""
_REASONS = {
    Refusal.STANDING: "no member of this workspace",
    Refusal.PERSON_UNREADABLE: "Slack didn't say who it was",
    Refusal.GROUPS_UNREADABLE: "Slack didn't return the user groups",
    Refusal.CHANNEL: "the command isn't allowed in this channel",
    Refusal.NO_GRANT: "no role here",
    Refusal.ROLE: "the role does not include it",
    Refusal.SCOPE: "no role that includes it on this server or job",
    Refusal.REVISION: "the server's VBR does not let that role",
    Refusal.OWN_REQUEST: "nobody can approve their own request",
    Refusal.ASKER_UNREADABLE: "Slack didn't say who asked for it",
    Refusal.CHOICE: "not something this person can choose",
    Refusal.NOWHERE: "it needs a second person's approval, which can't be asked for there",
    Refusal.UNSHOWABLE: "it needs a second person's approval, and is more than Slack can show",
    "unsigned": "a request without a valid signature",
}
_ORIGINS = {
    "typed": "typed",
    "button": "by button",
    "menu": "from a menu",
    "form": "by form",
    "shortcut": "by shortcut",
    "timer": "by the bot when the time was up",
    "bot": "noticed by the bot",
}


def audit(answer: AuditAnswer) -> Message:
    """One page of the record, newest first, for the asker alone."""
    cut = "Only the latest part of the record was searched. Add a time span to narrow it."
    head = [heading("Audit record"), note(_summary(answer))]
    if not answer.rows:
        head.append(paragraph("Nothing on record matches."))
    tail = [
        note(f"{status_text.WARNING} {cut}" if answer.is_cut else ""),
        as_of(answer.as_of, None),
        controls(page_controls(answer.request, pages=None, has_more=answer.has_more)),
    ]
    return compose(head, divided(map(_row, answer.rows)), tail)


def action_recorded(facts: ActionRecorded) -> Message:
    """One action and its outcome. The person is named by name and ID, so that nobody is notified."""
    who = _named(facts.person_name, facts.person_id)
    session = f"Session {code(facts.session_id)}" if facts.session_id else ""
    what = _what(facts.operation, facts.job_name, facts.server, facts.asked, _ASKED_LIMIT)
    lines = paragraph(
        f"{status_text.action_outcome(facts.outcome)} · {what}",
        dotted(who, _where(facts.origin, facts.channel_id), date(facts.at), code(facts.reference)),
        f"Approved by {_named(facts.approver_name, facts.approver_id)}" if facts.approver_id else "",
        reason_line(facts.reason),
        _problem(facts.said),
    )
    return compose([lines, note(session)])


def _row(attempt: AuditRecord) -> MessagePart:
    entry, outcome = attempt.entry, attempt.outcome
    result = status_text.action_outcome(outcome.outcome if outcome is not None else None)
    person = mention(entry.person_id)
    link = attempt.shown.link if attempt.shown else None
    is_safe = link and link.startswith("https://") and not set("<>|") & set(link)
    facts = dotted(
        person if person.startswith("<@") else literal(entry.person_name),
        _where(entry.origin, entry.channel_id),
        date(entry.at),
        code(entry.reference),
        f"<{link}|message>" if is_safe else "",
    )
    lines = paragraph(
        f"{result} · {_what(entry.operation, entry.job_name, entry.server, entry.detail, _ASKED_IN_LIST)}",
        facts,
        f"Approved by {mention(entry.approver_id)}" if entry.approver_id else "",
        reason_line(entry.reason),
        _problem(outcome.detail if outcome is not None else None),
    )
    if outcome is None or outcome.session_id is None or entry.server is None:
        return lines
    server, session_id = ServerName(entry.server), SessionId(outcome.session_id)
    return lines + controls([session_control(server, session_id, entry.job_name or "")])


def _what(operation: str, job_name: str | None, server: str | None, asked: str | None, limit: int) -> str:
    label = f"*{_LABELS[operation]}*" if operation in _LABELS else strong(operation)
    name = status_text.job_name(job_name, server) if job_name and server else strong(job_name or "")
    job = f"{label} of {name}" if job_name else label
    return f"{job}, {literal(asked, limit)}" if asked else job


def _named(name: str | None, person_id: str) -> str:
    return f"{strong(name)} ({code(person_id)})" if name else code(person_id)


def _where(origin: str, channel_id: str | None) -> str:
    how = _ORIGINS.get(origin) or literal(origin)
    if channel_id is None:
        return how
    return f"{how} in a direct message" if channel_id.startswith("D") else f"{how} in {channel(channel_id)}"


def _problem(detail: str | None) -> str:
    if not detail:
        return ""
    asked, separator, reason = detail.rpartition("; ")
    if reason in _REASONS:
        return f"Why: {_REASONS[reason]}{f' ({code(asked)})' if separator else ''}"
    return code(detail)


def _summary(answer: AuditAnswer) -> str:
    request = answer.request
    return dotted(
        status_text.place_in_list(
            request.page * PAGE_ROWS + 1,
            len(answer.rows),
            answer.total if answer.rows else None,
            "entry",
            "entries",
            is_exact=answer.total_is_exact,
        ),
        _about(answer),
        f"by {mention(request.person)}" if request.person else "",
        status_text.in_the_last(request.within) if request.within else "",
        f"on {literal(request.server)}" if request.server else "",
    )


def _about(answer: AuditAnswer) -> str:
    job = answer.request.job
    if job is None:
        return "actions and refusals, newest first"
    if isinstance(job, KnownJob):
        return f"of one job on {literal(job.server)}"
    return f"of {code(job.text)}" if job.exact else f"of jobs like {code(job.text)}"
