"""What search menus offer: what may be used there, by name, and nothing that its person may not know of."""

import asyncio

import pytest

from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.job_editor.objects import MenuOption, job_chosen, machine_chosen
from bot.operations.menus import OFFERED_AT_MOST, MenuField, MenuOptions, MenuSearch
from bot.operations.model import Gesture, KnownJob, NamedJob, NamedMachine, Origin, Request
from bot.sandbox.vbr.faults import ANY, Moment, hanging, slow
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from tests.rooms.operations.office import DR, GRANTS, HQ, NOBODY, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import die

STRANGER = PersonId("U0STRANGER")
STARTING, STARTING_AT_HQ = Start(NamedJob("")), Start(NamedJob("", "hq"))
STOPPING = Stop(NamedJob(""))
BACKING_UP = QuickBackup(NamedMachine(""))


async def found_by(
    office: Office, text: str, person: PersonId = OPERATOR, request: Request = STARTING
) -> MenuOptions:
    gesture = Gesture("r-1", person, "T0", "C0PROD", Origin.FORM, "search")
    sought = MenuField.MACHINE if isinstance(request, QuickBackup) else MenuField.JOB
    return await office.service.search(gesture, MenuSearch(sought, text, request))


async def offered(
    office: Office, text: str, person: PersonId = OPERATOR, request: Request = STARTING
) -> tuple[MenuOption, ...]:
    return (await found_by(office, text, person, request)).options


async def names(
    office: Office, text: str, person: PersonId = OPERATOR, request: Request = STARTING
) -> list[str]:
    return [one.name for one in await offered(office, text, person, request)]


async def test_jobs_are_found_by_a_part_of_their_name(office: Office) -> None:
    """By name, each with its server, and the choice is the job itself."""
    found = await offered(office, "sql")
    assert [(one.name, one.detail) for one in found] == [
        ("SQL Prod", "hq"),
        ("SQL Prod DR", "dr"),
        ("SQL Test", "hq"),
    ]
    assert job_chosen(found[0].value) == office.known("SQL Prod")
    assert (await found_by(office, "sql")).incomplete == ()


@pytest.mark.parametrize("field", MenuField)
async def test_every_menu_is_answered(office: Office, field: MenuField) -> None:
    """No menu is forgotten; those of a job's draft offer nothing where there is none."""
    gesture = Gesture("r-1", OPERATOR, "T0", "C0PROD", Origin.FORM, "search")
    found = await office.service.search(gesture, MenuSearch(field, "sql", STARTING))
    assert bool(found.options) is (field in {MenuField.JOB, MenuField.LIKE})


@pytest.mark.parametrize("text", ["", " "])
async def test_a_menu_opens_filled(office: Office, text: str) -> None:
    """Nothing typed yet: the first names there are."""
    assert (await names(office, text))[:2] == ["Archive", "Copy now"]


LIKELY: list[tuple[Request, list[str]]] = [
    (Stop(NamedJob("")), ["Exchange", "Files"]),
    (Retry(NamedJob("")), ["Oracle", "SQL Prod"]),
    (Enable(NamedJob("")), ["Archive"]),
]


@pytest.mark.parametrize(("request_", "likely"), LIKELY, ids=str)
async def test_what_is_likely_meant_stands_first(
    office: Office, request_: Request, likely: list[str]
) -> None:
    """A menu opens with what runs, failed, or is disabled; typed, any job is found."""
    office.grants = (GrantSettings(group=GroupReference("S0OPS"), role=Role.BACKUP_ADMINISTRATOR),)
    for name in ("Files", "Exchange"):
        office.world.job(name).run_seconds = 900
        office.world.begin_run(name)
    await office.clock.advance(300)
    office.world.tick()
    assert await names(office, "", request=request_) == likely
    assert await names(office, "never", request=request_) == ["Never ran"]


async def test_where_nothing_is_likely_all_are_offered(office: Office) -> None:
    """Nothing runs: VBR, or the answer, says so of what is chosen."""
    assert (await names(office, "", request=Stop(NamedJob(""))))[:2] == ["Archive", "Copy now"]


async def test_what_is_likely_is_no_more_than_may_be_known(office: Office) -> None:
    """The same limits as for anything typed."""
    assert await names(office, "", SQL_ONLY, Retry(NamedJob(""))) == ["SQL Prod"]


async def test_the_server_that_was_typed_narrows(office: Office) -> None:
    """`start server:hq` offers jobs of hq alone."""
    assert await names(office, "sql", request=STARTING_AT_HQ) == ["SQL Prod", "SQL Test"]


@pytest.mark.parametrize("text", ["", "sql", "o", "e", "prod", "files"])
async def test_names_out_of_scope_never_appear(office: Office, text: str) -> None:
    """A grant on SQL jobs of one server offers those alone, whatever is typed."""
    assert set(await names(office, text, SQL_ONLY)) <= {"SQL Prod", "SQL Test"}
    assert {one.detail for one in await offered(office, text, SQL_ONLY)} <= {HQ}
    assert len(office.dr.requests) == 0


async def test_only_what_this_operation_may_be_done_on_is_offered(office: Office) -> None:
    """Who views everything and operates SQL jobs is offered SQL jobs to start."""
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0SQL"), role=Role.BACKUP_VIEWER),
        GrantSettings(group=GroupReference("S0SQL"), role=Role.BACKUP_ADMINISTRATOR, servers=("d*",)),
    )
    assert await names(office, "", SQL_ONLY, Enable(NamedJob(""))) == ["Files", "SQL Prod DR"]
    assert await names(office, "s", SQL_ONLY) == ["Files", "SQL Prod", "SQL Prod DR", "SQL Test"]


@pytest.mark.parametrize("person", [VIEWER, NOBODY, STRANGER])
async def test_who_may_not_is_offered_nothing(office: Office, person: PersonId) -> None:
    """No name for whoever may not do it, VBR is not asked, and a look is no attempt on record."""
    assert await names(office, "s", person) == []
    assert await names(office, "web", person, BACKING_UP) == []
    assert len(office.hq.requests) == 0
    assert await office.audited() == []


async def test_a_silent_server_leaves_the_others(office: Office) -> None:
    """What answers is offered, and it is said whose names are missing."""
    await die(office.dr)
    for text in ("sql", ""):
        found = await found_by(office, text)
        assert {one.detail for one in found.options} == {"hq"}
        assert found.incomplete == (DR,)
    assert await names(office, "sql") == ["SQL Prod", "SQL Test"]


@pytest.mark.parametrize("request_for", [STARTING, STOPPING, BACKING_UP])
async def test_what_is_missing_is_named_by_every_menu(office: Office, request_for: Request) -> None:
    """Of jobs, of the likely ones, of machines."""
    office.world.begin_run(office.world.job("Archive"))
    await die(office.dr)
    found = await found_by(office, "" if request_for is STOPPING else "sql", request=request_for)
    assert found.incomplete == (DR,)


async def test_no_server_that_a_person_may_not_know_of_is_named(office: Office) -> None:
    """A grant for one server says nothing of another one's silence."""
    await die(office.dr)
    assert (await found_by(office, "sql", SQL_ONLY)).incomplete == ()


@pytest.mark.parametrize("text", ["", "sql"])
async def test_a_server_that_hangs_leaves_the_others_in_time(office: Office, text: str) -> None:
    """A menu is due within three seconds, and so is what the other servers have to offer."""
    office.dr.faults.add(ANY, ANY, hanging(Moment.BEFORE), times=99)
    async with asyncio.timeout(2.4):
        found = await names(office, text)
    async with asyncio.timeout(2.4):
        machines = await names(office, "vm0", request=BACKING_UP)
    assert "SQL Prod" in found
    assert "vm01" in machines


async def test_a_server_of_too_many_names_is_asked_for_some(office: Office) -> None:
    """Where all names take too long, those with the typed word in them do not."""
    office.hq.faults.add("GET", "/api/v1/jobs/states", slow(1.0))
    assert await names(office, "sql") == ["SQL Prod", "SQL Prod DR", "SQL Test"]
    *_, last = office.hq.requests.of("GET", "/api/v1/jobs/states")
    assert dict(last.query)["nameFilter"] == "*sql*"


async def test_names_are_read_once_for_a_while(office: Office) -> None:
    """Each pause in typing is a search; VBR is asked once in minutes."""
    for text in ("s", "sq", "sql"):
        await names(office, text)
    await office.clock.advance(300)
    await names(office, "sql p")
    assert len(office.hq.requests.of("GET", "/api/v1/jobs/states")) == 1


async def test_a_job_that_is_newer_than_the_names_is_found(office: Office) -> None:
    """Typed far enough, it is asked for; what is out of sight is not offered this way either."""
    await names(office, "")
    for name in ("SQL Brandnew", "Brandnew"):
        office.world.add_job(name)
    assert await names(office, "brandnew") == ["Brandnew", "SQL Brandnew"]
    assert await names(office, "brandnew", SQL_ONLY) == ["SQL Brandnew"]


async def test_many_names_are_compared_beside_the_loop(office: Office) -> None:
    """Among thousands of jobs a search leaves room for others, and offers what a menu takes."""
    for number in range(4_000):
        office.world.add_job(f"Bulk {number:05d}")
    # The form reads the names before its menu is used: a menu alone has too little time for so many.
    await office.ask(STARTING)
    before = len(office.hq.requests)
    longest, is_over = 0.0, False

    async def watch() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while not is_over:
            began = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - began)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        found = await names(office, "bulk")
        is_over = True
    assert found == [f"Bulk {number:05d}" for number in range(OFFERED_AT_MOST)]
    assert longest < 0.5
    assert await names(office, "bulk", SQL_ONLY) == []
    assert len(office.hq.requests) <= before + 1


async def test_machines_are_found_where_one_may_back_them_up(office: Office) -> None:
    """A quick backup takes a role on every job of the server, so others are offered no machine of it."""
    found = await offered(office, "vm0", request=BACKING_UP)
    assert {"vm01", "vm02"} <= {one.name for one in found}
    chosen = machine_chosen(found[0].value)
    assert chosen is not None
    assert await offered(office, "vm0", SQL_ONLY, BACKING_UP) == ()


@pytest.mark.parametrize("value", ["", "x", "1", "[]", "[1,2]", '["a"]', '["a","b","c","d"]'])
def test_no_other_choice_is_read(value: str) -> None:
    """What no menu of ours offered is no job and no machine."""
    assert (job_chosen(value), machine_chosen(value)) == (None, None)


def test_a_choice_of_a_job_is_no_machine() -> None:
    """They differ in length."""
    assert machine_chosen('["hq","j"]') is None
    assert job_chosen('["hq","j"]') == KnownJob(HQ, "j")  # type: ignore[arg-type] # an ID as it comes
    assert DR != HQ
