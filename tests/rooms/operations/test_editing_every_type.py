"""`edit` of each type of job under each revision: what was asked for is changed, and nothing else."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.operations.actions.edit import JobForm
from bot.operations.menus import MenuField
from bot.operations.outcomes import ActionAnswer, Done, NeedsForm
from bot.sandbox.vbr import World
from bot.sandbox.vbr.estate import RepositoryFacts, add_repository
from bot.slack.views.job_form import job_form
from bot.veeam import (
    TASKS,
    Job,
    Rhythm,
    SettingsField,
    choosable_rhythms,
    differences,
    retention_units,
    settings_of,
)
from tests.rooms.operations.form_room import (
    CASES,
    EDITING,
    MODEL,
    Writer,
    administrators_office,
    form_in,
    name_of,
    paths,
    said,
    sent,
    summary_in,
    with_every_kind,
)
from tests.rooms.operations.office import HQ, Office
from tests.support.clock import FakeClock
from tests.support.filled_forms import as_it_stands
from tests.support.job_models import home_of
from tests.support.openapi import document_of

Changes = dict[str, Any]

DOCUMENTED = "1.3-rev0"
DESCRIBED = [kind for kind, revision in CASES if revision == DOCUMENTED]
OTHER_REPOSITORY = "Third Repository"
PLACES: Mapping[SettingsField, tuple[tuple[str, ...], ...]] = {
    SettingsField.NAME: (("name",),),
    SettingsField.DESCRIPTION: (("description",),),
    SettingsField.PRIORITY: (("isHighPriority",),),
    SettingsField.OBJECTS: (
        ("virtualMachines", "includes"),
        ("computers",),
        ("sourceObjects", "includes", "jobs"),
        ("linkedJobs", "includes"),
        ("unstructuredLinkedJobs",),
        ("objects",),
        ("sources",),
    ),
    SettingsField.EXCLUDES: (("virtualMachines", "excludes"),),
    SettingsField.REPOSITORY: (
        ("storage", "backupRepositoryId"),
        ("target", "backupRepositoryId"),
        ("backupRepositoryId",),
        ("storage", "destination", "backupRepositoryId"),
        ("backupRepository", "backupRepositoryId"),
        ("jobSettings", "metadataRepositoryId"),
    ),
    SettingsField.RETENTION: (
        ("storage", "retentionPolicy"),
        ("target", "retentionPolicy"),
        ("retentionPolicy",),
        ("backupRepository", "retentionPolicy"),
        ("useCustomRetention",),
        ("jobSettings", "restorePointsToKeep"),
    ),
    SettingsField.GFS: (
        ("storage", "gfsPolicy"),
        ("target", "gfsPolicy"),
        ("backupRepository", "gfsPolicy"),
        ("gfsPolicy",),
    ),
    SettingsField.SCHEDULE: (("schedule",),),
    SettingsField.RETRY: (("schedule", "retry"),),
    SettingsField.WINDOW: (
        ("schedule", "backupWindow"),
        ("schedule", "type"),
        ("schedule", "customWindow"),
    ),
    SettingsField.GUEST: (("guestProcessing",),),
    **{
        part: tuple(
            (store, "advancedSettings", *names) for store in ("storage", "target", "backupRepository")
        )
        for part, names in (
            (SettingsField.ENCRYPTION, ("storageData", "encryption", "isEnabled")),
            (SettingsField.ACTIVE_FULL, ("activeFulls",)),
            (SettingsField.HEALTH_CHECK, ("backupHealth",)),
        )
    },
    SettingsField.COMPRESSION: (
        *(
            (store, "advancedSettings", "storageData", "compressionLevel")
            for store in ("storage", "target", "backupRepository")
        ),
        ("jobSettings", "advancedSettings", "traffic", "compressionLevel"),
    ),
    SettingsField.SYNTHETIC_FULL: (
        ("storage", "advancedSettings", "synthenticFulls"),
        ("storage", "advancedSettings", "syntheticFulls"),
    ),
}


@pytest.fixture
def revision() -> str:
    return DOCUMENTED


@pytest.fixture
async def office(world: World, clock: FakeClock, tmp_path: Path, revision: str) -> AsyncIterator[Office]:
    """`hq` speaks the revision and has a job of each type."""
    with_every_kind(world)
    add_repository(world.book, RepositoryFacts(OTHER_REPOSITORY, "WinLocal", 1000, 100))
    other = World(clock.now, name="vbr02", seed=2)
    async with administrators_office(world, other, clock, tmp_path, revision) as made:
        yield made


async def other_object(writer: Writer, form: JobForm) -> str:
    """The key of something that the job does not include yet."""
    own = {each.key for each in form.draft.wanted.objects or ()}
    for text in ("", "phys", "app", "vm"):
        found = await writer.finds(form, MenuField.OBJECTS, text)
        new = [one.value for one in found if one.value not in own]
        if new:
            return new[0]
    raise AssertionError(form.draft.kind)


async def changes_of(writer: Writer, form: JobForm) -> dict[tuple[SettingsField, ...], Changes]:
    """For each part that the form offers, fields filled otherwise; what is about the storage in one go."""
    fields = as_it_stands(job_form(form).blocks)
    changes: dict[SettingsField, Changes] = {SettingsField.NAME: {"name": f"{form.draft.wanted.name} anew"}}
    if "description" in fields:
        changes[SettingsField.DESCRIPTION] = {"description": "Changed\nfrom Slack"}
    if "priority" in fields:
        changes[SettingsField.PRIORITY] = {"priority": () if fields["priority"] else ("high",)}
    if isinstance(there := fields.get("objects"), tuple):
        changes[SettingsField.OBJECTS] = {"objects": (*there, await other_object(writer, form))}
    if "repository" in fields:
        repository = await writer.option(form, MenuField.REPOSITORY, OTHER_REPOSITORY)
        changes[SettingsField.REPOSITORY] = {"repository": repository}
    if isinstance(left_out := fields.get("excludes"), tuple):
        changes[SettingsField.EXCLUDES] = {"excludes": (*left_out, await other_object(writer, form))}
    if "gfs_weeks" in fields:
        changes[SettingsField.GFS] = {"gfs_weeks": "5", "gfs_years": "2"}
    if "retention" in fields:
        changes[SettingsField.RETENTION] = {"retention": "19"}
    if "rhythm" in fields:
        changes[SettingsField.SCHEDULE] = {"rhythm": Rhythm.WEEKDAYS, "at": "04:45"}
    if "guest" in fields:
        changes[SettingsField.GUEST] = {"guest": "off" if fields["guest"] == "aware" else "aware"}
    alone = {(part,): entered for part, entered in changes.items()}
    together = storage_changes(fields)
    merged = {name: value for entered in together.values() for name, value in entered.items()}
    return alone | ({tuple(together): merged} if together else {})


def storage_changes(fields: Mapping[str, Any]) -> dict[SettingsField, Changes]:
    """Retries, backup window and what is about the storage, in the order of `SettingsField`."""
    entered: dict[SettingsField, Changes] = {
        SettingsField.RETRY: {"retries": "7", "retry_wait": "20"},
        SettingsField.WINDOW: {"window_from": "22", "window_to": "6"},
        SettingsField.COMPRESSION: {"compression": "Extreme"},
        SettingsField.ENCRYPTION: {"encryption": "off" if fields.get("encryption") == "on" else "on"},
        **{task: {task.value: ("tuesday", "saturday")} for task in SettingsField if task in TASKS},
    }
    return {part: changes for part, changes in entered.items() if changes.keys() <= fields.keys()}


async def read(office: Office, name: str) -> Any:
    """The model as it is now, without counting as a question of the bot's."""
    return (await office.fleet.server(HQ).job(office.known(name).job_id)).raw


def is_within(path: tuple[str, ...], part: SettingsField) -> bool:
    return any(path[: len(place)] == place for place in PLACES[part])


@pytest.mark.parametrize(("kind", "revision"), CASES)
async def test_a_form_sent_off_as_it_stands_changes_nothing(office: Office, kind: str) -> None:
    """It says so, and nothing is sent."""
    ann = Writer(office)
    again = form_in(await ann.fills(await ann.edits(name_of(kind))))
    assert said(again) == [(None, "Nothing is changed yet.")]
    assert sent(office, EDITING) == []


@pytest.mark.parametrize(("kind", "revision"), CASES)
async def test_each_part_is_changed_alone(office: Office, kind: str, revision: str) -> None:
    """One PUT a part, that differs from what was read in that part alone, and fits VBR's document.

    Under one revision; under the others all parts in one go.
    """
    ann, name = Writer(office), name_of(kind)
    changes = await changes_of(ann, await ann.edits(name))
    if revision != home_of(kind):
        everything = {field: value for fields in changes.values() for field, value in fields.items()}
        changes = {tuple(part for part in SettingsField if any(part in each for each in changes)): everything}
    for parts, fields in changes.items():
        before = await read(office, name)
        office.hq.requests.clear()
        summary = await ann.sees(await ann.edits(name), **fields)
        assert {change.part for change in summary.changes} == set(parts)
        assert isinstance(await ann.sends(summary), Done)
        (body,) = sent(office, EDITING)
        differing = paths(before, body)
        assert differing
        assert {path for path in differing if not any(is_within(path, part) for part in parts)} == set()
        changed = differences(settings_of(before), settings_of(body))
        assert [change.part for change in changed] == list(parts)
        assert list(body) == list(before)
        if (document := document_of(revision)) is not None:
            request = office.hq.requests.of(*EDITING)[0]
            assert document.check_request("PUT", request.path, [], body) == []
        name = settings_of(body).name


@pytest.mark.parametrize("revision", ["1.2-rev1", "1.3-rev0", "1.3-rev1", "1.3-rev2"])
async def test_fewer_full_backups_are_kept_as_confirmed(office: Office, revision: str) -> None:
    """From 1.3-rev1 on VBR wants to be told that those it has may go: so it is, of nothing but that."""
    ann, name = Writer(office), name_of("VSphereBackup")
    confirmed = []
    for weeks in ("12", "4"):
        summary = await ann.sees(await ann.edits(name), gfs_weeks=weeks)
        assert isinstance(await ann.sends(summary), Done)
        confirmed.append(office.hq.requests.of(*EDITING)[-1].query.get("allowOldGfsPointsRetention"))
    assert confirmed == [None, "true" if revision in {"1.3-rev1", "1.3-rev2"} else None]
    if (document := document_of(revision)) is not None:
        for sent_ in office.hq.requests.of(*EDITING):
            assert document.check_request("PUT", sent_.path, sent_.query.items(), sent_.body) == []


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_only_what_was_asked_for_is_changed(office: Office, data: st.DataObject) -> None:
    """Whatever is entered, what is sent differs from what was read by what the summary said, and no more."""
    ann, kind = Writer(office), data.draw(st.sampled_from(DESCRIBED))
    form = await ann.edits(name_of(kind))
    before = await read(office, name_of(kind))
    office.hq.requests.clear()
    fields = data.draw(_entries(form, [row.id for row in office.world.book.repositories.values()]))
    outcome = await ann.fills(form, **fields)
    assert isinstance(outcome, NeedsForm)
    if isinstance(outcome.form, JobForm):
        assert outcome.form.problems
        assert sent(office, EDITING) == []
        return
    shown = summary_in(outcome)
    done = await ann.sends(shown)
    assert isinstance(done, Done), (fields, done)
    assert isinstance(done.answer, ActionAnswer)
    (body,) = sent(office, EDITING)
    parts = [change.part for change in shown.changes]
    assert {change.part for change in differences(settings_of(before), settings_of(body))} == set(parts)
    strange = {path for path in paths(before, body) if not any(is_within(path, part) for part in parts)}
    assert strange == set()
    await office.fleet.server(HQ).edit_job(Job(before))


_OF_SCHEDULES = ("at", "days", "month_day", "period", "period_unit")


def _entries(form: JobForm, repositories: list[str]) -> st.SearchStrategy[Changes]:
    fields, model = as_it_stands(job_form(form).blocks), form.draft.model or {}
    units = [unit.value for unit in retention_units(form.draft.kind)]
    rhythms = [rhythm.value for rhythm in choosable_rhythms(model)]
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "name": NAMES.filter(str.strip),
        "description": TEXTS.map(lambda text: text or None),
        "priority": st.sampled_from(((), ("high",))),
        "repository": st.sampled_from(repositories),
        "retention": st.integers(1, 28).map(str),
        "retention_unit": st.sampled_from(units or [""]),
        "rhythm": st.sampled_from([each for each in rhythms if each != "after_job"] or [""]),
        "at": st.times().map(lambda at: f"{at:%H:%M}"),
        "month_day": st.sampled_from(("15", "First/monday", "Last/sunday")),
        "period": st.integers(1, 99).map(str),
        "period_unit": st.sampled_from(("Hours", "Minutes")),
        "gfs_weeks": st.sampled_from(("", "4")),
        "days": st.lists(st.sampled_from(("monday", "friday", "sunday")), min_size=1, unique=True).map(tuple),
        "guest": st.sampled_from(("off", "aware")),
        "retries": st.integers(0, 9).map(str),
        "window_from": st.sampled_from(("any", "0", "22")),
        "compression": st.sampled_from(("None", "High")),
        "encryption": st.sampled_from(("on", "off")),
        **{task.value: st.sampled_from(((), ("sunday",))) for task in TASKS},
    }
    always = {field: drawn.pop(field) for field in _OF_SCHEDULES} if "rhythm" in fields else {}
    offered = {field: strategy for field, strategy in drawn.items() if field in fields}
    return st.fixed_dictionaries(always, optional=offered)


async def test_reading_for_a_form_takes_few_requests(office: Office) -> None:
    """The form of a job is drawn with a bounded number of questions, the model read once."""
    ann = Writer(office)
    await ann.edits(name_of("VSphereBackup"))
    office.hq.requests.clear()
    await ann.edits(name_of("VSphereBackup"))
    assert len(office.hq.requests.of(*MODEL)) == 1
    assert len(office.hq.requests) <= 9
