"""What `veeam-bot check` says of a server and its accounts, row by row, against a simulated VBR."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.sandbox.vbr import Moment, Quirks, VbrSandbox
from bot.sandbox.vbr import Role as VbrRole
from bot.sandbox.vbr.faults import changed, empty, hanging, html, refusing, setting
from bot.settings import Role
from bot.veeam import Login, checks
from tests.rooms.veeam.checking import PASSWORD_AT, UNTRIED, login, rows, wrong
from tests.rooms.veeam.clients import INFO, SERVER_TIME, STATES, SWAGGER, TOKEN, connection_to, grants
from tests.support.clock import FakeClock


def account_for(vbr: VbrSandbox, role: Role, account: VbrRole) -> Login:
    """An account that the settings list for one role, with whatever role it has in VBR."""
    found = connection_to(vbr, vbr.accounts.by_role(account))
    return Login(found, frozenset({role}), PASSWORD_AT, made_for=role)


SINCE_13_0_1 = "It has no apply configuration, no clear cache: VBR 13.0.1 and newer do."
SINCE_13_1 = (
    "It has no quick backup of Hyper-V machines, no quick backup of computers with an agent, no list of all "
    "physical machines at once: VBR 13.1 and newer do."
)


async def test_a_server_that_is_ready(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Reached, recognised, of the right revision and time, and open to its account: five rows, all ok."""
    build = vbr.world.build_version
    assert await rows(clock, login(vbr)) == [
        ("ok", "address", f"{vbr.url} answers.", ""),
        ("ok", "certificate", "None is needed: the server is on this machine.", ""),
        (
            "ok",
            "API revision",
            f"1.3-rev0, of VBR 13.0, as the settings say. {SINCE_13_0_1} {SINCE_13_1}",
            "",
        ),
        ("ok", "clock", "It agrees with this machine's.", ""),
        (
            "ok",
            "login svc-slack",
            f"It logs in and is an administrator's account. VBR {build}, vbr01.example.com.",
            "",
        ),
    ]


async def test_only_questions_are_asked_and_the_login_is_given_back(
    vbr: VbrSandbox, clock: FakeClock
) -> None:
    """One password, a few reads, one log-out; beside them, which revisions the server speaks."""
    await rows(clock, login(vbr))
    asked = [(request.method, request.template) for request in vbr.requests]
    assert asked[0] == SERVER_TIME
    others = [each for each in asked if each not in {SERVER_TIME, SWAGGER}]
    assert others == [TOKEN, STATES, INFO, ("POST", "/api/oauth2/logout")]
    assert grants(vbr) == ["password"]


async def test_a_wrong_password_is_tried_once(vbr: VbrSandbox, clock: FakeClock) -> None:
    """A few failures lock the account, so there is exactly one; VBR's words and the variable are named."""
    given = login(vbr, password=SecretStr("made-up"))
    assert await wrong(clock, given) == [
        (
            "problem",
            "login svc-slack",
            (
                "VBR refuses the login. It says: Unable to perform authorization: The provided user "
                "credentials are invalid."
            ),
            (
                f"Correct user name and password ({PASSWORD_AT}). VBR says the same of an account with "
                "multi-factor authentication: mark it as a service account. One try was made; a few failures "
                "lock the account."
            ),
        )
    ]
    assert grants(vbr) == ["password"]


async def test_a_locked_account_says_until_when(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Each try begins the lock anew, so the time to leave it alone is named."""
    for _ in range(5):
        await rows(clock, login(vbr, password=SecretStr("made-up")))
    ((verdict, _, detail, advice),) = await wrong(clock, login(vbr))
    assert (verdict, detail) == (
        "problem",
        (
            "VBR refuses the login. It says: Your account has been locked out for 00:15:00. "
            "Please try again later."
        ),
    )
    assert advice == (
        f"Let nothing log in with it before 12:15 UTC: each attempt restarts the lock. Then correct the "
        f"password ({PASSWORD_AT}) and check again."
    )


async def test_one_account_in_two_places_logs_in_once(vbr: VbrSandbox, clock: FakeClock) -> None:
    """A row each, one password sent: two wrong ones would count twice."""
    main = login(vbr, password=SecretStr("made-up"))
    again = replace(main, made_for=Role.BACKUP_ADMINISTRATOR)
    assert [row[:2] for row in await wrong(clock, main, again)] == [("problem", "login svc-slack")] * 2
    assert grants(vbr) == ["password"]


async def test_every_account_is_tried(vbr: VbrSandbox, clock: FakeClock) -> None:
    """One refused account hides none of the others."""
    operator = account_for(vbr, Role.BACKUP_OPERATOR, VbrRole.BACKUP_OPERATOR)
    found = await rows(clock, login(vbr, password=SecretStr("made-up")), operator)
    assert [(row[0], row[1]) for row in found[4:]] == [
        ("problem", "login svc-slack"),
        ("ok", "login svc-slack-operator"),
    ]


VIEWER = "It logs in and may look, no more (a viewer's account)."
OPERATOR = "It logs in and has an operator's role (Backup, Restore or Tape Operator)."
RAISE = "Give it a higher role in VBR's console, Users and Roles, or grant less."
NO_JOBS = "It logs in, and VBR does not let it see jobs (403)."


@pytest.mark.parametrize(
    ("role", "granted", "expected"),
    [
        (VbrRole.VIEWER, (), ("ok", VIEWER, "")),
        (VbrRole.VIEWER, (Role.BACKUP_VIEWER, Role.RESTORE_OPERATOR), ("ok", VIEWER, "")),
        (VbrRole.VIEWER, (Role.SECURITY_ADMINISTRATOR,), ("ok", VIEWER, "")),
        (
            VbrRole.VIEWER,
            (Role.BACKUP_OPERATOR,),
            ("warning", f"{VIEWER} VBR will refuse every change, which some grants allow.", RAISE),
        ),
        (VbrRole.BACKUP_OPERATOR, (Role.TAPE_OPERATOR,), ("ok", OPERATOR, "")),
        (
            VbrRole.BACKUP_OPERATOR,
            (Role.BACKUP_VIEWER, Role.BACKUP_ADMINISTRATOR),
            (
                "warning",
                (
                    f"{OPERATOR} VBR will refuse create, edit, clone, enable, disable and delete, which some "
                    "grants allow."
                ),
                RAISE,
            ),
        ),
    ],
)
async def test_a_main_account_that_may_less_than_the_grants(
    vbr: VbrSandbox,
    clock: FakeClock,
    role: VbrRole,
    granted: tuple[Role, ...],
    expected: tuple[str, str, str],
) -> None:
    """The bot runs, and VBR will refuse some of what people are allowed: a warning."""
    connection = connection_to(vbr, vbr.accounts.by_role(role))
    *_, (verdict, _, detail, advice) = await rows(clock, Login(connection, frozenset(granted), PASSWORD_AT))
    assert (verdict, detail, advice) == expected


async def test_a_main_account_that_may_not_read_what_is_expected(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Licence and configuration backup are shown to administrators alone: who expects something is told."""
    account = vbr.accounts.by_role(VbrRole.VIEWER)
    viewer = Login(connection_to(vbr, account), frozenset({Role.BACKUP_VIEWER}), PASSWORD_AT)
    assert await wrong(clock, viewer) == []
    ((verdict, _, detail, advice),) = await wrong(clock, replace(viewer, judges_server=True))
    assert verdict == "warning"
    assert detail.endswith("It may not read the licence and the configuration backup: they are not judged.")
    assert "licence_days" in advice
    assert await wrong(clock, replace(login(vbr), judges_server=True)) == []


@pytest.mark.parametrize("role", [VbrRole.SECURITY_ADMINISTRATOR, VbrRole.INCIDENT_API_OPERATOR])
async def test_an_account_that_sees_no_jobs(vbr: VbrSandbox, clock: FakeClock, role: VbrRole) -> None:
    """A role without jobs, or a server without the licence for the API."""
    assert await wrong(clock, login(vbr, vbr.accounts.by_role(role))) == [
        (
            "problem",
            f"login {vbr.accounts.by_role(role).username}",
            NO_JOBS,
            (
                "Give it the role Veeam Backup Viewer or a higher one in VBR's console, Users and Roles; "
                "check the licence too: Community Edition has no REST API."
            ),
        )
    ]


EXACTLY = "Give it exactly this role in VBR's console, Users and Roles."


@pytest.mark.parametrize(
    ("made_for", "has", "expected"),
    [
        (Role.BACKUP_OPERATOR, VbrRole.BACKUP_OPERATOR, ("ok", OPERATOR, "")),
        (Role.RESTORE_OPERATOR, VbrRole.RESTORE_OPERATOR, ("ok", OPERATOR, "")),
        (Role.BACKUP_VIEWER, VbrRole.VIEWER, ("ok", VIEWER, "")),
        (
            Role.BACKUP_OPERATOR,
            VbrRole.VIEWER,
            (
                "problem",
                f"{VIEWER} That is less than Veeam Backup Operator, which it is for.",
                EXACTLY,
            ),
        ),
        (
            Role.BACKUP_VIEWER,
            VbrRole.TAPE_OPERATOR,
            (
                "warning",
                f"{OPERATOR} That is more than Veeam Backup Viewer, which it is for: VBR enforces nothing.",
                EXACTLY,
            ),
        ),
    ],
)
async def test_an_account_made_for_a_role(
    vbr: VbrSandbox, clock: FakeClock, made_for: Role, has: VbrRole, expected: tuple[str, str, str]
) -> None:
    """Less than its role cannot do the work; more than its role lets VBR enforce nothing."""
    *_, (verdict, _, detail, advice) = await rows(clock, login(vbr), account_for(vbr, made_for, has))
    assert (verdict, detail, advice) == expected


async def test_a_revision_that_is_not_spoken(vbr: VbrSandbox, clock: FakeClock) -> None:
    """The server's own words, and no password is sent."""
    found = await rows(clock, login(vbr, api_version="1.3-rev2"))
    assert found == [
        (
            "problem",
            "API revision",
            (
                "The server does not speak revision 1.3-rev2 of the API. It says: The HTTP resource that "
                "matches the request URI '/api/v1/serverTime' does not support the API version '1.3-rev2'."
            ),
            'Set api_version of hq to "auto", or upgrade to VBR 13.1.',
        ),
        UNTRIED,
    ]
    assert grants(vbr) == []


@pytest.mark.parametrize(
    ("speaks", "setting", "expected"),
    [
        (
            "1.3-rev1",
            "auto",
            (
                "ok",
                f"1.3-rev1, of VBR 13.0.1: the newest that the server and the bot speak. {SINCE_13_1}",
                "",
            ),
        ),
        (
            "1.3-rev2",
            "1.3-rev0",
            (
                "warning",
                (
                    f"1.3-rev0, of VBR 13.0, as the settings say. {SINCE_13_0_1} {SINCE_13_1} "
                    "The server speaks 1.3-rev2 too."
                ),
                'Set api_version of hq to "auto".',
            ),
        ),
        (
            "1.3-rev2",
            "1.4-rev0",
            (
                "ok",
                "1.3-rev2, of VBR 13.1: the bot does not know 1.4-rev0, which the settings name.",
                "",
            ),
        ),
        (
            "1.2-rev1",
            "auto",
            (
                "ok",
                (
                    "1.2-rev1, of VBR 12.3: the newest that the server and the bot speak. It has no retry, "
                    "no clone, no stop with chained jobs, no choice of restore points for copies, no list of "
                    f"physical machines: VBR 13.0 and newer do. {SINCE_13_0_1} {SINCE_13_1}"
                ),
                "",
            ),
        ),
    ],
)
async def test_the_revision_and_what_it_lacks(
    vbr: VbrSandbox, clock: FakeClock, speaks: str, setting: str, expected: tuple[str, str, str]
) -> None:
    """Which one is spoken and why, what it lacks, and where the settings hold a server back."""
    vbr.upgrade(speaks)
    (found,) = [row for row in await rows(clock, login(vbr, api_version=setting)) if row[1] == "API revision"]
    assert (found[0], *found[2:]) == expected


async def test_a_server_that_is_too_old(vbr: VbrSandbox, clock: FakeClock) -> None:
    """What it says itself, and the upgrade that helps; no password is sent."""
    vbr.behaviour = replace(vbr.behaviour, supported_revisions=("1.1-rev1", "1.1-rev2"))
    assert await rows(clock, login(vbr, api_version="auto")) == [
        (
            "problem",
            "API revision",
            (
                "The server speaks no revision of the API from 1.2-rev1 on. It says: Unsupported RESTAPI "
                "version. The following versions are supported: v1.1-rev1, v1.1-rev2."
            ),
            "Upgrade VBR to 12.3.1 or newer.",
        ),
        UNTRIED,
    ]
    assert grants(vbr) == []


@pytest.mark.parametrize(
    ("skew", "expected"),
    [
        (timedelta(seconds=59), ("ok", "It agrees with this machine's.")),
        (
            timedelta(minutes=1),
            ("warning", "It is a minute ahead of this machine's: times in messages are wrong by that."),
        ),
        (
            timedelta(minutes=5),
            ("warning", "It is 5 minutes ahead of this machine's: times in messages are wrong by that."),
        ),
        (
            timedelta(hours=-2),
            ("warning", "It is 2 hours behind this machine's: times in messages are wrong by that."),
        ),
    ],
)
async def test_clocks_that_disagree(
    vbr: VbrSandbox, clock: FakeClock, skew: timedelta, expected: tuple[str, str]
) -> None:
    """Less than a minute is let pass; more makes times wrong that people go by."""
    vbr.world.clock_skew = skew
    (found,) = [row for row in await rows(clock, login(vbr)) if row[1] == "clock"]
    assert (found[0], found[2]) == expected


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("(UTC+02:00) Harare, Pretoria", True),
        ("(UTC+02:00) Harare, Prétoria", True),
        ("South Africa Standard Time", True),
        ("(UTC+02:00) Afrique australe", False),
        ("", True),
        (None, True),
    ],
)
async def test_a_zone_that_has_an_unknown_name(
    vbr: VbrSandbox, clock: FakeClock, name: str | None, *, is_known: bool
) -> None:
    """In the language of its server, for example: then only today's offset is known, and that is said."""
    vbr.faults.add(*SERVER_TIME, changed(setting("timeZone", name)), times=9)
    (found,) = [row for row in await rows(clock, login(vbr)) if row[1] == "clock"]
    assert found[0] == "ok"
    assert (found[2] == "It agrees with this machine's.") is is_known
    assert is_known or f'Its time zone "{name}" is not known by that name' in found[2]


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(has_closed_swagger=True)], ids=["swagger", "no swagger"])
@pytest.mark.parametrize("api_version", ["auto", "1.3-rev0"])
@pytest.mark.parametrize(
    ("fault", "times", "expected"),
    [
        (empty(401), 2, ("ok", "It agrees with this machine's.")),
        (refusing(403), 99, ("warning", "VBR doesn't say its time (NotAllowed). By the date of its")),
        (refusing(500), 99, ("warning", "VBR doesn't say its time (ServerFailed). By the date of its")),
    ],
    ids=["takes a login", "403", "500"],
)
async def test_a_server_that_does_not_tell_anybody_its_time(
    vbr: VbrSandbox,
    clock: FakeClock,
    *,
    quirks: Quirks,
    api_version: str,
    fault: Any,
    times: int,
    expected: tuple[str, str],
) -> None:
    """Everything else is checked all the same, and each password is sent once."""
    vbr.behaviour = replace(vbr.behaviour, quirks=quirks)
    vbr.faults.add(*SERVER_TIME, fault, times=times if api_version == "auto" else max(1, times - 1))
    found = {row[1]: row for row in await rows(clock, login(vbr, api_version=api_version))}
    assert {subject: row[0] for subject, row in found.items() if subject != "clock"} == {
        "address": "ok",
        "certificate": "ok",
        "API revision": "ok",
        "login svc-slack": "ok",
    }
    verdict, _, detail, _ = found["clock"]
    assert (verdict, detail.startswith(expected[1])) == (expected[0], True)
    assert grants(vbr) == ["password"]


async def test_a_wrong_password_where_everything_takes_a_login(vbr: VbrSandbox, clock: FakeClock) -> None:
    """It is sent once, and only what it keeps from view is not known."""
    vbr.behaviour = replace(vbr.behaviour, quirks=Quirks(has_closed_swagger=True))
    vbr.faults.add(*SERVER_TIME, empty(401), times=99)
    found = await rows(clock, login(vbr, api_version="auto", password=SecretStr("made-up")))
    assert [row[:2] for row in found] == [
        ("ok", "address"),
        ("ok", "certificate"),
        ("warning", "API revision"),
        ("warning", "clock"),
        ("problem", "login svc-slack"),
    ]
    assert grants(vbr) == ["password"]


async def test_a_dead_server(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Said within seconds, with what to look at; no password is sent."""
    await vbr.go_dark()
    assert await rows(clock, login(vbr)) == [
        (
            "problem",
            "address",
            f"No connection to {vbr.url}: All connection attempts failed.",
            (
                "Check the address, name resolution, port and firewall from this machine, and that the "
                "service Veeam Backup RESTful API runs on the server."
            ),
        ),
        UNTRIED,
    ]


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (empty(404), "What answers at {url} is not VBR's REST API. It does not say why."),
        (html(200), "What answers at {url} is not VBR's REST API. It says: not JSON."),
        (html(502), "The server answers with an error (502). It does not say why."),
        (
            refusing(503, retry_after_seconds=60),
            "The server is busy (503). It says: Ordered by the test.",
        ),
    ],
)
async def test_a_server_that_answers_something_else(
    vbr: VbrSandbox, clock: FakeClock, fault: Any, detail: str
) -> None:
    """Another service at this port, or VBR while it starts."""
    vbr.faults.add("GET", "/api/v1/serverTime", fault)
    ((verdict, subject, said, _), untried) = await rows(clock, login(vbr))
    assert (verdict, subject, untried) == ("problem", "address", UNTRIED)
    assert said.startswith(detail.format(url=vbr.url).split(" It says: not JSON")[0])


async def test_a_server_that_never_answers(
    vbr: VbrSandbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stage has its limit, and all of them with the log-out leave the half minute room."""
    assert checks.FIRST_SECONDS + checks.LOGIN_SECONDS + 3 < 28
    monkeypatch.setattr(checks, "FIRST_SECONDS", 0.2)
    monkeypatch.setattr(checks, "LOGIN_SECONDS", 0.2)
    vbr.faults.add(*STATES, hanging(Moment.BEFORE))
    async with asyncio.timeout(5):
        late = await wrong(clock, login(vbr))
        vbr.faults.add("GET", "/api/v1/serverTime", hanging(Moment.BEFORE))
        never = await rows(clock, login(vbr))
    silent = f"{vbr.url} gives no answer in time."
    assert [row[:3] for row in late] == [("problem", "login svc-slack", silent)]
    assert [row[:3] for row in never] == [("problem", "address", silent), UNTRIED[:3]]


async def test_a_server_that_fails_after_the_login(vbr: VbrSandbox, clock: FakeClock) -> None:
    """Nothing is repeated, and the row says what the server did."""
    vbr.faults.add(*STATES, refusing(500))
    ((verdict, subject, detail, _),) = await wrong(clock, login(vbr))
    assert (verdict, subject) == ("problem", "login svc-slack")
    assert detail == "The server answers with an error (500). It says: Ordered by the test."
    assert grants(vbr) == ["password"]
