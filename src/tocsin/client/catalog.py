"""What does the configuration say, thing by thing? Services, teams, integrations, rules and policies."""

from __future__ import annotations

from urllib.parse import quote

from tocsin.client.house import House
from tocsin.client.shapes import Incident, Page, Shape, shaped

KINDS = ("services", "teams", "integrations", "routing-rules", "escalation-policies")


class Entry(Shape):
    """One thing of the configuration; all that the API says of it is in `raw`."""

    name: str = ""


class Catalog(House):
    """Things of the configuration, and whose an incident is."""

    def catalog(self, kind: str, *, limit: int = 500, cursor: str = "") -> Page[Entry]:
        """All of one kind, in the order of the configuration: services, teams, integrations, routing-rules or
        escalation-policies."""
        return self._page(f"/api/v1/{quote(kind, safe='')}", Entry, {"limit": limit, "cursor": cursor})

    def catalog_entry(self, kind: str, name: str) -> Entry:
        """One of them by its name."""
        return self._one(f"/api/v1/{quote(kind, safe='')}/{quote(name, safe='')}", Entry)

    def assign(self, name: str, user: str) -> Incident:
        """Give an incident to a user of the configuration."""
        path = f"/api/v1/incidents/{quote(name, safe='')}/assign"
        return shaped(self.call("POST", path, json_body={"user": user}).json(), Incident)
