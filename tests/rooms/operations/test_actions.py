"""`start`, `stop`, `retry`: done once, on the job as it stands, and on record."""

import asyncio
from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_request
from sqlalchemy import text

from bot.operations.actions import JobAction
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.jobs import snapshot_of
from bot.operations.model import KnownJob, NamedJob, Refusal, Snapshot
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    Ambiguous,
    Blocked,
    Done,
    Failed,
    InternalError,
    NotFound,
    NotPossible,
    Outcome,
    Refused,
    StaleButton,
    Unclear,
)
from bot.sandbox.vbr import Fault, Moment
from bot.sandbox.vbr import Role as VbrRole
from bot.sandbox.vbr.faults import dropped, empty, hanging, refusing
from bot.settings import Role
from bot.veeam import AnswerLost as UnclearAnswer
from bot.veeam import JobId, NotAllowed, Rejected, Unreachable
from tests.rooms.operations.office import HQ, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import client_of, die, wait_until

STARTING = ("POST", "/api/v1/jobs/{id}/start")
STOPPING = ("POST", "/api/v1/jobs/{id}/stop")
FILES = NamedJob("Files", server="hq")


async def drawn(office: Office, name: str) -> Snapshot:
    state = await office.fleet.server(HQ).job_state(JobId(office.world.job(name).id))
    assert state is not None
    return snapshot_of(state)


def done(outcome: Outcome) -> ActionAnswer:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    return outcome.answer


SENT = [
    (Start(FILES), "start", {"performActiveFull": False, "startChainedJobs": False}, None),
    (
        Start(FILES, full=True),
        "start",
        {"performActiveFull": True, "startChainedJobs": False},
        "active full",
    ),
    (
        Retry(NamedJob("Oracle"), chained=True),
        "retry",
        {"startChainedJobs": True},
        "with chained jobs",
    ),
]


@pytest.mark.parametrize(("request_", "verb", "body", "detail"), SENT)
async def test_an_action_is_sent_and_remembered(
    office: Office, request_: JobAction, verb: str, body: object, detail: str | None
) -> None:
    """VBR gets one POST, the answer names the new session, and whose it is is remembered."""
    answer = done(await office.ask(request_))
    assert office.posts() == [(verb, body)]
    assert (answer.by, answer.server, answer.detail) == (OPERATOR, HQ, detail)
    assert answer.session is not None
    (own,) = await office.own_actions.of(HQ, [answer.session.id])
    assert (own.operation, own.person_id, own.channel_id, own.job_id) == (
        verb,
        OPERATOR,
        "C0PROD",
        answer.job_id,
    )


async def test_an_action_is_on_record_before_and_after(office: Office) -> None:
    """Who asked for what on which job is recorded first; then the outcome and VBR's session."""
    answer = done(await office.ask(Start(FILES, full=True)))
    opened, closed = await office.audited()
    assert answer.session is not None
    assert {
        key: opened[key] for key in ("event", "operation", "person_id", "server", "job_name", "detail")
    } == {
        "event": "opened",
        "operation": "job.start",
        "person_id": OPERATOR,
        "server": HQ,
        "job_name": "Files",
        "detail": "active full",
    }
    assert (closed["event"], closed["outcome"], closed["session_id"]) == ("closed", "done", answer.session.id)


@pytest.mark.parametrize("now", [False, True])
async def test_a_stop_is_remembered_before_it_is_sent(office: Office, *, now: bool) -> None:
    """The running session is known as stopped from here, whatever VBR will say of it."""
    session = office.world.begin_run("Files")
    answer = done(await office.ask(Stop(office.known("Files"), now=now)))
    assert office.posts() == [("stop", {"gracefulStop": not now, "cancelChainedJobs": False})]
    (own,) = await office.own_actions.of(HQ, [session.id])
    assert (own.operation, own.person_id) == ("stop", OPERATOR)
    assert answer.detail == ("at once" if now else None)


async def test_a_refused_stop_is_forgotten(office: Office) -> None:
    """Where VBR refuses the stop, a later failure of that session is a failure."""
    session = office.world.begin_run("Files")
    office.hq.faults.add(*STOPPING, refusing(400))
    outcome = await office.ask(Stop(office.known("Files")))
    assert isinstance(outcome, Failed)
    assert await office.own_actions.of(HQ, [session.id]) == ()


async def test_a_second_press_does_nothing(office: Office) -> None:
    """A second press of one button, or its redelivery, starts nothing and says who pressed first."""
    request = Start(FILES)
    done(await office.ask(request, press="button-1"))
    again = await office.ask(request, press="button-1")
    other = await office.ask(request, SQL_ONLY, press="button-1")
    at = office.clock.now()
    assert again == AlreadyPressed(Start.operation, OPERATOR, at, by_same_person=True)
    assert other == AlreadyPressed(Start.operation, OPERATOR, at, by_same_person=False)
    assert len(office.posts()) == 1


async def test_presses_at_the_same_time_act_once(office: Office) -> None:
    """Of many presses at once one acts."""
    outcomes = await asyncio.gather(*(office.ask(Start(FILES), press="button-1") for _ in range(5)))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyPressed"] * 4 + ["Done"]
    assert len(office.posts()) == 1


async def test_a_job_that_moved_on_is_asked_about_again(office: Office) -> None:
    """A button drawn before a later run does nothing; what it then asks for is drawn anew and works."""
    before = await drawn(office, "Oracle")
    await office.clock.advance(60)
    office.world.finish_run("Oracle", result="Failed")
    request = Retry(office.known("Oracle"), snapshot=before)
    outcome = await office.ask(request, press="button-1")
    assert isinstance(outcome, StaleButton)
    assert outcome.request == replace_request(request, snapshot=await drawn(office, "Oracle"))
    assert office.posts() == []
    done(await office.ask(outcome.request, press="button-1"))


@pytest.mark.parametrize(
    ("request_type", "runs", "obstacle"),
    [
        (Start, True, Blocked.RUNNING),
        (Retry, True, Blocked.RUNNING),
        (Stop, False, Blocked.NOT_RUNNING),
    ],
)
async def test_what_makes_no_sense_is_not_sent(
    office: Office, request_type: type[Start | Stop], obstacle: Blocked, *, runs: bool
) -> None:
    """Starting what runs and stopping what doesn't is answered with the job's state."""
    if runs:
        office.world.begin_run("Files")
    outcome = await office.ask(request_type(FILES))
    assert isinstance(outcome, NotPossible)
    assert (outcome.blocked, outcome.job.state.name) == (obstacle, "Files")
    assert office.posts() == []


async def test_immediate_copies_never_stop(office: Office) -> None:
    """VBR cannot stop an immediate backup copy: that is said before anything is sent."""
    outcome = await office.ask(Stop(office.known("Copy now")))
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is Blocked.NEVER_STOPS


async def test_a_disabled_job_that_runs_is_seen_to_run(office: Office) -> None:
    """A job started while disabled may keep that status: its session tells."""
    office.world.begin_run("Archive")
    again = await office.ask(Start(NamedJob("Archive")))
    assert isinstance(again, NotPossible)
    done(await office.ask(Stop(NamedJob("Archive"))))


@pytest.mark.parametrize("lost", [dropped(Moment.BEFORE), dropped(Moment.AFTER), refusing(500)], ids=str)
async def test_an_unclear_outcome_is_looked_up_and_never_sent_again(office: Office, lost: Fault) -> None:
    """Where the answer is lost it says so, shows the job as it is now, and the button stays pressed."""
    office.hq.faults.add(*STARTING, lost)
    outcome = await office.ask(Start(FILES), press="button-1")
    assert isinstance(outcome, Unclear)
    assert isinstance(outcome.error, UnclearAnswer)
    assert outcome.job is not None
    happened = lost.drop is Moment.AFTER
    assert outcome.job.state.is_active is happened
    assert (outcome.session_id is not None) is happened
    assert len(office.posts()) == 1
    assert isinstance(await office.ask(Start(FILES), press="button-1"), AlreadyPressed)
    assert [row.get("outcome") for row in await office.audited()] == [None, "unclear"]


@pytest.mark.parametrize(
    ("fault", "error"), [(refusing(400), Rejected), (refusing(403), NotAllowed)], ids=["400", "403"]
)
async def test_a_refusal_of_vbr_lets_one_press_again(office: Office, fault: Fault, error: type) -> None:
    """A definite no is said, recorded, and the button can be pressed again."""
    office.hq.faults.add(*STARTING, fault)
    outcome = await office.ask(Start(FILES), press="button-1")
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, error)
    assert [row.get("outcome") for row in await office.audited()] == [None, "failed"]
    office.hq.faults.clear()
    done(await office.ask(Start(FILES), press="button-1"))


async def test_an_accepted_start_without_a_body_finds_its_session(office: Office) -> None:
    """Accepted is accepted: where VBR names no session, the job's newest one is looked up."""
    office.hq.faults.add(*STARTING, Fault(change=lambda _: "?"))
    answer = done(await office.ask(Start(FILES)))
    assert answer.session is not None
    assert answer.session.id == office.world.sessions_of("Files")[-1].id


async def test_nothing_to_process_has_no_session(office: Office) -> None:
    """A start that is accepted and begins nothing is done, without a session."""
    office.hq.faults.add(*STARTING, empty(204))
    assert done(await office.ask(Start(FILES))).session is None


async def test_a_dead_server_is_told(office: Office) -> None:
    """Nothing was done, and the press is free again."""
    await die(office.hq)
    outcome = await office.ask(Start(office.known("Files")), press="button-1")
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Unreachable)
    await office.hq.come_back()
    done(await office.ask(Start(office.known("Files")), press="button-1"))


async def test_one_name_on_two_servers_is_asked_about(office: Office) -> None:
    """Nothing is started while it is not clear which job is meant."""
    outcome = await office.ask(Start(NamedJob("Files")))
    assert isinstance(outcome, Ambiguous)
    assert [(choice.server, choice.name) for choice in outcome.choices] == [("dr", "Files"), ("hq", "Files")]
    chosen = outcome.choices[1]
    done(await office.ask(replace_request(outcome.request, job=KnownJob(chosen.server, chosen.job_id))))


@pytest.mark.parametrize("word", ["Exch", "Exchange"])
async def test_a_name_is_asked_about_while_a_server_is_silent(office: Office, word: str) -> None:
    """A silent server may have the job that was meant, also one of the very name: the server must be said."""
    await die(office.dr)
    outcome = await office.ask(Start(NamedJob(word)))
    assert isinstance(outcome, Ambiguous)
    assert (len(outcome.choices), outcome.silent) == (1, ("dr",))
    done(await office.ask(Start(NamedJob("Exchange", server="hq"))))


@pytest.mark.parametrize("request_", [Retry(NamedJob("Oracle")), Stop(NamedJob("Oracle"))])
async def test_a_viewer_is_refused(office: Office, request_: JobAction) -> None:
    """A refusal names the missing role and the groups that have it, and is on record; VBR hears nothing."""
    outcome = await office.ask(request_, VIEWER)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.ROLE
    assert outcome.groups == ("@S0OPS", "@S0SQL")
    (row,) = await office.audited()
    assert (row["event"], row["person_id"], row["detail"]) == ("refused", VIEWER, "role")
    assert len(office.hq.requests) == 0


async def test_a_role_counts_on_its_own_jobs_alone(office: Office) -> None:
    """An operator of SQL* who may view everything starts SQL jobs and no others, typed or clicked."""
    both = replace(office.team.people[SQL_ONLY], groups=frozenset({"S0SQL", "S0VIEW"}))
    office.team.people[SQL_ONLY] = both
    outcome = await office.ask(Start(office.known("Oracle")), SQL_ONLY, press="b")
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.groups) == (Refusal.SCOPE, ("@S0OPS",))
    (row,) = await office.audited()
    assert (row["event"], row["job_name"], row["detail"]) == ("refused", "Oracle", "scope")
    done(await office.ask(Start(office.known("SQL Prod")), SQL_ONLY))
    assert [verb for verb, _ in office.posts()] == ["start"]


@pytest.mark.parametrize("job", [NamedJob("Oracle"), NamedJob("Oracle", exact=True), None], ids=str)
async def test_a_job_out_of_sight_is_not_found(office: Office, job: NamedJob | None) -> None:
    """Whoever may not know of a job learns nothing from trying to start it."""
    outcome = await office.ask(Start(job or office.known("Oracle")), SQL_ONLY)
    assert isinstance(outcome, NotFound)
    assert outcome.nearest == ()
    assert office.posts() == []


async def test_people_act_under_their_roles_account(office: Office) -> None:
    """Where the server has an account of the person's role, VBR gets the action from it."""
    account = office.hq.accounts.by_role(VbrRole.BACKUP_OPERATOR)
    async with client_of(office.hq, office.clock, account, name=HQ) as acting:
        office.acting = {(HQ, Role.BACKUP_OPERATOR): acting}
        done(await office.ask(Start(FILES)))
    (sent,) = office.hq.requests.of(*STARTING)
    assert sent.username == account.username


async def broken_by(office: Office, statement: str) -> None:
    async with office.database.transaction() as transaction:
        await transaction.execute(text(statement))


async def test_without_a_record_nothing_is_sent(office: Office) -> None:
    """Where the database does not answer, nothing is done, and it says so."""
    await broken_by(office, "DROP TABLE audit")
    outcome = await office.ask(Start(FILES), press="button-1")
    assert outcome == InternalError("store", changed=False)
    assert office.posts() == []


async def test_a_refusal_holds_without_a_database(office: Office) -> None:
    """Whoever may not is refused even where that cannot be put on record."""
    await broken_by(office, "DROP TABLE audit")
    assert isinstance(await office.ask(Start(FILES), VIEWER), Refused)


async def test_what_was_sent_is_told_although_its_record_stays_open(office: Office) -> None:
    """Where the database fails after sending, the answer still says what was done."""
    await broken_by(
        office,
        "CREATE TRIGGER no_end BEFORE INSERT ON audit WHEN NEW.event = 'closed' "
        "BEGIN SELECT RAISE(FAIL, 'full'); END",
    )
    done(await office.ask(Start(FILES), press="button-1"))
    assert [row["event"] for row in await office.audited()] == ["opened"]
    assert isinstance(await office.ask(Start(FILES), press="button-1"), AlreadyPressed)


async def test_a_stop_that_cannot_be_remembered_is_not_sent(office: Office) -> None:
    """Or its session would be told as a failure."""
    office.world.begin_run("Files")
    await broken_by(office, "DROP TABLE own_actions")
    outcome = await office.ask(Stop(office.known("Files")), press="button-1")
    assert outcome == InternalError("store", changed=False)
    assert office.posts() == []
    assert [row.get("outcome") for row in await office.audited()] == [None, "broken"]


async def test_a_start_that_cannot_be_remembered_is_done(office: Office) -> None:
    """It was sent, so it is told as done."""
    await broken_by(office, "DROP TABLE own_actions")
    done(await office.ask(Start(FILES)))


async def test_a_press_without_a_claim_is_not_sent(office: Office) -> None:
    """Where it cannot be claimed, a second process might act as well."""
    await broken_by(office, "DROP TABLE press_claims")
    assert await office.ask(Start(FILES)) == InternalError("store", changed=False)
    assert len(office.hq.requests) == 0


async def test_an_unclear_stop_stays_remembered(office: Office) -> None:
    """The session may well end by it."""
    session = office.world.begin_run("Files")
    office.hq.faults.add(*STOPPING, dropped(Moment.AFTER))
    outcome = await office.ask(Stop(office.known("Files")))
    assert isinstance(outcome, Unclear)
    assert outcome.session_id == session.id
    assert len(await office.own_actions.of(HQ, [session.id])) == 1


async def test_a_press_that_was_cut_off_while_sending_is_kept(office: Office) -> None:
    """Stopped in the middle of a POST nobody knows what came of it, so the button stays pressed."""
    office.hq.faults.add(*STARTING, hanging(Moment.AFTER))
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(office.ask(Start(FILES), press="button-1"))
        await wait_until(office.posts)
        asked.cancel()
    assert isinstance(await office.ask(Start(FILES), press="button-1"), AlreadyPressed)
    assert [row["event"] for row in await office.audited()] == ["opened"]


async def test_a_renamed_job_is_not_what_was_typed(office: Office) -> None:
    """A name kept from a minute ago starts nothing that bears another name now."""
    office.world.add_job("Two  blanks \u2013 dash")
    assert isinstance(await office.ask(Start(NamedJob("nothing at all"))), NotFound)
    office.world.book.rename_job(office.world.job("Two  blanks \u2013 dash"), "Other")
    for typed in ("\u2013", "two blanks - dash"):
        assert isinstance(await office.ask(Start(NamedJob(typed))), NotFound)
    assert office.posts() == []
