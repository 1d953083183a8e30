"""`whoami`: a person's roles, where they come from, and what they allow. Asks VBR nothing."""

from dataclasses import dataclass

from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.model import Kind, Operation, Person, RequestContext
from bot.operations.outcomes import Answer, Done
from bot.operations.permissions import HeldGrant
from bot.operations.queries import Query
from bot.operations.queries.audit import ReadAudit
from bot.settings import PersonId, Role


class ShowWhoami(Query, frozen=True, tag="whoami"):
    """What may I do, and why? `person` asks about another person."""

    operation = Operation(
        name="whoami",
        usage="whoami [@person]",
        help="your roles, where they come from, and what they let you do",
        kind=Kind.PERSONAL,
        audit_name="whoami",
        examples=("whoami",),
    )
    option_words = frozenset[str]()

    person: PersonId | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ShowWhoami":
        """Read the person, if one is named."""
        return cls() if line.text is None else cls(person=line.person(line.text))

    async def answer(self, backend: Backend, context: RequestContext) -> Done:
        """Return the grants that apply to the person asked about, as far as the asker may know of them."""
        person = context.person
        if self.person is not None and not person.has_id(self.person):
            person = await backend.people.read(self.person, context.gesture.team_id)
        administered = backend.permissions.reach(context.person, ReadAudit.operation)
        if person == context.person or all(administered.sees_all(name) for name in backend.fleet.names):
            return Done(whoami_of(person, backend))
        # Globs are names too: of another person's grants only those are shown that the asker has as well.
        own = {mine.grant for mine in backend.permissions.held(context.person)}
        shared = tuple(each for each in backend.permissions.held(person) if each.grant in own)
        return Done(whoami_of(person, backend, shown=shared))


@dataclass(frozen=True, slots=True)
class WhoamiAnswer(Answer):
    """What a person is here: the grants that apply and what they may do with them.

    `need_approval` is what of it waits for a second person. `has_hidden`: there are grants that the asker
    can't see.
    """

    person: Person
    held: tuple[HeldGrant, ...]
    roles: tuple[Role, ...]
    operations: tuple[Operation, ...]
    need_approval: tuple[Operation, ...] = ()
    has_hidden: bool = False


def whoami_of(
    person: Person, backend: Backend, *, shown: tuple[HeldGrant, ...] | None = None
) -> WhoamiAnswer:
    """Return what the person may do, and by which grants; only those `shown`, where these are given."""
    held = backend.permissions.held(person)
    roles = {grant.grant.role for grant in held}
    operations = allowed_operations(person, backend)
    return WhoamiAnswer(
        person=person,
        held=held if shown is None else shown,
        roles=tuple(role for role in Role if role in roles),
        operations=operations,
        need_approval=tuple(each for each in operations if backend.approval_rules.apply_to(each)),
        has_hidden=shown is not None and len(shown) < len(held),
    )


def allowed_operations(person: Person, backend: Backend) -> tuple[Operation, ...]:
    """Return what the person may do somewhere, in the order of the help."""
    may = backend.permissions.may
    return tuple(operation for operation in backend.catalog if may(person, operation).is_allowed)
