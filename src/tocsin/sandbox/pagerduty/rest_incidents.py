"""What does the simulated PagerDuty REST API answer about incidents?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web

from tocsin.sandbox.gate import SILENT
from tocsin.sandbox.pagerduty import edits
from tocsin.sandbox.pagerduty.account import Account, Json, User, reference, service_json, user_ref
from tocsin.sandbox.pagerduty.errors import DUPLICATE_KEY, Refusal, bad_arguments, bad_input, not_found
from tocsin.sandbox.pagerduty.incident import Incident, alert_json, rest_json
from tocsin.sandbox.pagerduty.machine import Desk
from tocsin.sandbox.pagerduty.paging import moment, page

MAX_BULK = 250
_MONTH = timedelta(days=30)
_HALF_YEAR = timedelta(days=184)
_STATUSES = ("triggered", "acknowledged", "resolved")


class IncidentRoutes:
    """The routes under /incidents and /log_entries."""

    def __init__(self, account: Account, desk: Desk) -> None:
        self._account = account
        self._desk = desk

    def add_to(self, router: web.UrlDispatcher) -> None:
        get, post, put = router.add_get, router.add_post, router.add_put
        get("/incidents/types", self._types)
        get("/incidents/custom_fields", self._field_list)
        get("/incidents", self._list)
        post("/incidents", self._create)
        put("/incidents", self._update_many)
        get("/incidents/{id}", self._read)
        put("/incidents/{id}", self._update)
        get("/incidents/{id}/notes", self._notes)
        post("/incidents/{id}/notes", self._annotate)
        post("/incidents/{id}/snooze", self._snooze)
        put("/incidents/{id}/merge", self._merge)
        get("/incidents/{id}/alerts", self._alerts)
        put("/incidents/{id}/alerts", self._update_alerts)
        get("/incidents/{id}/log_entries", self._log)
        get("/log_entries", self._whole_log)
        post("/incidents/{id}/responder_requests", self._request_responders)
        post("/incidents/{id}/status_updates", self._publish_status)
        get("/incidents/{id}/custom_fields/values", self._values)
        put("/incidents/{id}/custom_fields/values", self._set_values)

    # -- reading -------------------------------------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.Response:
        chosen = [i for i in self._desk.incidents.values() if self._matches(request, i)]
        if request.query.get("date_range") != "all":
            now = self._desk.clock.now()
            until = moment(request, "until") or now
            since = moment(request, "since") or until - _MONTH
            if until - since > _HALF_YEAR:
                raise bad_input("The time span must be at most 6 months")
            chosen = [i for i in chosen if since <= i.created_at.replace(microsecond=0) <= until]
        chosen = _sorted(chosen, request.query.get("sort_by", "created_at"))
        return page(request, "incidents", chosen, lambda i: self._shown(i, request))

    def _matches(self, request: web.Request, incident: Incident) -> bool:
        facts = {
            "statuses[]": incident.status,
            "service_ids[]": incident.service_id,
            "urgencies[]": incident.urgency,
        }
        for name, value in facts.items():
            wanted = request.query.getall(name, [])
            if wanted and value not in wanted:
                return False
        if request.query.getall("team_ids[]", []):
            return False
        users = request.query.getall("user_ids[]", [])
        key = request.query.get("incident_key")
        return (not users or bool(set(users) & set(incident.assignees))) and (
            key is None or incident.has_key(key)
        )

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response({"incident": self._shown(self._find(request), request)})

    async def _notes(self, request: web.Request) -> web.Response:
        return web.json_response({"notes": self._find(request).notes})

    async def _alerts(self, request: web.Request) -> web.Response:
        incident = self._find(request)
        key, statuses = request.query.get("alert_key"), request.query.getall("statuses[]", [])
        alerts = [
            a for a in incident.alerts if key in (None, a.key) and (not statuses or a.status in statuses)
        ]
        return page(request, "alerts", alerts, lambda alert: alert_json(self._account, incident, alert))

    async def _log(self, request: web.Request) -> web.Response:
        return self._log_page(request, [self._find(request)])

    async def _whole_log(self, request: web.Request) -> web.Response:
        return self._log_page(request, list(self._desk.incidents.values()))

    def _log_page(self, request: web.Request, incidents: list[Incident]) -> web.Response:
        """Newest first, as PagerDuty lists log entries."""
        since, until = moment(request, "since"), moment(request, "until")
        entries = [entry for incident in incidents for entry in incident.log]
        if since:
            entries = [e for e in entries if e["created_at"] >= since.strftime("%Y-%m-%dT%H:%M:%SZ")]
        if until:
            entries = [e for e in entries if e["created_at"] <= until.strftime("%Y-%m-%dT%H:%M:%SZ")]
        if request.query.get("is_overview") == "true":
            entries = [e for e in entries if e["type"] not in ("notify_log_entry", "assign_log_entry")]
        newest_first = sorted(entries, key=lambda e: str(e["created_at"]))[::-1]
        return page(request, "log_entries", newest_first, lambda entry: entry)

    async def _types(self, request: web.Request) -> web.Response:
        names = ("incident_default", "security_incident", "major_incident")
        return web.json_response({"incident_types": [edits.incident_type_ref(name) for name in names]})

    async def _field_list(self, request: web.Request) -> web.Response:
        fields = [
            {**reference("field", "incidents/custom_fields", f.id, f.name), "type": "field", "name": f.name}
            | {"display_name": f.name, "data_type": f.data_type, "field_type": f.field_type, "enabled": True}
            for f in self._account.custom_fields.values()
        ]
        return web.json_response({"fields": fields})

    async def _values(self, request: web.Request) -> web.Response:
        return web.json_response({"custom_fields": edits.custom_values(self._desk, self._find(request))})

    # -- writing -------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        author = self._from(request)
        wanted = _wrapped(await json_object(request), "incident")
        title, service_id = wanted.get("title"), (wanted.get("service") or {}).get("id")
        if not isinstance(title, str) or not title.strip():
            raise bad_input("Title cannot be empty")
        if wanted.get("type") not in ("incident", "incident_reference"):
            raise bad_input("Type must be incident")
        service = self._account.services.get(str(service_id))
        if service is None:
            raise bad_input("Service cannot be empty" if not service_id else "Service not found")
        if service.status in ("maintenance", "disabled"):
            raise bad_arguments(f"Service is in status {service.status}; no incident can be created")
        key = wanted.get("incident_key")
        if key and any(
            i.open and i.service_id == service.id and i.has_key(key) for i in self._desk.incidents.values()
        ):
            raise bad_arguments(DUPLICATE_KEY)
        assignees = [str((a.get("assignee") or {}).get("id")) for a in wanted.get("assignments") or []]
        policy_id = (wanted.get("escalation_policy") or {}).get("id")
        self._check_people(assignees, policy_id)
        urgency = wanted.get("urgency")
        if urgency not in (None, "high", "low"):
            raise bad_input("Urgency must be one of high, low")
        incident = self._desk.create(
            service_id=service.id,
            title=title,
            agent=user_ref(author),
            key=key,
            urgency=urgency,
            priority_id=edits.find_priority(self._desk, wanted.get("priority")),
            details=(wanted.get("body") or {}).get("details"),
            policy_id=policy_id,
            assignee_ids=assignees,
            silent=request.get(SILENT, False),
        )
        incident.incident_type = (wanted.get("incident_type") or {}).get("name") or incident.incident_type
        incident.conference_bridge = wanted.get("conference_bridge")
        return web.json_response({"incident": rest_json(self._account, incident)}, status=201)

    def _check_people(self, assignees: list[str], policy_id: str | None) -> None:
        if assignees and policy_id:
            raise bad_input("Only one of assignments and escalation_policy can be given")
        if len(assignees) > 1:
            raise bad_input("Only one assignee can be given")
        if assignees and assignees[0] not in self._account.users:
            raise Refusal(400, "User Not Found", 1008, "Assignee not found")
        if policy_id and policy_id not in self._account.policies:
            raise Refusal(400, "Escalation Policy Not Found", 1014, "Escalation policy not found")

    async def _update(self, request: web.Request) -> web.Response:
        author, incident = self._from(request), self._find(request)
        self._apply(incident, _wrapped(await json_object(request), "incident"), user_ref(author))
        return web.json_response({"incident": rest_json(self._account, incident)})

    async def _update_many(self, request: web.Request) -> web.Response:
        author = self._from(request)
        wanted = (await json_object(request)).get("incidents")
        if not isinstance(wanted, list) or not all(isinstance(entry, dict) for entry in wanted):
            raise bad_input("Incidents must be a list")
        if len(wanted) > MAX_BULK:
            raise Refusal(
                413, "Request Entity Too Large", 2001, "At most 250 incidents can be updated at once"
            )
        incidents = [self._by_id(str(entry.get("id"))) for entry in wanted]
        for incident, entry in zip(incidents, wanted, strict=True):
            self._apply(incident, entry, user_ref(author))
        return web.json_response(
            {"incidents": [rest_json(self._account, incident) for incident in incidents]}
        )

    def _apply(self, incident: Incident, wanted: Json, agent: Json) -> None:
        desk, status = self._desk, wanted.get("status")
        if status not in (None, *_STATUSES):
            raise Refusal(
                400, "Invalid Status Provided", 1003, "Status must be triggered, acknowledged or resolved"
            )
        assignees = [str((a.get("assignee") or {}).get("id")) for a in wanted.get("assignments") or []]
        policy_id = (wanted.get("escalation_policy") or {}).get("id")
        self._check_people(assignees[:1], policy_id)
        if "title" in wanted and wanted["title"] != incident.title:
            incident.title = str(wanted["title"])
            desk.note_down(incident, "field_value_change", agent, "Title changed")
        if "priority" in wanted:
            edits.set_priority(desk, incident, wanted["priority"], agent)
        if "urgency" in wanted:
            edits.set_urgency(desk, incident, wanted["urgency"], agent)
        if "service" in wanted:
            edits.move(desk, incident, str((wanted["service"] or {}).get("id")), agent)
        self._apply_extras(incident, wanted, agent)
        if status == "acknowledged":
            desk.acknowledge(incident, agent)
        elif status == "triggered" and not (assignees and incident.open):
            desk.retrigger(incident, agent)
        if assignees:
            desk.reassign(incident, assignees, agent)
        elif policy_id:
            desk.delegate(incident, policy_id, agent)
        elif wanted.get("escalation_level") is not None:
            desk.escalate(incident, int(wanted["escalation_level"]), agent)
        if wanted.get("resolution"):
            edits.annotate(desk, incident, f"Resolution Note: {wanted['resolution']}", agent)
        if status == "resolved":
            desk.resolve(incident, agent)

    def _apply_extras(self, incident: Incident, wanted: Json, agent: Json) -> None:
        if "conference_bridge" in wanted:
            incident.conference_bridge = wanted["conference_bridge"]
            self._desk.note_down(incident, "field_value_change", agent, "Conference bridge changed")
            self._desk.tell("incident.conference_bridge.updated", incident, agent)
        if name := (wanted.get("incident_type") or {}).get("name"):
            incident.incident_type = str(name)
            self._desk.tell("incident.incident_type.changed", incident, agent)

    async def _annotate(self, request: web.Request) -> web.Response:
        author, incident = self._from(request), self._find(request)
        content = _wrapped(await json_object(request), "note").get("content")
        if not isinstance(content, str) or not content:
            raise bad_input("Note content cannot be empty")
        return web.json_response({"note": edits.annotate(self._desk, incident, content, user_ref(author))})

    async def _snooze(self, request: web.Request) -> web.Response:
        author, incident = self._from(request), self._find(request)
        duration = (await json_object(request)).get("duration")
        if isinstance(duration, bool) or not isinstance(duration, int):
            raise bad_input("Duration must be a whole number of seconds")
        self._desk.snooze(incident, duration, user_ref(author))
        return web.json_response({"incident": rest_json(self._account, incident)}, status=201)

    async def _merge(self, request: web.Request) -> web.Response:
        author, target = self._from(request), self._find(request)
        sources = [
            self._by_id(str(s.get("id"))) for s in (await json_object(request)).get("source_incidents") or []
        ]
        edits.merge(self._desk, target, sources, user_ref(author))
        return web.json_response({"incident": rest_json(self._account, target)})

    async def _update_alerts(self, request: web.Request) -> web.Response:
        author, incident = self._from(request), self._find(request)
        wanted = (await json_object(request)).get("alerts") or []
        if len(wanted) > MAX_BULK:
            raise Refusal(413, "Request Entity Too Large", 2001, "At most 250 alerts can be updated at once")
        alerts = {alert.id: alert for alert in incident.alerts}
        if any(
            entry.get("id") not in alerts or entry.get("status") not in (None, "triggered", "resolved")
            for entry in wanted
        ):
            raise bad_input(
                "Alert not found on this incident, or its status is neither triggered nor resolved"
            )
        for entry in wanted:
            alerts[entry["id"]].status = entry.get("status") or alerts[entry["id"]].status
        if incident.open and alerts and all(alert.status == "resolved" for alert in alerts.values()):
            self._desk.resolve(incident, user_ref(author))
        chosen = [alert_json(self._account, incident, alerts[entry["id"]]) for entry in wanted]
        return web.json_response({"alerts": chosen})

    async def _request_responders(self, request: web.Request) -> web.Response:
        incident, wanted = self._find(request), await json_object(request)
        requester = self._account.users.get(str(wanted.get("requester_id")))
        if requester is None:
            raise Refusal(400, "User Not Found", 1007, "requester_id is not a user of this account")
        targets, message = wanted.get("responder_request_targets") or [], str(wanted.get("message") or "")
        answer = edits.request_responders(self._desk, incident, user_ref(requester), message, targets)
        return web.json_response({"responder_request": answer})

    async def _publish_status(self, request: web.Request) -> web.Response:
        author, incident, wanted = self._from(request), self._find(request), await json_object(request)
        if not wanted.get("message") or bool(wanted.get("subject")) != bool(wanted.get("html_message")):
            raise bad_input("message is needed; subject and html_message go together")
        update = edits.publish_status(self._desk, incident, str(wanted["message"]), user_ref(author))
        return web.json_response({"status_update": update})

    async def _set_values(self, request: web.Request) -> web.Response:
        incident, wanted = self._find(request), (await json_object(request)).get("custom_fields") or []
        sender = self._account.person(request.headers.get("From", ""))
        values = edits.set_custom_fields(self._desk, incident, wanted, user_ref(sender) if sender else None)
        return web.json_response({"custom_fields": values}, status=201)

    # -- finding -------------------------------------------------------------------------------------------------

    def _from(self, request: web.Request) -> User:
        """The acting user. 400 without a `From` header that names a user of the account by e-mail address."""
        email = request.headers.get("From", "")
        user = next((u for u in self._account.users.values() if u.email == email.strip().lower()), None)
        if user is None:
            problem = "From header must be the email of a user" if email else "From header is missing"
            raise Refusal(400, "Requester User Not Found", 1008, f"{problem} of this account")
        return user

    def _find(self, request: web.Request) -> Incident:
        return self._by_id(request.match_info["id"])

    def _by_id(self, wanted: str) -> Incident:
        """By id, or by number."""
        if wanted in self._desk.incidents:
            return self._desk.incidents[wanted]
        if wanted.isdigit():
            for incident in self._desk.incidents.values():
                if incident.number == int(wanted):
                    return incident
        raise not_found("Incident Not Found")

    def _shown(self, incident: Incident, request: web.Request) -> Json:
        body = rest_json(self._account, incident)
        if "notes" in request.query.getall("include[]", []):
            body["notes"] = incident.notes
        if "services" in request.query.getall("include[]", []):
            body["service"] = service_json(self._account, self._account.services[incident.service_id])
        return body


async def json_object(request: web.Request) -> Json:
    """The body as a JSON object. 400 otherwise."""
    body: Any = await request.json() if request.body_exists else None
    if not isinstance(body, dict):
        raise bad_input("The body must be a JSON object")
    return body


def _wrapped(body: Json, name: str) -> Json:
    inner = body.get(name)
    if not isinstance(inner, dict):
        raise bad_input(f"The body must be wrapped in {name!r}")
    return inner


def _sorted(incidents: list[Incident], sort_by: str) -> list[Incident]:
    """Sort by up to two of `field:direction`."""
    for part in reversed(sort_by.split(",")[:2]):
        name, _, direction = part.partition(":")
        keys = {"incident_number": lambda i: i.number, "created_at": lambda i: (i.created_at, i.number)}
        keys |= {
            "resolved_at": lambda i: (i.resolved_at or i.created_at, i.number),
            "urgency": lambda i: i.urgency,
        }
        if name not in keys:
            raise bad_input("sort_by must be incident_number, created_at, resolved_at or urgency")
        incidents = sorted(incidents, key=keys[name], reverse=direction == "desc")
    return incidents
