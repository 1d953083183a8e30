"""Who may do what, on which job of which server, and why not: grants, added up.

Pure. A role counts only within the servers and jobs of the grant it came by: an operator of `SQL*` who may
also view everything is no operator of everything. Whatever cannot be read lets nobody in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.operations.model import ALL_ROLES, Operation, Person, Refusal, Standing, Visibility, covers
from bot.settings import GrantSettings, Role


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
    allow it, and `groups` the groups (as the settings spell them) that have one of these there.
    """

    refusal: Refusal | None
    by: tuple[Role, ...] = ()
    roles_needed: tuple[Role, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether it may be done."""
        return self.refusal is None


class Permissions:
    """The settings' grants, applied to people as they are when they ask."""

    def __init__(self, grants: Sequence[GrantSettings]) -> None:
        self._grants = tuple(grants)

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
        here = tuple(grant for grant in able if _applies(grant, scope))
        if here:
            return Permission(None, by=_in_order(grant.role for grant in here))
        reason = Refusal.SCOPE if able else Refusal.ROLE if held else Refusal.NO_GRANT
        return self._refused(reason, operation, scope)

    def may_throughout(self, person: Person, operation: Operation, server: str) -> Permission:
        """Return whether the person may do this on every job of the server, where none is named before."""
        permission = self.may(person, operation, Scope(server))
        if not permission.is_allowed:
            return permission
        able = (held.grant for held in self.held(person) if held.grant.role in operation.roles)
        whole = _in_order(grant.role for grant in able if covers(grant, server) and "*" in grant.jobs)
        if whole:
            return Permission(None, by=whole)
        return self._refused(Refusal.SCOPE, operation, Scope(server))

    def may_within(self, person: Person, operation: Operation, scope: Scope) -> Permission:
        """Return whether the person may do this on that job; without a job, on all of the server."""
        if scope.job_name is None:
            return self.may_throughout(person, operation, scope.server)
        return self.may(person, operation, scope)

    def who_may(self, operation: Operation, scope: Scope) -> tuple[tuple[Role, ...], tuple[str, ...]]:
        """Return the roles that may do this there, and the groups that have one of them."""
        refused = self._refused(Refusal.ROLE, operation, scope)
        return refused.roles_needed, refused.groups

    def visibility(self, person: Person) -> Visibility:
        """Return what the person may know of, for many checks."""
        held = (held.grant for held in self.held(person))
        return Visibility(tuple(grant for grant in held if grant.role in ALL_ROLES))

    def reach(self, person: Person, operation: Operation) -> Visibility:
        """Return what the person may use the operation on, for many checks."""
        held = (held.grant for held in self.held(person))
        return Visibility(tuple(grant for grant in held if grant.role in operation.roles))

    def _refused(self, refusal: Refusal, operation: Operation, scope: Scope | None) -> Permission:
        groups = (
            str(grant.group)
            for grant in self._grants
            if grant.group is not None and grant.role in operation.roles and _applies(grant, scope)
        )
        return Permission(
            refusal, roles_needed=_in_order(operation.roles), groups=tuple(dict.fromkeys(groups))
        )


def unreadable(person: Person) -> Refusal | None:
    """Return why nobody can say what this person may, or None for a member whose groups are known."""
    match person.standing:
        case Standing.UNREADABLE:
            return Refusal.PERSON_UNREADABLE
        case Standing.MEMBER:
            return Refusal.GROUPS_UNREADABLE if person.groups is None else None
        case _:
            return Refusal.STANDING


def _applies(grant: GrantSettings, scope: Scope | None) -> bool:
    return scope is None or covers(grant, scope.server, scope.job_name)


def _in_order(roles: Iterable[Role]) -> tuple[Role, ...]:
    held = frozenset(roles)
    return tuple(role for role in Role if role in held)
