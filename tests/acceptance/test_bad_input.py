"""Whatever is typed gets one clear answer."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.sandbox.vbr import World
from tests.acceptance.rig import PROD, Rig, Setting, now

RTL = "\u202e\u05d2\u05d9\u05d1\u05d5\u05d9"
NAMES = ("SQL Prod", "SQL Test", "Exchange", "Ann's VM", "payload-db", "\U0001f4be Files", RTL, "<!channel>")
WORDS: dict[str, str] = {
    "": "help",
    "frobnicate": "help",
    "job faild": "No job named",
    "jobs faild": "failed",
    "start Nothing Like It": "No job named",
    "start Exchnge": "Exchange",
    'job "SQL Prod': "SQL Prod",
    "job \u201cSQL Prod\u201d": "SQL Prod",
    "job \u201eSQL Prod\u201c": "SQL Prod",
    "job Ann\u2019s VM": "Ann's VM",
    "job payload-db": "payload-db",
    "job \U0001f4be Files": "Files",
    f"job {RTL}": "\u05d2\u05d9\u05d1\u05d5\u05d9",
    "job <!channel>": "channel",
    "job SQL\nProd": "SQL Prod",
    "JOB sql prod": "SQL Prod",
    "job SQL\u00a0Prod": "SQL Prod",
    "x" * 3000: "help",
    "job " + "y" * 3000: "at most 256 characters",
    "jobs " + "*" * 3000 + "s": "at most 256 characters",
    "jobs repo:" + "*" * 3000 + "s": "at most 256 characters",
    "job \x00\x07": "",
    "session not-an-id": "session",
    "sessions 99999999999d": "",
    "jobs type:Nonsense": "type",
    "jobs repo:Nonsense": "repository",
    "jobs server:nowhere": "server",
    "jobs [": "",
    "jobs ***": "",
    "stop SQL Prod": "is not running",
    "help frobnicate": "help",
    "disable all": "one job at a time",
    "stop *": "one job at a time",
    "start Exch": "part of the name of",
    "disable xchang for 4h": "part of the name of",
    "disable Exchange for 4": "For 4 what?",
    "start Exchange colour:blue": "colour:blue isn't an option",
    "jobs colour:blue": "colour:blue isn't an option",
    "start Exchange latest": "is not an immediate backup copy",
    "retyr Exchange": "/veeam help",
    "rename Exchange": "/veeam help",
    "history Exchange 12h": "Exchange",
    "show Exchange": "Exchange",
    "list exch": "Exchange",
    "job :floppy_disk: Files": "Files",
    "whoami <@U0NOBODY>": "",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    world = World(now, name="hq")
    for name in NAMES:
        world.add_job(name)
    setting = Setting(toml="", polling_seconds=3600)
    async with Rig(tmp_path_factory.mktemp("typed"), setting, world=world) as made:
        await made.start()
        yield made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("words", WORDS, ids=lambda words: ascii(words[:24]))
async def test_anything_typed_gets_one_clear_answer(rig: Rig, words: str) -> None:
    """One answer, to the asker alone, that names what was looked for or what would be understood."""
    before = len(rig.whispers("ann"))
    said = await rig.asks("ann", words)
    # Whatever would come behind it comes before the answer to the next question.
    following = await rig.asks("ann", "whoami")
    assert rig.whispers("ann")[before:] == [said, following]
    assert WORDS[words] in said
    assert "Something went wrong in the bot" not in said
    assert "<!channel>" not in said
    assert not any(rig.sent("POST", f"/api/v1/jobs/{{id}}/{verb}") for verb in ("start", "stop", "disable"))
    assert "Traceback" not in rig.log


@pytest.mark.asyncio(loop_scope="module")
async def test_several_matches_give_a_menu_that_works(rig: Rig) -> None:
    """A name that several jobs bear is asked back; the choice is carried out."""
    said = await rig.asks("ann", "job SQL")
    assert "2 jobs match" in said
    menu = rig.slack.ephemerals("ann", PROD)[-1]
    before = len(rig.whispers("ann"))
    chosen = await rig.slack.person("ann").chooses(menu, "choose", "SQL Test")
    assert chosen.shown == "ok"
    await rig.until(lambda: len(rig.whispers("ann")) > before)
    assert "SQL Test" in rig.whispers("ann")[-1]
