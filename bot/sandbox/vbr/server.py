"""A simulated VBR on 127.0.0.1: aiohttp in front of a world, as strict as the real one.

The order of refusals: version (400), path (404), method (405), token (401), role (403), then the
operation's own.
"""

import asyncio
import json
import ssl
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from multidict import MultiDict

from bot.sandbox.vbr.accounts import DEFAULT_ACCOUNTS, Account, Accounts, TokenPair
from bot.sandbox.vbr.agents import AGENTS
from bot.sandbox.vbr.backups import BACKUPS
from bot.sandbox.vbr.call import Operation, Quirks, Reply, RestCall
from bot.sandbox.vbr.credentials import CREDENTIALS
from bot.sandbox.vbr.data_sources import DATA_SOURCES
from bot.sandbox.vbr.documented import documented
from bot.sandbox.vbr.faults import Fault, Moment, VbrFaults
from bot.sandbox.vbr.infrastructure import INFRASTRUCTURE
from bot.sandbox.vbr.inventory import INVENTORY
from bot.sandbox.vbr.job_actions import JOB_ACTIONS
from bot.sandbox.vbr.job_editing import JOB_EDITING
from bot.sandbox.vbr.job_lists import JOB_LISTS
from bot.sandbox.vbr.paths import Match, Paths
from bot.sandbox.vbr.query import Query
from bot.sandbox.vbr.recording import RecordedRequest, Requests
from bot.sandbox.vbr.refusals import Refusal, bad_request, forbidden, unknown_path
from bot.sandbox.vbr.revision import REVISION_1_3_REV0, REVISIONS, Revision, accepted_by
from bot.sandbox.vbr.service import API_DOCUMENT, SERVICE
from bot.sandbox.vbr.session_lists import SESSIONS
from bot.sandbox.vbr.world import World

OPERATIONS: tuple[Operation, ...] = (
    *SERVICE, *JOB_LISTS, *JOB_ACTIONS, *JOB_EDITING, *SESSIONS, *INVENTORY, *INFRASTRUCTURE, *CREDENTIALS,
    *BACKUPS, *AGENTS, *DATA_SOURCES,
)  # fmt: skip

_TOKEN_PATH = "/api/oauth2/token"
_SHUTDOWN_SECONDS = 0.5


@dataclass(frozen=True)
class Behaviour:
    """What one server is like: the revisions it speaks, its accounts, its answers to open questions.

    ``supported_revisions`` are those of a build and of the older ones, as ``accepted_by`` tells them. Of one
    that the sandbox cannot play, the document is served.
    ``public_name`` is the host in ``url``, for a certificate that bears a name.
    """

    supported_revisions: tuple[str, ...] = accepted_by(REVISION_1_3_REV0.name)
    accounts: tuple[Account, ...] = DEFAULT_ACCOUNTS
    quirks: Quirks = field(default_factory=Quirks)
    public_name: str = "127.0.0.1"
    keep_requests: int = 1000


class VbrSandbox:
    """A running simulated VBR: ``async with VbrSandbox(world) as vbr: vbr.url …``."""

    def __init__(
        self,
        world: World,
        port: int = 0,
        *,
        ssl_context: ssl.SSLContext | None = None,
        behaviour: Behaviour | None = None,
    ) -> None:
        behaviour = behaviour or Behaviour()
        self.world = world
        self.faults = VbrFaults()
        self.accounts = Accounts(behaviour.accounts, world.true_time)
        self.requests = Requests(behaviour.keep_requests)
        self.behaviour = behaviour
        self._port = port
        self._ssl_context = ssl_context
        self._paths = Paths((*OPERATIONS, API_DOCUMENT))
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._closing = asyncio.Event()
        self._hanging: list[web.Request] = []

    @property
    def hanging(self) -> int:
        """How many requests are still waited for that never get an answer."""
        self._hanging = [one for one in self._hanging if not _is_given_up(one)]
        return len(self._hanging)

    @property
    def url(self) -> str:
        """The server's base address."""
        scheme = "http" if self._ssl_context is None else "https"
        return f"{scheme}://{self.behaviour.public_name}:{self._port}"

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=8 * 1024**2)
        application.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await self.come_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def upgrade(self, newest: str, build_version: str | None = None) -> None:
        """Speak that revision and the older ones from now on; an older one than before is a downgrade.

        The real one is away meanwhile: see ``go_dark`` and ``come_back``.
        """
        self.behaviour = replace(self.behaviour, supported_revisions=accepted_by(newest))
        if build_version is not None:
            self.world.build_version = build_version

    async def go_dark(self) -> None:
        """Refuse connections and cut those that are open, as a dead server does."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        server = self._runner.server if self._runner is not None else None
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def come_back(self) -> None:
        """Listen again, on the same port."""
        if self._runner is None or self._site is not None:
            return
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._ssl_context)
        await self._site.start()
        self._port = self._site.port

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        recorded = await self._record(request)
        self.world.tick()
        found = self._found(recorded)
        fault = self.faults.take(request.method, recorded.template) or _NO_FAULT
        recorded.was_faulty = fault is not _NO_FAULT
        if fault.drop is Moment.BEFORE:
            return _cut(request)
        if fault.hang is Moment.BEFORE:
            return await self._hang(request)
        refused = None if fault.status is None else Reply(fault.status, fault.body)
        if refused is not None and not fault.takes_effect:
            return await self._send(request, recorded, refused, fault)
        reply = await self._reply(request, recorded, found)
        return await self._send(request, recorded, refused or reply, fault)

    def _found(self, recorded: RecordedRequest) -> Match | Refusal:
        try:
            match = self._paths.find(recorded.method, recorded.path)
        except Refusal as refusal:
            return refusal
        recorded.template = match.operation.template
        return match

    async def _record(self, request: web.Request) -> RecordedRequest:
        path = request.rel_url.raw_path
        recorded = RecordedRequest(
            method=request.method, template=path, path=path, query=MultiDict(request.query),
            headers=request.headers, raw_body=await request.read(), at=self.world.now(),
        )  # fmt: skip
        self.requests.add(recorded)
        return recorded

    async def _reply(self, request: web.Request, recorded: RecordedRequest, found: Match | Refusal) -> Reply:
        try:
            is_versioned = isinstance(found, Refusal) or found.operation.is_versioned
            revision = self._revision(request) if is_versioned else REVISION_1_3_REV0
            if isinstance(found, Refusal):
                raise found
            operation = found.operation
            if not operation.is_open and not revision.permissions.has((operation.method, operation.template)):
                raise unknown_path(recorded.path)
            token = self._token(request, operation)
            account = None if token is None else self.accounts.current(token)
            recorded.account = account
            self._check_role(revision, operation, token, account)
            call = RestCall(
                world=self.world,
                accounts=self.accounts,
                revision=revision,
                query=_query(request, revision, operation),
                path=found.path,
                raw_body=recorded.raw_body,
                content_type=request.content_type,
                form=await _form(request),
                quirks=self.behaviour.quirks,
                token=token,
                account=account,
                supported_revisions=self.behaviour.supported_revisions,
            )
            return found.operation.answer(call)
        except Refusal as exc:
            return Reply(exc.status, exc.body)

    def _revision(self, request: web.Request) -> Revision:
        name = request.headers.get("x-api-version")
        revision = REVISIONS.get(name or "")
        if revision is None or name not in self.behaviour.supported_revisions:
            raise unsupported(request.rel_url.path, name or "", self.behaviour.supported_revisions)
        return revision

    def _token(self, request: web.Request, operation: Operation) -> TokenPair | None:
        authorization = request.headers.get("Authorization")
        if operation.is_open and (authorization is None or operation.template != _TOKEN_PATH):
            return None
        return self.accounts.holder(authorization)

    def _check_role(
        self, revision: Revision, operation: Operation, token: TokenPair | None, account: Account | None
    ) -> None:
        if operation.is_open or token is None or account is None:
            return
        if self.accounts.forbids_refreshed_tokens and token.by_refresh:
            raise forbidden()
        asked = (operation.method, operation.template)
        if account.has_custom_role and asked in revision.permissions.open_to_custom_roles:
            return
        if not account.roles & revision.permissions.roles[asked]:
            raise forbidden()

    async def _send(
        self, request: web.Request, recorded: RecordedRequest, reply: Reply, fault: Fault
    ) -> web.StreamResponse:
        if fault.delay_seconds:
            await self._wait(fault.delay_seconds)
        if fault.drop is Moment.AFTER:
            return _cut(request)
        if fault.hang is Moment.AFTER:
            return await self._hang(request)
        payload = reply.payload
        if fault.change is not None and payload is not None:
            payload = fault.change(json.loads(payload) if isinstance(payload, bytes) else _copied(payload))
        raw = _encoded(payload)
        if fault.truncate:
            raw = raw[: len(raw) // 2]
        recorded.status, recorded.raw_answer = reply.status, raw
        headers = {"Date": format_datetime(self.world.now().astimezone(UTC), usegmt=True), **fault.headers}
        if reply.status == 204 or not raw:
            return web.Response(status=reply.status, headers=headers)
        return web.Response(
            status=reply.status,
            body=raw,
            content_type=fault.content_type,
            headers=headers,
            charset="utf-8",
        )

    async def _hang(self, request: web.Request) -> web.StreamResponse:
        self._hanging.append(request)
        await self._closing.wait()
        return _cut(request)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


_NO_FAULT = Fault()


def unsupported(path: str, name: str, spoken: tuple[str, ...]) -> Refusal:
    """400 for an unknown revision: 12 lists those it speaks, 13 says that it does not speak this one."""
    newest = REVISIONS.get(spoken[-1])
    is_before_13 = spoken[-1] < REVISION_1_3_REV0.name if newest is None else newest.names_versions_it_speaks
    if is_before_13:
        listed = ", ".join(f"v{each}" for each in spoken)
        message = f"Unsupported RESTAPI version. The following versions are supported: {listed}"
        return Refusal(400, "UnknownError", message)
    message = f"The HTTP resource that matches the request URI '{path}' does not support the API version"
    return Refusal(400, "NotImplemented", f"{message} '{name}'.")


def _is_given_up(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _query(request: web.Request, revision: Revision, operation: Operation) -> Query:
    """The query, of names that the revision's document has for this operation."""
    facts = documented(revision.name).get((operation.method, operation.template))
    known = set() if facts is None else facts.parameters
    for name in request.query:
        if name not in known:
            raise bad_request(f"The query parameter '{name}' is not supported.")
    return Query(
        request.query.items(),
        default_limit=revision.default_limit,
        columns=None if facts is None else facts.columns,
    )


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return {key: value for key, value in (await request.post()).items() if isinstance(value, str)}


def _copied(payload: Any) -> Any:
    return json.loads(json.dumps(payload))


def _encoded(payload: Any) -> bytes:
    if payload is None:
        return b""
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()
