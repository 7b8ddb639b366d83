"""How does an effect become calls of the REST API v2, and what did each answer mean?

Every chain ends: lookup -> create -> adopt, or find/read -> write. Contract:
https://developer.pagerduty.com/api-reference and its OpenAPI file, PagerDuty/api-schema@91a06fb (2026-11-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

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
    Response,
    Retry,
    Skipped,
    WireFault,
)
from tocsin.core.values import replace
from tocsin.providers.pagerduty import answers, assignment, escalation, incidents, options
from tocsin.providers.pagerduty.calls import path, request, wire_key
from tocsin.providers.pagerduty.options import Settings
from tocsin.providers.pagerduty.writes import merged, priority, title, write

__all__ = ["first_call", "lookup", "outcome_of", "request", "wire_key"]

_READ_FIRST = (EffectKind.ASSIGN, EffectKind.ESCALATE)
_ENDED_BY_RESOLVE = (EffectKind.ACKNOWLEDGE, EffectKind.SNOOZE, EffectKind.UPDATE)
LONGEST_BODY = 60_000  # characters; PagerDuty names no figure, this stays under the 64 KB others met
DUPLICATE = "matching dedup key already exists"
# The sentence of the 400 that means "an open incident has this key": seen alike in four independent public
# programs (2026-11-20); any 400 after we sent a key is looked up, so a changed wording costs one read.


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
            else write(effect, settings, effect.remote_id)
        )
    if effect.reread or effect.look_first or effect.kind in _READ_FIRST:
        return Call(request(settings, "GET", path(effect.remote_id)), "read", reads=True)
    return assignment.begin(effect, settings, effect.remote_id)


def outcome_of(effect: Effect, settings: Settings, step: str, answer: Response | WireFault) -> Outcome:
    """What the answer to the call named `step` meant."""
    act = effect.kind is not EffectKind.CREATE and step != "find"
    name, _, told = step.partition(":")
    if name == "merge":
        return merged(effect, settings, answer)
    if isinstance(answer, Response) and (known := _already(effect, answer)):
        return known
    if name == "as" and isinstance(answer, Response) and answer.status in (400, 403, 404):
        # they are no user there, or may not do it: the connector's own user does
        return Pending(write(replace(effect, person_email=""), settings, told))
    if name == "write" and (instead := escalation.cannot(effect, settings, answer)):
        return instead
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
    if name in escalation.STEPS and effect.kind is EffectKind.ESCALATE:
        return escalation.outcome_of(effect, settings, name, told, answer, body)
    if name == "who":
        return assignment.given(effect, settings, told, answer, body)
    if name == "told":
        if not answers.mapping(body, "note"):
            return answers.unreadable(answer)
        why = escalation.NO_WAY if effect.kind is EffectKind.ESCALATE else assignment.NOT_THERE
        return Accepted(remote_id=effect.remote_id, created=True, note=f"in a note: {why}")
    if effect.kind is EffectKind.NOTE and name == "write":
        written = answers.mapping(body, "note")
        return Accepted(remote_id=told, created=True) if written else answers.unreadable(answer)
    incident = answers.mapping(body, "incident")
    if not answers.text(incident.get("id")):
        return answers.unreadable(answer)
    if name == "read":
        return _decided(effect, settings, incident)
    if effect.kind in _READ_FIRST:
        # how it stands there is for others to tell: it may have been acknowledged meanwhile
        return Accepted(remote_id=told, created=True)
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
        call = _notes(settings, remote_id) if effect.look_first else write(effect, settings, remote_id)
        return Pending(call, remote_id=remote_id)
    if effect.kind is EffectKind.ESCALATE:
        return escalation.decided(effect, settings, incident)
    if effect.kind is EffectKind.ASSIGN:
        return assignment.assignable(effect, settings, incident)
    if status is incidents.REACHED.get(effect.kind) and not effect.assignee_email:
        return incidents.accepted(incident, adopted=True, paging=False)
    if status is RemoteStatus.RESOLVED and effect.kind in _ENDED_BY_RESOLVE:
        return Skipped(reason="it is resolved at PagerDuty; writing there could reopen it", status=status)
    return Pending(assignment.begin(effect, settings, remote_id), remote_id=remote_id)


def _already(effect: Effect, answer: Response) -> Outcome | None:
    """Codes 1001 and 1002: what was asked for is so already, or something stronger is."""
    if answer.status // 100 != 4 or answer.status in (401, 403, 404, 408, 429):
        return None
    code = answers.error_code(answer)
    if code == answers.ALREADY_RESOLVED:
        if effect.kind in (EffectKind.RESOLVE, EffectKind.MERGE):
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
        "title": title(effect),
        "service": {"id": service, "type": "service_reference"},
        "urgency": options.urgency(settings, effect.severity),
        "incident_key": wire_key(effect.key),
        "body": {"type": "incident_body", "details": incidents.body_text(effect)[:LONGEST_BODY]},
        **priority(effect, settings),
    }
    if policy := options.policy(settings, effect):
        incident["escalation_policy"] = {"id": policy, "type": "escalation_policy_reference"}
    return Call(request(settings, "POST", "/incidents", {"incident": incident}), "create")


def _notes(settings: Settings, remote_id: str) -> Call:
    return Call(request(settings, "GET", f"{path(remote_id)}/notes"), f"notes:{remote_id}", reads=True)


def _noted(effect: Effect, settings: Settings, remote_id: str, answer: Response, body: Json) -> Outcome:
    """Was the note of an ambiguous attempt written? A second time it would be told twice everywhere."""
    if not isinstance(body.get("notes"), list):
        return answers.unreadable(answer)
    ours = incidents.note_text(effect)
    if any(note.get("content") == ours for note in answers.items(body["notes"])):
        return Accepted(remote_id=remote_id, created=True, adopted=True)
    return Pending(write(effect, settings, remote_id))


def _shortened(reason: str) -> str:
    return reason[:200]
