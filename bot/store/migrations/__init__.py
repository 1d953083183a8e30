"""The schema's history, run by `bot.store.upgrade`."""
