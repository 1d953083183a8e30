"""Of a session a channel has one message to keep current, which may be its run's root and show others too."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is followed at this moment is followed no further; its messages stay as they are."""
    op.drop_table("followed_sessions")
    op.create_table(
        "followed_sessions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                "server",
                "session_id",
                "job_id",
                "job_name",
                "operation",
                "person",
                "channel",
                "ts",
            )
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("detail", "approver", "root_key")),
        sa.Column("is_reply", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_followed_sessions"),
        sa.UniqueConstraint(
            "server", "session_id", "channel", name="uq_followed_sessions_server_session_id_channel"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_followed_sessions_server_finished_at", "followed_sessions", ["server", "finished_at"])
