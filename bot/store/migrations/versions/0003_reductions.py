"""A press that reduces protection says when, so that many by one person are noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No press so far is counted."""
    op.add_column(
        "press_claims", sa.Column("reduces_protection_at", sa.DateTime(timezone=True), nullable=True)
    )
