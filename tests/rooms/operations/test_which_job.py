"""Which job is meant: an action is done on a whole name alone, in the one way to read the line."""

from collections.abc import Sequence

import pytest

from bot.operations.actions import JobAction
from bot.operations.catalog import TYPED
from bot.operations.commands import parse
from bot.operations.model import KnownJob, Person, Request, Standing
from bot.operations.outcomes import (
    Ambiguous,
    Blocked,
    Done,
    Failed,
    NeedsForm,
    NotFound,
    NotPossible,
    Outcome,
    PartOfName,
    SyntaxProblem,
)
from bot.operations.queries.audit import AuditAnswer
from bot.operations.queries.job import JobAnswer
from bot.operations.queries.jobs import JobsAnswer
from bot.operations.queries.sessions import SessionsAnswer
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.slack.codec import OPTION_LIMIT, RunRequest, decode, encode_run
from bot.slack.text import strong
from bot.slack.views.outcomes import outcome as draw
from tests.rooms.operations.office import GRANTS, Office
from tests.rooms.veeam.clients import die

ANN = PersonId("U0ADMIN")


@pytest.fixture(autouse=True)
def administrator(office: Office) -> None:
    """Ann may everything."""
    office.team.people[ANN] = Person(ANN, "ann", Standing.MEMBER, frozenset({"S0ADMIN"}))
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
    )


async def type_(office: Office, line: str) -> Outcome:
    """What Ann is answered to a typed line."""
    return await office.ask(parse(line, TYPED), ANN)


def pressed(outcome: Outcome, which: int = 0) -> Request:
    """The request behind an entry of the answer's menu, or behind the button that does it."""
    message = draw(outcome, "r-1").message
    for block in message.blocks:
        for element in block.get("elements", ()):
            if element.get("type") == "static_select":
                action, value = element["action_id"], element["options"][which]["value"]
            elif element.get("type") == "button":
                action, value = element["action_id"], element["value"]
            else:
                continue
            press = decode(action, value)
            assert isinstance(press, RunRequest)
            return press.request
    raise AssertionError(message.text)


PARTS = [
    "stop Fil",
    "start Exch",
    "disable all application",
    "retry orac*",
    "enable arch",
    "clone never",
    "start SQL P",
]


@pytest.mark.parametrize("line", [*PARTS, "delete never", "edit never"])
async def test_a_part_of_a_name_does_nothing(office: Office, line: str) -> None:
    """An action on a part of a name shows the job, or a menu, with the button that does it."""
    office.world.add_job("SAP: incl. all application servers")
    outcome = await type_(office, line)
    assert isinstance(outcome, PartOfName | Ambiguous)
    assert office.posts() == []
    assert "othing was done" in draw(outcome, "r-1").message.text
    request = pressed(outcome)
    assert isinstance(request, JobAction)
    assert request.operation.name == line.split(maxsplit=1)[0]


async def test_the_button_of_a_part_does_it(office: Office) -> None:
    """The one job is shown as it stands, and its button does what was typed, options and all."""
    outcome = await type_(office, "start exch full")
    assert isinstance(outcome, PartOfName)
    assert outcome.job.state.name == "Exchange"
    assert isinstance(await office.ask(pressed(outcome), ANN), Done)
    assert office.posts() == [("start", {"performActiveFull": True, "startChainedJobs": False})]


async def test_a_query_uses_a_part(office: Office) -> None:
    """A query does no harm: the one job that has the part is shown."""
    outcome = await type_(office, "show exch")
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, JobAnswer)


@pytest.mark.parametrize(
    "line",
    ["disable all", "disable *", "stop everything", "start all", "start all full", "retry ALL",
     "delete all jobs", "enable **", "clone 'all'", "disable all for 4h", "stop ?", "start * chained"],
)  # fmt: skip
async def test_all_is_explained(office: Office, line: str) -> None:
    """What means everything is explained, and nothing is guessed."""
    office.world.add_job("SAP: incl. all application servers")
    outcome = await type_(office, line)
    assert isinstance(outcome, SyntaxProblem | NotFound)
    if "'" not in line:
        assert isinstance(outcome, SyntaxProblem)
        assert "one job at a time" in outcome.problem
    assert office.posts() == []


async def test_a_job_named_all_is_a_job(office: Office) -> None:
    """The whole rest of the line is a job's name: that job."""
    office.world.add_job("All")
    assert isinstance(await type_(office, "disable all"), Done)
    assert [verb for verb, _ in office.posts()] == ["disable"]


WHOLE_NAMES = [
    (("Weekly Full",), "start Weekly Full", "start", {"performActiveFull": False, "startChainedJobs": False}),
    (("Weekly",), "start Weekly Full", "start", {"performActiveFull": True, "startChainedJobs": False}),
    (("A Full",), "start a full chained", "start", {"performActiveFull": False, "startChainedJobs": True}),
    (("Mailboxes Now",), "stop Mailboxes Now", "stop", {"gracefulStop": True, "cancelChainedJobs": False}),
    (("Mailboxes",), "stop Mailboxes Now", "stop", {"gracefulStop": False, "cancelChainedJobs": False}),
    (("Chained",), "retry Chained", "retry", {"startChainedJobs": False}),
    (("Full",), "start Full full", "start", {"performActiveFull": True, "startChainedJobs": False}),
    (("Full full",), "start Full full", "start", {"performActiveFull": False, "startChainedJobs": False}),
]  # fmt: skip


@pytest.mark.parametrize(("names", "line", "verb", "body"), WHOLE_NAMES)
async def test_the_reading_that_names_a_job_counts(
    office: Office, names: Sequence[str], line: str, verb: str, body: object
) -> None:
    """Option words count as options only where what is left is a job's whole name."""
    for name in names:
        office.world.add_job(name)
        if verb == "stop":
            office.world.begin_run(name)
        if verb == "retry":
            office.world.finish_run(name, ended_at=office.world.now(), result="Failed")
    outcome = await type_(office, line)
    assert isinstance(outcome, Done), outcome
    assert office.posts() == [(verb, body)]


LIKE_WORDS = [
    "Full", "Now", "Chained", "Latest", "All", "Full chained", "Retention 14", "Name X", "4h", "For 4h",
    "until 08:00", "until success", "because", "Failed", "Running Failed", "Success", "Last", "7d", "14", "0",
    "Start", "stop Now", "Help", "Jobs", "Ann's VM", 'SQL "new"', "-", "--full", "\U0001f525", "Hot :fire:",
    "SQL\u200b", "type:x",
]  # fmt: skip
VERBS = [
    "start", "stop", "retry", "enable", "disable", "clone", "delete", "edit", "mute", "unmute", "ack",
    "job", "why",
]  # fmt: skip


@pytest.mark.parametrize("name", LIKE_WORDS)
async def test_a_name_may_look_like_anything(office: Office, name: str) -> None:
    """The whole rest of the line is a job's name: that job, for every verb, whatever else the words mean."""
    office.world.add_job(name)
    for line in (*(f"{verb} {name}" for verb in VERBS), f"session {name} last"):
        outcome = await type_(office, line)
        if isinstance(outcome, NeedsForm):
            assert outcome.form.request.subject == office.known(name), line
        else:
            assert isinstance(outcome, Done | NotPossible | Failed), (line, outcome)
            assert strong(name) in draw(outcome, "r-1").message.text, line


TWO_READINGS = [
    (("Weekly", "Weekly Full"), "start Weekly Full", [False, True]),
    (("Mailboxes", "Mailboxes Now"), "stop Mailboxes Now", [False, True]),
    (("Keep", "Keep for 4h"), "disable Keep for 4h", [None, None]),
    (("Keep", "Keep for"), "disable keep for 4h", [None, None]),
    (("Keep", "Keep 4h"), "disable Keep 4h", [None, None]),
    (("Chain", "Chain Chained"), "retry Chain Chained", [None, None]),
]


@pytest.mark.parametrize(("names", "line", "_"), TWO_READINGS)
async def test_two_readings_are_asked_about(
    office: Office, names: Sequence[str], line: str, _: object
) -> None:
    """Where both readings name a job, a menu says what each would do, and each entry does just that."""
    for name in names:
        office.world.add_job(name)
        if line.startswith("stop"):
            office.world.begin_run(name)
    outcome = await type_(office, line)
    assert isinstance(outcome, Ambiguous)
    assert not office.posts()
    assert [choice.name for choice in outcome.choices] == sorted(names)
    requests = [pressed(outcome, which) for which in range(2)]
    details = [request.detail for request in requests if isinstance(request, JobAction)]
    assert len(set(details)) == 2 or line == "disable keep for 4h"
    text = draw(outcome, "r-1").message.text
    assert all(detail in text for detail in details if detail)
    for request in requests:
        assert encode_run(request, OPTION_LIMIT)
        assert isinstance(request, JobAction)
        assert request.subject in [office.known(name) for name in names]


async def test_a_quoted_name_is_exactly_that_name(office: Office) -> None:
    """A name in quotes is that name, and what follows is an option."""
    for name in ("Weekly", "Weekly Full"):
        office.world.add_job(name)
    assert isinstance(await type_(office, 'start "Weekly" full'), Done)
    assert isinstance(await type_(office, "start “weekly full”"), Done)
    assert [body for _, body in office.posts()] == [
        {"performActiveFull": True, "startChainedJobs": False},
        {"performActiveFull": False, "startChainedJobs": False},
    ]
    assert isinstance(await type_(office, 'start "Week"'), NotFound)


async def test_sessions_of_a_job_named_like_options(office: Office) -> None:
    """A list's filter and span may be words of a job's name, too."""
    for name in ("Failed Drives 12h", "Tapes", "Tapes 7d"):
        office.world.add_job(name)
        office.world.finish_run(name, ended_at=office.world.now(), result="Success")
    found = await type_(office, "sessions failed drives 12h")
    assert isinstance(found, Done)
    assert isinstance(found.answer, SessionsAnswer)
    assert (found.answer.job_name, len(found.answer.rows)) == ("Failed Drives 12h", 1)
    assert found.answer.request.job == office.known("Failed Drives 12h")
    both = await type_(office, "history Tapes 7d")
    assert isinstance(both, Ambiguous)
    for which, name in enumerate(("Tapes", "Tapes 7d")):
        shown = await office.answer(pressed(both, which), SessionsAnswer, ANN)
        assert (shown.job_name, shown.request.within is None) == (name, name == "Tapes 7d")


async def test_the_record_of_a_job_named_like_options(office: Office) -> None:
    """The record is read by the names that it has."""
    office.world.add_job("Tapes 7d")
    await type_(office, 'disable "Tapes 7d"')
    only = await office.answer(_read("audit tapes 7d"), AuditAnswer, ANN)
    assert [row.entry.job_name for row in only.rows] == ["Tapes 7d"]
    assert only.request.within is None
    office.world.add_job("Tapes")
    await type_(office, "disable Tapes")
    both = await type_(office, "audit Tapes 7d")
    assert isinstance(both, Ambiguous)
    names = {
        row.entry.job_name
        for which in range(2)
        for row in (await office.answer(pressed(both, which), AuditAnswer, ANN)).rows
    }
    assert names == {"Tapes", "Tapes 7d"}


def _read(line: str) -> Request:
    request = parse(line, TYPED)
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("start Files colour:blue", "colour:blue isn't an option of start"),
        ("job Files type:x", "type:x isn't an option of job"),
        ("disable Exchange for 4", "For 4 what?"),
        ("disable Exchange for 0h", "0h isn't a length of time"),
        ("sessions Exchange 24x", "24x isn't a length of time"),
    ],
)
async def test_what_is_nearly_an_option_is_named(office: Office, line: str, said: str) -> None:
    """An unknown option is named as unknown, unless a job has just that name."""
    misread = await type_(office, line)
    assert isinstance(misread, SyntaxProblem)
    assert said in misread.problem
    office.world.add_job(line.partition(" ")[2])
    await office.clock.advance(61)
    assert isinstance(await type_(office, line), Done)


@pytest.mark.parametrize(
    ("kind", "line", "blocked"),
    [
        ("VSphereReplica", "start Odd full", Blocked.NO_FULL_REPLICA),
        ("BackupCopy", "start Odd full", Blocked.NO_FULL_COPY),
        ("VSphereBackup", "start Odd latest", Blocked.NO_RESTORE_POINTS),
        ("VSphereBackup", "start Odd all", Blocked.NO_RESTORE_POINTS),
    ],
)
async def test_options_that_a_job_cannot_take_are_refused(
    office: Office, kind: str, line: str, blocked: Blocked
) -> None:
    """An option that makes no sense for the job's type is refused with the reason, and nothing is sent."""
    office.world.add_job("Odd", kind, **({"source": "Files"} if kind == "BackupCopy" else {}))  # type: ignore[arg-type] # facts of one kind
    outcome = await type_(office, line)
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is blocked
    assert "Nothing was sent" in draw(outcome, "r-1").message.text
    assert office.posts() == []


@pytest.mark.parametrize(
    ("line", "name", "said"),
    [
        ("start Exchange", "Exchange", "Start"),
        ("start Exchange full", "Exchange", "Start, active full"),
        ("start Full full", "Full", "Start, active full"),
        ("disable Full", "Full", "Disable"),
        ("start Full", "Full", "Start"),
        ("mute Exchange 2h", "Exchange", "Mute, for 2 hours"),
        ("edit Exchange retention 3", "Exchange", "Edit, retention 3"),
        ('delete "Exchange"', "Exchange", "Delete"),
    ],
)
async def test_a_silent_server_may_have_the_job(office: Office, line: str, name: str, said: str) -> None:
    """While a server does not answer, an action asks, says why and what it would do; unless one is named."""
    office.world.add_job("Full")
    await die(office.dr)
    outcome = await type_(office, line)
    assert isinstance(outcome, Ambiguous)
    assert office.posts() == []
    assert draw(outcome, "r-1").message.text.splitlines()[:2] == [
        f"dr isn't responding, and may have a job named `{name}` too. Do you mean *{name}* on hq?",
        f"Nothing was done. Press the button to go ahead: {said}.",
    ]
    assert isinstance(await type_(office, f"{line} server:hq"), Done | NeedsForm)


async def test_what_a_menu_can_not_carry_is_chosen_by_buttons(office: Office) -> None:
    """A long comment is no reason to have nothing to choose."""
    office.dr.world.add_job("Exchange")
    comment = "patching the cluster tonight, ask Ann before you do anything about any of it " * 3
    message = draw(await type_(office, f"mute Exchange 2h because {comment}"), "r-1").message
    buttons = [block["accessory"] for block in message.blocks if "accessory" in block]
    requests = [decode(button["action_id"], button["value"]) for button in buttons]
    jobs = [each.request.subject for each in requests if isinstance(each, RunRequest)]
    assert [job.server for job in jobs if isinstance(job, KnownJob)] == ["dr", "hq"]
    assert message.text.count("*Exchange* on ") == 2


async def test_what_is_typed_at_length_hides_no_server(office: Office) -> None:
    """An entry of a menu says on which server it acts, however long the rest of it is."""
    office.dr.world.add_job("Exchange")
    message = draw(await type_(office, f"edit Exchange name {'Mail-of-all-sites' * 4}"), "r-1").message
    elements = [each for block in message.blocks for each in block.get("elements", ())]
    places = [each["description"]["text"] for element in elements for each in element.get("options", ())]
    assert [place.split(" \u00b7 ")[0] for place in places] == ["on dr", "on hq"]


async def test_a_silent_server_may_have_a_job_of_that_whole_name(office: Office) -> None:
    """That no job has it is said only of those that could be read."""
    said = draw(await type_(office, "start exch"), "r-1").message.text
    assert said.startswith("No job is named `exch`, but it is part of the name of *Exchange* on hq.")
    await die(office.dr)
    said = draw(await type_(office, "start exch"), "r-1").message.text
    assert said.startswith("No job that could be read is named `exch`; 1 job has it in the name.")


async def test_a_part_of_a_name_on_two_servers_is_no_name(office: Office) -> None:
    """The menu does not say that a job has the name of which a part was typed."""
    office.dr.world.add_job("Exchange")
    said = draw(await type_(office, "job exch"), "r-1").message.text
    assert said.splitlines()[0] == "2 jobs match `exch`. Which one?"


@pytest.mark.parametrize(
    ("line", "name", "said"),
    [
        ("mute SQL 2h", "SQL", "Nothing was done. Choose one to go ahead: Mute, for 2 hours."),
        ("start sql chained", "SQL", "Nothing was done. Choose one to go ahead: Start, with chained jobs."),
        ("start Full full", "Full", "Nothing was done. Choose one to go ahead: Start, active full."),
        ("edit SQL name SQL 2", "SQL", "Nothing was done. Choose one to go ahead: Edit, name SQL 2."),
        ("disable SQL", "SQL", "Nothing was done. Choose one to go ahead: Disable."),
        ("ack SQL because of me", "SQL", "Nothing was done. Choose one to go ahead: Acknowledge."),
        ("sessions failed SQL 24h", "SQL", "Choose one to go ahead: Sessions, failed, in the last 24 hours."),
        ("job SQL", "SQL", "*SQL* on dr"),
    ],
)
async def test_a_job_on_two_servers_is_asked_about(office: Office, line: str, name: str, said: str) -> None:
    """Where two servers have a job of that name, a menu says what choosing one does."""
    for world in (office.world, office.dr.world):
        world.add_job(name)
    outcome = await type_(office, line)
    assert isinstance(outcome, Ambiguous)
    assert office.posts() == []
    lines = draw(outcome, "r-1").message.text.splitlines()
    assert lines[:2] == [f"2 servers have a job named `{_typed(line, name)}`. Which one?", said]
    assert lines[-1] == f"*{name}* on hq"


def _typed(line: str, name: str) -> str:
    return name if name in line else name.lower()


async def test_a_job_that_is_found_while_a_server_is_silent_is_shown_with_that_said(office: Office) -> None:
    """A question is answered by the servers that answer; the silent one is named: it may know such a job."""
    await die(office.dr)
    outcome = await type_(office, "job Exchange")
    assert isinstance(outcome, Done)
    assert "*dr*: The names of other jobs could not be read" in draw(outcome, "r-1").message.text
    assert "It may have a job of that name too." in draw(outcome, "r-1").message.text

    outcome = await type_(office, "job Exchange server:hq")
    assert isinstance(outcome, Done)
    assert "*dr*" not in draw(outcome, "r-1").message.text


async def test_no_name_asks_by_form(office: Office) -> None:
    """Without a name a form asks, options or not."""
    for line in ("start", "start full", "disable for 4h"):
        assert isinstance(await type_(office, line), NeedsForm)
    assert office.posts() == []


INVISIBLY_OTHER = ("SQL\u200d Prod", "SQL\u3164Prod", "SQL\u00a0Prod", "SQ\u00adL Prod", "SQL Prod\u200f")


@pytest.mark.parametrize("twin", [*INVISIBLY_OTHER, "sql  PROD"])
async def test_a_job_that_looks_like_another_is_asked_about(office: Office, twin: str) -> None:
    """Of jobs that look the same none is acted on before the person chose, and the menu tells them apart."""
    office.world.add_job(twin)
    for line in ("disable SQL Prod", 'start "SQL Prod"', "delete SQL Prod"):
        outcome = await type_(office, line)
        assert isinstance(outcome, Ambiguous)
        assert {choice.name for choice in outcome.choices} == {"SQL Prod", twin}
        assert office.posts() == []
        reply = draw(outcome, "r-1").message
        assert "2 jobs look like `SQL Prod`" in reply.text
        shown = {
            (option["text"]["text"], option["description"]["text"])
            for block in reply.blocks
            for element in block.get("elements", ())
            for option in element.get("options", ())
        }
        assert len(shown) == 2


@pytest.mark.parametrize("name", ["Mail\u200fbox", "Mail\u00adbox", "Mail\ufe0fbox", "\u2800Mailbox"])
async def test_a_name_is_found_as_it_is_seen(office: Office, name: str) -> None:
    """What nobody sees in a name need not be typed; a job alone of its look is acted on."""
    office.world.add_job(name)
    assert isinstance(await type_(office, "show mailbox"), Done)
    assert isinstance(await type_(office, "disable Mailbox"), Done)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("\U0001f525 Hot", ":fire: hot"),
        ("Warm \u26a0\ufe0f backup", "Warm :warning: backup"),
        (":fire: Hot", "\U0001f525 Hot"),
        ("SQL :nightly: run", "sql :nightly: run"),
    ],
)
async def test_an_emoji_may_be_written_out(office: Office, name: str, typed: str) -> None:
    """Slack hands over `:fire:` where somebody typed the emoji: the job is found by it."""
    office.world.add_job(name)
    for line in (f"show {typed}", f"jobs {typed}", f"disable {typed}"):
        outcome = await type_(office, line)
        assert isinstance(outcome, Done)
        if isinstance(outcome.answer, JobsAnswer):
            assert [row.state.name for row in outcome.answer.rows] == [name]
