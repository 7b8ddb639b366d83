"""What happens to a simulated PagerDuty incident, when, and who is rung?

State rules: provider-apis 1.2 (PagerDuty OpenAPI schema of 2026-08-14, researched 2026-11-20). Every transition leaves a
log entry and, where PagerDuty sends one, a webhook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from tocsin.sandbox.clock import Clock, iso_millis, iso_seconds
from tocsin.sandbox.ids import Ids
from tocsin.sandbox.pagerduty.account import Account, Json, Policy, service_ref, user_ref
from tocsin.sandbox.pagerduty.errors import already, bad_arguments, bad_input
from tocsin.sandbox.pagerduty.incident import Alert, Incident, incident_ref, webhook_json

Publish = Callable[[str, Incident, Json | None, Json], None]
MAX_SNOOZE = 604_800


class Desk:
    """All incidents of the account and what may be done to them. `publish` gets (event type, incident, agent, data)."""

    def __init__(self, account: Account, clock: Clock, ids: Ids) -> None:
        self.account = account
        self.clock = clock
        self.ids = ids
        self.incidents: dict[str, Incident] = {}
        self.publish: Publish = lambda *_: None

    # -- birth ---------------------------------------------------------------------------------------------------

    def create(
        self,
        *,
        service_id: str,
        title: str,
        agent: Json | None,
        key: str | None = None,
        urgency: str | None = None,
        priority_id: str | None = None,
        details: str | None = None,
        policy_id: str | None = None,
        assignee_ids: Iterable[str] = (),
        silent: bool = False,
        alert: Alert | None = None,
    ) -> Incident:
        """Open an incident; assigned to its own author it is born acknowledged and rings nobody."""
        service, now = self.account.services[service_id], self.clock.now()
        incident = Incident(
            id=self.ids.letters("incident", "Q", 14),
            number=self.ids.number("incident number"),
            title=title,
            service_id=service_id,
            policy_id=policy_id or service.policy_id,
            urgency=urgency or service.urgency,
            key=key,
            created_at=now,
            updated_at=now,
            details=details,
            changed_by=agent or service_ref(service),
            silent=silent,
            priority_id=priority_id,
            status_since=now,
        )
        if alert is not None:
            incident.alerts.append(alert)
        self.incidents[incident.id] = incident
        self.note_down(incident, "trigger", agent, f"Triggered: {title}")
        chosen = list(assignee_ids)
        own = agent is not None and chosen == [agent.get("id")]
        if chosen:
            incident.assigned_via = "direct_assignment"
            self._assign(incident, chosen, agent, ring=not own)
        else:
            self._ask_level(incident, 1, agent)
        self._restart_auto_resolve(incident)
        self.tell("incident.triggered", incident, agent)
        if own:
            self.acknowledge(incident, agent)
        return incident

    # -- status --------------------------------------------------------------------------------------------------

    def acknowledge(self, incident: Incident, agent: Json | None) -> None:
        """Acknowledge, or reopen as acknowledged by the caller. 1002 when this caller already has."""
        if not incident.open:
            self._reopen(incident, agent, acknowledged=True)
            return
        who = agent["id"] if agent and agent["id"] in self.account.users else None
        if incident.status == "acknowledged" and (who is None or who in incident.acknowledgers):
            raise already(1002, "Incident Already Acknowledged")
        self._acknowledged_by(incident, who)
        self._set_status(incident, "acknowledged", agent)
        self.note_down(incident, "acknowledge", agent, "Acknowledged")
        self._start_acknowledgement_timeout(incident)
        self.tell("incident.acknowledged", incident, agent)

    def unacknowledge(self, incident: Incident, agent: Json | None) -> None:
        """Back to triggered: its assignees are rung again and escalation goes on from the same level."""
        incident.acknowledgers.clear()
        incident.snoozed_until = None
        self._stop(incident, "unacknowledge")
        self._set_status(incident, "triggered", agent)
        self.note_down(incident, "unacknowledge", agent, "Unacknowledged")
        self._assign(incident, list(incident.assignees), agent, ring=True)
        self._start_escalation(incident)
        self._restart_auto_resolve(incident)
        self.tell("incident.unacknowledged", incident, agent)

    def retrigger(self, incident: Incident, agent: Json | None) -> None:
        """Status set to triggered: reopens what is resolved, unacknowledges what is acknowledged, else nothing."""
        if not incident.open:
            self._reopen(incident, agent, acknowledged=False)
        elif incident.status == "acknowledged":
            self.unacknowledge(incident, agent)

    def resolve(self, incident: Incident, agent: Json | None, reason: Json | None = None) -> None:
        """Resolve it and its alerts. 1001 when it already is."""
        if not incident.open:
            raise already(1001, "Incident Already Resolved")
        for kind in list(incident.timers):
            self._stop(incident, kind)
        for alert in incident.alerts:
            alert.status = "resolved"
        incident.resolved_at = self.clock.now()
        incident.resolve_reason = reason
        incident.assignees.clear()
        incident.acknowledgers.clear()
        incident.snoozed_until = None
        self._set_status(incident, "resolved", agent)
        self.note_down(incident, "resolve", agent, "Resolved")
        self.tell("incident.resolved", incident, agent)

    def snooze(self, incident: Incident, seconds: int, agent: Json | None) -> None:
        """Hold an acknowledged incident for 1 to 604800 seconds; then it is triggered again. 1012, 1013."""
        if incident.status != "acknowledged":
            raise already(1012, "Incident Not Acknowledged")
        if not 1 <= seconds <= MAX_SNOOZE:
            raise already(1013, "Incident Snooze Duration Invalid")
        incident.snoozed_until = self.clock.now() + timedelta(seconds=seconds)
        incident.updated_at = self.clock.now()
        self._stop(incident, "resolve")
        self.note_down(incident, "snooze", agent, f"Snoozed for {seconds} s", changed_actions=[])
        self._start(
            incident, "unacknowledge", incident.snoozed_until, lambda: self.unacknowledge(incident, None)
        )

    # -- who -----------------------------------------------------------------------------------------------------

    def reassign(self, incident: Incident, user_ids: list[str], agent: Json | None) -> None:
        """Hand it to people by name: it is triggered again for them and escalates no more."""
        self._need_open(incident)
        incident.assigned_via = "direct_assignment"
        self._back_to_triggered(incident, agent)
        self._stop(incident, "escalate")
        incident.assignees.clear()
        self._assign(incident, user_ids, agent, ring=True)
        self.tell("incident.reassigned", incident, agent)

    def delegate(self, incident: Incident, policy_id: str, agent: Json | None) -> None:
        """Hand it to another escalation policy, from its first level."""
        self._need_open(incident)
        incident.policy_id = policy_id
        incident.assigned_via = "escalation_policy"
        incident.loops_done = 0
        self._back_to_triggered(incident, agent)
        self.note_down(incident, "delegate", agent, "Delegated")
        self._ask_level(incident, 1, agent)
        self.tell("incident.delegated", incident, agent)

    def escalate(self, incident: Incident, level: int, agent: Json | None) -> None:
        """Ask that level (from 1) of its policy now. 1006 when it cannot."""
        self._need_open(incident)
        policy = self.account.policies[incident.policy_id]
        if incident.assigned_via != "escalation_policy" or not 1 <= level <= len(policy.levels):
            raise already(1006, "Incident Cannot Be Escalated")
        self._back_to_triggered(incident, agent)
        self.note_down(incident, "escalate", agent, f"Escalated to level {level}")
        self._ask_level(incident, level, agent)
        self.tell("incident.escalated", incident, agent)

    # -- records -------------------------------------------------------------------------------------------------

    def note_down(
        self, incident: Incident, kind: str, agent: Json | None, summary: str, **more: object
    ) -> None:
        """Add a log entry of `<kind>_log_entry`."""
        incident.updated_at = self.clock.now()
        service = service_ref(self.account.services[incident.service_id])
        human = agent is not None and agent.get("type") == "user_reference"
        incident.log.append(
            {
                "id": self.ids.letters("log entry", "R", 26),
                "type": f"{kind}_log_entry",
                "summary": f"{summary} by {agent['summary']}" if human and agent else summary,
                "created_at": iso_seconds(incident.updated_at),
                "agent": agent or service,
                "channel": {"type": "api" if human else "auto", "summary": summary},
                "incident": incident_ref(incident),
                "service": service,
                "teams": [],
                **more,
            }
        )

    def tell(self, event_type: str, incident: Incident, agent: Json | None, data: Json | None = None) -> None:
        self.publish(
            event_type, incident, agent, webhook_json(self.account, incident) if data is None else data
        )

    def forget(self) -> None:
        self.incidents.clear()

    # -- inside --------------------------------------------------------------------------------------------------

    def _reopen(self, incident: Incident, agent: Json | None, *, acknowledged: bool) -> None:
        incident.resolved_at = incident.resolve_reason = None
        self._set_status(incident, "acknowledged" if acknowledged else "triggered", agent)
        if acknowledged and agent and agent["id"] in self.account.users:
            self._acknowledged_by(incident, agent["id"])
            self.note_down(incident, "acknowledge", agent, "Reopened and acknowledged")
            self._start_acknowledgement_timeout(incident)
        else:
            incident.assigned_via = "escalation_policy"
            incident.loops_done = 0
            self.note_down(incident, "trigger", agent, "Reopened")
            self._ask_level(incident, 1, agent)
        self._restart_auto_resolve(incident)
        self.tell("incident.reopened", incident, agent)

    def _acknowledged_by(self, incident: Incident, user_id: str | None) -> None:
        self._stop(incident, "escalate")
        now = self.clock.now()
        for each in [user_id] if user_id else list(incident.assignees):
            incident.acknowledgers[each] = now
        if user_id:
            kept = {each: at for each, at in incident.assignees.items() if each in incident.acknowledgers}
            incident.assignees = {**kept, user_id: kept.get(user_id, now)}

    def _back_to_triggered(self, incident: Incident, agent: Json | None) -> None:
        incident.acknowledgers.clear()
        incident.snoozed_until = None
        self._stop(incident, "unacknowledge")
        if incident.status != "triggered":
            self._set_status(incident, "triggered", agent)
            self._restart_auto_resolve(incident)

    def _need_open(self, incident: Incident) -> None:
        if not incident.open:
            raise already(1001, "Incident Already Resolved")

    def _set_status(self, incident: Incident, status: str, agent: Json | None) -> None:
        incident.status = status
        incident.status_since = incident.updated_at = self.clock.now()
        incident.changed_by = agent or service_ref(self.account.services[incident.service_id])

    def _ask_level(self, incident: Incident, level: int, agent: Json | None) -> None:
        policy = self.account.policies.get(incident.policy_id)
        if policy is None:
            raise bad_arguments("Escalation policy not found")
        later = range(level, len(policy.levels) + 1)
        # a level with nobody on call is passed over; with nobody on any the incident stays unassigned
        level = next(
            (number for number in later if self.account.on_call(policy, number, self.clock.now())), level
        )
        incident.level = level
        incident.assignees.clear()
        self._assign(incident, self.account.on_call(policy, level, self.clock.now()), agent, ring=True)
        self._start_escalation(incident)

    def _assign(self, incident: Incident, user_ids: list[str], agent: Json | None, *, ring: bool) -> None:
        if unknown := [user_id for user_id in user_ids if user_id not in self.account.users]:
            raise bad_input(f"Assignee {unknown[0]} not found")
        now = self.clock.now()
        incident.assignees.update(dict.fromkeys(user_ids, now))
        people = [user_ref(self.account.users[user_id]) for user_id in user_ids]
        self.note_down(incident, "assign", agent, "Assigned", assignees=people)
        if ring and not incident.silent:
            for user_id in user_ids:
                self._ring(incident, user_id, now)

    def _ring(self, incident: Incident, user_id: str, now: datetime) -> None:
        user = self.account.users[user_id]
        channel = "phone" if incident.urgency == "high" else "email"
        incident.notifications.append(
            {"at": iso_millis(now), "user": user.email, "channel": channel, "status": incident.status}
        )
        self.note_down(incident, "notify", None, f"Notified {user.name} by {channel}", user=user_ref(user))

    def _start_escalation(self, incident: Incident) -> None:
        self._stop(incident, "escalate")
        if incident.assigned_via == "escalation_policy":
            rule = self.account.policies[incident.policy_id].levels[incident.level - 1]
            at = self.clock.now() + timedelta(minutes=rule.delay_minutes)
            self._start(incident, "escalate", at, lambda: self._escalate_by_time(incident))

    def _escalate_by_time(self, incident: Incident) -> None:
        policy: Policy = self.account.policies[incident.policy_id]
        level = incident.level + 1
        if level > len(policy.levels):
            if incident.loops_done >= policy.num_loops:
                self.note_down(incident, "exhaust_escalation_path", None, "Nobody is left to ask")
                return
            incident.loops_done += 1
            level = 1
            self.note_down(
                incident, "repeat_escalation_path", None, f"Asking again, round {incident.loops_done + 1}"
            )
        self.escalate(incident, level, None)

    def _start_acknowledgement_timeout(self, incident: Incident) -> None:
        seconds = self.account.services[incident.service_id].acknowledgement_timeout
        if seconds:
            at = self.clock.now() + timedelta(seconds=seconds)
            self._start(incident, "unacknowledge", at, lambda: self.unacknowledge(incident, None))

    def _restart_auto_resolve(self, incident: Incident) -> None:
        seconds = self.account.services[incident.service_id].auto_resolve_timeout
        if seconds:
            at = self.clock.now() + timedelta(seconds=seconds)
            self._start(incident, "resolve", at, lambda: self.resolve(incident, None))

    def _start(self, incident: Incident, kind: str, at: datetime, action: Callable[[], None]) -> None:
        self._stop(incident, kind)

        def due() -> None:
            incident.timers.pop(kind, None)
            action()

        incident.timers[kind] = self.clock.call_at(at, due)

    def _stop(self, incident: Incident, kind: str) -> None:
        if (timer := incident.timers.pop(kind, None)) is not None:
            timer.cancel()
