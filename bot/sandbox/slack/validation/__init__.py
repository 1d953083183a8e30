"""Block Kit's limits: every message, modal and Home is checked as Slack checks it."""
