"""An upgrade of a server is announced once, so the revision that it last spoke is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What each server speaks is noted at its next poll."""
    op.create_table(
        "server_revisions",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_server_revisions"),
    )
