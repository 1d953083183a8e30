"""The table of job types in the reference: each cell is done, or not sent at all, over the wire."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit, JobSummary
from bot.operations.actions.enable import Enable
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.model import KnownJob, Request
from bot.operations.outcomes import Done, NeedsForm
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.sandbox.vbr import World
from bot.slack.views.status_text import type_name
from bot.veeam import REVISIONS, has_model
from tests.rooms.operations.form_room import (
    ANN,
    NONE_LISTED,
    Writer,
    administrators_office,
    name_of,
    with_every_kind,
)
from tests.rooms.operations.office import Office
from tests.support.clock import FakeClock
from tests.support.conversations import violations

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "revisions.md"
LONGER_THAN_ANY_RUN = timedelta(hours=3).total_seconds()


def told(revision: str) -> dict[str, set[str]]:
    """The page's table of a revision: by the name of each type what can be done with its jobs."""
    _, _, rest = PAGE.read_text("utf-8").partition(f", `{revision}`\n\n")
    lines = rest.partition("\n\n")[0].splitlines()
    (_, *verbs), _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {
        name: {verb for verb, cell in zip(verbs, cells, strict=True) if cell == "yes"}
        for name, *cells in rows
    }


@pytest.fixture(params=list(REVISIONS))
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def office(world: World, clock: FakeClock, tmp_path: Path, revision: str) -> AsyncIterator[Office]:
    """`hq` speaks the revision and has a job of each of its types."""
    with_every_kind(world)
    for kind in REVISIONS[revision].job_types:
        if not has_model(kind):
            world.add_job(name_of(kind), kind)
    async with administrators_office(
        world, World(clock.now, name="vbr02"), clock, tmp_path, revision
    ) as made:
        yield made


@dataclass
class JobOfType:
    """A job of one type, in whose state each verb makes sense when it is tried."""

    office: Office
    kind: str
    revision: str
    name: str

    @property
    def ref(self) -> KnownJob:
        return self.office.known(self.name)

    async def done(self, request: Request) -> bool:
        """Ask for it; what is not done is not sent either."""
        sent = self._sent()
        outcome = await self.office.ask(request, ANN)
        if isinstance(outcome, NeedsForm) and isinstance(outcome.form, JobSummary):
            outcome = await self.office.ask(outcome.form.request, ANN)
        assert (self._sent() > sent) == isinstance(outcome, Done), outcome
        return isinstance(outcome, Done)

    async def is_listed(self) -> bool:
        answer = await self.office.answer(ListJobs(job_type=self.kind, server="hq"), JobsAnswer, ANN)
        return self.name in {row.state.name for row in answer.rows}

    async def is_shown(self) -> bool:
        answer = await self.office.answer(ShowJob(self.ref), JobAnswer, ANN)
        assert (answer.settings is not None) == has_model(self.kind)
        return answer.view.state.name == self.name

    async def runs_to_the_end(self, request: Request) -> bool:
        done = await self.done(request)
        await self.office.clock.advance(LONGER_THAN_ANY_RUN)
        self.office.world.tick()
        return done

    async def is_stopped(self) -> bool:
        self.office.world.begin_run(self.name)
        return await self.runs_to_the_end(Stop(self.ref))

    async def is_retried(self) -> bool:
        self.office.world.finish_run(self.name, result="Failed")
        return await self.runs_to_the_end(Retry(self.ref))

    async def is_created(self) -> bool:
        writer, new = Writer(self.office), f"New {self.kind}"
        if (self.kind, self.revision) in NONE_LISTED:
            form = await writer.creates(like=self.office.world.job(self.name))
            return await self.done((await writer.sees(form, name=new)).request)
        summary = await writer.creates_from_nothing(self.kind, new)
        return summary is not None and await self.done(summary.request)

    async def is_edited(self) -> bool:
        new_name = f"{self.name} anew"
        if not await self.done(Edit(self.ref, new_name=new_name)):
            return False
        self.name = new_name
        return True

    def _sent(self) -> int:
        return sum(
            request.method != "GET" and request.template.startswith("/api/v1/jobs")
            for request in self.office.hq.requests
        )


TRIED: Mapping[str, Callable[[JobOfType], Awaitable[bool]]] = {
    "jobs": JobOfType.is_listed,
    "job": JobOfType.is_shown,
    "edit": JobOfType.is_edited,
    "create": JobOfType.is_created,
    "clone": lambda job: job.done(Clone(job.ref)),
    "disable": lambda job: job.done(Disable(job.ref)),
    "enable": lambda job: job.done(Enable(job.ref)),
    "start": lambda job: job.runs_to_the_end(Start(job.ref)),
    "stop": JobOfType.is_stopped,
    "apply": lambda job: job.runs_to_the_end(Apply(job.ref)),
    "clearcache": lambda job: job.runs_to_the_end(ClearCache(job.ref)),
    "retry": JobOfType.is_retried,
    "delete": lambda job: job.done(Delete(job.ref, typed_name=job.name)),
}
"""Each verb in the order in which one job can take them all."""


async def test_each_cell_of_the_table(office: Office, revision: str) -> None:
    """Yes is done, nothing is not sent; every request and answer fits the document of the revision."""
    proven: dict[str, set[str]] = {}
    for kind in REVISIONS[revision].job_types:
        job = JobOfType(office, kind, revision, name_of("VSphereBackup" if kind == "Backup" else kind))
        proven[type_name(kind)] = {verb for verb, tries in TRIED.items() if await tries(job)}
        assert violations(office.hq) == []
        office.hq.requests.clear()
    assert proven == told(revision)
