"""Which account does the simulated PagerDuty start with, and how are its things named in JSON?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tocsin.sandbox.rotation import Rotation

Json = dict[str, Any]
WEB = "https://sandbox.pagerduty.example"
API = "https://api.pagerduty.com"


@dataclass(frozen=True)
class User:
    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Level:
    """One escalation rule: who, and after how many minutes the next one is asked."""

    delay_minutes: int
    user_ids: tuple[str, ...]
    schedule_id: str | None = None


@dataclass
class Policy:
    id: str
    name: str
    levels: list[Level]
    num_loops: int = 0


@dataclass
class Service:
    """A service. Timeouts in seconds, None = off; `grouping_seconds` 0 = every alert its own incident."""

    id: str
    name: str
    policy_id: str
    routing_key: str
    status: str = "active"
    urgency: str = "high"
    acknowledgement_timeout: int | None = 1800
    auto_resolve_timeout: int | None = 14400
    grouping_seconds: int = 0


@dataclass
class Schedule:
    """A schedule; the people of its rotation are ids of users."""

    id: str
    name: str
    rotation: Rotation


@dataclass(frozen=True)
class Priority:
    id: str
    name: str
    order: int


@dataclass
class CustomField:
    id: str
    name: str
    data_type: str = "string"
    field_type: str = "single_value"


@dataclass
class Account:
    """Everything that is set up rather than happening."""

    users: dict[str, User] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    priorities: dict[str, Priority] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    custom_fields: dict[str, CustomField] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)

    def person(self, who: str) -> User | None:
        """The user with that id, e-mail address, name or part before the @."""
        wanted = who.strip().lower()
        for user in self.users.values():
            if wanted in (
                user.id.lower(),
                user.email.lower(),
                user.name.lower(),
                user.email.split("@")[0].lower(),
            ):
                return user
        return None

    def by_routing_key(self, key: str) -> Service | None:
        return next((s for s in self.services.values() if s.routing_key == key), None)

    def on_call(self, policy: Policy, level: int, at: datetime) -> list[str]:
        """Ids of the users asked at `level` (from 1) of the policy at that instant."""
        rule = policy.levels[level - 1]
        turn = self.schedules[rule.schedule_id].rotation.at(at) if rule.schedule_id else ""
        return [*dict.fromkeys((*rule.user_ids, *([turn] if turn else [])))]


def seed_account() -> Account:
    """The account that the project's example configuration expects; ids are fixed, not derived from the seed."""
    account = Account()
    people = {
        "PUBOT01": "Tocsin-bot",
        "PUADA01": "Ada",
        "PUBO001": "Bo",
        "PUCY001": "Cy",
        "PUDI001": "Di",
        "PUED001": "Ed",
    }
    for user_id, name in people.items():
        account.users[user_id] = User(user_id, name, f"{name.lower()}@example.com")
    account.schedules["PSGEN01"] = Schedule("PSGEN01", "Operations primary", Rotation(("PUED001",)))
    account.teams = {"PTEAM01": "Payments", "PTEAM02": "Operations"}
    _add_service(account, "PGEN001", "General", [Level(30, (), "PSGEN01"), Level(30, ("PUDI001",))])
    _add_service(account, "PPAY001", "Payments", [Level(15, ("PUBO001",)), Level(30, ("PUADA01",))])
    _add_service(account, "PDAT001", "Database", [Level(30, ("PUBO001",)), Level(30, ("PUDI001",))])
    _add_service(account, "PWEB001", "Web", [Level(30, ("PUED001",)), Level(30, ("PUCY001",))])
    account.policies["PLEAD01"] = Policy(
        "PLEAD01", "Database lead", [Level(10, ("PUDI001",)), Level(30, ("PUBO001",))], 2
    )
    for order, name in enumerate(("P1", "P2", "P3", "P4", "P5")):
        account.priorities[f"PPRIO0{order + 1}"] = Priority(f"PPRIO0{order + 1}", name, 512 >> order)
    for number, name in enumerate(
        ("environment", "customer_impact", "root_cause", "correlation_id"), start=1
    ):
        account.custom_fields[name] = CustomField(f"PCF000{number}", name)
    return account


def _add_service(account: Account, service_id: str, name: str, levels: list[Level]) -> None:
    policy_id = f"{service_id[:4]}EP1"
    account.policies[policy_id] = Policy(policy_id, f"{name} (default)", levels, num_loops=1)
    routing_key = f"sandbox{service_id.lower()}routingkey".ljust(32, "0")
    account.services[service_id] = Service(service_id, name, policy_id, routing_key)


def reference(kind: str, plural: str, thing_id: str, summary: str) -> Json:
    """A PagerDuty reference: id, type, summary and where to find it."""
    return {
        "id": thing_id,
        "type": f"{kind}_reference",
        "summary": summary,
        "self": f"{API}/{plural}/{thing_id}",
        "html_url": f"{WEB}/{plural}/{thing_id}",
    }


def user_ref(user: User) -> Json:
    return reference("user", "users", user.id, user.name)


def service_ref(service: Service) -> Json:
    return reference("service", "services", service.id, service.name)


def policy_ref(policy: Policy) -> Json:
    return reference("escalation_policy", "escalation_policies", policy.id, policy.name)


def priority_json(priority: Priority) -> Json:
    body = reference("priority", "priorities", priority.id, priority.name)
    return {**body, "type": "priority", "name": priority.name, "description": "", "order": priority.order}


def user_json(user: User) -> Json:
    body = {**user_ref(user), "type": "user", "name": user.name, "email": user.email, "role": "user"}
    return {**body, "time_zone": "Etc/UTC", "teams": [], "contact_methods": [], "notification_rules": []}


def service_json(account: Account, service: Service) -> Json:
    return {
        **service_ref(service),
        "type": "service",
        "name": service.name,
        "description": "",
        "status": service.status,
        "acknowledgement_timeout": service.acknowledgement_timeout,
        "auto_resolve_timeout": service.auto_resolve_timeout,
        "incident_urgency_rule": {"type": "constant", "urgency": service.urgency},
        "alert_creation": "create_alerts_and_incidents",
        "escalation_policy": policy_ref(account.policies[service.policy_id]),
        "integrations": [],
        "teams": [],
    }


def policy_json(account: Account, policy: Policy) -> Json:
    rules = [
        _rule_json(account, policy.id, number, rule) for number, rule in enumerate(policy.levels, start=1)
    ]
    serving = [service_ref(s) for s in account.services.values() if s.policy_id == policy.id]
    body = {
        **policy_ref(policy),
        "type": "escalation_policy",
        "name": policy.name,
        "num_loops": policy.num_loops,
    }
    return {
        **body,
        "escalation_rules": rules,
        "services": serving,
        "teams": [],
        "on_call_handoff_notifications": "if_has_services",
    }


def _rule_json(account: Account, policy_id: str, number: int, rule: Level) -> Json:
    targets = [user_ref(account.users[user_id]) for user_id in rule.user_ids]
    if rule.schedule_id:
        targets.append(schedule_ref(account, rule.schedule_id))
    return {
        "id": f"{policy_id}R{number}",
        "escalation_delay_in_minutes": rule.delay_minutes,
        "targets": targets,
    }


def schedule_ref(account: Account, schedule_id: str) -> Json:
    return reference("schedule", "schedules", schedule_id, account.schedules[schedule_id].name)
