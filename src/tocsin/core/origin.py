"""An incident born at a provider: whose is it here, how bad, and may a rule page others for it (S42)?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from tocsin.core.model import Json
from tocsin.core.severity import Severity, severity_named

_URGENCY = {
    "high": Severity.HIGH,
    "low": Severity.LOW,
    "P1": Severity.CRITICAL,
    "P2": Severity.HIGH,
    "P3": Severity.MEDIUM,
    "P4": Severity.LOW,
    "P5": Severity.LOW,
}
_ORIGIN = re.compile(r"\borigin\b")


def service_of(settings: Mapping[str, Json], service_id: str) -> str | None:
    """Our service for the provider's, by `service_mappings` read backwards. "" = what `default` or
    `service_id` stands for; None = none of ours: a shared account has incidents of other tools."""
    if not service_id:
        return None
    mappings = _custom(settings, "service_mappings")
    named = {name: value for name, value in mappings.items() if name != "default"} if mappings else {}
    for name, value in named.items():
        if service_id in (value if isinstance(value, list) else [value]):
            return str(name)
    return "" if service_id in (_custom(settings, "service_id"), (mappings or {}).get("default")) else None


def severity_of(urgency: str, settings: Mapping[str, Json]) -> Severity:
    """Ours for an urgency or priority there: the least severe that is mapped to it, else the usual reading;
    medium for a word nobody knows."""
    for key in ("urgency_mapping", "priority_mapping"):
        mapping = _custom(settings, key) or {}
        found = [severity_named(str(name)) for name, value in mapping.items() if value == urgency]
        if known := [severity for severity in found if severity is not None]:
            return min(known, key=lambda severity: severity.rank)
    return _URGENCY.get(urgency, Severity.MEDIUM)


def names_origin(condition: str) -> bool:
    """True when the text of a rule's condition speaks of `origin`."""
    return _ORIGIN.search(condition) is not None


def incident_in(key: str, installation: str) -> UUID | None:
    """The incident in a provider key of this installation (S37); None for another hub's, or no such key."""
    parts = key.split(":")
    if len(parts) < 5 or parts[0] != "tocsin" or parts[1] != installation:
        return None
    try:
        return UUID(parts[2])
    except ValueError:
        return None


def _custom(settings: Mapping[str, Json], name: str) -> Json:
    custom = settings.get("custom")
    value = custom.get(name) if isinstance(custom, Mapping) else None
    return value if value else settings.get(name)
