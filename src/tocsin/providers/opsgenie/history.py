"""What does Opsgenie's own record say of a time? Each alert's `report`: how long until it was acknowledged and closed.

`GET /v2/alerts?query=createdAt>…` (milliseconds since 1970), a hundred a page, at most 20,000 by offset
(https://docs.opsgenie.com/docs/alert-api, 2026-11-20); `report.ackTime` and `closeTime` are milliseconds since the creation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from tocsin.core.history import Entry
from tocsin.core.model import Json
from tocsin.core.oncall import Told, Unknown
from tocsin.core.ports import Call, Request
from tocsin.providers.opsgenie import acts, alerts, answers, options
from tocsin.providers.opsgenie.options import Settings

PAGE, FURTHEST = 100, 20_000
_LONGEST = 10 * 365 * 86_400_000


def ask(start: datetime, end: datetime, told: Told, settings: Settings) -> list[Call] | list[Entry] | Unknown:
    """The next page, or what all of them say."""
    if not told:
        return [_page(settings, start, end, 0)]
    found: list[Entry] = []
    for _, answer in told:
        if refusal := answers.not_done(answer, options.tokens(settings), act=False):
            return Unknown(refusal.reason)
        body = answers.mapping(answers.json_of(answer.body))
        if not isinstance(body.get("data"), list):
            return Unknown("the answer is not Opsgenie's: check base_url and any proxy between")
        found += [one for alert in answers.items(body["data"]) if (one := _entry(alert))]
    last = answers.mapping(answers.json_of(told[-1][1].body))
    if not answers.text(answers.mapping(last, "paging").get("next")):
        return found
    offset = _offset(told[-1][0]) + PAGE
    if offset + PAGE > FURTHEST:
        return Unknown("it has more than 20,000 alerts: ask for a shorter time")
    return [_page(settings, start, end, offset)]


def _page(settings: Settings, start: datetime, end: datetime, offset: int) -> Call:
    first, last = int(start.timestamp() * 1000) - 1, math.ceil(end.timestamp() * 1000) + 60_000
    span = f"createdAt > {first} AND createdAt < {last}"
    query = urlencode({"query": span, "limit": PAGE, "offset": offset, "sort": "createdAt", "order": "asc"})
    return Call(acts.request(settings, "GET", f"/v2/alerts?{query}"), "history", reads=True)


def _offset(call: Call) -> int:
    url = call.send.url if isinstance(call.send, Request) else ""
    said = parse_qs(urlsplit(url).query).get("offset", ["0"])[0]
    return int(said) if said.isdigit() else 0


def _entry(alert: Mapping[str, Json]) -> Entry | None:
    created, alert_id = alerts.instant(alert.get("createdAt")), answers.text(alert.get("id"))
    if created is None or not alert_id:
        return None
    told = answers.mapping(alert, "report")
    return Entry(
        remote_id=alert_id, at=created, acknowledged_at=_after(created, told.get("ackTime")),
        who=answers.text(told.get("acknowledgedBy")), resolved_at=_after(created, told.get("closeTime")),
    )  # fmt: skip


def _after(created: datetime, millis: Json) -> datetime | None:
    if not isinstance(millis, int) or isinstance(millis, bool) or not 0 < millis < _LONGEST:
        return None
    return created + timedelta(milliseconds=millis)
