"""What is read of what somebody entered in a form."""

from typing import Any

import pytest

from bot.operations.actions.start import Start
from bot.operations.model import NamedJob
from bot.slack.codec import FormMetadata, encode_form
from bot.slack.gestures import read_menu_query, read_submission


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


def test_a_search_belongs_to_the_conversation_that_the_form_was_opened_from() -> None:
    """A form opened in a direct message finds jobs there, though the bot listens only in some channels."""
    metadata = encode_form(FormMetadata(Start(NamedJob("")), "", channel_id="D0ANN"))
    query = read_menu_query({"user": {"id": "U0ANN"}, "view": {"id": "V1", "private_metadata": metadata}})

    assert (query.gesture.channel_id, query.gesture.is_direct) == ("D0ANN", True)
