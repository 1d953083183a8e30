"""Announcements: facts in, message out, with the metadata by which a lost send is found again."""

from dataclasses import replace
from typing import Any, assert_never

from bot.slack.views import approvals, audit, notices, runs, timed
from bot.slack.views.message import Message
from bot.watch.facts import (
    ActionRecorded,
    Announcement,
    ApprovalChanged,
    ApprovalEnded,
    ApprovalOpened,
    ApprovalUndelivered,
    AttemptEnded,
    BackfillProblems,
    BackfillSummary,
    ChannelClosed,
    DetailsReply,
    DisableEnded,
    DisableReminder,
    NoFurtherAttempt,
    OutageBegan,
    OutageEnded,
    RunChanged,
    RunEnded,
    RunFacts,
    SessionFacts,
)


def announcement(facts: Announcement, key: str) -> Message:
    """The message that tells an announcement; `key` is the one the outbox knows it by.

    A completed attempt carries `veeam_session` with that attempt's own session, everything else that is
    posted `veeam_bot`. An edit (`RunChanged`, `ApprovalChanged`) carries none: `chat.update` keeps what is
    there when it is given none.
    """
    return replace(_drawn(facts), metadata=_metadata(facts, key))


def _drawn(facts: Announcement) -> Message:
    match facts:
        case RunEnded(run=run, mention=mention):
            return runs.run_root(run, mention)
        case RunChanged(run=run):
            return runs.run_root(run)
        case DetailsReply():
            return runs.details(facts)
        case AttemptEnded():
            return runs.attempt(facts)
        case NoFurtherAttempt():
            return runs.no_further_attempt(facts)
        case ApprovalOpened() | ApprovalChanged() | ApprovalEnded() | ApprovalUndelivered():
            return _approval(facts)
        case _:
            return _notice(facts)


def _approval(facts: ApprovalOpened | ApprovalChanged | ApprovalEnded | ApprovalUndelivered) -> Message:
    match facts:
        case ApprovalOpened():
            return approvals.approval_asked(facts)
        case ApprovalChanged():
            return approvals.approval_changed(facts)
        case ApprovalEnded():
            return approvals.approval_ended(facts)
        case ApprovalUndelivered():
            return approvals.approval_held_back(facts)
        case _:
            assert_never(facts)


_Notice = (
    BackfillSummary
    | BackfillProblems
    | OutageBegan
    | OutageEnded
    | ChannelClosed
    | DisableReminder
    | DisableEnded
    | ActionRecorded
)


def _notice(facts: _Notice) -> Message:
    match facts:
        case BackfillSummary():
            return notices.caught_up(facts)
        case BackfillProblems():
            return notices.caught_up_problems(facts)
        case OutageBegan():
            return notices.server_silent(facts)
        case OutageEnded():
            return notices.server_back(facts)
        case ChannelClosed():
            return notices.channel_closed(facts)
        case DisableReminder():
            return timed.disable_ends(facts)
        case DisableEnded():
            return timed.disable_ended(facts)
        case ActionRecorded():
            return audit.action_recorded(facts)
        case _:
            assert_never(facts)


def _metadata(facts: Announcement, key: str) -> dict[str, Any] | None:
    match facts:
        case RunEnded(run=run):
            return _session(run, run.first)
        case AttemptEnded(run=run, session=session):
            return _session(run, session)
        case RunChanged() | ApprovalChanged():
            return None
        case _:
            return {"event_type": "veeam_bot", "event_payload": {"announcement": key}}


def _session(run: RunFacts, session: SessionFacts) -> dict[str, Any]:
    payload = {
        "server": run.server,
        "job_id": run.job_id,
        "session_id": session.session_id,
        "result": session.result,
    }
    return {"event_type": "veeam_session", "event_payload": payload}
