"""The page of the sandbox: a simulated Slack client in the browser, for whoever tries the bot by hand.

It draws what the simulated workspace tells (`bot.sandbox.slack.snapshot`) and turns clicks into its gestures.
It knows nothing of the bot under trial: everything shown of it came in through the workspace.
"""

from bot.sandbox.page.gestures import PageUser
from bot.sandbox.page.server import SandboxPage
from bot.sandbox.page.setting import FaultSwitch, PageSetting, ServerCard

__all__ = ["FaultSwitch", "PageSetting", "PageUser", "SandboxPage", "ServerCard"]
