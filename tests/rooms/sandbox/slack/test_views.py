"""Modals and Homes: trigger IDs, the stack, hashes, what people enter, and what the app may answer."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import GestureImpossible, SlackSandbox
from tests.rooms.sandbox.slack.raw_app import answering

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def name_input(**more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "name"}
    return {"type": "input", "block_id": "name_block", "label": plain("Name"), "element": element, **more}


BUTTON: Json = {
    "type": "actions",
    "block_id": "more_block",
    "elements": [{"type": "button", "action_id": "more", "text": plain("More")}],
}
MENU: Json = {
    "type": "input",
    "block_id": "job_block",
    "label": plain("Job"),
    "element": {"type": "external_select", "action_id": "job", "min_query_length": 1},
}


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "job_edit",
        "title": plain("Edit"),
        "submit": plain("Save"),
        "blocks": list(blocks) or [name_input(), BUTTON],
        **more,
    }


async def error_of(call: Any) -> str:
    """The error that a call is refused with."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def trigger_of(slack: SlackSandbox, person: str = "ann") -> str:
    """The trigger ID of a typed command."""
    result = await slack.person(person).types("C0PROD", "create")
    assert result.payload is not None
    return str(result.payload["trigger_id"])


async def opened(slack: SlackSandbox, client: AsyncWebClient, view: Json | None = None) -> Any:
    """Ann's modal."""
    await client.views_open(trigger_id=await trigger_of(slack), view=view or modal())
    return slack.open_view("ann")


async def test_a_trigger_opens_one_view_within_three_seconds(
    slack: SlackSandbox, client: AsyncWebClient, clock: Any
) -> None:
    """Used, it is exchanged; later, it has expired."""
    trigger = await trigger_of(slack)
    clock.move(3.0)
    answer = await client.views_open(trigger_id=trigger, view=modal())
    again = await error_of(client.views_open(trigger_id=trigger, view=modal()))
    late = await trigger_of(slack)
    clock.move(3.1)

    assert answer["view"]["id"] == answer["view"]["root_view_id"]
    assert answer["view"]["state"] == {
        "values": {"name_block": {"name": {"type": "plain_text_input", "value": None}}}
    }
    assert again == "exchanged_trigger_id"
    assert await error_of(client.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"


async def test_three_views_stack_and_a_fourth_does_not(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Pushing takes a trigger from inside the modal."""
    async with answering(slack):
        await opened(slack, client)
        outside = await error_of(client.views_push(trigger_id=await trigger_of(slack), view=modal()))
        errors = []
        for _ in range(3):
            view = slack.open_view("ann")
            assert view is not None
            pressed = await slack.person("ann").presses(view, "More")
            assert pressed.payload is not None
            try:
                await client.views_push(trigger_id=pressed.payload["trigger_id"], view=modal())
            except SlackApiError as error:
                errors.append(error.response["error"])

    assert outside == "invalid_trigger_id"
    assert errors == ["push_limit_reached"]
    stack = slack.workspace.views.stack("U0ANN")
    assert [view.previous_view_id for view in stack] == [None, stack[0].id, stack[1].id]
    assert {view.root_view_id for view in stack} == {stack[0].id}


async def test_an_update_keeps_what_was_entered_and_minds_the_hash(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """While both IDs stay the text stays; a hash that is old is a conflict."""
    view = await opened(slack, client)
    old_hash = view.hash
    await slack.person("ann").chooses(view, "name", "SQL Prod")
    kept = await client.views_update(view_id=view.id, hash=old_hash, view=modal(name_input(), BUTTON))
    conflict = await error_of(client.views_update(view_id=view.id, hash=old_hash, view=modal()))
    reset = await client.views_update(view_id=view.id, view=modal(name_input(block_id="other")))

    assert kept["view"]["state"]["values"]["name_block"]["name"]["value"] == "SQL Prod"
    assert conflict == "hash_conflict"
    assert reset["view"]["state"]["values"]["other"]["name"]["value"] is None


async def test_external_ids_name_one_view(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """A second view of the same name is refused; the first is updated by it."""
    await opened(slack, client, modal(external_id="edit-1"))
    updated = await client.views_update(external_id="edit-1", view=modal(external_id="edit-1"))
    ole = await trigger_of(slack, "ole")

    assert updated["view"]["external_id"] == "edit-1"
    assert await error_of(client.views_open(trigger_id=ole, view=modal(external_id="edit-1"))) == (
        "duplicate_external_id"
    )


async def test_a_form_is_submitted_with_all_that_was_entered(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """An empty answer closes this view only."""
    async with answering(slack) as received:
        view = await opened(slack, client, modal(private_metadata="job-1"))
        result = await slack.person("ann").submits(view, {"name": "SQL Prod"})

    payload = received[-1]["payload"]
    assert (result.shown, slack.open_view("ann")) == ("ok", None)
    assert payload["type"] == "view_submission"
    assert payload["view"]["private_metadata"] == "job-1"
    assert payload["view"]["state"]["values"] == {
        "name_block": {"name": {"type": "plain_text_input", "value": "SQL Prod"}}
    }
    assert payload["response_urls"] == []
    assert payload["user"] == {"id": "U0ANN", "username": "ann", "name": "ann", "team_id": "T0ACME"}


async def test_the_client_itself_refuses_an_incomplete_form(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """A required input is empty: the app hears nothing."""
    async with answering(slack) as received:
        view = await opened(slack, client)
        before = len(received)
        result = await slack.person("ann").submits(view)

    assert (result.shown, result.payload, len(received)) == ("client_refused", None, before)
    assert list(result.errors) == ["name_block"]


@pytest.mark.parametrize(
    ("answer", "shown", "errors", "depth"),
    [
        ({"response_action": "clear"}, "ok", {}, 0),
        (
            {"response_action": "errors", "errors": {"name_block": "taken"}},
            "ok",
            {"name_block": "taken"},
            1,
        ),
        ({"response_action": "errors", "errors": {"more_block": "no input"}}, "invalid_answer", {}, 1),
        ({"response_action": "errors", "errors": {"nowhere": "x"}}, "invalid_answer", {}, 1),
        ({"response_action": "update", "view": modal(callback_id="second")}, "ok", {}, 1),
        ({"response_action": "update", "view": {"type": "modal"}}, "invalid_answer", {}, 1),
        ({"response_action": "push", "view": modal()}, "ok", {}, 2),
        ({"response_action": "dance"}, "invalid_answer", {}, 1),
        ({"text": "thanks"}, "invalid_answer", {}, 1),
    ],
)
async def test_answers_to_a_submission(
    slack: SlackSandbox, client: AsyncWebClient, answer: Json, shown: str, errors: Json, depth: int
) -> None:
    """What the app may answer, and what the person then sees."""
    async with answering(slack, {}, answer):
        view = await opened(slack, client)
        result = await slack.person("ann").submits(view, {"name_block": {"name": "SQL"}})

    assert (result.shown, result.errors) == (shown, errors)
    assert len(slack.workspace.views.stack("U0ANN")) == depth


async def test_closing_is_told_only_on_request(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """notify_on_close; the whole stack has is_cleared."""
    async with answering(slack) as received:
        await slack.person("ann").closes(await opened(slack, client))
        quiet = len(received)
        view = await opened(slack, client, modal(notify_on_close=True))
        await slack.person("ann").closes(view, whole_stack=True)

    assert quiet == 1
    assert (received[-1]["payload"]["type"], received[-1]["payload"]["is_cleared"]) == ("view_closed", True)
    assert await error_of(client.views_update(view_id=view.id, view=modal())) == "not_found"


async def test_an_input_dispatches_only_when_told_to(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Without dispatch_action the app hears of it at the submission."""
    async with answering(slack) as received:
        view = await opened(slack, client)
        silent = await slack.person("ann").chooses(view, "name", "SQL")
        view = await opened(slack, client, modal(name_input(dispatch_action=True)))
        await slack.person("ann").chooses(view, "name", "Oracle")

    actions = [each["payload"] for each in received if each["payload"].get("type") == "block_actions"]
    assert silent.payload is None
    assert [payload["actions"][0]["value"] for payload in actions] == ["Oracle"]
    assert actions[0]["container"] == {"type": "view", "view_id": view.id}
    assert "response_url" not in actions[0]
    assert "channel" not in actions[0]


async def test_suggestions_come_from_the_app(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """From min_query_length characters on; a wrong answer shows no result."""
    option = {"text": plain("SQL Prod"), "value": "job-1"}
    answers = [
        {},
        {"options": [option]},
        {"option_groups": [{"label": plain("hq"), "options": [option]}]},
        {"x": 1},
    ]
    async with answering(slack, *answers) as received:
        view = await opened(slack, client, modal(MENU))
        ann = slack.person("ann")
        short = await ann.suggests(view, "job_block", "job", "")
        found = await ann.suggests(view, "job_block", "job", "sql")
        grouped = await ann.suggests(view, None, "job", "sql")
        wrong = await ann.suggests(view, None, "job", "sql")
        await ann.chooses(view, "job", found.options[0])

    assert (short.payload, short.options) == (None, [])
    assert (found.options, grouped.options) == ([option], [option])
    assert (wrong.shown, wrong.options) == ("invalid_answer", [])
    payload = received[1]["payload"]
    assert (payload["type"], payload["value"], payload["action_id"]) == ("block_suggestion", "sql", "job")
    assert "trigger_id" not in payload
    assert view.entered["job_block"]["job"]["selected_option"] == option


async def test_a_home_is_published_for_one_person(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """It lasts until the next one; its buttons have a view as container and no channel."""
    async with answering(slack) as received:
        await slack.person("ann").opens_home()
        await slack.wait_until(lambda: received)
        first = await client.views_publish(user_id="U0ANN", view={"type": "home", "blocks": [BUTTON]})
        home = slack.home("ann")
        assert home is not None
        await slack.person("ann").presses(home, "More")
        conflict = await error_of(
            client.views_publish(user_id="U0ANN", view={"type": "home", "blocks": [BUTTON]}, hash="1.old")
        )

    event, action = received[0]["payload"]["event"], received[1]["payload"]
    assert (event["type"], event["tab"], event["channel"], "view" in event) == (
        "app_home_opened",
        "home",
        "D0ANN",
        False,
    )
    assert (action["container"]["type"], action["view"]["type"], "channel" in action) == (
        "view",
        "home",
        False,
    )
    assert first["view"]["id"] == home.id
    assert conflict == "hash_conflict"
    assert slack.home("ole") is None


async def test_views_belong_to_who_opened_them(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Nobody else sees them."""
    async with answering(slack):
        view = await opened(slack, client)
        with pytest.raises(GestureImpossible):
            await slack.person("ole").submits(view, {"name": "x"})
        with pytest.raises(GestureImpossible):
            await slack.person("ole").presses(view, "More")
