"""What did not happen: its message, with what helps, and the same message once it is over."""

from datetime import timedelta

from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import Mute
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.model import KnownJob
from bot.operations.queries.job import ShowJob
from bot.slack.text import count, date, dotted, duration, literal, mention, size, strong
from bot.slack.views import status_text
from bot.slack.views.buttons import ButtonTarget, controls, job_control, request_control
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, paragraph
from bot.watch import facts

_HELPS = {
    "no_success": (Start.operation, ShowJob.operation),
    "not_started": (Start.operation, ShowJob.operation),
    "too_long": (ShowJob.operation, Stop.operation),
    "odd_success": (ShowJob.operation,),
    "disabled": (Enable.operation, ShowJob.operation),
}
_OVER = {
    "no_success": "has succeeded again, after {took} without.",
    "not_started": "has started, {took} after it was due.",
    "too_long": "is no longer running, after {took}.",
    "odd_success": "has had a run of its usual size again, after {took}.",
    "disabled": "is enabled again, after {took}.",
    "repository": "has enough free space again, after {took}.",
    "licence": "is valid for long enough again.",
    "config_backup": "has succeeded again, after {took} without.",
}
_ENDED_OTHERWISE = {
    "disabled": "is disabled now, so that no run is expected.",
    "gone": "no longer exists.",
    "dropped": "is no longer judged by this: the settings have changed.",
}


def unmet(announced: facts.ExpectationUnmet) -> Message:
    """What is not as expected, in three lines at most: what, since when, and what hangs on it."""
    expectation = announced.expectation
    named = mention(announced.mention) if announced.mention else ""
    what, more, next_step = _said(expectation)
    head = f"{status_text.WARNING} {_subject(expectation)} {what}"
    owner = expectation.acknowledged
    owned = f"acknowledged by {mention(owner.by)}" if owner is not None else ""
    lines = paragraph(dotted(head, named, owned), more, next_step)
    spoken = "\n".join(filter(None, (head, more, next_step, named, owned)))
    return compose([MessagePart(spoken, lines.blocks), expectation_controls(expectation)])


def acknowledged(announced: facts.ExpectationAcknowledged) -> Message:
    """The same message with who owns it."""
    return unmet(facts.ExpectationUnmet(expectation=announced.expectation))


def over(announced: facts.ExpectationOver) -> Message:
    """The same message once it is over: how it ended, and how long it took."""
    expectation = announced.expectation
    otherwise = _ENDED_OTHERWISE.get(announced.outcome)
    took = duration(announced.ended_at - expectation.since)
    ended = otherwise or _OVER[expectation.kind].format(took=took)
    sign = status_text.INFORMATION if otherwise else status_text.SUCCESS
    return compose([paragraph(f"{sign} {_subject(expectation)} {ended}")])


def expectation_controls(expectation: facts.Expectation) -> MessagePart:
    """The buttons below what is not as expected; all of them are made here."""
    if expectation.job_id is None:
        return NOTHING
    target = ButtonTarget(expectation.server, expectation.job_id, expectation.name)
    helps = _HELPS.get(expectation.kind, ())
    job, owned = KnownJob(expectation.server, expectation.job_id), expectation.acknowledged
    turn = 0 if owned is None else owned.turn
    follow_up = [
        request_control(request, name=expectation.name, server=expectation.server)
        for request in (Acknowledge(job, turn=turn, unmet=expectation.kind), Mute.on_button(job, None))
    ]
    return controls([*(job_control(target, one) for one in helps), *follow_up])


def _subject(expectation: facts.Expectation) -> str:
    on = f"on {literal(expectation.server)}"
    match expectation.kind:
        case "repository":
            return f"Repository {strong(expectation.name)} {on}"
        case "licence":
            return f"The Veeam licence {on}"
        case "config_backup":
            return f"The configuration backup {on}"
        case _:
            return status_text.job_name(expectation.name, expectation.server)


def _said(expectation: facts.Expectation) -> tuple[str, str, str]:
    """What is not as expected, to follow the subject; more of it; what comes next."""
    since, at, found, usual = expectation.since, expectation.at, expectation.found, expectation.usual
    last_good = f"Last good run: {date(at)}." if at is not None else "The bot knows of no good run."
    upcoming = f"Next run: {date(expectation.next_run)}." if expectation.next_run is not None else ""
    match expectation.kind:
        case "no_success":
            within = status_text.span_asked_for(timedelta(hours=expectation.limit))
            return f"has had no success within {within}.", last_good, upcoming
        case "not_started":
            return f"has not started. It was due {date(since)}.", last_good, upcoming
        case "too_long":
            return (
                f"is running longer than usual: for more than {duration(found or 0)}.",
                f"Started {date(since)}. It usually takes {duration(usual or 0)}.",
                "",
            )
        case "odd_success":
            what = f"{size(found)} of data" if found else "no data"
            return (
                f"ended with Success, but with {what}.",
                f"Usual is {size(usual or 0)}. The run began {date(since)}.",
                "",
            )
        case "disabled":
            return (
                f"has been disabled since {date(since)} or longer.",
                last_good,
                "No scheduled backups until it is enabled again.",
            )
        case "repository":
            full = f"At this pace it is full {date(expectation.full_at)}." if expectation.full_at else ""
            return f"has {found or 0:.1f} % free.", full, ""
        case "licence":
            ended = f"ends {date(at)}." if at is not None else "ends soon."
            return ended, "Without a licence VBR stops backing up and its API stops answering.", ""
        case _:
            days = count(round(expectation.limit), "day")
            last = f"Last one: {date(at)}." if at is not None else "VBR names no successful one."
            return f"has not succeeded for more than {days}.", last, "It is what VBR itself is restored from."
