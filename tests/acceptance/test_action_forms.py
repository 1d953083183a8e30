"""Commands without a name, over the wire: searched, asked about, and done as the form was filled."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.slack.views import View
from bot.sandbox.vbr import World
from bot.sandbox.vbr.faults import Fault
from bot.sandbox.vbr.state import Job
from tests.acceptance.matrix import PEOPLE, SUBMITTED, may
from tests.acceptance.rig import (
    CLONE,
    DISABLE,
    ENABLE,
    IN_SHARED,
    QUICKBACKUP,
    RETRY,
    SHARED,
    START,
    STOP,
    Rig,
    now,
)

DELETE = "/api/v1/jobs/{id}"
ATTEMPTS = "SELECT * FROM audit WHERE event IN ('opened', 'refused') ORDER BY id"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    world = World(now, name="hq")
    async with Rig(tmp_path_factory.mktemp("asked"), IN_SHARED, world=world) as made:
        made.slack.rates.is_on = False
        await made.start()
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http_rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    world, setting = World(now, name="hq"), IN_SHARED
    async with Rig(tmp_path_factory.mktemp("http"), setting, world=world, http_mode=True) as made:
        made.slack.rates.is_on = False
        await made.start()
        yield made


@dataclass
class Site:
    """A rig, and a job of its own for each case."""

    rig: Rig
    made: int = 0

    def job(self, verb: str) -> Job:
        """A job that this verb makes sense on, with one that runs after it."""
        self.made += 1
        world, name = self.rig.world, f"Asked {self.made:03d}"
        machine = f"vm{verb}{self.made:03d}"
        job = world.add_job(name, run_seconds=3600, is_disabled=verb == "enable", objects=(machine,))
        world.add_job(f"Follower {self.made:03d}", runs_after=name)
        if verb == "stop":
            world.begin_run(job)
        elif verb == "retry":
            world.finish_run(job, result="Failed", objects={machine: "Disk full"}, seconds=9)
        else:
            world.finish_run(job, result="Success", seconds=9)
        return job

    def top(self, person: str = "ann") -> View | None:
        stack = self.rig.slack.workspace.views.stack(self.rig.slack.person(person).person.id)
        return stack[-1] if stack else None

    def says(self, words: str) -> bool:
        view = self.top()
        return view is not None and words in str(view.blocks)

    async def asks(self, words: str) -> View:
        """Type a command without a name; return the form that asks which one is meant."""
        before = self.top()
        await self.rig.slack.person("ann").types(SHARED, words)
        await self.rig.until(lambda: self.top() is not before and self.says("external_select"))
        view = self.top()
        assert view is not None
        return view

    async def picks(self, view: View, field: str, name: str) -> View:
        """Search, choose what is found first, go on; return the form that follows in the same view."""
        ann = self.rig.slack.person("ann")
        found = await ann.suggests(view, None, field, name)
        assert [one["text"]["text"] for one in found.options] == [name], found
        result = await ann.submits(view, {field: found.options[0]})
        assert result.shown == "ok", result
        assert "Asking VBR" in str(result.ack["view"]["blocks"])
        await self.rig.until(lambda: self.says(name) and not self.says("external_select"))
        following = self.top()
        assert following is not None
        assert following.id == view.id
        return following

    def bodies(self, template: str, job: Job) -> list[Any]:
        method = "DELETE" if template == DELETE else "POST"
        return [one.body for one in self.rig.vbr.requests.of(method, template) if job.id in one.path]


@pytest.fixture(scope="module")
def site(rig: Rig) -> Site:
    return Site(rig)


@pytest.fixture(scope="module")
def http_site(http_rig: Rig) -> Site:
    return Site(http_rig)


Values = Mapping[str, Any]
FLOWS: list[tuple[str, Values, str, Any]] = [
    ("start", {}, START, {"performActiveFull": False, "startChainedJobs": False}),
    ("start full", {}, START, {"performActiveFull": True, "startChainedJobs": False}),
    ("start full", {"full": "normal"}, START, {"performActiveFull": False, "startChainedJobs": False}),
    (
        "start",
        {"full": "full", "chained": ["yes"]},
        START,
        {"performActiveFull": True, "startChainedJobs": True},
    ),
    ("start chained", {"chained": []}, START, {"performActiveFull": False, "startChainedJobs": False}),
    ("stop", {}, STOP, {"gracefulStop": True, "cancelChainedJobs": False}),
    ("stop", {"now": "now", "chained": ["yes"]}, STOP, {"gracefulStop": False, "cancelChainedJobs": True}),
    ("stop now chained", {}, STOP, {"gracefulStop": False, "cancelChainedJobs": True}),
    ("retry", {}, RETRY, {"startChainedJobs": False}),
    ("retry chained", {}, RETRY, {"startChainedJobs": True}),
    ("enable", {}, ENABLE, None),
    ("disable", {}, DISABLE, None),
    ("disable for 4h", {}, DISABLE, None),
    ("disable until 08:00", {}, DISABLE, None),
    ("disable", {"at": "08:00"}, DISABLE, None),
    ("clone server:hq", {}, CLONE, None),
]  # fmt: skip


async def flows(site: Site, words: str, values: Values, template: str, body: Any) -> None:
    job = site.job(words.split(maxsplit=1)[0])
    form = await site.picks(await site.asks(words), "job", job.name)
    assert site.says(f"*{job.name}* on hq")
    assert site.bodies(template, job) == []
    result = await site.rig.slack.person("ann").submits(form, values)
    assert result.shown == "ok", result
    assert "Sending it to VBR" in str(result.ack["view"]["blocks"])
    await site.rig.until(lambda: site.bodies(template, job))
    assert site.bodies(template, job) == [body]
    channel = site.rig.slack.messages
    await site.rig.until(lambda: any(job.name in m.text and "U0ANN" in m.text for m in channel(SHARED)))
    await site.rig.until(lambda: site.says("<@U0ANN>"))


@pytest.mark.parametrize(("words", "values", "template", "body"), FLOWS, ids=str)
async def test_a_job_is_searched_and_acted_on(
    site: Site, words: str, values: Values, template: str, body: Any
) -> None:
    """Each field reaches VBR as it was filled in; the form says what came of it, and the channel is told."""
    await flows(site, words, values, template, body)


@pytest.mark.parametrize(("words", "values", "template", "body"), [FLOWS[3], FLOWS[6]], ids=str)
async def test_a_form_works_over_http_too(
    http_site: Site, words: str, values: Values, template: str, body: Any
) -> None:
    """Slack asks the options URL while somebody types."""
    await flows(http_site, words, values, template, body)


async def test_a_deletion_follows_the_choice_of_its_job(site: Site) -> None:
    """The form that takes the name typed out is the second one."""
    job = site.job("delete")
    form = await site.picks(await site.asks("delete"), "job", job.name)
    await site.rig.slack.person("ann").submits(form, {"typed_name": job.name})
    await site.rig.until(lambda: site.bodies(DELETE, job))
    assert job not in site.rig.world.jobs


async def test_a_machine_is_searched_and_backed_up(site: Site) -> None:
    """The form says through which job, and VBR does it."""
    job = site.job("quickbackup")
    (machine,) = job.objects
    form = await site.picks(await site.asks("quickbackup"), "machine", machine)
    assert site.says(job.name)
    before = site.rig.sent("POST", QUICKBACKUP)
    await site.rig.slack.person("ann").submits(form)
    await site.rig.until(lambda: site.rig.sent("POST", QUICKBACKUP) == before + 1)
    await site.rig.until(lambda: site.says(f"Quick backup through *{job.name}* on hq"))


async def test_what_others_pressed_is_said_in_the_form(site: Site) -> None:
    """Two people at one job see each other."""
    job = site.job("disable")
    await site.rig.slack.person("ole").types(SHARED, f'start "{job.name}"')
    await site.rig.until(lambda: site.bodies(START, job))
    await site.picks(await site.asks("disable"), "job", job.name)
    assert site.says("<@U0OLE> pressed Start")


async def test_a_choice_is_demanded(site: Site) -> None:
    """Without one the client sends nothing; what no menu of ours offered is a mistake at the menu."""
    view = await site.asks("start")
    ann = site.rig.slack.person("ann")
    assert (await ann.submits(view)).shown == "client_refused"
    odd = {"text": {"type": "plain_text", "text": "x"}, "value": "x"}
    assert (await ann.submits(view, {"job": odd})).errors == {"job": "Choose a job from the list."}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("start", "Which job? Usage: `/veeam start NAME [full] [chained] [latest or all]`"),
        ("stop now", "Which job? Usage: `/veeam stop NAME [now] [chained]`"),
        ("quickbackup", "Which machine? Usage: `/veeam quickbackup VM`"),
    ],
)
async def test_where_no_form_opens_the_usage_is_told(site: Site, words: str, said: str) -> None:
    """A stale trigger opens nothing: the words that would do are named."""
    rig = site.rig
    ann, place = rig.slack.person("ann"), rig.slack.workspace.conversations.channel(SHARED)
    payload = ann.payloads.slash_command(ann.person, place, "/veeam", words, typed=words)
    before = len(rig.whispers("U0ANN", SHARED))
    await rig.delivers("slash_commands", payload | {"trigger_id": "1.2.stale"})
    await rig.until(lambda: len(rig.whispers("U0ANN", SHARED)) > before)
    assert said in rig.whispers("U0ANN", SHARED)[-1]


async def test_a_search_that_takes_too_long_offers_nothing(site: Site) -> None:
    """Slack waits three seconds: an empty menu in time."""
    view = await site.asks("quickbackup")
    site.rig.vbr.faults.add("GET", "/api/v1/inventory/vmware/hosts", Fault(delay_seconds=4))
    found = await site.rig.slack.person("ann").suggests(view, None, "machine", "vm")
    assert (found.shown, found.options) == ("ok", [])


@pytest.mark.parametrize("letter", PEOPLE)
@pytest.mark.parametrize("verb", ["start", "enable", "quickbackup"])
async def test_a_search_leaks_nothing(site: Site, verb: str, letter: str) -> None:
    """Whoever may not do it is offered no name in somebody else's form, and a look is no attempt."""
    job = site.job(verb)
    view = await site.asks(verb)
    actor = site.rig.slack.person(PEOPLE[letter])
    field, text = ("machine", job.objects[0]) if verb == "quickbackup" else ("job", job.name)
    ids = {"block_id": field, "action_id": field}
    payload = actor.payloads.block_suggestion(actor.person, view, ids, text)
    before = len(site.rig.rows(ATTEMPTS))
    answer = await site.rig.delivers("interactive", payload)
    offered = [one["text"]["text"] for one in answer.body["options"]]
    assert offered == ([text] if may(SUBMITTED, verb, letter) else [])
    assert len(site.rig.rows(ATTEMPTS)) == before
