"""What stands before a job is made or changed: what kind it is to be, and what will be done. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from bot.operations.catalog import operation_of
from bot.operations.forms import CreateChoice, JobForm, JobSummary, SettingsForm
from bot.operations.job_settings.entries import JobEntries
from bot.operations.job_settings.words import TITLES, change_in_words, in_words
from bot.operations.requests import CreateRequest, EditRequest, Step
from bot.operations.suggestion import Suggestion, job_chosen
from bot.slack.codec import Entered
from bot.slack.text import literal, sentence_case, strong
from bot.slack.views import inputs, status_text
from bot.slack.views.action_forms import PICK_LABEL, Filled, Sheet
from bot.slack.views.buttons import previous_step
from bot.slack.views.impact import consequences
from bot.slack.views.inputs import Field
from bot.slack.views.job_form import entries_of, job_form, problem_said
from bot.slack.views.message import NOTHING, MessagePart, note, paragraph
from bot.slack.views.status_text import needs_attention, repository_line
from bot.veeam import Change, Retention, Schedule
from bot.veeam import Part as JobPart

SERVER, LIKE = "server", "like"
_LINE_LIMIT = 500


def job_sheet(facts: SettingsForm) -> Sheet:
    """The form for these facts."""
    match facts:
        case CreateChoice():
            return Sheet(create_choice(facts), PICK_LABEL)
        case JobForm():
            return Sheet(job_form(facts), PICK_LABEL)
        case JobSummary():
            return Sheet(job_summary(facts), operation_of(facts.request).label)
        case _:
            assert_never(facts)


def job_filled_in(request: EditRequest | CreateRequest, entered: Entered) -> Filled:
    """The request that such a form asks for, or what is wrong with it, by block."""
    if request.step is Step.REVIEW:
        entries = entries_of(entered)
        return replace(request, entered=entries) if isinstance(entries, JobEntries) else entries
    if isinstance(request, CreateRequest) and request.step is Step.FILL:
        return chosen(request, entered)
    return request


def create_choice(facts: CreateChoice) -> MessagePart:
    """Like which job, if like any, and else on which server."""
    servers = [Suggestion(server, server, "") for server in facts.servers]
    server = Field(SERVER, "Server", "For a new vSphere backup.", is_optional=True)
    like = Field(
        LIKE,
        "Like a job that is there",
        "Leave it empty for a new vSphere backup. Other kinds of jobs are made like one of their kind.",
        is_optional=True,
    )
    parts = [
        *map(problem_said, facts.problems),
        inputs.search(like, None, letters=0),
        inputs.one_of(server, servers, facts.request.server) if len(servers) > 1 else NOTHING,
    ]
    return sum(parts, NOTHING)


def chosen(request: CreateRequest, entered: Entered) -> CreateRequest | dict[str, str]:
    """The request with what was chosen, or what is wrong with it by field."""
    server, like = inputs.said(entered, SERVER), inputs.said(entered, LIKE)
    if not like:
        if SERVER in entered and not server:
            return {SERVER: "Choose a server, or a job for the new one to be like."}
        return CreateRequest(server or request.server, step=request.step)
    job = job_chosen(like)
    if job is None:
        return {LIKE: "Choose a job from the list."}
    if server and server != job.server:
        return {LIKE: f"This job is on {job.server}. Choose that server, or another job."}
    return CreateRequest(job.server, job, step=request.step)


def job_summary(facts: JobSummary) -> MessagePart:
    """What will be done, and what of it cannot be taken back; a button leads back to the fields."""
    said = _changes(facts) if isinstance(facts.request, EditRequest) else _whole(facts)
    return said + _space(facts) + _zone(facts) + _warnings(facts) + previous_step(facts.back)


def _changes(facts: JobSummary) -> MessagePart:
    touched = NOTHING
    if facts.touched is not None and isinstance(facts.request, EditRequest):
        touched = consequences(facts.touched, facts.request)
    return touched + _theirs(facts) + paragraph("*You change*", *_lines(facts, facts.changes))


def _theirs(facts: JobSummary) -> MessagePart:
    if not facts.theirs and not facts.is_changed_otherwise:
        return NOTHING
    lines = _lines(facts, facts.theirs)
    if facts.is_changed_otherwise:
        lines.append("Settings that this form does not show.")
    return paragraph(
        f"{status_text.WARNING} *Somebody else changed this job meanwhile*",
        *lines,
        "That stays. Your changes below are made on top of it, if you go on.",
    )


def _lines(facts: JobSummary, changes: Sequence[Change]) -> list[str]:
    return [f"• {literal(change_in_words(change, facts.names), _LINE_LIMIT)}" for change in changes]


def _whole(facts: JobSummary) -> MessagePart:
    draft = facts.draft
    like = f", like {literal(draft.like)}" if draft.like else ""
    head = f"{strong(draft.wanted.name)}, a new {literal(draft.kind)} job on {literal(draft.server)}{like}:"
    shown = [part for part in JobPart if part is not JobPart.NAME and draft.wanted.part(part) is not None]
    lines = [
        f"• {TITLES[part]}: {literal(in_words(part, draft.wanted.part(part), facts.names), _LINE_LIMIT)}"
        for part in shown
    ]
    return paragraph(head, *lines)


def _space(facts: JobSummary) -> MessagePart:
    """How full the repository is that is new to the job."""
    is_new = isinstance(facts.request, CreateRequest) or any(
        change.part is JobPart.REPOSITORY for change in facts.changes
    )
    if facts.repository is None or not is_new:
        return NOTHING
    sign = f"{status_text.WARNING} " if needs_attention(facts.repository) else ""
    return paragraph(f"{sign}Space there: {repository_line(facts.repository)}")


def _zone(facts: JobSummary) -> MessagePart:
    """Whose time is meant, where one is said."""
    parts = [change.after for change in facts.changes] or [facts.draft.wanted.schedule]
    has_time = any(isinstance(part, Schedule) and part.at is not None for part in parts)
    if not has_time:
        return NOTHING
    named = f", {literal(facts.time_zone)}" if facts.time_zone else ""
    return note(f"Times are in the server's own time zone{named}.")


def _warnings(facts: JobSummary) -> MessagePart:
    shorter = next((each for each in facts.changes if _keeps_less(each)), None)
    if shorter is None:
        return NOTHING
    return paragraph(
        f"{status_text.WARNING} *Restore points will be removed* in a following run: "
        f"{sentence_case(literal(change_in_words(shorter, facts.names)))}. VBR has no undo for this."
    )


def _keeps_less(change: Change) -> bool:
    before, after = change.before, change.after
    if not isinstance(before, Retention) or not isinstance(after, Retention):
        return False
    # Nobody can say which of two counts keeps more where they count different things.
    return after.quantity < before.quantity or after.unit.casefold() != before.unit.casefold()
