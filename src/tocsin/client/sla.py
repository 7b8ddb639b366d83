"""What is promised, and was it kept? The shapes of it, and the questions."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.client.oncall import Rosters
from tocsin.client.shapes import Shape, shaped


class SlaClock(Shape):
    """One clock of an incident: ack or resolve. `state` none, running, warned, met or missed."""

    clock: str = ""
    state: str = ""
    promised_seconds: int | None = None
    hours: str = ""
    by: str = ""
    due_at: datetime | None = None
    warn_at: datetime | None = None
    met_at: datetime | None = None
    breached_at: datetime | None = None
    left_seconds: int | None = None


class Sla(Shape):
    """An incident with its two clocks."""

    incident: str = ""
    title: str = ""
    severity: str = ""
    status: str = ""
    team: str = ""
    services: tuple[str, ...] = ()
    holder: str = ""
    opened_at: datetime | None = None
    clocks: tuple[SlaClock, ...] = ()


class SlaList(Shape):
    """Incidents with their clocks."""

    at: datetime | None = None
    items: list[Sla] = msgspec.field(default_factory=list)


class SlaTarget(Shape):
    """What is promised; `by` = where that stands."""

    service: str = ""
    severity: str = ""
    clock: str = ""
    promised_seconds: int = 0
    hours: str = ""
    team: str = ""
    by: str = ""


class SlaTargets(Shape):
    """All that is promised."""

    items: list[SlaTarget] = msgspec.field(default_factory=list)
    warn_at: float = 0.8
    disagreements: tuple[str, ...] = ()


class SlaFigure(Shape):
    """How many promises were kept; `share` None = none has ended."""

    key: str = ""
    clock: str = ""
    kept: int = 0
    missed: int = 0
    running: int = 0
    share: float | None = None


class SlaCompliance(Shape):
    """How much was kept, of what was opened in a time."""

    start: datetime | None = None
    end: datetime | None = None
    by: str = ""
    items: list[SlaFigure] = msgspec.field(default_factory=list)


class Promises(Rosters):
    """What can be asked about what is promised."""

    def sla(self, **narrowed: str | int) -> SlaList:
        """Open incidents, the clock that ends soonest first; narrowed by `service`, `team`, `severity`, `limit`, or to one
        `incident`."""
        return shaped(self.call("GET", "/api/v1/sla", query=narrowed).json(), SlaList)

    def sla_breaches(self, **narrowed: str | int) -> SlaList:
        """What was missed, the last first; within `start` and `end` (RFC 3339), by default the last 30 days."""
        return shaped(self.call("GET", "/api/v1/sla/breaches", query=narrowed).json(), SlaList)

    def sla_targets(self, *, service: str = "") -> SlaTargets:
        """What is promised, and whose word that is."""
        return shaped(self.call("GET", "/api/v1/sla/targets", query={"service": service}).json(), SlaTargets)

    def sla_compliance(self, *, by: str = "severity", start: str = "", end: str = "") -> SlaCompliance:
        """How much was kept; `by` all, severity, team or service."""
        query = {"by": by, "start": start, "end": end}
        return shaped(self.call("GET", "/api/v1/sla/compliance", query=query).json(), SlaCompliance)
