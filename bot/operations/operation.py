"""What an operation is: one thing that can be done, with all that is said about it anywhere."""

from dataclasses import dataclass, fields
from enum import StrEnum

from bot.operations.requests import Request
from bot.settings import Role
from bot.veeam import Capability


class Kind(StrEnum):
    """A query answers the asker alone; an action changes VBR, is audited, and answers in the channel."""

    PERSONAL = "personal"  # everyone may, and it asks VBR nothing
    QUERY = "query"
    ACTION = "action"


class Style(StrEnum):
    """How much a button stands out."""

    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is asked before a button acts. `consequence` is a sentence that follows the job and its server."""

    question: str
    consequence: str
    yes: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be done.

    `roles` empty means everyone, granted or not. `needs` is what a server's revision of the API must have.
    No `usage`: nobody types it.
    """

    name: str
    usage: str
    help: str
    kind: Kind
    request: type[Request]
    audit_name: str
    roles: frozenset[Role] = frozenset()
    examples: tuple[str, ...] = ()
    button: str | None = None
    style: Style = Style.PLAIN
    confirmation: Confirmation | None = None
    has_form: bool = False  # it asks in a form before it acts, instead of in a dialog
    done: str = ""  # "started": the word of the outcome, for actions
    needs: Capability | None = None

    @property
    def label(self) -> str:
        """What people call it: the word on its button, where it has one."""
        return self.button or self.name.capitalize()

    @property
    def is_searched_by_form(self) -> bool:
        """Whether a form asks which job or machine is meant where nobody names it."""
        subjects = {field.name for field in fields(self.request)} & {"job", "machine"}
        return self.kind is Kind.ACTION and bool(self.usage) and bool(subjects)
