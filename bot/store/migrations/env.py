"""Alembic's way in: runs the revisions on the connection that `bot.store.upgrade` hands over."""

from alembic import context

from bot.store.tables import metadata

# One transaction from `upgrade`: all revisions or none, on SQLite as well.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
context.run_migrations()
