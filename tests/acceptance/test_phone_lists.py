"""Ten failures on a phone, in Chromium: three screens at most, whatever their causes, each button at hand."""

from datetime import timedelta

import pytest
from playwright.async_api import async_playwright, expect

from bot.sandbox.demo import Demo
from tests.acceptance.demo_site import CHROMIUM, FLAGS, FREEZE, Visitor, calm_worlds
from tests.support.failure_texts import KNOWN_CAUSES

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Debian's chromium is not installed (/usr/bin/chromium)"
)

_WIDTH, _SCREEN = 390, 844
_DISK = (
    "Failed to open VDDK disk [[SAN-01] {0}/{0}.vmdk] ( is read-only mode - [true] ) Failed to open virtual "
    "disk. Logon attempt with parameters [VC/ESX: [vcenter01.example.com]; Port: 443; Login: [EXAMPLE\\svc]; "
    "VMX Spec: [moref=vm-1042]] failed because of the following errors: Failed to open disk for read."
)


_SHARED = [FREEZE if number % 2 else _DISK.format(f"vm{number:02}") for number in range(7)]
_IN_CALM_WORLDS = {"repository_full", "vss", "guest_unreachable"}
_LONGEST = {cause: text for text, cause in sorted(KNOWN_CAUSES, key=lambda known: len(known[0]))}
_EACH_ITS_OWN = sorted((_LONGEST[cause] for cause in _LONGEST.keys() - _IN_CALM_WORLDS), key=len)[-7:]


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (
            _SHARED,
            (
                "4 jobs failed for the same reason: VM disk can't be opened",
                "4 jobs failed for the same reason: VSS",
            ),
        ),
        (_EACH_ITS_OWN, ()),
    ],
    ids=["few causes", "long causes, each its own"],
)
async def test_ten_failures_fit_three_screens(reasons: list[str], said: tuple[str, ...]) -> None:
    """Rows are short, and jobs of one cause together; a failure's message shows cause and Retry at once."""
    worlds = calm_worlds()
    hq = worlds["hq"]
    for number, reason in enumerate(reasons):
        job = hq.add_job(f"Payroll and bookkeeping {number}", objects=(f"vm{number:02}",))
        ended_at = hq.now() - timedelta(hours=number)
        hq.finish_run(job, ended_at=ended_at, result="Failed", objects={f"vm{number:02}": reason})
    async with Demo(worlds=worlds) as demo, async_playwright() as playwright:
        await demo.start()
        await demo.ready()
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": _WIDTH, "height": _SCREEN})
        visitor = Visitor(page)
        await visitor.arrives(demo.page_url)
        listed = await visitor.asks("/veeam jobs failed")
        for words in ("Jobs · failed", "10 jobs", *said):
            await expect(listed).to_contain_text(words)
        await expect(listed.get_by_text("for the same reason")).to_have_count(len(said))
        await expect(listed.get_by_role("button", name="Retry job")).to_have_count(10)
        box = await listed.bounding_box()
        assert box is not None
        assert box["height"] <= 3 * _SCREEN
        assert box["width"] <= _WIDTH
        cause = max(reasons, key=len)
        hq.finish_run(
            "SQL Production", result="Failed", objects={"sql02": cause, "sql03": cause}, seconds=240
        )
        root = visitor.messages.filter(has_text="Failed · SQL Production on hq")
        for part in (root.locator("code"), visitor.button(root, "Retry", "SQL Production")):
            await expect(part).to_be_in_viewport(ratio=1)
        await browser.close()
