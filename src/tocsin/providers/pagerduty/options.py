"""Is this connector set up well, and what do its settings say for one incident?

Regions: https://support.pagerduty.com/docs/service-regions (2026-11-20). A setting is read from `custom`
and, failing that, from the connector itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.core.ports import Effect
from tocsin.core.settings import (
    NO_SEVERITY,
    UNSENDABLE,
    Settings,
    address_faults,
    by_severity,
    custom_faults,
    region_faults,
    sendable,
    setting,
    table,
    word,
)
from tocsin.core.severity import Severity, severity_named

__all__ = ["Settings", "by_severity", "table", "word"]

REST = {"us": "https://api.pagerduty.com", "eu": "https://api.eu.pagerduty.com"}
EVENTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
URGENCY = {
    Severity.CRITICAL: "high",
    Severity.HIGH: "high",
    Severity.MEDIUM: "low",
    Severity.LOW: "low",
}
_MAPS = ("urgency_mapping", "priority_mapping", "service_mappings", "policy_mappings", "escalation_mappings")
_CUSTOM = {
    *_MAPS,
    "service_id",
    "from_email",
    "escalation_policy_id",
    "auto_resolve",
    "sync_notes",
    "custom_field_mappings",
    "sla_mapping",
    "routing_key",
    "events_url",
    "region",
}


def uses_events(settings: Settings) -> bool:
    """True when only a routing key is given: Events v2 then carries the pages."""
    return not word(settings, "api_key") and bool(word(settings, "routing_key"))


def address(settings: Settings, name: str, defaults: Mapping[str, str]) -> str:
    """`base_url` or `events_url` without a slash at its end; the region's own by default."""
    region = word(settings, "region").lower() or "us"
    return (word(settings, name) or defaults.get(region, defaults["us"])).rstrip("/")


def urgency(settings: Settings, severity: Severity) -> str:
    """ "high" or "low"."""
    return by_severity(settings, "urgency_mapping", severity) or URGENCY[severity]


def mapped_service(settings: Settings, effect: Effect, otherwise: str) -> str:
    """The service id (or, for Events v2, the routing key) for an effect's service."""
    mappings = table(settings, "service_mappings")
    for value in (mappings.get(effect.service), mappings.get("default"), word(settings, otherwise)):
        if isinstance(value, str) and value:
            return value
    return ""


def policy(settings: Settings, effect: Effect) -> str:
    """The id of the escalation policy to use; "" = the service's own. What our escalation policy is mapped to comes
    before what the service is mapped to, and both before the connector's."""
    by_service = table(settings, "escalation_mappings")
    mapped = (
        mapped_policy(settings, effect.policy),
        by_service.get(effect.service),
        by_service.get("default"),
    )
    named = (value for value in mapped if isinstance(value, str) and value)
    return next(named, word(settings, "escalation_policy_id"))


def mapped_policy(settings: Settings, name: str) -> str:
    """The id of the escalation policy that stands for one of ours; "" = none is mapped."""
    mapped = table(settings, "policy_mappings").get(name)
    return mapped if isinstance(mapped, str) else ""


def secrets(settings: Settings) -> list[str]:
    """Every secret text of the connector, longest first, for `answers.hide`."""
    found = [word(settings, "api_key"), word(settings, "routing_key"), *webhook_secrets(settings)]
    if uses_events(settings):
        found += [value for value in table(settings, "service_mappings").values() if isinstance(value, str)]
    return sorted({secret for secret in found if secret}, key=len, reverse=True)


def webhook_secrets(settings: Settings) -> list[str]:
    """The secrets of the webhook subscriptions, several during a rotation."""
    value = setting(settings, "webhook_secrets")
    listed = value if isinstance(value, list | tuple) else [value]
    return [secret for secret in listed if isinstance(secret, str) and secret]


def faults(settings: Settings) -> list[tuple[str, str]]:
    """(dotted field, what is wrong) for everything wrong with a connector's settings."""
    found = _credentials(settings)
    found += [*address_faults(settings, "base_url", "events_url"), *region_faults(settings, REST)]
    custom = settings.get("custom")
    if custom is not None and not isinstance(custom, Mapping):
        return [*found, ("custom", "must be a map of settings")]
    found += custom_faults(settings, _CUSTOM)
    for name in _MAPS:
        found += _map_faults(settings, name)
    listed = setting(settings, "webhook_secrets")
    if listed is not None and len(webhook_secrets(settings)) != (
        len(listed) if isinstance(listed, list) else 1
    ):
        found.append(("webhook_secrets", "must be a list of secrets, none of them empty"))
    return found


def _credentials(settings: Settings) -> list[tuple[str, str]]:
    if uses_events(settings):
        return [] if sendable(word(settings, "routing_key")) else [("routing_key", UNSENDABLE)]
    found = []
    key = word(settings, "api_key")
    if not key:
        found.append(("api_key", "missing: give a REST API key, or routing_key for Events v2"))
    elif not sendable(key):
        found.append(("api_key", UNSENDABLE))
    if not word(settings, "service_id") and not table(settings, "service_mappings").get("default"):
        found.append(("custom.service_id", "missing: the id of the service that gets what is not mapped"))
    sender = word(settings, "from_email")
    if not sender:
        found.append(("custom.from_email", "missing: the e-mail address of a user at PagerDuty"))
    elif "@" not in sender or not sendable(sender):
        found.append(("custom.from_email", "is not an e-mail address"))
    return found


def _map_faults(settings: Settings, name: str) -> list[tuple[str, str]]:
    value = setting(settings, name)
    if value is None:
        return []
    if not isinstance(value, Mapping):
        return [(f"custom.{name}", "must be a map")]
    found = []
    for key, mapped in value.items():
        where = f"custom.{name}.{key}"
        if name in ("urgency_mapping", "priority_mapping") and severity_named(str(key)) is None:
            found.append((where, NO_SEVERITY))
        if not isinstance(mapped, str) or not mapped.strip():
            found.append((where, "must be a text that is not empty"))
        elif name == "urgency_mapping" and mapped not in ("high", "low"):
            found.append((where, 'must be "high" or "low"'))
    return found
