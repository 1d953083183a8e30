"""A storm says what of it is muted, and what was told is brought up again.

How a failure is muted, and how many further ones were held back; when people were reminded of what did not
happen, and how often; who owns one of many unmet expectations.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of what was told before was reminded of."""
    op.add_column("channel_failures", sa.Column("muted_until", sa.DateTime(timezone=True)))
    op.add_column("channel_failures", sa.Column("muted_by", sa.Text()))
    op.add_column("channel_failures", sa.Column("held", sa.Integer(), nullable=False, server_default="0"))
    for table in ("unmet_expectations", "expectation_groups"):
        op.add_column(table, sa.Column("reminded_at", sa.DateTime(timezone=True)))
        op.add_column(table, sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("grouped_expectations", sa.Column("owner", sa.Text()))
    op.add_column("unmet_expectations", sa.Column("told_at", sa.DateTime(timezone=True)))
