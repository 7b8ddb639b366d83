"""What can be asked about a connector by asking its provider?"""

from __future__ import annotations

from collections.abc import Mapping
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


class Trials(House):
    """Live questions to a connector's provider."""

    def test_connector(self, name: str) -> ConnectorTest:
        """Does each thing hold that the connector needs? Nothing is changed there."""
        path = f"/api/v1/connectors/{quote(name, safe='')}/test"
        return shaped(self.call("POST", path, json_body={}).json(), ConnectorTest)

    def check_draft(
        self, name: str, kind: str, settings: Mapping[str, object], *, partial: bool = False
    ) -> ConnectorTest:
        """The same of settings that are not stored; `partial` = what is missing is not looked at."""
        body = {"name": name, "type": kind, "settings": dict(settings), "partial": partial}
        return shaped(self.call("POST", "/api/v1/connectors/check", json_body=body).json(), ConnectorTest)
