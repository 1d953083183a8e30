"""One person's questions end at a few; the person's actions and everybody else go on."""

import asyncio

from bot.operations.model import Person, Standing
from bot.operations.outcomes import Done, TooMany
from bot.operations.queries.jobs import ListJobs
from bot.operations.under_way import QUESTIONS_AT_MOST
from bot.sandbox.vbr.faults import Moment, hanging
from bot.settings import PersonId
from tests.rooms.operations.office import GROUPS, OPERATOR, VIEWER, Office
from tests.rooms.veeam.clients import STATES, wait_until

LIST = ListJobs(server="hq")


async def test_too_many_questions(office: Office) -> None:
    """Nothing is asked of VBR or put on record for them; also where a person comes with another ID."""
    alias = PersonId("W0VIEWER")
    office.team.people[alias] = Person(VIEWER, "viewer", Standing.MEMBER, GROUPS[VIEWER], frozenset({alias}))
    office.hq.faults.add(*STATES, hanging(Moment.BEFORE), times=3)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(office.ask(LIST, VIEWER)) for _ in range(QUESTIONS_AT_MOST)]
        await wait_until(lambda: len(office.hq.requests.of(*STATES)) == 3)
        for person in (VIEWER, alias):
            refused = await office.ask(LIST, person)
            assert refused == TooMany(LIST.operation, QUESTIONS_AT_MOST)
        assert len(office.hq.requests.of(*STATES)) == 3
        assert isinstance(await office.ask(LIST, OPERATOR), Done)
        assert await office.audited() == []
        for task in asked:
            task.cancel()
    assert isinstance(await office.ask(LIST, VIEWER), Done)
