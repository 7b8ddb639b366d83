"""What does a sender of PagerDuty's Events API v2 say, and what does it expect to be told?

Events and change events, as `POST /v2/enqueue` and `POST /v2/change/enqueue`. Facts: PagerDuty's
OpenAPI (github.com/PagerDuty/api-schema), read 2026-11-20. The texts for single fields are from memory of the live API; their shape, a list of text, is not.
A trigger without dedup_key has the key "": admission makes a fresh one, as PagerDuty does.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tocsin.core.model import Action, Event, Json, Link
from tocsin.core.payload import (
    DESCRIPTION_LIMIT,
    LABEL_TEXT_LIMIT,
    LIST_LIMIT,
    TITLE_LIMIT,
    bounded,
    cut,
    dedup_key,
    instant,
    labels_of,
    link_to,
    one_line,
    plain,
    read_json,
    same_secret,
    storable,
    with_notes,
)
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import SenderSeverity, sender_severity

_ACTIONS = {"trigger": Action.CREATE, "acknowledge": Action.ACKNOWLEDGE, "resolve": Action.RESOLVE}
_SEVERITIES = ("critical", "error", "warning", "info")
_KEY_LIMIT = 255


def verify(request: Request, secret: str) -> bool:
    """Whether the routing key is `secret`: this dialect knows no other proof."""
    return same_secret(routing_key(request), secret)


def routing_key(request: Request) -> str:
    """The integration's key as the sender gave it, in the body or the header X-Routing-Key; "" = none."""
    try:
        body = read_json(request.body)
    except Malformed:
        body = None
    given = body.get("routing_key") if isinstance(body, dict) else None
    return given if isinstance(given, str) and given else request.headers.get("x-routing-key", "")


def refusal(request: Request) -> tuple[int, bytes] | None:
    """The status and body that PagerDuty answers to a request it does not take; None = it takes it."""
    try:
        body = read_json(request.body)
    except Malformed:
        return 400, _answer(
            "Unrecognized object", "Event object format is unrecognized", ["JSON parse error"]
        )
    faults = _key_faults(routing_key(request))
    faults += [fault for _, fault in _faults(body, _is_change(request))]
    return (400, _answer("invalid event", "Event object is invalid", faults)) if faults else None


def accepted(dedup_key: str) -> bytes:
    """The body of the 202 for an event; `dedup_key` is the alert's key, also when admission made it."""
    answer = {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
    return msgspec.json.encode(answer)


def accepted_change() -> bytes:
    """The body of the 202 for a change event."""
    return msgspec.json.encode({"status": "success", "message": "Change event processed"})


def _answer(status: str, message: str, errors: list[str]) -> bytes:
    return msgspec.json.encode({"status": status, "message": message, "errors": errors})


def parse(request: Request, context: SourceContext) -> list[Event]:
    """The one event of a request; a change event is `other`: kept, never paged."""
    body = read_json(request.body)
    change = _is_change(request)
    for path, fault in _faults(body, change):
        raise Malformed(fault, path)
    return [_event(body, change)]


def _is_change(request: Request) -> bool:
    return request.path.rstrip("/").endswith("/change/enqueue")


def _key_faults(key: str) -> list[str]:
    if not key.strip():
        return ["'routing_key' is missing or blank"]
    return [] if len(key) == 32 else ["Length of 'routing_key' is incorrect (should be 32 characters)"]


def _faults(body: Json, change: bool) -> list[tuple[str, str]]:
    """(field, PagerDuty's text) for what keeps this from being an event. The payload of an acknowledge or
    resolve is not looked at: Alertmanager always sends one, with any text as its severity."""
    if not isinstance(body, dict):
        return [("", "Event object must be a JSON object")]
    faults: list[tuple[str, str]] = []
    action = None if change else body.get("event_action")
    if not change:
        if _blank(action):
            faults.append(("event_action", "'event_action' is missing or blank"))
        elif action not in _ACTIONS:
            text = "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge', 'resolve')"
            faults.append(("event_action", text))
        faults += _dedup_faults(body, action)
    if change or action == "trigger":
        faults += _payload_faults(body.get("payload"), change)
    return faults


def _dedup_faults(body: Mapping[str, Json], action: Json) -> list[tuple[str, str]]:
    key = body.get("dedup_key")
    if key is not None and not isinstance(key, str):
        return [("dedup_key", "'dedup_key' must be a string")]
    if key and len(key) > _KEY_LIMIT:
        return [("dedup_key", f"'dedup_key' is too long (should be at most {_KEY_LIMIT} characters)")]
    if not key and action in ("acknowledge", "resolve"):
        return [("dedup_key", "'dedup_key' is missing or blank")]
    return []


def _payload_faults(payload: Json, change: bool) -> list[tuple[str, str]]:
    if not isinstance(payload, dict):
        return [("payload", "'payload' is missing or blank" if payload is None else "'payload' is invalid")]
    needed = ("summary",) if change else ("summary", "source", "severity")
    faults = [
        (f"payload.{name}", f"'payload.{name}' is missing or blank")
        for name in needed
        if _blank(payload.get(name))
    ]
    severity = payload.get("severity")
    if not change and not _blank(severity) and severity not in _SEVERITIES:
        text = "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
        faults.append(("payload.severity", text))
    return faults


def _blank(value: Json) -> bool:
    return not isinstance(value, str) or not value.strip()


def _event(body: Mapping[str, Json], change: bool) -> Event:
    notes: list[str] = []
    given = body.get("payload")
    payload: Mapping[str, Json] = given if isinstance(given, dict) else {}
    summary = one_line(plain(payload.get("summary")))
    key = body.get("dedup_key")
    severity = SenderSeverity(None) if change else sender_severity(plain(payload.get("severity")))
    parts = {name: payload.get(name) for name in ("component", "group", "class")}
    return Event(
        action=Action.OTHER if change else _ACTIONS[body["event_action"]],
        reason="change event: kept, never paged" if change else "",
        dedup_key=dedup_key(key) if isinstance(key, str) and not change else "",
        title=bounded(summary, TITLE_LIMIT, "title", notes),
        description=cut(summary, DESCRIPTION_LIMIT) if len(summary) > TITLE_LIMIT else "",
        severity=severity.severity,
        quiet=severity.quiet,
        source=cut(one_line(plain(payload.get("source"))), LABEL_TEXT_LIMIT),
        labels=labels_of(parts, notes),
        details=with_notes(_details(payload.get("custom_details")), notes),
        links=_links(body),
        sent_at=instant(payload.get("timestamp")),
    )


def _details(custom: Json) -> dict[str, Json]:
    """custom_details as a map; what is none (some senders give text or a list) stands under its name."""
    if custom is None:
        return {}
    kept: Json = storable(custom)
    return kept if isinstance(kept, dict) else {"custom_details": kept}


def _links(body: Mapping[str, Json]) -> tuple[Link, ...]:
    found = [link_to(body.get("client_url"), body.get("client") or "")]
    for field, address, text in (("links", "href", "text"), ("images", "src", "alt")):
        entries = body.get(field)
        if isinstance(entries, list):
            maps = (entry for entry in entries[:LIST_LIMIT] if isinstance(entry, dict))
            found.extend(link_to(entry.get(address), entry.get(text)) for entry in maps)
    return tuple(dict.fromkeys(link for link in found if link))
