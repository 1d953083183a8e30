"""GET /credentials: records without their secrets."""

from datetime import timedelta

import pytest

from bot.sandbox.vbr import Behaviour, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.credentials import add_credentials
from tests.rooms.sandbox.vbr.talking import Client

KEYS = {"id", "username", "description", "type", "creationTime", "uniqueId"}
OF_LINUX = {"SSHPort", "elevateToRoot", "addToSudoers", "useSu", "authenticationType"}


@pytest.fixture
def kept(world: World) -> World:
    since = world.now() - timedelta(days=10)
    add_credentials(world.book, "EXAMPLE\\svc-vss", since, description="Application-aware processing")
    add_credentials(world.book, "root", world.now(), kind="Linux", description="Linux hosts")
    add_credentials(world.book, "EXAMPLE\\gmsa$", world.now(), kind="ManagedService")
    return world


@pytest.mark.parametrize(
    ("query", "usernames"),
    [
        ({}, ["EXAMPLE\\svc-vss", "root", "EXAMPLE\\gmsa$"]),
        ({"typeFilter": "Linux"}, ["root"]),
        ({"nameFilter": "*svc*"}, ["EXAMPLE\\svc-vss"]),
        ({"nameFilter": "*application*"}, ["EXAMPLE\\svc-vss"]),
        ({"nameFilter": "svc"}, []),
        (
            {"orderColumn": "Username", "orderAsc": "true", "limit": "2"},
            ["EXAMPLE\\gmsa$", "EXAMPLE\\svc-vss"],
        ),
        ({"skip": "2"}, ["EXAMPLE\\gmsa$"]),
        ({"createdBeforeFilter": "2026-02-25T00:00:00Z"}, ["EXAMPLE\\svc-vss"]),
        ({"createdAfterFilter": "2026-02-25T00:00:00Z", "typeFilter": "Standard"}, []),
    ],
)
async def test_records_are_listed(
    client: Client, kept: World, query: dict[str, str], usernames: list[str]
) -> None:
    """Filtered, ordered, by page."""
    rows = (await client.get("/credentials", **query))["data"]
    assert [row["username"] for row in rows] == usernames
    assert len(kept.book.credentials) == 3


async def test_no_secret_is_told(client: Client, kept: World) -> None:
    """A record has these fields and no other."""
    rows = (await client.get("/credentials"))["data"]
    assert [set(row) for row in rows] == [KEYS, KEYS | OF_LINUX, KEYS]
    assert {row["id"] for row in rows} == set(kept.book.credentials)


@pytest.mark.parametrize(
    "query",
    [{"typeFilter": "standard"}, {"typeFilter": "Windows"}, {"orderColumn": "Name"}, {"limit": "all"}],
)
async def test_wrong_queries(client: Client, query: dict[str, str]) -> None:
    """Words that the enums have not."""
    assert await client.status_of_get("/credentials", **query) == 400


async def test_an_older_revision_has_two_types(kept: World) -> None:
    """Managed service accounts came with 1.3: 1.2-rev1 neither lists nor knows them."""
    headers = {"x-api-version": "1.2-rev1"}
    behaviour = Behaviour(supported_revisions=accepted_by("1.2-rev1"))
    async with VbrSandbox(kept, behaviour=behaviour) as vbr, Client(vbr, headers) as client:
        await client.log_in()
        rows = (await client.get("/credentials"))["data"]
        assert [row["type"] for row in rows] == ["Standard", "Linux"]
        assert await client.status_of_get("/credentials", typeFilter="ManagedService") == 400
