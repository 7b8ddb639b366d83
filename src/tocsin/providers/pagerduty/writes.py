"""What is written into an incident that is there, and what does PagerDuty say to a merge?"""

from __future__ import annotations

import math

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
    WireFault,
)
from tocsin.core.values import replace
from tocsin.providers.pagerduty import answers, incidents, options
from tocsin.providers.pagerduty.calls import path, request
from tocsin.providers.pagerduty.options import Settings

LONGEST_TITLE = 1024
LONGEST_SNOOZE = 604_800  # seconds, at least 1; only of what is acknowledged (code 1012)


def write(effect: Effect, settings: Settings, remote_id: str, user: str = "") -> Call:
    """`user` = the id there of who is to have it."""
    if effect.kind is EffectKind.NOTE:
        note = {"note": {"content": incidents.note_text(effect)}}
        return Call(request(settings, "POST", f"{path(remote_id)}/notes", note), f"write:{remote_id}")
    if effect.kind is EffectKind.SNOOZE:
        seconds = min(max(math.ceil(effect.snooze_for.total_seconds()), 1), LONGEST_SNOOZE)
        return Call(
            request(settings, "POST", f"{path(remote_id)}/snooze", {"duration": seconds}),
            f"write:{remote_id}",
        )
    if effect.kind is EffectKind.MERGE:
        merged = {"source_incidents": [{"id": remote_id, "type": "incident_reference"}]}
        return Call(request(settings, "PUT", f"{path(effect.into)}/merge", merged), f"merge:{remote_id}")
    fields: dict[str, Json] = {"type": "incident"}
    if effect.kind is EffectKind.UPDATE:
        fields |= {"title": title(effect), "urgency": options.urgency(settings, effect.severity)}
        fields |= priority(effect, settings)
    elif effect.kind is not EffectKind.ASSIGN:
        fields["status"] = incidents.REACHED[effect.kind].value
    if user:
        fields["assignments"] = [{"assignee": {"id": user, "type": "user_reference"}}]
    if effect.kind is EffectKind.RESOLVE and (resolution := incidents.resolution(effect)):
        fields["resolution"] = resolution
    sender = effect.person_email if effect.kind is EffectKind.ACKNOWLEDGE else ""
    if sender and sender != options.word(settings, "from_email"):
        # in their own name: who acknowledges there has it there
        write = request(settings, "PUT", path(remote_id), {"incident": fields}, sender=sender)
        return Call(write, f"as:{remote_id}")
    return Call(request(settings, "PUT", path(remote_id), {"incident": fields}), f"write:{remote_id}")


def title(effect: Effect) -> str:
    """The title on one line, cut to what PagerDuty takes."""
    return (" ".join(effect.title.split()) or "Untitled incident")[:LONGEST_TITLE]


def priority(effect: Effect, settings: Settings) -> dict[str, Json]:
    """The priority of its severity, where one is mapped."""
    priority = options.by_severity(settings, "priority_mapping", effect.severity)
    return {"priority": {"id": priority, "type": "priority_reference"}} if priority else {}


def merged(effect: Effect, settings: Settings, answer: Response | WireFault) -> Outcome:
    """Merged, or where PagerDuty will not (too many alerts, a target that is over there) resolved with the words of it."""
    if isinstance(answer, Response) and answer.status in (400, 404):
        if answers.error_code(answer) == answers.ALREADY_MERGED:
            return Accepted(
                remote_id=effect.remote_id, created=True, adopted=True, status=RemoteStatus.RESOLVED
            )
        return Pending(write(replace(effect, kind=EffectKind.RESOLVE), settings, effect.remote_id))
    if refusal := answers.not_done(answer, options.secrets(settings), act=True):
        return refusal
    assert isinstance(answer, Response)
    if not answers.text(answers.mapping(answers.json_of(answer.body), "incident").get("id")):
        return answers.unreadable(answer)
    note = f"into {effect.into}"
    return Accepted(remote_id=effect.remote_id, created=True, status=RemoteStatus.RESOLVED, note=note)
