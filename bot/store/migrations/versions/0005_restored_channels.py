"""Channels in which messages stand that the database knows nothing of, because an older one was restored."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None so far."""
    op.create_table(
        "restored_channels",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("sent_channel", sa.Text, nullable=False),
        sa.Column("known_ts", sa.Text, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_restored_channels"),
    )
