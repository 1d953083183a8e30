"""Who may send a form off, over the wire: every form, by everybody, whoever it was opened by."""

import copy
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import Mute
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.catalog import BY_NAME
from bot.operations.model import KnownJob, KnownMachine, Request, Step
from bot.sandbox.slack.views import View
from bot.sandbox.vbr import World
from bot.sandbox.vbr.state import Job
from bot.slack.codec import FormMetadata, encode_form
from bot.veeam import JobId, ServerName
from tests.acceptance.matrix import PEOPLE, REASON, SUBMITTED, WHY, cases, may
from tests.acceptance.rig import (
    APPLY,
    CLEAR_CACHE,
    CLONE,
    DISABLE,
    ENABLE,
    OF_REV1,
    QUICKBACKUP,
    RETRY,
    SHARED,
    START,
    STOP,
    Rig,
    now,
)

CHANGES = {
    "start": ("POST", START), "stop": ("POST", STOP), "retry": ("POST", RETRY),
    "enable": ("POST", ENABLE), "disable": ("POST", DISABLE), "clone": ("POST", CLONE),
    "create": ("POST", "/api/v1/jobs"), "edit": ("PUT", "/api/v1/jobs/{id}"),
    "delete": ("DELETE", "/api/v1/jobs/{id}"), "quickbackup": ("POST", QUICKBACKUP),
    "apply": ("POST", APPLY), "clearcache": ("POST", CLEAR_CACHE),
    "mute": ("POST", "nothing"),
}  # fmt: skip
# What the form says next that was sent off by somebody who may, where it does nothing yet.
NEXT = {
    "create choice": "Machines and containers",
    "create fields": "Objects: web01",
    "edit choice": "Keep backups for",
    "edit fields": "Retention: 14 days → 30 days",
}
ALLOWED = [(row, letter) for row, letter in cases(SUBMITTED) if may(SUBMITTED, row, letter)]
ATTEMPTS = "SELECT * FROM audit WHERE event IN ('opened', 'refused') ORDER BY id"
Entered = Mapping[str, Any]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Form:
    """A form as it stands before it is sent off: what Slack keeps of it, and what was entered."""

    content: dict[str, Any]
    entered: Entered = field(default_factory=dict)


class Drawer:
    """Ann opens forms here, each on a job of its own, and keeps those that nobody has sent off."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._made = 0
        self._kept: dict[str, Form] = {}

    async def kept(self, row: str) -> Form:
        """The form of that row, opened once for all those who may not send it off."""
        if row not in self._kept:
            self._kept[row] = await self.fresh(row)
        return self._kept[row]

    async def fresh(self, row: str) -> Form:
        """The form of that row, filled in and never sent off."""
        verb, _, step = row.partition(" ")
        if verb == "create":
            return await self._creating(step)
        if verb == "edit":
            return await self._editing(step)
        job = self._job(verb)
        if verb == "delete":
            await self._types(f'delete "{job.name}"', f"typed_name*{job.name}")
            typed = {"type": "plain_text_input", "value": job.name}
            return Form(self._top().content, {"typed_name": {"typed_name": typed}})
        await self._types("start", "external_select")
        carried = encode_form(FormMetadata(self._filled(verb, job), job.name, SHARED))
        return Form(self._top().content | {"private_metadata": carried})

    def _job(self, verb: str) -> Job:
        self._made += 1
        name, machine = f"Sent off {self._made:03d}", f"vmsent{self._made:03d}"
        job = self.rig.world.add_job(
            name,
            "WindowsAgentBackupServerPolicy" if verb in {"apply", "clearcache"} else "VSphereBackup",
            run_seconds=3600,
            is_disabled=verb == "enable",
            objects=(machine,),
        )
        if verb == "stop":
            self.rig.world.begin_run(job)
        else:
            failed = {machine: "Disk full"} if verb == "retry" else {}
            result = "Failed" if failed else "Success"
            self.rig.world.finish_run(job, result=result, objects=failed, seconds=9)
        return job

    def _filled(self, verb: str, job: Job) -> Request:
        known, world = KnownJob(ServerName("hq"), JobId(job.id)), self.rig.world
        if verb == "quickbackup":
            machine = world.book.inventory[(world.host_name, "VirtualMachine", job.objects[0])]
            found = KnownMachine(known.server, world.host_name, str(machine.model["objectId"]))
            return QuickBackup(found, Step.FILL)
        requests: dict[str, Request] = {
            "start": Start(known, step=Step.FILL),
            "stop": Stop(known, step=Step.FILL),
            "retry": Retry(known, step=Step.FILL),
            "enable": Enable(known, step=Step.FILL),
            "disable": Disable(known, span=timedelta(hours=4), step=Step.FILL),
            "clone": Clone(known, step=Step.FILL),
            "apply": Apply(known, step=Step.FILL),
            "clearcache": ClearCache(known, step=Step.FILL),
            "mute": Mute(known, span=timedelta(hours=4), step=Step.FILL),
        }
        return requests[verb]

    async def _creating(self, step: str) -> Form:
        self._made += 1
        await self._types("create", "like an existing job")
        if step == "choice":
            return Form(self._top().content)
        await self._goes_on({}, NEXT["create choice"])
        repository = next(iter(self.rig.world.book.repositories.values()))
        values = {
            "name": f"Made {self._made:03d}",
            "objects": [await self._found("objects", "web01")],
            "repository": await self._found("repository", repository.name),
        }
        fields = self._top().content
        entered = await self._goes_on(values, NEXT["create fields"])
        return Form(fields, entered) if step == "fields" else Form(self._top().content)

    async def _editing(self, step: str) -> Form:
        job = self._job("edit")
        await self._types("edit", "external_select")
        choice = self._top().content
        entered = await self._goes_on({"job": await self._found("job", job.name)}, NEXT["edit choice"])
        if step == "choice":
            return Form(choice, entered)
        fields = self._top().content
        entered = await self._goes_on({"retention": "30"}, NEXT["edit fields"])
        return Form(fields, entered) if step == "fields" else Form(self._top().content)

    def _top(self) -> View:
        view = self.rig.slack.workspace.views.stack("U0ANN")[-1]
        return replace(view, content=copy.deepcopy(view.content))

    def _says(self, words: str) -> bool:
        stack = self.rig.slack.workspace.views.stack("U0ANN")
        return bool(stack) and all(word in str(stack[-1].blocks) for word in words.split("*"))

    async def _types(self, line: str, words: str) -> None:
        self.rig.slack.workspace.views.drop("U0ANN")
        await self.rig.slack.person("ann").types(SHARED, line)
        await self.rig.until(lambda: self._says(words))

    async def _goes_on(self, values: Entered, words: str) -> Entered:
        """Fill the form in, send it off, wait for the next one; return what was entered."""
        view = self.rig.slack.workspace.views.stack("U0ANN")[-1]
        result = await self.rig.slack.person("ann").submits(view, values)
        assert result.shown == "ok", result
        assert result.payload is not None
        await self.rig.until(lambda: self._says(words))
        entered: Entered = result.payload["view"]["state"]["values"]
        return entered

    async def _found(self, menu: str, name: str) -> Any:
        view = self.rig.slack.workspace.views.stack("U0ANN")[-1]
        found = await self.rig.slack.person("ann").suggests(view, menu, menu, name)
        return next(each for each in found.options or () if each["text"]["text"] == name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drawer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Drawer]:
    world = World(now, name="hq")
    world.add_job("Servers", objects=("web01", "web02"))
    folder = tmp_path_factory.mktemp("submitted")
    async with Rig(folder, OF_REV1, world=world) as rig:
        rig.slack.rates.is_on = False
        await rig.start()
        yield Drawer(rig)


async def sends_off(rig: Rig, name: str, form: Form) -> View:
    """Let somebody have such a form before them, and send it off; no client asks who opened it."""
    actor = rig.slack.person(name)
    view = rig.slack.workspace.views.open(actor.person.id, copy.deepcopy(form.content))
    view.entered = copy.deepcopy(dict(form.entered))
    answer = await rig.delivers("interactive", actor.payloads.view_submission(actor.person, view))
    assert answer.body["response_action"] == "update"
    return view


@pytest.mark.parametrize("row", SUBMITTED)
async def test_whoever_may_not_submits_nothing(drawer: Drawer, row: str) -> None:
    """Of a form that somebody else filled in: each reads why, each is on record, and nothing is done."""
    rig, (verb, *_) = drawer.rig, row.split()
    form, before, sent = await drawer.kept(row), len(rig.rows(ATTEMPTS)), rig.sent(*CHANGES[verb])
    letters = [letter for letter in PEOPLE if not may(SUBMITTED, row, letter)]
    views = {letter: await sends_off(rig, PEOPLE[letter], form) for letter in letters}
    await rig.until(lambda: all(WHY[letter] in str(view.blocks) for letter, view in views.items()))
    assert all("Nothing was done" in str(view.blocks) for view in views.values())
    attempts = {
        (each["person_id"], each["operation"], each["event"], each["detail"])
        for each in rig.rows(ATTEMPTS)[before:]
    }
    assert attempts == {
        (view.person, BY_NAME[verb].audit_name, "refused", REASON[letter]) for letter, view in views.items()
    }
    assert rig.sent(*CHANGES[verb]) == sent


@pytest.mark.parametrize(("row", "letter"), ALLOWED, ids=[f"{row}-{PEOPLE[who]}" for row, who in ALLOWED])
async def test_whoever_may_submits(drawer: Drawer, row: str, letter: str) -> None:
    """It is done once, and on record; of a form of several the next one comes, and nothing is done yet."""
    rig, (verb, *_) = drawer.rig, row.split()
    form, before, sent = await drawer.fresh(row), len(rig.rows(ATTEMPTS)), rig.sent(*CHANGES[verb])
    view = await sends_off(rig, PEOPLE[letter], form)
    if row in NEXT:
        await rig.until(lambda: NEXT[row] in str(view.blocks))
        assert (len(rig.rows(ATTEMPTS)), rig.sent(*CHANGES[verb])) == (before, sent)
        return
    await rig.until(lambda: f"<@{view.person}>" in str(view.blocks))
    attempts = [(each["person_id"], each["operation"], each["event"]) for each in rig.rows(ATTEMPTS)[before:]]
    assert attempts == [(view.person, BY_NAME[verb].audit_name, "opened")]
    assert rig.sent(*CHANGES[verb]) == sent + (verb != "mute")


@pytest.mark.parametrize("row", ["create fields", "create summary", "edit fields", "edit summary"])
async def test_what_somebody_entered_is_theirs(drawer: Drawer, row: str) -> None:
    """An administrator who sends off what another one entered does nothing, and is told to begin anew."""
    rig, (verb, *_) = drawer.rig, row.split()
    form, before, sent = await drawer.kept(row), len(rig.rows(ATTEMPTS)), rig.sent(*CHANGES[verb])
    view = await sends_off(rig, "ben", form)
    await rig.until(lambda: "is no longer kept" in str(view.blocks))
    assert (len(rig.rows(ATTEMPTS)), rig.sent(*CHANGES[verb])) == (before, sent)
