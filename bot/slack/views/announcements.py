"""Announcements: facts in, message out, with the metadata by which a lost send is found again.

Runs, storms, approvals, expectations and audit rows are drawn in their own modules. Drawn here are the rest:
a first start, servers that do not answer, closed channels, and jobs that are disabled for a time.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from bot import veeam
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.queries.job import ShowJob
from bot.slack.text import channel, code, count, date, duration, literal, mention, strong
from bot.slack.views import approvals, audit, day_grid, expectations, report, runs, status_text, storms
from bot.slack.views.buttons import ButtonTarget, controls, job_control
from bot.slack.views.message import Message, compose, note, paragraph
from bot.slack.views.server_errors import in_brief_by_name
from bot.veeam import Result, known
from bot.watch import facts
from bot.watch.run_facts import RunFacts, SessionFacts

AUDIT_EVENT = "veeam_audit"
"""The metadata of a message in the audit channel: the row that bears the outcome, and its hash."""
_LASTING = {
    "veeam_session": ("server", "session_id"),
    "veeam_storm": ("storm_id",),
    "veeam_approval": ("approval_id",),
}
_INVITE = "Invite the bot there, or change the routes in its settings."
_ALLOW = "Let the bot post there in the channel's settings, or change the routes in its settings."
_CHANNEL_PROBLEMS = {
    "is_archived": ("it is archived", "Unarchive it, or change the routes in the bot's settings."),
    "is_inactive": ("it is archived", "Unarchive it, or change the routes in the bot's settings."),
    "not_in_channel": ("the bot is not a member", _INVITE),
    "channel_not_found": ("it is gone, or private and the bot is not a member", _INVITE),
    "restricted_action": ("the bot may not post there", _ALLOW),
    "restricted_action_read_only_channel": ("only some people may post there", _ALLOW),
    "restricted_action_thread_only_channel": ("it only takes replies in threads", _ALLOW),
    "messages_tab_disabled": ("the app takes no direct messages", "Switch on the app's Messages tab."),
}
_TYPES_SHOWN = 8
_SERVERS_IN_METADATA = 50
"""Slack takes a few kilobytes of metadata."""
_REFUSED_OUTCOMES = {
    "set_aside": "It was skipped; later messages are being sent. See the bot's log.",
    "no_mentions": (
        "It was sent without mentions. *Nobody will be mentioned in that channel until the bot is "
        "restarted.* Allow the app to mention groups in the workspace's settings."
    ),
}
_DISABLE_OUTCOMES = {
    "enabled": "{sign} {job} is enabled again; {person} had disabled it until {until}.",
    "enabled_before": (
        "{sign} {job}, which {person} disabled until {until}, has already been enabled. "
        "The bot will leave it alone."
    ),
    "gone": "{sign} {job}, which {person} disabled until {until}, no longer exists.",
    "refused": "{sign} {job} is still disabled: VBR refused to enable it when {person}'s time ran out.",
    "unclear": (
        "{sign} Couldn't confirm that {job} was enabled, as {person} planned. "
        "When last checked it was disabled."
    ),
}
_DISABLE_SIGNS = {
    "enabled": status_text.SUCCESS,
    "enabled_before": status_text.INFORMATION,
    "gone": status_text.INFORMATION,
}


def announcement(announced: facts.Announcement, key: str) -> Message:
    """The message for an announcement; `key` is the one the outbox knows it by.

    A completed attempt carries `veeam_session` with that attempt's own session, a run's root with its first
    session and the run's result, a storm `veeam_storm`, a request for an approval `veeam_approval`, news of a
    server `veeam_server`, what did not happen `veeam_expectation`, a digest `veeam_digest`, what is on record
    `veeam_audit`, the rest `veeam_bot`.
    """
    drawn = VIEWS[type(announced)]
    return replace(drawn.view(announced), metadata=drawn.metadata(announced, key))


def identity(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """What a message is about, by the metadata that Slack gives back: that of its payload which stays.

    A run's result, a storm's count and how an approval stands change with edits.
    """
    kind, payload = str(metadata.get("event_type")), metadata.get("event_payload")
    if kind in _LASTING and isinstance(payload, dict):
        payload = {name: payload.get(name) for name in _LASTING[kind]}
    return kind, json.dumps(payload, sort_keys=True)


def _event(event_type: str, /, **payload: object) -> Mapping[str, Any]:
    return {"event_type": event_type, "event_payload": payload}


def _of_row(_announced: facts.Announcement, key: str) -> Mapping[str, Any]:
    return _event("veeam_bot", announcement=key)


def _of_own_row(announced: facts.DigestJobs | facts.DigestDays, _key: str) -> Mapping[str, Any]:
    return _of_row(announced, announced.key)


def _of_run(announced: facts.RunEnded | facts.RunChanged, _key: str) -> Mapping[str, Any]:
    return _session(announced.run, announced.run.first, announced.run.result)


def _of_attempt(announced: facts.AttemptEnded | facts.MutedRunEnded, _key: str) -> Mapping[str, Any]:
    return _session(announced.run, announced.session, announced.session.result)


def _session(run: RunFacts, session: SessionFacts, result: str) -> Mapping[str, Any]:
    return _event(
        "veeam_session",
        server=run.server,
        job_id=run.job_id,
        session_id=session.session_id,
        result=result,
    )


def _of_storm(announced: facts.StormBegan | facts.StormChanged, _key: str) -> Mapping[str, Any]:
    storm = announced.storm
    return _event(
        "veeam_storm",
        storm_id=storm.storm_id,
        count=storm.count,
        servers=list(storm.servers[:_SERVERS_IN_METADATA]),
        first_ended_at=storm.first_ended_at.isoformat(),
        last_ended_at=storm.last_ended_at.isoformat(),
    )


def _of_approval(announced: facts.ApprovalOpened | facts.ApprovalChanged, _key: str) -> Mapping[str, Any]:
    approval = announced.approval
    return _event("veeam_approval", approval_id=approval.id, state=approvals.standing(approval))


def _of_outage(announced: facts.OutageBegan | facts.OutageEnded, _key: str) -> Mapping[str, Any]:
    state = "silent" if isinstance(announced, facts.OutageBegan) else "back"
    return _event("veeam_server", server=announced.server, state=state, since=announced.since.isoformat())


def _of_expectation(
    announced: facts.ExpectationUnmet | facts.ExpectationAcknowledged | facts.ExpectationOver, _key: str
) -> Mapping[str, Any]:
    expectation = announced.expectation
    about = "subject" if expectation.job_id is None else "job_id"
    return _unmet(expectation.server, about, expectation.subject, expectation.kind, expectation.since)


def _of_expectations(
    announced: facts.ExpectationsUnmet | facts.ExpectationsChanged, _key: str
) -> Mapping[str, Any]:
    group = announced.group
    about = "repositories" if group.kind == "repository" else "jobs"
    return _unmet(group.server, "subject", about, group.kind, group.since)


def _unmet(server: str, about: str, subject: str, kind: str, since: datetime) -> Mapping[str, Any]:
    return _event("veeam_expectation", server=server, **{about: subject}, kind=kind, since=since.isoformat())


def _of_digest(announced: facts.DigestMade, _key: str) -> Mapping[str, Any]:
    return report.metadata(announced.report, kind="digest")


def _of_record(announced: facts.ActionRecorded, key: str) -> Mapping[str, Any]:
    if announced.row is None or announced.hash is None:
        return _of_row(announced, key)
    return _event(AUDIT_EVENT, row=announced.row, hash=announced.hash)


def _place_of(result: str) -> int:
    order = (Result.FAILED, Result.WARNING, Result.SUCCESS)
    return next((place for place, one in enumerate(order) if known(Result, result) is one), len(order))


def backfill_summary(summary: facts.BackfillSummary) -> Message:
    """A first start, in one line: what ended before it, counted."""
    total = sum(summary.results.values())
    worst_first = sorted(summary.results.items(), key=lambda counted: _place_of(counted[0]))
    counts = [f"{number:,} {literal(result)}" for result, number in worst_first if number]
    results = f": {', '.join(counts)}" if counts else ""
    wrong = count(summary.problems_total, "job")
    line = (
        f"{status_text.INFORMATION} Watching {strong(summary.server)} from now on. "
        f"Since {date(summary.since)} {count(total, 'session')} for this channel ended{results}."
        f"{f' The latest run of {wrong} failed or warned: see the thread.' if summary.problems_total else ''}"
    )
    return compose([paragraph(line)])


def backfill_problems(summary: facts.BackfillProblems) -> Message:
    """In its thread: the jobs whose latest run failed or warned."""
    left_out = summary.problems_total - len(summary.problems)
    more = note(
        f"… and {count(left_out, 'more job')}: see `jobs failed` and `jobs warning`." if left_out else ""
    )
    lines = [paragraph(runs.run_line(run)) for run in summary.problems]
    return compose([paragraph("Latest run failed or warned:")], lines, [more], noun="job")


def outage_began(outage: facts.OutageBegan) -> Message:
    """A server has not answered for several polls."""
    detail = outage.detail.removeprefix(f"{outage.server}: ").removeprefix(f"{outage.problem}: ")
    is_refusal = outage.problem in {veeam.RevisionUnsupported.kind, veeam.TlsFailed.kind}
    happened = f"{'could not be read' if is_refusal else 'has not answered'} since {date(outage.since)}"
    return compose(
        [
            paragraph(
                f"{status_text.WARNING} {strong(outage.server)} {happened}: "
                f"{in_brief_by_name(outage.problem)}.",
                code(detail) if detail else "",
                "Runs that end in the meantime will be posted when it's back.",
            )
        ]
    )


def outage_ended(outage: facts.OutageEnded) -> Message:
    """A silent server answers again."""
    missed = "Runs that ended in the meantime are being posted now."
    if outage.late_total == 1:
        missed = "1 run that ended in the meantime is being posted now, marked late."
    if outage.late_total > 1:
        missed = f"{outage.late_total:,} runs that ended in the meantime are being posted now, marked late."
    silent = duration(outage.ended_at - outage.since)
    return compose(
        [
            paragraph(
                f"{status_text.SUCCESS} {strong(outage.server)} is responding again after {silent}.",
                missed,
            )
        ]
    )


def revision_changed(changed: facts.RevisionChanged) -> Message:
    """A server was upgraded, or is older than it was: what can be done with it now, or can't be any more."""
    types = [status_text.type_name(name) for name in changed.job_types]
    if len(types) > _TYPES_SHOWN:
        types = [*types[:_TYPES_SHOWN], count(len(types) - _TYPES_SHOWN, "more type")]
    now = f"{strong(changed.server)} now runs {literal(changed.product)} (API {literal(changed.revision)})"
    headline, wording = (
        (f"{status_text.SUCCESS} {now}.", ("Jobs that can be edited now", "Works now"))
        if changed.is_newer
        else (
            f"{status_text.WARNING} {now}, older than before.",
            ("Jobs that can't be edited any more", "No longer works"),
        )
    )
    lists = zip(wording, (types, [literal(each) for each in changed.capabilities]), strict=True)
    return compose(
        [paragraph(headline, *(f"{title}: {', '.join(names)}." for title, names in lists if names))]
    )


def channel_closed(closed: facts.ChannelClosed) -> Message:
    """A channel that the bot can't post to; shown in another one."""
    why, remedy = _CHANNEL_PROBLEMS.get(closed.problem, ("Slack refuses it", _INVITE))
    waiting = f"{count(closed.waiting, 'announcement')} for it waiting. " if closed.waiting else ""
    return compose(
        [
            paragraph(
                f"{status_text.WARNING} The bot can't post to {channel(closed.channel)}: "
                f"{why} ({code(closed.problem)}).",
                f"{waiting}{remedy}",
            )
        ]
    )


def channel_moved(moved: facts.ChannelMoved) -> Message:
    """A channel that has another ID now."""
    return compose(
        [
            paragraph(
                f"{status_text.INFORMATION} Slack gave {channel(moved.new_id)} another ID.",
                f"Messages for {code(moved.old_id)} go there. Put {code(moved.new_id)} into the settings.",
            )
        ]
    )


def message_refused(refused: facts.MessageRefused) -> Message:
    """A message that Slack refused for a channel which takes others."""
    return compose(
        [
            paragraph(
                f"{status_text.WARNING} Slack refused a message for {channel(refused.channel)} "
                f"({code(refused.kind)}): {code(refused.problem)}.",
                _REFUSED_OUTCOMES.get(refused.outcome, ""),
            )
        ]
    )


def disable_reminder(disable: facts.DisableReminder) -> Message:
    """A job is enabled again soon, and can be at once."""
    target = ButtonTarget(disable.server, disable.job_id, disable.job_name)
    job = status_text.job_name(disable.job_name, disable.server)
    line = (
        f"{status_text.INFORMATION} {job} will be enabled again {date(disable.until)}. "
        f"{mention(disable.person)} disabled it until then."
    )
    return compose(
        [
            paragraph(line),
            controls([job_control(target, Enable.operation), job_control(target, ShowJob.operation)]),
        ]
    )


def disable_ended(disable: facts.DisableEnded) -> Message:
    """The time that a job was disabled for has ended: how the job stands now."""
    target = ButtonTarget(disable.server, disable.job_id, disable.job_name)
    line = _DISABLE_OUTCOMES[disable.outcome].format(
        sign=_DISABLE_SIGNS.get(disable.outcome, status_text.WARNING),
        job=status_text.job_name(disable.job_name, disable.server),
        person=mention(disable.person),
        until=date(disable.until),
    )
    offered = {
        "enabled": (ShowJob.operation, Disable.operation),
        "enabled_before": (ShowJob.operation,),
        "gone": (),
    }
    shown = controls(
        [
            job_control(target, one)
            for one in offered.get(disable.outcome, (Enable.operation, ShowJob.operation))
        ]
    )
    return compose([paragraph(line, code(disable.problem) if disable.problem else ""), shown])


class Drawing(NamedTuple):
    """How an announcement is drawn, and the metadata it carries: without its own, the key of its row."""

    view: Callable[[Any], Message]
    metadata: Callable[[Any, str], Mapping[str, Any]] = _of_row


def _digest_days(announced: facts.DigestDays) -> Message:
    return day_grid.digest_days(announced.report, file_id=announced.file_id, no_picture=announced.no_picture)


VIEWS: Mapping[type[facts.Announcement], Drawing] = {
    facts.RunEnded: Drawing(lambda announced: runs.run_root(announced.run, announced.mention), _of_run),
    facts.RunChanged: Drawing(lambda announced: runs.run_root(announced.run), _of_run),
    facts.DetailsReply: Drawing(runs.details),
    facts.AttemptEnded: Drawing(runs.attempt, _of_attempt),
    facts.NoFurtherAttempt: Drawing(runs.no_further_attempt),
    facts.RunAcknowledged: Drawing(runs.acknowledged),
    facts.ExpectationsOwned: Drawing(expectations.many_owned),
    facts.MutedRunEnded: Drawing(runs.muted_run, _of_attempt),
    facts.MuteBegan: Drawing(runs.mute_began),
    facts.MuteEnded: Drawing(runs.mute_ended),
    facts.Unacknowledged: Drawing(runs.unacknowledged),
    facts.ManyUnacknowledged: Drawing(runs.many_unacknowledged),
    facts.StormBegan: Drawing(
        lambda announced: storms.storm_root(announced.storm, announced.mention), _of_storm
    ),
    facts.StormChanged: Drawing(lambda announced: storms.storm_root(announced.storm), _of_storm),
    facts.StormFinal: Drawing(storms.storm_final),
    facts.StormList: Drawing(storms.storm_list),
    facts.ExpectationUnmet: Drawing(expectations.unmet, _of_expectation),
    facts.ExpectationAcknowledged: Drawing(expectations.acknowledged, _of_expectation),
    facts.ExpectationUnacknowledged: Drawing(expectations.unacknowledged),
    facts.ExpectationOver: Drawing(expectations.over, _of_expectation),
    facts.ExpectationsUnmet: Drawing(
        lambda announced: expectations.many_unmet(announced.group, announced.mention), _of_expectations
    ),
    facts.ExpectationsChanged: Drawing(
        lambda announced: expectations.many_unmet(announced.group), _of_expectations
    ),
    facts.ExpectationsUnacknowledged: Drawing(expectations.many_unacknowledged),
    facts.ExpectationsList: Drawing(expectations.many_listed),
    facts.DigestMade: Drawing(lambda announced: report.digest_root(announced.report), _of_digest),
    facts.DigestJobs: Drawing(lambda announced: report.digest_jobs(announced.report), _of_own_row),
    facts.DigestDays: Drawing(_digest_days, _of_own_row),
    facts.BackfillSummary: Drawing(backfill_summary),
    facts.BackfillProblems: Drawing(backfill_problems),
    facts.OutageBegan: Drawing(outage_began, _of_outage),
    facts.OutageEnded: Drawing(outage_ended, _of_outage),
    facts.RevisionChanged: Drawing(revision_changed),
    facts.ChannelClosed: Drawing(channel_closed),
    facts.ChannelMoved: Drawing(channel_moved),
    facts.MessageRefused: Drawing(message_refused),
    facts.DisableReminder: Drawing(disable_reminder),
    facts.DisableEnded: Drawing(disable_ended),
    facts.ActionRecorded: Drawing(audit.action_recorded, _of_record),
    facts.ApprovalOpened: Drawing(approvals.approval_opened, _of_approval),
    facts.ApprovalChanged: Drawing(approvals.approval_changed, _of_approval),
    facts.ApprovalEnded: Drawing(approvals.approval_ended),
    facts.ApprovalUndelivered: Drawing(approvals.approval_undelivered),
}
"""How each announcement is drawn."""
