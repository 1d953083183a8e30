"""What each revision of the API has, how it spells it, and what it refuses, written out by hand."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bot.sandbox.vbr import REVISIONS, Account, Behaviour, Job, Quirks, Role, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.life import Start
from tests.rooms.sandbox.vbr.talking import Client, StillClock, login_form
from tests.support.conversations import violations

OLD, REV0, REV1, REV2 = "1.2-rev1", "1.3-rev0", "1.3-rev1", "1.3-rev2"
EVERY = [OLD, REV0, REV1, REV2]
WITHOUT_OLD = [REV0, REV1, REV2]
NEWEST = Behaviour(supported_revisions=tuple(EVERY))
NO_JOB = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def vbr(world: World) -> AsyncIterator[VbrSandbox]:
    async with VbrSandbox(world, behaviour=NEWEST) as running:
        yield running
    assert violations(running, of_answers_alone=True) == []


def speaking(vbr: VbrSandbox, revision: str) -> Client:
    return Client(vbr, {"x-api-version": revision})


def job_with_a_failed_run(world: World) -> Job:
    job = world.add_job("Web tier", objects=("web01",))
    world.finish_run(job, result="Failed", objects={"web01": "no space"})
    return job


REFUSED: list[tuple[str, str, dict[str, int]]] = [
    # method and path, and the revisions that refuse it, with the status
    ("POST", "/jobs/{job}/retry", {OLD: 404}),
    ("POST", "/jobs/{job}/clone", {OLD: 404}),
    ("GET", "/backupInfrastructure/proxies/states", {OLD: 404}),
    ("POST", "/inventory/physical", {OLD: 404}),
    ("GET", "/jobs/states?typeFilter=VSphereBackup", {OLD: 400}),
    ("GET", "/jobs/states?typeFilter=Backup", {REV0: 400, REV1: 400, REV2: 400}),
    ("GET", "/jobs/states?typeFilter=BackupCopy", {OLD: 400}),
    ("GET", "/jobs/states?typeFilter=FileBackup", {OLD: 400, REV0: 400}),
    ("GET", "/jobs/states?typeFilter=ProxmoxBackupJob", {OLD: 400, REV0: 400, REV1: 400}),
    ("GET", "/jobs/states?statusFilter=running", {REV1: 400, REV2: 400}),
    ("GET", "/jobs/states?statusFilter=Running", {OLD: 400, REV0: 400}),
    ("GET", "/jobs/states?statusFilter=starting", {OLD: 400, REV1: 400, REV2: 400}),
    ("GET", "/jobs/states?workloadFilter=cloudVm", {REV1: 400, REV2: 400}),
    ("GET", "/jobs/states?orderColumn=RepositoryName", {OLD: 400}),
    ("GET", "/jobs/states?orderColumn=AfterJobName", {OLD: 400}),
    ("GET", "/sessions?orderColumn=InitiatedBy", {OLD: 400}),
    ("GET", "/sessions?typeFilter=BackupJob&typeFilter=ReplicaJob", {OLD: 400}),
    ("GET", "/sessions?resultFilter=Failed&resultFilter=Warning", {OLD: 400}),
    ("GET", "/sessions?typeFilter=AgentBackup", {OLD: 400}),
    ("GET", "/sessions?typeFilter=BackupCopyJob", {OLD: 400, REV0: 400}),
    ("GET", "/sessions?typeFilter=EndpointBackup", {OLD: 400, REV0: 400, REV1: 400}),
    ("GET", "/sessions?stateFilter=ActionRequired", {OLD: 400, REV0: 400, REV1: 400}),
    ("GET", "/sessions/{session}/taskSessions?limit=none", {OLD: 400, REV0: 400, REV1: 400, REV2: 400}),
    ("GET", "/sessions/{session}/logs?statusFilter=Success", {OLD: 400, REV0: 400, REV1: 400, REV2: 400}),
]


@pytest.mark.parametrize(("method", "path", "refusals"), REFUSED, ids=lambda value: str(value)[:60])
async def test_what_a_revision_refuses(
    vbr: VbrSandbox, method: str, path: str, refusals: dict[str, int]
) -> None:
    """An unknown path is 404, an unknown value 400, and every other revision takes the same request."""
    job = job_with_a_failed_run(vbr.world)
    path = path.replace("{job}", job.id).replace("{session}", job.session_id or "")
    found = {}
    for revision in EVERY:
        async with speaking(vbr, revision) as client:
            await client.log_in()
            answer = await client.http.request(method, f"/api/v1{path}")
        job.last_result = "Failed"
        if job.session_id is not None and not vbr.world.session(job.session_id).is_stopped:
            vbr.world.purge_session(job.session_id)
        if answer.status_code >= 300:
            found[revision] = answer.status_code
    assert found == refusals


@pytest.mark.parametrize("newest", EVERY)
async def test_a_server_takes_its_own_revision_and_older_ones(world: World, newest: str) -> None:
    """A newer one is refused with 400, in the words of the server's generation."""
    behaviour = Behaviour(supported_revisions=accepted_by(newest))
    words = "Unsupported RESTAPI version" if newest == OLD else "does not support the API version"
    async with VbrSandbox(world, behaviour=behaviour) as server:
        for revision in EVERY:
            async with speaking(server, revision) as client:
                answer = await client.http.get("/api/v1/serverTime")
            is_taken = EVERY.index(revision) <= EVERY.index(newest)
            assert answer.status_code == (200 if is_taken else 400)
            assert is_taken or words in answer.json()["message"]


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        (OLD, ("inactive", "running", "disabled", "vm", "Backup")),
        (REV0, ("stopped", "running", "disabled", "vm", "VSphereBackup")),
        (REV1, ("Stopped", "Running", "Disabled", "Vm", "VSphereBackup")),
        (REV2, ("Stopped", "Running", "Disabled", "Vm", "VSphereBackup")),
    ],
)
async def test_a_job_state_is_spelt_as_the_revision_does(
    vbr: VbrSandbox, clock: StillClock, revision: str, words: tuple[str, str, str, str, str]
) -> None:
    """Status, workload and type, and the same spelling finds them again."""
    idle, running, disabled, workload, kind = words
    job_with_a_failed_run(vbr.world)
    vbr.world.add_job("Off", is_disabled=True)
    vbr.world.life.begin(vbr.world.add_job("Busy"), Start(), vbr.world.now())
    clock.forward(seconds=20)
    async with speaking(vbr, revision) as client:
        await client.log_in()
        rows = {row["name"]: row for row in (await client.get("/jobs/states"))["data"]}
        found = await client.names("/jobs/states", statusFilter=running, typeFilter=kind)
    assert {row["workload"] for row in rows.values()} == {workload}
    assert {row["type"] for row in rows.values()} == {kind}
    assert {name: row["status"] for name, row in rows.items()} == {
        "Web tier": idle, "Off": disabled, "Busy": running,
    }  # fmt: skip
    assert found == ["Busy"]


async def test_job_states_grow_with_the_revisions(vbr: VbrSandbox) -> None:
    """1.2-rev1 has thirteen fields at most; 1.3-rev0 adds seven, 1.3-rev2 one more."""
    job_with_a_failed_run(vbr.world)
    fields = {}
    for revision in EVERY:
        async with speaking(vbr, revision) as client:
            (row,) = (await (await client.log_in()).get("/jobs/states"))["data"]
            fields[revision] = set(row)
    assert len(fields[OLD]) <= 13
    assert {"highPriority", "progressPercent", "sessionProgress", "nextRunPolicy"} <= fields[REV0] - fields[
        OLD
    ]
    assert fields[REV1] == fields[REV0]
    assert fields[REV2] - fields[REV1] == {"targetName"}


async def test_sessions_grow_with_the_revisions(vbr: VbrSandbox) -> None:
    """Who began it came with 1.3-rev0, the first session of a retried run with 1.3-rev2."""
    job = job_with_a_failed_run(vbr.world)
    first = vbr.world.session(job.session_id or "")
    again = vbr.world.finish_run(job, result="Failed", retry_of=first)
    third = vbr.world.finish_run(job, result="Success", retry_of=again)
    rows = {}
    for revision in EVERY:
        async with speaking(vbr, revision) as client:
            rows[revision] = await (await client.log_in()).get(f"/sessions/{third.id}")
    assert "initiatedBy" not in rows[OLD]
    assert all("initiatedBy" in rows[revision] for revision in WITHOUT_OLD)
    assert [("retryInfo" in rows[revision], "algorithm" in rows[revision]) for revision in EVERY] == [
        (False, False), (False, False), (False, False), (True, True),
    ]  # fmt: skip
    assert rows[REV2]["originalSessionId"] == first.id
    assert rows[REV2]["retryInfo"] == {"isRecheckRetry": False, "retryNumber": 2}


@pytest.mark.parametrize(("revision", "kind"), [(OLD, None), (REV0, str), (REV1, str), (REV2, list)])
async def test_additional_information_of_a_log_record(vbr: VbrSandbox, revision: str, kind: Any) -> None:
    """Absent, a text, an array."""
    job = job_with_a_failed_run(vbr.world)
    async with speaking(vbr, revision) as client:
        records = (await (await client.log_in()).get(f"/sessions/{job.session_id}/logs"))["records"]
    told = [type(record["additionalInfo"]) for record in records if "additionalInfo" in record]
    assert set(told) == ({kind} if kind else set())


@pytest.mark.parametrize(("revision", "status"), [(OLD, 200), (REV0, 200), (REV1, 204), (REV2, 204)])
async def test_switching_a_job_off_and_on(vbr: VbrSandbox, revision: str, status: int) -> None:
    """200 with an empty object, since 1.3-rev1 204 without a body."""
    job = job_with_a_failed_run(vbr.world)
    async with speaking(vbr, revision) as client:
        await client.log_in()
        answers = [await client.post(f"/jobs/{job.id}/{verb}") for verb in ("disable", "enable")]
    assert [answer.status_code for answer in answers] == [status, status]


@pytest.mark.parametrize(("revision", "status"), [(OLD, 201), (REV0, 201), (REV1, 201), (REV2, 204)])
async def test_a_start_with_nothing_to_process(vbr: VbrSandbox, revision: str, status: int) -> None:
    """1.3-rev2 begins no session for a job without objects; a job with objects is a session everywhere."""
    empty, full = vbr.world.add_job("Empty", objects=()), vbr.world.add_job("Full")
    async with speaking(vbr, revision) as client:
        await client.log_in()
        assert (await client.post(f"/jobs/{empty.id}/start")).status_code == status
        assert (await client.post(f"/jobs/{full.id}/start")).status_code == 201


async def test_a_field_of_a_later_revision_has_no_effect(vbr: VbrSandbox) -> None:
    """1.2-rev1 knows no `syncRestorePoints`, and lets it pass as it does every unknown field."""
    job = vbr.world.add_job("Web tier")
    body = {"performActiveFull": False, "syncRestorePoints": "All"}
    statuses = {}
    for revision in (REV0, OLD):
        async with speaking(vbr, revision) as client:
            await client.log_in()
            statuses[revision] = (await client.post(f"/jobs/{job.id}/start", body)).status_code
    assert statuses == {REV0: 400, OLD: 201}


@pytest.mark.parametrize(("revision", "rows"), [(OLD, 250), (REV0, 200), (REV1, 200), (REV2, 200)])
async def test_a_list_without_a_limit(vbr: VbrSandbox, revision: str, rows: int) -> None:
    """Since 1.3 it has 200 rows; before, no default is declared, and all may come."""
    vbr.world.with_many_jobs(250)
    async with speaking(vbr, revision) as client:
        assert len((await (await client.log_in()).get("/jobs/states"))["data"]) == rows


@pytest.mark.parametrize(("revision", "rows"), [(OLD, 210), (REV0, 210), (REV1, 200), (REV2, 200)])
async def test_task_sessions_of_a_session_are_paged(vbr: VbrSandbox, revision: str, rows: int) -> None:
    """Since 1.3-rev1 they come in pages; before, all at once."""
    job = vbr.world.add_job("Wide", objects=tuple(f"vm{number:03d}" for number in range(210)))
    session = vbr.world.finish_run(job)
    async with speaking(vbr, revision) as client:
        answer = await (await client.log_in()).get(f"/sessions/{session.id}/taskSessions")
    assert (len(answer["data"]), answer["pagination"]["total"]) == (rows, 210)


async def test_jobs_that_a_revision_has_no_word_for(vbr: VbrSandbox) -> None:
    """1.2-rev1 leaves them out of its lists, has no model of them, and yet starts them by id."""
    vbr.world.add_job("Web tier")
    copy = vbr.world.add_job("Copy", "BackupCopy", source="Web tier", mode="Periodic")
    vbr.world.finish_run("Copy")
    async with speaking(vbr, OLD) as client:
        await client.log_in()
        assert await client.names("/jobs/states") == ["Web tier"]
        assert await client.names("/jobs") == ["Web tier"]
        assert await client.status_of_get(f"/jobs/{copy.id}") == 400
        assert (await client.get("/sessions"))["data"] == []
        assert (await client.post(f"/jobs/{copy.id}/start")).status_code == 201


@pytest.mark.parametrize(
    ("revision", "kind", "platform", "day", "key"),
    [
        (OLD, "Backup", "VMware", "monday", "synthenticFulls"),
        (REV0, "VSphereBackup", "VSphere", "monday", "synthenticFulls"),
        (REV1, "VSphereBackup", "VSphere", "Monday", "synthenticFulls"),
        (REV2, "VSphereBackup", "VSphere", "Monday", "syntheticFulls"),
    ],
)
async def test_a_job_goes_back_as_it_came(
    vbr: VbrSandbox, revision: str, kind: str, platform: str, day: str, key: str
) -> None:
    """What GET printed PUT takes, in that revision's spelling and in no other's; nothing is changed by it."""
    days = {"isEnabled": True, "localTime": "22:00", "dailyKind": "SelectedDays", "days": ["monday"]}
    job = vbr.world.add_job("Web tier", schedule={"runAutomatically": True, "daily": days})
    before = dict(job.model)
    refused = []
    async with speaking(vbr, revision) as client:
        await client.log_in()
        model = await client.get(f"/jobs/{job.id}")
        assert (model["type"], model["schedule"]["daily"]["days"]) == (kind, [day])
        assert model["virtualMachines"]["includes"][0]["platform"] == platform
        assert key in model["storage"]["advancedSettings"]
        answer = await client.http.put(f"/api/v1/jobs/{job.id}", json=model)
        assert (answer.status_code, answer.json()) == (200, model)
    assert job.model == before
    for other in EVERY:
        async with speaking(vbr, other) as client:
            await client.log_in()
            if (await client.http.put(f"/api/v1/jobs/{job.id}", json=model)).status_code != 200:
                refused.append(other)
    speak_alike = [[OLD], [REV0], [REV1, REV2]]
    assert refused == [
        each for each in EVERY if not any({each, revision} <= set(group) for group in speak_alike)
    ]


@pytest.mark.parametrize(
    ("revision", "operation"), [(OLD, "contains"), (REV0, "contains"), (REV1, "Contains"), (REV2, "Contains")]
)
async def test_words_of_an_inventory_search(vbr: VbrSandbox, revision: str, operation: str) -> None:
    """Predicates begin with a capital since 1.3-rev1."""
    vbr.world.add_job("Web tier", objects=("web01",))
    statuses = {}
    for word in ("contains", "Contains"):
        predicate = {"type": "PredicateExpression", "property": "name", "operation": word, "value": "web"}
        async with speaking(vbr, revision) as client:
            await client.log_in()
            answer = await client.post(f"/inventory/{vbr.world.host_name}", {"filter": predicate})
        statuses[word] = answer.status_code
        if answer.status_code == 200:
            assert [row["name"] for row in answer.json()["data"]] == ["web01"]
    assert [word for word, status in statuses.items() if status == 200] == [operation]


A, BO, RO = Role.ADMINISTRATOR, Role.BACKUP_OPERATOR, Role.RESTORE_OPERATOR
BV, TO, SA = Role.VIEWER, Role.TAPE_OPERATOR, Role.SECURITY_ADMINISTRATOR
PERMITTED: list[tuple[tuple[str, str], dict[str, set[Role]]]] = [
    (("POST", "/jobs/{id}/start"), {OLD: {A, BO}, REV0: {A, BO, TO}, REV1: {A, BO, TO}, REV2: {A, BO}}),
    (("POST", "/jobs/{id}/stop"), {OLD: {A, BO}, REV0: {A, BO, TO}, REV1: {A, BO, TO}, REV2: {A, BO}}),
    (("POST", "/jobs/{id}/retry"), {OLD: set(), REV0: {A, BO, TO}, REV1: {A, BO, TO}, REV2: {A, BO}}),
    (
        ("GET", "/jobs/states"),
        {
            OLD: {A, BO, RO, BV, TO},
            REV0: {A, BO, RO, BV, TO},
            REV1: {A, BO, RO, BV, TO, SA},
            REV2: {A, BO, RO, BV, SA},
        },
    ),
    (
        ("GET", "/inventory/vmware/hosts"),
        {OLD: {A}, REV0: {A, BO, RO, TO}, REV1: {A, BO, RO, TO}, REV2: {A, BO, RO}},
    ),
    (("POST", "/inventory"), {OLD: {A}, REV0: {A}, REV1: {A, BO, RO, TO}, REV2: {A, BO, RO}}),
    (("POST", "/jobs/{id}/disable"), {OLD: {A}, REV0: {A}, REV1: {A}, REV2: {A}}),
]


@pytest.mark.parametrize(("operation", "allowed"), PERMITTED, ids=[" ".join(each[0]) for each in PERMITTED])
async def test_who_may_by_revision(
    vbr: VbrSandbox, operation: tuple[str, str], allowed: dict[str, set[Role]]
) -> None:
    """403 for every role but these; where the revision lacks the operation, 404 for all."""
    method, template = operation
    for revision in EVERY:
        found = set()
        for role in Role:
            async with speaking(vbr, revision) as client:
                await client.log_in(vbr.accounts.by_role(role))
                path = f"/api/v1{template.replace('{id}', NO_JOB)}"
                answer = await client.http.request(method, path, json={} if method == "POST" else None)
            is_unknown = answer.status_code == 404 and answer.json()["errorCode"] == "InvalidURI"
            if answer.status_code != 403 and not is_unknown:
                found.add(role)
        assert found == allowed[revision], revision


@pytest.mark.parametrize("revision", EVERY)
async def test_custom_roles(vbr: VbrSandbox, revision: str) -> None:
    """They log in since 1.3-rev2, run jobs with it, and change none."""
    custom = Account("LAB\\svc-custom", "sandbox", frozenset(), has_custom_role=True)
    job = vbr.world.add_job("Web tier")
    async with speaking(vbr, revision) as client:
        answer: httpx.Response = await client.http.post("/api/oauth2/token", data=login_form(custom))
        if revision != REV2:
            assert answer.status_code == 401
            return
        client.use(answer.json())
        assert await client.names("/jobs/states") == ["Web tier"]
        assert (await client.post(f"/jobs/{job.id}/disable")).status_code == 403
        assert (await client.post(f"/jobs/{job.id}/start")).status_code == 201


def test_the_sandbox_plays_four() -> None:
    """The revisions that the bot supports, the oldest first."""
    assert list(REVISIONS) == EVERY


async def test_the_documents_of_the_api(world: World) -> None:
    """Served to anyone for the revisions that the server speaks, until its Swagger pages are closed."""
    async with VbrSandbox(world, behaviour=Behaviour(supported_revisions=accepted_by(REV0))) as vbr:

        async def statuses() -> list[int]:
            async with httpx.AsyncClient(base_url=vbr.url, trust_env=False) as http:
                answers = [await http.get(f"/swagger/v{name}/swagger.json") for name in [*EVERY, "1.4-rev0"]]
            return [answer.status_code for answer in answers]

        assert await statuses() == [200, 200, 404, 404, 404]
        vbr.upgrade(REV2, "13.1.0.411")
        assert await statuses() == [200, 200, 200, 200, 404]
        vbr.behaviour = replace(vbr.behaviour, quirks=Quirks(has_closed_swagger=True))
        assert await statuses() == [403] * 5


@pytest.mark.parametrize(
    "path", ["/api/v1/serverTime", "/api/v1/jobs/states", "/api/v1/nothing", "/api/oauth2/token"]
)
async def test_an_upgraded_server_speaks_more(world: World, path: str) -> None:
    """What it refused on every path, whether or not it is open, it takes from then on."""
    async with VbrSandbox(world, behaviour=Behaviour(supported_revisions=accepted_by(REV0))) as vbr:
        headers = {"x-api-version": REV2}
        async with httpx.AsyncClient(base_url=vbr.url, headers=headers, trust_env=False) as http:
            assert (await http.get(path)).status_code == 400
            vbr.upgrade(REV2)
            assert (await http.get(path)).status_code != 400
