"""How does an effect become calls of the REST API v2, and what did each answer mean?

Every chain ends: lookup -> create -> adopt, or find/read -> write. Contract:
https://developer.pagerduty.com/api-reference and its OpenAPI file, PagerDuty/api-schema@91a06fb (2026-11-20).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tocsin.core.model import Json
from tocsin.core.ports import (
    Accepted,
    Call,
    Effect,
    EffectKind,
    Outcome,
    Pending,
    Rejected,
    RemoteStatus,
    Request,
    Response,
    Retry,
    Skipped,
    WireFault,
)
from tocsin.providers.pagerduty import answers, incidents, options
from tocsin.providers.pagerduty.options import Settings

LONGEST_KEY = 255
LONGEST_TITLE = 1024
LONGEST_SNOOZE = 604_800  # seconds, at least 1; only of what is acknowledged (code 1012)
_ENDED_BY_RESOLVE = (EffectKind.ACKNOWLEDGE, EffectKind.SNOOZE, EffectKind.UPDATE)
LONGEST_BODY = 60_000  # characters; PagerDuty names no figure, this stays under the 64 KB others met
DUPLICATE = "matching dedup key already exists"
# The sentence of the 400 that means "an open incident has this key": seen alike in four independent public
# programs (2026-11-20); any 400 after we sent a key is looked up, so a changed wording costs one read.


def wire_key(key: str) -> str:
    """The key as PagerDuty takes it: at most 255 characters, else its SHA-256 (S8)."""
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def request(settings: Settings, method: str, path: str, body: Json = None, query: str = "") -> Request:
    """A signed request; `path` begins with a slash."""
    headers = {
        "Authorization": f"Token token={options.word(settings, 'api_key')}",
        "Accept": "application/vnd.pagerduty+json;version=2",
    }
    if body is not None:
        headers |= {"Content-Type": "application/json", "From": options.word(settings, "from_email")}
    url = options.address(settings, "base_url", options.REST) + path + (f"?{query}" if query else "")
    return Request(method=method, url=url, headers=headers, body=answers.dumped(body))


def first_call(effect: Effect, settings: Settings) -> Call | Rejected:
    """What to send first."""
    if effect.kind is EffectKind.MESSAGE:
        return Rejected(reason="PagerDuty makes an incident of everything it is sent; it takes no messages")
    if effect.kind is EffectKind.CREATE:
        if effect.look_first:
            return lookup(effect, settings, "lookup")
        return _create(effect, settings)
    if not effect.remote_id:
        return lookup(effect, settings, "find")
    if effect.kind is EffectKind.NOTE:
        return (
            _notes(settings, effect.remote_id)
            if effect.look_first
            else _write(effect, settings, effect.remote_id)
        )
    if effect.reread or effect.look_first:
        return Call(request(settings, "GET", _path(effect.remote_id)), "read", reads=True)
    return _write(effect, settings, effect.remote_id)


def outcome_of(effect: Effect, settings: Settings, step: str, answer: Response | WireFault) -> Outcome:
    """What the answer to the call named `step` meant."""
    act = effect.kind is not EffectKind.CREATE and step != "find"
    name, _, told = step.partition(":")
    if isinstance(answer, Response) and (known := _already(effect, answer)):
        return known
    if refusal := answers.not_done(answer, options.secrets(settings), act=act):
        if name == "create" and isinstance(refusal, Rejected) and refusal.status == 400:
            return Pending(lookup(effect, settings, f"adopt:{_shortened(refusal.reason)}"))
        return refusal
    assert isinstance(answer, Response)
    body = answers.json_of(answer.body)
    if not isinstance(body, dict):
        return answers.unreadable(answer)
    if name in ("lookup", "find", "adopt"):
        return _found(effect, settings, step, answer, body)
    if name == "notes":
        return _noted(effect, settings, told, answer, body)
    if effect.kind is EffectKind.NOTE and name == "write":
        written = answers.mapping(body, "note")
        return Accepted(remote_id=told, created=True) if written else answers.unreadable(answer)
    incident = answers.mapping(body, "incident")
    if not answers.text(incident.get("id")):
        return answers.unreadable(answer)
    if name == "read":
        return _decided(effect, settings, incident)
    return incidents.accepted(incident, adopted=False, paging=effect.kind is EffectKind.CREATE)


def lookup(effect: Effect, settings: Settings, step: str) -> Call:
    """Read by incident_key, in any state and of any age (S37)."""
    query = urlencode(
        [
            ("incident_key", wire_key(effect.key)),
            ("date_range", "all"),
            *[("statuses[]", status) for status in ("triggered", "acknowledged", "resolved")],
        ],
        errors="replace",
    )
    return Call(request(settings, "GET", "/incidents", query=query), step, reads=True)


def _found(effect: Effect, settings: Settings, step: str, answer: Response, body: Json) -> Outcome:
    if not isinstance(body.get("incidents"), list):
        return answers.unreadable(answer)
    incident = incidents.chosen(answers.items(body["incidents"]), wire_key(effect.key))
    if effect.kind is EffectKind.CREATE:
        if incident:
            return incidents.accepted(incident, adopted=True, paging=True)
        if step == "lookup":
            call = _create(effect, settings)
            return call if isinstance(call, Rejected) else Pending(call)
        said = step.removeprefix("adopt:")
        if DUPLICATE in said.lower():
            return Retry(reason=f"{said}; but no incident with that key was found yet")
        return Rejected(reason=said, status=400)
    if not incident:
        return Rejected(reason="PagerDuty has no incident with this key", status=404, gone=True)
    return _decided(effect, settings, incident)


def _decided(effect: Effect, settings: Settings, incident: Mapping[str, Json]) -> Outcome:
    """What to do now that the state there is known (S39: never acknowledge what is resolved)."""
    status, remote_id = incidents.status(incident), answers.text(incident.get("id"))
    if effect.kind is EffectKind.NOTE:
        call = _notes(settings, remote_id) if effect.look_first else _write(effect, settings, remote_id)
        return Pending(call, remote_id=remote_id)
    if status is incidents.REACHED.get(effect.kind):
        return incidents.accepted(incident, adopted=True, paging=False)
    if status is RemoteStatus.RESOLVED and effect.kind in _ENDED_BY_RESOLVE:
        return Skipped(reason="it is resolved at PagerDuty; writing there could reopen it", status=status)
    return Pending(_write(effect, settings, remote_id), remote_id=remote_id)


def _already(effect: Effect, answer: Response) -> Outcome | None:
    """Codes 1001 and 1002: what was asked for is so already, or something stronger is."""
    if answer.status // 100 != 4 or answer.status in (401, 403, 404, 408, 429):
        return None
    code = answers.error_code(answer)
    if code == answers.ALREADY_RESOLVED:
        if effect.kind is EffectKind.RESOLVE:
            return Accepted(
                remote_id=effect.remote_id, created=True, adopted=True, status=RemoteStatus.RESOLVED
            )
        if effect.kind in _ENDED_BY_RESOLVE:
            return Skipped(reason="it is resolved at PagerDuty", status=RemoteStatus.RESOLVED)
    if code == answers.ALREADY_ACKNOWLEDGED and effect.kind is EffectKind.ACKNOWLEDGE:
        return Accepted(
            remote_id=effect.remote_id, created=True, adopted=True, status=RemoteStatus.ACKNOWLEDGED
        )
    return None


def _create(effect: Effect, settings: Settings) -> Call | Rejected:
    service = options.mapped_service(settings, effect, "service_id")
    if not service:
        return Rejected(
            reason=f"no PagerDuty service is mapped for {effect.service!r}: set custom.service_id"
        )
    incident: dict[str, Json] = {
        "type": "incident",
        "title": _title(effect),
        "service": {"id": service, "type": "service_reference"},
        "urgency": options.urgency(settings, effect.severity),
        "incident_key": wire_key(effect.key),
        "body": {"type": "incident_body", "details": incidents.body_text(effect)[:LONGEST_BODY]},
        **_priority(effect, settings),
    }
    if policy := options.policy(settings, effect):
        incident["escalation_policy"] = {"id": policy, "type": "escalation_policy_reference"}
    return Call(request(settings, "POST", "/incidents", {"incident": incident}), "create")


def _write(effect: Effect, settings: Settings, remote_id: str) -> Call:
    if effect.kind is EffectKind.NOTE:
        note = {"note": {"content": incidents.note_text(effect)}}
        return Call(request(settings, "POST", f"{_path(remote_id)}/notes", note), f"write:{remote_id}")
    if effect.kind is EffectKind.SNOOZE:
        seconds = min(max(math.ceil(effect.snooze_for.total_seconds()), 1), LONGEST_SNOOZE)
        return Call(
            request(settings, "POST", f"{_path(remote_id)}/snooze", {"duration": seconds}),
            f"write:{remote_id}",
        )
    fields: dict[str, Json] = {"type": "incident"}
    if effect.kind is EffectKind.UPDATE:
        fields |= {"title": _title(effect), "urgency": options.urgency(settings, effect.severity)}
        fields |= _priority(effect, settings)
    else:
        fields["status"] = incidents.REACHED[effect.kind].value
    if effect.kind is EffectKind.RESOLVE and (resolution := incidents.resolution(effect)):
        fields["resolution"] = resolution
    return Call(request(settings, "PUT", _path(remote_id), {"incident": fields}), f"write:{remote_id}")


def _notes(settings: Settings, remote_id: str) -> Call:
    return Call(request(settings, "GET", f"{_path(remote_id)}/notes"), f"notes:{remote_id}", reads=True)


def _noted(effect: Effect, settings: Settings, remote_id: str, answer: Response, body: Json) -> Outcome:
    """Was the note of an ambiguous attempt written? A second time it would be told twice everywhere."""
    if not isinstance(body.get("notes"), list):
        return answers.unreadable(answer)
    ours = incidents.note_text(effect)
    if any(note.get("content") == ours for note in answers.items(body["notes"])):
        return Accepted(remote_id=remote_id, created=True, adopted=True)
    return Pending(_write(effect, settings, remote_id))


def _path(remote_id: str) -> str:
    return f"/incidents/{quote(remote_id, safe='', errors='replace')}"


def _title(effect: Effect) -> str:
    return (" ".join(effect.title.split()) or "Untitled incident")[:LONGEST_TITLE]


def _priority(effect: Effect, settings: Settings) -> dict[str, Json]:
    priority = options.by_severity(settings, "priority_mapping", effect.severity)
    return {"priority": {"id": priority, "type": "priority_reference"}} if priority else {}


def _shortened(reason: str) -> str:
    return reason[:200]
