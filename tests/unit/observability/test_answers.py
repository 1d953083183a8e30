"""No answer is larger than its limit, however it is packed, and no wait longer than what is believable."""

import gzip
import math
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.observability import AnswerBody, AnswerTooLarge, AnswerUnreadable, capped_wait


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def unpacked(sent: bytes) -> bytes:
    answer = AnswerBody("gzip")
    answer.feed(sent)
    return answer.end()


@given(body=st.binary(max_size=300), size=st.integers(1, 64), packed=st.booleans())
def test_a_body_within_the_limit_is_read_as_it_was_sent(body: bytes, size: int, *, packed: bool) -> None:
    """Packed or not, in whatever pieces it arrives."""
    answer = AnswerBody("GZIP" if packed else "", at_most=400)
    for piece in pieces(gzip.compress(body) if packed else body, size):
        answer.feed(piece)
    assert answer.end() == body


@given(size=st.integers(0, 200), at_most=st.integers(0, 200), packed=st.booleans())
def test_the_limit_is_kept_to_the_byte(size: int, at_most: int, *, packed: bool) -> None:
    """One byte more than the limit ends the reading; what fitted is there."""
    body = bytes(size)
    # What is packed may be longer than what it unpacks to; both are counted.
    at_most = max(at_most, len(gzip.compress(body))) if packed else at_most
    answer = AnswerBody("gzip" if packed else "identity", at_most)
    if size <= at_most:
        answer.feed(gzip.compress(body) if packed else body)
        assert answer.end() == body
        return
    with pytest.raises(AnswerTooLarge):
        answer.feed(gzip.compress(body) if packed else body)
    assert answer.content == body[:at_most]


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    """128 MiB in 128 KiB: unpacked step by step, and no further than the limit."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    bomb = b"".join([*(packer.compress(bytes(2**20)) for _ in range(128)), packer.flush()])
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLarge):
            AnswerBody("gzip", at_most=2**20).feed(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_bytes_after_the_end_of_what_is_packed_count_too() -> None:
    """An endless body that unpacks to nothing ends as well."""
    answer = AnswerBody("gzip", at_most=1000)
    packed = gzip.compress(b"{}")
    answer.feed(packed)
    answer.feed(bytes(1000 - len(packed)))
    with pytest.raises(AnswerTooLarge):
        answer.feed(b"\0")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip;q=1"])
def test_a_packing_that_was_not_asked_for_is_not_unpacked(encoding: str) -> None:
    """Packed twice, a kilobyte can be a terabyte."""
    with pytest.raises(AnswerUnreadable):
        AnswerBody(encoding)


@pytest.mark.parametrize("sent", [b"plain", gzip.compress(b"x" * 1000, mtime=0)[:-12]])
def test_a_broken_packing_is_said_to_be_so(sent: bytes) -> None:
    """What is no gzip, and what was cut off."""
    with pytest.raises(AnswerUnreadable):
        unpacked(sent)


@pytest.mark.parametrize(
    ("asked", "waited"), [(5.0, 5.0), (-1.0, 0.0), (1e300, 60.0), (math.inf, 60.0), (math.nan, 60.0)]
)
def test_a_wait_is_within_reason(asked: float, waited: float) -> None:
    """Whatever is asked for, the bot comes back."""
    assert capped_wait(asked, 60.0) == waited
