"""Who somebody is here: their roles, where these come from, and what they let them do."""

from bot.operations.model import Standing
from bot.operations.permissions import HeldGrant
from bot.operations.queries.whoami import WhoamiAnswer
from bot.slack.text import code, mention
from bot.slack.views import signs
from bot.slack.views.message import Message, compose, heading, note, paragraph

_STANDINGS = {
    Standing.MEMBER: "a member of this workspace",
    Standing.GUEST: "a guest of this workspace: guests may do nothing here",
    Standing.FOREIGN: "from another organisation: people from outside may do nothing here",
    Standing.DEACTIVATED: "deactivated in Slack: nothing is allowed any more",
    Standing.INVITED: "invited, but not yet a member: nothing is allowed until the invitation is taken up",
    Standing.BOT: "a bot: bots may do nothing here",
    Standing.UNREADABLE: "somebody Slack told nothing about just now: try again in a minute",
}


def whoami(answer: WhoamiAnswer, *, command: str) -> Message:
    """The grants that apply to somebody, and the commands they may use."""
    person = answer.person
    head = [
        heading("Roles"),
        paragraph(f"{mention(person.id)} is {_STANDINGS[person.standing]}.", _groups(answer)),
    ]
    rows = [paragraph(grant(held)) for held in answer.held]
    may = ", ".join(code(f"{command} {operation.name}") for operation in answer.operations)
    tail = [
        paragraph("No role is granted here. Whoever runs the bot can grant one.")
        if not rows
        else paragraph(),
        note(f"May use {may}." if may else "", _second_person(answer, command)),
    ]
    return compose(head, rows, tail, noun="grant", plural="grants")


def _second_person(answer: WhoamiAnswer, command: str) -> str:
    names = ", ".join(code(f"{command} {operation.name}") for operation in answer.need_approval)
    return f"A second person has to approve {names}." if names else ""


def _groups(answer: WhoamiAnswer) -> str:
    if answer.person.groups is None:
        return (
            f"{signs.WARNING} Slack did not tell the user groups just now: nothing is allowed until it does."
        )
    return ""


def grant(held: HeldGrant) -> str:
    """One grant in two lines: the role and where it holds, and how it was come by."""
    own = held.grant
    where = "all servers" if "*" in own.servers else f"servers {_globs(own.servers)}"
    jobs = "all jobs" if "*" in own.jobs else f"jobs {_globs(own.jobs)}"
    return f"*{own.role.value}* on {where}, {jobs}\n{_via(held)}"


def _via(held: HeldGrant) -> str:
    # Only the asker sees this answer, so a user group that it names by ID is not notified.
    return "Granted by name" if held.grant.user else f"By way of {mention(held.via)}"


def _globs(globs: tuple[str, ...]) -> str:
    return ", ".join(code(glob) for glob in globs)
