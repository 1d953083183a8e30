"""A run of a job that ended: its root message, and what is told in its thread."""

from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.model import Operation, Snapshot
from bot.operations.queries.job import ShowJob
from bot.slack.text import code, count, date, duration, literal, mention, strong
from bot.slack.views import signs
from bot.slack.views.buttons import ButtonTarget, Control, controls, job_control
from bot.slack.views.message import NOTHING, Message, Part, compose, note, paragraph
from bot.veeam import Result, known
from bot.watch.facts import (
    AttemptEnded,
    DetailsReply,
    NoFurtherAttempt,
    ObjectFacts,
    RunFacts,
    SessionDetails,
    SessionFacts,
)

_REASON_LIMIT = 160


def run_root(run: RunFacts, mentioned: str | None = None) -> Message:
    """The root: how the run stands after its latest attempt, and what to do next."""
    last = run.last
    head = [
        paragraph(
            " · ".join(
                filter(None, (_standing(run), signs.job_name(run.job_name, run.server), _attempt(run, last)))
            ),
            _ended(last),
            _recovery(run),
            _amount(run),
            _reason(last),
            *_by_whom(last),
            _next_step(run),
            mention(mentioned) if mentioned else "",
        ),
        note(_late(run)),
        controls(_run_controls(run)),
    ]
    return compose(head)


def details(facts: DetailsReply) -> Message:
    """In the thread: the objects that failed or warned, what the log says, the bottleneck."""
    told = facts.session.details or SessionDetails(is_incomplete=True)
    title = f"What happened in {signs.job_name(facts.run.job_name, facts.run.server)}"
    return compose(
        [paragraph(title, _objects(told) or _nothing(told))],
        _problems(told),
        [_log(told)],
        noun="object",
        plural="objects",
    )


def attempt(facts: AttemptEnded) -> Message:
    """In the thread: a further attempt, how it went, what failed again."""
    run, session = facts.run, facts.session
    told = session.details
    number = (_attempt(run, session) or "another attempt").capitalize()
    head = paragraph(
        f"{number}: {_result(session)} · {signs.job_name(run.job_name, run.server)}",
        _ended(session),
        _objects(told) if told else "",
        signs.own_words(session.message),
        *_by_whom(session),
        _next_step(run) if session == run.last else "",
        mention(facts.mention) if facts.mention else "",
    )
    tail = [_log(told) if told else NOTHING, note(_late(run))]
    return compose([head], _problems(told) if told else (), tail, noun="object", plural="objects")


def no_further_attempt(facts: NoFurtherAttempt) -> Message:
    """In the thread: the attempt that was expected did not come."""
    run = facts.run
    head = paragraph(
        f"{signs.FAILED} Failed for good: {signs.job_name(run.job_name, run.server)}",
        f"The automatic attempt that was expected did not come. {_what_again_does(run.last)}",
        mention(facts.mention) if facts.mention else "",
    )
    return compose([head, controls(_run_controls(run))])


def run_line(run: RunFacts) -> str:
    """A run in one line, for lists."""
    return f"{_standing(run)} · {signs.job_name(run.job_name, run.server)} · ended {date(run.last.ended_at)}"


def _standing(run: RunFacts) -> str:
    if run.last.stopped_by:
        return f"{signs.NEUTRAL} Stopped"
    if not run.is_recovered:
        return signs.result(run.last.result)
    if known(Result, run.last.result) is Result.WARNING:
        return f"{signs.WARNING} Recovered with a warning"
    return f"{signs.SUCCESS} Recovered"


def _result(session: SessionFacts) -> str:
    return f"{signs.NEUTRAL} Stopped" if session.stopped_by else signs.result(session.result)


def _has_failed(session: SessionFacts) -> bool:
    return known(Result, session.result) is Result.FAILED


def _attempt(run: RunFacts, session: SessionFacts) -> str:
    number = next(
        (n for n, one in enumerate(run.attempts, start=1) if one.session_id == session.session_id), 0
    )
    total = run.attempts_total or 0
    if number == 0 or (number == 1 and total <= 1):
        return ""
    return f"attempt {number} of {total}" if number <= total else f"attempt {number}"


def _ended(session: SessionFacts) -> str:
    took = duration(session.ended_at - session.created_at)
    return " · ".join(filter(None, (f"Ended {date(session.ended_at)}, took {took}", _kind(session))))


def _kind(session: SessionFacts) -> str:
    return literal(session.session_type) if session.session_type else ""


def _recovery(run: RunFacts) -> str:
    if not run.is_recovered:
        return ""
    after = duration(run.last.ended_at - run.first.ended_at)
    return f"It first failed {date(run.first.ended_at)}, and recovered {after} later."


def _amount(run: RunFacts) -> str:
    told = run.last.details
    if told is None:
        return ""
    volume = signs.sizes(told.processed_bytes, told.read_bytes, told.transferred_bytes)
    return "\n".join(filter(None, (_objects(told), volume[:1].upper() + volume[1:])))


def _objects(told: SessionDetails) -> str:
    parts = (
        (told.failed_total, "failed"),
        (told.warned_total, "with a warning"),
        (told.succeeded_total, "succeeded"),
    )
    said = ", ".join(f"{number:,} {word}" for number, word in parts if number)
    objects = count(told.objects_total, "object") if told.objects_total else ""
    return ": ".join(filter(None, (objects, said)))


def _reason(session: SessionFacts) -> str:
    """The first thing that VBR gives as a reason: its message, the first object's, the first log record."""
    told = session.details or SessionDetails()
    is_well = known(Result, session.result) is Result.SUCCESS
    if is_well or signs.own_words(session.message) or not (told.problems or told.records):
        return signs.own_words(session.message)
    if not told.problems:
        return code(told.records[0], _REASON_LIMIT)
    first = told.problems[0]
    return f"{literal(first.name)}: {code(first.message, _REASON_LIMIT)}" if first.message else ""


def _by_whom(session: SessionFacts) -> list[str]:
    started = "retried" if session.started_operation == Retry.operation.name else "started"
    return [
        f"{started.capitalize()} by {mention(session.started_by)}" if session.started_by else "",
        f"Stopped by {mention(session.stopped_by)}" if session.stopped_by else "",
    ]


def _next_step(run: RunFacts) -> str:
    if run.last.stopped_by:
        return "Start runs it again when you are ready."
    if known(Result, run.last.result) is Result.WARNING:
        return "The restore points exist; Details shows what deserves attention."
    if not _has_failed(run.last):
        return ""
    if not run.is_final:
        due = f" by {date(run.next_attempt_expected_at)}" if run.next_attempt_expected_at else ""
        return f"VBR should try again on its own{due}."
    return f"VBR won't try again on its own. {_what_again_does(run.last)}"


def _late(run: RunFacts) -> str:
    return "Told late: it could not be told when it ended." if run.is_late else ""


def _run_controls(run: RunFacts) -> list[Control | None]:
    target = ButtonTarget(
        run.server, run.job_id, run.job_name, Snapshot(run.last.session_id, is_active=False)
    )
    if run.last.stopped_by:
        return [job_control(target, Start.operation), job_control(target, ShowJob.operation)]
    again = job_control(target, _again(run.last)) if _has_failed(run.last) else None
    return [again, job_control(target, ShowJob.operation)]


def _what_again_does(session: SessionFacts) -> str:
    if _again(session) is Start.operation:
        return "Start runs the job again."
    return "Retry runs the objects that failed again."


def _again(session: SessionFacts) -> Operation:
    return Start.operation if Retry.operation.needs in session.unsupported else Retry.operation


def _nothing(told: SessionDetails) -> str:
    is_nothing = not (told.records or told.bottleneck or told.is_incomplete)
    return "VBR names no object that failed, and its log does not say why." if is_nothing else ""


def _problems(told: SessionDetails) -> list[Part]:
    rows = [_object(one) for one in told.problems]
    left_out = told.failed_total + told.warned_total - len(told.problems)
    more = (
        [note(f"… and {count(left_out, 'object')} more that failed or warned.")]
        if left_out > 0 and rows
        else []
    )
    return rows + more


def _object(one: ObjectFacts) -> Part:
    return paragraph(
        f"{signs.result(one.result)} · {strong(one.name)}", code(one.message) if one.message else ""
    )


def _log(told: SessionDetails) -> Part:
    records = note("From the log", *map(code, told.records)) if told.records else NOTHING
    incomplete = "VBR did not give all of it at the time; Details asks again." if told.is_incomplete else ""
    return records + note(signs.bottleneck(told.bottleneck), incomplete)
