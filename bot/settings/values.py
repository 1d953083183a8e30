"""The values that settings have: identifiers, closed lists of choices, and the rule that each value keeps.

A choice is compared without letter case; its members are spelt as they are printed. Only `ValueError`s with
whole sentences leave the rules; the texts never repeat a value that may be a secret.
"""

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from types import MappingProxyType
from typing import Annotated, Any, NewType, TypeVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)

from bot.settings.characters import without_invisible
from bot.settings.globs import LONGEST_GLOB
from bot.settings.problems import nearest_word, quoted

Word = TypeVar("Word", bound=StrEnum)

ServerName = NewType("ServerName", str)
ApiVersion = NewType("ApiVersion", str)
"""`AUTO`, or the `x-api-version` of a revision of VBR's REST API, such as `1.3-rev2`."""
ChannelId = NewType("ChannelId", str)
GroupReference = NewType("GroupReference", str)
"""A user group as the settings name it: its ID or its "@handle"."""
PersonId = NewType("PersonId", str)
MentionId = NewType("MentionId", str)
"""A person's or a user group's ID, or a user group's "@handle"."""


class Role(StrEnum):
    """Veeam's own roles, as VBR's "Users and Roles" prints them."""

    BACKUP_ADMINISTRATOR = "Veeam Backup Administrator"
    BACKUP_OPERATOR = "Veeam Backup Operator"
    RESTORE_OPERATOR = "Veeam Restore Operator"
    BACKUP_VIEWER = "Veeam Backup Viewer"
    TAPE_OPERATOR = "Veeam Tape Operator"
    SECURITY_ADMINISTRATOR = "Veeam Security Administrator"

    @property
    def short(self) -> str:
        """The role without "Veeam", as VBR 13.1 and later print it."""
        return self.value.removeprefix("Veeam ")


class RouteResult(StrEnum):
    """The results of a session that a route can ask for; equal to VBR's words."""

    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"


class Threads(StrEnum):
    """How a completion is posted: in a thread, its failures also in the channel, or without a thread."""

    THREAD = "thread"
    BROADCAST = "broadcast"
    FLAT = "flat"


class DigestDay(StrEnum):
    """A day of the week; `list(DigestDay).index(day)` is what `date.weekday()` answers."""

    MONDAY = "Mon"
    TUESDAY = "Tue"
    WEDNESDAY = "Wed"
    THURSDAY = "Thu"
    FRIDAY = "Fri"
    SATURDAY = "Sat"
    SUNDAY = "Sun"


class ApprovableOperation(StrEnum):
    """What can be made to wait for a second person: each operation that changes VBR, and a class of them."""

    START = "start"
    STOP = "stop"
    RETRY = "retry"
    QUICKBACKUP = "quickbackup"
    APPLY = "apply"
    CLEARCACHE = "clearcache"
    CREATE = "create"
    EDIT = "edit"
    CLONE = "clone"
    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"
    REDUCES_PROTECTION = "reduces_protection"
    """A class of them: disable, delete, and an edit that takes protection away."""


class Preset(StrEnum):
    """Sets of expectations by name."""

    STANDARD = "standard"


STANDARD: Mapping[str, float] = MappingProxyType(
    {
        "success_within_hours": 26,
        "start_within_minutes": 60,
        "longer_than_usual": 3,
        "unusual_size": 10,
        "disabled_longer_than_hours": 24,
        "repository_free_percent": 10,
        "licence_days": 30,
        "config_backup_days": 7,
    }
)
"""What `preset = "standard"` expects, by the settings' keys."""


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks: one JSON object, or coloured text for a person at a terminal."""

    JSON = "json"
    CONSOLE = "console"


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Glob = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_GLOB)]

AUTO = ApiVersion("auto")
"""The newest revision of the API that the server and the bot both speak."""
OLDEST_API_VERSION = ApiVersion("1.2-rev1")

VBR_PORTS = "VBR listens on 9419; 443 from 13.1"

_MASK = "**********"

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_PERSON = re.compile(r"[UW][A-Z0-9]{2,}")
_HANDLE = re.compile(r"@[^\s@]{1,80}")
_MENTION = re.compile(rf"[SUW][A-Z0-9]{{2,}}|{_HANDLE.pattern}")
_SERVER_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_CAUSE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COMMAND = re.compile(r"/[^\s/A-Z]{1,31}")
_API_VERSION = re.compile(r"v?(\d{1,3})\.(\d{1,3})-rev(\d{1,3})")
_LETTERS_OF_PATTERN = 4
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


def _choice(words: type[Word], also: Mapping[str, Word] | None = None) -> Callable[[Any], Any]:
    spellings = {word.value.casefold(): word for word in words} | dict(also or {})

    def chosen(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be one of: {', '.join(words)}")  # noqa: TRY004 -- pydantic collects ValueErrors
        found = spellings.get(" ".join(value.casefold().split()))
        if found is None:
            meant = nearest_word(" ".join(value.split()), spellings)
            hint = f"; did you mean {spellings[meant].value!r}?" if meant else ""
            raise ValueError(f"{quoted(value)} is not one of: {', '.join(words)}{hint}")
        return found

    return chosen


def _must_match(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    def checked(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(rule)
        return value

    return AfterValidator(checked)


def _channel_id(value: str) -> str:
    if _CHANNEL.fullmatch(value):
        return value
    if value.startswith("#"):
        raise ValueError(
            "must be the channel's ID, not its name: in Slack open the channel's details, "
            "the ID (C…) stands at the bottom of About"
        )
    if _PERSON.fullmatch(value):
        raise ValueError("is a person's ID; a channel's ID starts with C, G or D")
    if _CHANNEL.fullmatch(value.upper()):
        raise ValueError(f"is written in lower case; the channel's ID is {value.upper()}")
    raise ValueError("must be a channel's ID: C, G or D, then capital letters and digits")


def _group_reference(value: str) -> str:
    if _GROUP.fullmatch(value) or _HANDLE.fullmatch(value):
        return value
    if _PERSON.fullmatch(value):
        raise ValueError("is a person's ID; write it as user = …")
    raise ValueError('must be a user group\'s ID (S, then capital letters and digits) or its "@handle"')


def _person_id(value: str) -> str:
    if _PERSON.fullmatch(value):
        return value
    if _GROUP.fullmatch(value):
        raise ValueError("is a user group's ID; write it as group = …")
    hint = "; a person's name does not say who it is" if value.startswith("@") else ""
    raise ValueError(f"must be a person's ID: U or W, then capital letters and digits{hint}")


def _fingerprint(value: str) -> str:
    digits = re.sub(r"[\s:-]", "", without_invisible(value)).lower().removeprefix("sha256fingerprint=")
    if re.fullmatch(r"[0-9a-f]{64}", digits):
        return digits
    if re.fullmatch(r"[0-9a-f]{40}", digits):
        raise ValueError("is a SHA-1 thumbprint; the SHA-256 of the certificate is needed (64 hex digits)")
    raise ValueError("must be the certificate's SHA-256: 64 hex digits, colons allowed")


def _is_loopback(host: str) -> bool:
    """Plain HTTP to it stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _host(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        if not _HOST_NAME.fullmatch(value):
            text = (
                "must be an address or a name of this machine, without a port, such as 127.0.0.1 or 0.0.0.0"
            )
            raise ValueError(text) from None
    return value


def _web_address(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 -- raises where the port is not a number in range
    except ValueError:
        raise ValueError("is not a valid URL") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("must be a URL that starts with https://")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("must start with https:// (http:// is for this machine only)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or a fragment")
    return parts


def _server_url(value: str) -> str:
    if "://" not in value or value.casefold().startswith("http://"):
        host = _host_in(value)
        try:
            _web_address(value)
        except ValueError as problem:
            raise ValueError(f"{problem}, such as https://{host}:9419: {VBR_PORTS}") from None
    parts = _web_address(value)
    if parts.path.rstrip("/").endswith(("/api", "/api/v1")):
        raise ValueError("must be the server's address alone, such as https://vbr01.example.com:9419")
    return value.rstrip("/")


def _host_in(value: str) -> str:
    """The host that an address without https:// most likely names; an example where it may hold a secret."""
    host = re.match(r"[\w.-]{1,253}(?=[:/]|$)", re.sub(r"(?i)^https?[:/]+", "", value), re.ASCII)
    return host[0] if host and "@" not in value else "vbr01.example.com"


def _slack_api_url(value: str) -> str:
    _web_address(value)
    return f"{value.rstrip('/')}/"


def _api_version(value: str) -> str:
    text = value.casefold()
    if text == AUTO:
        return text
    if not (found := _API_VERSION.fullmatch(text)):
        raise ValueError(f'must be "{AUTO}" or a revision such as "1.3-rev2"')
    major, minor, revision = map(int, found.groups())
    if (major, minor, revision) < (1, 2, 1):
        raise ValueError(
            f"is older than {OLDEST_API_VERSION}, the oldest revision that the bot speaks: "
            f'upgrade VBR to 12.3.1 or newer and set "{AUTO}"'
        )
    return f"{major}.{minor}-rev{revision}"


def _cause_pattern(value: str) -> str:
    if sum(map(str.isalnum, value)) < _LETTERS_OF_PATTERN:
        raise ValueError(
            f"must have at least {_LETTERS_OF_PATTERN} letters or digits, or it fits nearly every line"
        )
    return value


def _time_of_day(value: Any) -> Any:
    if isinstance(value, dt.time):
        return value
    if not isinstance(value, str) or not _TIME_OF_DAY.fullmatch(value.strip()):
        raise ValueError('must be a time of day such as "08:00"')
    return dt.time.fromisoformat(value.strip().zfill(5))


def _time_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        meant = nearest_word(value, zoneinfo.available_timezones())
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise ValueError(f'must be a time zone such as "Europe/Berlin"{hint}') from None
    return value


def _token(prefix: str, variable: str, others: Mapping[str, str]) -> Callable[[SecretStr], SecretStr]:
    def checked(value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        for start, remark in others.items():
            if token.startswith(start):
                raise ValueError(f"{variable} must start with {prefix}; this is {remark}")
        if not token.startswith(prefix):
            raise ValueError(f"must start with {prefix}")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("contains blanks or characters that no token has")
        return value

    return checked


def _signing_secret(value: SecretStr) -> SecretStr:
    if value.get_secret_value().startswith(("xoxb-", "xapp-", "xoxp-")):
        raise ValueError("is a token; the signing secret stands under Basic Information, App Credentials")
    return value


_USER_TOKEN = {"xoxp-": "a person's token", "xoxe": "a configuration or refresh token"}
_bot_token = _token(
    "xoxb-", "the bot token", {"xapp-": "an app-level token: swapped with SLACK_APP_TOKEN?", **_USER_TOKEN}
)
_app_token = _token(
    "xapp-", "the app-level token", {"xoxb-": "a bot token: swapped with SLACK_BOT_TOKEN?", **_USER_TOKEN}
)


def _database_url(value: SecretStr) -> SecretStr:
    scheme, separator, rest = value.get_secret_value().partition("://")
    family = scheme.partition("+")[0].casefold()
    if not separator or family not in {"sqlite", "postgres", "postgresql"}:
        raise ValueError("must start with sqlite:///, postgres:// or postgresql://")
    if family == "sqlite" and rest and not rest.startswith("/"):
        raise ValueError("needs three slashes before a relative path: sqlite:///veeam-bot.db")
    if family != "sqlite" and not rest:
        raise ValueError("names no database: postgresql://USER:PASSWORD@HOST/DATABASE")
    return value


def database_passwords(url: SecretStr) -> list[SecretStr]:
    """The password in a database's URL, as it is written there and as it is meant, if there is one."""
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        return [url]
    asked = parse_qs(parts.query, keep_blank_values=False).get("password", [])
    written = [word for word in (parts.password, *asked) if word]
    return [SecretStr(word) for word in dict.fromkeys([*written, *map(unquote, written)])]


def masked_database_url(url: SecretStr) -> str:
    """A database's URL whose password, before the host or in the query, is masked."""
    text = url.get_secret_value()
    text = re.sub(r"(?<=://)([^:@/?#]*):.*@", rf"\1:{_MASK}@", text)
    return re.sub(r"(?i)([?&][^=&]*(?:password|passwd|secret|sslkey)[^=&]*=)[^&]*", rf"\1{_MASK}", text)


_SHORT_ROLES = {role.short.casefold(): role for role in Role}
_LONG_DAYS = dict(
    zip(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), DigestDay, strict=True
    )
)
_OTHER_LEVELS = {"warn": LogLevel.WARNING, "critical": LogLevel.ERROR}

ValidApiVersion = Annotated[
    ApiVersion,
    StringConstraints(strip_whitespace=True),
    AfterValidator(_api_version),
    WithJsonSchema({"type": "string", "pattern": rf"^(?:{AUTO}|{_API_VERSION.pattern})$"}),
]
ValidRole = Annotated[Role, BeforeValidator(_choice(Role, _SHORT_ROLES))]
ValidRouteResult = Annotated[RouteResult, BeforeValidator(_choice(RouteResult))]
ValidThreads = Annotated[Threads, BeforeValidator(_choice(Threads))]
ValidPreset = Annotated[Preset, BeforeValidator(_choice(Preset))]
ValidDigestDay = Annotated[DigestDay, BeforeValidator(_choice(DigestDay, _LONG_DAYS))]
ValidApprovable = Annotated[ApprovableOperation, BeforeValidator(_choice(ApprovableOperation))]
ValidLogLevel = Annotated[LogLevel, BeforeValidator(_choice(LogLevel, _OTHER_LEVELS))]
ValidLogFormat = Annotated[LogFormat, BeforeValidator(_choice(LogFormat))]

ValidChannel = Annotated[ChannelId, StringConstraints(strip_whitespace=True), AfterValidator(_channel_id)]
ValidGroup = Annotated[
    GroupReference, StringConstraints(strip_whitespace=True), AfterValidator(_group_reference)
]
ValidPerson = Annotated[PersonId, StringConstraints(strip_whitespace=True), AfterValidator(_person_id)]
ValidMention = Annotated[
    MentionId,
    StringConstraints(strip_whitespace=True),
    _must_match(
        _MENTION,
        'must be the ID of a user group (S…) or of a person (U… or W…), or a user group\'s "@handle"',
    ),
]
ValidServerName = Annotated[
    ServerName,
    StringConstraints(strip_whitespace=True),
    _must_match(_SERVER_NAME, "must be 1 to 40 letters, digits, - or _"),
]
ValidCommand = Annotated[
    Text,
    _must_match(
        _COMMAND, 'must start with "/", followed by at most 31 characters without blanks or capitals'
    ),
]
ValidCauseName = Annotated[
    Text, _must_match(_CAUSE_NAME, "must be 1 to 40 lower-case letters, digits and _, a letter first")
]
ValidCausePattern = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_cause_pattern),
]
CauseText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
ValidFingerprint = Annotated[Text, AfterValidator(_fingerprint)]
ValidServerUrl = Annotated[Text, AfterValidator(_server_url)]
ValidHost = Annotated[Text, AfterValidator(_host)]
ValidSlackApiUrl = Annotated[Text, AfterValidator(_slack_api_url)]
ValidTimeOfDay = Annotated[
    dt.time,
    BeforeValidator(_time_of_day),
    PlainSerializer(lambda at: at.strftime("%H:%M"), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIME_OF_DAY.pattern}$"}),
]
ValidTimeZone = Annotated[Text, AfterValidator(_time_zone)]
ValidBotToken = Annotated[SecretStr, AfterValidator(_bot_token)]
ValidAppToken = Annotated[SecretStr, AfterValidator(_app_token)]
ValidSigningSecret = Annotated[SecretStr, AfterValidator(_signing_secret)]
ValidDatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
