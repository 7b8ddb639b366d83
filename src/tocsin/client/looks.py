"""What can be seen of a connector: its health with its history, and what its provider has?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from tocsin.client.shapes import ConfigChange, Shape, shaped
from tocsin.client.trials import Trials


class Aspect(Shape):
    """One side of a connector's health."""

    name: str = ""
    state: str = ""
    text: str = ""
    step: str = ""


class Beat(Shape):
    """What happened within one minute or hour."""

    at: datetime | None = None
    attempts: int = 0
    errors: int = 0
    calls: int = 0
    success_rate: float | None = None
    average_ms: float = 0.0
    slowest_ms: float = 0.0
    webhooks: int = 0


class ConnectorHealth(Shape):
    """How a connector is: `health` is healthy, degraded or unhealthy."""

    connector: str = ""
    type: str = ""
    health: str = ""
    aspects: tuple[Aspect, ...] = ()
    bucket: str = ""
    history: tuple[Beat, ...] = ()


class Thing(Shape):
    """Something that is set up at the provider."""

    kind: str = ""
    id: str = ""
    name: str = ""
    value: str = ""
    setting: str = ""
    address: str = ""
    mapped_by: tuple[str, ...] = ()


class Proposal(Shape):
    """One of ours that may mean something there."""

    setting: str = ""
    name: str = ""
    value: str = ""
    there: str = ""
    score: float = 0.0
    reason: str = ""


class Doubt(Shape):
    """One of ours for which nothing is proposed."""

    name: str = ""
    why: str = ""


class Discovered(Shape):
    """What a provider has; `fault` "" = all of it was read."""

    connector: str = ""
    fault: str = ""
    things: tuple[Thing, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    doubtful: tuple[Doubt, ...] = ()


class Looks(Trials):
    """Looks at a connector."""

    def connector_health(self, name: str, *, ask: bool = True, window: str = "") -> ConnectorHealth:
        """How it is; `ask` its provider too, `window` like 24h or 7d for its history."""
        query = {"ask": str(ask).lower(), "window": window}
        return shaped(self.call("GET", f"{_at(name)}/health", query=query).json(), ConnectorHealth)

    def discover(self, name: str) -> Discovered:
        """What its provider has, and proposed mappings."""
        return shaped(self.call("GET", f"{_at(name)}/discover").json(), Discovered)

    def accept_mappings(self, name: str, accepted: Sequence[Proposal]) -> ConfigChange:
        """Write these mappings into the connector."""
        body = {
            "accept": [{"setting": one.setting, "name": one.name, "value": one.value} for one in accepted]
        }
        return shaped(self.call("POST", f"{_at(name)}/discover", json_body=body).json(), ConfigChange)


def _at(name: str) -> str:
    return f"/api/v1/connectors/{quote(name, safe='')}"
