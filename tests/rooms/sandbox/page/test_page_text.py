"""What the page makes of texts, in Debian's Chromium."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.rooms.sandbox.page.kit import actions, button, field, modal, mrkdwn, option, plain
from tests.rooms.sandbox.page.room import CHROMIUM, Room

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Debian's chromium is not installed (/usr/bin/chromium)"
    ),
]


EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


async def test_no_text_becomes_markup(page: Page, room: Room) -> None:
    """Names and texts that look like HTML stay text, wherever they are shown."""
    room.workspace.directory.people["U0OLE"].real_name = EVIL
    room.posts(
        EVIL,
        attachments=[{"color": "red;background:url(//x)", "title": EVIL, "text": EVIL, "fallback": EVIL}],
    )
    cell = {"type": "raw_text", "text": EVIL}
    room.posts(
        "x",
        [
            {"type": "header", "text": plain(EVIL)},
            {"type": "section", "text": mrkdwn(f"*{EVIL}* <@U0OLE> `{EVIL}` ```{EVIL}```"),
             "fields": [plain(EVIL)]},
            {"type": "section", "text": mrkdwn("<javascript:window.pwned=1|press> <data:text/html,x|or me>")},
            {"type": "table", "rows": [[cell], [cell]]},
            {"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": [cell | {"type": "text"}]}]},
            actions(button("Evil", accessibility_label=EVIL), {"type": "static_select", "action_id": "s",
                    "placeholder": plain(EVIL), "options": [option(EVIL, "1")]}),
        ],
    )  # fmt: skip
    room.workspace.views.open(
        "U0ANN", modal(field("name", {"type": "plain_text_input"}), title="<b>Bold</b>")
    )
    await expect(page.locator("dialog h2")).to_have_text("<b>Bold</b>")
    assert await page.locator("main script, main img, dialog b, [onerror]").count() == 0
    assert await page.locator('a[href^="javascript"], a[href^="data"]').count() == 0
    assert await page.evaluate("window.pwned") is None
    await expect(page.locator(".block-header")).to_have_text(EVIL)
    await expect(page.locator("td")).to_have_text(EVIL)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser(browser: Browser) -> AsyncIterator[Page]:
    """A page for all rows of the table: reading mrkdwn changes nothing in it."""
    room = Room()
    async with room.page:
        opened = await browser.new_page(timezone_id="Asia/Tokyo")
        await opened.goto(room.page.url)
        yield opened
        await opened.close()


async def parsed(parser: Page, text: str) -> str:
    """The HTML that the page makes of mrkdwn."""
    html: str = await parser.evaluate(
        """async (text) => {
            const { mrkdwn } = await import("/static/mrkdwn.js");
            const context = {
                zone: "Europe/Berlin",
                personName: (id) => ({ U1: "Ann" })[id] ?? null,
                groupHandle: (id) => ({ S1: "oncall" })[id] ?? null,
                channelName: (id) => ({ C1: "prod" })[id] ?? null,
            };
            const box = document.createElement("div");
            box.append(...mrkdwn(text, context));
            const noise = / (class|type|target|rel|title|role|tabindex|aria-label)="[^"]*"/g;
            return box.innerHTML.replaceAll(noise, "");
        }""",
        text,
    )
    return html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _italic_", "<strong>bold</strong> <em>italic</em>"),
        ("~gone~ `code`", "<s>gone</s> <code>code</code>"),
        ("*bold with _italic_ in it*", "<strong>bold with <em>italic</em> in it</strong>"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("* not bold * and **", "* not bold * and **"),
        ("(*bold*), *really*!", "(<strong>bold</strong>), <strong>really</strong>!"),
        ("`*not bold* &lt;b&gt;`", "<code>*not bold* &lt;b&gt;</code>"),
        ("&lt;b&gt; &amp;amp; &quot;", "&lt;b&gt; &amp;amp; &amp;quot;"),
        ("one\ntwo", "one<br>two"),
        ("&gt; quoted\n&gt; still\nnot", "<blockquote>quoted<br>still</blockquote>not"),
        ("a\n```\ncode *x*\n```\nb", "a<pre>code *x*\n</pre>b"),
        ("<@U1> <@U9|bob> <!subteam^S1> <!here>",
         "<span>@Ann</span> <span>@bob</span> <span>@oncall</span> <span>@here</span>"),
        ("<#C1> <#C9|other>", "<button>#prod</button> <button>#other</button>"),
        ("<https://x.example/?a=1&amp;b=2|a label>", '<a href="https://x.example/?a=1&amp;b=2">a label</a>'),
        ("see https://x.example/a.", 'see <a href="https://x.example/a">https://x.example/a</a>.'),
        (":white_check_mark: :nosuch: 12:30:45", "<span>✅</span> :nosuch: 12:30:45"),
        ("<!date^1763899200^{date_num} {time}|then>",
         '<time datetime="2025-11-23T12:00:00.000Z">2025-11-23 1:00 PM</time>'),
        ("<!date^1763899200^{nonsense}|then>", '<time datetime="2025-11-23T12:00:00.000Z">then</time>'),
        ("<!date^soon^{time}|then>", "<time>then</time>"),
        ("unclosed *bold `code <https://x", "unclosed *bold `code &lt;https://x"),
    ],
)  # fmt: skip
async def test_mrkdwn_is_read_as_slack_reads_it(parser: Page, text: str, html: str) -> None:
    """Mark-up, references, dates in the reader's own zone; entities decoded once; the rest as typed."""
    assert await parsed(parser, text) == html


async def test_plain_text_is_never_parsed(page: Page, room: Room) -> None:
    """A header shows stars, entities and mentions as they are; emoji only where they are asked for."""
    room.posts("x", [{"type": "header", "text": plain("*a* &amp; <@U0ANN> :x:")}])
    await expect(page.locator(".block-header")).to_have_text("*a* &amp; <@U0ANN> ❌")
    room.posts("x", [{"type": "header", "text": {"type": "plain_text", "text": ":x:", "emoji": False}}])
    await expect(page.locator(".block-header").last).to_have_text(":x:")


async def test_a_named_day_is_capitalised_only_where_it_opens_a_line(parser: Page) -> None:
    """Within a sentence one reads "today", at its beginning "Today"."""
    now = int(time.time())
    date = f"<!date^{now}^{{date_short_pretty}}|now>"
    html = await parsed(parser, f"{date}\nended {date}")
    assert ">Today</time><br>ended <time" in html
    assert html.endswith(">today</time>")
