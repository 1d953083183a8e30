"""Where values come from, and which one wins."""

import datetime as dt
import sys
from pathlib import Path

import pytest

from bot.settings import (
    AccountSettings,
    DigestDay,
    Role,
    RouteResult,
    SettingOrigin,
    SettingsProblem,
    Threads,
    load_settings,
)
from tests.support.settings_files import ENVIRONMENT, SERVER, SLACK, WITH_FILE, problems, read

EVERYTHING = """
port = 8000
log_level = "debug"
[slack]
command = "/backup"
default_channel = "C0BACKUPS"
audit_channel = "C0AUDIT"
allowed_channels = ["C0BACKUPS", "G0OLD"]
[[servers]]
name = "hq"
url = "https://vbr01.example.com:9419/"
username = 'EXAMPLE\\svc-slack'
api_version = "1.3-rev1"
fingerprint = "ABCDEF01:23456789:ABCDEF01:23456789:ABCDEF01:23456789:ABCDEF01:23456789"
[[servers.accounts]]
role = "Veeam Backup Operator"
username = "svc-slack-operator"
[[grants]]
group = "@backup-admins"
role = "veeam backup administrator"
[[grants]]
user = "W0ADA"
role = "tape operator"
servers = ["H*"]
jobs = ["SQL*"]
[[routes]]
channel = "C0PROD"
servers = ["HQ"]
results = ["success", "FAILED"]
mention = "S0ONCALL"
threads = "Broadcast"
own_actions = false
failures_in_a_row = 3
[[expectations]]
success_within_hours = 26
channel = "C0PROD"
[[digests]]
channel = "C0PROD"
at = "8:00"
timezone = "Europe/Berlin"
days = ["Mon", "friday"]
[polling]
interval_seconds = 5
[approvals]
operations = ["delete"]
"""
EVERY_SECRET = {
    **WITH_FILE,
    "VEEAM_PASSWORD_HQ_VEEAM_BACKUP_OPERATOR": "another-password",
    "SLACK_SIGNING_SECRET": "0123456789abcdef",
}


def test_the_environment_alone_makes_a_server_named_default(tmp_path: Path) -> None:
    """One server needs no file: VEEAM_* describe it, and all else has a default."""
    settings = read(tmp_path)
    server = settings.servers[0]
    assert (server.name, server.url) == ("default", "https://vbr01.example.com:9419")
    assert (server.username, server.api_version, server.verify_tls) == ("svc-slack", "auto", True)
    assert server.password.get_secret_value() == "made-up-password"
    assert settings.database_url.get_secret_value() == "sqlite:///veeam-bot.db"
    assert (settings.port, settings.log_level, settings.log_format) == (3000, "info", None)
    assert (settings.polling.interval_seconds, settings.polling.backfill_hours) == (20, 24)
    assert settings.slack.socket_mode


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("auto", "auto"),
        (" Auto ", "auto"),
        ("v1.3-rev0", "1.3-rev0"),
        ("V1.3-REV2", "1.3-rev2"),
        ("1.2-rev1", "1.2-rev1"),
        ("1.3-rev3", "1.3-rev3"),
        ("1.4-rev0", "1.4-rev0"),
    ],
)
def test_a_revision_may_be_newer_than_any_known(tmp_path: Path, written: str, read_as: str) -> None:
    """Servers accept older ones, so the newest known is spoken then; letter case and a `v` do no harm."""
    assert (
        read(tmp_path, environ={**ENVIRONMENT, "VEEAM_API_VERSION": written}).servers[0].api_version
        == read_as
    )


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({}, "127.0.0.1"),
        ({"HOST": " "}, "127.0.0.1"),
        ({"HOST": "0.0.0.0"}, "0.0.0.0"),  # noqa: S104 -- what is tested
        ({"HOST": "::"}, "::"),
        ({"HOST": "bot.internal"}, "bot.internal"),
        ({"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "0123456789abcdef"}, "0.0.0.0"),  # noqa: S104
        ({"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "0123456789abcdef", "HOST": "10.0.0.5"}, "10.0.0.5"),
    ],
)
def test_where_the_endpoints_listen(tmp_path: Path, environ: dict[str, str], host: str) -> None:
    """Only on this machine in Socket Mode, where nobody has to reach them; HOST says otherwise."""
    settings = read(tmp_path, environ={**ENVIRONMENT, **environ})
    assert (settings.host_to_listen_on, settings.masked()["host"]) == (host, host)


def test_the_file_says_everything_else(tmp_path: Path) -> None:
    """Every table of the file is read, words without regard to letter case, addresses in one form."""
    settings = read(tmp_path, EVERYTHING, EVERY_SECRET)
    server, (admins, ada), route = settings.servers[0], settings.grants, settings.routes[0]
    assert (settings.port, settings.slack.command, settings.log_level) == (8000, "/backup", "debug")
    assert settings.slack.allowed_channels == ("C0BACKUPS", "G0OLD")
    assert (server.url, server.username) == ("https://vbr01.example.com:9419", "EXAMPLE\\svc-slack")
    assert server.fingerprint == "abcdef0123456789" * 4
    assert [(account.role, account.username) for account in server.accounts] == [
        (Role.BACKUP_OPERATOR, "svc-slack-operator")
    ]
    assert server.accounts[0].password.get_secret_value() == "another-password"
    assert (admins.group, admins.role, admins.servers) == (
        "@backup-admins",
        Role.BACKUP_ADMINISTRATOR,
        ("*",),
    )
    assert (ada.user, ada.role, ada.jobs) == ("W0ADA", Role.TAPE_OPERATOR, ("SQL*",))
    assert route.results == (RouteResult.SUCCESS, RouteResult.FAILED)
    assert (route.threads, route.mention, route.own_actions) == (Threads.BROADCAST, "S0ONCALL", False)
    assert route.failures_in_a_row == 3
    assert (settings.digests[0].at, settings.digests[0].days) == (
        dt.time(8),
        (DigestDay.MONDAY, DigestDay.FRIDAY),
    )
    assert settings.digests[0].zone.key == "Europe/Berlin"
    assert (settings.expectations[0].success_within_hours, settings.approvals.operations) == (26, ("delete",))


def test_a_route_tells_failures_and_warnings_by_default(tmp_path: Path) -> None:
    """Without `results` a route is told Failed and Warning, in threads, own actions too."""
    route = read(tmp_path, '[[routes]]\nchannel = "C0PROD"').routes[0]
    assert (route.results, route.threads, route.own_actions, route.jobs) == (
        (RouteResult.FAILED, RouteResult.WARNING), Threads.THREAD, True, ("*",)
    )  # fmt: skip


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A value given twice is the environment's, and its origin says so."""
    settings = read(tmp_path, 'port = 8000\nlog_format = "console"', {**ENVIRONMENT, "PORT": " 9000 "})
    assert (settings.port, settings.log_format) == (9000, "console")
    assert settings.origin("port") == SettingOrigin("PORT", "environment variable PORT")
    assert settings.origin("log_format") == SettingOrigin("log_format", "veeam-bot.toml, log_format")
    assert settings.origin("database_url") == SettingOrigin("database_url", "not set")


def test_servers_of_file_and_environment_stand_side_by_side(tmp_path: Path) -> None:
    """VEEAM_URL adds the server `default` to those of the file."""
    settings = read(tmp_path, SERVER, {**ENVIRONMENT, **WITH_FILE})
    assert [server.name for server in settings.servers] == ["hq", "default"]
    assert settings.origin("servers", 1, "url").setting == "VEEAM_URL"
    assert settings.origin("servers", 0, "url").source == "veeam-bot.toml, [[servers]] 1, url"


def test_a_server_called_default_in_both_places_is_a_clash(tmp_path: Path) -> None:
    """The name `default` belongs to the environment's server as soon as VEEAM_URL is set."""
    environ = {**ENVIRONMENT, "VEEAM_PASSWORD_DEFAULT": "x-y-z"}
    (problem,) = problems(tmp_path, SERVER.replace('"hq"', '"Default"'), environ)
    assert problem.setting == "servers.name"
    assert "veeam-bot.toml, [[servers]] 1, name" in problem.text


@pytest.mark.parametrize("variable", [*EVERY_SECRET, "DATABASE_URL"])
def test_every_secret_may_stand_in_a_file_of_its_own(tmp_path: Path, variable: str) -> None:
    """VARIABLE_FILE names a file; its last line break is not part of the secret, blanks are."""
    environ = {**EVERY_SECRET, "DATABASE_URL": "postgres://bot:pw@db/bot"}
    before = read(tmp_path, EVERYTHING, environ).model_dump()
    (tmp_path / "secret").write_text(environ.pop(variable) + "\n", encoding="utf-8")
    assert read(tmp_path, EVERYTHING, {**environ, f"{variable}_FILE": "secret"}).model_dump() == before


def test_blanks_around_a_password_are_part_of_it(tmp_path: Path) -> None:
    """Only the line break at the end of a secret's file goes."""
    (tmp_path / "secret").write_text(" pass word \r\n", encoding="utf-8", newline="")
    environ = {**ENVIRONMENT, "VEEAM_PASSWORD": "", "VEEAM_PASSWORD_FILE": "secret"}
    assert read(tmp_path, "", environ).servers[0].password.get_secret_value() == " pass word "


def test_a_byte_order_mark_is_no_part_of_a_secret(tmp_path: Path) -> None:
    """Windows editors begin a file with one."""
    (tmp_path / "secret").write_text("password\n", encoding="utf-8-sig")
    environ = {**ENVIRONMENT, "VEEAM_PASSWORD": "", "VEEAM_PASSWORD_FILE": "secret"}
    assert read(tmp_path, "", environ).servers[0].password.get_secret_value() == "password"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("variable", ["VEEAM_PASSWORD", "SLACK_BOT_TOKEN"])
def test_a_secret_file_of_any_windows_editor_is_read(tmp_path: Path, encoding: str, variable: str) -> None:
    """UTF-8 and UTF-16 with a byte order mark; PowerShell's `>` writes the latter."""
    mark = "\ufeff" if encoding in {"utf-16-le", "utf-16-be"} else ""
    (tmp_path / "secret").write_bytes(f"{mark}xoxb-päss\r\n".replace("ä", "a").encode(encoding))
    environ = {**ENVIRONMENT, variable: "", f"{variable}_FILE": "secret"}
    settings = read(tmp_path, "", environ)
    found = settings.slack.bot_token if variable == "SLACK_BOT_TOKEN" else settings.servers[0].password
    assert found.get_secret_value() == "xoxb-pass"


def test_a_secret_file_has_an_end(tmp_path: Path) -> None:
    """A device, or a log by mistake: no more is read than a secret can be long."""
    environ = {**ENVIRONMENT, "VEEAM_PASSWORD": "", "VEEAM_PASSWORD_FILE": "/dev/zero"}
    (problem,) = problems(tmp_path, "", environ)
    assert "too large" in problem.text


@pytest.mark.parametrize("around", ["\u200e", "\u200b", "\ufeff", "\u00a0", "\u2060", "\r\n", " \u200f\t"])
def test_what_a_paste_leaves_around_a_value_is_ignored(tmp_path: Path, around: str) -> None:
    """Windows' certificate dialog, chat programs and web pages add what nobody sees."""

    def pasted(value: str) -> str:
        return f"{around}{value}{around}"

    environ = {
        **ENVIRONMENT,
        "SLACK_BOT_TOKEN": pasted("xoxb-1"),
        "VEEAM_URL": pasted("https://vbr01:9419"),
        "VEEAM_USERNAME": pasted("svc"),
        "VEEAM_FINGERPRINT": pasted(f"{around}AB{around}:" * 32),
    }
    at_ends = around.replace("\r\n", "").replace("\t", "")
    toml = f"""
[slack]
default_channel = "{at_ends}C0A{at_ends}"
[[routes]]
channel = "{at_ends}C0B{at_ends}"
mention = "{at_ends}@oncall{at_ends}"
[[grants]]
group = "{at_ends}S0A{at_ends}"
role = "{at_ends}Backup Viewer{at_ends}"
"""
    settings = read(tmp_path, toml, environ)
    (server,), (route,), (grant,) = settings.servers, settings.routes, settings.grants
    assert settings.slack.bot_token.get_secret_value() == "xoxb-1"
    assert (server.url, server.username, server.fingerprint) == ("https://vbr01:9419", "svc", "ab" * 32)
    assert (settings.slack.default_channel, route.channel, route.mention) == ("C0A", "C0B", "@oncall")
    assert (grant.group, grant.role) == ("S0A", Role.BACKUP_VIEWER)


def test_names_of_jobs_are_left_as_they_are_written(tmp_path: Path) -> None:
    """VBR's names may have such characters; at an end they are hardly meant, and a caution says so."""
    toml = '[[routes]]\nchannel = "C0A"\njobs = ["\\u200eSQL*", "\u200dx", "a\u200cb"]'
    settings = read(tmp_path, toml)
    assert settings.routes[0].jobs == ("\u200eSQL*", "\u200dx", "a\u200cb")
    said = [str(caution) for caution in settings.cautions if caution.setting == "routes.jobs"]
    assert ["LEFT-TO-RIGHT MARK" in said[0], "ZERO WIDTH JOINER" in said[1], len(said)] == [True, True, 2]


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_picture_needs_what_draws_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_installed: bool
) -> None:
    """Without Pillow the settings hold, and a caution says what to install."""
    if not is_installed:
        monkeypatch.setitem(sys.modules, "PIL", None)
    toml = '[[digests]]\nchannel = "C0A"\nat = "08:00"\npicture = true'
    said = [str(caution) for caution in read(tmp_path, toml).cautions if "digests" in caution.setting]
    wanted = [] if is_installed else ["pip install 'veeam-bot[pictures]'"]
    assert [text for text, words in zip(said, wanted, strict=True) if words not in text] == []


@pytest.mark.parametrize(("url", "port"), [("https://vbr01", "443"), ("http://localhost", "80")])
def test_an_address_without_a_port_is_commented_on(tmp_path: Path, url: str, port: str) -> None:
    """It holds from VBR 13.1 on; before, nothing answers there."""
    cautions = read(tmp_path, "", {**ENVIRONMENT, "VEEAM_URL": url}).cautions
    (said,) = [caution.text for caution in cautions if caution.setting == "VEEAM_URL"]
    assert said == f"names no port, so {port} is asked: VBR listens on 9419; 443 from 13.1"


@pytest.mark.parametrize(
    "name", ["port", "Port", "SERVERS", "ROUTES", "POLLING", "POLLING_INTERVAL_SECONDS", "slack_command"]
)
def test_a_variable_that_no_setting_names_sets_nothing(tmp_path: Path, name: str) -> None:
    """What merely looks like a key, in whatever letter case, is another program's variable."""
    assert read(tmp_path, "", {**ENVIRONMENT, name: "1"}) == read(tmp_path)


@pytest.mark.parametrize("written", ["0", "false", "No", "OFF", " n "])
def test_booleans_of_the_environment_are_read_kindly(tmp_path: Path, written: str) -> None:
    """What people write for false is false."""
    assert (
        read(tmp_path, "", {**ENVIRONMENT, "VEEAM_VERIFY_TLS": written.strip()}).servers[0].verify_tls
        is False
    )


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    """Compose files pass empty variables for those that were left out."""
    environ = {**ENVIRONMENT, "PORT": "", "SLACK_SIGNING_SECRET": " ", "VEEAM_BOT_CONFIG": ""}
    settings = read(tmp_path, "", environ)
    assert (settings.port, settings.slack.signing_secret) == (3000, None)


def test_without_an_app_token_slack_calls_over_http(tmp_path: Path) -> None:
    """A signing secret alone means HTTP mode; an app token means Socket Mode, signing secret or not."""
    environ = {**ENVIRONMENT, "SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "0123456789abcdef"}
    assert not read(tmp_path, "", environ).slack.socket_mode


def test_veeam_bot_config_names_the_file(tmp_path: Path) -> None:
    """A file named by VEEAM_BOT_CONFIG is read instead of the one in the folder."""
    (tmp_path / "other.toml").write_text("\ufeffport = 1234", encoding="utf-8")
    settings = read(tmp_path, "port = 1", {**ENVIRONMENT, "VEEAM_BOT_CONFIG": "other.toml"})
    assert settings.port == 1234
    assert settings.origin("port").source == "other.toml, port"


def test_a_ca_file_is_looked_for_beside_the_file_that_names_it(tmp_path: Path) -> None:
    """A relative path in the file starts at the file's folder."""
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n", encoding="utf-8")
    (tmp_path / "veeam-bot.toml").write_text(SERVER + 'ca_file = "ca.pem"', encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environ = {**WITH_FILE, "VEEAM_BOT_CONFIG": str(tmp_path / "veeam-bot.toml")}
    assert load_settings(environ, elsewhere).servers[0].ca_file == tmp_path / "ca.pem"


def test_what_is_most_likely_not_meant_is_said(tmp_path: Path) -> None:
    """Settings that hold are commented on: no TLS check, no grant, nothing told, foreign variables."""
    environ = {**ENVIRONMENT, "VEEAM_VERIFY_TLS": "no", "SLACK_CLIENT_ID": "1.2"}
    said = load_settings(environ, tmp_path).cautions
    assert [caution.setting for caution in said] == [
        "VEEAM_VERIFY_TLS", "grants", "slack.default_channel", "SLACK_CLIENT_ID"
    ]  # fmt: skip


def test_secrets_lists_every_secret_value(tmp_path: Path) -> None:
    """The log is told each secret, the database's password among them, as written and as meant."""
    environ = {**EVERY_SECRET, "DATABASE_URL": "postgresql://bot:p%40ss@db/bot"}
    secrets = {secret.get_secret_value() for secret in read(tmp_path, EVERYTHING, environ).secrets()}
    assert secrets == {*EVERY_SECRET.values(), "p%40ss", "p@ss"}


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Settings are values: frozen on every level."""
    settings = read(tmp_path, EVERYTHING, EVERY_SECRET)
    for section, key in ((settings, "port"), (settings.slack, "command"), (settings.servers[0], "url")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(section, key, "x")


def test_a_problem_reads_as_one_line() -> None:
    """A problem is printed as setting, text, source."""
    assert str(SettingsProblem("PORT", "environment variable PORT", "must be a whole number")) == (
        "PORT: must be a whole number (environment variable PORT)"
    )


def test_a_role_has_a_short_form() -> None:
    """Newer servers print roles without "Veeam"; both forms name the same role."""
    account = AccountSettings.model_validate({"role": "BACKUP  viewer", "username": "x", "password": "y"})
    assert account.role is Role.BACKUP_VIEWER
    assert Role.BACKUP_VIEWER.short == "Backup Viewer"


def test_only_the_slack_variables_are_not_enough(tmp_path: Path) -> None:
    """No server at all is a problem of its own."""
    (problem,) = problems(tmp_path, "", SLACK)
    assert problem == SettingsProblem("VEEAM_URL", "environment", "is not set, and no file names a server")
