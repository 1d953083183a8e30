"""Rights are those of the moment of the click, and nobody has any where they cannot be read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import Refused, ServerError
from bot.sandbox.slack.messages import Message
from tests.acceptance.rig import BACKUPS, DISABLE, GROUPS, PROD, RETRY, Rig, Setting


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as made:
        yield made


async def failure(rig: Rig) -> Message:
    """A failure that stands in the channel with its button."""
    job = rig.world.add_job("SQL Prod", objects=["vm01"], run_seconds=3600)
    session = rig.world.finish_run(job, result="Failed", objects={"vm01": "Disk full"}, seconds=9)
    await rig.until(lambda: rig.told()[session.id])
    return next(each for each in rig.slack.messages(PROD) if each.metadata)


async def test_a_membership_removed_a_moment_ago_counts(rig: Rig) -> None:
    """Who has just left the group is refused at the click, though they were allowed before it."""
    await rig.start()
    root = await failure(rig)
    assert "SQL Prod" in await rig.asks("ole", "jobs")
    rig.slack.workspace.directory.set_members("S0BACKUPOPERATORS", [])
    kinds = ("subteam_members_changed", "subteam_updated")
    await rig.until(lambda: sum(_type(each.payload) in kinds for each in rig.slack.deliveries) == 2)
    await rig.slack.person("ole").presses(root, "Retry")
    await rig.until(lambda: len(rig.whispers("ole")) == 2)
    assert "requires a Veeam role, and you have none here" in rig.whispers("ole")[-1]
    assert rig.sent("POST", RETRY) == 0
    (refused,) = [row for row in rig.rows("SELECT * FROM audit") if row["event"] == "refused"]
    assert (refused["person_id"], refused["detail"]) == ("U0OLE", "no_grant")


def _type(payload: dict[str, object]) -> object:
    event = payload.get("event")
    return event.get("type") if isinstance(event, dict) else None


async def test_a_group_that_is_switched_off_grants_nothing(rig: Rig) -> None:
    """A disabled group keeps its members and gives them nothing."""
    rig.slack.workspace.directory.set_disabled("S0BACKUPADMINS", disabled=True)
    await rig.start()
    assert "requires a Veeam role, and you have none here" in await rig.asks("ann", "jobs")


@pytest.mark.parametrize(
    "fault", [Refused("missing_scope"), ServerError(500), Refused("fatal_error")], ids=str
)
async def test_groups_that_cannot_be_read_let_nobody_in(rig: Rig, fault: Refused | ServerError) -> None:
    """Fail closed, on record, and open again once they can be read."""
    rig.slack.faults.add("usergroups.list", fault, 3)
    await rig.start()
    said = await rig.asks("ann", "jobs")
    assert "Couldn't read your user groups from Slack" in said
    (row,) = rig.rows("SELECT * FROM audit")
    assert (row["event"], row["detail"]) == ("refused", "groups_unreadable")
    rig.slack.faults.clear()
    assert "Couldn't read" not in await rig.asks("ann", "jobs")


async def test_a_person_who_cannot_be_read_is_not_let_in(rig: Rig) -> None:
    """The payload's word for who somebody is does not do."""
    rig.slack.workspace.directory.person("ann").is_hidden = True
    await rig.start()
    assert "Couldn't read your account from Slack" in await rig.asks("ann", "jobs")


async def test_a_free_plan_has_no_groups_and_so_nobody_is_let_in(rig: Rig) -> None:
    """Grants to groups cannot work there; that is refused, not guessed."""
    rig.slack.workspace.directory.has_paid_plan = False
    await rig.start()
    assert "Couldn't read your user groups from Slack" in await rig.asks("ann", "jobs")
    assert "Couldn't read your user groups from Slack" in await rig.asks("ann", "whoami")


async def test_a_person_deactivated_a_moment_ago(rig: Rig) -> None:
    """A command that was under way when its sender was deactivated is refused."""
    await rig.start()
    ann = rig.slack.person("ann")
    channel = rig.slack.workspace.conversations.channel(PROD)
    payload = ann.payloads.slash_command(ann.person, channel, "/veeam", "jobs", typed="/veeam jobs")
    rig.slack.workspace.directory.change_kind("U0ANN", "deactivated")
    await rig.delivers("slash_commands", payload)
    await rig.until(lambda: rig.whispers("ann"))
    assert "Your Slack account is deactivated" in rig.whispers("ann")[0]


async def test_commands_are_taken_in_the_allowed_channels_alone(tmp_path: Path) -> None:
    """Elsewhere: a refusal, on record, whatever the role; buttons are no way round it."""
    setting = Setting(slack_toml=f'allowed_channels = ["{BACKUPS}"]', polling_seconds=0.2)
    async with Rig(tmp_path, setting) as rig:
        await rig.start()
        root = await failure(rig)
        assert "doesn't take commands in this channel" in await rig.asks("ann", "jobs")
        assert "SQL Prod" in await rig.asks("ann", "jobs", BACKUPS)
        await rig.slack.person("ann").presses(root, "Retry")
        await rig.until(lambda: len(rig.whispers("ann")) == 2)
        assert "doesn't take commands in this channel" in rig.whispers("ann")[-1]
        assert rig.sent("POST", RETRY) == 0
        refused = [row["detail"] for row in rig.rows("SELECT * FROM audit") if row["event"] == "refused"]
        assert refused == ["channel", "channel"]


async def test_grants_by_handle_and_to_one_person(tmp_path: Path) -> None:
    """A handle means the group it named first: who takes the handle over later gets nothing by it."""
    grants = '[[grants]]\ngroup = "@oncall"\nrole = "Veeam Backup Viewer"\n[[grants]]\nuser = "U0NIA"\n'
    setting = Setting(toml=f'{grants}role = "Veeam Tape Operator"\n', polling_seconds=3600)
    async with Rig(tmp_path, setting) as rig:
        directory = rig.slack.workspace.directory
        for group in GROUPS:
            directory.group(group).users.clear()
        await rig.start()
        assert "Veeam Tape Operator" in await rig.asks("nia", "whoami")
        assert "Veeam Backup Viewer" in await rig.asks("ole", "whoami")
        directory.rename_handle("S0ONCALL", "former-oncall")
        directory.rename_handle("S0TAPEOPERATORS", "oncall")
        directory.set_members("S0TAPEOPERATORS", ["U0VIC"])
        changes = ("subteam_members_changed", "subteam_updated")
        await rig.until(lambda: sum(_type(each.payload) in changes for each in rig.slack.deliveries) == 4)
        assert "Veeam Backup Viewer" not in await rig.asks("vic", "whoami")
        assert "Veeam Backup Viewer" in await rig.asks("ole", "whoami")


async def test_a_role_that_was_taken_away_a_moment_ago_disables_nothing(tmp_path: Path) -> None:
    """Slack's event has not come yet: what is for administrators alone takes what Slack says at the press."""
    async with Rig(tmp_path, Setting(polling_seconds=3600)) as rig:
        rig.world.add_job("SQL Prod")
        await rig.start()
        assert "SQL Prod" in await rig.asks("ann", "jobs")
        rig.slack.workspace.directory.group("S0BACKUPADMINS").users.remove("U0ANN")
        assert "requires a Veeam role, and you have none here" in await rig.asks("ann", "disable SQL Prod")
        assert rig.sent("POST", DISABLE) == 0
        (row,) = [row for row in rig.rows("SELECT * FROM audit") if row["event"] == "refused"]
        assert (row["job_name"], row["detail"]) == ("SQL Prod", "no_grant")


async def test_a_group_names_a_person_by_their_other_id(tmp_path: Path) -> None:
    """Enterprise Grid: groups list the organisation's ID, the gesture bears the workspace's."""
    async with Rig(tmp_path, Setting(polling_seconds=3600)) as rig:
        workspace = rig.slack.workspace
        workspace.enterprise_id = "E0ACME"
        workspace.directory.people["U0ANN"].global_id = "W0ANN"
        group = workspace.directory.group("S0BACKUPADMINS")
        group.users = ["W0ANN" if user == "U0ANN" else user for user in group.users]
        job = rig.world.add_job("SQL Prod")
        await rig.start()
        await rig.slack.person("ann").types(PROD, "disable SQL Prod")
        await rig.until(lambda: rig.sent("POST", DISABLE, job) == 1)
        await rig.until(lambda: rig.rows("SELECT * FROM audit WHERE event = 'closed'"))
        (row,) = rig.rows("SELECT * FROM audit WHERE event = 'opened'")
        assert row["person_id"] == "W0ANN"
        assert "<@W0ANN>" in await rig.asks("ann", "audit @U0ANN")
