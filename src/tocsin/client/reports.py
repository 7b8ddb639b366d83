"""A report on a time, in one of its forms."""

from __future__ import annotations

from typing import Any

from tocsin.client.sla import Promises
from tocsin.client.transport import Answer


class Reports(Promises):
    """What can be asked for those who were not there."""

    def report(self, **asked: str | bool) -> dict[str, Any]:
        """The figures; `asked` as in `report_as`."""
        found: dict[str, Any] = self.report_as("json", **asked).json()
        return found

    def report_as(self, form: str, **asked: str | bool) -> Answer:
        """`form` is json, pdf, html or csv; the document is the answer's `body`. `asked`: start and end (days or RFC 3339),
        timezone, service, team, include_providers."""
        query = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in asked.items()
        }
        return self.call("GET", "/api/v1/reports" + ("" if form == "json" else f".{form}"), query=query)
