"""A storm: many failures of one channel in one message, its list in the thread, what came of Retry all."""

from collections.abc import Mapping, Sequence

from bot.operations import outcomes
from bot.operations.actions.on_storms import AcknowledgeAll, OnStorm, RetryAll, StormAnswer
from bot.slack.text import code, count, date, dotted, literal, mention, strong
from bot.slack.views import status_text
from bot.slack.views.buttons import Control, asking, controls, request_control
from bot.slack.views.message import NO_CELL, NOTHING, Message, MessagePart, compose, note, paragraph, table
from bot.watch import facts

_CAUSE_LIMIT = 160
_SERVERS_NAMED = 3
_JOBS_NAMED = 8
_NAME_LIMIT = 60
_UNTRIED: Mapping[type[outcomes.Outcome], str] = {
    outcomes.ApprovalRequested: "waiting for approval",
    outcomes.AlreadyRequested: "waiting for approval",
    outcomes.Refused: "outside their permissions",
    outcomes.NotFound: "no longer in VBR",
    outcomes.NotPossible: "already running, or can't be retried on their server",
    outcomes.Unclear: "unclear, because VBR's answer was lost: check these jobs",
    outcomes.Failed: "refused by VBR, or not answered",
}
_NOT_ACKNOWLEDGED: Mapping[type[outcomes.Outcome], str] = {
    **_UNTRIED,
    outcomes.NotPossible: "theirs already, or failing no more",
    outcomes.Failed: "failing no more, or their server doesn't answer",
}
_OTHERWISE = "left as they were because of a problem in the bot: try again"
_STATES = {
    "failed": "Failed",
    "retrying": "Failed, another attempt is due",
    "recovered": "Recovered",
    "stopped": "Stopped",
}


def storm_root(storm: facts.StormFacts, mentioned: str | None = None) -> Message:
    """The root: how many failed and where, their causes, and how many recovered since."""
    where = _servers(storm.servers)
    if not storm.failed:
        sign, what = status_text.SUCCESS, f"All {storm.count:,} failed jobs recovered"
        if storm.stopped:
            sign, what = status_text.INFORMATION, f"{count(storm.count, 'job')} failed, none is left to retry"
    else:
        noun = "more job" if storm.earlier else "job"
        sign, what = status_text.FAILED, f"{count(storm.count, noun)} failed"
    head = dotted(f"{sign} {strong(what)} on {where}", mention(mentioned) if mentioned else "")
    above = f"{count(storm.earlier, 'earlier failure')} above" if storm.earlier else ""
    when = dotted(f"First {date(storm.first_ended_at)}", f"last {date(storm.last_ended_at)}")
    lines = [head, *_causes(storm), dotted(*_since(storm), when), above]
    return compose([paragraph(*lines), _storm_controls(storm)])


def storm_final(announced: facts.StormFinal) -> Message:
    """In the thread: failures of the storm are final, and whom that concerns."""
    storm = announced.storm
    final = storm.failed - storm.retrying
    line = f"{status_text.FAILED} {final:,} of {storm.count:,} jobs failed their last attempt."
    return compose([paragraph(dotted(line, mention(announced.mention)))])


def storm_list(announced: facts.StormList) -> Message:
    """In the thread: the failures one by one, as a table."""
    rows = [
        (one.job_name, one.server, _STATES.get(one.state, one.state), one.cause or NO_CELL)
        for one in announced.failures
    ]
    lines = [
        dotted(
            status_text.job_name(one.job_name, one.server),
            _STATES.get(one.state, literal(one.state)),
            f"acknowledged by {mention(one.owner)}" if one.owner else "",
            code(one.cause, _CAUSE_LIMIT) if one.cause else "",
        )
        for one in announced.failures
    ]
    listed = MessagePart("\n".join(lines), table(("Job", "Server", "State", "Cause"), rows).blocks)
    more = f"… and {count(announced.left_out, 'job')} more: see `jobs failed`." if announced.left_out else ""
    owners = dict.fromkeys(one.owner for one in announced.failures if one.owner)
    owned = [
        f"Acknowledged by {mention(owner)}: "
        + _named([strong(one.job_name, _NAME_LIMIT) for one in announced.failures if one.owner == owner])
        for owner in owners
    ]
    return compose([listed, note(*owned, more)])


def _servers(servers: Sequence[str]) -> str:
    named = [strong(server) for server in servers[:_SERVERS_NAMED]]
    left_out = len(servers) - len(named)
    if left_out:
        return f"{', '.join(named)} and {count(left_out, 'more server')}"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1]))) if named else "no server"


def _causes(storm: facts.StormFacts) -> list[str]:
    """Each cause with how many failures have it; alone, it is that of all."""
    lines = []
    for cause in storm.causes:
        said = (
            code(cause.text, _CAUSE_LIMIT) if cause.text else "" if cause.name else "no reason given by VBR"
        )
        where = "" if set(cause.servers) == set(storm.servers) else f" on {_servers(cause.servers)}"
        every = "All of them" if cause.count == storm.count else count(cause.count, "job")
        name = " ".join(filter(None, (strong(cause.name) if cause.name else "", _where_to(cause))))
        lines.append(f"{every}{where}: {' · '.join(filter(None, (name, said)))}")
    if (left_out := storm.causes_total - len(storm.causes)) > 0:
        lines.append(f"… and {count(left_out, 'more cause')}.")
    return lines


def _where_to(cause: facts.StormCause) -> str:
    """The repository that all of these jobs write to and how much is free there, as far as known."""
    if cause.repository is None:
        return ""
    is_named = cause.repository.casefold() in (cause.name or "").casefold()
    free = "" if cause.free_gb is None else f"{cause.free_gb:,.0f} GB free"
    said = ", ".join(filter(None, ("" if is_named else literal(cause.repository, _NAME_LIMIT), free)))
    return f"({said})" if said else ""


def _since(storm: facts.StormFacts) -> list[str]:
    """How many recovered, and what is left."""
    return [
        f"{storm.recovered:,} of {storm.count:,} recovered" if storm.recovered and storm.failed else "",
        f"{storm.retrying:,} with another attempt due" if storm.retrying else "",
        f"{storm.stopped:,} stopped by people" if storm.stopped else "",
        *(f"{number:,} acknowledged by {mention(owner)}" for owner, number in storm.owners),
    ]


def all_acted_on(answer: StormAnswer) -> Message:
    """What came of Retry all or Acknowledge: how many, and the others with their names."""
    is_retry = answer.operation == RetryAll.operation
    done, reasons = ("retried", _UNTRIED) if is_retry else ("acknowledged", _NOT_ACKNOWLEDGED)
    grouped: dict[str, list[str]] = {}
    number = 0
    for job in answer.jobs:
        if isinstance(job.outcome, outcomes.Done):
            number += 1
        else:
            why = reasons.get(type(job.outcome), _OTHERWISE)
            grouped.setdefault(why, []).append(status_text.job_name(job.job_name, job.server))
    who = mention(answer.by)
    if not answer.jobs:
        return compose(
            [paragraph(f"{status_text.INFORMATION} {who}: none of these jobs is failing any more.")]
        )
    sign = status_text.SUCCESS if number == len(answer.jobs) else status_text.WARNING
    head = f"{sign} {who} {done} {number:,} of {count(len(answer.jobs), 'job')}."
    hidden = reasons[outcomes.Refused]
    others = [
        f"{len(names):,} {why}" + ("" if why == hidden else f": {_named(names)}")
        for why, names in grouped.items()
    ]
    more = f"{count(answer.left_out, 'more job')} not tried yet." if answer.left_out else ""
    return compose([paragraph(head, *others, more)])


def _storm_controls(storm: facts.StormFacts) -> MessagePart:
    """The buttons about all of it, each with a dialog that says how many jobs and which."""
    if not storm.failed:
        return NOTHING
    names = [strong(name, _NAME_LIMIT) for name in storm.jobs]
    which = ", ".join(names[:3])
    if storm.failed > len(names[:3]):
        which += f" and {storm.failed - len(names[:3]):,} more"
    return controls(
        [
            _control(RetryAll(storm.storm_id, storm.turn), f"Retry {count(storm.failed, 'job')}?", which),
            _control(
                AcknowledgeAll(storm.storm_id, storm.turn),
                f"Acknowledge {count(storm.failed, 'failed job')}?",
                which,
            ),
        ]
    )


def _control(request: OnStorm, question: str, which: str) -> Control | None:
    control = request_control(request, name="", server="", prominent=True)
    confirmation = request.operation.confirmation
    if control is None or confirmation is None:
        return None
    return asking(control, question, f"{which}. {confirmation.consequence}", yes=confirmation.yes)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_JOBS_NAMED])
    return f"{shown} and {len(names) - _JOBS_NAMED:,} more" if len(names) > _JOBS_NAMED else shown
