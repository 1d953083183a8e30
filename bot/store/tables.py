"""The tables, the same on SQLite and PostgreSQL. Every time is aware and in UTC."""

from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    text,
)


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware when written, aware and in UTC when read; naive ones are refused.

    SQLite keeps no zone, so that the text it compares is always UTC and of one length.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as the database keeps it."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        """Return the moment as Python keeps it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only where the key is spelt INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


def _maybe_text(name: str) -> Column[str]:
    return Column(name, Text)


def _time(name: str) -> Column[datetime]:
    return Column(name, UtcTime, nullable=False)


def _maybe_time(name: str) -> Column[datetime]:
    return Column(name, UtcTime)


def _partial(condition: str) -> dict[str, Any]:
    """An index of these rows alone, so that it stays as small as what it is asked for."""
    return {"sqlite_where": text(condition)}


@event.listens_for(metadata, "before_create")
def _make_partial_on_postgresql(_metadata: MetaData, connection: Connection, **_options: Any) -> None:
    """Add PostgreSQL's conditions where that is used: naming them before would load all of its dialect."""
    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


poll_cursors = Table(
    "poll_cursors",
    metadata,
    _text("server", primary_key=True),
    _time("read_to"),
    _time("floor"),
    _maybe_time("checked_at"),
)

processed_sessions = Table(
    "processed_sessions",
    metadata,
    _text("server", primary_key=True),
    _text("session_id", primary_key=True),
    _time("ended_at"),
    Index(None, "server", "ended_at"),
)

stopped_sessions = Table(
    "stopped_sessions",
    metadata,
    _text("server", primary_key=True),
    _text("session_id", primary_key=True),
    _time("ended_at"),
)

runs = Table(
    "runs",
    metadata,
    _text("run_key", primary_key=True),
    _text("server"),
    _text("job_id"),
    _time("last_ended_at"),
    _maybe_time("expected_by"),
    _maybe_text("failed_part"),
    _maybe_time("unanswered_since"),
    _maybe_time("reminded_at"),
    _text("body"),
    Index(None, "server", "job_id", "last_ended_at"),
    Index(None, "server", "expected_by"),
    Index("ix_runs_unanswered", "server", "unanswered_since", **_partial("unanswered_since IS NOT NULL")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    _text("key"),
    _text("channel"),
    _text("kind"),
    _maybe_text("run_key"),
    _maybe_text("root_key"),
    _text("placement"),
    _text("body"),
    Column("priority", Integer, nullable=False),
    _time("created_at"),
    _time("due_at"),
    _maybe_text("claimed_by"),
    _maybe_time("claimed_until"),
    Column("attempts", Integer, nullable=False, default=0),
    _maybe_time("attempted_at"),
    Column("begun_attempt", Integer),
    _maybe_time("sent_at"),
    _maybe_text("ts"),
    _maybe_text("sent_channel"),
    _maybe_time("parked_at"),
    _maybe_text("problem"),
    UniqueConstraint("key"),
    Index(None, "root_key"),
    Index("ix_outbox_sent_at", "sent_at", **_partial("sent_at IS NOT NULL")),
    Index("ix_outbox_sent", "channel", "ts", **_partial("sent_at IS NOT NULL")),
    Index(
        "ix_outbox_waiting", "channel", "priority", "id", **_partial("sent_at IS NULL AND parked_at IS NULL")
    ),
    Index("ix_outbox_claimed", "channel", "claimed_until", **_partial("claimed_by IS NOT NULL")),
    sqlite_autoincrement=True,
)

closed_channels = Table(
    "closed_channels",
    metadata,
    _text("channel", primary_key=True),
    _text("problem"),
    _time("closed_at"),
    Column("is_tried", Boolean, nullable=False, server_default=false()),
)

restored_channels = Table(
    "restored_channels",
    metadata,
    _text("channel", primary_key=True),
    _text("sent_channel"),
    _text("known_ts"),
    _time("found_at"),
)

channel_moves = Table(
    "channel_moves",
    metadata,
    _text("old_id", primary_key=True),
    _text("new_id"),
    _time("at"),
)

leases = Table(
    "leases",
    metadata,
    _text("name", primary_key=True),
    _text("holder"),
    _time("until"),
)

press_claims = Table(
    "press_claims",
    metadata,
    _text("key", primary_key=True),
    _text("person_id"),
    _text("operation"),
    _time("at"),
    _maybe_time("reduces_protection_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    _text("event"),
    Column("entry_id", BigId),
    _time("at"),
    _maybe_text("person_id"),
    _maybe_text("person_name"),
    _maybe_text("team_id"),
    _maybe_text("operation"),
    _maybe_text("reference"),
    _maybe_text("origin"),
    _maybe_text("channel_id"),
    _maybe_text("server"),
    _maybe_text("job_id"),
    _maybe_text("job_name"),
    _maybe_text("outcome"),
    _maybe_text("session_id"),
    _maybe_text("detail"),
    _maybe_text("message_ts"),
    _maybe_text("link"),
    _maybe_text("approver_id"),
    _maybe_text("approver_name"),
    _maybe_text("reason"),
    _text("previous_hash"),
    _text("hash"),
    Index("uq_audit_previous_hash", "previous_hash", unique=True),
    Index("uq_audit_entry_id_event", "entry_id", "event", unique=True),
    Index(None, "reference"),
    sqlite_autoincrement=True,
)
# As the revisions 0001 and 0002 make them, and for their reasons.
_APPEND_ONLY = {
    "sqlite": """
        CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

        CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

        CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (
            SELECT 1 FROM audit WHERE id = new.id OR previous_hash = new.previous_hash
            OR (entry_id = new.entry_id AND event = new.event)
        ) BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;
    """,
    "postgresql": """
        CREATE FUNCTION veeam_bot_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'this table is append-only'; END $$;

        CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION veeam_bot_append_only();
    """,
}


@event.listens_for(audit, "after_create")
def _refuse_changes(_: Table, connection: Connection, **_options: object) -> None:
    for statement in _APPEND_ONLY[connection.dialect.name].strip().split("\n\n"):
        connection.exec_driver_sql(dedent(statement).strip())


open_actions = Table(
    "open_actions",
    metadata,
    Column("audit_id", BigInteger, primary_key=True, autoincrement=False),
    _text("holder"),
    _text("reference"),
    _text("body"),
)

own_actions = Table(
    "own_actions",
    metadata,
    _text("server", primary_key=True),
    _text("session_id", primary_key=True),
    _text("operation", primary_key=True),
    _text("job_id"),
    _text("person_id"),
    _maybe_text("channel_id"),
    _text("reference"),
    _time("at"),
)

followed_sessions = Table(
    "followed_sessions",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    _text("server"),
    _text("session_id"),
    _text("job_id"),
    _text("job_name"),
    _text("operation"),
    _text("person"),
    _text("channel"),
    _text("ts"),
    _time("started_at"),
    _maybe_time("finished_at"),
    _maybe_text("detail"),
    _maybe_text("approver"),
    _maybe_text("root_key"),
    Column("is_reply", Boolean, nullable=False),
    Column("never_stops", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("server", "session_id", "channel"),
    Index(None, "server", "finished_at"),
    sqlite_autoincrement=True,
)

outages = Table(
    "outages",
    metadata,
    _text("server", primary_key=True),
    _time("since"),
    _text("problem"),
    _text("detail"),
    _maybe_time("announced_at"),
)

storms = Table(
    "storms",
    metadata,
    _text("id", primary_key=True),
    _text("channel"),
    _time("opened_at"),
    _time("joined_at"),
    _maybe_text("mention"),
    Column("is_mentioned", Boolean, nullable=False, server_default=false()),
    Column("earlier", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("drawn", Integer, nullable=False),
    Index(None, "channel", "joined_at"),
)

channel_failures = Table(
    "channel_failures",
    metadata,
    _text("channel", primary_key=True),
    _text("run_key", primary_key=True),
    _maybe_text("storm_id"),
    Column("place", Integer),
    _text("server"),
    _text("job_id"),
    _text("job_name"),
    _text("session_id"),
    _text("last_session_id"),
    _text("cause_key"),
    _maybe_text("cause"),
    _maybe_text("reason"),
    _text("state"),
    _time("ended_at"),
    _time("noticed_at"),
    _maybe_text("owner"),
    _maybe_text("repository"),
    Column("free_gb", Float),
    _maybe_time("muted_until"),
    _maybe_text("muted_by"),
    Column("muted_until_success", Boolean, nullable=False, server_default=false()),
    Column("is_server_muted", Boolean, nullable=False, server_default=false()),
    Column("held", Integer, nullable=False, server_default="0"),
    Index(None, "channel", "noticed_at"),
    Index(None, "run_key"),
    Index(None, "storm_id", "place"),
)

server_revisions = Table(
    "server_revisions",
    metadata,
    _text("server", primary_key=True),
    _text("revision"),
    Column("changes", Integer, nullable=False),
)

timed_disables = Table(
    "timed_disables",
    metadata,
    _text("server", primary_key=True),
    _text("job_id", primary_key=True),
    _text("job_name"),
    _text("person_id"),
    _maybe_text("channel_id"),
    _text("reference"),
    _time("disabled_at"),
    _time("until"),
    _maybe_time("reminded_at"),
    _maybe_time("attempted_at"),
)

mutes = Table(
    "mutes",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    _text("server"),
    _maybe_text("job_id"),
    _maybe_text("job_name"),
    _maybe_text("pattern"),
    _text("person_id"),
    _maybe_text("channel_id"),
    _text("reference"),
    _maybe_text("comment"),
    _time("muted_at"),
    _time("until"),
    Column("until_success", Boolean, nullable=False),
    _maybe_text("failure"),
    _maybe_time("ended_at"),
    _maybe_text("ended_because"),
    _maybe_text("ended_by"),
    Column("is_told", Boolean, nullable=False),
    _maybe_text("subject"),
    Index(None, "server", "ended_at"),
    Index(None, "is_told"),
    sqlite_autoincrement=True,
)

muted_runs = Table(
    "muted_runs",
    metadata,
    Column("mute_id", BigInteger, primary_key=True, autoincrement=False),
    _text("run_key", primary_key=True),
    _text("job_id"),
    _text("job_name"),
    _time("at"),
    Column("is_quiet", Boolean, nullable=False),
    _maybe_time("told_at"),
    Index(None, "at"),
)

digests = Table(
    "digests",
    metadata,
    _text("key", primary_key=True),
    _text("channel"),
    _time("made_at"),
    _maybe_time("look_at"),
    Column("looks", Integer, nullable=False),
    _text("body"),
)

failure_groups = Table(
    "failure_groups",
    metadata,
    _text("id", primary_key=True),
    _text("jobs"),
    _time("made_at"),
)

drafts = Table(
    "drafts",
    metadata,
    _text("id", primary_key=True),
    _text("person_id"),
    _text("body"),
    _time("changed_at"),
)

approvals = Table(
    "approvals",
    metadata,
    _text("id", primary_key=True),
    _text("operation"),
    _text("request"),
    _text("request_hash"),
    _text("snapshot_hash"),
    _text("person_id"),
    _maybe_text("team_id"),
    _text("origin"),
    _text("reference"),
    _maybe_text("channel_id"),
    _text("server"),
    _maybe_text("job_id"),
    _text("name"),
    _text("channel"),
    _time("asked_at"),
    _time("expires_at"),
    _maybe_text("detail"),
    _maybe_text("reason"),
    _text("impact"),
    _text("state"),
    _maybe_text("decider_id"),
    _maybe_time("decided_at"),
    _maybe_text("outcome"),
    _maybe_text("problem"),
    _maybe_time("ended_at"),
    Index(None, "state", "request_hash"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    _text("channel"),
    Column("is_direct", Boolean, nullable=False),
    _text("person_id"),
    _maybe_text("server"),
    _maybe_text("job_id"),
    _maybe_text("pattern"),
    _text("results"),
    _time("made_at"),
    Index(None, "channel"),
    sqlite_autoincrement=True,
)

held_roots = Table(
    "held_roots",
    metadata,
    _text("run_key", primary_key=True),
    Column("subscription_id", BigInteger, primary_key=True, autoincrement=False),
    _text("server"),
    _time("since"),
    Index(None, "server", "since"),
)

expected_servers = Table(
    "expected_servers",
    metadata,
    _text("server", primary_key=True),
    _time("looked_at"),
    _time("begun_at"),
)

expected_jobs = Table(
    "expected_jobs",
    metadata,
    _text("server", primary_key=True),
    _text("job_id", primary_key=True),
    _time("known_since"),
    _maybe_time("last_good_at"),
    _maybe_time("disabled_since"),
    _maybe_time("due_at"),
    _maybe_time("missed_at"),
    _maybe_text("session_id"),
    Column("was_good", Boolean, nullable=False),
    _text("runs"),
)

repository_samples = Table(
    "repository_samples",
    metadata,
    _text("server", primary_key=True),
    _text("repository_id", primary_key=True),
    _text("day", primary_key=True),
    Column("free_gb", Float, nullable=False),
)

unmet_expectations = Table(
    "unmet_expectations",
    metadata,
    _text("server", primary_key=True),
    _text("subject", primary_key=True),
    _text("kind", primary_key=True),
    _time("since"),
    _text("channel"),
    _text("body"),
    _maybe_text("group_id"),
    _maybe_time("told_at"),
    _maybe_time("reminded_at"),
)

expectation_groups = Table(
    "expectation_groups",
    metadata,
    _text("id", primary_key=True),
    _text("server"),
    _text("kind"),
    _text("channel"),
    _time("since"),
    _time("opened_at"),
    Column("allowed", Float, nullable=False),
    _maybe_text("mention"),
    Column("earlier", Integer, nullable=False),
    Column("drawn", Integer, nullable=False),
    _maybe_text("owner"),
    Column("owned", Integer, nullable=False),
    _maybe_time("reminded_at"),
    Index(None, "server", "kind", "channel", "opened_at"),
)

grouped_expectations = Table(
    "grouped_expectations",
    metadata,
    _text("group_id", primary_key=True),
    _text("subject", primary_key=True),
    Column("place", Integer, nullable=False),
    _text("name"),
    _time("since"),
    _maybe_text("outcome"),
    _maybe_text("owner"),
    Index(None, "group_id", "place"),
)
