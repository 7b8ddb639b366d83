"""What else may be done to a simulated PagerDuty incident besides its status and its people?"""

from __future__ import annotations

from tocsin.sandbox.clock import iso_seconds
from tocsin.sandbox.pagerduty.account import Json, reference, user_ref
from tocsin.sandbox.pagerduty.errors import Refusal, already, bad_arguments, bad_input
from tocsin.sandbox.pagerduty.incident import Incident, incident_ref
from tocsin.sandbox.pagerduty.machine import Desk

MAX_NOTES = 2000
TRIMMED_AT = (
    25_000  # characters of a note in a webhook; the vendor only says that deliveries over 55 KB lose details
)
MAX_MERGED_ALERTS = 1000


def annotate(desk: Desk, incident: Incident, content: str, agent: Json) -> Json:
    """Add a note (at most 2000 an incident); the webhook names no author but the event's agent."""
    if len(incident.notes) >= MAX_NOTES:
        raise bad_arguments("Incident has reached the maximum number of notes")
    note: Json = {
        "id": desk.ids.letters("note", "P", 7),
        "user": agent,
        "channel": {"summary": "The PagerDuty website or APIs"},
        "content": content,
        "created_at": iso_seconds(desk.clock.now()),
    }
    incident.notes.append(note)
    desk.note_down(incident, "annotate", agent, "Note added", note=content)
    data: Json = {"incident": incident_ref(incident), "id": note["id"], "content": content[:TRIMMED_AT]}
    data["trimmed"] = len(content) > TRIMMED_AT
    desk.tell("incident.annotated", incident, agent, {**data, "type": "incident_note"})
    return note


def set_priority(desk: Desk, incident: Incident, wanted: object, agent: Json | None) -> None:
    """Set, or with None remove, the priority: an object with an id, or a name. 1020 when unknown."""
    priority_id = find_priority(desk, wanted)
    if priority_id != incident.priority_id:
        incident.priority_id = priority_id
        name = desk.account.priorities[priority_id].name if priority_id else "none"
        desk.note_down(incident, "field_value_change", agent, f"Priority set to {name}")
        desk.tell("incident.priority_updated", incident, agent)


def find_priority(desk: Desk, wanted: object) -> str | None:
    """The id of a priority given as null, name or reference."""
    if wanted is None:
        return None
    value = wanted.get("id") if isinstance(wanted, dict) else wanted
    for priority in desk.account.priorities.values():
        if value in (priority.id, priority.name):
            return priority.id
    raise already(1020, "Incident Priority Is Invalid")


def set_urgency(desk: Desk, incident: Incident, urgency: object, agent: Json | None) -> None:
    if urgency not in ("high", "low"):
        raise bad_input("Urgency must be one of high, low")
    if urgency != incident.urgency:
        incident.urgency = str(urgency)
        desk.note_down(incident, "urgency_change", agent, f"Urgency set to {urgency}")


def move(desk: Desk, incident: Incident, service_id: str, agent: Json | None) -> None:
    if service_id not in desk.account.services:
        raise bad_input("Service not found")
    if service_id != incident.service_id:
        incident.service_id = service_id
        desk.note_down(incident, "field_value_change", agent, "Service changed")
        desk.tell("incident.service_updated", incident, agent)


def merge(desk: Desk, target: Incident, sources: list[Incident], agent: Json) -> None:
    """Move the alerts of `sources` into `target` and resolve them. 1001 when the target is resolved, 1019 when done before."""
    if not target.open:
        raise already(1001, "Incident Already Resolved")
    if any(s.resolve_reason for s in sources):
        raise already(1019, "Incident Already Merged")
    if target in sources:
        raise bad_arguments("An incident cannot be merged into itself")
    if len(target.alerts) + sum(len(source.alerts) for source in sources) > MAX_MERGED_ALERTS:
        raise bad_arguments("An incident cannot have more than 1000 alerts")
    for source in sources:
        target.alerts.extend(source.alerts)
        source.alerts = []
        reason = {"type": "merge_resolve_reason", "incident": incident_ref(target)}
        if source.open:
            desk.resolve(source, agent, reason)
    desk.note_down(target, "field_value_change", agent, f"Merged {len(sources)} incidents into this one")


def request_responders(
    desk: Desk, incident: Incident, requester: Json, message: str, targets: list[Json]
) -> Json:
    """Ask people or policies to join; each answers pending until somebody joins or declines."""
    asked: list[Json] = []
    for wrapped in targets:
        target = wrapped.get("responder_request_target", wrapped)
        for user_id in _people_of(desk, target):
            user = desk.account.users[user_id]
            responder: Json = {
                "state": "pending",
                "user": user_ref(user),
                "message": message,
                "requester": requester,
            }
            responder |= {"updated_at": iso_seconds(desk.clock.now()), "incident": incident_ref(incident)}
            incident.responders.append(responder)
            asked.append(responder)
            if not incident.silent:
                incident.notifications.append(
                    {
                        "at": responder["updated_at"],
                        "user": user.email,
                        "channel": "phone",
                        "status": incident.status,
                    }
                )
            desk.tell(
                "incident.responder.added", incident, requester, {**responder, "type": "incident_responder"}
            )
    return {
        "incident": incident_ref(incident),
        "requester": requester,
        "message": message,
        "responder_request_targets": targets,
    }


def reply_as_responder(desk: Desk, incident: Incident, agent: Json, state: str) -> None:
    """`joined` or `declined` by somebody asked before."""
    for responder in incident.responders:
        if responder["user"]["id"] == agent["id"]:
            responder["state"] = state
            desk.tell(
                "incident.responder.replied", incident, agent, {**responder, "type": "incident_responder"}
            )
            return
    raise bad_arguments(f"{agent['summary']} was not asked to respond")


def publish_status(desk: Desk, incident: Incident, message: str, agent: Json) -> Json:
    update: Json = {"id": desk.ids.letters("status update", "P", 7), "message": message, "sender": agent}
    update["created_at"] = iso_seconds(desk.clock.now())
    incident.status_updates.append(update)
    data = {"incident": incident_ref(incident), "id": update["id"], "message": message, "trimmed": False}
    desk.tell("incident.status_update_published", incident, agent, {**data, "type": "incident_status_update"})
    return update


def set_custom_fields(desk: Desk, incident: Incident, wanted: list[Json], agent: Json | None) -> list[Json]:
    """Set values of known fields by name or id; an unknown field refuses the whole call."""
    known = {name: name for name in desk.account.custom_fields}
    known |= {field.id: field.name for field in desk.account.custom_fields.values()}
    names = [known.get(str(entry.get("name") or entry.get("id"))) for entry in wanted]
    if None in names:
        raise bad_input("Custom field not found")
    changed = [name for name in names if name]
    for name, entry in zip(changed, wanted, strict=True):
        incident.custom_values[name] = entry.get("value")
    desk.note_down(incident, "custom_field_value_change", agent, "Custom fields changed")
    values = custom_values(desk, incident)
    data = {"incident": incident_ref(incident), "custom_fields": values, "changed_field_names": changed}
    desk.tell(
        "incident.custom_field_values.updated", incident, agent, {**data, "type": "incident_field_values"}
    )
    return values


def custom_values(desk: Desk, incident: Incident) -> list[Json]:
    return [
        {
            "id": field.id,
            "type": "field_value",
            "name": field.name,
            "display_name": field.name,
            "namespace": "incidents",
            "data_type": field.data_type,
            "field_type": field.field_type,
            "value": incident.custom_values.get(field.name),
        }
        for field in desk.account.custom_fields.values()
    ]


def _people_of(desk: Desk, target: Json) -> list[str]:
    target_id = str(target.get("id"))
    if target_id in desk.account.users:
        return [target_id]
    if target_id in desk.account.policies:
        return desk.account.on_call(desk.account.policies[target_id], 1, desk.clock.now())
    raise Refusal(400, "Invalid Input Provided", 2001, f"Responder target {target_id} not found")


def incident_type_ref(name: str) -> Json:
    return {
        **reference("incident_type", "incidents/types", name, name),
        "type": "incident_type",
        "name": name,
        "enabled": True,
    }
