"""What one sees on the page and how it changes, in Debian's Chromium."""

import pytest
from playwright.async_api import Page, expect

from tests.rooms.sandbox.page.kit import actions, button
from tests.rooms.sandbox.page.room import CHROMIUM, Room, ScriptedPeople

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Debian's chromium is not installed (/usr/bin/chromium)"
    ),
]


async def test_an_ephemeral_message_is_marked_and_can_be_dismissed(page: Page, room: Room) -> None:
    """It says who can see it, and goes away for good."""
    room.whispers("U0ANN", "psst")
    room.whispers("U0OLE", "not for Ann")
    room.whispers("U0ANN", "/veeam failed with the error “dispatch_failed”", notice=True)
    await expect(page.locator(".message")).to_have_count(2)
    await expect(page.locator(".is-notice")).to_contain_text("Slackbot")
    await expect(page.locator(".message").first).to_contain_text("Only visible to you")
    await page.locator(".message").first.get_by_role("button", name="Dismiss").click()
    await expect(page.locator(".message")).to_have_count(1)
    room.posts("more")
    await expect(page.locator(".message")).to_have_count(2)


async def test_focus_stays_where_it_is_when_messages_change(page: Page, room: Room) -> None:
    """An edit of a message with the focused button, and a new message, leave focus alone."""
    message = room.posts("x", [actions(button("Retry"), button("Details"))])
    await page.get_by_role("button", name="Details").focus()
    message.content.blocks[0]["elements"][0]["text"]["text"] = "Retrying"
    room.workspace.conversations.edit(message, message.content, quietly=True)
    room.posts("another")
    await expect(page.get_by_role("button", name="Retrying")).to_be_visible()
    await expect(page.get_by_role("button", name="Details")).to_be_focused()


async def test_channels_with_news_are_marked(page: Page, room: Room) -> None:
    """Unread channels stand out, with the number of mentions; reading them ends it."""
    room.posts("<@U0ANN>, look", channel="backups")
    backups = page.locator("#lists").get_by_role("button", name="backups")
    await expect(backups).to_contain_text("unread")
    await expect(backups.get_by_label("1 mentions")).to_be_visible()
    await backups.click()
    await expect(page.locator(".message")).to_contain_text("@Ann Administrator, look")
    await expect(backups).not_to_contain_text("unread")


async def test_acting_as_somebody_else_shows_their_workspace(
    page: Page, room: Room, people: ScriptedPeople
) -> None:
    """The switcher changes whose channels are seen and whose gestures are made; a reload keeps both."""
    room.posts("hello")
    await page.get_by_test_id("person").click()
    await page.get_by_role("option", name="Gus Guest").click()
    await expect(page.get_by_test_id("person")).to_contain_text("guest")
    await expect(page.locator("#lists")).not_to_contain_text("war-room")
    await page.reload()
    await expect(page.get_by_test_id("person")).to_contain_text("Gus Guest")
    await page.locator("#composer textarea").fill("hi")
    await page.keyboard.press("Enter")
    assert (await people.has_made())[0].person == "U0GUS"


async def test_the_strip_tells_how_to_reach_the_simulated_server(page: Page) -> None:
    """Another VBR client can be pointed at the server with what stands there."""
    await page.locator("[data-server=hq]").click()
    panel = page.get_by_role("dialog", name="Simulated VBR hq")
    for text in ("https://127.0.0.1:9419", "svc", "pass-for-hq", "1.3-rev0"):
        await expect(panel.get_by_text(text, exact=True)).to_be_visible()


async def test_a_fault_is_a_switch_that_shows_its_position(page: Page, room: Room) -> None:
    """Breaking something is one press, undone by another, and seen on the strip meanwhile."""
    await page.locator("#faults").click()
    switch = page.get_by_role("switch", name="hq is down")
    await switch.click()
    await expect(switch).to_be_checked()
    await expect(page.locator("#faults")).to_have_text("Faults: 1 on")
    assert room.is_down
    await switch.click()
    await expect(page.locator("#faults")).to_have_text("Faults")
    assert not room.is_down


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
async def test_nothing_scrolls_sideways(page: Page, room: Room, width: int) -> None:
    """From a phone to a desk the page fits its window; wide tables scroll within themselves."""
    wide = {"type": "raw_text", "text": "a wide cell that does not wrap at all " * 3}
    room.posts(
        "x" * 300,
        [{"type": "table", "rows": [[wide, wide]]}, actions(*(button(f"Button {n}") for n in range(8)))],
    )
    await page.set_viewport_size({"width": width, "height": 800})
    await expect(page.locator(".block-table")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(
        "document.querySelector('#pane').scrollWidth <= document.querySelector('#pane').clientWidth"
    )


async def test_channels_are_behind_a_button_on_a_phone(page: Page) -> None:
    """The sidebar opens, takes one to a channel, and closes."""
    await page.set_viewport_size({"width": 390, "height": 800})
    backups = page.locator("#lists").get_by_role("button", name="backups")
    await expect(backups).to_be_hidden()
    await page.locator("#menu").click()
    await backups.click()
    await expect(page.locator("#title")).to_have_text("backups")
    await expect(backups).to_be_hidden()


async def test_a_sandbox_that_is_gone_is_told(page: Page, room: Room) -> None:
    """The strip says that the line is cut, and a gesture says so too."""
    await room.page.stop()
    await expect(page.locator("#status")).to_have_text("Page disconnected")
    await page.locator("#composer textarea").fill("hello?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast")).to_contain_text("doesn't answer")
