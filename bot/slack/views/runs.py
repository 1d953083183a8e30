"""A run of a job that ended: its root message, and the replies in its thread."""

import msgspec

from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.mute import Mute, Unmute
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.model import KnownJob, Operation, Request, Snapshot
from bot.slack.text import (
    QUOTE_LIMIT,
    code,
    count,
    date,
    dotted,
    duration,
    literal,
    mention,
    sentence_case,
    size,
    strong,
)
from bot.slack.views import status_text
from bot.slack.views.buttons import (
    ButtonTarget,
    Control,
    controls,
    job_control,
    request_control,
    session_control,
    why_control,
)
from bot.slack.views.many import first_named
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, note, paragraph
from bot.slack.views.mutes import muted_by
from bot.veeam import Result, known
from bot.watch import facts
from bot.watch.run_facts import JobOutlook, ObjectFacts, RunFacts, SessionDetails, SessionFacts

_CAUSE_LIMIT = 220
"""So that a phone shows a failure, its cause and its buttons without scrolling."""
_COMMENT_LIMIT = 80
_PROBLEMS = frozenset({Result.FAILED, Result.WARNING})
_WHOLE_LIMIT = 1_100
"""More than what is kept of a text of VBR's."""


def run_root(run: RunFacts, mentioned: str | None = None) -> Message:
    """The root, in three lines: how the run stands after its latest attempt, why, and what hangs on it.

    A success is one line, and has no buttons.
    """
    last = run.last
    job = _subject(run)
    if _is_plain_success(run):
        details = last.details or SessionDetails()
        amount = _amount(details.objects_total, details.processed_bytes)
        return compose(
            [paragraph(dotted(_standing(run), job, _took(last), amount, *_by_whom(last), _late(run)))]
        )
    owned = _owned(run)
    marks = dotted(_attempt(run, last), _streak(run), owned, mention(mentioned) if mentioned else "")
    recovery = _recovery(run)
    hangs_on_it = "" if recovery else sentence_case(_outlook(run, last))
    lines = paragraph(dotted(_standing(run), job, marks), recovery, cause(run), hangs_on_it)
    return compose([lines, controls(_run_controls(run))])


def details(announced: facts.DetailsReply) -> Message:
    """In the thread: what the root does not say of the session: further objects, its log, its figures."""
    run, session = announced.run, announced.session
    details = session.details or SessionDetails(is_incomplete=True)
    rows = [_own_message(session), *_problems(details, is_first_said=_is_first_said_whole(session))]
    volume = status_text.sizes(details.processed_bytes, details.read_bytes, details.transferred_bytes)
    kind = status_text.session_type(session.session_type, run.job_type)
    job = _subject(run)
    named = dotted(mention(announced.mention), job) if announced.mention else ""
    figures = dotted("" if named else job, kind, volume, status_text.bottleneck(details.bottleneck))
    is_nothing = not (_cause(run, session) or details.records or details.is_incomplete)
    nothing = "VBR doesn't name an object that failed, and its log doesn't say why." if is_nothing else ""
    head = [paragraph(named), paragraph(nothing)]
    return compose(
        head,
        [row for row in rows if row.blocks],
        [_log(session), note(figures)],
        noun="object",
    )


def attempt(announced: facts.AttemptEnded) -> Message:
    """In the thread: a further attempt, how it went, what failed again."""
    run, session = announced.run, announced.session
    details = session.details or SessionDetails()
    number = sentence_case(_attempt(run, session) or "another attempt")
    if session.part is not None:
        number = literal(session.part)
    elif session.log_type is not None:
        number = "Next log backup"
    elif session.session_id in {each.part_of for each in run.attempts}:
        number = "The whole run"
    stopped = f"{status_text.STOPPED} {_stopped(session)}".rstrip()
    result = stopped if session.is_stopped else status_text.result(session.result)
    job = _subject(run)
    earlier = [
        each for each in run.attempts if each.ended_at < session.ended_at and each.part == session.part
    ]
    cause = _cause(run, msgspec.structs.replace(session, part=None))
    is_same = (
        bool(cause)
        and bool(earlier)
        and _cause(run, msgspec.structs.replace(earlier[-1], part=None)) == cause
    )
    head = paragraph(
        # The root names who began it, and so does the reply to the person who pressed Retry here.
        dotted(f"{number}: {result}", job),
        "For the same reason as before." if is_same else cause,
        sentence_case(dotted(_took(session), _objects(details))),
        _next_step(run) if session == run.latest else "",
        mention(announced.mention) if announced.mention else "",
    )
    rows = (
        []
        if is_same
        else [_own_message(session), *_problems(details, is_first_said=_is_first_said_whole(session))]
    )
    shown = controls([session_control(run.server, session.session_id, run.job_name)])
    return compose(
        [head],
        [row for row in rows if row.blocks],
        [NOTHING if is_same else _log(session), shown],
        noun="object",
    )


def no_further_attempt(announced: facts.NoFurtherAttempt) -> Message:
    """In the thread: the attempt that was expected did not come."""
    run = announced.run
    head = paragraph(
        dotted(f"{status_text.FAILED} Still failed", _subject(run)),
        "VBR did not start the automatic retry that was expected."
        f"{f' {_what_again_does(run.last)}' if run.is_job else ''}",
        mention(announced.mention) if announced.mention else "",
    )
    return compose([head, controls(_run_controls(run))])


def acknowledged(announced: facts.RunAcknowledged) -> Message:
    """In the thread: who owns the failed run now."""
    from_whom = f", taking over from {mention(announced.instead_of)}" if announced.instead_of else ""
    owned = announced.run.acknowledged
    comment = _comment(owned.comment if owned is not None else None) or "."
    line = f"{status_text.INFORMATION} Acknowledged by {mention(announced.by)}{from_whom}{comment}"
    return compose([paragraph(line)])


def muted_run(announced: facts.MutedRunEnded) -> Message:
    """In the thread of an earlier failure: the job has failed again while it is muted."""
    run, session = announced.run, announced.session
    details = session.details or SessionDetails()
    result = status_text.STOPPED if session.is_stopped else status_text.result(session.result)
    head = paragraph(
        dotted(f"While muted: {result}", _subject(run)),
        _cause(run, session),
        sentence_case(dotted(f"ended {date(session.ended_at)}", _took(session), _objects(details))),
    )
    return compose([head, controls([session_control(run.server, session.session_id, run.job_name)])])


def mute_began(announced: facts.MuteBegan) -> Message:
    """In the thread: the job is muted, until when, by whom."""
    return compose([paragraph(f"{status_text.INFORMATION} {sentence_case(_muted(announced.run))}.")])


def mute_ended(announced: facts.MuteEnded) -> Message:
    """In the thread: the mute is over, why, what was held back, and how the job stands."""
    run, held = announced.run, announced.held
    job = _subject(run)
    why = {
        "unmuted": f"Unmuted by {mention(announced.ended_by)}" if announced.ended_by else "Unmuted",
        "changed": "No longer muted: it now fails differently than when it was muted",
        "recovered": "No longer muted: it went well again",
    }.get(announced.because, f"{mention(announced.mute.by)}'s mute is over")
    kept = f"{count(held, 'failed run')} {'was' if held == 1 else 'were'} held back." if held else ""
    stands = ""
    if announced.because != "recovered" and run.stands_failed:
        said = cause(run)
        stands = f"{status_text.FAILED} It still fails{f': {said}' if said else '.'}"
    sign = status_text.WARNING if announced.because == "changed" else status_text.INFORMATION
    named = mention(announced.mention) if announced.mention else ""
    return compose([paragraph(dotted(f"{sign} {why}", job), kept, stands, named)])


def unacknowledged(announced: facts.Unacknowledged) -> Message:
    """In the thread: the run still fails, and nobody has said that they look after it."""
    run = announced.run
    head = paragraph(
        dotted(f"{status_text.FAILED} Still failed", _subject(run)),
        f"Nobody has acknowledged it since it failed {date(announced.since)}.",
        cause(run),
    )
    return compose([head, controls(_run_controls(run))])


def many_unacknowledged(announced: facts.ManyUnacknowledged) -> Message:
    """In the thread of a message that tells of many: how many still fail, and which."""
    number = announced.count
    names = first_named([strong(name) for name in announced.jobs], number)
    still = f"{status_text.FAILED} {count(number, 'job')} on {strong(announced.server)} still {_fail(number)}"
    said = f"Nobody has acknowledged {'it' if number == 1 else 'them'}. First failed {date(announced.since)}."
    return compose([paragraph(f"{still}: {names}.", said)])


def _fail(number: int) -> str:
    return "fails" if number == 1 else "fail"


def run_line(run: RunFacts) -> str:
    """A run in one line, for lists."""
    job = _subject(run)
    return dotted(_standing(run), job, f"ended {date(run.last.ended_at)}")


def cause(run: RunFacts) -> str:
    """Why the run failed or warned, with the object; of one that recovered, why it had failed."""
    return _cause(run, _told(run))


def _told(run: RunFacts) -> SessionFacts:
    """The attempt that the root is about: the latest or, of a run that recovered, the latest that failed."""
    failed = next((each for each in reversed(run.attempts) if _has_failed(each)), run.last)
    return failed if run.is_recovered else run.last


def object_problem(one: ObjectFacts, limit: int = QUOTE_LIMIT) -> MessagePart:
    """An object that failed or warned, and why."""
    return paragraph(
        f"{status_text.result(one.result)} · {strong(one.name)}",
        code(one.message, limit) if one.message else "",
    )


def _subject(run: RunFacts) -> str:
    """What ran: the job, or the backup of logs that goes on beside its runs."""
    logs = status_text.log_backup(run.first.session_type)
    return f"{logs} of {_job(run)}" if logs else _job(run)


def _job(run: RunFacts) -> str:
    return status_text.job_name(run.job_name, run.server)


def _is_plain_success(run: RunFacts) -> bool:
    return known(Result, run.result) is Result.SUCCESS and not run.is_recovered and not run.last.is_stopped


def _standing(run: RunFacts) -> str:
    if run.last.is_stopped:
        return f"{status_text.STOPPED} {_stopped(run.last)}".rstrip()
    if not run.is_recovered:
        return status_text.result(run.last.result)
    if known(Result, run.result) is Result.WARNING:
        return f"{status_text.WARNING} Recovered with a warning"
    return f"{status_text.SUCCESS} Recovered"


def _has_failed(session: SessionFacts) -> bool:
    return known(Result, session.result) is Result.FAILED


def _attempt(run: RunFacts, session: SessionFacts) -> str:
    attempts = [one for one in run.attempts if one.part is None]
    if session.log_type is not None:
        return ""
    number = next((n for n, one in enumerate(attempts, start=1) if one.session_id == session.session_id), 0)
    total = run.attempts_total or 0
    if number == 0 or (number == 1 and total <= 1):
        return ""
    return f"attempt {number} of {total}" if number <= total else f"attempt {number}"


def _streak(run: RunFacts) -> str:
    """How many runs failed in a row; nothing where it is the first, or where this one is over with."""
    outlook = run.outlook
    if not run.stands_failed:
        return ""
    if run.first.log_type is not None:
        return status_text.streak(sum(map(_has_failed, run.attempts)))
    if outlook is None or outlook.failed_in_a_row is None:
        return ""
    what = "night" if outlook.is_nightly else "failure"
    return status_text.streak(outlook.failed_in_a_row, what, is_longer=outlook.is_longer)


def _owned(run: RunFacts) -> str:
    """Who owns the run, and until when its job is muted, while it has not been made up for."""
    if run.is_recovered or run.last.is_stopped:
        return ""
    owner = run.acknowledged
    owned = f"acknowledged by {mention(owner.by)}{_comment(owner.comment)}" if owner else ""
    return dotted(owned, _muted(run))


def _comment(comment: str | None) -> str:
    return f": {literal(comment, _COMMENT_LIMIT)}" if comment else ""


def _muted(run: RunFacts) -> str:
    mute = run.muted
    if mute is None:
        return ""
    said = muted_by(mute.by, mute.until, until_success=mute.until_success, is_of_server=mute.is_of_server)
    return f"{said}{_comment(mute.comment)}"


def _recovery(run: RunFacts) -> str:
    if not run.is_recovered:
        return ""
    failed_at = run.first.ended_at
    well_at = run.recovery.ended_at if run.recovery else run.last.ended_at
    after = f", recovered {duration(well_at - failed_at)} later" if well_at > failed_at else ""
    by_whom = () if run.recovery else _by_whom(run.last)
    return dotted(f"Failed {date(failed_at)}{after}", *by_whom)


def _cause(run: RunFacts, session: SessionFacts) -> str:
    """The object and the first reason that VBR gives, cut in the middle; how many more objects there are."""
    if known(Result, session.result) is Result.SUCCESS or session.is_stopped:
        return ""
    reason, first = _first_reason(session), _first_problem(session)
    part = literal(session.part) if session.part else ""
    named = strong(first.name) if first is not None and first.name != session.part else ""
    said = status_text.why(reason, _CAUSE_LIMIT) if reason else ""
    return ": ".join(filter(None, (part, named, said))) + _more(run, session)


def _first_problem(session: SessionFacts) -> ObjectFacts | None:
    problems = session.details.problems if session.details else ()
    return problems[0] if problems else None


def _first_reason(session: SessionFacts) -> str | None:
    """The first reason that VBR gives: the first object's message, the session's own, a line of the log."""
    first = _first_problem(session)
    if first is not None and first.message:
        return first.message
    if status_text.own_words(session.message):
        return session.message
    return next(iter(session.details.records if session.details else ()), None)


def _more(run: RunFacts, session: SessionFacts) -> str:
    """What else failed or warned than what the cause is about: parts of the run, else objects."""
    if session == run.last and len(run.failed_parts) > 1:
        return f" {count(len(run.failed_parts) - 1, 'more part')} failed."
    details = session.details or SessionDetails()
    others = details.failed_total + details.warned_total - 1
    return f" And {count(others, 'more object')}." if others > 0 else ""


def _outlook(run: RunFacts, last: SessionFacts) -> str:
    """Last good backup and how old it is, next attempt or run, how long it ran, how many objects failed."""
    outlook = run.outlook or JobOutlook()
    good, upcoming = "", ""
    if run.stands_failed and outlook.is_last_good_known:
        good = "no good backup on record"
        if outlook.last_good_at is not None:
            good = f"last good backup {status_text.with_age(outlook.last_good_at, last.ended_at)}"
    # Also where its time has passed, or VBR's clock is slow: the attempt comes before the next run.
    is_attempt_due = run.stands_failed and not run.is_final
    if run.next_attempt_expected_at is not None and is_attempt_due:
        upcoming = f"next attempt {date(run.next_attempt_expected_at)}"
    elif outlook.next_run is not None and run.recovery is None and not is_attempt_due:
        upcoming = f"next run {date(outlook.next_run)}"
    details = last.details or SessionDetails()
    objects = _objects(details)
    if last.is_stopped:  # what a stop cut short is no failure to count
        total = details.objects_total
        objects = f"{details.succeeded_total:,} of {count(total, 'object')} done" if total else ""
    return dotted(good, upcoming, _took(last), objects, *_by_whom(last), _late(run))


def _took(session: SessionFacts) -> str:
    return status_text.took(session.created_at, session.ended_at)


def _amount(objects: int, processed: int | None) -> str:
    return dotted(count(objects, "object") if objects else "", size(processed) if processed else "")


def _objects(details: SessionDetails) -> str:
    """How many objects failed or warned, and of how many."""
    total, failed, warned = details.objects_total, details.failed_total, details.warned_total
    if not failed and not warned:
        return count(total, "object") if total else ""
    of = f" of {total:,} objects" if total > 1 else " object"
    first, word = (failed, "failed") if failed else (warned, "warned")
    if first == total > 1:
        return f"all {total:,} objects {word}"
    also = f", {warned:,} warned" if failed and warned else ""
    return f"{first:,}{of} {word}{also}"


def _by_whom(session: SessionFacts) -> list[str]:
    started = "started"
    if session.started_operation == Retry.operation.name:
        started = "retry started" if session.is_stopped else "retried"
    return [f"{started} by {mention(session.started_by)}" if session.started_by else ""]


def _stopped(session: SessionFacts) -> str:
    if session.stopped_by:
        return f"by {mention(session.stopped_by)}"
    if session.is_canceled:
        return "by a person in VBR"
    return "probably by a person in VBR" if session.seems_stopped else ""


def _is_first_said_whole(session: SessionFacts) -> bool:
    """Whether the cause gave the first object's message without cutting it."""
    first = _first_problem(session)
    return (
        first is None
        or not first.message
        or code(first.message, _CAUSE_LIMIT) == code(first.message, _WHOLE_LIMIT)
    )


def _own_message(session: SessionFacts) -> MessagePart:
    """The session's own message, whole, unless the cause or an object says the same."""
    own = status_text.own_words(session.message, _WHOLE_LIMIT)
    problems = session.details.problems if session.details else ()
    is_cause = not problems or not problems[0].message
    if is_cause and own == status_text.own_words(session.message, _CAUSE_LIMIT):
        return NOTHING
    return NOTHING if session.message in {one.message for one in problems} else paragraph(own)


def _next_step(run: RunFacts) -> str:
    if run.recovery is not None or not _has_failed(run.last) or run.last.is_stopped:
        return ""
    if run.first.log_type is not None:
        return ""
    if not run.is_final:
        due = run.next_attempt_expected_at
        return "Another attempt is expected." if due is None else f"Next attempt {date(due)}."
    where = "; the buttons are on the message above" if run.is_job else ""
    return f"No automatic attempts left{where}."


def _late(run: RunFacts) -> str:
    return f"ended {date(run.last.ended_at)}, announced late" if run.is_late else ""


def _run_controls(run: RunFacts) -> list[Control | None]:
    shown = session_control(run.server, _told(run).session_id, run.job_name)
    if not run.is_job:
        return [shown]  # what VBR lists no job of can't be acted on
    # To a job the session of a part is not its own: its latest session is the whole one.
    drawn = Snapshot(run.last.part_of or run.last.session_id, is_active=False)
    target = ButtonTarget(run.server, run.job_id, run.job_name, drawn)
    # To start or retry the job would back up all of it; its logs are backed up again by themselves.
    is_run = run.first.log_type is None
    if run.last.is_stopped:
        return [job_control(target, Start.operation) if is_run else None, shown]
    is_failed = is_run and _has_failed(run.last) and run.recovery is None
    again = job_control(target, _again(run.last)) if is_failed else None
    is_problem = known(Result, run.last.result) in _PROBLEMS and run.recovery is None
    why = why_control(run.server, run.job_id, run.last.session_id, run.job_name) if is_problem else None
    return [again, why, shown, *_owner_controls(run)]


def _owner_controls(run: RunFacts) -> list[Control | None]:
    """Acknowledge what failed; mute, or unmute, what has not gone well since."""
    if run.is_recovered or known(Result, run.result) is Result.SUCCESS:
        return []
    job, mute = KnownJob(run.server, run.job_id), run.muted
    turn = run.acknowledged.turn if run.acknowledged is not None else 0
    requests: list[Request] = []
    if run.stands_failed:
        requests.append(Acknowledge(job, run=run.first.session_id, turn=turn))
    if mute is None:
        requests.append(Mute.on_button(job, None))
    elif not mute.is_of_server:
        requests.append(Unmute(job, mute=mute.id))
    return [request_control(each, name=run.job_name, server=run.server) for each in requests]


def _what_again_does(session: SessionFacts) -> str:
    if _again(session) is Start.operation:
        return "Press Start to run the job again."
    return "Press Retry to rerun the failed objects."


def _again(session: SessionFacts) -> Operation:
    return Start.operation if Retry.operation.needs in session.unsupported else Retry.operation


def _problems(details: SessionDetails, *, is_first_said: bool) -> list[MessagePart]:
    """The objects that failed or warned, but for the first where the cause says all of it."""
    first = [object_problem(one, _WHOLE_LIMIT) for one in details.problems[: 0 if is_first_said else 1]]
    rows = [*first, *(object_problem(one) for one in details.problems[1:])]
    left_out = details.failed_total + details.warned_total - len(details.problems)
    more = (
        [note(f"… and {count(left_out, 'more object')} that failed or warned.")]
        if left_out > 0 and rows
        else []
    )
    return rows + more


def _log(session: SessionFacts) -> MessagePart:
    """What the log says beside the cause."""
    details = session.details or SessionDetails()
    said = _first_reason(session)
    lines = [code(record) for record in details.records if record != said or len(record) > _CAUSE_LIMIT]
    records = note("From the log", *lines) if lines else NOTHING
    incomplete = (
        "VBR didn't return all of it at the time. Details asks again." if details.is_incomplete else ""
    )
    return records + note(incomplete)
