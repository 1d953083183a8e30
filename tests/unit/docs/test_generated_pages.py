"""The reference says what the code says, and the example holds."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from bot.operations.catalog import CATALOG
from bot.operations.model import ALL_ROLES
from bot.settings import json_schema, load_settings
from bot.settings.layout import entries
from bot.slack.manifest import SCOPES
from docs.generate import PAGES, commands_page, settings_page, slack_app_page
from tests.support.settings_files import SLACK

EXAMPLE = Path(__file__).parents[3] / "docs" / "veeam-bot.example.toml"
ENVIRONMENT = {
    **SLACK,
    "VEEAM_BOT_CONFIG": str(EXAMPLE),
    "VEEAM_PASSWORD_HQ": "made-up",
    "VEEAM_PASSWORD_HQ_VEEAM_BACKUP_OPERATOR": "made-up",
    "VEEAM_PASSWORD_DR_SITE": "made-up",
}


@pytest.mark.parametrize(("path", "page"), PAGES.items(), ids=lambda value: getattr(value, "name", ""))
def test_a_generated_page_is_up_to_date(path: Path, page: Callable[[], str]) -> None:
    """A page differs from what `make docs` would write: run it."""
    assert path.read_text(encoding="utf-8") == page()


def test_every_setting_is_documented() -> None:
    """Each key and each variable stands on the page, with a meaning."""
    page = settings_page()
    for entry in entries():
        assert entry.field.description, entry.key
        assert entry.is_secret or f"| `{entry.key}` |" in page
        assert entry.is_secret or entry.field.description in page
        assert entry.variable is None or f"| `{entry.variable}` |" in page


def test_every_scope_is_explained() -> None:
    """No right is asked for without a reason on the page."""
    assert all(f"| `{scope.name}` | {scope.reason} |" in slack_app_page() for scope in SCOPES)


def test_every_operation_is_documented() -> None:
    """Each operation has its section, with its usage, examples, roles and name on record."""
    page = commands_page()
    for operation in CATALOG:
        section = page.split(f"\n### {operation.name}\n", 1)[1].split("\n#", 1)[0]
        facts = (operation.usage, operation.audit_name, *operation.examples)
        assert [fact for fact in facts if f"`{fact}`" not in section] == []
        named = operation.roles if operation.roles != ALL_ROLES else frozenset()
        assert [role for role in named if role.short not in section] == []


def test_the_example_holds(tmp_path: Path) -> None:
    """The annotated example is a whole deployment, with nothing to say about it."""
    settings = load_settings(ENVIRONMENT, tmp_path)
    assert settings.cautions == ()
    assert [server.name for server in settings.servers] == ["hq", "dr-site"]


def test_the_example_shows_every_table_and_follows_the_schema() -> None:
    """Nothing that the file may hold is missing from the example, but for what excludes each other."""
    example = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    jsonschema.validate(example, json_schema())
    text = json.dumps(example)
    kept_out = {"ca_file", "verify_tls", "api_url"}
    keys = {entry.key for entry in entries() if not entry.is_secret} - kept_out
    assert [key for key in sorted(keys) if f'"{key}"' not in text] == []
