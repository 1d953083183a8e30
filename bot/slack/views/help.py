"""What can be done here, one screen of it; or all about one command."""

from collections.abc import Sequence

from bot.operations.catalog import CATALOG
from bot.operations.model import Kind, Operation
from bot.operations.queries.help import HelpAnswer, LimitedServer
from bot.settings import Role
from bot.slack.text import code, strong
from bot.slack.views.message import Message, Part, compose, heading, note, paragraph
from bot.slack.views.signs import lacks

_GROUPS = ((Kind.QUERY, "Look"), (Kind.ACTION, "Act"), (Kind.PERSONAL, "Yourself"))


def help_(answer: HelpAnswer, *, command: str) -> Message:
    """The commands that this person may use, or one of them with its examples and its roles."""
    if answer.topic is not None:
        return _one(answer.topic, answer, command=command)
    head = [heading(f"What {command} can do"), paragraph(_unknown(answer, command), _without_role(answer))]
    groups = [_group(title, kind, answer, command) for kind, title in _GROUPS]
    tail = [
        note(
            f"{code(f'{command} help {_topic(answer)}')} tells all about one of them.",
            "`server:NAME` narrows a command to one server.",
            "Without a name an action opens a form that searches, says what is touched, and asks how."
            if any(one.finds_by_form for one in answer.operations)
            else "",
            *(_lacks(each, answer.operations) for each in answer.limited_servers),
        )
    ]
    return compose(head, groups, tail)


def _one(operation: Operation, answer: HelpAnswer, *, command: str) -> Message:
    may = operation in answer.operations
    lines = [f"{code(f'{command} {operation.usage}')}", f"{operation.help[:1].upper()}{operation.help[1:]}."]
    examples = [code(f"{command} {example}") for example in operation.examples]
    head = [
        heading(f"{command} {operation.name}"),
        paragraph(*lines),
        paragraph("For example:", *examples) if examples else paragraph(),
        note(
            f"For: {roles(operation)}." + ("" if may else " You have none of these roles here."),
            "Without a name a form searches for it, says what is touched, and asks how."
            if operation.finds_by_form
            else "",
            "It waits for a second person, who has to approve it."
            if operation in answer.need_approval
            else "",
            *(_lacks(each, (operation,)) for each in answer.limited_servers),
        ),
    ]
    return compose(head)


def roles(operation: Operation) -> str:
    """The roles that may use an operation, in Veeam's own order."""
    if not operation.roles:
        return "everyone"
    if operation.roles == frozenset(Role):
        return "all of Veeam's roles"
    return ", ".join(role.value for role in Role if role in operation.roles)


def _group(title: str, kind: Kind, answer: HelpAnswer, command: str) -> Part:
    offered = [one for one in CATALOG if one.kind is kind and one in answer.operations]
    lines = [
        f"{code(f'{command} {one.usage}')}: {one.help}"
        + (" (takes a second person)" if one in answer.need_approval else "")
        for one in offered
    ]
    return paragraph(f"*{title}*", *lines) if lines else paragraph()


def _unknown(answer: HelpAnswer, command: str) -> str:
    if answer.unknown_word is None:
        return ""
    hint = f" Did you mean {code(f'{command} {answer.nearest.name}')}?" if answer.nearest else ""
    return f"There is no command {code(answer.unknown_word)}.{hint}"


def _without_role(answer: HelpAnswer) -> str:
    if answer.is_granted_anything:
        return ""
    return "You have none of Veeam's roles here yet. Whoever runs the bot can grant you one."


def _lacks(server: LimitedServer, asked: Sequence[Operation]) -> str:
    missing = [operation for operation in server.unsupported if operation in asked]
    return f"{strong(server.server)}: {lacks(server.product, missing)}" if missing else ""


def _topic(answer: HelpAnswer) -> str:
    return next((one.name for one in answer.operations if one.kind is Kind.ACTION), "whoami")
