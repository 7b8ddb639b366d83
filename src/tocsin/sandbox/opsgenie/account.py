"""Which account does the simulated Opsgenie start with?"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from tocsin.sandbox.rotation import Rotation

Json = dict[str, Any]
_SPACE = uuid.UUID("7c1f2f0e-6f0d-5d5a-9d0a-0d6f0c0ffee0")


@dataclass(frozen=True)
class User:
    id: str
    username: str
    full_name: str


@dataclass(frozen=True)
class Team:
    """A team; its schedule is `<name>_schedule`, whose turns are in `Account.rotations`; its routing rule names that schedule."""

    id: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Ask `usernames` after `delay_minutes` if the alert is not acknowledged by then (`if-not-acked`)."""

    delay_minutes: int
    usernames: tuple[str, ...]


@dataclass(frozen=True)
class Escalation:
    id: str
    name: str
    rules: tuple[Rule, ...]


@dataclass
class Account:
    users: dict[str, User] = field(default_factory=dict)  # by username
    teams: dict[str, Team] = field(default_factory=dict)  # by name
    escalations: dict[str, Escalation] = field(default_factory=dict)  # by name
    rotations: dict[str, Rotation] = field(default_factory=dict)  # by the team's name; people are usernames
    integration_id: str = ""

    def person(self, who: str) -> User | None:
        """The user with that id, address, name or part before the @."""
        wanted = who.strip().lower()
        for user in self.users.values():
            if wanted in (user.id, user.username, user.full_name.lower(), user.username.split("@")[0]):
                return user
        return None

    def team(self, wanted: Json) -> Team | None:
        return next((t for t in self.teams.values() if _meant(wanted, t.id, t.name)), None)

    def escalation(self, wanted: Json) -> Escalation | None:
        return next((e for e in self.escalations.values() if _meant(wanted, e.id, e.name)), None)

    def schedule(self, wanted: Json) -> Team | None:
        """The team whose schedule is meant."""
        names = ((stable_id(f"schedule/{t.name}"), f"{t.name}_schedule", t) for t in self.teams.values())
        return next((team for schedule_id, name, team in names if _meant(wanted, schedule_id, name)), None)


def _meant(wanted: Json, own_id: str, own_name: str) -> bool:
    return wanted.get("id") == own_id or wanted.get("name") == own_name


def stable_id(name: str) -> str:
    return str(uuid.uuid5(_SPACE, name))


def named(account: Account) -> dict[str, list[Json]]:
    """What the configuration API lists, by the word of its path."""
    teams, users, escalations = account.teams, account.users.values(), account.escalations.values()
    return {
        "teams": [{"id": t.id, "name": t.name, "description": ""} for t in teams.values()],
        "users": [{"id": u.id, "username": u.username, "fullName": u.full_name} for u in users],
        "escalations": [{"id": e.id, "name": e.name, "rules": _rules(account, e)} for e in escalations],
        "schedules": [
            {"id": stable_id(f"schedule/{t}"), "name": f"{t}_schedule", "timezone": "Etc/UTC", "enabled": True}
            for t in teams
        ],
    }  # fmt: skip


def _rules(account: Account, escalation: Escalation) -> list[Json]:
    return [
        {
            "condition": "if-not-acked",
            "notifyType": "default",
            "delay": {"timeAmount": rule.delay_minutes, "timeUnit": "minutes"},
            "recipient": {"type": "user", "id": account.users[username].id, "username": username},
        }
        for rule in escalation.rules
        for username in rule.usernames
    ]


def seed_account() -> Account:
    """The account that the project's example configuration expects."""
    account = Account(integration_id=stable_id("integration/api"))
    for name in ("Tocsin-bot", "Ada", "Bo", "Cy", "Di", "Ed"):
        username = f"{name.lower()}@example.com"
        account.users[username] = User(stable_id(f"user/{username}"), username, name)
    members = {"Payments": ("bo@example.com", "ada@example.com"), "Ops": ("di@example.com", "ed@example.com")}
    for team, people in members.items():
        account.teams[team] = Team(stable_id(f"team/{team}"), team, people)
        account.rotations[team] = Rotation(people[:1])
    rules = (Rule(0, ("di@example.com",)), Rule(10, ("bo@example.com",)))
    account.escalations["DB lead"] = Escalation(stable_id("escalation/DB lead"), "DB lead", rules)
    return account
