"""Who may do what follows the revision that is spoken with a server: by hand, and by VBR's own documents."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.operations.catalog import BY_NAME, CATALOG
from bot.operations.model import ALL_ROLES, ClosedRole, Kind, Person, Refusal, Standing
from bot.operations.permissions import Permission, Permissions, Scope
from bot.settings import GrantSettings, GroupReference, PersonId, Role, ServerName
from bot.veeam import REVISIONS

ADMINISTRATOR, OPERATOR = Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR
VIEWER, TAPE = Role.BACKUP_VIEWER, Role.TAPE_OPERATOR
HQ, DR = ServerName("hq"), ServerName("dr")
TOM = Person(PersonId("U0TOM"), "tom", Standing.MEMBER, frozenset({"S0TEAM"}))

# By hand: whether a Tape Operator may, on a server of 1.2-rev1, 1.3-rev0, 1.3-rev1 and 1.3-rev2. Of all roles
# theirs alone differs between the revisions.
TAPE_OPERATOR = {
    "jobs": "yyy.", "job": "yyy.", "why": "yyy.", "sessions": "yyy.", "session": "yyy.",
    "status": "yyy.", "servers": "yyy.", "report": "yyy.",
    "start": ".yy.", "stop": ".yy.", "retry": ".yy.", "apply": ".yy.", "clearcache": ".yy.",
    # VBR has no part in these.
    "ack": "yyy.", "mute": "yyy.", "unmute": "yyy.",
}  # fmt: skip
# The operation of VBR that a verb needs; the others read what these do, or ask VBR nothing.
OF_VBR = {
    "jobs": ("get", "/api/v1/jobs/states"),
    "job": ("get", "/api/v1/jobs/{id}"),
    "sessions": ("get", "/api/v1/sessions"),
    "session": ("get", "/api/v1/sessions/{id}"),
    "start": ("post", "/api/v1/jobs/{id}/start"),
    "stop": ("post", "/api/v1/jobs/{id}/stop"),
    "retry": ("post", "/api/v1/jobs/{id}/retry"),
    "enable": ("post", "/api/v1/jobs/{id}/enable"),
    "disable": ("post", "/api/v1/jobs/{id}/disable"),
    "create": ("post", "/api/v1/jobs"),
    "edit": ("put", "/api/v1/jobs/{id}"),
    "clone": ("post", "/api/v1/jobs/{id}/clone"),
    "delete": ("delete", "/api/v1/jobs/{id}"),
    "quickbackup": ("post", "/api/v1/jobs/quickBackup/vSphere"),
    "apply": ("post", "/api/v1/jobs/{id}/applyConfiguration"),
    "clearcache": ("post", "/api/v1/jobs/{id}/clearCache"),
}
_AVAILABLE_TO = re.compile(r"\*\*Available to\*\*(?:&#58;|:)\s*([^.<]*)")


def rights_by(*roles: Role, **revisions: str) -> Permissions:
    """The rights of the team, which holds these roles on all servers."""
    grants = [GrantSettings(group=GroupReference("S0TEAM"), role=role) for role in roles]
    return Permissions(grants, {ServerName(name): REVISIONS[each] for name, each in revisions.items()})


@cache
def document(revision: str) -> dict[str, Any] | None:
    """Veeam's document of this revision, in the folder that the environment names."""
    named = os.environ.get("VEEAM_OPENAPI")
    if not named:
        return None
    folder = Path(named) if Path(named).is_dir() else Path(named).parent
    path = folder / f"vbr-openapi-{revision}.json"
    found: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
    return found


@pytest.mark.parametrize("operation", CATALOG, ids=lambda operation: operation.name)
@pytest.mark.parametrize("revision", list(REVISIONS))
@pytest.mark.parametrize("role", [*Role])
def test_each_role_on_each_revision(role: Role, revision: str, operation: Any) -> None:
    """What a Tape Operator may differs; every other role may the same whatever the revision."""
    expected = role in operation.roles or operation.kind is Kind.PERSONAL
    if role is TAPE and operation.kind is not Kind.PERSONAL:
        row = TAPE_OPERATOR.get(operation.name, "....")
        expected = row[list(REVISIONS).index(revision)] == "y"
    rights = rights_by(role, hq=revision)
    for scope in (None, Scope("hq"), Scope("hq", "SQL")):
        assert rights.may(TOM, operation, scope).is_allowed is expected
    if operation.kind is not Kind.PERSONAL:
        assert rights.may_throughout(TOM, operation, HQ).is_allowed is expected
        assert rights.reach(TOM, operation).sees("hq", "SQL") is expected


@pytest.mark.parametrize("name", OF_VBR)
@pytest.mark.parametrize("revision", list(REVISIONS))
def test_the_roles_are_those_of_the_document(revision: str, name: str) -> None:
    """Of the roles that look at jobs, exactly those that the operation of VBR is "available to"."""
    whole = document(revision)
    if whole is None:
        pytest.skip("VEEAM_OPENAPI names no folder with Veeam's documents")
    method, path = OF_VBR[name]
    found = whole["paths"].get(path, {}).get(method)
    operation = BY_NAME[name]
    assert (found is None) == (operation.needs is not None and not REVISIONS[revision].has(operation.needs))
    if found is not None:
        said = _AVAILABLE_TO.search(found["description"])
        assert said is not None
        named = {f"Veeam {word.strip().removeprefix('Veeam ')}" for word in said[1].split(",")}
        assert operation.roles_on(REVISIONS[revision]) == {role for role in ALL_ROLES if role.value in named}


def test_a_role_counts_where_the_revision_lets_it() -> None:
    """Of two servers, the older one is looked at and acted on, and the newer one is not known."""
    rights = rights_by(TAPE, hq="1.3-rev2", dr="1.3-rev1")
    visibility = rights.visibility(TOM)
    assert (visibility.sees_server("hq"), visibility.sees_server("dr")) == (False, True)
    assert (visibility.sees_all("hq"), visibility.sees_all("dr")) == (False, True)
    assert rights.may(TOM, BY_NAME["start"]).is_allowed
    assert rights.may(TOM, BY_NAME["start"], Scope("dr", "SQL")).by == (TAPE,)
    assert not rights.may(TOM, BY_NAME["start"], Scope("hq", "SQL")).is_allowed


def test_a_refusal_says_whom_the_revision_does_not_let() -> None:
    """The role, the server and its VBR are named, and who may there."""
    for scope in (None, Scope("hq"), Scope("hq", "SQL")):
        assert rights_by(TAPE, hq="1.3-rev2").may(TOM, BY_NAME["start"], scope) == Permission(
            Refusal.REVISION,
            roles_needed=(ADMINISTRATOR, OPERATOR),
            groups=(),
            closed=ClosedRole(TAPE, HQ, "VBR 13.1"),
        )
    viewer_too = rights_by(TAPE, VIEWER, hq="1.2-rev1")
    assert viewer_too.may(TOM, BY_NAME["jobs"], Scope("hq", "SQL")).by == (VIEWER, TAPE)
    refused = viewer_too.may(TOM, BY_NAME["stop"], Scope("hq", "SQL"))
    assert (refused.refusal, refused.closed) == (Refusal.REVISION, ClosedRole(TAPE, HQ, "VBR 12.3"))


def test_a_refusal_names_roles_that_some_server_lets() -> None:
    """Without a server they are those of all: a Tape Operator where one server at least lets them."""
    asked = BY_NAME["start"]
    new = rights_by(VIEWER, hq="1.3-rev2").may(TOM, asked)
    assert (new.refusal, new.roles_needed) == (Refusal.ROLE, (ADMINISTRATOR, OPERATOR))
    mixed = rights_by(VIEWER, hq="1.3-rev2", dr="1.3-rev1").may(TOM, asked)
    assert mixed.roles_needed == (ADMINISTRATOR, OPERATOR, TAPE)


def test_an_upgrade_counts_at_once() -> None:
    """The revision is read when somebody asks: what a server speaks may change while the bot runs."""
    spoken = {HQ: REVISIONS["1.3-rev1"]}
    rights = Permissions([GrantSettings(group=GroupReference("S0TEAM"), role=TAPE)], spoken)
    assert rights.may(TOM, BY_NAME["start"], Scope("hq")).is_allowed
    spoken[HQ] = REVISIONS["1.3-rev2"]
    assert not rights.may(TOM, BY_NAME["start"], Scope("hq")).is_allowed
    assert not rights.visibility(TOM).sees_server("hq")


def test_on_a_server_that_nobody_knows_nobody_may() -> None:
    """A server that is not in the settings speaks no revision, so no role counts there."""
    rights = rights_by(ADMINISTRATOR, hq="1.3-rev1")
    assert not rights.may(TOM, BY_NAME["start"], Scope("branch", "SQL")).is_allowed
    assert not rights.may_throughout(TOM, BY_NAME["quickbackup"], DR).is_allowed
