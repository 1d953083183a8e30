"""Every way to get the file wrong: what is said, and where it says the fault lies."""

from pathlib import Path

import pytest

from bot.settings import SettingsProblem
from tests.support.settings_files import SERVER, WITH_FILE, problems

WRONG_IN_FILE = [
    ("Port = 3000", "Port", "Port", "'Port' is not a setting; did you mean port?"),
    ('[Slack]\ncommand = "/veeam"', "Slack", "Slack", "'Slack' is not a setting; did you mean slack?"),
    ("sources = 1", "sources", "sources", "'sources' is not a setting"),
    ('[slack]\ncommand = "veeam"', "slack.command", "[slack], command", 'must start with "/"'),
    ('[slack]\ndefault_channel = "#x"', "slack.default_channel", "[slack], default_channel", "not its name"),
    (
        '[slack]\naudit_channel = "c0x"',
        "slack.audit_channel",
        "[slack], audit_channel",
        "channel's ID is C0X",
    ),
    (
        '[slack]\nallowed_channels = ["C0A", "U0A"]',
        "slack.allowed_channels",
        "[slack], allowed_channels, entry 2",
        "is a person's ID",
    ),
    (
        '[slack]\nallowed_channels = "C0A"',
        "slack.allowed_channels",
        "[slack], allowed_channels",
        "must be a list",
    ),
    ('[slack]\nbot_token = "xoxb-1"', "slack.bot_token", "[slack], bot_token", "set SLACK_BOT_TOKEN"),
    (
        '[slack]\ndefault_chanel = "C0A"',
        "slack.default_chanel",
        "[slack], default_chanel",
        "did you mean default_channel?",
    ),
    ('database_url = "sqlite:///x.db"', "database_url", "database_url", "set DATABASE_URL"),
    ("pot = 3000", "pot", "pot", "did you mean port?"),
    ('[[server]]\nname = "x"', "server", "server", "did you mean servers?"),
    ('[grants]\nrole = "x"', "grants", "grants", "must be written with two brackets: [[grants]]"),
    ("slack = 3", "slack", "slack", "must be a table: [slack]"),
    ("routes = [3]", "routes", "routes, entry 1", "must be a table: [[routes]]"),
    ('[[grants]]\nuser = "U0A"', "grants.role", "[[grants]] 1", "is missing"),
    ('[[grants]]\nrole = "Backup Viewer"', "grants", "[[grants]] 1", "names nobody"),
    (
        '[[grants]]\nrole = "Backup Viewer"\nuser = "U0A"\ngroup = "S0A"',
        "grants",
        "[[grants]] 1",
        "names a group and a user",
    ),
    (
        '[[grants]]\nrole = "Backup Operater"\nuser = "U0A"',
        "grants.role",
        "[[grants]] 1, role",
        "did you mean 'Veeam Backup Operator'?",
    ),
    (
        '[[grants]]\nrole = "Backup Viewer"\nuser = "S0A"',
        "grants.user",
        "[[grants]] 1, user",
        "write it as group",
    ),
    (
        '[[grants]]\nrole = "Backup Viewer"\nuser = "@ada"',
        "grants.user",
        "[[grants]] 1, user",
        "must be a person's ID",
    ),
    (
        '[[grants]]\nrole = "Backup Viewer"\ngroup = "U0A"',
        "grants.group",
        "[[grants]] 1, group",
        "write it as user",
    ),
    (
        '[[grants]]\nrole = "Backup Viewer"\ngroup = "admins"',
        "grants.group",
        "[[grants]] 1, group",
        "must be a user group's ID",
    ),
    (
        '[[grants]]\nrole = "Backup Viewer"\nuser = "U0A"\nservers = ["defalt"]',
        "grants.servers",
        "[[grants]] 1, servers, entry 1",
        "did you mean 'default'?",
    ),
    (
        '[[grants]]\nrole = "Backup Viewer"\nuser = "U0A"\njobs = []',
        "grants.jobs",
        "[[grants]] 1, jobs",
        "must not be empty",
    ),
    ('[[routes]]\nresults = ["Failed"]', "routes.channel", "[[routes]] 1", "is missing"),
    (
        '[[routes]]\nchannel = "C0A"\n[[routes]]\nchannel = "D"',
        "routes.channel",
        "[[routes]] 2, channel",
        "must be a channel's ID",
    ),
    (
        '[[routes]]\nchannel = "C0A"\nservers = ["hq"]',
        "routes.servers",
        "[[routes]] 1, servers, entry 1",
        "'hq' is not a server; there is: default",
    ),
    (
        '[[routes]]\nchannel = "C0A"\nservers = ["[df]efault"]',
        "routes.servers",
        "[[routes]] 1, servers, entry 1",
        "'[df]efault' is not a server; did you mean 'default'?",
    ),
    (
        '[[routes]]\nchannel = "C0A"\nresults = ["Failed", "None"]',
        "routes.results",
        "[[routes]] 1, results, entry 2",
        "is not one of: Success, Warning, Failed",
    ),
    (
        '[[routes]]\nchannel = "C0A"\nresults = []',
        "routes.results",
        "[[routes]] 1, results",
        "must not be empty",
    ),
    (
        '[[routes]]\nchannel = "C0A"\nmention = "oncall"',
        "routes.mention",
        "[[routes]] 1, mention",
        'or a user group\'s "@handle"',
    ),
    (
        f'[[routes]]\nchannel = "C0A"\njobs = ["{"*" * 257}"]',
        "routes.jobs",
        "[[routes]] 1, jobs, entry 1",
        "must have at most 256 characters",
    ),
    (
        '[[routes]]\nchannel = "C0A"\njobs = ["SQL", "PROD\\new"]',
        "routes.jobs",
        "[[routes]] 1, jobs, entry 2",
        "has a line break in it",
    ),
    (
        '[[routes]]\nchannel = "C0A"\nservers = ["de\\u200bfault"]',
        "routes.servers",
        "[[routes]] 1, servers, entry 1",
        "ZERO WIDTH SPACE",
    ),
    (
        '[[routes]]\nchannel = "C0A"\nthreads = "brodcast"',
        "routes.threads",
        "[[routes]] 1, threads",
        "did you mean 'broadcast'?",
    ),
    (
        '[[routes]]\nchannel = "C0A"\ntypes = [""]',
        "routes.types",
        "[[routes]] 1, types, entry 1",
        "must not be empty",
    ),
    (
        '[[routes]]\nchannel = "C0A"\njobs = [3]',
        "routes.jobs",
        "[[routes]] 1, jobs, entry 1",
        "must be text, in quotes",
    ),
    (
        '[[causes]]\nname = "full"\npatterns = ["a*"]',
        "causes.patterns",
        "[[causes]] 1, patterns, entry 1",
        "must have at least 4 letters or digits, or it fits nearly every line",
    ),
    (
        '[[expectations]]\nchannel = "C0A"\nsuccess_within_hours = 0',
        "expectations.success_within_hours",
        "[[expectations]] 1, success_within_hours",
        "must be more than 0",
    ),
    ('[[expectations]]\nchannel = "C0A"', "expectations", "[[expectations]] 1", "expects nothing"),
    (
        '[[expectations]]\nchannel = "C0A"\npreset = "standart"',
        "expectations.preset",
        "[[expectations]] 1, preset",
        "did you mean 'standard'?",
    ),
    (
        '[[expectations]]\nchannel = "C0A"\nsuccess_within_hours = 1\nservers = ["x"]',
        "expectations.servers",
        "[[expectations]] 1, servers, entry 1",
        "is not a server",
    ),
    (
        '[[digests]]\nchannel = "C0A"\nat = "24:00"',
        "digests.at",
        "[[digests]] 1, at",
        "must be a time of day",
    ),
    ('[[digests]]\nchannel = "C0A"\nat = 8', "digests.at", "[[digests]] 1, at", "must be a time of day"),
    (
        '[[digests]]\nchannel = "C0A"\nat = "08:00"\ntimezone = "Europe/Belin"',
        "digests.timezone",
        "[[digests]] 1, timezone",
        "did you mean 'Europe/Berlin'?",
    ),
    (
        '[[digests]]\nchannel = "C0A"\nat = "08:00"\ndays = ["Moon"]',
        "digests.days",
        "[[digests]] 1, days, entry 1",
        "did you mean 'Mon'?",
    ),
    (
        "[polling]\ninterval_seconds = 0",
        "polling.interval_seconds",
        "[polling], interval_seconds",
        "must be more than 0",
    ),
    (
        "[polling]\nbackfill_hours = -1",
        "polling.backfill_hours",
        "[polling], backfill_hours",
        "must be at least 0",
    ),
    (
        "[polling]\nbackfill_hours = inf",
        "polling.backfill_hours",
        "[polling], backfill_hours",
        "must be a finite number",
    ),
    (
        "[polling]\ninterval = 3",
        "polling.interval",
        "[polling], interval",
        "is not a setting; did you mean interval_seconds?",
    ),
    (
        '[approvals]\noperations = ["delte"]',
        "approvals.operations",
        "[approvals], operations, entry 1",
        "did you mean 'delete'?",
    ),
    (
        '[approvals]\nexpire_minutes = "soon"',
        "approvals.expire_minutes",
        "[approvals], expire_minutes",
        "must be a number",
    ),
]

WRONG_SERVERS = [
    (
        '[servers.accounts]\nrole = "Tape Operator"',
        "servers.accounts",
        "[[servers]] 2, accounts",
        "must be written with two brackets: [[servers.accounts]]",
    ),
    ('name = "a b"', "servers.name", "[[servers]] 2, name", "must be 1 to 40 letters, digits, - or _"),
    (f'name = "{"a" * 41}"', "servers.name", "[[servers]] 2, name", "must be 1 to 40"),
    ('name = "HQ"', "servers.name", "[[servers]] 2, name", "is the name of another server too"),
    ('password = "secret"', "servers.password", "[[servers]] 2, password", "set VEEAM_PASSWORD_"),
    ('pasword = "secret"', "servers.pasword", "[[servers]] 2, pasword", "is not a setting"),
    ("name = 3", "servers.name", "[[servers]] 2, name", "must be text, in quotes"),
    ('verify_tls = "x"', "servers.verify_tls", "[[servers]] 2, verify_tls", "must be true or false"),
    (
        f'fingerprint = "{"a" * 64}"\nverify_tls = false',
        "servers",
        "[[servers]] 2",
        "would ignore fingerprint",
    ),
    (f'fingerprint = "{"a" * 64}"\nca_file = "x"', "servers", "[[servers]] 2", "exclude each other"),
    (
        'ca_file = "veeam-bot.toml"',
        "servers.ca_file",
        "[[servers]] 2, ca_file",
        "it holds no PEM certificate",
    ),
    (
        '[[servers.accounts]]\nrole = "Operator"\nusername = "x"',
        "servers.accounts.role",
        "[[servers]] 2, [[servers.accounts]] 1, role",
        "is not one of: Veeam Backup Administrator",
    ),
    (
        '[[servers.accounts]]\nrole = "Tape Operator"',
        "servers.accounts.username",
        "[[servers]] 2, [[servers.accounts]] 1",
        "is missing",
    ),
]


@pytest.mark.parametrize(("toml", "setting", "place", "text"), WRONG_IN_FILE)
def test_a_wrong_line_of_the_file_is_named(
    tmp_path: Path, toml: str, setting: str, place: str, text: str
) -> None:
    """Whatever is wrong in the file is said of its table, its number and its key; and nothing else is."""
    found = problems(tmp_path, toml)
    assert [(problem.setting, problem.source) for problem in found] == [(setting, f"veeam-bot.toml, {place}")]
    assert text in found[0].text


@pytest.mark.parametrize(("toml", "setting", "place", "text"), WRONG_SERVERS)
def test_a_wrong_server_is_named(tmp_path: Path, toml: str, setting: str, place: str, text: str) -> None:
    """A problem of the second server says that it is the second's."""
    entry = 'url = "https://vbr02.example.com:9419"\nusername = "svc"\n'
    name = "" if toml.startswith("name") else 'name = "dr"\n'
    found = problems(
        tmp_path, f"{SERVER}\n[[servers]]\n{entry}{name}{toml}", {**WITH_FILE, "VEEAM_PASSWORD_DR": "x"}
    )
    described = SettingsProblem(setting, f"veeam-bot.toml, {place}", "")
    assert described in [SettingsProblem(problem.setting, problem.source, "") for problem in found]
    assert text in "\n".join(problem.text for problem in found)
