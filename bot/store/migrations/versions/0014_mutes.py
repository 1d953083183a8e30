"""Jobs and servers can be muted, failed runs acknowledged, and people reminded of those that nobody did."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Of the failures so far nobody is reminded: only a run that changes from now on counts as unanswered."""
    op.create_table(
        "mutes",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("job_name", sa.Text(), nullable=True),
        sa.Column("pattern", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("muted_at", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("until_success", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mutes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mutes_server_ended_at", "mutes", ["server", "ended_at"])
    op.create_index("ix_mutes_is_told", "mutes", ["is_told"])
    op.create_table(
        "muted_runs",
        sa.Column("mute_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("is_quiet", sa.Boolean(), nullable=False),
        sa.Column("told_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("mute_id", "run_key", name="pk_muted_runs"),
    )
    op.create_index("ix_muted_runs_at", "muted_runs", ["at"])
    op.add_column("runs", sa.Column("unanswered_since", TIME, nullable=True))
    op.add_column("runs", sa.Column("reminded_at", TIME, nullable=True))
    is_unanswered = sa.text("unanswered_since IS NOT NULL")
    op.create_index(
        "ix_runs_unanswered",
        "runs",
        ["server", "unanswered_since"],
        sqlite_where=is_unanswered,
        postgresql_where=is_unanswered,
    )
