"""A session in full: nothing that VBR says of it is left out, and every page fits into a message."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_fields

from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.slack.codec import NEXT, PREVIOUS, TurnPage, decode
from bot.slack.text import one_line, quoted
from bot.slack.views.message import CHARACTERS_LIMIT, Message, shown_length
from bot.slack.views.sessions import session
from tests.unit.slack import samples


def pages(answer: SessionAnswer) -> list[Message]:
    """Every page, as Next leads from one to the next."""
    shown = [session(answer)]
    while (turn := turned(shown[-1], NEXT)) is not None:
        assert isinstance(turn, TurnPage)
        assert isinstance(turn.request, ShowSession)
        shown.append(session(replace(answer, request=turn.request)))
    return shown


def turned(message: Message, action_id: str) -> Any:
    elements = [each for block in message.blocks for each in block.get("elements", ())]
    found = next((each for each in elements if each.get("action_id") == action_id), None)
    return None if found is None else decode(action_id, found["value"])


def said(messages: list[Message]) -> str:
    return "\n".join(
        block["text"]["text"] for each in messages for block in each.blocks if block["type"] == "section"
    )


def test_every_object_and_all_of_each_message_is_on_a_page() -> None:
    """A message longer than a page goes on on the next one; objects that went well are named, too."""
    answer = samples.long_session_answer(0)
    shown = said(pages(answer))
    for task in answer.tasks:
        assert task.name in shown
        for line in ((task.result and task.result.message) or "").splitlines():
            assert line in shown
    assert "Change tracking is off" in shown


def test_previous_leads_back() -> None:
    """Previous of a page is the page before; a page that is no longer there is the last one."""
    first, *_, last = pages(samples.long_session_answer(0))
    assert turned(first, PREVIOUS) is None
    assert session(samples.long_session_answer(99)).text == last.text
    assert turned(last, PREVIOUS).request.page == len(pages(samples.long_session_answer(0))) - 2


@given(st.lists(st.text(max_size=3_000), max_size=8))
def test_pages_fit(messages: list[str]) -> None:
    """No page loses a part to Slack's limits: its text says all that its blocks do."""
    tasks = tuple(samples.task(f"vm{n}", message=message) for n, message in enumerate(messages))
    for page in pages(replace(samples.session_answer(), tasks=tasks)):
        assert shown_length(page.blocks) < CHARACTERS_LIMIT
        assert "not shown here" not in page.text
        assert "left out for length" not in page.text


@given(st.text())
def test_quoted_text_is_whole(text: str) -> None:
    """The spans hold each character that can be seen, in order, however long the lines are."""
    lines = filter(None, map(one_line, text.splitlines()))
    expected = "".join(lines).replace("`", "'")
    spans = quoted(text, 7)
    unescaped = "".join(span[1:-1] for span in spans)
    unescaped = unescaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert unescaped == expected
    assert all(len(span) <= 7 + 2 for span in spans)


def test_the_log_says_only_what_is_not_said_above() -> None:
    """Lines that repeat an object's message, the session's own or its mere end are left out; others stay."""
    warned = samples.session_view(samples.session(result="Warning", message="1 of 2 objects warned"))
    titles = [
        "Processing sql03 Warning: Log truncation was skipped",
        "Log truncation was skipped.",
        "Warning: 1 of 2 objects warned",
        "Job finished with warning at 11/23/2026 2:24:00 AM",
        "Processing sql03 Warning: Change tracking is off",
    ]
    records = tuple(replace_fields(samples.session_answer().records[0], title=title) for title in titles)
    task = samples.task("sql03", "Warning", "Log truncation was skipped")
    text = session(replace(samples.session_answer(warned), tasks=(task,), records=records)).text
    _, _, log = text.partition("From the log\n")
    assert [line for line in log.splitlines() if line.startswith("`")] == [f"`{titles[-1]}`"]
    assert text.count("Log truncation was skipped") == 1


def test_a_warning_shows_the_warning() -> None:
    """The page of a session with a warning says Warning, names the object, and gives its message."""
    view = samples.session_view(samples.session(result="Warning", message="Warning"))
    answer = replace(samples.session_answer(view), tasks=(samples.task("sql03", "Warning", "VSS failed"),))
    text = session(answer).text
    assert "Warning" in text.splitlines()[0]
    assert "sql03" in text
    assert "VSS failed" in text
