"""Specs of new jobs are complete, valid, and take no other job's restore points."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.vbr.bodies import job_body
from bot.sandbox.vbr.revision import REVISIONS as SANDBOX_REVISIONS
from bot.veeam import (
    REVISIONS,
    Gfs,
    GuestProcessing,
    JobObject,
    JobSettings,
    Retention,
    Revision,
    Rhythm,
    Schedule,
    SettingsField,
    Source,
    Weekday,
    creatable_types,
    demands,
    differences,
    names_jobs_of_type,
    new_job_problems,
    new_settings,
    new_spec,
    references_of,
    retention_units,
    settings_of,
    settings_problems,
    source_of,
    spec_from_template,
)
from tests.support.job_models import CASES, KINDS, home_of, received_models, sent_models
from tests.support.openapi import VARIABLE, OpenApi, document_of
from tests.support.wanted_settings import wanted_settings

FEW = settings(max_examples=6, deadline=None)  # for each of 40 cases
REPOSITORY = "88788f9e-d8f5-4eb4-bc4f-9b3f5403bcec"


def machine(platform: str = "VSphere", kind: str = "VirtualMachine") -> JobObject:
    """A machine or another object as the inventory names it."""
    return JobObject(
        {"platform": platform, "type": kind, "hostName": "vcenter01.example.com",
         "name": "web01", "objectId": "vm-1042"}
    )  # fmt: skip


def _share(key: str, kind: str) -> Callable[[Revision], JobObject]:
    return lambda revision: JobObject(
        {key: REPOSITORY} | ({"type": kind} if revision.names_kinds_of_shares else {})
    )


SOURCES: Mapping[Source | None, Callable[[Revision], JobObject]] = {
    Source.VSPHERE: lambda revision: machine(revision.platform("VSphere")),
    Source.HYPERV: lambda _: machine("HyperV"),
    Source.CLOUD_DIRECTOR: lambda _: machine("CloudDirector", "vApp"),
    **dict.fromkeys(
        (Source.WINDOWS, Source.LINUX, Source.CLUSTERS),
        lambda _: JobObject(
            {"platform": "Agent", "type": "ProtectionGroup", "id": REPOSITORY, "name": "Servers",
             "protectionGroupId": REPOSITORY}
        ),
    ),
    Source.FILE_SHARES: _share("fileServerId", "FileServerShare"),
    Source.OBJECT_STORAGE: _share("objectStorageServerId", "ObjectStorageRoot"),
    Source.IRIS: lambda _: JobObject({"entityId": REPOSITORY}),
}  # fmt: skip
"""What a person may choose, by where it comes from."""
TARGETS = {
    SettingsField.HOST: "Host",
    SettingsField.RESOURCE_POOL: "ResourcePool",
    SettingsField.FOLDER: "Folder",
    SettingsField.DATASTORE: "Datastore",
}
OTHER_THAN_USUAL: Mapping[SettingsField, Any] = {
    SettingsField.PRIORITY: True,
    SettingsField.GFS: Gfs(weeks=4, months=12, years=1),
    SettingsField.SCHEDULE: Schedule(Rhythm.WEEKDAYS, time(4, 30)),
    SettingsField.GUEST: GuestProcessing(is_application_aware=True),
}
NEW = [(kind, name) for name, facts in REVISIONS.items() for kind in creatable_types(facts)]


def document_or_skip(revision: str) -> OpenApi:
    """Veeam's document of the revision; without it the test is skipped."""
    found = document_of(revision)
    if found is None:
        pytest.skip(f"{VARIABLE} does not name Veeam's OpenAPI document of {revision}")
    return found


def vsphere_spec(asked: JobSettings, revision: Revision) -> dict[str, Any]:
    """The spec of a new vSphere backup."""
    return new_spec(revision.job_types[0], asked, revision, host_name="vbr01.example.com")


def wanted(**parts: Any) -> JobSettings:
    """A job that could be created."""
    whole: dict[str, Any] = {
        "name": "Web tier",
        "description": "Created from Slack by ana",
        "is_high_priority": False,
        "objects": (machine(),),
        "excludes": (),
        "repository_id": REPOSITORY,
        "gfs": Gfs(),
        "retention": Retention("Days", 14),
        "schedule": Schedule(Rhythm.EVERY_DAY, time(22)),
        "guest": GuestProcessing(is_application_aware=False),
    }
    return JobSettings(**whole | parts)


@pytest.mark.parametrize(("kind", "revision"), CASES)
@given(data=st.data())
@FEW
def test_a_spec_is_like_its_template(kind: str, revision: str, data: st.DataObject) -> None:
    """With what was wanted, in the revision's spelling, and nothing that only a job has."""
    model = data.draw(received_models(kind, revision))
    asked = data.draw(wanted_settings(model, revision))
    spec = spec_from_template(model, asked, REVISIONS[revision])
    assert differences(asked, settings_of(spec)) == ()
    assert model.keys() - spec.keys() == {"id", "isDisabled"}
    assert "sourceBackupId" not in (spec.get("storage") or {})
    assert "replicaMapping" not in (spec.get("seeding") or {})
    job_body(SANDBOX_REVISIONS[revision], "JobSpec", spec)


@pytest.mark.parametrize(("kind", "revision"), CASES)
@given(data=st.data())
@FEW
def test_a_spec_is_valid(kind: str, revision: str, data: st.DataObject) -> None:
    """By the schema of its type, in the document of its revision."""
    model = data.draw(sent_models(kind, revision))
    asked = data.draw(wanted_settings(model, revision))
    spec = spec_from_template(model, asked, REVISIONS[revision])
    assert document_or_skip(revision).schema_problems("JobSpec", spec) == []


def chosen(kind: str, revision: Revision) -> JobSettings:
    """The usual settings of a new job of this type, with what a person must choose."""
    asked = replace(new_settings(kind, revision, description="From Slack"), name="Web tier")
    if source_of(kind) is Source.JOBS:
        first = next(each for each in revision.job_types if names_jobs_of_type(kind, each, revision))
        asked = replace(asked, objects=(JobObject.of_job(REPOSITORY, "Nightly", first),))
    elif asked.objects is not None:
        asked = replace(asked, objects=(SOURCES[source_of(kind)](revision),))
    if asked.repository_id is not None:
        asked = replace(asked, repository_id=REPOSITORY)
    for part in references_of(kind):
        target = TARGETS.get(part)
        thing = (
            JobObject.of_id(REPOSITORY) if target is None else machine(revision.platform("VSphere"), target)
        )
        asked = asked.with_part(part, thing)
    return asked


@pytest.mark.parametrize(("kind", "revision"), NEW)
def test_a_new_job_of_every_type_is_valid(kind: str, revision: str) -> None:
    """From nothing, in each revision that has the type: nothing is missing, and a server of it takes it."""
    facts = REVISIONS[revision]
    asked = chosen(kind, facts)
    assert new_job_problems(asked, kind, facts) == ()
    spec = new_spec(kind, asked, facts, host_name="vbr01.example.com")
    job_body(SANDBOX_REVISIONS[revision], "JobSpec", spec)
    assert differences(settings_of(spec), asked) == ()
    if (api := document_of(revision)) is not None:
        assert api.schema_problems("JobSpec", spec) == []


@pytest.mark.parametrize(("kind", "revision"), NEW)
def test_whatever_is_asked_for_is_sent(kind: str, revision: str) -> None:
    """Each field of the form, filled with what is no default, stands in the spec."""
    facts = REVISIONS[revision]
    asked = chosen(kind, facts)
    for part, value in OTHER_THAN_USUAL.items():
        if asked.part(part) is not None:
            asked = asked.with_part(part, value)
    spec = new_spec(kind, asked, facts, host_name="vbr01.example.com")
    sent = settings_of(spec)
    assert {part: sent.part(part) for part in SettingsField if asked.part(part)} == {
        part: asked.part(part) for part in SettingsField if asked.part(part)
    }
    if (api := document_of(revision)) is not None:
        assert api.schema_problems("JobSpec", spec) == []


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("1.3-rev1", {"CloudBackupAzure": ("linkedJobs",)}),
        (
            "1.3-rev2",
            {
                "CloudBackupAzure": ("linkedJobs",),
                "FileBackup": ("unstructuredLinkedJobs",),
                "ObjectStorageBackup": ("unstructuredLinkedJobs",),
            },
        ),
    ],
)
def test_a_content_scan_takes_what_its_document_says(
    revision: str, expected: dict[str, tuple[str, ...]]
) -> None:
    """Backups of cloud appliances, from 1.3-rev2 on of files too: each in its own list, no other type."""
    facts, kind = REVISIONS[revision], "SureBackupContentScan"
    taken = {each for each in facts.job_types if names_jobs_of_type(kind, each, facts)}
    assert taken == {"CloudBackupAWS", "CloudBackupGoogle", *expected}
    for other, lists in expected.items():
        named = JobObject.of_job(REPOSITORY, "Nightly", other)
        spec = new_spec(kind, replace(chosen(kind, facts), objects=(named,)), facts, host_name="vbr01")
        found = {key: part for key, part in spec.items() if key.lower().endswith("linkedjobs")}
        assert found == {key: {"includes": [named.raw]} for key in lists}


@pytest.mark.parametrize(("kind", "revision"), NEW)
def test_what_a_new_job_needs_is_asked_for(kind: str, revision: str) -> None:
    """Without its name, its objects, its target or its repository it is not sent."""
    facts = REVISIONS[revision]
    usual = new_settings(kind, facts)
    found = {part for part, _ in new_job_problems(usual, kind, facts)}
    asked = {part for part in SettingsField if demands(kind, part)}
    if usual.objects is not None:
        asked.add(SettingsField.OBJECTS)
    if usual.repository_id is not None:
        asked.add(SettingsField.REPOSITORY)
    assert {SettingsField.NAME, *asked} <= found


def test_a_template_keeps_to_itself_what_it_says_of_its_own_machines() -> None:
    """What it says of machines that the new job has too, or has by their folder, goes along."""
    own, shared, inside = (
        dict(machine().raw) | {"name": name, "objectId": name} for name in ("own", "shared", "inside")
    )
    model = vsphere_spec(wanted(objects=(JobObject(own), JobObject(shared))), REVISIONS["1.3-rev0"])
    said = [{"vmObject": item, "vss": "disabled"} for item in (own, shared, inside)]
    model["guestProcessing"]["appAwareProcessing"]["appSettings"] = said
    spec = spec_from_template(model, wanted(objects=(JobObject(shared), machine())), REVISIONS["1.3-rev0"])
    assert spec["guestProcessing"]["appAwareProcessing"]["appSettings"] == said[1:]
    assert [item["name"] for item in spec["virtualMachines"]["includes"]] == ["shared", "web01"]
    assert model["guestProcessing"]["appAwareProcessing"]["appSettings"] == said


def test_the_layouts_are_the_documents(document: OpenApi) -> None:
    """Every type that JobModel and JobSpec map, no other; a spec lacks the id and the flag alone."""
    for kind in document.kinds("JobModel"):
        fields = document.fields("JobModel", kind)
        assert fields - document.fields("JobSpec", kind) == {"id", "isDisabled"}
        assert document.fields("JobSpec", kind) < fields


@pytest.mark.parametrize(
    ("enum", "kinds"),
    [
        (
            "ERetentionPolicyType",
            ["VSphereBackup", "WindowsAgentBackup", "BackupCopy", "EntraIDTenantBackup"],
        ),
        ("EFileBackupRetentionPolicyType", ["FileBackupCopy", "EntraIDTenantBackupCopy"]),
        ("EEntraIDAuditLogRetentionPolicyType", ["EntraIDAuditLogBackup"]),
    ],
)
def test_the_units_are_the_documents(document: OpenApi, enum: str, kinds: list[str]) -> None:
    """Each type has the units of its own policy."""
    assert {frozenset(retention_units(kind)) for kind in kinds} == {frozenset(document.values(enum))}


def test_a_vsphere_job_is_written_whole() -> None:
    """The shape that a server of 13.1 was seen to accept."""
    assert vsphere_spec(wanted(), REVISIONS["1.3-rev0"]) == {
        "type": "VSphereBackup",
        "name": "Web tier",
        "description": "Created from Slack by ana",
        "isHighPriority": False,
        "virtualMachines": {"includes": [machine().raw]},
        "storage": {
            "backupRepositoryId": REPOSITORY,
            "backupProxies": {"autoSelectEnabled": True},
            "retentionPolicy": {"type": "Days", "quantity": 14},
        },
        "guestProcessing": {
            "appAwareProcessing": {"isEnabled": False},
            "guestFSIndexing": {"isEnabled": False},
        },
        "schedule": {
            "runAutomatically": True,
            "daily": {"isEnabled": True, "dailyKind": "Everyday", "localTime": "22:00"},
            "retry": {"isEnabled": True, "retryCount": 3, "awaitMinutes": 10},
        },
    }


@pytest.mark.parametrize(
    ("revision", "kind", "platform", "days"),
    [
        ("1.2-rev1", "Backup", "VMware", ["monday"]),
        ("1.3-rev0", "VSphereBackup", "VSphere", ["monday"]),
        ("1.3-rev1", "VSphereBackup", "VSphere", ["Monday"]),
        ("1.3-rev2", "VSphereBackup", "VSphere", ["Monday"]),
    ],
)
def test_each_revision_has_its_words(revision: str, kind: str, platform: str, days: list[str]) -> None:
    """And a server of it takes the spec."""
    monday = Schedule(Rhythm.CHOSEN_DAYS, time(9), (Weekday.MONDAY,))
    asked = wanted(schedule=monday, objects=(machine(platform),))
    spec = vsphere_spec(asked, REVISIONS[revision])
    assert (spec["type"], spec["schedule"]["daily"]["days"]) == (kind, days)
    assert differences(asked, settings_of(spec)) == ()
    job_body(SANDBOX_REVISIONS[revision], "JobSpec", spec)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"schedule": Schedule(Rhythm.BY_HAND)},
        {"schedule": Schedule(Rhythm.AFTER_JOB, after_job="Nightly")},
        {"schedule": None, "retention": None, "guest": None, "description": None, "is_high_priority": None},
        {
            "guest": GuestProcessing(
                is_application_aware=True, credentials_id=REPOSITORY, credentials_type="Linux"
            )
        },
    ],
)
def test_a_new_vsphere_job_is_valid(parts: dict[str, Any], document: OpenApi) -> None:
    """With whatever was said; what was not is VBR's usual."""
    spec = vsphere_spec(wanted(**parts), REVISIONS["1.3-rev0"])
    assert document.schema_problems("JobSpec", spec) == []
    assert {"storage", "guestProcessing", "schedule"} <= spec.keys()


def test_only_a_scheduled_job_retries() -> None:
    """Retries are of scheduled runs."""
    by_hand = vsphere_spec(wanted(schedule=Schedule(Rhythm.BY_HAND)), REVISIONS["1.3-rev0"])
    assert by_hand["schedule"] == {"runAutomatically": False}


TO_A_HOST = {SettingsField.HOST: machine()}
CHOSEN_DAYS = Schedule(Rhythm.CHOSEN_DAYS, time(22))


@pytest.mark.parametrize(
    ("parts", "kind", "found"),
    [
        ({}, "VSphereBackup", []),
        ({"name": "  "}, "VSphereBackup", [SettingsField.NAME]),
        ({"objects": ()}, "VSphereBackup", [SettingsField.OBJECTS]),
        ({"objects": None}, "VSphereBackup", [SettingsField.OBJECTS]),
        ({"objects": None}, "BackupCopy", []),
        ({"objects": ()}, "BackupCopy", [SettingsField.OBJECTS]),
        ({"repository_id": ""}, "CloudDirectorBackup", [SettingsField.REPOSITORY]),
        ({"repository_id": None}, "CloudDirectorBackup", []),
        ({"repository_id": None}, "VSphereBackup", [SettingsField.REPOSITORY]),
        ({"retention": Retention("Days", 0)}, "VSphereBackup", [SettingsField.RETENTION]),
        ({"retention": Retention("Fortnights", 1)}, "VSphereBackup", []),
        ({"retention": Retention("RestorePoints", 28), "references": TO_A_HOST}, "VSphereReplica", []),
        ({"retention": Retention("RestorePoints", 28)}, "VSphereReplica", [SettingsField.HOST]),
        (
            {"retention": Retention("RestorePoints", 29), "references": TO_A_HOST},
            "VSphereReplica",
            [SettingsField.RETENTION],
        ),
        ({"gfs": Gfs(weeks=0)}, "VSphereBackup", [SettingsField.GFS]),
        ({"gfs": Gfs(months=1_000)}, "VSphereBackup", [SettingsField.GFS]),
        ({"gfs": Gfs(9_999, 999, 999)}, "VSphereBackup", []),
        ({"schedule": CHOSEN_DAYS}, "VSphereBackup", [SettingsField.SCHEDULE]),
        ({"schedule": replace(CHOSEN_DAYS, days=(Weekday.FRIDAY,))}, "VSphereBackup", []),
        ({"schedule": Schedule(Rhythm.EVERY_DAY)}, "VSphereBackup", [SettingsField.SCHEDULE]),
        ({"schedule": Schedule(Rhythm.AFTER_JOB)}, "VSphereBackup", [SettingsField.SCHEDULE]),
        (
            {"schedule": Schedule(Rhythm.AFTER_JOB, after_job="web TIER")},
            "VSphereBackup",
            [SettingsField.SCHEDULE],
        ),
        ({"schedule": Schedule(Rhythm.AFTER_JOB, after_job="Nightly")}, "VSphereBackup", []),
        ({"schedule": Schedule(Rhythm.OTHER)}, "VSphereBackup", []),
        ({}, "LegacyBackupCopy", [SettingsField.NAME]),
        (
            {"name": "", "objects": (), "repository_id": "", "schedule": CHOSEN_DAYS},
            "VSphereBackup",
            [SettingsField.NAME, SettingsField.OBJECTS, SettingsField.REPOSITORY, SettingsField.SCHEDULE],
        ),
    ],
)
def test_what_is_wrong_before_anybody_is_asked(
    parts: dict[str, Any], kind: str, found: list[SettingsField]
) -> None:
    """Each at its part, in one sentence."""
    told = settings_problems(wanted(**parts), kind)
    assert [part for part, _ in told] == found
    assert all(text.endswith(".") and len(text) < 80 for _, text in told)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@FEW
def test_what_a_job_is_has_no_problem(kind: str, data: st.DataObject) -> None:
    """A job that VBR runs can be edited, whatever it does without."""
    model = data.draw(received_models(kind, home_of(kind)))
    assert settings_problems(settings_of(model), kind) == ()
