"""Which sessions a person stopped, and which runs a part keeps failed, is kept for the answers to people."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it is known of earlier sessions."""
    op.create_table(
        "stopped_sessions",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", "session_id", name=op.f("pk_stopped_sessions")),
    )
    op.add_column("runs", sa.Column("failed_part", sa.Text(), nullable=True))
