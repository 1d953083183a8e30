"""The composition root: what builds the bot's parts from the settings, to run them or to try them.

Nothing else constructs a client, an engine or an app, and nothing else decides what runs for ever.
"""
