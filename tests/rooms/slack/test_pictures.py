"""The picture of a digest: in its message once and for all, or squares in its place and why."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import bot.slack.views
from bot.sandbox.slack.faults import Dropped, Held, RateLimited, Refused, ServerError, SlackFault
from bot.sandbox.slack.messages import Message
from bot.store import NewOutboxRow, Placement
from bot.veeam import Report
from bot.watch.facts import DigestDays, encode
from tests.rooms.slack.delivering import PROD, PostOffice, post_office
from tests.unit.slack import report_samples

KEY = "digest/C0PROD/12:00/UTC/2026-11-23/days"
BEGIN, ADDRESS, COMPLETE = "files.getUploadURLExternal", "upload_url", "files.completeUploadExternal"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with post_office(tmp_path) as opened:
        opened.slack.workspace.app.scopes.add("files:write")
        yield opened


def few(*, failed_today: int = 3) -> Report:
    """A report whose picture differs with how many jobs failed today."""
    found = report_samples.few()
    findings = msgspec.structs.replace(found.findings, failed_by_day=(0,) * 13 + (failed_today,))
    return msgspec.structs.replace(found, findings=findings)


async def queue(office: PostOffice, found: Report, *, edit: int = 0, has_picture: bool = True) -> None:
    row = NewOutboxRow(
        key=f"{KEY}/edit/{edit}" if edit else KEY,
        channel=PROD,
        kind="digest_days",
        body=encode(DigestDays(key=KEY, report=found, has_picture=has_picture)),
        created_at=office.clock.now(),
        placement=Placement.EDIT if edit else Placement.POST,
        root_key=KEY if edit else None,
    )
    async with office.database.transaction() as transaction:
        await office.outbox.add(transaction, [row])


async def deliver(office: PostOffice) -> Message:
    """Send what waits; return the one message there is."""
    async with office.sending():
        await office.until_sent()
    (message,) = office.everything()
    return message


def image(message: Message) -> dict[str, Any] | None:
    return next((block for block in message.blocks if block["type"] == "image"), None)


def has_squares(message: Message) -> bool:
    return ":large_red_square:" in str(message.blocks)


async def test_the_picture_stands_in_the_message(office: PostOffice) -> None:
    """With its words; the file is a PNG that was given to Slack without the token, and is in no channel."""
    await queue(office, few())
    message = await deliver(office)
    (stored,) = office.slack.services.files.values()
    shown = image(message)
    assert shown is not None
    assert shown["slack_file"]["id"] == stored.id
    assert shown["alt_text"].startswith(
        "The last 14 days, 10 Nov to 23 Nov. Jobs that failed or warned in them"
    )
    assert "`SSSSSSSWSS-SFF` *SQL Prod*" in message.text
    assert not has_squares(message)
    assert (stored.is_picture, stored.came_with_token, stored.channels) == (True, False, [])


async def test_without_the_setting_nothing_is_uploaded(office: PostOffice) -> None:
    """The digest has its squares, and says nothing of pictures."""
    await queue(office, few(), has_picture=False)
    message = await deliver(office)
    assert has_squares(message)
    assert "picture" not in str(message.blocks)
    assert not office.slack.calls_of(BEGIN)


@pytest.mark.parametrize(
    ("method", "fault", "why"),
    [
        (BEGIN, Refused("file_uploads_disabled"), "the workspace allows no uploads"),
        (BEGIN, Refused("storage_limit_reached"), "the workspace's storage is full"),
        (BEGIN, Refused("something_new"), "`something_new`"),
        (BEGIN, Refused("token_revoked"), "`token_revoked`"),
        (BEGIN, RateLimited(60), "`ratelimited`"),
        (BEGIN, Dropped(after_effect=True), "`ServerDisconnectedError`"),
        (ADDRESS, ServerError(503), "`http_503`"),
        (ADDRESS, Dropped(after_effect=False), "`ServerDisconnectedError`"),
        (COMPLETE, Refused("internal_error"), "`internal_error`"),
        (COMPLETE, ServerError(500, after_effect=True), "`http_500`"),
        (
            "chat.postMessage",
            Refused("slack_connect_file_upload_sharing_blocked"),
            "`slack_connect_file_upload_sharing_blocked`",
        ),
        ("chat.postMessage", Refused("something_new"), "`something_new`"),
    ],
    ids=str,
)
async def test_what_fails_leaves_squares(
    office: PostOffice, method: str, fault: SlackFault, why: str
) -> None:
    """The digest is there at once and once, with its squares, and says why it has no picture."""
    office.slack.faults.add(method, fault)
    await queue(office, few())
    message = await deliver(office)
    assert has_squares(message)
    assert image(message) is None
    assert f"Squares instead of the picture: {why}." in str(message.blocks)
    assert len(office.slack.calls_of(BEGIN)) == 1


async def test_a_missing_scope_leaves_squares(office: PostOffice) -> None:
    """Whoever reads it knows which one; nothing else of the bot is held up by it."""
    office.slack.faults.withdraw_scope("files:write")
    await queue(office, few())
    message = await deliver(office)
    assert has_squares(message)
    assert "the app lacks the scope `files:write`" in str(message.blocks)
    assert not office.is_unwell("slack:token")


async def test_an_address_that_is_not_slacks_gets_nothing(office: PostOffice) -> None:
    """Neither the file nor anything else is sent to another host."""
    office.slack.services.base_url = lambda: "https://files.slack.com.example.com/"
    await queue(office, few())
    message = await deliver(office)
    assert has_squares(message)
    assert "`not_an_address_of_slack`" in str(message.blocks)
    assert not office.slack.calls_of(COMPLETE)


async def test_a_machine_without_pillow_has_squares(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "bot.slack.views.day_picture", raising=False)
    monkeypatch.delattr(bot.slack.views, "day_picture", raising=False)
    await queue(office, few())
    message = await deliver(office)
    assert has_squares(message)
    assert "`veeam-bot[pictures]` is not installed" in str(message.blocks)


async def test_a_bug_in_drawing_leaves_squares(office: PostOffice) -> None:
    """A report that cannot be drawn is still told."""
    found = few()
    broken = msgspec.structs.replace(found.findings, failed_by_day=(1,))
    await queue(office, msgspec.structs.replace(found, findings=broken))
    message = await deliver(office)
    assert has_squares(message)
    assert "`internal_error`" in str(message.blocks)


@pytest.mark.parametrize(("file_seconds", "is_shown"), [(2.5, True), (1e6, False)])
async def test_slack_is_given_time_to_look_at_the_file(
    office: PostOffice, *, file_seconds: float, is_shown: bool
) -> None:
    """Until then it refuses the message: it is tried again for some seconds, then squares are enough."""
    office.slack.services.file_seconds = file_seconds
    await queue(office, few())
    message = await deliver(office)
    assert (image(message) is not None, has_squares(message)) == (is_shown, not is_shown)
    assert 1 < len(office.slack.calls_of("chat.postMessage")) <= 5
    assert len(office.slack.calls_of(COMPLETE)) == 1


async def test_a_lost_reply_costs_no_second_message(office: PostOffice) -> None:
    """It is found by its metadata, and nothing is uploaded for it again."""
    office.slack.faults.add("chat.postMessage", Dropped(after_effect=True))
    await queue(office, few())
    message = await deliver(office)
    assert image(message) is not None
    assert len(office.slack.services.files) == 1


@pytest.mark.parametrize("held", [BEGIN, COMPLETE, "chat.postMessage"])
async def test_a_kill_on_the_way_costs_a_file_at_most(office: PostOffice, held: str) -> None:
    """The next process uploads again and posts one message; the stray file is in no channel."""
    office.slack.faults.add(held, Held())
    await queue(office, few())
    async with office.sending("here:1:a"):
        await office.until(lambda: not office.slack.faults._planned[0].times)
    office.slack.faults.released.set()
    async with office.sending("here:2:b"):
        await office.until_sent()
    (message,) = office.everything()
    assert image(message) is not None
    assert len(office.slack.services.files) <= 2
    assert not any(stored.channels for stored in office.slack.services.files.values())


async def test_an_edit_uploads_what_has_changed(office: PostOffice) -> None:
    """The same days again show the same file; other days show another one."""
    await queue(office, few())
    first = image(await deliver(office))
    await queue(office, few(), edit=1)
    async with office.sending():
        await office.until_sent()
        again = image(office.everything()[0])
        await queue(office, few(failed_today=9), edit=2)
        await office.until_sent()
    (message,) = office.everything()
    other = image(message)
    assert None not in (first, again, other)
    assert again != other
    assert len(office.slack.services.files) == 3  # the second process had none of the first's
