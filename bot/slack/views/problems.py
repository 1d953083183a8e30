"""Every outcome that isn't Done, in words: what happened, whether anything was changed, what to do next."""

from bot.operations.answers import JobView
from bot.operations.catalog import JOB, QUICKBACKUP
from bot.operations.effects import Cloned, Created, Deleted, Edited, Ran, Switched
from bot.operations.outcomes import (
    Ambiguous,
    Broken,
    Failed,
    Misread,
    MovedOn,
    NotFound,
    NotNow,
    Obstacle,
    PressedBefore,
    Refusal,
    Refused,
    Unclear,
    WhichMachine,
)
from bot.operations.people import Standing
from bot.settings import Role
from bot.slack.text import code, count, date, escape, literal, mention, one_line, shorten, strong
from bot.slack.views import signs
from bot.slack.views.buttons import (
    Target,
    choice_menu,
    controls,
    job_control,
    job_controls,
    machine_menu,
    request_control,
)
from bot.slack.views.consequences import lately
from bot.slack.views.errors import explain, is_four_eyes
from bot.slack.views.job import job_state
from bot.slack.views.message import NOTHING, Message, Part, compose, note, paragraph
from bot.veeam import Capability, Rejected, Session

CHOICES_LIMIT = 40
_SENTENCE_LIMIT = 600
_GROUPS_LIMIT = 10

_STANDINGS = {
    Standing.MEMBER: "Your account in Slack does not let you do this.",
    Standing.GUEST: "Guests of this workspace can't use this.",
    Standing.FOREIGN: "People from other organisations can't use this.",
    Standing.DEACTIVATED: "Your account in Slack is deactivated.",
    Standing.INVITED: "Your invitation to this workspace is not taken up yet.",
    Standing.BOT: "Bots can't use this.",
    Standing.UNREADABLE: "Slack did not tell who you are just now.",
}


def refused(outcome: Refused, *, command: str) -> Message:
    """A polite no, with the roles that may and the groups that have them."""
    operation = outcome.operation
    doing = code(f"{command} {operation.name}")
    head = [
        paragraph(_refusal(outcome, doing), "Nothing was done."),
        paragraph(_roles(outcome.roles_needed), _groups(outcome.groups)),
        note(
            f"{code(f'{command} whoami')} shows your roles and where they come from."
            if outcome.refusal in {Refusal.NO_GRANT, Refusal.ROLE, Refusal.SCOPE}
            else ""
        ),
    ]
    return compose(head)


def misread(outcome: Misread, *, command: str) -> Message:
    """Words that could not be read, what is wrong with them, and what would be read."""
    suggestion = f"Try {code(f'{command} {outcome.suggestion}')}" if outcome.suggestion else ""
    typed = f"{command} {outcome.text}".strip()
    head = [
        paragraph(_sentence(outcome.problem), suggestion),
        note(f"You typed {code(typed)}. {code(f'{command} help')} shows what can be done."),
    ]
    return compose(head)


def not_found(outcome: NotFound, *, command: str) -> Message:
    """Nothing of that name, and the names that are alike."""
    near = [code(name) for name in outcome.nearest]
    head = [
        paragraph(
            f"There is no {literal(outcome.what)} {code(outcome.word)} that you may see.",
            f"Did you mean {_either(near)}?" if near else "",
            f"{'Or try' if near else 'Try'} {code(f'{command} {outcome.suggestion}')}"
            if outcome.suggestion
            else "",
        ),
        note(_silent(outcome.silent)),
    ]
    return compose(head)


def ambiguous(outcome: Ambiguous) -> Message:
    """Several jobs match: a menu to choose from."""
    shown = outcome.choices[:CHOICES_LIMIT]
    total = max(outcome.total, len(outcome.choices))
    more = (
        f"The first {len(shown)} are here; type more of the name to narrow it down."
        if total > len(shown)
        else ""
    )
    head = [paragraph(f"{count(total, 'job')} match {code(outcome.word)}. Which one?", more)]
    menu = choice_menu(outcome.request, shown)
    rows = [paragraph(signs.job_name(choice.name, choice.server)) for choice in shown]
    listed = [Part(row.text, ()) for row in rows] if menu.blocks else rows
    return compose(head, listed, [menu, note(_silent(outcome.silent))], noun="job", plural="jobs")


def which_machine(outcome: WhichMachine) -> Message:
    """Several virtual machines bear the name: a menu to choose from."""
    asked = f"{count(outcome.total, 'virtual machine')} named {code(outcome.word)}. Which one?"
    rows = [
        f"{strong(choice.name)} below {literal(choice.machine.host_name)} on {literal(choice.machine.server)}"
        for choice in outcome.choices
    ]
    menu = machine_menu(outcome.choices)
    return compose([paragraph(asked, *rows), menu, note(_silent(outcome.silent))])


def pressed_before(outcome: PressedBefore) -> Message:
    """A second press of the same button."""
    label = outcome.operation.label
    if outcome.by_same_person:
        said = f"You asked for this {label} already, {date(outcome.at)}."
    else:
        said = f"{mention(outcome.by)} was first: {label} was asked for {date(outcome.at)}."
    return compose([paragraph(f"{said} Nothing was done now.")])


def moved_on(outcome: MovedOn) -> Message:
    """The job is no longer as it was drawn: how it is now, and a fresh button to ask again with."""
    name, server = outcome.job.state.name, outcome.job.server
    touches = Target.of(outcome.job).touches
    again = request_control(outcome.request, name=name, server=server, prominent=True, touches=touches)
    head = [
        paragraph(
            f"{signs.job_name(name, server)} has moved on since that button was drawn. Nothing was done."
        ),
        job_state(outcome.job),
        paragraph(lately(outcome.lately)),
        note(f"If you still want it, press {outcome.operation.label} here."),
        controls([again, job_control(Target.of(outcome.job), JOB)]),
    ]
    return compose(head)


def not_now(outcome: NotNow) -> Message:
    """The job's state does not allow it."""
    name = signs.job_name(outcome.job.state.name, outcome.job.server)
    head = [
        paragraph(f"{name}{_in_the_way(outcome)} Nothing was sent."),
        job_state(outcome.job),
        paragraph(lately(outcome.lately)),
        _job_buttons(outcome.job),
    ]
    return compose(head)


def unclear(outcome: Unclear, reference: str) -> Message:
    """It was sent and no answer came: what is known, and no button that would do it twice."""
    name = signs.job_name(outcome.job_name, outcome.server)
    explained = explain(outcome.error)
    head = [
        paragraph(
            f"{signs.WARNING} {outcome.operation.label} of {name}: it is not clear whether it was done.",
            explained.happened,
            explained.means,
            _QUICK_BACKUP if outcome.operation is QUICKBACKUP else "",
        ),
        paragraph("Looked up since:") + job_state(outcome.job) if outcome.job else paragraph(_NOT_LOOKED_UP),
        note(_found(outcome), _reference(reference)),
        controls([job_control(Target.of(outcome.job), JOB)]) if outcome.job else NOTHING,
    ]
    return compose(head)


def failed(outcome: Failed, reference: str) -> Message:
    """A server said no or did not answer."""
    explained = explain(outcome.error)
    about = f" of {strong(outcome.job_name)}" if outcome.job_name else ""
    head = [
        paragraph(f"{signs.FAILED} {outcome.operation.label}{about} was not done.", explained.happened),
        paragraph(explained.means, _advice(outcome) or explained.advice),
        note(_reference(reference)),
    ]
    return compose(head)


def broken(outcome: Broken, reference: str) -> Message:
    """Our own failure."""
    happened = {
        "store": "The bot's own database did not answer.",
        "slow": "This took too long and was given up.",
        "stopping": "The bot is being restarted.",
    }.get(outcome.what, "The bot ran into a fault of its own.")
    changed = {
        True: "VBR was changed before that: look at the job before you press again.",
        False: "Nothing was changed in VBR.",
        None: "Whether VBR was changed is not known: look at the job before you press again.",
    }[outcome.changed]
    again = "Try again in a minute. " if outcome.changed is False else ""
    advice = f"{again}If it stays so, give this reference to whoever runs the bot."
    return compose([paragraph(f"{signs.FAILED} {happened}", changed, advice), note(_reference(reference))])


_OBSTACLES = {
    Obstacle.RUNNING: "is running already.",
    Obstacle.NOT_RUNNING: "is not running, so there is nothing to stop.",
    Obstacle.ENABLED: "is enabled already.",
    Obstacle.DISABLED: "is disabled already.",
    Obstacle.BUSY: "is running. Stop it first, or wait for its end.",
    Obstacle.OTHER_NAME: "is not what was typed as its name.",
    Obstacle.NEVER_STOPS: "is an immediate backup copy. It can't be stopped; it can be disabled.",
    Obstacle.UNDESCRIBED: (
        "is of a type that VBR's API cannot describe, so its settings can't be changed from here. "
        "It can be started, stopped, enabled and disabled; the rest is done in VBR's console."
    ),
}
_FOUR_EYES = (
    "VBR's own four-eyes authorization is on: a second administrator has to approve this in VBR's console. "
    "Through its REST API VBR refuses it altogether, whoever asks."
)
_QUICK_BACKUP = (
    "A quick backup takes a job that covers the machine, has a full backup of it already, and does not run "
    "at the time."
)
_NO_GUESS = "Nobody is let in on a guess. Try again in a minute."
_NOT_LOOKED_UP = (
    "Its state could not be looked up either. Look at the job in a minute, before you press again."
)


_INSTEAD = {
    Capability.RETRY: "start the job instead",
    Capability.CLONE: "clone it in VBR's console",
    Capability.CHAINED_STOP: "stop the jobs one by one",
    Capability.COPY_RESTORE_POINTS: "start it without a choice",
}


def _in_the_way(outcome: NotNow) -> str:
    if outcome.lack is None:
        return f" {_OBSTACLES[outcome.obstacle]}"
    lacked = outcome.lack.capability
    instead = f"; {_INSTEAD[lacked]}" if lacked in _INSTEAD else ""
    return f": {outcome.lack.product}'s API has no {lacked}{instead}."


def _advice(outcome: Failed) -> str:
    if is_four_eyes(outcome.error):
        return _FOUR_EYES
    is_refused_backup = outcome.operation is QUICKBACKUP and isinstance(outcome.error, Rejected)
    return _QUICK_BACKUP if is_refused_backup else ""


def _found(outcome: Unclear) -> str:
    match outcome.found:
        case Ran(Session() as session):
            return f"Its session is {code(session.id)}."
        case Switched(is_disabled):
            return f"The job is {'disabled' if is_disabled else 'enabled'} now, so it seems to be done."
        case Deleted():
            return "The job is not there any more, so it seems to be done."
        case Edited():
            return "The job has the new settings now, so it seems to be done."
        case Created(name=name):
            return f"There is a job {code(name)} now, so it seems to be done: look at it first."
        case Cloned(name=name):
            return f"The newest copy there is {code(name)}: see whether it is the one you asked for."
        case _:
            return ""


def _refusal(outcome: Refused, doing: str) -> str:
    match outcome.refusal:
        case Refusal.STANDING:
            return _STANDINGS[outcome.standing]
        case Refusal.PERSON_UNREADABLE:
            return f"Slack did not tell who you are just now. {_NO_GUESS}"
        case Refusal.GROUPS_UNREADABLE:
            return f"Slack did not tell your user groups just now. {_NO_GUESS}"
        case Refusal.CHANNEL:
            return "The bot does not take commands in this channel. Ask in one of its own."
        case Refusal.NO_GRANT:
            return f"You have none of Veeam's roles here, and {doing} takes one."
        case Refusal.ROLE:
            return f"Your role does not include {doing}."
        case Refusal.SCOPE:
            return f"Your role includes {doing}, but not for this server or job."
        case Refusal.OWN_REQUEST:
            return "You asked for this yourself: it takes somebody else to approve it. It waits on."
        case Refusal.ASKER_UNREADABLE:
            return f"Slack did not tell just now what whoever asked for this may do. {_NO_GUESS}"
        case Refusal.NOWHERE:
            return f"{doing} takes a second person, who cannot be asked here. Ask for it in a channel."


def _roles(needed: tuple[Role, ...]) -> str:
    return f"It takes {_either([f'*{role.value}*' for role in needed])}." if needed else ""


def _groups(groups: tuple[str, ...]) -> str:
    if not groups:
        return ""
    named = [literal(group) for group in groups[:_GROUPS_LIMIT]]
    left_out = len(groups) - len(named)
    return f"Ask somebody in {_either([*named, *([f'{left_out:,} other groups'] if left_out else [])])}."


def _either(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _sentence(text: str) -> str:
    return shorten(one_line(text), _SENTENCE_LIMIT, escape)


def _silent(servers: tuple[str, ...]) -> str:
    if not servers:
        return ""
    return f"{signs.WARNING} Did not answer, so not looked through: {', '.join(map(literal, servers))}."


def _reference(reference: str) -> str:
    return f"Reference {code(reference)}"


def _job_buttons(view: JobView) -> Part:
    about = signs.job_name(view.state.name, view.server)
    return controls(job_controls(Target.of(view), view.operations), about=about)
