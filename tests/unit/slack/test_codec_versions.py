"""Version 2 of the codec says what version 1 said: the golden files' buttons and forms, in both."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.operations.catalog import CODEC
from bot.operations.model import KnownJob, KnownMachine, NamedJob, NamedMachine, Request, Snapshot, Step
from bot.slack.codec import DrawAgain, FormMetadata, UnreadablePress, decode, decode_form

VALUES = json.loads((Path(__file__).parent / "values_of_both_versions.json").read_text())
FIELDS_OF_VERSION_1: Mapping[str, tuple[str, ...]] = {
    "help": ("word",),
    "whoami": ("person",),
    "home": (),
    "jobs": ("which", "pattern", "job_type", "repository", "server", "page"),
    "job": ("job",),
    "sessions": ("which", "job", "within", "server", "page"),
    "session": ("session_id", "server"),
    "status": ("server",),
    "servers": ("server",),
    "audit": ("job", "person", "within", "server", "page"),
    "start": ("job", "full", "chained", "snapshot", "restore_points", "step"),
    "stop": ("job", "now", "chained", "snapshot", "step"),
    "retry": ("job", "chained", "snapshot", "step"),
    "enable": ("job", "snapshot", "step"),
    "disable": ("job", "snapshot", "span", "step"),
    "clone": ("job", "snapshot", "step"),
    "delete": ("job", "snapshot", "typed_name", "reason"),
    "edit": ("job", "draft", "step"),
    "create": ("server", "like", "draft", "step"),
    "quickbackup": ("machine", "step"),
    "approve": ("approval_id",),
    "decline": ("approval_id",),
}
STEPS = {"choose": Step.CHOOSE, "fill": Step.FILL, "review": Step.REVIEW, "send": Step.SEND}


def job(cells: Any) -> KnownJob | NamedJob:
    return KnownJob(*cells) if len(cells) == 2 else NamedJob(cells[0], cells[1], exact=bool(cells[2]))


READERS: Mapping[str, Callable[[Any], Any]] = {
    "job": job,
    "like": job,
    "machine": lambda cells: KnownMachine(*cells) if len(cells) == 3 else NamedMachine(*cells),
    "snapshot": lambda cells: Snapshot(cells[0], bool(cells[1])),
    "step": STEPS.__getitem__,
    "full": bool,
    "chained": bool,
    "now": bool,
    "span": lambda microseconds: timedelta(microseconds=microseconds),
    "within": lambda microseconds: timedelta(microseconds=microseconds),
}


def of_version_1(name: str, cells: list[Any]) -> Request:
    """The request, its fields in their order: as version 1 wrote it."""
    verb = CODEC.verb(name)
    assert verb is not None
    fields = {
        field: value if value is None else READERS.get(field, lambda same: same)(value)
        for field, value in zip(FIELDS_OF_VERSION_1[name], cells, strict=False)
    }
    return verb(**fields)


BUTTONS = [one for one in VALUES if "action_id" in one]
FORMS = [one for one in VALUES if "action_id" not in one]


@pytest.mark.parametrize("one", BUTTONS, ids=lambda one: one["version_2"][:60])
def test_a_button_asks_for_the_same(one: dict[str, str]) -> None:
    """The request in a button's or an option's value is the one that version 1 put there."""
    stamp, name, *cells = json.loads(one["version_1"])
    press = decode(one["action_id"], one["version_2"])
    assert not isinstance(press, UnreadablePress | DrawAgain)
    assert press.request == of_version_1(name, cells)
    assert json.loads(one["version_2"])[0] == stamp.replace("1", "2")


@pytest.mark.parametrize("one", FORMS, ids=lambda one: one["version_2"][:60])
def test_a_form_carries_the_same(one: dict[str, str]) -> None:
    """The request in a form's metadata, its name and its place are those that version 1 put there."""
    _, name, channel_id, thread_ts, verb, *cells = json.loads(one["version_1"])
    assert decode_form(one["version_2"]) == FormMetadata(
        of_version_1(verb, cells), name, channel_id, thread_ts
    )


def test_what_the_goldens_hold_is_compared() -> None:
    """Every verb that a golden shows a button or a form of is among the values."""
    shown = {json.loads(one["version_2"])[1] for one in BUTTONS}
    shown |= {json.loads(one["version_2"])[4] for one in FORMS}
    assert shown >= {"start", "stop", "retry", "enable", "disable", "clone", "edit", "delete", "job", "jobs"}
    assert FORMS
