"""A pattern that a person types holds nobody else up, and does not keep the bot from stopping."""

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.rig import PROD, Rig, Setting

PATTERNS = ["*" * 200 + "s", "*a" * 100 + "*s", "*a?" * 80 + "*s"]
COMMANDS = ("jobs {}", "jobs repo:{}", "jobs failed {}", "job {}", "sessions {}", "status server:{}")


@pytest.mark.timeout(120)
async def test_a_viewers_stars_stop_nothing(tmp_path: Path) -> None:
    """Whatever takes a pattern is answered, others are answered meanwhile, and SIGTERM ends the bot."""
    async with Rig(tmp_path, Setting(polling_seconds=0.5)) as rig:
        for number in range(100):
            rig.world.add_job("a" * 150 + f"{number:02d}")
        await rig.start()
        for pattern in PATTERNS:
            for command in COMMANDS:
                assert (await rig.slack.person("vic").types(PROD, command.format(pattern))).shown == "ok"
        began = asyncio.get_running_loop().time()
        assert "jobs" in await rig.asks("ann", "help")
        assert asyncio.get_running_loop().time() - began < 5
        await rig.until(lambda: len(rig.whispers("vic")) == len(PATTERNS) * len(COMMANDS))
        # Some are still being worked on when the signal comes.
        for pattern in PATTERNS:
            await rig.slack.person("vic").types(PROD, f"jobs {pattern}")
        began = asyncio.get_running_loop().time()
        assert await rig.ends() == 0
        assert asyncio.get_running_loop().time() - began < 10
        assert "Traceback" not in rig.log
