"""An alert joins an incident and names services that are not part of it yet: they become parts (S20, S21)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tocsin.core.lifecycle import Ruling
from tocsin.core.model import Alert, Incident, IncidentStatus, Line, Part
from tocsin.core.storm import is_storm
from tocsin.core.values import replace


def with_parts(
    incident: Incident, services: Iterable[str], now: datetime
) -> tuple[Incident, tuple[Line, ...]]:
    """The open incident with a part for each of these services, and a line for each new one.

    A new part is open: nobody was asked for it yet, whoever has the others. One that was acknowledged as a whole
    is open again, since not every part is (S20); the parts that somebody has stay theirs. A storm stays one part:
    its calls must not grow with what it takes.
    """
    there = {part.service for part in incident.parts}
    missing = [name for name in dict.fromkeys(services) if name and name not in there]
    if not missing or not incident.open or is_storm(incident):
        return incident, ()
    parts = (
        *incident.parts,
        *(Part(service=name, status=IncidentStatus.OPEN, changed_at=now) for name in missing),
    )
    after = replace(incident, parts=parts)
    if incident.status is IncidentStatus.MITIGATED:
        after = replace(
            after, status=IncidentStatus.OPEN, acknowledged_at=None, acknowledged_by="", snoozed_until=None
        )
    lines = tuple(
        Line(
            kind="part_added", text=f"{name} is hit too: it becomes a part of {incident.name}, and is paged",
            reason="further_service", data={"service": name},
        )
        for name in missing
    )  # fmt: skip
    return after, lines


def grown(
    incident: Incident, ruling: Ruling | None, alert: Alert, now: datetime, *, also: bool = True
) -> tuple[Incident, Ruling | None, tuple[Line, ...]]:
    """The incident with a part for each service of the alert (S20), also in the ruling; not when not `also`."""
    after, lines = with_parts(incident, alert.services if also else (), now)
    return after, replace(ruling, incident=after) if ruling else None, lines
