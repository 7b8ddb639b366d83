"""What does a caller of POST /api/v1/alerts say? The strict one: a fault is named, field by field.

The batch names a fault with its index, counted from 0: "3.title".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tocsin.core.model import Action, Event, Json, Link
from tocsin.core.payload import (
    DESCRIPTION_LIMIT,
    LABEL_LIMIT,
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
    read_json,
    stable_key,
    storable,
    tidy,
    with_notes,
)
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import sender_severity

_ACTIONS = {
    "": Action.CREATE,
    "create": Action.CREATE,
    "acknowledge": Action.ACKNOWLEDGE,
    "resolve": Action.RESOLVE,
}
_KNOWN = {"title", "source", "severity", "service_name", "service", "dedup_key", "description", "labels"}
_KNOWN |= {"tags", "links", "details", "action", "team", "sent_at", "note"}


def verify(request: Request, secret: str) -> bool:
    """Always true: the bearer token of the API is checked before a source is asked."""
    return True


def parse(request: Request, context: SourceContext) -> list[Event]:
    """The one event of a body that is a JSON object."""
    return [_event(read_json(request.body))]


def parse_batch(request: Request, context: SourceContext) -> list[Event]:
    """The events of a JSON array or of NDJSON, in order; a fault in one refuses all of them."""
    items = _items(request.body)
    events = []
    for index, item in enumerate(items):
        try:
            events.append(_event(item))
        except Malformed as fault:
            path = f"{index}.{fault.field_path}" if fault.field_path else str(index)
            text = f"{index}.{fault.message}" if fault.field_path else f"item {index}: {fault.message}"
            raise Malformed(text, path) from None
    return events


def _items(body: bytes) -> list[Json]:
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        items = read_json(body)
        return items if isinstance(items, list) else [items]
    items = []
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        try:
            items.append(read_json(line))
        except Malformed as fault:
            raise Malformed(f"item {len(items)}: {fault.message}", str(len(items))) from None
    return items


def _event(body: Json) -> Event:
    if not isinstance(body, dict):
        raise Malformed("the body must be a JSON object")
    notes: list[str] = []
    action = _action(body)
    title = one_line(_text(body, "title"))
    key = dedup_key(_text(body, "dedup_key"))
    if not title and (action is Action.CREATE or not key):
        raise Malformed("title is required", "title")
    source = cut(one_line(_text(body, "source")), LABEL_TEXT_LIMIT)
    services = _texts(body, "service_name") or _texts(body, "service")
    severity = sender_severity(_text(body, "severity"))
    return Event(
        action=action,
        dedup_key=key or stable_key(source, *services, title),
        title=bounded(title, TITLE_LIMIT, "title", notes),
        description=bounded(tidy(_text(body, "description")), DESCRIPTION_LIMIT, "description", notes),
        severity=severity.severity,
        quiet=severity.quiet,
        source=source,
        services=services,
        team=cut(one_line(_text(body, "team")), LABEL_TEXT_LIMIT),
        labels=_labels(body, notes),
        tags=_texts(body, "tags"),
        links=_links(body),
        sent_at=_sent_at(body),
        note=bounded(tidy(_text(body, "note")), DESCRIPTION_LIMIT, "note", notes),
        details=with_notes(_details(body), notes),
    )


def _action(body: Mapping[str, Json]) -> Action:
    action = _ACTIONS.get(_text(body, "action").strip().lower())
    if action is None:
        raise Malformed("action must be create, acknowledge or resolve", "action")
    return action


def _text(body: Mapping[str, Json], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{name} must be text", name)
    return value


def _texts(body: Mapping[str, Json], name: str) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        return ()
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list):
        raise Malformed(f"{name} must be text or a list of texts", name)
    if len(entries) > LIST_LIMIT:
        raise Malformed(f"{name} has {len(entries):,} entries, at most {LIST_LIMIT} are taken", name)
    for index, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise Malformed(f"{name}.{index} must be text", f"{name}.{index}")
    kept = (cut(one_line(entry), LABEL_TEXT_LIMIT) for entry in entries)
    return tuple(dict.fromkeys(entry for entry in kept if entry))


def _labels(body: Mapping[str, Json], notes: list[str]) -> dict[str, str]:
    labels = body.get("labels")
    if labels is None:
        return {}
    if not isinstance(labels, dict):
        raise Malformed("labels must be an object of texts", "labels")
    if len(labels) > LABEL_LIMIT:
        raise Malformed(f"labels has {len(labels):,} entries, at most {LABEL_LIMIT} are taken", "labels")
    for name, value in labels.items():
        if not isinstance(value, str):
            path = f"labels.{cut(one_line(name), TITLE_LIMIT)}"
            raise Malformed(f"{path} must be text", path)
    return labels_of(labels, notes)


def _links(body: Mapping[str, Json]) -> tuple[Link, ...]:
    entries = body.get("links")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise Malformed("links must be a list", "links")
    if len(entries) > LIST_LIMIT:
        raise Malformed(f"links has {len(entries):,} entries, at most {LIST_LIMIT} are taken", "links")
    links = []
    for index, entry in enumerate(entries):
        href, text = (entry.get("href"), entry.get("text")) if isinstance(entry, dict) else (entry, None)
        if text is not None and not isinstance(text, str):
            raise Malformed(f"links.{index}.text must be text", f"links.{index}.text")
        link = link_to(href, text)
        if link is None:
            path = f"links.{index}.href" if isinstance(entry, dict) else f"links.{index}"
            raise Malformed(f"{path} must be an http, https or mailto address", path)
        links.append(link)
    return tuple(links)


def _sent_at(body: Mapping[str, Json]) -> datetime | None:
    value = body.get("sent_at")
    if value is None or value == "":
        return None
    moment = instant(value)
    if moment is None:
        raise Malformed("sent_at must be a time such as 2026-11-20T10:15:00Z (RFC 3339)", "sent_at")
    return moment


def _details(body: Mapping[str, Json]) -> dict[str, Json]:
    details = body.get("details")
    if details is not None and not isinstance(details, dict):
        raise Malformed("details must be an object", "details")
    kept: dict[str, Json] = storable(details) if details else {}
    if not _KNOWN.issuperset(body):  # a field we do not know is kept, not lost
        for name, value in body.items():
            if name not in _KNOWN:
                kept.setdefault(tidy(name), storable(value, 1))
    return kept
