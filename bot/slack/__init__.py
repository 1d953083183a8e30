"""The only room that knows Slack: gestures, listeners, views, the directory of people, and delivery."""
