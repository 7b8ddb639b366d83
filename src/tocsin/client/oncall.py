"""Who is on call? The shapes of it, and the two questions."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tocsin.client.house import House
from tocsin.client.shapes import Shape, shaped


class OnCallTurn(Shape):
    """Somebody's turn; `until` None = no hand-over in the five weeks to come."""

    person: str = ""
    name: str = ""
    schedule: str = ""
    since: datetime | None = None
    until: datetime | None = None


class OnCallStep(Shape):
    """Who is asked so many minutes after the page began."""

    level: int = 0
    after_minutes: int = 0
    to: tuple[str, ...] = ()


class OnCall(Shape):
    """Who is on call for one service at one connector. `as_of` = when its provider told it, None = never."""

    service: str = ""
    team: str = ""
    connector: str = ""
    place: str = ""
    policy: str = ""
    current: tuple[OnCallTurn, ...] = ()
    next: tuple[OnCallTurn, ...] = ()
    escalation: tuple[OnCallStep, ...] = ()
    warnings: tuple[str, ...] = ()
    gap: bool = False
    as_of: datetime | None = None
    age_seconds: int | None = None
    stale: bool = False
    fault: str = ""
    fault_since: datetime | None = None


class OnCalls(Shape):
    """Who is on call at one instant."""

    at: datetime | None = None
    items: list[OnCall] = msgspec.field(default_factory=list)


class Rosters(House):
    """What can be asked about who is on call."""

    def oncall(self, *, service: str = "", team: str = "", at: str = "") -> OnCalls:
        """From what the providers told last. `at` is RFC 3339, "" = now."""
        query = {"service": service, "team": team, "at": at}
        return shaped(self.call("GET", "/api/v1/oncall", query=query).json(), OnCalls)

    def refresh_oncall(self, *, service: str = "", team: str = "") -> OnCalls:
        """Ask the providers now."""
        body = {"service": service, "team": team}
        return shaped(self.call("POST", "/api/v1/oncall/refresh", json_body=body).json(), OnCalls)
