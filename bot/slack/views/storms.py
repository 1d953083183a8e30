"""A storm: many failures of one channel in one message, its list in the thread."""

from collections.abc import Sequence

from bot.operations.actions.on_storms import AcknowledgeAll, MuteAll, RetryAll
from bot.slack.text import (
    code,
    count,
    date,
    dotted,
    escape,
    literal,
    mention,
    sentence_case,
    size,
    strong,
    utc,
)
from bot.slack.views import status_text
from bot.slack.views.buttons import controls, on_many, sessions_menu
from bot.slack.views.many import named_together
from bot.slack.views.message import (
    CHARACTERS_LIMIT,
    NO_CELL,
    NOTHING,
    Message,
    MessagePart,
    compose,
    note,
    paragraph,
    shown_length,
    table,
)
from bot.slack.views.mutes import muted_by
from bot.veeam import GIGABYTE
from bot.watch import facts

_CAUSE_LIMIT = 160
_SERVERS_NAMED = 3
_NAME_LIMIT = 60
_STATES = {
    "failed": "Failed",
    "logs_failed": "Log backup failed",
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
    first, last = storm.first_ended_at, storm.last_ended_at
    is_moment = utc(first) == utc(last)  # to the minute
    when = f"Failed {date(first)}" if is_moment else dotted(f"First {date(first)}", f"last {date(last)}")
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
    rows = [(one.job_name, one.server, _state(one), one.cause or NO_CELL) for one in announced.failures]
    lines = [
        dotted(
            status_text.job_name(one.job_name, one.server),
            escape(_state(one)),
            f"acknowledged by {mention(one.owner)}" if one.owner else "",
            _muted(one),
            code(one.cause, _CAUSE_LIMIT) if one.cause else "",
        )
        for one in announced.failures
    ]
    listed = MessagePart("\n".join(lines), table(("Job", "Server", "State", "Cause"), rows).blocks)
    more = ""
    if announced.left_out:
        more = f"… and {count(announced.left_out, 'more job')}: see `jobs failed`."
    named = [(strong(one.job_name, _NAME_LIMIT), one) for one in announced.failures]
    owned = named_together(
        (f"Acknowledged by {mention(one.owner)}", name) for name, one in named if one.owner
    )
    muted = named_together((sentence_case(how), name) for name, one in named if (how := _muted(one)))
    menu = sessions_menu(
        [(one.job_name, one.server, one.session_id) for one in announced.failures if one.session_id]
    )
    below = note(*owned, *muted, more)
    has_room = shown_length((listed + menu + below).blocks) <= CHARACTERS_LIMIT
    return compose([listed, menu if has_room else NOTHING, below])


def _state(one: facts.StormFailure) -> str:
    """How it stands, and what was held back since."""
    held = f"{count(one.held, 'later run')} held back" if one.held else ""
    return ", ".join(filter(None, (_STATES.get(one.state, one.state), held)))


def _muted(one: facts.StormFailure) -> str:
    """By whom it is muted and until when, to the minute: many are muted by one press."""
    if one.muted_until is None:
        return ""
    return muted_by(
        one.muted_by or "",
        one.muted_until.replace(second=0, microsecond=0),
        until_success=one.muted_until_success,
        is_of_server=one.is_server_muted,
    )


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
        said = "" if cause.name else "reason unknown"
        if cause.text:
            said = status_text.why(cause.text, _CAUSE_LIMIT)
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
    free = "" if cause.free_gb is None else f"{size(cause.free_gb * GIGABYTE)} free"
    said = ", ".join(filter(None, ("" if is_named else literal(cause.repository, _NAME_LIMIT), free)))
    return f"({said})" if said else ""


def _since(storm: facts.StormFacts) -> list[str]:
    """How many recovered, and what is left."""
    return [
        f"{storm.recovered:,} of {storm.count:,} recovered" if storm.recovered and storm.failed else "",
        f"{storm.retrying:,} with another attempt due" if storm.retrying else "",
        f"{storm.stopped:,} stopped by people" if storm.stopped else "",
        *(f"{number:,} acknowledged by {mention(owner)}" for owner, number in storm.owners),
        f"{storm.muted:,} muted" if storm.muted else "",
    ]


def _storm_controls(storm: facts.StormFacts) -> MessagePart:
    """The buttons about all of it, each with a dialog that says how many jobs and which."""
    if not storm.failed:
        return NOTHING
    retried = storm.failed - storm.logs
    beside = f"{count(storm.logs, 'failed log backup')} left out." if storm.logs else ""
    retry = RetryAll(storm.storm_id, storm.turn)
    asked = [each(storm.storm_id, storm.turn) for each in (AcknowledgeAll, MuteAll)]
    return controls(
        [
            on_many(retry, storm.retryable, retried, beside=beside, prominent=True) if retried else None,
            *(on_many(each, storm.jobs, storm.failed, prominent=True) for each in asked),
        ]
    )
