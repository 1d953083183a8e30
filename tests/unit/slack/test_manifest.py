"""The app's manifest: valid for Slack, least scopes, and the file in the repository."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.slack.listeners import OUR_SHORTCUTS
from bot.slack.manifest import EVENTS, METHODS_WITHOUT_SCOPE, PICTURES_SCOPE, SCOPES, manifest, render

SCHEMA = os.environ.get("SLACK_MANIFEST_SCHEMA", "")
ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(not SCHEMA, reason="SLACK_MANIFEST_SCHEMA names no copy of Slack's manifest schema")
@pytest.mark.parametrize("request_url", [None, "https://bot.example.com"])
@pytest.mark.parametrize("version", ["manifest.v1", "manifest.v2"])
def test_slack_takes_the_manifest(version: str, request_url: str | None) -> None:
    """Both variants follow Slack's schema, of either version."""
    definitions = json.loads(Path(SCHEMA).read_text(encoding="utf-8"))["definitions"]
    shown = manifest(request_url=request_url)
    if version == "manifest.v2":
        shown = {**shown, "_metadata": {"major_version": 2, "minor_version": 1}}
    schema = {"$ref": f"#/definitions/{version}", "definitions": definitions}
    assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(shown)] == []


def test_the_file_in_the_repository_is_the_default_manifest() -> None:
    """`manifest.yml` is what `veeam-bot manifest` prints."""
    assert (ROOT / "manifest.yml").read_text(encoding="utf-8") == render(manifest())


def test_the_yaml_is_read_back_as_it_was_meant() -> None:
    """A colour begins with #, which would be a comment if it were not quoted."""
    assert yaml.safe_load(render(manifest())) == manifest()


def test_socket_mode_has_no_urls() -> None:
    """In Socket Mode Slack calls nobody."""
    assert "url" not in json.dumps(manifest())
    assert manifest()["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize(
    "address", ["https://bot.example.com", "https://bot.example.com/", "https://bot.example.com/slack/events"]
)
def test_http_mode_has_every_url(address: str) -> None:
    """Command, events, interactivity and search menus all go to the one events endpoint."""
    shown = manifest(request_url=address)
    events = "https://bot.example.com/slack/events"
    assert shown["settings"]["socket_mode_enabled"] is False
    assert shown["features"]["slash_commands"][0]["url"] == events
    assert shown["settings"]["event_subscriptions"]["request_url"] == events
    assert shown["settings"]["interactivity"] == {
        "request_url": events,
        "is_enabled": True,
        "message_menu_options_url": events,
    }


@pytest.mark.parametrize(
    "address",
    ["http://bot.example.com", "bot.example.com", "https://", "https://x?y=z", "https://u:p@x", "https://["],
)
def test_slack_calls_only_https(address: str) -> None:
    """An address that Slack would not call is refused."""
    with pytest.raises(ValueError, match=r"must|is not"):
        manifest(request_url=address)


def test_every_event_has_its_scope_and_everything_its_reason() -> None:
    """Slack sends an event only with its scope; and nothing is asked for without a reason."""
    scopes = {scope.name for scope in SCOPES}
    assert {event.scope for event in EVENTS if event.scope} <= scopes
    assert all(part.reason for part in (*SCOPES, *EVENTS))


def test_nothing_is_asked_for_twice() -> None:
    """Names in the tables are unique, and no method with a scope is said to need none."""
    for names in ([scope.name for scope in SCOPES], [event.name for event in EVENTS]):
        assert len(names) == len(set(names))
    assert not METHODS_WITHOUT_SCOPE & {method for scope in SCOPES for method in scope.methods}


def test_the_command_escapes_what_people_type() -> None:
    """With escaping, @person and #channel arrive as IDs."""
    command: dict[str, Any] = manifest("/backup")["features"]["slash_commands"][0]
    assert (command["command"], command["should_escape"]) == ("/backup", True)


def test_every_shortcut_is_listened_to_and_fits() -> None:
    """Slack shows 24 characters of a name; an entry that nobody listens to would answer nothing."""
    shown = manifest()["features"]["shortcuts"]
    assert [(each["callback_id"], each["type"]) for each in shown] == [
        ("veeam_failed", "global"),
        ("veeam_details", "message"),
    ]
    assert all(len(each["name"]) <= 24 for each in shown)
    assert all(OUR_SHORTCUTS.fullmatch(each["callback_id"]) for each in shown)
    assert OUR_SHORTCUTS.fullmatch("veeam_failed_again") is None


def test_app_home_is_on_and_its_event_is_subscribed() -> None:
    """Without the event nothing would ever be published to the tab."""
    assert manifest()["features"]["app_home"]["home_tab_enabled"] is True
    assert "app_home_opened" in manifest()["settings"]["event_subscriptions"]["bot_events"]


def _methods_called() -> set[str]:
    sources = (path for path in (ROOT / "bot" / "slack").rglob("*.py") if path.name != "manifest.py")
    families = "apps|auth|bookmarks|bots|chat|conversations|files|pins|reactions|team|usergroups|users|views"
    called = (
        re.findall(rf'"((?:{families})\.(?!slack\.com)[A-Za-z.]+)"', path.read_text(encoding="utf-8"))
        for path in sources
    )
    return set().union(*called)


def test_every_method_that_is_called_is_covered() -> None:
    """A method the bot calls needs a scope of the manifest, or is known to need none."""
    covered = METHODS_WITHOUT_SCOPE.union(*(scope.methods for scope in (*SCOPES, PICTURES_SCOPE)))
    assert _methods_called() <= covered


def test_only_those_who_want_pictures_let_the_app_upload_files() -> None:
    """The scope stands in no manifest that isn't asked for it, and is the one thing that differs."""
    asked = manifest(pictures=True)["oauth_config"]["scopes"]["bot"]
    assert asked == [*manifest()["oauth_config"]["scopes"]["bot"], "files:write"]
    assert {**manifest(pictures=True), "oauth_config": None} == {**manifest(), "oauth_config": None}
    assert set(PICTURES_SCOPE.methods) <= _methods_called()


def test_no_scope_is_asked_for_in_vain() -> None:
    """Each scope but that of the command is there for a method the bot calls, or for an event."""
    called, heard = _methods_called(), {event.scope for event in EVENTS}
    in_vain = [scope.name for scope in SCOPES if not called & set(scope.methods) and scope.name not in heard]
    assert in_vain == ["commands"]


def test_people_can_write_to_the_bot() -> None:
    """Slack's Messages tab is open and not read-only, and both kinds of messages to the bot are heard."""
    shown = manifest()
    home = shown["features"]["app_home"]
    assert (home["messages_tab_enabled"], home["messages_tab_read_only_enabled"]) == (True, False)
    assert {"app_mention", "message.im"} <= set(shown["settings"]["event_subscriptions"]["bot_events"])
