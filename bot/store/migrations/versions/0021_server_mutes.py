"""A storm says how a failure is muted: until its job succeeds, or by the maintenance of its server."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is muted in a storm is muted for a time, by the mute of its job."""
    for name in ("muted_until_success", "is_server_muted"):
        column: sa.Column[bool] = sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        op.add_column("channel_failures", column)
