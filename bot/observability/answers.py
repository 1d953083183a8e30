"""How much of another system's answer is believed: its size, unpacked, and how long it asks to wait.

Knows neither VBR nor Slack; their clients count with it.
"""

import math
import zlib

LARGEST_ANSWER_BYTES = 16 * 2**20
"""Unpacked. Far more than a page of 500 rows, or all user groups of a large workspace, take."""
ACCEPTED_ENCODING = "gzip"
"""What to ask for: the one packing that is unpacked here, step by step."""

_GZIP_HEADER = 16


class AnswerTooLarge(Exception):
    """An answer is larger than any that is meant; reading it has ended."""


class AnswerUnreadable(Exception):
    """An answer is packed in a way that was not asked for, or is broken."""


class AnswerBody:
    """The body of an answer, fed as it arrives, and never larger than `at_most` bytes when unpacked.

    The packed bytes count too: an endless body ends here, whatever it unpacks to.
    """

    def __init__(self, content_encoding: str = "", at_most: int = LARGEST_ANSWER_BYTES) -> None:
        encoding = content_encoding.strip().casefold()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            raise AnswerUnreadable(f"packed as {encoding[:40]}")
        self._unpacker = zlib.decompressobj(_GZIP_HEADER + zlib.MAX_WBITS) if "gzip" in encoding else None
        self._at_most = at_most
        self._received = 0
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises `AnswerTooLarge` or `AnswerUnreadable`; what fitted is in `content`."""
        self._received += len(chunk)
        room = self._at_most - len(self._body)
        if self._unpacker is not None:
            try:
                # One byte more than there is room for tells what is too large from what just fits.
                chunk = self._unpacker.decompress(chunk, room + 1)
            except zlib.error as error:
                raise AnswerUnreadable(str(error)) from None
        self._body += chunk[:room]
        if len(chunk) > room or self._received > self._at_most:
            raise AnswerTooLarge(f"more than {self._at_most:,} bytes")

    def end(self) -> bytes:
        """Return the whole body. Raises `AnswerUnreadable` where it was cut off."""
        if self._unpacker is not None and self._received and not self._unpacker.eof:
            raise AnswerUnreadable("the packed body is cut off")
        return self.content

    @property
    def content(self) -> bytes:
        """What has been read so far."""
        return bytes(self._body)


def capped_wait(seconds: float, at_most: float) -> float:
    """Return a wait that somebody asks for, within reason: never negative, endless or no number."""
    return at_most if math.isnan(seconds) else min(max(0.0, seconds), at_most)
