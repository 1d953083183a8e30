from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.rooms.sandbox.page.room import CHROMIUM, Room, ScriptedPeople

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest_asyncio.fixture(loop_scope="module")
async def room() -> AsyncIterator[Room]:
    made = Room()
    async with made.page:
        yield made


@pytest.fixture
def people(room: Room) -> ScriptedPeople:
    return room.people


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, room: Room) -> AsyncIterator[Page]:
    """The page as Ann sees it, in #prod; an error in its script fails the test."""
    context = await browser.new_context(locale="en-US", timezone_id="Asia/Tokyo", reduced_motion="reduce")
    context.set_default_timeout(5000)
    opened = await context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    await opened.goto(room.page.url)
    await expect(opened.get_by_test_id("person")).to_contain_text("Ann Administrator")
    yield opened
    await context.close()
    assert errors == []
