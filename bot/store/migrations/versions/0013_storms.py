"""Storms: the failures that each channel was told of, and those that one message tells of together."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was told before belongs to no storm."""
    op.create_table(
        "storms",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mention", sa.Text()),
        sa.Column("is_mentioned", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("earlier", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storms"),
    )
    op.create_index("ix_storms_channel_joined_at", "storms", ["channel", "joined_at"])
    op.create_table(
        "channel_failures",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("storm_id", sa.Text()),
        sa.Column("place", sa.Integer()),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("last_session_id", sa.Text(), nullable=False),
        sa.Column("cause_key", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "run_key", name="pk_channel_failures"),
    )
    op.create_index("ix_channel_failures_channel_noticed_at", "channel_failures", ["channel", "noticed_at"])
    op.create_index("ix_channel_failures_run_key", "channel_failures", ["run_key"])
    op.create_index("ix_channel_failures_storm_id_place", "channel_failures", ["storm_id", "place"])
