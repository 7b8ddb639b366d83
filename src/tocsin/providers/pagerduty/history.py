"""What does PagerDuty's own log say of a time? `GET /log_entries` of all incidents, page by page.

`since` and `until` bound the entries, so the log is read two days beyond the end: what was opened late is resolved later.
Offset and limit reach 10,000 entries (PagerDuty/api-schema@91a06fb, 2026-11-20); a longer log is read by days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from tocsin.core.history import Entry
from tocsin.core.model import Json
from tocsin.core.oncall import Told, Unknown
from tocsin.core.ports import Call, Request
from tocsin.providers.pagerduty import answers, incidents, options
from tocsin.providers.pagerduty.options import Settings
from tocsin.providers.pagerduty.rest import request

PAGE, FURTHEST = 100, 10_000
BEYOND = timedelta(days=2)
_KINDS = ("acknowledge", "resolve")


def ask(start: datetime, end: datetime, told: Told, settings: Settings) -> list[Call] | list[Entry] | Unknown:
    """The next page, or what all of them say."""
    if options.uses_events(settings):
        return Unknown("over Events v2 nothing can be read: give it an api_key")
    if not told:
        return [_page(settings, start, end, 0)]
    found: list[Entry] = []
    for _, answer in told:
        if refusal := answers.not_done(answer, options.secrets(settings), act=False):
            return Unknown(refusal.reason)
        body = answers.mapping(answers.json_of(answer.body))
        if not isinstance(body.get("log_entries"), list):
            return Unknown("the answer is not PagerDuty's: check base_url and any proxy between")
        found += [one for entry in answers.items(body["log_entries"]) if (one := _entry(entry))]
    last = answers.mapping(answers.json_of(told[-1][1].body))
    if last.get("more") is not True:
        return found
    offset = _offset(told[-1][0]) + PAGE
    if offset + PAGE > FURTHEST:
        return Unknown("it has more than 10,000 entries: ask for a shorter time")
    return [_page(settings, start, end, offset)]


def _page(settings: Settings, start: datetime, end: datetime, offset: int) -> Call:
    query = urlencode(
        [
            ("since", _iso(start)),
            ("until", _iso(end + BEYOND)),
            ("is_overview", "false"),
            ("limit", str(PAGE)),
            ("offset", str(offset)),
        ]
    )
    return Call(request(settings, "GET", "/log_entries", query=query), "history", reads=True)


def _offset(call: Call) -> int:
    url = call.send.url if isinstance(call.send, Request) else ""
    said = parse_qs(urlsplit(url).query).get("offset", ["0"])[0]
    return int(said) if said.isdigit() else 0


def _entry(told: Mapping[str, Json]) -> Entry | None:
    kind = answers.text(told.get("type")).removesuffix("_log_entry")
    at = incidents.instant(told.get("created_at"))
    incident = answers.text(answers.mapping(told, "incident").get("id"))
    if kind not in _KINDS or at is None or not incident:
        return None
    agent = answers.mapping(told, "agent")
    who = answers.text(agent.get("summary")) if answers.text(agent.get("type")).startswith("user") else ""
    if kind == "acknowledge":
        return Entry(remote_id=incident, at=at, acknowledged_at=at, who=who)
    return Entry(remote_id=incident, at=at, resolved_at=at)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
