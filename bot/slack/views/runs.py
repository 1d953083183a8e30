"""A run of a job that ended: its root message, and the replies in its thread."""

from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.model import Operation, Snapshot
from bot.slack.text import code, count, date, dotted, duration, literal, mention, sentence_case, strong
from bot.slack.views import status_text
from bot.slack.views.buttons import ButtonTarget, Control, controls, job_control, session_control
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, note, paragraph
from bot.veeam import Result, known
from bot.watch import facts

_REASON_LIMIT = 160
_PARTS_SHOWN = 5


def run_root(run: facts.RunFacts, mentioned: str | None = None) -> Message:
    """The root: how the run stands after its latest attempt, and what to do next."""
    last, details = run.last, run.last.details
    recovery, amount = "", []
    if run.is_recovered:
        failed_at, well_at = run.first.ended_at, run.recovery.ended_at if run.recovery else last.ended_at
        after = f", and recovered {duration(well_at - failed_at)} later" if well_at > failed_at else ""
        recovery = f"It first failed {date(failed_at)}{after}."
    if details is not None:
        volume = status_text.sizes(details.processed_bytes, details.read_bytes, details.transferred_bytes)
        amount = [_objects(details), sentence_case(volume)]
    head = [
        paragraph(
            dotted(_standing(run), status_text.job_name(run.job_name, run.server), _attempt(run, last)),
            _ended(last),
            recovery,
            *amount,
            _reason(last),
            _failed_parts(run),
            *_by_whom(last),
            _next_step(run),
            mention(mentioned) if mentioned else "",
        ),
        note(_late(run)),
        controls(_run_controls(run)),
    ]
    return compose(head)


def details(announced: facts.DetailsReply) -> Message:
    """In the thread: the objects that failed or warned, what the log says, the bottleneck."""
    details = announced.session.details or facts.SessionDetails(is_incomplete=True)
    title = f"What happened in {status_text.job_name(announced.run.job_name, announced.run.server)}"
    is_nothing = not (details.records or details.bottleneck or details.is_incomplete)
    nothing = "VBR names no object that failed, and its log does not say why." if is_nothing else ""
    return compose(
        [paragraph(title, _objects(details) or nothing)],
        _problems(details),
        [_log(details)],
        noun="object",
        plural="objects",
    )


def attempt(announced: facts.AttemptEnded) -> Message:
    """In the thread: a further attempt, how it went, what failed again."""
    run, session = announced.run, announced.session
    details = session.details
    number = (_attempt(run, session) or "another attempt").capitalize()
    if session.part is not None:
        number = literal(session.part)
    elif session.session_id in {each.part_of for each in run.attempts}:
        number = "The whole run"
    result = status_text.STOPPED if session.is_stopped else status_text.result(session.result)
    head = paragraph(
        f"{number}: {result} · {status_text.job_name(run.job_name, run.server)}",
        _ended(session),
        _objects(details) if details else "",
        status_text.own_words(session.message),
        *_by_whom(session),
        _next_step(run) if session == run.latest else "",
        mention(announced.mention) if announced.mention else "",
    )
    shown = controls([session_control(run.server, session.session_id, run.job_name)])
    tail = [_log(details) if details else NOTHING, note(_late(run)), shown]
    return compose([head], _problems(details) if details else (), tail, noun="object", plural="objects")


def no_further_attempt(announced: facts.NoFurtherAttempt) -> Message:
    """In the thread: the attempt that was expected did not come."""
    run = announced.run
    head = paragraph(
        f"{status_text.FAILED} Failed for good: {status_text.job_name(run.job_name, run.server)}",
        f"The automatic attempt that was expected did not come. {_what_again_does(run.last)}",
        mention(announced.mention) if announced.mention else "",
    )
    return compose([head, controls(_run_controls(run))])


def run_line(run: facts.RunFacts) -> str:
    """A run in one line, for lists."""
    job = status_text.job_name(run.job_name, run.server)
    return dotted(_standing(run), job, f"ended {date(run.last.ended_at)}")


def object_problem(one: facts.ObjectFacts) -> MessagePart:
    """An object that failed or warned, and why."""
    return paragraph(
        f"{status_text.result(one.result)} · {strong(one.name)}", code(one.message) if one.message else ""
    )


def _standing(run: facts.RunFacts) -> str:
    if run.last.is_stopped:
        return status_text.STOPPED
    if not run.is_recovered:
        return status_text.result(run.last.result)
    if known(Result, run.result) is Result.WARNING:
        return f"{status_text.WARNING} Recovered with a warning"
    return f"{status_text.SUCCESS} Recovered"


def _has_failed(session: facts.SessionFacts) -> bool:
    return known(Result, session.result) is Result.FAILED


def _attempt(run: facts.RunFacts, session: facts.SessionFacts) -> str:
    attempts = [one for one in run.attempts if one.part is None]
    number = next((n for n, one in enumerate(attempts, start=1) if one.session_id == session.session_id), 0)
    total = run.attempts_total or 0
    if number == 0 or (number == 1 and total <= 1):
        return ""
    return f"attempt {number} of {total}" if number <= total else f"attempt {number}"


def _ended(session: facts.SessionFacts) -> str:
    took = status_text.took(session.created_at, session.ended_at)
    kind = literal(session.session_type) if session.session_type else ""
    return dotted(", ".join(filter(None, (f"Ended {date(session.ended_at)}", took))), kind)


def _objects(details: facts.SessionDetails) -> str:
    parts = (
        (details.failed_total, "failed"),
        (details.warned_total, "with a warning"),
        (details.succeeded_total, "succeeded"),
    )
    counts = ", ".join(f"{number:,} {word}" for number, word in parts if number)
    objects = count(details.objects_total, "object") if details.objects_total else ""
    return ": ".join(filter(None, (objects, counts)))


def _reason(session: facts.SessionFacts) -> str:
    """The first thing that VBR gives as a reason: its message, the first object's, the first log record."""
    details = session.details or facts.SessionDetails()
    is_well = known(Result, session.result) is Result.SUCCESS
    part = f"{literal(session.part)}: " if session.part and not is_well else ""
    if is_well or status_text.own_words(session.message) or not (details.problems or details.records):
        own = status_text.own_words(session.message)
        return f"{part}{own}" if own else part.removesuffix(": ")
    if not details.problems:
        return f"{part}{code(details.records[0], _REASON_LIMIT)}"
    first = details.problems[0]
    named = "" if first.name == session.part else f"{literal(first.name)}: "
    return f"{part}{named}{code(first.message, _REASON_LIMIT)}" if first.message else ""


def _by_whom(session: facts.SessionFacts) -> list[str]:
    started = "retried" if session.started_operation == Retry.operation.name else "started"
    return [
        f"{started.capitalize()} by {mention(session.started_by)}" if session.started_by else "",
        _stopped(session),
    ]


def _stopped(session: facts.SessionFacts) -> str:
    if session.stopped_by:
        return f"Stopped by {mention(session.stopped_by)}"
    if session.is_canceled:
        return "Stopped by a person in VBR"
    return "Stopped by a person in VBR, it seems" if session.seems_stopped else ""


def _failed_parts(run: facts.RunFacts) -> str:
    """The parts that failed, where there are more than the one whose reason is shown."""
    parts = run.failed_parts
    shown = ", ".join(map(literal, parts[:_PARTS_SHOWN]))
    more = f" and {len(parts) - _PARTS_SHOWN:,} more" if len(parts) > _PARTS_SHOWN else ""
    return f"{count(len(parts), 'part')} failed: {shown}{more}" if len(parts) > 1 else ""


def _next_step(run: facts.RunFacts) -> str:
    if run.recovery is not None:
        return ""
    if run.last.is_stopped:
        return "Start runs it again when you are ready." if run.is_job else ""
    if known(Result, run.last.result) is Result.WARNING:
        return "The restore points exist; Details shows what deserves attention."
    if not _has_failed(run.last):
        return ""
    if not run.is_final:
        due = f" by {date(run.next_attempt_expected_at)}" if run.next_attempt_expected_at else ""
        return f"VBR should try again on its own{due}."
    again = _what_again_does(run.last) if run.is_job else ""
    return f"VBR won't try again on its own. {again}".rstrip()


def _late(run: facts.RunFacts) -> str:
    return "Told late: it could not be told when it ended." if run.is_late else ""


def _run_controls(run: facts.RunFacts) -> list[Control | None]:
    shown = session_control(run.server, run.last.session_id, run.job_name)
    if not run.is_job:
        return [shown]  # what VBR lists no job of can't be acted on
    # To a job the session of a part is not its own: its latest session is the whole one.
    drawn = Snapshot(run.last.part_of or run.last.session_id, is_active=False)
    target = ButtonTarget(run.server, run.job_id, run.job_name, drawn)
    if run.last.is_stopped:
        return [job_control(target, Start.operation), shown]
    is_failed = _has_failed(run.last) and run.recovery is None
    again = job_control(target, _again(run.last)) if is_failed else None
    return [again, shown]


def _what_again_does(session: facts.SessionFacts) -> str:
    if _again(session) is Start.operation:
        return "Start runs the job again."
    return "Retry runs the objects that failed again."


def _again(session: facts.SessionFacts) -> Operation:
    return Start.operation if Retry.operation.needs in session.unsupported else Retry.operation


def _problems(details: facts.SessionDetails) -> list[MessagePart]:
    rows = [object_problem(one) for one in details.problems]
    left_out = details.failed_total + details.warned_total - len(details.problems)
    more = (
        [note(f"… and {count(left_out, 'object')} more that failed or warned.")]
        if left_out > 0 and rows
        else []
    )
    return rows + more


def _log(details: facts.SessionDetails) -> MessagePart:
    records = note("From the log", *map(code, details.records)) if details.records else NOTHING
    incomplete = (
        "VBR did not give all of it at the time; Details asks again." if details.is_incomplete else ""
    )
    return records + note(status_text.bottleneck(details.bottleneck), incomplete)
