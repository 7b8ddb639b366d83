"""PagerDuty, both ways: REST v2 incidents, Events v2, webhooks v3."""
