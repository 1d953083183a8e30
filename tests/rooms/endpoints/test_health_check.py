"""The image's health check, run as Docker runs it, against the real endpoints."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

from bot import endpoints
from bot.observability import Health, Metrics
from tests.support.clock import FakeClock

DOCKERFILE = Path(__file__).parents[3] / "Dockerfile"


async def exit_code(port: int) -> int:
    """What the health check ends with, when the bot's port is this one."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    (command,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.+\])$", text, re.MULTILINE)
    python, *arguments = json.loads(command)
    assert python == "python"
    proxies = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, **proxies, "PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


async def test_the_health_check_finds_the_bot_alive() -> None:
    """It asks the bot itself, whatever proxy leads outside; without a bot on that port it fails."""
    clock = FakeClock()
    server = endpoints.Server(
        endpoints.application(Health(clock), Metrics()), host="127.0.0.1", port=0, clock=clock
    )
    await server.start()
    port = server.port
    try:
        assert await exit_code(port) == 0
    finally:
        await server.close()
    assert await exit_code(port) == 1
