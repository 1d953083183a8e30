"""Who may do what, over the wire: every operation, typed and clicked, by everybody there is."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.catalog import BY_NAME, CATALOG, OPERATIONS
from bot.operations.model import Kind, KnownJob, NamedMachine, Request
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.report import ShowReport
from bot.operations.queries.servers import ListServers
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions
from bot.operations.queries.status import ShowStatus
from bot.operations.queries.whoami import ShowWhoami
from bot.operations.queries.why import ExplainFailure
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.messages import Content, Message
from bot.sandbox.slack.normal import stored_blocks
from bot.sandbox.vbr import World
from bot.sandbox.vbr.state import Job
from bot.slack.codec import action_id, encode_run
from bot.veeam import JobId, ServerName, SessionId
from tests.acceptance.matrix import ASKED, CLICKED, PEOPLE, REASON, SUBMITTED, WHY, cases, may
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

POSTS = {
    "start": START, "stop": STOP, "retry": RETRY,
    "enable": ENABLE, "disable": DISABLE, "clone": CLONE,
    "quickbackup": QUICKBACKUP, "apply": APPLY, "clearcache": CLEAR_CACHE,
    # Asking for these opens a form; sent off they are tested in test_submitted.py.
    "create": None, "edit": None, "delete": None,
}  # fmt: skip
# Whom to ask, in the order of the columns above.
ROLES = (
    ("Veeam Backup Administrator", "@backup-admins"),
    ("Veeam Backup Operator", "@backup-operators"),
    ("Veeam Restore Operator", "@restore-operators"),
    ("Veeam Backup Viewer", "@backup-viewers"),
    ("Veeam Tape Operator", "@tape-operators"),
)
CASES = cases(ASKED)


class Office:
    """A rig with a fresh job for each case, so that no case hangs on another one."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._made = 0

    def job(self, operation: str) -> Job:
        """A job that this operation makes sense on."""
        self._made += 1
        machine = f"vm{self._made:03d}"
        job = self.rig.world.add_job(
            f"Case {self._made:03d}",
            "WindowsAgentBackupServerPolicy" if operation in {"apply", "clearcache"} else "VSphereBackup",
            run_seconds=3600,
            is_disabled=operation == "enable",
            objects=(machine,),
        )
        if operation == "stop":
            self.rig.world.begin_run(job)
        elif operation == "quickbackup":
            self.rig.world.finish_run(job, result="Success", seconds=9)
        else:
            self.rig.world.finish_run(job, result="Failed", objects={machine: "Disk full"}, seconds=9)
        return job

    def typed(self, operation: str, job: Job) -> str:
        """The command that asks for it."""
        last = self.rig.world.sessions_of(job)[-1]
        if operation == "quickbackup":
            return f"quickbackup {job.objects[0]}"
        if operation == "create":
            return "create"
        about = {"job": job.name, "why": job.name, "session": last.id, **dict.fromkeys(POSTS, job.name)}
        return f"{operation} {about.get(operation, '')}".strip()

    def buttons(self, operation: str, job: Job) -> Message:
        """A message of the bot's with the button that asks for it."""
        element = {
            "type": "button",
            "text": {"type": "plain_text", "text": "Do it"},
            "action_id": action_id(BY_NAME[operation]),
            "value": encode_run(self._request(operation, job)),
        }
        channel = self.rig.slack.workspace.conversations.channel(SHARED)
        content = Content("Do it", stored_blocks([{"type": "actions", "elements": [element]}]))
        posting = Posting(self.rig.slack.workspace.app.bot_user, by_app=True)
        return self.rig.slack.workspace.conversations.post(channel, content, posting)

    def _request(self, operation: str, job: Job) -> Request:
        known = KnownJob(ServerName("hq"), JobId(job.id))
        last = self.rig.world.sessions_of(job)[-1]
        requests: dict[str, Request] = {
            "jobs": ListJobs(), "job": ShowJob(known), "why": ExplainFailure(known),
            "sessions": ListSessions(),
            "session": ShowSession(SessionId(last.id)), "status": ShowStatus(),
            "servers": ListServers(), "report": ShowReport(), "audit": ReadAudit(),
            "start": Start(known), "stop": Stop(known),
            "retry": Retry(known), "enable": Enable(known), "disable": Disable(known),
            "apply": Apply(known), "clearcache": ClearCache(known),
            "clone": Clone(known), "delete": Delete(known),
            "create": Create(), "edit": Edit(known),
            "quickbackup": QuickBackup(NamedMachine(job.objects[0])),
            "whoami": ShowWhoami(), "help": ShowHelp(),
        }  # fmt: skip
        return requests[operation]

    async def asked(self, operation: str, letter: str, *, clicked: bool) -> "Asked":
        """Let somebody ask for it; return what came of it."""
        job, slack = self.job(operation), self.rig.slack
        person = slack.person(PEOPLE[letter])
        before = Asked(self.rig, person.person.id, job)
        if clicked:
            message = self.buttons(operation, job)
            (element,) = message.blocks[0]["elements"]
            action = {
                "type": "button",
                "block_id": message.blocks[0]["block_id"],
                "action_ts": "1.0",
                **element,
            }
            payload = person.payloads.block_actions(person.person, message, [action])
            answer = await self.rig.delivers("interactive", payload)
        else:
            words = self.typed(operation, job)
            place = slack.workspace.conversations.channel(SHARED)
            payload = person.payloads.slash_command(person.person, place, "/veeam", words, typed=words)
            answer = await self.rig.delivers("slash_commands", payload)
        assert answer.outcome == "acked"
        await self.rig.until(before.is_answered)
        return before


class Asked:
    """What one asking led to, in Slack, in VBR and on record, compared with the time before it."""

    def __init__(self, rig: Rig, person_id: str, job: Job) -> None:
        self._rig = rig
        self.person_id = person_id
        self.job = job
        self._whispers = len(self._all_whispers())
        self._messages = len(rig.slack.messages(SHARED))
        self._views = {view.id for view in rig.slack.workspace.views.stack(person_id)}
        self._requests = len(rig.vbr.requests)
        self._audit = len(self._rows())

    def is_answered(self) -> bool:
        return bool(self.alone() or self.in_channel())

    def in_channel(self) -> list[str]:
        """What the channel was told about this job."""
        return [message.text for message in self._rig.slack.messages(SHARED) if self.job.name in message.text]

    def alone(self) -> list[str]:
        """What the person alone was told."""
        return self._all_whispers()[self._whispers :] + self.in_form()

    def in_form(self) -> list[str]:
        """What the form says that this person has before them, once it was answered."""
        stack = self._rig.slack.workspace.views.stack(self.person_id)
        texts = ["\n".join(_texts(view.blocks)) for view in stack if view.id not in self._views]
        return [text for text in texts if "Asking VBR" not in text]

    def at_vbr(self) -> list[str]:
        """What VBR was asked, but for the progress of what others started."""
        own = {session.id for session in self._rig.world.sessions_of(self.job)}
        followed = self._rig.world.book.sessions.keys() - own
        return [
            each.template
            for each in tuple(self._rig.vbr.requests)[self._requests :]
            if not followed.intersection(each.path.split("/"))
        ]

    def on_record(self) -> list[dict[str, Any]]:
        """The rows of the audit record, but for the links to messages, which come when they come."""
        return self._rows()[self._audit :]

    def _all_whispers(self) -> list[str]:
        return [message.text for message in self._rig.slack.ephemerals(self.person_id, SHARED)]

    def _rows(self) -> list[dict[str, Any]]:
        return self._rig.rows("SELECT * FROM audit WHERE event <> 'shown' ORDER BY id")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    world = World(now, name="hq")
    async with Rig(folder, OF_REV1, world=world) as rig:
        rig.slack.rates.is_on = False
        members = rig.slack.workspace.conversations.channel(SHARED).members
        members += ["U0GUS", "U0DEE"]
        await rig.start()
        yield Office(rig)


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "text" and isinstance(value, str))
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)


def test_every_operation_has_its_row() -> None:
    """An operation that is added is meant twice: in the catalog, and in the matrix, for each way to ask."""
    acting = {operation.name for operation in CATALOG if operation.kind is Kind.ACTION}
    assert set(ASKED) == {operation.name for operation in CATALOG}
    assert {row.split()[0] for row in SUBMITTED} == acting
    assert set(CLICKED) == {operation.name for operation in OPERATIONS} - set(ASKED)
    rows = (*ASKED.values(), *SUBMITTED.values(), *CLICKED.values())
    assert {len(row) for row in rows} == {len(PEOPLE)}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("clicked", [False, True], ids=["typed", "clicked"])
@pytest.mark.parametrize(
    ("operation", "letter"), CASES, ids=[f"{name}-{PEOPLE[letter]}" for name, letter in CASES]
)
async def test_who_may_do_what(office: Office, operation: str, letter: str, *, clicked: bool) -> None:
    """The matrix, by hand: allowed ones get what they asked for; others a reason, and nothing reaches VBR."""
    asked = await office.asked(operation, letter, clicked=clicked)
    if may(ASKED, operation, letter):
        _expect_done(asked, operation)
    else:
        _expect_refused(asked, operation, letter)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("letter", PEOPLE)
async def test_who_has_a_home(office: Office, letter: str) -> None:
    """Everybody's page says something: how things are, that there is no role yet, or why there is no page."""
    slack = office.rig.slack
    person = slack.person(PEOPLE[letter]).person
    direct = slack.workspace.conversations.direct(slack.workspace.app.bot_user, person.id)
    event = {"type": "app_home_opened", "user": person.id, "channel": direct.id, "tab": "home"}
    slack.person("ann").deliveries.emit(event | {"event_ts": f"{slack.workspace.clock():.6f}"})
    if letter == "D":  # Slack takes no page for somebody who is deactivated
        await office.rig.until(
            lambda: (
                {"refused"}
                == {
                    each["outcome"]
                    for each in office.rig.events("operation.finished")
                    if each["person"] == person.id and each["operation"] == "home"
                }
            )
        )
        assert slack.home(PEOPLE[letter]) is None
        return
    wanted = "You have none of Veeam's roles here yet" if letter == "N" else "Problems"
    if not may(CLICKED, "home", letter):
        wanted = WHY[letter]
    await office.rig.until(lambda: (home := slack.home(PEOPLE[letter])) and wanted in str(home.blocks))


def _expect_done(asked: Asked, operation: str) -> None:
    said = "\n".join(asked.alone() + asked.in_channel())
    assert "Nothing was done" not in said
    sent = POSTS.get(operation)
    posts = [template for template in asked.at_vbr() if template in POSTS.values()]
    assert posts == ([sent] if sent else [])
    if operation in {"delete", "edit"}:
        assert asked.job.name in "".join(asked.in_form())
    if sent:
        assert f"<@{asked.person_id}>" in "".join(asked.in_channel())
        opened = asked.on_record()[0]
        # Which job a quick backup runs through is VBR's to say.
        job_id = None if operation == "quickbackup" else asked.job.id
        assert (opened["event"], opened["person_id"], opened["job_id"]) == ("opened", asked.person_id, job_id)
    else:
        assert asked.in_channel() == []


def _expect_refused(asked: Asked, operation: str, letter: str) -> None:
    (said,) = asked.alone()
    assert WHY[letter] in said
    assert "Nothing was done" in said
    if REASON[letter] != "standing":
        columns = zip(ASKED[operation], ROLES, strict=False)
        allowed = [word for column, words in columns if column == "y" for word in words]
        assert [word for word in allowed if word not in said] == []
    assert asked.in_channel() == []
    assert asked.at_vbr() == []
    (row,) = asked.on_record()
    found = (row["event"], row["person_id"], row["operation"], row["outcome"], row["detail"])
    assert found == ("refused", asked.person_id, BY_NAME[operation].audit_name, "refused", REASON[letter])
