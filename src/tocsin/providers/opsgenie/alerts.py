"""How does an effect become a body of the Alert API, and what does an alert say?

Fields and their limits: https://docs.opsgenie.com/docs/alert-api and
https://docs.opsgenie.com/docs/alerts-and-alert-fields (2026-11-20).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tocsin.core.model import Json
from tocsin.core.ports import Effect, EffectKind, RemoteState, RemoteStatus
from tocsin.providers.opsgenie import options
from tocsin.providers.opsgenie.answers import mapping, text
from tocsin.providers.opsgenie.options import Settings

MESSAGE, ALIAS, DESCRIPTION, DETAILS, NOTE = 130, 512, 15_000, 8_000, 25_000
ENTITY, USER, TAG, TAGS = 512, 100, 50, 20
SOURCE = "tocsin"


def wire_alias(key: str) -> str:
    """The key as Opsgenie takes it: at most 512 characters, else its SHA-256 (S8)."""
    return key if len(key) <= ALIAS else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def own_key(value: Json) -> str:
    """The provider key when it can be ours (S37, S8), else ""."""
    key = text(value)
    hashed = len(key) == 64 and all(letter in "0123456789abcdef" for letter in key)
    return key if key.startswith("tocsin:") or hashed else ""


def create_body(effect: Effect, settings: Settings) -> dict[str, Json]:
    """The body of POST /v2/alerts, every field within its limit."""
    paged, shown = options.responders(settings, effect)
    body: dict[str, Json] = {
        "message": message(effect),
        "alias": wire_alias(effect.key),
        "description": description(effect),
        "priority": options.priority(settings, effect.severity),
        "responders": paged[:50],
        "visibleTo": shown[:50],
        "tags": [tag[:TAG] for tag in ("tocsin", effect.severity.sev, effect.service) if tag][:TAGS],
        "details": details(effect),
        "entity": effect.service[:ENTITY],
        "source": SOURCE,
        "user": "Tocsin",
    }
    return {name: value for name, value in body.items() if value}


def message(effect: Effect) -> str:
    """The title on one line, cut to what Opsgenie takes."""
    title = " ".join(effect.title.split()) or "Untitled incident"
    return title if len(title) <= MESSAGE else title[: MESSAGE - 1] + "…"


def news(effect: Effect) -> str:
    """The words of an update as a note, where they cannot be written into the alert."""
    return f"Now {effect.severity.sev}: {message(effect)}"


def description(effect: Effect) -> str:
    """The description with the links below it, for a person to read."""
    links = [f"{link.text or 'Link'}: {link.href}" for link in effect.links]
    if effect.incident_url:
        links.append(f"Incident: {effect.incident_url}")
    return "\n\n".join(part for part in (effect.description.strip(), "\n".join(links)) if part)[:DESCRIPTION]


def details(effect: Effect) -> dict[str, str]:
    """The core facts (PR-2), then the sender's, as long as all names and values stay within 8,000."""
    facts = {
        "correlation_id": effect.correlation_id,
        "incident": effect.incident_url,
        "severity": effect.severity.sev,
        "service": effect.service,
        "team": effect.team,
    }
    facts |= {(link.text or "link").lower(): link.href for link in effect.links}
    left, kept = DETAILS, dict[str, str]()
    for name, value in [*facts.items(), *effect.details.items()]:
        if value and name not in kept and len(name) + len(value) <= left:
            kept[name] = value
            left -= len(name) + len(value)
    return kept


def custom(effect: Effect) -> dict[str, str]:
    """The custom fields among the details."""
    return {name: value for name, value in details(effect).items() if effect.fields.get(name) == value}


def act_body(effect: Effect) -> dict[str, Json]:
    """Who acted and what they wrote, as every action takes it."""
    user = f"{effect.person} (via Tocsin)" if effect.person else "Tocsin"
    body = {"user": user[:USER], "source": SOURCE, "note": effect.note[:NOTE]}
    return {name: value for name, value in body.items() if value}


def sleep(effect: Effect) -> dict[str, Json]:
    """The end of a snooze, which that verb alone takes."""
    if effect.kind is not EffectKind.SNOOZE or effect.snooze_until is None:
        return {}
    return {"endTime": f"{effect.snooze_until:%Y-%m-%dT%H:%M:%SZ}"}


def owner(effect: Effect) -> dict[str, Json]:
    """Whom it is assigned to, which that verb alone takes: https://docs.opsgenie.com/docs/alert-api (2026-11-20)."""
    return {"owner": {"username": effect.assignee_email}} if effect.kind is EffectKind.ASSIGN else {}


def status(alert: Mapping[str, Json]) -> RemoteStatus:
    """open and neither acknowledged nor snoozed = triggered, closed = resolved."""
    match alert.get("status"):
        case "closed":
            return RemoteStatus.RESOLVED
        case "open":
            held = alert.get("acknowledged") is True or alert.get("snoozed") is True
            return RemoteStatus.ACKNOWLEDGED if held else RemoteStatus.TRIGGERED
    return RemoteStatus.UNKNOWN


def newest(found: Sequence[Mapping[str, Json]]) -> Mapping[str, Json]:
    """The one that counts among alerts of one alias: an open one, else the latest; {} for none."""
    ranked = sorted(
        found, key=lambda it: (status(it) is not RemoteStatus.RESOLVED, text(it.get("createdAt")))
    )
    return ranked[-1] if ranked else {}


def state(alert: Mapping[str, Json]) -> RemoteState:
    """An alert as read back."""
    now, report = status(alert), mapping(alert, "report")
    owner = text(alert.get("owner"))
    acknowledged = text(report.get("acknowledgedBy")) or owner if now is RemoteStatus.ACKNOWLEDGED else ""
    return RemoteState(
        key=own_key(alert.get("alias")),
        remote_id=text(alert.get("id")),
        status=now,
        title=text(alert.get("message")),
        acknowledged_by=person(acknowledged),
        resolved_by=person(text(report.get("closedBy"))) if now is RemoteStatus.RESOLVED else "",
        changed_at=instant(alert.get("updatedAt")),
    )


def person(username: str) -> str:
    """A user's name; "" for Opsgenie's own machinery, for a bare API key and for the hub."""
    return "" if username.strip().lower() in ("", "system", "alert api", "tocsin") else username


def instant(value: Json) -> datetime | None:
    """An ISO 8601 text or a number of s, ms, µs or ns since 1970 (a webhook's createdAt counts ms, its
    updatedAt ns) as UTC; None when it is neither."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        for larger_than, unit in ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1)):
            if value > larger_than:
                return datetime.fromtimestamp(value / unit, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
