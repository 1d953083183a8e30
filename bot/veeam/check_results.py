"""What a server's answers mean for a deployment, in words for the person who checks it. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import assert_never
from urllib.parse import urlsplit

from bot.observability import CheckResult, CheckStatus, skew
from bot.settings import AUTO, OLDEST_API_VERSION, Role, ServerName
from bot.veeam import errors
from bot.veeam.connection import Connection
from bot.veeam.errors import TlsFailed, TlsReason, VeeamError
from bot.veeam.revisions import Revision, lacking_by_product, revision_facts
from bot.veeam.server_facts import ServerInfo

_USERS_AND_ROLES = "VBR's console, Users and Roles"


class AccessLevel(IntEnum):
    """How much an account may do, as far as harmless questions show.

    `UNKNOWN`: it may look and is no administrator's; before 1.3, no question tells a viewer from an operator.
    """

    UNKNOWN = -1
    NOTHING = 0
    READER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3


_NEEDED = {
    Role.BACKUP_ADMINISTRATOR: AccessLevel.ADMINISTRATOR,
    Role.BACKUP_OPERATOR: AccessLevel.OPERATOR,
    Role.TAPE_OPERATOR: AccessLevel.OPERATOR,
    Role.RESTORE_OPERATOR: AccessLevel.READER,  # it may run the bot's operations for viewers
    Role.BACKUP_VIEWER: AccessLevel.READER,
    Role.SECURITY_ADMINISTRATOR: AccessLevel.READER,  # it asks VBR nothing
}
_OWN = {**_NEEDED, Role.RESTORE_OPERATOR: AccessLevel.OPERATOR}
_LOGS_IN = {
    AccessLevel.UNKNOWN: (
        "It logs in, may look, and is no administrator's account; whether it may start and stop jobs, "
        "VBR 12.3 does not tell."
    ),
    AccessLevel.READER: "It logs in and may look, no more (a viewer's account).",
    AccessLevel.OPERATOR: "It logs in and has an operator's role (Backup, Restore or Tape Operator).",
    AccessLevel.ADMINISTRATOR: "It logs in and is an administrator's account.",
}
_LOST = {
    AccessLevel.OPERATOR: "create, edit, clone, enable, disable and delete",
    AccessLevel.READER: "every change",
}


@dataclass(frozen=True)
class Login:
    """One account, and what it is for.

    People with one of these `roles` act under it; `made_for` is the one role of an account that the settings
    list under a server's accounts, None for the server's main account. `password_at` says where its password
    came from. `judges_server`: what is expected of the licence and the configuration backup is read by it.
    """

    connection: Connection
    roles: frozenset[Role]
    password_at: str
    made_for: Role | None = None
    judges_server: bool = False

    @property
    def subject(self) -> str:
        """What check results call it."""
        return f"login {self.connection.username}"


def server_part(server: ServerName) -> str:
    """What check results call a server."""
    return f"server {server}"


def unanswered(connection: Connection, error: VeeamError, presented: str | None) -> CheckResult:
    """Explain why the first question, asked without a login, was not answered."""
    if isinstance(error, TlsFailed):
        detail, advice = _certificate_problem(connection, error, error.presented or presented)
        return CheckResult(server_part(connection.name), "certificate", CheckStatus.PROBLEM, detail, advice)
    subject = "API revision" if isinstance(error, errors.RevisionUnsupported) else "address"
    detail, advice = _trouble(connection, error)
    return CheckResult(server_part(connection.name), subject, CheckStatus.PROBLEM, detail, advice)


def answers(connection: Connection) -> str:
    """Say that the server answers, and on which port where the address names none."""
    implied = "" if urlsplit(connection.url).port else f" on port {connection.port}"
    return f"{connection.url} answers{implied}."


def revision(connection: Connection, spoken: Revision | None, newest: Revision | None) -> CheckResult:
    """Say which revision is spoken and what it lacks, and judge whether the settings hold it back."""
    name, subject = server_part(connection.name), "API revision"
    if spoken is None:
        return CheckResult(
            name,
            subject,
            CheckStatus.WARNING,
            "Not known yet: the server says it to an account that is logged in.",
            "Put the login below right, then check again.",
        )
    of_product = f"{spoken.name}, of {spoken.product}"
    if connection.api_version == AUTO:
        detail = f"{of_product}: the newest that the server and the bot speak."
    elif connection.api_version == spoken.name:
        detail = f"{of_product}, as the settings say."
    else:
        detail = f"{of_product}: the bot does not know {connection.api_version}, which the settings name."
    detail = f"{detail}{_lacking(spoken)}"
    if newest is None or connection.api_version == AUTO or newest is spoken:
        return CheckResult(name, subject, CheckStatus.OK, detail)
    advice = f'Set api_version of {connection.name} to "{AUTO}".'
    return CheckResult(
        name, subject, CheckStatus.WARNING, f"{detail} The server speaks {newest.name} too.", advice
    )


def _lacking(spoken: Revision) -> str:
    """What the revision has not, by the product that brought it."""
    return "".join(
        f" It has {', '.join(f'no {each}' for each in lacks)}: {product} and newer do."
        for product, lacks in lacking_by_product(spoken).items()
    )


def _trouble(connection: Connection, error: VeeamError) -> tuple[str, str]:
    """Say what kept the server from answering, and what to do about it."""
    match error:
        case errors.NoCommonRevision():
            return (
                (
                    f"The server speaks no revision of the API from {OLDEST_API_VERSION} on. "
                    f"{_vbr_words(error)}"
                ),
                "Upgrade VBR to 12.3.1 or newer.",
            )
        case errors.RevisionUnsupported():
            asked_in = revision_facts(connection.api_version)
            return (
                f"The server does not speak revision {asked_in.name} of the API. {_vbr_words(error)}",
                f'Set api_version of {connection.name} to "{AUTO}", or upgrade to {asked_in.product}.',
            )
        case errors.ConnectFailed():
            return (
                f"No connection to {connection.url}: {error.message}.",
                (
                    f"{_port_hint(connection)}Check the address, name resolution, port and firewall from "
                    "this machine, and that the service Veeam Backup RESTful API runs on the server."
                ),
            )
        case errors.Unreachable():
            return (
                f"{connection.url} gives no answer in time.",
                (
                    f"{_port_hint(connection)}Look whether a firewall swallows packets or the server is "
                    "overloaded, then check again."
                ),
            )
        case errors.TooBusy():
            return (
                f"The server is busy ({error.status}). {_vbr_words(error)}",
                "Wait until its services have started, then check again.",
            )
        case errors.NotFoundOnServer() | errors.UnexpectedAnswer():
            return (
                f"What answers at {connection.url} is not VBR's REST API. {_vbr_words(error)}",
                (
                    "Check the port: VBR's is 9419; 9398 and 9399 are Enterprise Manager's. A proxy may be "
                    "in between."
                ),
            )
    return (
        f"The server answers with an error ({error.status}). {_vbr_words(error)}",
        "Look at the service Veeam Backup RESTful API and its log on the server, then check again.",
    )


def _port_hint(connection: Connection) -> str:
    """What to try first where the address names no port, or the one that only newer servers listen on."""
    if urlsplit(connection.url).port not in {None, 443}:
        return ""
    return f"Port {connection.port} was asked. VBR listens on 9419, from 13.1 on also on 443: write :9419. "


def certificate(connection: Connection, presented: str | None) -> CheckResult:
    """Say why the server's certificate is accepted."""
    subject, trust = "certificate", connection.trust
    if not connection.url.startswith("https://"):
        return CheckResult(
            server_part(connection.name),
            subject,
            CheckStatus.OK,
            "None is needed: the server is on this machine.",
        )
    if trust.pin is not None:
        return CheckResult(
            server_part(connection.name), subject, CheckStatus.OK, "It is the one of the fingerprint."
        )
    if not trust.verify:
        detail = "It is not verified: anyone in between can pose as the server and read the password."
        advice = f"Take verify_tls = false out and set ca_file{_or_fingerprint(presented)}."
        return CheckResult(server_part(connection.name), subject, CheckStatus.WARNING, detail, advice)
    vouching = f"the CA in {trust.ca_file}" if trust.ca_file else "a CA that this machine knows"
    return CheckResult(server_part(connection.name), subject, CheckStatus.OK, f"It is signed by {vouching}.")


def clock_skew(
    connection: Connection, ahead: timedelta, unknown_zone: str | None, unread: VeeamError | None
) -> CheckResult:
    """Judge how far the server's clock is ahead of ours; behind where it is negative.

    Where it is `unread`, that is by the date of the server's answers.
    """
    off = skew(ahead, "this machine's")
    status, detail, advice = CheckStatus.OK, "It agrees with this machine's.", ""
    if off is not None:
        status = CheckStatus.WARNING
        detail = f"It is {off}: times in messages are wrong by that."
        advice = "Have both machines set their clocks by a time server."
    if unknown_zone:
        detail = (
            f'{detail} Its time zone "{unknown_zone}" is not known by that name: '
            "where clocks change with the seasons, some times from before the last change are an hour off."
        )
    if unread is not None:
        status = CheckStatus.WARNING
        detail = f"VBR doesn't say its time ({unread.kind}). By the date of its answers: {detail}"
        advice = f"{advice} Look at the service Veeam Backup RESTful API and its log on the server.".lstrip()
    if isinstance(unread, errors.LoginRefused):
        advice = "Put the login below right, then check again."
    return CheckResult(server_part(connection.name), "clock", status, detail, advice)


def logged_in(login: Login, access: AccessLevel, info: ServerInfo | None) -> CheckResult:
    """Judge what an account that logged in may do, against what it is for."""
    name = server_part(login.connection.name)
    if access is AccessLevel.NOTHING:
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
    detail = f"{_LOGS_IN[access]}{build}"
    status, remark, advice = _against_purpose(login, _assumed_level(login, access))
    if status is CheckStatus.OK and login.judges_server and access is not AccessLevel.ADMINISTRATOR:
        status = CheckStatus.WARNING
        remark = f"{remark} It may not read the licence and the configuration backup: they are not judged."
        advice = (
            f"Give it the role Veeam Backup Administrator in {_USERS_AND_ROLES}, or take licence_days and "
            "config_backup_days out of [[expectations]]."
        )
    return CheckResult(name, login.subject, status, f"{detail}{remark}", advice)


def login_refused(login: Login, error: errors.LoginRefused) -> CheckResult:
    """Explain a refused login. VBR says the same for several reasons."""
    name, detail = server_part(login.connection.name), f"VBR refuses the login. {_vbr_words(error)}"
    if error.locked_until is not None:
        advice = (
            f"Let nothing log in with it before {error.locked_until:%H:%M} UTC: each attempt restarts the "
            f"lock. Then correct the password ({login.password_at}) and check again."
        )
    else:
        advice = (
            f"Correct user name and password ({login.password_at}). VBR says the same of an account with "
            "multi-factor authentication: mark it as a service account. One try was made; a few failures "
            "lock the account."
        )
    return CheckResult(name, login.subject, CheckStatus.PROBLEM, detail, advice)


def login_unproven(login: Login, error: VeeamError) -> CheckResult:
    """Explain an account that could not be checked to the end."""
    detail, advice = _trouble(login.connection, error)
    return CheckResult(server_part(login.connection.name), login.subject, CheckStatus.PROBLEM, detail, advice)


def logins_untried(connection: Connection) -> CheckResult:
    """Say that no password was sent."""
    return CheckResult(
        server_part(connection.name),
        "logins",
        CheckStatus.WARNING,
        "Not tried: no password is sent before the server answers as it should.",
        "Put the row above right, then check again.",
    )


def _certificate_problem(connection: Connection, error: TlsFailed, presented: str | None) -> tuple[str, str]:
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
                f"This machine doesn't trust the authority that signed it ({error.message}).",
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


def _against_purpose(login: Login, access: AccessLevel) -> tuple[CheckStatus, str, str]:
    if login.made_for is not None:
        return _against_role(login.made_for, access)
    if access >= max((_NEEDED[role] for role in login.roles), default=AccessLevel.READER):
        return CheckStatus.OK, "", ""
    remark = f" VBR will refuse {_LOST[access]}, which some grants allow."
    return CheckStatus.WARNING, remark, f"Give it a higher role in {_USERS_AND_ROLES}, or grant less."


def _assumed_level(login: Login, access: AccessLevel) -> AccessLevel:
    """What is unknown counts as enough."""
    if access is not AccessLevel.UNKNOWN:
        return access
    wanted = AccessLevel.OPERATOR if login.made_for is None else _OWN[login.made_for]
    return min(wanted, AccessLevel.OPERATOR)


def _against_role(role: Role, access: AccessLevel) -> tuple[CheckStatus, str, str]:
    advice = f"Give it exactly this role in {_USERS_AND_ROLES}."
    if access < _OWN[role]:
        return CheckStatus.PROBLEM, f" That is less than {role.value}, which it is for.", advice
    if access > _OWN[role]:
        return (
            CheckStatus.WARNING,
            f" That is more than {role.value}, which it is for: VBR enforces nothing.",
            advice,
        )
    return CheckStatus.OK, "", ""


def _or_fingerprint(presented: str | None, instead: str = "") -> str:
    if presented is None:
        return ", or fingerprint to the certificate's SHA-256"
    place = f" {instead}" if instead else ""
    return f"; or, once it was compared on the server itself, set{place} fingerprint to {presented}"


def _vbr_words(error: VeeamError) -> str:
    return f"It says: {error.message.rstrip('.')}." if error.message else "It does not say why."
