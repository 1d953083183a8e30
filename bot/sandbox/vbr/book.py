"""The book of a simulated VBR: every job, session, repository … by its id, and the source of new ids."""

from collections.abc import Iterator
from random import Random
from uuid import NAMESPACE_OID, UUID, uuid5

from bot.sandbox.vbr.state import (
    Credentials,
    DataServer,
    InventoryItem,
    Job,
    Proxy,
    Repository,
    ScaleOutRepository,
    Session,
    TaskSession,
    Tenant,
)


def random_id(rng: Random) -> str:
    """Make a UUID from a seeded source."""
    return str(UUID(int=rng.getrandbits(128), version=4))


class Book:
    """All that the server has on record. Random only through ``rng``, so that a seed makes the same book."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self._seed = seed
        self.jobs: dict[str, Job] = {}
        self.sessions: dict[str, Session] = {}
        self.tasks: dict[str, TaskSession] = {}
        self.repositories: dict[str, Repository] = {}
        self.scale_out_repositories: dict[str, ScaleOutRepository] = {}
        self.proxies: dict[str, Proxy] = {}
        self.credentials: dict[str, Credentials] = {}
        self.tenants: dict[str, Tenant] = {}
        self.data_servers: dict[str, DataServer] = {}
        self.inventory: dict[tuple[str, str, str], InventoryItem] = {}
        self._names: dict[str, str] = {}
        self._usn = 140_000

    def new_id(self) -> str:
        """Make a UUID from the book's own source."""
        return random_id(self.rng)

    def derived_id(self, *names: str) -> str:
        """Make the UUID of what is called so: always the same one, and nothing else of the book changes."""
        return str(uuid5(NAMESPACE_OID, "/".join((str(self._seed), *names))))

    def next_usn(self) -> int:
        """Count one change up, as VBR's update sequence number does."""
        self._usn += 1
        return self._usn

    def add_job(self, job: Job) -> None:
        """Enter a job; names are unique on a server, whatever their letter case."""
        self.jobs[job.id] = job
        self._names[job.name.casefold()] = job.id

    def job_named(self, name: str) -> Job | None:
        """Find a job by its name, letter case aside."""
        job_id = self._names.get(name.casefold())
        return self.jobs.get(job_id) if job_id is not None else None

    def rename_job(self, job: Job, name: str) -> None:
        """Give a job another name; the jobs chained after it follow the new one."""
        followers = list(self.successors(job))
        self._names.pop(job.name.casefold(), None)
        job.model["name"] = name
        self._names[name.casefold()] = job.id
        for follower in followers:
            follower.model["schedule"]["afterThisJob"]["jobName"] = name
            follower.rows.clear()
        job.rows.clear()

    def remove_job(self, job: Job) -> None:
        """Take a job out; its sessions stay, the chain after it is cut."""
        for follower in list(self.successors(job)):
            follower.model["schedule"]["afterThisJob"] = {"isEnabled": False}
            follower.rows.clear()
        del self.jobs[job.id]
        self._names.pop(job.name.casefold(), None)

    def successors(self, job: Job) -> Iterator[Job]:
        """The jobs chained directly after this one."""
        return (other for other in self.jobs.values() if _is_after(other, job))

    def latest_session(self, job: Job) -> Session | None:
        """The job's latest session, unless it was purged."""
        return self.sessions.get(job.session_id) if job.session_id is not None else None

    def active_session(self, job: Job) -> Session | None:
        """The job's session in progress."""
        session = self.latest_session(job)
        return session if session is not None and session.run is not None else None

    def tasks_of(self, session: Session) -> list[TaskSession]:
        """The session's task sessions that have begun."""
        return [self.tasks[task_id] for task_id in session.task_ids]

    def purge_session(self, session_id: str) -> None:
        """Forget a session with its task sessions, as the history retention does."""
        session = self.sessions.pop(session_id)
        session.run = None
        for task_id in session.task_ids:
            del self.tasks[task_id]
        session.task_ids.clear()


def _is_after(other: Job, job: Job) -> bool:
    return other.predecessor is not None and other.predecessor.casefold() == job.name.casefold()
