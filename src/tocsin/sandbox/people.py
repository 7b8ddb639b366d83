"""What do the people of the simulated accounts do and see? They act here as they would in the vendors' apps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace  # noqa: TID251 - it knows nothing of the core
from typing import Any

from aiohttp import web

from tocsin.sandbox.opsgenie.alert import Alert
from tocsin.sandbox.opsgenie.alert import api_json as alert_json
from tocsin.sandbox.opsgenie.alerts import Failed
from tocsin.sandbox.opsgenie.vendor import Opsgenie
from tocsin.sandbox.pagerduty import edits
from tocsin.sandbox.pagerduty.account import user_json, user_ref
from tocsin.sandbox.pagerduty.incident import Incident, rest_json
from tocsin.sandbox.pagerduty.incident import alert_json as pagerduty_alert_json
from tocsin.sandbox.requests import Unfit, object_of
from tocsin.sandbox.world import World

Json = dict[str, Any]
_SERVICE_FIELDS = ("status", "urgency", "acknowledgement_timeout", "auto_resolve_timeout", "grouping_seconds")


class PeopleRoutes:
    """Full state of both vendors, and actions as a chosen person."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pagerduty_acts: dict[str, Callable[[Incident, Json, Json], object]] = {
            "acknowledge": lambda i, agent, body: self._desk.acknowledge(i, agent),
            "unacknowledge": lambda i, agent, body: self._desk.retrigger(i, agent),
            "resolve": lambda i, agent, body: self._desk.resolve(i, agent),
            "reopen": lambda i, agent, body: self._desk.retrigger(i, agent),
            "note": lambda i, agent, body: edits.annotate(
                self._desk, i, _needed(body, "content", "text", "note"), agent
            ),
            "reassign": self._reassign,
            "delegate": lambda i, agent, body: self._desk.delegate(i, self._policy(body), agent),
            "escalate": lambda i, agent, body: self._desk.escalate(
                i, int(body.get("level") or i.level + 1), agent
            ),
            "snooze": lambda i, agent, body: self._desk.snooze(
                i, int(_needed(body, "duration", "seconds")), agent
            ),
            "merge": lambda i, agent, body: edits.merge(self._desk, i, self._sources(body), agent),
            "priority": lambda i, agent, body: edits.set_priority(self._desk, i, body.get("priority"), agent),
            "urgency": lambda i, agent, body: edits.set_urgency(self._desk, i, body.get("urgency"), agent),
            "respond": lambda i, agent, body: edits.reply_as_responder(
                self._desk, i, agent, str(body.get("state", "joined"))
            ),
            "status_update": lambda i, agent, body: edits.publish_status(
                self._desk, i, _needed(body, "message"), agent
            ),
        }
        self._desk = world.pagerduty.desk

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/people", self._people)
        router.add_get("/pagerduty/incidents", self._incidents)
        router.add_get("/pagerduty/incidents/{id}", self._incident)
        router.add_post("/pagerduty/incidents/{id}/{act}", self._act_on_incident)
        router.add_get("/pagerduty/changes", self._changes)
        router.add_post("/pagerduty/services/{id}", self._set_service)
        router.add_post("/pagerduty/policies/{id}", self._set_policy)
        for vendor in ("opsgenie", "jsm"):
            router.add_get(f"/{vendor}/alerts", self._alerts)
            router.add_get(f"/{vendor}/alerts/{{id}}", self._alert)
            router.add_post(f"/{vendor}/alerts/{{id}}/{{act}}", self._act_on_alert)
        router.add_get("/opsgenie/heartbeats", self._heartbeats)

    async def _people(self, request: web.Request) -> web.Response:
        users = [user_json(user) for user in self._world.pagerduty.account.users.values()]
        return web.json_response(
            {"people": [{"name": user["name"], "email": user["email"]} for user in users]}
        )

    # -- PagerDuty -----------------------------------------------------------------------------------------------

    async def _incidents(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"incidents": [self._whole(incident) for incident in self._desk.incidents.values()]}
        )

    async def _incident(self, request: web.Request) -> web.Response:
        return web.json_response({"incident": self._whole(self._found(request.match_info["id"]))})

    def _whole(self, incident: Incident) -> Json:
        account = self._world.pagerduty.account
        return {
            **rest_json(account, incident),
            "level": incident.level,
            "snoozed_until": incident.snoozed_until.isoformat() if incident.snoozed_until else None,
            "alerts": [
                {**pagerduty_alert_json(account, incident, a), "count": a.count} for a in incident.alerts
            ],
            "notes": incident.notes,
            "status_updates": incident.status_updates,
            "custom_fields": incident.custom_values,
            "log": incident.log,
            "notifications": incident.notifications,
            "notification_count": len(incident.notifications),
        }

    async def _act_on_incident(self, request: web.Request) -> web.Response:
        act, body = self._pagerduty_acts.get(request.match_info["act"]), await object_of(request)
        if act is None:
            raise Unfit(
                404,
                f"Nobody can {request.match_info['act']} an incident; one of {', '.join(self._pagerduty_acts)}",
            )
        incident = self._found(request.match_info["id"])
        person = self._world.pagerduty.account.person(str(body.get("user") or ""))
        if person is None:
            raise Unfit(
                400, "user must be a person of the account (GET /people), by e-mail address, name or id"
            )
        act(incident, user_ref(person), body)
        return web.json_response({"incident": self._whole(incident)})

    def _reassign(self, incident: Incident, agent: Json, body: Json) -> None:
        person = self._world.pagerduty.account.person(_needed(body, "to", "assignee"))
        if person is None:
            raise Unfit(400, "to must be a person of the account (GET /people)")
        self._desk.reassign(incident, [person.id], agent)

    def _policy(self, body: Json) -> str:
        policy_id = str(_needed(body, "escalation_policy", "policy"))
        if policy_id not in self._world.pagerduty.account.policies:
            raise Unfit(400, f"There is no escalation policy {policy_id}")
        return policy_id

    def _sources(self, body: Json) -> list[Incident]:
        return [self._found(str(source)) for source in body.get("sources") or []]

    def _found(self, incident_id: str) -> Incident:
        incident = self._desk.incidents.get(incident_id)
        if incident is None:
            raise Unfit(404, f"There is no incident {incident_id}; GET /pagerduty/incidents lists them")
        return incident

    async def _changes(self, request: web.Request) -> web.Response:
        return web.json_response({"changes": self._world.pagerduty.events.changes})

    async def _set_service(self, request: web.Request) -> web.Response:
        """Change a service's timers (seconds or null), status, urgency or grouping."""
        service = self._world.pagerduty.account.services.get(request.match_info["id"])
        body = await object_of(request)
        if service is None or not set(body) <= set(_SERVICE_FIELDS):
            raise Unfit(400, f"needs the id of a service and some of {', '.join(_SERVICE_FIELDS)}")
        for name, value in body.items():
            setattr(service, name, value)
        return web.json_response(
            {"id": service.id, **{name: getattr(service, name) for name in _SERVICE_FIELDS}}
        )

    async def _set_policy(self, request: web.Request) -> web.Response:
        """Who is on call on an escalation policy: a list of people, one for each level; an empty list = nobody."""
        account, body = self._world.pagerduty.account, await object_of(request)
        policy, names = account.policies.get(request.match_info["id"]), body.get("on_call")
        if policy is None or not isinstance(names, list):
            raise Unfit(400, "needs the id of an escalation policy and on_call, a list of people")
        people = [account.person(str(name)) for name in names]
        if None in people:
            raise Unfit(400, "on_call must name people of the account (GET /people)")
        found = [person.id for person in people if person]
        policy.levels = [
            replace(level, user_ids=tuple(found[n : n + 1]), schedule_id=None)
            for n, level in enumerate(policy.levels)
        ]
        return web.json_response({"id": policy.id, "on_call": found})

    # -- Opsgenie and JSM ------------------------------------------------------------------------------------------------

    async def _alerts(self, request: web.Request) -> web.Response:
        house = self._house(request)
        return web.json_response({"alerts": [_whole_alert(house, a) for a in house.desk.alerts.values()]})

    async def _alert(self, request: web.Request) -> web.Response:
        house = self._house(request)
        return web.json_response({"alert": _whole_alert(house, _found_alert(house, request))})

    def _house(self, request: web.Request) -> Opsgenie:
        return self._world.jsm if request.path.startswith("/jsm/") else self._world.opsgenie

    async def _act_on_alert(self, request: web.Request) -> web.Response:
        house = self._house(request)
        verb, body, desk = request.match_info["act"], await object_of(request), house.desk
        verb = {"note": "notes", "resolve": "close"}.get(verb, verb)
        if verb not in desk.acts:
            raise Unfit(404, f"Nobody can {verb} an alert; one of {', '.join(desk.acts)}")
        alert = _found_alert(house, request)
        person = house.account.person(str(body.get("user") or ""))
        if person is None:
            raise Unfit(
                400, "user must be a person of the account (GET /people), by e-mail address, name or id"
            )
        if verb == "notes":
            body["note"] = _needed(body, "note", "text", "content")
        try:
            status = desk.act(alert, verb, {**body, "user": person.username})
        except Failed as failure:
            raise Unfit(409, str(failure)) from failure
        except (KeyError, ValueError, TypeError) as error:
            raise Unfit(400, f"{verb} lacks or misspells {error}") from error
        return web.json_response({"alert": _whole_alert(house, alert), "status": status})

    async def _heartbeats(self, request: web.Request) -> web.Response:
        rest = self._world.opsgenie.rest
        pings = {name: at.isoformat() for name, at in rest.pings.items()}
        return web.json_response({"heartbeats": rest.heartbeats, "pings": pings})


def _whole_alert(house: Opsgenie, alert: Alert) -> Json:
    body = alert_json(house.account, alert)
    counted = {"notifications": alert.notifications, "notification_count": len(alert.notifications)}
    names = [responder["name"] for responder in alert.responders]
    return {**body, "responder_names": names, "notes": alert.notes, "log": alert.log, **counted}


def _found_alert(house: Opsgenie, request: web.Request) -> Alert:
    alert_id = request.match_info["id"]
    alert = house.desk.find(alert_id, "id") or house.desk.find(alert_id, "alias")
    if alert is None:
        raise Unfit(404, f"There is no alert {alert_id}; GET /{house.vendor}/alerts lists them")
    return alert


def _needed(body: Json, *names: str) -> str:
    """The first of `names` that is there, as text."""
    for name in names:
        if body.get(name):
            return str(body[name])
    raise Unfit(400, f"{names[0]} is missing")
