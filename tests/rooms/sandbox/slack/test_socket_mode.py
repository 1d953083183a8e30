"""Socket Mode, with slack_bolt at the other end, and with an app that misbehaves."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from slack_bolt.app.async_app import AsyncApp

from bot.sandbox.slack import SlackSandbox
from tests.rooms.sandbox.slack.raw_app import answering, open_url, raw_socket

Payload = dict[str, Any]
HOME_OPENED = {"type": "app_home_opened", "user": "U0ANN", "channel": "D0ANN", "tab": "home"}


async def test_a_command_is_answered_for_its_author_alone(
    slack: SlackSandbox, app: AsyncApp, connected: Any
) -> None:
    """The text of an acknowledgement shows as an ephemeral message."""

    @app.command("/veeam")
    async def hear(ack: Any, command: Payload) -> None:
        await ack(f"you said {command['text']}")

    async with connected():
        result = await slack.person("ann").types("C0PROD", "jobs failed")

    assert result.shown == "ok"
    assert [message.text for message in slack.ephemerals("ann", "prod")] == ["you said jobs failed"]
    assert slack.ephemerals("ole", "prod") == []
    assert slack.messages("prod") == []


async def test_a_button_reaches_its_listener_and_changes_its_message(
    slack: SlackSandbox, app: AsyncApp, connected: Any
) -> None:
    """Pressing by label sends the button's value; chat.update changes what stands in the channel."""
    button = {
        "type": "button",
        "action_id": "retry",
        "value": "job-1",
        "text": {"type": "plain_text", "text": "Retry"},
    }

    @app.action("retry")
    async def hear(ack: Any, body: Payload, client: Any) -> None:
        await ack()
        value = body["actions"][0]["value"]
        place = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        await client.chat_update(**place, text=f"retried {value}", blocks=[])

    async with connected():
        posted = await app.client.chat_postMessage(
            channel="C0PROD",
            text="SQL Prod failed",
            blocks=[{"type": "actions", "elements": [button]}],
            metadata={"event_type": "veeam_session", "event_payload": {"session_id": "s1"}},
        )
        (message,) = slack.messages("prod")
        result = await slack.person("ole").presses(message, "Retry")
        await slack.wait_until(lambda: message.text == "retried job-1")

    assert result.shown == "ok"
    assert posted["ts"] == message.ts
    assert message.metadata == {"event_type": "veeam_session", "event_payload": {"session_id": "s1"}}


async def test_a_command_with_no_app_connected_fails_before_its_author(slack: SlackSandbox) -> None:
    """Nobody there: dispatch_failed, as Slack's own line to the author."""
    result = await slack.person("ann").types("C0PROD", "help")

    assert result.shown == "dispatch_failed"
    (notice,) = slack.ephemerals("ann", "prod")
    assert (notice.is_notice, notice.user) == (True, "USLACKBOT")
    assert notice.text == '/veeam failed with the error "dispatch_failed"'


async def test_a_command_not_acknowledged_in_three_seconds_fails(slack: SlackSandbox, clock: Any) -> None:
    """operation_timeout after 3 s; a late acknowledgement is a fault; the command does not come again."""
    async with raw_socket(slack) as app, asyncio.TaskGroup() as group:
        typed = group.create_task(slack.person("ann").types("C0PROD", "help"))
        envelope = await app.receive()
        clock.move(3.0)
        result = await typed
        await app.acknowledge(envelope, payload={"text": "too late"})
        await slack.wait_until(lambda: slack.faulty_acks)

    assert result.shown == "operation_timeout"
    assert [ack.fault for ack in slack.faulty_acks] == ["late"]
    assert len(slack.deliveries) == 1
    assert [m.text for m in slack.ephemerals("ann", "prod")] == [
        '/veeam failed with the error "operation_timeout"'
    ]


async def test_faulty_acknowledgements_are_ignored_and_recorded(slack: SlackSandbox) -> None:
    """Unknown, second and malformed ones, and a payload on an event, change nothing."""
    async with raw_socket(slack) as app:
        await app.socket.send_str("not json")
        await app.socket.send_json({"envelope_id": "nobody's"})
        slack.workspace.emit(HOME_OPENED)
        envelope = await app.receive()
        await app.acknowledge(envelope, payload={"text": "hm"})
        await app.acknowledge(envelope)
        await slack.wait_until(lambda: len(slack.faulty_acks) == 4)

    faults = [ack.fault for ack in slack.faulty_acks]
    assert faults == ["malformed", "unknown", "unwanted_payload", "second"]
    (delivery,) = slack.deliveries
    assert (delivery.answer.outcome, delivery.answer.body) == ("acked", None)


async def test_an_unacknowledged_event_comes_three_times_more(slack: SlackSandbox, clock: Any) -> None:
    """At once, after a minute and after five; with the same event_id and a growing retry_attempt."""
    seen = []
    async with raw_socket(slack) as app:
        slack.workspace.emit(HOME_OPENED)
        for pause in (3.0, 63.0, 303.0, 3.0):
            envelope = await app.receive()
            seen.append(
                (envelope["retry_attempt"], envelope["retry_reason"], envelope["payload"]["event_id"])
            )
            clock.move(pause)
            deliveries = len(seen)
            await slack.wait_until(lambda wanted=deliveries: len(slack.deliveries) == wanted)  # type: ignore[misc]
            clock.move(pause)
        ids = {each[2] for each in seen}

    assert [each[:2] for each in seen] == [(0, ""), (1, "timeout"), (2, "timeout"), (3, "timeout")]
    assert len(ids) == 1


async def test_an_acknowledged_event_does_not_come_again(slack: SlackSandbox, clock: Any) -> None:
    """One acknowledgement ends the matter."""
    async with answering(slack) as received:
        await slack.person("ann").opens_home()
        await slack.wait_until(lambda: slack.deliveries)
        clock.move(600)
        await slack.person("ole").opens_home()
        await slack.wait_until(lambda: len(slack.deliveries) == 2)

    assert [envelope["payload"]["event"]["user"] for envelope in received] == ["U0ANN", "U0OLE"]


async def test_a_connection_address_works_once(slack: SlackSandbox) -> None:
    """A ticket that was used is refused at the handshake."""
    async with ClientSession() as session:
        url = await open_url(slack, session)
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(url)

    assert refused.value.status == 409
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": "A0VEEAM"}


async def test_an_eleventh_connection_is_sent_away(slack: SlackSandbox) -> None:
    """Ten connections per app; the next one hears too_many_websockets and is closed."""
    async with ClientSession() as session:
        sockets = [await session.ws_connect(await open_url(slack, session)) for _ in range(11)]
        frames = [await socket.receive_json() for socket in sockets]
        for socket in sockets:
            await socket.close()

    assert [frame["type"] for frame in frames] == ["hello"] * 10 + ["disconnect"]
    assert frames[-1]["reason"] == "too_many_websockets"


async def test_envelopes_are_spread_over_the_connections(slack: SlackSandbox) -> None:
    """Each goes to one of them, none to both."""
    async with answering(slack) as first, answering(slack) as second:
        for _ in range(12):
            await slack.person("ann").types("C0PROD", "help")

    assert len(first) + len(second) == 12
    assert first
    assert second


async def test_a_warning_leaves_the_connection_open_and_a_refresh_ends_it(slack: SlackSandbox) -> None:
    """`warning` comes before; after `refresh_requested` the socket is closed by Slack."""
    async with raw_socket(slack) as app:
        await slack.socket_mode.disconnect("warning")
        warning = await app.receive()
        connections = len(slack.socket_mode.connections)
        async with asyncio.TaskGroup() as group:
            group.create_task(slack.socket_mode.disconnect("refresh_requested", grace_seconds=0))
            refresh = await app.receive()
            closed = await app.is_closed_by_slack()

    assert (warning["type"], warning["reason"], connections) == ("disconnect", "warning", 1)
    assert (refresh["reason"], closed) == ("refresh_requested", True)


async def test_the_sdk_comes_back_after_a_refresh(slack: SlackSandbox, app: AsyncApp, connected: Any) -> None:
    """slack_sdk answers a disconnect with a new connection, over which commands work."""

    @app.command("/veeam")
    async def hear(ack: Any) -> None:
        await ack("here")

    async with connected():
        await slack.socket_mode.disconnect("refresh_requested")
        await slack.wait_until(lambda: slack.socket_mode.connections)
        result = await slack.person("ann").types("C0PROD", "help")

    assert result.shown == "ok"


async def test_pongs_echo_the_payload_until_the_connection_falls_silent(slack: SlackSandbox) -> None:
    """slack_sdk compares the bytes of the PONG with those of its PING."""
    async with ClientSession() as session:
        socket = await session.ws_connect(await open_url(slack, session), autoping=False)
        await socket.receive_json()
        await socket.ping(b"sdk-ping-pong:1")
        pong = await socket.receive(timeout=5)
        slack.socket_mode.fall_silent()
        await socket.ping(b"sdk-ping-pong:2")
        await socket.send_json({"envelope_id": "nobody's"})
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.05)
        slack.socket_mode.cut()
        await socket.close()

    assert bytes(pong.data) == b"sdk-ping-pong:1"
    assert slack.faulty_acks == []


async def test_what_is_under_way_on_a_broken_connection_is_not_acknowledged(slack: SlackSandbox) -> None:
    """The person sees the failure; nothing moves to another connection."""
    async with raw_socket(slack) as app, asyncio.TaskGroup() as group:
        typed = group.create_task(slack.person("ann").types("C0PROD", "help"))
        await app.receive()
        slack.socket_mode.cut()
        result = await typed

    assert result.shown == "operation_timeout"


async def test_events_can_come_twice_and_out_of_order(slack: SlackSandbox) -> None:
    """At least once, in any order: a duplicate has the same event_id."""
    async with answering(slack) as received:
        slack.faults.duplicate_events = 1
        slack.workspace.emit({**HOME_OPENED, "tab": "home"})
        await slack.wait_until(lambda: len(received) == 2)
        slack.faults.reorder_events = 1
        slack.workspace.emit({**HOME_OPENED, "tab": "first"})
        slack.workspace.emit({**HOME_OPENED, "tab": "second"})
        await slack.wait_until(lambda: len(received) == 4)

    assert received[0]["payload"]["event_id"] == received[1]["payload"]["event_id"]
    assert [each["payload"]["event"]["tab"] for each in received[2:]] == ["second", "first"]
