"""Questions side by side: what fails or is late leaves the others."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from bot.settings import ServerName
from bot.veeam import Detail, NotFoundOnServer, VeeamError, answered, noting_missing

HQ = ServerName("hq")


async def _told(what: str) -> str:
    return what


async def _failing() -> str:
    raise NotFoundOnServer(HQ, "no such host")


async def _silent() -> str:
    await asyncio.Event().wait()
    return "never"


async def _answered(*questions: Coroutine[Any, Any, str]) -> tuple[str, ...]:
    return await answered(HQ, Detail.OBJECTS, questions, within_seconds=0.05)


async def test_what_fails_or_is_late_leaves_the_others() -> None:
    """In the order asked, and no later than was said; that something is missing is noted."""
    asked = (_told("a"), _failing(), _silent(), _told("b"))
    with noting_missing() as missing:
        assert await _answered(*asked) == ("a", "b")
    assert [each.what for each in missing.values()] == [Detail.OBJECTS]


async def test_where_all_fail_the_first_failure_is_raised() -> None:
    """Nothing found would be wrong then; where somebody is merely late, or nobody was asked, it is right."""
    with pytest.raises(VeeamError, match="no such host"):
        await _answered(_failing(), _failing())
    assert await _answered(_failing(), _silent()) == ()
    assert await _answered() == ()
