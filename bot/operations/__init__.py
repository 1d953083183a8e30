"""What can be done, by whom: the catalog, the requests and outcomes, the rights, and the runner.

Knows VBR and the store; knows nothing of Slack. A gesture reaches this room as a typed request and leaves it
as a typed outcome.
"""
