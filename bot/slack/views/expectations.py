"""What did not happen: its message, with what helps, and the same message once it is over."""

from datetime import timedelta

from bot.operations.actions.acknowledge import Acknowledge, AcknowledgeExpectation
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import Mute, MuteExpectation
from bot.operations.actions.on_storms import MuteUnmet
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.model import KnownJob
from bot.operations.queries.job import ShowJob
from bot.slack.text import count, date, dotted, duration, literal, mention, plain, size, strong
from bot.slack.views import status_text
from bot.slack.views.buttons import ButtonTarget, controls, job_control, on_many, request_control
from bot.slack.views.many import first_named, named_together
from bot.slack.views.message import Message, MessagePart, compose, note, paragraph, table
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
_NOUNS = {"repository": ("repository", "repositories")}
_MANY = {
    "no_success": "{what} on {server} had no success within {limit}.",
    "not_started": "{what} on {server} did not start.",
    "too_long": "{what} on {server} have been running longer than usual.",
    "odd_success": "{what} on {server} ended with Success, but with an unusual amount of data.",
    "disabled": "{what} on {server} have been disabled for longer than {limit}.",
    "repository": "{what} on {server} are nearly full.",
}
_MET = {
    "no_success": "succeeded",
    "not_started": "started",
    "too_long": "ended",
    "odd_success": "back to the usual size",
    "disabled": "enabled again",
    "repository": "with enough space again",
}
_ALL_MET = {
    "no_success": "have succeeded since.",
    "not_started": "have started since.",
    "too_long": "are no longer running.",
    "odd_success": "have had a run of their usual size since.",
    "disabled": "are enabled again.",
    "repository": "have enough free space again.",
}
_STANDS = {
    "no_success": "no success",
    "not_started": "not started",
    "too_long": "still running",
    "odd_success": "unusual size",
    "disabled": "disabled",
    "repository": "nearly full",
}
_OTHERWISE = {"disabled": "disabled", "gone": "gone", "dropped": "no longer judged"}
_NAMED = 5
_COMMENT_LIMIT = 200
_NAME_LIMIT = 60
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
    comment = f": {literal(owner.comment, _COMMENT_LIMIT)}" if owner is not None and owner.comment else ""
    owned = f"acknowledged by {mention(owner.by)}{comment}" if owner is not None else ""
    first = dotted(head.removesuffix("."), named, owned) if named or owned else head
    lines = paragraph(first, more, next_step)
    spoken = "\n".join(filter(None, (head, more, next_step, named, owned)))
    return compose([MessagePart(spoken, lines.blocks), expectation_controls(expectation)])


def what_is_unmet(expectation: facts.Expectation) -> str:
    """The same in a sentence or two, without buttons."""
    what, more, _ = _said(expectation)
    return f"{status_text.WARNING} {_subject(expectation)} {what} {more}".rstrip()


def acknowledged(announced: facts.ExpectationAcknowledged) -> Message:
    """The same message with who owns it."""
    return unmet(facts.ExpectationUnmet(expectation=announced.expectation))


def unacknowledged(announced: facts.ExpectationUnacknowledged) -> Message:
    """In its thread: it is still so, and nobody has said that they look after it."""
    expectation = announced.expectation
    what, *_ = _said(expectation)
    since = f" since {date(expectation.told_at)}" if expectation.told_at is not None else ""
    said = f"Nobody has acknowledged it{since}."
    head = f"{status_text.WARNING} Still so: {_subject(expectation)} {what}"
    return compose([paragraph(head, said), expectation_controls(expectation)])


def many_unacknowledged(announced: facts.ExpectationsUnacknowledged) -> Message:
    """In the thread of many: how many are left that nobody looks after, and which."""
    number = count(announced.count, *_NOUNS.get(announced.kind, ("job", "jobs")))
    names = first_named([strong(name, _NAME_LIMIT) for name in announced.names], announced.count)
    what = f"{number} on {literal(announced.server)} ({_STANDS[announced.kind]})"
    still = f"{status_text.WARNING} Still so: {what}"
    said = f"Nobody has acknowledged this since {date(announced.told_at)}."
    return compose([paragraph(f"{still}: {names}.", said)])


def over(announced: facts.ExpectationOver) -> Message:
    """The same message once it is over: how it ended, and how long it took."""
    expectation = announced.expectation
    otherwise = _ENDED_OTHERWISE.get(announced.outcome)
    took = duration(announced.ended_at - expectation.since)
    ended = otherwise or _OVER[expectation.kind].format(took=took)
    sign = status_text.INFORMATION if otherwise else status_text.SUCCESS
    return compose([paragraph(f"{sign} {_subject(expectation)} {ended}")])


def many_unmet(group: facts.UnmetGroup, mentioned: str | None = None) -> Message:
    """Many at once: how many, the first few by name, and how many of them are over since."""
    server, noun = literal(group.server), _NOUNS.get(group.kind, ("job", "jobs"))
    over = [f"{number:,} {_state(group.kind, how)}" for how, number in sorted(group.outcomes.items())]
    if not group.standing:
        what = strong(count(group.count, *noun))
        line = f"{status_text.INFORMATION} None of {what} on {server} is left: {', '.join(over)}."
        if set(group.outcomes) == {"met"}:
            line = f"{status_text.SUCCESS} All {what} on {server} {_ALL_MET[group.kind]}"
        return compose([paragraph(line)])
    line = _MANY[group.kind].format(
        what=strong(count(group.count, *(f"more {each}" if group.earlier else each for each in noun))),
        server=server,
        limit=status_text.span_asked_for(timedelta(hours=group.allowed)),
    )
    owned = f"acknowledged by {mention(group.owner)}" if group.owner else ""
    head = dotted(f"{status_text.WARNING} {line}", mention(mentioned) if mentioned else "", owned)
    name = count(group.count, *noun)
    own = AcknowledgeExpectation(group.server, group.subject, name, group.kind, group.owned)
    offered = [request_control(own, name=name, server=group.server)]
    if group.kind not in _NOUNS:
        offered.append(on_many(MuteUnmet(group.id), group.names, group.standing))
    names = [strong(name, _NAME_LIMIT) for name in group.names[:_NAMED]]
    left_out = group.standing - len(names)
    which = f"{', '.join(names)}{f' and {left_out:,} more' if left_out > 0 else ''}: see the thread."
    state = dotted(
        f"{group.standing:,} of {group.count:,} left" if over else "",
        *over,
        f"First due {date(group.since)}" if group.kind == "not_started" else "",
        f"{group.earlier:,} above" if group.earlier else "",
    )
    return compose([paragraph(head, which, state), controls(offered)])


def many_owned(announced: facts.ExpectationsOwned) -> Message:
    """In the thread: what the person who acknowledged all of it says."""
    said = f"Acknowledged by {mention(announced.by)}: {literal(announced.comment, _COMMENT_LIMIT)}"
    return compose([paragraph(f"{status_text.INFORMATION} {said}")])


def many_listed(announced: facts.ExpectationsList) -> Message:
    """In the thread: one by one, as a table."""
    states = [_state(announced.kind, one.outcome) for one in announced.listed]
    noun = _NOUNS.get(announced.kind, ("job", "jobs"))[0].capitalize()
    rows = [(one.name, state) for one, state in zip(announced.listed, states, strict=True)]
    lines = [
        dotted(
            status_text.job_name(one.name, announced.server),
            state,
            f"acknowledged by {mention(one.owner)}" if one.owner and one.outcome is None else "",
        )
        for one, state in zip(announced.listed, states, strict=True)
    ]
    owned = named_together(
        (f"Acknowledged by {mention(one.owner)}", strong(one.name, _NAME_LIMIT))
        for one in announced.listed
        if one.owner and one.outcome is None
    )
    listed = MessagePart("\n".join(lines), table((noun, "State"), rows).blocks)
    more = f"… and {announced.left_out:,} more, not listed here." if announced.left_out else ""
    return compose([listed, note(*owned, more)])


def expectation_controls(expectation: facts.Expectation) -> MessagePart:
    """The buttons below what is not as expected; all of them are made here."""
    server, owned = expectation.server, expectation.acknowledged
    turn = 0 if owned is None else owned.turn
    if expectation.job_id is None:
        subject, name = expectation.subject, _named(expectation)
        requests = (
            AcknowledgeExpectation(server, subject, name, expectation.kind, turn),
            MuteExpectation(server, subject, name),
        )
        return controls([request_control(each, name=name, server=server) for each in requests])
    target = ButtonTarget(server, expectation.job_id, expectation.name)
    helps = _HELPS.get(expectation.kind, ())
    job = KnownJob(server, expectation.job_id)
    follow_up = [
        request_control(request, name=expectation.name, server=server)
        for request in (Acknowledge(job, turn=turn, unmet=expectation.kind), Mute.on_button(job, None))
    ]
    return controls([*(job_control(target, one) for one in helps), *follow_up])


def _state(kind: str, outcome: str | None) -> str:
    """How one of many ended, in a few words, or that it stands."""
    if outcome is None:
        return _STANDS[kind]
    return _MET[kind] if outcome == "met" else _OTHERWISE[outcome]


def _named(expectation: facts.Expectation) -> str:
    """What of a server it is about, as lists name it."""
    name = plain(expectation.name, _NAME_LIMIT)
    named = {"repository": f"Repository {name}", "licence": "Veeam licence"}
    return named.get(expectation.kind, "Configuration backup")


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
