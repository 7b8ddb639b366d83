"""How does an effect become an event of the Events API v2, and what did the answer mean?

202 means queued, no more: an acknowledgement of an unknown key is dropped without a word, so nothing here is
ever "created" (rung one of S27). Contract: https://developer.pagerduty.com/docs/events-api-v2 (2026-11-20).
"""

from __future__ import annotations

from tocsin.core.model import Json
from tocsin.core.ports import (
    Accepted,
    Call,
    Effect,
    EffectKind,
    Outcome,
    Rejected,
    RemoteStatus,
    Request,
    Response,
    Skipped,
    WireFault,
)
from tocsin.core.severity import Severity
from tocsin.providers.pagerduty import answers, options
from tocsin.providers.pagerduty.calls import wire_key
from tocsin.providers.pagerduty.options import Settings

LONGEST_SUMMARY = 1024  # runes
LARGEST = 512_000  # bytes of a whole event; what Alertmanager keeps to as well
SEVERITY = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}
_ACTION = {
    EffectKind.CREATE: ("trigger", RemoteStatus.TRIGGERED),
    EffectKind.ACKNOWLEDGE: ("acknowledge", RemoteStatus.ACKNOWLEDGED),
    EffectKind.RESOLVE: ("resolve", RemoteStatus.RESOLVED),
}


def first_call(effect: Effect, settings: Settings) -> Call | Skipped | Rejected:
    """The event to send; what Events v2 has no word for is skipped, and reopening refused."""
    if effect.kind is EffectKind.REOPEN:
        return Rejected(reason="Events v2 cannot reopen; a new life is created instead", alarm=False)
    if effect.kind not in _ACTION:
        what = f"{'an' if effect.kind.value[0] in 'aeiou' else 'a'} {effect.kind.value}"
        return Skipped(reason=f"Events v2 cannot carry {what}", status=RemoteStatus.UNKNOWN)
    key = options.mapped_service(settings, effect, "routing_key")
    event: dict[str, Json] = {
        "routing_key": key,
        "event_action": _ACTION[effect.kind][0],
        "dedup_key": wire_key(effect.key),
    }
    if effect.kind is EffectKind.CREATE:
        event |= _trigger(effect)
    return Call(_request(settings, _fitting(event)), "enqueue")


def outcome_of(effect: Effect, settings: Settings, answer: Response | WireFault) -> Outcome:
    """What the answer meant: at best "queued"."""
    if refusal := answers.not_done(answer, options.secrets(settings), act=False):
        return refusal
    assert isinstance(answer, Response)
    if answers.mapping(answers.json_of(answer.body)).get("status") != "success":
        return answers.unreadable(answer)
    return Accepted(status=RemoteStatus.UNKNOWN, note="queued by Events v2; not yet known to be created")


def probe(settings: Settings) -> Call:
    """A resolve of a key nobody has: dropped there, so it changes nothing, but the address and the form
    of the routing key are proven."""
    event = {
        "routing_key": options.word(settings, "routing_key"),
        "event_action": "resolve",
        "dedup_key": "tocsin:probe",
    }
    return Call(_request(settings, answers.dumped(event)), "probe", reads=True)


def _request(settings: Settings, body: bytes) -> Request:
    url = options.address(settings, "events_url", options.EVENTS) + "/v2/enqueue"
    return Request(method="POST", url=url, headers={"Content-Type": "application/json"}, body=body)


def _trigger(effect: Effect) -> dict[str, Json]:
    facts = {
        "description": effect.description,
        "severity": effect.severity.sev,
        "team": effect.team,
        "correlation_id": effect.correlation_id,
        "incident_url": effect.incident_url,
    }
    payload: dict[str, Json] = {
        "summary": (" ".join(effect.title.split()) or "Untitled incident")[:LONGEST_SUMMARY],
        "source": effect.details.get("source") or effect.service or "tocsin",
        "severity": SEVERITY[effect.severity],
        "custom_details": {**effect.details, **{name: value for name, value in facts.items() if value}},
    }
    if effect.service:
        payload["component"] = effect.service
    links = [{"href": link.href, "text": link.text or link.href} for link in effect.links]
    return {"payload": payload, "links": links, "client": "Tocsin", "client_url": effect.incident_url}


def _fitting(event: dict[str, Json]) -> bytes:
    """The event within the size PagerDuty takes: the custom details go first, then the links."""
    body = answers.dumped(event)
    if len(body) > LARGEST:
        event["payload"]["custom_details"] = {
            "error": "left out: the event would have been over 512,000 bytes"
        }
        body = answers.dumped(event)
    if len(body) > LARGEST:
        event["links"] = []
        for name in ("source", "component"):
            event["payload"][name] = event["payload"].get(name, "")[:LONGEST_SUMMARY]
        event["client_url"] = event["client_url"][:LONGEST_SUMMARY]
        body = answers.dumped(event)
    return body
