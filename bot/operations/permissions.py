"""Who may do what, on which job of which server, and why not: grants, added up.

Pure. A role counts only within the servers and jobs of the grant it came by: an operator of `SQL*` who may
also view everything is no operator of everything. What a role allows on a server follows the revision of
VBR's API that is spoken with it at the time. Whatever cannot be read lets nobody in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot import veeam
from bot.operations.model import (
    ALL_ROLES,
    ClosedRole,
    Operation,
    Person,
    Refusal,
    Standing,
    Visibility,
    covers,
)
from bot.settings import GrantSettings, Role, ServerName

_WILDCARD_STANDS_FOR = ("", "\uffff" * 120)
"""Names that a pattern's `*` may stand for: what covers both, and is no list of `?`, covers all."""


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """One grant that applies to a person, and the group or person that it names."""

    grant: GrantSettings
    via: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What an operation is asked for on. Without a job's name: on the server as such."""

    server: str
    job_name: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a person may, and the named reason when not.

    `by` are the roles that allow it. Where a role or a grant is missing, `roles_needed` are those that would
    allow it, and `groups` the groups (as the settings spell them) that have one of these there. `closed` says
    where and to whom, if it is the server's revision that refuses.
    """

    refusal: Refusal | None
    by: tuple[Role, ...] = ()
    roles_needed: tuple[Role, ...] = ()
    groups: tuple[str, ...] = ()
    closed: ClosedRole | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether it may be done."""
        return self.refusal is None


class Permissions:
    """The settings' grants, applied to people and servers as they are when somebody asks.

    `revisions` is what each server speaks, and may change; on a server that isn't in it nobody may anything.
    """

    def __init__(
        self, grants: Sequence[GrantSettings], revisions: Mapping[ServerName, veeam.Revision]
    ) -> None:
        self._grants = tuple(grants)
        self._revisions = revisions

    def held(self, person: Person) -> tuple[HeldGrant, ...]:
        """Return the grants that apply to the person, with what they came by.

        None for anyone but a member; a person whose groups cannot be read holds nothing, not even grants to
        themself.
        """
        if unreadable(person) is not None:
            return ()
        return tuple(
            HeldGrant(grant, via)
            for grant in self._grants
            if person.has_id(via := str(grant.group if grant.group is not None else grant.user))
            or via in (person.groups or ())
        )

    def may(self, person: Person, operation: Operation, scope: Scope | None = None) -> Permission:
        """Return whether the person may do this there; without a scope, whether anywhere at all."""
        refusal = unreadable(person)
        if refusal is not None or not operation.roles:
            return Permission(refusal)
        held = tuple(held.grant for held in self.held(person))
        able = tuple(grant for grant in held if grant.role in operation.roles)
        covering = tuple(grant for grant in able if _applies(grant, scope))
        here = tuple(grant for grant in covering if self._counts(grant, operation, scope))
        if here:
            return Permission(None, by=_in_order(grant.role for grant in here))
        if (closed := self._closed(covering, scope)) is not None:
            refused = self._refused(Refusal.REVISION, operation, scope or Scope(closed.server))
            return replace(refused, closed=closed)
        reason = Refusal.SCOPE if able else Refusal.ROLE if held else Refusal.NO_GRANT
        return self._refused(reason, operation, scope)

    def may_throughout(self, person: Person, operation: Operation, server: str) -> Permission:
        """Return whether the person may do this on every job of the server, where none is named before."""
        permission = self.may(person, operation, Scope(server))
        if not permission.is_allowed:
            return permission
        able = (held.grant for held in self.held(person) if "*" in held.grant.jobs)
        whole = _in_order(
            grant.role
            for grant in able
            if covers(grant, server) and self._counts(grant, operation, Scope(server))
        )
        if whole:
            return Permission(None, by=whole)
        return self._refused(Refusal.SCOPE, operation, Scope(server))

    def may_within(self, person: Person, operation: Operation, scope: Scope) -> Permission:
        """Return whether the person may do this on that job; without a job, on all of the server."""
        if scope.job_name is None:
            return self.may_throughout(person, operation, scope.server)
        return self.may(person, operation, scope)

    def may_on_all(
        self, person: Person, operation: Operation, server: str, pattern: str | None
    ) -> Permission:
        """Return whether the person may do this on every job that can fit the pattern; None: on every job."""
        throughout = self.may_throughout(person, operation, server)
        if throughout.is_allowed or pattern is None:
            return throughout
        names = (pattern.replace("*", stands).replace("?", "\uffff") for stands in _WILDCARD_STANDS_FOR)
        each = [self.may(person, operation, Scope(server, name)) for name in names]
        return next((may for may in each if not may.is_allowed), each[0])

    def who_may(self, operation: Operation, scope: Scope) -> tuple[tuple[Role, ...], tuple[str, ...]]:
        """Return the roles that may do this there, and the groups that have one of them."""
        refused = self._refused(Refusal.ROLE, operation, scope)
        return refused.roles_needed, refused.groups

    def visibility(self, person: Person) -> Visibility:
        """Return what the person may know of, for many checks."""
        return self._visibility(person, lambda revision: ALL_ROLES - revision.roles_gone)

    def reach(self, person: Person, operation: Operation) -> Visibility:
        """Return what the person may use the operation on, for many checks."""
        return self._visibility(person, operation.roles_on)

    def _visibility(
        self, person: Person, roles_on: Callable[[veeam.Revision], frozenset[Role]]
    ) -> Visibility:
        """What the person's grants cover, each on those servers alone on which its role counts."""
        roles = {name: roles_on(revision) for name, revision in self._revisions.items()}
        narrowed = (_on_servers(held.grant, roles) for held in self.held(person))
        return Visibility(tuple(grant for grant in narrowed if grant is not None))

    def _counts(self, grant: GrantSettings, operation: Operation, scope: Scope | None) -> bool:
        """Whether the grant's role may do it there; without a scope, on some server that the grant covers."""
        return any(
            grant.role in operation.roles_on(revision) for _, revision in self._revisions_of(grant, scope)
        )

    def _revisions_of(
        self, grant: GrantSettings, scope: Scope | None
    ) -> list[tuple[ServerName, veeam.Revision]]:
        if scope is None:
            return [(name, revision) for name, revision in self._revisions.items() if covers(grant, name)]
        name = ServerName(scope.server)
        return [(name, self._revisions[name])] if name in self._revisions else []

    def _closed(self, grants: Sequence[GrantSettings], scope: Scope | None) -> ClosedRole | None:
        """Whom a server's revision refuses, of grants that allow it as such and not there."""
        for grant in grants:
            for name, revision in self._revisions_of(grant, scope):
                return ClosedRole(grant.role, name, revision.product)
        return None

    def _refused(self, refusal: Refusal, operation: Operation, scope: Scope | None) -> Permission:
        revisions = self._revisions
        if scope is not None:
            revisions = {name: each for name, each in revisions.items() if name == scope.server}
        roles = frozenset().union(*(operation.roles_on(each) for each in revisions.values()))
        roles = roles if revisions else operation.roles
        groups = (
            str(grant.group)
            for grant in self._grants
            if grant.group is not None
            and grant.role in roles
            and _applies(grant, scope)
            and (not revisions or self._counts(grant, operation, scope))
        )
        return Permission(refusal, roles_needed=_in_order(roles), groups=tuple(dict.fromkeys(groups)))


def unreadable(person: Person) -> Refusal | None:
    """Return why nobody can say what this person may, or None for a member whose groups are known."""
    match person.standing:
        case Standing.UNREADABLE:
            return Refusal.PERSON_UNREADABLE
        case Standing.MEMBER:
            return Refusal.GROUPS_UNREADABLE if person.groups is None else None
        case _:
            return Refusal.STANDING


def _on_servers(grant: GrantSettings, roles: Mapping[ServerName, frozenset[Role]]) -> GrantSettings | None:
    """The grant without the servers on which its role counts for nothing; None where none is left."""
    if all(grant.role in counting for counting in roles.values()):
        return grant
    left = tuple(name for name, counting in roles.items() if grant.role in counting and covers(grant, name))
    return grant.model_copy(update={"servers": left}) if left else None


def _applies(grant: GrantSettings, scope: Scope | None) -> bool:
    return scope is None or covers(grant, scope.server, scope.job_name)


def _in_order(roles: Iterable[Role]) -> tuple[Role, ...]:
    held = frozenset(roles)
    return tuple(role for role in Role if role in held)
