"""`ack`, `mute` and `unmute`: on record like any action, and nothing of them is sent to VBR."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import text

from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.mute import LONGEST, Mute, MuteServer, Unmute, UnmuteServer
from bot.operations.actions.retry import Retry
from bot.operations.catalog import TYPED
from bot.operations.commands import parse
from bot.operations.model import Origin, Person, Request, Standing
from bot.operations.outcomes import (
    Acknowledged,
    ActionAnswer,
    AlreadyPressed,
    Ambiguous,
    Blocked,
    Done,
    EarlierMute,
    Muted,
    NeedsForm,
    NotFound,
    NotPossible,
    Offered,
    Outcome,
    PartOfName,
    Refused,
    SyntaxProblem,
    Unmuted,
)
from bot.operations.queries.home import HomeAnswer, ShowHome
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.status import ShowStatus, StatusAnswer
from bot.settings import GrantSettings, GroupReference, PersonId, Role, ServerName
from bot.slack import codec
from bot.slack.gestures import topic_of
from bot.slack.views import forms
from bot.slack.views.actions import action, action_kept
from bot.slack.views.announcements import announcement
from bot.slack.views.expectations import unmet
from bot.slack.views.message import Message
from bot.slack.views.mutes import muted_line
from bot.slack.views.outcomes import outcome as draw
from bot.store import Expectations, Runs, UnmetExpectation
from bot.veeam import JobId, SessionId
from bot.watch.facts import Expectation, ExpectationUnmet, decode
from bot.watch.run_facts import RunFacts, SessionFacts
from bot.watch.runs import Run, RunChannel
from bot.watch.standing import row_of
from tests.rooms.operations.office import GRANTS, OPERATOR, VIEWER, Office

OLE, SQL_ONLY = PersonId("U0OLE"), PersonId("U0SQL")


@pytest.fixture(autouse=True)
def people(office: Office) -> None:
    """Ole may what the operator may, far to the east; another person may it on some jobs alone."""
    groups = frozenset({"S0OLE"})
    office.team.people[OLE] = Person(OLE, "ole", Standing.MEMBER, groups, zone=ZoneInfo("Asia/Tokyo"))
    office.team.people[SQL_ONLY] = Person(SQL_ONLY, "sql", Standing.MEMBER, frozenset({"S0SQL"}))
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0OLE"), role=Role.TAPE_OPERATOR),
        GrantSettings(group=GroupReference("S0SQL"), role=Role.BACKUP_OPERATOR, jobs=("SQL*",)),
    )


def typed(text: str) -> Request | SyntaxProblem:
    return parse(text, TYPED)


def done(outcome: Outcome) -> ActionAnswer:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    return outcome.answer


async def fails(office: Office, name: str = "Archive") -> None:
    """Let the watch have announced a failed run of the job."""
    now = office.clock.now()
    session = SessionFacts(
        session_id=SessionId(f"s-{name}"),
        session_type="BackupJob",
        result="Failed",
        created_at=now,
        ended_at=now,
    )
    job_id = JobId(office.world.job(name).id)
    facts = RunFacts(server=ServerName("hq"), job_id=job_id, job_name=name, attempts=(session,))
    async with office.database.transaction() as transaction:
        run = Run(facts=facts, channels=(RunChannel(channel="C0PROD"),))
        await Runs(office.database).put(transaction, row_of(run))


async def test_acknowledging(office: Office) -> None:
    """Once, on record with the comment; another person takes over; a press that came too late says so."""
    await fails(office)
    first = await office.ask(typed("ack Archive because disk ordered"))
    assert done(first).effect == Acknowledged(None, ("C0PROD",))
    opened, closed = await office.audited()
    assert (opened["operation"], opened["reason"], opened["job_name"]) == (
        "job.ack",
        "disk ordered",
        "Archive",
    )
    assert closed["outcome"] == "done"
    own = await office.ask(Acknowledge(office.known("Archive")))
    assert isinstance(own, NotPossible)
    assert own.blocked is Blocked.OWN_ALREADY
    drawn = Acknowledge(office.known("Archive"), turn=1)
    taken = done(await office.ask(drawn, OLE, press="root"))
    assert taken.effect == Acknowledged(OPERATOR, ("C0PROD",))
    second = await office.ask(drawn, press="root")
    assert isinstance(second, AlreadyPressed)
    assert second.by == OLE
    assert office.posts() == []


async def test_there_is_nothing_to_acknowledge(office: Office) -> None:
    """A job whose latest run did not fail, as far as anything was announced; nothing is on record."""
    outcome = await office.ask(typed("ack Archive"))
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is Blocked.NOT_FAILED
    assert "no failed run to acknowledge" in draw(outcome, "r-1").message.text
    assert await office.audited() == []


async def test_acknowledging_what_is_not_as_expected(office: Office) -> None:
    """It is no failed run, and its own message says so; over with, that is said."""
    job, now = office.known("Archive"), office.clock.now()
    expected = Expectation(
        server=job.server, kind="disabled", subject=job.job_id, name="Archive", since=now, limit=1.0
    )
    body = msgspec.json.encode(expected).decode()
    unmet = UnmetExpectation(
        server=job.server, subject=job.job_id, kind="disabled", since=now, channel="C0PROD", body=body
    )
    kept = Expectations(office.database)
    async with office.database.transaction() as transaction:
        await kept.begin(transaction, [unmet])
    answer = done(await office.ask(Acknowledge(job, unmet="disabled")))
    assert answer.shown_in == ("C0PROD",)
    assert action_kept(answer).text == "Acknowledged; its message says so."
    assert "ailed run" not in action(answer).text
    own = draw(await office.ask(Acknowledge(job, unmet="disabled")), "r-1").message.text
    assert "Archive* on hq is yours already: you acknowledged it." in own
    async with office.database.transaction() as transaction:
        await kept.end(transaction, unmet)
    late = draw(await office.ask(Acknowledge(job, unmet="disabled"), OLE), "r-1").message.text
    assert "Archive* on hq: this is over by now." in late


async def stands(
    office: Office, kind: str = "repository", subject: str = "repository:7", job_id: JobId | None = None
) -> Expectation:
    """Let a channel have been told of what is not as expected of the server, or of a job."""
    now = office.clock.now()
    expected = Expectation(
        server=ServerName("hq"),
        kind=kind,
        subject=subject,
        name="Hardened 01",
        since=now,
        limit=10.0,
        job_id=job_id,
    )
    body = msgspec.json.encode(expected).decode()
    unmet = UnmetExpectation(server="hq", subject=subject, kind=kind, since=now, channel="C0PROD", body=body)
    async with office.database.transaction() as transaction:
        await Expectations(office.database).begin(transaction, [unmet])
    return expected


def pressed(message: Message, label: str) -> Request:
    """What the button of that label asks for."""
    (button,) = (
        each
        for block in message.blocks
        for each in block.get("elements", ())
        if each["type"] == "button" and each["text"]["text"] == label
    )
    press = codec.decode(button["action_id"], button["value"])
    assert isinstance(press, codec.RunRequest)
    return press.request


@pytest.mark.parametrize(
    ("kind", "subject", "name"),
    [
        ("repository", "repository:7", "Repository Hardened 01"),
        ("licence", "licence", "Veeam licence"),
        ("config_backup", "config_backup", "Configuration backup"),
    ],
)
async def test_what_is_the_servers_own(office: Office, kind: str, subject: str, name: str) -> None:
    """Its message has Acknowledge and Mute; lists name what is muted, and Unmute ends it."""
    expected = await stands(office, kind, subject)
    message = unmet(ExpectationUnmet(expectation=expected))
    own = pressed(message, "Acknowledge")
    answer = done(await office.ask(own))
    assert answer.effect == Acknowledged(None, ("C0PROD",), is_unmet=True)
    again = draw(await office.ask(own), "r-1").message.text
    assert f"{name}* on hq is yours already" in again
    taken = done(await office.ask(msgspec.structs.replace(own, turn=1), OLE))
    assert taken.effect == Acknowledged(OPERATOR, ("C0PROD",), is_unmet=True)
    asked = await office.ask(pressed(message, "Mute"))
    assert isinstance(asked, NeedsForm)
    form = forms.form(asked.form, channel_id="C0PROD", thread_ts=None)
    assert form is not None
    metadata = codec.decode_form(form["private_metadata"])
    assert isinstance(metadata, codec.FormMetadata)
    filled = forms.filled(metadata, {"length": "14400", "comment": "disks ordered"})
    assert isinstance(filled, Request)
    answer = done(await office.ask(filled))
    assert answer.effect == Muted(office.clock.now() + timedelta(hours=4))
    assert f"{name}* on hq muted by" in action(answer).text
    home = await office.answer(ShowHome(), HomeAnswer)
    (view,) = (await office.answer(ShowStatus(), StatusAnswer)).muted
    assert home.muted == (view,)
    assert name in muted_line(view).text
    assert view.unmute is not None
    offered = await office.ask(typed(f"unmute {name}"))
    assert isinstance(offered, Offered)
    assert offered.request == view.unmute
    assert done(await office.ask(offered.request)).effect == Unmuted(())
    assert (await office.answer(ShowHome(), HomeAnswer)).muted == ()
    operations = [row["operation"] for row in await office.audited() if row["event"] == "opened"]
    assert operations == ["expectation.ack", "expectation.ack", "expectation.mute", "expectation.unmute"]
    assert office.posts() == []


def in_thread_of(expected: Expectation, words: str) -> Request | SyntaxProblem:
    """What a mention in the thread of its message asks for."""
    root = announcement(ExpectationUnmet(expectation=expected), "key")
    topic = topic_of({"metadata": root.metadata, "blocks": list(root.blocks)})
    return parse(words, TYPED, topic)


async def edits(office: Office) -> list[str]:
    """What messages are to say from now on."""
    async with office.database.reading() as reading:
        rows = await reading.all(text("SELECT body FROM outbox ORDER BY id"))
    return [announcement(decode(row.body), "key").text for row in rows]


async def test_a_jobs_expectation_is_owned_by_its_name(office: Office) -> None:
    """`ack JOB` owns what is not as expected where no run failed, and so does a mention in its thread."""
    job = office.known("Archive")
    expected = await stands(office, "disabled", job.job_id, job_id=JobId(job.job_id))
    await stands(office, "no_success", job.job_id, job_id=JobId(job.job_id))
    assert in_thread_of(expected, "ack") == Acknowledge(job, unmet="disabled")
    answer = done(await office.ask(typed("ack Archive because parts ordered")))
    assert answer.effect == Acknowledged(None, ("C0PROD",), is_unmet=True)
    assert [f"acknowledged by <@{OPERATOR}>: parts ordered" in each for each in await edits(office)] == [
        True
    ] * 2
    taken = done(await office.ask(in_thread_of(expected, "ack"), OLE))
    assert taken.effect == Acknowledged(OPERATOR, ("C0PROD",), is_unmet=True)
    again = done(await office.ask(typed("ack Archive")))
    assert again.effect == Acknowledged(None, ("C0PROD",), is_unmet=True)
    own = await office.ask(typed("ack Archive"))
    assert isinstance(own, NotPossible)
    assert own.blocked is Blocked.OWN_ALREADY


async def test_why_says_what_is_not_as_expected(office: Office) -> None:
    """In its thread and elsewhere, also of a job that has not failed."""
    job = office.known("Archive")
    expected = await stands(office, "disabled", job.job_id, job_id=JobId(job.job_id))
    for request in (in_thread_of(expected, "why"), typed("why Archive")):
        said = draw(await office.ask(request), "r-1").message.text
        assert "has been disabled since" in said


async def test_the_thread_of_what_is_the_servers_own(office: Office) -> None:
    """No name is needed: a mention is answered with the button that does what the message's own does."""
    expected = await stands(office)
    asked = in_thread_of(expected, "ack because ordered")
    offered = await office.ask(asked, origin=Origin.MENTION, delivery="m1")
    assert isinstance(offered, Offered)
    assert (offered.name, offered.server) == ("Repository Hardened 01", "hq")
    assert done(await office.ask(offered.request)).effect == Acknowledged(None, ("C0PROD",), is_unmet=True)
    (edit,) = await edits(office)
    assert "ordered" in edit
    assert isinstance(await office.ask(in_thread_of(expected, "mute")), NeedsForm)
    muted = done(await office.ask(in_thread_of(expected, "mute 4h")))
    assert muted.effect == Muted(office.clock.now() + timedelta(hours=4))
    assert isinstance(in_thread_of(expected, "mute until success"), SyntaxProblem)
    assert done(await office.ask(in_thread_of(expected, "unmute"))).effect == Unmuted(())
    assert isinstance(in_thread_of(expected, "retry"), Retry)  # a form asks which job


async def test_the_servers_own_is_for_those_who_may_on_all_of_it(office: Office) -> None:
    """Whoever may act on some of its jobs alone owns and mutes neither its repositories nor its licence."""
    message = unmet(ExpectationUnmet(expectation=await stands(office)))
    for label in ("Acknowledge", "Mute"):
        assert isinstance(await office.ask(pressed(message, label), SQL_ONLY), Refused)


async def test_the_owner_of_a_failure_is_named(office: Office) -> None:
    """Beside the job, where it is explained, and in what `status` lists."""
    office.world.finish_run(office.world.job("Archive"), result="Failed", objects={"vm01": "no space"})
    await fails(office)
    await office.ask(typed("ack Archive"))
    for line in ("job Archive", "why Archive", "status"):
        said = draw(await office.ask(typed(line)), "r-1").message.text
        assert f"acknowledged by <@{OPERATOR}>" in said, line


async def test_muting_and_unmuting(office: Office) -> None:
    """Until a time, with the comment; muted again it is changed; each is on record, and on App Home."""
    await fails(office)
    now = office.clock.now()
    effect = done(await office.ask(typed("mute Archive 2h because disk ordered"))).effect
    assert effect == Muted(now + timedelta(hours=2), shown_in=("C0PROD",))
    effect = done(await office.ask(typed("mute Archive until success"), OLE)).effect
    before = EarlierMute(OPERATOR, now + timedelta(hours=2))
    assert effect == Muted(now + LONGEST, until_success=True, shown_in=("C0PROD",), before=before)
    page = await office.answer(ShowHome(), HomeAnswer)
    (muted,) = page.muted
    assert (muted.mute.person_id, muted.mute.job_name, muted.unmute is not None) == (OLE, "Archive", True)
    assert done(await office.ask(typed("unmute Archive"))).effect == Unmuted(("C0PROD",))
    again = await office.ask(typed("unmute Archive"))
    assert isinstance(again, NotPossible)
    assert again.blocked is Blocked.NOT_MUTED
    operations = [row["operation"] for row in await office.audited() if row["event"] == "opened"]
    assert operations == ["job.mute", "job.mute", "job.unmute"]
    assert office.posts() == []


async def test_a_time_of_day_is_the_persons(office: Office) -> None:
    """08:00 is the next one where the person is, whatever the zone of the bot."""
    effect = done(await office.ask(typed("mute Archive until 08:00"), OLE)).effect
    assert isinstance(effect, Muted)
    assert effect.until.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M") == "08:00"
    assert timedelta() < effect.until - office.clock.now() <= timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("mute Archive", NeedsForm),
        ("mute Arch 2h because of disks", PartOfName),
        ("mute Archive 3w", SyntaxProblem),
        ("mute server:hq", SyntaxProblem),
        ("mute server:h 4h", NotFound),
        ("unmute server:hq", NotFound),
    ],
)
async def test_what_is_not_meant_is_not_done(office: Office, text: str, outcome: type[Outcome]) -> None:
    """Without a time a form asks; a part of a name, too long a time, a server in part: nothing is muted."""
    answer = await office.ask(typed(text))
    assert isinstance(answer, outcome)
    assert (
        not isinstance(answer, PartOfName)
        or "No job is named `Arch`, but" in draw(answer, "r-1").message.text
    )
    assert await office.service._backend.mutes.every(office.clock.now()) == ()


async def test_planned_maintenance(office: Office) -> None:
    """The server or its jobs by a pattern, and each ended by the same words."""
    whole = done(await office.ask(typed("mute server:hq 4h because patching")))
    assert (whole.job_name, whole.server) == ("All jobs", "hq")
    for pattern in ("sql*", "SQL*"):
        part = done(await office.ask(typed(f"mute server:hq {pattern} 4h")))
        assert part.job_name == f"Jobs {pattern}"
    assert isinstance(typed("mute server:hq Archive 4h"), Mute)
    until = office.clock.now() + timedelta(hours=4)
    assert done(await office.ask(typed("unmute server:hq sql*"))).effect == Unmuted(still_until=until)
    (left,) = await office.service._backend.mutes.every(office.clock.now())
    assert (left.pattern, left.comment) == (None, "patching")
    details = [row.get("detail") for row in await office.audited() if row["event"] == "opened"]
    assert details == ["for 4 hours", "jobs sql*, for 4 hours", "jobs SQL*, for 4 hours", "jobs sql*"]


async def test_a_job_that_is_muted_with_its_server(office: Office) -> None:
    """Its page shows it; to unmute the job alone is refused with what ends it, if one may know that."""
    known = ShowJob(office.known("SQL Prod"))
    await office.ask(typed("mute server:hq s* 4h because disk of Salaries"))
    for person, shown in ((OPERATOR, (None, "s*", True)), (SQL_ONLY, ("SQL Prod", None, False))):
        muted = (await office.answer(known, JobAnswer, person)).muted
        assert muted is not None
        assert (muted.mute.job_name, muted.mute.pattern, muted.unmute is not None) == shown
        outcome = await office.ask(typed("unmute SQL Prod"), person)
        assert isinstance(outcome, NotPossible)
        text = draw(outcome, "r-1").message.text
        assert "SQL Prod* on hq is muted with its server until" in text
        assert ("`unmute server:hq s*`" in text, "s*`" in text) == (person == OPERATOR,) * 2
        assert "isn't muted" not in text


async def test_a_pattern_is_a_name_too(office: Office) -> None:
    """Whoever sees some jobs is not told which others are muted, nor why: in no list and no count."""
    await office.ask(typed("mute server:hq Salaries* 4h because of the takeover"))
    await office.ask(typed("mute server:hq SQL* 4h"))
    for person, seen in ((OPERATOR, {"Salaries*", "SQL*"}), (SQL_ONLY, {"SQL*"})):
        status = await office.answer(ShowStatus(), StatusAnswer, person)
        home = await office.answer(ShowHome(), HomeAnswer, person)
        for shown in (status.muted, home.muted):
            assert {view.mute.pattern for view in shown} == seen


async def test_a_name_with_because_in_it(office: Office) -> None:
    """A job of the whole line's name is meant, or both ways to read it are shown; else it is a comment."""
    nameless = await office.ask(typed("ack Because of Bob"))
    assert isinstance(nameless, SyntaxProblem)
    assert "Which job?" in nameless.problem
    await office.clock.advance(61)
    office.world.add_job("Because of Bob")
    office.world.add_job("Archive because it is old")
    named = await office.ask(typed("ack Because of Bob"))
    assert isinstance(named, NotPossible)
    assert named.job.state.name == "Because of Bob"
    for line, read in (
        ("ack Archive because it is old", [("it is old", None), (None, None)]),
        ("mute Archive because it is old 2h", [("it is old 2h", None), (None, timedelta(hours=2))]),
    ):
        asked = await office.ask(typed(line))
        assert isinstance(asked, Ambiguous)
        assert [one.name for one in asked.choices] == ["Archive", "Archive because it is old"]
        requests = [one.request or asked.request for one in asked.choices]
        assert all(isinstance(one, Acknowledge | Mute) for one in requests)
        assert [(getattr(one, "comment", 0), getattr(one, "span", None)) for one in requests] == read
        menu = draw(asked, "r-1").message.blocks[1]["elements"][0]
        assert len(menu["options"]) == len(read)


@pytest.mark.parametrize(
    ("pattern", "is_allowed"),
    [("SQL*", True), ("SQL Prod*", True), ("*SQL*", False), ("S*", False), (None, False), ("SQ?*", False)],
)
async def test_a_pattern_reaches_no_further_than_the_grant(
    office: Office, pattern: str | None, *, is_allowed: bool
) -> None:
    """Whoever may act on some jobs mutes no pattern that other jobs fit, nor the server."""
    outcome = await office.ask(MuteServer("hq", pattern, timedelta(hours=1)), SQL_ONLY)
    assert isinstance(outcome, Done if is_allowed else Refused), outcome
    ended = await office.ask(UnmuteServer("hq", pattern), SQL_ONLY)
    assert isinstance(ended, Done if is_allowed else Refused)


async def test_a_message_alone_mutes_nothing(office: Office) -> None:
    """A mention is answered with the button that does it: of a job, and of a server."""
    offered = await office.ask(typed("mute Archive 2h"), origin=Origin.MENTION, delivery="m1")
    assert isinstance(offered, Offered)
    assert isinstance(offered.request, Mute)
    assert offered.request.span == timedelta(hours=2)
    server = await office.ask(typed("mute server:hq 4h"), origin=Origin.MENTION, delivery="m2")
    assert isinstance(server, Offered)
    assert (server.name, server.server) == ("All jobs", "hq")
    assert isinstance(typed("unmute Archive"), Unmute)
    assert await office.service._backend.mutes.every(office.clock.now()) == ()


async def test_a_mute_that_there_is_already(office: Office) -> None:
    """The longer of two stays, and the answer says whose it is; another kind is replaced, and named."""
    await office.ask(typed("mute server:hq 4h"))
    longer = office.clock.now() + timedelta(hours=4)
    shorter = await office.ask(typed("mute server:hq 2h"), OLE)
    text = draw(shorter, "r-1").message.text
    assert done(shorter).effect == Muted(longer, before=EarlierMute(OPERATOR, longer, is_longer=True))
    assert f"That is <@{OPERATOR}>'s mute: it lasts longer than you asked for." in text
    (kept,) = await office.service._backend.mutes.every(office.clock.now())
    assert kept.until == longer
    extended = draw(await office.ask(typed("mute server:hq 6h"), OLE), "r-1").message.text
    assert f"It replaces <@{OLE}>'s mute until" in extended
    await office.ask(typed("mute Archive until success"))
    replaced = draw(await office.ask(typed("mute Archive 2h")), "r-1").message.text
    assert f"It replaces <@{OPERATOR}>'s mute until" in replaced
    assert "or a success." in replaced


@pytest.mark.parametrize(
    ("muted", "ended", "words"),
    [
        (
            ("server:hq 4h", "server:hq SQL* 4h"),
            "server:hq",
            "but 1 narrower mute still holds: see `status`.",
        ),
        (("server:hq 4h", "Archive 2h"), "server:hq", "but 1 narrower mute still holds"),
        (("server:hq 4h", "server:hq SQL* 4h"), "server:hq SQL*", "All jobs of the server are still muted"),
        (("server:hq 4h", "Archive 2h"), "Archive", "It is still muted with its server until"),
        (("server:hq 4h",), "server:hq", "Their failures are posted as usual."),
        (("server:hq SQL* 4h", "Archive 2h"), "server:hq SQL*", "Their failures are posted as usual."),
    ],
)
async def test_what_still_holds(office: Office, muted: tuple[str, ...], ended: str, words: str) -> None:
    """That all is posted again is said only where nothing else holds it back."""
    for each in muted:
        done(await office.ask(typed(f"mute {each}")))
    assert words in draw(await office.ask(typed(f"unmute {ended}")), "r-1").message.text


async def test_the_mute_that_is_meant_is_suggested(office: Office) -> None:
    """Where not all of the server is muted, but some of its jobs are."""
    await office.ask(typed("mute server:hq SQL* 4h"))
    text = draw(await office.ask(typed("unmute server:hq")), "r-1").message.text
    assert "Not muted: All jobs on hq." in text
    assert "Try `/veeam unmute server:hq SQL*`" in text


async def test_what_was_done_for_a_server_is_among_the_recent_actions(office: Office) -> None:
    """App Home names the server, and what of it."""
    await office.ask(typed("mute server:hq SQL* 4h"))
    text = draw(await office.ask(ShowHome()), "r-1").message.text
    assert "Mute · *hq* (`jobs SQL*, for 4 hours`) · :white_check_mark: Done" in text


async def test_a_thread_that_says_so_leaves_nothing_out(office: Office) -> None:
    """Who muted a job reads until when, and why, also where its thread says so to the others."""
    await fails(office)
    answer = done(await office.ask(typed("mute Archive 2h because disk ordered")))
    text = action_kept(answer).text
    assert "Its failures post no message of their own until" in text
    assert "disk ordered" in text


@pytest.mark.parametrize(
    ("text", "person", "words"),
    [
        ("unmute server:hq", OPERATOR, "Nothing is muted on hq."),
        ("unmute server:hq SQL*", OPERATOR, "Not muted: `Jobs SQL* on hq`."),
        ("mute server:hq 4h", VIEWER, "Your role does not include *Mute*."),
    ],
)
async def test_what_is_said_of_a_server(office: Office, text: str, person: PersonId, words: str) -> None:
    """In words that a person knows: there is no command named as the maintenance of a server is on record."""
    said = draw(await office.ask(typed(text), person), "r-1").message.text
    assert words in said
    assert "No mute named" not in said
