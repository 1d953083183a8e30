"""What a job's settings refer to and agree with: names, repositories, objects, credentials, other jobs.

Shapes are checked before. Every refusal is a 400 whose message names what is wrong, by id or by the place in
the body.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.refusals import bad_content, bad_request
from bot.sandbox.vbr.schedule import parse_local_time
from bot.sandbox.vbr.state import InventoryItem, Job

_Part = Mapping[str, Any]
_SOURCES: Mapping[tuple[str, ...], frozenset[str]] = {
    ("linkedJobs", "includes"): frozenset({"CloudBackupAzure", "CloudBackupAWS", "CloudBackupGoogle"}),
    ("unstructuredLinkedJobs", "includes"): frozenset({"FileBackup", "ObjectStorageBackup"}),
}
#: The types of jobs that each list of a content scan takes.
_NOTHING: _Part = {}
_BLOCKS = ("daily", "monthly", "periodically", "continuously", "afterThisJob")
_OF_OTHER_SYSTEMS = {
    "Windows": frozenset({"LinuxComputer"}),
    "Linux": frozenset({"WindowsComputer", "WindowsCluster"}),
}


def check_references(book: Book, model: _Part, job: Job | None) -> None:
    """Raise a 400 for the first thing in a JobSpec or JobModel that is not there, or cannot be."""
    _check_name(book, model["name"], job)
    for repository_id in _repository_ids(model):
        _check_repository(book, repository_id)
    for tenant_id in (_part(model, part).get("tenantId") for part in ("storage", "tenant")):
        if tenant_id is not None and tenant_id.lower() not in book.tenants:
            raise bad_request(f"Microsoft Entra ID tenant with ID '{tenant_id}' was not found.")
    _check_data_servers(book, model)
    _check_iris_servers(book, model)
    _check_metadata_repository(book, model)
    for proxy_id in _proxy_ids(model):
        if proxy_id.lower() not in book.proxies:
            raise bad_request(f"Backup proxy with ID '{proxy_id}' was not found.")
    _check_objects(book, model)
    _check_credentials(book, model.get("guestProcessing") or _NOTHING)
    _check_sources(book, model, job)
    _check_schedule(book, model, job)


def source_ids(model: _Part) -> tuple[str, ...]:
    """The ids of the jobs that a copy job copies, or a scan looks through."""
    jobs = [
        *(_part(model, "sourceObjects", "includes").get("jobs") or ()),
        *(each for place in _SOURCES for each in _listed(model, place)),
    ]
    primary = [model["primaryJobId"]] if model.get("primaryJobId") else []
    return tuple(each.lower() for each in (*(job["id"] for job in jobs), *primary))


def unstructured_names(book: Book, model: _Part) -> list[str]:
    """The names of the shares, buckets, tenants and IRIS servers that a job is about."""
    names = []
    for each in model.get("objects") or ():
        server = book.data_servers[(each.get("fileServerId") or each.get("objectStorageServerId")).lower()]
        container = each.get("container")
        names.append(f"{server.name}/{container}" if container else each.get("path") or server.name)
    for part in ("storage", "tenant"):
        tenant_id = _part(model, part).get("tenantId")
        if tenant_id is not None:
            names.append(book.tenants[tenant_id.lower()].name)
    machines = {item.model["id"]: item.model["name"] for item in _computers_of(book, "Iris")}
    return names + [machines[each["entityId"].lower()] for each in model.get("sources") or ()]


def included(book: Book, model: _Part) -> list[InventoryItem]:
    """What a job includes, as the inventory has it. Raises a 400 for an object that is not there."""
    machines = _part(model, "virtualMachines").get("includes") or []
    return [_object(book, each, f"virtualMachines.includes[{i}]") for i, each in enumerate(machines)] + [
        _computer(book, each) for each in model.get("computers") or ()
    ]


def _check_name(book: Book, name: str, job: Job | None) -> None:
    if not name.strip():
        raise bad_content("The name field must not be empty.")
    namesake = book.job_named(name)
    if namesake is not None and namesake is not job:
        raise bad_request(f"A job with the name '{name}' already exists.")


def _check_repository(book: Book, repository_id: str) -> None:
    repository = book.repositories.get(repository_id.lower())
    if repository is None and repository_id.lower() not in book.scale_out_repositories:
        raise bad_request(f"Backup repository with ID '{repository_id}' was not found.")
    if repository is not None and repository.scale_out is not None:
        raise bad_request(
            f"Backup repository '{repository.name}' cannot be used: it is an extent of scale-out backup "
            f"repository '{repository.scale_out['membership']}'."
        )


def _check_metadata_repository(book: Book, model: _Part) -> None:
    repository_id = _part(model, "jobSettings").get("metadataRepositoryId") or ""
    scale_out = book.scale_out_repositories.get(repository_id.lower())
    if scale_out is not None:
        raise bad_request(
            f"Unable to store replica metadata on the scale-out backup repository '{scale_out.name}'."
        )


def _repository_ids(model: _Part) -> Iterator[str]:
    settings = _part(model, "jobSettings")
    places = (
        model, _part(model, "storage"), _part(model, "target"), _part(model, "backupRepository"),
        _own_destination(model), *(model.get("secondaryTargets") or ()),
    )  # fmt: skip
    for part in places:
        if part.get("backupRepositoryId"):
            yield part["backupRepositoryId"]
    archive = _part(model, "archiveRepository")
    if archive.get("archiveRepositoryId"):
        yield archive["archiveRepositoryId"]
    if settings.get("metadataRepositoryId"):
        yield settings["metadataRepositoryId"]
    for each in _part(model, "sourceObjects", "includes").get("repositories") or ():
        yield each["id"]


def _own_destination(model: _Part) -> _Part:
    """Where a policy's agents write to, unless it is another server's."""
    destination = _part(model, "storage", "destination")
    return destination if destination.get("destinationType") == "BackupRepository" else _NOTHING


def _check_data_servers(book: Book, model: _Part) -> None:
    for each in model.get("objects") or ():
        for key, what, is_object_storage in (
            ("fileServerId", "File server", False),
            ("objectStorageServerId", "Object storage", True),
        ):
            server_id = each.get(key)
            server = book.data_servers.get((server_id or "").lower())
            if server_id is not None and (server is None or server.is_object_storage != is_object_storage):
                raise bad_request(f"{what} with ID '{server_id}' was not found.")


def _check_iris_servers(book: Book, model: _Part) -> None:
    known = {item.model["id"] for item in _computers_of(book, "Iris")}
    for each in model.get("sources") or ():
        if each["entityId"].lower() not in known:
            raise bad_request(f"Discovered entity with ID '{each['entityId']}' was not found.")
        credentials_id = each.get("credentialsId")
        if credentials_id is not None and credentials_id.lower() not in book.credentials:
            raise bad_request(f"Credentials with ID '{credentials_id}' were not found.")


def _computers_of(book: Book, group_type: str) -> Iterator[InventoryItem]:
    return (
        item
        for item in book.inventory.values()
        if item.model.get("protectionGroupType") == group_type and item.parent is not None
    )


def _proxy_ids(model: _Part) -> Iterator[str]:
    yield from _part(model, "storage", "backupProxies").get("proxyIds") or ()
    for side in ("sourceProxies", "targetProxies"):
        yield from _part(model, "dataTransfer", side).get("proxyIds") or ()


def _check_objects(book: Book, model: _Part) -> None:
    if not included(book, model):
        for where, chosen in (
            ("virtualMachines.includes", _part(model, "virtualMachines").get("includes")),
            ("computers", model.get("computers")),
            ("objects", model.get("objects")),
            ("sources", model.get("sources")),
        ):
            if chosen:
                continue
            if chosen is not None:
                raise bad_content(f"{where} must contain at least one item.")
    for name, place in _part(model, "destination").items():
        if name in {"host", "resourcePool", "folder", "datastore"} and place is not None:
            _object(book, place, f"destination.{name}")
    system = next((each for each in _OF_OTHER_SYSTEMS if model["type"].startswith(each)), "")
    refused = _OF_OTHER_SYSTEMS.get(system, frozenset())
    for i, each in enumerate(model.get("computers") or ()):
        if each["type"] in refused:
            raise bad_content(f"The value of computers[{i}].type is missing or not valid.")


def _check_sources(book: Book, model: _Part, job: Job | None) -> None:
    """The jobs that a copy or a scan reads: there, and of a type that its list takes."""
    kept = frozenset() if job is None else frozenset(source_ids(job.model))
    for job_id in source_ids(model):
        if job_id not in kept and job_id not in book.jobs:
            raise bad_request(f"Job with ID '{job_id}' was not found.")
    for place, types in _SOURCES.items():
        for source in (book.jobs.get(each["id"].lower()) for each in _listed(model, place)):
            if source is not None and source.type not in types:
                raise bad_request(f"Job '{source.name}' cannot be linked: its type is {source.type}.")
    if model["type"] == "SureBackupContentScan" and not source_ids(model):
        raise bad_content("linkedJobs must contain at least one item.")


def _listed(model: _Part, place: tuple[str, ...]) -> list[_Part]:
    *way, last = place
    return _part(model, *way).get(last) or []


def _object(book: Book, place: _Part, where: str) -> InventoryItem:
    here = [
        item
        for item in book.inventory.values()
        if item.model["platform"] == place["platform"]
        and item.model["hostName"].casefold() == place["hostName"].casefold()
    ]
    if not here:
        raise bad_request(f"Server '{place['hostName']}' was not found.")
    object_id, name = place.get("objectId"), place["name"]
    if object_id is None:
        roots = [item for item in here if item.parent is None and item.model["name"] == name]
        if not roots:
            raise bad_content(f"The {where}.objectId field is required.")
        return roots[0]
    found = [
        item for item in here if (item.model["objectId"], item.model["type"]) == (object_id, place["type"])
    ]
    if not found:
        raise bad_request(f"Object '{name}' with ID '{object_id}' was not found on '{place['hostName']}'.")
    return found[0]


def _computer(book: Book, place: _Part) -> InventoryItem:
    agents = [item for item in book.inventory.values() if item.model["platform"] == "Agent"]
    group_id = place["protectionGroupId"].lower()
    if all(item.model["id"] != group_id for item in agents):
        raise bad_request(f"Protection group with ID '{group_id}' was not found.")
    for item in agents:
        if (item.model["id"], item.model["protectionGroupId"]) == (place["id"].lower(), group_id):
            return item
    raise bad_request(
        f"Object '{place['name']}' with ID '{place['id']}' was not found in its protection group."
    )


def _check_credentials(book: Book, guest: _Part) -> None:
    chosen = _part(guest, "guestCredentials")
    records = [chosen, _part(chosen, "credentials"), *(chosen.get("credentialsPerMachine") or ())]
    for record in records:
        credentials_id, kind = record.get("credentialsId"), record.get("credentialsType")
        if credentials_id is None:
            continue
        known = book.credentials.get(credentials_id.lower())
        if known is None:
            raise bad_request(f"Credentials with ID '{credentials_id}' were not found.")
        if kind is not None and kind != known.type:
            raise bad_request(f"Credentials with ID '{credentials_id}' are not of the type '{kind}'.")


def _check_schedule(book: Book, model: _Part, job: Job | None) -> None:
    schedule = model.get("schedule") or _NOTHING
    enabled = [name for name in _BLOCKS if _part(schedule, name).get("isEnabled")]
    if len(enabled) > 1:
        raise bad_request(f"Only one scheduling option can be enabled in schedule: {', '.join(enabled)}.")
    for block in ("daily", "monthly"):
        _check_time(_part(schedule, block).get("localTime"), f"schedule.{block}.localTime")
    daily = _part(schedule, "daily")
    if daily.get("isEnabled") and daily.get("dailyKind") == "SelectedDays" and not daily.get("days"):
        raise bad_content("The schedule.daily.days field is required when dailyKind is SelectedDays.")
    if "afterThisJob" in enabled:
        _check_chain(book, model["name"], schedule["afterThisJob"].get("jobName") or "", job)


def _check_time(local_time: str | None, where: str) -> None:
    if local_time is None:
        return
    try:
        parse_local_time(local_time)
    except ValueError:
        raise bad_content(f"The value of {where} is not valid.") from None


def _check_chain(book: Book, name: str, after: str, job: Job | None) -> None:
    own_names = {name.casefold()} | (set() if job is None else {job.name.casefold()})
    if after.casefold() in own_names:
        raise bad_request(f"Job '{name}' cannot be scheduled to run after itself.")
    before = book.job_named(after)
    if before is None:
        raise bad_request(f"Job '{after}' was not found.")
    while before is not None and before.predecessor is not None:
        if before.predecessor.casefold() in own_names:
            raise bad_request(f"Job '{name}' cannot run after job '{after}', which itself runs after it.")
        before = book.job_named(before.predecessor)


def _part(model: _Part, *names: str) -> _Part:
    for name in names:
        model = model.get(name) or _NOTHING
    return model
