"""A connector's settings as they were written: read wherever they stand, and what is wrong with them.

A setting is read from `custom` and, failing that, from the connector itself. Each provider checks its own with
these; what is said twice is said here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from urllib.parse import urlsplit

from tocsin.core.model import Json
from tocsin.core.reach import unreachable
from tocsin.core.severity import Severity, severity_named

Settings = Mapping[str, Json]
Faults = list[tuple[str, str]]
"""(dotted field, what is wrong)"""

UNSENDABLE = "holds a blank or another character no key has"
NO_SEVERITY = "is no severity: SEV-1 to SEV-4 or critical, high, medium, low"


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


def by_severity(settings: Settings, name: str, severity: Severity) -> str:
    """What a map keyed by severity, in either spelling, says; "" when it says nothing."""
    for key, value in table(settings, name).items():
        if severity_named(str(key)) is severity and isinstance(value, str):
            return value
    return ""


def sendable(value: str) -> bool:
    """True for what may stand in a header as it is."""
    return value.isascii() and value.isprintable() and " " not in value


def address_faults(settings: Settings, *names: str) -> Faults:
    """Of settings that are addresses, those that are given and are none."""
    given = ((name, setting(settings, name)) for name in names)
    found = ((name, _address_fault(settings, value)) for name, value in given if value is not None)
    return [(name, fault) for name, fault in found if fault]


def region_faults(settings: Settings, regions: Collection[str]) -> Faults:
    """Of `region`, when it is none of these."""
    region = setting(settings, "region")
    if region is None or region in tuple(regions):
        return []
    listed = " or ".join(f'"{name}"' for name in regions)
    return [("region", f"must be {listed}")]


def custom_faults(settings: Settings, known: Collection[str]) -> Faults:
    """Of `custom`, the entries that are no setting of the provider; assumes that it is a map."""
    listed = f"; known: {', '.join(sorted(known))}"
    found = []
    for name in settings.get("custom") or {}:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            more = f'; did you mean "{near[0]}"?' if near else listed
            found.append((f"custom.{name}", f"is no setting of this provider{more}"))
    return found


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
    return unreachable(host)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
