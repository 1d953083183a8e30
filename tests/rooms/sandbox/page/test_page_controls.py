"""What one presses, chooses, types and submits on the page, in Debian's Chromium."""

import pytest
from playwright.async_api import Page, expect

from bot.sandbox.slack.messages import Content
from bot.sandbox.slack.normal import stored_blocks
from tests.rooms.sandbox.page.kit import actions, button, field, modal, mrkdwn, option, plain
from tests.rooms.sandbox.page.room import CHROMIUM, Gesture, Room, ScriptedPeople, Told

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Debian's chromium is not installed (/usr/bin/chromium)"
    ),
]


async def test_a_command_is_typed_with_its_words(page: Page, people: ScriptedPeople) -> None:
    """The words after the command reach the app as they were typed."""
    await page.get_by_role("combobox", name="Message #prod").fill("/veeam jobs  failed “SQL")
    await page.keyboard.press("Enter")
    assert await people.has_made() == [Gesture("U0ANN", "types", ("C0PROD", "jobs  failed “SQL", "/veeam"))]


async def test_a_command_is_suggested_and_taken_with_tab(page: Page, people: ScriptedPeople) -> None:
    """A slash opens suggestions; arrows and Tab take one, Enter sends it."""
    await page.locator("#composer textarea").fill("/v")
    await expect(page.get_by_role("option", name="/veeam jobs failed")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await expect(page.locator("#composer textarea")).to_have_value("/veeam jobs failed")
    await page.keyboard.press("Enter")
    assert (await people.has_made())[0].facts == ("C0PROD", "jobs failed", "/veeam")


@pytest.mark.parametrize(
    ("composer", "says"),
    [("#composer", "is not a valid command"), ("#thread-composer", "not supported in threads")],
)
async def test_a_command_that_slack_would_not_run_stays_with_the_typist(
    page: Page, room: Room, people: ScriptedPeople, composer: str, says: str
) -> None:
    """An unknown command, and any in a thread, is refused in words, and what was typed is kept."""
    root = room.posts("root")
    room.posts("reply", thread_ts=root.ts)
    await page.get_by_role("button", name="1 reply").click()
    line = "/nonsense" if composer == "#composer" else "/veeam help"
    await page.locator(f"{composer} textarea").fill(line)
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast")).to_contain_text(says)
    await expect(page.locator(f"{composer} textarea")).to_have_value(line)
    assert people.made == []


async def test_a_thread_opens_beside_its_channel(page: Page, room: Room, people: ScriptedPeople) -> None:
    """The reply count opens the thread; what is written there is a reply."""
    root = room.posts("root")
    room.posts("first reply", thread_ts=root.ts)
    room.posts("second reply", thread_ts=root.ts)
    await expect(page.locator("#messages .message")).to_have_count(1)
    await page.get_by_role("button", name="2 replies").click()
    await expect(page.locator("#thread .message")).to_have_count(3)
    await page.locator("#thread-composer textarea").fill("on it")
    await page.keyboard.press("Enter")
    assert (await people.has_made())[0].facts == ("C0PROD", "on it", root.ts)
    await page.get_by_role("button", name="Close thread").click()
    await expect(page.locator("#thread")).to_be_hidden()


async def test_a_press_outlasts_what_changes_below_it(page: Page, room: Room, people: ScriptedPeople) -> None:
    """A message drawn anew between press and release still takes the press, and shows the change after it."""
    root = room.posts("root", [actions(button("Retry", action_id="retry"))])
    await page.get_by_role("button", name="Retry").hover()
    await page.mouse.down()
    changed = stored_blocks([actions(button("Retry", action_id="retry"), button("Stop", action_id="stop"))])
    room.workspace.conversations.edit(root, Content("root", changed), quietly=True)
    room.posts("arrived meanwhile", channel="backups")
    await page.wait_for_timeout(300)
    await page.mouse.up()
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert [gesture.name for gesture in people.made] == ["activates"]


async def test_a_button_with_a_question_asks_first(page: Page, room: Room, people: ScriptedPeople) -> None:
    """Declining a confirmation does nothing; confirming presses the button."""
    question = {
        "title": plain("Stop it?"),
        "text": mrkdwn("*SQL* stops."),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    }
    message = room.posts("x", [actions(button("Stop", value="v", confirm=question | {"style": "danger"}))])
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("alertdialog", name="Stop it?")).to_contain_text("SQL stops.")
    await expect(page.get_by_role("button", name="No", exact=True)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("alertdialog")).to_have_count(0)
    assert people.made == []
    await page.get_by_role("button", name="Stop").click()
    await page.get_by_role("button", name="Yes").click()
    assert await people.has_made() == [Gesture("U0ANN", "activates", (message.ts, "actions", "stop", None))]


async def test_a_failed_press_is_marked_at_its_button(page: Page, room: Room, people: ScriptedPeople) -> None:
    """An app that did not answer leaves a warning beside the button, with the reason."""
    people.answer = lambda _: Told("operation_timeout", "the app did not respond")
    room.posts("x", [actions(button("Retry"))])
    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator(".element-failure")).to_contain_text("the app did not respond")


async def test_overflow_and_select_work_from_the_keyboard(
    page: Page, room: Room, people: ScriptedPeople
) -> None:
    """Menus open, filter, move and choose without a mouse, and give focus back."""
    overflow = {
        "type": "overflow",
        "action_id": "more",
        "options": [option("Mute", "mute"), option("Disable", "disable")],
    }
    menu = {"type": "static_select", "action_id": "pick", "placeholder": plain("Pick a job"),
            "options": [option(f"Job {number}", f"j{number}") for number in range(20)]}  # fmt: skip
    room.posts("x", [actions(overflow, menu)])
    await page.get_by_role("button", name="More actions").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Mute")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    assert (await people.has_made())[0].facts[1:] == ("actions", "more", "disable")
    select = page.locator("[data-action=pick]")
    await select.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.type("job 1")
    await expect(page.get_by_role("option")).to_have_count(11)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    assert (await people.has_made(2))[1].facts[1:] == ("actions", "pick", "j10")
    await expect(select).to_have_text("Job 10")
    await expect(select).to_be_focused()


async def test_an_external_menu_asks_the_app(page: Page, room: Room, people: ScriptedPeople) -> None:
    """Options come from the app once enough was typed; the whole option is carried back."""
    found = option("SQL Prod", "job-1")
    people.answer = lambda gesture: Told(options=[found] if gesture.name == "suggests" else [])
    menu = {"type": "external_select", "action_id": "job", "placeholder": plain("Job"), "min_query_length": 2}
    room.posts("x", [actions(menu)])
    await page.locator("[data-action=job]").click()
    await page.keyboard.type("s")
    await expect(page.locator(".option-none")).to_have_text("Type at least 2 characters")
    await page.keyboard.type("q")
    await page.get_by_role("option", name="SQL Prod").click()
    gestures = await people.has_made(2)
    assert [gesture.name for gesture in gestures] == ["suggests", "activates"]
    assert gestures[0].facts[-1] == "sq"
    assert gestures[1].facts[-1]["value"] == "job-1"


async def test_a_modal_gives_what_was_entered(page: Page, room: Room, people: ScriptedPeople) -> None:
    """Every kind of input is carried in the form that a gesture expects; untouched ones are left out."""
    choices = [option("One", "1"), option("Two", "2")]
    view = room.workspace.views.open("U0ANN", modal(
        field("name", {"type": "plain_text_input"}),
        field("points", {"type": "number_input", "is_decimal_allowed": False}),
        field("mode", {"type": "radio_buttons", "options": choices}),
        field("flags", {"type": "checkboxes", "options": choices}),
        field("many", {"type": "multi_static_select", "options": choices, "placeholder": plain("Some")}),
        field("day", {"type": "datepicker"}),
        field("time", {"type": "timepicker"}),
        field("moment", {"type": "datetimepicker"}),
        field("untouched", {"type": "plain_text_input"}, optional=True),
    ))  # fmt: skip
    dialog = page.get_by_role("dialog", name="Edit")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await dialog.get_by_label("Name").fill("SQL")
    await dialog.get_by_label("Points").fill("7")
    await dialog.get_by_role("radio", name="Two").check()
    await dialog.get_by_role("checkbox", name="One").check()
    await dialog.locator("#" + str(await dialog.locator(".select").get_attribute("id"))).click()
    await page.get_by_role("option", name="One").click()
    await page.get_by_role("option", name="Two").click()
    await page.keyboard.press("Escape")
    await dialog.get_by_label("Day").fill("2026-11-24")
    await dialog.get_by_label("Time").fill("22:30")
    await dialog.get_by_label("Moment").fill("2026-11-24T08:00")
    await dialog.get_by_role("button", name="Save").click()
    submitted = await people.first("submits")
    assert submitted.facts == (view.id, {
        "name": {"name": "SQL"}, "points": {"points": "7"}, "mode": {"mode": "2"}, "flags": {"flags": ["1"]},
        "many": {"many": ["1", "2"]}, "day": {"day": "2026-11-24"}, "time": {"time": "22:30"},
        "moment": {"moment": 1795503600},  # 08:00 in Berlin, where Ann is, not in Tokyo, where the browser is
    })  # fmt: skip


async def test_errors_stand_beside_their_field_and_nothing_typed_is_lost(page: Page, room: Room) -> None:
    """A refused submission says why at the input, focuses it, and keeps what was entered."""
    views = room.workspace.views
    view = views.open(
        "U0ANN",
        modal(field("first", {"type": "plain_text_input"}), field("name", {"type": "plain_text_input"})),
    )
    await page.get_by_label("First").fill("kept")
    views.complain(view, {"name": "This name is taken."})
    name = page.get_by_label("Name")
    await expect(name).to_have_accessible_description("This name is taken.")
    await expect(name).to_be_focused()
    await expect(page.get_by_label("First")).to_have_value("kept")


async def test_a_stack_of_modals_goes_back_one_by_one_or_at_once(
    page: Page, room: Room, people: ScriptedPeople
) -> None:
    """Back and Cancel close the top view; the cross and Escape close all of them."""
    views = room.workspace.views
    section = {"type": "section", "text": mrkdwn("text")}
    first = views.open("U0ANN", modal(section, title="First"))
    await expect(page.get_by_role("dialog", name="First")).to_be_visible()
    assert await page.get_by_role("button", name="Back", exact=True).count() == 0
    second = views.push("U0ANN", modal(section, title="Second"))
    await page.get_by_role("button", name="Back", exact=True).click()
    assert (await people.has_made())[0].facts == (second.id, False)
    views.close(second)
    await expect(page.get_by_role("dialog", name="First")).to_be_visible()
    await page.keyboard.press("Escape")
    assert (await people.has_made(2))[1].facts == (first.id, True)
    views.close(first)
    await expect(page.locator("dialog")).to_have_count(0)


async def test_a_modal_waits_visibly_and_says_when_nothing_came(
    page: Page, room: Room, people: ScriptedPeople
) -> None:
    """A submission that the app did not answer leaves the modal open with words that say so."""
    people.answer = lambda _: Told("operation_timeout", "We had some trouble connecting. Try again?")
    room.workspace.views.open("U0ANN", modal(field("name", {"type": "plain_text_input"})))
    await page.get_by_label("Name").press("Enter")
    await expect(page.locator(".dialog-problem")).to_have_text("We had some trouble connecting. Try again?")
    await expect(page.get_by_role("button", name="Save")).to_be_enabled()


async def test_opening_the_home_tells_the_app_and_shows_what_it_publishes(
    page: Page, room: Room, people: ScriptedPeople
) -> None:
    """The Home tab is asked for when it is opened, and redrawn when it is published."""
    await page.locator("#lists").get_by_role("button", name="veeam").click()
    assert (await people.has_made())[0].name == "opens_home"
    await expect(page.locator("#home")).to_contain_text("Nothing here yet")
    room.workspace.views.publish(
        "U0ANN", {"type": "home", "blocks": [{"type": "header", "text": plain("Good morning")}]}
    )
    await expect(page.locator("#home h3")).to_have_text("Good morning")
