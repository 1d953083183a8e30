"""One thing that a search menu offers, and what its choice carries, both ways."""

from dataclasses import dataclass

import msgspec

from bot.operations.requests import KnownJob, KnownMachine
from bot.settings import ServerName
from bot.veeam import JobId


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to choose: what the choice carries, its name, and what tells it from others of that name."""

    value: str
    name: str
    detail: str


def job_value(job: KnownJob) -> str:
    """What the choice of a job carries."""
    return msgspec.json.encode([job.server, job.job_id]).decode()


def job_chosen(value: str) -> KnownJob | None:
    """The job that was chosen; None for what no menu of ours offered."""
    try:
        server, job_id = msgspec.json.decode(value, type=tuple[str, str])
    except msgspec.MsgspecError:
        return None
    return KnownJob(ServerName(server), JobId(job_id))


def machine_value(machine: KnownMachine) -> str:
    """What the choice of a virtual machine carries."""
    return msgspec.json.encode([machine.server, machine.host_name, machine.object_id]).decode()


def machine_chosen(value: str) -> KnownMachine | None:
    """The virtual machine that was chosen; None for what no menu of ours offered."""
    try:
        server, host_name, object_id = msgspec.json.decode(value, type=tuple[str, str, str])
    except msgspec.MsgspecError:
        return None
    return KnownMachine(ServerName(server), host_name, object_id)
