"""A simulated Slack workspace: Web API, Socket Mode, HTTP mode, and people who act in it.

It answers, refuses and limits as Slack does, and knows nothing of the app under test but its installation.
`snapshot` tells what can be read from it.
"""
