"""Who may do what, on which job of which server, and why not: grants, added up.

Pure. A role counts only within the servers and jobs of the grant it came by: an operator of `SQL*` who may
also view everything is no operator of everything. Whatever cannot be read lets nobody in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.operations.answers import HeldGrant
from bot.operations.catalog import Operation
from bot.operations.outcomes import Refusal, Refused
from bot.operations.people import Person, Standing
from bot.settings import GrantSettings, Role, matches_glob


@dataclass(frozen=True, slots=True)
class Target:
    """What an operation is asked for on. Without a job's name: on the server as such."""

    server: str
    job_name: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody may, and the named reason when not.

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

    def refused(self, operation: Operation, person: Person) -> Refused:
        """Return the outcome for whoever may not."""
        refusal = self.refusal or Refusal.NO_GRANT
        return Refused(refusal, operation, person.standing, self.roles_needed, self.groups)


class Rights:
    """The settings' grants, asked about persons as they are at the time of asking."""

    def __init__(self, grants: Sequence[GrantSettings]) -> None:
        self._grants = tuple(grants)

    def held(self, person: Person) -> tuple[HeldGrant, ...]:
        """Return the grants that apply to the person, with what they came by.

        None for anyone but a member; somebody whose groups cannot be read holds nothing, not even grants to
        themself.
        """
        if unreadable(person) is not None:
            return ()
        return tuple(
            HeldGrant(grant, via)
            for grant in self._grants
            if (via := _holder(grant)) == person.id or via in (person.groups or ())
        )

    def may(self, person: Person, operation: Operation, target: Target | None = None) -> Verdict:
        """Return whether the person may do this there; without a target, whether anywhere at all."""
        refusal = unreadable(person)
        if refusal is not None or not operation.roles:
            return Verdict(refusal)
        held = tuple(held.grant for held in self.held(person))
        able = tuple(grant for grant in held if grant.role in operation.roles)
        here = tuple(grant for grant in able if _covers(grant, target))
        if here:
            return Verdict(None, by=_in_order(grant.role for grant in here))
        reason = Refusal.SCOPE if able else Refusal.ROLE if held else Refusal.NO_GRANT
        return self._refused(reason, operation, target)

    def may_throughout(self, person: Person, operation: Operation, server: str) -> Verdict:
        """Return whether the person may do this on every job of the server, where none is named before."""
        target = Target(server)
        verdict = self.may(person, operation, target)
        if not verdict.is_allowed:
            return verdict
        able = (held.grant for held in self.held(person) if held.grant.role in operation.roles)
        whole = _in_order(grant.role for grant in able if _covers(grant, target) and "*" in grant.jobs)
        return Verdict(None, by=whole) if whole else self._refused(Refusal.SCOPE, operation, target)

    def who_may(self, operation: Operation, target: Target) -> tuple[tuple[Role, ...], tuple[str, ...]]:
        """Return the roles that may do this there, and the groups that have one of them."""
        refused = self._refused(Refusal.ROLE, operation, target)
        return refused.roles_needed, refused.groups

    def sight(self, person: Person) -> "Sight":
        """Return what the person may know of, for asking often."""
        return Sight(tuple(held.grant for held in self.held(person)))

    def reach(self, person: Person, operation: Operation) -> "Sight":
        """Return what the person may use the operation on, for asking often."""
        held = (held.grant for held in self.held(person))
        return Sight(tuple(grant for grant in held if grant.role in operation.roles))

    def sees(self, person: Person, server: str, job_name: str) -> bool:
        """Whether the person may know that there is a job of this name on this server."""
        return self.sight(person).sees(server, job_name)

    def sees_all(self, person: Person, server: str) -> bool:
        """Whether some grant shows the person every job of the server."""
        return self.sight(person).sees_all(server)

    def _refused(self, refusal: Refusal, operation: Operation, target: Target | None) -> Verdict:
        groups = (
            str(grant.group)
            for grant in self._grants
            if grant.group is not None and grant.role in operation.roles and _covers(grant, target)
        )
        return Verdict(refusal, roles_needed=_in_order(operation.roles), groups=tuple(dict.fromkeys(groups)))


@dataclass(frozen=True, slots=True)
class Sight:
    """What one person may know of: servers and jobs of their grants, whatever the role (all may look)."""

    grants: tuple[GrantSettings, ...]

    def sees(self, server: str, job_name: str) -> bool:
        """Whether the person may know that there is a job of this name on this server."""
        return any(_covers(grant, Target(server, job_name)) for grant in self.grants)

    def sees_server(self, server: str) -> bool:
        """Whether the person may know of the server."""
        return any(_covers(grant, Target(server)) for grant in self.grants)

    def sees_all(self, server: str) -> bool:
        """Whether the person sees every job of the server, so that VBR can filter, sort and page."""
        return any(_covers(grant, Target(server)) and "*" in grant.jobs for grant in self.grants)


def unreadable(person: Person) -> Refusal | None:
    """Return why nobody can say what this person may, or None for a member whose groups are known."""
    match person.standing:
        case Standing.UNREADABLE:
            return Refusal.PERSON_UNREADABLE
        case Standing.MEMBER:
            return Refusal.GROUPS_UNREADABLE if person.groups is None else None
        case _:
            return Refusal.STANDING


def _holder(grant: GrantSettings) -> str:
    return str(grant.group if grant.group is not None else grant.user)


def _covers(grant: GrantSettings, target: Target | None) -> bool:
    if target is None:
        return True
    if not any(matches_glob(glob, target.server) for glob in grant.servers):
        return False
    return target.job_name is None or any(matches_glob(glob, target.job_name) for glob in grant.jobs)


def _in_order(roles: Iterable[Role]) -> tuple[Role, ...]:
    held = frozenset(roles)
    return tuple(role for role in Role if role in held)
