"""Is this connector set up well, and what do its settings say for one alert?

Regions: https://docs.opsgenie.com/docs/api-overview (2026-11-20). A setting is read from `custom` and,
failing that, from the connector itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from tocsin.core.model import Json
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

__all__ = ["Settings", "table", "word"]

JSM = "https://api.atlassian.com"
"""Where JSM Operations lives, for all regions: https://developer.atlassian.com/cloud/jira/service-desk-ops (2026-11-20)."""

REGIONS = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
PRIORITY = {Severity.CRITICAL: "P1", Severity.HIGH: "P2", Severity.MEDIUM: "P3", Severity.LOW: "P5"}
KINDS = ("team", "user", "escalation", "schedule")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAPS = ("priority_mapping", "service_mappings", "policy_mappings", "escalation_mappings")
_TOP = ("region", "webhook_token", "webhook_header")  # tolerated inside custom too
_CUSTOM = {*_MAPS, *_TOP, "auto_resolve", "sync_notes", "sla_mapping", "custom_field_mappings"}
_JSM = ("cloud_id", "email", "api_token")  # of the REST API, which reads back


def is_jsm(settings: Settings) -> bool:
    """True for the type jsm: the same dialect behind Atlassian's doors."""
    return settings.get("type") == "jsm"


def reads_jsm(settings: Settings) -> bool:
    """True when JSM's REST API may be asked: its cloud's id, an e-mail address and an API token are there."""
    return is_jsm(settings) and all(word(settings, name) for name in _JSM)


def cloud_address(settings: Settings) -> str:
    """Where JSM's REST API has the alerts of this cloud."""
    base = (word(settings, "base_url") or JSM).rstrip("/").removesuffix("/jsm/ops/integration")
    return f"{base}/jsm/ops/api/{quote(word(settings, 'cloud_id'), safe='')}/v1/alerts"


def address(settings: Settings) -> str:
    """`base_url` without a slash at its end; the region's own by default. For jsm with the path of its
    integration events API, whether it is written or not."""
    if is_jsm(settings):
        base = (word(settings, "base_url") or JSM).rstrip("/").removesuffix("/jsm/ops/integration")
        return f"{base}/jsm/ops/integration"
    region = word(settings, "region").lower() or "us"
    return (word(settings, "base_url") or REGIONS.get(region, REGIONS["us"])).rstrip("/")


def priority(settings: Settings, severity: Severity) -> str:
    """P1 to P5."""
    return by_severity(settings, "priority_mapping", severity) or PRIORITY[severity]


def responder(written: Json) -> dict[str, str] | None:
    """ "team:Payments" as Opsgenie takes it ({"type": "team", "name": "Payments"}); a user is named by
    the address they sign in with, anything by its id (a UUID). None when it is not such a text."""
    kind, colon, name = written.partition(":") if isinstance(written, str) else ("", "", "")
    kind, name = kind.strip().lower(), name.strip()
    if not colon or kind not in KINDS or not name:
        return None
    field = "id" if _UUID.fullmatch(name) else "username" if kind == "user" else "name"
    return {"type": kind, field: name}


def responders(settings: Settings, effect: Effect) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """(who is paged, who may see it besides). A mapped policy pages in place of the service's team, which
    would otherwise page by its own rules as well; it still sees the alert."""
    services = table(settings, "service_mappings")
    own = _listed(services.get(effect.service) or services.get("default"))
    by_service = table(settings, "escalation_mappings")
    escalation = by_service.get(effect.service) or by_service.get("default")
    by_policy = _listed(table(settings, "policy_mappings").get(effect.policy) or escalation)
    if by_policy:
        return by_policy, [one for one in own if one["type"] in ("team", "user")]
    return own, []


def mapped_policy(settings: Settings, name: str) -> dict[str, str] | None:
    """Who stands for one of our escalation policies; None when nobody is mapped."""
    return next(iter(_listed(table(settings, "policy_mappings").get(name))), None)


def tokens(settings: Settings) -> list[str]:
    """The accepted `?token=`; several during a rotation."""
    value = setting(settings, "webhook_token")
    return [
        token for token in (value if isinstance(value, list) else [value]) if token and isinstance(token, str)
    ]


def secret_header(settings: Settings) -> tuple[str, str]:
    """(name in lower case, value) of the secret header, ("", "") when none is set."""
    value = setting(settings, "webhook_header")
    if isinstance(value, Mapping):
        name, content = value.get("name"), value.get("value")
    else:
        name, _, content = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not isinstance(name, str) or not isinstance(content, str) or not name.strip() or not content.strip():
        return "", ""
    return name.strip().lower(), content.strip()


def secrets(settings: Settings) -> list[str]:
    """Every secret text of the connector, longest first, for `answers.hide`."""
    found = {
        word(settings, "api_key"),
        word(settings, "api_token"),
        secret_header(settings)[1],
        *tokens(settings),
    } - {""}
    return sorted(found, key=len, reverse=True)


def faults(settings: Settings) -> list[tuple[str, str]]:
    """(dotted field, what is wrong) for everything wrong with a connector's settings."""
    found = []
    key = word(settings, "api_key")
    if not key:
        found.append(("api_key", "missing: the key of an API integration at Opsgenie"))
    elif not sendable(key):
        found.append(("api_key", UNSENDABLE))
    found += [*address_faults(settings, "base_url"), *region_faults(settings, REGIONS)]
    if setting(settings, "webhook_header") is not None and not secret_header(settings)[0]:
        found.append(("webhook_header", 'must be "Name: value" or {name, value}'))
    if setting(settings, "webhook_token") is not None and not tokens(settings):
        found.append(("webhook_token", "must be a text"))
    custom = settings.get("custom")
    if custom is not None and not isinstance(custom, Mapping):
        return [*found, ("custom", "must be a map of settings")]
    found += custom_faults(settings, _CUSTOM | set(_JSM) if is_jsm(settings) else _CUSTOM)
    given = [name for name in _JSM if word(settings, name)]
    if is_jsm(settings) and given and len(given) < len(_JSM):
        left = ", ".join(name for name in _JSM if name not in given)
        found.append(
            (f"custom.{given[0]}", f"reads nothing back without custom.{left}: give all three or none")
        )
    for name in _MAPS:
        found += _map_faults(settings, name)
    return found


def _listed(value: Json) -> list[dict[str, str]]:
    return [one for one in map(responder, value if isinstance(value, list) else [value]) if one]


def _map_faults(settings: Settings, name: str) -> list[tuple[str, str]]:
    value = setting(settings, name)
    if value is None:
        return []
    if not isinstance(value, Mapping):
        return [(f"custom.{name}", "must be a map")]
    found = []
    for key, mapped in value.items():
        where = f"custom.{name}.{key}"
        if name == "priority_mapping":
            if severity_named(str(key)) is None:
                found.append((where, NO_SEVERITY))
            if mapped not in ("P1", "P2", "P3", "P4", "P5"):
                found.append((where, "must be P1, P2, P3, P4 or P5"))
        else:
            listed = mapped if isinstance(mapped, list) and mapped else [mapped]
            if any(responder(one) is None for one in listed):
                found.append(
                    (where, 'must be "team:Name", "escalation:Name", "schedule:Name" or "user:address"')
                )
    return found
