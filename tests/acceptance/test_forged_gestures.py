"""Signed gestures in which something has another shape than Slack ever gives it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.sandbox.vbr import World
from tests.acceptance.rig import PROD, Rig, Setting, now
from tests.acceptance.test_http_mode import post

MESSAGE = {
    "ts": "1700000000.000100",
    "thread_ts": "1700000000.000100",
    "bot_id": "B0BOT",
    "metadata": {"event_type": "veeam_session", "event_payload": {"server": "hq", "job_id": "none"}},
    "blocks": [{"type": "actions", "elements": [{"action_id": "no-such", "value": "{}"}]}],
}
IN_MESSAGE = {
    "container": {"message_ts": "1700000000.000100", "channel_id": PROD, "is_ephemeral": False},
    "channel": {"id": PROD},
    "message": MESSAGE,
}
ELEMENT = {"type": "plain_text_input", "value": "x", "selected_option": {"value": "x"}}
VIEW = {
    "id": "V1",
    "hash": "1.a",
    "type": "modal",
    "callback_id": "no-such",
    "private_metadata": "{}",
    "title": {"type": "plain_text", "text": "A form"},
    "state": {"values": {"block": {"field": ELEMENT | {"selected_options": [{"value": "x"}]}}}},
}
PRESS = {"action_id": "no-such", "block_id": "b", "value": "{}", "selected_option": {"value": "{}"}}
PERSON = {"user": {"id": "U0NOBODY", "team_id": "T1"}, "team": {"id": "T1"}, "enterprise": None}
GESTURES: list[dict[str, Any]] = [
    PERSON | IN_MESSAGE | {"type": "block_actions", "trigger_id": "1.2.a", "actions": [PRESS]},
    PERSON | {"type": "block_actions", "view": VIEW, "actions": [PRESS]},
    PERSON | {"type": "view_submission", "view": VIEW},
    PERSON | {"type": "block_suggestion", "action_id": "a", "value": "x", "view": VIEW},
    PERSON | IN_MESSAGE | {"type": "message_action", "callback_id": "show_job"},
    {
        "type": "event_callback",
        "team_id": "T1",
        "authorizations": [{"team_id": "T1", "enterprise_id": None}],
        "event": {"type": "app_home_opened", "tab": "home", "user": "U0NOBODY", "view": VIEW},
    },
]


def with_other_shapes(value: object) -> Iterator[object]:
    """The value with each part of it in turn replaced by something that Slack never puts there."""
    yield from (1, [[]], {"x": {}}, None)
    if isinstance(value, dict):
        for key, part in value.items():
            yield {other: its for other, its in value.items() if other != key}
            yield from (value | {key: changed} for changed in with_other_shapes(part))
    elif isinstance(value, list):
        yield from ([changed] for part in value for changed in with_other_shapes(part))


async def test_a_gesture_of_another_shape_breaks_nothing(tmp_path: Path) -> None:
    """Whatever stands in whichever place of a gesture: Slack gets an answer, and the log has no traceback."""
    async with Rig(tmp_path, Setting(toml=""), world=World(now, name="hq"), http_mode=True) as rig:
        await rig.start()
        bodies = [json.dumps(each).encode() for gesture in GESTURES for each in with_other_shapes(gesture)]
        broken = [body for body in bodies if await post(rig, body, "application/json") >= 500]
        assert (broken, "Traceback" in rig.log) == ([], False)
