"""Under which account VBR is asked, and on which servers somebody may do what names no job there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.operations.asking import Asking
from bot.operations.catalog import Operation
from bot.operations.lookup import Lookup
from bot.operations.outcomes import NotFound, Refusal, Refused
from bot.operations.record import Record
from bot.operations.roles import Rights, Target, Verdict
from bot.settings import Role, ServerName
from bot.veeam import Fleet, VeeamServer

Acting = Mapping[tuple[ServerName, Role], VeeamServer]
"""The accounts to act under, by server and role; where there is none the fleet's own account acts."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The fleet's own account on each server, and those to act under in its place."""

    fleet: Fleet
    acting: Acting = field(default_factory=dict)

    def of(self, server: ServerName, verdict: Verdict) -> VeeamServer:
        """Return whom to act as: under an account of a role that allows it, VBR enforces the role as well."""
        accounts = (self.acting.get((server, role)) for role in verdict.by)
        return next((account for account in accounts if account is not None), self.fleet.server(server))


class AllowedServers:
    """Finds the servers where somebody may do something, each with the account to do it under.

    Raises `StoreError`.
    """

    def __init__(self, accounts: Accounts, lookup: Lookup, rights: Rights, record: Record) -> None:
        self._accounts = accounts
        self._lookup = lookup
        self._rights = rights
        self._record = record

    async def somewhere(
        self, operation: Operation, named: str | None, asking: Asking
    ) -> dict[ServerName, VeeamServer] | NotFound | Refused:
        """Return those that the name means (None: all) and where the person may on some job at least."""
        servers = self._lookup.servers(named, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        may = {name: self._rights.may(asking.person, operation, Target(name)) for name in servers}
        return await self._allowed(operation, asking, may)

    async def throughout(
        self, operation: Operation, named: str | None, asking: Asking
    ) -> dict[ServerName, VeeamServer] | NotFound | Refused:
        """Return those that the name means (None: all) and where the person may on every job."""
        servers = self._lookup.servers(named, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        may = {name: self._rights.may_throughout(asking.person, operation, name) for name in servers}
        return await self._allowed(operation, asking, may)

    async def _allowed(
        self, operation: Operation, asking: Asking, verdicts: Mapping[ServerName, Verdict]
    ) -> dict[ServerName, VeeamServer] | Refused:
        allowed = {
            name: self._accounts.of(name, verdict) for name, verdict in verdicts.items() if verdict.is_allowed
        }
        refused = next(iter(verdicts.values()), Verdict(Refusal.SCOPE))
        return allowed or await self._record.refuse(operation, asking, refused)
