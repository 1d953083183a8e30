"""A bot's operations among real servers: two simulated VBRs, a database, and people with roles."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bot.operations.backend import Accounts, ApprovalRules, MessageUnreadable, ShownSession
from bot.operations.model import Gesture, KnownJob, MessageLink, Origin, Person, Request, Standing
from bot.operations.outcomes import Done, Outcome, SyntaxProblem
from bot.operations.places import Readers
from bot.operations.service import AccessRules, Service
from bot.sandbox.vbr import VbrSandbox, World
from bot.settings import GrantSettings, GroupReference, PersonId, Role, RouteSettings, ServerName
from bot.store import Approvals, AuditLog, Database, OwnActions, TimedDisables, new_holder
from bot.veeam import Fleet, JobId
from bot.watch import FollowUp, approval_rows
from tests.support.clock import FakeClock

A = TypeVar("A")

HQ, DR = ServerName("hq"), ServerName("dr")
OPERATOR, VIEWER, NOBODY = PersonId("U0OPERATOR"), PersonId("U0VIEWER"), PersonId("U0NOBODY")
SQL_ONLY = PersonId("U0SQLONLY")
GROUPS: Mapping[PersonId, frozenset[str] | None] = {
    OPERATOR: frozenset({"S0OPS"}),
    VIEWER: frozenset({"S0VIEW"}),
    SQL_ONLY: frozenset({"S0SQL"}),
    NOBODY: frozenset(),
}
GRANTS = (
    GrantSettings(group=GroupReference("S0OPS"), role=Role.BACKUP_OPERATOR),
    GrantSettings(group=GroupReference("S0VIEW"), role=Role.BACKUP_VIEWER),
    GrantSettings(group=GroupReference("S0SQL"), role=Role.BACKUP_OPERATOR, servers=("hq",), jobs=("SQL*",)),
)


class Team:
    """People by their IDs; whoever is not known cannot be read."""

    def __init__(self) -> None:
        self.read_afresh = 0
        self.people_afresh: dict[PersonId, Person] = {}
        """Those who changed since they were read last."""
        self.people = {
            person_id: Person(person_id, person_id.lower(), Standing.MEMBER, groups)
            for person_id, groups in GROUPS.items()
        }

    async def read(self, person_id: PersonId, team_id: str | None = None, *, afresh: bool = False) -> Person:
        del team_id
        self.read_afresh += afresh
        if afresh and person_id in self.people_afresh:
            return self.people_afresh[person_id]
        return self.people.get(person_id, Person(person_id, "?", Standing.UNREADABLE, None))

    def group_names(self, groups: Collection[str]) -> tuple[str, ...]:
        return tuple(f"@{group}" for group in groups)


class Talks:
    """Conversations, by their IDs; those of two people that are not known are with the bot."""

    def __init__(self) -> None:
        self.read_by: dict[str, Readers] = {}
        self.asked: list[str] = []
        self.left: set[str] = set()
        """The channels that the bot isn't in."""

    async def is_with_bot(self, channel_id: str) -> bool:
        return channel_id not in self.read_by

    async def is_member(self, channel_id: str) -> bool:
        return channel_id not in self.left

    async def readers(self, channel_id: str) -> Readers:
        self.asked.append(channel_id)
        return self.read_by.get(channel_id, Readers.OWN)


class Messages:
    """Messages about sessions, by their links."""

    def __init__(self) -> None:
        self.shown: dict[str, ShownSession] = {}
        self.is_readable = True

    async def session_of(self, link: MessageLink) -> ShownSession | None:
        if not self.is_readable:
            raise MessageUnreadable
        return self.shown.get(link.text)


class Watching:
    def last_poll_at(self, server: ServerName) -> None:
        del server

    def database_problem(self) -> None:
        pass

    async def outbox_waiting(self) -> int:
        return 0


@dataclass
class Counted:
    finished: list[tuple[str, str]] = field(default_factory=list)

    def operation_finished(self, operation: str, outcome: str, *, seconds: float) -> None:
        assert seconds >= 0
        self.finished.append((operation, outcome))


@dataclass
class Office:
    """Asks as any person, and lets a test look at both sides."""

    hq: VbrSandbox
    dr: VbrSandbox
    fleet: Fleet
    database: Database
    clock: FakeClock
    team: Team = field(default_factory=Team)
    talks: Talks = field(default_factory=Talks)
    messages: Messages = field(default_factory=Messages)
    metrics: Counted = field(default_factory=Counted)
    grants: Sequence[GrantSettings] = GRANTS
    allowed_channels: Collection[str] = ()
    approvals: ApprovalRules = field(default_factory=ApprovalRules)
    routes: Sequence[RouteSettings] = ()
    default_channel: str | None = None
    acting: Accounts = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.audit = AuditLog(self.database)
        self.own_actions = OwnActions(self.database)
        self.timed_disables = TimedDisables(self.database)
        self._presses = itertools.count()
        self._service: Service | None = None

    @property
    def service(self) -> Service:
        if self._service is None:
            self._service = Service(
                fleet=self.fleet,
                accounts=self.acting,
                database=self.database,
                audit_log=self.audit,
                approvals=Approvals(self.database, approval_rows),
                rules=AccessRules(
                    self.grants, self.allowed_channels, self.approvals, self.routes, self.default_channel
                ),
                people=self.team,
                health=Watching(),
                metrics=self.metrics,
                clock=self.clock,
                conversations=self.talks,
                messages=self.messages,
                follow_up=FollowUp(self.database, self.clock),
                holder=new_holder(),
            )
        return self._service

    def restart(self) -> None:
        """Another process takes over, with nothing in its memory."""
        self._service = None

    async def ask(
        self,
        request: Request | SyntaxProblem,
        person: PersonId = OPERATOR,
        *,
        press: str | None = None,
        channel: str | None = "C0PROD",
        is_direct: bool = False,
        reference: str = "r-1",
        origin: Origin = Origin.TYPED,
        delivery: str | None = None,
    ) -> Outcome:
        gesture = Gesture(
            reference=reference,
            person_id=person,
            team_id="T0",
            channel_id=channel,
            origin=origin,
            press_key=press or f"press-{next(self._presses)}",
            is_direct=is_direct,
            delivery_key=delivery,
        )
        return await self.service.run(gesture, request)

    async def answer(self, request: Request, answer: type[A], person: PersonId = OPERATOR) -> A:
        outcome = await self.ask(request, person)
        assert isinstance(outcome, Done), outcome
        assert isinstance(outcome.answer, answer)
        return outcome.answer

    @property
    def world(self) -> World:
        return self.hq.world

    def known(self, name: str) -> KnownJob:
        return KnownJob(HQ, JobId(self.world.job(name).id))

    async def audited(self) -> list[dict[str, object]]:
        return [
            {key: value for key, value in row.values.items() if value is not None and "hash" not in key}
            async for row in self.audit.rows()
        ]

    def posts(self) -> list[tuple[str, object]]:
        """What was sent to hq that changes it."""
        return [
            (request.template.rsplit("/", 1)[1], request.body)
            for request in self.hq.requests
            if request.method == "POST" and "/jobs/" in request.template
        ]
