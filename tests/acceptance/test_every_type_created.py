"""The types of VBR's Jobs page made from nothing over Slack's wire: filled in, looked over, sent once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.vbr import World
from bot.sandbox.vbr.estate import RepositoryFacts, add_repository
from bot.slack.views.status_text import type_name
from tests.acceptance.form_person import Person
from tests.acceptance.rig import IN_SHARED, SHARED, Rig, now
from tests.rooms.operations.form_room import with_every_kind
from tests.support.openapi import document_of

REVISION = "1.3-rev0"
CREATING = ("POST", "/api/v1/jobs")
STORE = {"repository": ("", "Second Repository")}
MACHINE = {"objects": ("app01", "app01"), **STORE}
TENANT = {"tenant": ("", "example.onmicrosoft.com")}
TYPES: dict[str, tuple[str, dict[str, tuple[str, str]], str]] = {
    "VSphereBackup": ("vmware backup", MACHINE, "Proxies: chosen by VBR"),
    "HyperVBackup": ("hyper-v backup", MACHINE, "none, the host itself (on-host)"),
    "CloudDirectorBackup": ("cloud director backup", MACHINE, "Proxies: chosen by VBR"),
    "VSphereReplica": (
        "vmware replication",
        {**MACHINE, "host": ("", "esx01.example.com")},
        "Target host: esx01.example.com",
    ),
    "WindowsAgentBackup": (
        "windows agent backup",
        {"objects": ("phys-win01", "phys-win01"), **STORE},
        "Computers are: servers",
    ),
    "LinuxAgentBackup": (
        "linux agent backup",
        {"objects": ("phys-lnx01", "phys-lnx01"), **STORE},
        "Backup mode: entire computer",
    ),
    "EntraIDTenantBackup": ("entra id backup", TENANT, "Retention: 30 days"),
    "EntraIDAuditLogBackup": ("entra id audit log backup", {**TENANT, **STORE}, "Retention: 1 year"),
}
"""What is typed for a type, what is searched and chosen in its form, and what the review says."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    world = World(now, name="hq")
    add_repository(world.book, RepositoryFacts("Second Repository", "WinLocal", 1000, 100))
    world.add_job("Files")
    with_every_kind(world)
    async with Rig(tmp_path_factory.mktemp("types"), IN_SHARED, world=world) as made:
        made.slack.rates.is_on = False
        await made.start()
        yield made


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_of_each_type_is_created(rig: Rig, kind: str) -> None:
    """One POST that VBR's own document allows; the job is there as the review said, and the channel knows."""
    typed, searched, said = TYPES[kind]
    ann, before = Person(rig, "ann"), rig.sent(*CREATING)
    await ann.actor.types(SHARED, f"create {typed}")
    await ann.sees(f"A new {type_name(kind)} job on hq.")
    chosen: dict[str, Any] = {
        field: await ann.option(field, text, name) for field, (text, name) in searched.items()
    }
    if "objects" in chosen:
        chosen["objects"] = [chosen["objects"]]
    await ann.submits({"name": f"New {typed}", **chosen})
    await ann.sees(said)
    assert rig.sent(*CREATING) == before
    await ann.submits({})
    told = f"New {typed}* on hq created by <@U0ANN>"
    await rig.until(lambda: any(told in each.text for each in rig.slack.messages(SHARED)))
    made = rig.world.book.job_named(f"New {typed}")
    assert made is not None
    assert made.type == kind
    assert rig.sent(*CREATING) == before + 1
    body = rig.vbr.requests.of(*CREATING)[-1].body
    if (document := document_of(REVISION)) is not None:
        assert document.check_request(*CREATING, [], body) == []
