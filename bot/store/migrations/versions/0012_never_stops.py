"""Of a session that is followed, whether VBR could stop it: its message offers no Stop otherwise."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is followed at this moment is taken to be stoppable, as its messages show it."""
    op.add_column(
        "followed_sessions", sa.Column("never_stops", sa.Boolean(), nullable=False, server_default=sa.false())
    )
