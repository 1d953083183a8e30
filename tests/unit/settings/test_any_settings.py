"""Settings from anywhere: arbitrary files, arbitrary environments."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.settings import SettingsProblem, SettingsWrong, load_settings
from tests.support.settings_files import ENVIRONMENT

keys = st.sampled_from(
    [
        "slack",
        "servers",
        "grants",
        "routes",
        "name",
        "url",
        "username",
        "accounts",
        "role",
        "ca_file",
        "at",
        "channel",
        "digests",
        "days",
        "timezone",
        "polling",
        "interval_seconds",
        "port",
        "host",
        "password",
        "user",
        "results",
        "fingerprint",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["C0A", "U0A", "hq", "https://a", "Veeam Backup Viewer", "08:00", "UTC"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=15,
)
MORE = (
    "PORT",
    "HOST",
    "DATABASE_URL",
    "VEEAM_CA_FILE",
    "VEEAM_PASSWORD_HQ",
    "SLACK_API_URL",
    "SLACK_BOT_TOKEN_FILE",
)
variables = st.dictionaries(
    st.sampled_from([*ENVIRONMENT, *MORE]),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20),
)


def _toml(value: object) -> str:
    if value is None:
        return "1979-05-27T07:32:00Z"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(sign):08X}" for sign in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + "}"
    return repr(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tree=st.dictionaries(keys, values, max_size=6), environ=variables)
def test_no_settings_are_so_wrong_that_reading_breaks(
    tmp_path: Path, tree: dict[str, object], environ: dict[str, str]
) -> None:
    """Any file and any environment give settings or problems, never another exception."""
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in tree.items())
    (tmp_path / "veeam-bot.toml").write_text(text, encoding="utf-8")
    try:
        load_settings(environ, tmp_path)
        problems: tuple[SettingsProblem, ...] = ()
    except SettingsWrong as wrong:
        problems = wrong.problems or (SettingsProblem("", "", ""),)
    assert all(problem.setting and problem.text and problem.source for problem in problems)
