"""Where do Opsgenie and JSM Operations tell teams, escalations, schedules and people?

Opsgenie takes names and wraps every answer in `data`. JSM takes ids alone, so a name is looked up in a list first; its
lists are `values` (teams: `platformTeams`), its people account ids whose names Jira tells.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote, urlencode

from tocsin.core.model import Json
from tocsin.core.ports import Call, Request
from tocsin.providers.opsgenie import acts, answers, options
from tocsin.providers.opsgenie.options import Settings

WEEKS = 6
"""Of a timeline, from the beginning of the day that it is asked for."""
Answered = Callable[[Call], Mapping[str, Json] | None]


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something there: `kind` team, user, escalation or schedule, by id, by name, or both; `team` = whose
    escalation it is, by id."""

    kind: str
    id: str = ""
    name: str = ""
    team: str = ""


class Desk(Protocol):
    """One of the two dialects."""

    def data(self, body: Json) -> Mapping[str, Json]:
        """What an answer holds; a list is under `values`."""

    def listed(self, data: Mapping[str, Json]) -> list[Mapping[str, Json]]:
        """The entries of a list."""

    def find(self, who: Named, answered: Answered) -> Named | None:
        """The same with what the other calls need; None while it is asked for; an empty one when it is not there."""

    def routing(self, team: Named) -> Call:
        """The routing rules of a team."""

    def escalation(self, who: Named) -> Call | None:
        """An escalation; None when it cannot be asked for."""

    def timeline(self, schedule: Named, since: datetime) -> Call:
        """The shifts of a schedule."""

    def person(self, who: Named) -> Call | None:
        """The name of a user; None when it is known already."""


def desk_of(settings: Settings) -> Desk:
    """The dialect that a connector speaks."""
    return Jsm(settings) if options.is_jsm(settings) else Opsgenie(settings)


@dataclass(frozen=True, slots=True)
class Opsgenie:
    """docs.opsgenie.com."""

    settings: Settings

    def data(self, body: Json) -> Mapping[str, Json]:
        found = answers.mapping(body).get("data")
        return {"values": found} if isinstance(found, list) else answers.mapping(found)

    def listed(self, data: Mapping[str, Json]) -> list[Mapping[str, Json]]:
        return answers.items(data.get("values"))

    def find(self, who: Named, answered: Answered) -> Named | None:
        return who

    def routing(self, team: Named) -> Call:
        return self._read(
            f"/v2/teams/{_which(team)}/routing-rules", f"team {_shown(team)}", _by("team", team)
        )

    def escalation(self, who: Named) -> Call | None:
        return self._read(
            f"/v2/escalations/{_which(who)}", f"escalation {_shown(who)}", _by("identifier", who)
        )

    def timeline(self, schedule: Named, since: datetime) -> Call:
        query = {**_by("identifier", schedule), **_window(since)}
        return self._read(f"/v2/schedules/{_which(schedule)}/timeline", f"schedule {_shown(schedule)}", query)

    def person(self, who: Named) -> Call | None:
        if who.name:
            return None
        return self._read(f"/v2/users/{_which(who)}", f"person {who.id}", {})

    def _read(self, path: str, step: str, query: Mapping[str, str | int]) -> Call:
        tail = f"?{urlencode(query)}" if query else ""
        return Call(acts.request(self.settings, "GET", path + tail), step, reads=True)


def _by(word: str, who: Named) -> dict[str, str | int]:
    name = {"team": "teamIdentifierType", "identifier": "identifierType"}[word]
    return {} if who.id else {name: "name"}


@dataclass(frozen=True, slots=True)
class Jsm:
    """developer.atlassian.com/cloud/jira/service-desk-ops."""

    settings: Settings

    def data(self, body: Json) -> Mapping[str, Json]:
        return answers.mapping(body)

    def listed(self, data: Mapping[str, Json]) -> list[Mapping[str, Json]]:
        return answers.items(data.get("values")) or answers.items(data.get("platformTeams"))

    def find(self, who: Named, answered: Answered) -> Named | None:
        if who.id:
            return who
        plural = {"team": "teams", "schedule": "schedules"}[who.kind]
        query = f"?{urlencode({'query': who.name, 'size': 100})}" if who.kind == "schedule" else ""
        data = answered(self._read(f"/v1/{plural}{query}", f"{plural} {who.name if query else ''}".strip()))
        if data is None:
            return None
        for one in self.listed(data):
            if who.name in (answers.text(one.get("name")), answers.text(one.get("teamName"))):
                found = answers.text(one.get("id")) or answers.text(one.get("teamId"))
                return Named(who.kind, found, who.name)
        return Named(who.kind)

    def routing(self, team: Named) -> Call:
        return self._read(f"/v1/teams/{_which(team)}/routing-rules", f"team {_shown(team)}")

    def escalation(self, who: Named) -> Call | None:
        if not who.id or not who.team:
            return None
        path = f"/v1/teams/{quote(who.team, safe='')}/escalations/{_which(who)}"
        return self._read(path, f"escalation {_shown(who)}")

    def timeline(self, schedule: Named, since: datetime) -> Call:
        path = f"/v1/schedules/{_which(schedule)}/timeline?{urlencode(_window(since))}"
        return self._read(path, f"schedule {_shown(schedule)}")

    def person(self, who: Named) -> Call | None:
        if "@" in who.name:
            return None
        cloud = quote(options.word(self.settings, "cloud_id"), safe="")
        base = options.cloud_address(self.settings).partition("/jsm/ops/")[0]
        url = f"{base}/ex/jira/{cloud}/rest/api/3/user?{urlencode({'accountId': who.id})}"
        return Call(self._request(url), f"person {who.id}", reads=True)

    def _read(self, path: str, step: str) -> Call:
        base = options.cloud_address(self.settings).removesuffix("/v1/alerts")
        return Call(self._request(base + path), step, reads=True)

    def _request(self, url: str) -> Request:
        named = f"{options.word(self.settings, 'email')}:{options.word(self.settings, 'api_token')}"
        headers = {"Authorization": f"Basic {base64.b64encode(named.encode()).decode()}"}
        return Request(method="GET", url=url, headers=headers | {"Accept": "application/json"})


def _which(who: Named) -> str:
    return quote(who.id or who.name, safe="", errors="replace")


def _shown(who: Named) -> str:
    return who.name or who.id


def _window(since: datetime) -> dict[str, str | int]:
    start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"date": start, "interval": WEEKS, "intervalUnit": "weeks"}
