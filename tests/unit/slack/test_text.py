"""Text for Slack and from Slack."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.mentions import notified
from bot.slack import text


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("SQL Prod", "SQL Prod"),
        ("SQL_Prod_01", "SQL_Prod_01"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("*bold*", "`*bold*`"),
        ("_all_", "`_all_`"),
        ("`code`", "`'code'`"),
        (":fire: drill", "`:fire: drill`"),
        ("@here", "`@here`"),
        ("#general", "`#general`"),
        ("see www.example.com", "`see www.example.com`"),
        ("https://example.com", "`https://example.com`"),
        ("> quoted", "`&gt; quoted`"),
        ("two\nlines", "two lines"),
        ("exe\u202etxt\x00", "exe�txt�"),
        ("SQL\u200d Prod", "SQL� Prod"),
        ("S\u200cQL", "S�QL"),
        ("SQL\u3164Prod\u2800", "SQL�Prod�"),
        ("SQ\ufe0fL", "SQ�L"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\U0001f468\u200d\U0001f4bb \u2764\ufe0f", "\U0001f468\u200d\U0001f4bb \u2764\ufe0f"),
        ("", "(no name)"),
    ],
)
def test_foreign_text_is_shown_as_it_is(foreign: str, shown: str) -> None:
    """Slack neither formats nor links foreign text, and what can't be seen is made visible."""
    assert text.literal(foreign) == shown


@pytest.mark.parametrize(
    ("name", "shown"), [("SQL Prod", "*SQL Prod*"), ("SQL*", "`SQL*`"), ("A & B", "*A &amp; B*")]
)
def test_name_is_bold_where_bold_is_faithful(name: str, shown: str) -> None:
    """A name that bold would garble stands in a code span."""
    assert text.strong(name) == shown


@given(
    st.text("abc ", min_size=80, max_size=200),
    st.text("abc", max_size=100),
    st.text("de", min_size=1, max_size=9),
)
def test_long_names_are_cut_where_they_do_not_differ(same: str, end: str, other: str) -> None:
    """Two names that differ anywhere differ in a menu, too, and each fits."""
    one, another = (f"{same.strip()}{middle}{end.strip()}" for middle in ("x", other))
    shown = text.distinct([one, another, "short"], 75)
    assert len(set(shown)) == 3
    assert max(map(len, shown)) <= 75


def test_names_that_are_the_same_stay_the_same() -> None:
    """What is cut says so, and names that do not differ are not made to."""
    assert text.distinct(["a" * 90, "a" * 90, "b"], 75) == [f"{'a' * 74}…"] * 2 + ["b"]


@given(st.text(max_size=400), st.integers(10, 200))
def test_shortened_text_fits_and_splits_no_entity(foreign: str, limit: int) -> None:
    """What is sent is at most as long as asked for, counted with its entities, each of them whole."""
    for shown in (text.literal(foreign, limit), text.strong(foreign, limit), text.code(foreign, limit)):
        assert len(shown) <= limit
        bare = shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert not set("&<>\n") & set(bare)


@given(st.text(max_size=400))
def test_shortening_is_visible(foreign: str) -> None:
    """Text that had to be cut ends in an ellipsis; other text is whole."""
    shown = text.shorten(foreign, 50)

    assert shown.endswith("…") if len(text.escape(foreign)) > 50 else shown == text.escape(foreign)


def test_a_long_message_keeps_its_end() -> None:
    """VBR says last what went wrong: the middle is cut, between words, and visibly."""
    message = (
        "Failed to open the virtual disk. " + "Parameters follow. " * 20 + "Failed to open disk for read."
    )
    shown = text.code(message, 100)
    assert len(shown) <= 100
    assert shown.startswith("`Failed to open the virtual disk.")
    assert shown.endswith("Failed to open disk for read.`")
    assert shown.count("…") == 1
    assert "Param…" not in shown


@pytest.mark.parametrize(
    ("number", "place"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (22, "22nd")],
)
def test_ordinals(number: int, place: str) -> None:
    """As they are said."""
    assert text.ordinal(number) == place


@given(st.text(alphabet="<>&!@#|^`*_~:/ \nUSCchanel0123.htp", max_size=200))
def test_foreign_text_notifies_nobody(foreign: str) -> None:
    """No spelling of a name reaches anybody, however it is shown."""
    for shown in (
        text.literal(foreign),
        text.strong(foreign),
        text.code(foreign),
        text.mention(f" {foreign}"),
    ):
        assert not notified(shown)


@given(st.text(max_size=300), st.integers(20, 120))
def test_finished_markup_is_never_cut_inside_a_token(foreign: str, limit: int) -> None:
    """Cutting a whole message leaves neither half a date nor half an entity nor an open code span."""
    markup = f"{text.code(foreign)} {text.date(datetime(2026, 11, 23, tzinfo=UTC))} {text.literal(foreign)}"
    shown = text.shorten_mrkdwn(markup * 3, limit)

    assert len(shown) <= limit
    assert shown.count("<") == shown.count(">")
    assert shown.count("`") % 2 == 0


def test_whole_lines_are_kept_when_a_message_is_cut() -> None:
    """A cut falls behind a line, and is visible."""
    assert text.shorten_mrkdwn("first line\nsecond line", 16) == "first line\n…"


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("<!channel> & co", "\u2039!channel\u203a & co"),
        ("a\nb", "a b"),
        ("x" * 30, "x" * 19 + "…"),
        ("", "(empty)"),
    ],
)
def test_label_is_plain_and_short(foreign: str, shown: str) -> None:
    """In labels angle brackets are look-alikes, because nobody documents how Slack decodes entities there."""
    assert text.plain(foreign, 20) == shown


def test_date_is_slacks_own_with_a_fallback_in_utc() -> None:
    """Readers see their own time zone; where a client can't, the text names UTC."""
    at = datetime(2026, 11, 23, 13, 0, tzinfo=timezone(timedelta(hours=1)))

    assert text.date(at) == "<!date^1795435200^{date_short_pretty} {time}|23 Nov 2026 12:00 UTC>"


def test_date_before_slacks_time_is_plain() -> None:
    """VBR's year 1 is no timestamp that Slack takes."""
    assert text.date(datetime(1, 1, 1, tzinfo=UTC)) == "1 Jan 1 00:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (26 * 60 + 4, "26 min"),
        (3600, "1 h"),
        (3840, "1 h 04 min"),
        (86400, "1 d"),
        (2 * 86400 + 3 * 3600, "2 d 03 h"),
    ],
)
def test_duration(seconds: int, shown: str) -> None:
    """Durations stand in their two largest units."""
    assert text.duration(seconds) == text.duration(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (1024, "1 KB"),
        (17179869184, "16 GB"),
        (8074035200, "7.5 GB"),
        (1024**4, "1 TB"),
        (-1, "0 B"),
    ],
)
def test_size_is_as_vbr_prints_it(size_bytes: int, shown: str) -> None:
    """Sizes are binary and named GB, as in VBR's console."""
    assert text.size(size_bytes) == shown


@pytest.mark.parametrize(
    ("percent", "shown"),
    [
        (0, "▱▱▱▱▱▱▱▱▱▱ 0 %"),
        (1, "▰▱▱▱▱▱▱▱▱▱ 1 %"),
        (42, "▰▰▰▰▱▱▱▱▱▱ 42 %"),
        (99.9, "▰▰▰▰▰▰▰▰▰▱ 99 %"),
        (100, "▰▰▰▰▰▰▰▰▰▰ 100 %"),
        (250, "▰▰▰▰▰▰▰▰▰▰ 100 %"),
        (float("nan"), "▱▱▱▱▱▱▱▱▱▱ 0 %"),
    ],
)
def test_bar_is_full_only_at_the_end(percent: float, shown: str) -> None:
    """A bar says its number, and is full or empty only when that is true."""
    assert text.bar(percent) == shown


def test_count_knows_one_and_many() -> None:
    """Numbers agree with their nouns."""
    assert [text.count(n, "job") for n in (0, 1, 1204)] == ["0 jobs", "1 job", "1,204 jobs"]
    assert text.count(2, "repository", "repositories") == "2 repositories"


@pytest.mark.parametrize(
    ("member", "shown"),
    [
        ("U0ANN", "<@U0ANN>"),
        ("W0ANN", "<@W0ANN>"),
        ("S0ONCALL", "<!subteam^S0ONCALL>"),
        ("U1> <!here", "U1&gt; &lt;!here"),
    ],
)
def test_only_ids_are_mentioned(member: str, shown: str) -> None:
    """What is no ID of a person or a user group is shown, not sent as a mention."""
    assert text.mention(member) == shown


@pytest.mark.parametrize(
    ("received", "typed"),
    [
        ("whoami <@U012ABCDEF>", "whoami @U012ABCDEF"),
        ("whoami <@U012ABCDEF|ann>", "whoami @U012ABCDEF"),
        ("in <#C012|backups> and <#C013|>", "in #C012 and #C013"),
        ("<!subteam^S012|@oncall> <!subteam^S013>", "@oncall S013"),
        ("job <https://x.example/a>", "job https://x.example/a"),
        ("job <https://x.example/a|x.example/a>", "job x.example/a"),
        ("job <mailto:a@x.example|a@x.example>", "job a@x.example"),
        ("<!here> <!channel|channel>", "@here @channel"),
        ("jobs a &lt; b &amp; c", "jobs a < b & c"),
        ("jobs a < b & c", "jobs a < b & c"),
        ("jobs &amp;lt;", "jobs &lt;"),
        ("jobs &lt;@U012&gt;", "jobs <@U012>"),
        ("jobs a <b> c", "jobs a <b> c"),
        ("job “SQL Prod”\nx", "job “SQL Prod”\nx"),
    ],
)
def test_typed_line_is_what_was_typed(received: str, typed: str) -> None:
    """What Slack makes of a command's text is undone, once."""
    assert text.typed_line(received) == typed


@given(st.text())
def test_typed_line_never_raises(received: str) -> None:
    """Any text can be read."""
    assert isinstance(text.typed_line(received), str)


@given(st.text())
def test_typed_text_survives_slacks_escaping(typed: str) -> None:
    """Text without mentions comes back as it was typed."""
    assert text.typed_line(text.escape(typed)) == typed
