"""What is read of what somebody entered in a form."""

from typing import Any

import pytest

from bot.slack.gestures import read_submission


@pytest.mark.parametrize(
    ("element", "entered"),
    [
        ({"type": "external_select", "selected_option": {"value": "SQL &amp; Web"}}, "SQL & Web"),
        ({"type": "external_select", "selected_option": {"value": "SQL & Web"}}, "SQL & Web"),
        (
            {"type": "multi_external_select", "selected_options": [{"value": '["a","&lt;b&gt;"]'}]},
            ('["a","<b>"]',),
        ),
        ({"type": "multi_external_select", "selected_options": []}, ()),
        ({"type": "external_select", "selected_option": None}, None),
        ({"type": "timepicker", "selected_time": "22:00"}, "22:00"),
        ({"type": "timepicker", "selected_time": None}, None),
        ({"type": "number_input", "value": "14"}, "14"),
        ({"type": "plain_text_input", "value": None}, None),
        ({"type": "plain_text_input", "value": "a &amp; b"}, "a &amp; b"),
    ],
)
def test_what_was_entered(element: dict[str, Any], entered: object) -> None:
    """A choice is what was offered, however Slack wrote it down; a text is what was typed."""
    view = {"id": "V1", "hash": "1.a", "state": {"values": {"field": {"field": element}}}}
    assert read_submission({"user": {"id": "U1"}, "view": view}).state == {"field": entered}
