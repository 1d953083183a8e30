"""App Home and the modals that show answers: as they were last looked at, and within Slack's limits."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as with_fields

from bot.operations.actions.approvals import PendingApprovals
from bot.operations.actions.create import Create
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.model import Operation, Refusal, Standing
from bot.operations.outcomes import Done, InternalError, RecentAction, Refused
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.home import DisabledUntil, HomeAnswer
from bot.operations.queries.job import ShowJob
from bot.operations.queries.status import StatusAnswer
from bot.operations.queries.whoami import ShowWhoami
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.settings import GrantSettings, GroupReference, Role
from bot.slack.views.home import home, home_message, home_problem
from bot.slack.views.message import Block
from bot.slack.views.outcomes import outcome
from bot.slack.views.surface import answer_modal, asking_vbr, home_view
from tests.support.block_limits import problems
from tests.unit.slack import approval_cases, samples
from tests.unit.slack.samples import ANN, BRANCH, HQ, NOW, REFERENCE

ACTING = {Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR, Role.TAPE_OPERATOR}
Golden = Callable[[str, Any], Any]


def _deed(
    operation: Operation = Retry.operation, outcome_kind: str | None = "done", name: str = "SQL Prod"
) -> RecentAction:
    return RecentAction(operation, samples.ANN, NOW, outcome_kind, HQ, name)


def _whoami(role: Role) -> Any:
    held = GrantSettings(group=GroupReference("@team"), role=role)
    begins = {
        Role.BACKUP_ADMINISTRATOR: (QuickBackup.operation, Create.operation),
        Role.BACKUP_OPERATOR: (QuickBackup.operation,),
    }
    may = (
        (ShowJob.operation, Start.operation, Stop.operation, Retry.operation, *begins.get(role, ()))
        if role in ACTING
        else (ReadAudit.operation, ShowWhoami.operation, ShowHelp.operation)
        if role is Role.SECURITY_ADMINISTRATOR
        else (ShowJob.operation,)
    )
    own = samples.whoami_answer()
    return replace(own, held=(replace(own.held[0], grant=held, via="@team"),), roles=(role,), operations=may)


def of_role(role: Role) -> HomeAnswer:
    """What somebody of that role sees, with the buttons that are theirs."""
    operations = (
        (ShowJob.operation, Start.operation, Retry.operation) if role in ACTING else (ShowJob.operation,)
    )
    running = samples.job_view(
        samples.job_state("Exchange", result="None", status="running", number=7),
        operations=(ShowJob.operation, Stop.operation) if role in ACTING else (ShowJob.operation,),
    )
    server = replace(samples.server_status(samples.job_view(operations=operations)), running=(running,))
    status = StatusAnswer((server,), (), 0, NOW)
    deeds = (
        (_deed(), _deed(Stop.operation, "unclear"), _deed(Start.operation, None)) if role in ACTING else ()
    )
    if role is Role.SECURITY_ADMINISTRATOR:
        return HomeAnswer(_whoami(role), None, (), NOW, ("@backup-viewers",))
    return HomeAnswer(_whoami(role), status, deeds, NOW)


def nobody() -> HomeAnswer:
    """What somebody without a grant sees."""
    whoami = replace(samples.whoami_answer(), held=(), roles=(), operations=())
    return HomeAnswer(whoami, None, (), NOW, ("@backup-admins", "@backup-viewers"))


def all_well() -> HomeAnswer:
    """Nothing failed, nothing runs."""
    server = replace(samples.server_status(), running=(), running_total=0, warning_total=0, repositories=())
    return HomeAnswer(_whoami(Role.BACKUP_VIEWER), StatusAnswer((server,), (), 0, NOW), (), NOW)


def hundred_failed() -> HomeAnswer:
    """Many servers with a hundred failed and fifty running jobs each, all that they show full of text."""
    long = samples.job_view(
        samples.job_state("<&>" * 200),
        reason="&" * 3_000,
        operations=(ShowJob.operation, Start.operation, Retry.operation),
    )
    server = replace(
        samples.server_status(*[long] * 5),
        failed_total=100,
        running=(replace(long, operations=(ShowJob.operation, Stop.operation)),) * 5,
        running_total=50,
    )
    silences = tuple(samples.silence() for _ in range(30))
    held = _whoami(Role.BACKUP_OPERATOR)
    held = replace(held, held=held.held * 200)
    long_request = replace(approval_cases.PENDING, name="<&>" * 200, reason="&" * 3_000, detail="&" * 3_000)
    return HomeAnswer(
        held,
        StatusAnswer((server,) * 20, silences, 0, NOW),
        (_deed(name="x" * 500),) * 8,
        NOW,
        waiting=PendingApprovals(to_decide=(long_request,) * 20, own=(long_request,) * 20),
    )


HOMES: dict[str, tuple[Block, ...]] = {
    **{role.value.lower().replace(" ", "-"): home(of_role(role), command="/veeam") for role in Role},
    "nobody": home(nobody(), command="/veeam"),
    "nobody-without-groups": home(replace(nobody(), groups=()), command="/veeam"),
    "all-well": home(all_well(), command="/veeam"),
    "silent-server": home(
        replace(all_well(), status=StatusAnswer((), (samples.silence(HQ), samples.silence(BRANCH)), 0, NOW)),
        command="/veeam",
    ),
    "one-server-silent": home(
        replace(of_role(Role.BACKUP_OPERATOR), status=samples.status_answer(), recent=None), command="/veeam"
    ),
    "disabled-for-a-time": home(
        replace(
            all_well(),
            disabled=tuple(
                DisabledUntil(HQ, f"<!channel> {number}", ANN, NOW + timedelta(hours=number))
                for number in range(1, 11)
            ),
        ),
        command="/veeam",
    ),
    "muted": home(replace(all_well(), muted=(samples.muted(), samples.muted_server())), command="/veeam"),
    "waiting": home(
        replace(
            all_well(),
            waiting=PendingApprovals(
                to_decide=(replace(approval_cases.PENDING, person_id=samples.BEN), approval_cases.MACHINE),
                own=(replace(approval_cases.PENDING, name="<!channel>"),),
            ),
        ),
        command="/veeam",
    ),
    "waiting-and-failed": home(
        replace(
            of_role(Role.BACKUP_ADMINISTRATOR),
            status=StatusAnswer(
                (
                    replace(
                        samples.server_status(
                            *(
                                samples.job_view(samples.job_state(f"SQL {number}", number=number))
                                for number in range(1, 11)
                            )
                        ),
                        failed_total=10,
                    ),
                ),
                (),
                0,
                NOW,
            ),
            waiting=PendingApprovals(to_decide=(replace(approval_cases.PENDING, person_id=samples.BEN),)),
        ),
        command="/veeam",
    ),
    "after-an-action": home(
        of_role(Role.BACKUP_OPERATOR),
        command="/veeam",
        result=outcome(Done(samples.action_answer()), REFERENCE).message,
    ),
    "guest": home_problem(
        outcome(Refused(Refusal.STANDING, ShowJob.operation, Standing.GUEST), REFERENCE).message
    ),
    "broken": home_problem(outcome(InternalError("bug", changed=None), REFERENCE).message),
    "loading": asking_vbr().blocks,
}


@pytest.mark.parametrize("name", HOMES)
def test_the_home_is_as_it_was_last_looked_at(name: str, golden: Golden) -> None:
    """The page draws exactly the view that its golden file keeps, and Slack takes it."""
    view = home_view(HOMES[name])

    assert view_problems(view, "home") == []
    assert view == golden(f"home/{name}", view)


def test_every_golden_file_belongs_to_a_home() -> None:
    """A case that is gone takes its file along."""
    files = {path.stem for path in (Path(__file__).parent / "golden" / "home").glob("*.json")}

    assert files == set(HOMES)


def test_a_hundred_failed_jobs_fit() -> None:
    """As many as fit are shown, the others are counted; Slack's hundred blocks and 250 kB are kept."""
    blocks = home(hundred_failed(), command="/veeam")
    shown = sum("Retry" in str(block) for block in blocks if block["type"] == "actions")

    assert view_problems(home_view(blocks), "home") == []
    assert 5 <= shown < 100
    assert f"… and {2_000 - shown:,} more failed jobs" in str(blocks)


def test_who_may_only_look_gets_no_button_that_acts() -> None:
    """A viewer's Home bears Details and Refresh."""
    ids = {
        element["action_id"]
        for block in HOMES["veeam-backup-viewer"]
        for element in (*block.get("elements", ()), block.get("accessory", {}))
        if "action_id" in element
    }

    assert ids == {"operation:job", "operation:home"}


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("veeam-backup-administrator", ["operation:create", "operation:quickbackup"]),
        ("veeam-backup-operator", ["operation:quickbackup"]),
        ("veeam-tape-operator", []),
        ("veeam-backup-viewer", []),
    ],
)
def test_who_may_begins_a_new_job_or_a_quick_backup_there(role: str, offered: list[str]) -> None:
    """The buttons stand there for those alone who may press them; each opens a form."""
    ids = [
        each["action_id"] for block in HOMES[role] for each in block.get("elements", ()) if "value" in each
    ]

    assert [each for each in ids if each in {"operation:create", "operation:quickbackup"}] == offered


def test_the_home_begins_with_what_failed_and_is_short() -> None:
    """Then comes what waits for a decision; what one may type is in the help."""
    words = [str(block) for block in HOMES["waiting-and-failed"]]
    places = [
        next(place for place, block in enumerate(words) if part in block)
        for part in ("SQL 1", "Waiting for your approval", "Your recent actions", "operation:create")
    ]
    assert places == sorted(places)
    assert max(block.count("/veeam ") for block in words) <= 2


def test_failures_stand_newest_first_whatever_their_server() -> None:
    """Five at most; a button lists the others."""
    hours = {HQ: (1, 4, 6, 8, 10, 12, 14), BRANCH: (2, 3, 5, 7, 9, 11)}
    servers = tuple(
        replace(
            samples.server_status(
                *(
                    samples.job_view(
                        with_fields(
                            samples.job_state(f"Job {hour:02}", number=hour),
                            last_run=NOW - timedelta(hours=hour),
                        ),
                        server=server,
                    )
                    for hour in ago
                )
            ),
            server=server,
            failed_total=len(ago) + 5,
        )
        for server, ago in hours.items()
    )
    blocks = home(replace(all_well(), status=StatusAnswer(servers, (), 0, NOW)), command="/veeam")

    assert re.findall(r"Failed · \*Job (\d+)\*", str(blocks)) == [f"{hour:02}" for hour in range(1, 6)]
    (more,) = (block for block in blocks if "more failed jobs" in str(block))
    assert more["text"]["text"] == "… and 18 more failed jobs."
    assert more["accessory"]["action_id"] == "operation:jobs"


def test_the_home_can_be_said_in_a_message() -> None:
    """Where there is no Home tab the same is a message, within a message's limits."""
    message = home_message(hundred_failed(), command="/veeam")

    assert problems(message.text, message.blocks) == []


def test_nobody_shares_from_a_modal() -> None:
    """A modal was opened in no channel: Share is taken away, Next and Details stay."""
    answer = samples.jobs_answer(*[samples.job_view()] * 10, total=23)
    view = answer_modal("Failed backups", outcome(Done(answer), REFERENCE).message)
    ids = [element["action_id"] for block in view["blocks"] for element in block.get("elements", ())
           if "action_id" in element]  # fmt: skip

    assert view_problems(view, "modal") == []
    assert "page:next" in ids
    assert "operation:job" in ids
    assert "share" not in ids


def test_nobody_shares_from_a_modals_menu() -> None:
    """Share is taken out of a menu too; the menu goes where nothing else is in it."""
    for operations in (
        (ShowJob.operation, Start.operation, Retry.operation),
        (ShowJob.operation, Start.operation, Stop.operation, Retry.operation),
        (ShowJob.operation,),
    ):
        answer = samples.job_answer(samples.job_view(operations=operations))
        view = answer_modal("Details of the job", outcome(Done(answer), REFERENCE).message)

        assert view_problems(view, "modal") == []
        assert "Share" not in str(view)


def test_an_answer_without_blocks_is_shown_all_the_same() -> None:
    """A modal without blocks would be refused."""
    view = answer_modal("x" * 100, outcome(Done(samples.jobs_answer()), REFERENCE).message)

    assert view_problems(view, "modal") == []
