"""Who may do what: grants add up, each within its own servers and jobs."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.actions.approvals import Approve, Decline
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.catalog import BY_NAME, CATALOG
from bot.operations.model import Kind, Operation, Person, Refusal, Standing
from bot.operations.permissions import Permission, Permissions, Scope
from bot.settings import ApprovableOperation, GrantSettings, GroupReference, PersonId, Role, ServerName
from bot.veeam import REVISIONS

ADMINISTRATOR, OPERATOR = Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR
RESTORE, VIEWER, TAPE = Role.RESTORE_OPERATOR, Role.BACKUP_VIEWER, Role.TAPE_OPERATOR
SECURITY = Role.SECURITY_ADMINISTRATOR
YES, NO = True, False
ANN = PersonId("U0ANN")
SERVERS = (ServerName("hq"), ServerName("HQ"), ServerName("dr"), ServerName("lab"))

# By hand, from "Available to" in Veeam's Jobs reference: a change of the catalog must be meant twice.
MATRIX = {
    #            Administrator, Backup Op., Restore Op., Viewer, Tape Op., Security Administrator, no role
    "jobs": (YES, YES, YES, YES, YES, NO, NO),
    "job": (YES, YES, YES, YES, YES, NO, NO),
    "why": (YES, YES, YES, YES, YES, NO, NO),
    "sessions": (YES, YES, YES, YES, YES, NO, NO),
    "session": (YES, YES, YES, YES, YES, NO, NO),
    "status": (YES, YES, YES, YES, YES, NO, NO),
    "servers": (YES, YES, YES, YES, YES, NO, NO),
    "report": (YES, YES, YES, YES, YES, NO, NO),
    "audit": (YES, NO, NO, NO, NO, YES, NO),
    "start": (YES, YES, NO, NO, YES, NO, NO),
    "stop": (YES, YES, NO, NO, YES, NO, NO),
    "retry": (YES, YES, NO, NO, YES, NO, NO),
    "enable": (YES, NO, NO, NO, NO, NO, NO),
    "disable": (YES, NO, NO, NO, NO, NO, NO),
    "clone": (YES, NO, NO, NO, NO, NO, NO),
    "create": (YES, NO, NO, NO, NO, NO, NO),
    "edit": (YES, NO, NO, NO, NO, NO, NO),
    "delete": (YES, NO, NO, NO, NO, NO, NO),
    "quickbackup": (YES, YES, NO, NO, NO, NO, NO),
    "apply": (YES, YES, NO, NO, YES, NO, NO),
    "clearcache": (YES, YES, NO, NO, YES, NO, NO),
    "whoami": (YES, YES, YES, YES, YES, YES, YES),
    "help": (YES, YES, YES, YES, YES, YES, YES),
}
COLUMNS: tuple[Role | None, ...] = (ADMINISTRATOR, OPERATOR, RESTORE, VIEWER, TAPE, SECURITY, None)
CELLS = [(name, role, may) for name, row in MATRIX.items() for role, may in zip(COLUMNS, row, strict=True)]


def person(*groups: str, standing: Standing = Standing.MEMBER, readable: bool = True) -> Person:
    return Person(ANN, "ann", standing, frozenset(groups) if readable else None)


def granted(role: Role, group: str = "S0TEAM", servers: str = "*", jobs: str = "*") -> GrantSettings:
    return GrantSettings(group=GroupReference(group), role=role, servers=(servers,), jobs=(jobs,))


def rights_by(grants: Sequence[GrantSettings], revision: str = "1.3-rev0") -> Permissions:
    """The rights by these grants, where all servers speak this revision."""
    return Permissions(grants, dict.fromkeys(SERVERS, REVISIONS[revision]))


def test_the_matrix_has_every_operation() -> None:
    """No operation is forgotten."""
    assert set(MATRIX) == {operation.name for operation in CATALOG}


def test_what_changes_vbr_can_be_made_to_take_two() -> None:
    """The settings know each action that can be typed, a class of them, and no other."""
    actions = {operation.name for operation in CATALOG if operation.kind is Kind.ACTION}
    classes = {ApprovableOperation.REDUCES_PROTECTION}
    assert {operation.value for operation in set(ApprovableOperation) - classes} == actions


@pytest.mark.parametrize(
    "operation", [Approve.operation, Decline.operation], ids=lambda operation: operation.name
)
@pytest.mark.parametrize("role", [*Role, None])
def test_what_a_request_is_about_decides_who_decides_it(role: Role | None, operation: Operation) -> None:
    """Approve and Decline have no roles of their own; whoever cannot be read is refused here already."""
    rights = rights_by([granted(role)] if role is not None else [])
    assert rights.may(person("S0TEAM"), operation).is_allowed
    assert not rights.may(person(standing=Standing.GUEST), operation).is_allowed
    assert not rights.may(person(readable=False), operation).is_allowed


@pytest.mark.parametrize(("name", "role", "may"), CELLS)
def test_roles_and_operations(name: str, role: Role | None, *, may: bool) -> None:
    """Each role may exactly what Veeam lets it."""
    rights = rights_by([granted(role)] if role is not None else [])
    for target in (None, Scope("hq"), Scope("hq", "SQL")):
        assert rights.may(person("S0TEAM"), BY_NAME[name], target).is_allowed is may


@pytest.mark.parametrize("operation", CATALOG, ids=lambda operation: operation.name)
@pytest.mark.parametrize("standing", set(Standing) - {Standing.MEMBER})
def test_only_members_are_let_in(standing: Standing, operation: Operation) -> None:
    """A guest, a foreigner, a bot, somebody deactivated or unreadable may nothing, whatever their groups."""
    rights = rights_by([granted(ADMINISTRATOR), GrantSettings(user=ANN, role=ADMINISTRATOR)])
    asking = person("S0TEAM", standing=standing)
    reason = Refusal.PERSON_UNREADABLE if standing is Standing.UNREADABLE else Refusal.STANDING
    assert rights.may(asking, operation) == Permission(reason)
    assert rights.held(asking) == ()
    assert not rights.visibility(asking).sees("hq", "SQL")


@pytest.mark.parametrize("operation", CATALOG, ids=lambda operation: operation.name)
def test_unreadable_groups_let_nobody_in(operation: Operation) -> None:
    """Nobody is let in on a guess, not even by a grant to themself."""
    rights = rights_by([GrantSettings(user=ANN, role=ADMINISTRATOR)])
    asking = person(readable=False)
    assert rights.may(asking, operation) == Permission(Refusal.GROUPS_UNREADABLE)
    assert not rights.visibility(asking).sees_all("hq")


def test_a_refusal_names_role_and_groups() -> None:
    """What is missing is named, and which groups have it there."""
    rights = rights_by(
        [
            granted(VIEWER, "S0VIEW"),
            granted(OPERATOR, "S0OPS"),
            granted(TAPE, "S0TAPE", servers="dr"),
            granted(OPERATOR, "S0SQL", jobs="SQL*"),
            GrantSettings(user=PersonId("U0BOB"), role=ADMINISTRATOR),
        ]
    )
    needed = (ADMINISTRATOR, OPERATOR, TAPE)
    assert rights.may(person("S0VIEW"), Start.operation, Scope("hq", "SQL")) == Permission(
        Refusal.ROLE, roles_needed=needed, groups=("S0OPS", "S0SQL")
    )
    assert rights.may(person("S0SQL", "S0VIEW"), Start.operation, Scope("hq", "Oracle")) == Permission(
        Refusal.SCOPE, roles_needed=needed, groups=("S0OPS",)
    )
    assert rights.may(person(), Start.operation).refusal is Refusal.NO_GRANT


def test_a_role_counts_within_its_own_grant() -> None:
    """An operator of SQL* who may view everything is no operator of everything."""
    rights = rights_by([granted(OPERATOR, "S0SQL", servers="hq", jobs="sql*"), granted(VIEWER, "S0VIEW")])
    both = person("S0SQL", "S0VIEW")
    assert rights.may(both, Retry.operation, Scope("HQ", "SQL Prod")) == Permission(None, by=(OPERATOR,))
    assert not rights.may(both, Retry.operation, Scope("hq", "Oracle")).is_allowed
    assert not rights.may(both, Retry.operation, Scope("dr", "SQL Prod")).is_allowed
    assert rights.visibility(both).sees("dr", "Oracle")


def test_what_is_held_says_by_what() -> None:
    """A grant is held by a group's ID, by its handle, or by oneself."""
    by_handle, by_user = granted(VIEWER, "@backup"), GrantSettings(user=ANN, role=TAPE)
    rights = rights_by([by_handle, by_user, granted(OPERATOR, "S0OPS")])
    held = rights.held(person("@backup"))
    assert [(one.grant, one.via) for one in held] == [(by_handle, "@backup"), (by_user, ANN)]


def test_seeing_all_takes_one_grant_over_all() -> None:
    """Only a grant over every job lets VBR page by itself."""
    rights = rights_by([granted(VIEWER, servers="hq"), granted(VIEWER, servers="dr", jobs="SQL*")])
    assert rights.visibility(person("S0TEAM")).sees_all("hq")
    assert not rights.visibility(person("S0TEAM")).sees_all("dr")
    assert not rights.visibility(person("S0TEAM")).sees_server("lab")


def test_on_every_job_takes_a_grant_over_all() -> None:
    """Where no job is named before, a role on some of a server's jobs is not enough."""
    rights = rights_by([granted(OPERATOR, "S0SQL", jobs="SQL*"), granted(OPERATOR, "S0OPS", servers="hq")])
    assert rights.may_throughout(person("S0OPS"), Start.operation, "hq") == Permission(None, by=(OPERATOR,))
    assert rights.may_throughout(person("S0SQL"), Start.operation, "hq").refusal is Refusal.SCOPE
    assert rights.may_throughout(person("S0OPS"), Start.operation, "dr").refusal is Refusal.SCOPE
    assert rights.may_throughout(person(), Start.operation, "hq").refusal is Refusal.NO_GRANT


globs = st.sampled_from(["*", "hq", "dr", "SQL*", "*Prod", "[x]", "?"])
grant_lists = st.lists(
    st.builds(granted, st.sampled_from(Role), st.sampled_from(["S0A", "S0B"]), globs, globs), max_size=5
)
targets = st.builds(Scope, st.sampled_from(["hq", "dr"]), st.sampled_from(["SQL", "SQL Prod", "[x]", "x"]))


@given(grant_lists, grant_lists, st.sampled_from(CATALOG), targets)
def test_a_further_grant_takes_nothing_away(
    grants: list[GrantSettings], more: list[GrantSettings], operation: Operation, target: Scope
) -> None:
    """Whatever somebody may or sees, they still may and see with more grants."""
    asking, few, many = person("S0A"), rights_by(grants), rights_by([*grants, *more])
    assert not few.may(asking, operation, target).is_allowed or many.may(asking, operation, target).is_allowed
    job_name = str(target.job_name)
    assert not few.visibility(asking).sees(target.server, job_name) or many.visibility(asking).sees(
        target.server, job_name
    )


@given(grant_lists, targets)
def test_whatever_may_be_done_may_be_seen(grants: list[GrantSettings], target: Scope) -> None:
    """Nobody may act on a job that they may not know of, and sees_all hides nothing."""
    asking, rights = person("S0A"), rights_by(grants)
    sees = rights.visibility(asking).sees(target.server, str(target.job_name))
    assert sees or not rights.may(asking, Start.operation, target).is_allowed
    assert sees or not rights.visibility(asking).sees_all(target.server)


def test_a_security_administrator_sees_no_job() -> None:
    """Beside another role theirs shows the record, and no job that the other one does not cover."""
    rights = rights_by([granted(SECURITY), granted(VIEWER, jobs="SQL*")])
    asking = person("S0TEAM")
    seen = rights.visibility(asking)
    assert (seen.sees("hq", "SQL"), seen.sees("hq", "Files"), seen.sees_all("hq")) == (True, False, False)
    assert rights.reach(asking, BY_NAME["audit"]).sees_all("hq")
    alone = rights_by([granted(SECURITY)])
    assert not alone.visibility(asking).sees_server("hq")
    assert alone.may(asking, BY_NAME["jobs"]).refusal is Refusal.ROLE


def test_a_grant_is_to_each_id_of_a_person() -> None:
    """On Enterprise Grid somebody has two, and the settings name either."""
    asking = replace(person(), id=PersonId("W0ANN"), other_ids=frozenset({"U0ANN"}))
    for named in ("U0ANN", "W0ANN"):
        rights = rights_by([GrantSettings(user=PersonId(named), role=OPERATOR)])
        assert rights.may(asking, BY_NAME["start"]).is_allowed
    rights = rights_by([GrantSettings(user=PersonId("U0BOB"), role=OPERATOR)])
    assert not rights.may(asking, BY_NAME["start"]).is_allowed
