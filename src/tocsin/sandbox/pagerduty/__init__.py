"""A local PagerDuty: REST API v2, Events API v2 and webhooks v3, as far as an incident hub meets them."""
