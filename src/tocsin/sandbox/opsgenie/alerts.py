"""What happens to a simulated Opsgenie alert, and who is rung?

Rules: docs.opsgenie.com and support.atlassian.com/opsgenie (researched 2026-11-20): at most one open alert for an alias,
repeats counted up to 100, open/closed beside acknowledged beside snoozed, no verb to reopen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tocsin.sandbox.clock import Clock, iso_millis
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.opsgenie.account import Account, Escalation, stable_id
from tocsin.sandbox.opsgenie.alert import Alert

Json = dict[str, Any]
Publish = Callable[[str, Alert, str, Json], None]
MOST_COUNTED = 100


class Failed(Exception):
    """The write was accepted but could not be done; the text becomes the status of its request."""


class AlertDesk:
    """All alerts and what may be done to them. `publish` gets (action, alert, who, extra facts)."""

    def __init__(self, account: Account, clock: Clock, ids: Ids) -> None:
        self.account = account
        self.clock = clock
        self.ids = ids
        self.alerts: dict[str, Alert] = {}
        self.publish: Publish = lambda *_: None
        self.acts: dict[str, Callable[[Alert, Json], str]] = {
            "acknowledge": self._acknowledge,
            "unacknowledge": self._unacknowledge,
            "close": self._close,
            "snooze": self._snooze,
            "notes": self._note,
            "assign": self._assign,
            "tags": self._add_tags,
            "untag": self._remove_tags,
            "details": self._add_details,
            "undetail": self._remove_details,
            "message": self._set_message,
            "description": self._set_description,
            "priority": self._set_priority,
            "responders": self._add_responder,
            "teams": self._add_team,
            "escalate": self._escalate,
            "delete": self._delete,
        }

    def find(self, identifier: str, kind: str) -> Alert | None:
        """By id, tiny id or alias; of an alias the open alert, else the newest closed one."""
        if kind == "alias":
            known = [alert for alert in self.alerts.values() if alert.alias == identifier]
            return next((a for a in reversed(known) if a.status == "open"), known[-1] if known else None)
        if kind == "tiny":
            return next((a for a in self.alerts.values() if a.tiny_id == identifier), None)
        return self.alerts.get(identifier)

    def create(self, body: Json, *, silent: bool = False) -> tuple[Alert, str]:
        """Open an alert or count a repeat; gives the alert and the status text."""
        now = self.clock.now()
        alias = body.get("alias") or ""
        same = self.find(alias, "alias") if alias else None
        if same is not None and same.status == "open":
            return self._count(same, body, now), "Deduplicated alert"
        alert_id = f"{self.ids.uuid('alert')}-{int(now.timestamp() * 1000)}"
        alert = Alert(
            id=alert_id,
            tiny_id=str(self.ids.number("tiny id")),
            alias=alias or alert_id,
            message=body["message"],
            created_at=now,
            updated_at=now,
            source=body.get("source") or "",
            priority=body.get("priority") or "P3",
            description=body.get("description") or "",
            entity=body.get("entity") or "",
            username=body.get("user") or "",
            tags=[str(tag) for tag in body.get("tags") or []],
            actions=[str(action) for action in body.get("actions") or []],
            details={str(key): str(value) for key, value in (body.get("details") or {}).items()},
            responders=[r for r in map(self._resolved, body.get("responders") or []) if r],
            silent=silent,
        )
        self.alerts[alert.id] = alert
        self._log(alert, f"Alert created via API: {alert.message}", body)
        self._ring_all(alert)
        self._tell("Create", alert, body)
        if body.get("note"):
            self._note(alert, body)
        return alert, "Created alert"

    def act(self, alert: Alert, verb: str, body: Json) -> str:
        """Do `verb`; gives the status text. Raises Failed where Opsgenie would report a failure later."""
        if alert.status == "closed" and verb not in ("notes", "delete", "tags", "details"):
            raise Failed("Alert is already closed" if verb == "close" else "There is no open alert")
        status = self.acts[verb](alert, body)
        if verb != "notes" and body.get("note"):
            self._note(alert, body)
        return status

    def custom_action(self, alert: Alert, name: str, body: Json) -> str:
        self._changed(alert, name, f"Action {name} executed", body)
        return f"Executed action {name}"

    # -- verbs ---------------------------------------------------------------------------------------------------

    def _acknowledge(self, alert: Alert, body: Json) -> str:
        if alert.acknowledged:
            raise Failed("Alert is already acknowledged")
        alert.acknowledged = True
        alert.owner = alert.owner or _who(body)
        alert.report = {
            **alert.report,
            "ackTime": _millis(alert.created_at, self.clock.now()),
            "acknowledgedBy": _who(body),
        }
        self._stop_timers(alert)
        self._changed(alert, "Acknowledge", "Alert acknowledged", body)
        return "Alert acknowledged"

    def _unacknowledge(self, alert: Alert, body: Json) -> str:
        if not alert.acknowledged:
            raise Failed("Alert is not acknowledged")
        alert.acknowledged = False
        self._changed(alert, "UnAcknowledge", "Alert unacknowledged", body)
        self._ring_all(alert)
        return "Alert unacknowledged"

    def _close(self, alert: Alert, body: Json) -> str:
        alert.status = "closed"
        alert.snoozed_until = None
        alert.report = {
            **alert.report,
            "closeTime": _millis(alert.created_at, self.clock.now()),
            "closedBy": _who(body),
        }
        self._stop_timers(alert)
        self._changed(alert, "Close", "Alert closed", body)
        return "Alert closed"

    def _snooze(self, alert: Alert, body: Json) -> str:
        until = datetime.fromisoformat(body["endTime"])
        if until <= self.clock.now():
            raise Failed("Snooze end time is in the past")
        alert.snoozed_until = until
        self._stop_timers(alert)
        self._changed(
            alert, "Snooze", f"Alert snoozed until {iso_millis(until)}", body, snoozeEndDate=body["endTime"]
        )
        alert.timers["snooze"] = self.clock.call_at(until, lambda: self._snooze_ended(alert))
        return "Alert snoozed"

    def _snooze_ended(self, alert: Alert) -> None:
        alert.snoozed_until = None
        alert.acknowledged = False
        self._changed(alert, "SnoozeEnded", "Snooze ended", {"user": "System"})
        self._ring_all(alert)

    def _note(self, alert: Alert, body: Json) -> str:
        now = self.clock.now()
        note = {
            "note": body["note"],
            "owner": _who(body),
            "createdAt": iso_millis(now),
            "offset": self._offset(now),
        }
        alert.notes.append(note)
        self._changed(alert, "AddNote", f"Note added: {body['note']}", body, note=body["note"])
        return "Note added"

    def _assign(self, alert: Alert, body: Json) -> str:
        owner = body.get("owner") or {}
        user = self.account.person(str(owner.get("username") or owner.get("id") or ""))
        if user is None:
            raise Failed("User does not exist")
        alert.owner = user.username
        self._ring(alert, user.username)
        self._changed(alert, "AssignOwnership", f"Assigned to {user.username}", body, owner=user.username)
        return "Alert ownership assigned"

    def _add_tags(self, alert: Alert, body: Json) -> str:
        new = [str(tag) for tag in body.get("tags") or [] if tag not in alert.tags]
        alert.tags = [*alert.tags, *new][:20]
        self._changed(alert, "AddTags", f"Tags added: {new}", body, addedTags=",".join(new))
        return "Tags added"

    def _remove_tags(self, alert: Alert, body: Json) -> str:
        gone = [tag for tag in alert.tags if tag in body["tags"]]
        alert.tags = [tag for tag in alert.tags if tag not in gone]
        self._changed(alert, "RemoveTags", f"Tags removed: {gone}", body, removedTags=",".join(gone))
        return "Tags removed"

    def _add_details(self, alert: Alert, body: Json) -> str:
        alert.details |= {str(key): str(value) for key, value in (body.get("details") or {}).items()}
        self._changed(alert, "AddDetails", "Details added", body)
        return "Details added"

    def _remove_details(self, alert: Alert, body: Json) -> str:
        alert.details = {key: value for key, value in alert.details.items() if key not in body["keys"]}
        self._changed(alert, "RemoveDetails", "Details removed", body)
        return "Details removed"

    def _set_message(self, alert: Alert, body: Json) -> str:
        alert.message = body["message"]
        self._changed(alert, "UpdateMessage", "Message updated", body)
        return "Message updated"

    def _set_description(self, alert: Alert, body: Json) -> str:
        alert.description = body["description"]
        self._changed(alert, "UpdateDescription", "Description updated", body)
        return "Description updated"

    def _set_priority(self, alert: Alert, body: Json) -> str:
        old, alert.priority = alert.priority, body["priority"]
        self._changed(alert, "UpdatePriority", f"Priority {old} to {alert.priority}", body, oldPriority=old)
        return "Priority updated"

    def _add_responder(self, alert: Alert, body: Json) -> str:
        responder = self._resolved(body.get("responder") or {})
        if responder is None:
            raise Failed("Responder does not exist")
        alert.responders.append(responder)
        self._ring_responder(alert, responder)
        self._changed(alert, "AddResponder", "Responder added", body, responder=responder)
        return "Responder added"

    def _add_team(self, alert: Alert, body: Json) -> str:
        return self._add_responder(alert, {**body, "responder": {**(body.get("team") or {}), "type": "team"}})

    def _escalate(self, alert: Alert, body: Json) -> str:
        escalation = self.account.escalation(body.get("escalation") or {})
        if escalation is None:
            raise Failed("Escalation does not exist")
        self._start_escalation(alert, escalation)
        notify = {"id": escalation.id, "name": escalation.name, "type": "escalation", "entity": None}
        self._changed(alert, "Escalate", f"Escalated to {escalation.name}", body, escalationNotify=notify)
        return "Alert escalated"

    def _delete(self, alert: Alert, body: Json) -> str:
        self._stop_timers(alert)
        del self.alerts[alert.id]
        self._changed(alert, "Delete", "Alert deleted", body)
        return "Alert deleted"

    # -- inside --------------------------------------------------------------------------------------------------

    def _count(self, alert: Alert, body: Json, now: datetime) -> Alert:
        """A repeat: counted and logged up to 100, deduplicated for ever. Its text does not replace the first one's."""
        alert.last_occurred_at = alert.updated_at = now
        if alert.count < MOST_COUNTED:
            alert.count += 1
            self._log(alert, f"Alert is deduplicated, count is now {alert.count}", body)
        return alert

    def _resolved(self, wanted: Json) -> Json | None:
        """A responder with its id and name; None when there is no such thing."""
        kind = wanted.get("type")
        if kind == "team" and (team := self.account.team(wanted)):
            return {"type": "team", "id": team.id, "name": team.name}
        if kind == "escalation" and (escalation := self.account.escalation(wanted)):
            return {"type": "escalation", "id": escalation.id, "name": escalation.name}
        if kind == "schedule" and (team := self.account.schedule(wanted)):
            return {
                "type": "schedule",
                "id": stable_id(f"schedule/{team.name}"),
                "name": f"{team.name}_schedule",
            }
        user = self.account.person(
            str(wanted.get("username") or wanted.get("id") or wanted.get("name") or "")
        )
        return {"type": "user", "id": user.id, "name": user.username} if kind == "user" and user else None

    def _ring_all(self, alert: Alert) -> None:
        for responder in alert.responders:
            self._ring_responder(alert, responder)

    def _ring_responder(self, alert: Alert, responder: Json) -> None:
        if responder["type"] == "user":
            self._ring(alert, responder["name"])
        elif responder["type"] == "escalation":
            self._start_escalation(alert, self.account.escalations[responder["name"]])
        else:
            team = responder["name"].removesuffix("_schedule")
            if username := self.account.rotations[team].at(self.clock.now()):
                self._ring(alert, username)

    def _start_escalation(self, alert: Alert, escalation: Escalation) -> None:
        for number, rule in enumerate(escalation.rules):
            for username in rule.usernames:
                if rule.delay_minutes == 0:
                    self._ring(alert, username)
                else:
                    self._ring_later(
                        alert, username, rule.delay_minutes, f"{escalation.id}/{number}/{username}"
                    )

    def _ring_later(self, alert: Alert, username: str, minutes: int, name: str) -> None:
        def due() -> None:
            alert.timers.pop(name, None)
            self._ring(alert, username)
            self._changed(alert, "EscalateNext", f"Escalated to {username}", {"user": "System"})

        if (old := alert.timers.pop(name, None)) is not None:
            old.cancel()
        alert.timers[name] = self.clock.call_at(self.clock.now() + timedelta(minutes=minutes), due)

    def _ring(self, alert: Alert, username: str) -> None:
        if not alert.silent:
            now = self.clock.now()
            alert.notifications.append(
                {"at": iso_millis(now), "user": username, "channel": "phone", "status": alert.status}
            )
            self._log(alert, f"Notified {username} by phone", {"user": "System"})

    def _stop_timers(self, alert: Alert) -> None:
        for timer in alert.timers.values():
            timer.cancel()
        alert.timers.clear()

    def _changed(self, alert: Alert, action: str, line: str, body: Json, **extra: object) -> None:
        now = self.clock.now()
        alert.updated_at = max(now, alert.updated_at + timedelta(milliseconds=1))
        self._log(alert, line, body)
        self._tell(action, alert, body, **extra)

    def _log(self, alert: Alert, line: str, body: Json) -> None:
        now = self.clock.now()
        entry = {"log": line, "type": "system", "owner": _who(body), "createdAt": iso_millis(now)}
        alert.log.append({**entry, "offset": self._offset(now)})

    def _tell(self, action: str, alert: Alert, body: Json, **extra: object) -> None:
        self.publish(action, alert, _who(body), dict(extra))

    def _offset(self, now: datetime) -> str:
        return f"{int(now.timestamp() * 1000)}_{self.ids.number('log offset')}"


def _who(body: Json) -> str:
    return str(body.get("user") or body.get("source") or "Sandbox API")


def _millis(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds() * 1000)
