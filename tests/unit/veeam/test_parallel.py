"""Questions side by side: what fails or is late leaves the others."""

import asyncio

import pytest

from bot.settings import ServerName
from bot.veeam import NotFoundOnServer, VeeamError, answered

HQ = ServerName("hq")


async def _told(what: str) -> str:
    return what


async def _failing() -> str:
    raise NotFoundOnServer(HQ, "no such host")


async def _silent() -> str:
    await asyncio.Event().wait()
    return "never"


async def test_what_fails_or_is_late_leaves_the_others() -> None:
    """In the order asked, and no later than was said."""
    asked = (_told("a"), _failing(), _silent(), _told("b"))
    assert await answered(asked, within_seconds=0.05) == ("a", "b")


async def test_where_all_fail_the_first_failure_is_raised() -> None:
    """Nothing found would be wrong then; where somebody is merely late, or nobody was asked, it is right."""
    with pytest.raises(VeeamError, match="no such host"):
        await answered((_failing(), _failing()), within_seconds=0.05)
    assert await answered((_failing(), _silent()), within_seconds=0.05) == ()
    assert await answered((), within_seconds=0.05) == ()
