"""Is this connector set up well, and what do its settings say for one incident?

Regions: https://support.pagerduty.com/docs/service-regions (2026-11-20). A setting is read from `custom`
and, failing that, from the connector itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from tocsin.core.model import Json
from tocsin.core.ports import Effect
from tocsin.core.severity import Severity, severity_named

REST = {"us": "https://api.pagerduty.com", "eu": "https://api.eu.pagerduty.com"}
EVENTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
URGENCY = {
    Severity.CRITICAL: "high",
    Severity.HIGH: "high",
    Severity.MEDIUM: "low",
    Severity.LOW: "low",
}
_MAPS = ("urgency_mapping", "priority_mapping", "service_mappings", "policy_mappings")
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

_UNSENDABLE = "holds a blank or another character no key has"

Settings = Mapping[str, Json]


def setting(settings: Settings, name: str) -> Json:
    """A setting wherever it stands; None when absent or empty."""
    custom = settings.get("custom")
    value = custom.get(name) if isinstance(custom, Mapping) else None
    return (settings.get(name) if value in (None, "") else value) or None


def word(settings: Settings, name: str) -> str:
    """A setting that is a string, trimmed; "" otherwise."""
    value = setting(settings, name)
    return value.strip() if isinstance(value, str) else ""


def table(settings: Settings, name: str) -> Mapping[str, Json]:
    """A setting that is a map; {} otherwise."""
    value = setting(settings, name)
    return value if isinstance(value, Mapping) else {}


def uses_events(settings: Settings) -> bool:
    """True when only a routing key is given: Events v2 then carries the pages."""
    return not word(settings, "api_key") and bool(word(settings, "routing_key"))


def address(settings: Settings, name: str, defaults: Mapping[str, str]) -> str:
    """`base_url` or `events_url` without a slash at its end; the region's own by default."""
    region = word(settings, "region").lower() or "us"
    return (word(settings, name) or defaults.get(region, defaults["us"])).rstrip("/")


def by_severity(settings: Settings, name: str, severity: Severity) -> str:
    """What a map keyed by severity, in either spelling, says; "" when it says nothing."""
    for key, value in table(settings, name).items():
        if severity_named(str(key)) is severity and isinstance(value, str):
            return value
    return ""


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
    """The id of the escalation policy to use; "" = the service's own."""
    mapped = table(settings, "policy_mappings").get(effect.policy)
    return mapped if isinstance(mapped, str) and mapped else word(settings, "escalation_policy_id")


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
    for name in ("base_url", "events_url"):
        if (value := setting(settings, name)) is not None and (fault := _address_fault(settings, value)):
            found.append((name, fault))
    if (region := setting(settings, "region")) is not None and region not in tuple(REST):
        found.append(("region", 'must be "us" or "eu"'))
    custom = settings.get("custom")
    if custom is not None and not isinstance(custom, Mapping):
        return [*found, ("custom", "must be a map of settings")]
    found += [
        (f"custom.{name}", f"is no setting of this provider; known: {', '.join(sorted(_CUSTOM))}")
        for name in custom or {}
        if name not in _CUSTOM
    ]
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
        return [] if _sendable(word(settings, "routing_key")) else [("routing_key", _UNSENDABLE)]
    found = []
    key = word(settings, "api_key")
    if not key:
        found.append(("api_key", "missing: give a REST API key, or routing_key for Events v2"))
    elif not _sendable(key):
        found.append(("api_key", _UNSENDABLE))
    if not word(settings, "service_id") and not table(settings, "service_mappings").get("default"):
        found.append(("custom.service_id", "missing: the id of the service that gets what is not mapped"))
    sender = word(settings, "from_email")
    if not sender:
        found.append(("custom.from_email", "missing: the e-mail address of a user at PagerDuty"))
    elif "@" not in sender or not _sendable(sender):
        found.append(("custom.from_email", "is not an e-mail address"))
    return found


def _sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value


def _address_fault(settings: Settings, value: Json) -> str:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host:
        return "must be an https address"
    if parts.username or parts.query or parts.fragment:
        return "must not hold a user, a query or a fragment"
    if parts.scheme == "http" and not _loopback(host) and settings.get("allow_http") is not True:
        return "must be https; http only for loopback or with allow_http: true"
    return ""


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


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
            found.append((where, "is no severity: SEV-1 to SEV-4 or critical, high, medium, low"))
        if not isinstance(mapped, str) or not mapped.strip():
            found.append((where, "must be a text that is not empty"))
        elif name == "urgency_mapping" and mapped not in ("high", "low"):
            found.append((where, 'must be "high" or "low"'))
    return found
