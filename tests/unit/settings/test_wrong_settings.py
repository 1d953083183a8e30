"""Every way to get a setting wrong: what is said, and where it says the fault lies."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import SettingsProblem
from tests.support.settings_files import ENVIRONMENT, SERVER, SLACK, WITH_FILE, problems

WRONG_VARIABLES = [
    ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN", "is not set"),
    ({"SLACK_BOT_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN", "swapped with SLACK_APP_TOKEN?"),
    ({"SLACK_BOT_TOKEN": "xoxp-1"}, "SLACK_BOT_TOKEN", "a person's token"),
    ({"SLACK_BOT_TOKEN": "abc"}, "SLACK_BOT_TOKEN", "must start with xoxb-"),
    ({"SLACK_BOT_TOKEN": "xoxb-1 2"}, "SLACK_BOT_TOKEN", "contains blanks"),
    ({"SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN", "swapped with SLACK_BOT_TOKEN?"),
    ({"SLACK_APP_TOKEN": ""}, "SLACK_APP_TOKEN", "or SLACK_SIGNING_SECRET for HTTP mode"),
    ({"SLACK_SIGNING_SECRET": "xoxb-1"}, "SLACK_SIGNING_SECRET", "is a token"),
    ({"SLACK_API_URL": "http://slack.example.com/api"}, "SLACK_API_URL", "must start with https://"),
    ({"SLACK_API_URL": "slack"}, "SLACK_API_URL", "must be a URL"),
    ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL", "must start with sqlite:///"),
    ({"DATABASE_URL": "sqlite://x.db"}, "DATABASE_URL", "needs three slashes"),
    ({"DATABASE_URL": "postgres://"}, "DATABASE_URL", "names no database"),
    ({"PORT": "http"}, "PORT", "must be a whole number"),
    ({"PORT": "70000"}, "PORT", "must be at most 65535"),
    ({"PORT": "-1"}, "PORT", "must be at least 0"),
    ({"HOST": "127.0.0.1:3000"}, "HOST", "must be an address or a name of this machine, without a port"),
    ({"HOST": "http://localhost"}, "HOST", "must be an address or a name of this machine"),
    ({"HOST": "0.0.0.0 x"}, "HOST", "must be an address or a name of this machine"),
    ({"LOG_LEVEL": "inof"}, "LOG_LEVEL", "did you mean 'info'?"),
    ({"LOG_FORMAT": "xml"}, "LOG_FORMAT", "is not one of: json, console"),
    ({"VEEAM_BOT_CONFIG": "gone.toml"}, "gone.toml", "cannot be read: No such file or directory"),
    ({"VEEAM_BOT_CONFIG": "~nobody-here/x"}, "~nobody-here/x", "cannot be read: No such file or directory"),
    ({"VEEAM_BOT_CONFIG": "/"}, "/", "cannot be read: Is a directory"),
    ({"VEEAM_URL": ""}, "VEEAM_URL", "is not set"),
    ({"VEEAM_URL": "http://vbr01.example.com"}, "VEEAM_URL", "must start with https://"),
    (
        {"VEEAM_URL": "http://vbr01.example.com:9419"},
        "VEEAM_URL",
        "such as https://vbr01.example.com:9419: VBR listens on 9419; 443 from 13.1",
    ),
    ({"VEEAM_URL": "vbr02"}, "VEEAM_URL", "https://, such as https://vbr02:9419: VBR listens on 9419"),
    ({"VEEAM_URL": "vbr02:9419"}, "VEEAM_URL", "https://, such as https://vbr02:9419: VBR listens on 9419"),
    ({"VEEAM_URL": "https//vbr02"}, "VEEAM_URL", "such as https://vbr02:9419"),
    ({"VEEAM_USERNAME": "TECH\backup"}, "VEEAM_USERNAME", "has a backspace in it"),
    ({"VEEAM_USERNAME": "TECH\x00x"}, "VEEAM_USERNAME", "has the control character U+0000 in it"),
    ({"VEEAM_USERNAME": "svc\u00adslack"}, "VEEAM_USERNAME", "SOFT HYPHEN, U+00AD"),
    ({"VEEAM_PASSWORD": "pass\tword"}, "VEEAM_PASSWORD", "has a tab in it"),
    (
        {"VEEAM_PASSWORD": "\u200bpassword"},
        "VEEAM_PASSWORD",
        "begins or ends with a character that cannot be",
    ),
    ({"SLACK_BOT_TOKEN": "xoxb-1\u200d2"}, "SLACK_BOT_TOKEN", "ZERO WIDTH JOINER"),
    ({"SLACK_SIGNING_SECRET": "ab\ncd"}, "SLACK_SIGNING_SECRET", "has a line break in it"),
    ({"VEEAM_URL": "https://me:secret@vbr01"}, "VEEAM_URL", "must not hold a user or a password"),
    ({"VEEAM_URL": "https://vbr01:94190"}, "VEEAM_URL", "is not a valid URL"),
    ({"VEEAM_URL": "https://vbr01:9419/api/v1"}, "VEEAM_URL", "must be the server's address alone"),
    ({"VEEAM_USERNAME": ""}, "VEEAM_USERNAME", "is not set"),
    ({"VEEAM_PASSWORD": ""}, "VEEAM_PASSWORD", "is not set"),
    ({"VEEAM_PASSWORD_FILE": "x"}, "VEEAM_PASSWORD", "VEEAM_PASSWORD_FILE is too: keep one"),
    ({"VEEAM_PASSWORD": "", "VEEAM_PASSWORD_FILE": "gone"}, "VEEAM_PASSWORD_FILE", "cannot be read: No such"),
    ({"VEEAM_API_VERSION": "1.3"}, "VEEAM_API_VERSION", 'must be "auto" or a revision such as "1.3-rev2"'),
    ({"VEEAM_API_VERSION": "13"}, "VEEAM_API_VERSION", 'must be "auto" or a revision such as "1.3-rev2"'),
    (
        {"VEEAM_API_VERSION": "1.2-rev0"},
        "VEEAM_API_VERSION",
        "is older than 1.2-rev1, the oldest revision that the bot speaks: upgrade VBR to 12.3.1 or newer",
    ),
    ({"VEEAM_CA_FILE": "gone.pem"}, "VEEAM_CA_FILE", "cannot be read: No such file or directory"),
    ({"VEEAM_FINGERPRINT": "ab:cd"}, "VEEAM_FINGERPRINT", "must be the certificate's SHA-256"),
    ({"VEEAM_FINGERPRINT": "ab" * 20}, "VEEAM_FINGERPRINT", "is a SHA-1 thumbprint"),
    ({"VEEAM_VERIFY_TLS": "perhaps"}, "VEEAM_VERIFY_TLS", "must be true or false"),
    ({"VEEAM_FINGERPRINT": "ab" * 32, "VEEAM_VERIFY_TLS": "0"}, "VEEAM_URL", "would ignore fingerprint"),
    ({"VEEAM_USER": "svc"}, "VEEAM_USER", "did you mean VEEAM_USERNAME?"),
    ({"SLACK_BOT_TOKN": "x"}, "SLACK_BOT_TOKN", "did you mean SLACK_BOT_TOKEN?"),
    ({"VEEAM_URL_FILE": "x"}, "VEEAM_URL_FILE", "is not a variable of veeam-bot"),
    ({"VEEAM_PASSWORD_HQ": "x"}, "VEEAM_PASSWORD_HQ", "is the password of no server or account"),
]


@pytest.mark.parametrize(("changed", "setting", "text"), WRONG_VARIABLES)
def test_a_wrong_variable_is_named(tmp_path: Path, changed: dict[str, str], setting: str, text: str) -> None:
    """Whatever is wrong with a variable is said of that variable."""
    found = problems(tmp_path, "", {**ENVIRONMENT, **changed})
    assert [problem.setting for problem in found] == [setting]
    assert text in found[0].text


@pytest.mark.parametrize(
    ("written", "what"),
    [
        (
            r'"TECH\backup"',
            (
                r"a backspace in it: if a backslash is meant, write 'TECH\backup' in single quotes, or "
                r'"TECH\\backup"'
            ),
        ),
        (r'"TECH\tom"', r"a tab in it: if a backslash is meant, write 'TECH\tom'"),
        (r'"TECH\new"', r"a line break in it: if a backslash is meant, write 'TECH\new'"),
        (r'"TECH\root"', r"a carriage return in it: if a backslash is meant, write 'TECH\root'"),
        (r'"TECH\fred"', r"a form feed in it: if a backslash is meant, write 'TECH\fred'"),
        (r'"TECH\b"', r"write 'TECH\b'"),
        (r'"TECH\n"', r"write 'TECH\n'"),
        (r'"TECH\u0007x"', "the control character U+0007 in it: in double quotes write each backslash twice"),
    ],
)
def test_a_backslash_that_toml_took_for_its_own_is_explained(tmp_path: Path, written: str, what: str) -> None:
    r"""`"TECH\backup"` would log in as TECH<backspace>ackup: the problem says what to write instead."""
    (problem,) = problems(tmp_path, SERVER.replace('"svc-slack"', written), WITH_FILE)
    assert problem.setting == "servers.username"
    assert what in problem.text


@pytest.mark.parametrize("written", [r'"TECH\svc"', r'"TECH\user1"'])
def test_a_backslash_that_toml_refuses_is_explained_too(tmp_path: Path, written: str) -> None:
    """Other letters after a backslash are no TOML at all."""
    (problem,) = problems(tmp_path, SERVER.replace('"svc-slack"', written), WITH_FILE)
    assert "in double quotes write a backslash twice, or put the value in single quotes" in problem.text


@given(
    control=st.characters(categories=["Cc"], exclude_characters="\x00"),
    at=st.integers(1, 4),
    variable=st.sampled_from(
        ["VEEAM_USERNAME", "VEEAM_PASSWORD", "SLACK_BOT_TOKEN", "DATABASE_URL", "VEEAM_URL"]
    ),
)
def test_no_variable_has_a_control_character_in_it(
    tmp_path_factory: pytest.TempPathFactory, control: str, at: int, variable: str
) -> None:
    """Whichever it is, wherever it stands inside: it is refused, by the variable's name."""
    value = {"DATABASE_URL": "sqlite:///x.db", **ENVIRONMENT}[variable]
    environ = {**ENVIRONMENT, variable: f"{value[:at]}{control}{value[at:]}"}
    (problem,) = problems(tmp_path_factory.getbasetemp(), "", environ)
    assert (problem.setting, " in it" in problem.text) == (variable, True)


def test_the_password_of_each_account_is_asked_for_by_its_variable(tmp_path: Path) -> None:
    """What is missing is the variable's name that would hold it, dashes as underscores, all capitals."""
    toml = SERVER.replace('"hq"', '"hq-2"') + '[[servers.accounts]]\nrole = "tape operator"\nusername = "x"'
    assert [problem.setting for problem in problems(tmp_path, toml, SLACK)] == [
        "VEEAM_PASSWORD_HQ_2",
        "VEEAM_PASSWORD_HQ_2_VEEAM_TAPE_OPERATOR",
    ]


def test_two_servers_cannot_share_one_password_variable(tmp_path: Path) -> None:
    """`a-b` and `a_b` are two names and one variable: one server would get the other's password."""
    toml = SERVER.replace('"hq"', '"a-b"') + SERVER.replace('"hq"', '"a_b"')
    (problem,) = problems(tmp_path, toml, {**SLACK, "VEEAM_PASSWORD_A_B": "x"})
    assert (problem.setting, "two servers" in problem.text) == ("VEEAM_PASSWORD_A_B", True)


def test_a_role_with_two_accounts_is_refused(tmp_path: Path) -> None:
    """VBR is asked under one account per role."""
    account = '[[servers.accounts]]\nrole = "Tape Operator"\nusername = "x"\n'
    environ = {**WITH_FILE, "VEEAM_PASSWORD_HQ_VEEAM_TAPE_OPERATOR": "x"}
    (problem,) = problems(tmp_path, SERVER + account * 2, environ)
    assert problem.text == "has two accounts for the role 'Veeam Tape Operator'"


def test_a_glob_may_match_no_server(tmp_path: Path) -> None:
    """A literal name must exist, a glob may wait for servers to come."""
    assert problems(tmp_path, '[[routes]]\nchannel = "C0A"\nservers = ["dr-*", "DEFAULT"]') == ()


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Whoever sets the bot up fixes everything in one go: no problem hides another."""
    toml = '[polling]\ninterval_seconds = 0\n[[routes]]\nchannel = "#x"\nservers = ["nowhere"]'
    found = problems(tmp_path, toml, {"PORT": "x", "VEEAM_PASSWORD_DR": "y"})
    assert {problem.setting for problem in found} == {
        "polling.interval_seconds", "routes.channel", "routes.servers", "PORT", "VEEAM_PASSWORD_DR",
        "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "VEEAM_URL",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "source", "text"),
    [
        (b"a = [1\nb = 2", "line 2, column 1", "is not valid TOML: Unclosed array"),
        (b"a = \xff", "byte 5", "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_toml_is_said_to_be_so(
    tmp_path: Path, content: bytes, source: str, text: str
) -> None:
    """A broken file is the only problem told, with the line where reading ended."""
    (tmp_path / "veeam-bot.toml").write_bytes(content)
    assert problems(tmp_path, "", {}) == (SettingsProblem("veeam-bot.toml", source, text),)


def test_a_secret_never_shows_in_a_problem(tmp_path: Path) -> None:
    """A value that may be a secret is not repeated, whatever is wrong with it."""
    secret = "hunter2-hunter2"
    environ = {
        "SLACK_BOT_TOKEN": secret, "SLACK_APP_TOKEN": f"xoxb-{secret}", "DATABASE_URL": f"mysql://u:{secret}@h/d",
        "VEEAM_URL": f"https://u:{secret}@h", "VEEAM_PASSWORD_X": secret, "VEEAM_USERNAME": "x",
    }  # fmt: skip
    found = problems(
        tmp_path, f'[slack]\nbot_token = "{secret}"\n[[servers]]\npassword = "{secret}"', environ
    )
    assert found
    assert secret not in repr(found)
