"""veeam-bot: Veeam Backup & Replication, run from Slack."""
