"""Where the settings name the channels in which the bot listens, it listens nowhere else."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.sandbox.slack.messages import Channel
from bot.sandbox.vbr import World
from tests.acceptance.rig import BACKUPS, PROD, START, Rig, Setting, now

PEERS = "D0PEERS"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    world = World(now, name="hq")
    world.add_job("SQL Prod", run_seconds=3600)
    setting = Setting(toml="", slack_toml=f'allowed_channels = ["{PROD}"]', polling_seconds=3600)
    async with Rig(tmp_path_factory.mktemp("allowed"), setting, world=world) as made:
        people = [made.slack.person(name).person.id for name in ("ann", "ole")]
        made.slack.workspace.conversations.add(Channel(PEERS, "", kind="im", members=people))
        await made.start()
        yield made


async def test_an_allowed_channel(rig: Rig) -> None:
    """There it answers."""
    assert "SQL Prod" in await rig.asks("ann", "jobs", PROD)


async def test_a_direct_message_to_the_bot(rig: Rig) -> None:
    """Nobody else reads along: it answers there as well."""
    workspace = rig.slack.workspace
    ann = rig.slack.person("ann").person.id
    channel = workspace.conversations.direct(workspace.app.bot_user, ann)
    assert "SQL Prod" in await rig.asks("ann", "jobs", channel.id)


@pytest.mark.parametrize("channel", [BACKUPS, PEERS])
async def test_another_channel_and_a_conversation_of_two_people(rig: Rig, channel: str) -> None:
    """Refused and on record, queries and actions alike."""
    before = len(refusals(rig))
    for words in ("jobs", "start SQL Prod"):
        assert "SQL Prod" not in await rig.asks("ann", words, channel)
    assert refusals(rig)[before:] == ["channel", "channel"]
    assert rig.sent("POST", START) == 0


def refusals(rig: Rig) -> list[str]:
    rows = rig.rows("SELECT detail FROM audit WHERE event = 'refused' ORDER BY id")
    return [str(row["detail"]) for row in rows]
