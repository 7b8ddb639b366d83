"""Who is on call at the simulated Opsgenie and JSM: on-calls, next-on-calls, timelines, routing rules, escalations?

Opsgenie: docs.opsgenie.com/docs/who-is-on-call-api, schedule-api, team-routing-rule-api. JSM tells the same by ids alone,
without `data`, and people as account ids whose names Jira's own API has (developer.atlassian.com/cloud/jira/
service-desk-ops/rest/v2, 2026-12-01). A timeline cuts the turn that goes on at "now": what is past is `historical`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from aiohttp import web

from tocsin.sandbox.clock import iso_seconds
from tocsin.sandbox.opsgenie.account import Account, Escalation, Json, Team, named, stable_id
from tocsin.sandbox.opsgenie.alerts import AlertDesk
from tocsin.sandbox.opsgenie.errors import Refusal, unprocessable
from tocsin.sandbox.rotation import Period

Answer = Callable[..., web.Response]
Handler = Callable[[web.Request], Awaitable[web.Response]]
CLOUD = "/jsm/ops/api/{cloud}/v1"


def add_to(router: web.UrlDispatcher, desk: AlertDesk, data: Answer, base: str) -> None:
    """Opsgenie's reads under `base`."""

    async def on_calls(request: web.Request) -> web.Response:
        team = _schedule(desk.account, request, "scheduleIdentifierType")
        who = desk.account.rotations[team.name].at(_date(request, desk))
        if request.query.get("flat") == "true":
            return data({"_parent": _parent(team), "onCallRecipients": [who] if who else []})
        people = [_user(desk.account, who)] if who else []
        return data({"_parent": _parent(team), "onCallParticipants": people})

    async def next_on_calls(request: web.Request) -> web.Response:
        team = _schedule(desk.account, request, "scheduleIdentifierType")
        follows = _following(desk.account, team, _date(request, desk))
        names = [follows.person] if follows else []
        if request.query.get("flat") == "true":
            told: Json = {"nextOnCallRecipients": names, "exactNextOnCallRecipients": names}
        else:
            people = [_user(desk.account, name) for name in names]
            told = {"nextOnCallParticipants": people, "exactNextOnCallParticipants": people}
        return data({"_parent": _parent(team), **told})

    async def timeline(request: web.Request) -> web.Response:
        team = _schedule(desk.account, request, "identifierType")
        return data({"_parent": _parent(team), **_timeline(desk, team, request, "recipient")})

    async def routing(request: web.Request) -> web.Response:
        team = _team(desk.account, request, "teamIdentifierType")
        notify = {"type": "schedule", "name": f"{team.name}_schedule", "id": _schedule_id(team)}
        return data([_rule(team, notify)])

    router.add_get(f"{base}/schedules/{{id}}/on-calls", on_calls)
    router.add_get(f"{base}/schedules/{{id}}/next-on-calls", next_on_calls)
    router.add_get(f"{base}/schedules/{{id}}/timeline", timeline)
    router.add_get(f"{base}/teams/{{id}}/routing-rules", routing)


def add_to_jsm(router: web.UrlDispatcher, desk: AlertDesk, data: Answer) -> None:
    """JSM's reads, and Jira's of a user."""
    account = desk.account

    async def teams(request: web.Request) -> web.Response:
        found = [{"teamId": team.id, "teamName": team.name} for team in account.teams.values()]
        return web.json_response({"platformTeams": found, "links": {}})

    async def schedules(request: web.Request) -> web.Response:
        wanted = request.query.get("query", "")
        return data([one for one in named(account)["schedules"] if wanted in one["name"]])

    async def routing(request: web.Request) -> web.Response:
        team = _team(account, request, "")
        return data([_rule(team, {"type": "schedule", "id": _schedule_id(team)})])

    async def escalation(request: web.Request) -> web.Response:
        found = account.escalation({"id": request.match_info["escalation"]})
        if found is None:
            raise Refusal(404, "Escalation does not exist")
        return data({"id": found.id, "name": found.name, "rules": _jsm_rules(account, found)})

    async def timeline(request: web.Request) -> web.Response:
        return data(_timeline(desk, _schedule(account, request, ""), request, "responder"))

    async def user(request: web.Request) -> web.Response:
        wanted = request.query.get("accountId", "")
        found = next((one for one in account.users.values() if one.id == wanted), None)
        if found is None:
            raise Refusal(404, "The user does not exist")
        told = {"accountId": found.id, "displayName": found.full_name, "emailAddress": found.username}
        return web.json_response({**told, "active": True})

    router.add_get(f"{CLOUD}/teams", teams)
    router.add_get(f"{CLOUD}/teams/{{id}}/routing-rules", routing)
    router.add_get(f"{CLOUD}/teams/{{id}}/escalations/{{escalation}}", escalation)
    router.add_get(f"{CLOUD}/schedules", schedules)
    router.add_get(f"{CLOUD}/schedules/{{id}}/timeline", timeline)
    router.add_get("/ex/jira/{cloud}/rest/api/3/user", user)


def _rule(team: Team, notify: Json) -> Json:
    everything = {"type": "match-all"}
    found = {"id": stable_id(f"rule/{team.name}"), "name": "Default Routing Rule", "isDefault": True}
    return {**found, "order": 0, "criteria": everything, "timezone": "Etc/UTC", "notify": notify}


def _jsm_rules(account: Account, escalation: Escalation) -> list[Json]:
    """A delay is a number of minutes there."""
    return [
        {
            "condition": "if-not-acked",
            "notifyType": "default",
            "delay": rule.delay_minutes,
            "recipient": {"id": account.users[username].id, "type": "user"},
        }
        for rule in escalation.rules
        for username in rule.usernames
    ]


def _timeline(desk: AlertDesk, team: Team, request: web.Request, word: str) -> Json:
    """Whole days from `date` on; a person is `recipient` at Opsgenie, `responder` (an id alone) at JSM."""
    now, account = desk.clock.now(), desk.account
    start = _date(request, desk).replace(hour=0, minute=0, second=0, microsecond=0)
    units = {"days": 1, "weeks": 7, "months": 30}
    unit, number = request.query.get("intervalUnit", "weeks"), request.query.get("interval", "1")
    if unit not in units or not number.isdigit() or int(number) < 1:
        raise unprocessable(interval="should be a whole number of days, weeks or months")
    end = start + timedelta(days=units[unit] * int(number))
    periods = []
    for one in account.rotations[team.name].periods(start, end):
        user = account.users[one.person]
        who = {"type": "user", "id": user.id} | ({"name": user.username} if word == "recipient" else {})
        cut = [one.start, now, one.end] if one.start < now < one.end else [one.start, one.end]
        for begins, ends in pairwise(cut):
            kind = "historical" if ends <= now else "default"
            periods.append(
                {"startDate": iso_seconds(begins), "endDate": iso_seconds(ends), "type": kind, word: who}
            )
    rotation = {"id": stable_id(f"rotation/{team.name}"), "name": "Rot1", "order": 1.0, "periods": periods}
    return {"startDate": iso_seconds(start), "endDate": iso_seconds(end), "finalTimeline": {"rotations": [rotation]}}  # fmt: skip


def _following(account: Account, team: Team, at: datetime) -> Period | None:
    rotation = account.rotations[team.name]
    now = rotation.at(at)
    coming = rotation.periods(at, at + timedelta(weeks=26))
    return next((one for one in coming if one.start > at and one.person != now), None)


def _parent(team: Team) -> Json:
    return {"id": _schedule_id(team), "name": f"{team.name}_schedule", "enabled": True}


def _schedule_id(team: Team) -> str:
    return stable_id(f"schedule/{team.name}")


def _user(account: Account, username: str) -> Json:
    return {"id": account.users[username].id, "name": username, "type": "user"}


def _schedule(account: Account, request: web.Request, kind: str) -> Team:
    found = account.schedule({request.query.get(kind, "id") if kind else "id": request.match_info["id"]})
    if found is None:
        raise Refusal(404, "Schedule does not exist")
    return found


def _team(account: Account, request: web.Request, kind: str) -> Team:
    found = account.team({request.query.get(kind, "id") if kind else "id": request.match_info["id"]})
    if found is None:
        raise Refusal(404, "Team does not exist")
    return found


def _date(request: web.Request, desk: AlertDesk) -> datetime:
    text = request.query.get("date", "")
    if not text:
        return desk.clock.now()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise unprocessable(date="should be an ISO 8601 time with its zone") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
