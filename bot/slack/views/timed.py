"""Jobs that are disabled for a time: the reminder, and the end of it."""

from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.queries.job import ShowJob
from bot.slack.text import code, date, mention
from bot.slack.views import signs
from bot.slack.views.buttons import ButtonTarget, controls, job_control
from bot.slack.views.message import Message, compose, paragraph
from bot.watch.facts import DisableEnded, DisableReminder

_OUTCOMES = {
    "enabled": "{sign} {job} is enabled again: the time is over for which {person} disabled it.",
    "enabled_before": (
        "{sign} {job}, which {person} disabled until {until}, was enabled by somebody meanwhile. "
        "The bot leaves it alone from now on."
    ),
    "gone": "{sign} {job}, which {person} disabled until {until}, does not exist any more.",
    "refused": (
        "{sign} {job} is still disabled: VBR refused to enable it at the end of the time for which {person} "
        "disabled it."
    ),
    "unclear": (
        "{sign} It is not clear whether {job} is enabled again, as {person} had planned. When last looked at "
        "it was disabled."
    ),
}
_SIGNS = {"enabled": signs.SUCCESS, "enabled_before": signs.INFORMATION, "gone": signs.INFORMATION}


def disable_ends(facts: DisableReminder) -> Message:
    """A job is enabled again soon, and can be at once."""
    target = ButtonTarget(facts.server, facts.job_id, facts.job_name)
    job = signs.job_name(facts.job_name, facts.server)
    line = (
        f"{signs.INFORMATION} {job} is enabled again {date(facts.until)}: "
        f"{mention(facts.person)} disabled it until then."
    )
    return compose(
        [
            paragraph(line),
            controls([job_control(target, Enable.operation), job_control(target, ShowJob.operation)]),
        ]
    )


def disable_ended(facts: DisableEnded) -> Message:
    """The time is over, and how the job stands now."""
    target = ButtonTarget(facts.server, facts.job_id, facts.job_name)
    line = _OUTCOMES[facts.outcome].format(
        sign=_SIGNS.get(facts.outcome, signs.WARNING),
        job=signs.job_name(facts.job_name, facts.server),
        person=mention(facts.person),
        until=date(facts.until),
    )
    offered = {
        "enabled": (ShowJob.operation, Disable.operation),
        "enabled_before": (ShowJob.operation,),
        "gone": (),
    }
    shown = controls(
        [
            job_control(target, one)
            for one in offered.get(facts.outcome, (Enable.operation, ShowJob.operation))
        ]
    )
    return compose([paragraph(line, code(facts.problem) if facts.problem else ""), shown])
