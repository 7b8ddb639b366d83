"""What does an incident of PagerDuty say, and what do we write into one?

Incident fields: PagerDuty/api-schema@91a06fb reference/REST/openapiv3.json (2026-11-20).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tocsin.core.model import Json
from tocsin.core.ports import Accepted, Effect, EffectKind, Rejected, RemoteState, RemoteStatus
from tocsin.providers.pagerduty.answers import items, mapping, text

REACHED = {
    EffectKind.ACKNOWLEDGE: RemoteStatus.ACKNOWLEDGED,
    EffectKind.RESOLVE: RemoteStatus.RESOLVED,
    EffectKind.MERGE: RemoteStatus.RESOLVED,
    EffectKind.REOPEN: RemoteStatus.TRIGGERED,
}
_STATUS = {
    "triggered": RemoteStatus.TRIGGERED,
    "acknowledged": RemoteStatus.ACKNOWLEDGED,
    "resolved": RemoteStatus.RESOLVED,
}


def status(incident: Mapping[str, Json]) -> RemoteStatus:
    """Its state; UNKNOWN for a word we do not know."""
    return _STATUS.get(text(incident.get("status")), RemoteStatus.UNKNOWN)


def chosen(found: Sequence[Mapping[str, Json]], key: str) -> Mapping[str, Json]:
    """Ours among what a lookup by key brought: an open one before a resolved one; {} when none is.

    An incident that has alerts shows no key of its own although it was found by one of theirs.
    """
    ours = [it for it in found if it.get("incident_key") in (key, None, "") and text(it.get("id"))]
    ours.sort(key=lambda it: (it.get("incident_key") != key, status(it) is RemoteStatus.RESOLVED))
    return ours[0] if ours else {}


def accepted(incident: Mapping[str, Json], *, adopted: bool, paging: bool) -> Accepted | Rejected:
    """Done, with the provider's id; when `paging`, unless nobody can be reached there (S28)."""
    state = status(incident)
    if paging and state is RemoteStatus.TRIGGERED and (fault := _unreachable(incident)):
        remote_id = text(incident.get("id"))
        return Rejected(
            reason=f"PagerDuty has {remote_id}, but {fault}", unreachable=True, remote_id=remote_id
        )
    return Accepted(
        remote_id=text(incident.get("id")),
        remote_url=text(incident.get("html_url")),
        created=True,
        adopted=adopted,
        status=state,
    )


def _unreachable(incident: Mapping[str, Json]) -> str:
    service = text(mapping(incident, "service").get("status"))
    if service in ("disabled", "maintenance"):
        return f"its service is {'in maintenance' if service == 'maintenance' else service}"
    if incident.get("assignments") == []:
        return "it is assigned to nobody: check who is on call on its escalation policy"
    return ""


def person(reference: Json) -> str:
    """The name behind a reference to a user; "" for a machine."""
    if not isinstance(reference, dict) or not text(reference.get("type")).startswith("user"):
        return ""
    return text(reference.get("summary")) or text(reference.get("name")) or text(reference.get("id"))


def assignees(incident: Mapping[str, Json]) -> list[str]:
    """The ids of the users who are asked, or have it."""
    given = [text(mapping(one, "assignee").get("id")) for one in items(incident.get("assignments"))]
    return [one for one in given if one]


def state(incident: Mapping[str, Json]) -> RemoteState:
    """An incident as read back."""
    now = status(incident)
    acks = items(incident.get("acknowledgements"))
    return RemoteState(
        key=own_key(incident.get("incident_key")),
        remote_id=text(incident.get("id")),
        remote_url=text(incident.get("html_url")),
        status=now,
        title=text(incident.get("title")),
        acknowledged_by=person(acks[-1].get("acknowledger")) if acks else "",
        resolved_by=person(incident.get("last_status_change_by")) if now is RemoteStatus.RESOLVED else "",
        merged_into=merged_into(incident),
        unreachable=_unreachable(incident) if now is RemoteStatus.TRIGGERED else "",
        changed_at=instant(incident.get("last_status_change_at")),
    )


def merged_into(incident: Mapping[str, Json]) -> str:
    """The id of the incident this one was merged into; "" when it was not."""
    reason = mapping(incident, "resolve_reason")
    return text(mapping(reason, "incident").get("id")) if reason.get("type") == "merge_resolve_reason" else ""


def own_key(value: Json) -> str:
    """The provider key when it can be ours (S37, S8), else ""."""
    key = text(value)
    hashed = len(key) == 64 and all(letter in "0123456789abcdef" for letter in key)
    return key if key.startswith("tocsin:") or hashed else ""


def instant(value: Json) -> datetime | None:
    """An ISO 8601 instant in UTC, None when it is none."""
    try:
        read = datetime.fromisoformat(text(value))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def body_text(effect: Effect) -> str:
    """The incident's body: the same core facts as everywhere (PR-2), as plain text."""
    named = {
        "Severity": f"{effect.severity.sev} ({effect.severity.value})",
        "Service": effect.service,
        "Team": effect.team,
        "Incident": effect.incident_url,
        "Correlation id": effect.correlation_id,
    }
    facts = [f"{name}: {value}" for name, value in named.items() if value]
    links = [f"{link.text or 'Link'}: {link.href}" for link in effect.links]
    details = [f"{name}: {value}" for name, value in effect.details.items()]
    blocks = [effect.description.strip(), "\n".join(facts), "\n".join(links), "\n".join(details)]
    return "\n\n".join(block for block in blocks if block)


def note_text(effect: Effect) -> str:
    """A note with its author: the API writes all notes as the one user of the connector."""
    return f"{effect.person}: {effect.note}" if effect.person else effect.note


def resolution(effect: Effect) -> str:
    """The text of a resolve; "" leaves it out."""
    if effect.note:
        return note_text(effect)
    return f"Resolved by {effect.person} (via Tocsin)" if effect.person else ""
