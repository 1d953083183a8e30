"""Why a run failed or warned: the cause and the line that says so, who else has it, and what to do."""

from collections.abc import Collection

import msgspec

from bot.operations import model
from bot.operations.actions.edit import Edit
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.outcomes import JobView, Streak
from bot.operations.queries.why import EarlierAttempt, ExplainedRun, WhyAnswer
from bot.settings import PersonId
from bot.slack.text import code, count, date, dotted, literal, mention, sentence_case, strong
from bot.slack.views import buttons, status_text
from bot.slack.views.expectations import what_is_unmet
from bot.slack.views.message import Message, as_of, compose, note, paragraph
from bot.veeam import Detail, Remedy, Result
from bot.watch import facts

_UNREAD = frozenset({Detail.OBJECTS, Detail.LOG})
"""What says why a run failed."""
_LINE_LIMIT = 600
_TEXT_LIMIT = 300
_ATTEMPT_LIMIT = 200
_OTHERS_SHOWN = 8
_REMEDIES = {Remedy.RETRY: Retry.operation, Remedy.START: Start.operation, Remedy.EDIT: Edit.operation}


def why(answer: WhyAnswer, *, shared_by: PersonId | None = None, lacks: Collection[Detail] = ()) -> Message:
    """Why the run failed or warned; that there is nothing to explain where it did neither."""
    run, view = answer.run, answer.view
    head = [paragraph(*_unmet(answer)), paragraph(_standing(answer), _when(answer))]
    head += [paragraph(*_cause(run, lacks)), paragraph(*map(_attempt, run.earlier))]
    if run.is_problem:
        head += [
            paragraph(*_what_to_do(answer, lacks)),
            paragraph(*_others(answer)),
            paragraph(_last_good(answer)),
        ]
        head += [note(*status_text.silent_servers(answer.others.silent))]
    about = status_text.job_name(view.state.name, view.server)
    share = buttons.share_control(answer.request) if shared_by is None else None
    shown = [_remedy(answer), _details(answer), share]
    return compose(head, [], [as_of(answer.as_of, shared_by), buttons.controls(shown, about=about)])


def _unmet(answer: WhyAnswer) -> list[str]:
    """What is not as expected of the job, as its messages say; what can't be read has none."""
    said = []
    for each in answer.unmet:
        try:
            expectation = msgspec.json.decode(each.body, type=facts.Expectation)
        except msgspec.MsgspecError:
            continue
        said.append(what_is_unmet(expectation))
    return said


def _standing(answer: WhyAnswer) -> str:
    run, state = answer.run, answer.view.state
    job = status_text.job_name(state.name, answer.view.server)
    if run.result is None and run.session is None:
        return dotted(status_text.job_result(state), job)
    if run.is_stopped:
        return dotted(status_text.STOPPED, job)
    word = run.result.value if run.result is not None else ""
    owned = f"acknowledged by {mention(answer.view.owner)}" if answer.view.owner else ""
    kind = status_text.log_backup(run.session.session_type) if run.session is not None else ""
    part = literal(run.part) if run.part else ""
    return dotted(status_text.result(word), job, kind, part, owned)


def _when(answer: WhyAnswer) -> str:
    """Which run it was: which attempt, when, how long, and how many failed in a row."""
    run, session = answer.run, answer.run.session
    streak = answer.streak or Streak(0)
    return sentence_case(
        dotted(
            f"attempt {run.attempt}" if run.attempt > 1 else "",
            status_text.span(session.creation_time, session.end_time) if session is not None else "",
            status_text.streak(streak.failed, is_longer=streak.is_longer),
            "it runs again now" if session is not None and answer.view.state.is_active else "",
        )
    )


def _attempt(attempt: EarlierAttempt) -> str:
    """An earlier attempt of the run, in a line: how it ended, when and why."""
    session, failure = attempt.session, attempt.failure
    word = status_text.result(session.outcome.value if session.outcome is not None else "")
    title = literal(failure.finding.cause.title, _TEXT_LIMIT) if failure.finding is not None else ""
    said = failure.finding.line if failure.finding is not None else failure.reason
    why = ": ".join(filter(None, (title, code(said, _ATTEMPT_LIMIT) if said else "")))
    return dotted(
        f"Attempt {attempt.number}: {status_text.STOPPED if attempt.is_stopped else word}",
        status_text.span(session.creation_time, session.end_time),
        "" if attempt.is_stopped else why,
    )


def _cause(run: ExplainedRun, lacks: Collection[Detail]) -> list[str]:
    """The cause, the object that it is about and the line; where there is none, that in plain words."""
    if run.is_stopped:
        return ["A person stopped this run; nothing failed."]
    if run.result is None and run.session is None and Detail.SESSIONS in lacks:
        return ["Whether a run of it failed is unknown."]
    if run.result is None and run.session is None:
        return ["No run of it is over yet, so there is nothing to explain."]
    if not run.is_problem:
        return ["Its last run didn't fail, so there is nothing to explain."]
    title = strong(run.finding.cause.title, _TEXT_LIMIT) if run.finding is not None else "*Cause unknown*"
    unsaid = "VBR gives no reason." if not _UNREAD & {*lacks} else ""
    return [f"{title}{_objects(run)}", code(run.line, _LINE_LIMIT) if run.line else unsaid]


def _objects(run: ExplainedRun) -> str:
    """The object that the line is about, and how many there are besides."""
    if not run.object_name:
        return ""
    total = count(run.objects_total, "object")
    of = f" ({run.objects:,} of {total} {_failed_or_warned(run)})" if run.objects_total > 1 else ""
    return f": {literal(run.object_name)}{of}"


def _failed_or_warned(run: ExplainedRun) -> str:
    """What the run did, and with it all that it is compared with."""
    return "failed" if run.result is Result.FAILED else "warned"


def _what_to_do(answer: WhyAnswer, lacks: Collection[Detail]) -> list[str]:
    run = answer.run
    if answer.is_over:
        return [f"The job has gone well since, {date(answer.last_good_at)}." if answer.last_good_at else ""]
    if run.line is None and _UNREAD & {*lacks}:
        return ["Ask again in a minute: what says why could not be read."]
    probable = answer.others.probable
    finding, lines = run.finding or probable, []
    if finding is None:
        return ["Not a cause that the bot knows. Details has every object and the log."]
    if probable is not None:
        repository = literal(answer.view.state.repository_name or "")
        word = _failed_or_warned(run)
        beside = f"other jobs that write to {repository} {word} with it at about the same time"
        lines.append(f"Probably {strong(probable.cause.title, _TEXT_LIMIT)}: {beside}.")
    step = finding.cause.next_step
    return [*lines, f"What to do: {literal(step, _TEXT_LIMIT)}"] if step else lines


def _others(answer: WhyAnswer) -> list[str]:
    """The other jobs with this cause; that there are none only where all with its result were looked at."""
    others, word = answer.others, _failed_or_warned(answer.run)
    more = f" {count(others.unseen, 'further job')} {word} too and {_was(others.unseen)} not compared."
    unseen = more if others.unseen else ""
    if not others.jobs:
        return [unseen.strip()] if unseen else []
    if others.probable is not None:
        unseen = ""
    shown = [status_text.job_name(one.state.name, one.server) for one in others.jobs[:_OTHERS_SHOWN]]
    left = len(others.jobs) - len(shown)
    named = ", ".join([*shown, f"{left:,} more"] if left else shown)
    return [f"{count(len(others.jobs), 'other job')} with this cause now: {named}.{unseen}"]


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _last_good(answer: WhyAnswer) -> str:
    """When the last good backup was made and how old it is, where the run made none."""
    if answer.run.result is not Result.FAILED or not answer.is_last_good_known or answer.is_over:
        return ""
    if answer.last_good_at is None:
        return "No good backup on record."
    return f"Last good backup {status_text.with_age(answer.last_good_at, answer.as_of)}"


def _remedy(answer: WhyAnswer) -> buttons.Control | None:
    """The button that helps, as far as this person may press it now."""
    run, view = answer.run, answer.view
    if not run.is_problem or answer.is_over:
        return None
    remedy = Remedy.RETRY if run.finding is None else run.finding.cause.remedy
    operation = _offered(_REMEDIES.get(remedy), view)
    return None if operation is None else buttons.job_control(buttons.ButtonTarget.of(view), operation)


def _offered(operation: model.Operation | None, view: JobView) -> model.Operation | None:
    """The operation where it is allowed; a job whose server can't retry is started."""
    if operation == Retry.operation and operation not in view.operations:
        operation = Start.operation
    return operation if operation in view.operations else None


def _details(answer: WhyAnswer) -> buttons.Control | None:
    session, view = answer.run.session, answer.view
    if session is None:
        return None
    return buttons.session_control(view.server, session.id, view.state.name)
