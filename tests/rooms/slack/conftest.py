"""A simulated Slack with its default workspace."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.slack import SlackSandbox


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as sandbox:
        yield sandbox
