"""Four eyes: what takes a second person is asked of one, bound to the job as it was, and done once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace as replace_request

from bot.operations.actions.approvals import (
    ApprovalAnswer,
    ApprovalForm,
    Approve,
    Decline,
    PendingApprovals,
    ShowApproval,
)
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete, DeleteForm
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit, JobForm, JobSummary
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.start import Start
from bot.operations.backend import ApprovalRules
from bot.operations.job_editor import JobEntries
from bot.operations.model import NamedJob, NamedMachine, Person, Refusal, Request, Standing, Step
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyDecided,
    AlreadyRequested,
    ApprovalRequested,
    Done,
    Failed,
    NeedsForm,
    NotFound,
    Outcome,
    Refused,
    Unclear,
)
from bot.operations.queries.help import HelpAnswer, ShowHelp
from bot.operations.queries.home import HomeAnswer, ShowHome
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.whoami import ShowWhoami, WhoamiAnswer
from bot.sandbox.vbr import Role as VbrRole
from bot.sandbox.vbr.faults import Fault, Moment, dropped
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.slack.views.approvals import approval_ended, approval_form, approval_opened, to_decide
from bot.slack.views.impact import impact_lines
from bot.store import (
    Approval,
    ApprovalEnd,
    Approvals,
    ApprovalState,
    AuditEntry,
    AuditOutcome,
    Outbox,
    PostedMessage,
)
from bot.veeam import Retention
from bot.watch import ApprovalCloser, approval_rows
from bot.watch.facts import ApprovalEnded, ApprovalOpened, decode
from tests.rooms.operations.office import GRANTS, HQ, OPERATOR, VIEWER, Office
from tests.rooms.veeam.clients import client_of

ANN, BEN, SQL_ADMIN = PersonId("U0ANN"), PersonId("U0BEN"), PersonId("U0SQLADMIN")
NOBODY = PersonId("U0STRANGER")
ADMINS = frozenset({"S0ADMIN"})
DELETE = Delete(NamedJob("Files", server="hq"), typed_name="Files", reason="retired")
DELETING = ("DELETE", "/api/v1/jobs/{id}")
EXPIRES = timedelta(minutes=30)
GUARDED = frozenset({"delete", "start", "quickbackup", "create", "edit"})


@pytest.fixture(autouse=True)
def four_eyes(office: Office) -> None:
    """Ann and Ben may everything, another administrator SQL jobs alone; deleting and starting take two."""
    for person, groups in ((ANN, ADMINS), (BEN, ADMINS), (SQL_ADMIN, frozenset({"S0SQLADMIN"}))):
        office.team.people[person] = Person(person, person.lower(), Standing.MEMBER, groups)
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
        GrantSettings(group=GroupReference("S0SQLADMIN"), role=Role.BACKUP_ADMINISTRATOR, jobs=("SQL*",)),
    )
    office.approvals = ApprovalRules(
        {"delete", "start", "quickbackup", "create", "edit"}, EXPIRES, ("C0AUDIT",)
    )


async def asked(office: Office, request: Request = DELETE, person: PersonId = ANN) -> Approval:
    outcome = await office.ask(request, person)
    assert isinstance(outcome, ApprovalRequested), outcome
    return outcome.approval


async def approves(office: Office, approval: Approval, person: PersonId = BEN) -> Outcome:
    return await office.ask(Approve(approval.id), person)


async def declines(office: Office, approval: Approval, person: PersonId = BEN) -> Outcome:
    return await office.ask(Decline(approval.id), person)


def deletions(office: Office) -> int:
    return len(office.hq.requests.of(*DELETING))


async def kept(office: Office, approval: Approval) -> Approval:
    found = await Approvals(office.database, approval_rows).of(approval.id)
    assert found is not None
    return found


async def told(office: Office) -> list[str]:
    """What was queued, in its order, by its kind."""
    kinds = []
    outbox = Outbox(office.database)
    while rows := await outbox.claim("me", office.clock.now(), 60, 9):
        for row in rows:
            kinds.append(str(decode(row.body).__struct_config__.tag))
            await outbox.park(row.id, "seen", office.clock.now())
    return kinds


def tick(office: Office) -> ApprovalCloser:
    return ApprovalCloser(Approvals(office.database, approval_rows), office.audit, office.clock)


async def test_what_takes_a_second_person_is_asked(office: Office) -> None:
    """Nothing is sent; the request names job, reason and who may approve, and is told in the channel."""
    approval = await asked(office)
    assert (approval.job_id, approval.name, approval.channel) == (
        office.known("Files").job_id,
        "Files",
        "C0PROD",
    )
    assert (approval.reason, approval.expires_at - approval.asked_at) == ("retired", EXPIRES)
    assert approval.impact.groups == ("@S0ADMIN",)
    assert approval.impact.roles == (Role.BACKUP_ADMINISTRATOR.value,)
    assert deletions(office) == 0
    assert await told(office) == ["approval_asked"]
    opened, closed = await office.audited()
    assert (opened["operation"], opened["reason"], closed["outcome"]) == ("job.delete", "retired", "asked")


async def test_an_approved_deletion_is_done_once(office: Office) -> None:
    """It is done for whoever asked, under their reference, and on record with the approver."""
    approval = await asked(office)
    outcome = await approves(office, approval)
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, ActionAnswer)
    assert (outcome.answer.by, outcome.answer.approver, outcome.answer.reference) == (ANN, BEN, "r-1")
    assert deletions(office) == 1
    opened, closed = (await office.audited())[2:]
    assert (opened["person_id"], opened["approver_id"], opened["approver_name"], opened["reason"]) == (
        ANN, BEN, "u0ben", "retired",
    )  # fmt: skip
    assert closed["outcome"] == "done"
    assert (await kept(office, approval)).outcome == "done"
    again = await approves(office, approval)
    assert isinstance(again, AlreadyDecided)
    assert (again.approval.decider_id, deletions(office)) == (BEN, 1)


async def test_nobody_approves_their_own(office: Office) -> None:
    """It takes somebody else: said with whom to ask, on record, and the request waits on."""
    approval = await asked(office)
    outcome = await approves(office, approval, ANN)
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.groups) == (Refusal.OWN_REQUEST, ("@S0ADMIN",))
    last = (await office.audited())[-1]
    assert (last["operation"], last["detail"], last["job_name"]) == (
        "approval.approve",
        "own_request",
        "Files",
    )
    assert isinstance(await approves(office, approval), Done)


WHO = {
    OPERATOR: Refusal.ROLE,
    VIEWER: Refusal.ROLE,
    SQL_ADMIN: Refusal.SCOPE,
    NOBODY: Refusal.PERSON_UNREADABLE,
}


@pytest.mark.parametrize("press", [approves, declines])
@pytest.mark.parametrize("person", WHO)
async def test_only_who_may_do_it_decides(
    office: Office, press: Callable[[Office, Approval, PersonId], object], person: PersonId
) -> None:
    """Whoever may not do that very thing on that very job decides nothing; VBR hears nothing."""
    approval = await asked(office)
    before = len(office.hq.requests)
    decide = approves if press is approves else declines
    outcome = await decide(office, approval, person)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is WHO[person]
    assert (await office.audited())[-1]["detail"] == WHO[person]
    assert (len(office.hq.requests), (await kept(office, approval)).state) == (before, ApprovalState.PENDING)


async def test_declined_is_not_done(office: Office) -> None:
    """On record, told to whoever asked, and not to be approved any more."""
    approval = await asked(office)
    outcome = await declines(office, approval)
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, ApprovalAnswer)
    assert outcome.answer.approval.outcome == ApprovalEnd.DECLINED
    assert isinstance(await approves(office, approval), AlreadyDecided)
    assert isinstance(await declines(office, approval), AlreadyDecided)
    assert deletions(office) == 0
    assert [row["outcome"] for row in await office.audited() if row["event"] == "closed"] == ["asked", "done"]


async def test_whoever_asked_takes_it_back(office: Office) -> None:
    """Also when they may not do it any more; the same can be asked for again then."""
    approval = await asked(office)
    office.team.people[ANN] = replace(office.team.people[ANN], groups=frozenset())
    await declines(office, approval, ANN)
    assert (await kept(office, approval)).outcome == ApprovalEnd.WITHDRAWN
    assert (await asked(office, person=BEN)).id != approval.id


async def test_the_same_is_asked_once(office: Office) -> None:
    """Asked again, by whomever and for whatever reason, it says that it waits already."""
    approval = await asked(office)
    for request, person in ((DELETE, ANN), (replace_request(DELETE, reason=None), BEN)):
        again = await office.ask(request, person)
        assert isinstance(again, AlreadyRequested)
        assert again.approval == approval
    other = replace_request(DELETE, job=NamedJob("Exchange"), typed_name="Exchange")
    assert (await asked(office, other)).id != approval.id


async def test_what_is_not_approved_in_time_lapses(office: Office) -> None:
    """Checked by the request's own time at the press; the loop ends it, once, and tells."""
    approval = await asked(office)
    await office.clock.advance(EXPIRES.total_seconds())
    outcome = await approves(office, approval)
    assert isinstance(outcome, AlreadyDecided)
    assert outcome.approval.outcome == ApprovalEnd.EXPIRED
    other = await asked(office)
    await office.clock.advance(EXPIRES.total_seconds())
    for _ in range(2):
        await tick(office).tick()
    assert (await kept(office, other)).outcome == ApprovalEnd.EXPIRED
    assert deletions(office) == 0


def _ran(office: Office) -> None:
    office.world.finish_run("Files", result="Success")


def _edited(office: Office) -> None:
    office.world.job("Files").model["description"] = "not what it was"


def _running(office: Office) -> None:
    office.world.begin_run("Files")


def _renamed(office: Office) -> None:
    office.world.job("Files").model["name"] = "Files of yesterday"


def _gone(office: Office) -> None:
    office.world.book.jobs.pop(office.world.job("Files").id)


@pytest.mark.parametrize("change", [_ran, _edited, _running, _renamed, _gone])
async def test_a_job_that_changed_takes_a_new_request(
    office: Office, change: Callable[[Office], None]
) -> None:
    """What is approved is what was asked for; anything else ends the request, and nothing is sent."""
    approval = await asked(office)
    await office.clock.advance(60)
    change(office)
    outcome = await approves(office, approval)
    assert isinstance(outcome, AlreadyDecided)
    assert outcome.approval.outcome == ApprovalEnd.OVERTAKEN
    assert deletions(office) == 0


async def test_asked_anew_for_a_changed_job(office: Office) -> None:
    """A request that is bound to another state makes room for the new one."""
    approval = await asked(office)
    await office.clock.advance(60)
    _ran(office)
    new = await asked(office)
    assert (await kept(office, approval)).outcome == ApprovalEnd.OVERTAKEN
    assert isinstance(await approves(office, new), Done)


async def test_an_unchanged_job_is_bound_to_the_same(office: Office) -> None:
    """Time alone changes nothing, also for a job whose settings the revision cannot describe."""
    request = Delete(NamedJob("Copy now"), typed_name="Copy now")
    for each in (DELETE, request):
        approval = await asked(office, each)
        await office.clock.advance(600)
        assert isinstance(await office.ask(each, BEN), AlreadyRequested)
        assert isinstance(await approves(office, approval), Done)


async def test_what_changes_by_itself_is_no_change(office: Office) -> None:
    """VBR tells the size of a machine with the job: it grows, and the request still stands."""
    edit = await _summary(office, Edit(office.known("Exchange")), JobEntries("Exchange", "mail"))
    for name, request in (("Files", DELETE), ("Exchange", edit)):
        approval = await asked(office, request)
        office.world.job(name).model["virtualMachines"]["includes"][0]["size"] = "471.3 GB"
        assert isinstance(await approves(office, approval), Done)


async def test_whoever_asked_is_asked_for_their_right_again(office: Office) -> None:
    """Taken away meanwhile: ended, and nothing is sent; not readable just now: it waits on."""
    approval = await asked(office)
    ann = office.team.people.pop(ANN)
    unreadable = await approves(office, approval)
    assert isinstance(unreadable, Refused)
    assert unreadable.refusal is Refusal.ASKER_UNREADABLE
    office.team.people[ANN] = replace(ann, groups=frozenset({"S0OPS"}))
    outcome = await approves(office, approval)
    assert isinstance(outcome, AlreadyDecided)
    assert (outcome.approval.outcome, deletions(office)) == (ApprovalEnd.REFUSED, 0)


async def test_it_is_done_under_the_account_of_the_askers_role(office: Office) -> None:
    """VBR sees the role of whoever asked, not of whoever approved."""
    account = office.hq.accounts.by_role(VbrRole.BACKUP_OPERATOR)
    async with client_of(office.hq, office.clock, account, name=HQ) as acting:
        office.acting = {(HQ, Role.BACKUP_OPERATOR): acting}
        approval = await asked(office, Start(NamedJob("Exchange")), OPERATOR)
        assert isinstance(await approves(office, approval), Done)
    (start,) = office.hq.requests.of("POST", "/api/v1/jobs/{id}/start")
    assert start.username == account.username


async def test_two_approvers_at_once(office: Office) -> None:
    """One of them does it; the other hears who."""
    office.team.people[SQL_ADMIN] = replace(office.team.people[SQL_ADMIN], groups=ADMINS)
    approval = await asked(office)
    outcomes = await asyncio.gather(*(approves(office, approval, one) for one in (BEN, SQL_ADMIN)))
    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyDecided", "Done"]
    assert deletions(office) == 1


@pytest.mark.parametrize("moment", Moment)
async def test_an_unclear_end_is_told_as_that(office: Office, moment: Moment) -> None:
    """The answer is lost: sent once, and the request ends as unclear."""
    approval = await asked(office)
    office.hq.faults.add(*DELETING, dropped(moment))
    assert isinstance(await approves(office, approval), Unclear)
    assert ((await kept(office, approval)).outcome, deletions(office)) == ("unclear", 1)
    assert isinstance(await approves(office, approval), AlreadyDecided)


async def test_vbrs_refusal_ends_it(office: Office) -> None:
    """VBR's own four eyes: the request ends as failed, with VBR's words."""
    approval = await asked(office)
    office.world.four_eyes = True
    assert isinstance(await approves(office, approval), Failed)
    ended = await kept(office, approval)
    assert (ended.outcome, "four-eyes" in (ended.problem or "")) == ("failed", True)


async def test_a_silent_server_leaves_it_waiting(office: Office) -> None:
    """What cannot be looked at is not approved, and can be once the server answers."""
    approval = await asked(office)
    office.hq.faults.add("GET", "/api/v1/jobs/states", dropped(Moment.BEFORE), times=10)
    assert isinstance(await approves(office, approval), Failed)
    office.hq.faults.clear()
    assert isinstance(await approves(office, approval), Done)


async def test_from_a_direct_message_it_stands_in_the_audit_channel(office: Office) -> None:
    """Where nobody else reads along it is asked in the first channel of the settings that may be used."""
    outcome = await office.ask(DELETE, ANN, channel="D0ANN", is_direct=True)
    assert isinstance(outcome, ApprovalRequested)
    assert outcome.approval.channel == "C0AUDIT"


@pytest.mark.parametrize("allowed", [(), ("C0PROD",)])
async def test_nowhere_to_ask(office: Office, allowed: tuple[str, ...]) -> None:
    """Without a channel whose buttons may be pressed it is refused, and says where to ask."""
    office.allowed_channels = allowed
    if not allowed:
        office.approvals = replace(office.approvals, channels=())
    outcome = await office.ask(DELETE, ANN, channel=None)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.NOWHERE
    assert [row["detail"] for row in await office.audited()] == ["nowhere"]


async def test_a_press_in_another_channel_counts_only_where_it_may(office: Office) -> None:
    """The channel of the press is asked for too."""
    approval = await asked(office)
    office.allowed_channels = ("C0OTHER",)
    office._service = None
    outcome = await approves(office, approval)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.CHANNEL


async def test_what_is_not_there_is_not_asked(office: Office) -> None:
    """Rights, state and obstacles come first: nobody is asked about what would not be done."""
    assert isinstance(await office.ask(DELETE, OPERATOR), Refused)
    assert isinstance(await office.ask(Approve("no such"), BEN), NotFound)
    assert await told(office) == []


async def test_a_quick_backup_takes_a_role_on_all_jobs_of_both(office: Office) -> None:
    """It names no job, so whoever approves needs a role on every job of the server."""
    machine = "web01"
    office.world.add_job("Web", objects=(machine,))
    office.world.finish_run("Web", result="Success")
    approval = await asked(office, QuickBackup(NamedMachine(machine, "hq")))
    assert (approval.job_id, approval.name) == (None, machine)
    refused = await approves(office, approval, SQL_ADMIN)
    assert isinstance(refused, Refused)
    assert refused.refusal in {Refusal.SCOPE, Refusal.ROLE}
    outcome = await approves(office, approval)
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, ActionAnswer)
    assert (outcome.answer.by, outcome.answer.approver) == (ANN, BEN)


async def test_what_another_version_kept_is_not_guessed_at(office: Office) -> None:
    """A request whose cells cannot be read ends, and nothing is sent."""
    approval = await asked(office)
    strange = replace(approval, id="strange", request_hash="other", request='["what"]')
    await Approvals(office.database, approval_rows).ask(strange)
    await Approvals(office.database, approval_rows).ask(
        replace(strange, id="unknown", request_hash="third", operation="explode")
    )
    for each in ("strange", "unknown"):
        outcome = await office.ask(Approve(each), BEN)
        assert isinstance(outcome, AlreadyDecided)
        assert (outcome.approval.outcome, outcome.approval.problem) == (ApprovalEnd.OVERTAKEN, "old")


async def test_help_and_whoami_say_what_takes_two(office: Office) -> None:
    """Before anybody asks."""
    told_help = await office.answer(ShowHelp(), HelpAnswer, ANN)
    assert [one.name for one in told_help.need_approval] == [
        "start",
        "create",
        "edit",
        "delete",
        "quickbackup",
    ]
    told_roles = await office.answer(ShowWhoami(), WhoamiAnswer, OPERATOR)
    assert [one.name for one in told_roles.need_approval] == ["start", "quickbackup"]


ENTRY = AuditEntry(
    person_id=ANN,
    person_name="ann",
    team_id="T0",
    operation="job.delete",
    reference="r-1",
    origin="typed",
    channel_id="C0PROD",
    at=datetime(2026, 11, 23, tzinfo=UTC),
    server=HQ,
    approver_id=BEN,
)


@pytest.mark.parametrize("step", ["claimed", "opened", "closed"])
async def test_what_a_killed_bot_left_approved_is_ended_by_the_record(office: Office, step: str) -> None:
    """Nothing on record: nothing was sent; opened: unclear; closed: as the record says."""
    approval = await asked(office)
    approvals = Approvals(office.database, approval_rows)
    await approvals.approve(approval.id, by=BEN, now=office.clock.now())
    if step != "claimed":
        opened = await office.audit.opened(replace(ENTRY, at=office.clock.now()))
        if step == "closed":
            await office.audit.closed(opened, AuditOutcome("done", office.clock.now()))
    await office.clock.advance(3600)
    await tick(office).tick()
    ended = await approvals.of(approval.id)
    assert ended is not None
    expected = {"claimed": ApprovalEnd.NOT_SENT, "opened": "unclear", "closed": "done"}[step]
    assert (ended.outcome, deletions(office)) == (expected, 0)
    assert isinstance(await approves(office, approval), AlreadyDecided)


def _opened(approval: Approval) -> str:
    return approval_opened(ApprovalOpened(approval=approval)).text


async def _summary(office: Office, request: Edit | Create, entered: JobEntries) -> Request:
    """Fill a job's form in and look it over; what its last button asks for."""
    form = await office.ask(request, ANN)
    assert isinstance(form, NeedsForm)
    assert isinstance(form.form, JobForm), form
    reviewed = await office.ask(replace_request(form.form.request, entered=entered), ANN)
    assert isinstance(reviewed, NeedsForm)
    assert isinstance(reviewed.form, JobSummary), reviewed
    return reviewed.form.request


REDUCTIONS = {
    "fewer days": (JobEntries("Exchange", retention=Retention("", 7)), True),
    "more days": (JobEntries("Exchange", retention=Retention("", 21)), False),
    "another name": (JobEntries("Mail"), False),
}


@pytest.mark.parametrize(("entries", "reduces"), REDUCTIONS.values(), ids=REDUCTIONS)
async def test_what_reduces_protection_takes_two(
    office: Office,
    entries: JobEntries,
    reduces: bool,  # noqa: FBT001 - a table's column
) -> None:
    """The class covers deleting, disabling, and an edit by what it changes; nothing that adds protection."""
    office.approvals = ApprovalRules({"reduces_protection"}, EXPIRES, ("C0AUDIT",))
    edit = await _summary(office, Edit(office.known("Exchange")), entries)
    outcome = await office.ask(edit, ANN)
    assert isinstance(outcome, ApprovalRequested if reduces else Done)
    for request in (DELETE, Disable(office.known("SQL Prod"))):
        assert isinstance(await office.ask(request, ANN), ApprovalRequested)
    for verb in (Start, Enable):
        assert not isinstance(await office.ask(verb(office.known("Files")), ANN), ApprovalRequested)
    help_answer = await office.answer(ShowHelp(), HelpAnswer, ANN)
    assert {each.name for each in help_answer.need_approval} == {"disable", "delete"}


BURST = ApprovalRules((), EXPIRES, ("C0AUDIT",), burst=2, burst_lasts=timedelta(minutes=10))


async def test_one_person_cannot_disable_job_after_job(office: Office) -> None:
    """Two go through, the third waits for somebody else, is told with a mention, and is on record."""
    office.approvals = BURST
    for name in ("SQL Prod", "Exchange"):
        assert isinstance(await office.ask(Disable(office.known(name)), ANN), Done)
    asked_for = await office.ask(Disable(office.known("Files")), ANN)
    assert isinstance(asked_for, ApprovalRequested)
    impact = asked_for.approval.impact
    assert (impact.recent_reductions, impact.recent_minutes, impact.mentions) == (2, 10, ("S0ADMIN",))
    assert len(office.posts()) == 2
    assert isinstance(await office.ask(Disable(office.known("Files")), BEN), Done)
    office.restart()
    assert isinstance(await office.ask(DELETE, ANN), ApprovalRequested)


async def test_the_form_says_that_the_next_one_waits(office: Office) -> None:
    """As soon as the person has reduced protection too often, and only for what reduces it again."""
    office.approvals = BURST

    async def waits(request: Request) -> bool:
        outcome = await office.ask(request, ANN)
        assert isinstance(outcome, NeedsForm)
        return outcome.needs_approval

    disable = Disable(office.known("Files"), step=Step.FILL)
    for name in ("SQL Prod", "Exchange"):
        assert not await waits(disable)
        assert isinstance(await office.ask(Disable(office.known(name)), ANN), Done)
    assert await waits(disable)
    assert await waits(Delete(office.known("Files")))
    assert not await waits(Start(office.known("Files"), step=Step.FILL))
    await office.clock.advance(601)
    assert not await waits(disable)


async def test_the_burst_is_over_after_its_minutes(office: Office) -> None:
    """What VBR refused, what adds protection and what a second person approved do not count."""
    office.approvals = BURST
    sql, files = Disable(office.known("SQL Prod")), Disable(office.known("Files"))
    for _ in range(3):
        assert isinstance(await office.ask(sql, ANN), Done)
        assert isinstance(await office.ask(Enable(office.known("SQL Prod")), BEN), Done)
        await office.clock.advance(301)
    assert isinstance(await office.ask(files, ANN), Done)
    assert isinstance(await office.ask(sql, ANN), ApprovalRequested)


async def test_an_edit_is_bound_to_what_it_changes(office: Office) -> None:
    """What somebody enters after they have asked was not approved; what was is sent as it was shown."""
    edit = Edit(office.known("Files"))
    asking = await _summary(office, edit, JobEntries("Files", description="not kept any more"))
    approval = await asked(office, asking)
    assert "not kept any more" in (approval.detail or "")
    assert isinstance(asking, Edit)
    again = replace_request(asking, step=Step.REVIEW, entered=JobEntries("Files", description="harmless"))
    assert isinstance(await office.ask(again, ANN), NeedsForm)
    overtaken = await approves(office, approval)
    assert isinstance(overtaken, AlreadyDecided)
    assert overtaken.approval.outcome == ApprovalEnd.OVERTAKEN
    assert len(office.hq.requests.of("PUT", "/api/v1/jobs/{id}")) == 0

    outcome = await approves(office, await asked(office, asking))
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, ActionAnswer)
    assert outcome.answer.approver == BEN
    assert office.world.job("Files").model["description"] == "harmless"


async def test_what_the_message_has_no_room_for_is_seen_before_it_is_approved(office: Office) -> None:
    """Approve shows it first, wherever it is pressed; what was approved is what is sent."""
    text = "".join(f"line {at} of what it is for, " for at in range(80))
    asking = await _summary(office, Edit(office.known("Files")), JobEntries("Files", description=text))
    approval = await asked(office, asking)
    assert (approval.impact.left_out > 0, text in approval.impact.in_full[-1]) == (True, True)
    for press in (Approve(approval.id), Approve(approval.id, step=Step.FILL), ShowApproval(approval.id)):
        shown = await office.ask(press, BEN)
        assert isinstance(shown, NeedsForm)
        assert isinstance(shown.form, ApprovalForm)
        assert shown.form.request == Approve(approval.id, in_full=True)
        assert text.strip() in " ".join(_texts(approval_form(shown.form).content.blocks))
    assert (await kept(office, approval)).state is ApprovalState.PENDING
    assert len(office.hq.requests.of("PUT", "/api/v1/jobs/{id}")) == 0
    outcome = await office.ask(Approve(approval.id, in_full=True), BEN)
    assert isinstance(outcome, Done)
    assert office.world.job("Files").model["description"] == text


async def test_all_of_a_request_is_for_the_person_who_asked_and_who_may_approve(office: Office) -> None:
    """It may name jobs that others who know of this one may not know of."""
    approval = await asked(office)
    for person, request in (
        (ANN, ShowApproval(approval.id)),
        (BEN, Approve(approval.id, in_full=True)),
    ):
        shown = await office.ask(ShowApproval(approval.id), person)
        assert isinstance(shown, NeedsForm)
        assert isinstance(shown.form, ApprovalForm)
        assert shown.form.request == request
    for person in (OPERATOR, VIEWER, SQL_ADMIN):
        assert isinstance(await office.ask(ShowApproval(approval.id), person), NotFound)
    assert isinstance(await office.ask(ShowApproval(approval.id), NOBODY), Refused)
    assert isinstance(await office.ask(Approve(approval.id, step=Step.FILL), ANN), Refused)


async def test_what_slack_cannot_show_at_once_is_not_asked_for(office: Office) -> None:
    """Nobody can approve what nobody can be shown: refused, with what to do, and on record."""
    office.world.job("Files").model["description"] = "&" * 60_000
    asking = await _summary(office, Edit(office.known("Files")), JobEntries("Files", description="short"))
    outcome = await office.ask(asking, ANN)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.UNSHOWABLE
    assert (await office.audited())[-1]["detail"] == "unshowable"
    assert await told(office) == []


async def test_the_approver_reads_the_warnings_of_the_person_who_asked(office: Office) -> None:
    """Fewer restore points, jobs that run after it, and what others just did to it."""
    office.world.add_job("After files", runs_after="Files")
    assert isinstance(await office.ask(Clone(office.known("Files")), BEN), Done)
    entries = JobEntries("Files", retention=Retention("Days", 1))
    approval = await asked(office, await _summary(office, Edit(office.known("Files")), entries))
    text = approval_opened(ApprovalOpened(approval=approval)).text
    assert "Restore points will be removed" in text
    assert "These jobs run after it: After files" in text
    assert "<@U0BEN> pressed Clone" in text


async def test_jobs_that_run_after_it_are_named_to_those_who_may_know_of_them(office: Office) -> None:
    """The request names those that the person who asked may see; elsewhere the rest is counted."""
    for name in ("SQL Copy", "Payroll", "Mail"):
        office.world.add_job(name, runs_after="SQL Prod")
    deletion = Delete(NamedJob("SQL Prod", server="hq"), typed_name="SQL Prod")
    approval = await asked(office, deletion)
    assert "run after it: Mail, Payroll, SQL Copy" in _opened(approval)
    for person, line in (
        (BEN, "These jobs run after it: Mail, Payroll, SQL Copy"),
        (SQL_ADMIN, "These jobs run after it: SQL Copy and 2 jobs that you can't see"),
    ):
        shown = await office.ask(ShowApproval(approval.id), person)
        assert isinstance(shown, NeedsForm)
        assert isinstance(shown.form, ApprovalForm)
        home = await office.answer(ShowHome(), HomeAnswer, person)
        (waiting,) = home.waiting.to_decide
        for text in (approval_form(shown.form).content.text, to_decide(waiting).text):
            assert f"{line}\n" in text
            assert ("Payroll" in text) == (person == BEN)
    await declines(office, approval)
    of_sql_only = await asked(office, deletion, SQL_ADMIN)
    assert "Payroll" not in _opened(of_sql_only)


async def test_many_jobs_that_run_after_it_are_all_seen_before_it_is_approved(office: Office) -> None:
    """Sixty are no line of a message: Approve shows them all first."""
    for at in range(60):
        office.world.add_job(f"Chained job number {at:02}", runs_after="Files")
    approval = await asked(office)
    assert "characters of it are not shown here" in _opened(approval)
    shown = await approves(office, approval)
    assert isinstance(shown, NeedsForm)
    assert isinstance(shown.form, ApprovalForm)
    text = " ".join(approval_form(shown.form).content.text.split())
    assert [at for at in range(60) if f"Chained job number {at:02}" not in text] == []
    assert "VBR can't undo this." in text
    assert deletions(office) == 0
    assert isinstance(await office.ask(Approve(approval.id, in_full=True), BEN), Done)


@pytest.mark.parametrize(
    ("path", "said", "last_success"),
    [
        ("/api/v1/sessions", "VBR did not say when it last succeeded.", "unknown (VBR didn't say)"),
        (
            "/api/v1/backupInfrastructure/repositories/states",
            "VBR did not say how much space its repository has.",
            "none in VBR's history",
        ),
    ],
)
async def test_what_vbr_does_not_say_is_no_false_comfort(
    office: Office, path: str, said: str, last_success: str
) -> None:
    """The request says what could not be read, and so does the answer to the person who asked."""
    office.world.add_job("Never well")
    office.world.finish_run("Never well", result="Failed")
    office.hq.faults.add("GET", path, Fault(500, body=b"{}"), times=99)
    deletion = Delete(NamedJob("Never well", server="hq"), typed_name="Never well")
    form = await office.ask(Delete(NamedJob("Never well", server="hq")), ANN)
    assert isinstance(form, NeedsForm)
    assert isinstance(form.form, DeleteForm)
    drawn = impact_lines(form.form.impact, deletion).text
    outcome = await office.ask(deletion, ANN)
    assert isinstance(outcome, ApprovalRequested)
    assert len(outcome.missing) == len(form.missing) == 1
    text = _opened(outcome.approval)
    assert said in text
    for each in (drawn, text):
        assert f"Last success: {last_success}\n" in each


@pytest.mark.parametrize("channel", ["C0PROD", "D0ANN", None])
@pytest.mark.parametrize("end", ["done", "declined", "expired", "overtaken", "failed"])
async def test_the_person_who_asked_learns_the_end(office: Office, channel: str | None, end: str) -> None:
    """In the thread, where they are named; and by a direct message where they asked elsewhere."""
    outcome = await office.ask(DELETE, ANN, channel=channel, is_direct=channel == "D0ANN")
    assert isinstance(outcome, ApprovalRequested)
    approval = outcome.approval
    match end:
        case "declined":
            await declines(office, approval)
        case "expired":
            await office.clock.advance(EXPIRES.total_seconds())
            await tick(office).tick()
        case "overtaken":
            _edited(office)
            await approves(office, approval)
        case "failed":
            office.hq.faults.add(*DELETING, Fault(403, body=b"{}"))
            await approves(office, approval)
        case _:
            await approves(office, approval)
    rows: list[tuple[str, str]] = []
    outbox = Outbox(office.database)
    while claimed := await outbox.claim("me", office.clock.now(), 60, 9):
        for row in claimed:
            fact = decode(row.body)
            if isinstance(fact, ApprovalEnded):
                assert "<@U0ANN>" in approval_ended(fact).text
                assert fact.approval.outcome == end
                rows.append((row.channel, row.placement.value))
            await outbox.sent(row.id, PostedMessage(row.channel, "1.0"), office.clock.now())
    here = [("C0PROD" if channel == "C0PROD" else "C0AUDIT", "reply")]
    assert sorted(rows) == here + ([] if channel == "C0PROD" else [("U0ANN", "post")])


def _texts(blocks: Sequence[dict[str, Any]]) -> list[str]:
    return [line for block in blocks if "text" in block for line in str(block["text"]["text"]).splitlines()]


async def test_a_new_job_is_approved_by_its_name(office: Office) -> None:
    """Whoever may create jobs of that name approves; it is made once, as it was shown."""
    like = Create(HQ, office.known("Files"), step=Step.FILL)
    approval = await asked(office, await _summary(office, like, JobEntries("Files of today")))
    assert (approval.job_id, approval.name) == (None, "Files of today")
    assert "like Files; " in (approval.detail or "")
    assert all(part in (approval.detail or "") for part in ("Objects: ", "Repository: ", "Schedule: "))
    refused = await approves(office, approval, SQL_ADMIN)
    assert isinstance(refused, Refused)
    assert refused.refusal is Refusal.SCOPE
    assert isinstance(await approves(office, approval), Done)
    assert isinstance(await approves(office, approval), AlreadyDecided)
    assert len(office.hq.requests.of("POST", "/api/v1/jobs")) == 1


@pytest.mark.parametrize(
    ("person", "to_decide", "own"),
    [(ANN, [], ["Files"]), (BEN, ["Files"], []), (SQL_ADMIN, [], []), (OPERATOR, [], []), (VIEWER, [], [])],
)
async def test_a_home_lists_what_one_may_decide(
    office: Office, person: PersonId, to_decide: list[str], own: list[str]
) -> None:
    """One's own requests apart; nothing of those that one may not do oneself, and nothing that is over."""
    approval = await asked(office)
    waiting = (await office.answer(ShowHome(), HomeAnswer, person)).waiting
    assert [one.name for one in waiting.to_decide] == to_decide
    assert [one.name for one in waiting.own] == own
    await declines(office, approval)
    assert (await office.answer(ShowHome(), HomeAnswer, person)).waiting == PendingApprovals()


async def test_nobody_approves_themself_under_their_other_id(office: Office) -> None:
    """On Enterprise Grid a person has two: whichever was kept, whichever presses, it is one person."""
    approval = await asked(office)
    both = Person(PersonId("W0ANN"), "ann", Standing.MEMBER, ADMINS, frozenset({ANN}))
    for one in ("W0ANN", ANN):
        office.team.people[PersonId(one)] = both
        refused = await approves(office, approval, PersonId(one))
        assert isinstance(refused, Refused)
        assert refused.refusal is Refusal.OWN_REQUEST
    assert deletions(office) == 0
    withdrawn = await declines(office, approval, PersonId("W0ANN"))
    assert isinstance(withdrawn, Done)
    assert (await kept(office, approval)).state is ApprovalState.ENDED
    assert (await kept(office, approval)).outcome == ApprovalEnd.WITHDRAWN


async def test_a_right_that_is_gone_since_minutes_approves_nothing(office: Office) -> None:
    """Both the person who presses and the person who asked are looked up afresh, at the press."""
    approval = await asked(office)
    before = office.team.read_afresh
    office.team.people_afresh[BEN] = replace(office.team.people[BEN], groups=frozenset({"S0VIEW"}))
    refused = await approves(office, approval)
    assert isinstance(refused, Refused)
    assert office.team.read_afresh == before + 1
    del office.team.people_afresh[BEN]
    office.team.people_afresh[ANN] = replace(office.team.people[ANN], groups=frozenset({"S0VIEW"}))
    ended = await approves(office, approval)
    assert isinstance(ended, AlreadyDecided)
    assert (await kept(office, approval)).outcome == ApprovalEnd.REFUSED
    assert deletions(office) == 0


@pytest.mark.parametrize(
    "request_", [Delete(NamedJob("Oracle"), typed_name="Oracle"), Edit(NamedJob("Oracle"))]
)
async def test_a_role_that_is_gone_since_minutes_opens_nothing(office: Office, request_: Request) -> None:
    """What is for administrators alone takes their role as it is then; the rest does not ask anew."""
    office.team.people_afresh[ANN] = replace(office.team.people[ANN], groups=frozenset({"S0VIEW"}))
    refused = await office.ask(request_, ANN)
    assert isinstance(refused, Refused)
    assert refused.refusal is Refusal.ROLE
    assert (await office.audited())[-1]["job_name"] == "Oracle"
    before = office.team.read_afresh
    assert not isinstance(await office.ask(ListJobs(), ANN), Refused)
    assert office.team.read_afresh == before
