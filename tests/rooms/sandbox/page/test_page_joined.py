"""The page, the simulated Slack and a real app together, in Debian's Chromium."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.sandbox.page import PageSetting, SandboxPage
from bot.sandbox.slack import SlackSandbox
from tests.rooms.sandbox.page.kit import actions, button, field, modal, mrkdwn, option, plain
from tests.rooms.sandbox.page.room import CHROMIUM
from tests.rooms.sandbox.page.tiny_app import TinyApp, tiny_app

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Debian's chromium is not installed (/usr/bin/chromium)"
    ),
]

Json = dict[str, Any]


@pytest_asyncio.fixture(loop_scope="module")
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, slack: SlackSandbox) -> AsyncIterator[Page]:
    """The page before the real simulated Slack, as Ann sees it in #prod."""
    async with SandboxPage(
        slack.workspace, slack.person, PageSetting(channel="C0PROD", person="U0ANN")
    ) as served:
        context = await browser.new_context(reduced_motion="reduce")
        context.set_default_timeout(5000)
        opened = await context.new_page()
        await opened.goto(served.url)
        await expect(opened.get_by_test_id("person")).to_contain_text("Ann Administrator")
        yield opened
        await context.close()


async def _type(page: Page, line: str) -> None:
    await page.locator("#composer textarea").fill(line)
    await page.keyboard.press("Enter")


async def test_a_command_is_answered_and_its_button_acts(page: Page, slack: SlackSandbox) -> None:
    """Typed words reach the app; its private answer bears a button; pressing it tells the channel."""

    async def answer(app: TinyApp, payload: Json) -> Json | None:
        if "command" in payload:
            row = {
                "type": "section",
                "text": mrkdwn("*SQL Prod* failed"),
                "accessory": button("Retry", value="1"),
            }
            return {"text": "1 failed job", "blocks": [row]}
        text = f"Retry started by <@{payload['user']['id']}>"
        await app.call("chat.postMessage", channel="C0PROD", text=text)
        return None

    async with tiny_app(slack, answer) as app:
        await expect(page.locator("#status")).to_have_text("Bot connected")
        await _type(page, "/veeam jobs failed")
        private = page.locator(".message.is-private")
        await expect(private).to_contain_text("SQL Prod failed")
        await private.get_by_role("button", name="Retry").click()
        await expect(page.locator(".message").last).to_contain_text("Retry started by @Ann Administrator")
        assert [payload.get("text") for payload in app.heard][:1] == ["jobs failed"]
    await expect(page.locator("#status")).to_have_text("Bot not connected")


async def test_a_command_that_nobody_hears_gets_slackbots_line(page: Page) -> None:
    """Without a connected app Slack itself says that the command failed."""
    await _type(page, "/veeam help")
    await expect(page.locator(".is-notice")).to_contain_text('/veeam failed with the error "dispatch_failed"')


async def test_a_modal_is_opened_refused_and_accepted(page: Page, slack: SlackSandbox) -> None:
    """A trigger opens it, the app's errors stand at their inputs, a good submission closes it."""
    options = [option("SQL Prod", "sql"), option("Oracle", "ora")]

    async def answer(app: TinyApp, payload: Json) -> Json | None:
        match payload.get("type", "command"):
            case "command":
                job = {"type": "external_select", "placeholder": plain("Job"), "min_query_length": 0}
                form = modal(field("name", {"type": "plain_text_input"}), field("job", job))
                await app.call("views.open", trigger_id=payload["trigger_id"], view=form)
            case "block_suggestion":
                return {"options": [each for each in options if payload["value"] in each["text"]["text"]]}
            case "view_submission":
                if payload["view"]["state"]["values"]["name"]["name"]["value"] == "taken":
                    return {"response_action": "errors", "errors": {"name": "This name is taken."}}
        return None

    async with tiny_app(slack, answer) as app:
        await _type(page, "/veeam create")
        dialog = page.get_by_role("dialog", name="Edit")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog.locator(".input-error").first).to_be_visible()  # the client's own: required
        await dialog.get_by_label("Name").fill("taken")
        await dialog.locator("[data-action=job]").click()
        await page.keyboard.type("SQL")
        await page.get_by_role("option", name="SQL Prod").click()
        await expect(dialog.locator("[data-action=job]")).to_have_text("SQL Prod")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog.get_by_label("Name")).to_have_accessible_description("This name is taken.")
        await expect(dialog.locator("[data-action=job]")).to_have_text("SQL Prod")
        await dialog.get_by_label("Name").fill("free")
        await dialog.get_by_role("button", name="Save").click()
        await expect(page.locator("dialog")).to_have_count(0)
    values = app.heard[-1]["view"]["state"]["values"]
    assert values["name"]["name"]["value"] == "free"
    assert values["job"]["job"]["selected_option"]["value"] == "sql"


async def test_a_home_is_published_when_it_is_opened(page: Page, slack: SlackSandbox) -> None:
    """Opening the app is an event; what it publishes appears, and its buttons work."""

    async def answer(app: TinyApp, payload: Json) -> Json | None:
        text = "Refreshed" if payload["type"] == "block_actions" else "Good morning"
        blocks = [{"type": "header", "text": plain(text)}, actions(button("Refresh"))]
        await app.call("views.publish", user_id="U0ANN", view={"type": "home", "blocks": blocks})
        return None

    async with tiny_app(slack, answer):
        await page.locator("#lists").get_by_role("button", name="veeam").click()
        await expect(page.locator("#home h3")).to_have_text("Good morning")
        await page.get_by_role("button", name="Refresh").click()
        await expect(page.locator("#home h3")).to_have_text("Refreshed")


async def test_an_app_without_a_home_opens_at_its_messages(page: Page, slack: SlackSandbox) -> None:
    """Where the Home tab is off, the app's entry leads to the direct conversation."""
    slack.workspace.app.home_enabled = False
    await page.reload()
    await page.locator("#lists").get_by_role("button", name="veeam").click()
    await expect(page.locator("#title")).to_have_text("veeam")
    await expect(page.locator("#composer textarea")).to_be_visible()
    await expect(page.locator(".toast")).to_have_count(0)


async def test_what_people_write_is_shown_as_they_wrote_it(page: Page) -> None:
    """Mark-up characters of a typed message stay characters."""
    await _type(page, "5 < 6 & <b>bold?</b> @ole")
    await expect(page.locator(".message").last).to_contain_text("5 < 6 & <b>bold?</b> @Ole Operator")


async def test_a_command_is_not_shared_over_slack_connect(page: Page, slack: SlackSandbox) -> None:
    """Somebody of another organisation is told by the client, and the app hears nothing."""
    await page.get_by_test_id("person").click()
    await page.get_by_role("option", name="Fay Foreign").click()
    await expect(page.locator("#title")).to_contain_text("shared")
    await _type(page, "/veeam jobs")
    await expect(page.locator(".toast")).to_contain_text("not shared over Slack Connect")
    assert slack.deliveries == []


async def test_nobody_writes_in_an_archived_channel(page: Page) -> None:
    """The composer says so instead of taking words that lead nowhere."""
    await page.locator("#lists").get_by_role("button", name="old").click()
    composer = page.locator("#composer textarea")
    await expect(composer).to_be_disabled()
    await expect(composer).to_have_attribute("placeholder", "This channel is archived")
