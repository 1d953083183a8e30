"""`help` and `whoami`: what somebody may do here, and why. Asks VBR nothing."""

from collections.abc import Iterable

from bot.operations.answers import HeldGrant, HelpAnswer, LackingServer, WhoamiAnswer
from bot.operations.approvals.four_eyes import FourEyes
from bot.operations.asking import Asking
from bot.operations.catalog import AUDIT, BY_NAME, CATALOG, JOBS, Operation
from bot.operations.matching import fold, nearest
from bot.operations.offers import lacked_by
from bot.operations.outcomes import Done
from bot.operations.people import People, Person
from bot.operations.requests import HelpRequest, WhoamiRequest
from bot.operations.roles import Rights
from bot.settings import Role
from bot.veeam import Fleet


class Personal:
    """Answers `help` and `whoami`."""

    def __init__(self, people: People, rights: Rights, fleet: Fleet, four_eyes: FourEyes) -> None:
        self._people = people
        self._four_eyes = four_eyes
        self._rights = rights
        self._fleet = fleet

    async def help(self, request: HelpRequest, asking: Asking) -> Done:
        """Return what this person may do; with a word, the operation of that name or button."""
        topic = _topic(request.word) if request.word is not None else None
        unknown = request.word if topic is None else None
        alike = nearest(unknown, (known.name for known in CATALOG), limit=1) if unknown is not None else ()
        return Done(
            HelpAnswer(
                operations=self._operations(asking.person),
                topic=topic,
                unknown_word=unknown,
                nearest=BY_NAME[alike[0]] if alike else None,
                is_granted_anything=bool(self._rights.held(asking.person)),
                lacking=self._lacking(asking),
                under_four_eyes=self._under_four_eyes(CATALOG),
            )
        )

    async def whoami(self, request: WhoamiRequest, asking: Asking) -> Done:
        """Return the grants that apply to the person asked about, as far as the asker may know of them."""
        person = asking.person
        if request.person is not None and request.person != person.id:
            person = await self._people.read(request.person, asking.gesture.team_id)
        held = self._rights.held(person)
        known = held if person == asking.person else self._known_to(asking, held)
        return Done(self._about(person, held, known))

    def own(self, asking: Asking) -> WhoamiAnswer:
        """Return the grants that apply to whoever asks, and what these let them do."""
        held = self._rights.held(asking.person)
        return self._about(asking.person, held, held)

    def groups_with_a_role(self, person: Person) -> tuple[str, ...]:
        """Return the groups whose members may look, by name: whom to ask for somebody who may not."""
        return self._people.group_names(self._rights.may(person, JOBS).groups)

    def _about(
        self, person: Person, held: tuple[HeldGrant, ...], known: tuple[HeldGrant, ...]
    ) -> WhoamiAnswer:
        roles = {grant.grant.role for grant in held}
        operations = self._operations(person)
        return WhoamiAnswer(
            person=person,
            held=known,
            roles=tuple(role for role in Role if role in roles),
            operations=operations,
            under_four_eyes=self._under_four_eyes(operations),
        )

    def _known_to(self, asking: Asking, held: tuple[HeldGrant, ...]) -> tuple[HeldGrant, ...]:
        """A grant's globs are names too: administrators alone are told all, others what both have."""
        administered = self._rights.reach(asking.person, AUDIT)
        if all(administered.sees_all(server) for server in self._fleet.names):
            return held
        own = {mine.grant for mine in self._rights.held(asking.person)}
        return tuple(theirs for theirs in held if theirs.grant in own)

    def _lacking(self, asking: Asking) -> tuple[LackingServer, ...]:
        seen = [self._fleet.server(name) for name in self._fleet.names if asking.sight.sees_server(name)]
        lacking = (LackingServer(one.name, one.revision.product, lacked_by(one.revision)) for one in seen)
        return tuple(each for each in lacking if each.lacks)

    def _operations(self, person: Person) -> tuple[Operation, ...]:
        return tuple(operation for operation in CATALOG if self._rights.may(person, operation).is_allowed)

    def _under_four_eyes(self, operations: Iterable[Operation]) -> tuple[Operation, ...]:
        return tuple(operation for operation in operations if self._four_eyes.takes(operation))


def _topic(word: str) -> Operation | None:
    wanted = fold(word)
    return next((known for known in CATALOG if wanted in {known.name, fold(known.label)}), None)
