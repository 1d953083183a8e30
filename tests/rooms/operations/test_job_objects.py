"""What jobs may include, found in VBR's inventory: each kind in the hierarchy that shows it."""

import pytest

from bot.operations.job_editor import JobDraft
from bot.operations.job_editor.objects import JobObjects
from bot.operations.model import Visibility
from bot.operations.permissions import Permissions
from bot.sandbox.vbr.faults import refusing
from bot.settings import GrantSettings, GroupReference, Role
from bot.slack.views.status_text import missing_details
from bot.veeam import JobSettings, SettingsField, Source, noting_missing
from tests.rooms.operations.office import HQ, OPERATOR, Office

BROWSED = ("POST", "/api/v1/inventory/{hostname}")


DRAFT = JobDraft(id="", server=HQ, kind="VSphereBackup", wanted=JobSettings(""))


async def all_of(office: Office) -> Visibility:
    grants = (GrantSettings(group=GroupReference("S0OPS"), role=Role.BACKUP_ADMINISTRATOR),)
    rights = Permissions(grants, office.fleet.revisions)
    return rights.visibility(await office.team.read(OPERATOR))


@pytest.fixture
def objects(office: Office) -> JobObjects:
    return JobObjects(office.clock)


@pytest.mark.parametrize(
    ("text", "kind", "hierarchy"),
    [
        ("vm01", "VirtualMachine", "HostsAndClusters"),
        ("esx01", "Host", "HostsAndClusters"),
        ("frontend", "Folder", "VmsAndTemplates"),
        ("tpl-debian", "Template", "VmsAndTemplates"),
        ("gold", "Tag", "VmsAndTags"),
        ("san-01", "Datastore", "DatastoresAndVms"),
    ],
)
async def test_each_kind_is_asked_for_where_vbr_shows_it(
    office: Office, objects: JobObjects, text: str, kind: str, hierarchy: str
) -> None:
    """What VBR looks through unasked is not documented, so it is always named."""
    visibility, server = await all_of(office), office.fleet.server(HQ)
    found = await objects.like(server, DRAFT, SettingsField.OBJECTS, text, visibility)
    assert kind in {each.kind for each in found}
    asked = [request.body for request in office.hq.requests.of(*BROWSED)]
    views = {body["hierarchyType"] for body in asked if kind in str(body["filter"])}
    assert views == {hierarchy}

    again = await objects.by_key(server, Source.VSPHERE, [each.key for each in found], visibility)
    assert set(again) == {each.key for each in found}


async def test_what_of_the_inventory_is_missing_is_called_so(office: Office, objects: JobObjects) -> None:
    """Not an object of a session."""
    office.hq.faults.add(*BROWSED, refusing(500))
    with noting_missing() as missing:
        await objects.like(
            office.fleet.server(HQ), DRAFT, SettingsField.OBJECTS, "vm01", await all_of(office)
        )
    (line,) = missing_details(missing.values())
    assert "*hq*: Parts of the inventory could not be read" in line
