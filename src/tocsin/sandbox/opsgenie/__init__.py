"""A local Opsgenie: Alert API v2, heartbeats, on-call reads and outgoing webhooks."""
