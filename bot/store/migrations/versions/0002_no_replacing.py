"""The audit record refuses rows in place of rows.

SQLite's `INSERT OR REPLACE` removes the rows that are in its way without a `DELETE`, so that no trigger on
deleting hears of it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Refuse to insert what a row is there for already. PostgreSQL knows no such statement."""
    if op.get_bind().dialect.name != "sqlite":
        return
    # Of a row without a number `new.id` is -1 here: the database gives it one later.
    op.execute(
        "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS ("
        "SELECT 1 FROM audit WHERE id = new.id OR previous_hash = new.previous_hash "
        "OR (entry_id = new.entry_id AND event = new.event)) "
        "BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END"
    )
