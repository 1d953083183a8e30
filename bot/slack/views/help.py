"""What somebody can do here: the commands (`help`), and their roles (`whoami`)."""

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate

from bot.operations.catalog import CATALOG
from bot.operations.job_filters import JobsFilter
from bot.operations.model import ALL_ROLES, Kind, Operation, Request, Standing
from bot.operations.permissions import HeldGrant
from bot.operations.queries.help import HelpAnswer, LimitedServer
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.servers import ListServers
from bot.operations.queries.sessions import ListSessions
from bot.operations.queries.status import ShowStatus
from bot.operations.queries.whoami import WhoamiAnswer
from bot.settings import Role
from bot.slack.text import code, mention, strong
from bot.slack.views import status_text
from bot.slack.views.buttons import with_button
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, heading, note, paragraph

_USAGE_LIMIT = 90
_GROUPS = ((Kind.QUERY, "Look"), (Kind.ACTION, "Act"), (Kind.PERSONAL, "Yourself"))
_FIRST_THINGS: tuple[tuple[str, str, str, Request], ...] = (
    ("What failed", "Jobs whose last run failed", "jobs failed", ListJobs(which=JobsFilter.FAILED)),
    ("What is running", "Running jobs", "jobs running", ListJobs(which=JobsFilter.RUNNING)),
    ("Last 24 hours", "What ran, newest first", "sessions 24h", ListSessions(within=timedelta(hours=24))),
    ("Status", "State of all servers and repositories", "status", ShowStatus()),
    ("Servers", "Which servers respond", "servers", ListServers()),
)
"""The label of each button, what it shows, how that is typed, and the request."""
_STANDINGS = {
    Standing.MEMBER: "a member of this workspace",
    Standing.GUEST: "a guest of this workspace: guests can't do anything here",
    Standing.FOREIGN: "from another organisation: people from outside can't do anything here",
    Standing.DEACTIVATED: "deactivated in Slack: nothing is allowed any more",
    Standing.INVITED: "invited, but not yet a member: nothing is allowed until the invitation is taken up",
    Standing.BOT: "a bot: bots can't do anything here",
    Standing.UNREADABLE: "someone Slack couldn't look up just now: try again in a minute",
}


def help_(answer: HelpAnswer, *, command: str) -> Message:
    """The commands that this person may use, or one of them with its examples and its roles."""
    if answer.topic is not None:
        return _one(answer.topic, answer, command=command)
    unknown = without_role = ""
    if answer.unknown_word is not None:
        hint = f" Did you mean {code(f'{command} help {answer.nearest.name}')}?" if answer.nearest else ""
        unknown = f"There is no command {code(answer.unknown_word)}.{hint}"
    if not answer.is_granted_anything:
        without_role = "You have none of Veeam's roles here yet. The bot's administrator can grant you one."
    head = [
        heading(f"What {command} can do"),
        paragraph(unknown, without_role),
        *_first_things(answer, command),
    ]
    groups = []
    for kind, title in _GROUPS:
        lines = [
            f"{code(f'{command} {_in_brief(one.usage)}')}: {one.help}"
            + (" (needs approval)" if one in answer.need_approval else "")
            for one in CATALOG
            if one.kind is kind and one in answer.operations
        ]
        groups.append(paragraph(f"*{title}*", *lines) if lines else NOTHING)
    topic = next((one.name for one in answer.operations if one.kind is Kind.ACTION), "whoami")
    tail = [
        note(
            f"{code(f'{command} help {topic}')} explains one of them in full.",
            "`server:NAME` narrows a command to one server.",
            "The same words work after a mention of the bot, also in threads, and in a direct message to it.",
            "In a run's thread `job`, `why`, `sessions`, `session`, `retry`, `start`, `ack`, `mute` and "
            "`unmute` need no name.",
            "Without a name, an action opens a form: search for the job, see what it affects, choose how."
            if any(one.finds_by_form for one in answer.operations)
            else "",
            *(_missing(each, answer.operations) for each in answer.limited_servers),
        )
    ]
    return compose(head, groups, tail)


def _in_brief(usage: str) -> str:
    """The usage with as many of its options as fit a line; all of them are in the command's own help."""
    words = re.split(r" (?=\[)", usage)
    fitting = [part for part in accumulate(words, "{} {}".format) if len(part) <= _USAGE_LIMIT]
    return usage if fitting[-1] == usage else f"{fitting[-1]} …"


def _first_things(answer: HelpAnswer, command: str) -> list[MessagePart]:
    """What people ask every day, each with the button that asks it."""
    return [
        with_button(f"{words}: {code(f'{command} {typed}')}", request, label=label)
        for label, words, typed, request in _FIRST_THINGS
        if request.operation in answer.operations
    ]


def whoami(answer: WhoamiAnswer, *, command: str) -> Message:
    """The grants that apply to somebody, and the commands they may use."""
    person = answer.person
    unreadable_groups = "Slack doesn't list the user groups just now: nothing is allowed until it does."
    head = [
        heading("Roles"),
        paragraph(
            f"{mention(person.id)} is {_STANDINGS[person.standing]}.",
            f"{status_text.WARNING} {unreadable_groups}" if person.groups is None else "",
        ),
    ]
    rows = [paragraph(grant(held)) for held in answer.held]
    may = ", ".join(code(f"{command} {operation.name}") for operation in answer.operations)
    approved = ", ".join(code(f"{command} {operation.name}") for operation in answer.need_approval)
    tail = [
        paragraph(_unseen_grants(answer)),
        note(
            f"You can use {may}." if may else "",
            f"A second person has to approve {approved}." if approved else "",
        ),
    ]
    return compose(head, rows, tail, noun="grant")


def _unseen_grants(answer: WhoamiAnswer) -> str:
    if answer.has_hidden:
        return f"You can't see their {'other ' if answer.held else ''}grants."
    return "" if answer.held else "No role is granted here. The bot's administrator can grant one."


def grant(held: HeldGrant) -> str:
    """One grant in two lines: the role and where it holds, and where it comes from."""
    own = held.grant
    where = "all servers" if "*" in own.servers else f"servers {', '.join(map(code, own.servers))}"
    jobs = "all jobs" if "*" in own.jobs else f"jobs {', '.join(map(code, own.jobs))}"
    # Only the asker sees this answer, so a user group that it names by ID is not notified.
    via = "Granted by name" if held.grant.user else f"Granted by {mention(held.via)}"
    return f"*{own.role.value}* on {where}, {jobs}\n{via}"


def _one(operation: Operation, answer: HelpAnswer, *, command: str) -> Message:
    may = operation in answer.operations
    lines = [f"{code(f'{command} {operation.usage}')}", f"{operation.help[:1].upper()}{operation.help[1:]}."]
    examples = [code(f"{command} {example}") for example in operation.examples]
    roles = ", ".join(role.value for role in Role if role in operation.roles) or "everyone"
    if operation.roles == ALL_ROLES:
        roles = "all of Veeam's roles but the Security Administrator"
    head = [
        heading(f"{command} {operation.name}"),
        paragraph(*lines),
        paragraph("For example:", *examples) if examples else NOTHING,
        note(
            f"For: {roles}." + ("" if may else " You have none of these roles here."),
            "Without a name, a form searches for it, shows what it affects, and asks how."
            if operation.finds_by_form
            else "",
            "It needs a second person's approval." if operation in answer.need_approval else "",
            *(_missing(each, (operation,)) for each in answer.limited_servers),
        ),
    ]
    return compose(head)


def _missing(server: LimitedServer, asked: Sequence[Operation]) -> str:
    missing = [operation for operation in server.unsupported if operation in asked]
    return (
        f"{strong(server.server)}: {status_text.missing_operations(server.product, missing)}"
        if missing
        else ""
    )
