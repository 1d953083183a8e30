"""Who somebody is and in which groups: as Slack says now, and nobody where it does not say."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.model import Person, Standing
from bot.sandbox.slack.faults import RateLimited, Refused, ServerError, Slow
from bot.settings import PersonId
from bot.slack.directory import (
    GROUPS_GRACE_SECONDS,
    GROUPS_SECONDS,
    PERSON_SECONDS,
    Directory,
    ids_of,
    standing,
    zone_of,
)
from bot.slack.web_api import Workspace
from tests.rooms.slack.delivering import PostOffice, post_office

BERLIN = ZoneInfo("Europe/Berlin")
ANN, OLE = PersonId("U0ANN"), PersonId("U0OLE")
OPERATORS = frozenset({"S0BACKUPOPERATORS", "S0ONCALL"})
ACME = Workspace("T0ACME", None, "U0BOT", "B0BOT")
GRID = Workspace("T0ACME", "E0ACME", "U0BOT", "B0BOT")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with post_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def directory(office: PostOffice) -> Directory:
    return Directory(office.web_api, office.workspace, [], clock=office.clock)


def lists(office: PostOffice) -> int:
    return len(office.slack.calls_of("usergroups.list"))


async def test_groups_are_read_once_for_many(office: PostOffice, directory: Directory) -> None:
    """Twenty clicks at once ask Slack once; `usergroups.list` is Tier 2."""
    people = await asyncio.gather(*(directory.read(OLE) for _ in range(20)))
    assert {person.groups for person in people} == {OPERATORS}
    assert lists(office) == 1
    await office.clock.advance(GROUPS_SECONDS + 1)
    await directory.read(OLE)
    assert lists(office) == 2


async def test_a_change_is_read_before_the_next_decision(office: PostOffice, directory: Directory) -> None:
    """An event is not believed, it says: read again."""
    assert (await directory.read(OLE)).groups == OPERATORS
    office.slack.workspace.directory.group("S0BACKUPOPERATORS").users.clear()
    assert (await directory.read(OLE)).groups == OPERATORS
    directory.groups_changed()
    assert (await directory.read(OLE)).groups == frozenset({"S0ONCALL"})


async def test_a_change_while_the_list_is_read_counts(office: PostOffice, directory: Directory) -> None:
    """The answer under way is from before the change: it is not taken for the truth."""
    office.slack.faults.add("usergroups.list", Slow(0.2))
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(directory.read(OLE))
        await office.slack.wait_until(lambda: lists(office) == 1)
        office.slack.workspace.directory.group("S0BACKUPOPERATORS").users.clear()
        directory.groups_changed()
    assert reading.result().groups == frozenset({"S0ONCALL"})


async def test_an_outage_is_bridged_for_a_while(office: PostOffice, directory: Directory) -> None:
    """An old list serves some minutes, counted from when it was read; then nobody has a group."""
    await directory.read(OLE)
    office.slack.faults.add("usergroups.list", ServerError(500), 10_000)
    for seconds, groups in ((GROUPS_SECONDS + 1, OPERATORS), (GROUPS_GRACE_SECONDS, None)):
        await office.clock.advance(seconds)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(directory.read(OLE))
            await office.until(reading.done)
        assert reading.result().groups == groups


async def test_an_outage_after_a_known_change_is_not_bridged(
    office: PostOffice, directory: Directory
) -> None:
    """The old list is known to be wrong: nobody is let in by it."""
    await directory.read(OLE)
    directory.groups_changed()
    office.slack.faults.add("usergroups.list", ServerError(500), 3)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(directory.read(OLE))
        await office.until(reading.done)
    assert reading.result().groups is None
    assert (await directory.read(OLE)).groups == OPERATORS


@pytest.mark.parametrize("word", ["missing_scope", "plan_upgrade_required", "something_new"])
async def test_a_refusal_is_not_bridged(office: PostOffice, directory: Directory, word: str) -> None:
    """What Slack refuses, it refuses now; an old list is no way round it."""
    await directory.read(OLE)
    await office.clock.advance(GROUPS_SECONDS + 1)
    office.slack.faults.add("usergroups.list", Refused(word))
    assert (await directory.read(OLE)).groups is None
    assert (await directory.read(OLE)).groups == OPERATORS


async def test_people_are_read_again_after_some_minutes(office: PostOffice, directory: Directory) -> None:
    """A person who was deactivated is refused within minutes, and one that can't be read at once."""
    assert (await directory.read(ANN)).standing is Standing.MEMBER
    office.slack.workspace.directory.person("ann").kind = "deactivated"
    await office.clock.advance(PERSON_SECONDS + 1)
    assert (await directory.read(ANN)).standing is Standing.DEACTIVATED
    assert (await directory.read(PersonId("U0NOBODY"))).standing is Standing.UNREADABLE


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ("U0ADA", Standing.MEMBER),
        ("U0GUS", Standing.GUEST),
        ("U0SIA", Standing.GUEST),
        ("U0DEE", Standing.DEACTIVATED),
        ("U0INA", Standing.INVITED),
        ("U0FAY", Standing.FOREIGN),
        ("U0STU", Standing.FOREIGN),
        ("USLACKBOT", Standing.BOT),
    ],
)
async def test_only_members_are_members(directory: Directory, person: str, expected: Standing) -> None:
    """Every other kind of account is told apart, and has no groups whatever group it is in."""
    found = await directory.read(PersonId(person))
    assert found.standing is expected
    assert (found.groups is None) is (expected is not Standing.MEMBER)


async def test_a_gesture_of_another_team_is_foreign(directory: Directory) -> None:
    """Whatever `users.info` says about the ID: the gesture came from elsewhere."""
    assert (await directory.read(ANN, "T0OTHER")).standing is Standing.FOREIGN
    assert (await directory.read(ANN, "T0ACME")).standing is Standing.MEMBER


@pytest.mark.parametrize(
    ("user", "home", "expected"),
    [
        ({}, ACME, Standing.UNREADABLE),
        ({"team_id": "T0ACME"}, ACME, Standing.MEMBER),
        ({"team_id": "T0OTHER"}, ACME, Standing.FOREIGN),
        ({"team_id": "T0OTHER", "is_stranger": False}, ACME, Standing.FOREIGN),
        ({"team_id": "T0OTHER", "enterprise_user": {"enterprise_id": "E0ACME"}}, ACME, Standing.FOREIGN),
        ({"team_id": "T0OTHER", "enterprise_user": {"enterprise_id": "E0ACME"}}, GRID, Standing.MEMBER),
        ({"team_id": "T0OTHER", "enterprise_user": {"enterprise_id": "E0OTHER"}}, GRID, Standing.FOREIGN),
        ({"team_id": "T0ACME", "is_workflow_bot": True}, ACME, Standing.BOT),
        (
            {"team_id": "T0ACME", "is_ultra_restricted": True, "is_restricted": True},
            ACME,
            Standing.GUEST,
        ),
        ({"team_id": 7}, ACME, Standing.UNREADABLE),
        ({"team_id": None, "profile": {"team": "T0ACME"}}, ACME, Standing.MEMBER),
        ({"profile": {"team": "T0OTHER"}}, ACME, Standing.FOREIGN),
        ({"team_id": "T0OTHER", "profile": {"team": "T0ACME"}}, ACME, Standing.FOREIGN),
    ],
)
def test_what_is_missing_never_makes_a_member(
    user: dict[str, object], home: Workspace, expected: Standing
) -> None:
    """`users.info` in every shape it is known to have."""
    assert standing(user, home) is expected


async def test_handles_and_names(office: PostOffice) -> None:
    """A handle holds the group it named first; unknown groups are called as the settings call them."""
    directory = Directory(office.web_api, office.workspace, ["@Oncall"], clock=office.clock)
    assert (await directory.read(OLE)).groups == OPERATORS | {"@Oncall"}
    assert await directory.mentioned("@oncall") == "S0ONCALL"
    assert await directory.mentioned("S0X") == "S0X"
    assert directory.group_names(["S0ONCALL", "S0GONE"]) == ("@oncall", "S0GONE")
    office.slack.workspace.directory.group("S0ONCALL").handle = "former"
    office.slack.workspace.directory.group("S0BACKUPVIEWERS").handle = "oncall"
    directory.groups_changed()
    assert (await directory.read(PersonId("U0VIC"))).groups == frozenset({"S0BACKUPVIEWERS"})
    assert await directory.mentioned("@oncall") == "S0ONCALL"


@pytest.fixture
def grid(office: PostOffice) -> Directory:
    """Ole was in the workspace before it joined the organisation: he has two IDs."""
    person = office.slack.workspace.directory.people["U0OLE"]
    person.global_id = "W0OLE"
    return Directory(office.web_api, GRID, [], clock=office.clock)


@pytest.mark.parametrize("listed", ["U0OLE", "W0OLE"])
@pytest.mark.parametrize("gesture", ["U0OLE", "W0OLE"])
async def test_one_person_with_two_ids(
    office: PostOffice, grid: Directory, listed: str, gesture: str
) -> None:
    """Groups and gestures name either: it is one person, under the organisation's ID."""
    for group in office.slack.workspace.directory.groups.values():
        group.users = [listed if user == "U0OLE" else user for user in group.users]
    person = await grid.read(PersonId(gesture))
    assert person == Person(
        PersonId("W0OLE"), "ole", Standing.MEMBER, OPERATORS, frozenset({"U0OLE"}), BERLIN
    )
    assert all(map(person.has_id, ("U0OLE", "W0OLE")))
    assert not person.has_id("U0ANN")


@pytest.mark.parametrize(
    ("user", "zone"),
    [
        ({"tz": "America/New_York", "tz_offset": -18_000}, ZoneInfo("America/New_York")),
        ({"tz": "Mars/Olympus", "tz_offset": -12_600}, timezone(timedelta(hours=-3, minutes=-30))),
        ({"tz": "../../etc/passwd"}, None),
        ({"tz": "", "tz_offset": 86_400}, None),
        ({"tz": 1, "tz_offset": "3600"}, None),
        ({"tz": "", "tz_offset": True}, None),
        ({}, None),
    ],
)
def test_a_time_zone_is_read_where_slack_has_one(user: dict[str, object], zone: tzinfo | None) -> None:
    """By its name; by how far it is from UTC where this machine does not know the name; else by nothing."""
    assert zone_of(user) == zone


@pytest.mark.parametrize("workspace", [ACME, GRID])
async def test_what_a_foreign_organisation_says_of_an_id_is_not_believed(
    office: PostOffice, workspace: Workspace
) -> None:
    """Or somebody else's administrator could be anybody here."""
    person = office.slack.workspace.directory.people["U0OLE"]
    person.global_id, person.enterprise_id = "U0ANN", "E0OTHER"
    directory = Directory(office.web_api, workspace, [], clock=office.clock)
    found = await directory.read(OLE)
    assert (found.id, found.other_ids, found.groups) == (OLE, frozenset(), OPERATORS)


async def test_afresh_is_as_slack_says_now(office: PostOffice, directory: Directory) -> None:
    """Nothing that was read before counts, neither groups nor standing; others are still served from it."""
    people = office.slack.workspace.directory
    assert (await directory.read(OLE)).groups == OPERATORS
    people.group("S0BACKUPOPERATORS").users.clear()
    assert (await directory.read(OLE)).groups == OPERATORS
    assert (await directory.read(OLE, afresh=True)).groups == frozenset({"S0ONCALL"})
    people.people["U0OLE"].kind = "deactivated"
    assert (await directory.read(OLE, afresh=True)).standing is Standing.DEACTIVATED


async def test_many_readings_afresh_share_one(office: PostOffice, directory: Directory) -> None:
    """Whoever asks while the list is read takes the next one, together with the others."""
    await directory.read(OLE)
    before = lists(office)
    people = await asyncio.gather(*(directory.read(OLE, afresh=True) for _ in range(20)))
    assert {person.groups for person in people} == {OPERATORS}
    assert lists(office) - before <= 2


async def test_afresh_nothing_old_serves(office: PostOffice, directory: Directory) -> None:
    """Where Slack does not answer nobody has a group, though an old list is there for the rest."""
    await directory.read(OLE)
    office.slack.faults.add("usergroups.list", ServerError(500), 3)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(directory.read(OLE, afresh=True))
        await office.until(reading.done)
    assert reading.result().groups is None
    assert (await directory.read(OLE)).groups == OPERATORS


async def test_afresh_waits_a_little_where_slack_asks_for_that(
    office: PostOffice, directory: Directory
) -> None:
    """Many at once are not refused for it; whoever needs nothing new does not wait with them."""
    await directory.read(OLE)
    office.slack.faults.add("usergroups.list", RateLimited(10), 1)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(directory.read(OLE, afresh=True))
        await office.slack.wait_until(lambda: lists(office) == 2)
        assert (await directory.read(OLE)).groups == OPERATORS
        await office.until(reading.done)
    assert reading.result().groups == OPERATORS


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["E0ACME", "U0ANN"])
)


@given(
    enterprise=st.dictionaries(st.sampled_from(["id", "enterprise_id"]), VALUES) | st.none(),
    own=VALUES,
    workspace=st.sampled_from([ACME, GRID]),
)
def test_an_id_is_only_believed_of_the_own_organisation(
    enterprise: dict[str, object] | None, own: object, workspace: Workspace
) -> None:
    """Whatever Slack's answer looks like, the ID that was asked about is among them, and no empty one."""
    ids = ids_of({"id": own, "enterprise_user": enterprise}, "U0OLE", workspace)
    assert "U0OLE" in ids
    assert all(ids)
    said = (enterprise or {}).get("enterprise_id")
    if workspace.enterprise_id is None or said != workspace.enterprise_id:
        assert ids == ("U0OLE",)
