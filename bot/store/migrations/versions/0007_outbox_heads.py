"""A channel: its next row by an index, whether it is tried while it is closed, and its new ID."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SENT = sa.text("sent_at IS NOT NULL")
_WAITING = sa.text("sent_at IS NULL AND parked_at IS NULL")
_CLAIMED = sa.text("claimed_by IS NOT NULL")


def upgrade() -> None:
    """Index what waits by its turn in its channel, the few rows that are claimed, and apart what was sent."""
    op.drop_index("ix_outbox_sent_at_channel", "outbox")
    op.create_index("ix_outbox_sent_at", "outbox", ["sent_at"], sqlite_where=_SENT, postgresql_where=_SENT)
    op.create_index("ix_outbox_sent", "outbox", ["channel", "ts"], sqlite_where=_SENT, postgresql_where=_SENT)
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["channel", "priority", "id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "ix_outbox_claimed",
        "outbox",
        ["channel", "claimed_until"],
        sqlite_where=_CLAIMED,
        postgresql_where=_CLAIMED,
    )
    op.add_column(
        "closed_channels", sa.Column("is_tried", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "channel_moves",
        sa.Column("old_id", sa.Text(), nullable=False),
        sa.Column("new_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("old_id", name="pk_channel_moves"),
    )
