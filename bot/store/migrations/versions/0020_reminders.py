"""Storms say what of them is muted, and people are reminded of what nobody has acknowledged.

How a failure is muted, and how many later runs were held back; when people were notified and reminded of what
did not happen; who owns one of many unmet expectations.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is muted in the storms there are, and nobody was reminded yet."""
    op.add_column("channel_failures", sa.Column("muted_until", sa.DateTime(timezone=True)))
    op.add_column("channel_failures", sa.Column("muted_by", sa.Text()))
    for name in ("muted_until_success", "is_server_muted"):
        column: sa.Column[bool] = sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        op.add_column("channel_failures", column)
    op.add_column("channel_failures", sa.Column("held", sa.Integer(), nullable=False, server_default="0"))
    for table in ("unmet_expectations", "expectation_groups"):
        op.add_column(table, sa.Column("reminded_at", sa.DateTime(timezone=True)))
    op.add_column("grouped_expectations", sa.Column("owner", sa.Text()))
    op.add_column("unmet_expectations", sa.Column("told_at", sa.DateTime(timezone=True)))
