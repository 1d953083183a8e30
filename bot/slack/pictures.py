"""The pictures of digests: drawn and uploaded when the message that shows them is about to be sent.

What fails here takes nothing away: the message has squares instead, and says why. A picture is uploaded into
no channel, so nobody sees one whose message never came, and none is posted twice.
"""

import asyncio
from collections import Counter
from hashlib import sha256
from typing import TypeGuard

import msgspec
import structlog

from bot.observability import Clock, contained
from bot.slack import errors
from bot.slack.web_api import TIMEOUT_SECONDS, WebApi
from bot.veeam import Report
from bot.watch import facts

_NAME = "last-days.png"
_KEPT = 20
_NOT_READY = "invalid_blocks"
_PAUSES_SECONDS = (1.0, 2.0, 4.0)
"""Slack refuses a picture so long as it still looks at the file: a few seconds after the upload."""

log = structlog.get_logger()


class Pictures:
    """Adds pictures to what is about to be sent.

    The files of the last ones are known, by what was drawn: for a second try, and edits that change nothing.
    """

    def __init__(self, web_api: WebApi, clock: Clock) -> None:
        self._web_api = web_api
        self._clock = clock
        self._files: dict[bytes, str] = {}
        self._refused: Counter[str] = Counter()

    async def with_picture(self, announced: facts.Announcement) -> facts.Announcement:
        """The announcement with its picture, or why it has none; the same one where none is wanted."""
        if not isinstance(announced, facts.DigestDays) or not announced.has_picture:
            return announced
        uploaded: list[str] = []
        problem = "internal_error"

        async def upload() -> None:
            nonlocal problem
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    uploaded.append(await self._file_of(announced.report))
            except ModuleNotFoundError:
                problem = "not_installed"
            except errors.SlackError as error:
                problem = error.word
            except TimeoutError:
                problem = "timeout"

        await contained(upload(), "delivery.picture_broke", key=announced.key)
        if uploaded:
            return msgspec.structs.replace(announced, file_id=uploaded[0])
        return _without_picture(announced, problem)

    async def is_ready_later(self, announced: facts.Announcement, error: errors.SlackRefused) -> bool:
        """Wait where Slack may not be done with the picture; False where that is not it."""
        if not _shows_picture(announced) or error.word != _NOT_READY:
            return False
        if (times := self._refused[str(announced.file_id)]) >= len(_PAUSES_SECONDS):
            return False
        self._refused[str(announced.file_id)] += 1
        await self._clock.sleep(_PAUSES_SECONDS[times])
        return True

    def without_refused(
        self, announced: facts.Announcement, error: errors.SlackRefused
    ) -> facts.Announcement:
        """The announcement without its picture, where that can be what Slack refuses; else the same one."""
        is_perhaps = type(error) is errors.SlackRefused or (
            isinstance(error, errors.MessageInvalid) and not error.is_about_metadata
        )
        if not _shows_picture(announced) or not is_perhaps:
            return announced
        self._files = {key: file_id for key, file_id in self._files.items() if file_id != announced.file_id}
        return _without_picture(announced, error.word)

    async def _file_of(self, report: Report) -> str:
        drawn = await asyncio.to_thread(_draw, report)
        known_by = sha256(drawn).digest()
        if known_by not in self._files:
            self._files[known_by] = await self._web_api.upload(_NAME, drawn)
            self._refused.clear()
        if len(self._files) > _KEPT:
            del self._files[next(iter(self._files))]
        return self._files[known_by]


def _draw(report: Report) -> bytes:
    from bot.slack.views import day_picture  # noqa: PLC0415 -- Pillow is an extra, for those who want pictures

    return day_picture.png(report)


def _shows_picture(announced: facts.Announcement) -> TypeGuard[facts.DigestDays]:
    return isinstance(announced, facts.DigestDays) and announced.file_id is not None


def _without_picture(announced: facts.DigestDays, problem: str) -> facts.DigestDays:
    log.warning("delivery.picture_left_out", key=announced.key, problem=problem)
    return msgspec.structs.replace(announced, file_id=None, no_picture=problem)
