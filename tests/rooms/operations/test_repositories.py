"""Repositories in forms and answers: a scale-out repository as one, its extents nowhere."""

import pytest

from bot.operations.menus import MenuField
from bot.operations.model import NamedJob
from bot.operations.outcomes import NotFound
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.vbr_lists import repositories_of, repository_of
from bot.sandbox.vbr.estate import RepositoryFacts, add_repository, add_scale_out_repository
from bot.sandbox.vbr.faults import refusing
from bot.sandbox.vbr.state import ScaleOutRepository
from bot.veeam import RepositoryState
from tests.rooms.operations.form_room import (
    CREATING,
    EDITING,
    Writer,
    form_in,
    said,
    sent,
    with_administrators,
    with_every_kind,
)
from tests.rooms.operations.office import HQ, VIEWER, Office

SCALE_OUT = ("GET", "/api/v1/backupInfrastructure/scaleOutRepositories")
STATES = ("GET", "/api/v1/backupInfrastructure/repositories/states")


@pytest.fixture
def pool(office: Office) -> ScaleOutRepository:
    with_administrators(office)
    extents = [
        RepositoryFacts(f"Pool extent {number}", "LinuxLocal", 1000.0, 100.0 * number, f"x{number}", "/x")
        for number in (1, 2)
    ]
    made = add_scale_out_repository(office.world.book, "Pool", extents)
    office.world.add_job("Pooled", repository_id=made.id)
    return made


@pytest.fixture
def ann(office: Office) -> Writer:
    return Writer(office)


async def named(office: Office, text: str = "") -> dict[str, RepositoryState]:
    return {row.name: row for row in await repositories_of(office.fleet.server(HQ), text)}


async def test_a_scale_out_repository_is_offered_in_place_of_its_extents(
    ann: Writer, pool: ScaleOutRepository
) -> None:
    """Marked, first, with the free space of its extents together."""
    form = await ann.edits("Files")
    found = {one.name: one for one in await ann.finds(form, MenuField.REPOSITORY)}
    assert list(found) == ["Pool", "Default Backup Repository", "Second Repository"]
    assert (found["Pool"].value, found["Pool"].detail) == (pool.id, "scale-out, 300 GB free of 2 TB")
    assert [one.name for one in await ann.finds(form, MenuField.REPOSITORY, "poo")] == ["Pool"]


async def test_a_job_is_moved_to_a_scale_out_repository(
    office: Office, ann: Writer, pool: ScaleOutRepository
) -> None:
    """The summary tells its name and space; what is sent names it."""
    summary = await ann.sees(await ann.edits("Files"), repository=pool.id)
    assert summary.names[pool.id] == "Pool"
    assert summary.repository is not None
    assert (summary.repository.name, summary.repository.free_gb) == ("Pool", 300.0)
    await ann.sends(summary)
    (body,) = sent(office, EDITING)
    assert body["storage"]["backupRepositoryId"] == pool.id


async def test_a_new_job_is_made_like_one_on_a_scale_out_repository(
    office: Office, ann: Writer, pool: ScaleOutRepository
) -> None:
    """Its form names the repository, and it lies there too."""
    form = await ann.creates(like=office.world.job("Pooled"))
    assert form.names[pool.id] == "Pool"
    summary = await ann.sees(form, name="Pooled too")
    assert summary.repository is not None
    assert summary.repository.is_scale_out
    await ann.sends(summary)
    (body,) = sent(office, CREATING)
    assert body["storage"]["backupRepositoryId"] == pool.id


async def test_replicas_are_offered_plain_repositories_alone(
    office: Office, ann: Writer, pool: ScaleOutRepository
) -> None:
    """Their metadata cannot lie on a scale-out repository."""
    with_every_kind(office.world)
    form = await ann.edits("The VSphereReplica")
    found = {one.name for one in await ann.finds(form, MenuField.REPOSITORY)}
    assert found == {"Default Backup Repository", "Second Repository"}
    assert pool.name not in found


async def test_an_extent_is_refused_at_its_field(ann: Writer, pool: ScaleOutRepository) -> None:
    """No menu offers it, so whoever sends it all the same gets no further than the form."""
    again = form_in(await ann.fills(await ann.edits("Files"), repository=pool.extent_ids[0]))
    assert said(again) == [("repository", "No such repository for jobs of this type.")]


async def test_a_job_tells_its_scale_out_repository(
    office: Office, ann: Writer, pool: ScaleOutRepository
) -> None:
    """By name and with its space: in an answer, and before an action."""
    answer = await office.answer(ShowJob(NamedJob("Pooled", "hq")), JobAnswer)
    form = await ann.edits("Pooled")
    assert form.impact is not None
    for told in (answer.repository, form.impact.repository):
        assert told is not None
        assert (told.id, told.name, told.capacity_gb, told.free_gb) == (pool.id, "Pool", 2000.0, 300.0)
        assert told.is_scale_out


@pytest.mark.usefixtures("pool")
async def test_jobs_are_listed_by_their_scale_out_repository(office: Office) -> None:
    """By a part of its name, which is also the beginning of its extents' names."""
    answer = await office.answer(ListJobs(server="hq", repository="poo"), JobsAnswer)
    assert [view.state.name for view in answer.rows] == ["Pooled"]


@pytest.mark.usefixtures("pool")
async def test_no_jobs_are_listed_by_an_extent(office: Office) -> None:
    """None is in one; the nearest name is that of the scale-out repository."""
    outcome = await office.ask(ListJobs(server="hq", repository="Pool extent"), VIEWER)
    assert isinstance(outcome, NotFound)
    assert outcome.nearest[0] == "Pool"


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_server_that_lists_no_scale_out_repositories_has_none(
    office: Office, ann: Writer, pool: ScaleOutRepository, status: int
) -> None:
    """The rest is offered, extents still are not; a job that is on one is told by the name its row has."""
    office.hq.faults.add(*SCALE_OUT, refusing(status), times=99)
    assert set(await named(office)) == {"Default Backup Repository", "Second Repository"}
    form = await ann.edits("Pooled")
    assert form.names[pool.id] == "Pool"
    office.hq.faults.add(*STATES, refusing(status), times=99)
    state = await office.fleet.server(HQ).job_state(office.known("Pooled").job_id)
    assert state is not None
    told = await repository_of(office.fleet.server(HQ), state)
    assert told == RepositoryState(id=pool.id, name="Pool")


@pytest.mark.usefixtures("pool")
async def test_more_repositories_than_a_page_are_found(office: Office) -> None:
    """Page by page; what is typed narrows what is asked for."""
    for number in range(520):
        add_repository(office.world.book, RepositoryFacts(f"Shelf {number}", "WinLocal", 1000.0, 10.0))
    everything = await named(office)
    assert len(everything) == 523
    asked = len(office.hq.requests.of(*STATES))
    assert set(await named(office, "shelf 519")) == {"Shelf 519"}
    narrow = office.hq.requests.of(*STATES)[asked:]
    assert narrow[0].query["nameFilter"] == "*shelf 519*"
