"""Outcomes of requests, as replies to the gestures that made them."""

from collections.abc import Callable, Mapping
from typing import Any, assert_never

from bot.operations import outcomes
from bot.operations.actions.approvals import ApprovalAnswer
from bot.operations.actions.many import ActedOnMany
from bot.operations.actions.subscribe import SubscribedAnswer
from bot.operations.actions.unsubscribe import UnsubscribedAnswer
from bot.operations.outcomes import Answer, Outcome
from bot.operations.queries.audit import AuditAnswer
from bot.operations.queries.help import HelpAnswer
from bot.operations.queries.home import HomeAnswer
from bot.operations.queries.job import JobAnswer
from bot.operations.queries.jobs import JobsAnswer
from bot.operations.queries.report import ReportAnswer
from bot.operations.queries.servers import ServersAnswer
from bot.operations.queries.session import SessionAnswer
from bot.operations.queries.sessions import SessionsAnswer
from bot.operations.queries.status import StatusAnswer
from bot.operations.queries.subscriptions import SubscriptionsAnswer
from bot.operations.queries.whoami import WhoamiAnswer
from bot.operations.queries.why import WhyAnswer
from bot.settings import PersonId
from bot.slack.views import approvals, problems, status_text, subscriptions
from bot.slack.views.actions import action
from bot.slack.views.audit import audit
from bot.slack.views.help import help_, whoami
from bot.slack.views.home import home_message
from bot.slack.views.jobs import job, jobs
from bot.slack.views.many import acted_on_many
from bot.slack.views.message import Message, Reply, with_note
from bot.slack.views.report import report
from bot.slack.views.servers import servers, status
from bot.slack.views.sessions import session, sessions
from bot.slack.views.why import why
from bot.veeam import Detail

Lacks = frozenset[Detail]

ANSWERS: Mapping[type[Answer], Callable[[Any, str, PersonId | None, Lacks], Message]] = {
    JobsAnswer: lambda answer, _, shared_by, lacks: jobs(answer, shared_by=shared_by, lacks=lacks),
    JobAnswer: lambda answer, _, shared_by, __: job(answer, shared_by=shared_by),
    WhyAnswer: lambda answer, _, shared_by, lacks: why(answer, shared_by=shared_by, lacks=lacks),
    SessionsAnswer: lambda answer, _, shared_by, lacks: sessions(answer, shared_by=shared_by, lacks=lacks),
    SessionAnswer: lambda answer, _, shared_by, lacks: session(answer, shared_by=shared_by, lacks=lacks),
    StatusAnswer: lambda answer, command, by, lacks: status(
        answer, command=command, shared_by=by, lacks=lacks
    ),
    ServersAnswer: lambda answer, _, shared_by, __: servers(answer, shared_by=shared_by),
    ReportAnswer: lambda answer, _, shared_by, __: report(answer, shared_by=shared_by),
    AuditAnswer: lambda answer, *_: audit(answer),
    HelpAnswer: lambda answer, command, *_: help_(answer, command=command),
    WhoamiAnswer: lambda answer, command, *_: whoami(answer, command=command),
    HomeAnswer: lambda answer, command, _, lacks: home_message(answer, command=command, lacks=lacks),
    outcomes.ActionAnswer: lambda answer, *_: action(answer),
    ActedOnMany: lambda answer, *_: acted_on_many(answer),
    ApprovalAnswer: lambda answer, *_: approvals.approval_answer(answer),
    SubscriptionsAnswer: lambda answer, command, *_: subscriptions.subscriptions(answer, command=command),
    SubscribedAnswer: lambda answer, command, *_: subscriptions.subscribed(answer, command=command),
    UnsubscribedAnswer: lambda answer, *_: subscriptions.unsubscribed(answer),
}
"""How each answer is drawn, given the command's name, the person who shares it and what could not be read."""


def outcome(
    result: Outcome, reference: str, *, command: str = "/veeam", shared_by: PersonId | None = None
) -> Reply:
    """The reply to a gesture, whose reference it repeats where something went wrong.

    An action that was accepted is for the channel, everything else for the asker alone. `shared_by` draws an
    answer for the channel it is shared with: named as shared, without Share and without paging. The audit
    record is not for sharing.
    """
    missing = result.missing if isinstance(result, outcomes.Detailed) else ()
    lacks_database = isinstance(result, outcomes.Detailed) and result.lacks_database
    lines = status_text.missing_details(missing, lacks_database=lacks_database)
    if not isinstance(result, outcomes.Done):
        return Reply(with_note(_problem(result, reference, command=command), *lines))
    answer = result.answer
    lacks = frozenset(one.what for one in missing)
    message = with_note(ANSWERS[type(answer)](answer, command, shared_by, lacks), *lines)
    acted = outcomes.ActionAnswer | ActedOnMany | SubscribedAnswer | UnsubscribedAnswer
    is_action = isinstance(answer, acted)
    is_shared = shared_by is not None and not isinstance(answer, AuditAnswer)
    return Reply(message, in_channel=is_action or is_shared)


def _problem(problem: Outcome, reference: str, *, command: str) -> Message:
    match problem:
        case outcomes.Refused():
            return problems.refused(problem, command=command)
        case outcomes.SyntaxProblem():
            return problems.syntax_problem(problem, command=command)
        case outcomes.NotFound():
            return problems.not_found(problem, command=command)
        case outcomes.Ambiguous():
            return problems.ambiguous(problem)
        case outcomes.PartOfName():
            return problems.part_of_name(problem)
        case outcomes.Offered():
            return problems.offered(problem, command=command)
        case outcomes.AmbiguousMachine():
            return problems.ambiguous_machine(problem)
        case outcomes.UnsupportedMachine():
            return problems.unsupported_machine(problem)
        case outcomes.AlreadyPressed():
            return problems.already_pressed(problem)
        case outcomes.StaleButton():
            return problems.stale_button(problem)
        case outcomes.AlreadyOver():
            return problems.already_over(problem)
        case outcomes.NotPossible():
            return problems.not_possible(problem)
        case outcomes.NotSubscribed():
            return subscriptions.not_subscribed(problem, command=command)
        case outcomes.NeedsForm():
            return problems.needs_form(problem, command=command)
        case outcomes.DraftExpired():
            return problems.draft_expired(problem, command=command)
        case outcomes.TooMany():
            return problems.too_many(problem)
        case outcomes.ApprovalRequested() | outcomes.AlreadyRequested() | outcomes.AlreadyDecided():
            return _about_approval(problem)
        case outcomes.Unclear() | outcomes.Failed() | outcomes.InternalError():
            return _gone_wrong(problem, reference)
        case outcomes.Done():
            raise TypeError(problem)
        case _:
            assert_never(problem)


def _gone_wrong(
    problem: outcomes.Unclear | outcomes.Failed | outcomes.InternalError, reference: str
) -> Message:
    match problem:
        case outcomes.Unclear():
            return problems.unclear(problem, reference)
        case outcomes.Failed():
            return problems.failed(problem, reference)
        case outcomes.InternalError():
            return problems.internal_error(problem, reference)


def _about_approval(
    problem: outcomes.ApprovalRequested | outcomes.AlreadyRequested | outcomes.AlreadyDecided,
) -> Message:
    match problem:
        case outcomes.ApprovalRequested():
            return approvals.approval_requested(problem)
        case outcomes.AlreadyRequested():
            return approvals.already_requested(problem)
        case outcomes.AlreadyDecided():
            return approvals.already_decided(problem)
