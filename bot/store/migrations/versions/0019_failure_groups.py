"""The buttons of a digest or a report act on all failing jobs of one cause: which these are is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was posted before has no such buttons."""
    op.create_table(
        "failure_groups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("jobs", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failure_groups"),
    )
