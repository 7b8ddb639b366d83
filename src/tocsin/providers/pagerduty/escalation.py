"""Further people are to be asked now: which of PagerDuty's ways is that, and what did its answers mean?

The next level of the incident's policy, another policy, or a user besides (a responder request). An incident does not tell
its level: `GET /oncalls` tells at which levels those are to whom it is assigned. What cannot be done is said in a note.
Contract: https://developer.pagerduty.com/api-reference (2026-11-20).
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
    RemoteStatus,
    Response,
    Skipped,
    WireFault,
)
from tocsin.providers.pagerduty import answers, incidents, options
from tocsin.providers.pagerduty.calls import in_words, path, request, user_in, who
from tocsin.providers.pagerduty.options import Settings

STEPS = ("levels", "who", "asked")
NO_WAY = "PagerDuty has nobody further to ask for it"
CANNOT_ESCALATE = 1006


def decided(effect: Effect, settings: Settings, incident: Mapping[str, Json]) -> Outcome:
    """The first call, now that the incident was read."""
    remote_id = answers.text(incident.get("id"))
    if incidents.status(incident) is RemoteStatus.RESOLVED:
        return Skipped(reason="it is resolved at PagerDuty", status=RemoteStatus.RESOLVED)
    if effect.whom == "user" and effect.assignee_email:
        return Pending(who(settings, effect.assignee_email, ""), remote_id=remote_id)
    own = answers.text(answers.mapping(incident, "escalation_policy").get("id"))
    other = options.mapped_policy(settings, effect.policy) if effect.whom == "policy" else ""
    if other:
        fields = {"escalation_policy": {"id": other, "type": "escalation_policy_reference"}}
        return Pending(_write(effect, settings, remote_id, fields), remote_id=remote_id)
    if effect.whom in ("next", "step") and own:
        query = urlencode([("escalation_policy_ids[]", own), ("limit", "100")])
        asked = ",".join(incidents.assignees(incident))
        read = Call(request(settings, "GET", "/oncalls", query=query), f"levels:{asked}", reads=True)
        return Pending(read, remote_id=remote_id)
    return Pending(in_words(effect, settings, remote_id), remote_id=remote_id)


def outcome_of(
    effect: Effect, settings: Settings, step: str, told: str, answer: Response, body: Mapping[str, Json]
) -> Outcome:
    """What one of the answers of STEPS meant."""
    if step == "asked":
        if not answers.mapping(body, "responder_request"):
            return answers.unreadable(answer)
        return Accepted(remote_id=effect.remote_id, created=True)
    if step == "levels":
        if not isinstance(body.get("oncalls"), list):
            return answers.unreadable(answer)
        level = _following(answers.items(body["oncalls"]), told.split(","))
        if level is None:
            return Pending(in_words(effect, settings, effect.remote_id))
        return Pending(_write(effect, settings, effect.remote_id, {"escalation_level": level}))
    if not isinstance(body.get("users"), list):
        return answers.unreadable(answer)
    if not told:
        user = user_in(body, effect.assignee_email)
        if not user:
            return Pending(in_words(effect, settings, effect.remote_id))
        return Pending(who(settings, _asker(settings), user))
    asker = user_in(body, _asker(settings))
    if not asker:
        return Pending(in_words(effect, settings, effect.remote_id))
    target = {"responder_request_target": {"id": told, "type": "user_reference"}}
    wanted = {"requester_id": asker, "message": effect.words, "responder_request_targets": [target]}
    # without the ability coordinated_responding it is refused with 402, in words
    write = request(settings, "POST", f"{path(effect.remote_id)}/responder_requests", wanted)
    return Pending(Call(write, "asked"))


def cannot(effect: Effect, settings: Settings, answer: Response | WireFault) -> Outcome | None:
    """Said in a note where it cannot be escalated there: its policy is at its end, or it was given to a person."""
    if effect.kind is not EffectKind.ESCALATE or not isinstance(answer, Response):
        return None
    refused = answer.status // 100 == 4 and answers.error_code(answer) == CANNOT_ESCALATE
    return Pending(in_words(effect, settings, effect.remote_id)) if refused else None


def _following(oncalls: list[Mapping[str, Json]], assigned: list[str]) -> int | None:
    """The first level after those whose people have it; None after the last."""
    found = [
        (entry["escalation_level"], answers.text(answers.mapping(entry, "user").get("id")))
        for entry in oncalls
        if isinstance(entry.get("escalation_level"), int)
    ]
    present = max((level for level, user in found if user in assigned), default=0)
    return min((level for level, _ in found if level > present), default=None)


def _asker(settings: Settings) -> str:
    """A responder request is somebody's, and the connector's user is one for certain."""
    return options.word(settings, "from_email")


def _write(effect: Effect, settings: Settings, remote_id: str, fields: Mapping[str, Json]) -> Call:
    body = {"incident": {"type": "incident", **fields}}
    return Call(request(settings, "PUT", path(remote_id), body), f"write:{remote_id}")
