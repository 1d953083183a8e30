"""`help`: what a person may do here. Asks VBR nothing."""

from dataclasses import dataclass

from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.jobs import is_supported
from bot.operations.matching import fold, nearest
from bot.operations.model import Kind, Operation, RequestContext
from bot.operations.outcomes import Answer, Done
from bot.operations.queries import Query
from bot.operations.queries.whoami import allowed_operations
from bot.settings import ServerName


class ShowHelp(Query, frozen=True, tag="help"):
    """What can I do here? `word` asks about one operation."""

    operation = Operation(
        name="help",
        usage="help [WORD]",
        help="what you can do here, or everything about one command",
        kind=Kind.PERSONAL,
        audit_name="help",
        examples=("help", "help retry"),
    )
    option_words = frozenset[str]()

    word: str | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ShowHelp":
        """Read the word, if there is one."""
        return cls(word=line.text)

    async def answer(self, backend: Backend, context: RequestContext) -> Done:
        """Return what this person may do; with a word, the operation of that name or button."""
        wanted = fold(self.word) if self.word is not None else None
        topic = next((one for one in backend.catalog if wanted in _names_of(one)), None)
        unknown = self.word if topic is None else None
        names = [operation.name for operation in backend.catalog]
        alike = nearest(unknown, names, limit=1) if unknown is not None else ()
        servers = map(backend.fleet.server, filter(context.visibility.sees_server, backend.fleet.names))
        limited = (
            LimitedServer(
                each.name,
                each.revision.product,
                tuple(one for one in backend.catalog if not is_supported(one, each.revision)),
            )
            for each in servers
        )
        return Done(
            HelpAnswer(
                operations=allowed_operations(context.person, backend),
                topic=topic,
                unknown_word=unknown,
                nearest=next((one for one in backend.catalog if one.name in alike), None),
                is_granted_anything=bool(backend.permissions.held(context.person)),
                limited_servers=tuple(server for server in limited if server.unsupported),
                need_approval=tuple(
                    operation for operation in backend.catalog if backend.approval_rules.apply_to(operation)
                ),
            )
        )


def _names_of(operation: Operation) -> frozenset[str]:
    """What a person may call it: the command, the word on its button, and the aliases of the command."""
    aliases = (alias.word for alias in operation.aliases if alias.stands_for == operation.name)
    return frozenset({operation.name, fold(operation.label), *aliases})


@dataclass(frozen=True, slots=True)
class LimitedServer:
    """A server whose revision of the API, which came with `product`, does not have these operations."""

    server: ServerName
    product: str
    unsupported: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class HelpAnswer(Answer):
    """What this person may do; `topic` when one operation was asked about.

    `limited_servers` are those on which some of it cannot be done by anybody; `need_approval` is what waits
    for a second person.
    """

    operations: tuple[Operation, ...]
    topic: Operation | None
    unknown_word: str | None
    nearest: Operation | None
    is_granted_anything: bool
    limited_servers: tuple[LimitedServer, ...] = ()
    need_approval: tuple[Operation, ...] = ()
