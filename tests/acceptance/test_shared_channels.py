"""Where another organisation reads along, the bot does, shares and asks for nothing."""

from pathlib import Path

import pytest

from bot.sandbox.slack.messages import Message
from tests.acceptance.rig import BACKUPS, PROD, START, Rig, Setting

READ_BY_OTHERS = "Another organisation reads this channel, too"


def asking(rig: Rig, channel: str) -> list[Message]:
    return [message for message in rig.slack.messages(channel) if "asks to start" in message.text]


def refusals(rig: Rig) -> list[str]:
    rows = rig.rows("SELECT detail FROM audit WHERE event = 'refused' ORDER BY id")
    return [str(row["detail"]) for row in rows]


async def test_an_approval_is_neither_asked_for_nor_given_there(tmp_path: Path) -> None:
    """The request from a direct message stands in the default channel, unless others read that as well."""
    setting = Setting(toml='[approvals]\noperations = ["start"]\n', polling_seconds=3600)
    async with Rig(tmp_path, setting) as rig:
        job = rig.world.add_job("SQL Prod", run_seconds=3600)
        workspace, ann, ben = rig.slack.workspace, rig.slack.person("ann"), rig.slack.person("ben")
        workspace.conversations.channel(PROD).is_ext_shared = True
        await rig.start()
        payload = ann.payloads.slash_command(
            ann.person, workspace.conversations.channel(PROD), "/veeam", "start SQL Prod", typed="/veeam"
        )
        await rig.delivers("slash_commands", payload)
        await rig.until(lambda: rig.whispers("ann"))
        assert READ_BY_OTHERS in rig.whispers("ann")[0]

        direct = workspace.conversations.direct(workspace.app.bot_user, ann.person.id)
        await ann.types(direct.id, "start SQL Prod")
        await rig.until(lambda: asking(rig, BACKUPS))
        await rig.bot.stop()
        workspace.conversations.channel(BACKUPS).is_pending_ext_shared = True
        await rig.start()
        for label in ("Approve", "Decline"):
            await ben.presses(asking(rig, BACKUPS)[0], label)
        await rig.until(lambda: len(rig.whispers("ben", BACKUPS)) == 2)
        assert all(READ_BY_OTHERS in told for told in rig.whispers("ben", BACKUPS))
        assert "Ask in a channel instead" in await rig.asks("ann", "start SQL Prod full", direct.id)
        assert rig.sent("POST", START, job) == 0
        assert refusals(rig) == ["shared_channel"] * 3 + ["nowhere"]


@pytest.mark.parametrize("named", [PROD, BACKUPS])
async def test_the_settings_may_name_it(tmp_path: Path, named: str) -> None:
    """A channel that `allowed_channels` names is as the settings want it; naming another names not this."""
    setting = Setting(toml="", slack_toml=f'allowed_channels = ["{named}"]', polling_seconds=3600)
    async with Rig(tmp_path, setting) as rig:
        rig.world.add_job("SQL Prod", run_seconds=3600)
        channel = rig.slack.workspace.conversations.channel(PROD)
        channel.is_ext_shared = True
        await rig.start()
        ann = rig.slack.person("ann")
        payload = ann.payloads.slash_command(ann.person, channel, "/veeam", "start SQL Prod", typed="/veeam")
        await rig.delivers("slash_commands", payload)
        if named == PROD:
            await rig.until(lambda: rig.slack.messages(PROD))
        else:
            await rig.until(lambda: rig.whispers("ann"))
        assert rig.sent("POST", START) == (named == PROD)
        assert refusals(rig) == ([] if named == PROD else ["channel"])
