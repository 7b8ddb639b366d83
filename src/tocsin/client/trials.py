"""What can be asked about a connector by asking its provider?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from tocsin.client.house import House
from tocsin.client.shapes import Shape, shaped


class CheckLine(Shape):
    """One thing that was looked at; `state` is ok, failed, warning or unknown."""

    subject: str = ""
    state: str = ""
    text: str = ""
    step: str = ""


class ConnectorTest(Shape):
    """What a check found; `good` = nothing failed."""

    connector: str = ""
    type: str = ""
    good: bool = False
    unreachable: bool = False
    took_ms: float = 0.0
    lines: tuple[CheckLine, ...] = ()


class WebhookSubscription(Shape):
    """One that sends to this hub; `off` "" = it is on; `secret` is kept or configured."""

    id: str = ""
    off: str = ""
    lacks: tuple[str, ...] = ()
    secret: str = ""
    there: bool | None = None
    made_at: datetime | None = None
    pinged_at: datetime | None = None
    heard_at: datetime | None = None
    deliveries: int = 0
    wrong: int = 0
    leaving: bool = False


class Webhook(Shape):
    """How a connector's webhooks stand. `pinged` is to be heard of, after `before` genuine deliveries; `asked` = a test
    delivery was asked for."""

    connector: str = ""
    address: str = ""
    wanted: bool = False
    able: bool = False
    heard_at: datetime | None = None
    fault: str = ""
    subscriptions: tuple[WebhookSubscription, ...] = ()
    elsewhere: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    pinged: str = ""
    before: int = 0
    asked: bool = False


class Trials(House):
    """Live questions to a connector's provider."""

    def test_connector(self, name: str) -> ConnectorTest:
        """Does each thing hold that the connector needs? Nothing is changed there."""
        path = f"/api/v1/connectors/{quote(name, safe='')}/test"
        return shaped(self.call("POST", path, json_body={}).json(), ConnectorTest)

    def webhook(self, name: str, *, ask: bool = True) -> Webhook:
        """How its webhooks stand; `ask` the provider too."""
        query = {"ask": str(ask).lower()}
        return shaped(self.call("GET", _webhook(name), query=query).json(), Webhook)

    def change_webhook(self, name: str, do: str, *, scope: str = "") -> Webhook:
        """`do` is enable, disable, rotate or test; what comes of it is in `webhook` afterwards."""
        return shaped(self.call("POST", _webhook(name), json_body={"do": do, "scope": scope}).json(), Webhook)

    def check_draft(
        self, name: str, kind: str, settings: Mapping[str, object], *, partial: bool = False
    ) -> ConnectorTest:
        """The same of settings that are not stored; `partial` = what is missing is not looked at."""
        body = {"name": name, "type": kind, "settings": dict(settings), "partial": partial}
        return shaped(self.call("POST", "/api/v1/connectors/check", json_body=body).json(), ConnectorTest)


def _webhook(name: str) -> str:
    return f"/api/v1/connectors/{quote(name, safe='')}/webhook"
