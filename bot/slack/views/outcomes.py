"""Outcomes: what came of one asking, as the reply to it."""

from typing import assert_never

from bot.operations import answers, outcomes
from bot.operations.answers import Answer
from bot.operations.outcomes import Outcome
from bot.operations.people import PersonId
from bot.slack.views import approvals, problems, unopened
from bot.slack.views.actions import action
from bot.slack.views.audit import audit
from bot.slack.views.help import help_
from bot.slack.views.home import home_message
from bot.slack.views.job import job
from bot.slack.views.jobs import jobs
from bot.slack.views.message import Message, Reply
from bot.slack.views.servers import servers
from bot.slack.views.session import session
from bot.slack.views.sessions import sessions
from bot.slack.views.status import status
from bot.slack.views.whoami import whoami

Problem = (
    outcomes.Refused
    | outcomes.Misread
    | outcomes.NotFound
    | outcomes.Ambiguous
    | outcomes.WhichMachine
    | outcomes.PressedBefore
    | outcomes.MovedOn
    | outcomes.NotNow
    | outcomes.NeedsForm
    | outcomes.Asked
    | outcomes.AskedBefore
    | outcomes.Settled
    | outcomes.Unclear
    | outcomes.Failed
    | outcomes.Forgotten
    | outcomes.Broken
)


def outcome(
    came_of_it: Outcome, reference: str, *, command: str = "/veeam", shared_by: PersonId | None = None
) -> Reply:
    """The reply to a gesture, whose reference it repeats where something went wrong.

    An action that was accepted is for the channel, everything else for the asker alone. `shared_by` draws an
    answer for the channel it is shared with: named as shared, without Share and without paging. The audit
    record is not for sharing.
    """
    if not isinstance(came_of_it, outcomes.Done):
        return Reply(_problem(came_of_it, reference, command=command))
    message = _answer(came_of_it.answer, command=command, shared_by=shared_by)
    is_action = isinstance(came_of_it.answer, answers.ActionAnswer)
    is_shared = shared_by is not None and not isinstance(came_of_it.answer, answers.AuditAnswer)
    return Reply(message, in_channel=is_action or is_shared)


def _answer(answer: Answer, *, command: str, shared_by: PersonId | None) -> Message:
    match answer:
        case answers.JobsAnswer():
            return jobs(answer, shared_by=shared_by)
        case answers.JobAnswer():
            return job(answer, shared_by=shared_by)
        case answers.SessionsAnswer():
            return sessions(answer, shared_by=shared_by)
        case answers.SessionAnswer():
            return session(answer, shared_by=shared_by)
        case answers.StatusAnswer():
            return status(answer, command=command, shared_by=shared_by)
        case answers.ServersAnswer():
            return servers(answer, shared_by=shared_by)
        case answers.AuditAnswer():
            return audit(answer)
        case answers.HelpAnswer():
            return help_(answer, command=command)
        case answers.WhoamiAnswer():
            return whoami(answer, command=command)
        case answers.HomeAnswer():
            return home_message(answer, command=command)
        case answers.ActionAnswer():
            return action(answer)
        case answers.ApprovalAnswer():
            return approvals.decided(answer)
        case _:
            assert_never(answer)


def _problem(problem: Problem, reference: str, *, command: str) -> Message:
    match problem:
        case outcomes.Refused():
            return problems.refused(problem, command=command)
        case outcomes.Misread():
            return problems.misread(problem, command=command)
        case outcomes.NotFound():
            return problems.not_found(problem, command=command)
        case outcomes.Ambiguous():
            return problems.ambiguous(problem)
        case outcomes.WhichMachine():
            return problems.which_machine(problem)
        case outcomes.PressedBefore():
            return problems.pressed_before(problem)
        case outcomes.MovedOn():
            return problems.moved_on(problem)
        case outcomes.NotNow():
            return problems.not_now(problem)
        case outcomes.NeedsForm():
            return unopened.needs_form(problem, command=command)
        case outcomes.Forgotten():
            return unopened.forgotten(problem, command=command)
        case outcomes.Asked():
            return approvals.asked(problem)
        case outcomes.AskedBefore():
            return approvals.asked_before(problem)
        case outcomes.Settled():
            return approvals.settled(problem)
        case outcomes.Unclear():
            return problems.unclear(problem, reference)
        case outcomes.Failed():
            return problems.failed(problem, reference)
        case outcomes.Broken():
            return problems.broken(problem, reference)
        case _:
            assert_never(problem)
