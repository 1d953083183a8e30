"""What did not happen is told once: what is known of jobs and repositories, and what is not as expected."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Everything is learnt from the first look on."""
    op.create_table(
        "expected_servers",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("looked_at", TIME, nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_expected_servers"),
    )
    op.create_table(
        "expected_jobs",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("known_since", TIME, nullable=False),
        *(
            sa.Column(name, TIME, nullable=True)
            for name in ("last_good_at", "disabled_since", "due_at", "missed_at")
        ),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("was_good", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("server", "job_id", name="pk_expected_jobs"),
    )
    op.create_table(
        "repository_samples",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("server", "repository_id", "day")),
        sa.Column("free_gb", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("server", "repository_id", "day", name="pk_repository_samples"),
    )
    op.create_table(
        "unmet_expectations",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("server", "subject", "kind")),
        sa.Column("since", TIME, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("channel", "body")),
        sa.PrimaryKeyConstraint("server", "subject", "kind", name="pk_unmet_expectations"),
    )
