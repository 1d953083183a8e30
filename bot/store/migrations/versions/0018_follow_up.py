"""Many unmet expectations are one message; what is a server's is muted; a storm says who owns a failure."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What stands unmet has a message of its own each; nobody owns a failure that a storm tells of."""
    op.create_table(
        "expectation_groups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed", sa.Float(), nullable=False),
        sa.Column("mention", sa.Text(), nullable=True),
        sa.Column("earlier", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("owned", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_expectation_groups"),
    )
    op.create_index(
        "ix_expectation_groups_server_kind_channel_opened_at",
        "expectation_groups",
        ["server", "kind", "channel", "opened_at"],
    )
    op.create_table(
        "grouped_expectations",
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("group_id", "subject", name="pk_grouped_expectations"),
    )
    op.create_index("ix_grouped_expectations_group_id_place", "grouped_expectations", ["group_id", "place"])
    op.add_column("unmet_expectations", sa.Column("group_id", sa.Text(), nullable=True))
    op.add_column("mutes", sa.Column("subject", sa.Text(), nullable=True))
    op.add_column("channel_failures", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column("channel_failures", sa.Column("repository", sa.Text(), nullable=True))
    op.add_column("channel_failures", sa.Column("free_gb", sa.Float(), nullable=True))
