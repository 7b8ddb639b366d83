"""What is kept of a decision: the facts every provider is given, and the record `im explain` shows."""

from __future__ import annotations

from tocsin.core.classify import Classified
from tocsin.core.model import Alert, Json
from tocsin.core.policy import Policy
from tocsin.core.route import Route
from tocsin.core.severity import Severity


def core_facts(alert: Alert, classified: Classified) -> dict[str, Json]:
    """The same core facts for every provider (PR-2)."""
    facts: dict[str, Json] = {
        "integration": alert.integration,
        "source": alert.source,
        "key": alert.dedup_key,
    }
    facts |= {name: value for name, value in classified.enrichment.items() if value}
    facts |= {f"label {name}": value for name, value in alert.labels.items()}
    return facts


def record_of(
    severity: Severity, classified: Classified, route: Route, policy: Policy, muted: str
) -> dict[str, Json]:
    """The decision with its reasons and the configuration version it was made under (RO-9, RO-11)."""
    return {
        "severity": severity.value,
        "rule": route.rule,
        "route": route.kind.value,
        "policy": route.policy_name,
        "muted_by": muted,
        "reasons": [line.text for line in (*classified.reasons, *route.reasons)],
        "config_version": policy.version,
    }
