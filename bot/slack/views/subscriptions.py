"""What channels are subscribed to: the lists, and what is said when somebody changes them."""

from collections.abc import Sequence

from bot.operations import outcomes
from bot.operations.actions import BotAction
from bot.operations.actions.subscribe import Subscribe, SubscribedAnswer
from bot.operations.actions.unsubscribe import Unsubscribe, UnsubscribedAnswer
from bot.operations.model import KnownJob, NamedJob, Refusal
from bot.operations.outcomes import NoSubscription, SubscribedTo
from bot.operations.queries.subscriptions import RoutedTo, SubscriptionsAnswer
from bot.operations.subscribers import DEFAULT_RESULTS
from bot.slack.text import code, date, dotted, literal, mention, plain, strong
from bot.slack.views import status_text
from bot.slack.views.buttons import Control, controls, request_control, with_control
from bot.slack.views.message import Message, MessagePart, compose, heading, note, paragraph
from bot.store import Subscription

_LABEL_LIMIT = 75
_RESULTS = {"Failed": "failures", "Warning": "warnings", "Success": "successes"}
_HIDDEN = "jobs that aren't named here"
_SHOWS_NOTHING = {
    Refusal.STANDING: "{who} can't use the bot any more",
    Refusal.NO_GRANT: "{who} has none of Veeam's roles here any more",
    Refusal.ROLE: "{who} can't subscribe channels any more",
    Refusal.REVISION: "{who} can't subscribe channels any more",
    Refusal.SCOPE: "{who} can't subscribe channels to this any more",
    Refusal.CHANNEL: "the bot's settings don't allow this channel",
    Refusal.SHARED_CHANNEL: "another organisation reads this channel",
}


def subscribed(answer: SubscribedAnswer, *, command: str) -> Message:
    """Said in the channel: who subscribed it to what, and how that ends."""
    own = answer.subscription
    where = "their conversation with the bot" if own.is_direct else "this channel"
    head = [
        paragraph(f"{mention(own.person_id)} subscribed {where} to {what(own_words(own))}."),
        note(
            f"Only what {mention(own.person_id)} may subscribe to is posted."
            + (" The default channel doesn't get these runs." if answer.leaves_default else ""),
            f"{code(f'{command} subscriptions')} lists the subscriptions and ends them.",
        ),
        controls([_ends(SubscribedTo(own, job_name=own.pattern))]),
    ]
    return compose(head)


def unsubscribed(answer: UnsubscribedAnswer) -> Message:
    """In the channel: what is no longer posted to it, who ended that, and who had subscribed it."""
    own = answer.ended.subscription
    where = "their conversation with the bot" if own.is_direct else "this channel"
    is_own = own.person_id == answer.by
    head = [
        paragraph(f"{mention(answer.by)} unsubscribed {where} from {_said(answer.ended)}."),
        note("" if is_own else f"{mention(own.person_id)} had subscribed it {date(own.made_at)}."),
    ]
    return compose(head)


def subscriptions(answer: SubscriptionsAnswer, *, command: str) -> Message:
    """What is posted to a channel: by subscriptions, each with a button that ends it, and by the settings."""
    title = "Which subscription?" if answer.is_choice else "Subscriptions of this channel"
    rows = [_row(one) for one in answer.subscriptions]
    rows += [_route(one) for one in answer.routes]
    empty = "" if rows else "This channel has no subscriptions, and no route in the settings names it."
    how = f"{code(f'{command} subscribe failed SQL*')} subscribes this channel to failures of these jobs."
    return compose(
        [
            heading(title),
            paragraph("Nothing was done yet." if answer.is_choice else "", empty),
        ],
        rows,
        [note("" if answer.is_choice else how)],
        noun="row",
    )


def not_subscribed(outcome: outcomes.NotSubscribed, *, command: str) -> Message:
    """Why nothing was changed, and what to do."""
    lists = code(f"{command} subscriptions")
    head = [
        paragraph(_why(outcome), "Nothing was done."),
        note(f"{lists} shows what is posted to this channel."),
    ]
    there = outcome.there
    if there is not None:
        head.append(note(f"By {mention(there.person_id)}, {date(there.made_at)}."))
    return compose(head)


def asked_by_message(
    request: BotAction, control: Control | None, *, ends: SubscribedTo | None = None
) -> Message:
    """What a message asked for, and the button that does it; `ends` is the subscription to be ended."""
    asks = asked(request)
    if ends is not None:
        own, control = ends.subscription, _ends(ends)
        where = "this conversation" if own.is_direct else "this channel"
        asks = f"Unsubscribe {where} from {_said(ends)}, by {mention(own.person_id)}"
    return compose(
        [
            paragraph(f"{asks}? Nothing was changed yet."),
            note(f"A message alone changes nothing. Press {request.operation.label} to go ahead."),
            controls([control]),
        ]
    )


def asked(request: BotAction) -> str:
    """What a request asks for, in a few words of mrkdwn."""
    match request:
        case Subscribe(job=NamedJob(text=text, server=server)):
            words = (_results([each.value for each in request.results]), strong(text), server)
        case Subscribe(job=KnownJob(server=server)):
            words = (_results([each.value for each in request.results]), "this job", server)
        case Subscribe():
            words = (
                _results([each.value for each in request.results]),
                _jobs(request.pattern),
                request.server,
            )
        case _:
            return f"{request.operation.label} this channel"
    return f"Subscribe to {what(words)}"


def own_words(own: Subscription, name: str | None = None) -> tuple[str, str, str | None]:
    """The results, the jobs and the server of a subscription."""
    if own.job_id is not None:
        return _results(own.results), strong(name or own.pattern or ""), own.server
    return _results(own.results), _jobs(own.pattern), own.server


def what(words: tuple[str, str, str | None]) -> str:
    """What is subscribed to, in a phrase."""
    results, jobs, server = words
    return f"{results} of {jobs}{f' on {literal(server)}' if server else ''}"


def _row(one: SubscribedTo) -> MessagePart:
    own = one.subscription
    said = _said(one)
    who = mention(own.person_id)
    state = ""
    if one.refusal is not None:
        reason = _SHOWS_NOTHING.get(one.refusal)
        state = (
            f"{status_text.WARNING} Nothing is posted: {reason.format(who=who)}."
            if reason is not None
            else f"{status_text.WARNING} On hold: Slack doesn't say at the moment what {who} may do."
        )
    lines = (f"{said[:1].upper()}{said[1:]}", dotted(f"by {who}", date(own.made_at)), state)
    return with_control("\n".join(filter(None, lines)), _ends(one) if one.may_end else None)


def _said(one: SubscribedTo) -> str:
    own = one.subscription
    return what(own_words(own, one.job_name)) if one.is_named else f"{_results(own.results)} of {_HIDDEN}"


def _ends(one: SubscribedTo) -> Control | None:
    own = one.subscription
    control = request_control(Unsubscribe(own.id), name="", server="")
    if control is not None:
        about = (one.job_name or "all jobs") if one.is_named else "one that is not shown"
        control.button.accessibility_label = plain(f"Unsubscribe: {about}", _LABEL_LIMIT)
    return control


def _route(one: RoutedTo) -> MessagePart:
    route = one.route
    jobs = " or ".join(map(code, route.jobs)) if "*" not in route.jobs else ""
    servers = " or ".join(map(literal, route.servers)) if "*" not in route.servers else ""
    if one.is_named:
        of = f"jobs like {jobs}" if jobs else "all jobs"
        of += f" on {servers}" if servers else ""
    else:
        of = _HIDDEN
    said = f"{_results([each.value for each in route.results])} of {of}"
    in_a_row = route.failures_in_a_row
    lines = (
        f"{said[:1].upper()}{said[1:]}",
        f"only after {in_a_row} failures in a row" if in_a_row > 1 else "",
        f"types: {', '.join(map(status_text.type_name, route.types))}" if route.types else "",
        "by the bot's settings",
    )
    return paragraph(lines[0], dotted(*lines[1:]))


def _why(outcome: outcomes.NotSubscribed) -> str:
    most = f"{outcome.at_most:,}"
    match outcome.why:
        case NoSubscription.NO_CHANNEL:
            return "Ask in the channel that should get the messages, or in the bot's direct messages."
        case NoSubscription.NOT_MEMBER:
            return (
                "The bot isn't in this channel, so it can't post here. "
                f"Invite it with {code('/invite')}, then try again."
            )
        case NoSubscription.ALREADY:
            there = outcome.there
            named = what(own_words(there)) if there is not None else "it"
            return f"This channel is already subscribed to {named}."
        case NoSubscription.CHANNEL_FULL:
            return (
                f"A channel can have {most} subscriptions at most. "
                f"End one first, or use a pattern such as {code('SQL*')}."
            )
        case NoSubscription.PERSON_FULL:
            return f"You can have {most} subscriptions at most, in all channels together. End one first."
        case NoSubscription.ALL_FULL:
            return f"There are {most} subscriptions, and no more. Ask the bot's administrator for a route."
        case NoSubscription.NONE_SUCH:
            return "This channel has no such subscription."
        case NoSubscription.ENDED:
            return "This subscription was ended before."


def _results(words: Sequence[str]) -> str:
    given = words or [each.value for each in DEFAULT_RESULTS]
    named = [name for word, name in _RESULTS.items() if word in given]
    *first, last = named or ["runs"]
    return f"{', '.join(first)} and {last}" if first else last


def _jobs(pattern: str | None) -> str:
    return "all jobs" if pattern is None else f"jobs like {code(pattern)}"
