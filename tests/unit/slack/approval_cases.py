"""Requests that wait for a second person, in each of their states, and the answers about them."""

from dataclasses import replace
from datetime import timedelta

from bot.operations.actions.approvals import CHANGED, GONE, OLD, ApprovalAnswer
from bot.operations.actions.delete import Delete
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.start import Start
from bot.operations.model import Refusal, Standing
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyDecided,
    AlreadyRequested,
    ApprovalRequested,
    Deleted,
    Done,
    Outcome,
    Refused,
)
from bot.settings import Role
from bot.store import Approval, ApprovalEnd, ApprovalImpact, ApprovalState, RecentChange
from bot.watch.facts import (
    Announcement,
    ApprovalChanged,
    ApprovalEnded,
    ApprovalOpened,
    ApprovalUndelivered,
)
from tests.unit.slack.samples import ANN, BEN, HOSTILE, HQ, JOB_ID, NOW, REFERENCE

IMPACT = ApprovalImpact(
    status="inactive",
    objects=3,
    last_result="Failed",
    last_run=NOW - timedelta(hours=5),
    next_run=NOW + timedelta(hours=19),
    repository="Main Repository",
    roles=(Role.BACKUP_ADMINISTRATOR.value,),
    groups=("@backup-admins",),
)
PENDING = Approval(
    id="kWb3x0Vh9QJYcPzA",
    operation=Delete.operation.name,
    request="[]",
    request_hash="",
    snapshot_hash="",
    person_id=ANN,
    team_id=None,
    origin="form",
    reference=REFERENCE,
    channel_id="C0PROD",
    server=HQ,
    job_id=JOB_ID,
    name="SQL Prod",
    channel="C0PROD",
    asked_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
    reason="Retired with sql01",
    impact=IMPACT,
)
APPROVED = replace(
    PENDING,
    state=ApprovalState.APPROVED,
    decider_id=BEN,
    decided_at=NOW + timedelta(minutes=2),
)
MACHINE = replace(
    PENDING,
    operation=QuickBackup.operation.name,
    job_id=None,
    name="web01",
    detail="machine web01",
    reason=None,
    impact=ApprovalImpact(roles=("Veeam Backup Administrator", "Veeam Backup Operator")),
)


def ended(outcome: str, problem: str | None = None, of: Approval = APPROVED) -> Approval:
    """The request at its end."""
    at = NOW + timedelta(minutes=30)
    return replace(of, state=ApprovalState.ENDED, outcome=outcome, problem=problem, ended_at=at)


CUT = replace(
    IMPACT,
    changes=("Retention: 7 days → 1 day", f"Description: {'old' * 66}… → {'new' * 66}…"),
    in_full=("Retention: 7 days → 1 day", f"Description: {'old' * 500} → {'new' * 500}"),
    left_out=2_600,
    warnings=("Restore points will be removed by a later run: Retention: 7 days → 1 day.",),
    recent=(RecentChange(operation="start", person_id=BEN, at=NOW, outcome="done"),),
)
WITHDRAWN = ended(ApprovalEnd.WITHDRAWN, of=replace(APPROVED, decider_id=ANN))
ENDS = {
    "done": ended("done"),
    "failed": ended("failed", "hq: Rejected: access is denied"),
    "unclear": ended("unclear"),
    "not-sent": ended(ApprovalEnd.NOT_SENT),
    "broken": ended("broken"),
    "declined": ended(ApprovalEnd.DECLINED),
    "withdrawn": WITHDRAWN,
    "expired": ended(ApprovalEnd.EXPIRED, of=PENDING),
    "overtaken": ended(ApprovalEnd.OVERTAKEN, CHANGED, of=PENDING),
    "overtaken-gone": ended(ApprovalEnd.OVERTAKEN, GONE, of=PENDING),
    "overtaken-old": ended(ApprovalEnd.OVERTAKEN, OLD, of=PENDING),
    "refused": ended(ApprovalEnd.REFUSED, "role", of=PENDING),
}


def outcomes() -> dict[str, Outcome]:
    """What whoever asked or pressed is answered."""
    deleted = ActionAnswer(
        operation=Delete.operation,
        by=ANN,
        server=HQ,
        job_id=JOB_ID,
        job_name="SQL Prod",
        effect=Deleted(),
        detail=None,
        at=NOW,
        reference=REFERENCE,
        approver=BEN,
        reason="Retired with sql01",
    )
    own = Refused(
        Refusal.OWN_REQUEST,
        Delete.operation,
        Standing.MEMBER,
        roles_needed=(Role.BACKUP_ADMINISTRATOR,),
        groups=("@backup-admins",),
    )
    return {
        "asked": ApprovalRequested(Delete.operation, PENDING),
        "asked-held-back": ApprovalRequested(Delete.operation, PENDING, is_held_back=True),
        "asked-before": AlreadyRequested(Delete.operation, PENDING),
        "asked-machine": ApprovalRequested(QuickBackup.operation, MACHINE),
        "settled-approved": AlreadyDecided(APPROVED),
        "settled-done": AlreadyDecided(ENDS["done"]),
        "settled-expired": AlreadyDecided(ENDS["expired"]),
        "settled-overtaken": AlreadyDecided(ENDS["overtaken"]),
        "approval-declined": Done(ApprovalAnswer(ENDS["declined"])),
        "approval-withdrawn": Done(ApprovalAnswer(WITHDRAWN)),
        "action-approved": Done(deleted),
        "refused-own-request": own,
    }


def announcements() -> dict[str, Announcement]:
    """The message in the channel in each of its states, and what is told in its thread."""
    awkward = replace(
        PENDING,
        name=HOSTILE[0],
        reason=HOSTILE[1],
        impact=replace(IMPACT, repository="<!here>", status="<!here>", groups=("<!here>",)),
    )
    started = replace(PENDING, operation=Start.operation.name, reason=None)
    full = replace(IMPACT, changes=("active full, with chained jobs",), is_disabled=True, last_run=None)
    waiting = {
        "": PENDING,
        "-machine": MACHINE,
        "-awkward": awkward,
        "-cut": replace(PENDING, operation="edit", impact=CUT),
        "-start": replace(started, impact=full),
    }
    held_back = ApprovalUndelivered(approval=PENDING, channel="C0PROD", problem="not_in_channel")
    told = {name: one for name, one in ENDS.items() if name != "withdrawn"}
    return {
        **{f"approval-asked{name}": ApprovalOpened(approval=one) for name, one in waiting.items()},
        "approval-asked-mentioned": ApprovalOpened(approval=PENDING, mentions=("S0BACKUPADMINS",)),
        "approval-approved": ApprovalChanged(approval=APPROVED),
        **{f"approval-{name}": ApprovalChanged(approval=one) for name, one in ENDS.items()},
        **{f"approval-told-{name}": ApprovalEnded(approval=one) for name, one in told.items()},
        "approval-held-back": held_back,
    }
