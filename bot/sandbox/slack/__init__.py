"""A simulated Slack workspace: Web API, Socket Mode, HTTP mode, and people who act in it.

It answers, refuses and limits as Slack does, and knows nothing of the app under test but its installation.
`SlackSandbox` runs it; `snapshot` tells what can be read from it.
"""

from bot.sandbox.slack.errors import GestureImpossible
from bot.sandbox.slack.sandbox import SlackSandbox
from bot.sandbox.slack.seed import default_workspace
from bot.sandbox.slack.workspace import Workspace

__all__ = ["GestureImpossible", "SlackSandbox", "Workspace", "default_workspace"]
