"""What can be done to an incident: one method for each act of the public API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote

from tocsin.client.house import House
from tocsin.client.shapes import Incident, shaped
from tocsin.client.transport import Answer


class Acts(House):
    """Each act answers with the incident afterwards; `changed` is False when it had been done before. `name` is
    "INC-7", "7" or an id. A note is kept with the act, and told to the providers that take notes."""

    def act(self, name: str, act: str, body: Mapping[str, object] | None = None) -> Incident:
        """Do `act`: the last word of the act's address, such as "acknowledge"."""
        path = f"/api/v1/incidents/{quote(name, safe='')}/{act}"
        return acted(self.call("POST", path, json_body=dict(body or {})))

    def acknowledge(self, name: str, note: str = "") -> Incident:
        """Say that somebody is on it."""
        return self.act(name, "acknowledge", _noted(note))

    def unacknowledge(self, name: str, note: str = "") -> Incident:
        """Give it back: it is open again, and paged from its first step."""
        return self.act(name, "unacknowledge", _noted(note))

    def assign(self, name: str, user: str, note: str = "") -> Incident:
        """Give it to a user by id, e-mail address or name, or to "me". It does not acknowledge: they are asked."""
        return self.act(name, "assign", {"user": user, **_noted(note)})

    def escalate(self, name: str, to: str = "", note: str = "") -> Incident:
        """Ask further people now: a step by its number, a user or an escalation policy; "" for whoever is next."""
        return self.act(name, "escalate", {**({"to": to} if to else {}), **_noted(note)})

    def merge(self, name: str, into: str, note: str = "") -> Incident:
        """Merge it into another, which is the answer. It is closed, and its alerts are the other's; no way back."""
        return self.act(name, "merge", {"into": into, **_noted(note)})

    def snooze(
        self, name: str, *, length: timedelta | None = None, until: datetime | None = None, note: str = ""
    ) -> Incident:
        """Acknowledge it until an end, at most 7 days ahead: one of `length` and `until`. Then it is open again."""
        ends: dict[str, object] = {}
        if length is not None:
            ends["for"] = f"{round(length.total_seconds() * 1000)}"
        if until is not None:
            ends["until"] = until.isoformat()
        return self.act(name, "snooze", {**ends, **_noted(note)})

    def resolve(self, name: str, note: str = "") -> Incident:
        """Say that it is over, here and at the providers."""
        return self.act(name, "resolve", _noted(note))

    def close_incident(self, name: str, note: str = "") -> Incident:
        """Put it away: nothing reopens it by itself."""
        return self.act(name, "close", _noted(note))

    def reopen(self, name: str, note: str = "") -> Incident:
        """Take it up again; it is paged again."""
        return self.act(name, "reopen", _noted(note))

    def note(self, name: str, text: str) -> Incident:
        """Add a note to the timeline, and to the providers where notes are synchronised."""
        return self.act(name, "notes", {"text": text})


def acted(answer: Answer) -> Incident:
    """The incident in the answer to an act."""
    incident = shaped(answer.json(), Incident)
    if answer.headers.get("changed", "").lower() == "false":
        incident.changed = False
    return incident


def _noted(note: str) -> dict[str, object]:
    return {"note": note} if note else {}
