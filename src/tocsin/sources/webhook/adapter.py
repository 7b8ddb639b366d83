"""What does any tool say that can send an HTTP request? JSON of any shape, a form, a query, or text.

The field names are those of PagerTree's generic webhook (pager_tree-integrations @5f35ef6, read
2026-11-20): event_type, id, title, description, urgency, tags, meta, links; any case. A body without
event_type is a create, and its title is looked for under the names that tools commonly use.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

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
    tidy,
    with_notes,
)
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import SenderSeverity, sender_severity

_ACTIONS = {action.value: action for action in Action if action is not Action.OTHER}
_TITLE = ("title", "message", "summary", "subject", "name", "text")
_DESCRIPTION = ("description", "body", "message", "text", "summary")
_SEVERITY = ("urgency", "severity", "priority", "level")
_SERVICE = ("service", "service_name", "services")
_USED = {*_SEVERITY, *_SERVICE, "event_type", "id", "dedup_key", "title", "description", "source", "team"}
_USED |= {"host", "labels", "tags", "meta", "links", "url", "link", "sent_at"}
_BATCH_LIMIT = 1_000


def verify(request: Request, secret: str) -> bool:
    """The option `token` against the header x-tocsin-token or pagertree-token; true when no
    token is set."""
    headers = request.headers
    given = headers.get("x-tocsin-token") or headers.get("pagertree-token", "")
    return not secret or same_secret(given, secret)


def parse(request: Request, context: SourceContext) -> list[Event]:
    """One event, or one for each entry of a JSON array. A GET without a query holds none."""
    if request.method in ("GET", "HEAD") and not request.query and not request.body.strip():
        return []
    body = _body(request)
    entries = body if isinstance(body, list) else [body]
    if len(entries) > _BATCH_LIMIT:
        raise Malformed(f"the array has {len(entries):,} entries, at most {_BATCH_LIMIT:,} are taken")
    return [_event(entry, str(index), context) for index, entry in enumerate(entries)]


def _body(request: Request) -> Json:
    raw = request.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    kind = request.headers.get("content-type", "").lower()
    if not raw:
        if not request.query:
            raise Malformed("the body is empty")
        return _form(request.query)
    if "json" in kind or raw[:1] in (b"{", b"["):
        try:
            return read_json(request.body)
        except Malformed:
            if "text/plain" not in kind:
                raise
    if "form" in kind and b"=" in raw:
        return _form(raw.decode("utf-8", "replace"))
    text = raw.decode("utf-8", "replace").strip()
    return {"title": text.split("\n", 1)[0], "description": text if "\n" in text else ""}


def _form(text: str) -> Json:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=10_000))
    except ValueError:
        raise Malformed("the form has more than 10,000 fields") from None


def _event(entry: Json, index: str, context: SourceContext) -> Event:
    if isinstance(entry, str):
        entry = {"title": entry}
    if not isinstance(entry, dict):
        raise Malformed("an alert must be a JSON object or text", index)
    body = _unwrapped(entry, context.options.get("wrapper_key"))
    fields = {name.strip().lower(): value for name, value in body.items()}
    notes: list[str] = []
    action, reason = _action(fields)
    title, title_from = _title(fields)
    description, description_from = _description(fields, title, title_from, notes)
    if not title and action is Action.CREATE:
        title = _made_up(body, context)
    severity = _severity(fields)
    return Event(
        action=action,
        reason=reason,
        dedup_key=dedup_key(plain(fields.get("dedup_key")) or plain(fields.get("id"))),
        title=bounded(title, TITLE_LIMIT, "title", notes),
        description=description,
        severity=severity.severity,
        quiet=severity.quiet,
        source=cut(one_line(plain(fields.get("source"))), LABEL_TEXT_LIMIT),
        services=next((found for name in _SERVICE if (found := _texts(fields.get(name)))), ()),
        team=cut(one_line(plain(fields.get("team"))), LABEL_TEXT_LIMIT),
        labels=_labels(fields, notes),
        tags=_texts(fields.get("tags")),
        links=_links(fields),
        sent_at=instant(fields.get("sent_at")),
        details=with_notes(_details(body, {title_from, description_from}, context), notes),
    )


def _unwrapped(body: dict[str, Json], path: Json) -> dict[str, Json]:
    """What stands under the option wrapper_key, or the whole body unless that is a map."""
    found: Json = body
    for part in path.split(".") if isinstance(path, str) and path else ():
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else body


def _action(fields: Mapping[str, Json]) -> tuple[Action, str]:
    if fields.get("event_type") is None:
        return Action.CREATE, ""
    word = one_line(plain(fields["event_type"])).lower()
    if word in _ACTIONS:
        return _ACTIONS[word], ""
    return Action.OTHER, f"event_type {cut(word, 100)!r} is none of create, acknowledge, resolve"


def _title(fields: Mapping[str, Json]) -> tuple[str, str]:
    """The title and the name of the field it came from; of a longer text its first line."""
    for name in _TITLE:
        text = plain(fields.get(name)).strip()
        if title := one_line(text if name == "title" else text.split("\n", 1)[0]):
            return title, name
    return "", ""


def _made_up(body: Mapping[str, Json], context: SourceContext) -> str:
    """A title for a body that has none, so that no alert is lost for want of one."""
    if not body:
        return f"Alert from {context.integration}"
    shown = msgspec.json.encode(storable(dict(list(body.items())[:20])))[:400].decode("utf-8", "ignore")
    return cut(f"Alert from {context.integration}: {shown}", 300)


def _description(
    fields: Mapping[str, Json], title: str, title_from: str, notes: list[str]
) -> tuple[str, str]:
    """The description and the name of its field. It may be the title's: then all the lines of it."""
    for name in _DESCRIPTION:
        text = tidy(plain(fields.get(name))).strip()
        if text and (name != title_from or text != title):
            return bounded(text, DESCRIPTION_LIMIT, "description", notes), name
    return "", ""


def _severity(fields: Mapping[str, Json]) -> SenderSeverity:
    """The first known word: whole values first, then a word inside of one ("2 - High"), then meta's."""
    values = [one_line(plain(fields.get(name))) for name in _SEVERITY]
    meta = fields.get("meta")
    values.append(one_line(plain(meta.get("incident_severity"))) if isinstance(meta, dict) else "")
    for value in values:
        for word in (value, *value[:200].replace(":", " ").replace(",", " ").split()):
            found = sender_severity(word)
            if found.severity and (word is value or not word.isdigit()):
                return found
    return SenderSeverity(None)


def _texts(value: Json) -> tuple[str, ...]:
    """A list of scalars, or text with commas, without repeats and empty entries."""
    entries = value if isinstance(value, list) else plain(value).split(",")
    kept = (cut(one_line(plain(entry)), LABEL_TEXT_LIMIT) for entry in entries[:LIST_LIMIT])
    return tuple(dict.fromkeys(entry for entry in kept if entry))


def _labels(fields: Mapping[str, Json], notes: list[str]) -> dict[str, str]:
    labels = fields.get("labels")
    given = {"host": fields["host"]} if plain(fields.get("host")) else {}
    return labels_of(given | labels if isinstance(labels, dict) else given, notes)


def _links(fields: Mapping[str, Json]) -> tuple[Link, ...]:
    entries = fields.get("links")
    pairs: list[tuple[Json, Json]] = []
    for entry in entries[:LIST_LIMIT] if isinstance(entries, list) else [entries]:
        if isinstance(entry, dict):
            pairs.append((entry.get("href") or entry.get("url"), entry.get("text") or entry.get("title")))
        else:
            pairs.append((entry, ""))
    pairs += [(fields.get("url"), ""), (fields.get("link"), "")]
    return tuple(dict.fromkeys(link for href, text in pairs if (link := link_to(href, text))))


def _details(body: Mapping[str, Json], shown: set[str], context: SourceContext) -> dict[str, Json]:
    """What no other field of the event shows, unless capture_additional_data is off; meta always."""
    captures = context.options.get("capture_additional_data", True)
    details: dict[str, Json] = {}
    for name, value in body.items():
        field = name.strip().lower()
        if field == "meta" or (captures and field not in _USED and field not in shown):
            details[tidy(name)] = storable(value, 1)
    return details
