"""What a server's answers mean for a deployment, in words for the person who checks it. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import assert_never
from urllib.parse import urlsplit

from humanize import naturaldelta

from bot.observability import CheckResult, CheckStatus
from bot.settings import Role, ServerName
from bot.veeam.connection import Connection
from bot.veeam.errors import (
    ConnectFailed,
    LoginRefused,
    NotFound,
    Rejected,
    RevisionUnsupported,
    TlsFailed,
    TlsReason,
    TooBusy,
    UnexpectedAnswer,
    Unreachable,
    VeeamError,
)
from bot.veeam.infrastructure import ServerInfo

MOST_SKEW = timedelta(minutes=1)
"""A clock that is further off than this makes the times wrong that people go by."""
_USERS_AND_ROLES = "VBR's console, Users and Roles"


class Reach(IntEnum):
    """How much an account may, as far as harmless questions tell.

    `UNTOLD`: it may look and is no administrator's; more does not tell a viewer from an operator before 1.3.
    """

    UNTOLD = -1
    NOTHING = 0
    READER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3


_NEEDED = {
    Role.BACKUP_ADMINISTRATOR: Reach.ADMINISTRATOR,
    Role.BACKUP_OPERATOR: Reach.OPERATOR,
    Role.TAPE_OPERATOR: Reach.OPERATOR,
    Role.RESTORE_OPERATOR: Reach.READER,  # of the bot's operations it may those of a viewer
    Role.BACKUP_VIEWER: Reach.READER,
}
_OWN = {**_NEEDED, Role.RESTORE_OPERATOR: Reach.OPERATOR}
_LOGS_IN = {
    Reach.UNTOLD: (
        "It logs in, may look, and is no administrator's account; whether it may start and stop jobs, "
        "VBR 12.3 does not tell."
    ),
    Reach.READER: "It logs in and may look, no more (a viewer's account).",
    Reach.OPERATOR: "It logs in and has an operator's role (Backup, Restore or Tape Operator).",
    Reach.ADMINISTRATOR: "It logs in and is an administrator's account.",
}
_LOST = {
    Reach.OPERATOR: "create, edit, clone, enable, disable and delete",
    Reach.READER: "every change",
}


@dataclass(frozen=True)
class Login:
    """One account, and what it is for.

    `roles` are those whose people act under it; `made_for` is the one role of an account that the settings
    list under a server's accounts, None for the server's main account. `password_at` says where its password
    came from.
    """

    connection: Connection
    roles: frozenset[Role]
    password_at: str
    made_for: Role | None = None

    @property
    def subject(self) -> str:
        """What a finding calls it."""
        return f"login {self.connection.username}"


def part(server: ServerName) -> str:
    """What findings call a server."""
    return f"server {server}"


def unanswered(connection: Connection, error: VeeamError, presented: str | None) -> CheckResult:
    """Explain why the first question, asked without a login, was not answered."""
    if isinstance(error, TlsFailed):
        return certificate_refused(connection, error, error.presented or presented)
    if isinstance(error, RevisionUnsupported) or type(error) is Rejected:
        detail = f"The server does not speak revision {connection.api_version} of the API. {_said(error)}"
        advice = (
            f"Set api_version of {connection.name} to one it speaks: VBR 12.3 speaks 1.2-rev1, "
            "13.0 and newer speak 1.3-rev0."
        )
        return CheckResult(part(connection.name), "API revision", CheckStatus.PROBLEM, detail, advice)
    detail, advice = trouble(connection, error)
    return CheckResult(part(connection.name), "address", CheckStatus.PROBLEM, detail, advice)


def trouble(connection: Connection, error: VeeamError) -> tuple[str, str]:
    """Say what kept the server from answering, and what to do about it."""
    match error:
        case ConnectFailed():
            return (
                f"No connection to {connection.url}: {error.message}.",
                (
                    "Check the address, name resolution, port and firewall from this machine, and that the "
                    "service Veeam Backup RESTful API runs on the server."
                ),
            )
        case Unreachable():
            return (
                f"{connection.url} gives no answer in time.",
                "Look whether a firewall swallows packets or the server is overloaded, then check again.",
            )
        case TooBusy():
            return (
                f"The server is busy ({error.status}). {_said(error)}",
                "Wait until its services have started, then check again.",
            )
        case NotFound() | UnexpectedAnswer():
            return (
                f"What answers at {connection.url} is not VBR's REST API. {_said(error)}",
                (
                    "Check the port: VBR's is 9419; 9398 and 9399 are Enterprise Manager's. A proxy may be "
                    "in between."
                ),
            )
    return (
        f"The server answers with an error ({error.status}). {_said(error)}",
        "Look at the service Veeam Backup RESTful API and its log on the server, then check again.",
    )


def certificate(connection: Connection, presented: str | None) -> CheckResult:
    """Say why the server's certificate is accepted."""
    subject, trust = "certificate", connection.trust
    if not connection.url.startswith("https://"):
        return CheckResult(
            part(connection.name), subject, CheckStatus.OK, "None is needed: the server is on this machine."
        )
    if trust.pin is not None:
        return CheckResult(
            part(connection.name), subject, CheckStatus.OK, "It is the one of the fingerprint."
        )
    if not trust.verify:
        detail = "It is not verified: whoever is in between can pass for the server and read the password."
        advice = f"Take verify_tls = false out and set ca_file{_or_fingerprint(presented)}."
        return CheckResult(part(connection.name), subject, CheckStatus.WARNING, detail, advice)
    vouching = f"the CA in {trust.ca_file}" if trust.ca_file else "a CA that this machine knows"
    return CheckResult(part(connection.name), subject, CheckStatus.OK, f"It is vouched for by {vouching}.")


def certificate_refused(connection: Connection, error: TlsFailed, presented: str | None) -> CheckResult:
    """Explain why nothing was said to the server."""
    detail, advice = _certificate_words(connection, error, presented)
    return CheckResult(part(connection.name), "certificate", CheckStatus.PROBLEM, detail, advice)


def clock_skew(connection: Connection, ahead: timedelta) -> CheckResult:
    """Judge how far the server's clock is ahead of ours; behind where it is negative."""
    subject = "clock"
    if abs(ahead) <= MOST_SKEW:
        return CheckResult(part(connection.name), subject, CheckStatus.OK, "It agrees with this machine's.")
    way = "ahead of" if ahead > timedelta() else "behind"
    detail = f"It is {naturaldelta(ahead)} {way} this machine's: times in messages are wrong by that."
    advice = "Have both machines set their clocks by a time server."
    return CheckResult(part(connection.name), subject, CheckStatus.WARNING, detail, advice)


def logged_in(login: Login, reach: Reach, info: ServerInfo | None) -> CheckResult:
    """Judge what an account that logged in may do, against what it is for."""
    name = part(login.connection.name)
    if reach is Reach.NOTHING:
        return CheckResult(
            name,
            login.subject,
            CheckStatus.PROBLEM,
            "It logs in, and VBR does not let it see jobs (403).",
            (
                f"Give it the role Veeam Backup Viewer or a higher one in {_USERS_AND_ROLES}; check the "
                "licence too: Community Edition has no REST API."
            ),
        )
    build = f" VBR {info.build_version}, {info.name}." if info is not None else ""
    detail = f"{_LOGS_IN[reach]}{build}"
    verdict, remark, advice = _against_purpose(login, _credited(login, reach))
    return CheckResult(name, login.subject, verdict, f"{detail}{remark}", advice)


def login_refused(login: Login, error: LoginRefused) -> CheckResult:
    """Explain a refused login. VBR says the same for several reasons."""
    name, detail = part(login.connection.name), f"VBR refuses the login. {_said(error)}"
    if error.locked_until is not None:
        advice = (
            f"Let nothing log in with it before {error.locked_until:%H:%M} UTC: each try begins the lock "
            f"anew. Then correct the password ({login.password_at}) and check again."
        )
    else:
        advice = (
            f"Correct user name and password ({login.password_at}). VBR says the same of an account with "
            "multi-factor authentication: mark it as a service account. One try was made; a few failures "
            "lock the account."
        )
    return CheckResult(name, login.subject, CheckStatus.PROBLEM, detail, advice)


def login_unproven(login: Login, error: VeeamError) -> CheckResult:
    """Explain an account that could not be tried out to the end."""
    detail, advice = trouble(login.connection, error)
    return CheckResult(part(login.connection.name), login.subject, CheckStatus.PROBLEM, detail, advice)


def logins_untried(connection: Connection) -> CheckResult:
    """Say that no password was sent."""
    return CheckResult(
        part(connection.name),
        "logins",
        CheckStatus.WARNING,
        "Not tried: no password is sent before the server answers as it should.",
        "Put the row above right, then check again.",
    )


def _certificate_words(connection: Connection, error: TlsFailed, presented: str | None) -> tuple[str, str]:
    match error.reason:
        case TlsReason.PIN:
            return (
                f"It is not the one of the fingerprint. Its SHA-256 is {presented}.",
                (
                    "If the server's certificate was renewed, set fingerprint to this value, after comparing "
                    "it on the server itself. If it was not, somebody is in between: change nothing."
                ),
            )
        case TlsReason.AUTHORITY:
            return (
                f"This machine does not know who vouches for it ({error.message}).",
                (
                    "VBR installs with a self-signed certificate. Set ca_file to its CA's PEM file"
                    f"{_or_fingerprint(presented)}."
                ),
            )
        case TlsReason.NAME:
            return (
                f"It is made out to another name than {urlsplit(connection.url).hostname}.",
                f"Write the certificate's name into url{_or_fingerprint(presented, 'instead of ca_file')}.",
            )
        case TlsReason.EXPIRED:
            return (
                f"It is not valid now ({error.message}).",
                "Renew it in VBR's console, or correct the clock of this machine if that is wrong.",
            )
        case TlsReason.CA_FILE:
            return (
                f"The CA file cannot be used: {error.message}.",
                f"Set ca_file of {connection.name} to a readable PEM file.",
            )
        case TlsReason.HANDSHAKE:
            return (
                f"{connection.url} does not speak TLS as expected ({error.message}).",
                "Check the port (VBR's REST API: 9419) and whether a proxy is in between.",
            )
    assert_never(error.reason)


def _against_purpose(login: Login, reach: Reach) -> tuple[CheckStatus, str, str]:
    if login.made_for is not None:
        return _against_role(login.made_for, reach)
    if reach >= _most_needed(login.roles):
        return CheckStatus.OK, "", ""
    remark = f" VBR will refuse {_LOST[reach]}, which some grants allow."
    return CheckStatus.WARNING, remark, f"Give it a higher role in {_USERS_AND_ROLES}, or grant less."


def _credited(login: Login, reach: Reach) -> Reach:
    """Nobody is blamed for what cannot be told."""
    if reach is not Reach.UNTOLD:
        return reach
    wanted = Reach.OPERATOR if login.made_for is None else _OWN[login.made_for]
    return min(wanted, Reach.OPERATOR)


def _against_role(role: Role, reach: Reach) -> tuple[CheckStatus, str, str]:
    advice = f"Give it exactly this role in {_USERS_AND_ROLES}."
    if reach < _OWN[role]:
        return CheckStatus.PROBLEM, f" That is less than {role.value}, which it is for.", advice
    if reach > _OWN[role]:
        return (
            CheckStatus.WARNING,
            f" That is more than {role.value}, which it is for: VBR enforces nothing.",
            advice,
        )
    return CheckStatus.OK, "", ""


def _most_needed(roles: Collection[Role]) -> Reach:
    return max((_NEEDED[role] for role in roles), default=Reach.READER)


def _or_fingerprint(presented: str | None, instead: str = "") -> str:
    if presented is None:
        return ", or fingerprint to the certificate's SHA-256"
    place = f" {instead}" if instead else ""
    return f"; or, once it was compared on the server itself, set{place} fingerprint to {presented}"


def _said(error: VeeamError) -> str:
    return f"It says: {error.message.rstrip('.')}." if error.message else "It does not say why."
