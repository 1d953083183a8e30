"""The world of a simulated VBR: its state, its time, and the levers that tests and the demo pull.

Time is an argument: the world knows only what ``clock`` tells it and comes up to that in ``tick``. The same
seed and the same clock make the same world.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, TypedDict, Unpack

from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.estate import add_default_repository, file_server, object_storage, tenant
from bot.sandbox.vbr.history import FinishedRun, record_offload, record_part, record_run
from bot.sandbox.vbr.jobmodels import JobParts, after, complete, job_model, never
from bot.sandbox.vbr.life import Life, Pace, Start
from bot.sandbox.vbr.machines import computer, iris_server, machine, replica_target
from bot.sandbox.vbr.state import Job, Outcome, Session

_COMPUTERS = {
    **dict.fromkeys(
        ("WindowsAgentBackup", "WindowsAgentBackupServerPolicy", "WindowsAgentBackupWorkstationPolicy"),
        "WindowsComputer",
    ),
    **dict.fromkeys(
        ("LinuxAgentBackup", "LinuxAgentBackupServerPolicy", "LinuxAgentBackupWorkstationPolicy"),
        "LinuxComputer",
    ),
    "WindowsAgentBackupFailoverCluster": "WindowsCluster",
}
_PLATFORMS = {
    "VSphereBackup": "VSphere",
    "VSphereReplica": "VSphere",
    "HyperVBackup": "HyperV",
    "CloudDirectorBackup": "CloudDirector",
}
_PACE = Pace(housekeeping=False)
_CENTRAL_EUROPEAN_SUMMER_TIME = timezone(timedelta(hours=2))


class JobFacts(TypedDict, total=False):
    """What may be said of a new job.

    ``runs_after`` names its predecessor, ``source`` the job it copies, ``guest`` the user whose credentials
    application-aware processing uses.
    """

    schedule: Mapping[str, Any]
    runs_after: str
    objects: Sequence[str]
    objects_count: int
    description: str
    is_disabled: bool
    is_high_priority: bool
    repository_id: str
    mode: str
    source: str
    guest: str
    run_seconds: float
    failure_rate: float
    warning_rate: float
    await_minutes: int


class RunFacts(TypedDict, total=False):
    """What may be said of a finished run; see ``history.FinishedRun``."""

    ended_at: datetime
    result: str
    objects: Mapping[str, str] | Sequence[str]
    warned: Mapping[str, str]
    message: str
    log: tuple[tuple[str, str], ...]
    seconds: float
    initiated_by: str
    only: Sequence[str]
    retry_of: Session


class World:
    """One VBR server's jobs and all that happens to them. KeyError for jobs and sessions it has not."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        name: str = "vbr01",
        seed: int = 1,
        zone: tzinfo = _CENTRAL_EUROPEAN_SUMMER_TIME,
        pace: Pace = _PACE,
    ) -> None:
        self.name = name
        self.zone = zone
        self.clock_skew = timedelta()
        self.four_eyes = False
        self.licence_lasts = timedelta(days=200)
        self.config_backup_age: timedelta | None = timedelta(hours=10)
        self.build_version = "13.0.0.4967"
        self.book = Book(seed)
        self.vbr_id = self.book.new_id()
        self.host_name = f"vcenter01.{name}.example.com"
        self.other_host_name = f"vcenter02.{name}.example.com"
        self._clock = clock
        self.life = Life(self.book, zone, pace)
        self.default_repository_id = add_default_repository(self.book).id
        self.life.wake(self.now())

    def now(self) -> datetime:
        """Tell the server's time: the clock's, plus the skew a test may have given it."""
        return self._clock() + self.clock_skew

    def true_time(self) -> datetime:
        """Tell the clock's time, whatever the server believes; lifetimes of tokens go by this."""
        return self._clock()

    def tick(self) -> None:
        """Bring everything up to now."""
        self.life.tick(self.now())

    def job(self, name: str) -> Job:
        """The job of that name."""
        job = self.book.job_named(name)
        if job is None:
            raise KeyError(name)
        return job

    @property
    def jobs(self) -> Iterable[Job]:
        """All jobs, in the order of their making."""
        return self.book.jobs.values()

    def session(self, session_id: str) -> Session:
        """The session of that id."""
        return self.book.sessions[session_id]

    def sessions_of(self, job: Job | str) -> list[Session]:
        """The job's own sessions, oldest first."""
        job_id = self._job(job).id
        mine = [session for session in self.book.sessions.values() if session.job_id == job_id]
        return sorted(mine, key=lambda session: session.created_at)

    def add_job(self, name: str, kind: str = "VSphereBackup", **facts: Unpack[JobFacts]) -> Job:
        """Add an idle job that has never run. Without a failure rate it always succeeds."""
        objects = list(facts.get("objects", ("vm01", "vm02")))
        schedule: Mapping[str, Any] = facts["schedule"] if "schedule" in facts else never()
        if "runs_after" in facts:
            schedule = after(facts["runs_after"], await_minutes=facts.get("await_minutes", 10))
        sources = [self.job(facts["source"])] if "source" in facts else []
        parts = JobParts(
            id=self.book.new_id(),
            name=name,
            description=facts.get("description", f"Created by .\\veeamadmin at {self.now():%m/%d/%Y}."),
            repository_id=facts.get("repository_id", self.default_repository_id),
            objects=[self._job_object(kind, machine) for machine in objects],
            schedule=complete(schedule),
            is_disabled=facts.get("is_disabled", False),
            is_high_priority=facts.get("is_high_priority", False),
            source_ids=[source.id for source in sources],
            scans_files=any(source.type in {"FileBackup", "ObjectStorageBackup"} for source in sources),
            mode=facts.get("mode", "Immediate"),
            target=self._replica_target() if kind == "VSphereReplica" else {},
            guest=self._guest(facts["guest"]) if "guest" in facts else None,
            server_name=self.name,
        )
        job = Job(
            model=job_model(kind, parts),
            objects=objects,
            objects_count=facts.get("objects_count", len(objects)),
            run_seconds=facts.get("run_seconds"),
            failure_rate=facts.get("failure_rate", 0.0),
            warning_rate=facts.get("warning_rate", 0.0),
        )
        self.book.add_job(job)
        self.life.plan_next_run(job, self.now())
        return job

    def plan(self, job: Job | str, outcomes: Iterable[Outcome]) -> None:
        """Fix what the job's next runs come to, automatic retries included, in this order."""
        self._job(job).plan.extend(outcomes)

    def begin_run(self, job: Job | str, *, by: str | None = None) -> Session:
        """Start a run: by the schedule, or by the account named."""
        start = Start() if by is None else Start(by=by, is_scheduled=False, follows_chain=False)
        return self.life.begin(self._job(job), start, self.now())

    def finish_run(self, job: Job | str, **facts: Unpack[RunFacts]) -> Session:
        """Record a run that is over, with its task sessions and log; it ended now unless said otherwise."""
        complete: RunFacts = {"ended_at": self.now(), **facts}
        return record_run(self.book, self._job(job), FinishedRun(**complete))

    def finish_part(
        self, parent: Session, name: str, *, job_id: str | None = None, **facts: Unpack[RunFacts]
    ) -> Session:
        """Record a finished part of a session, of that name: of a copy's source, of a policy's machine."""
        complete: RunFacts = {"ended_at": self.now(), **facts}
        return record_part(self.book, parent, FinishedRun(**complete), name=name, job_id=job_id)

    def finish_offload(self, name: str, **facts: Unpack[RunFacts]) -> Session:
        """Record an offload that is over, such as `SCALE-OUT-NAME Offload`."""
        complete: RunFacts = {"ended_at": self.now(), **facts}
        return record_offload(self.book, FinishedRun(**complete), name=name)

    def purge_session(self, session_id: str) -> None:
        """Forget a session, as the history retention does."""
        self.book.purge_session(session_id)

    def with_many_jobs(self, count: int) -> "World":
        """Add ``count`` jobs, each with one finished run: every tenth Failed, some of the others Warning."""
        now = self.now()
        for number in range(count):
            job = self.add_job(f"Bulk job {number:05d}", objects=(f"bulk{number:05d}",))
            result = "Failed" if number % 10 == 0 else "Warning" if number % 7 == 0 else "Success"
            record_run(self.book, job, FinishedRun(now - timedelta(seconds=number), result, only=()))
        return self

    def _job(self, job: Job | str) -> Job:
        return self.job(job) if isinstance(job, str) else job

    def _job_object(self, kind: str, name: str) -> Mapping[str, Any]:
        if kind in _COMPUTERS:
            return computer(self.book, _COMPUTERS[kind], name).model
        if kind in _PLATFORMS:
            platform = _PLATFORMS[kind]
            return machine(self.book, platform, self._host_names[platform], name).model
        if kind == "FileBackup":
            return self._file_object(name)
        if kind == "ObjectStorageBackup":
            return self._bucket(name)
        if kind == "IrisBackup":
            return iris_server(self.book, name).model
        return {"name": name, "id": tenant(self.book, name, self.default_repository_id).id}

    def _file_object(self, name: str) -> Mapping[str, Any]:
        server = file_server(self.book, name, self.default_repository_id)
        kind = "Directory" if server.type == "FileServer" else "FileServerShare"
        return {"fileServerId": server.id, "path": "" if kind == "Directory" else name, "type": kind}

    def _bucket(self, name: str) -> Mapping[str, Any]:
        host, _, container = name.partition("/")
        storage = object_storage(self.book, host, self.default_repository_id)
        if not container:
            return {"objectStorageServerId": storage.id, "type": "ObjectStorageRoot"}
        return {"objectStorageServerId": storage.id, "container": container, "type": "Container"}

    def _replica_target(self) -> Mapping[str, Mapping[str, Any]]:
        places = replica_target(self.book, self.other_host_name)
        return {place: item.model for place, item in places.items()}

    @property
    def _host_names(self) -> dict[str, str]:
        return {
            "VSphere": self.host_name,
            "HyperV": f"scvmm01.{self.name}.example.com",
            "CloudDirector": f"vcd01.{self.name}.example.com",
        }

    def _guest(self, username: str) -> tuple[str, str]:
        by_name = {each.username: each for each in self.book.credentials.values()}
        return by_name[username].type, by_name[username].id
