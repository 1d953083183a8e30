"""What a newcomer does on the demonstration's page, in Chromium. `--save-pictures` keeps what is seen."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image, ImageChops
from playwright.async_api import Browser, Locator, ViewportSize, async_playwright, expect

from bot.sandbox.demo import Demo
from bot.sandbox.vbr import Outcome
from tests.acceptance.demo_site import (
    BAR,
    BEN,
    CHROMIUM,
    FLAGS,
    FREEZE,
    GUS,
    HALF_DONE,
    NIA,
    NO_SPACE,
    VIC,
    WAIT_MS,
    Visitor,
    calm_worlds,
    ends_soon,
    fortnights,
)
from tests.acceptance.rig import now

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Debian's chromium is not installed (/usr/bin/chromium)"
    ),
]

REFUSED = "Your role does not include /veeam retry."
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
DESK: ViewportSize = {"width": 1280, "height": 800}
PICTURED = 1_000
"""The page's width in a picture of a message: wide enough for its rows, narrow enough for a page of text."""
PHONE: ViewportSize = {"width": 390, "height": 844}

Visit = Callable[[Demo, ViewportSize], Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        await launched.close()


@asynccontextmanager
async def _calm_demo() -> AsyncIterator[Demo]:
    async with Demo(worlds=calm_worlds()) as demo:
        await demo.start()
        await demo.ready()
        yield demo


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def demo() -> AsyncIterator[Demo]:
    """One for all tests that only look, in whatever order they come: no test may change a job of it."""
    async with _calm_demo() as shared:
        yield shared


@pytest_asyncio.fixture(loop_scope="module")
async def own_demo() -> AsyncIterator[Demo]:
    """For a test that changes jobs or presses buttons that do."""
    async with _calm_demo() as own:
        yield own


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser, picture: "Picture") -> AsyncIterator[Visit]:
    """Opens the page as Ann, in #prod; an error in its script fails the test."""
    errors: list[str] = []
    contexts = []

    async def visit(demo: Demo, viewport: ViewportSize = DESK) -> Visitor:
        context = await browser.new_context(
            viewport=viewport,
            device_scale_factor=2 if picture.is_wanted else 1,
            locale="en-US",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
            color_scheme="light",
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        visitor = Visitor(page)
        await visitor.arrives(demo.page_url)
        return visitor

    yield visit
    for context in contexts:
        await context.close()
    assert errors == []


@dataclass(frozen=True)
class Picture:
    """Takes a picture of a part of the page, where pictures are wanted."""

    is_wanted: bool

    async def __call__(self, visitor: Visitor, name: str, part: Locator, *, width: int = PICTURED) -> None:
        if self.is_wanted:
            await visitor.looks_away()
            viewport = visitor.page.viewport_size or DESK
            # A long message would stand behind the page's head.
            await visitor.page.set_viewport_size({"width": width, "height": 2_000})
            taken = Image.open(BytesIO(await part.screenshot())).convert("RGB")
            await visitor.page.set_viewport_size(viewport)
            self.keep(name, _cropped(taken))

    def keep(self, name: str, taken: Image.Image) -> None:
        """Write it, where pictures are wanted."""
        if self.is_wanted:
            # Text on plain ground needs no more colours, and a third of the bytes.
            small = taken.quantize(256, dither=Image.Dither.NONE)
            small.save(PICTURES / f"{name}.png", optimize=True)


def _cropped(picture: Image.Image) -> Image.Image:
    """Cut off what is below the last line of text, and half a row of the next part, but for a margin."""
    whole = picture.crop((0, 0, picture.width, picture.height - 2))
    ground = Image.new("RGB", whole.size, whole.getpixel((whole.width - 1, whole.height - 1)))
    box = ImageChops.difference(whole, ground).getbbox()
    return whole if box is None else whole.crop((0, 0, whole.width, min(whole.height, box[3] + 24)))


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Picture:
    return Picture(request.config.getoption("--save-pictures", default=False))


class Animation:
    """A phone's screen while something happens, as a GIF; frames are kept where pictures are wanted."""

    def __init__(self, picture: Picture, visitor: Visitor) -> None:
        self._is_wanted = picture.is_wanted
        self._visitor = visitor
        self._frames: list[Image.Image] = []
        self._shown_ms: list[int] = []

    async def shows(self, *, for_ms: int) -> None:
        """Take what the screen shows now as the next frame."""
        if self._is_wanted:
            await self._visitor.looks_away()
            taken = Image.open(BytesIO(await self._visitor.page.screenshot())).convert("RGB")
            self._frames.append(taken)
            self._shown_ms.append(for_ms)

    async def follows(self, part: Locator, *, until: str) -> None:
        """Take a frame for each change of a part, until it says this."""
        while self._is_wanted and until not in (said := await part.inner_text()):
            await self.shows(for_ms=600)
            await expect(part).not_to_have_text(said, use_inner_text=True)

    def save(self, name: str) -> None:
        """Write it, each frame with as few colours as a page of text needs."""
        if self._is_wanted:
            first, *others = (frame.quantize(64, dither=Image.Dither.NONE) for frame in self._frames)
            first.save(
                PICTURES / f"{name}.gif", save_all=True, append_images=others, duration=self._shown_ms, loop=0
            )


@pytest.mark.timeout(120)
async def test_a_newcomer_retries_a_failed_job(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """List, Retry, dialog, progress, outcome; a run that fails is told in a thread and recovers by Retry."""
    ann = await visit(own_demo, DESK)
    helped = await ann.asks("/veeam help")
    await expect(helped).to_contain_text("/veeam retry NAME [chained]")
    await ann.dismisses(helped)

    listed = await ann.asks("/veeam jobs failed")
    await expect(listed).to_contain_text("3 jobs")
    await expect(listed).to_contain_text("Oracle ERP on hq · 3rd failure in a row")
    await expect(listed).to_contain_text("There is not enough space on the disk.")
    await picture(ann, "jobs-failed", listed)

    await _meanwhile(own_demo, ann)
    await _retries(own_demo, ann, listed, picture)
    await _fails_and_recovers(own_demo, ann, picture)
    await _finds_both_at_home(ann, picture)
    phone = await visit(own_demo, PHONE)
    await picture(phone, "phone", await phone.asks("/veeam jobs failed"), width=PHONE["width"])


async def _meanwhile(demo: Demo, ann: Visitor) -> None:
    world = demo.vbrs["hq"].world
    world.plan("Exchange DAG", [Outcome("Warning", {"exch01": "VMware Tools are not running on exch01"})])
    ends_soon(world, "Exchange DAG", minutes=38)
    root = ann.messages.filter(has_text="Warning · Exchange DAG on hq")
    await expect(root).to_be_visible()
    # The thread follows: drawing it anew under the pointer would swallow a click.
    await expect(root.locator(".thread-line")).to_be_visible()


async def _retries(demo: Demo, ann: Visitor, listed: Locator, picture: Picture) -> None:
    demo.vbrs["hq"].world.job("Oracle ERP").run_seconds = 12 if picture.is_wanted else 8
    await ann.button(listed, "Retry", "Oracle ERP").click()
    await ann.confirms("Oracle ERP", "on hq", label="Retry")
    await ann.dismisses(listed)
    # The channel has one message about the run: its root shows the retry.
    root = ann.messages.filter(has_text="ora01")
    await expect(root).to_contain_text(BAR)
    if picture.is_wanted:
        await expect(root).to_contain_text(HALF_DONE)
    await picture(ann, "action", root)
    await expect(root).to_contain_text("Recovered · Oracle ERP on hq · attempt 2")
    await expect(root).to_have_count(1)
    await root.locator(".thread-line").click()
    started = "Retry of Oracle ERP on hq started by @Ann Administrator"
    await expect(ann.thread.filter(has_text=started)).to_be_visible()


async def _fails_and_recovers(demo: Demo, ann: Visitor, picture: Picture) -> None:
    world = demo.vbrs["hq"].world
    world.plan("SQL Production", [Outcome("Failed", {"sql02": FREEZE}, message="Failed"), Outcome("Success")])
    ends_soon(world, "SQL Production", minutes=26)
    root = ann.messages.filter(has_text="SQL Production on hq")
    await expect(root).to_contain_text(f"sql02: {FREEZE}")
    await expect(root).to_contain_text("1 of 3 objects failed")
    await expect(root).to_contain_text("next run")
    await root.locator(".thread-line").click()
    await expect(ann.thread.filter(has_text="VMware backup")).to_contain_text("transferred")
    await ann.closes_thread()
    await picture(ann, "failure", root)

    await ann.button(root, "Retry", "SQL Production").click()
    await ann.confirms("SQL Production", label="Retry")
    await expect(root.filter(has_text="Recovered")).to_contain_text("attempt 2")
    await root.locator(".thread-line").click()
    await expect(ann.thread.last).to_contain_text("Attempt 2: ✅ Success")
    await picture(ann, "thread", ann.page.locator("#thread-messages"), width=DESK["width"])


async def _finds_both_at_home(ann: Visitor, picture: Picture) -> None:
    home = ann.page.locator("#home")
    await ann.page.locator("#lists").get_by_text("veeam", exact=True).click()
    for job in ("Oracle ERP", "SQL Production"):
        await expect(home).to_contain_text(f"Retry · {job} on hq")
    await picture(ann, "home", home)


@pytest.mark.timeout(120)
async def test_the_morning_round(own_demo: Demo, visit: Visit) -> None:
    """What is wrong and why, and again: `jobs problems`, Details with the whole cause, Retry, its thread."""
    ann = await visit(own_demo, DESK)
    await _meanwhile(own_demo, ann)
    listed = await ann.asks("/veeam jobs problems")
    await expect(listed).to_contain_text("4 jobs")
    await expect(listed).to_contain_text("Exchange DAG on hq")
    before = await ann.answers.count()
    await ann.button(listed, "Details", "Oracle ERP").click()
    await expect(ann.answers.nth(before)).to_contain_text("Failed to write data to the file")
    own_demo.vbrs["hq"].world.job("Oracle ERP").run_seconds = 3
    await ann.button(ann.answers.nth(before), "Retry", "Oracle ERP").click()
    await ann.confirms("Oracle ERP", "on hq", label="Retry")
    root = ann.messages.filter(has_text="Recovered · Oracle ERP on hq")
    await expect(root).to_be_visible()
    await root.locator(".thread-line").click()
    await expect(ann.thread.first).to_contain_text("Oracle ERP on hq")


@pytest.mark.timeout(120)
async def test_three_in_the_morning_on_a_phone(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """The failure, its cause and its buttons stand on the phone's screen at once; one press runs it again."""
    phone, world = await visit(own_demo, PHONE), own_demo.vbrs["hq"].world
    outcomes = [Outcome("Failed", {"sql02": FREEZE}, message="Failed"), Outcome("Success")]
    world.plan("SQL Production", outcomes)
    ends_soon(world, "SQL Production", minutes=26)
    animation = Animation(picture, phone)
    root = phone.messages.filter(has_text="SQL Production on hq").last
    await expect(root).to_contain_text(f"sql02: {FREEZE}")
    for part in (root.get_by_text(FREEZE), phone.button(root, "Retry", "SQL Production")):
        await expect(part).to_be_in_viewport(ratio=1)
    await animation.shows(for_ms=3_000)
    if picture.is_wanted:
        world.job("SQL Production").run_seconds = 15
    await phone.button(root, "Retry", "SQL Production").click()
    await expect(phone.page.locator("dialog")).to_be_visible()
    await animation.shows(for_ms=2_000)
    await phone.confirms("SQL Production", label="Retry")
    await animation.follows(root, until="Recovered")
    await expect(root).to_contain_text("Recovered · SQL Production on hq")
    await animation.shows(for_ms=3_000)
    animation.save("retry")


async def test_lists_are_paged_detailed_and_shared(demo: Demo, visit: Visit) -> None:
    """Next and Previous turn a page, Details answers the asker alone, Share shows that to the channel."""
    ann = await visit(demo, DESK)
    listed = await ann.asks("/veeam jobs")
    await expect(listed).to_contain_text("1\u201310 of 14 jobs")
    await expect(ann.button(listed, "Previous", "page 2")).to_have_count(0)
    await listed.get_by_role("button", name="Next page").click()
    await expect(listed).to_contain_text("11\u201314 of 14 jobs")
    await listed.get_by_role("button", name="Previous page").click()
    await expect(listed).to_contain_text("1\u201310 of 14 jobs")

    before = await ann.answers.count()
    await ann.button(listed, "Details", "Exchange DAG").click()
    await expect(ann.answers.nth(before)).to_contain_text("Latest sessions")
    await ann.answers.nth(before).get_by_role("button", name="Share this answer").click()
    await expect(ann.messages.last).to_contain_text("Shared by @Ann Administrator")
    await expect(ann.messages.last).to_contain_text("Success · Exchange DAG on hq")


async def test_a_warnings_details_are_the_warning(own_demo: Demo, visit: Visit) -> None:
    """Details of a completion show that session, also after the job went well again; so does its link."""
    ann, world = await visit(own_demo, DESK), own_demo.vbrs["hq"].world
    words = "The end of a long message. " * 40 + "Here are the decisive words."
    world.plan("Web tier", [Outcome("Warning", {"web02": words})])
    ends_soon(world, "Web tier", minutes=9)
    await expect(ann.messages.filter(has_text="Warning · Web tier on hq").last).to_be_visible()
    world.finish_run("Web tier", ended_at=world.now(), result="Success")
    root = ann.messages.filter(has_text="Warning · Web tier on hq").last
    before = await ann.answers.count()
    await ann.button(root, "Details", "Web tier").click()
    shown = ann.answers.nth(before)
    await expect(shown).to_contain_text("Warning · Web tier on hq")
    await expect(shown).to_contain_text("Here are the decisive words.")
    posted = own_demo.slack.workspace.conversations.channel("C0PROD").messages.values()
    warned = next(each for each in posted if each.metadata and ":warning: Warning · *Web tier*" in each.text)
    link = f"https://example.slack.com/archives/C0PROD/p{warned.ts.replace('.', '')}"
    by_link = await ann.asks(f"/veeam session {link}")
    await expect(by_link).to_contain_text("Here are the decisive words.")


async def test_the_home_is_each_persons_own(demo: Demo, visit: Visit) -> None:
    """The app in the side bar shows what is wrong; Details open a modal; whoever has no role sees no job."""
    ann = await visit(demo, DESK)
    home = ann.page.locator("#home")
    await ann.page.locator("#lists").get_by_text("veeam", exact=True).click()
    await expect(home).to_contain_text("3 failed jobs")
    await expect(home).to_contain_text("Your recent actions")

    await ann.button(home, "Details", "NAS share").click()
    modal = ann.page.get_by_test_id("modal")
    await expect(modal).to_contain_text("Latest sessions")
    await modal.get_by_role("button", name="Close").last.click()
    await ann.acts_as(NIA)
    await expect(home).to_contain_text("You have none of Veeam's roles here yet")
    await expect(home).not_to_contain_text("NAS share")


async def test_deleting_takes_two(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """Ann types the name and a reason; she cannot approve it herself; Ben does, and the job is gone."""
    world = own_demo.vbrs["hq"].world
    world.finish_run(world.add_job("Intranet", objects=("intra01", "intra02")), result="Success", seconds=600)
    ann = await visit(own_demo, DESK)
    await ann.types("/veeam delete Intranet")
    modal = ann.page.get_by_test_id("modal")
    await modal.get_by_label("Type the job's name to delete it").fill("Intranet")
    await modal.get_by_label("Reason, for the record").fill("Its servers are switched off")
    await modal.get_by_role("button", name="Ask for approval", exact=True).click()
    await expect(modal).to_contain_text("needs approval")
    await modal.get_by_role("button", name="Close").last.click()
    await expect(modal).to_have_count(0)
    asked = ann.messages.filter(has_text="@Ann Administrator asks to delete Intranet on hq")
    await expect(asked).to_contain_text("Reason: Its servers are switched off")
    await picture(ann, "approval", asked)

    before = await ann.answers.count()
    await ann.button(asked, "Approve", "Intranet").click()
    await ann.confirms("Intranet", label="Approve")
    await expect(ann.answers.nth(before)).to_contain_text("You can't approve your own request")
    await ann.acts_as(BEN)
    await ann.button(asked, "Approve", "Intranet").click()
    await ann.confirms("Intranet", label="Approve")
    told = "deleted by @Ann Administrator, approved by @Ben Administrator"
    await expect(ann.messages.filter(has_text=told)).to_be_visible()
    await expect(asked).to_contain_text("Done: approved by @Ben Administrator")
    await expect(asked.get_by_role("button", name="Approve")).to_have_count(0)
    assert world.book.job_named("Intranet") is None


async def test_many_failures_are_one_message(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """Six jobs fail for want of space: one message, a list in its thread; Retry all, and all recover.

    Those that fail again are retried from a report, with another job that fails for the same cause.
    """
    ann, world = await visit(own_demo, DESK), own_demo.vbrs["hq"].world
    world.book.repositories[world.default_repository_id].free_gb = 2.4
    shops = [world.add_job(f"SQL shop {number}", objects=(f"shop0{number}",)) for number in range(1, 7)]
    for job in shops:
        world.finish_run(job, result="Failed", objects={job.objects[0]: NO_SPACE}, seconds=240)
    root = ann.messages.filter(has_text=re.compile("6 (more )?jobs failed on hq"))
    await expect(root).to_contain_text("All of them: Repository full")
    await root.get_by_text("1 reply").click()
    await expect(ann.thread.last).to_contain_text("SQL shop 6")
    await ann.closes_thread()
    await picture(ann, "storm", root)
    await root.get_by_role("button", name="Retry all").click()
    await ann.confirms("Retry 6 jobs?", "SQL shop 6", label="Retry all")
    await root.locator(".thread-line").click()
    await expect(ann.thread.last).to_contain_text("@Ann Administrator retried 6 of 6 jobs")
    await ann.closes_thread()
    recovered = ann.messages.filter(has_text="All 6 failed jobs recovered")
    await expect(recovered).to_be_visible()
    await picture(ann, "recovered", recovered)

    for job in shops[:3]:
        world.finish_run(job, result="Failed", objects={job.objects[0]: NO_SPACE}, seconds=0.1)
    reported = await ann.asks("/veeam report")
    await picture(ann, "report-groups", reported)
    await ann.button(reported, "Retry all", "SQL shop 1").click()
    await ann.confirms("Retry 4 jobs?", "and 1 more", label="Retry all")
    await expect(ann.messages.filter(has_text="@Ann Administrator retried 4 of 4 jobs")).to_be_visible()


def _append(settings: Path, more: str) -> None:
    with settings.open("a", encoding="utf-8") as file:
        file.write(more)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def expectant_demo() -> AsyncIterator[Demo]:
    """Two weeks of more jobs, a digest that is due, and a repository that must not run full."""
    worlds = fortnights()
    hq = worlds["hq"]
    hq.book.repositories[hq.default_repository_id].free_gb = 57
    wanted = (
        f'\n[[digests]]\nchannel = "C0DIGEST"\nat = "{now():%H:%M}"\npicture = true\n'
        '\n[[expectations]]\nchannel = "C0BACKUPS"\nrepository_free_percent = 10\nmention = "S0ONCALL"\n'
    )
    async with Demo(worlds=worlds) as expectant:
        _append(Path(expectant.bot_env["VEEAM_BOT_CONFIG"]), wanted)
        await expectant.start()
        await expectant.ready()
        yield expectant


async def test_a_digest_shows_the_days_as_a_picture(
    expectant_demo: Demo, visit: Visit, picture: Picture
) -> None:
    """In its thread, with words for people who don't see it; a click shows it in full."""
    ann = await visit(expectant_demo, DESK)
    await ann.page.locator("#lists").get_by_text("backup-digest").click()
    root = ann.messages.filter(has_text="Backup digest")
    await expect(root).to_contain_text("jobs are failing")
    await picture(ann, "digest", root)
    await root.locator(".thread-line").click()
    days = ann.thread.filter(has_text="The last 14 days")
    shown = days.get_by_role("img", name=re.compile("^The last 14 days.* Jobs failing now: "))
    await expect(shown).to_be_visible()
    await expect(shown).to_have_js_property("naturalWidth", 1190)
    (stored,) = expectant_demo.slack.services.files.values()
    address = await days.get_by_role("link").get_attribute("href")
    assert (await (await ann.page.request.get(address or "")).body()) == stored.content
    picture.keep("digest-days", Image.open(BytesIO(stored.content or b"")).convert("RGB"))


async def test_what_did_not_happen_is_acknowledged(
    expectant_demo: Demo, visit: Visit, picture: Picture
) -> None:
    """A repository that is nearly full has one message, and whoever looks after it is named there."""
    ann = await visit(expectant_demo, DESK)
    await ann.page.locator("#lists").get_by_text("backups", exact=True).click()
    root = ann.messages.filter(has_text="Repository Default Backup Repository on hq has 2.8 % free")
    await expect(root).to_contain_text("@oncall")
    await picture(ann, "expectation", root)
    await root.get_by_role("button", name="Acknowledge").click()
    await expect(root).to_contain_text("acknowledged by @Ann Administrator")
    await expect(root).to_have_count(1)


async def test_a_failure_is_acknowledged_and_muted(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """Its root says who owns it and until when it is muted; the next failure is a line in its thread."""
    ann, world = await visit(own_demo, DESK), own_demo.vbrs["hq"].world
    world.finish_run("File servers", result="Failed", objects={"fs01": NO_SPACE}, seconds=240)
    root = ann.messages.filter(has_text="Failed · File servers on hq")
    await expect(root).to_be_visible()
    await root.get_by_role("button", name="More actions").click()
    await ann.page.get_by_role("menuitem", name="Acknowledge").click()
    await expect(root).to_contain_text("acknowledged by @Ann Administrator")
    await picture(ann, "acknowledged", root)

    await root.get_by_role("button", name="More actions").click()
    await ann.page.get_by_role("menuitem", name="Mute").click()
    modal = ann.page.get_by_test_id("modal")
    await modal.get_by_label("For 4 h").check()
    await modal.get_by_label("Comment").fill("Its disk is being changed")
    await picture(ann, "mute", modal)
    await modal.get_by_role("button", name="Mute", exact=True).click()
    await expect(root).to_contain_text("muted until")
    await modal.get_by_role("button", name="Close").last.click()
    world.finish_run("File servers", result="Failed", objects={"fs01": NO_SPACE}, seconds=200)
    await root.get_by_role("button", name="replies").click()
    await expect(ann.thread.last).to_contain_text("While muted")
    await ann.closes_thread()
    await picture(ann, "muted", root)
    await expect(root).to_have_count(1)


async def test_a_job_is_disabled_for_a_time(own_demo: Demo, visit: Visit) -> None:
    """The channel reads by whom and until when; Enable on that message ends it at once."""
    ann, job = await visit(own_demo, DESK), own_demo.vbrs["hq"].world.job("Web tier")
    await ann.types('/veeam disable "Web tier" for 4h')
    told = ann.messages.filter(has_text="Web tier on hq disabled by @Ann Administrator")
    await expect(told).to_contain_text("until the bot enables it again")
    assert job.is_disabled
    await ann.button(told, "Enable", "Web tier").click()
    await ann.confirms("Web tier", "on hq", label="Enable")
    await expect(ann.messages.filter(has_text="Web tier on hq enabled by")).to_be_visible()
    assert not job.is_disabled


async def test_an_ambiguous_name_gives_a_menu(demo: Demo, visit: Visit) -> None:
    """Two servers have a job of that name: the menu says which is where, and the choice is answered."""
    ann = await visit(demo, DESK)
    asked = await ann.asks("/veeam job sql prod")
    await expect(asked).to_contain_text("2 jobs match sql prod. Which one?")
    await asked.get_by_text("Choose a job").click()
    await ann.page.get_by_role("option").filter(has_text="on branch").click()
    await expect(ann.answers.last).to_contain_text("Success · SQL Production on branch")
    await expect(ann.answers.last).to_contain_text("Latest sessions")


async def test_a_viewer_looks_and_is_kindly_refused_to_act(demo: Demo, visit: Visit) -> None:
    """No button of their own acts; a typed retry and another's Retry button get a no that says who may."""
    visitor = await visit(demo, DESK)
    listed = await visitor.asks("/veeam jobs failed")
    await listed.get_by_role("button", name="Share this answer").click()
    shared = visitor.messages.filter(has_text="Shared by @Ann Administrator").filter(has_text="Jobs · failed")
    await expect(shared).to_be_visible()

    await visitor.acts_as(VIC)
    own = await visitor.asks("/veeam jobs failed")
    await expect(visitor.button(own, "Details", "NAS share")).to_be_visible()
    await expect(visitor.button(own, "Retry", "NAS share")).to_have_count(0)
    await expect(await visitor.asks("/veeam retry NAS share")).to_contain_text(REFUSED)
    before = await visitor.answers.count()
    await visitor.button(shared, "Retry", "NAS share").click()
    await visitor.confirms("NAS share", label="Retry")
    await expect(visitor.answers.nth(before)).to_contain_text(REFUSED)
    await expect(visitor.answers.nth(before)).to_contain_text("Ask someone in")
    hq = demo.vbrs["hq"]
    retry = f"/jobs/{hq.world.job('NAS share').id}/retry"
    assert not any(request.path.endswith(retry) for request in hq.requests)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (NIA, "requires a Veeam role, and you have none here"),
        (GUS, "Guests of this workspace can't use this."),
    ],
    ids=["nobody", "guest"],
)
async def test_whoever_has_no_role_is_told_so(demo: Demo, visit: Visit, person: str, words: str) -> None:
    """A polite no, that names no job."""
    visitor = await visit(demo, DESK)
    await visitor.acts_as(person)
    refused = await visitor.asks("/veeam jobs failed")
    await expect(refused).to_contain_text(words)
    await expect(refused).to_contain_text("Nothing was done.")
    await expect(refused).not_to_contain_text("NAS share")


async def test_a_job_is_searched_and_started_by_form(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """Without a name a form searches; the next says what is touched and asks how; the channel is told."""
    ann = await visit(own_demo, DESK)
    await ann.types("/veeam start")
    modal = ann.page.get_by_test_id("modal")
    await modal.locator("button.select").click()
    await ann.page.keyboard.type("domain")
    await ann.page.get_by_role("option").filter(has_text="Domain controllers").click()
    await modal.get_by_role("button", name="Next").click()
    await expect(modal).to_contain_text("2 objects · last run")
    await expect(modal).to_contain_text("Default Backup Repository")
    await modal.get_by_text("Active full").click()
    await picture(ann, "start", modal)
    await modal.get_by_role("button", name="Start", exact=True).click()
    await expect(modal).to_contain_text("Domain controllers on hq started by @Ann Administrator")
    told = ann.messages.filter(has_text="Domain controllers on hq started by")
    await expect(told).to_contain_text("Active full.")
    (start,) = own_demo.vbrs["hq"].requests.of("POST", "/api/v1/jobs/{id}/start")
    assert start.body == {"performActiveFull": True, "startChainedJobs": False}


@pytest.mark.timeout(120)
async def test_jobs_are_created_and_edited_by_form(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """A new backup, filled in, looked over and sent; its copy renamed; a no of VBR stands at its field."""
    ann, world = await visit(own_demo, DESK), own_demo.vbrs["hq"].world
    await _creates(ann, picture)
    (created,) = own_demo.vbrs["hq"].requests.of("POST", "/api/v1/jobs")
    assert created.body["storage"]["retentionPolicy"] == {"type": "Days", "quantity": 30}
    assert world.job("Shop").objects == ["web01", "web02"]

    await ann.types("/veeam clone Shop")
    copied = ann.messages.filter(has_text="The copy is Shop_clone1")
    await _renames(own_demo, ann, copied, picture)
    (edited,) = own_demo.vbrs["hq"].requests.of("PUT", "/api/v1/jobs/{id}")
    assert edited.body["name"] == "Shop (weekly)"
    assert edited.body["description"] == "Changed in the console meanwhile"


async def _creates(ann: Visitor, picture: Picture) -> None:
    modal = ann.page.get_by_test_id("modal")
    await ann.types("/veeam create server:hq")
    await expect(modal).to_contain_text("Type of job")
    await modal.get_by_role("button", name="Next").click()
    await modal.get_by_label("Name", exact=True).fill("Oracle ERP")
    await ann.chooses("Machines and containers", "web0", "web01", "web02")
    await ann.chooses("Repository", "def", "Default Backup Repository")
    await modal.get_by_label("Keep backups for").fill("30")
    await ann.chooses("Runs", "", "On chosen days")
    await modal.get_by_label("Friday").check()
    await modal.get_by_role("button", name="Next").click()
    await expect(modal).to_contain_text("Another job already has this name.")
    await picture(ann, "create", modal)
    await expect(modal.get_by_label("Keep backups for")).to_have_value("30")
    await modal.get_by_label("Name", exact=True).fill("Shop")
    await modal.get_by_role("button", name="Next").click()
    await expect(modal).to_contain_text("Objects: web01, web02")
    await expect(modal).to_contain_text("Friday at 22:00")
    await expect(modal).to_contain_text("TB free of 2 TB")
    await modal.get_by_role("button", name="Create", exact=True).click()
    await expect(modal).to_contain_text("Shop on hq created by @Ann Administrator")
    await modal.get_by_role("button", name="Close").last.click()
    await expect(modal).to_have_count(0)


async def _renames(demo: Demo, ann: Visitor, copied: Locator, picture: Picture) -> None:
    modal, world = ann.page.get_by_test_id("modal"), demo.vbrs["hq"].world
    await expect(copied).to_be_visible()
    await ann.button(copied, "Edit", "Shop_clone1").click()
    await modal.get_by_label("Name", exact=True).fill("Shop (weekly)")
    await modal.get_by_label("Keep backups for").fill("7")
    await modal.get_by_role("button", name="Next").click()
    await expect(modal).to_contain_text("Restore points will be removed")
    await modal.get_by_role("button", name="Back to the fields").click()
    await expect(modal.get_by_label("Name", exact=True)).to_have_value("Shop (weekly)")
    world.job("Shop_clone1").model["description"] = "Changed in the console meanwhile"
    await modal.get_by_role("button", name="Next").click()
    await expect(modal).to_contain_text("Someone else changed this job in the meantime")
    await picture(ann, "edit", modal)
    await modal.get_by_role("button", name="Edit", exact=True).click()
    told = ann.messages.filter(has_text="Shop_clone1 on hq edited by @Ann Administrator")
    await expect(told).to_contain_text("Name: Shop_clone1 → Shop (weekly)")


async def test_the_bot_is_spoken_to_anywhere(own_demo: Demo, visit: Visit, picture: Picture) -> None:
    """By a mention in the channel, below a completion without a name, and in its own direct messages."""
    ann = await visit(own_demo, DESK)
    asked = await ann.asks("@veeam jobs failed")
    await expect(asked).to_contain_text("Oracle ERP on hq")
    await ann.dismisses(asked)
    reported = await ann.asks("/veeam report 7d")
    await expect(reported).to_contain_text(" new")
    await expect(reported).to_contain_text("The last 14 days")
    await picture(ann, "report", reported)
    await ann.dismisses(reported)

    world = own_demo.vbrs["hq"].world
    world.plan(
        "Domain controllers", [Outcome("Failed", {"dc02": FREEZE}, message="Failed"), Outcome("Success")]
    )
    ends_soon(world, "Domain controllers", minutes=12)
    root = ann.messages.filter(has_text="Failed · Domain controllers on hq").last
    await ann.button(root, "Why", "Domain controllers").click()
    explained = ann.answers.filter(has_text="VSS failed in the guest: dc02")
    await expect(explained).to_contain_text("Failed to freeze guest, wait timeout")
    await expect(explained).to_contain_text("What to do: Check the VSS writers in the guest")
    await picture(ann, "why", explained)
    await ann.dismisses(explained)
    await root.locator(".thread-line").click()
    await _replies(ann, "@veeam retry")
    offered = ann.thread.filter(has_text="A message alone changes nothing")
    await expect(offered).to_contain_text("Retry Domain controllers on hq?")
    await picture(ann, "mention", ann.page.locator("#thread-messages"), width=DESK["width"])
    await _replies(ann, "@veeam why")
    await expect(ann.thread.filter(has_text="VSS failed in the guest: dc02")).to_be_visible()
    await ann.button(offered, "Retry", "Domain controllers").click()
    await ann.confirms("Domain controllers", label="Retry")
    await expect(
        ann.page.locator(".message").filter(has_text="started by @Ann Administrator").first
    ).to_be_visible()

    await ann.page.locator("#lists").get_by_text("veeam", exact=True).click()
    await ann.page.get_by_role("button", name="Messages", exact=True).click()
    await ann.types("status")
    await expect(ann.messages.last).to_contain_text("hq")
    await ann.types("start Linux backup job")
    await expect(ann.messages.last).to_contain_text("A message alone changes nothing")


async def _replies(ann: Visitor, line: str) -> None:
    await ann.page.locator("#thread-composer textarea").fill(line)
    await ann.page.keyboard.press("Enter")


async def test_somebody_subscribes_to_what_concerns_them(
    own_demo: Demo, visit: Visit, picture: Picture
) -> None:
    """In the bot's direct messages: the next failure is posted there, and a button ends it."""
    ann = await visit(own_demo, DESK)
    await ann.page.locator("#lists").get_by_text("veeam", exact=True).click()
    await ann.page.get_by_role("button", name="Messages", exact=True).click()
    await ann.types("/veeam subscribe failed Lin*")
    done = "@Ann Administrator subscribed their conversation with the bot to failures of jobs like Lin*"
    await expect(ann.messages.filter(has_text=done)).to_be_visible()
    own_demo.vbrs["hq"].world.finish_run("Linux backup job", result="Failed")
    await expect(ann.messages.filter(has_text="Failed · Linux backup job on hq")).to_be_visible()
    listed = await ann.asks("/veeam subscriptions")
    await expect(listed).to_contain_text("Failures of jobs like Lin*")
    await picture(ann, "subscriptions", listed)
    await listed.get_by_role("button", name="Unsubscribe").click()
    await ann.confirms("It posts nothing more to this channel", label="Unsubscribe")
    await expect(ann.messages.filter(has_text="unsubscribed their conversation")).to_be_visible()
