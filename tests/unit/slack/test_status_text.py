import pytest

from bot.slack.views import status_text


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (None, ""),
        ("", ""),
        (" Failed ", ""),
        ("success", ""),
        ("Warning", ""),
        ("None", ""),
        ("Failed to freeze guest", "`Failed to freeze guest`"),
        ("<!channel>", "`&lt;!channel&gt;`"),
    ],
)
def test_a_message_that_only_repeats_the_result_is_not_shown(message: str | None, shown: str) -> None:
    """VBR puts the result's own word where a message is missing; a person needs it once."""
    assert status_text.own_words(message) == shown
