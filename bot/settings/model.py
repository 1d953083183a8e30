"""Every setting, typed and frozen, with its default and its meaning; docs and schema are made from it.

Knows nothing of where values come from: `bot.settings.sources` reads them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    SecretStr,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings import values
from bot.settings.problems import Location, SettingOrigin, SettingOrigins, SettingsProblem


@dataclass(frozen=True)
class Variable:
    """Marks a field as set by an environment variable; a secret one by nothing else."""

    name: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), "x-environment-variable": self.name}


class Section(BaseModel):
    """A table of the settings: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ServerGlobs = Annotated[
    tuple[values.Glob, ...],
    Field(min_length=1, description="Names of servers, or globs; letter case is ignored."),
]
JobGlobs = Annotated[
    tuple[values.Glob, ...], Field(min_length=1, description="Globs of job names; letter case is ignored.")
]


class SlackSettings(Section):
    """The workspace, and how the bot is reached there."""

    command: values.ValidCommand = Field(
        default="/veeam", description="The slash command, as in the app's manifest."
    )
    default_channel: values.ValidChannel | None = Field(
        default=None, description="ID of the channel for the failures and warnings that no route claims."
    )
    audit_channel: values.ValidChannel | None = Field(
        default=None, description="ID of a channel where every action is posted, too."
    )
    allowed_channels: tuple[values.ValidChannel, ...] = Field(
        default=(),
        description="IDs of the only channels the command works in; empty: it works everywhere, and does and "
        "shares nothing where another organisation reads along.",
    )
    bot_token: Annotated[values.ValidBotToken, Variable("SLACK_BOT_TOKEN")] = Field(
        description="The bot token, xoxb-…, from the app's page, Install App."
    )
    app_token: Annotated[values.ValidAppToken | None, Variable("SLACK_APP_TOKEN")] = Field(
        default=None,
        description="The app-level token, xapp-…, with `connections:write`; set: Socket Mode is used.",
    )
    signing_secret: Annotated[values.ValidSigningSecret | None, Variable("SLACK_SIGNING_SECRET")] = Field(
        default=None,
        description="Proves that a request is Slack's. Needed in HTTP mode, without an app token.",
    )
    api_url: Annotated[values.ValidSlackApiUrl, Variable("SLACK_API_URL")] = Field(
        default="https://slack.com/api/", description="Address of Slack's Web API."
    )

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached over Socket Mode; otherwise it calls this bot's HTTP endpoint."""
        return self.app_token is not None


class AccountSettings(Section):
    """A VBR account that acts for people of one role, so that VBR enforces the role as well."""

    role: values.ValidRole = Field(description="The role whose people act under this account.")
    username: values.Text = Field(
        description="The account's name in VBR, `DOMAIN\\user` where it is a domain's."
    )
    password: Annotated[SecretStr, Variable("VEEAM_PASSWORD_<NAME>_<ROLE>")] = Field(
        description="The account's password."
    )


class ServerSettings(Section):
    """One VBR installation, and the account that reads it."""

    name: values.ValidServerName = Field(
        description="What people call it: letters, digits, - and _, at most 40."
    )
    url: Annotated[values.ValidServerUrl, Variable("VEEAM_URL")] = Field(
        description="Its address, such as `https://vbr01.example.com:9419`."
    )
    username: Annotated[values.Text, Variable("VEEAM_USERNAME")] = Field(
        description="An account of VBR without multi-factor authentication."
    )
    password: Annotated[SecretStr, Variable("VEEAM_PASSWORD_<NAME>")] = Field(
        description="The account's password."
    )
    api_version: Annotated[values.ValidApiVersion, Variable("VEEAM_API_VERSION")] = Field(
        default=values.AUTO,
        description="The revision of VBR's REST API to speak, such as `1.3-rev2`. `auto`: the newest that "
        "the server and the bot both speak.",
    )
    ca_file: Annotated[Path | None, Variable("VEEAM_CA_FILE")] = Field(
        default=None,
        description="PEM file of the authority behind the server's certificate, or of that certificate.",
    )
    fingerprint: Annotated[values.ValidFingerprint | None, Variable("VEEAM_FINGERPRINT")] = Field(
        default=None, description="SHA-256 of the server's own certificate, in hex; colons are allowed."
    )
    verify_tls: Annotated[bool, Variable("VEEAM_VERIFY_TLS")] = Field(
        default=True, description="false: any certificate is accepted, with a warning at every start."
    )
    accounts: tuple[AccountSettings, ...] = Field(
        default=(), description="Accounts to act under, by the role of the person who asks."
    )

    @model_validator(mode="after")
    def _trust_is_clear(self) -> Self:
        if self.ca_file is not None and self.fingerprint is not None:
            raise ValueError("ca_file and fingerprint exclude each other: keep one")
        if not self.verify_tls and (self.ca_file is not None or self.fingerprint is not None):
            kept = "ca_file" if self.ca_file is not None else "fingerprint"
            raise ValueError(f"verify_tls = false would ignore {kept}: keep one of the two")
        return self

    @model_validator(mode="after")
    def _one_account_a_role(self) -> Self:
        roles = [account.role for account in self.accounts]
        if doubled := next((role for role in roles if roles.count(role) > 1), None):
            raise ValueError(f"has two accounts for the role {doubled.value!r}")
        return self


class GrantSettings(Section):
    """Who holds which of Veeam's roles, where, and over which jobs; several grants add up."""

    group: values.ValidGroup | None = Field(default=None, description="A user group's ID, or its `@handle`.")
    user: values.ValidPerson | None = Field(default=None, description="Instead of a group: one person's ID.")
    role: values.ValidRole = Field(
        description="Veeam's role; letter case and the word Veeam may be left out."
    )
    servers: ServerGlobs = ("*",)
    jobs: JobGlobs = ("*",)

    @model_validator(mode="after")
    def _one_holder(self) -> Self:
        if self.group is None and self.user is None:
            raise ValueError("names nobody: give a group or a user")
        if self.group is not None and self.user is not None:
            raise ValueError("names a group and a user: make two grants of it")
        return self


class RouteSettings(Section):
    """Which finished runs are posted to a channel; every matching route gets a message."""

    channel: values.ValidChannel = Field(description="ID of the channel.")
    servers: ServerGlobs = ("*",)
    jobs: JobGlobs = ("*",)
    types: tuple[values.Text, ...] = Field(
        default=(), description="Session or job types; empty: all job runs."
    )
    results: tuple[values.ValidRouteResult, ...] = Field(
        default=(values.RouteResult.FAILED, values.RouteResult.WARNING),
        min_length=1,
        description="Results to announce: any of Success, Warning, Failed.",
    )
    mention: values.ValidMention | None = Field(
        default=None,
        description="User group (its ID or `@handle`) or person (ID) named when the last attempt has failed.",
    )
    threads: values.ValidThreads = Field(
        default=values.Threads.THREAD,
        description="`thread`; `broadcast`: failures are also shown in the channel; `flat`: no threads.",
    )
    own_actions: bool = Field(
        default=True, description="false: silent about runs that were started from this channel."
    )
    failures_in_a_row: int = Field(
        default=1,
        ge=1,
        le=10,
        description="2 or more: posts only once this many runs of the job failed in a row. "
        "Warnings and successes are then not posted, and end the row.",
    )


class StormSettings(Section):
    """Many failures of one channel become one message, with their causes inside."""

    at_least: int = Field(
        default=5,
        ge=0,
        le=1000,
        description="So many failures within the window make one message of those that follow and of those "
        "found together. 0: off.",
    )
    within_seconds: float = Field(
        default=60, ge=1, le=3600, description="The window: seconds in which these failures are noticed."
    )


class ExpectationSettings(Section):
    """What must happen, so that what did not is noticed; of several, the first that names a kind judges it.

    `jobs` narrows what is said of jobs; repositories, licence and configuration backup are the servers'.
    """

    servers: ServerGlobs = ("*",)
    jobs: JobGlobs = ("*",)
    preset: values.ValidPreset | None = Field(
        default=None,
        description="`standard`: each key below that is not given, up to `config_backup_days`, as most teams "
        "want it: " + ", ".join(f"`{key} = {value:g}`" for key, value in values.STANDARD.items()) + ".",
    )
    success_within_hours: float | None = Field(
        default=None,
        gt=0,
        le=8760,
        description="Hours within which each of the jobs must end with Success or Warning. By the preset "
        "only jobs whose run was due.",
    )
    start_within_minutes: float | None = Field(
        default=None,
        gt=0,
        le=10080,
        description="Minutes after its scheduled time by which a job must start.",
    )
    longer_than_usual: float | None = Field(
        default=None,
        gt=1,
        le=1000,
        description="A run must not take so many times as long as the job's median.",
    )
    unusual_size: float | None = Field(
        default=None,
        gt=1,
        le=1000000,
        description="A run that ends with Success must not have so many times its usual data, nor that part "
        "of it, nor none. Less than 256 MB more or less is not unusual.",
    )
    disabled_longer_than_hours: float | None = Field(
        default=None,
        gt=0,
        le=8760,
        description="Hours that a job may be disabled, from when the bot saw it so.",
    )
    repository_free_percent: float | None = Field(
        default=None,
        gt=0,
        lt=100,
        description="Percent that must be free in each repository; nor may it be full within two weeks.",
    )
    licence_days: float | None = Field(
        default=None, gt=0, le=3650, description="Days that the licence must still be valid."
    )
    config_backup_days: float | None = Field(
        default=None, gt=0, le=3650, description="Days that the last configuration backup may be old."
    )
    channel: values.ValidChannel = Field(description="ID of the channel to post to.")
    mention: values.ValidMention | None = Field(
        default=None, description="User group (its ID or `@handle`) or person (ID) to mention."
    )

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if not any(self.limit(key) for key in values.STANDARD):
            raise ValueError('expects nothing: give one of its limits, or preset = "standard"')
        return self

    def limit(self, key: str) -> float | None:
        """What is given for a key, else what the preset says; None: not expected."""
        given: float | None = getattr(self, key)
        return given if given is not None or self.preset is None else values.STANDARD[key]


class DigestSettings(Section):
    """One message at a set hour: newly failing, fixed, still failing, never ran."""

    channel: values.ValidChannel = Field(description="ID of the channel.")
    at: values.ValidTimeOfDay = Field(description='Time of day there, such as "08:00".')
    timezone: values.ValidTimeZone = Field(default="UTC", description='IANA name, such as "Europe/Berlin".')
    days: tuple[values.ValidDigestDay, ...] = Field(
        default=tuple(values.DigestDay),
        min_length=1,
        description="Days on which it comes; default every day.",
    )
    picture: bool = Field(
        default=False,
        description="Show the last fourteen days as a picture, not as squares; needs the extra `pictures` "
        "and the scope `files:write`.",
    )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that `at` and `days` are meant in."""
        return ZoneInfo(self.timezone)


class PollingSettings(Section):
    """How often VBR is asked what has ended."""

    interval_seconds: float = Field(default=20, gt=0, description="Seconds between two polls of a server.")
    backfill_hours: float = Field(
        default=24, ge=0, description="How far back a first start or a long outage is caught up."
    )


class ReminderSettings(Section):
    """What is said again of what still fails, or is not as expected, and that nobody has acknowledged."""

    unacknowledged_after_hours: float = Field(
        default=0,
        ge=0,
        le=336,
        description="Hours after which a failed run or an unmet expectation that nobody has acknowledged is "
        "brought up again in its thread, at most once a day. 0: never.",
    )


class ApprovalSettings(Section):
    """Four eyes: operations that wait for a second person who is allowed to do them."""

    operations: tuple[values.ValidApprovable, ...] = Field(
        default=(),
        description="Operations that wait. `reduces_protection` covers disable, delete, and an edit that "
        "removes objects, keeps backups for a shorter time or less safely, or stops the schedule.",
    )
    expire_minutes: float = Field(default=30, gt=0, description="Minutes after which a request lapses.")
    burst: int = Field(
        default=5,
        ge=0,
        description="After so many changes that reduce protection by one person within `burst_minutes`, the "
        "next one waits too. 0: off.",
    )
    burst_minutes: float = Field(
        default=10, gt=0, le=1440, description="The minutes in which these changes are counted."
    )
    mention: values.ValidMention | None = Field(
        default=None,
        description="User group (its ID or `@handle`) or person (ID) to notify of a request. Default: the "
        "groups that can approve it.",
    )


class CauseSettings(Section):
    """Words of failures that name a cause, beside those that the bot knows; they count before its own."""

    name: values.ValidCauseName = Field(
        description="Lower-case letters, digits and `_`; a name the bot knows adds patterns to its cause."
    )
    title: values.CauseText | None = Field(
        default=None,
        description="What people call it. Default: the known cause's title, or the name in words.",
    )
    patterns: tuple[values.ValidCausePattern, ...] = Field(
        min_length=1,
        max_length=20,
        description="Words that stand in one line of VBR's text; letter case is ignored. `*` stands for "
        "anything between, ` & ` joins words in any order.",
    )
    next_step: values.CauseText | None = Field(
        default=None, description="What to do about it, in a sentence. Default: the known cause's."
    )


class Settings(BaseSettings):
    """All settings of the bot. Made by `load_settings`; nothing is read behind its back."""

    # Without `case_sensitive`, pydantic-settings takes `Port` in the file for `port`, but not `[Slack]`.
    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, title="veeam-bot", case_sensitive=True
    )

    slack: SlackSettings
    servers: tuple[ServerSettings, ...] = ()
    grants: tuple[GrantSettings, ...] = ()
    routes: tuple[RouteSettings, ...] = ()
    storms: StormSettings = StormSettings()
    expectations: tuple[ExpectationSettings, ...] = ()
    digests: tuple[DigestSettings, ...] = ()
    reminders: ReminderSettings = ReminderSettings()
    causes: tuple[CauseSettings, ...] = Field(default=(), max_length=50)
    polling: PollingSettings = PollingSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    database_url: Annotated[values.ValidDatabaseUrl, Variable("DATABASE_URL")] = Field(
        default=SecretStr("sqlite:///veeam-bot.db"),
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE` (`postgres://` too).",
    )
    port: Annotated[int, Variable("PORT")] = Field(
        default=3000, ge=0, le=65535, description="Port of the HTTP endpoints; 0: any free one."
    )
    host: Annotated[values.ValidHost | None, Variable("HOST")] = Field(
        default=None,
        description="Address the HTTP endpoints listen on. Default: `127.0.0.1` in Socket Mode, `0.0.0.0` in "
        "HTTP mode.",
    )
    log_level: Annotated[values.ValidLogLevel, Variable("LOG_LEVEL")] = Field(
        default=values.LogLevel.INFO, description="`debug`, `info`, `warning` or `error`."
    )
    log_format: Annotated[values.ValidLogFormat | None, Variable("LOG_FORMAT")] = Field(
        default=None,
        description="`json`: one object a line; `console`: for people. Default: `console` on a terminal, "
        "else `json`.",
    )

    _origins: SettingOrigins = PrivateAttr(default_factory=SettingOrigins)
    _cautions: tuple[SettingsProblem, ...] = PrivateAttr(default=())

    def __init__(self, *sources: PydanticBaseSettingsSource) -> None:
        """Read the settings from these sources, the first wins; `bot.settings.sources` has them."""
        super().__init__(sources=sources)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- pydantic-settings calls it by these names
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources that `Settings` was given, and none of pydantic-settings' own choice.

        They are made before and not here: `load_settings` asks them where a value came from, also where the
        values are wrong and no `Settings` comes of them.
        """
        sources: tuple[PydanticBaseSettingsSource, ...] = init_settings()["sources"]
        return sources

    @property
    def cautions(self) -> tuple[SettingsProblem, ...]:
        """What is allowed, and yet most likely not meant."""
        return self._cautions

    def origin(self, *location: str | int) -> SettingOrigin:
        """Where a value came from: `settings.origin("routes", 1, "channel")`."""
        at: Location = location
        return self._origins.of(at)

    def remember(self, origins: SettingOrigins, cautions: Iterable[SettingsProblem]) -> None:
        """Keep where the values came from and what to warn about; whoever read them says it once."""
        self._origins = origins
        self._cautions = tuple(cautions)

    @property
    def host_to_listen_on(self) -> str:
        """The address of the HTTP endpoints: only Slack's requests need one that others reach."""
        return self.host or ("127.0.0.1" if self.slack.socket_mode else "0.0.0.0")  # noqa: S104 -- as documented

    def secrets(self) -> tuple[SecretStr, ...]:
        """Every secret value, for the log's redaction; the password inside the database's URL is one."""
        found = [self.slack.bot_token, self.slack.app_token, self.slack.signing_secret]
        for server in self.servers:
            found += [server.password, *(account.password for account in server.accounts)]
        found += values.database_passwords(self.database_url)
        return tuple(secret for secret in found if secret is not None)

    def masked(self) -> dict[str, Any]:
        """The settings in force as plain data, secrets masked, also the password in the database's URL."""
        shown = self.model_dump(mode="json")
        shown["host"] = self.host_to_listen_on
        shown["database_url"] = values.masked_database_url(self.database_url)
        return shown
