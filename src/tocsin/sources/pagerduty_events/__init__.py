"""The source `pagerduty_events`: PagerDuty Events API v2."""
