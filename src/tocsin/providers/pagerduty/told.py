"""What does a webhook say that changes no state, in words that people elsewhere understand (PR-8)?

Bodies: https://developer.pagerduty.com/docs/webhooks-overview, the data of `incident_responder`,
`incident_status_update`, `incident_conference_bridge` and `incident_workflow_instance` (2026-11-20).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tocsin.core.model import Json
from tocsin.providers.pagerduty.answers import items, mapping, text

Data = Mapping[str, Json]


def words(raw_type: str, data: Data) -> str:
    """A sentence; "" for what nobody elsewhere needs to read."""
    make = _MAKERS.get(raw_type)
    return make(data) if make else ""


def _asked(data: Data) -> str:
    message = text(data.get("message"))
    return f"{_whom(data)} was asked to respond" + (f": {message}" if message else "")


def _replied(data: Data) -> str:
    answer = {
        "accepted": "joins",
        "joined": "joins",
        "declined": "does not join",
        "pending": "has not answered yet",
    }
    state = text(data.get("state"))
    return f"{_whom(data)} {answer.get(state, f'answered {state}' if state else 'answered')}"


def _whom(data: Data) -> str:
    for kind in ("user", "escalation_policy", "responder"):
        if name := text(mapping(data, kind).get("summary")):
            return name
    return "Somebody"


def _update(data: Data) -> str:
    message = text(data.get("message"))
    more = " ..." if data.get("trimmed") is True else ""
    return f"Status update: {message}{more}" if message else ""


def _bridge(data: Data) -> str:
    numbers = [text(one.get("number")) for one in items(data.get("conference_numbers"))]
    places = [text(data.get("conference_url")), text(data.get("conference_number")), *numbers]
    there = ", ".join(dict.fromkeys(place for place in places if place))
    return f"Conference bridge: {there}" if there else "The conference bridge was taken away"


def _workflow(word: str) -> Callable[[Data], str]:
    def made(data: Data) -> str:
        name = text(mapping(data, "incident_workflow").get("summary")) or text(data.get("summary"))
        return f"Workflow {name or 'without a name'} {word}"

    return made


def _moved(data: Data) -> str:
    name = text(mapping(data, "service").get("summary"))
    return f"Moved to the service {name}" if name else ""


_MAKERS: dict[str, Callable[[Data], str]] = {
    "incident.responder.added": _asked,
    "incident.responder.replied": _replied,
    "incident.status_update_published": _update,
    "incident.conference_bridge.updated": _bridge,
    "incident.workflow.started": _workflow("started"),
    "incident.workflow.completed": _workflow("completed"),
    "incident.service_updated": _moved,
}
