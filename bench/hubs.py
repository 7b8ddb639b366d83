"""The configurations that the benchmarks give their hubs."""

from __future__ import annotations

SECRET, HOOK_TOKEN = "webhook-secret-of-the-bench", "webhook-token-of-the-bench"


def pagerduty(url: str) -> str:
    return f"""
  prod-pagerduty:
    type: pagerduty
    base_url: {url}
    api_key: key-of-the-bench
    webhook_secrets: ["{SECRET}"]
    custom: {{service_id: PGEN001, from_email: tocsin-bot@example.com}}"""


def opsgenie(url: str) -> str:
    return f"""
  prod-opsgenie:
    type: opsgenie
    base_url: {url}
    api_key: key-of-the-bench
    webhook_token: {HOOK_TOKEN}
    custom: {{service_mappings: {{default: "team:Ops"}}}}"""


def one(url: str) -> str:
    """Every page goes to PagerDuty alone; no grouping."""
    return f"""
defaults: {{rate_limit: {{per_minute: 0}}}}
services: {{web: {{criticality: critical}}}}
escalation_policies: {{standard: [{{all: [prod-pagerduty]}}]}}
routing: [{{name: default, page: standard}}]
connectors:{pagerduty(url)}
"""


def both(url: str, other: str = "") -> str:
    """Every page goes to PagerDuty and to Opsgenie; whoever acknowledges first holds it."""
    return f"""
defaults: {{rate_limit: {{per_minute: 0}}}}
services: {{web: {{criticality: critical}}}}
escalation_policies: {{everywhere: [{{all: [prod-pagerduty, prod-opsgenie], ack: any}}]}}
routing: [{{name: default, page: everywhere}}]
connectors:{pagerduty(url)}{opsgenie(other or url)}
"""


def large(url: str, *, rules: int, services: int) -> str:
    """As `one`, with classification rules (a third with patterns) and a catalog of this size; none of the rules
    fits the load, so each alert is held against all of them that its facts do not rule out."""
    lines = ["services:", "  web: {criticality: critical}"]
    lines += [
        f"  service-{n}: {{criticality: low, match: {{labels.component: component-{n}}}}}"
        for n in range(services)
    ]
    lines.append("classification:")
    for n in range(rules):
        when = (
            f'alert.source == "source-{n}"',
            f'alert.labels.component == "component-{n}" && alert.labels.zone != "x"',
            f'alert.title.contains("title {n} ")',
        )[n % 3]
        patterns = f', patterns: ["fault {n} (failed|refused)"]' if n % 3 == 1 else ""
        lines.append(f"  - {{name: rule {n}, when: '{when}'{patterns}, set: {{severity: low}}}}")
    return "\n".join(lines) + one(url).replace("services: {web: {criticality: critical}}\n", "")
