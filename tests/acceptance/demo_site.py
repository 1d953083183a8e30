"""The demonstration's page as a person uses it, over two calm servers in which nothing happens by itself."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from bot.sandbox.vbr import Pace, World
from bot.sandbox.vbr.jobmodels import daily
from bot.sandbox.vbr.life import Start
from tests.acceptance.rig import now

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 30_000
ANN, BEN, OLE, VIC, NIA, GUS = "U0ANN", "U0BEN", "U0OLE", "U0VIC", "U0NIA", "U0GUS"
BAR = re.compile(r"▰+▱+ \d+ %")
HALF_DONE = re.compile(r"▰{4,7}▱+ \d\d %")

NO_SPACE = "There is not enough space on the disk."
_FULL = (
    "There is not enough space on the disk. Failed to write data to the file [D:\\Backup\\ora01D2026.vbk]."
)
_GUEST = "Failed to connect to guest agent. Errors: 'Cannot connect to the host's administrative share.'"
FREEZE = "Failed to freeze guest, wait timeout"
_QUIET = {
    "Domain controllers": ("dc01", "dc02"),
    "Exchange DAG": ("exch01", "exch02", "exch03"),
    "File servers": ("fs01", "fs02"),
    "Kubernetes nodes": ("k8s-01", "k8s-02", "k8s-03"),
    "Linux backup job": ("lnx01", "lnx02"),
    "SharePoint": ("sp-app01", "sp-sql01"),
    "SQL Production": ("sql01", "sql02", "sql03"),
    "Test & Dev": ("dev01", "test01"),
    "Web tier": ("web01", "web02"),
    "Web tier (DMZ)": ("dmz-web01",),
}


def calm_worlds() -> Mapping[str, World]:
    """Two sites with a week behind them and three failed jobs; a run begins only when a test begins it.

    All of them run once a day, and have run a few hours ago.
    """
    hq, branch = (World(now, name=name, pace=Pace(run_seconds=(2, 2), stop_seconds=1, housekeeping=False))
                  for name in ("hq", "branch"))  # fmt: skip
    for name, objects in _QUIET.items():
        _lived(hq, name, objects)
    _lived(hq, "Oracle ERP", ("ora01", "ora02"), failed={"ora01": _FULL}, times=3)
    _lived(
        hq,
        "NAS share",
        ("nas01",),
        failed={"nas01": "Failed to prepare guest for freeze, wait timeout 900 sec"},
    )
    _lived(branch, "Till systems", ("till01", "till02"), failed={"till02": _GUEST}, times=2)
    _lived(branch, "SQL Production", ("br-sql01",))
    return {"hq": hq, "branch": branch}


def fortnights() -> Mapping[str, World]:
    """The same two sites, with some twenty jobs more that have fared differently for two weeks."""
    worlds = calm_worlds()
    places = ("File server", "SAP", "VDI", "Mail archive", "Print", "Dev database", "Intranet")
    for number in range(21):
        name = f"{places[number % 7]} {number // 7 + 1:02}"
        job = worlds["hq" if number % 3 else "branch"].add_job(name, objects=(f"vm{number:02}",))
        world = worlds["hq" if number % 3 else "branch"]
        for days_ago in range(13, -1, -1):
            dice = (number * 7 + days_ago * 5 + number * days_ago) % 19
            is_bad = dice in {2, 11} or days_ago < number % 5 - 1
            result = "Failed" if is_bad else "Warning" if dice == 5 else "Success"
            problem = {f"vm{number:02}": NO_SPACE if number % 2 else FREEZE}
            world.finish_run(
                job,
                ended_at=world.now() - timedelta(days=days_ago, hours=2, minutes=number),
                result=result,
                objects=problem if is_bad else {},
                warned=problem if result == "Warning" else {},
                seconds=900,
            )
    return worlds


def ends_soon(world: World, name: str, minutes: int) -> None:
    """Let a scheduled run of that job, begun so many minutes ago, be about to end."""
    job = world.job(name)
    job.run_seconds = minutes * 60 + 1
    world.life.begin(job, Start(), world.now() - timedelta(minutes=minutes))
    job.run_seconds = None


class Visitor:
    """Whoever sits before the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def messages(self) -> Locator:
        """The messages of the channel, the private ones among them."""
        return self.page.locator("#messages .message")

    @property
    def answers(self) -> Locator:
        """What only this person sees."""
        return self.page.locator("#messages .message.is-private")

    @property
    def thread(self) -> Locator:
        """The messages of the open thread."""
        return self.page.locator("#thread-messages .message")

    async def arrives(self, url: str) -> None:
        """Open the page and wait until the bot is there."""
        await self.page.goto(url)
        await expect(self.page.locator("#status")).to_have_text("Bot connected")

    async def acts_as(self, person: str) -> None:
        """Choose who to be."""
        button = self.page.get_by_test_id("person")
        await button.click()
        entry = self.page.locator(f"[data-person={person}]")
        name = await entry.locator("strong").inner_text()
        await entry.click()
        await expect(button).to_contain_text(name)

    async def closes_thread(self) -> None:
        """Put the thread away, so that the channel has the whole width."""
        await self.page.get_by_role("button", name="Close thread").click()

    async def looks_away(self) -> None:
        """Rest the mouse where it points at nothing, and let no field have the focus."""
        await self.page.mouse.move(0, 0)
        await self.page.evaluate("document.activeElement.blur()")

    async def types(self, line: str) -> None:
        """Type a line into the channel and send it."""
        await self.page.locator("#composer textarea").fill(line)
        await self.page.keyboard.press("Enter")

    async def asks(self, line: str) -> Locator:
        """Type a command and return the answer that only this person sees."""
        before = await self.answers.count()
        await self.types(line)
        answer = self.answers.nth(before)
        await expect(answer).to_be_visible()
        return answer

    async def dismisses(self, answer: Locator) -> None:
        """Put an answer away; another one may come meanwhile."""
        key = await answer.get_attribute("data-key")
        assert key is not None
        await answer.get_by_role("button", name="Dismiss").click()
        await expect(self.page.locator(f'#messages [data-key="{key}"]')).to_have_count(0)

    async def confirms(self, *words: str, label: str) -> None:
        """Read the dialog and press its button."""
        dialog = self.page.locator("dialog")
        for word in words:
            await expect(dialog).to_contain_text(word)
        await dialog.get_by_role("button", name=label, exact=True).click()
        await expect(dialog).to_have_count(0)

    async def chooses(self, field: str, typed: str, *names: str) -> None:
        """Search in a menu of the form on top, and choose these of what it finds."""
        await self.page.get_by_test_id("modal").get_by_role("button", name=field).click()
        await self.page.keyboard.type(typed)
        for name in names:
            await self.page.get_by_role("option").filter(has_text=re.compile(rf"^{re.escape(name)}")).click()
        if await self.page.get_by_role("listbox").count():  # a menu of several stays open
            await self.page.keyboard.press("Escape")

    def button(self, within: Locator, label: str, job: str) -> Locator:
        """The button of that label about that job, by what a screen reader says of it."""
        return within.get_by_role("button", name=re.compile(rf"^{label}\b.*\b{re.escape(job)}\b"))


def _lived(
    world: World, name: str, objects: tuple[str, ...], failed: Mapping[str, str] | None = None, times: int = 1
) -> None:
    seconds = 600 + 60 * len(name)
    ended_at = world.now() - timedelta(hours=3, minutes=len(name))
    begun_at = (ended_at - timedelta(seconds=seconds)).astimezone(world.zone)
    job = world.add_job(name, objects=objects, schedule=daily(f"{begun_at:%H:%M}", retries=0))
    bad = times if failed else 0
    for days_ago in range(6, -1, -1):
        is_bad = days_ago < bad
        world.finish_run(
            job,
            ended_at=ended_at - timedelta(days=days_ago),
            result="Failed" if is_bad else "Success",
            objects=(failed or {}) if is_bad else {},
            seconds=seconds,
        )
